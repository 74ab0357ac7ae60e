// SPDX-License-Identifier: Apache-2.0
#pragma once

// The two inner loops over class probabilities, for the vectors that the processor has. A tile is a few hundred rows of every
// class, one pointer a class, small enough to stay in the first cache between the two.

#include <cstddef>
#include <cstdint>

#include "table/row_words.h"

namespace plimsoll::learn {

inline constexpr std::size_t class_tile = 512;

// What a tile says: each p within [-1e-9, 1 + 1e-9] (a value that is none shows in its sum), each sum within 1e-6 of one, and
// the largest distance of a sum from one.
struct TileCheck {
  bool ranged = true;
  bool exact = true;
  double largest = 0;
};

struct ClassLoops {
  // Sums of the rows, added in the order of the classes; count at most class_tile.
  TileCheck (*check)(const double* const* columns, std::size_t classes, std::size_t count, double* sums);
  // The same, and hashes[i] += the words of the row, each column's by its spread: one reading of memory serves both.
  TileCheck (*check_and_hash)(const double* const* columns, const WordSpread* spreads, std::size_t classes, std::size_t count, double* sums, std::uint64_t* hashes);
  // Bit c of masks[i] is set if columns[c][i] >= least[c], else left; at most 64 classes.
  void (*pass)(const double* const* columns, const double* least, std::size_t classes, std::size_t count, std::uint64_t* masks);
};

const ClassLoops& class_loops();                // the widest that the processor runs
std::span<const ClassLoops> all_class_loops();  // those that it runs, the plain one first

}  // namespace plimsoll::learn

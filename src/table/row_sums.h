// SPDX-License-Identifier: Apache-2.0
#pragma once

// What stands behind RowHasher's hashes, for a pass over the rows that reads some columns anyway: it adds their words itself,
// while it has the values at hand, and leaves the others to us. The hashes are the same.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "table/row_words.h"
#include "table/table.h"

namespace plimsoll {

class RowSums {
 public:
  // For rows that are hashed by all their columns, of which `added` are columns of reals that the caller adds. None if the rows
  // are hashed by an id, or one of `added` is no column of reals or named twice. Views the table's memory.
  static Result<std::optional<RowSums>> of(const Table& table, const std::vector<std::string>& added);
  std::span<const WordSpread> spreads() const { return spreads_; }  // of `added`, in its order
  // Adds the other columns' words of the rows from `begin` on and turns the sums into hashes.
  void finish(std::int64_t begin, std::span<std::uint64_t> sums) const;

 private:
  struct Column;
  std::shared_ptr<const std::vector<Column>> others_;
  std::vector<WordSpread> spreads_;
};

}  // namespace plimsoll

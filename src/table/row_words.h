// SPDX-License-Identifier: Apache-2.0
#pragma once

// The inner loop of a row fingerprint, for the vectors that the processor has.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace plimsoll {

inline constexpr std::uint64_t null_word = 0x6e756c6c6e756c6cULL;

// The word of a number: its bits. Zeros of both signs are one value; NaN is missing. Both lie outside of what one comparison
// lets pass, so that ordinary numbers pay little.
inline std::uint64_t word_of(double value) {
  constexpr std::uint64_t beyond_infinity = 0xffe0000000000000ULL;  // twice the bits of infinity
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
  if ((bits << 1U) - 1U < beyond_infinity) [[likely]] return bits;
  return value == 0 ? 0 : null_word;
}

// What a column does to its words before they are added to the rows' sums.
struct WordSpread {
  std::uint64_t salt = 0;
  std::uint64_t factor = 1;
  std::uint64_t operator()(std::uint64_t word) const {
    const std::uint64_t x = word ^ salt;
    return (x ^ (x >> 32U)) * factor;
  }
};

// The SplitMix64 finaliser (Steele, Lea, Flood 2014).
inline std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

struct WordLoops {
  // sums[i] += spread(word_of(values[i]))
  void (*add)(WordSpread spread, const double* values, std::size_t count, std::uint64_t* sums);
  // sums[i] = mixed(sums[i]); the least of them
  std::uint64_t (*mix)(std::uint64_t* sums, std::size_t count);
};
const WordLoops& word_loops();                  // the widest that the processor runs
std::span<const WordLoops> all_word_loops();    // those that it runs, the plain one first

}  // namespace plimsoll

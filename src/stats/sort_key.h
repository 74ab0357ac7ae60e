// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

namespace plimsoll::stats {

// A 64-bit key that orders as the number does: sort_key(a) < sort_key(b) exactly if a < b. Minus zero becomes zero, so that
// equal numbers have equal keys. Infinities have their places; NaN has none (its key lies outside [key of -inf, key of inf]).
inline std::uint64_t sort_key(double x) {
  const auto bits = std::bit_cast<std::uint64_t>(x + 0.0);  // -0.0 + 0.0 is +0.0
  const auto negative = static_cast<std::uint64_t>(static_cast<std::int64_t>(bits) >> 63);
  return bits ^ (negative | (std::uint64_t{1} << 63));
}

inline double of_sort_key(std::uint64_t key) {
  const std::uint64_t negative = (key >> 63) - 1;  // all ones where the sign bit of the number is set
  return std::bit_cast<double>(key ^ (negative | (std::uint64_t{1} << 63)));
}

inline constexpr std::uint64_t lowest_key = 0x000FFFFFFFFFFFFFu;   // of -inf
inline constexpr std::uint64_t highest_key = 0xFFF0000000000000u;  // of +inf

}  // namespace plimsoll::stats

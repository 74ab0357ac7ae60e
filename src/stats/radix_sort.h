// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace plimsoll::stats {

// Stable sort by a 64-bit key, least significant digit first, 11 bits a pass; digits that are equal in all keys are skipped.
// `key(item)` gives the key; fewer than 2^32 items.
template <class Item, class Key>
void radix_sort(std::vector<Item>& items, std::vector<Item>& other, const Key& key) {
  constexpr int digit_bits = 11;
  constexpr std::size_t cells = std::size_t{1} << digit_bits;
  constexpr int passes = (64 + digit_bits - 1) / digit_bits;
  if (items.empty()) return;
  std::vector<std::array<std::uint32_t, cells>> counts(passes);
  for (const Item& item : items)
    for (int p = 0; p < passes; ++p) ++counts[static_cast<std::size_t>(p)][(key(item) >> (p * digit_bits)) & (cells - 1)];
  other.resize(items.size());
  for (int p = 0; p < passes; ++p) {
    auto& count = counts[static_cast<std::size_t>(p)];
    if (count[(key(items[0]) >> (p * digit_bits)) & (cells - 1)] == items.size()) continue;
    std::uint32_t before = 0;
    for (std::uint32_t& c : count) {
      const std::uint32_t here = c;
      c = before;
      before += here;
    }
    for (const Item& item : items) other[count[(key(item) >> (p * digit_bits)) & (cells - 1)]++] = item;
    items.swap(other);
  }
}

}  // namespace plimsoll::stats

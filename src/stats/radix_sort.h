// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace plimsoll::stats {

// Range of the keys, and whether they stand in order already.
struct KeyRange {
  std::uint64_t low = ~std::uint64_t{0};
  std::uint64_t high = 0;
  bool rising = true;
};

// Stable sort by a 64-bit key, least significant digit first. Digits of 11 bits are laid from the highest bit in which keys differ, and
// only as many are sorted by as leave few items out of order; a last look sets those right one by one. Where the lower bits
// crowd after all, the rest of the digits is sorted by: no keys make it slower than a few passes more. A digit that is equal
// in all keys is skipped. Scattered writes ask for the next line of their run in time.
template <class Item, class Key>
class RadixSort {
 public:
  // `other` has room for as many; gives the one of the two that holds the sorted items.
  static std::span<Item> run(std::span<Item> items, std::span<Item> other, const KeyRange& range, const Key& key) {
    if (range.rising || items.size() < 2) return items;
    if (items.size() < few) {
      std::stable_sort(items.begin(), items.end(), [&](const Item& a, const Item& b) { return key(a) < key(b); });
      return items;
    }
    return RadixSort(items, other, range, key).sorted();
  }

 private:
  static constexpr int digit_bits = 11;
  static constexpr int most_passes = (64 + digit_bits - 1) / digit_bits;
  static constexpr std::size_t cells = std::size_t{1} << digit_bits;
  static constexpr std::size_t few = 512;
  using Counts = std::array<std::uint32_t, cells>;

  RadixSort(std::span<Item> items, std::span<Item> other, const KeyRange& range, const Key& key)
      : from_(items), to_(other), key_(key), low_(range.low), bits_(static_cast<int>(std::bit_width(range.high - range.low))), all_((bits_ + digit_bits - 1) / digit_bits), counts_(new Counts[most_passes]) {}

  int shift_of(int pass) const { return std::max(0, bits_ - digit_bits * (pass + 1)); }
  std::uint64_t mask_of(int pass) const { return (std::uint64_t{1} << (bits_ - digit_bits * pass - shift_of(pass))) - 1; }
  std::size_t digit(const Item& item, int pass) const { return static_cast<std::size_t>(((key_(item) - low_) >> shift_of(pass)) & mask_of(pass)); }

  std::span<Item> sorted() {
    count_top();
    const int passes = enough();
    count_rest(passes);
    for (int pass = passes; pass-- > 0;) scatter(pass);
    if (passes == all_ || set_right()) return from_;
    count_top();
    count_rest(all_);
    for (int pass = all_; pass-- > 0;) scatter(pass);
    return from_;
  }

  void count_top() {
    counts_[0].fill(0);
    for (const Item& item : from_) ++counts_[0][digit(item, 0)];
  }

  void count_rest(int passes) {
    for (int pass = 1; pass < passes; ++pass) {
      Counts& count = counts_[static_cast<std::size_t>(pass)];
      count.fill(0);
      const int shift = shift_of(pass);
      const std::uint64_t mask = mask_of(pass);
      for (const Item& item : from_) ++count[static_cast<std::size_t>(((key_(item) - low_) >> shift) & mask)];
    }
  }

  // Passes that would leave a pair in three out of order if each cell of the top digit were evenly filled.
  int enough() const {
    double pairs = 0;
    for (const std::uint32_t c : counts_[0]) pairs += static_cast<double>(c) * c / 2;
    int passes = 1;
    for (; passes < all_ && pairs > static_cast<double>(from_.size()) / 3; ++passes) pairs /= static_cast<double>(cells);
    return passes;
  }

  void scatter(int pass) {
    Counts& count = counts_[static_cast<std::size_t>(pass)];
    if (count[digit(from_[0], pass)] == from_.size()) return;
    std::uint32_t before = 0;
    for (std::uint32_t& c : count) {
      const std::uint32_t here = c;
      c = before;
      before += here;
    }
    const int shift = shift_of(pass);
    const std::uint64_t mask = mask_of(pass), low = low_;
    const Key key = key_;
    Item* const out = to_.data();
    for (const Item& item : from_) {
      Item* const place = out + count[static_cast<std::size_t>(((key(item) - low) >> shift) & mask)]++;
      __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(place) + 64), 1);
      *place = item;
    }
    std::swap(from_, to_);
  }

  // Insertion; false when too many stand out of order, what it has moved until then in order.
  bool set_right() {
    std::size_t moves = 8 * from_.size();
    for (std::size_t i = 1; i < from_.size(); ++i) {
      if (!(key_(from_[i]) < key_(from_[i - 1]))) continue;
      const Item item = from_[i];
      std::size_t at = i;
      do {
        from_[at] = from_[at - 1];
        --at;
      } while (at > 0 && key_(item) < key_(from_[at - 1]));
      from_[at] = item;
      if (moves < i - at) return false;
      moves -= i - at;
    }
    return true;
  }

  std::span<Item> from_, to_;
  const Key& key_;
  std::uint64_t low_;
  int bits_;
  int all_;
  std::unique_ptr<Counts[]> counts_;
};

// Sorts a vector; `other` is scratch that a caller may keep.
template <class Items, class Key>
void radix_sort(Items& items, Items& other, const Key& key) {
  KeyRange range;
  std::uint64_t last = 0;
  for (const auto& item : items) {
    const std::uint64_t k = key(item);
    range.low = std::min(range.low, k);
    range.high = std::max(range.high, k);
    range.rising = range.rising && last <= k;
    last = k;
  }
  using Item = typename Items::value_type;
  if (!range.rising) other.resize(items.size());
  if (RadixSort<Item, Key>::run(items, std::span<Item>(other), range, key).data() != items.data()) items.swap(other);
}

}  // namespace plimsoll::stats

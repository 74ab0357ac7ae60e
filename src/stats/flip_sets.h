// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sets of items whose whole costs sum to at most a budget: listed by rising cost, or counted without listing. In a prediction set over
// label-sets an item is a label that differs from the most conforming label-set, so that listing costs what is listed, not 2^items
// (a knapsack over subsets; the knapsack over ranks is rank_knapsack.h). Costs are whole numbers: sums have one value in any order.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"

namespace plimsoll::stats {

// Item j of set i is in it iff bit j % 64 of masks[i * words + j / 64] is set.
struct FlipSets {
  std::size_t words = 1;
  std::vector<std::uint64_t> masks;
  std::vector<std::int64_t> costs;  // rising
  bool complete = true;             // false: more sets stay under the budget, none cheaper than those listed
  std::size_t size() const { return costs.size(); }
  std::span<const std::uint64_t> at(std::size_t i) const { return std::span(masks).subspan(i * words, words); }
};
inline std::size_t words_of(std::size_t items) { return items == 0 ? 1 : (items + 63) / 64; }
// What a set costs beyond its items: at least 0, or -1 for a set that is not allowed. Empty: nothing.
using ExtraCost = std::function<std::int64_t(std::span<const std::uint64_t> mask)>;

struct FlipSearch {
  std::int64_t most = 10'000;          // sets listed
  std::int64_t most_work = 10'000'000; // sets looked at, where extra costs leave some out
  std::function<Result<void>()> stop;  // asked now and then
};
// Costs >= 0, sum below 2^62. With at most `most` sets under the budget all of them, else the cheapest; ties by their masks among the
// listed. A negative budget has no set.
Result<FlipSets> flips_within(std::span<const std::int64_t> costs, std::int64_t budget, const FlipSearch& search, const ExtraCost& extra = {});
// Every set under the budget in the order of a depth-first walk, for up to 64 items: each step of the walk is a set, nothing else is
// looked at. Stops beyond `most`; false then.
bool walk_flips(std::span<const std::int64_t> costs, std::int64_t budget, std::size_t most, std::vector<std::uint64_t>& masks, std::vector<std::int64_t>& sums);

struct FlipCount {
  double low = 0;
  double high = 0;  // low <= number of sets <= high; infinite beyond a double's range
  bool exact = false;
};
// Exact by meeting in the middle if at most `exact_items` items are affordable (memory 2^(items / 2) numbers), else two integer
// knapsacks on `cells` cells: costs rounded up count too few sets, rounded down too many. O(items cells).
FlipCount count_flips(std::span<const std::int64_t> costs, std::int64_t budget, std::int64_t cells, std::int64_t exact_items);
// The same for sets after which at most `most_on` items are on, when item j is on before a flip iff on[j]; by knapsacks alone.
FlipCount count_flips_up_to(std::span<const std::int64_t> costs, const std::vector<bool>& on, std::int64_t most_on, std::int64_t budget, std::int64_t cells);

}  // namespace plimsoll::stats

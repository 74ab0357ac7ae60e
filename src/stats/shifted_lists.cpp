// SPDX-License-Identifier: Apache-2.0
// Bisection over the lists: a fence from shares of the rank that are the same for every query (the c_f with sum c_f = rank - 1 give
// a value that at most rank - 1 others lie below, and one more a value that at least `rank` lie at or below), then cuts at the
// weighted median of the lists' middles, each of which leaves at most three quarters of what was left, until a few are left.

#include "stats/shifted_lists.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace plimsoll::stats {
namespace {

constexpr std::size_t few = 48;
constexpr double infinity = std::numeric_limits<double>::infinity();

// First index in [begin, end) whose moved value is not below `at` (or, with `past`, above it), by halving without branches.
template <bool past>
std::size_t first_from(std::span<const double> list, std::size_t begin, std::size_t end, double shift, double at) {
  const double* base = list.data() + begin;
  std::size_t count = end - begin;
  while (count > 0) {
    const std::size_t half = count / 2;
    const double value = shift + base[half];
    const bool right = past ? value <= at : value < at;
    base = right ? base + half + 1 : base;
    count = right ? count - half - 1 : half;
  }
  return static_cast<std::size_t>(base - list.data());
}

}  // namespace

std::size_t count_below(std::span<const double> sorted, double at) { return static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), at) - sorted.begin()); }
std::size_t count_at_most(std::span<const double> sorted, double at) { return static_cast<std::size_t>(std::upper_bound(sorted.begin(), sorted.end(), at) - sorted.begin()); }

ShiftedLists::ShiftedLists(std::span<const double> values, std::span<const std::int64_t> offsets) : size_(static_cast<std::int64_t>(values.size())) {
  for (std::size_t f = 0; f + 1 < offsets.size(); ++f) lists_.push_back(values.subspan(static_cast<std::size_t>(offsets[f]), static_cast<std::size_t>(offsets[f + 1] - offsets[f])));
}

ShiftedLists::Plan ShiftedLists::plan(std::int64_t rank) const {
  Plan plan;
  plan.rank = rank;
  plan.before.resize(lists_.size(), 0);
  if (rank < 1 || rank > size_) return plan;
  auto left = static_cast<std::size_t>(rank - 1);
  for (std::size_t f = 0; f < lists_.size(); ++f) {
    const double share = static_cast<double>(rank - 1) * (static_cast<double>(lists_[f].size()) / static_cast<double>(size_));
    plan.before[f] = std::min({static_cast<std::size_t>(share), lists_[f].size(), left});
    left -= plan.before[f];
  }
  for (std::size_t f = 0; f < lists_.size(); ++f) {
    const std::size_t more = std::min(left, lists_[f].size() - plan.before[f]);
    plan.before[f] += more;
    left -= more;
  }
  while (plan.before[plan.one_more] == lists_[plan.one_more].size()) ++plan.one_more;  // rank - 1 < size: there is one
  return plan;
}

// Sets begin and end of each list to what the fence leaves.
void ShiftedLists::fence(const Plan& plan, std::span<const double> shifts, Room& room) const {
  double low = infinity;
  double high = -infinity;
  for (std::size_t f = 0; f < lists_.size(); ++f) {
    const std::size_t c = plan.before[f];
    if (c < lists_[f].size()) low = std::min(low, shifts[f] + lists_[f][c]);
    const std::size_t d = c + (f == plan.one_more ? 1 : 0);
    if (d > 0) high = std::max(high, shifts[f] + lists_[f][d - 1]);
  }
  for (std::size_t f = 0; f < lists_.size(); ++f) {
    const std::size_t c = plan.before[f];
    // At the fence's own places one side is known: the value at c is at least `low`, the one before it at most `high`.
    room.begin[f] = first_from<false>(lists_[f], 0, c, shifts[f], low);
    room.end[f] = first_from<true>(lists_[f], c, lists_[f].size(), shifts[f], high);
  }
}

// Weighted median of the middles of the ranges: a quarter of the values lie on either side at least.
double ShiftedLists::middle(std::span<const double> shifts, Room& room, std::size_t left) const {
  room.order.clear();
  room.gathered.resize(lists_.size());
  for (std::size_t f = 0; f < lists_.size(); ++f) {
    if (room.begin[f] == room.end[f]) continue;
    room.gathered[f] = shifts[f] + lists_[f][room.begin[f] + (room.end[f] - room.begin[f]) / 2];
    room.order.push_back(f);
  }
  std::sort(room.order.begin(), room.order.end(), [&](std::size_t a, std::size_t b) { return room.gathered[a] < room.gathered[b]; });
  std::size_t passed = 0;
  for (const std::size_t f : room.order) {
    passed += room.end[f] - room.begin[f];
    if (2 * passed >= left) return room.gathered[f];
  }
  return room.gathered[room.order.back()];
}

double ShiftedLists::at(const Plan& plan, std::span<const double> shifts, Room& room) const {
  if (plan.rank < 1) return -infinity;
  if (plan.rank > size_) return infinity;
  const std::size_t k = lists_.size();
  room.begin.resize(k);
  room.end.resize(k);
  room.low.resize(k);
  room.high.resize(k);
  fence(plan, shifts, room);
  auto rank = static_cast<std::size_t>(plan.rank);
  std::size_t left = 0;
  for (std::size_t f = 0; f < k; ++f) {
    rank -= room.begin[f];
    left += room.end[f] - room.begin[f];
  }
  while (left > few + 2 * k) {
    const double cut = middle(shifts, room, left);
    std::size_t below = 0;
    std::size_t within = 0;
    for (std::size_t f = 0; f < k; ++f) {
      room.low[f] = first_from<false>(lists_[f], room.begin[f], room.end[f], shifts[f], cut);
      room.high[f] = first_from<true>(lists_[f], room.low[f], room.end[f], shifts[f], cut);
      below += room.low[f] - room.begin[f];
      within += room.high[f] - room.begin[f];
    }
    if (below < rank && rank <= within) return cut + 0.0;  // either zero may stand there: give the one
    const bool down = rank <= below;
    if (down) room.end.swap(room.low);
    else room.begin.swap(room.high);
    rank -= down ? 0 : within;
    left = down ? below : left - within;
  }
  room.gathered.clear();
  for (std::size_t f = 0; f < k; ++f)
    for (std::size_t i = room.begin[f]; i < room.end[f]; ++i) room.gathered.push_back(shifts[f] + lists_[f][i]);
  const auto place = room.gathered.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::nth_element(room.gathered.begin(), place, room.gathered.end());
  return *place + 0.0;
}

}  // namespace plimsoll::stats

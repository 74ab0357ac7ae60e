// SPDX-License-Identifier: Apache-2.0
#include "stats/flip_sets.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <queue>
#include <tuple>
#include <utility>

namespace plimsoll::stats {
namespace {

// The affordable items by rising cost, ties by place.
struct Sorted {
  std::vector<std::int64_t> costs;
  std::vector<std::size_t> items;
};

Sorted affordable(std::span<const std::int64_t> costs, std::int64_t budget) {
  Sorted sorted;
  for (std::size_t j = 0; j < costs.size(); ++j)
    if (costs[j] <= budget) sorted.items.push_back(j);
  std::stable_sort(sorted.items.begin(), sorted.items.end(), [&](std::size_t a, std::size_t b) { return costs[a] < costs[b]; });
  for (const std::size_t j : sorted.items) sorted.costs.push_back(costs[j]);
  return sorted;
}

// Depth first: a node is a set, its children add one item behind its last; the first child too dear ends a node.
class Walk {
 public:
  Walk(const Sorted& sorted, std::int64_t budget, std::size_t most, std::vector<std::uint64_t>& masks, std::vector<std::int64_t>& sums)
      : costs_(sorted.costs), budget_(budget), most_(most), masks_(masks), sums_(sums) {
    for (const std::size_t item : sorted.items) bits_.push_back(std::uint64_t{1} << item);
  }
  bool run() { return budget_ < 0 || visit(0, 0, 0); }

 private:
  bool visit(std::size_t next, std::int64_t cost, std::uint64_t mask) {
    if (sums_.size() >= most_) return false;
    masks_.push_back(mask);
    sums_.push_back(cost);
    const std::size_t count = costs_.size();
    for (std::size_t i = next; i < count && cost + costs_[i] <= budget_; ++i)
      if (!visit(i + 1, cost + costs_[i], mask | bits_[i])) return false;
    return true;
  }

  const std::vector<std::int64_t>& costs_;
  std::vector<std::uint64_t> bits_;
  std::int64_t budget_;
  std::size_t most_;
  std::vector<std::uint64_t>& masks_;
  std::vector<std::int64_t>& sums_;
};

// The same for any number of items and with extra costs; one mask is changed in place.
class WideWalk {
 public:
  WideWalk(const Sorted& sorted, std::int64_t budget, const FlipSearch& search, const ExtraCost& extra, FlipSets& found)
      : sorted_(sorted), budget_(budget), search_(search), extra_(extra), found_(found), mask_(found.words) {}
  Result<bool> run() {
    if (budget_ < 0) return true;
    return visit(0, 0);
  }

 private:
  Result<bool> visit(std::size_t next, std::int64_t cost) {
    if (++looked_ > search_.most_work) return false;
    if (looked_ % 65536 == 0 && search_.stop) PLIMSOLL_CHECK(search_.stop());
    const std::int64_t more = extra_ ? extra_(mask_) : 0;
    if (more >= 0 && more <= budget_ - cost) {
      if (static_cast<std::int64_t>(found_.size()) >= search_.most) return false;
      found_.masks.insert(found_.masks.end(), mask_.begin(), mask_.end());
      found_.costs.push_back(cost + more);
    }
    for (std::size_t i = next; i < sorted_.costs.size() && cost + sorted_.costs[i] <= budget_; ++i) {
      const std::size_t item = sorted_.items[i];
      mask_[item / 64] ^= std::uint64_t{1} << (item % 64);
      PLIMSOLL_TRY(const bool whole, visit(i + 1, cost + sorted_.costs[i]));
      if (!whole) return false;
      mask_[item / 64] ^= std::uint64_t{1} << (item % 64);
    }
    return true;
  }

  const Sorted& sorted_;
  std::int64_t budget_;
  const FlipSearch& search_;
  const ExtraCost& extra_;
  FlipSets& found_;
  std::vector<std::uint64_t> mask_;
  std::int64_t looked_ = 0;
};

// One word a set: pairs are sorted where they stand.
void sort_narrow(FlipSets& found) {
  std::vector<std::pair<std::int64_t, std::uint64_t>> sets(found.size());
  for (std::size_t i = 0; i < sets.size(); ++i) sets[i] = {found.costs[i], found.masks[i]};
  std::sort(sets.begin(), sets.end());
  for (std::size_t i = 0; i < sets.size(); ++i) std::tie(found.costs[i], found.masks[i]) = sets[i];
}

void sort_by_cost(FlipSets& found) {
  const std::size_t words = found.words;
  if (words == 1) return sort_narrow(found);
  std::vector<std::size_t> order(found.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (found.costs[a] != found.costs[b]) return found.costs[a] < found.costs[b];
    const auto first = found.at(a);
    const auto second = found.at(b);
    return std::lexicographical_compare(first.rbegin(), first.rend(), second.rbegin(), second.rend());
  });
  FlipSets sorted;
  sorted.words = words;
  sorted.complete = found.complete;
  sorted.masks.reserve(found.masks.size());
  for (const std::size_t i : order) {
    sorted.costs.push_back(found.costs[i]);
    sorted.masks.insert(sorted.masks.end(), found.at(i).begin(), found.at(i).end());
  }
  found = std::move(sorted);
}

struct Node {
  std::int64_t cost;
  std::size_t place;  // of its mask
  std::size_t last;   // its dearest item, as a place of the sorted list
};
struct Dearer {
  bool operator()(const Node& a, const Node& b) const { return a.cost != b.cost ? a.cost > b.cost : a.place > b.place; }
};
using Heap = std::priority_queue<Node, std::vector<Node>, Dearer>;

// Cheapest first: a set's children add the item behind its last, or put that item in the last one's place. Every set has one parent,
// and none is cheaper than it. With extra costs a set waits until no cheaper one can come.
class BestFirst {
 public:
  BestFirst(const Sorted& sorted, std::int64_t budget, const FlipSearch& search, const ExtraCost& extra, FlipSets& found)
      : sorted_(sorted), budget_(budget), search_(search), extra_(extra), found_(found) {}

  Result<void> run() {
    pool_.assign(found_.words, 0);
    open_.push({0, 0, none});
    found_.complete = false;
    for (std::int64_t looked = 0; !open_.empty() && looked < search_.most_work; ++looked) {
      if (looked % 65536 == 65535 && search_.stop) PLIMSOLL_CHECK(search_.stop());
      const Node node = open_.top();
      if (release(node.cost)) return {};
      open_.pop();
      judge(node);
      expand(node);
    }
    if (open_.empty()) found_.complete = !release(std::numeric_limits<std::int64_t>::max());
    return {};
  }

 private:
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  std::span<const std::uint64_t> mask(std::size_t place) const { return std::span(pool_).subspan(place, found_.words); }

  // Lists what waits and costs at most `bar`; true once `most` are listed and more are known.
  bool release(std::int64_t bar) {
    while (!waiting_.empty() && waiting_.top().cost <= bar) {
      if (static_cast<std::int64_t>(found_.size()) >= search_.most) return true;
      const Node node = waiting_.top();
      waiting_.pop();
      found_.costs.push_back(node.cost);
      found_.masks.insert(found_.masks.end(), mask(node.place).begin(), mask(node.place).end());
    }
    return false;
  }
  void judge(const Node& node) {
    const std::int64_t more = extra_ ? extra_(mask(node.place)) : 0;
    if (more >= 0 && more <= budget_ - node.cost) waiting_.push({node.cost + more, node.place, node.last});
  }
  void push(const Node& parent, bool in_place) {
    const std::size_t next = parent.last == none ? 0 : parent.last + 1;
    if (next >= sorted_.costs.size()) return;
    const std::int64_t cost = parent.cost + sorted_.costs[next] - (in_place ? sorted_.costs[parent.last] : 0);
    if (cost > budget_) return;
    const std::size_t place = pool_.size();
    pool_.resize(place + found_.words);
    std::copy_n(pool_.begin() + static_cast<std::ptrdiff_t>(parent.place), found_.words, pool_.begin() + static_cast<std::ptrdiff_t>(place));
    flip(place, sorted_.items[next]);
    if (in_place) flip(place, sorted_.items[parent.last]);
    open_.push({cost, place, next});
  }
  void expand(const Node& node) {
    push(node, false);
    if (node.last != none) push(node, true);
  }
  void flip(std::size_t place, std::size_t item) { pool_[place + item / 64] ^= std::uint64_t{1} << (item % 64); }

  const Sorted& sorted_;
  std::int64_t budget_;
  const FlipSearch& search_;
  const ExtraCost& extra_;
  FlipSets& found_;
  Heap open_, waiting_;
  std::vector<std::uint64_t> pool_;
};

// The sums of all subsets, sorted: adding an item merges the list with itself, shifted.
std::vector<std::int64_t> subset_sums(std::span<const std::int64_t> costs) {
  std::vector<std::int64_t> sums = {0};
  for (const std::int64_t cost : costs) {
    std::vector<std::int64_t> shifted(sums);
    for (std::int64_t& sum : shifted) sum += cost;
    std::vector<std::int64_t> merged(2 * sums.size());
    std::merge(sums.begin(), sums.end(), shifted.begin(), shifted.end(), merged.begin());
    sums = std::move(merged);
  }
  return sums;
}

FlipCount meet_in_the_middle(const Sorted& sorted, std::int64_t budget) {
  // Dear and cheap items are mixed, so that both halves are cut short alike.
  std::vector<std::int64_t> halves[2];
  for (std::size_t i = 0; i < sorted.costs.size(); ++i) halves[i % 2].push_back(sorted.costs[i]);
  const std::vector<std::int64_t> left = subset_sums(halves[0]);
  const std::vector<std::int64_t> right = subset_sums(halves[1]);
  std::uint64_t count = 0;
  std::size_t fitting = right.size();
  for (const std::int64_t sum : left) {
    while (fitting > 0 && sum + right[fitting - 1] > budget) --fitting;
    if (fitting == 0) break;
    count += fitting;
  }
  const auto value = static_cast<double>(count);
  return {value, value, true};
}

// Room for the rounding of a sum of `terms` counts: relative 2^-52 each; none while every count is a whole double.
FlipCount widened(double low, double high, std::size_t terms) {
  if (high < 0x1p53) return {low, high, low == high};
  const double slack = 0x1p-52 * static_cast<double>(terms + 1);
  return {std::min(low, std::numeric_limits<double>::max()) * (1 - slack), high * (1 + slack), false};
}

struct Grid {
  std::int64_t unit = 1;
  std::size_t cells = 0;  // of the budget
  std::size_t cost(std::int64_t whole, bool up) const { return static_cast<std::size_t>((whole + (up ? unit - 1 : 0)) / unit); }
};
Grid grid_of(std::int64_t budget, std::int64_t cells) {
  Grid grid;
  grid.unit = std::max<std::int64_t>(1, (budget + cells - 1) / cells);
  grid.cells = static_cast<std::size_t>(budget / grid.unit);
  return grid;
}

double knapsack(const std::vector<std::int64_t>& costs, const Grid& grid, bool up) {
  std::vector<double> ways(grid.cells + 1);
  ways[0] = 1;
  for (const std::int64_t cost : costs) {
    const std::size_t step = grid.cost(cost, up);
    for (std::size_t c = grid.cells + 1; c-- > step;) ways[c] += ways[c - step];
  }
  return std::accumulate(ways.begin(), ways.end(), 0.0);
}

double knapsack_up_to(const Sorted& sorted, const std::vector<bool>& on, std::int64_t most_on, const Grid& grid, bool up) {
  const std::size_t width = grid.cells + 1;
  const auto start = static_cast<std::size_t>(std::count(on.begin(), on.end(), true));
  const auto most = static_cast<std::size_t>(std::clamp<std::int64_t>(most_on, 0, static_cast<std::int64_t>(on.size())));
  const std::size_t levels = std::max(start, most) + 1;
  std::vector<double> ways(levels * width);
  ways[start * width] = 1;
  const auto pass = [&](std::size_t from, std::size_t to, std::size_t step) {
    for (std::size_t c = width; c-- > step;) ways[to * width + c] += ways[from * width + c - step];
  };
  // Items that go off first, then those that come on: each level is read before this item has written into it.
  for (std::size_t i = 0; i < sorted.costs.size(); ++i)
    if (on[sorted.items[i]])
      for (std::size_t level = 1; level <= start; ++level) pass(level, level - 1, grid.cost(sorted.costs[i], up));
  for (std::size_t i = 0; i < sorted.costs.size(); ++i)
    if (!on[sorted.items[i]])
      for (std::size_t level = most; level >= 1; --level) pass(level - 1, level, grid.cost(sorted.costs[i], up));
  double total = 0;
  for (std::size_t level = 0; level <= most; ++level) total = std::accumulate(ways.begin() + static_cast<std::ptrdiff_t>(level * width), ways.begin() + static_cast<std::ptrdiff_t>((level + 1) * width), total);
  return total;
}

bool all_fit(const Sorted& sorted, std::int64_t budget) {
  std::int64_t sum = 0;
  for (const std::int64_t cost : sorted.costs) sum += cost;
  return sum <= budget;
}

}  // namespace

bool walk_flips(std::span<const std::int64_t> costs, std::int64_t budget, std::size_t most, std::vector<std::uint64_t>& masks, std::vector<std::int64_t>& sums) {
  const Sorted sorted = affordable(costs, budget);
  return Walk(sorted, budget, most, masks, sums).run();
}

Result<FlipSets> flips_within(std::span<const std::int64_t> costs, std::int64_t budget, const FlipSearch& search, const ExtraCost& extra) {
  FlipSets found;
  found.words = words_of(costs.size());
  if (budget < 0) return found;
  const Sorted sorted = affordable(costs, budget);
  bool whole = false;
  if (!extra && found.words == 1) {
    whole = walk_flips(costs, budget, static_cast<std::size_t>(search.most), found.masks, found.costs);
  } else {
    PLIMSOLL_TRY(whole, WideWalk(sorted, budget, search, extra, found).run());
  }
  if (whole) {
    sort_by_cost(found);
    return found;
  }
  found.masks.clear();
  found.costs.clear();
  FlipSearch rest = search;
  if (!extra) rest.most_work = std::numeric_limits<std::int64_t>::max();
  PLIMSOLL_CHECK(BestFirst(sorted, budget, rest, extra, found).run());
  sort_by_cost(found);
  return found;
}

FlipCount count_flips(std::span<const std::int64_t> costs, std::int64_t budget, std::int64_t cells, std::int64_t exact_items) {
  if (budget < 0) return {0, 0, true};
  const Sorted sorted = affordable(costs, budget);
  if (all_fit(sorted, budget)) {
    const double all = std::ldexp(1.0, static_cast<int>(std::min<std::size_t>(sorted.costs.size(), 2000)));
    return {std::min(all, std::numeric_limits<double>::max()), all, std::isfinite(all)};
  }
  if (static_cast<std::int64_t>(sorted.costs.size()) <= exact_items) return meet_in_the_middle(sorted, budget);
  const Grid grid = grid_of(budget, cells);
  return widened(knapsack(sorted.costs, grid, true), knapsack(sorted.costs, grid, false), sorted.costs.size() + grid.cells);
}

FlipCount count_flips_up_to(std::span<const std::int64_t> costs, const std::vector<bool>& on, std::int64_t most_on, std::int64_t budget, std::int64_t cells) {
  if (budget < 0) return {0, 0, true};
  const Sorted sorted = affordable(costs, budget);
  const Grid grid = grid_of(budget, cells);
  const std::size_t terms = sorted.costs.size() + (grid.cells + 1) * (on.size() + 1);
  return widened(knapsack_up_to(sorted, on, most_on, grid, true), knapsack_up_to(sorted, on, most_on, grid, false), terms);
}

}  // namespace plimsoll::stats

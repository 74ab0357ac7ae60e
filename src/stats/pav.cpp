// SPDX-License-Identifier: Apache-2.0
// Ayer, Brunk, Ewing, Reid, Silverman, Ann. Math. Stat. 26 (1955): block means by a stack. Means are compared by cross
// products sum_a * weight_b >= sum_b * weight_a: exact for 0/1 outcomes and unit weights up to 2^26 rows, where a
// comparison of rounded quotients would join blocks differently in different orders.
#include "stats/pav.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/scratch.h"
#include "stats/radix_sort.h"
#include "stats/sort_key.h"

namespace plimsoll::stats {
namespace {

struct Keyed {
  std::uint64_t key;
  std::uint32_t row;
};

// Joins the new block with those before it whose mean is not smaller.
void push(std::vector<PavBlock>& stack, PavBlock block) {
  while (!stack.empty() && stack.back().sum * block.weight >= block.sum * stack.back().weight) {
    block.begin = stack.back().begin;
    block.weight += stack.back().weight;
    block.sum += stack.back().sum;
    stack.pop_back();
  }
  stack.push_back(block);
}

// Whether all are whole numbers of rows and of ones among them, and so few that their sums are exact.
bool are_counts(std::span<const Pool> pools) {
  constexpr double most = 4503599627370496.0;  // 2^52
  double total = 0;
  for (const Pool& pool : pools) {
    const bool counts = pool.weight > 0 && pool.weight < most && pool.sum >= 0 && pool.sum <= pool.weight;
    if (!counts || static_cast<double>(static_cast<std::int64_t>(pool.weight)) != pool.weight || static_cast<double>(static_cast<std::int64_t>(pool.sum)) != pool.sum) return false;
    total += pool.weight;
  }
  return total < most;
}

Result<void> check(std::span<const double> x, std::span<const double> y, std::span<const double> weight) {
  if (x.size() != y.size() || (!weight.empty() && weight.size() != x.size()))
    return Error(ErrorCode::bad_parameter, "x, y and weight differ in length");
  const auto bad = [](const char* what, std::size_t row) {
    return Error(ErrorCode::bad_value, what, "Drop or mend the row").at_row(static_cast<std::int64_t>(row));
  };
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) return bad("x is not a number", i);
    if (!std::isfinite(y[i])) return bad("y is not finite", i);
    if (!weight.empty() && !(weight[i] >= 0 && std::isfinite(weight[i]))) return bad("a weight is negative or not finite", i);
  }
  return {};
}

}  // namespace

std::vector<std::uint32_t> order_by(std::span<const double> x) {
  Scratch<Keyed> items(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) items[i] = {sort_key(x[i]), static_cast<std::uint32_t>(i)};
  Scratch<Keyed> other;
  radix_sort(items, other, [](const Keyed& item) { return item.key; });
  std::vector<std::uint32_t> order(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) order[i] = items[i].row;
  return order;
}

std::vector<Pool> pool_ties(std::span<const double> x, std::span<const double> y, std::span<const double> weight,
                            std::span<const std::uint32_t> order) {
  std::vector<Pool> pools;
  for (const std::uint32_t row : order) {
    const double w = weight.empty() ? 1 : weight[row];
    if (w == 0) continue;
    if (pools.empty() || pools.back().x != x[row]) pools.push_back({x[row] + 0.0, 0, 0});
    pools.back().weight += w;
    pools.back().sum += w * y[row];
  }
  return pools;
}

std::vector<PavBlock> pav(std::span<const Pool> pools) {
  std::vector<PavBlock> blocks;
  if (are_counts(pools)) {
    CountPav<std::size_t> fit;
    for (std::size_t i = 0; i < pools.size(); ++i) fit.add(i, i + 1, pools[i].weight, pools[i].sum);
    for (const auto& block : fit.take()) blocks.push_back({block.first, block.last, block.weight, block.sum});
    return blocks;
  }
  for (std::size_t i = 0; i < pools.size(); ++i) push(blocks, {i, i + 1, pools[i].weight, pools[i].sum});
  return blocks;
}

void pav_fitted(std::span<const double> weight, std::span<const double> sum, std::span<double> fitted,
                std::vector<PavBlock>& stack) {
  stack.clear();
  for (std::size_t i = 0; i < weight.size(); ++i)
    if (weight[i] > 0) push(stack, {i, i + 1, weight[i], sum[i]});
  // Pools that a resample left without weight take the value of the block before them, the first ones that of the first.
  std::size_t at = 0;
  for (std::size_t b = 0; b < stack.size(); ++b) {
    const std::size_t end = b + 1 < stack.size() ? stack[b + 1].begin : fitted.size();
    const double mean = stack[b].mean();
    for (; at < end; ++at) fitted[at] = mean;
  }
}

double IsotonicFit::step(double x) const {
  const auto after = std::upper_bound(left_x.begin(), left_x.end(), x);
  if (after == left_x.begin()) return y.front();
  return y[static_cast<std::size_t>(after - left_x.begin()) - 1];
}

double IsotonicFit::linear(double x) const {
  const auto after = std::upper_bound(left_x.begin(), left_x.end(), x);
  if (after == left_x.begin()) return y.front();
  const auto block = static_cast<std::size_t>(after - left_x.begin()) - 1;
  if (x <= right_x[block] || block + 1 == y.size()) return y[block];
  const double part = (x - right_x[block]) / (left_x[block + 1] - right_x[block]);
  // An end at infinity gives NaN: the gap to it has no middle.
  if (!(part > 0)) return y[block];
  return std::min(y[block + 1], y[block] + part * (y[block + 1] - y[block]));
}

Result<IsotonicFit> fit_isotonic(std::span<const double> x, std::span<const double> y, std::span<const double> weight) {
  PLIMSOLL_CHECK(check(x, y, weight));
  if (x.size() > std::numeric_limits<std::uint32_t>::max())
    return Error(ErrorCode::too_large, "isotonic regression takes fewer than 2^32 rows", "Fit on a sample of the rows");
  return isotonic_of(pool_ties(x, y, weight, order_by(x)));
}

Result<IsotonicFit> isotonic_of(std::span<const Pool> pools) {
  if (pools.empty()) return Error(ErrorCode::too_few_rows, "no row with weight to fit on", "Give rows of positive weight");
  IsotonicFit fit;
  for (const PavBlock& block : pav(pools)) {
    fit.left_x.push_back(pools[block.begin].x);
    fit.right_x.push_back(pools[block.end - 1].x);
    fit.y.push_back(block.mean());
    fit.weight.push_back(block.weight);
  }
  return fit;
}

}  // namespace plimsoll::stats

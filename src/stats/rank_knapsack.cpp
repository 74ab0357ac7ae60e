// SPDX-License-Identifier: Apache-2.0
// Dynamic programmes of batch predictive inference (arXiv 2409.13990): M_j[b] = max_r M_{j-1}[b - w_r] + v_r. Since values rise with
// weights, M_j rises with b, so that M_j[b] is the best of cost at most b.
#include "stats/rank_knapsack.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace plimsoll::stats {
namespace {

constexpr double none = -std::numeric_limits<double>::infinity();

}  // namespace

Result<double> largest_sum(std::span<const double> values, std::span<const std::int64_t> weights, std::int64_t picks, std::int64_t budget, const std::function<Result<void>()>& stop) {
  const std::int64_t least = weights.front();
  if (budget < picks * least) return none;
  // Every pick costs at least the least weight: the budget beyond that is what is shared out.
  const std::int64_t spare = std::min(budget - picks * least, picks * (weights.back() - least));
  const auto width = static_cast<std::size_t>(spare + 1);
  std::vector<double> best(width, 0.0);
  std::vector<double> next(width);
  for (std::int64_t j = 0; j < picks; ++j) {
    PLIMSOLL_CHECK(stop());
    std::fill(next.begin(), next.end(), none);
    for (std::size_t r = 0; r < values.size(); ++r) {
      const std::int64_t cost = weights[r] - least;
      if (cost > spare) break;
      const double value = values[r];
      const double* from = best.data();
      double* to = next.data() + cost;
      const auto count = width - static_cast<std::size_t>(cost);
      for (std::size_t b = 0; b < count; ++b) {
        const double sum = from[b] + value;
        to[b] = to[b] < sum ? sum : to[b];
      }
    }
    best.swap(next);
  }
  return *std::max_element(best.begin(), best.end());
}

Result<double> largest_ordered_sum(std::span<const double> values, std::span<const std::int64_t> weights, std::span<const double> shares, std::int64_t budget, const std::function<Result<void>()>& stop) {
  const auto picks = static_cast<std::int64_t>(shares.size());
  const std::int64_t least = weights.front();
  if (budget < picks * least) return none;
  const std::int64_t spare = std::min(budget - picks * least, picks * (weights.back() - least));
  const auto width = static_cast<std::size_t>(spare + 1);
  // best[r][b]: the first picks end at place r or before and cost b; filled as a running maximum over r.
  std::vector<double> best(values.size() * width, 0.0);
  std::vector<double> next(values.size() * width);
  for (const double share : shares) {
    PLIMSOLL_CHECK(stop());
    for (std::size_t r = 0; r < values.size(); ++r) {
      double* own = next.data() + r * width;
      if (r == 0) std::fill(own, own + width, none);
      else std::copy(own - width, own, own);
      const std::int64_t cost = weights[r] - least;
      if (cost > spare) continue;
      const double value = share == 0 ? 0 : share * values[r];
      const double* from = best.data() + r * width;
      for (std::size_t b = static_cast<std::size_t>(cost); b < width; ++b) own[b] = std::max(own[b], from[b - static_cast<std::size_t>(cost)] + value);
    }
    best.swap(next);
  }
  return *std::max_element(best.end() - static_cast<std::ptrdiff_t>(width), best.end());
}

double largest_sum_envelope(std::span<const double> values, std::span<const std::int64_t> weights, std::int64_t picks, std::int64_t budget) {
  const double at = static_cast<double>(budget) / static_cast<double>(picks);
  if (at < static_cast<double>(weights.front())) return none;
  std::vector<std::size_t> hull;
  const auto slope = [&](std::size_t a, std::size_t b) { return (values[b] - values[a]) / static_cast<double>(weights[b] - weights[a]); };
  for (std::size_t r = 0; r < values.size(); ++r) {
    while (hull.size() >= 2 && slope(hull[hull.size() - 2], hull.back()) <= slope(hull.back(), r)) hull.pop_back();
    hull.push_back(r);
  }
  std::size_t i = 0;
  while (i + 1 < hull.size() && static_cast<double>(weights[hull[i + 1]]) <= at) ++i;
  double height = values[hull[i]];
  if (i + 1 < hull.size()) height += slope(hull[i], hull[i + 1]) * (at - static_cast<double>(weights[hull[i]]));
  // A little up, so that the rounding of the line cannot put it below the exact maximum.
  const double sum = static_cast<double>(picks) * height;
  return sum + 1e-12 * std::fabs(sum);
}

}  // namespace plimsoll::stats

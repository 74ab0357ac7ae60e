// SPDX-License-Identifier: Apache-2.0
// k = ceil((n + 1)(1 - alpha)(1 - 4e-15)): 10 * 0.9 must give 9, not 10, and the slack is relative, because an absolute
// one is outgrown by the rounding of (n + 1)(1 - alpha) near n = 1e4.
#include "stats/order_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "stats/distributions.h"

namespace plimsoll::stats {
namespace {

std::int64_t rank_of(std::int64_t n, double alpha) {
  return static_cast<std::int64_t>(std::ceil((static_cast<double>(n) + 1) * (1 - alpha) * (1 - 4e-15)));
}

std::int64_t needed(double alpha) {
  std::int64_t low = 0;  // never enough: k >= 1 there
  std::int64_t high = std::int64_t{1} << 46;
  if (rank_of(high, alpha) > high) return std::numeric_limits<std::int64_t>::max();
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    if (rank_of(middle, alpha) <= middle) high = middle;
    else low = middle;
  }
  return high;
}

}  // namespace

Result<ConformalRank> conformal_rank(std::int64_t n, double alpha) {
  if (!(alpha > 0 && alpha < 1))
    return Error(ErrorCode::bad_parameter, "the miscoverage is not between 0 and 1", "Choose, say, 0.1").in_parameter("alpha");
  if (n < 0) return Error(ErrorCode::bad_parameter, "a negative number of scores");
  ConformalRank rank;
  rank.n = n;
  rank.alpha = alpha;
  rank.k = std::max<std::int64_t>(1, rank_of(n, alpha));
  rank.infinite = rank.k > n;
  rank.attained = rank.infinite ? 1 : static_cast<double>(rank.k) / (static_cast<double>(n) + 1);
  rank.needed_n = needed(alpha);
  return rank;
}

double kth_smallest(std::span<double> scratch, std::int64_t k) {
  const auto at = scratch.begin() + (k - 1);
  std::nth_element(scratch.begin(), at, scratch.end());
  return *at + 0.0;  // either zero may stand there: give the one
}

Result<ConformalQuantile> conformal_quantile(std::span<double> scratch, double alpha) {
  if (scratch.empty()) return Error(ErrorCode::too_few_rows, "no calibration score", "Give rows to calibrate on");
  for (std::size_t i = 0; i < scratch.size(); ++i)
    if (std::isnan(scratch[i]))
      return Error(ErrorCode::bad_value, "a score is not a number", "Drop or mend the row")
          .at_row(static_cast<std::int64_t>(i));
  PLIMSOLL_TRY(const ConformalRank rank, conformal_rank(static_cast<std::int64_t>(scratch.size()), alpha));
  return ConformalQuantile{rank, rank.infinite ? std::numeric_limits<double>::infinity() : kth_smallest(scratch, rank.k)};
}

double quantile_of_sorted(std::span<const double> sorted, double probability) {
  const double place = std::clamp(probability, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double part = place - static_cast<double>(below);
  return part == 0 ? sorted[below] : sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

std::int64_t pac_errors_allowed(std::int64_t n, double eps, double delta) {
  std::int64_t low = -1;  // allowed, or none is
  std::int64_t high = n;  // P(X <= n) = 1 > delta: never allowed
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    if (binomial_cdf(middle, n, eps) <= delta) low = middle;
    else high = middle;
  }
  return low;
}

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#include "stats/pac.h"

#include <cmath>

#include "stats/distributions.h"
#include "stats/intervals.h"
#include "stats/order_statistics.h"

namespace plimsoll::stats {
namespace {

// Fewest n with (1 - epsilon)^n <= delta.
std::int64_t rows_needed(double epsilon, double delta) {
  auto n = static_cast<std::int64_t>(std::ceil(std::log(delta) / std::log1p(-epsilon)));
  while (n > 0 && binomial_cdf(0, n - 1, epsilon) <= delta) --n;
  while (binomial_cdf(0, n, epsilon) > delta) ++n;
  return n;
}

}  // namespace

Result<PacRank> pac_rank(std::int64_t n, double epsilon, double delta) {
  if (!(epsilon > 0 && epsilon < 1)) return Error(ErrorCode::bad_parameter, "the error rate is not between 0 and 1", "Choose, say, 0.1.").in_parameter("epsilon");
  if (!(delta > 0 && delta < 1)) return Error(ErrorCode::bad_parameter, "the chance of failure is not between 0 and 1", "Choose, say, 0.05.").in_parameter("delta");
  if (n < 0) return Error(ErrorCode::bad_parameter, "a negative number of scores", "Give rows to calibrate on.");
  PacRank rank;
  rank.n = n;
  rank.epsilon = epsilon;
  rank.delta = delta;
  rank.errors = n == 0 ? -1 : pac_errors_allowed(n, epsilon, delta);
  rank.infinite = rank.errors < 0;
  rank.k = n - rank.errors;
  rank.confidence = rank.infinite ? 1 : binomial_sf(rank.errors, n, epsilon);
  rank.rate_bound = rank.infinite ? 0 : clopper_pearson_upper(rank.errors, n, 1 - delta);
  rank.needed_n = rows_needed(epsilon, delta);
  return rank;
}

}  // namespace plimsoll::stats

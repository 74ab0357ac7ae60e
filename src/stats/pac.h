// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/result.h"

namespace plimsoll::stats {

// Which of n sorted calibration scores is the threshold whose set misses a new row at a rate of at most epsilon, with confidence
// 1 - delta over the drawing of the calibration rows (Wilks 1941; Vovk 2012; Park et al. 2020). Three ways to say it that agree:
// at most `errors` scores may lie above, the largest count with BinomialCdf(errors; n, epsilon) <= delta; its Clopper-Pearson upper
// bound is at most epsilon; the coverage Beta(k, n + 1 - k) of rank k = n - errors lies below 1 - epsilon with chance at most delta.
struct PacRank {
  std::int64_t n = 0;
  double epsilon = 0;
  double delta = 0;
  std::int64_t errors = -1;   // allowed above the threshold; -1: even none is too many
  std::int64_t k = 0;         // rank of the threshold; n + 1 where only an infinite one keeps the promise
  bool infinite = false;
  double confidence = 1;      // attained: 1 - BinomialCdf(errors; n, epsilon)
  double rate_bound = 0;      // Clopper and Pearson's upper bound of the rate of errors, at 1 - delta; 0 if infinite
  std::int64_t needed_n = 0;  // fewest rows with a finite threshold
};

// epsilon and delta in (0, 1), n >= 0; bad_parameter else.
Result<PacRank> pac_rank(std::int64_t n, double epsilon, double delta);

}  // namespace plimsoll::stats

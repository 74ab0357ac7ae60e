// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace plimsoll::stats {

// Which calibration score is the threshold: the k-th smallest of n, so that a new exchangeable score is at most it with
// probability at least 1 - alpha (Vovk, Gammerman, Shafer 2005; Lei et al. 2018).
struct ConformalRank {
  std::int64_t n = 0;
  double alpha = 0;
  std::int64_t k = 0;         // ceil((n + 1)(1 - alpha)), with a relative slack of 4e-15 for rounding
  bool infinite = false;      // k > n: only an infinite threshold keeps the promise
  double attained = 0;        // k / (n + 1), or 1 if infinite
  std::int64_t needed_n = 0;  // smallest n with a finite threshold
};

// alpha in (0, 1), n >= 0; bad_parameter else.
Result<ConformalRank> conformal_rank(std::int64_t n, double alpha);

struct ConformalQuantile {
  ConformalRank rank;
  double value = 0;  // +inf where rank.infinite
};

// One pass by nth_element over `scratch`, which is reordered. `bad_value` with the row of a NaN; `too_few_rows` when empty.
// Infinite scores are allowed. A function of the multiset of scores.
Result<ConformalQuantile> conformal_quantile(std::span<double> scratch, double alpha);

// The k-th smallest (from 1); reorders `scratch`. The caller has checked 1 <= k <= size and that no score is NaN.
double kth_smallest(std::span<double> scratch, std::int64_t k);

// Quantile of a sorted sample between its order statistics (Hyndman and Fan's type 7, as in NumPy); sorted not empty.
double quantile_of_sorted(std::span<const double> sorted, double probability);

// Largest k with BinomialCdf(k; n, eps) <= delta: so many errors among n still show a rate below eps with confidence
// 1 - delta (Park et al. 2020). -1 when even k = 0 does not.
std::int64_t pac_errors_allowed(std::int64_t n, double eps, double delta);

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "stats/interval.h"

namespace plimsoll::stats {

// A statistic with what each row adds to its error: value - truth is about the sum of `rows`. With independent rows the
// standard error is the root of the sum of squares; the factor n / (n - 1) stands in the rows already. Two statistics of the
// same rows are compared by subtracting rows, which is what makes a comparison paired.
struct Influence {
  double value = 0;
  std::vector<double> rows;
};

// Which rows hang together: `cluster` holds codes in [0, clusters), one a row; `order` holds the row numbers in time order,
// with Newey and West's weights up to `lag` apart. Both empty: independent rows. Not both.
struct Dependence {
  std::span<const std::int32_t> cluster = {};
  std::int32_t clusters = 0;
  std::span<const std::uint32_t> order = {};
  std::int64_t lag = 0;
};

// Weighted mean of terms; weights empty or one per row. An infinite term gives an infinite value and no rows.
Influence mean_influence(std::span<const double> terms, std::span<const double> weight = {});
Influence difference(const Influence& first, const Influence& second);

// NaN where there are no rows or fewer than two independent parts.
double standard_error(const Influence& statistic, const Dependence& dependence);

// Student's t with as many degrees of freedom as there are independent parts less one. NaN ends where there is no error.
Estimate estimate(const Influence& statistic, const Dependence& dependence, double level);

struct Comparison {
  Estimate difference;  // first - second
  double statistic = 0;  // difference / standard error; 0 when both are 0
  double p_value = 1;    // two-sided, Student's t
};
// Diebold and Mariano's test when `order` and `lag` are given, else the paired test of means (by clusters, if any).
Comparison compare(const Influence& first, const Influence& second, const Dependence& dependence, double level);

// floor(n^(1/3)), the customary lag.
std::int64_t customary_lag(std::int64_t n);

// Holm 1979, step-down adjusted p-values in the caller's order.
std::vector<double> holm_adjusted(std::span<const double> p);

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "stats/interval.h"

namespace plimsoll::stats {

// Exact interval of a proportion, x successes in n trials, level in (0, 1) (Clopper and Pearson 1934). n = 0: [0, 1].
Interval clopper_pearson(std::int64_t x, std::int64_t n, double level);

// One-sided exact bounds at confidence `level`.
double clopper_pearson_lower(std::int64_t x, std::int64_t n, double level);
double clopper_pearson_upper(std::int64_t x, std::int64_t n, double level);

// Score interval of a proportion (Wilson 1927); n = 0: [0, 1].
Interval wilson(double x, double n, double level);

// Mean with Student's t; sums by ExactSum, so a function of the multiset. Fewer than two values: an infinite interval.
Estimate mean_estimate(std::span<const double> values, double level);

// value +- z standard errors on the logit scale, carried back: stays within (0, 1). A value of 0 or 1, or a standard error
// of 0, gives [value, value].
Interval logit_interval(double value, double standard_error, double level);

}  // namespace plimsoll::stats

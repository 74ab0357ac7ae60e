// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "stats/influence.h"

namespace plimsoll::stats {

// A curve over decision thresholds t, each point a mean over rows.
enum class ThresholdScore : std::uint8_t {
  net_benefit,  // [p >= t] (y - (1 - y) t / (1 - t)): true positives a row, higher is better (Vickers and Elkin 2006)
  elementary,   // 2 (1 - t) for an event with p <= t, 2 t for another row with p > t: lower is better; its integral over t is
                // the Brier score, and a forecast that is nowhere worse wins by every proper score (Ehm et al. 2016)
  cost,         // (1 - c) for an event with p < c, c for another row with p >= c: the expected cost of acting at p >= c when a
                // false alarm costs c and a miss 1 - c (Drummond and Holte 2006)
};

struct CurvePoint {
  double threshold = 0;
  Estimate value;
};

// Thresholds rise within [0, 1), for elementary and cost within [0, 1]. Errors: those of check_forecasts, bad_parameter for a
// threshold outside or out of order. The second is the first's value less the second's, row by row.
Result<std::vector<CurvePoint>> threshold_curve(ThresholdScore score, std::span<const double> forecast,
                                                std::span<const std::int32_t> outcome, std::span<const double> weight,
                                                std::span<const double> thresholds, const Dependence& dependence, double level);
Result<std::vector<CurvePoint>> threshold_difference(ThresholdScore score, std::span<const double> first,
                                                     std::span<const double> second, std::span<const std::int32_t> outcome,
                                                     std::span<const double> weight, std::span<const double> thresholds,
                                                     const Dependence& dependence, double level);

}  // namespace plimsoll::stats

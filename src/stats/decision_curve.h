// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "stats/interval.h"

namespace plimsoll::stats {

// Net benefit at threshold t (Vickers and Elkin 2006): TP / n - FP / n * t / (1 - t), rows with forecast >= t being treated.
// Units: true positives a row. Treating none has net benefit 0.
struct NetBenefit {
  double threshold = 0;
  double model = 0;
  Interval interval;  // of `model`, normal with the exact variance of its row terms
  double treat_all = 0;
  double treated = 0;  // share of rows with forecast >= threshold
};

// Thresholds in [0, 1), any order; errors: check_forecasts, too_few_rows, bad_parameter for a threshold outside.
Result<std::vector<NetBenefit>> decision_curve(std::span<const double> forecast, std::span<const std::int32_t> outcome,
                                               std::span<const double> thresholds, double level);

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "stats/interval.h"

namespace plimsoll::stats {

// Scores of forecasts, lower is better; all are means over rows by ExactSum (class A). weights: empty or one per row.
// Probabilities lie in [0, 1] and outcomes are 0 or 1: `check_forecasts` says so with the first bad row.
Result<void> check_forecasts(std::span<const double> probability, std::span<const std::int32_t> outcome,
                             std::span<const double> weight = {});

double brier_score(std::span<const double> probability, std::span<const std::int32_t> outcome,
                   std::span<const double> weight = {});

struct LogLoss {
  double value = 0;          // +inf where a certain forecast was wrong
  double clipped_value = 0;  // with probabilities clipped to [eps, 1 - eps]
  std::int64_t clipped = 0;  // rows whose probability was clipped
};
LogLoss log_loss(std::span<const double> probability, std::span<const std::int32_t> outcome,
                 std::span<const double> weight = {}, double eps = 1e-15);

// Spherical score as a loss: 1 - mean p_y / sqrt(p^2 + (1 - p)^2), in [0, 1].
double spherical_score(std::span<const double> probability, std::span<const std::int32_t> outcome,
                       std::span<const double> weight = {});

// Brier score with the t interval of the mean of its rows (unit weights).
Estimate brier_estimate(std::span<const double> probability, std::span<const std::int32_t> outcome, double level);

// Class columns: probability[c][row], labels in [0, K). The Brier score is the sum over classes.
double class_brier_score(std::span<const std::span<const double>> probability, std::span<const std::int32_t> label);
LogLoss class_log_loss(std::span<const std::span<const double>> probability, std::span<const std::int32_t> label,
                       double eps = 1e-15);

// How far the class probabilities of a row may be from summing to one (design, section 3): more than 1e-6 is counted, more
// than 1e-3, a negative or a NaN probability is `bad_value` with the first such row.
struct SumFindings {
  std::int64_t off_rows = 0;  // by more than 1e-6
  double worst = 0;           // largest |sum - 1|
};
Result<SumFindings> check_class_sums(std::span<const std::span<const double>> probability);

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "stats/interval.h"

namespace plimsoll::stats {

// Tests of "each outcome is Bernoulli(forecast), independently". Forecasts and outcomes as check_forecasts wants them, which
// the caller has asked; weights empty or one per row.
struct CalibrationCheck {
  double statistic = 0;
  double degrees = 0;  // of freedom; 0 for a normal law
  double p_value = 1;
};

// Spiegelhalter 1986: z = sum w (y - p)(1 - 2p) / sqrt(sum w^2 (1 - 2p)^2 p (1 - p)), two-sided.
CalibrationCheck spiegelhalter(std::span<const double> forecast, std::span<const std::int32_t> outcome,
                               std::span<const double> weight = {});

// Calibration in the large under the null: z = sum w (y - p) / sqrt(sum w^2 p (1 - p)), two-sided.
CalibrationCheck in_the_large(std::span<const double> forecast, std::span<const std::int32_t> outcome,
                              std::span<const double> weight = {});

// Hosmer and Lemeshow 1980 on at most `groups` cells of equal mass, ties kept together; the forecasts were not fitted to these rows, so
// the law has as many degrees of freedom as there are cells. Legacy: it depends on the cells. Unit weights.
CalibrationCheck hosmer_lemeshow(std::span<const double> forecast, std::span<const std::int32_t> outcome, int groups = 10);

// A bet against the forecasts, row after row in the order given: capital starts at 1 and under the null stays below 1/a at all
// times with probability at least 1 - a, whenever one looks (Ville). It mixes bets on logit q = a + b logit p over a fixed grid.
struct SequentialEvidence {
  double final_value = 1;
  double largest = 1;
  std::int64_t rejected_at = -1;  // first row after which the capital reached 1 / alpha
};
SequentialEvidence sequential_evidence(std::span<const double> forecast, std::span<const std::int32_t> outcome,
                                       std::span<const std::uint32_t> order, double alpha);

}  // namespace plimsoll::stats

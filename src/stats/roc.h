// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "stats/interval.h"
#include "stats/resampling.h"

namespace plimsoll::stats {

// Scores: any numbers but NaN, higher for outcome 1; outcomes 0 or 1. Errors of all: bad_parameter (lengths), bad_value with
// the row, one_class when an outcome is missing.

struct Auroc {
  Estimate estimate;  // DeLong's standard error; interval on the logit scale
  std::int64_t positives = 0;
  std::int64_t negatives = 0;
};

// Area under the ROC curve by midranks, P(positive > negative) + P(tie) / 2, exact in integers (class A).
Result<Auroc> auroc(std::span<const double> score, std::span<const std::int32_t> outcome, double level);

// The same with weights (at least 0, each class with a positive sum): value only.
Result<double> weighted_auroc(std::span<const double> score, std::span<const std::int32_t> outcome,
                              std::span<const double> weight);

struct AurocDifference {
  double first = 0;
  double second = 0;
  Estimate difference;  // first - second, interval on its own scale
  double z = 0;
  double p_value = 1;  // two-sided
};

// Two scores of the same rows (DeLong, DeLong, Clarke-Pearson 1988).
Result<AurocDifference> auroc_difference(std::span<const double> first, std::span<const double> second,
                                         std::span<const std::int32_t> outcome, double level);

// Average precision, sum over distinct thresholds of (R_k - R_{k-1}) P_k, no interpolation. weights: empty or one per row.
Result<double> average_precision(std::span<const double> score, std::span<const std::int32_t> outcome,
                                 std::span<const double> weight = {});

// With an interval by the bootstrap within each class, on the logit scale; the scores are sorted once.
Result<Estimate> average_precision_estimate(std::span<const double> score, std::span<const std::int32_t> outcome, double level,
                                            const Resampling& resampling);

// Points of the ROC curve from (0, 0) to (1, 1), corners only, at most `most` of them (evenly thinned by position).
struct RocPoint {
  double threshold = 0;  // score >= threshold is called positive; +inf at the origin
  double false_positive_rate = 0;
  double true_positive_rate = 0;
};
Result<std::vector<RocPoint>> roc_curve(std::span<const double> score, std::span<const std::int32_t> outcome, std::size_t most);

}  // namespace plimsoll::stats

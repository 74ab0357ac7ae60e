// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "learn/calibrator.h"

namespace plimsoll::learn {

struct CalibrationChoice {
  Calibration method = Calibration::platt;
  std::vector<std::string> tried;
  std::vector<double> loss;   // mean log loss on the folds left out
  std::vector<double> error;  // standard error of the mean difference to the best
};

// One map without choosing or warning.
Result<Calibrator> fit_one(Calibration method, std::span<const double> scores, std::span<const std::int32_t> outcomes,
                           std::span<const double> weights);

// The same from rows that stand in folds already, pooled by score within each: at least two folds, each with both outcomes
// outside it. `square_ratio` is the sum of squared weights over the sum of weights (1 without weights). Isotonic is among
// the candidates from 1,000 rows on.
struct FoldedRows {
  std::span<const std::vector<stats::Pool>> folds;
  std::int64_t rows = 0;
  double square_ratio = 1;
};
Result<CalibrationChoice> choose_map(Context& context, const FoldedRows& rows, const MapOptions& options);

// Pools of several parts together, by rising x; `except` is left out (negative: none).
std::vector<stats::Pool> join_pools(std::span<const std::vector<stats::Pool>> parts, std::int64_t except = -1);

// Whether a fitted map says that higher scores go with fewer positive outcomes.
bool ranks_backwards(const Calibrator& map);

// The simplest binary map whose cross-validated log loss is within one standard error of the best.
Result<CalibrationChoice> choose_calibration(Context& context, std::span<const double> scores,
                                             std::span<const std::int32_t> outcomes, std::span<const double> weights);

// Folds 0..folds-1 in equal shares of every class, at random; -1 for rows beyond `most` of them all.
std::vector<std::int32_t> stratified_folds(std::span<const std::int32_t> labels, std::int64_t classes, std::int32_t folds,
                                           std::size_t most, Stream stream);
// Folds to use: 5, or as many as the rarest class has rows; less than 2 means too few to choose.
std::int32_t fold_count(std::span<const std::int32_t> labels, std::int64_t classes);

// From the losses of each candidate on the same rows (simplest first): fills loss and error and returns the index of the
// simplest within one standard error of the best. `square_ratio` for weights that count rows of one loss together, which
// have themselves squared else (negative).
std::size_t simplest_within_one_error(std::span<const std::vector<double>> losses, std::span<const double> weights,
                                      CalibrationChoice& choice, double square_ratio = -1);

}  // namespace plimsoll::learn

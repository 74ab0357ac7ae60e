// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "stats/resampling.h"

namespace plimsoll::stats {

// Cells of the expected calibration error. equal_width: cell b covers (b/B, (b+1)/B], 0 in the first. equal_mass: sorted
// positions [floor(b n / B), floor((b+1) n / B)), ties by row number.
enum class Binning : std::uint8_t { equal_mass, equal_width };

struct Ece {
  double ece = 0;          // sum over cells n_b / n |mean forecast - mean outcome|
  double maximum = 0;      // largest of the cells' gaps
  double debiased_l2 = 0;  // square root of Kumar's debiased squared error, floored at 0
  int bins = 0;            // cells: as asked, at most one a row
  bool sparse = false;     // fewer than 10 rows a cell: read the null law first
};

// Errors: those of check_forecasts, too_few_rows when there is none, bad_parameter for bins < 1.
Result<Ece> expected_calibration_error(std::span<const double> forecast, std::span<const std::int32_t> outcome, int bins,
                                       Binning binning);

// A perfectly calibrated forecaster does not show 0: outcomes are redrawn as Bernoulli(forecast). Above 10^5 rows the
// outcomes of up to n / 20,000 neighbouring forecasts of one cell are drawn together, at their mean.
struct EceTest {
  Ece observed;
  double null_mean = 0;
  double null_upper = 0;  // 95 % quantile
  double p_value = 1;     // of observed.ece
};
Result<EceTest> ece_with_null(std::span<const double> forecast, std::span<const std::int32_t> outcome, int bins,
                              Binning binning, const Resampling& resampling);

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stats/ece.h"
#include "stats/resampling.h"

namespace plimsoll::stats {

// How far forecasts are from frequencies, one number each. Cells as in stats/ece.h.
enum class CalibrationGap : std::uint8_t {
  ece_mass,       // sum of share |mean forecast - share of events| over cells of equal mass
  ece_width,      // the same over cells of equal width
  root_mass,      // root of the sum of share times squared gap, equal mass
  adaptive,       // plain mean of the gaps over cells of equal mass (Nixon's ACE)
  maximum_mass,   // largest gap
  maximum_width,  //
  debiased,       // root of Kumar's debiased squared gap, floored at 0, equal mass
  kolmogorov,     // largest |sum of weight (forecast - outcome)| up to a forecast, over the sum of weights
  smooth,         // Blasiok and Nakkiran's smooth ECE
  kernel,         // Kumar's kernel error (MMCE), Laplacian kernel of width 0.4
};
inline constexpr std::size_t calibration_gap_count = 10;
std::string_view name_of(CalibrationGap gap);  // words for a table
using CalibrationGaps = std::array<double, calibration_gap_count>;
inline double at(const CalibrationGaps& gaps, CalibrationGap which) { return gaps[static_cast<std::size_t>(which)]; }

// One cell of a reliability table.
struct CalibrationCell {
  double from = 0;
  double to = 0;
  double rows = 0;
  double weight = 0;
  double forecast = 0;  // mean
  double observed = 0;  // share of events
};

// Brier score = reliability - resolution + uncertainty + spread within - covariance within (Stephenson, Coelho and Jolliffe
// 2008; Murphy 1973 is the first three), on the cells of equal mass.
struct MurphyTerms {
  double reliability = 0;
  double resolution = 0;
  double uncertainty = 0;
  double spread_within = 0;
  double covariance_within = 0;
};

struct CalibrationErrors {
  CalibrationGaps gaps{};
  double smooth_width = 0;
  int bins = 0;         // as asked, at most one a row
  bool sparse = false;  // fewer than 10 rows a cell
  std::vector<CalibrationCell> mass, width;
  MurphyTerms murphy;
};

// Weights empty or one per row. Errors: those of check_forecasts, bad_parameter for bins < 1.
Result<CalibrationErrors> calibration_errors(std::span<const double> forecast, std::span<const std::int32_t> outcome,
                                             std::span<const double> weight, int bins);

// What exact forecasts would show on the same rows: outcomes are redrawn as Bernoulli(forecast). Above 10^5 unit-weight rows,
// neighbours of one cell are drawn together, at their mean.
struct CalibrationNull {
  CalibrationGaps mean{};
  CalibrationGaps upper{};    // 95 % quantile
  CalibrationGaps p_value{};  // (1 + #{null >= observed}) / (1 + draws)
};
Result<CalibrationNull> calibration_null(std::span<const double> forecast, std::span<const std::int32_t> outcome,
                                         std::span<const double> weight, int bins, const CalibrationErrors& observed,
                                         const Resampling& resampling);

}  // namespace plimsoll::stats

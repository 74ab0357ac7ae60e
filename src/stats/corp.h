// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "stats/resampling.h"

namespace plimsoll::stats {

// CORP (Dimitriadis, Gneiting, Jordan 2021): r = PAV of the outcomes on the forecasts; with S the mean score of the
// forecasts, S_C of r and S_R of the base rate: miscalibration MCB = S - S_C, discrimination DSC = S_R - S_C,
// uncertainty UNC = S_R, and S = MCB - DSC + UNC. Forecasts in [0, 1]; outcomes 0 or 1; weights empty or one per row.
struct Decomposition {
  double score = 0;
  double miscalibration = 0;
  double discrimination = 0;
  double uncertainty = 0;
};

// One bin of PAV: forecasts in [from, to], their recalibrated probability, rows and weight.
struct CorpBin {
  double from = 0;
  double to = 0;
  double recalibrated = 0;
  double weight = 0;
  double events = 0;  // weight of them
};

struct Corp {
  Decomposition brier;
  Decomposition log;          // score and miscalibration are +inf where a certain forecast was wrong
  std::vector<CorpBin> bins;  // by rising forecast: the reliability curve
};

// Errors: those of check_forecasts, too_few_rows when there is none.
Result<Corp> corp(std::span<const double> forecast, std::span<const std::int32_t> outcome, std::span<const double> weight = {});

// Where the recalibrated probability would lie if the forecasts were calibrated: outcomes are redrawn as Bernoulli(forecast),
// PAV is repeated, and quantiles are taken at each forecast of the grid (at most `most_points` distinct forecasts, evenly
// thinned by rank). Above 10^5 distinct forecasts they are first gathered into about 20,000 cells of neighbours.
struct ConsistencyBand {
  std::vector<double> forecast;
  std::vector<double> lo;
  std::vector<double> hi;
  std::vector<double> null_miscalibration;  // Brier MCB of each replicate, sorted: the null law of the MCB test
};
Result<ConsistencyBand> consistency_band(std::span<const double> forecast, double level, std::size_t most_points,
                                         const Resampling& resampling);

// (1 + #{null >= observed}) / (1 + replicates): valid at any number of replicates.
double resampling_p_value(std::span<const double> sorted_null, double observed);

}  // namespace plimsoll::stats

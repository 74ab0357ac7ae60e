// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"
#include "stats/corp.h"
#include "stats/resampling.h"

namespace plimsoll::stats {

// Bands of the CORP curve for weighted rows and for either question: outcomes are redrawn as Bernoulli(chance of the row), PAV on
// the forecasts is repeated, quantiles are taken at each forecast of the grid. With the forecast as the chance it is the
// consistency band ("if the forecasts are exact"), and null_miscalibration the null law of MCB; with the recalibrated forecast as
// the chance it is a confidence band around the curve. Weights empty or one per row. Above 10^5 rows every replicate still draws
// every row. Errors: those of check_forecasts, bad_parameter for a level or replicates outside their range.
Result<ConsistencyBand> resampled_band(std::span<const double> forecast, std::span<const double> chance, std::span<const double> weight,
                                       double level, std::size_t most_points, const Resampling& resampling);

}  // namespace plimsoll::stats

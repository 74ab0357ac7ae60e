// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "base/result.h"
#include "stats/interval.h"
#include "stats/pav.h"

namespace plimsoll::learn {

// Cox's calibration regression (Biometrika 45, 1958): logit P(y = 1) = intercept + slope logit p, by maximum likelihood.
// Calibrated probabilities have intercept 0 and slope 1; a slope below 1 says that they are too extreme.
struct CoxCalibration {
  stats::Estimate slope;
  stats::Estimate intercept;
  double likelihood_ratio = 0;  // of (0, 1), two degrees of freedom
  double p_value = 1;
  double wald_p_value = 1;      // of (0, 1), two degrees of freedom
  stats::Estimate in_the_large;  // intercept with the slope held at 1: log-odds that the probabilities lack on the whole
  bool converged = false;        // false for outcomes that a threshold tells apart
};

// Pools of probabilities in [0, 1], rising (stats/score_pools.h). Log-odds are clipped at 36.7. `one_class` unless both
// outcomes have weight; `too_few_rows` without a row.
Result<CoxCalibration> cox_calibration(std::span<const stats::Pool> probabilities, double level);

}  // namespace plimsoll::learn

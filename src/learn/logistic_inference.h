// SPDX-License-Identifier: Apache-2.0
#pragma once

// Uncertainty of a fitted binary logistic regression.

#include <span>
#include <vector>

#include "learn/logistic.h"

namespace plimsoll::learn {

// Inverse of the penalised Hessian at the fitted coefficients, (width + 1)^2 row-major, the intercept last: the large-sample
// covariance. Binary models of at most 1,000 columns; empty where the Hessian can't be inverted. Same blocks as the fit.
Result<std::vector<double>> logistic_covariance(Context& context, const LogisticModel& model, const Design& design,
                                                std::span<const double> weights, double l2);

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
// Cox, "Two further applications of a model for binary regression", Biometrika 45 (1958); calibration in the large after
// Steyerberg, "Clinical Prediction Models" (2009). The deviance of (0, 1) counts each outcome once, as the likelihood does.
#include "learn/cox.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "learn/calibrator.h"
#include "learn/logistic.h"
#include "stats/distributions.h"

namespace plimsoll::learn {
namespace {

struct Columns {
  std::vector<double> score, target, weight;
  double mass = 0;
  double positive = 0;
};

stats::Estimate around(double value, double variance, double level) {
  const double error = std::sqrt(std::max(0.0, variance));
  const double z = stats::normal_upper_quantile((1 - level) / 2);
  return {value, error, {value - z * error, value + z * error}};
}

double loss_of(const Columns& data, double shift) {
  double loss = 0;
  for (std::size_t i = 0; i < data.score.size(); ++i) {
    const double s = data.score[i] + shift;
    loss += data.weight[i] * (log1p_exp(s) - data.target[i] * s);
  }
  return loss;
}

// Newton on the shift alone: sum sigmoid(s + a) = number of events, which has one solution.
stats::Estimate shift_of(const Columns& data, double level) {
  double a = 0;
  double bend = 0;
  for (int iteration = 0; iteration < 200; ++iteration) {
    double gap = data.positive;
    bend = 0;
    for (std::size_t i = 0; i < data.score.size(); ++i) {
      const double p = sigmoid(data.score[i] + a);
      gap -= data.weight[i] * p;
      bend += data.weight[i] * p * (1 - p);
    }
    if (std::fabs(gap) <= 1e-11 * data.mass) break;
    a += std::clamp(bend > 0 ? gap / bend : gap, -2.0, 2.0);
  }
  return around(a, bend > 0 ? 1 / bend : HUGE_VAL, level);
}

}  // namespace

Result<CoxCalibration> cox_calibration(std::span<const stats::Pool> probabilities, double level) {
  Columns data;
  for (const stats::Pool& pool : probabilities) {
    data.score.push_back(log_odds(pool.x));
    data.target.push_back(pool.sum / pool.weight);
    data.weight.push_back(pool.weight);
    data.mass += pool.weight;
    data.positive += pool.sum;
  }
  if (data.score.empty()) return Error(ErrorCode::too_few_rows, "there is no row to test", "Give rows with outcomes.");
  if (!(data.positive > 0) || !(data.positive < data.mass))
    return Error(ErrorCode::one_class, "all outcomes are alike: slope and intercept are not defined", "Give rows of both outcomes.");
  const std::array<std::span<const double>, 1> features = {data.score};
  const SmallLogistic fit = fit_small_logistic(features, data.target, data.weight, {});
  CoxCalibration cox;
  cox.converged = fit.converged;
  cox.slope = around(fit.beta[0], fit.covariance[0], level);
  cox.intercept = around(fit.beta[2], fit.covariance[8], level);
  cox.likelihood_ratio = std::max(0.0, 2 * (loss_of(data, 0) - fit.loss));
  cox.p_value = stats::chi_square_sf(cox.likelihood_ratio, 2);
  // Wald: d' H d with H the inverse of the covariance of (slope, intercept).
  const double v00 = fit.covariance[0], v02 = fit.covariance[2], v22 = fit.covariance[8];
  const double d0 = fit.beta[0] - 1, d2 = fit.beta[2];
  const double determinant = v00 * v22 - v02 * v02;
  const double wald = determinant > 0 ? (d0 * d0 * v22 - 2 * d0 * d2 * v02 + d2 * d2 * v00) / determinant : 0;
  cox.wald_p_value = determinant > 0 ? stats::chi_square_sf(std::max(0.0, wald), 2) : 1;
  cox.in_the_large = shift_of(data, level);
  return cox;
}

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "learn/calibrator.h"
#include "learn/cox.h"
#include "learn/logistic.h"
#include "learn/moment_logistic.h"
#include "learn/reference_case.h"
#include "stats/score_pools.h"

namespace plimsoll::learn {
namespace {

std::vector<stats::Pool> reference_pools(bool probabilities) {
  const ReferenceCase data = reference_case();
  std::vector<double> x = data.score;
  if (probabilities)
    for (double& one : x) one = 1 / (1 + std::exp(-one));
  stats::ScorePools pools;
  EXPECT_TRUE(pools.add(x, data.y).ok());
  return {pools.pools().begin(), pools.pools().end()};
}

// Newton in Python 3.11 (numpy 2.4) on the same rows: slope, intercept, their errors, deviance gap to (0, 1), and the
// intercept with slope 1.
TEST(Cox, EqualsTheReference) {
  const auto cox = cox_calibration(reference_pools(true), 0.95);
  ASSERT_TRUE(cox.ok());
  EXPECT_NEAR(cox->slope.value, 0.5378374246, 1e-7);
  EXPECT_NEAR(cox->intercept.value, 0.6374200424, 1e-7);
  EXPECT_NEAR(cox->slope.standard_error, 0.1122001658, 1e-7);
  EXPECT_NEAR(cox->intercept.standard_error, 0.2240381138, 1e-7);
  EXPECT_NEAR(cox->likelihood_ratio, 23.33775949, 1e-6);
  EXPECT_NEAR(cox->in_the_large.value, 0.8577549897, 1e-7);
  EXPECT_NEAR(cox->wald_p_value, 2.288556641e-07, 1e-12);
  EXPECT_TRUE(cox->converged);
}

TEST(Cox, RefusesOneOutcome) {
  EXPECT_EQ(cox_calibration(std::vector<stats::Pool>{{0.3, 5, 0}}, 0.95).error().code, ErrorCode::one_class);
  EXPECT_EQ(cox_calibration({}, 0.95).error().code, ErrorCode::too_few_rows);
}

// Rows by hand: scores 1..8, outcomes 0 0 1 0 1 1 0 1; PAV blocks {1,2} 0, {3,4} 1/2, {5,6,7} 2/3, {8} 1.
std::vector<stats::Pool> by_hand() { return {{1, 1, 0}, {2, 1, 0}, {3, 1, 1}, {4, 1, 0}, {5, 1, 1}, {6, 1, 1}, {7, 1, 0}, {8, 1, 1}}; }

TEST(MapFits, IsotonicRunsBetweenItsBlocksAsAsked) {
  MapOptions options;
  options.smooth_ends = false;
  const auto at = [&](Interpolation interpolation, double x) {
    options.interpolation = interpolation;
    return fit_map(Calibration::isotonic, by_hand(), options).value().apply(x);
  };
  // scikit-learn's map: flat on blocks, a line from 2 to 3, from 4 to 5, from 7 to 8.
  EXPECT_DOUBLE_EQ(at(Interpolation::edges, 1.5), 0);
  EXPECT_DOUBLE_EQ(at(Interpolation::edges, 2.5), 0.25);
  EXPECT_DOUBLE_EQ(at(Interpolation::edges, 3.5), 0.5);
  EXPECT_DOUBLE_EQ(at(Interpolation::edges, 7.5), (2.0 / 3 + 1) / 2);
  EXPECT_DOUBLE_EQ(at(Interpolation::step, 2.999), 0);
  EXPECT_DOUBLE_EQ(at(Interpolation::step, 3), 0.5);
  EXPECT_DOUBLE_EQ(at(Interpolation::step, 100), 1);
  // Centres 1.5, 3.5, 6, 8.
  EXPECT_DOUBLE_EQ(at(Interpolation::centres, 2.5), 0.25);
  EXPECT_DOUBLE_EQ(at(Interpolation::centres, 7), (2.0 / 3 + 1) / 2);
  EXPECT_DOUBLE_EQ(at(Interpolation::centres, 0), 0);
  options.smooth_ends = true;
  EXPECT_DOUBLE_EQ(at(Interpolation::step, 1), 0.5 / 3);
  EXPECT_DOUBLE_EQ(at(Interpolation::step, 8), 1.5 / 2);
}

TEST(MapFits, HistogramCountsItsCells) {
  MapOptions options;
  options.bins = 2;
  const auto map = fit_map(Calibration::histogram, by_hand(), options);
  ASSERT_TRUE(map.ok());
  EXPECT_DOUBLE_EQ(map->apply(0), 1.5 / 5);
  EXPECT_DOUBLE_EQ(map->apply(4.4), 1.5 / 5);
  EXPECT_DOUBLE_EQ(map->apply(4.5), 3.5 / 5);
  EXPECT_DOUBLE_EQ(map->apply(99), 3.5 / 5);
  options.bins = 100;  // more cells than scores: one a score
  EXPECT_DOUBLE_EQ(fit_map(Calibration::histogram, by_hand(), options)->apply(3), 1.5 / 2);
}

// Eight rows allow binnings of 1 to 8 cells, whose average rises with the outcomes.
TEST(MapFits, BbqAveragesHistograms) {
  std::vector<stats::Pool> centred = by_hand();
  for (stats::Pool& pool : centred) pool.x -= 4.5;
  const auto map = fit_map(Calibration::bbq, centred, {});
  ASSERT_TRUE(map.ok());
  ASSERT_TRUE(check(*map).ok());
  EXPECT_LT(map->apply(-3.5), 0.5);
  EXPECT_GT(map->apply(3.5), 0.5);
  // Many rows of one rate leave little but one cell.
  std::vector<stats::Pool> flat;
  for (int i = 0; i < 50; ++i) flat.push_back({i / 50.0 - 0.5, 100, 50});
  const auto even = fit_map(Calibration::bbq, flat, {});
  for (double x = -1; x < 1; x += 0.05) EXPECT_NEAR(even->apply(x), 0.5, 0.01);
}

TEST(MapFits, ProbabilitiesAndTheirLogOddsGiveOneParametricMap) {
  MapOptions as_probabilities;
  as_probabilities.probabilities = true;
  const ReferenceCase data = reference_case();
  for (const Calibration method : {Calibration::temperature, Calibration::platt, Calibration::beta, Calibration::bias_temperature}) {
    const auto one = fit_map(method, reference_pools(false), {});
    const auto other = fit_map(method, reference_pools(true), as_probabilities);
    ASSERT_TRUE(one.ok() && other.ok());
    for (const double s : data.score) EXPECT_NEAR(one->apply(s), other->apply(1 / (1 + std::exp(-s))), 1e-9);
  }
}

// Power sums in cells and passes over all rows end at one point.
TEST(MapFits, MomentsAreThePassesOverAllRows) {
  stats::ScorePools pools;
  Stream rng(4);
  std::vector<double> x;
  std::vector<std::int32_t> y;
  for (int i = 0; i < 20000; ++i) {
    x.push_back(2 * rng.normal());
    y.push_back(rng.bernoulli(1 / (1 + std::exp(-0.7 * x.back() + 0.4))) ? 1 : 0);
  }
  ASSERT_TRUE(pools.add(x, y).ok());
  std::vector<double> score, target, weight;
  for (const stats::Pool& pool : pools.pools()) {
    score.push_back(pool.x);
    target.push_back(0.001 + 0.997 * pool.sum / pool.weight);
    weight.push_back(pool.weight);
  }
  const std::array<std::span<const double>, 1> features = {score};
  for (const bool intercept : {true, false}) {
    SmallLogisticOptions options;
    options.intercept = intercept;
    options.l2 = 1e-6;
    const auto fast = fit_by_moments(pools.pools(), 0.001, 0.998, options);
    const SmallLogistic slow = fit_small_logistic(features, target, weight, options);
    ASSERT_TRUE(fast.has_value());
    EXPECT_NEAR(fast->beta[0], slow.beta[0], 1e-9);
    EXPECT_NEAR(fast->beta[2], slow.beta[2], 1e-9);
    EXPECT_NEAR(fast->loss, slow.loss, 1e-7);
    for (const std::size_t at : {0, 2, 6, 8}) EXPECT_NEAR(fast->covariance[at], intercept || at == 0 ? slow.covariance[at] : 0, 1e-10) << at;
  }
  // Steeper than the cells allow: the plain way is left.
  std::vector<stats::Pool> steep;
  for (int i = -3000; i < 3000; ++i) steep.push_back({i * 1e-2, 1, i > 0 ? 1.0 : 0.0});
  steep[2990].sum = 1;
  steep[3010].sum = 0;
  EXPECT_FALSE(fit_by_moments(steep, 0, 1, {}).has_value());
  const auto map = fit_map(Calibration::bias_temperature, steep, {});
  ASSERT_TRUE(map.ok());
  EXPECT_GT(map->slope, 10);
}

}  // namespace
}  // namespace plimsoll::learn

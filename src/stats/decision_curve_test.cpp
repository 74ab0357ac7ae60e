// SPDX-License-Identifier: Apache-2.0
#include "stats/decision_curve.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/philox.h"

namespace plimsoll::stats {
namespace {

TEST(DecisionCurve, HandWorked) {
  const std::vector<double> p{0.1, 0.4, 0.6, 0.2};
  const std::vector<std::int32_t> y{0, 0, 1, 1};
  const auto curve = *decision_curve(p, y, std::vector<double>{0, 0.2, 0.5}, 0.95);
  EXPECT_EQ(curve[0].model, 0.5);  // all treated, no cost
  EXPECT_EQ(curve[0].treat_all, 0.5);
  EXPECT_NEAR(curve[1].model, 0.5 - 0.25 * 0.25, 1e-15);  // 0.2 itself is treated
  EXPECT_NEAR(curve[1].treat_all, 0.5 - 0.5 * 0.25, 1e-15);
  EXPECT_EQ(curve[1].treated, 0.75);
  EXPECT_EQ(curve[2].model, 0.25);
  EXPECT_EQ(curve[2].treat_all, 0);
}

// True probabilities: the interval holds the expected net benefit, E[(p - (1 - p) w) 1{p >= t}] with p uniform.
TEST(DecisionCurve, IntervalCovers) {
  Stream rng(1);
  const double t = 0.3, w = t / (1 - t);
  const double truth = (1 - t * t) / 2 * (1 + w) - w * (1 - t);
  int covered = 0, shifted = 0;
  const int draws = 2000;
  for (int d = 0; d < draws; ++d) {
    std::vector<double> p(300);
    std::vector<std::int32_t> y(300);
    for (std::size_t i = 0; i < p.size(); ++i) {
      p[i] = rng.uniform();
      y[i] = rng.bernoulli(p[i]) ? 1 : 0;
    }
    const auto point = decision_curve(p, y, std::vector<double>{t}, 0.95)->front();
    covered += point.interval.contains(truth) ? 1 : 0;
    shifted += point.interval.contains(truth + 0.05) ? 1 : 0;
  }
  EXPECT_NEAR(covered / static_cast<double>(draws), 0.95, 6 * 0.0049 + 0.005);
  EXPECT_LT(shifted / static_cast<double>(draws), 0.8);
}

TEST(DecisionCurve, Errors) {
  const std::vector<double> p{0.5};
  const std::vector<std::int32_t> y{1};
  EXPECT_EQ(decision_curve(p, y, std::vector<double>{1}, 0.95).error().parameter, "thresholds");
  EXPECT_FALSE(decision_curve({}, {}, std::vector<double>{0.5}, 0.95).ok());
}

}  // namespace
}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#include "stats/proper_score.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace plimsoll::stats {
namespace {

constexpr std::array<ProperScore, 3> all = {ProperScore::brier, ProperScore::log, ProperScore::spherical};

TEST(ProperScore, ByHand) {
  EXPECT_DOUBLE_EQ(row_loss(ProperScore::brier, 0.3, 1), 0.49);
  EXPECT_DOUBLE_EQ(row_loss(ProperScore::log, 0.25, 0), -std::log(0.75));
  EXPECT_DOUBLE_EQ(row_loss(ProperScore::spherical, 0.6, 1), 1 - 0.6 / std::sqrt(0.36 + 0.16));
  EXPECT_EQ(row_loss(ProperScore::log, 0, 0), 0);
  EXPECT_EQ(row_loss(ProperScore::log, 0, 1), std::numeric_limits<double>::infinity());
  EXPECT_DOUBLE_EQ(ranked_probability_loss(std::array<double, 3>{0.2, 0.3, 0.5}, 1), (0.04 + 0.25) / 2);
  EXPECT_DOUBLE_EQ(class_loss(ProperScore::brier, std::array<double, 2>{0.3, 0.7}, 1), 2 * row_loss(ProperScore::brier, 0.7, 1));
}

// The expected loss is least at the truth, and rises whenever the forecast moves away from it.
TEST(ProperScore, StrictlyProper) {
  for (const ProperScore score : all)
    for (double q = 0.15; q < 0.9; q += 0.05)
      for (const double step : {0.1, 0.01, -0.1, -0.01}) EXPECT_GT(row_loss(score, q + step, q), row_loss(score, q, q)) << q;
}

TEST(ProperScore, SlopesAreDerivatives) {
  constexpr double h = 1e-5;
  for (const ProperScore score : all)
    for (const double y : {0.0, 1.0, 0.3})
      for (double p = 0.05; p < 1; p += 0.1) {
        const Slope slope = slope_by_probability(score, p, y);
        EXPECT_NEAR(slope.first, (row_loss(score, p + h, y) - row_loss(score, p - h, y)) / (2 * h), 1e-5);
        EXPECT_NEAR(slope.second, (slope_by_probability(score, p + h, y).first - slope_by_probability(score, p - h, y).first) / (2 * h), 1e-3);
        const double z = std::log(p / (1 - p));
        const Slope odds = slope_by_log_odds(score, z, y);
        EXPECT_NEAR(odds.value, slope.value, 1e-12);
        EXPECT_NEAR(odds.first, (slope_by_log_odds(score, z + h, y).value - slope_by_log_odds(score, z - h, y).value) / (2 * h), 1e-8);
        EXPECT_NEAR(odds.second, (slope_by_log_odds(score, z + h, y).first - slope_by_log_odds(score, z - h, y).first) / (2 * h), 1e-8);
      }
  EXPECT_DOUBLE_EQ(slope_by_log_odds(ProperScore::log, 800, 0).value, 800);
  EXPECT_EQ(slope_by_log_odds(ProperScore::log, -800, 0).first, 0);
}

TEST(ProperScore, ClassGradientIsTheDerivative) {
  constexpr double h = 1e-6;
  const std::array<double, 4> logits = {0.3, -1.2, 2.0, 0.1};
  for (const ProperScore score : all)
    for (std::size_t label = 0; label < 4; ++label) {
      std::array<double, 4> gradient{}, scratch{};
      class_loss_gradient(score, logits, label, gradient);
      for (std::size_t c = 0; c < 4; ++c) {
        auto up = logits, down = logits;
        up[c] += h;
        down[c] -= h;
        const double slope = (class_loss_gradient(score, up, label, scratch) - class_loss_gradient(score, down, label, scratch)) / (2 * h);
        EXPECT_NEAR(gradient[c], slope, 1e-8) << c;
      }
    }
}

TEST(ProperScore, RewardsLieBetweenZeroAndOneAndAreProper) {
  for (const ProperScore score : all) {
    EXPECT_NEAR(row_reward(score, 1, 1), 1, 1e-12);
    EXPECT_NEAR(row_reward(score, 0, 1), 0, 1e-4);  // rounding of 1 - eps
    for (double p = 0; p <= 1; p += 0.125)
      for (const double y : {0.0, 1.0}) {
        EXPECT_GE(row_reward(score, p, y), 0);
        EXPECT_LE(row_reward(score, p, y), 1);
      }
    EXPECT_GT(row_reward(score, 0.4, 0.4), row_reward(score, 0.5, 0.4));
  }
}

}  // namespace
}  // namespace plimsoll::stats

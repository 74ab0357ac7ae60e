// SPDX-License-Identifier: Apache-2.0
#include "stats/scores.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/philox.h"

namespace plimsoll::stats {
namespace {

TEST(Scores, HandWorked) {
  const std::vector<double> p{0.8, 0.3, 0.5};
  const std::vector<std::int32_t> y{1, 0, 1};
  EXPECT_NEAR(brier_score(p, y), (0.04 + 0.09 + 0.25) / 3, 1e-15);
  EXPECT_NEAR(log_loss(p, y).value, -(std::log(0.8) + std::log(0.7) + std::log(0.5)) / 3, 1e-15);
  EXPECT_EQ(log_loss(p, y).clipped, 0);
  const double s = 0.8 / std::sqrt(0.68) + 0.7 / std::sqrt(0.58) + 0.5 / std::sqrt(0.5);
  EXPECT_NEAR(spherical_score(p, y), 1 - s / 3, 1e-15);
  const std::vector<double> w{2, 0, 1};
  EXPECT_NEAR(brier_score(p, y, w), (0.08 + 0.25) / 3, 1e-15);
  EXPECT_NEAR(brier_estimate(p, y, 0.95).value, brier_score(p, y), 1e-15);
}

TEST(Scores, CertainAndWrongIsInfiniteWithTheClippedValue) {
  const std::vector<double> p{0, 1, 0.5};
  const std::vector<std::int32_t> y{1, 1, 0};
  const LogLoss loss = log_loss(p, y);
  EXPECT_EQ(loss.value, std::numeric_limits<double>::infinity());
  EXPECT_NEAR(loss.clipped_value, (-std::log(1e-15) + std::log(2)) / 3, 1e-12);
  EXPECT_EQ(loss.clipped, 2);
  const std::vector<double> zero_weight{0, 1, 1};
  EXPECT_NEAR(log_loss(p, y, zero_weight).value, std::log(2) / 2, 1e-15);
}

TEST(Scores, ClassesAgreeWithBinary) {
  const std::vector<double> p{0.8, 0.3, 0.5}, q{0.2, 0.7, 0.5};
  const std::vector<std::int32_t> y{1, 0, 1};
  const std::vector<std::span<const double>> columns{q, p};
  EXPECT_NEAR(class_brier_score(columns, y), 2 * brier_score(p, y), 1e-15);
  EXPECT_NEAR(class_log_loss(columns, y).value, log_loss(p, y).value, 1e-15);
}

// A proper score is least at the truth: shifting the forecast by 0.1 raises the mean score of its own expectation.
TEST(Scores, ExpectedOptimumAtTruth) {
  Stream rng(1);
  const std::size_t n = 200000;
  std::vector<double> p(n), up(n), down(n);
  std::vector<std::int32_t> y(n);
  for (std::size_t i = 0; i < n; ++i) {
    p[i] = 0.15 + 0.7 * rng.uniform();
    up[i] = p[i] + 0.1;
    down[i] = p[i] - 0.1;
    y[i] = rng.bernoulli(p[i]) ? 1 : 0;
  }
  for (const auto& other : {up, down}) {
    EXPECT_GT(brier_score(other, y), brier_score(p, y));
    EXPECT_GT(log_loss(other, y).value, log_loss(p, y).value);
    EXPECT_GT(spherical_score(other, y), spherical_score(p, y));
  }
}

TEST(Scores, RowOrderDoesNotMatter) {
  Stream rng(2);
  std::vector<std::pair<double, std::int32_t>> rows(20000);
  for (auto& row : rows) row = {rng.uniform(), rng.bernoulli(0.3) ? 1 : 0};
  const auto scores = [&rows] {
    std::vector<double> p;
    std::vector<std::int32_t> y;
    for (const auto& [probability, outcome] : rows) {
      p.push_back(probability);
      y.push_back(outcome);
    }
    return std::vector<double>{brier_score(p, y), log_loss(p, y).value, spherical_score(p, y)};
  };
  const auto before = scores();
  rng.shuffle(std::span<std::pair<double, std::int32_t>>(rows));
  EXPECT_EQ(scores(), before);
}

TEST(Scores, Checks) {
  const std::vector<std::int32_t> y{1, 0}, wrong{1, 3};
  EXPECT_TRUE(check_forecasts(std::vector<double>{0, 1}, y).ok());
  EXPECT_EQ(check_forecasts(std::vector<double>{0, 1.5}, y).error().row, 1);
  EXPECT_EQ(check_forecasts(std::vector<double>{std::nan(""), 1}, y).error().row, 0);
  EXPECT_EQ(check_forecasts(std::vector<double>{0, 1}, wrong).error().row, 1);
  EXPECT_EQ(check_forecasts({}, {}).error().code, ErrorCode::too_few_rows);
  EXPECT_EQ(check_forecasts(std::vector<double>{0, 1}, y, std::vector<double>{0, 0}).error().code, ErrorCode::too_few_rows);
}

TEST(Scores, ClassSums) {
  const std::vector<double> a{0.5, 0.2, 0.1}, b{0.5, 0.8 + 5e-5, 0.9}, far{0.5, 0.9, 0.9}, negative{0.5, 0.8, -0.1};
  using Columns = std::vector<std::span<const double>>;
  EXPECT_EQ(check_class_sums(Columns{a, b})->off_rows, 1);
  EXPECT_NEAR(check_class_sums(Columns{a, b})->worst, 5e-5, 1e-12);
  EXPECT_EQ(check_class_sums(Columns{a, far}).error().row, 1);
  EXPECT_EQ(check_class_sums(Columns{a, negative}).error().row, 2);
}

}  // namespace
}  // namespace plimsoll::stats

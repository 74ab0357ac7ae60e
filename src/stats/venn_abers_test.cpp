// SPDX-License-Identifier: Apache-2.0
#include "stats/venn_abers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/exact_sum.h"
#include "base/philox.h"
#include "stats/pav.h"

namespace plimsoll::stats {
namespace {

// The definition: two isotonic fits a query.
VennAbersPair by_definition(std::vector<double> x, const std::vector<std::int32_t>& outcome, std::vector<double> weight,
                            double score) {
  std::vector<double> y(outcome.begin(), outcome.end());
  x.push_back(score);
  y.push_back(0);
  if (!weight.empty()) weight.push_back(1);
  const double p0 = fit_isotonic(x, y, weight)->step(score);
  y.back() = 1;
  return {p0, fit_isotonic(x, y, weight)->step(score)};
}

TEST(VennAbers, EqualsTwoIsotonicFits) {
  Stream rng(1);
  for (int trial = 0; trial < 300; ++trial) {
    const std::size_t n = 1 + rng.below(40);
    std::vector<double> x(n), weight;
    std::vector<std::int32_t> y(n);
    const double slope = trial % 4 - 1;
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = trial % 2 == 0 ? static_cast<double>(rng.below(12)) : rng.normal() * 4;
      y[i] = rng.bernoulli(1 / (1 + std::exp(-slope * (x[i] - 5)))) ? 1 : 0;
      if (trial % 3 == 0) weight.push_back(static_cast<double>(rng.below(9)) / 4);
    }
    const auto fit = fit_venn_abers(x, y, weight);
    double total = weight.empty() ? 1 : 0;
    for (const double w : weight) total += w;
    ASSERT_EQ(fit.ok(), total > 0);
    if (!fit.ok()) continue;
    ASSERT_TRUE(fit->check().ok());
    std::vector<double> queries = x;
    for (const double q : {-1e300, 1e300, -1.0, 0.5, 3.5, 7.25, 12.0}) queries.push_back(q);
    for (const double q : queries) {
      const VennAbersPair fast = fit->at(q), slow = by_definition(x, y, weight, q);
      ASSERT_NEAR(fast.p0, slow.p0, 1e-12) << "trial " << trial << " at " << q;
      ASSERT_NEAR(fast.p1, slow.p1, 1e-12) << "trial " << trial << " at " << q;
      ASSERT_LE(fast.p0, fast.p1);
      for (const double merged : {merge_log_loss(fast), merge_brier(fast)}) {
        ASSERT_GE(merged, fast.p0 - 1e-12);
        ASSERT_LE(merged, fast.p1 + 1e-12);
      }
    }
  }
}

TEST(VennAbers, HandWorked) {
  const std::vector<double> x{1, 2};
  const std::vector<std::int32_t> y{0, 1};
  const auto fit = *fit_venn_abers(x, y);
  // between the two: adding 0 joins nothing (0, 0 | 1), adding 1 neither (0 | 1, 1)
  EXPECT_EQ(fit.at(1.5).p0, 0);
  EXPECT_EQ(fit.at(1.5).p1, 1);
  EXPECT_EQ(fit.at(1).p1, 0.5);
  EXPECT_EQ(fit.at(2).p0, 0.5);
  EXPECT_EQ(fit.at(3).p0, 0.5);
  EXPECT_NEAR(merge_log_loss({0.2, 0.4}), 1.0 / 3, 1e-15);
  EXPECT_NEAR(merge_brier({0.2, 0.4}), 0.34, 1e-15);
}

TEST(VennAbers, InfiniteAndMissingScores) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> x{-infinity, 0, infinity};
  const std::vector<std::int32_t> y{0, 1, 1};
  const auto fit = *fit_venn_abers(x, y);
  EXPECT_EQ(fit.at(-infinity).p1, 0.5);
  EXPECT_EQ(fit.at(std::nan("")).p0, 0);
  EXPECT_EQ(fit.at(std::nan("")).p1, 1);
}

// E[p of the true outcome's pair member - y] = 0 for exchangeable rows: the mean over draws within 6 standard errors.
TEST(VennAbers, OneOfThePairIsCalibrated) {
  Stream rng(3);
  ExactSum sum, squares;
  const int draws = 20000;
  for (int d = 0; d < draws; ++d) {
    std::vector<double> x(30);
    std::vector<std::int32_t> y(30);
    for (std::size_t i = 0; i < 30; ++i) {
      x[i] = std::floor(rng.uniform() * 10);
      y[i] = rng.bernoulli(0.05 + 0.06 * x[i]) ? 1 : 0;
    }
    const auto fit = *fit_venn_abers(std::span<const double>(x).first(29), std::span<const std::int32_t>(y).first(29));
    const VennAbersPair pair = fit.at(x[29]);
    const double gap = y[29] == 1 ? pair.p1 - 1 : pair.p0;
    sum.add(gap);
    squares.add(gap * gap);
  }
  const double mean = sum.value() / draws;
  EXPECT_NEAR(mean, 0, 6 * std::sqrt(squares.value() / draws / draws));
}

TEST(VennAbers, Errors) {
  EXPECT_EQ(fit_venn_abers({}, {}).error().code, ErrorCode::too_few_rows);
  EXPECT_EQ(fit_venn_abers(std::vector<double>{1, 2}, std::vector<std::int32_t>{1, 2}).error().row, 1);
  EXPECT_EQ(fit_venn_abers(std::vector<double>{std::nan("")}, std::vector<std::int32_t>{1}).error().code, ErrorCode::bad_value);
  VennAbers broken{{1}, {0.5}, {}, {1}};
  EXPECT_FALSE(broken.check().ok());
  broken.values_0 = {0.5, 0.4};
  EXPECT_FALSE(broken.check().ok());
  broken.values_0 = {0.4, 0.5};
  EXPECT_TRUE(broken.check().ok());
}

}  // namespace
}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#include "stats/multiple_testing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/philox.h"

namespace plimsoll::stats {
namespace {

using Positions = std::vector<std::size_t>;

// Table 1 of Benjamini and Hochberg 1995: at 0.05, their procedure rejects 4 of 15, Bonferroni-like ones 3.
TEST(MultipleTesting, PublishedExample) {
  const std::vector<double> p{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                              0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0};
  EXPECT_EQ(benjamini_hochberg(p, 0.05), (Positions{0, 1, 2, 3}));
  EXPECT_EQ(holm(p, 0.05), (Positions{0, 1, 2}));
  EXPECT_EQ(benjamini_yekutieli(p, 0.05), (Positions{0, 1, 2}));
  EXPECT_GE(storey(p, 0.05).size(), 4u);
}

TEST(MultipleTesting, TheLastOneAtItsLimitIsRejected) {
  EXPECT_EQ(benjamini_hochberg(std::vector<double>{0.05}, 0.05), (Positions{0}));
  EXPECT_EQ(benjamini_hochberg(std::vector<double>{0.1, 0.1, 0.1}, 0.1), (Positions{0, 1, 2}));
  EXPECT_EQ(benjamini_hochberg(std::vector<double>{0.9, 0.2 / 3, 0.01}, 0.1), (Positions{1, 2}));
  EXPECT_TRUE(benjamini_hochberg(std::vector<double>{}, 0.1).empty());
  EXPECT_TRUE(benjamini_hochberg(std::vector<double>{0.2, 0.3}, 0.1).empty());
  // p = k / (n + 1) and level j / (n + 1): m p_(k) = k q exactly, whatever the rounding
  for (int m = 1; m <= 200; ++m) {
    const double q = 0.1;
    std::vector<double> p;
    for (int i = 1; i <= m; ++i) p.push_back(q * i / m);
    EXPECT_EQ(benjamini_hochberg(p, q).size(), static_cast<std::size_t>(m));
  }
}

TEST(MultipleTesting, EqualsTheDefinition) {
  Stream rng(1);
  for (int trial = 0; trial < 300; ++trial) {
    const std::size_t m = 1 + rng.below(20);
    std::vector<double> p(m);
    for (double& x : p) x = static_cast<double>(1 + rng.below(40)) / 41;
    const double q = 0.05 + 0.4 * rng.uniform();
    double threshold = -1;
    for (const double t : p) {
      const auto k = std::count_if(p.begin(), p.end(), [t](double x) { return x <= t; });
      if (t * static_cast<double>(m) <= q * static_cast<double>(k)) threshold = std::max(threshold, t);
    }
    Positions expected;
    for (std::size_t i = 0; i < m; ++i)
      if (p[i] <= threshold) expected.push_back(i);
    ASSERT_EQ(benjamini_hochberg(p, q), expected);
    const std::vector<double> adjusted = benjamini_hochberg_adjusted(p);
    for (std::size_t i = 0; i < m; ++i) ASSERT_EQ(adjusted[i] <= q, std::binary_search(expected.begin(), expected.end(), i));
    const Positions strict = holm(p, q);
    ASSERT_TRUE(std::includes(expected.begin(), expected.end(), strict.begin(), strict.end()));
  }
}

// With m0 nulls the false discovery rate of BH is q m0 / m exactly for independent p-values.
TEST(MultipleTesting, FalseDiscoveryRateIsHeld) {
  Stream rng(2);
  const double q = 0.2;
  const int draws = 4000, m = 50, nulls = 40;
  double sum = 0, squares = 0, twice = 0;
  for (int d = 0; d < draws; ++d) {
    std::vector<double> p;
    for (int i = 0; i < m; ++i) p.push_back(i < nulls ? rng.uniform() : rng.uniform() * 0.01);
    const auto share = [&p](double at) {
      const Positions rejected = benjamini_hochberg(p, at);
      const auto wrong = std::count_if(rejected.begin(), rejected.end(), [](std::size_t i) { return i < nulls; });
      return rejected.empty() ? 0 : static_cast<double>(wrong) / static_cast<double>(rejected.size());
    };
    const double fdp = share(q);
    sum += fdp;
    squares += fdp * fdp;
    twice += share(2 * q) / draws;
  }
  const double mean = sum / draws;
  const double band = 5.5 * std::sqrt((squares / draws - mean * mean) / draws);
  EXPECT_NEAR(mean, q * nulls / m, band);
  EXPECT_GT(twice, q * nulls / m + band);
}

TEST(ConformalPValue, HandWorkedAndUniform) {
  const std::vector<double> sorted{1, 2, 2, 3};
  EXPECT_EQ(conformal_p_value(sorted, 2), 0.8);
  EXPECT_EQ(conformal_p_value(sorted, 4), 0.2);
  EXPECT_EQ(conformal_p_value(sorted, 0), 1);
  EXPECT_EQ(conformal_p_value(sorted, 2, 0.5), (1 + 0.5 * 3) / 5);
  EXPECT_EQ(conformal_p_value({}, 1), 1);
  Stream rng(3);
  double mean = 0, small = 0;
  const int draws = 40000;
  for (int d = 0; d < draws; ++d) {
    std::vector<double> scores(9);
    for (double& s : scores) s = static_cast<double>(rng.below(4));
    std::sort(scores.begin(), scores.end());
    const auto score = static_cast<double>(rng.below(4));
    const double p = conformal_p_value(scores, score, rng.uniform());
    mean += p / draws;
    small += p <= 0.13 ? 1.0 / draws : 0;
  }
  EXPECT_NEAR(mean, 0.5, 6 * std::sqrt(1.0 / 12 / draws));
  EXPECT_NEAR(small, 0.13, 6 * std::sqrt(0.13 * 0.87 / draws));
}

}  // namespace
}  // namespace plimsoll::stats

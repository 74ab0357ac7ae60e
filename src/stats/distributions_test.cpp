// SPDX-License-Identifier: Apache-2.0
#include "stats/distributions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "stats/intervals.h"

namespace plimsoll::stats {
namespace {

TEST(Distributions, PublishedValues) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
  EXPECT_NEAR(normal_cdf(1.959963984540054), 0.975, 1e-15);
  EXPECT_NEAR(normal_upper_quantile(1e-9), 5.997807015007687, 1e-12);
  EXPECT_NEAR(normal_sf(6) / 9.865876450376981e-10, 1, 1e-12);
  EXPECT_NEAR(student_t_upper_quantile(0.025, 4), 2.7764451051977987, 1e-12);
  EXPECT_NEAR(student_t_upper_quantile(0.025, 1e6), 1.9599664, 1e-6);
  EXPECT_NEAR(student_t_cdf(2.7764451051977987, 4), 0.975, 1e-13);
  EXPECT_NEAR(student_t_cdf(-0.5, 1), 0.5 - std::atan(0.5) / 3.14159265358979323846, 1e-14);
  EXPECT_NEAR(chi_square_sf(3.841458820694124, 1), 0.05, 1e-13);
  EXPECT_NEAR(chi_square_sf(10, 2), std::exp(-5.0), 1e-16);
  EXPECT_NEAR(beta_cdf(0.3, 1, 1), 0.3, 1e-15);
  EXPECT_NEAR(beta_quantile(0.25, 2, 1), 0.5, 1e-14);
  EXPECT_NEAR(beta_upper_quantile(0.25, 1, 2), 0.5, 1e-14);
  EXPECT_TRUE(std::isnan(beta_cdf(2, 1, 1)));
  EXPECT_TRUE(std::isnan(normal_quantile(-1)));
  EXPECT_EQ(normal_quantile(1), std::numeric_limits<double>::infinity());
}

TEST(Distributions, BinomialEqualsItsSum) {
  for (const double p : {0.03, 0.5, 0.9}) {
    const int n = 30;
    double term = std::pow(1 - p, n), sum = 0;
    for (int k = 0; k <= n; ++k) {
      sum += term;
      EXPECT_NEAR(binomial_cdf(k, n, p), sum, 1e-12);
      EXPECT_NEAR(binomial_sf(k, n, p), 1 - sum, 1e-12);
      term *= p / (1 - p) * (n - k) / (k + 1);
    }
  }
  EXPECT_NEAR(binomial_sf(99, 100, 0.1) / 1e-100, 1, 1e-10);
}

TEST(Distributions, HypergeometricByHand) {
  // 5 of 10 good, 4 drawn: P(X > 2) = (C(5,3) 5 + C(5,4)) / 210
  EXPECT_NEAR(hypergeometric_sf(2, 5, 4, 10), 55.0 / 210, 1e-15);
  EXPECT_EQ(hypergeometric_sf(4, 5, 4, 10), 0);
  EXPECT_EQ(hypergeometric_sf(-1, 5, 4, 10), 1);
  // symmetric about 5000: one half and half the middle term
  const double middle = std::exp(4 * std::lgamma(10001) - 4 * std::lgamma(5001) - std::lgamma(20001));
  EXPECT_NEAR(hypergeometric_sf(4999, 10000, 10000, 20000), 0.5 + middle / 2, 1e-9);
}

TEST(BetaBinomial, MomentsAndFlatCase) {
  for (const auto& [n, a, b] : {std::tuple<std::int64_t, double, double>{100, 181, 20},
                                {1000, 9, 1},
                                {50, 0.5, 0.5},
                                {17, 1, 1},
                                {40, 0.3, 4},
                                {200000, 901, 100},
                                {0, 2, 3}}) {
    const auto law = *BetaBinomial::make(n, a, b);
    double total = 0, mean = 0, second = 0;
    for (std::int64_t x = 0; x <= n; ++x) {
      const double m = law.pmf(x);
      total += m;
      mean += m * static_cast<double>(x);
      second += m * (static_cast<double>(x) - law.mean()) * (static_cast<double>(x) - law.mean());
    }
    EXPECT_NEAR(total, 1, 1e-12);
    EXPECT_NEAR(mean, law.mean(), 1e-9 * (1 + law.mean()));
    EXPECT_NEAR(second, law.variance(), 1e-9 * (1 + law.variance()));
  }
  EXPECT_NEAR(BetaBinomial::make(17, 1, 1)->pmf(5), 1.0 / 18, 1e-15);
  EXPECT_FALSE(BetaBinomial::make(-1, 1, 1).ok());
  EXPECT_FALSE(BetaBinomial::make(5, 0, 1).ok());
}

// Variance of the coverage, k(n + 1 - k) / ((n + 1)^2 (n + 2)) = .000443 for n = 200, plus the binomial part.
TEST(BetaBinomial, CoverageVariance) {
  const double n = 200, k = 181;
  EXPECT_NEAR(k * (n + 1 - k) / ((n + 1) * (n + 1) * (n + 2)), 0.000443, 6e-7);
  EXPECT_NEAR(BetaBinomial::make(100, k, n + 1 - k)->variance() / 1e4,
              0.000443576 + (k / (n + 1) * (1 - k / (n + 1)) - 0.000443576) / 100, 1e-7);
}

TEST(BetaBinomial, EqualsGammaFormula) {
  const double a = 3.7, b = 2.2;
  const auto law = *BetaBinomial::make(25, a, b);
  for (int x = 0; x <= 25; ++x) {
    const double log = std::lgamma(26) - std::lgamma(x + 1) - std::lgamma(26 - x) + std::lgamma(x + a) +
                       std::lgamma(25 - x + b) - std::lgamma(25 + a + b) - std::lgamma(a) - std::lgamma(b) + std::lgamma(a + b);
    EXPECT_NEAR(law.pmf(x), std::exp(log), 1e-13);
  }
}

TEST(BetaBinomial, CentralBandIsTight) {
  const auto law = *BetaBinomial::make(5000, 91, 10);
  for (const double e : {1e-9, 1e-6, 0.05}) {
    const CountInterval band = law.central(e);
    EXPECT_LE(law.cdf(band.lo - 1), e / 2);
    EXPECT_GT(law.cdf(band.lo), e / 2);
    EXPECT_LE(law.sf(band.hi), e / 2);
    EXPECT_GT(law.sf(band.hi - 1), e / 2);
  }
  EXPECT_EQ(law.quantile(law.cdf(4500)), 4500);
  EXPECT_EQ(law.cdf(-1), 0);
  EXPECT_EQ(law.sf(5000), 0);
}

TEST(Intervals, PublishedValues) {
  const Interval cp = clopper_pearson(0, 10, 0.95);
  EXPECT_EQ(cp.lo, 0);
  EXPECT_NEAR(cp.hi, 1 - std::pow(0.025, 0.1), 1e-13);
  const Interval five = clopper_pearson(5, 10, 0.95);
  EXPECT_NEAR(five.lo, 0.1870860, 1e-6);
  EXPECT_NEAR(five.hi, 0.8129140, 1e-6);
  EXPECT_NEAR(clopper_pearson_upper(0, 10, 0.95), 1 - std::pow(0.05, 0.1), 1e-13);
  EXPECT_EQ(clopper_pearson(10, 10, 0.95).hi, 1);
  const Interval w = wilson(5, 10, 0.95);
  EXPECT_NEAR(w.lo, 0.2365931, 1e-6);
  EXPECT_NEAR(w.hi, 0.7634069, 1e-6);
  EXPECT_EQ(wilson(0, 10, 0.95).lo, 0);
  EXPECT_NEAR(wilson(0, 10, 0.95).hi, 0.2775328, 1e-6);
  EXPECT_EQ(wilson(0, 0, 0.95).hi, 1);
}

// Exact coverage of Clopper-Pearson by summing over all outcomes: never below the level.
TEST(Intervals, ClopperPearsonNeverUndercovers) {
  for (const double p : {0.01, 0.1, 0.37, 0.5, 0.93}) {
    double covered = 0;
    for (std::int64_t x = 0; x <= 40; ++x)
      if (clopper_pearson(x, 40, 0.9).contains(p)) covered += binomial_cdf(x, 40, p) - binomial_cdf(x - 1, 40, p);
    EXPECT_GE(covered, 0.9) << p;
  }
}

TEST(Intervals, MeanByT) {
  const std::vector<double> values{1, 2, 3, 4, 5};
  const Estimate e = mean_estimate(values, 0.95);
  EXPECT_EQ(e.value, 3);
  EXPECT_NEAR(e.standard_error, std::sqrt(0.5), 1e-15);
  EXPECT_NEAR(e.interval.hi - 3, 2.7764451051977987 * std::sqrt(0.5), 1e-12);
  EXPECT_TRUE(std::isinf(mean_estimate(std::vector<double>{1}, 0.95).interval.hi));
}

TEST(Intervals, LogitStaysInside) {
  const Interval i = logit_interval(0.99, 0.02, 0.95);
  EXPECT_GT(i.lo, 0);
  EXPECT_LT(i.hi, 1);
  EXPECT_LT(i.lo, 0.99);
  EXPECT_GT(i.hi, 0.99);
  EXPECT_EQ(logit_interval(1, 0.1, 0.95).lo, 1);
}

}  // namespace
}  // namespace plimsoll::stats

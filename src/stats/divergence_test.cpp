// SPDX-License-Identifier: Apache-2.0
#include "stats/divergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "stats/count_draws.h"
#include "stats/distributions.h"
#include "stats/intervals.h"

namespace plimsoll::stats {
namespace {

const std::vector<double> base{253, 302, 204, 134, 72, 26, 8};
const std::vector<double> current{177, 262, 285, 158, 88, 25, 6};

// Worked by hand elsewhere: the rule of thumb (0.10) calls this stable, the test does not.
TEST(Divergence, PopulationStabilityOfAKnownExample) {
  const auto d = jeffreys_divergence(base, current);
  ASSERT_TRUE(d.ok());
  EXPECT_NEAR(d->value, 0.06769, 5e-6);
  EXPECT_NEAR(d->critical, 0.02518, 5e-6);
  EXPECT_NEAR(d->p_value, 7.2e-6, 5e-8);
  EXPECT_NEAR(d->paper_error, 0.0117, 5e-5);
  EXPECT_NEAR(d->standard_error, 0.0233, 5e-5);
  EXPECT_EQ(d->freedom, 6);
}

TEST(Divergence, IsTheSumOfBothRelativeEntropiesAndSymmetric) {
  const std::vector<double> p{1, 3};
  const std::vector<double> q{2, 2};
  const double by_hand = (0.5 - 0.25) * std::log(2.0) + (0.5 - 0.75) * std::log(0.5 / 0.75);
  EXPECT_NEAR(jeffreys_value(p, q), by_hand, 1e-15);
  EXPECT_NEAR(jeffreys_value(q, p), by_hand, 1e-15);
  EXPECT_EQ(jeffreys_divergence(p, p)->value, 0);
  EXPECT_EQ(jeffreys_divergence(p, p)->p_value, 1);
}

TEST(Divergence, FixedReferenceDropsItsNoise) {
  DivergenceOptions options;
  options.fixed_first = true;
  const auto both = jeffreys_divergence(base, current);
  const auto fixed = jeffreys_divergence(base, current, options);
  EXPECT_NEAR(fixed->statistic, fixed->value * 1001, 1e-9);
  EXPECT_LT(fixed->standard_error, both->standard_error);
  EXPECT_LT(fixed->critical, both->critical);
}

TEST(Divergence, RefusesWhatHasNoFiniteAnswer) {
  const std::vector<double> p{1, 0, 3};
  const std::vector<double> q{1, 2, 3};
  const auto infinite = jeffreys_divergence(p, q);
  ASSERT_FALSE(infinite.ok());
  EXPECT_EQ(infinite.error().code, ErrorCode::bad_value);
  EXPECT_EQ(infinite.error().row, 1);
  EXPECT_EQ(jeffreys_divergence(std::span(p).first(2), q).error().code, ErrorCode::bad_parameter);
  const std::vector<double> negative{1, -2, 3};
  EXPECT_EQ(jeffreys_divergence(negative, q).error().code, ErrorCode::bad_value);
  const std::vector<double> none{0, 0, 0};
  EXPECT_EQ(jeffreys_divergence(none, none).error().code, ErrorCode::bad_parameter);
  std::vector<double> a = p;
  std::vector<double> b = q;
  EXPECT_TRUE(smooth_halves(a, b));
  EXPECT_EQ(a[1], 0.5);
  EXPECT_EQ(b[1], 2.5);
  EXPECT_TRUE(jeffreys_divergence(a, b).ok());
  EXPECT_FALSE(smooth_halves(a, b));
}

TEST(Divergence, BinsEmptyInBothDoNotCount) {
  const std::vector<double> p{10, 0, 30};
  const std::vector<double> q{20, 0, 20};
  EXPECT_EQ(jeffreys_divergence(p, q)->freedom, 1);
  const std::vector<double> one{10};
  EXPECT_EQ(jeffreys_divergence(one, one)->p_value, 1);
}

// The inversion undoes the tail; without noncentrality it is the chi-square tail.
TEST(Divergence, NoncentralTailsInvert) {
  EXPECT_NEAR(noncentral_chi_square_cdf(7, 4, 0), 1 - chi_square_sf(7, 4), 1e-14);
  for (const double ncp : {0.5, 3.0, 40.0})
    for (const double x : {2.0, 7.0, 60.0}) {
      const double p = noncentral_chi_square_cdf(x, 4, ncp);
      if (p < 1e-9 || p > 1 - 1e-9) continue;
      EXPECT_NEAR(noncentrality_at(x, 4, p), ncp, 1e-6 * (1 + ncp));
    }
  EXPECT_EQ(noncentrality_at(0.1, 4, 0.5), 0);
  EXPECT_NEAR(chi_square_upper_quantile(0.05, 4), 9.487729036781154, 1e-10);
  // The power of the test at the detectable divergence is what was asked.
  const double d = detectable_divergence(4, 1000, 1000, 0.95, 0.8);
  EXPECT_NEAR(noncentral_chi_square_cdf(chi_square_upper_quantile(0.05, 4), 4, d * 500), 0.2, 1e-9);
}

// Rejections of the null are counted; both bounds at a false alarm of 1e-6. The paper's z-test fails the same count.
TEST(Divergence, TheTestHasItsSizeAndThePapersHasNot) {
  Stream stream(5);
  constexpr std::int64_t trials = 3000;
  std::int64_t rejected = 0;
  std::int64_t paper = 0;
  DivergenceOptions options;
  options.interval = false;
  for (std::int64_t t = 0; t < trials; ++t) {
    std::vector<double> g(10, 0);
    std::vector<double> b(10, 0);
    for (int i = 0; i < 700; ++i) g[static_cast<std::size_t>(stream.below(10))] += 1;
    for (int i = 0; i < 300; ++i) b[static_cast<std::size_t>(stream.below(10))] += 1;
    const auto d = jeffreys_divergence(g, b, options);
    ASSERT_TRUE(d.ok());
    if (d->p_value <= 0.05) ++rejected;
    if (d->paper_p <= 0.05) ++paper;
  }
  EXPECT_LE(clopper_pearson_lower(rejected, trials, 1 - 5e-7), 0.06);
  EXPECT_GE(clopper_pearson_upper(rejected, trials, 1 - 5e-7), 0.04);
  EXPECT_GT(clopper_pearson_lower(paper, trials, 1 - 1e-6), 0.9);
}

TEST(CountDraws, HypergeometricLaw) {
  Stream stream(11);
  constexpr std::int64_t draws = 40000;
  std::vector<std::int64_t> seen(13, 0);
  for (std::int64_t i = 0; i < draws; ++i) ++seen[static_cast<std::size_t>(hypergeometric_draw(stream, 12, 30, 100))];
  double statistic = 0;
  for (std::int64_t k = 0; k <= 12; ++k) {
    const double mass = (k == 0 ? 1.0 : hypergeometric_sf(k - 1, 12, 30, 100)) - hypergeometric_sf(k, 12, 30, 100);
    const double expected = mass * static_cast<double>(draws);
    if (expected < 5) continue;
    const double gap = static_cast<double>(seen[static_cast<std::size_t>(k)]) - expected;
    statistic += gap * gap / expected;
  }
  EXPECT_GT(chi_square_sf(statistic, 10), 1e-6);
  EXPECT_EQ(hypergeometric_draw(stream, 5, 9, 9), 5);
  EXPECT_EQ(hypergeometric_draw(stream, 0, 3, 9), 0);
}

TEST(CountDraws, DealingKeepsTheTotals) {
  Stream stream(12);
  const std::vector<std::int64_t> urn{500000, 0, 3, 120000, 1};
  std::vector<std::int64_t> taken(urn.size());
  for (int i = 0; i < 200; ++i) {
    deal_counts(stream, urn, 70000, taken);
    EXPECT_EQ(std::accumulate(taken.begin(), taken.end(), std::int64_t{0}), 70000);
    for (std::size_t j = 0; j < urn.size(); ++j) EXPECT_TRUE(taken[j] >= 0 && taken[j] <= urn[j]);
  }
}

TEST(Divergence, SparseCellsAndDriftByDraws) {
  const std::vector<std::int64_t> g{40, 3, 1, 0};
  const std::vector<std::int64_t> b{10, 3, 2, 1};
  const double p = divergence_monte_carlo_p(g, b, 2000, Stream(1));
  EXPECT_GT(p, 0.005);
  EXPECT_LT(p, 0.2);
  EXPECT_EQ(p, divergence_monte_carlo_p(g, b, 2000, Stream(1)));
  const std::vector<std::int64_t> strong{5, 30, 60, 90};
  const std::vector<std::int64_t> weak{40, 45, 50, 50};
  EXPECT_LT(divergence_drift_permutation_p(strong, {weak}, weak, weak, 400, Stream(2)), 0.01);
  EXPECT_GT(divergence_drift_permutation_p(strong, weak, strong, weak, 400, Stream(2)), 0.9);
  const auto x = jeffreys_divergence(base, current);
  EXPECT_EQ(divergence_drift(*x, *x, true).p_value, 1);
}

}  // namespace
}  // namespace plimsoll::stats

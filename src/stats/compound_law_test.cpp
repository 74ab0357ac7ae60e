// SPDX-License-Identifier: Apache-2.0
#include "stats/compound_law.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stats/distributions.h"

namespace plimsoll::stats {
namespace {

CompoundRisk risk_of(FrequencyLaw frequency, SeverityLaw severity) { return {frequency, {{1.0, std::move(severity)}}}; }
SeverityLaw lognormal(double a, double b) { return {SeverityKind::lognormal, a, b, 0, 4, 1, std::numeric_limits<double>::infinity(), {}}; }
SeverityLaw of(SeverityKind kind, double a, double b, double c = 0) { return {kind, a, b, c, 4, 1, std::numeric_limits<double>::infinity(), {}}; }

// Published: Poisson(4), lognormal of median 20,000 and sigma 1: P95, P99, P99.9 = 334,249, 508,056, 832,937, to the unit.
TEST(CompoundLaw, GivesPublishedPercentilesOfOneRisk) {
  const CompoundRisk risk = risk_of({CountKind::poisson, 4, 0, 1}, lognormal(std::log(20000.0), 1));
  const auto law = compound_law({&risk, 1}, {1 << 17, 0, false});
  ASSERT_TRUE(law.ok()) << law.error().message();
  EXPECT_NEAR(law.value().mean, 131898, 1);
  EXPECT_NEAR(std::sqrt(law.value().variance), 108731, 1);
  for (const auto& [p, value] : {std::pair{0.95, 334249.0}, {0.99, 508056.0}, {0.999, 832937.0}}) {
    const auto q = law.value().quantile(p);
    EXPECT_NEAR(q.value, value, 1.5 * law.value().step + 0.0003 * value) << p;
    EXPECT_LE(q.low, value);
    EXPECT_GE(q.high, value);
  }
  EXPECT_LT(law.value().clipped, 1e-9);
  EXPECT_LT(law.value().beyond, 1e-6);
  EXPECT_NEAR(law.value().middle[0], std::exp(-4.0), 1e-3);  // nothing happens
}

// Exponential losses of mean 1, geometric count with p = 1/2: P(T > x) = (1/2) exp(-x / 2), exactly.
TEST(CompoundLaw, AgreesWithTheClosedFormOfGeometricExponential) {
  const CompoundRisk risk = risk_of({CountKind::negative_binomial, 1, 0.5, 1}, of(SeverityKind::gamma, 1, 1));
  const auto law = compound_law({&risk, 1}, {1 << 16, 0, false});
  ASSERT_TRUE(law.ok());
  for (const double p : {0.6, 0.9, 0.99, 0.9999}) {
    const double exact = -2 * std::log(2 * (1 - p));
    const auto q = law.value().quantile(p);
    EXPECT_LE(q.low, exact);
    EXPECT_GE(q.high, exact);
    EXPECT_NEAR(q.value, exact, 2 * law.value().step);
    const auto tail = law.value().tail_mean(p);
    EXPECT_NEAR(tail.value, exact + 2, 1e-2);
    EXPECT_LE(tail.low, exact + 2);
    EXPECT_GE(tail.high, exact + 2);
  }
  // E min((T - 1)+, 2) = (1/2) int_1^3 exp(-x/2) dx.
  const double layer = std::exp(-0.5) - std::exp(-1.5);
  const auto found = law.value().layer(1, 2);
  EXPECT_NEAR(found.value, layer, 1e-4);
  EXPECT_LE(found.low, layer);
  EXPECT_GE(found.high, layer);
}

TEST(CompoundLaw, AgreesWithPanjersRecursion) {
  const std::vector<CompoundRisk> risks = {risk_of({CountKind::poisson, 2, 0, 1}, lognormal(0, 0.8)), risk_of({CountKind::negative_binomial, 2, 0.4, 0.7}, of(SeverityKind::pert, 0, 1, 4)),
                                           risk_of({CountKind::binomial, 5, 0.2, 1}, of(SeverityKind::uniform, 0, 3))};
  const auto law = compound_law(risks, {1024, 0.1, false});
  ASSERT_TRUE(law.ok());
  const std::vector<double> mass = panjer_mass(risks, 0.1, 1024);
  ASSERT_EQ(mass.size(), 1024U);
  double sum = 0;
  for (std::size_t j = 0; j + 1 < mass.size(); ++j) {
    sum += mass[j];
    ASSERT_NEAR(law.value().least[j], sum, 1e-10) << j;
  }
}

// The sum of what the risks add is the total, and the closed form of its mean.
TEST(CompoundLaw, SharesAddUp) {
  const std::vector<CompoundRisk> risks = {risk_of({CountKind::poisson, 2, 0, 1}, lognormal(0, 0.8)), {{CountKind::negative_binomial, 2, 0.4, 1}, {{0.5, of(SeverityKind::uniform, 0, 3)}, {0.25, of(SeverityKind::fixed, 2, 0)}}}};
  const auto law = compound_law(risks, {1 << 14, 0, true});
  ASSERT_TRUE(law.ok());
  const double v = law.value().quantile(0.95).value;
  double total = 0, chance = 0;
  for (std::size_t j = static_cast<std::size_t>(std::ceil(v / law.value().step - 1e-9)); j < law.value().middle.size(); ++j) {
    const double mass = law.value().middle[j] - law.value().middle[j - 1];
    total += mass * law.value().step * static_cast<double>(j);
    chance += mass;
  }
  EXPECT_NEAR(law.value().share_beyond(0, v) + law.value().share_beyond(1, v), total / chance, 1e-6 * v);
  EXPECT_NEAR(law.value().share_beyond(1, 0), risks[1].mean(), law.value().step * risks[1].frequency.mean());
}

TEST(CompoundLaw, LargestEventOfAPoissonYear) {
  const CompoundRisk risk = risk_of({CountKind::poisson, 3, 0, 1}, lognormal(1, 0.5));
  EXPECT_NEAR(largest_event_cdf({&risk, 1}, 4), std::exp(-3 * (1 - risk.parts[0].severity.cdf(4))), 1e-14);
}

TEST(SeverityLaw, MomentsAgreeWithTheirQuantiles) {
  std::vector<SeverityLaw> laws = {lognormal(1, 0.7),
                                   of(SeverityKind::pert, 1, 2, 7),
                                   of(SeverityKind::gamma, 2.5, 3),
                                   of(SeverityKind::weibull, 1.5, 2),
                                   of(SeverityKind::pareto, 0.2, 2, 1),
                                   of(SeverityKind::normal, 1, 2),
                                   of(SeverityKind::triangular, 0, 1, 5),
                                   of(SeverityKind::uniform, 1, 4)};
  laws.push_back(lognormal(1, 0.7));
  laws.back().cap = 4;
  laws.back().factor = 0.5;
  laws.push_back(SeverityLaw{SeverityKind::empirical, 0, 1, 0, 4, 1, std::numeric_limits<double>::infinity(), {3, 1, 2, 2}});
  for (SeverityLaw& law : laws) {
    ASSERT_TRUE(check(law).ok());
    double first = 0;
    constexpr int n = 50000;
    for (int i = 0; i < n; ++i) {
      const double u = (i + 0.5) / n;
      const double x = law.quantile(u);
      first += x / n;
      if (i % 5000 == 2500 && law.kind != SeverityKind::empirical && x < law.highest()) {
        EXPECT_NEAR(law.cdf(x), u, 1e-9);
        EXPECT_NEAR(law.at_least(x), 1 - u, 1e-9);
      }
    }
    EXPECT_NEAR(first, law.mean(), 2e-4 * law.mean()) << static_cast<int>(law.kind);
    Stream stream(5);
    double sum = 0, squares = 0;
    constexpr int draws = 10000;
    for (int i = 0; i < draws; ++i) {
      const double x = law.draw(stream);
      sum += x;
      squares += x * x;
    }
    const double sd = std::sqrt(std::max(0.0, law.second_moment() - law.mean() * law.mean()));
    EXPECT_NEAR(sum / draws, law.mean(), 6 * sd / std::sqrt(static_cast<double>(draws))) << static_cast<int>(law.kind);
    EXPECT_NEAR(squares / draws, law.second_moment(), 0.15 * law.second_moment()) << static_cast<int>(law.kind);
  }
}

TEST(SeverityLaw, IntervalAndMomentsGiveTheirLognormal) {
  const SeverityLaw law = lognormal_from_interval(10, 1000, 0.9).value();
  EXPECT_NEAR(law.quantile(0.05), 10, 1e-9);
  EXPECT_NEAR(law.quantile(0.95), 1000, 1e-6);
  const SeverityLaw other = lognormal_from_moments(50, 2).value();
  EXPECT_NEAR(other.mean(), 50, 1e-10);
  EXPECT_NEAR(other.second_moment(), 2500 * 5, 1e-8);
}

TEST(SeverityLaw, RefusesWhatIsNoLaw) {
  for (SeverityLaw law : {lognormal(1, 0), of(SeverityKind::pert, 3, 2, 7), of(SeverityKind::pert, 5, 5, 5), of(SeverityKind::uniform, 4, 4), of(SeverityKind::gamma, -1, 1), of(SeverityKind::empirical, 0, 0)}) {
    const auto bad = check(law);
    ASSERT_FALSE(bad.ok());
    EXPECT_EQ(bad.error().code, ErrorCode::bad_parameter);
  }
}

TEST(FrequencyLaw, ThinningCountsAndIntervals) {
  FrequencyLaw law{CountKind::negative_binomial, 2, 0.3, 1};
  EXPECT_NEAR(law.mean(), 2 * 0.7 / 0.3, 1e-12);
  EXPECT_NEAR(law.variance(), 2 * 0.7 / 0.09, 1e-12);
  law.kept = 0.25;
  const std::vector<double> steps = law.cumulative();
  double mean = 0, second = 0;
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const double p = steps[k] - (k > 0 ? steps[k - 1] : 0);
    mean += p * static_cast<double>(k);
    second += p * static_cast<double>(k * k);
  }
  EXPECT_NEAR(mean, law.mean(), 1e-10);
  EXPECT_NEAR(second - mean * mean, law.variance(), 1e-8);
  const FrequencyLaw seen = rate_from_counts(7, 2);  // gamma(7.5, 2): mean 3.75, variance of the count 3.75 + 7.5 / 4
  EXPECT_NEAR(seen.mean(), 3.75, 1e-12);
  EXPECT_NEAR(seen.variance(), 3.75 + 7.5 / 4, 1e-12);
  const FrequencyLaw told = rate_from_interval(0.5, 3, 0.9).value();
  const double shape = told.a, rate = told.b / (1 - told.b);
  EXPECT_NEAR(shape / rate, told.mean(), 1e-9);
  EXPECT_GT(told.mean(), 0.5);
  EXPECT_LT(told.mean(), 3);
  EXPECT_FALSE(rate_from_interval(3, 1, 0.9).ok());
  FrequencyLaw percent{CountKind::binomial, 1, 30, 1};
  EXPECT_FALSE(check(percent).ok());
}

}  // namespace
}  // namespace plimsoll::stats

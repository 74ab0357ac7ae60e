// SPDX-License-Identifier: Apache-2.0
#include "stats/count_law.h"

#include <gtest/gtest.h>

#include <cmath>

namespace plimsoll::stats {
namespace {

CountLaw coin() {
  CountLaw law;
  law.mass = {0.5, 0.5};
  return law;
}

TEST(CountLaw, SumsOfCoinsAreBinomial) {
  const CountLaw ten = coin().times(10);
  ASSERT_EQ(ten.mass.size(), 11u);
  for (std::int64_t x = 0; x <= 10; ++x) {
    const double wanted = std::tgamma(11.0) / (std::tgamma(static_cast<double>(x) + 1) * std::tgamma(11.0 - static_cast<double>(x))) / 1024;
    EXPECT_NEAR(ten.mass[static_cast<std::size_t>(x)], wanted, 1e-15) << x;
  }
  EXPECT_EQ(coin().times(0).within(0, 0), 1);
}

TEST(CountLaw, BandLeavesAtMostTheTails) {
  const CountLaw law = coin().times(10);
  const CountInterval band = law.band(0.011);  // P(0) + P(1) = 11/1024
  EXPECT_EQ(band.lo, 2);
  EXPECT_EQ(band.hi, 8);
  EXPECT_NEAR(law.within(band.lo, band.hi), 1 - 22.0 / 1024, 1e-15);
}

TEST(CountLaw, CoveredCountsHaveTheBetaBinomialMoments) {
  // n = 200, k = 181, N = 100: mean N k / (n + 1).
  const auto law = CountLaw::covered(200, 181, 100);
  ASSERT_TRUE(law.ok());
  double mean = 0;
  double square = 0;
  double total = 0;
  for (std::size_t i = 0; i < law.value().mass.size(); ++i) {
    const auto x = static_cast<double>(law.value().first) + static_cast<double>(i);
    total += law.value().mass[i];
    mean += x * law.value().mass[i];
    square += x * x * law.value().mass[i];
  }
  EXPECT_NEAR(total, 1, 1e-12);
  EXPECT_NEAR(mean, 100 * 181.0 / 201, 1e-9);
  const double a = 181;
  const double b = 20;
  EXPECT_NEAR(square - mean * mean, 100 * a * b * (a + b + 100) / ((a + b) * (a + b) * (a + b + 1)), 1e-8);
  const CountLaw many = law.value().times(170);
  EXPECT_NEAR(many.within(0, 17000), 1, 1e-10);
}

}  // namespace
}  // namespace plimsoll::stats

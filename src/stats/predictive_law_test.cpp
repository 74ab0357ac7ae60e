// SPDX-License-Identifier: Apache-2.0
#include "stats/predictive_law.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/philox.h"

namespace plimsoll::stats {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(ResidualLaw, StepsByHand) {
  const std::vector<double> c = {-1, 0, 0, 2};
  const ResidualLaw law(c);
  EXPECT_EQ(law.step(-2).low, 0);
  EXPECT_DOUBLE_EQ(law.step(-2).high, 0.2);
  EXPECT_DOUBLE_EQ(law.step(0).low, 0.2);
  EXPECT_DOUBLE_EQ(law.step(0).high, 0.8);
  EXPECT_DOUBLE_EQ(law.step(0).at(0.5), 0.5);
  EXPECT_DOUBLE_EQ(law.step(1).low, 0.6);
  EXPECT_DOUBLE_EQ(law.step(9).high, 1);
}

TEST(ResidualLaw, QuantilesOfBothSides) {
  const std::vector<double> c = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  const ResidualLaw law(c);
  EXPECT_EQ(law.low_quantile(0.09), -infinity);
  EXPECT_EQ(law.low_quantile(0.1), 1);
  EXPECT_EQ(law.low_quantile(0.7), 7);   // 0.7 * 10 is below 7 in doubles
  EXPECT_EQ(law.high_quantile(0.7), 7);
  EXPECT_EQ(law.high_quantile(0.9), 9);
  EXPECT_EQ(law.high_quantile(0.95), infinity);
  EXPECT_EQ(law.high_quantile(0.05), 1);
}

// Against the two double sums.
TEST(ResidualLaw, CrpsAgreesWithPairs) {
  Stream stream(5);
  std::vector<double> c;
  for (int i = 0; i < 57; ++i) c.push_back(1000 + stream.normal());
  std::sort(c.begin(), c.end());
  const ResidualLaw law(c);
  for (const double z : {997.0, 999.9, c[10], 1000.4, 1005.0}) {
    double first = 0;
    double second = 0;
    for (const double a : c) {
      first += std::fabs(a - z) / 57;
      for (const double b : c) second += std::fabs(a - b) / (2.0 * 57 * 57);
    }
    EXPECT_NEAR(law.crps(z), first - second, 1e-12);
  }
  EXPECT_TRUE(std::isnan(ResidualLaw().crps(0)));
}

}  // namespace
}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#include "stats/risk_bounds.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace plimsoll::stats {
namespace {

TEST(RiskBounds, ByHand) {
  EXPECT_NEAR(hoeffding_p(10, 100, 0.2), std::exp(-2.0), 1e-15);
  EXPECT_EQ(hoeffding_p(30, 100, 0.2), 1);
  EXPECT_NEAR(binomial_p(0, 10, 0.3), std::pow(0.7, 10), 1e-15);
  // kl(0, a) = -ln(1 - a): the Hoeffding part is (1 - a)^n, below e times itself.
  EXPECT_NEAR(hoeffding_bentkus_p(0, 10, 0.3), std::pow(0.7, 10), 1e-15);
  EXPECT_EQ(hoeffding_bentkus_p(9, 10, 0.3), 1);
  // Without variance: 7 L / (3 (n - 1)) = gap gives L = 0.3 * 27 / 7 and p = 2 exp(-L).
  EXPECT_NEAR(empirical_bernstein_p(0, 0, 10, 0.3), 2 * std::exp(-0.3 * 27 / 7), 1e-14);
  // One row: bet min(1, sqrt(2 ln(1/0.1) / 0.25)) = 1, capital 1 + a.
  EXPECT_NEAR(betting_p(std::vector<double>{0.0}, 0.3, 0.1), 1 / 1.3, 1e-15);
  EXPECT_EQ(betting_p(std::vector<double>{1.0}, 0.3, 0.1), 1);
}

}  // namespace
}  // namespace plimsoll::stats

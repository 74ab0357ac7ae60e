// SPDX-License-Identifier: Apache-2.0
#include "stats/pac.h"

#include <gtest/gtest.h>

#include <cmath>

#include "stats/distributions.h"

namespace plimsoll::stats {
namespace {

// (1 - 0.05)^58 = 0.0510, ^59 = 0.0485: Wilks' 59 runs for 95 / 95; with 93, one error is allowed.
TEST(PacRank, WilksByHand) {
  const PacRank none = pac_rank(58, 0.05, 0.05).value();
  EXPECT_TRUE(none.infinite);
  EXPECT_EQ(none.k, 59);
  EXPECT_EQ(none.needed_n, 59);
  const PacRank first = pac_rank(59, 0.05, 0.05).value();
  EXPECT_EQ(first.errors, 0);
  EXPECT_EQ(first.k, 59);
  EXPECT_NEAR(first.confidence, 1 - std::pow(0.95, 59), 1e-12);
  EXPECT_EQ(pac_rank(92, 0.05, 0.05).value().errors, 0);
  EXPECT_EQ(pac_rank(93, 0.05, 0.05).value().errors, 1);
}

// The three ways to say it.
TEST(PacRank, BinomialClopperPearsonAndBetaAgree) {
  for (const std::int64_t n : {1, 7, 30, 200, 1000, 25'000})
    for (const double epsilon : {0.01, 0.1, 0.37})
      for (const double delta : {1e-6, 0.05, 0.5}) {
        const PacRank rank = pac_rank(n, epsilon, delta).value();
        ASSERT_EQ(rank.infinite, n < rank.needed_n);
        const auto beta_chance = [&](std::int64_t k) { return beta_cdf(1 - epsilon, static_cast<double>(k), static_cast<double>(n + 1 - k)); };
        if (!rank.infinite) {
          EXPECT_LE(rank.rate_bound, epsilon);
          EXPECT_LE(beta_chance(rank.k), delta);
        }
        if (rank.k > 1) {  // one rank lower breaks it
          EXPECT_GT(beta_chance(rank.k - 1), delta);
        }
      }
}

TEST(PacRank, BadParameters) {
  EXPECT_EQ(pac_rank(10, 0, 0.1).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(pac_rank(10, 0.1, 1).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(pac_rank(-1, 0.1, 0.1).error().code, ErrorCode::bad_parameter);
}

}  // namespace
}  // namespace plimsoll::stats

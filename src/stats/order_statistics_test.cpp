// SPDX-License-Identifier: Apache-2.0
#include "stats/order_statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/philox.h"
#include "stats/distributions.h"

namespace plimsoll::stats {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(ConformalRank, HandWorked) {
  const auto small = *conformal_rank(5, 0.1);
  EXPECT_TRUE(small.infinite);
  EXPECT_EQ(small.k, 6);
  EXPECT_EQ(small.needed_n, 9);
  EXPECT_EQ(small.attained, 1);
  EXPECT_EQ(conformal_rank(9, 0.1)->k, 9);
  EXPECT_FALSE(conformal_rank(9, 0.1)->infinite);
  EXPECT_EQ(conformal_rank(200, 0.1)->k, 181);
  EXPECT_NEAR(conformal_rank(200, 0.1)->attained, 181.0 / 201, 1e-15);
  EXPECT_EQ(conformal_rank(0, 0.1)->needed_n, 9);
  EXPECT_EQ(conformal_rank(19, 0.05)->needed_n, 19);
  EXPECT_EQ(conformal_rank(99, 0.01)->k, 99);
  EXPECT_EQ(conformal_rank(1, 0.999)->k, 1);
}

// (n + 1)(1 - alpha) is an integer by construction: rounding must not push the rank one up. Up to alpha = 1/2: beyond,
// 1 - alpha itself loses digits.
TEST(ConformalRank, IntegersAreNotPushedUp) {
  for (std::int64_t d = 2; d <= 400; ++d)
    for (const std::int64_t m : {1, 7, 99, 1000, 25000, 1000000})
      for (const std::int64_t j : {std::int64_t{1}, d / 3, d / 2}) {
        if (j < 1) continue;
        const double alpha = static_cast<double>(j) / static_cast<double>(d);
        ASSERT_EQ(conformal_rank(d * m - 1, alpha)->k, (d - j) * m) << j << '/' << d << " x " << m;
      }
}

TEST(ConformalRank, BadParameters) {
  for (const double alpha : {0.0, 1.0, -0.1, 1.5, std::nan("")}) EXPECT_FALSE(conformal_rank(10, alpha).ok());
  EXPECT_EQ(conformal_rank(10, 0.0).error().parameter, "alpha");
}

TEST(ConformalQuantile, EqualsSort) {
  Stream rng(1);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<double> scores(1 + rng.below(60));
    for (double& s : scores) s = static_cast<double>(rng.below(20)) / 7;
    std::vector<double> sorted = scores;
    std::sort(sorted.begin(), sorted.end());
    const auto q = *conformal_quantile(scores, 0.1);
    ASSERT_EQ(q.value, q.rank.infinite ? infinity : sorted[static_cast<std::size_t>(q.rank.k - 1)]);
  }
  std::vector<double> bad{1, std::nan(""), 2};
  EXPECT_EQ(conformal_quantile(bad, 0.1).error().row, 1);
  EXPECT_EQ(conformal_quantile({}, 0.1).error().code, ErrorCode::too_few_rows);
}

// n = 200, N = 100, k = 181: covered counts follow the BetaBinomial; band at 1e-7, and one rank less falls out of it.
TEST(ConformalQuantile, CoverageIsBetaBinomial) {
  Stream rng(2);
  double covered = 0, covered_one_less = 0;
  const int draws = 3000;
  for (int d = 0; d < draws; ++d) {
    std::vector<double> scores(200);
    for (double& s : scores) s = rng.normal();
    const double q = conformal_quantile(scores, 0.1)->value;
    const double less = kth_smallest(scores, 176);
    for (int i = 0; i < 100; ++i) {
      const double x = rng.normal();
      covered += x <= q ? 1 : 0;
      covered_one_less += x <= less ? 1 : 0;
    }
  }
  const auto law = *BetaBinomial::make(100, 181, 20);
  const double band = 5.5 * std::sqrt(law.variance() / draws);
  EXPECT_NEAR(covered / draws, law.mean(), band);
  EXPECT_GT(std::fabs(covered_one_less / draws - law.mean()), band);
}

TEST(Quantile, BetweenOrderStatistics) {
  const std::vector<double> sorted{1, 2, 4, 8};
  EXPECT_EQ(quantile_of_sorted(sorted, 0), 1);
  EXPECT_EQ(quantile_of_sorted(sorted, 1), 8);
  EXPECT_EQ(quantile_of_sorted(sorted, 0.5), 3);
  EXPECT_NEAR(quantile_of_sorted(sorted, 0.25), 1.75, 1e-15);
  EXPECT_EQ(quantile_of_sorted(std::vector<double>{3}, 0.7), 3);
}

TEST(Pac, LargestAllowedCount) {
  EXPECT_EQ(pac_errors_allowed(10, 0.1, 1e-6), -1);  // 0.9^10 = 0.35
  EXPECT_EQ(pac_errors_allowed(44, 0.1, 0.01), 0);   // 0.9^44 = 0.0097
  EXPECT_EQ(pac_errors_allowed(43, 0.1, 0.01), -1);  // 0.9^43 = 0.0108
  for (const std::int64_t n : {50, 200, 1000}) {
    const std::int64_t k = pac_errors_allowed(n, 0.1, 0.05);
    EXPECT_LE(binomial_cdf(k, n, 0.1), 0.05);
    EXPECT_GT(binomial_cdf(k + 1, n, 0.1), 0.05);
  }
}

}  // namespace
}  // namespace plimsoll::stats

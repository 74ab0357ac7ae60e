// SPDX-License-Identifier: Apache-2.0
#include "stats/influence.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/philox.h"
#include "stats/intervals.h"
#include "stats/multiple_testing.h"

namespace plimsoll::stats {
namespace {

std::vector<double> normals(Stream rng, std::size_t n) {
  std::vector<double> x(n);
  for (double& v : x) v = rng.normal();
  return x;
}

TEST(Influence, MeanOfIndependentRowsIsStudents) {
  const auto x = normals(Stream(1), 40);
  const Estimate mine = estimate(mean_influence(x), {}, 0.9), known = mean_estimate(x, 0.9);
  EXPECT_DOUBLE_EQ(mine.value, known.value);
  EXPECT_NEAR(mine.standard_error, known.standard_error, 1e-15);
  EXPECT_NEAR(mine.interval.lo, known.interval.lo, 1e-13);
}

// Repeating each row k times as a cluster says no more than the rows once; Newey and West at lag 0 is the plain error.
TEST(Influence, ClustersAndSeries) {
  const auto x = normals(Stream(2), 30);
  std::vector<double> repeated;
  std::vector<std::int32_t> cluster;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (int k = 0; k < 5; ++k) {
      repeated.push_back(x[i]);
      cluster.push_back(static_cast<std::int32_t>(i));
    }
  const double once = standard_error(mean_influence(x), {});
  EXPECT_NEAR(standard_error(mean_influence(repeated), {.cluster = cluster, .clusters = 30}), once, 0.01 * once);
  EXPECT_LT(standard_error(mean_influence(repeated), {}), 0.5 * once);
  std::vector<std::uint32_t> order(x.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  EXPECT_EQ(standard_error(mean_influence(x), {.order = order, .lag = 0}), once);
  // By hand: x = 1, -1, 1, -1 has rows +-f; variance at lag 1 is f^2 (4 - 2 * 1/2 * 3) = f^2.
  const std::vector<double> wave = {1, -1, 1, -1};
  const std::vector<std::uint32_t> four = {0, 1, 2, 3};
  EXPECT_NEAR(standard_error(mean_influence(wave), {.order = four, .lag = 1}), std::sqrt(4.0 / 3) / 4, 1e-15);
}

TEST(Influence, WeightsAreAsIfRowsWereLeftOut) {
  const std::vector<double> x = {1, 2, 4, 100}, kept = {1, 2, 4}, w = {2, 2, 2, 0};
  const Estimate a = estimate(mean_influence(x, w), {}, 0.95), b = estimate(mean_influence(kept), {}, 0.95);
  EXPECT_DOUBLE_EQ(a.value, b.value);
  EXPECT_NEAR(a.standard_error, b.standard_error, 1e-15);
}

TEST(Influence, InfiniteTermsHaveNoError) {
  const std::vector<double> x = {1, std::numeric_limits<double>::infinity()};
  const Estimate e = estimate(mean_influence(x), {}, 0.95);
  EXPECT_EQ(e.value, std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(e.interval.lo));
}

// Under the null the p-value of a paired comparison is uniform: 2,000 tests at 5 % reject in [1, 9] % (chance beyond 1e-15).
TEST(Influence, ComparisonKeepsItsLevelAndSeesADifference) {
  int rejected = 0, seen = 0;
  for (std::uint64_t s = 0; s < 2000; ++s) {
    const auto common = normals(Stream(3).child(s), 25), own = normals(Stream(4).child(s), 25);
    std::vector<double> a = common, b = common;
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += 0.1 * own[i];
    rejected += compare(mean_influence(a), mean_influence(b), {}, 0.95).p_value < 0.05 ? 1 : 0;
    for (double& v : a) v += 0.2;
    seen += compare(mean_influence(a), mean_influence(b), {}, 0.95).p_value < 0.05 ? 1 : 0;
  }
  EXPECT_GT(rejected, 20);
  EXPECT_LT(rejected, 180);
  EXPECT_GT(seen, 1990);
}

TEST(Influence, HolmAgreesWithTheStepDownTest) {
  Stream rng(5);
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<double> p(1 + rng.below(8));
    for (double& x : p) x = rng.uniform() * rng.uniform();
    const auto adjusted = holm_adjusted(p);
    std::vector<std::size_t> rejected;
    for (std::size_t i = 0; i < p.size(); ++i)
      if (adjusted[i] <= 0.05) rejected.push_back(i);
    EXPECT_EQ(rejected, holm(p, 0.05));
  }
  EXPECT_EQ(customary_lag(92), 4);
  EXPECT_EQ(customary_lag(1000), 10);
}

}  // namespace
}  // namespace plimsoll::stats

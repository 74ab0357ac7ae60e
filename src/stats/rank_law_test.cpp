// SPDX-License-Identifier: Apache-2.0
#include "stats/rank_law.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "base/philox.h"
#include "stats/rank_knapsack.h"

namespace plimsoll::stats {
namespace {

// Every non-decreasing tuple of {1 .. n + 1}.
void each_tuple(std::int64_t n, std::int64_t m, const std::function<void(const std::vector<std::int64_t>&)>& see) {
  std::vector<std::int64_t> r(static_cast<std::size_t>(m), 1);
  for (;;) {
    see(r);
    std::size_t i = r.size();
    while (i > 0 && r[i - 1] == n + 1) --i;
    if (i == 0) return;
    const std::int64_t value = r[i - 1] + 1;
    for (std::size_t j = i - 1; j < r.size(); ++j) r[j] = value;
  }
}

TEST(RankLaw, OrderStatisticsAgreeWithCounting) {
  for (const auto& [n, m] : {std::pair<std::int64_t, std::int64_t>{5, 3}, {4, 4}, {7, 1}, {1, 5}}) {
    std::vector<std::map<std::int64_t, double>> seen(static_cast<std::size_t>(m));
    double count = 0;
    each_tuple(n, m, [&](const auto& r) {
      ++count;
      for (std::size_t i = 0; i < r.size(); ++i) ++seen[i][r[i]];
    });
    for (std::int64_t zeta = 1; zeta <= m; ++zeta) {
      const auto mass = order_rank_mass(n, m, zeta);
      for (std::int64_t k = 1; k <= n + 1; ++k) EXPECT_NEAR(mass[static_cast<std::size_t>(k - 1)], seen[static_cast<std::size_t>(zeta - 1)][k] / count, 1e-15);
      double above = 0;
      std::int64_t low = n + 1;
      for (; low >= 1; --low) {
        above += mass[static_cast<std::size_t>(low - 1)];
        if (above >= 0.8 - 1e-12) break;
      }
      EXPECT_EQ(order_rank_lower(n, m, zeta, 0.2).rank, low);
    }
  }
}

TEST(RankLaw, NeededRowsAreTheFewestThatWork) {
  for (const auto& [m, zeta] : {std::pair<std::int64_t, std::int64_t>{10, 10}, {10, 9}, {100, 90}, {1, 1}}) {
    const std::int64_t n = order_rank_needed(m, zeta, 0.1);
    EXPECT_LE(order_rank_upper(n, m, zeta, 0.1).rank, n);
    EXPECT_TRUE(n == 1 || order_rank_upper(n - 1, m, zeta, 0.1).rank > n - 1);
  }
  EXPECT_EQ(order_rank_needed(1, 1, 0.1), 9);  // split conformal prediction
}

TEST(RankLaw, WindowsHoldWhatTheySay) {
  const std::int64_t n = 8, m = 5;
  const RankWindow window = two_order_ranks(n, m, 2, 4, 0.3);
  double inside = 0, count = 0;
  each_tuple(n, m, [&](const auto& r) {
    ++count;
    inside += r[1] >= window.low && r[3] <= window.high ? 1 : 0;
  });
  EXPECT_NEAR(window.attained, inside / count, 1e-13);
  EXPECT_GE(window.attained, 0.7 - 1e-12);
}

TEST(RankLaw, RankSumsAgreeWithCountingAndWithEachOther) {
  const std::int64_t n = 6, m = 4;
  std::map<std::int64_t, double> seen;
  double count = 0;
  each_tuple(n, m, [&](const auto& r) {
    std::int64_t sum = -m;
    for (const std::int64_t one : r) sum += one;
    ++seen[sum];
    ++count;
  });
  const auto mass = mann_whitney_mass(n, m);
  for (std::int64_t u = 0; u <= n * m; ++u) EXPECT_NEAR(mass[static_cast<std::size_t>(u)], seen[u] / count, 1e-15);
  // The published script's figure is 258 for n = 40, m = 10, alpha = 0.1; the exact one is 263, and 4700 for n = 200, m = 40, 0.05.
  EXPECT_EQ(mann_whitney_upper(40, 10, 0.1).rank + 10, 263);
  EXPECT_EQ(mann_whitney_upper(200, 40, 0.05).rank + 40, 4700);
  // The inverted characteristic function against the recurrence.
  const auto long_mass = mann_whitney_mass(200, 40);
  double reached = 0;
  for (std::int64_t u = 0; u <= 8000; ++u) {
    reached += long_mass[static_cast<std::size_t>(u)];
    if (u % 97 != 0) continue;
    EXPECT_NEAR(mann_whitney_cdf(200, 40, u), reached, 2e-12) << u;
  }
  EXPECT_EQ(mann_whitney_upper(40, 10, 0.1, 10).rank, mann_whitney_upper(40, 10, 0.1).rank);
  EXPECT_EQ(mann_whitney_upper(3, 2, 0.25, 0).rank, mann_whitney_upper(3, 2, 0.25).rank);
}

TEST(RankLaw, WeightedSumsAgreeWithCounting) {
  const std::vector<std::int64_t> weights = {0, 1, 1, 4, 9};
  std::map<std::int64_t, double> seen;
  double count = 0;
  each_tuple(4, 3, [&](const auto& r) {
    std::int64_t sum = 0;
    for (const std::int64_t one : r) sum += weights[static_cast<std::size_t>(one - 1)];
    ++seen[sum];
    ++count;
  });
  const auto mass = weighted_rank_mass(weights, 3);
  for (std::size_t s = 0; s < mass.size(); ++s) EXPECT_NEAR(mass[s], seen[static_cast<std::int64_t>(s)] / count, 1e-15);
  // With weights 0, 1 .. n it is the Mann-Whitney law.
  const std::vector<std::int64_t> ranks = {0, 1, 2, 3, 4, 5, 6};
  const auto plain = weighted_rank_mass(ranks, 4);
  const auto known = mann_whitney_mass(6, 4);
  for (std::size_t u = 0; u < known.size(); ++u) EXPECT_NEAR(plain[u], known[u], 1e-15);
}

TEST(RankKnapsack, AgreesWithTryingEverything) {
  Stream stream(3);
  const auto go = [] { return Result<void>(); };
  for (int trial = 0; trial < 20; ++trial) {
    const std::int64_t n = 6, m = 4;
    std::vector<double> values(static_cast<std::size_t>(n + 1));
    for (double& v : values) v = stream.normal();
    std::sort(values.begin(), values.end());
    std::vector<std::int64_t> weights(values.size());
    std::vector<double> shares(static_cast<std::size_t>(m));
    for (double& share : shares) share = stream.uniform();
    for (std::size_t r = 0; r < weights.size(); ++r) weights[r] = static_cast<std::int64_t>(r + 1) * (trial % 2 + 1);
    const auto budget = static_cast<std::int64_t>(m) + static_cast<std::int64_t>(stream.below(50));
    double best = -std::numeric_limits<double>::infinity(), ordered = best;
    each_tuple(n, m, [&](const auto& r) {
      std::int64_t cost = 0;
      double sum = 0, weighted = 0;
      for (std::size_t i = 0; i < r.size(); ++i) {
        const auto place = static_cast<std::size_t>(r[i] - 1);
        cost += weights[place];
        sum += values[place];
        weighted += shares[i] * values[place];
      }
      if (cost > budget) return;
      best = std::max(best, sum);
      ordered = std::max(ordered, weighted);
    });
    const double found = largest_sum(values, weights, m, budget, go).value();
    if (std::isinf(best)) {
      EXPECT_EQ(found, best);
      continue;
    }
    EXPECT_NEAR(found, best, 1e-13);
    EXPECT_NEAR(largest_ordered_sum(values, weights, shares, budget, go).value(), ordered, 1e-13);
    EXPECT_GE(largest_sum_envelope(values, weights, m, budget), best - 1e-13);
  }
}

}  // namespace
}  // namespace plimsoll::stats

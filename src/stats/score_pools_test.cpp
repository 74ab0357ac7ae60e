// SPDX-License-Identifier: Apache-2.0
#include "stats/score_pools.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/philox.h"

namespace plimsoll::stats {
namespace {

struct Rows {
  std::vector<double> x, w;
  std::vector<std::int32_t> y;
};

Rows draw(std::size_t n, bool coarse, std::uint64_t seed) {
  Stream rng(seed);
  Rows rows;
  for (std::size_t i = 0; i < n; ++i) {
    const double u = rng.uniform();
    const double e = rng.uniform();
    const double v = rng.uniform();
    rows.x.push_back(coarse ? std::floor(u * 20) / 20 - 0.3 : u - 0.3);
    rows.y.push_back(e < u ? 1 : 0);
    rows.w.push_back(0.25 + v);
  }
  return rows;
}

ScorePools sum_of(const Rows& rows, bool weighted, std::size_t from, std::size_t to, std::size_t most = ScorePools::most) {
  ScorePools pools(most);
  const std::span<const double> x(rows.x), w(rows.w);
  const std::span<const std::int32_t> y(rows.y);
  EXPECT_TRUE(pools.add(x.subspan(from, to - from), y.subspan(from, to - from), weighted ? w.subspan(from, to - from) : std::span<const double>()).ok());
  return pools;
}

void expect_same(std::span<const Pool> a, std::span<const Pool> b, double slack) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].x, b[i].x);
    EXPECT_NEAR(a[i].weight, b[i].weight, slack);
    EXPECT_NEAR(a[i].sum, b[i].sum, slack);
  }
}

TEST(ScorePools, AgreesWithSortedTies) {
  for (const bool weighted : {false, true}) {
    const Rows rows = draw(5000, true, 3);
    const std::vector<double> y(rows.y.begin(), rows.y.end());
    const auto order = order_by(rows.x);
    expect_same(sum_of(rows, weighted, 0, 5000).pools(), pool_ties(rows.x, y, weighted ? std::span<const double>(rows.w) : std::span<const double>(), order), weighted ? 1e-10 : 0);
  }
}

TEST(ScorePools, IsAFunctionOfTheMultiset) {
  for (const bool weighted : {false, true})
    for (const std::size_t most : {ScorePools::most, std::size_t{100}}) {
      Rows rows = draw(4000, false, 5);
      const std::string whole = sum_of(rows, weighted, 0, 4000, most).to_bytes();
      ScorePools merged = sum_of(rows, weighted, 2500, 4000, most);
      ASSERT_TRUE(merged.merge(sum_of(rows, weighted, 0, 1000, most)).ok());
      ASSERT_TRUE(merged.merge(sum_of(rows, weighted, 1000, 2500, most)).ok());
      EXPECT_TRUE(merged.to_bytes() == whole) << weighted << " " << most;
      std::vector<std::size_t> order(4000);
      std::iota(order.begin(), order.end(), std::size_t{0});
      Stream(9).shuffle(std::span(order));
      Rows mixed;
      for (const std::size_t i : order) {
        mixed.x.push_back(rows.x[i]);
        mixed.y.push_back(rows.y[i]);
        mixed.w.push_back(rows.w[i]);
      }
      EXPECT_TRUE(sum_of(mixed, weighted, 0, 4000, most).to_bytes() == whole);
    }
}

TEST(ScorePools, BoundsItsCellsAndKeepsTheCounts) {
  const Rows rows = draw(20000, false, 8);
  const ScorePools pools = sum_of(rows, false, 0, 20000, 500);
  EXPECT_LE(pools.pools().size(), 500u);
  EXPECT_GT(pools.pools().size(), 100u);
  EXPECT_GT(pools.dropped_bits(), 0);
  double n = 0, ones = 0;
  for (const Pool& pool : pools.pools()) {
    n += pool.weight;
    ones += pool.sum;
  }
  EXPECT_EQ(n, 20000);
  EXPECT_EQ(ones, static_cast<double>(std::count(rows.y.begin(), rows.y.end(), 1)));
  EXPECT_TRUE(std::is_sorted(pools.pools().begin(), pools.pools().end(), [](const Pool& a, const Pool& b) { return a.x < b.x; }));
}

TEST(ScorePools, ReadsItsBytesAndRefusesDamagedOnes) {
  for (const bool weighted : {false, true}) {
    const std::string bytes = sum_of(draw(300, true, 2), weighted, 0, 300).to_bytes();
    const auto read = ScorePools::from_bytes(bytes);
    ASSERT_TRUE(read.ok());
    EXPECT_TRUE(read.value().to_bytes() == bytes);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(ScorePools::from_bytes(std::string_view(bytes).substr(0, cut)).ok());
  }
}

TEST(ScorePools, NamesTheBadRow) {
  ScorePools pools;
  const std::vector<double> x = {0.1, 0.2}, nan = {0.1, std::nan("")}, w = {1, -1};
  const std::vector<std::int32_t> y = {0, 1}, two = {0, 2};
  EXPECT_EQ(pools.add(nan, y).error().row, 1);
  EXPECT_EQ(pools.add(x, two).error().code, ErrorCode::bad_value);
  EXPECT_EQ(pools.add(x, y, w).error().row, 1);
  ASSERT_TRUE(pools.add(x, y).ok());
  EXPECT_EQ(pools.add(x, y, std::vector<double>{1, 1}).error().code, ErrorCode::bad_parameter);
}

}  // namespace
}  // namespace plimsoll::stats

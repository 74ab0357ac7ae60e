// SPDX-License-Identifier: Apache-2.0
#include "table/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace plimsoll {
namespace {

using Parts = std::vector<std::vector<std::int64_t>>;

void expect_partition(const Parts& parts, std::int64_t n) {
  std::set<std::int64_t> seen;
  for (const auto& part : parts) {
    EXPECT_TRUE(std::is_sorted(part.begin(), part.end()));
    for (const std::int64_t row : part) {
      EXPECT_TRUE(row >= 0 && row < n);
      EXPECT_TRUE(seen.insert(row).second);
    }
  }
  EXPECT_EQ(static_cast<std::int64_t>(seen.size()), n);
}

TEST(Split, CutsEveryRowOnce) {
  for (const std::int64_t n : {0, 1, 2, 7, 1000}) {
    const std::vector<double> shares = {0.6, 0.25, 0.15};
    const Parts parts = *split_rows(n, shares, Stream(7));
    expect_partition(parts, n);
    for (std::size_t k = 0; k < 3; ++k) EXPECT_LE(std::fabs(static_cast<double>(parts[k].size()) - shares[k] * static_cast<double>(n)), 1.0);
    EXPECT_EQ(parts, *split_rows(n, shares, Stream(7)));
  }
  EXPECT_NE(*split_rows(100, std::vector<double>{0.5, 0.5}, Stream(1)), *split_rows(100, std::vector<double>{0.5, 0.5}, Stream(2)));
  EXPECT_EQ((*split_rows(30, std::vector<double>{0.1, 0.9}, Stream(1)))[0].size(), 3U);
}

TEST(Split, RefusesBadShares) {
  for (const std::vector<double>& shares : {std::vector<double>{}, {0.5, 0.4}, {1.5, -0.5}, {std::nan(""), 1}}) {
    EXPECT_EQ(split_rows(10, shares, Stream(1)).error().code, ErrorCode::bad_parameter);
  }
  const std::vector<std::int32_t> codes = {0, -1};
  auto null = split_stratified(codes, std::vector<double>{0.5, 0.5}, Stream(1));
  ASSERT_FALSE(null.ok());
  EXPECT_EQ(null.error().row, 1);
}

// Each row is equally likely in each part: 4,000 cuts, a binomial count of 2,000 with deviation 31.6; 5.5 deviations hold for
// each of 20 rows but with chance 20 * 3.8e-8 < 1e-6.
TEST(Split, IsUniform) {
  std::vector<int> counts(20, 0);
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const Parts parts = *split_rows(20, std::vector<double>{0.5, 0.5}, Stream(seed));
    for (const std::int64_t row : parts[0]) ++counts[static_cast<std::size_t>(row)];
  }
  for (const int count : counts) EXPECT_NEAR(count, 2000, 5.5 * 31.63);
}

TEST(Split, EveryPartHasItsShareOfEveryStratum) {
  std::vector<std::int32_t> strata;
  Stream draws(3);
  for (int i = 0; i < 997; ++i) strata.push_back(static_cast<std::int32_t>(draws.below(9)));
  const std::vector<double> shares = {0.5, 0.3, 0.2};
  const Parts parts = *split_stratified(strata, shares, Stream(4));
  expect_partition(parts, 997);
  for (std::int32_t code = 0; code < 9; ++code) {
    const auto n = static_cast<double>(std::count(strata.begin(), strata.end(), code));
    for (std::size_t k = 0; k < 3; ++k) {
      const auto got = std::count_if(parts[k].begin(), parts[k].end(), [&](std::int64_t row) { return strata[static_cast<std::size_t>(row)] == code; });
      EXPECT_LE(std::fabs(static_cast<double>(got) - shares[k] * n), 1.0 + 1e-9);
    }
  }
}

TEST(Split, SmallStrataDoNotAllGoOneWay) {
  std::vector<std::int32_t> strata(1000);
  for (std::size_t i = 0; i < strata.size(); ++i) strata[i] = static_cast<std::int32_t>(i);
  const Parts parts = *split_stratified(strata, std::vector<double>{0.5, 0.3, 0.2}, Stream(4));
  expect_partition(parts, 1000);
  EXPECT_EQ(parts[0].size(), 500U);
  EXPECT_EQ(parts[1].size(), 300U);
}

TEST(Split, GroupsStayWhole) {
  std::vector<std::int32_t> groups;
  for (std::int32_t g = 0; g < 60; ++g) {
    for (std::int32_t i = 0; i < 1 + g % 7; ++i) groups.push_back(g);
  }
  const Parts parts = *split_grouped(groups, std::vector<double>{0.7, 0.3}, Stream(9));
  expect_partition(parts, static_cast<std::int64_t>(groups.size()));
  std::set<std::int32_t> left, right;
  for (const std::int64_t row : parts[0]) left.insert(groups[static_cast<std::size_t>(row)]);
  for (const std::int64_t row : parts[1]) right.insert(groups[static_cast<std::size_t>(row)]);
  for (const std::int32_t group : left) EXPECT_FALSE(right.contains(group));
  EXPECT_NEAR(static_cast<double>(parts[0].size()), 0.7 * static_cast<double>(groups.size()), 4);
}

}  // namespace
}  // namespace plimsoll

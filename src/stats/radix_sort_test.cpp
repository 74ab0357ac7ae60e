// SPDX-License-Identifier: Apache-2.0
#include "stats/radix_sort.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "base/philox.h"
#include "stats/ranked_outcomes.h"
#include "stats/sort_key.h"

namespace plimsoll::stats {
namespace {

struct Marked {
  std::uint64_t key;
  std::uint64_t place;
};

std::vector<double> scores_of(const std::string& shape, std::size_t n) {
  std::vector<double> x(n);
  Stream rng(17);
  for (std::size_t i = 0; i < n; ++i) {
    const double u = rng.uniform();
    const double z = rng.normal();
    if (shape == "uniform") x[i] = u;
    else if (shape == "log-odds") x[i] = 4 * z;
    else if (shape == "rounded") x[i] = std::floor(20 * u) / 20;
    else if (shape == "outlier") x[i] = i == n / 2 ? 1e300 : i == n / 3 ? -1e300 : 0.5 + 1e-9 * u;
    else if (shape == "clumps") x[i] = std::ldexp(1.0 + std::floor(8 * u), 10) + 1e-11 * std::floor(1000 * std::fabs(z));  // equal in the digits that are sorted by first
    else if (shape == "rising") x[i] = static_cast<double>(i);
    else if (shape == "falling") x[i] = -static_cast<double>(i);
    else if (shape == "tiny") x[i] = std::ldexp(u, -1060);
    else x[i] = 0.25;
  }
  return x;
}

const std::vector<std::string> shapes = {"uniform", "log-odds", "rounded", "outlier", "clumps", "rising", "falling", "tiny", "constant"};

TEST(RadixSort, IsTheStableSort) {
  for (const std::string& shape : shapes)
    for (const std::size_t n : {0UL, 1UL, 2UL, 100UL, 511UL, 512UL, 3000UL, 60000UL}) {
      const std::vector<double> x = scores_of(shape, n);
      std::vector<Marked> items, other, expected;
      for (std::size_t i = 0; i < n; ++i) items.push_back({sort_key(x[i]), i});
      expected = items;
      std::stable_sort(expected.begin(), expected.end(), [](const Marked& a, const Marked& b) { return a.key < b.key; });
      radix_sort(items, other, [](const Marked& item) { return item.key; });
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_EQ(items[i].key, expected[i].key) << shape << " " << n << " " << i;
        ASSERT_EQ(items[i].place, expected[i].place) << shape << " " << n << " " << i;
      }
    }
}

// Every distinct score once, up and down, with its outcomes; scores of either sign, zeros of either sign as one.
TEST(RankedOutcomes, CountByDistinctScore) {
  for (const std::string& shape : shapes) {
    std::vector<double> x = scores_of(shape, 4000);
    std::vector<std::int32_t> y;
    Stream rng(3);
    for (std::size_t i = 0; i < x.size(); ++i) y.push_back(rng.uniform() < 0.3 ? 1 : 0);
    x[5] = 0.0;
    x[6] = -0.0;
    std::map<double, std::array<std::uint64_t, 2>> expected;
    for (std::size_t i = 0; i < x.size(); ++i) ++expected[x[i]][static_cast<std::size_t>(y[i])];
    const RankedOutcomes rows(x, y);
    EXPECT_EQ(rows.rows(), 4000);
    auto up = expected.begin();
    rows.rising([&](double score, std::uint64_t negatives, std::uint64_t positives) {
      ASSERT_NE(up, expected.end());
      EXPECT_EQ(score, up->first);
      EXPECT_EQ(negatives, up->second[0]);
      EXPECT_EQ(positives, up->second[1]);
      ++up;
    });
    EXPECT_EQ(up, expected.end());
    auto down = expected.rbegin();
    rows.falling([&](double score, std::uint64_t negatives, std::uint64_t positives) {
      ASSERT_NE(down, expected.rend());
      EXPECT_EQ(score, down->first);
      EXPECT_EQ(negatives + positives, down->second[0] + down->second[1]);
      EXPECT_EQ(positives, down->second[1]);
      ++down;
    });
    EXPECT_EQ(down, expected.rend());
  }
}

}  // namespace
}  // namespace plimsoll::stats

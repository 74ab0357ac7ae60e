// SPDX-License-Identifier: Apache-2.0
#include "stats/order_selector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/philox.h"
#include "stats/sort_key.h"

namespace plimsoll::stats {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(SortKey, OrdersAsNumbers) {
  const std::vector<double> rising{-infinity, -1e308, -1, -5e-324, 0.0, 5e-324, 0x1p-1022, 1, 1 + 0x1p-52, 1e308, infinity};
  for (std::size_t i = 0; i + 1 < rising.size(); ++i) EXPECT_LT(sort_key(rising[i]), sort_key(rising[i + 1]));
  for (const double x : rising) EXPECT_EQ(of_sort_key(sort_key(x)), x);
  EXPECT_EQ(sort_key(-0.0), sort_key(0.0));
  EXPECT_EQ(sort_key(-infinity), lowest_key);
  EXPECT_EQ(sort_key(infinity), highest_key);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(sort_key(nan) > highest_key && sort_key(-nan) < lowest_key);
}

// Shows `numbers` in random order and random cuts to `workers` merged workers, all by bytes, until done; the passes taken.
int select(std::vector<double> numbers, std::span<const std::uint64_t> ranks, std::size_t workers, Stream rng,
           std::vector<double>& out) {
  RankSelector all;
  for (;;) {
    rng.shuffle(std::span<double>(numbers));
    std::vector<RankSelector> parts(workers, all.fresh());
    for (std::size_t i = 0; i < numbers.size();) {
      const std::size_t length = std::min<std::size_t>(numbers.size() - i, 1 + rng.below(numbers.size() / 3 + 10));
      parts[rng.below(workers)].update(std::span<const double>(numbers).subspan(i, length));
      i += length;
    }
    for (const RankSelector& part : parts) {
      auto copy = RankSelector::from_bytes(part.to_bytes());
      EXPECT_TRUE(copy.ok());
      EXPECT_TRUE(all.merge(*copy).ok());
    }
    const auto done = all.end_pass(ranks);
    EXPECT_TRUE(done.ok()) << done.error().message();
    if (!done.ok() || *done) break;
    EXPECT_LE(all.pass(), 9);
  }
  out = all.values();
  return all.pass() - 1;
}

void expect_exact(const std::vector<double>& numbers, const std::vector<std::uint64_t>& ranks, int most_passes) {
  std::vector<double> sorted = numbers;
  std::sort(sorted.begin(), sorted.end());
  for (const std::size_t workers : {1u, 3u}) {
    std::vector<double> out;
    EXPECT_LE(select(numbers, ranks, workers, Stream(workers), out), most_passes);
    ASSERT_EQ(out.size(), ranks.size());
    for (std::size_t i = 0; i < ranks.size(); ++i) ASSERT_EQ(out[i], sorted[ranks[i] - 1]) << "rank " << ranks[i];
  }
}

TEST(RankSelector, SmallIsOnePass) {
  expect_exact({3, 1, 2}, {1, 2, 3, 2}, 1);
  expect_exact({-0.0, 0.0, -1, infinity, -infinity}, {1, 2, 3, 4, 5}, 1);
  expect_exact({7}, {1}, 1);
}

TEST(RankSelector, LargeUniformScores) {
  Stream rng(1);
  std::vector<double> numbers(1500000);
  for (double& x : numbers) x = rng.uniform();
  expect_exact(numbers, {1350001}, 2);
  expect_exact(numbers, {1, 75001, 750000, 1425000, 1500000}, 3);
}

TEST(RankSelector, HeavyTiesAndInfinities) {
  Stream rng(2);
  std::vector<double> numbers(1300000);
  for (double& x : numbers) {
    const auto kind = rng.below(10);
    x = kind == 0 ? infinity : kind == 1 ? -infinity : kind == 2 ? rng.normal() : 0.1;
  }
  expect_exact(numbers, {1, 400000, 650000, 1000000, 1300000}, 5);
}

TEST(RankSelector, OneNumberRepeated) { expect_exact(std::vector<double>(1200000, -2.5), {1, 600000, 1200000}, 4); }

TEST(RankSelector, HundredsOfRanksUseFinerMemory) {
  Stream rng(3);
  std::vector<double> numbers(1200000);
  for (double& x : numbers) x = 1 + 0x1p-30 * rng.uniform();  // all in one cell of the first pass
  std::vector<std::uint64_t> ranks;
  for (std::uint64_t r = 1; r <= 1200000; r += 2999) ranks.push_back(r);
  expect_exact(numbers, ranks, 9);
}

TEST(RankSelector, NanHasNoRank) {
  RankSelector s;
  const std::vector<double> numbers{3, std::nan(""), 1, -std::nan("")};
  s.update(numbers);
  EXPECT_EQ(s.count(), 2u);
  EXPECT_EQ(s.nans(), 2u);
  const std::vector<std::uint64_t> ranks{2};
  ASSERT_TRUE(*s.end_pass(ranks));
  EXPECT_EQ(s.values()[0], 3);
}

TEST(RankSelector, BytesAreCanonical) {
  Stream rng(5);
  std::vector<double> numbers(1100000);
  for (double& x : numbers) x = rng.normal();
  RankSelector a, b, c;
  a.update(numbers);
  rng.shuffle(std::span<double>(numbers));
  b.update(std::span<const double>(numbers).first(400000));
  c.update(std::span<const double>(numbers).subspan(400000));
  ASSERT_TRUE(c.merge(b).ok());
  EXPECT_EQ(a.to_bytes(), c.to_bytes());
  EXPECT_LT(a.to_bytes().size(), 1100000u);
}

TEST(RankSelector, Errors) {
  RankSelector s;
  s.update(std::vector<double>{1, 2});
  EXPECT_EQ(s.end_pass(std::vector<std::uint64_t>{3}).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(s.end_pass(std::vector<std::uint64_t>{0}).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(s.end_pass(std::vector<std::uint64_t>(5000, 1)).error().code, ErrorCode::too_large);
  std::vector<double> many(1200000, 1.0);
  many[7] = 2;
  RankSelector changed;
  changed.update(many);
  ASSERT_FALSE(*changed.end_pass(std::vector<std::uint64_t>{5}));
  EXPECT_FALSE(s.merge(changed).ok());
  many[9] = 2;
  changed.update(many);
  EXPECT_EQ(changed.end_pass({}).error().code, ErrorCode::bad_value);
}

TEST(RankSelector, BrokenBytesAreRefusedOrHarmless) {
  RankSelector s;
  Stream rng(6);
  std::vector<double> numbers(50);
  for (double& x : numbers) x = rng.normal();
  s.update(numbers);
  const std::string good = s.to_bytes();
  EXPECT_FALSE(RankSelector::from_bytes("").ok());
  for (std::size_t cut = 0; cut < good.size(); cut += 7) EXPECT_FALSE(RankSelector::from_bytes(good.substr(0, cut)).ok());
  for (int trial = 0; trial < 3000; ++trial) {
    std::string bytes = good;
    bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
    auto read = RankSelector::from_bytes(bytes);
    if (!read.ok()) continue;
    read->update(numbers);
    (void)read->end_pass(std::vector<std::uint64_t>{1});
  }
}

}  // namespace
}  // namespace plimsoll::stats

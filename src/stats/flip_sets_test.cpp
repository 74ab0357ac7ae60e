// SPDX-License-Identifier: Apache-2.0
#include "stats/flip_sets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/philox.h"
#include "stats/quadratic_sets.h"

namespace plimsoll::stats {
namespace {

std::vector<std::int64_t> drawn(Stream& stream, std::size_t items, std::uint64_t most) {
  std::vector<std::int64_t> costs(items);
  for (std::int64_t& cost : costs) cost = static_cast<std::int64_t>(stream.below(most));
  return costs;
}

std::map<std::uint64_t, std::int64_t> by_force(std::span<const std::int64_t> costs, std::int64_t budget) {
  std::map<std::uint64_t, std::int64_t> found;
  for (std::uint64_t mask = 0; mask < std::uint64_t{1} << costs.size(); ++mask) {
    std::int64_t sum = 0;
    for (std::size_t j = 0; j < costs.size(); ++j) sum += (mask >> j & 1) != 0 ? costs[j] : 0;
    if (sum <= budget) found[mask] = sum;
  }
  return found;
}

TEST(FlipSets, ListsWhatBruteForceLists) {
  Stream stream(5);
  for (int trial = 0; trial < 200; ++trial) {
    const std::size_t items = 1 + static_cast<std::size_t>(stream.below(10));
    const std::vector<std::int64_t> costs = drawn(stream, items, 20);
    const auto budget = static_cast<std::int64_t>(stream.below(60));
    const auto expected = by_force(costs, budget);
    const auto found = flips_within(costs, budget, {}).value();
    ASSERT_TRUE(found.complete);
    ASSERT_EQ(found.size(), expected.size());
    EXPECT_TRUE(std::is_sorted(found.costs.begin(), found.costs.end()));
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(expected.at(found.masks[i]), found.costs[i]);
    // The cheapest few, and the same through the general walk.
    FlipSearch few;
    few.most = 1 + static_cast<std::int64_t>(stream.below(expected.size()));
    const auto cheapest = flips_within(costs, budget, few).value();
    EXPECT_EQ(cheapest.complete, few.most == static_cast<std::int64_t>(expected.size()));
    ASSERT_EQ(static_cast<std::int64_t>(cheapest.size()), few.most);
    EXPECT_TRUE(std::equal(cheapest.costs.begin(), cheapest.costs.end(), found.costs.begin()));
    const auto general = flips_within(costs, budget, {}, [](std::span<const std::uint64_t>) { return std::int64_t{0}; }).value();
    EXPECT_EQ(general.masks, found.masks);
    EXPECT_EQ(count_flips(costs, budget, 4000, 50).low, static_cast<double>(expected.size()));
  }
}

TEST(FlipSets, ExtraCostsAndForbiddenSets) {
  Stream stream(6);
  for (int trial = 0; trial < 100; ++trial) {
    const std::vector<std::int64_t> costs = drawn(stream, 8, 20);
    const std::int64_t budget = 40;
    const ExtraCost extra = [](std::span<const std::uint64_t> mask) { return (mask[0] & 3) == 3 ? std::int64_t{-1} : static_cast<std::int64_t>(mask[0] % 7); };
    std::vector<std::int64_t> expected;
    for (const auto& [mask, cost] : by_force(costs, budget)) {
      const std::uint64_t one = mask;
      const std::int64_t more = extra(std::span(&one, 1));
      if (more >= 0 && cost + more <= budget) expected.push_back(cost + more);
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(flips_within(costs, budget, {}, extra).value().costs, expected);
    FlipSearch few;
    few.most = static_cast<std::int64_t>(expected.size() / 2);
    const auto cheapest = flips_within(costs, budget, few, extra).value();
    expected.resize(static_cast<std::size_t>(few.most));
    EXPECT_EQ(cheapest.costs, expected);
    EXPECT_FALSE(cheapest.complete);
  }
}

TEST(FlipSets, BracketsHoldTheExactCount) {
  Stream stream(7);
  for (int trial = 0; trial < 30; ++trial) {
    const std::vector<std::int64_t> costs = drawn(stream, 24, 1'000'000'000);
    const std::int64_t budget = 2'000'000'000;
    const FlipCount exact = count_flips(costs, budget, 4000, 50);
    const FlipCount bracket = count_flips(costs, budget, 4000, 0);
    EXPECT_TRUE(exact.exact);
    EXPECT_LE(bracket.low, exact.low);
    EXPECT_GE(bracket.high, exact.high);
    EXPECT_LT(bracket.high - bracket.low, 0.05 * exact.low);
    std::vector<std::uint64_t> masks;
    std::vector<std::int64_t> sums;
    EXPECT_TRUE(walk_flips(costs, budget, 1 << 24, masks, sums));
    EXPECT_EQ(static_cast<double>(sums.size()), exact.low);
    std::vector<bool> on(costs.size());
    for (std::size_t j = 0; j < on.size(); ++j) on[j] = stream.bernoulli(0.2);
    double few = 0;
    for (const std::uint64_t mask : masks) {
      std::size_t now = 0;
      for (std::size_t j = 0; j < on.size(); ++j) now += on[j] != ((mask >> j & 1) != 0) ? 1U : 0U;
      few += now <= 5 ? 1 : 0;
    }
    const FlipCount up_to = count_flips_up_to(costs, on, 5, budget, 4000);
    EXPECT_LE(up_to.low, few);
    EXPECT_GE(up_to.high, few);
    EXPECT_LE(up_to.high - up_to.low, 0.05 * few + 2);
  }
}

TEST(FlipSets, AstronomicNumbersAndManyWords) {
  const std::vector<std::int64_t> costs(130, 3);
  EXPECT_EQ(count_flips(costs, 390, 4000, 40).low, std::ldexp(1.0, 130));
  const FlipCount most = count_flips(costs, 387, 4000, 40);  // all but the one set of 130 items
  EXPECT_FALSE(most.exact);
  EXPECT_LE(most.low, std::ldexp(1.0, 130));
  EXPECT_NEAR(most.high / std::ldexp(1.0, 130), 1, 1e-9);
  EXPECT_TRUE(std::isinf(count_flips(std::vector<std::int64_t>(1500, 1), 1500, 4000, 40).high));
  const auto pairs = flips_within(costs, 6, {}).value();
  EXPECT_EQ(pairs.words, 3u);
  EXPECT_EQ(pairs.size(), 1u + 130u + 130u * 129u / 2u);
  EXPECT_TRUE(pairs.complete);
  EXPECT_EQ(flips_within(costs, -1, {}).value().size(), 0u);
  FlipSearch few;
  few.most = 50;
  EXPECT_EQ(flips_within(costs, 390, few).value().size(), 50u);
}

TEST(QuadraticSets, ListsWhatBruteForceLists) {
  Stream stream(8);
  std::vector<double> errors;
  constexpr std::size_t width = 7;
  for (int i = 0; i < 200; ++i) {
    const double shared = stream.uniform();
    for (std::size_t j = 0; j < width; ++j) errors.push_back(0.6 * shared + 0.4 * stream.uniform());
  }
  const QuadraticShape shape = shape_of(errors, width).value();
  ASSERT_TRUE(sound(shape));
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<double> kept(width), flipped(width);
    for (std::size_t j = 0; j < width; ++j) {
      const double o = stream.uniform();
      kept[j] = std::min(o, 1 - o);
      flipped[j] = 1 - kept[j];
    }
    std::vector<std::int64_t> all;
    for (std::uint64_t mask = 0; mask < 1U << width; ++mask) {
      std::vector<double> e(width);
      for (std::size_t j = 0; j < width; ++j) e[j] = (mask >> j & 1) != 0 ? flipped[j] : kept[j];
      all.push_back(quadratic_score(shape, e, 0x1p32));
    }
    std::sort(all.begin(), all.end());
    const std::int64_t budget = all[60];
    const auto found = quadratic_flips(shape, kept, flipped, 0x1p32, budget, {}).value();
    EXPECT_TRUE(found.complete);
    EXPECT_EQ(found.costs, std::vector<std::int64_t>(all.begin(), std::upper_bound(all.begin(), all.end(), budget)));
    FlipSearch few;
    few.most = 10;
    const auto nearest = quadratic_flips(shape, kept, flipped, 0x1p32, budget, few).value();
    EXPECT_EQ(nearest.costs, std::vector<std::int64_t>(all.begin(), all.begin() + 10));
    EXPECT_FALSE(nearest.complete);
  }
}

// Two labels with errors (0, 0), (1, 0), (0, 1), (1, 1): S = I / 4 whatever the shrinkage, so the distance is 4 |e|^2.
TEST(QuadraticSets, ShapeByHand) {
  const std::vector<double> errors = {0, 0, 1, 0, 0, 1, 1, 1};
  const QuadraticShape shape = shape_of(errors, 2).value();
  EXPECT_EQ(quadratic_score(shape, std::vector<double>{0.5, 0}, 1024), 1024);
  EXPECT_EQ(quadratic_score(shape, std::vector<double>{1, 0.5}, 1024), 5120);
  EXPECT_EQ(shape_of(std::vector<double>{1, 1}, 2).error().code, ErrorCode::too_few_rows);
}

}  // namespace
}  // namespace plimsoll::stats

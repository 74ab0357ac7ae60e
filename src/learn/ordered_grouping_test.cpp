// SPDX-License-Identifier: Apache-2.0
#include "learn/ordered_grouping.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/philox.h"

namespace plimsoll::learn {
namespace {

struct Cells {
  std::vector<double> goods, bads;
};

Cells draw_cells(Stream stream, std::size_t count) {
  Cells cells;
  for (std::size_t i = 0; i < count; ++i) {
    cells.goods.push_back(static_cast<double>(stream.below(40)));
    cells.bads.push_back(static_cast<double>(stream.below(15)));
  }
  return cells;
}

bool follows(Trend trend, const std::vector<double>& rates, double gap) {
  std::vector<int> ways;
  for (std::size_t i = 1; i < rates.size(); ++i) {
    const bool up = rates[i - 1] + gap <= rates[i];
    const bool down = rates[i] + gap <= rates[i - 1];
    if (trend == Trend::increasing && !up) return false;
    if (trend == Trend::decreasing && !down) return false;
    ways.push_back(up && down ? 0 : up ? 1 : down ? -1 : 2);
  }
  if (trend != Trend::peak && trend != Trend::valley) return true;
  const int first = trend == Trend::peak ? 1 : -1;
  bool turned = false;
  for (const int way : ways) {
    if (way == 2) return false;
    if (way == 0) continue;
    if (way != first) turned = true;
    else if (turned) return false;
  }
  return true;
}

// Every grouping of the cells, by the bits of a number.
double best_by_enumeration(const Cells& cells, const GroupingRules& rules, std::size_t bins) {
  const std::size_t n = cells.goods.size();
  double g_total = 0, b_total = 0;
  for (std::size_t i = 0; i < n; ++i) {
    g_total += cells.goods[i];
    b_total += cells.bads[i];
  }
  double best = -1;
  for (std::uint32_t cuts = 0; cuts < (1U << (n - 1)); ++cuts) {
    std::vector<double> rates;
    double value = 0, g = 0, b = 0;
    bool good = true;
    for (std::size_t i = 0; i < n && good; ++i) {
      g += cells.goods[i];
      b += cells.bads[i];
      if (i + 1 < n && !((cuts >> i) & 1U)) continue;
      good = g > 0 && b > 0 && g + b >= rules.least_rows && b >= rules.least_bads && g >= rules.least_goods;
      rates.push_back(b / (g + b));
      if (good) value += (b / b_total - g / g_total) * std::log((b / b_total) / (g / g_total));
      g = b = 0;
    }
    if (good && rates.size() == bins && follows(rules.trend, rates, rules.least_gap)) best = std::max(best, value);
  }
  return best;
}

TEST(OrderedGrouping, EqualsFullEnumeration) {
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const Cells cells = draw_cells(Stream(seed), 4 + seed % 7);
    for (const Trend trend : {Trend::increasing, Trend::decreasing, Trend::none, Trend::peak, Trend::valley}) {
      GroupingRules rules;
      rules.trend = trend;
      rules.most_bins = 5;
      rules.least_rows = seed % 3 == 0 ? 20 : 0;
      rules.least_bads = 2;
      rules.least_gap = seed % 4 == 1 ? 0.03 : 0;
      const auto found = groupings_by_size(cells.goods, cells.bads, rules);
      for (std::size_t m = 0; m < found.size(); ++m) {
        const double truth = best_by_enumeration(cells, rules, m + 1);
        ASSERT_EQ(found[m].has_value(), truth >= 0) << "seed " << seed << " bins " << m + 1 << " trend " << static_cast<int>(trend);
        if (!found[m]) continue;
        EXPECT_NEAR(found[m]->value, truth, 1e-12);
        EXPECT_EQ(found[m]->ends.size(), m + 1);
        EXPECT_EQ(found[m]->ends.back(), static_cast<std::int32_t>(cells.goods.size()));
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 300);
}

TEST(OrderedGrouping, AutomaticTakesTheBetterDirection) {
  const std::vector<double> goods{90, 80, 60, 40};
  const std::vector<double> bads{10, 20, 40, 60};
  GroupingRules rules;
  const Grouping up = best_grouping(goods, bads, rules);
  EXPECT_EQ(up.trend, Trend::increasing);
  EXPECT_EQ(up.ends, (std::vector<std::int32_t>{1, 2, 3, 4}));
  rules.trend = Trend::decreasing;
  EXPECT_EQ(best_grouping(goods, bads, rules).ends.size(), 1u) << "against the trend nothing is left but one bin";
  rules.trend = Trend::automatic;
  rules.most_bins = 2;
  EXPECT_EQ(best_grouping(goods, bads, rules).ends.size(), 2u);
}

TEST(OrderedGrouping, ImpossibleRulesGiveOneBin) {
  GroupingRules rules;
  rules.least_bads = 1000;
  const std::vector<double> goods{5, 5};
  const std::vector<double> bads{1, 2};
  EXPECT_EQ(best_grouping(goods, bads, rules).ends, (std::vector<std::int32_t>{2}));
  EXPECT_EQ(stump_grouping(goods, bads, rules, {}).ends, (std::vector<std::int32_t>{2}));
  EXPECT_TRUE(groupings_by_size({}, {}, rules).empty());
}

TEST(OrderedGrouping, StumpsFindTheStepAndKeepTheTrend) {
  std::vector<double> goods(40, 95), bads(40, 5);
  for (std::size_t i = 25; i < 40; ++i) {
    goods[i] = 70;
    bads[i] = 30;
  }
  GroupingRules rules;
  rules.least_rows = 100;
  const Grouping stumps = stump_grouping(goods, bads, rules, {});
  EXPECT_NE(std::find(stumps.ends.begin(), stumps.ends.end(), 25), stumps.ends.end());
  EXPECT_EQ(stumps.trend, Trend::increasing);
  // Never above the exact programme under the same rules.
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const Cells cells = draw_cells(Stream(seed).child("stumps"), 20);
    rules.least_rows = 30;
    rules.least_bads = 3;
    EXPECT_LE(stump_grouping(cells.goods, cells.bads, rules, {}).value, best_grouping(cells.goods, cells.bads, rules).value + 1e-12);
  }
}

}  // namespace
}  // namespace plimsoll::learn

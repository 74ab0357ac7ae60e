// SPDX-License-Identifier: Apache-2.0
#include "stats/shifted_lists.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/philox.h"

namespace plimsoll::stats {
namespace {

// Every rank of every made case against sorting all moved values.
void compare(const std::vector<std::vector<double>>& lists, const std::vector<double>& shifts, std::size_t step) {
  std::vector<double> values;
  std::vector<std::int64_t> offsets = {0};
  std::vector<double> all;
  for (std::size_t f = 0; f < lists.size(); ++f) {
    std::vector<double> list = lists[f];
    std::sort(list.begin(), list.end());
    for (const double x : list) all.push_back(shifts[f] + x);
    values.insert(values.end(), list.begin(), list.end());
    offsets.push_back(static_cast<std::int64_t>(values.size()));
  }
  std::sort(all.begin(), all.end());
  const ShiftedLists moved(values, offsets);
  ShiftedLists::Room room;
  for (std::size_t k = 1; k <= all.size(); k += step) ASSERT_EQ(moved.at(moved.plan(static_cast<std::int64_t>(k)), shifts, room), all[k - 1]) << k;
  EXPECT_EQ(moved.at(moved.plan(0), shifts, room), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(moved.at(moved.plan(moved.size() + 1), shifts, room), std::numeric_limits<double>::infinity());
}

TEST(ShiftedLists, ByHand) { compare({{1, 5}, {2}, {}, {0, 0, 9}}, {0, 1, 7, -3}, 1); }

TEST(ShiftedLists, AgreesWithSorting) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Stream stream = Stream(20).child(seed);
    const std::size_t k = 1 + stream.below(7);
    const bool coarse = stream.bernoulli(0.4);  // many ties
    const double spread = stream.bernoulli(0.5) ? 0.1 : 5;
    std::vector<std::vector<double>> lists(k);
    std::vector<double> shifts;
    for (auto& list : lists) {
      list.resize(stream.below(400));
      for (double& x : list) x = coarse ? static_cast<double>(stream.below(9)) : stream.exponential();
      shifts.push_back(coarse ? static_cast<double>(stream.below(4)) : spread * stream.normal());
    }
    compare(lists, shifts, 1 + stream.below(3));
  }
}

// As jackknife+ has it: a list a row.
TEST(ShiftedLists, ListsOfOne) {
  Stream stream(3);
  std::vector<std::vector<double>> lists;
  std::vector<double> shifts;
  for (int i = 0; i < 300; ++i) {
    lists.push_back({stream.exponential()});
    shifts.push_back(stream.normal());
  }
  compare(lists, shifts, 7);
}

TEST(ShiftedLists, InfiniteResidualsHaveTheirPlaces) { compare({{0, std::numeric_limits<double>::infinity()}, {1, 2}}, {3, 4}, 1); }

}  // namespace
}  // namespace plimsoll::stats

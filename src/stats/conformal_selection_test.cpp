// SPDX-License-Identifier: Apache-2.0
#include "stats/conformal_selection.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/philox.h"

namespace plimsoll::stats {
namespace {

// Ties and infinities on purpose: few distinct values.
SelectionScores drawn(Stream& stream, std::uint64_t distinct) {
  SelectionScores scores;
  const std::uint64_t n = stream.below(40);
  const std::uint64_t m = 1 + stream.below(40);
  for (std::uint64_t i = 0; i < n; ++i) {
    const bool past = stream.bernoulli(0.3);
    const auto v = static_cast<double>(stream.below(distinct));
    scores.labelled.push_back(past ? std::numeric_limits<double>::infinity() : v);
  }
  for (std::uint64_t j = 0; j < m; ++j) scores.pool.push_back(static_cast<double>(stream.below(distinct)) - static_cast<double>(distinct) / 3);
  return scores;
}

TEST(ConformalSelection, SizesByHand) {
  // Four labelled rows; the sorted candidates have N = 0, 0, 1, 2; q (n + 1) / m = 0.6 * 5 / 4 = 0.75.
  const SelectionScores scores{{3, 4, 6, 9}, {1, 2, 3.5, 5}};
  // N_r + 1 <= 0.75 r: 1 <= .75 no, 1 <= 1.5 yes, 2 <= 2.25 yes, 3 <= 3 yes: B = 4. For the last (a = 4): N_3 = 1 <= 3: 4.
  EXPECT_EQ(auxiliary_sizes(scores, 0.6), (std::vector<std::int32_t>{4, 4, 4, 4}));
  // q = 0.3, lines 0.375 r: N_r + 1 = 1, 1, 2, 3 never passes, B = 0; N_1 = 0, N_2 = 0 and N_3 = 1 pass at r = 2, 3 and 4.
  EXPECT_EQ(auxiliary_sizes(scores, 0.3), (std::vector<std::int32_t>{1, 2, 3, 4}));
}

TEST(ConformalSelection, FastSizesEqualTheDefinition) {
  Stream stream(31);
  for (int trial = 0; trial < 600; ++trial) {
    const SelectionScores scores = drawn(stream, 3 + stream.below(60));
    for (const double q : {0.05, 0.1, 0.25, 0.5, 0.8}) EXPECT_EQ(auxiliary_sizes(scores, q), auxiliary_sizes_direct(scores, q)) << trial << " " << q;
  }
}

TEST(ConformalSelection, WeightedSizesEqualTheDefinition) {
  Stream stream(32);
  for (int trial = 0; trial < 600; ++trial) {
    const SelectionScores scores = drawn(stream, 3 + stream.below(60));
    std::vector<double> w, v;
    const bool whole = trial % 2 == 0;
    for (std::size_t i = 0; i < scores.labelled.size(); ++i) w.push_back(whole ? static_cast<double>(stream.below(4)) : stream.exponential());
    for (std::size_t j = 0; j < scores.pool.size(); ++j) v.push_back(whole ? static_cast<double>(1 + stream.below(3)) : stream.exponential());
    for (const double q : {0.1, 0.25, 0.5, 0.8}) {
      const WeightedSelection fast = weighted_selection(scores, w, v, {}, q);
      EXPECT_EQ(fast.sizes, weighted_sizes_direct(scores, w, v, q)) << trial << " " << q;
      for (std::size_t j = 0; j < v.size(); ++j) {
        double up_to = v[j];
        double total = v[j];
        for (std::size_t i = 0; i < w.size(); ++i) {
          up_to += scores.labelled[i] <= scores.pool[j] ? w[i] : 0;
          total += w[i];
        }
        EXPECT_NEAR(fast.p[j], up_to / total, 1e-12);
      }
    }
  }
}

TEST(ConformalSelection, Pruning) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(pruned_selection(std::vector<double>{3, none, 3, 3}), (std::vector<bool>{true, false, true, true}));
  EXPECT_EQ(pruned_selection(std::vector<double>{4, none, 4, 4}), (std::vector<bool>(4, false)));  // deterministic: sizes that differ lose all
  EXPECT_EQ(pruned_selection(std::vector<double>{1, none, 2.5, 3}), (std::vector<bool>{true, false, true, true}));
  EXPECT_EQ(pruned_selection(std::vector<double>{}), std::vector<bool>{});
}

}  // namespace
}  // namespace plimsoll::stats

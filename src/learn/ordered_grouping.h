// SPDX-License-Identifier: Apache-2.0
#pragma once

// Groups ordered cells (pre-bins of a number, or levels of a category in the order of their bad rates) into bins: by an exact
// dynamic programme that makes the information value largest under constraints, or by boosted stumps.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace plimsoll::learn {

// How the bad rate may run over the bins.
enum class Trend : int { automatic, increasing, decreasing, none, peak, valley };
std::span<const std::string_view> choices_of(Trend);

struct GroupingRules {
  std::int64_t most_bins = 6;
  double least_rows = 0;    // of a bin
  double least_bads = 0;
  double least_goods = 0;
  double least_gap = 0;     // between the bad rates of neighbouring bins
  Trend trend = Trend::automatic;
  // Totals that shares are taken of; 0: of the cells. More than the cells hold when some rows have bins of their own.
  double good_total = 0;
  double bad_total = 0;
};

struct Grouping {
  std::vector<std::int32_t> ends;  // of each bin, exclusive; the last is the number of cells
  double value = 0;                // sum of (q - p) ln(q / p) over the bins
  Trend trend = Trend::none;       // the one found, when automatic
};

// Entry m - 1: the best grouping into exactly m bins, if there is one. O(cells^2 (log cells + bins)).
std::vector<std::optional<Grouping>> groupings_by_size(std::span<const double> goods, std::span<const double> bads, const GroupingRules& rules);

// The best of them, the fewest bins among equals. Where not even one bin meets the rules, one bin of all cells.
Grouping best_grouping(std::span<const double> goods, std::span<const double> bads, const GroupingRules& rules);

struct StumpOptions {
  std::int64_t rounds = 50;
  double learning_rate = 0.3;
  double l2 = 1;
  double min_child_weight = 5;  // sum of p (1 - p) on each side
};

// Second-order boosting of depth one on the cells' counts; the most_bins - 1 cuts of largest total gain are kept, then bins
// are joined until the rules hold (adjacent violators are pooled for the trend).
Grouping stump_grouping(std::span<const double> goods, std::span<const double> bads, const GroupingRules& rules, const StumpOptions& options);

}  // namespace plimsoll::learn

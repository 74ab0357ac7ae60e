// SPDX-License-Identifier: Apache-2.0
#pragma once

// Intervals of numbers that are functions of weighted means over units in order (days, cases, rows), where near units may depend on
// each other: circular blocks of consecutive units are drawn with replacement.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "stats/interval.h"
#include "stats/resampling.h"

namespace plimsoll::stats {

// Sums a unit brings: sums[unit * columns + column]. A statistic is a function of the columns' totals.
struct UnitSums {
  std::size_t columns = 0;
  std::vector<double> sums;
  std::size_t units() const { return columns == 0 ? 0 : sums.size() / columns; }
};

// ceil(units^(1/3)), at least 1: the usual rate for the length of blocks.
std::int64_t automatic_block(std::size_t units);

// Consecutive units gathered until at most `most` are left; `block` shrinks with them, to at least 1.
UnitSums gathered(UnitSums units, std::size_t most, std::int64_t& block);

// Totals of all units and of each replicate (replicates x columns, row by row).
struct Bootstrap {
  std::size_t units = 0;
  std::vector<double> totals;
  std::vector<double> replicates;
};
// Replicate r draws from rng.child(r).
Result<Bootstrap> block_bootstrap(const UnitSums& units, std::int64_t block, const Resampling& resampling);

// Percentile interval of a statistic of the totals; replicates in which it is NaN are left out, and with fewer than half of them
// left, or fewer than two units, the interval is (-inf, inf). standard_error is the replicates' standard deviation.
using Statistic = std::function<double(std::span<const double> totals)>;
Estimate bootstrap_estimate(const Bootstrap& bootstrap, double level, const Statistic& statistic);

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#pragma once

// A year's loss by simulation: for laws that hang together, and as a check of the exact engine. Years stand in blocks of 4,096;
// risk r of block b draws from its own stream, keyed by the risk's name and b, so that totals depend neither on threads nor on the
// order of risks, and scenarios with other controls meet the same events.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "stats/compound_law.h"

namespace plimsoll::stats {

// How the counts of different risks hang together.
enum class Dependence : std::uint8_t {
  none,
  gaussian,      // normal scores share one factor: correlation
  t,             // as gaussian, divided by one chi-square a year: joint extremes
  common_shock,  // in a share `correlation` of the years all counts take the same level
};
std::span<const std::string_view> choices_of(Dependence);

struct DrawOptions {
  std::int64_t years = 100'000;
  Dependence dependence = Dependence::none;
  double correlation = 0;
  double df = 4;
};

struct DrawnYears {
  std::vector<double> totals;   // ascending
  std::vector<double> largest;  // largest single event of a year, ascending
};
// names: one a risk, distinct.
Result<DrawnYears> draw_years(Context& context, std::span<const CompoundRisk> risks, std::span<const std::string> names, const DrawOptions& options);
// The same years once more: mean loss of each risk over the years whose total is at least `threshold`.
Result<std::vector<double>> drawn_shares(Context& context, std::span<const CompoundRisk> risks, std::span<const std::string> names, const DrawOptions& options, double threshold);

// Order statistics (from 1) that hold the p-quantile of the law with chance at least `level`, whatever the law.
struct RankPair {
  std::int64_t low = 1, high = 1;
};
RankPair quantile_ranks(std::int64_t n, double p, double level);
// The order statistic ceil(p n), from 1: what a sample of n takes for its p-quantile.
std::int64_t quantile_rank(std::int64_t n, double p);

}  // namespace plimsoll::stats

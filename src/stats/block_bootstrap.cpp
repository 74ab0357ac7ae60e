// SPDX-License-Identifier: Apache-2.0
// Circular block bootstrap (Politis and Romano 1992) of functions of means, percentile intervals. Departure: more than `most` units
// are first gathered into runs of neighbours, so that the cost does not grow with the rows; a run then is the smallest thing drawn.
#include "stats/block_bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/exact_sum.h"
#include "stats/order_statistics.h"

namespace plimsoll::stats {
namespace {

std::vector<double> totals_of(const UnitSums& units) {
  std::vector<double> totals(units.columns);
  for (std::size_t c = 0; c < units.columns; ++c) {
    ExactSum sum;
    for (std::size_t u = 0; u < units.units(); ++u) sum.add(units.sums[u * units.columns + c]);
    totals[c] = sum.value();
  }
  return totals;
}

}  // namespace

std::int64_t automatic_block(std::size_t units) {
  std::int64_t length = 1;
  while (static_cast<std::size_t>(length * length * length) < units) ++length;
  return length;
}

UnitSums gathered(UnitSums units, std::size_t most, std::int64_t& block) {
  const std::size_t n = units.units();
  if (n <= most || most == 0) return units;
  const std::size_t run = (n + most - 1) / most;
  UnitSums runs{units.columns, std::vector<double>((n + run - 1) / run * units.columns)};
  for (std::size_t u = 0; u < n; ++u)
    for (std::size_t c = 0; c < units.columns; ++c) runs.sums[u / run * units.columns + c] += units.sums[u * units.columns + c];
  const auto length = static_cast<std::int64_t>(run);
  block = std::max<std::int64_t>(1, (block + length - 1) / length);
  return runs;
}

Result<Bootstrap> block_bootstrap(const UnitSums& units, std::int64_t block, const Resampling& resampling) {
  const std::size_t n = units.units();
  const std::size_t columns = units.columns;
  Bootstrap drawn{n, totals_of(units), {}};
  if (n == 0) return drawn;
  const auto length = static_cast<std::size_t>(std::clamp<std::int64_t>(block, 1, static_cast<std::int64_t>(n)));
  const std::size_t draws = (n + length - 1) / length;
  // What the block that begins at each unit brings; the last block drawn is cut short so that every replicate has n units.
  const auto sums_from = [&](std::size_t count) {
    std::vector<double> blocks(n * columns);
    for (std::size_t u = 0; u < n; ++u)
      for (std::size_t step = 0; step < count; ++step)
        for (std::size_t c = 0; c < columns; ++c) blocks[u * columns + c] += units.sums[(u + step) % n * columns + c];
    return blocks;
  };
  const std::vector<double> whole = sums_from(length);
  const std::size_t rest = n - (draws - 1) * length;
  const std::vector<double> cut = rest == length ? std::vector<double>() : sums_from(rest);
  drawn.replicates.resize(static_cast<std::size_t>(resampling.replicates) * columns);
  PLIMSOLL_CHECK(resampling.runtime.for_each(resampling.replicates, resampling.stop, [&](std::int64_t r) -> Result<void> {
    Stream stream = resampling.rng.child(static_cast<std::uint64_t>(r));
    double* total = drawn.replicates.data() + static_cast<std::size_t>(r) * columns;
    for (std::size_t d = 0; d < draws; ++d) {
      const auto begin = static_cast<std::size_t>(stream.below(n));
      const double* sums = (d + 1 == draws && !cut.empty() ? cut : whole).data() + begin * columns;
      for (std::size_t c = 0; c < columns; ++c) total[c] += sums[c];
    }
    return {};
  }));
  return drawn;
}

Estimate bootstrap_estimate(const Bootstrap& bootstrap, double level, const Statistic& statistic) {
  Estimate estimate;
  estimate.value = statistic(bootstrap.totals);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  estimate.interval = {-infinity, infinity};
  estimate.standard_error = infinity;
  std::vector<double> values;
  const std::size_t columns = bootstrap.totals.size();
  const std::size_t count = columns == 0 ? 0 : bootstrap.replicates.size() / columns;
  for (std::size_t r = 0; r < count; ++r) {
    const double value = statistic(std::span(bootstrap.replicates).subspan(r * columns, columns));
    if (!std::isnan(value)) values.push_back(value);
  }
  if (bootstrap.units < 2 || values.size() < 2 || values.size() * 2 < count) return estimate;
  std::sort(values.begin(), values.end());
  estimate.interval = {quantile_of_sorted(values, (1 - level) / 2), quantile_of_sorted(values, (1 + level) / 2)};
  double mean = 0;  // from the first value on, so that equal values have no spread
  for (const double value : values) mean += (value - values.front()) / static_cast<double>(values.size());
  mean += values.front();
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  estimate.standard_error = std::sqrt(squares / static_cast<double>(values.size() - 1));
  return estimate;
}

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
// Dimitriadis, Gneiting, Jordan, PNAS 118 (2021), bands by resampling; with weights each row's outcome is drawn by itself and
// counts its weight.
#include "stats/resampled_band.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "stats/order_statistics.h"
#include "stats/pav.h"
#include "stats/scores.h"

namespace plimsoll::stats {
namespace {

// Rows by rising forecast, those of one forecast together.
struct Tied {
  std::vector<std::uint32_t> order;
  std::vector<std::size_t> begin;  // of each distinct forecast in `order`, then the end
  std::vector<double> forecast, weight;
};

Tied tied(std::span<const double> forecast, std::span<const double> weight) {
  Tied t;
  for (const std::uint32_t row : order_by(forecast)) {
    const double w = weight.empty() ? 1 : weight[row];
    if (w == 0) continue;
    if (t.forecast.empty() || t.forecast.back() != forecast[row]) {
      t.begin.push_back(t.order.size());
      t.forecast.push_back(forecast[row]);
      t.weight.push_back(0);
    }
    t.order.push_back(row);
    t.weight.back() += w;
  }
  t.begin.push_back(t.order.size());
  return t;
}

}  // namespace

Result<ConsistencyBand> resampled_band(std::span<const double> forecast, std::span<const double> chance, std::span<const double> weight,
                                       double level, std::size_t most_points, const Resampling& resampling) {
  const std::vector<std::int32_t> none(forecast.size());
  PLIMSOLL_CHECK(check_forecasts(forecast, none, weight));
  PLIMSOLL_CHECK(check_forecasts(chance, none, weight));
  if (resampling.replicates < 1 || !(level > 0 && level < 1))
    return Error(ErrorCode::bad_parameter, "a band needs a level between 0 and 1 and at least one replicate", "Ask for 200 at 0.95");
  const Tied t = tied(forecast, weight);
  const std::size_t points = std::min(t.forecast.size(), std::max<std::size_t>(2, most_points));
  const auto grid = [&](std::size_t g) { return points == 1 ? 0 : g * (t.forecast.size() - 1) / (points - 1); };
  const auto replicates = static_cast<std::size_t>(resampling.replicates);
  std::vector<double> seen(points * replicates);
  ConsistencyBand band;
  band.null_miscalibration.resize(replicates);
  PLIMSOLL_CHECK(resampling.runtime.for_each(resampling.replicates, resampling.stop, [&](std::int64_t r) -> Result<void> {
    Stream rng = resampling.rng.child(static_cast<std::uint64_t>(r));
    std::vector<double> sum(t.forecast.size()), fitted(t.forecast.size());
    std::vector<PavBlock> blocks;
    double score = 0, total = 0, recalibrated = 0;
    for (std::size_t k = 0; k < sum.size(); ++k) {
      const double p = t.forecast[k];
      for (std::size_t i = t.begin[k]; i < t.begin[k + 1]; ++i) {
        const std::uint32_t row = t.order[i];
        if (rng.bernoulli(chance[row])) sum[k] += weight.empty() ? 1 : weight[row];
      }
      score += sum[k] * ((1 - p) * (1 - p)) + (t.weight[k] - sum[k]) * (p * p);
      total += t.weight[k];
    }
    pav_fitted(t.weight, sum, fitted, blocks);
    for (const PavBlock& block : blocks) recalibrated += block.sum * (1 - block.mean());
    const auto at = static_cast<std::size_t>(r);
    band.null_miscalibration[at] = std::max(0.0, (score - recalibrated) / total);
    for (std::size_t g = 0; g < points; ++g) seen[g * replicates + at] = fitted[grid(g)];
    return {};
  }));
  for (std::size_t g = 0; g < points; ++g) {
    const std::span<double> column(seen.data() + g * replicates, replicates);
    std::sort(column.begin(), column.end());
    band.forecast.push_back(t.forecast[grid(g)]);
    band.lo.push_back(quantile_of_sorted(column, (1 - level) / 2));
    band.hi.push_back(quantile_of_sorted(column, (1 + level) / 2));
  }
  std::sort(band.null_miscalibration.begin(), band.null_miscalibration.end());
  return band;
}

}  // namespace plimsoll::stats

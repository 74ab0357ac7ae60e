// SPDX-License-Identifier: Apache-2.0
// Dimitriadis, Gneiting, Jordan, "Stable reliability diagrams for probabilistic classifiers", PNAS 118 (2021). With blocks of
// weight W and outcome sum s, r = s / W: a block adds W r (1 - r) to the Brier score of r and -(s log r + (W - s) log(1 - r))
// to its log score, because every row of the block has the same r.
#include "stats/corp.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "base/exact_sum.h"
#include "stats/order_statistics.h"
#include "stats/pav.h"
#include "stats/ranked_outcomes.h"
#include "stats/scores.h"

namespace plimsoll::stats {
namespace {

constexpr std::size_t most_distinct = 100000;
constexpr std::size_t gathered_cells = 20000;

double log_term(double weight, double p) { return weight > 0 ? 0.0 - weight * std::log(p) : 0.0; }

// A difference that is never negative in exact arithmetic.
double at_least_zero(double x) { return x < 0 && x > -1e-12 ? 0 : x; }

Decomposition decompose(double score, double recalibrated, double base) {
  return {score, at_least_zero(score - recalibrated), at_least_zero(base - recalibrated), base};
}

// Neighbouring distinct forecasts together, at the mean of their rows.
std::vector<Pool> gather(std::vector<Pool> pools, double rows) {
  if (pools.size() <= most_distinct) return pools;
  const double least = rows / static_cast<double>(gathered_cells);
  std::vector<Pool> cells;
  Pool open;  // sum holds weight times forecast
  for (const Pool& pool : pools) {
    open.weight += pool.weight;
    open.sum += pool.weight * pool.x;
    if (open.weight >= least) {
      cells.push_back({open.sum / open.weight, open.weight, 0});
      open = {};
    }
  }
  if (open.weight > 0) cells.push_back({open.sum / open.weight, open.weight, 0});
  return cells;
}

// One redrawn sample: fitted values of all pools, and its Brier miscalibration.
class Replicate {
 public:
  explicit Replicate(std::span<const Pool> pools)
      : pools_(pools), weight_(pools.size()), sum_(pools.size()), fitted_(pools.size()) {
    for (std::size_t i = 0; i < pools.size(); ++i) weight_[i] = pools[i].weight;
  }
  double draw(Stream rng) {
    double score = 0, total = 0;
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      const double p = pools_[i].x, w = weight_[i];
      const double s = w == 1 ? (rng.bernoulli(p) ? 1 : 0) : static_cast<double>(rng.binomial(static_cast<std::int64_t>(w), p));
      sum_[i] = s;
      score += s * ((1 - p) * (1 - p)) + (w - s) * (p * p);
      total += w;
    }
    pav_fitted(weight_, sum_, fitted_, blocks_);
    double recalibrated = 0;
    for (const PavBlock& block : blocks_) recalibrated += block.sum * (1 - block.mean());
    return at_least_zero((score - recalibrated) / total);
  }
  std::span<const double> fitted() const { return fitted_; }

 private:
  std::span<const Pool> pools_;
  std::vector<double> weight_, sum_, fitted_;
  std::vector<PavBlock> blocks_;
};

std::vector<std::size_t> grid_of(std::size_t pools, std::size_t most) {
  std::vector<std::size_t> grid;
  const std::size_t points = std::min(pools, std::max<std::size_t>(2, most));
  for (std::size_t i = 0; i < points; ++i) grid.push_back(points == 1 ? 0 : i * (pools - 1) / (points - 1));
  return grid;
}

// PAV of the outcomes on the forecasts.
std::vector<CorpBin> weighted_bins(std::span<const double> forecast, std::span<const std::int32_t> outcome, std::span<const double> weight) {
  const std::vector<double> y(outcome.begin(), outcome.end());
  const std::vector<Pool> pools = pool_ties(forecast, y, weight, order_by(forecast));
  std::vector<CorpBin> bins;
  for (const PavBlock& block : pav(pools)) bins.push_back({pools[block.begin].x, pools[block.end - 1].x, block.mean(), block.weight, block.sum});
  return bins;
}

std::vector<CorpBin> counted_bins(std::span<const double> forecast, std::span<const std::int32_t> outcome) {
  CountPav<double> fit;
  RankedOutcomes(forecast, outcome).rising([&](double x, std::uint64_t negatives, std::uint64_t positives) { fit.add(x, x, static_cast<double>(negatives + positives), static_cast<double>(positives)); });
  std::vector<CorpBin> bins;
  for (const auto& block : fit.take()) bins.push_back({block.first, block.last, block.mean(), block.weight, block.sum});
  return bins;
}

}  // namespace

Result<Corp> corp(std::span<const double> forecast, std::span<const std::int32_t> outcome, std::span<const double> weight) {
  PLIMSOLL_CHECK(check_forecasts(forecast, outcome, weight));
  if (forecast.size() > std::numeric_limits<std::uint32_t>::max())
    return Error(ErrorCode::too_large, "CORP takes fewer than 2^32 rows", "Assess a sample of the rows");
  Corp result;
  result.bins = weight.empty() ? counted_bins(forecast, outcome) : weighted_bins(forecast, outcome, weight);
  ExactSum weights, events, brier, log;
  for (const CorpBin& bin : result.bins) {
    const double r = bin.recalibrated;
    weights.add(bin.weight);
    events.add(bin.events);
    brier.add(bin.events * (1 - r));
    log.add(log_term(bin.events, r) + log_term(bin.weight - bin.events, 1 - r));
  }
  const double total = weights.value();
  const double base = events.value() / total;
  result.brier = decompose(brier_score(forecast, outcome, weight), brier.value() / total, base * (1 - base));
  result.log = decompose(log_loss(forecast, outcome, weight).value, log.value() / total,
                         log_term(base, base) + log_term(1 - base, 1 - base));
  return result;
}

Result<ConsistencyBand> consistency_band(std::span<const double> forecast, double level, std::size_t most_points,
                                         const Resampling& resampling) {
  const std::vector<std::int32_t> none(forecast.size());
  PLIMSOLL_CHECK(check_forecasts(forecast, none));
  if (forecast.size() > std::numeric_limits<std::uint32_t>::max())
    return Error(ErrorCode::too_large, "a consistency band takes fewer than 2^32 rows", "Assess a sample of the rows");
  if (resampling.replicates < 1 || !(level > 0 && level < 1))
    return Error(ErrorCode::bad_parameter, "a band needs a level between 0 and 1 and at least one replicate");
  const std::vector<double> y(forecast.size());
  const std::vector<Pool> pools = gather(pool_ties(forecast, y, {}, order_by(forecast)), static_cast<double>(forecast.size()));
  const std::vector<std::size_t> grid = grid_of(pools.size(), most_points);
  const auto replicates = static_cast<std::size_t>(resampling.replicates);
  std::vector<double> seen(grid.size() * replicates);  // by grid point, then replicate
  ConsistencyBand band;
  band.null_miscalibration.resize(replicates);
  PLIMSOLL_CHECK(resampling.runtime.for_each(resampling.replicates, resampling.stop, [&](std::int64_t r) -> Result<void> {
    Replicate replicate(pools);
    const auto at = static_cast<std::size_t>(r);
    band.null_miscalibration[at] = replicate.draw(resampling.rng.child(static_cast<std::uint64_t>(r)));
    for (std::size_t g = 0; g < grid.size(); ++g) seen[g * replicates + at] = replicate.fitted()[grid[g]];
    return {};
  }));
  for (std::size_t g = 0; g < grid.size(); ++g) {
    const std::span<double> column(seen.data() + g * replicates, replicates);
    std::sort(column.begin(), column.end());
    band.forecast.push_back(pools[grid[g]].x);
    band.lo.push_back(quantile_of_sorted(column, (1 - level) / 2));
    band.hi.push_back(quantile_of_sorted(column, (1 + level) / 2));
  }
  std::sort(band.null_miscalibration.begin(), band.null_miscalibration.end());
  return band;
}

double resampling_p_value(std::span<const double> sorted_null, double observed) {
  const auto least = std::lower_bound(sorted_null.begin(), sorted_null.end(), observed);
  return (1 + static_cast<double>(sorted_null.end() - least)) / (1 + static_cast<double>(sorted_null.size()));
}

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
// Row scores gathered to unit sums, and the intervals of what is made of their means.
#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/score/forecast/forecast.h"
#include "stats/distributions.h"

namespace plimsoll::score::forecast {
namespace {

constexpr std::size_t most_units = 2000;  // drawn in the bootstrap; more are gathered to runs of neighbours

}  // namespace

Measures::Measures(const Forecasts& forecasts) : forecasts_(forecasts) {}

std::size_t Measures::add(std::span<const double> rows, bool weighted) {
  std::vector<double> sums(forecasts_.units);
  std::vector<double> weights(forecasts_.units);
  const bool ones = !weighted || forecasts_.weight.empty();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (std::isnan(rows[i])) continue;
    const double w = ones ? 1 : forecasts_.weight[i];
    const auto u = static_cast<std::size_t>(forecasts_.unit[i]);
    sums[u] += w == 0 ? 0 : w * rows[i];
    weights[u] += w;
  }
  columns_.push_back(std::move(sums));
  columns_.push_back(std::move(weights));
  return columns_.size() / 2 - 1;
}

std::size_t Measures::add_by_case(std::span<const double> cases) {
  std::vector<double> sums(forecasts_.units);
  std::vector<double> weights(forecasts_.units);
  std::vector<bool> done(forecasts_.case_count);
  for (std::size_t i = 0; i < forecasts_.rows; ++i) {
    const auto c = static_cast<std::size_t>(forecasts_.cases[i]);
    if (done[c] || std::isnan(cases[c])) continue;
    done[c] = true;
    sums[static_cast<std::size_t>(forecasts_.unit[i])] += cases[c];
    weights[static_cast<std::size_t>(forecasts_.unit[i])] += 1;
  }
  columns_.push_back(std::move(sums));
  columns_.push_back(std::move(weights));
  return columns_.size() / 2 - 1;
}

Result<void> Measures::draw(Context& context, const Params& params, std::string_view stream) {
  // Units without any scored row bring nothing and are no units.
  std::vector<std::size_t> kept;
  for (std::size_t u = 0; u < forecasts_.units; ++u) {
    bool any = false;
    for (std::size_t c = 1; c < columns_.size() && !any; c += 2) any = columns_[c][u] > 0;
    if (any) kept.push_back(u);
  }
  sums_.columns = columns_.size();
  sums_.sums.reserve(kept.size() * sums_.columns);
  for (const std::size_t u : kept)
    for (const auto& column : columns_) sums_.sums.push_back(column[u]);
  columns_.clear();
  block_ = params.block > 0 ? params.block : forecasts_.in_time ? stats::automatic_block(kept.size()) : 1;
  std::int64_t drawn = block_;
  const stats::UnitSums runs = stats::gathered(std::move(sums_), most_units, drawn);
  PLIMSOLL_TRY(bootstrap_, stats::block_bootstrap(runs, drawn, {context.runtime, context.stop, context.rng.child(stream), static_cast<int>(params.replicates)}));
  return {};
}

stats::Estimate Measures::mean(std::size_t measure, double level) const {
  return of({measure}, level, [](std::span<const double> means) { return means[0]; });
}

stats::Estimate Measures::of(const std::vector<std::size_t>& measures, double level, const std::function<double(std::span<const double>)>& f) const {
  std::vector<double> means(measures.size());
  return stats::bootstrap_estimate(bootstrap_, level, [&](std::span<const double> totals) {
    for (std::size_t k = 0; k < means.size(); ++k) {
      const double weight = totals[2 * measures[k] + 1];
      means[k] = weight > 0 ? totals[2 * measures[k]] / weight : std::numeric_limits<double>::quiet_NaN();
    }
    return f(means);
  });
}

PairedTest paired_test(const Forecasts& forecasts, std::span<const double> ours, std::span<const double> theirs) {
  std::vector<double> sums(forecasts.units);
  std::vector<double> weights(forecasts.units);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (std::isnan(ours[i]) || std::isnan(theirs[i])) continue;
    const double w = forecasts.weight.empty() ? 1 : forecasts.weight[i];
    const auto u = static_cast<std::size_t>(forecasts.unit[i]);
    sums[u] += w * (ours[i] - theirs[i]);
    weights[u] += w;
  }
  std::vector<double> d;
  for (std::size_t u = 0; u < forecasts.units; ++u)
    if (weights[u] > 0) d.push_back(sums[u] / weights[u]);
  PairedTest test;
  if (d.size() < 3) return test;
  const auto n = static_cast<double>(d.size());
  double mean = 0;
  for (const double x : d) mean += x / n;
  const auto covariance = [&](std::size_t lag) {
    double sum = 0;
    for (std::size_t t = lag; t < d.size(); ++t) sum += (d[t] - mean) * (d[t - lag] - mean);
    return sum / n;
  };
  // Bartlett weights, lag floor(n^(1/3)) where the units follow each other in time.
  test.lag = forecasts.in_time ? static_cast<std::int64_t>(stats::automatic_block(d.size() + 1)) - 1 : 0;
  double variance = covariance(0);
  for (std::int64_t lag = 1; lag <= test.lag; ++lag)
    variance += 2 * (1 - static_cast<double>(lag) / static_cast<double>(test.lag + 1)) * covariance(static_cast<std::size_t>(lag));
  if (!(variance > 0)) return test;
  test.statistic = mean / std::sqrt(variance / n);
  test.p_value = std::min(1.0, 2 * stats::student_t_cdf(-std::fabs(test.statistic), n - 1));
  return test;
}

}  // namespace plimsoll::score::forecast

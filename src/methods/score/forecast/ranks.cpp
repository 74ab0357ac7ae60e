// SPDX-License-Identifier: Apache-2.0
// Rank histogram (Talagrand; Hamill 2001) and its tests: chi-square, and the linear and U contrasts of Jolliffe and Primo (2008).
// Departure: rows may depend on each other, so the contrasts' standard errors come from the block bootstrap and chi-square is
// divided by the larger of their design effects (a first-order Rao-Scott correction). No effect is taken to be below that of
// independent rows.
#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/score/forecast/forecast.h"
#include "stats/distributions.h"

namespace plimsoll::score::forecast {
namespace {

constexpr std::size_t most_bars = 120;
constexpr double flat_alarm = 0.001;

// Equal runs of ranks, so that a histogram has at most `most_bars` bars; the number of ranks in each.
std::size_t ranks_a_bar(std::size_t ranks) { return (ranks + most_bars - 1) / most_bars; }

struct Contrast {
  double z = 0;
  double p = 1;
  double design_effect = 1;
};

Contrast contrast_of(const Measures& measures, std::size_t measure, double null_variance, double rows) {
  const stats::Estimate mean = measures.mean(measure, 0.95);
  Contrast contrast;
  if (!(mean.standard_error >= 0) || std::isinf(mean.standard_error)) return contrast;
  const double independent = null_variance / rows;
  contrast.design_effect = std::max(1.0, mean.standard_error * mean.standard_error / independent);
  contrast.z = mean.value / std::sqrt(contrast.design_effect * independent);
  contrast.p = std::min(1.0, 2 * stats::normal_sf(std::fabs(contrast.z)));
  return contrast;
}

}  // namespace

Ranks rank_rows(const Context& context, const Forecasts& forecasts, const stats::EnsembleRows& rows) {
  Ranks ranks;
  const auto members = static_cast<std::int32_t>(forecasts.member.size());
  ranks.counts.assign(static_cast<std::size_t>(members) + 1, 0);
  ranks.linear.assign(rows.size(), none);
  ranks.curved.assign(rows.size(), none);
  const Stream root = context.rng.child("score.forecast.ranks");
  const double cells = members + 1;
  const double variance = (cells * cells - 1) / (12 * cells * cells);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (std::isnan(rows.absolute_error[i]) || rows.used[i] != members) continue;
    std::int32_t rank = rows.below[i];
    if (rows.ties[i] > 0) {
      Stream stream = root.child(static_cast<std::uint64_t>(forecasts.first_row) + i);
      rank += static_cast<std::int32_t>(stream.below(static_cast<std::uint64_t>(rows.ties[i]) + 1));
    }
    ++ranks.counts[static_cast<std::size_t>(rank)];
    ++ranks.ranked;
    const double u = (rank + 0.5) / cells - 0.5;
    ranks.linear[i] = u;
    ranks.curved[i] = u * u - variance;
  }
  return ranks;
}

void add_rank_histogram(Report& report, const Ranks& ranks, const Measures& measures, std::size_t linear, std::size_t curved, std::vector<Finding>& findings) {
  if (ranks.ranked == 0) return;
  const std::size_t cells = ranks.counts.size();
  const auto rows = static_cast<double>(ranks.ranked);
  double chi_square = 0;
  const double expected = rows / static_cast<double>(cells);
  for (const std::int64_t count : ranks.counts) chi_square += (static_cast<double>(count) - expected) * (static_cast<double>(count) - expected) / expected;
  const double k = static_cast<double>(cells);
  const double linear_variance = (k * k - 1) / (12 * k * k);
  double curved_variance = 0;
  for (std::size_t r = 0; r < cells; ++r) {
    const double u = (static_cast<double>(r) + 0.5) / k - 0.5;
    curved_variance += (u * u - linear_variance) * (u * u - linear_variance) / k;
  }
  const Contrast slope = contrast_of(measures, linear, linear_variance, rows);
  const Contrast bowl = cells > 2 ? contrast_of(measures, curved, curved_variance, rows) : Contrast();
  const double effect = std::max({1.0, slope.design_effect, bowl.design_effect});
  const double p = stats::chi_square_sf(chi_square / effect, k - 1);
  report.figures.emplace_back("rank_chi_square", chi_square / effect);
  report.figures.emplace_back("rank_chi_square_p", p);
  FigureBlock figure;
  figure.kind = FigureKind::histogram;
  figure.title = "Rank histogram";
  figure.description = "How many outcomes fell below all members, between the first and the second, and so on to above all. A right ensemble gives equal bars.";
  figure.x_title = "rank of the outcome among the members";
  figure.y_title = "forecasts";
  const std::size_t run = ranks_a_bar(cells);
  for (std::size_t r = 0; r < cells; r += run) {
    const std::size_t end = std::min(cells, r + run);
    std::int64_t count = 0;
    for (std::size_t i = r; i < end; ++i) count += ranks.counts[i];
    figure.x0.push_back(static_cast<double>(r));
    figure.x1.push_back(static_cast<double>(end));
    figure.y.push_back(static_cast<double>(count));
  }
  report.figure(std::move(figure));
  report.table({"Is the rank histogram flat?",
                "Tests of the law of an ensemble that is right. The contrasts' standard errors come from the bootstrap; chi-square is divided by the design effect of dependent rows.",
                {"test", "statistic", "p-value", "design effect"},
                {{std::string("chi-square on ") + std::to_string(cells - 1) + " degrees of freedom", chi_square / effect, p, effect},
                 {std::string("slope (bias: positive is members too low)"), slope.z, slope.p, slope.design_effect},
                 {std::string("bowl (positive is spread too small)"), bowl.z, bowl.p, bowl.design_effect}}});
  if (std::min({p, slope.p, bowl.p}) < flat_alarm)
    findings.push_back({ReportSeverity::warning, "rank histogram", "The ranks of the outcomes are not uniform: the ensemble's law is not that of the outcomes.",
                        "A slope is a bias, a bowl too little spread, a hill too much: recalibrate the members."});
}

void add_transform_histogram(Report& report, std::span<const double> transform, const std::string& description) {
  constexpr std::size_t cells = 20;
  std::array<std::int64_t, cells> counts{};
  std::int64_t total = 0;
  for (const double u : transform) {
    if (std::isnan(u)) continue;
    ++counts[std::min(cells - 1, static_cast<std::size_t>(u * static_cast<double>(cells)))];
    ++total;
  }
  if (total == 0) return;
  FigureBlock figure;
  figure.kind = FigureKind::histogram;
  figure.title = "Probability integral transform";
  figure.description = description;
  figure.x_title = "forecast probability of what lies below the outcome";
  figure.y_title = "forecasts";
  for (std::size_t c = 0; c < cells; ++c) {
    figure.x0.push_back(static_cast<double>(c) / static_cast<double>(cells));
    figure.x1.push_back(static_cast<double>(c + 1) / static_cast<double>(cells));
    figure.y.push_back(static_cast<double>(counts[c]));
  }
  report.figure(std::move(figure));
}

}  // namespace plimsoll::score::forecast

// SPDX-License-Identifier: Apache-2.0
// How well one probability column ranks, with the figures of forecasts and rankings, and what is known where the truth is.

#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/score/probability/parts.h"
#include "stats/calibration_error.h"
#include "stats/intervals.h"
#include "stats/ranking.h"
#include "stats/threshold_curve.h"

namespace plimsoll::score::probability {
namespace {

constexpr std::array<const char*, stats::rank_statistic_count> figure_names = {
    "auroc", "average_precision", "ks", "partial_auroc", "h_measure", "discrimination", "log_discrimination"};

std::string remark_of(stats::RankStatistic s, const Case& c) {
  char text[60];
  std::snprintf(text, sizeof text, "false positive rates up to %.3g, 0.5 by chance", c.params.partial_to);
  switch (s) {
    case stats::RankStatistic::auroc: return "DeLong; chance that an event ranks above another row";
    case stats::RankStatistic::average_precision: return "no interpolation; resampled";
    case stats::RankStatistic::kolmogorov_smirnov: return "largest gap of the two distributions; resampled";
    case stats::RankStatistic::partial_auroc: return text;
    case stats::RankStatistic::h_measure: return "Hand's, cost prior Beta(1 + share of events, 1 + share of others); resampled";
    default: return "CORP; resampled";
  }
}

void undefined(Case& c) {
  for (std::size_t s = 0; s < 5; ++s) c.figure(figure_names[s], stats::Estimate{nan, nan, {nan, nan}});
}

// The interval of a rank statistic lies on the logit scale, so that it stays between 0 and 1.
Result<stats::Estimate> auroc_estimate(const Case& c) {
  PLIMSOLL_TRY(const stats::Influence area, stats::auroc_influence(c.data.probability(0, 1), c.data.outcome, c.weight()));
  stats::Estimate e = stats::estimate(area, c.dependence, c.params.level);
  e.interval = stats::logit_interval(e.value, e.standard_error, c.params.level);
  return e;
}

void roc_figure(Case& c, const stats::RankTable& table) {
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "ROC curve";
  figure.description = "Share of events found against share of false alarms as the threshold falls.";
  figure.x_title = "false positive rate";
  figure.y_title = "true positive rate";
  for (const stats::GainPoint& point : stats::gain_curve(table, 300)) {
    figure.x.push_back(point.false_positive_rate);
    figure.y.push_back(point.gain);
    figure.series.emplace_back("forecast");
  }
  for (const double x : {0.0, 1.0}) {
    figure.x.push_back(x);
    figure.y.push_back(x);
    figure.series.emplace_back("chance");
  }
  c.report.figure(std::move(figure));
}

void histogram(Case& c) {
  FigureBlock figure;
  figure.kind = FigureKind::histogram;
  figure.title = "Forecasts";
  figure.description = "How many rows were given each probability, events and others apart.";
  figure.x_title = "forecast probability";
  figure.y_title = "rows";
  constexpr std::size_t cells = 20;
  std::vector<double> counts(2 * cells);
  const auto p = c.data.probability(0, 1);
  for (std::size_t i = 0; i < p.size(); ++i)
    counts[static_cast<std::size_t>(c.data.outcome[i]) * cells + std::min(cells - 1, static_cast<std::size_t>(p[i] * static_cast<double>(cells)))] += 1;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    figure.x0.push_back(static_cast<double>(k % cells) / cells);
    figure.x1.push_back(static_cast<double>(k % cells + 1) / cells);
    figure.y.push_back(counts[k]);
    figure.series.emplace_back(k < cells ? "others" : "events");
  }
  c.report.figure(std::move(figure));
}

void add_curve(FigureBlock& figure, const std::vector<stats::CurvePoint>& curve, const std::string& name, bool banded) {
  for (const stats::CurvePoint& point : curve) {
    figure.x.push_back(point.threshold);
    figure.y.push_back(point.value.value);
    if (banded) {
      figure.lo.push_back(point.value.interval.lo);
      figure.hi.push_back(point.value.interval.hi);
    }
    figure.series.push_back(name);
  }
}

Result<void> murphy_figures(Case& c) {
  std::vector<double> grid;
  for (int k = 0; k <= 100; ++k) grid.push_back(static_cast<double>(k) / 100);
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "Murphy diagram";
  figure.description = "Mean elementary score at each cost ratio; the area below is the Brier score. A forecast that is nowhere higher is better by every proper score.";
  figure.x_title = "cost ratio";
  figure.y_title = "mean elementary score";
  FigureBlock gaps = figure;
  gaps.title = "Murphy diagram of differences";
  gaps.description = "Mean elementary score of the forecast less that of each challenger, pointwise intervals: below 0 the forecast is better.";
  gaps.y_title = "difference";
  for (std::size_t k = 0; k < std::min<std::size_t>(c.data.forecasters.size(), 8); ++k) {
    PLIMSOLL_TRY(const auto curve, stats::threshold_curve(stats::ThresholdScore::elementary, c.data.probability(k, 1), c.data.outcome, c.weight(), grid, c.dependence, c.params.level));
    add_curve(figure, curve, c.data.forecasters[k].name, c.data.forecasters.size() == 1);
    if (k == 0) continue;
    PLIMSOLL_TRY(const auto gap, stats::threshold_difference(stats::ThresholdScore::elementary, c.data.probability(0, 1), c.data.probability(k, 1), c.data.outcome, c.weight(), grid, c.dependence, c.params.level));
    add_curve(gaps, gap, "less " + c.data.forecasters[k].name, true);
  }
  c.report.figure(std::move(figure));
  if (!gaps.x.empty()) c.report.figure(std::move(gaps));
  return {};
}

}  // namespace

Result<void> event_ranking(Case& c, bool both) {
  if (!both) {
    undefined(c);
    return {};
  }
  const auto p = c.data.probability(0, 1);
  PLIMSOLL_TRY(const stats::RankTable table, stats::rank_table(p, c.data.outcome, c.weight()));
  const stats::RankStatistics values = stats::rank_statistics(table, c.params.partial_to);
  const stats::Resampling resampling = c.resampling("ranking", c.params.replicates);
  PLIMSOLL_TRY(const auto replicates, stats::rank_replicates(p, c.data.outcome, c.weight(), c.data.dependence(), c.params.partial_to, resampling));
  std::vector<stats::Estimate> estimates = stats::rank_intervals(values, replicates, c.params.level);
  PLIMSOLL_TRY(estimates[0], auroc_estimate(c));
  TableBlock block;
  block.title = "Ranking";
  block.caption = "Higher is better. Resampled intervals: " + std::to_string(replicates.size()) + " replicates, on the logit scale.";
  block.columns = {"statistic", "value", "low", "high", "remark"};
  for (std::size_t s = 0; s < stats::rank_statistic_count; ++s) {
    const auto statistic = static_cast<stats::RankStatistic>(s);
    block.rows.push_back(estimate_cells(std::string(name_of(statistic)), estimates[s], remark_of(statistic, c)));
    if (s < 5) c.figure(figure_names[s], estimates[s]);
    else {
      c.figure(std::string(figure_names[s]) + "_low", estimates[s].interval.lo);
      c.figure(std::string(figure_names[s]) + "_high", estimates[s].interval.hi);
    }
  }
  c.report.table(std::move(block));
  roc_figure(c, table);
  return {};
}

Result<void> event_figures(Case& c, bool) {
  histogram(c);
  return murphy_figures(c);
}

// Where the true probabilities are known: the squared and the Kullback-Leibler distance from them.
Result<void> event_truth(Case& c) {
  if (c.data.truth.empty()) return {};
  const auto p = c.data.probability(0, 1);
  std::vector<double> squares(p.size()), divergence(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double t = c.data.truth[i];
    squares[i] = (p[i] - t) * (p[i] - t);
    divergence[i] = (t > 0 ? t * std::log(t / p[i]) : 0) + (t < 1 ? (1 - t) * std::log((1 - t) / (1 - p[i])) : 0);
  }
  const stats::Estimate square = stats::estimate(stats::mean_influence(squares, c.weight()), c.dependence, c.params.level);
  const stats::Estimate kl = stats::estimate(stats::mean_influence(divergence, c.weight()), c.dependence, c.params.level);
  TableBlock table;
  table.title = "Against the true probabilities";
  table.caption = "What no real data can show.";
  table.columns = {"distance", "value", "low", "high", "remark"};
  table.rows = {estimate_cells("mean squared distance", square, "the Brier score less what the truth itself costs, but for noise"), estimate_cells("Kullback-Leibler", kl, "from the truth to the forecast")};
  c.figure("mse_p", square);
  c.figure("kl_p", kl);
  c.report.table(std::move(table));
  return {};
}

}  // namespace plimsoll::score::probability

// SPDX-License-Identifier: Apache-2.0
// Decision curves, their differences, cost curves, gain and lift, and subgroups.

#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/score/decision/parts.h"
#include "stats/intervals.h"
#include "stats/ranking.h"
#include "stats/threshold_curve.h"

namespace plimsoll::score::decision {
namespace {

constexpr std::size_t most_lines = 6;
constexpr std::size_t most_groups = 50;

std::vector<double> grid_of(const Params& params) {
  std::vector<double> grid;
  const auto last = static_cast<double>(params.steps - 1);
  for (std::int64_t k = 0; k < params.steps; ++k) grid.push_back(params.from + (params.to - params.from) * static_cast<double>(k) / last);
  return grid;
}

void add(FigureBlock& figure, double x, double y, double lo, double hi, const std::string& name) {
  figure.x.push_back(x);
  figure.y.push_back(y);
  figure.lo.push_back(lo);
  figure.hi.push_back(hi);
  figure.series.push_back(name);
}

void add_curve(FigureBlock& figure, const std::vector<stats::CurvePoint>& curve, const std::string& name, bool banded) {
  for (const stats::CurvePoint& point : curve) add(figure, point.threshold, point.value.value, banded ? point.value.interval.lo : nan, banded ? point.value.interval.hi : nan, name);
}

std::size_t lines_of(const Case& c) { return std::min(c.data.forecasters.size(), most_lines); }

// Thresholds where the forecast beats both acting on all and on none beyond its pointwise interval.
std::string useful_range(const std::vector<stats::CurvePoint>& model, const std::vector<stats::CurvePoint>& over_all) {
  double from = nan, to = nan;
  for (std::size_t k = 0; k < model.size(); ++k) {
    if (!(model[k].value.interval.lo > 0 && over_all[k].value.interval.lo > 0)) continue;
    if (std::isnan(from)) from = model[k].threshold;
    to = model[k].threshold;
  }
  if (std::isnan(from)) return "At no threshold of the curve is acting by the forecast better than both acting on all and acting on none, beyond chance.";
  return "Between the thresholds " + learn::short_number(from) + " and " + learn::short_number(to) + " acting by the forecast is better than acting on all and than acting on none, beyond chance at single thresholds.";
}

void benefit_table(Case& c, const std::vector<stats::CurvePoint>& model, const std::vector<stats::CurvePoint>& over_all) {
  TableBlock table;
  table.title = "Decision curve in numbers";
  table.columns = {"threshold", "net benefit", "low", "high", "acting on all", "over acting on all", "low of that", "high of that"};
  for (std::size_t k = 0; k < model.size(); ++k) {
    const stats::Estimate a = model[k].value, b = over_all[k].value;
    table.rows.push_back({model[k].threshold, a.value, learn::number_or_words(a.interval.lo), learn::number_or_words(a.interval.hi), a.value - b.value, b.value, learn::number_or_words(b.interval.lo), learn::number_or_words(b.interval.hi)});
  }
  c.report.table(std::move(table));
}

// Cost of the best rule for each cost ratio, all thresholds allowed: the envelope of the ROC curve's hull.
std::vector<double> envelope(const stats::RankTable& table, std::span<const double> grid) {
  const double total = table.positives + table.negatives;
  std::vector<double> least;
  for (const double c : grid) {
    double cost = (1 - c) * table.positives, best = cost;
    for (std::size_t i = table.groups.size(); i-- > 0;) {
      cost += c * table.groups[i].negatives - (1 - c) * table.groups[i].positives;
      best = std::min(best, cost);
    }
    least.push_back(best / total);
  }
  return least;
}

}  // namespace

Result<void> decision_curves(Case& c) {
  const std::vector<double> grid = grid_of(c.params), everything(c.data.rows(), 1.0);
  constexpr auto kind = stats::ThresholdScore::net_benefit;
  FigureBlock curves;
  curves.kind = FigureKind::lines;
  curves.title = "Decision curve";
  curves.description = "Net benefit of acting from each threshold on, in true positives a row, with pointwise intervals; acting on all and on none for comparison. The highest line is the best policy.";
  curves.x_title = "threshold";
  curves.y_title = "net benefit";
  FigureBlock gaps = curves;
  gaps.title = "Net benefit of the forecast, less others";
  gaps.description = "Differences of net benefit, row by row, with pointwise intervals: above 0 the forecast is the better policy.";
  gaps.y_title = "difference of net benefit";
  gaps.has_reference = true;
  PLIMSOLL_TRY(const auto model, stats::threshold_curve(kind, c.forecast(0), c.data.outcome, c.weight(), grid, c.dependence, c.params.level));
  PLIMSOLL_TRY(const auto over_all, stats::threshold_difference(kind, c.forecast(0), everything, c.data.outcome, c.weight(), grid, c.dependence, c.params.level));
  add_curve(curves, model, c.data.forecasters[0].name, true);
  add_curve(gaps, over_all, "less acting on all", true);
  for (std::size_t k = 0; k < grid.size(); ++k) {
    // Far above the share of events acting on all loses without bound: the line stops where it would hide the others.
    const double all = model[k].value.value - over_all[k].value.value;
    if (all > -0.25 * c.base - 1e-9) add(curves, grid[k], all, nan, nan, "acting on all");
  }
  for (const double t : {grid.front(), grid.back()}) add(curves, t, 0, nan, nan, "acting on none");
  for (std::size_t k = 1; k < lines_of(c); ++k) {
    PLIMSOLL_CHECK(c.context.stop.check());
    PLIMSOLL_TRY(const auto other, stats::threshold_curve(kind, c.forecast(k), c.data.outcome, c.weight(), grid, c.dependence, c.params.level));
    add_curve(curves, other, c.data.forecasters[k].name, false);
    PLIMSOLL_TRY(const auto gap, stats::threshold_difference(kind, c.forecast(0), c.forecast(k), c.data.outcome, c.weight(), grid, c.dependence, c.params.level));
    add_curve(gaps, gap, "less " + c.data.forecasters[k].name, true);
  }
  c.report.text("Where the forecast is worth using", useful_range(model, over_all));
  c.report.figure(std::move(curves));
  c.report.figure(std::move(gaps));
  benefit_table(c, model, over_all);
  return {};
}

Result<void> cost_curves(Case& c) {
  const std::vector<double> grid = grid_of(c.params);
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "Cost curve";
  figure.description = "Mean cost of acting when the forecast is at least c, where a false alarm costs c and a miss 1 - c; the best that any threshold could do on these rows; and acting on all or none. The area below the forecast's line is half its Brier score.";
  figure.x_title = "cost of a false alarm, c";
  figure.y_title = "mean cost";
  for (std::size_t k = 0; k < lines_of(c); ++k) {
    PLIMSOLL_TRY(const auto curve, stats::threshold_curve(stats::ThresholdScore::cost, c.forecast(k), c.data.outcome, c.weight(), grid, c.dependence, c.params.level));
    add_curve(figure, curve, c.data.forecasters[k].name, k == 0);
  }
  for (const double t : grid) add(figure, t, std::min(t * (1 - c.base), (1 - t) * c.base), nan, nan, "acting on all or none");
  const auto table = stats::rank_table(c.forecast(0), c.data.outcome, c.weight());
  if (table) {
    const std::vector<double> least = envelope(table.value(), grid);
    for (std::size_t k = 0; k < grid.size(); ++k) add(figure, grid[k], least[k], nan, nan, "best threshold, seen afterwards");
  }
  c.report.figure(std::move(figure));
  return {};
}

Result<void> gains(Case& c) {
  const auto found = stats::rank_table(c.forecast(0), c.data.outcome, c.weight());
  if (!found) {
    c.report.text("Gain and lift", "All outcomes are the same: nothing that ranks is defined.", ReportSeverity::warning);
    return {};
  }
  TableBlock table;
  table.title = "Gain and lift";
  table.caption = "Of the rows of highest forecast: the share of all events among them, with the interval that takes the rows as chosen beforehand, and how many times more than by chance.";
  table.columns = {"depth", "gain", "low", "high", "lift"};
  double events = 0;
  for (const std::int32_t y : c.data.outcome) events += y;
  for (const double depth : c.params.depths) {
    const double gain = stats::gain_at(found.value(), depth);
    const stats::Interval i = stats::wilson(gain * events, events, c.params.level);
    table.rows.push_back({depth, gain, i.lo, i.hi, gain / depth});
    c.figure("gain_at_" + learn::short_number(depth), gain);
  }
  c.report.table(std::move(table));
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "Gain";
  figure.description = "Share of the events found among the rows of highest forecast, and by chance.";
  figure.x_title = "share of rows";
  figure.y_title = "share of events";
  for (const stats::GainPoint& point : stats::gain_curve(found.value(), 300)) add(figure, point.depth, point.gain, nan, nan, "forecast");
  for (const double x : {0.0, 1.0}) add(figure, x, x, nan, nan, "chance");
  figure.lo.clear();
  figure.hi.clear();
  c.report.figure(std::move(figure));
  return {};
}

Result<void> groups(Case& c) {
  const double t = c.params.threshold();
  for (const learn::ForecastGroups& column : c.data.groups) {
    TableBlock table;
    table.title = "By " + column.column + ", acting from " + learn::short_number(t) + " on";
    table.columns = {"group", "rows", "share of events", "acted on", "sensitivity", "specificity", "precision", "net benefit", "mean cost"};
    FigureBlock figure;
    figure.kind = FigureKind::intervals;
    figure.title = "Net benefit by " + column.column;
    figure.description = "Net benefit of acting from the threshold on in each group, with its interval; 0 is acting on none.";
    figure.x_title = column.column;
    figure.y_title = "net benefit";
    figure.has_reference = true;
    for (std::size_t g = 0; g < std::min(column.names.size(), most_groups); ++g) {
      PLIMSOLL_CHECK(c.context.stop.check());
      const learn::ForecastPart part = learn::part_of(c.data, column, static_cast<std::int32_t>(g));
      if (part.empty()) continue;
      const Consequences now = consequences(c.params, part.p.front(), part.y, part.weight, t);
      const auto words = [&](const stats::Influence& i) { return learn::with_interval(stats::estimate(i, part.dependence(), c.params.level)); };
      const std::vector<double> y(part.y.begin(), part.y.end());
      table.rows.push_back({column.names[g], static_cast<std::int64_t>(part.y.size()), words(stats::mean_influence(y, part.weight)), words(now.treated), words(now.sensitivity), words(now.specificity), words(now.precision), words(now.net_benefit), words(now.cost)});
      const stats::Estimate benefit = stats::estimate(now.net_benefit, part.dependence(), c.params.level);
      figure.label.push_back(column.names[g]);
      figure.y.push_back(benefit.value);
      figure.lo.push_back(benefit.interval.lo);
      figure.hi.push_back(benefit.interval.hi);
    }
    c.report.table(std::move(table));
    if (!figure.label.empty()) c.report.figure(std::move(figure));
  }
  return {};
}

}  // namespace plimsoll::score::decision

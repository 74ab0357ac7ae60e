// SPDX-License-Identifier: Apache-2.0
// Subgroups of one probability column: how they fare, each with intervals, and whether each is calibrated in the large.

#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/score/probability/parts.h"
#include "stats/calibration_checks.h"
#include "stats/intervals.h"
#include "stats/proper_score.h"
#include "stats/ranking.h"

namespace plimsoll::score::probability {
namespace {

constexpr std::size_t most_groups = 50;

using Part = learn::ForecastPart;
using learn::with_interval;

stats::Estimate of(const Part& part, const Case& c, double (*term)(double, std::int32_t)) {
  std::vector<double> terms(part.y.size());
  for (std::size_t i = 0; i < terms.size(); ++i) terms[i] = term(part.p.front()[i], part.y[i]);
  return stats::estimate(stats::mean_influence(terms, part.weight), part.dependence(), c.params.level);
}

stats::Estimate area_of(const Part& part, const Case& c) {
  const auto area = stats::auroc_influence(part.p.front(), part.y, part.weight);
  if (!area) return {nan, nan, {nan, nan}};
  stats::Estimate e = stats::estimate(area.value(), part.dependence(), c.params.level);
  e.interval = stats::logit_interval(e.value, e.standard_error, c.params.level);
  return e;
}

Result<void> one_column(Case& c, const learn::ForecastGroups& groups) {
  TableBlock table;
  table.title = "By " + groups.column;
  table.caption = "Observed less forecast: above 0 the forecasts are too low. Its p-value is Holm's over the groups.";
  table.columns = {"group", "rows", "share of events", "mean forecast", "observed less forecast", "Holm p", "Brier score", "AUROC"};
  FigureBlock figure;
  figure.kind = FigureKind::intervals;
  figure.title = "Observed less forecast, by " + groups.column;
  figure.description = "Share of events less mean forecast of each group, with its interval; 0 is calibrated in the large.";
  figure.x_title = groups.column;
  figure.y_title = "observed less forecast";
  figure.has_reference = true;
  std::vector<double> p_values;
  for (std::size_t g = 0; g < std::min(groups.names.size(), most_groups); ++g) {
    PLIMSOLL_CHECK(c.context.stop.check());
    const Part part = learn::part_of(c.data, groups, static_cast<std::int32_t>(g));
    if (part.empty()) continue;
    const stats::Estimate gap = of(part, c, [](double p, std::int32_t y) { return y - p; });
    const stats::Estimate events = of(part, c, [](double, std::int32_t y) { return static_cast<double>(y); });
    const stats::Estimate mean = of(part, c, [](double p, std::int32_t) { return p; });
    const stats::Estimate brier = of(part, c, [](double p, std::int32_t y) { return stats::row_loss(stats::ProperScore::brier, p, y); });
    p_values.push_back(stats::in_the_large(part.p.front(), part.y, part.weight).p_value);
    table.rows.push_back({groups.names[g], static_cast<std::int64_t>(part.y.size()), with_interval(events), mean.value, with_interval(gap), 0.0, with_interval(brier), with_interval(area_of(part, c))});
    figure.label.push_back(groups.names[g]);
    figure.y.push_back(gap.value);
    figure.lo.push_back(gap.interval.lo);
    figure.hi.push_back(gap.interval.hi);
  }
  const std::vector<double> adjusted = stats::holm_adjusted(p_values);
  for (std::size_t g = 0; g < adjusted.size(); ++g) {
    table.rows[g][5] = adjusted[g];
    if (adjusted[g] < 0.05) c.remarks.push_back("The forecasts are off in the large for " + groups.column + " = " + figure.label[g] + ".");
  }
  if (groups.names.size() > most_groups) c.remarks.push_back("Only the first " + std::to_string(most_groups) + " groups of " + groups.column + " are shown.");
  c.report.table(std::move(table));
  if (!figure.label.empty()) c.report.figure(std::move(figure));
  return {};
}

// Rows of other groups weigh nothing, so that clusters and comparisons stay as they are.
std::vector<double> weight_of(const Case& c, const learn::ForecastGroups& groups, std::int32_t code) {
  std::vector<double> weight(c.data.rows());
  for (std::size_t i = 0; i < weight.size(); ++i)
    if (groups.codes[i] == code) weight[i] = c.data.weight.empty() ? 1 : c.data.weight[i];
  return weight;
}

}  // namespace

Result<void> event_groups(Case& c) {
  for (const learn::ForecastGroups& groups : c.data.groups) PLIMSOLL_CHECK(one_column(c, groups));
  return {};
}

Result<void> class_groups(Case& c, std::span<const double> confidence, std::span<const std::int32_t> right) {
  const auto& columns = c.data.forecasters.front().columns;
  std::vector<double> hits(right.begin(), right.end()), gaps(right.size()), losses(right.size());
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    gaps[i] = hits[i] - confidence[i];
    losses[i] = 0.0 - std::log(columns[static_cast<std::size_t>(c.data.outcome[i])][i]);
  }
  for (const learn::ForecastGroups& groups : c.data.groups) {
    TableBlock table;
    table.title = "By " + groups.column;
    table.caption = "Of the most probable class. Accuracy less probability: above 0 the forecasts are not sure enough.";
    table.columns = {"group", "rows", "accuracy", "accuracy less probability", "log loss"};
    for (std::size_t g = 0; g < std::min(groups.names.size(), most_groups); ++g) {
      PLIMSOLL_CHECK(c.context.stop.check());
      const std::vector<double> weight = weight_of(c, groups, static_cast<std::int32_t>(g));
      const auto rows = std::count_if(weight.begin(), weight.end(), [](double w) { return w > 0; });
      if (rows == 0) continue;
      const auto words = [&](const std::vector<double>& terms) { return with_interval(stats::estimate(stats::mean_influence(terms, weight), c.dependence, c.params.level)); };
      table.rows.push_back({groups.names[g], static_cast<std::int64_t>(rows), words(hits), words(gaps), words(losses)});
    }
    c.report.table(std::move(table));
  }
  return {};
}

}  // namespace plimsoll::score::probability

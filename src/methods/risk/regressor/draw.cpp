// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <limits>

#include "methods/risk/regressor/regressor.h"

namespace plimsoll::risk::regressor {
namespace {

std::string digits(double x) {
  char text[64];
  std::snprintf(text, sizeof text, "%.4g", x);
  return text;
}
std::string percent(double share) {
  char text[64];
  std::snprintf(text, sizeof text, "%.1f %%", 100.0 * share);
  return text;
}
double share_of(const learn::Coverage& c) { return c.tested > 0 ? static_cast<double>(c.covered) / static_cast<double>(c.tested) : 0; }

void headline(Report& report, const Certificate& promise, const Diagnostics& d) {
  std::string words = promise.promise;
  if (d.rows > 0)
    words += "\n\nOn " + d.source + " (" + std::to_string(d.rows) + " rows) the prediction misses by " + digits(d.mae) + " on average and explains " + percent(d.r2) + " of the variance. The intervals held the outcome in " +
             percent(share_of(d.coverage[0])) + " of these rows and are " + digits(d.mean_width) + " wide on average.";
  report.text("In one paragraph", words);
  FindingsBlock block;
  block.title = "Warnings";
  for (const learn::Remark& remark : d.remarks) block.findings.push_back({static_cast<ReportSeverity>(remark.severity), remark.subject, remark.text, remark.mend});
  if (!block.findings.empty()) report.findings(std::move(block));
}

void quality(Report& report, const Model& model, const Diagnostics& d) {
  TableBlock table;
  table.title = "Prediction and intervals";
  table.columns = {"measure", "value", "remark"};
  const auto add = [&](std::string name, std::string value, std::string remark) { table.rows.push_back({std::move(name), std::move(value), std::move(remark)}); };
  add("mean absolute error", digits(d.mae), "of the prediction");
  add("root mean squared error", digits(d.rmse), "of the prediction");
  add("variance explained", percent(d.r2), "1 - squared error over that of the mean");
  add("mean width", digits(d.mean_width), "of finite intervals");
  add("median width", digits(d.median_width), "half of the intervals are narrower");
  add("interval score", digits(d.interval_score), "width plus 2 / alpha times what lies outside (Winkler); lower is better");
  add("outcomes under the interval", std::to_string(d.below), percent(static_cast<double>(d.below) / static_cast<double>(d.rows)) + "; half of alpha is " + percent(model.alpha / 2));
  add("outcomes over the interval", std::to_string(d.above), percent(static_cast<double>(d.above) / static_cast<double>(d.rows)));
  if (d.unbounded > 0) add("unbounded intervals", std::to_string(d.unbounded), "rows of cells with too few conformal rows");
  report.table(std::move(table));
}

void curve(Report& report, const Diagnostics& d) {
  FigureBlock figure;
  figure.kind = FigureKind::reliability;
  figure.title = "Coverage at every level";
  figure.description = "Share of outcomes inside the interval against the level asked for, from 5 % to 95 %; the band is the range of 999 in 1,000 fits if the promise holds.";
  figure.x_title = "level asked for";
  figure.y_title = "share covered";
  figure.x = d.level;
  figure.y = d.observed;
  figure.lo = d.level_low;
  figure.hi = d.level_high;
  if (std::all_of(figure.lo.begin(), figure.lo.end(), [](double x) { return x == 0; })) {
    figure.lo.clear();
    figure.hi.clear();
  }
  report.figure(std::move(figure));
}

void coverage(Report& report, const Model& model, const Diagnostics& d) {
  FigureBlock figure;
  figure.kind = FigureKind::intervals;
  figure.title = "Coverage of the intervals";
  figure.description = "Share of rows whose interval held the outcome. The bar is the range in which that share falls 999 times of 1,000 if the promise holds. Rows without a bar are promised nothing of their own. The line is the level promised.";
  figure.x_title = "rows";
  figure.y_title = "share covered";
  figure.reference = 1.0 - model.alpha;
  figure.has_reference = true;
  TableBlock table;
  table.title = "Coverage and width";
  table.caption = d.coverage_note;
  table.columns = {"rows", "tested", "covered", "share", "band", "mean width"};
  for (const learn::Coverage& c : d.coverage) {
    if (c.tested == 0) continue;
    const bool banded = c.band_low > 0 || c.band_high < 1;
    table.rows.push_back({c.name, c.tested, c.covered, percent(share_of(c)), banded ? percent(c.band_low) + " to " + percent(c.band_high) : std::string("none promised"), c.mean_size});
    if (figure.label.size() >= 60) continue;
    figure.label.push_back(c.name);
    figure.y.push_back(share_of(c));
    figure.lo.push_back(banded ? c.band_low : std::numeric_limits<double>::quiet_NaN());
    figure.hi.push_back(banded ? c.band_high : std::numeric_limits<double>::quiet_NaN());
  }
  report.figure(std::move(figure));
  if (table.rows.size() > 200) table.rows.resize(200);
  report.table(std::move(table));
}

void quantiles(Report& report, const Diagnostics& d) {
  if (d.quantiles.empty()) return;
  TableBlock table;
  table.title = "Calibration of the learned quantiles";
  table.caption = "Share of outcomes at or below each quantile as the trees learned it, before the conformal step, with its exact 95 % interval. It need not be right: the intervals are corrected for it.";
  table.columns = {"quantile", "rows", "at or below", "share", "interval", "pinball loss"};
  for (const QuantileRow& row : d.quantiles)
    table.rows.push_back({row.level, row.rows, row.below, percent(static_cast<double>(row.below) / static_cast<double>(row.rows)), percent(row.low) + " to " + percent(row.high), row.pinball});
  report.table(std::move(table));
}

FigureBlock outcome_by_prediction(const Diagnostics& d) {
  FigureBlock fitted;
  fitted.kind = FigureKind::lines;
  fitted.title = "Outcome by prediction";
  fitted.description = "Mean outcome of groups of rows of equal size against their mean prediction; the other line is where both are equal.";
  fitted.x_title = "mean prediction";
  fitted.y_title = "mean outcome";
  for (std::size_t i = 0; i < d.fitted.size(); ++i) {
    fitted.x.push_back(d.fitted[i]);
    fitted.y.push_back(d.actual[i]);
    fitted.series.push_back("outcome");
  }
  for (std::size_t i = 0; i < d.fitted.size(); ++i) {
    fitted.x.push_back(d.fitted[i]);
    fitted.y.push_back(d.fitted[i]);
    fitted.series.push_back("equal");
  }
  return fitted;
}

FigureBlock widths_of(const Diagnostics& d) {
  FigureBlock widths;
  widths.kind = FigureKind::histogram;
  widths.title = "Width of the intervals";
  widths.description = "Number of rows by the width of their interval.";
  widths.x_title = "width";
  widths.y_title = "rows";
  for (std::size_t i = 0; i < d.width_counts.size(); ++i) {
    widths.x0.push_back(d.width_edges[i]);
    widths.x1.push_back(d.width_edges[i + 1]);
    widths.y.push_back(d.width_counts[i]);
  }
  return widths;
}

void shapes(Report& report, const Model& model, const Diagnostics& d) {
  if (!d.fitted.empty()) report.figure(outcome_by_prediction(d));
  if (!d.width_counts.empty()) report.figure(widths_of(d));
  FigureBlock features;
  features.kind = FigureKind::bars;
  features.title = "Most important features";
  features.description = model.learner == Learner::trees ? "Share of the total gain of all splits of the mean's trees, by column. It says what the trees used, not what causes the outcome."
                                                         : "Share of the sum of absolute coefficients of standardised columns. It says what the regression used, not what causes the outcome.";
  features.x_title = "feature";
  features.y_title = "share";
  for (const learn::Importance& one : model.importance) {
    if (features.label.size() >= 20 || !(one.share > 0)) break;
    features.label.push_back(one.name);
    features.y.push_back(one.share);
  }
  if (!features.label.empty()) report.figure(std::move(features));
}

}  // namespace

Report draw(const Model& model, const Certificate& promise, const Diagnostics& d) {
  Report report;
  report.title = "Regression report: " + model.target;
  report.subtitle = d.source;
  std::int64_t worst = 0;
  for (const learn::Remark& remark : d.remarks) worst = std::max(worst, remark.severity);
  report.verdict = worst == 2 ? "red" : worst == 1 ? "yellow" : "green";
  report.facts = {{"method", "risk.regressor"}, {"learner", std::string(choices_of(model.learner)[static_cast<std::size_t>(model.learner)])}, {"interval", std::string(choices_of(model.interval)[static_cast<std::size_t>(model.interval)])},
                  {"mondrian", std::string(choices_of(model.mondrian)[static_cast<std::size_t>(model.mondrian)])}, {"rows learned from", std::to_string(model.learning_rows)}, {"rows for the spread", std::to_string(model.spread_rows)},
                  {"rows for intervals", std::to_string(model.conformal_rows)}};
  for (const auto& [library, version] : promise.versions) report.facts.emplace_back(library, version);
  report.figures = {{"rows", static_cast<double>(d.rows)}, {"rmse", d.rmse}, {"mae", d.mae}, {"r2", d.r2}, {"mean_width", d.mean_width}, {"median_width", d.median_width}, {"interval_score", d.interval_score}};
  headline(report, promise, d);
  if (d.rows > 0) {
    report.figures.emplace_back("coverage", share_of(d.coverage[0]));
    quality(report, model, d);
    coverage(report, model, d);
    curve(report, d);
    quantiles(report, d);
  }
  shapes(report, model, d);
  return report;
}

}  // namespace plimsoll::risk::regressor

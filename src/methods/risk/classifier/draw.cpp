// SPDX-License-Identifier: Apache-2.0
#include "methods/risk/classifier/draw.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace plimsoll::risk::classifier {
namespace {

std::string fixed(double x, int digits = 3) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, x);
  return text;
}
std::string percent(double share) { return fixed(100.0 * share, 1) + " %"; }
std::string with_interval(const Interval& i) { return i.defined ? fixed(i.value) + " (" + fixed(i.low) + " to " + fixed(i.high) + ")" : "undefined"; }

void headline(Report& report, const Model& model, const Certificate& promise, const Diagnostics& d) {
  std::string words = promise.promise;
  if (d.rows > 0) {
    words += "\n\nOn " + d.source + " (" + std::to_string(d.rows) + " rows, " + percent(static_cast<double>(d.events) / static_cast<double>(d.rows)) + " with " + d.event + ") the model ranks with AUROC " + with_interval(d.auroc) +
             ", and its probabilities have a Brier score of " + fixed(d.brier, 4) + ", of which " + fixed(d.miscalibration, 4) + " is miscalibration.";
    if (!d.coverage.empty())
      words += " The sets held the true class in " + percent(static_cast<double>(d.coverage[0].covered) / static_cast<double>(std::max<std::int64_t>(1, d.coverage[0].tested))) + " of " + std::to_string(d.coverage[0].tested) + " rows.";
  }
  report.text("In one paragraph", words);
  std::string rule = "A case is acted on when acting costs less than passing";
  if (model.rule.positive >= 0) rule += ", which is from a probability of " + fixed(model.rule.threshold, 4) + " on";
  const auto name = choices_of(model.rule.abstain)[static_cast<std::size_t>(model.rule.abstain)];
  report.text("Decisions", rule + ". Rule for leaving a case to a person: " + std::string(name) + ".");
}

void warnings(Report& report, const Diagnostics& d) {
  FindingsBlock block;
  block.title = "Warnings";
  for (const Remark& remark : d.remarks) block.findings.push_back({static_cast<ReportSeverity>(remark.severity), remark.subject, remark.text, remark.mend});
  if (!block.findings.empty()) report.findings(std::move(block));
}

void scores(Report& report, const Diagnostics& d) {
  TableBlock table;
  table.title = "Quality of the probabilities";
  table.caption = "Intervals at 95 %. The Brier score is miscalibration - discrimination + uncertainty (CORP). The calibration error of 15 bins stands beside the value that exact probabilities would show on as many rows.";
  table.columns = {"measure", "value", "remark"};
  const auto add = [&](std::string name, std::string value, std::string remark) { table.rows.push_back({std::move(name), std::move(value), std::move(remark)}); };
  add("AUROC", with_interval(d.auroc), "chance that an event ranks above another row; DeLong");
  add("AUPRC", with_interval(d.auprc), "average precision; " + fixed(d.rows > 0 ? static_cast<double>(d.events) / static_cast<double>(d.rows) : 0) + " without skill");
  add("Brier score", fixed(d.brier, 4), "mean squared error of the probability");
  add("  miscalibration", fixed(d.miscalibration, 4), "what recalibration could save");
  add("  discrimination", fixed(d.discrimination, 4), "what the ranking gains over one number for all");
  add("  uncertainty", fixed(d.uncertainty, 4), "of the outcome itself");
  if (d.classes.size() > 2) add("Brier score, all classes", fixed(d.brier_all_classes, 4), "summed over classes");
  add("log loss", fixed(d.log_loss, 4), "natural logarithm");
  add("accuracy", percent(d.accuracy), "of the most probable class");
  add("calibration error", fixed(d.ece, 4), "15 bins of equal mass; exact probabilities: " + fixed(d.ece_null, 4) + " on average, p-value " + fixed(d.ece_p_value, 3));
  add("mean probability", fixed(d.mean_probability, 4), "share of events: " + fixed(d.rows > 0 ? static_cast<double>(d.events) / static_cast<double>(d.rows) : 0, 4));
  add("width of the Venn-Abers pair", fixed(d.pair_width, 4), "mean of upper - lower");
  report.table(std::move(table));
}

void reliability(Report& report, const Diagnostics& d) {
  if (d.reliability.x.empty()) return;
  FigureBlock figure;
  figure.kind = FigureKind::reliability;
  figure.title = "Reliability";
  figure.description = "Observed share of events against the probability given, by pool-adjacent-violators (CORP), with the pointwise 95 % band in which exact probabilities would lie; the diagonal is perfect.";
  figure.x_title = "probability given";
  figure.y_title = "share observed";
  figure.x = d.reliability.x;
  figure.y = d.reliability.y;
  figure.lo = d.reliability.low;
  figure.hi = d.reliability.high;
  report.figure(std::move(figure));
}

void histogram(Report& report, const Diagnostics& d) {
  if (d.histogram_edges.size() < 2) return;
  FigureBlock figure;
  figure.kind = FigureKind::histogram;
  figure.title = "Probabilities given";
  figure.description = "Number of rows by probability, events and others apart.";
  figure.x_title = "probability given";
  figure.y_title = "rows";
  for (int side = 0; side < 2; ++side) {
    const auto& counts = side == 0 ? d.histogram_others : d.histogram_events;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      figure.x0.push_back(d.histogram_edges[i]);
      figure.x1.push_back(d.histogram_edges[i + 1]);
      figure.y.push_back(counts[i]);
      figure.series.push_back(side == 0 ? "others" : d.event);
    }
  }
  report.figure(std::move(figure));
}

void add_line(FigureBlock& figure, const Curve& curve, const std::string& name) {
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    figure.x.push_back(curve.x[i]);
    figure.y.push_back(curve.y[i]);
    figure.series.push_back(name);
  }
}

void roc(Report& report, const Diagnostics& d) {
  if (d.roc.x.empty()) return;
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "ROC curve";
  figure.description = "Share of events found against share of false alarms as the threshold falls. AUROC " + with_interval(d.auroc) + ".";
  figure.x_title = "share of others above the threshold";
  figure.y_title = "share of events above it";
  add_line(figure, d.roc, "model");
  add_line(figure, {{0, 1}, {0, 1}, {}, {}}, "chance");
  report.figure(std::move(figure));
}

void decision_curve(Report& report, const Model& model, const Diagnostics& d) {
  if (d.benefit.x.empty()) return;
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "Decision curve";
  figure.description = "Net benefit a row of acting above a threshold, against acting on all and on none. Where the model's line is highest it is worth using; your costs put the threshold at " + fixed(model.rule.threshold, 3) + ".";
  figure.x_title = "threshold";
  figure.y_title = "net benefit";
  add_line(figure, d.benefit, "model");
  add_line(figure, d.benefit_all, "act on all");
  add_line(figure, {{d.benefit.x.front(), d.benefit.x.back()}, {0, 0}, {}, {}}, "act on none");
  report.figure(std::move(figure));
}

void coverage(Report& report, const Diagnostics& d) {
  if (d.coverage.empty()) return;
  FigureBlock figure;
  figure.kind = FigureKind::intervals;
  figure.title = "Coverage of the sets";
  figure.description = "Share of rows whose set held the true class. The bar is the range in which that share falls 999 times of 1,000 if the promise holds (BetaBinomial). Rows without a bar are promised nothing of their own. The line is the level promised.";
  figure.x_title = "rows";
  figure.y_title = "share covered";
  figure.reference = 1.0 - d.alpha;
  figure.has_reference = true;
  TableBlock table;
  table.title = "Coverage and size of the sets";
  table.caption = d.coverage_note;
  table.columns = {"rows", "tested", "covered", "share", "band", "mean size"};
  for (const Coverage& c : d.coverage) {
    const double share = c.tested > 0 ? static_cast<double>(c.covered) / static_cast<double>(c.tested) : 0;
    figure.label.push_back(c.name);
    figure.y.push_back(share);
    const bool banded = c.band_low > 0 || c.band_high < 1;
    figure.lo.push_back(banded ? c.band_low : std::numeric_limits<double>::quiet_NaN());
    figure.hi.push_back(banded ? c.band_high : std::numeric_limits<double>::quiet_NaN());
    table.rows.push_back({c.name, c.tested, c.covered, percent(share), banded ? percent(c.band_low) + " to " + percent(c.band_high) : std::string("none promised"), c.mean_size});
  }
  if (figure.label.size() <= 60) report.figure(std::move(figure));
  if (table.rows.size() > 200) table.rows.resize(200);
  report.table(std::move(table));
  if (d.set_sizes.empty() || d.set_sizes.size() > 60) return;
  FigureBlock sizes;
  sizes.kind = FigureKind::bars;
  sizes.title = "Size of the sets";
  sizes.description = "Number of rows by how many classes their set holds.";
  sizes.x_title = "classes in the set";
  sizes.y_title = "rows";
  for (std::size_t i = 0; i < d.set_sizes.size(); ++i) {
    sizes.label.push_back(std::to_string(i));
    sizes.y.push_back(d.set_sizes[i]);
  }
  report.figure(std::move(sizes));
}

void classes(Report& report, const Diagnostics& d) {
  TableBlock table;
  table.title = "By class";
  table.caption = "Decisions taken on the rows of each class." + (d.priced > 0 ? " Mean cost of the " + std::to_string(d.priced) + " decisions that have a price: " + fixed(d.mean_cost, 4) + "." : std::string());
  table.columns = {"class", "rows", "mean probability", "AUROC against the rest", "act", "pass", "abstain"};
  for (const ClassRow& row : d.classes) table.rows.push_back({row.name, row.rows, row.mean_probability, with_interval(row.auroc), row.act, row.pass, row.abstain});
  if (table.rows.size() > 200) table.rows.resize(200);
  if (!table.rows.empty()) report.table(std::move(table));
}

void groups(Report& report, const Diagnostics& d) {
  if (d.groups.empty()) return;
  TableBlock table;
  table.title = "By group";
  table.caption = "Group against group on the same model. Intervals at 95 %; groups of fewer than 10 rows are left out of the figure.";
  table.columns = {"column", "group", "rows", "share of events", "mean probability", "AUROC", "Brier", "covered", "set size", "act", "abstain"};
  FigureBlock figure;
  figure.kind = FigureKind::intervals;
  figure.title = "Share of events by group";
  figure.description = "Observed share of events in each group with its 95 % interval.";
  figure.x_title = "group";
  figure.y_title = "share of events";
  for (const GroupRow& g : d.groups) {
    table.rows.push_back({g.column, g.name, g.rows, with_interval(g.event_rate), g.mean_probability, with_interval(g.auroc), g.brier,
                          g.covered_share < 0 ? std::string("not tested") : percent(g.covered_share), g.mean_size, percent(g.act_share), percent(g.abstain_share)});
    if (g.rows < 10 || figure.label.size() >= 60) continue;
    figure.label.push_back(g.column + " = " + g.name);
    figure.y.push_back(g.event_rate.value);
    figure.lo.push_back(g.event_rate.low);
    figure.hi.push_back(g.event_rate.high);
  }
  report.table(std::move(table));
  if (!figure.label.empty()) report.figure(std::move(figure));
}

void features(Report& report, const Model& model) {
  FigureBlock figure;
  figure.kind = FigureKind::bars;
  figure.title = "Most important features";
  figure.description = model.learner == Learner::trees ? "Share of the total gain of all splits, by column. It says what the trees used, not what causes the outcome."
                                                       : "Share of the sum of absolute coefficients of standardised columns. It says what the regression used, not what causes the outcome.";
  figure.x_title = "feature";
  figure.y_title = "share";
  for (const Importance& one : model.importance) {
    if (figure.label.size() >= 20 || !(one.share > 0)) break;
    figure.label.push_back(one.name);
    figure.y.push_back(one.share);
  }
  if (!figure.label.empty()) report.figure(std::move(figure));
}

}  // namespace

Report draw(const Model& model, const Certificate& promise, const Diagnostics& d) {
  Report report;
  report.title = "Risk report: " + model.target;
  report.subtitle = d.source;
  bool alarm = false;
  bool warning = false;
  for (const Remark& remark : d.remarks) {
    alarm = alarm || remark.severity == 2;
    warning = warning || remark.severity == 1;
  }
  report.verdict = alarm ? "red" : warning ? "yellow" : "green";
  const std::string learner(choices_of(model.learner)[static_cast<std::size_t>(model.learner)]);
  const learn::Calibration map = model.map();
  report.facts = {{"method", "risk.classifier"}, {"learner", learner}, {"calibrator", std::string(learn::choices_of(map)[static_cast<std::size_t>(map)])},
                  {"rows learned from", std::to_string(model.learning_rows)}, {"rows for probabilities", std::to_string(model.probability_rows)}, {"rows for sets", std::to_string(model.conformal_rows)}};
  if (model.binary()) report.facts.emplace_back("positive class", model.classes[static_cast<std::size_t>(model.positive)]);
  for (const auto& [library, version] : promise.versions) report.facts.emplace_back(library, version);
  report.figures = {{"rows", static_cast<double>(d.rows)}, {"auroc", d.auroc.value}, {"auroc_low", d.auroc.low}, {"auroc_high", d.auroc.high}, {"auprc", d.auprc.value}, {"brier", d.brier},
                    {"miscalibration", d.miscalibration}, {"discrimination", d.discrimination}, {"uncertainty", d.uncertainty}, {"log_loss", d.log_loss}, {"accuracy", d.accuracy}, {"ece", d.ece}};
  if (!d.coverage.empty() && d.coverage[0].tested > 0) {
    report.figures.emplace_back("coverage", static_cast<double>(d.coverage[0].covered) / static_cast<double>(d.coverage[0].tested));
    report.figures.emplace_back("mean_set_size", d.coverage[0].mean_size);
  }
  headline(report, model, promise, d);
  warnings(report, d);
  if (d.rows > 0) {
    scores(report, d);
    reliability(report, d);
    histogram(report, d);
    roc(report, d);
    coverage(report, d);
    decision_curve(report, model, d);
    classes(report, d);
    groups(report, d);
  }
  features(report, model);
  return report;
}

}  // namespace plimsoll::risk::classifier

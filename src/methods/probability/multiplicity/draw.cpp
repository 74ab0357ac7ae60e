// SPDX-License-Identifier: Apache-2.0
// The report of assess.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>

#include "methods/probability/multiplicity/audit.h"
#include "stats/intervals.h"

namespace plimsoll::probability::multiplicity {
namespace {

constexpr std::size_t most_points = 1000;
constexpr std::size_t most_groups = 200;
constexpr std::array<double, 7> band_edges = {0, 0.1, 0.3, 0.5, 0.7, 0.9, 1};

std::string percent(double share) { return short_text(std::round(share * 1e4) / 100) + " %"; }

std::string status_of(const Discrepancy& d) {
  if (d.no_solver) return "no solver";
  if (d.proven) return "optimal";
  return d.timed_out ? "ended by time: a bracket" : "a bracket";
}

void add_figures(const Audit& a, const AssessParams& params, Report& report) {
  report.figures = {{"loss", a.best_loss}, {"target", a.target}, {"rows", static_cast<double>(a.rows.size())},
                    {"patterns", static_cast<double>(a.patterns)}, {"width_mean", a.summary.mean}, {"width_median", a.summary.median},
                    {"width_max", a.summary.largest}, {"flips", a.summary.flips}};
  for (std::size_t k = 0; k < params.delta.size(); ++k) report.figures.emplace_back("ambiguity_" + short_text(params.delta[k]), a.summary.ambiguity[k]);
  for (const Discrepancy& d : a.discrepancy) {
    report.figures.emplace_back("discrepancy_lower_" + short_text(d.delta), d.lower);
    report.figures.emplace_back("discrepancy_upper_" + short_text(d.delta), d.upper);
  }
  if (a.exact) report.figures.emplace_back("range_gap_logits", a.proof.gap);
}

void add_words(const Audit& a, const AssessParams& params, Report& report) {
  std::string words = "Counted as good are all linear models whose penalised log loss is at most " + short_text(a.target) + "; the best one's is " +
                      short_text(a.best_loss) + ". Over these models the risk of a row moves by " + short_text(a.summary.mean) + " on average (half the rows by more than " +
                      short_text(a.summary.median) + ", the worst by " + short_text(a.summary.largest) + "), and for " + percent(a.summary.flips) +
                      " of the rows they fall on both sides of the threshold " + short_text(params.threshold) + ".";
  words += "\n\nThis is a statement about models that fit equally well, not about the truth: a narrow range does not mean that the risk is right.";
  report.text("What the models agree on", words, a.exact ? ReportSeverity::note : ReportSeverity::warning);
  if (!a.exact) return;
  report.text("How exact", "Each end of a range is attained by a model that was checked to be good. No good model goes farther by more than " + short_text(a.proof.gap) +
                               " logits (dual bound, the worst of " + std::to_string(a.proof.ends) + " ends); losses of these models miss the target by at most " + short_text(a.proof.slack) +
                               ", the smallest multiplier is " + short_text(a.proof.multiplier) + ", and " + std::to_string(a.proof.steps) + " Hessians were factored.");
}

void add_scalars(const Audit& a, const AssessParams& params, Report& report) {
  TableBlock table{"Ambiguity and discrepancy",
                   "Ambiguity: share of rows that some good model moves by delta or more. Discrepancy: largest share that one good model moves so; lower is attained by the witness below, "
                   "upper is proven. Where they differ the search was ended and the truth lies between.",
                   {"delta", "ambiguity", "discrepancy lower", "discrepancy upper", "gap", "status", "candidates", "rounds", "cuts", "conflicts", "nodes"},
                   {}};
  for (std::size_t k = 0; k < params.delta.size(); ++k) {
    std::vector<Cell> row = {params.delta[k], a.summary.ambiguity[k]};
    if (k < a.discrepancy.size()) {
      const Discrepancy& d = a.discrepancy[k];
      row.insert(row.end(), {d.lower, d.upper, d.upper - d.lower, status_of(d), d.candidates, d.rounds, d.cuts, d.conflicts, d.nodes});
    } else {
      row.insert(row.end(), {"", "", "", "not asked", "", "", "", "", ""});
    }
    table.rows.push_back(std::move(row));
  }
  report.table(std::move(table));
  if (a.grid.empty()) return;
  TableBlock grid{"Other tolerances", "The same numbers for other eps.", {"eps", "mean width", "median width", "largest width", "flips"}, {}};
  for (const double delta : params.delta) grid.columns.push_back("ambiguity " + short_text(delta));
  for (const Summary& s : a.grid) {
    std::vector<Cell> row = {s.eps, s.mean, s.median, s.largest, s.flips};
    row.insert(row.end(), s.ambiguity.begin(), s.ambiguity.end());
    grid.rows.push_back(std::move(row));
  }
  report.table(std::move(grid));
}

std::size_t band_of(double p) {
  std::size_t band = 0;
  while (band + 2 < band_edges.size() && p >= band_edges[band + 1]) ++band;
  return band;
}

// Averages hide the people in doubt: in data where most risks are near 0 or 1 the mean width is small whatever happens between.
void add_bands(const Audit& a, Report& report) {
  constexpr std::size_t bands = band_edges.size() - 1;
  std::array<double, bands> mass{};
  std::array<double, bands> width{};
  std::array<std::int64_t, bands> rows{};
  for (std::size_t i = 0; i < a.rows.size(); ++i) {
    const std::size_t b = band_of(a.rows.p[i]);
    ++rows[b];
    mass[b] += a.rows.weight[i];
    width[b] += a.rows.weight[i] * (a.rows.high[i] - a.rows.low[i]);
  }
  TableBlock table{"Width by risk", "Mean width of the range, by the best model's risk: an average over all rows hides the people in doubt.", {"risk", "rows", "mean width"}, {}};
  for (std::size_t b = 0; b < bands; ++b) {
    const std::string name = short_text(band_edges[b]) + " to " + short_text(band_edges[b + 1]);
    table.rows.push_back({name, rows[b], mass[b] > 0 ? Cell(width[b] / mass[b]) : Cell("")});
  }
  report.table(std::move(table));
}

void add_pictures(const Audit& a, Report& report) {
  FigureBlock histogram;
  histogram.kind = FigureKind::histogram;
  histogram.title = "How wide the ranges are";
  histogram.description = "Histogram of the width of the range over the rows.";
  histogram.x_title = "width of the range";
  histogram.y_title = "weight of rows";
  constexpr std::size_t bins = 20;
  for (std::size_t b = 0; b < bins; ++b) {
    histogram.x0.push_back(static_cast<double>(b) / bins);
    histogram.x1.push_back(static_cast<double>(b + 1) / bins);
    histogram.y.push_back(0);
  }
  for (std::size_t i = 0; i < a.rows.size(); ++i) {
    const double width = a.rows.high[i] - a.rows.low[i];
    histogram.y[std::min(bins - 1, static_cast<std::size_t>(width * bins))] += a.rows.weight[i];
  }
  report.figure(std::move(histogram));
  std::vector<std::size_t> order(a.rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return a.rows.p[x] < a.rows.p[y]; });
  FigureBlock band;
  band.kind = FigureKind::lines;
  band.title = "The range of each row";
  band.description = "The best model's risk of the rows in ascending order, and the range of good models around it.";
  band.x_title = "share of rows";
  band.y_title = "risk";
  const std::size_t points = std::min(most_points, order.size());
  for (std::size_t k = 0; k < points; ++k) {
    const std::size_t at = points == 1 ? 0 : k * (order.size() - 1) / (points - 1);
    const std::size_t i = order[at];
    band.x.push_back((static_cast<double>(at) + 0.5) / static_cast<double>(order.size()));
    band.y.push_back(a.rows.p[i]);
    band.lo.push_back(a.rows.low[i]);
    band.hi.push_back(a.rows.high[i]);
    band.series.emplace_back("best model");
  }
  report.figure(std::move(band));
}

void add_models(const Audit& a, Report& report) {
  if (!a.coefficients.empty()) {
    TableBlock table{"Coefficients", "Each coefficient of the best model and its range over the good ones: where the range holds 0, good models disagree on the direction.",
                     {"column", "best", "low", "high", "sign"}, {}};
    for (const CoefficientRange& c : a.coefficients) {
      if (table.rows.size() == report_limits::rows) break;
      table.rows.push_back({c.name, c.best, c.low, c.high, c.low > 0 ? "+" : c.high < 0 ? "-" : "either"});
    }
    report.table(std::move(table));
  }
  if (a.discrepancy.empty()) return;
  TableBlock table{"Witnesses", "Coefficients of the good model that moves most rows by delta or more.", {"column"}, {}};
  for (const Discrepancy& d : a.discrepancy) table.columns.push_back("delta " + short_text(d.delta));
  for (std::size_t j = 0; j <= a.names.size() && j < report_limits::rows; ++j) {
    std::vector<Cell> row = {j < a.names.size() ? a.names[j] : "(intercept)"};
    for (const Discrepancy& d : a.discrepancy) row.emplace_back(d.witness[j]);
    table.rows.push_back(std::move(row));
  }
  report.table(std::move(table));
}

void add_elsewhere(const Audit& a, const AssessParams& params, Report& report) {
  if (!a.elsewhere.known) return;
  const auto& e = a.elsewhere;
  report.figures.emplace_back("witnesses_within_eps", e.witnesses > 0 ? static_cast<double>(e.within) / static_cast<double>(e.witnesses) : 0);
  report.text("On the evaluation rows", "Good is defined on the learning rows. On the evaluation rows the best model's mean log loss is " + short_text(e.best_loss) + ", and " +
                                            std::to_string(e.within) + " of " + std::to_string(e.witnesses) + " models that attain a range stay within eps = " + short_text(params.eps) + " of it.");
}

}  // namespace

std::string short_text(double value) {
  std::array<char, 40> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::general, 4);
  return {buffer.data(), end.ptr};
}

Report draw(const Audit& a, const AssessParams& params, const Table& judged) {
  Report report;
  report.title = "Predictive multiplicity";
  report.subtitle = "How differently models that are as good as the best one judge the same rows";
  report.facts = {{"learning rows", std::to_string(a.learning_rows)}, {"rows judged", std::to_string(judged.rows())},
                  {"columns of the model", std::to_string(a.names.size())}, {"tolerance", short_text(params.eps) + (params.slack == Slack::relative ? " of the best loss" : " above the best loss")},
                  {"ranges", a.exact ? "exact" : "ellipsoid (approximate)"}};
  add_figures(a, params, report);
  add_words(a, params, report);
  add_scalars(a, params, report);
  add_bands(a, report);
  add_pictures(a, report);
  add_models(a, report);
  add_elsewhere(a, params, report);
  FindingsBlock notes{"Columns left out", {}};
  for (const std::string& what : a.left_out) {
    if (notes.findings.size() < report_limits::findings) notes.findings.push_back({ReportSeverity::note, what, "", ""});
  }
  if (!notes.findings.empty()) report.findings(std::move(notes));
  return report;
}

Result<void> draw_groups(const Audit& a, const AssessParams& params, const Table& judged, Report& report) {
  PLIMSOLL_TRY(const std::vector<std::string> columns, judged.role_columns("group"));
  for (const std::string& column : columns) {
    PLIMSOLL_TRY(const Categories groups, judged.categories(column));
    TableBlock table{"By " + column, "Each row counts once. Intervals at level " + short_text(params.level) + ": Student's for the mean width, exact for shares.",
                     {"group", "rows", "mean width", "low", "high", "flips", "low", "high"}, {}};
    for (const double delta : params.delta) {
      for (const char* part : {"ambiguity ", "low ", "high "}) table.columns.push_back(part + short_text(delta));
    }
    std::vector<std::size_t> order(groups.names.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return groups.names[x] < groups.names[y]; });
    if (order.size() > most_groups) order.resize(most_groups);
    for (const std::size_t g : order) {
      std::vector<double> widths;
      std::int64_t flips = 0;
      std::vector<std::int64_t> moved(params.delta.size(), 0);
      for (std::size_t i = 0; i < a.rows.size(); ++i) {
        if (groups.codes[i] != static_cast<std::int32_t>(g)) continue;
        widths.push_back(a.rows.high[i] - a.rows.low[i]);
        flips += a.rows.low[i] < params.threshold && params.threshold <= a.rows.high[i] ? 1 : 0;
        const double most = std::max(a.rows.high[i] - a.rows.p[i], a.rows.p[i] - a.rows.low[i]);
        for (std::size_t k = 0; k < moved.size(); ++k) moved[k] += most >= params.delta[k] ? 1 : 0;
      }
      const auto n = static_cast<std::int64_t>(widths.size());
      if (n == 0) continue;
      const stats::Estimate mean = stats::mean_estimate(widths, params.level);
      std::vector<Cell> row = {groups.names[g], n, mean.value, mean.interval.lo, mean.interval.hi};
      const auto share = [&](std::int64_t hits) {
        const stats::Interval band = stats::clopper_pearson(hits, n, params.level);
        row.insert(row.end(), {static_cast<double>(hits) / static_cast<double>(n), band.lo, band.hi});
      };
      share(flips);
      for (const std::int64_t hits : moved) share(hits);
      table.rows.push_back(std::move(row));
    }
    report.table(std::move(table));
  }
  return {};
}

}  // namespace plimsoll::probability::multiplicity

// SPDX-License-Identifier: Apache-2.0
// Scores: Brier 1950, log loss; decomposition and band: Dimitriadis, Gneiting and Jordan 2021; calibration error with its null law
// (a perfectly calibrated forecaster does not show 0); Cox 1958. Differences are means of per-row losses; with clusters the
// variance is that of the clusters' sums.
#include "learn/calibration_audit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/exact_sum.h"
#include "base/exact_sum.h"
#include "engine/fields.h"
#include "learn/cox.h"
#include "stats/corp.h"
#include "stats/distributions.h"
#include "stats/ece.h"
#include "stats/roc.h"
#include "stats/score_pools.h"
#include "stats/scores.h"
#include "table/fingerprint.h"

namespace plimsoll::learn {
namespace {

constexpr std::size_t rows_a_bin = 10;
const double none = std::numeric_limits<double>::quiet_NaN();

std::string key_of(std::string name) {
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

std::vector<Cell> line(std::initializer_list<Cell> cells, const AuditOptions& options) {
  std::vector<Cell> out(cells);
  if (!options.remark.empty()) out.push_back(options.remark);
  return out;
}

std::vector<std::string> heads(std::initializer_list<const char*> names, const AuditOptions& options) {
  std::vector<std::string> out(names.begin(), names.end());
  if (!options.remark.empty()) out.push_back("warning");
  return out;
}

// Mean of weighted differences with the variance of the clusters' sums.
stats::Estimate mean_difference(const AuditRows& rows, std::span<const double> difference, double level) {
  ExactSum total, mass;
  std::map<std::string, std::pair<ExactSum, ExactSum>> clusters;
  for (std::size_t i = 0; i < difference.size(); ++i) {
    const double w = rows.weight.empty() ? 1 : rows.weight[i];
    total.add(w * difference[i]);
    mass.add(w);
    if (rows.cluster.empty()) continue;
    auto& [sum, size] = clusters[rows.cluster[i]];
    sum.add(w * difference[i]);
    size.add(w);
  }
  const double mean = total.value() / mass.value();
  ExactSum square;
  std::size_t units = difference.size();
  if (rows.cluster.empty()) {
    for (std::size_t i = 0; i < difference.size(); ++i) {
      const double gap = (rows.weight.empty() ? 1 : rows.weight[i]) * (difference[i] - mean);
      square.add(gap * gap);
    }
  } else {
    units = clusters.size();
    for (const auto& [name, sums] : clusters) {
      const double gap = sums.first.value() - mean * sums.second.value();
      square.add(gap * gap);
    }
  }
  if (units < 2) return {mean, none, {-HUGE_VAL, HUGE_VAL}};
  const auto m = static_cast<double>(units);
  const double error = std::sqrt(square.value() * m / (m - 1)) / mass.value();
  const double t = stats::student_t_upper_quantile((1 - level) / 2, m - 1);
  return {mean, error, {mean - t * error, mean + t * error}};
}

struct Side {
  stats::Corp corp;
  stats::LogLoss log;
  double mcb_p = none;
  stats::EceTest ece;
  bool has_ece = false;
  stats::ConsistencyBand band;
};

Result<Side> measure(Context& context, const AuditRows& rows, const std::vector<double>& p, const AuditOptions& options, std::uint64_t which) {
  Side side;
  PLIMSOLL_TRY(side.corp, stats::corp(p, rows.outcome, rows.weight));
  side.log = stats::log_loss(p, rows.outcome, rows.weight, options.eps);
  const auto resampling = [&](const char* name) { return stats::Resampling{context.runtime, context.stop, context.rng.child(name).child(which), options.replicates}; };
  PLIMSOLL_TRY(side.band, stats::consistency_band(p, options.level, 200, resampling("band")));
  if (!rows.weight.empty()) return side;
  side.mcb_p = stats::resampling_p_value(side.band.null_miscalibration, side.corp.brier.miscalibration);
  PLIMSOLL_TRY(side.ece, stats::ece_with_null(p, rows.outcome, options.bins, options.equal_width ? stats::Binning::equal_width : stats::Binning::equal_mass, resampling("ece")));
  side.has_ece = true;
  return side;
}

void score_table(const AuditRows& rows, const std::vector<Side>& sides, const AuditOptions& options, Report& report) {
  TableBlock table;
  table.title = "Scores";
  table.caption = "Lower is better. Brier score = miscalibration - discrimination + uncertainty (CORP); p-values are of miscalibration and calibration error as large as these from probabilities that are right. The calibration error (" + std::to_string(options.bins) + " bins of equal " + (options.equal_width ? "width" : "mass") + ") stands beside the mean that right probabilities show on as many rows.";
  table.columns = heads({"probabilities", "Brier", "miscalibration", "p", "discrimination", "uncertainty", "log loss", "clipped log loss", "clipped rows", "calibration error", "if right", "p (error)"}, options);
  for (std::size_t k = 0; k < sides.size(); ++k) {
    const Side& side = sides[k];
    const stats::Decomposition& b = side.corp.brier;
    const double e = side.has_ece ? side.ece.observed.ece : none;
    table.rows.push_back(line({rows.sides[k].name, b.score, b.miscalibration, side.mcb_p, b.discrimination, b.uncertainty, side.log.value, side.log.clipped_value, side.log.clipped, e, side.has_ece ? side.ece.null_mean : none, side.has_ece ? side.ece.p_value : none}, options));
    const std::string name = key_of(rows.sides[k].name) + "_";
    report.figures.emplace_back(name + "brier", b.score);
    report.figures.emplace_back(name + "mcb", b.miscalibration);
    report.figures.emplace_back(name + "dsc", b.discrimination);
    report.figures.emplace_back(name + "unc", b.uncertainty);
    report.figures.emplace_back(name + "log_loss", side.log.clipped_value);
    if (!side.has_ece) continue;
    report.figures.emplace_back(name + "mcb_p", side.mcb_p);
    report.figures.emplace_back(name + "ece", side.ece.observed.ece);
    report.figures.emplace_back(name + "ece_null", side.ece.null_mean);
    report.figures.emplace_back(name + "ece_p", side.ece.p_value);
  }
  report.table(std::move(table));
}

// What needs both outcomes: Cox's line and the area under the ROC curve.
Result<void> test_table(const AuditRows& rows, const AuditOptions& options, Report& report) {
  TableBlock table;
  table.title = "Slope, intercept and ranking";
  table.caption = "Cox: logit of the rate = intercept + slope x logit of the probability; right probabilities have 0 and 1, a slope below 1 says too extreme. In the large: log-odds that the probabilities lack on the whole. AUROC by midranks, interval after DeLong.";
  table.columns = heads({"probabilities", "slope", "low", "high", "intercept", "low (intercept)", "high (intercept)", "p (likelihood ratio)", "in the large", "AUROC", "low (AUROC)", "high (AUROC)"}, options);
  for (const AuditedSide& side : rows.sides) {
    stats::ScorePools pools;
    PLIMSOLL_CHECK(pools.add(side.probability, rows.outcome, rows.weight));
    PLIMSOLL_TRY(const CoxCalibration cox, cox_calibration(pools.pools(), options.level));
    PLIMSOLL_TRY(const stats::Auroc area, stats::auroc(side.probability, rows.outcome, options.level));
    table.rows.push_back(line({side.name, cox.slope.value, cox.slope.interval.lo, cox.slope.interval.hi, cox.intercept.value, cox.intercept.interval.lo, cox.intercept.interval.hi, cox.p_value, cox.in_the_large.value, area.estimate.value, area.estimate.interval.lo, area.estimate.interval.hi}, options));
    const std::string name = key_of(side.name) + "_";
    report.figures.emplace_back(name + "cox_slope", cox.slope.value);
    report.figures.emplace_back(name + "cox_intercept", cox.intercept.value);
    report.figures.emplace_back(name + "auroc", area.estimate.value);
  }
  report.table(std::move(table));
  return {};
}

void difference_table(const AuditRows& rows, const AuditOptions& options, Report& report) {
  if (rows.sides.size() != 2) return;
  const auto& first = rows.sides[0].probability;
  const auto& second = rows.sides[1].probability;
  std::vector<double> brier(first.size()), log(first.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    const double y = rows.outcome[i];
    brier[i] = (first[i] - y) * (first[i] - y) - (second[i] - y) * (second[i] - y);
    const auto loss = [&](double p) { return -std::log(std::clamp(rows.outcome[i] == 1 ? p : 1 - p, options.eps, 1 - options.eps)); };
    log[i] = loss(first[i]) - loss(second[i]);
  }
  TableBlock table;
  table.title = "What calibration gains";
  table.caption = "Mean difference of the rows' losses, " + rows.sides[0].name + " less " + rows.sides[1].name + ": above 0 calibration helps. Student's interval" + (rows.cluster.empty() ? "." : " over clusters.");
  table.columns = heads({"loss", "gain", "low", "high", "standard error"}, options);
  for (const auto& [name, values] : {std::pair<std::string, const std::vector<double>*>{"brier", &brier}, {"log_loss", &log}}) {
    const stats::Estimate gain = mean_difference(rows, *values, options.level);
    table.rows.push_back(line({name == "brier" ? std::string("Brier") : std::string("log loss, clipped"), gain.value, gain.interval.lo, gain.interval.hi, gain.standard_error}, options));
    report.figures.emplace_back(name + "_gain", gain.value);
    report.figures.emplace_back(name + "_gain_low", gain.interval.lo);
    report.figures.emplace_back(name + "_gain_high", gain.interval.hi);
  }
  report.table(std::move(table));
}

void reliability_figure(const AuditedSide& side, const Side& measured, Report& report) {
  FigureBlock figure;
  figure.kind = FigureKind::reliability;
  figure.title = "Reliability, " + side.name;
  figure.description = "Observed rate against the probability, by pool adjacent violators (CORP), with the pointwise band in which right probabilities would lie; the diagonal is perfect.";
  figure.x_title = "probability";
  figure.y_title = "observed rate";
  figure.x = measured.band.forecast;
  figure.lo = measured.band.lo;
  figure.hi = measured.band.hi;
  std::size_t bin = 0;
  for (const double x : figure.x) {
    while (bin + 1 < measured.corp.bins.size() && measured.corp.bins[bin].to < x) ++bin;
    figure.y.push_back(measured.corp.bins[bin].recalibrated);
  }
  report.figure(std::move(figure));
}

void group_table(const AuditRows& rows, const AuditOptions& options, Report& report) {
  if (rows.group.empty()) return;
  struct Sum {
    double mass = 0, events = 0, squares = 0;
    std::int64_t rows = 0;
    std::vector<double> expected, brier;
  };
  std::map<std::string, Sum> groups;
  for (std::size_t i = 0; i < rows.outcome.size(); ++i) {
    Sum& sum = groups[rows.group[i]];
    const double w = rows.weight.empty() ? 1 : rows.weight[i];
    const double y = rows.outcome[i];
    sum.expected.resize(rows.sides.size());
    sum.brier.resize(rows.sides.size());
    ++sum.rows;
    sum.mass += w;
    sum.squares += w * w;
    sum.events += w * y;
    for (std::size_t k = 0; k < rows.sides.size(); ++k) {
      const double p = rows.sides[k].probability[i];
      sum.expected[k] += w * p;
      sum.brier[k] += w * (p - y) * (p - y);
    }
  }
  TableBlock table;
  table.title = "By group";
  table.caption = "Rate of the event against the mean probability; the band is where the rate of that many independent rows lies at the level asked for, if its mean is the mean probability (normal approximation).";
  table.columns = heads({"group", "probabilities", "rows", "rate", "mean probability", "low", "high", "Brier"}, options);
  const double z = stats::normal_upper_quantile((1 - options.level) / 2);
  for (const auto& [name, sum] : groups) {
    if (table.rows.size() + rows.sides.size() > report_limits::rows) break;
    std::string shown = name;
    std::replace(shown.begin(), shown.end(), '\x1f', '/');
    for (std::size_t k = 0; k < rows.sides.size(); ++k) {
      const double p = sum.expected[k] / sum.mass;
      const double error = z * std::sqrt(std::max(0.0, p * (1 - p)) * sum.squares) / sum.mass;
      table.rows.push_back(line({shown, rows.sides[k].name, sum.rows, sum.events / sum.mass, p, std::max(0.0, p - error), std::min(1.0, p + error), sum.brier[k] / sum.mass}, options));
    }
  }
  report.table(std::move(table));
}

}  // namespace

Result<void> add_audit(Context& context, const AuditRows& rows, const AuditOptions& asked, Report& report) {
  if (rows.outcome.empty()) return Error(ErrorCode::too_few_rows, "there is no row to assess", "Give rows with scores and outcomes.");
  double mass = 0;
  for (const double w : rows.weight) mass += w;
  if (!rows.weight.empty() && !(mass > 0)) return Error(ErrorCode::bad_value, "all weights are zero", "Give some row a weight above 0, or unbind the column.");
  AuditOptions options = asked;
  options.bins = static_cast<int>(std::clamp<std::size_t>(rows.outcome.size() / rows_a_bin, 1, static_cast<std::size_t>(asked.bins)));
  if (options.bins < asked.bins)
    report.text("Fewer bins", "With " + std::to_string(rows.outcome.size()) + " rows the calibration error has " + std::to_string(options.bins) + " bins instead of " + std::to_string(asked.bins) + ": ten rows a bin.", ReportSeverity::warning);
  std::vector<Side> sides;
  for (std::size_t k = 0; k < rows.sides.size(); ++k) {
    PLIMSOLL_TRY(Side side, measure(context, rows, rows.sides[k].probability, options, k));
    sides.push_back(std::move(side));
  }
  score_table(rows, sides, options, report);
  difference_table(rows, options, report);
  const auto events = std::count(rows.outcome.begin(), rows.outcome.end(), 1);
  const bool both = events > 0 && events < static_cast<std::int64_t>(rows.outcome.size());
  bool weighted_both = both && rows.weight.empty();
  if (both && !rows.weight.empty()) {
    double ones = 0;
    for (std::size_t i = 0; i < rows.outcome.size(); ++i) ones += rows.outcome[i] == 1 ? rows.weight[i] : 0;
    weighted_both = ones > 0 && ones < mass;
  }
  if (weighted_both) PLIMSOLL_CHECK(test_table(rows, options, report));
  else report.text("One outcome only", "All outcomes are alike: slope, intercept and ranking are not defined.", ReportSeverity::warning);
  group_table(rows, options, report);
  for (std::size_t k = 0; k < sides.size(); ++k) reliability_figure(rows.sides[k], sides[k], report);
  return {};
}

void describe(Fields& f, AuditParams& p) {
  f({"level", "of intervals and bands", between(0, 1)}, p.level);
  f({"bins", "of the calibration error", within(1, 10000)}, p.bins);
  f({"equal_width", "bins of equal width instead of equal mass"}, p.equal_width);
  f({"bootstrap", "draws behind each null law and band", within(20, 100000)}, p.bootstrap);
  f({"eps", "probabilities are clipped to [eps, 1 - eps] for the clipped log loss", between(0, 0.5)}, p.eps);
}

Result<std::string> double_use(Context& context, const std::string& fingerprint, const Table& data, Report& report) {
  if (fingerprint.empty()) return std::string();
  PLIMSOLL_TRY(const RowFingerprint fitted, RowFingerprint::from_bytes(fingerprint));
  RowFingerprint now;
  PLIMSOLL_CHECK(now.add(data));
  const Overlap overlap = compare(fitted, now);
  if (!overlap.refused) return std::string();
  context.warn("The map is assessed on rows that it was learned from: " + overlap.sentence);
  report.text("Not an honest test", "The map is assessed on rows that it was learned from; its figures flatter it.", ReportSeverity::alarm);
  return std::string("these rows were calibrated on");
}

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
// Calibration of one probability column: the gaps beside their null law, tests, the reliability diagram with its band, cells.
// Cox, "Two further applications of a model for binary regression", Biometrika 45 (1958): logit P(y) = a + b logit p, (0, 1) if
// calibrated; Wald intervals and the likelihood ratio test of both (weights count as so many rows).

#include <algorithm>
#include <cmath>
#include <limits>

#include "learn/logistic.h"
#include "methods/score/probability/parts.h"
#include "stats/calibration_checks.h"
#include "stats/calibration_error.h"
#include "stats/corp.h"
#include "stats/distributions.h"
#include "stats/intervals.h"
#include "stats/resampled_band.h"

namespace plimsoll::score::probability {
namespace {

constexpr std::size_t curve_points = 200;

std::string figure_name(stats::CalibrationGap gap) {
  static constexpr std::array<const char*, stats::calibration_gap_count> names = {
      "ece", "ece_width", "rms_gap", "ace", "mce", "mce_width", "debiased", "ks_calibration", "smooth_ece", "mmce"};
  return names[static_cast<std::size_t>(gap)];
}

Result<stats::CalibrationErrors> gap_table(Case& c) {
  const auto p = c.data.probability(0, 1);
  const auto bins = static_cast<int>(c.params.bins);
  PLIMSOLL_TRY(stats::CalibrationErrors errors, stats::calibration_errors(p, c.data.outcome, c.weight(), bins));
  stats::CalibrationNull null;
  if (c.params.null_draws > 0) {
    PLIMSOLL_TRY(null, stats::calibration_null(p, c.data.outcome, c.weight(), bins, errors, c.resampling("gaps", c.params.null_draws)));
  } else {
    null.mean.fill(nan);
    null.upper.fill(nan);
    null.p_value.fill(nan);
  }
  TableBlock table;
  table.title = "Calibration errors";
  table.caption = std::to_string(errors.bins) + " bins. Beside each: what exact forecasts would show on these rows (mean and 95 % quantile of redrawn outcomes), and the chance of as much or more.";
  table.columns = {"error", "value", "exact forecasts", "95 % of exact", "p-value"};
  for (std::size_t g = 0; g < stats::calibration_gap_count; ++g) {
    const auto gap = static_cast<stats::CalibrationGap>(g);
    table.rows.push_back({std::string(name_of(gap)), errors.gaps[g], number_or_words(null.mean[g]), number_or_words(null.upper[g]), number_or_words(null.p_value[g])});
    c.figure(figure_name(gap), errors.gaps[g]);
    c.figure(figure_name(gap) + "_null", null.mean[g]);
    c.figure(figure_name(gap) + "_p", null.p_value[g]);
  }
  c.report.table(std::move(table));
  TableBlock murphy;
  murphy.title = "Murphy's decomposition";
  murphy.caption = "On the cells of equal mass: Brier score = reliability - resolution + uncertainty + spread within - covariance within.";
  murphy.columns = {"reliability", "resolution", "uncertainty", "spread within", "covariance within"};
  const stats::MurphyTerms& m = errors.murphy;
  murphy.rows = {{m.reliability, m.resolution, m.uncertainty, m.spread_within, m.covariance_within}};
  c.report.table(std::move(murphy));
  return errors;
}

void cell_table(Case& c, const stats::CalibrationErrors& errors) {
  TableBlock table;
  table.title = "Reliability by cells of equal mass";
  table.caption = "Wilson's interval of the share of events.";
  table.columns = {"from", "to", "rows", "mean forecast", "share of events", "low", "high"};
  for (const stats::CalibrationCell& cell : errors.mass) {
    const stats::Interval i = stats::wilson(cell.observed * cell.rows, cell.rows, c.params.level);
    table.rows.push_back({cell.from, cell.to, static_cast<std::int64_t>(cell.rows), cell.forecast, cell.observed, i.lo, i.hi});
  }
  c.report.table(std::move(table));
}

struct Tests {
  TableBlock table;
  void add(std::string name, double statistic, double p, std::string remark) {
    table.rows.push_back({std::move(name), number_or_words(statistic), number_or_words(p), std::move(remark)});
  }
};

std::string words(double x) { return learn::short_number(x); }

// Slope and intercept; forecasts of 0 and 1 have no log-odds and are left out.
void cox(Case& c, Tests& tests) {
  const auto p = c.data.probability(0, 1);
  std::vector<double> odds, y, weight;
  double base_loss = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (!(p[i] > 0 && p[i] < 1)) continue;
    const double z = std::log(p[i] / (1 - p[i])), w = c.data.weight.empty() ? 1 : c.data.weight[i];
    odds.push_back(z);
    y.push_back(c.data.outcome[i]);
    weight.push_back(w);
    base_loss += w * (learn::log1p_exp(z) - y.back() * z);
  }
  const bool varies = !odds.empty() && *std::min_element(odds.begin(), odds.end()) < *std::max_element(odds.begin(), odds.end());
  const bool both = !y.empty() && *std::min_element(y.begin(), y.end()) < *std::max_element(y.begin(), y.end());
  learn::SmallLogistic fit;
  if (varies && both) {
    const std::vector<std::span<const double>> features = {odds};
    fit = learn::fit_small_logistic(features, y, weight, {});
  }
  const double z = stats::normal_upper_quantile((1 - c.params.level) / 2);
  const double slope_error = std::sqrt(fit.covariance[0]), intercept_error = std::sqrt(fit.covariance[8]);
  const bool good = fit.converged && std::isfinite(slope_error) && std::isfinite(intercept_error);
  const auto around = [&](double value, double error) { return good ? stats::Estimate{value, error, {value - z * error, value + z * error}} : stats::Estimate{nan, nan, {nan, nan}}; };
  const stats::Estimate slope = around(fit.beta[0], slope_error), intercept = around(fit.beta[2], intercept_error);
  const double ratio = good ? std::max(0.0, 2 * (base_loss - fit.loss)) : nan;
  const double p_value = good ? stats::chi_square_sf(ratio, 2) : nan;
  tests.add("Cox, slope 1 and intercept 0", ratio, p_value,
            good ? "slope " + words(slope.value) + " (" + words(slope.interval.lo) + " to " + words(slope.interval.hi) + "), intercept " + words(intercept.value) + " (" + words(intercept.interval.lo) + " to " + words(intercept.interval.hi) + ")"
                 : "no finite fit");
  c.figure("cox_slope", slope);
  c.figure("cox_intercept", intercept);
  c.figure("cox_p", p_value);
}

Result<void> test_table(Case& c, std::span<const double> null_miscalibration) {
  const auto p = c.data.probability(0, 1);
  const auto& y = c.data.outcome;
  Tests tests;
  tests.table.title = "Tests of calibration";
  tests.table.caption = "Each asks whether the outcomes could have come from exact forecasts, rows taken as independent. The sequential test may be looked at after every row.";
  tests.table.columns = {"test", "statistic", "p-value", "remark"};
  double miscalibration = nan;
  for (const auto& [name, value] : c.report.figures)
    if (name == "miscalibration") miscalibration = value;
  const double mcb_p = null_miscalibration.empty() ? nan : stats::resampling_p_value(null_miscalibration, miscalibration);
  double null_mean = 0;
  for (const double x : null_miscalibration) null_mean += x / static_cast<double>(null_miscalibration.size());
  tests.add("miscalibration (CORP)", miscalibration, mcb_p, null_miscalibration.empty() ? "no draws asked for" : "exact forecasts show " + words(null_mean) + " on average");
  c.figure("miscalibration_null", null_miscalibration.empty() ? nan : null_mean);
  c.figure("miscalibration_p", mcb_p);
  const stats::CalibrationCheck spiegelhalter = stats::spiegelhalter(p, y, c.weight()), large = stats::in_the_large(p, y, c.weight());
  std::vector<double> gaps(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) gaps[i] = y[i] - p[i];
  const stats::Estimate gap = stats::estimate(stats::mean_influence(gaps, c.weight()), c.dependence, c.params.level);
  tests.add("Spiegelhalter", spiegelhalter.statistic, spiegelhalter.p_value, "sharpness against error");
  tests.add("in the large", large.statistic, large.p_value, "observed less forecast " + words(gap.value) + " (" + words(gap.interval.lo) + " to " + words(gap.interval.hi) + ")");
  cox(c, tests);
  if (c.data.weight.empty()) {
    const stats::CalibrationCheck hosmer = stats::hosmer_lemeshow(p, y);
    tests.add("Hosmer-Lemeshow", hosmer.statistic, hosmer.p_value, "legacy: depends on the cells; " + words(hosmer.degrees) + " degrees of freedom");
    c.figure("hosmer_lemeshow_p", hosmer.p_value);
  }
  const stats::SequentialEvidence bet = stats::sequential_evidence(p, y, c.data.order, 1 - c.params.level);
  tests.add("sequential e-value", bet.final_value, std::min(1.0, 1 / bet.largest), bet.rejected_at < 0 ? "never reached " + words(1 / (1 - c.params.level)) : "reached " + words(1 / (1 - c.params.level)) + " at row " + std::to_string(bet.rejected_at));
  c.figure("spiegelhalter_p", spiegelhalter.p_value);
  c.figure("in_the_large", gap);
  c.figure("e_value", bet.final_value);
  c.figure("e_value_largest", bet.largest);
  c.report.table(std::move(tests.table));
  c.report.verdict = !(mcb_p < 0.05) ? "green" : mcb_p < 0.006 ? "red" : "yellow";
  return {};
}

double recalibrated(const stats::Corp& corp, double p) {
  const auto bin = std::upper_bound(corp.bins.begin(), corp.bins.end(), p, [](double x, const stats::CorpBin& b) { return x < b.from; });
  return bin == corp.bins.begin() ? corp.bins.front().recalibrated : std::prev(bin)->recalibrated;
}

// The recalibrated curve on the grid of the band.
void reliability_figure(Case& c, const stats::Corp& corp, const stats::ConsistencyBand& band) {
  FigureBlock figure;
  figure.kind = FigureKind::reliability;
  figure.title = "Reliability (CORP)";
  figure.description = c.params.band == Band::consistency ? "Share of events against the forecast, by pool-adjacent-violators, with the pointwise band in which it would lie if the forecasts were exact; the diagonal is perfect."
                                                                : "Share of events against the forecast, by pool-adjacent-violators, with a pointwise confidence band; the diagonal is perfect.";
  figure.x_title = "forecast probability";
  figure.y_title = "share of events";
  if (!band.forecast.empty()) {
    figure.x = band.forecast;
    figure.lo = band.lo;
    figure.hi = band.hi;
  } else {
    for (std::size_t i = 0; i < std::min(curve_points, corp.bins.size()); ++i) figure.x.push_back(corp.bins[i * corp.bins.size() / std::min(curve_points, corp.bins.size())].from);
  }
  for (const double x : figure.x) figure.y.push_back(recalibrated(corp, x));
  c.report.figure(std::move(figure));
}

}  // namespace

Result<void> event_calibration(Case& c) {
  const auto p = c.data.probability(0, 1);
  PLIMSOLL_TRY(const stats::CalibrationErrors errors, gap_table(c));
  PLIMSOLL_TRY(const stats::Corp corp, stats::corp(p, c.data.outcome, c.weight()));
  stats::ConsistencyBand band;
  if (c.params.null_draws > 0) {
    const stats::Resampling draws = c.resampling("band", std::max<std::int64_t>(c.params.null_draws, std::min<std::int64_t>(c.params.replicates, 500)));
    PLIMSOLL_TRY(band, c.data.weight.empty() ? stats::consistency_band(p, c.params.level, curve_points, draws)
                                             : stats::resampled_band(p, p, c.weight(), c.params.level, curve_points, draws));
    PLIMSOLL_CHECK(test_table(c, band.null_miscalibration));
    if (c.params.band == Band::confidence) {
      std::vector<double> curve;
      for (const double x : p) curve.push_back(recalibrated(corp, x));
      PLIMSOLL_TRY(band, stats::resampled_band(p, curve, c.weight(), c.params.level, curve_points, c.resampling("confidence", draws.replicates)));
    }
  } else {
    PLIMSOLL_CHECK(test_table(c, {}));
  }
  reliability_figure(c, corp, band);
  cell_table(c, errors);
  return {};
}

}  // namespace plimsoll::score::probability

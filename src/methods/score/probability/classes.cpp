// SPDX-License-Identifier: Apache-2.0
// One probability column a class: scores with intervals, top-label and class-wise calibration beside their null laws, ranking
// of each class against the rest. For the top label, outcome = "the most probable class was right", which is Bernoulli(its
// probability) if the forecasts are exact; each class against the rest likewise. Class-wise errors are averaged over classes
// (Kull et al. 2019); the p-value of the average is the smallest of the classes' times their number (Bonferroni: valid).

#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/score/probability/parts.h"
#include "stats/calibration_error.h"
#include "stats/corp.h"
#include "stats/intervals.h"
#include "stats/proper_score.h"
#include "stats/ranking.h"
#include "stats/resampled_band.h"
#include "stats/scores.h"

namespace plimsoll::score::probability {
namespace {

constexpr std::size_t most_classes_listed = 100;

struct Top {
  std::vector<double> confidence;
  std::vector<std::int32_t> right;
};

Top top_of(const Case& c) {
  const auto& columns = c.data.forecasters.front().columns;
  Top top;
  for (std::size_t i = 0; i < c.data.rows(); ++i) {
    std::size_t best = 0;
    for (std::size_t k = 1; k < columns.size(); ++k)
      if (columns[k][i] > columns[best][i]) best = k;
    top.confidence.push_back(columns[best][i]);
    top.right.push_back(best == static_cast<std::size_t>(c.data.outcome[i]) ? 1 : 0);
  }
  return top;
}

void class_scores(Case& c, const ScoreTerms& terms, const Top& top) {
  TableBlock table;
  table.title = "Scores";
  table.caption = "Lower is better but for accuracy. The Brier score is the sum over classes.";
  table.columns = {"score", "value", "low", "high", "remark"};
  const auto add = [&](const std::string& name, const std::string& figure, const stats::Influence& i, std::string note) {
    const stats::Estimate e = stats::estimate(i, c.dependence, c.params.level);
    table.rows.push_back(estimate_cells(name, e, std::move(note)));
    c.figure(figure, e);
  };
  const std::vector<double> hits(top.right.begin(), top.right.end());
  add("accuracy", "accuracy", stats::mean_influence(hits, c.weight()), "of the most probable class");
  add("Brier score", "brier", terms.brier, "");
  add("log loss", "log_loss", terms.log, terms.clipped > 0 ? "clipped it is " + std::to_string(terms.clipped_log) : "natural logarithm");
  add("spherical score", "spherical", terms.spherical, "");
  c.figure("log_loss_clipped", terms.clipped_log);
  if (std::isinf(terms.log.value)) c.remarks.push_back("The log loss is infinite: a class that was given no chance came. Clipped to [eps, 1 - eps] it is " + std::to_string(terms.clipped_log) + ".");
  if (c.params.ordinal) {
    const auto& columns = c.data.forecasters.front().columns;
    std::vector<double> losses(c.data.rows()), row(columns.size());
    for (std::size_t i = 0; i < losses.size(); ++i) {
      for (std::size_t k = 0; k < columns.size(); ++k) row[k] = columns[k][i];
      losses[i] = stats::ranked_probability_loss(row, static_cast<std::size_t>(c.data.outcome[i]));
    }
    add("ranked probability score", "rps", stats::mean_influence(losses, c.weight()), "divided by the number of thresholds");
  }
  c.report.table(std::move(table));
}

struct Gaps {
  stats::CalibrationErrors errors;
  stats::CalibrationNull null;
};

Result<Gaps> gaps_of(const Case& c, std::span<const double> p, std::span<const std::int32_t> y, const std::string& stream) {
  Gaps gaps;
  const auto bins = static_cast<int>(c.params.bins);
  PLIMSOLL_TRY(gaps.errors, stats::calibration_errors(p, y, c.weight(), bins));
  if (c.params.null_draws > 0) {
    PLIMSOLL_TRY(gaps.null, stats::calibration_null(p, y, c.weight(), bins, gaps.errors, c.resampling(stream, c.params.null_draws)));
    return gaps;
  }
  gaps.null.mean.fill(nan);
  gaps.null.upper.fill(nan);
  gaps.null.p_value.fill(nan);
  return gaps;
}

Result<void> top_label(Case& c, const Top& top) {
  PLIMSOLL_TRY(const Gaps gaps, gaps_of(c, top.confidence, top.right, "top"));
  TableBlock table;
  table.title = "Calibration of the most probable class";
  table.caption = std::to_string(gaps.errors.bins) + " bins; beside each what exact forecasts would show on these rows.";
  table.columns = {"error", "value", "exact forecasts", "95 % of exact", "p-value"};
  static constexpr std::array<const char*, stats::calibration_gap_count> names = {"ece", "ece_width", "rms_gap", "ace", "mce", "mce_width", "debiased", "ks_calibration", "smooth_ece", "mmce"};
  for (std::size_t g = 0; g < stats::calibration_gap_count; ++g) {
    table.rows.push_back({std::string(name_of(static_cast<stats::CalibrationGap>(g))), gaps.errors.gaps[g], number_or_words(gaps.null.mean[g]), number_or_words(gaps.null.upper[g]), number_or_words(gaps.null.p_value[g])});
    c.figure(names[g], gaps.errors.gaps[g]);
    c.figure(std::string(names[g]) + "_null", gaps.null.mean[g]);
    c.figure(std::string(names[g]) + "_p", gaps.null.p_value[g]);
  }
  c.report.table(std::move(table));
  const double p_value = stats::at(gaps.null.p_value, stats::CalibrationGap::smooth);
  c.report.verdict = !(p_value < 0.05) ? "green" : p_value < 0.006 ? "red" : "yellow";
  FigureBlock figure;
  figure.kind = FigureKind::reliability;
  figure.title = "Reliability of the most probable class";
  figure.description = "Share of rows whose most probable class was right against its probability (CORP), with the band of exact forecasts.";
  figure.x_title = "probability of the most probable class";
  figure.y_title = "share right";
  PLIMSOLL_TRY(const stats::Corp corp, stats::corp(top.confidence, top.right, c.weight()));
  stats::ConsistencyBand band;
  if (c.params.null_draws > 0) {
    const stats::Resampling draws = c.resampling("top band", c.params.null_draws);
    PLIMSOLL_TRY(band, c.data.weight.empty() ? stats::consistency_band(top.confidence, c.params.level, 200, draws)
                                             : stats::resampled_band(top.confidence, top.confidence, c.weight(), c.params.level, 200, draws));
  }
  if (band.forecast.empty())
    for (std::size_t i = 0; i < std::min<std::size_t>(200, corp.bins.size()); ++i) band.forecast.push_back(corp.bins[i * corp.bins.size() / std::min<std::size_t>(200, corp.bins.size())].from);
  for (const double x : band.forecast) {
    const auto bin = std::upper_bound(corp.bins.begin(), corp.bins.end(), x, [](double value, const stats::CorpBin& b) { return value < b.from; });
    figure.y.push_back(bin == corp.bins.begin() ? corp.bins.front().recalibrated : std::prev(bin)->recalibrated);
  }
  figure.x = band.forecast;
  figure.lo = band.lo;
  figure.hi = band.hi;
  c.report.figure(std::move(figure));
  return {};
}

stats::Estimate area_of(const Case& c, std::span<const double> p, std::span<const std::int32_t> y) {
  const auto area = stats::auroc_influence(p, y, c.weight());
  if (!area) return {nan, nan, {nan, nan}};
  stats::Estimate e = stats::estimate(area.value(), c.dependence, c.params.level);
  e.interval = stats::logit_interval(e.value, e.standard_error, c.params.level);
  return e;
}

// Sums over classes; an average is drawn from them.
struct Averages {
  double ece = 0, null = 0, area = 0, smallest_p = 1, areas = 0, miscalibration = 0, discrimination = 0;
};

Result<void> by_class(Case& c) {
  const std::size_t classes = c.data.classes.size();
  TableBlock table;
  table.title = "By class, against the rest";
  table.caption = "Each class as an event of its own. The p-value is of the calibration error.";
  table.columns = {"class", "rows", "share", "mean forecast", "AUROC", "low", "high", "ECE", "exact forecasts", "p-value", "miscalibration", "discrimination"};
  Averages sum;
  for (std::size_t k = 0; k < classes; ++k) {
    PLIMSOLL_CHECK(c.context.stop.check());
    const auto p = c.data.probability(0, k);
    std::vector<std::int32_t> y(p.size());
    std::vector<double> hit(p.size());
    for (std::size_t i = 0; i < y.size(); ++i) hit[i] = y[i] = static_cast<std::size_t>(c.data.outcome[i]) == k ? 1 : 0;
    PLIMSOLL_TRY(const Gaps gaps, gaps_of(c, p, y, "class " + std::to_string(k)));
    PLIMSOLL_TRY(const stats::Corp corp, stats::corp(p, y, c.weight()));
    const stats::Estimate area = area_of(c, p, y);
    const double ece = stats::at(gaps.errors.gaps, stats::CalibrationGap::ece_mass), null = stats::at(gaps.null.mean, stats::CalibrationGap::ece_mass);
    const double p_value = stats::at(gaps.null.p_value, stats::CalibrationGap::ece_mass);
    sum.ece += ece;
    sum.null += null;
    sum.smallest_p = std::isnan(p_value) ? nan : std::min(sum.smallest_p, p_value);
    if (!std::isnan(area.value)) {
      sum.area += area.value;
      sum.areas += 1;
    }
    sum.miscalibration += corp.brier.miscalibration;
    sum.discrimination += corp.brier.discrimination;
    if (k >= most_classes_listed) continue;
    const std::vector<double> forecasts(p.begin(), p.end());
    table.rows.push_back({c.data.classes[k], static_cast<std::int64_t>(std::count(y.begin(), y.end(), 1)), stats::mean_influence(hit, c.weight()).value, stats::mean_influence(forecasts, c.weight()).value,
                          number_or_words(area.value), number_or_words(area.interval.lo), number_or_words(area.interval.hi), ece, number_or_words(null), number_or_words(p_value), corp.brier.miscalibration, corp.brier.discrimination});
  }
  const auto count = static_cast<double>(classes);
  c.figure("classwise_ece", sum.ece / count);
  c.figure("classwise_ece_null", sum.null / count);
  c.figure("classwise_ece_p", std::isnan(sum.smallest_p) ? nan : std::min(1.0, sum.smallest_p * count));
  c.figure("auroc_mean", sum.areas > 0 ? sum.area / sum.areas : nan);
  c.figure("miscalibration", sum.miscalibration);
  c.figure("discrimination", sum.discrimination);
  c.report.table(std::move(table));
  return {};
}

}  // namespace

ScoreTerms class_terms(const Case& c, std::size_t forecaster) {
  const auto& columns = c.data.forecasters[forecaster].columns;
  const std::size_t rows = c.data.rows();
  std::vector<double> row(columns.size()), brier(rows), log(rows), spherical(rows);
  ScoreTerms terms;
  std::vector<double> clipped(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < columns.size(); ++k) row[k] = columns[k][i];
    const auto label = static_cast<std::size_t>(c.data.outcome[i]);
    brier[i] = stats::class_loss(stats::ProperScore::brier, row, label);
    log[i] = stats::class_loss(stats::ProperScore::log, row, label);
    spherical[i] = stats::class_loss(stats::ProperScore::spherical, row, label);
    const double p = std::clamp(row[label], c.params.eps, 1 - c.params.eps);
    clipped[i] = 0.0 - std::log(p);
    terms.clipped += p != row[label] ? 1 : 0;
  }
  terms.brier = stats::mean_influence(brier, c.weight());
  terms.log = stats::mean_influence(log, c.weight());
  terms.spherical = stats::mean_influence(spherical, c.weight());
  terms.clipped_log = stats::mean_influence(clipped, c.weight()).value;
  return terms;
}

Result<void> assess_classes(Case& c) {
  if (!c.data.truth.empty()) return Error(ErrorCode::bad_parameter, "the role 'truth' is for one probability column", "Leave it out.").in_parameter("truth");
  const Top top = top_of(c);
  class_scores(c, class_terms(c, 0), top);
  PLIMSOLL_CHECK(top_label(c, top));
  PLIMSOLL_CHECK(by_class(c));
  PLIMSOLL_CHECK(class_groups(c, top.confidence, top.right));
  return compare_forecasters(c, true);
}

}  // namespace plimsoll::score::probability

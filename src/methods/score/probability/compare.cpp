// SPDX-License-Identifier: Apache-2.0
// Forecasters side by side, and the differences with their tests: paired by row (Diebold and Mariano 1995 on a series, DeLong et
// al. 1988 for areas), adjusted over challengers by Holm 1979. Where the truth is known and many forecasters are given, which
// measure orders them as the truth does: Kendall's tau.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "methods/score/probability/parts.h"
#include "stats/calibration_error.h"
#include "stats/corp.h"
#include "stats/ranking.h"

namespace plimsoll::score::probability {
namespace {

constexpr std::size_t most_listed = 60;
constexpr std::size_t least_for_tau = 5;

// A measure of each forecaster; lower is better but where `rising`.
struct Measure {
  const char* name;
  const char* figure;
  bool rising;
};
constexpr std::array<Measure, 11> measures = {{{"Brier", "brier", false}, {"log loss", "log_loss", false}, {"AUROC", "auroc", true},
                                               {"ECE, equal mass", "ece", false}, {"ECE, equal width", "ece_width", false}, {"MCE", "mce", false},
                                               {"KS error", "ks_calibration", false}, {"smooth ECE", "smooth_ece", false}, {"ACE", "ace", false},
                                               {"MCB", "miscalibration", false}, {"DSC", "discrimination", true}}};
constexpr std::array<std::size_t, 6> headline = {0, 1, 2, 3, 9, 10};
using Measured = std::array<double, measures.size()>;

Result<Measured> measure(const Case& c, std::size_t k, const ScoreTerms& terms, double area) {
  const auto p = c.data.probability(k, 1);
  PLIMSOLL_TRY(const stats::CalibrationErrors errors, stats::calibration_errors(p, c.data.outcome, c.weight(), static_cast<int>(c.params.bins)));
  PLIMSOLL_TRY(const stats::Corp corp, stats::corp(p, c.data.outcome, c.weight()));
  using Gap = stats::CalibrationGap;
  const auto gap = [&](Gap which) { return stats::at(errors.gaps, which); };
  return Measured{terms.brier.value, terms.log.value, area, gap(Gap::ece_mass), gap(Gap::ece_width), gap(Gap::maximum_mass), gap(Gap::kolmogorov),
                  gap(Gap::smooth), gap(Gap::adaptive), corp.brier.miscalibration, corp.brier.discrimination};
}

double distance_from_truth(const Case& c, std::size_t k) {
  if (c.data.truth.empty()) return nan;
  const auto p = c.data.probability(k, 1);
  std::vector<double> squares(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) squares[i] = (p[i] - c.data.truth[i]) * (p[i] - c.data.truth[i]);
  return stats::mean_influence(squares, c.weight()).value;
}

double kendall(std::span<const double> a, std::span<const double> b) {
  double agree = 0, pairs = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) {
      const double product = (a[i] - a[j]) * (b[i] - b[j]);
      agree += product > 0 ? 1 : product < 0 ? -1 : 0;
      pairs += 1;
    }
  return agree / pairs;
}

void measure_table(Case& c, const std::vector<Measured>& all, const std::vector<double>& truth) {
  TableBlock table;
  table.title = "Forecasters side by side";
  table.caption = "Calibration errors are not proper: a forecast can lower them and get worse. Compare forecasts by the scores.";
  table.columns = {"forecast"};
  const bool known = !c.data.truth.empty();
  if (known) table.columns.emplace_back("MSE from truth");
  for (const Measure& m : measures) table.columns.emplace_back(m.name);
  for (std::size_t k = 0; k < std::min(all.size(), most_listed); ++k) {
    std::vector<Cell> row{c.data.forecasters[k].name};
    if (known) row.emplace_back(truth[k]);
    for (const double x : all[k]) row.push_back(number_or_words(x));
    table.rows.push_back(std::move(row));
    if (k == 0 || k > 4) continue;  // the headline has room for a few
    if (known) c.figure(c.data.forecasters[k].name + ".mse_p", truth[k]);
    for (const std::size_t m : headline) c.figure(c.data.forecasters[k].name + "." + measures[m].figure, all[k][m]);
  }
  c.report.table(std::move(table));
  if (!known || all.size() < least_for_tau) return;
  TableBlock tau;
  tau.title = "Which measure orders forecasts as the truth does";
  tau.caption = "Kendall's tau between each measure and the squared distance from the true probabilities, over " + std::to_string(all.size()) + " forecasts; 1 is the same order.";
  tau.columns = {"measure", "tau"};
  for (std::size_t m = 0; m < measures.size(); ++m) {
    std::vector<double> column;
    for (const Measured& one : all) column.push_back(measures[m].rising ? -one[m] : one[m]);
    const double value = kendall(column, truth);
    tau.rows.push_back({std::string(measures[m].name), value});
    c.figure(std::string("tau_") + measures[m].figure, value);
  }
  c.report.table(std::move(tau));
}

// One quantity in which the first forecaster is compared with each other.
struct Contest {
  std::string name, figure;
  std::vector<stats::Influence> values;  // one a forecaster; empty rows: undefined
};

void contest_table(Case& c, const std::vector<Contest>& contests) {
  TableBlock table;
  table.title = "Differences";
  table.caption = c.data.forecasters.front().name + " less each challenger, row by row; Holm's p-values take the number of challengers into account. A score below 0 favours the forecast, an AUROC or accuracy above 0.";
  table.columns = {"challenger", "in", "difference", "low", "high", "statistic", "p-value", "Holm"};
  for (const Contest& contest : contests) {
    std::vector<stats::Comparison> found;
    std::vector<double> p;
    for (std::size_t k = 1; k < contest.values.size(); ++k) {
      found.push_back(stats::compare(contest.values[0], contest.values[k], c.dependence, c.params.level));
      p.push_back(std::isnan(found.back().p_value) ? 1 : found.back().p_value);
    }
    const std::vector<double> adjusted = stats::holm_adjusted(p);
    for (std::size_t k = 0; k < std::min(found.size(), most_listed); ++k) {
      const stats::Comparison& one = found[k];
      const std::string& name = c.data.forecasters[k + 1].name;
      table.rows.push_back({name, contest.name, number_or_words(one.difference.value), number_or_words(one.difference.interval.lo), number_or_words(one.difference.interval.hi),
                            number_or_words(one.statistic), number_or_words(one.p_value), std::isnan(one.p_value) ? number_or_words(nan) : Cell(adjusted[k])});
      if (k >= 4) continue;
      const std::string figure = contest.figure + "_less_" + name;
      c.figure(figure, one.difference);
      c.figure(figure + "_p", one.p_value);
    }
  }
  c.report.table(std::move(table));
}

Result<stats::Influence> area_of(const Case& c, std::size_t k, bool both) {
  if (!both) return stats::Influence{nan, {}};
  return stats::auroc_influence(c.data.probability(k, 1), c.data.outcome, c.weight());
}

stats::Influence accuracy_of(const Case& c, std::size_t k) {
  std::vector<double> hits(c.data.rows());
  const auto& columns = c.data.forecasters[k].columns;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    std::size_t best = 0;
    for (std::size_t j = 1; j < columns.size(); ++j)
      if (columns[j][i] > columns[best][i]) best = j;
    hits[i] = best == static_cast<std::size_t>(c.data.outcome[i]) ? 1 : 0;
  }
  return stats::mean_influence(hits, c.weight());
}

}  // namespace

Result<void> compare_forecasters(Case& c, bool both) {
  const std::size_t count = c.data.forecasters.size();
  if (count < 2) return {};
  std::vector<Contest> contests = {{"Brier score", "brier", {}}, {"log loss", "log_loss", {}}, {c.data.binary() ? "AUROC" : "accuracy", c.data.binary() ? "auroc" : "accuracy", {}}};
  std::vector<Measured> all;
  std::vector<double> truth;
  for (std::size_t k = 0; k < count; ++k) {
    PLIMSOLL_CHECK(c.context.stop.check());
    ScoreTerms terms = c.data.binary() ? event_terms(c, k) : class_terms(c, k);
    stats::Influence last;
    if (!c.data.binary()) last = accuracy_of(c, k);
    if (c.data.binary()) {
      PLIMSOLL_TRY(last, area_of(c, k, both));
      PLIMSOLL_TRY(const Measured one, measure(c, k, terms, last.value));
      all.push_back(one);
      truth.push_back(distance_from_truth(c, k));
    }
    contests[0].values.push_back(std::move(terms.brier));
    contests[1].values.push_back(std::move(terms.log));
    contests[2].values.push_back(std::move(last));
  }
  if (c.data.binary()) measure_table(c, all, truth);
  contest_table(c, contests);
  return {};
}

}  // namespace plimsoll::score::probability

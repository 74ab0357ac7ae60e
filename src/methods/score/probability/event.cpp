// SPDX-License-Identifier: Apache-2.0
// One probability column: scores with intervals and skill against the share of events, and the CORP decomposition.

#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/score/probability/parts.h"
#include "stats/corp.h"
#include "stats/proper_score.h"
#include "stats/scores.h"

namespace plimsoll::score::probability {
namespace {


// 1 - S / R with what each row adds.
stats::Influence skill(const stats::Influence& score, const stats::Influence& reference) {
  if (!(reference.value > 0)) return {nan, {}};
  stats::Influence out{1 - score.value / reference.value, {}};
  if (score.rows.empty()) return out;
  for (std::size_t i = 0; i < score.rows.size(); ++i)
    out.rows.push_back(-(score.rows[i] - score.value / reference.value * reference.rows[i]) / reference.value);
  return out;
}

// What the share of events scores, as a forecast for all.
stats::Influence reference_of(const Case& c, stats::ProperScore score, double base) {
  std::vector<double> terms(c.data.rows());
  for (std::size_t i = 0; i < terms.size(); ++i) terms[i] = stats::row_loss(score, base, c.data.outcome[i]);
  return stats::mean_influence(terms, c.weight());
}

void score_table(Case& c, const ScoreTerms& terms, double base, const stats::Influence& rate) {
  TableBlock table;
  table.title = "Scores";
  table.caption = "Lower is better but for skill: 1 - score / score of the share of events given to every row. Intervals at the level " + learn::short_number(c.params.level) + ".";
  table.columns = {"score", "value", "low", "high", "remark"};
  const auto add = [&](const std::string& name, const std::string& figure, const stats::Influence& i, std::string note) {
    const stats::Estimate e = stats::estimate(i, c.dependence, c.params.level);
    table.rows.push_back(estimate_cells(name, e, std::move(note)));
    c.figure(figure, e);
  };
  add("share of events", "event_share", rate, "");
  add("Brier score", "brier", terms.brier, "mean squared error");
  add("log loss", "log_loss", terms.log, terms.clipped > 0 ? "natural logarithm; clipped it is " + std::to_string(terms.clipped_log) : "natural logarithm");
  c.figure("log_loss_clipped", terms.clipped_log);
  add("spherical score", "spherical", terms.spherical, "1 - p / |p|");
  const bool varies = base > 0 && base < 1;
  add("Brier skill", "brier_skill", varies ? skill(terms.brier, reference_of(c, stats::ProperScore::brier, base)) : stats::Influence{nan, {}}, "against the share of events");
  add("log skill", "log_skill", varies ? skill(terms.log, reference_of(c, stats::ProperScore::log, base)) : stats::Influence{nan, {}}, "against the share of events");
  c.report.table(std::move(table));
  if (std::isinf(terms.log.value)) c.remarks.push_back("The log loss is infinite: a certain forecast was wrong. Clipped to [eps, 1 - eps] it is " + std::to_string(terms.clipped_log) + ".");
}

// CORP: MCB with its null law, DSC from resampling (set later, with the ranking), UNC by the share of events.
Result<void> decomposition(Case& c, const stats::Influence& rate) {
  const auto p = c.data.probability(0, 1);
  PLIMSOLL_TRY(const stats::Corp corp, stats::corp(p, c.data.outcome, c.weight()));
  TableBlock table;
  table.title = "Decomposition";
  table.caption = "Score = miscalibration - discrimination + uncertainty (CORP): what recalibration would save, what the ranking gains, and what the outcome itself costs.";
  table.columns = {"score", "mean", "miscalibration", "discrimination", "uncertainty"};
  const auto add = [&](const std::string& name, const std::string& prefix, const stats::Decomposition& d) {
    table.rows.push_back({name, number_or_words(d.score), number_or_words(d.miscalibration), d.discrimination, d.uncertainty});
    c.figure(prefix + "miscalibration", d.miscalibration);
    c.figure(prefix + "discrimination", d.discrimination);
    c.figure(prefix + "uncertainty", d.uncertainty);
  };
  add("Brier", "", corp.brier);
  add("log", "log_", corp.log);
  stats::Influence spread = rate;
  spread.value = rate.value * (1 - rate.value);
  for (double& x : spread.rows) x *= 1 - 2 * rate.value;
  const stats::Estimate e = stats::estimate(spread, c.dependence, c.params.level);
  c.figure("uncertainty_low", std::max(0.0, e.interval.lo));
  c.figure("uncertainty_high", std::min(0.25, e.interval.hi));
  c.report.table(std::move(table));
  return {};
}

}  // namespace

ScoreTerms event_terms(const Case& c, std::size_t forecaster) {
  const auto p = c.data.probability(forecaster, 1);
  ScoreTerms terms;
  std::vector<double> losses(p.size());
  const auto of = [&](stats::ProperScore score) {
    for (std::size_t i = 0; i < p.size(); ++i) losses[i] = stats::row_loss(score, p[i], c.data.outcome[i]);
    return stats::mean_influence(losses, c.weight());
  };
  terms.brier = of(stats::ProperScore::brier);
  terms.log = of(stats::ProperScore::log);
  terms.spherical = of(stats::ProperScore::spherical);
  const stats::LogLoss clipped = stats::log_loss(p, c.data.outcome, c.weight(), c.params.eps);
  terms.clipped_log = clipped.clipped_value;
  terms.clipped = clipped.clipped;
  return terms;
}

Result<void> assess_event(Case& c) {
  const auto events = static_cast<std::size_t>(std::count(c.data.outcome.begin(), c.data.outcome.end(), 1));
  const bool both = events > 0 && events < c.data.rows();
  if (!both) c.remarks.push_back("All outcomes are the same: nothing that ranks is defined.");
  const std::vector<double> y(c.data.outcome.begin(), c.data.outcome.end());
  const stats::Influence rate = stats::mean_influence(y, c.weight());
  c.report.facts.emplace_back("event", c.data.classes.back());
  score_table(c, event_terms(c, 0), rate.value, rate);
  PLIMSOLL_CHECK(decomposition(c, rate));
  PLIMSOLL_CHECK(event_calibration(c));
  PLIMSOLL_CHECK(event_ranking(c, both));
  PLIMSOLL_CHECK(event_figures(c, both));
  PLIMSOLL_CHECK(event_truth(c));
  PLIMSOLL_CHECK(compare_forecasters(c, both));
  return event_groups(c);
}

}  // namespace plimsoll::score::probability

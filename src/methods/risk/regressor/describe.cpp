// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>

#include "methods/risk/regressor/regressor.h"

namespace plimsoll::risk::regressor {
namespace {

constexpr std::array<RoleInfo, 5> past_roles{{
    {"target", "column of the number to predict", true, false},
    {"feature", "columns to learn from; default: every column without another role", false, true},
    {"weight", "row weights, 0 or more", false, false},
    {"group", "columns whose groups the report tells apart, and Mondrian cells", false, true},
    {"id", "columns that name a row", false, true},
}};
constexpr std::array<RoleInfo, 4> later_roles{{
    {"target", "column of the number to predict", false, false},
    {"weight", "row weights, 0 or more", false, false},
    {"group", "columns whose groups the report tells apart", false, true},
    {"id", "columns that name a row", false, true},
}};
constexpr std::array<RoleInfo, 2> new_roles{{
    {"id", "columns that name a row", false, true},
    {"group", "columns of the Mondrian cells; default: those of the fit by name", false, true},
}};

}  // namespace

std::span<const std::string_view> choices_of(Learner) {
  static constexpr std::array<std::string_view, 2> names{"trees", "linear"};
  return names;
}
std::span<const std::string_view> choices_of(Interval) {
  static constexpr std::array<std::string_view, 5> names{"automatic", "absolute", "normalised", "cqr", "cqr_asymmetric"};
  return names;
}
std::span<const std::string_view> choices_of(Mondrian) {
  static constexpr std::array<std::string_view, 3> names{"none", "group", "difficulty"};
  return names;
}
std::span<const std::string_view> choices_of(SmallSample) {
  static constexpr std::array<std::string_view, 2> names{"error", "infinite"};
  return names;
}

double curve_level(std::size_t which) { return 0.05 * static_cast<double>(which + 1); }

void describe(Fields& f, Linear& linear) { f({"l2", "ridge on coefficients of standardised columns (scikit-learn's alpha); 0: least squares", at_least(0)}, linear.l2); }

void describe(Fields& f, Params& p) {
  f({"learner", "boosted trees (XGBoost) or ridge-penalised least squares"}, p.learner);
  f({"interval", "score of the intervals; automatic: cqr of trees, absolute of the linear learner. cqr learns quantiles by boosted trees whatever the learner"}, p.interval);
  f({"alpha", "miscoverage of the intervals", between(0, 1)}, p.alpha);
  f({"mondrian", "the coverage holds on average (none), within each group, or within bins of predicted spread (difficulty)"}, p.mondrian);
  f({"bins", "difficulty: how many bins", within(2, 100)}, p.bins);
  f({"offset", "normalised: added to the predicted spread, in units of its mean", at_least(0)}, p.offset);
  f({"quantiles", "further quantiles to learn by boosted trees, each in (0, 1)", between(0, 1)}, p.quantiles);
  f({"small_n", "too few rows for alpha: refuse, or give unbounded intervals"}, p.small_n);
  f({"monotone", "trees of the mean: column = +1 (the number rises with it) or -1 (falls)"}, p.monotone);
  f({"share_learning", "share of rows to learn from when no calibration table is given", between(0, 1)}, p.share_learning);
  f({"share_spread", "share of rows that teach the spread, where one is needed (else learned from too); the rest calibrates the intervals", between(0, 1)}, p.share_spread);
  f({"diagnostics", "judge the model on rows it did not learn from, which is what its own report draws"}, p.diagnostics);
  f({"trees", "options of the boosted trees"}, p.trees);
  f({"linear", "options of the least squares"}, p.linear);
}

Result<void> check(const Params& p) {
  if (!(p.share_learning + p.share_spread < 1))
    return Error(ErrorCode::bad_parameter, "share_learning and share_spread leave no rows for the intervals", "Let them sum to less than 1").in_parameter("share_spread");
  if (!p.monotone.empty() && p.learner != Learner::trees)
    return Error(ErrorCode::bad_parameter, "monotone constraints need trees", "Set learner to trees, or leave monotone out").in_parameter("monotone");
  if (p.quantiles.size() > 20) return Error(ErrorCode::bad_parameter, "more than 20 quantiles are asked for", "Name those that are read").in_parameter("quantiles");
  return learn::check_monotone(p.monotone);
}

void describe(Fields& f, Inputs& inputs) {
  f(PortInfo{"data", "past cases with their outcomes", past_roles}, inputs.data);
  f(PortInfo{"calibration", "rows kept for calibration; default: cut from data", later_roles}, inputs.calibration);
  f(PortInfo{"test", "rows that only the report looks at", later_roles}, inputs.test);
}

void describe(Fields& f, QuantileRow& row) {
  f({"level", "share that should lie at or below", within(0, 1)}, row.level);
  f({"rows", "rows", at_least(0)}, row.rows);
  f({"below", "rows at or below", at_least(0)}, row.below);
  f({"low", "lower end of the share's interval", within(0, 1)}, row.low);
  f({"high", "upper end", within(0, 1)}, row.high);
  f({"pinball", "mean pinball loss", any_real()}, row.pinball);
}

void describe(Fields& f, Diagnostics& d) {
  f({"source", "which rows"}, d.source);
  f({"rows", "rows", at_least(0)}, d.rows);
  f({"rmse", "root mean squared error", at_least(0)}, d.rmse);
  f({"mae", "mean absolute error", at_least(0)}, d.mae);
  f({"r2", "share of variance explained", any_real()}, d.r2);
  f({"mean_width", "of finite intervals", at_least(0)}, d.mean_width);
  f({"median_width", "of finite intervals", at_least(0)}, d.median_width);
  f({"unbounded", "rows with an unbounded interval", at_least(0)}, d.unbounded);
  f({"interval_score", "mean Winkler score", at_least(0)}, d.interval_score);
  f({"below", "truths under their interval", at_least(0)}, d.below);
  f({"above", "truths over their interval", at_least(0)}, d.above);
  f({"coverage", "coverage of the intervals"}, d.coverage);
  f({"coverage_note", "how coverage was tested"}, d.coverage_note);
  f.tensor({"level", "nominal levels"}, d.level);
  f.tensor({"observed", "shares covered at them"}, d.observed);
  f.tensor({"level_low", "lower edge of the band"}, d.level_low);
  f.tensor({"level_high", "upper edge"}, d.level_high);
  f({"quantiles", "calibration of learned quantiles"}, d.quantiles);
  f.tensor({"fitted", "mean prediction of groups of rows"}, d.fitted);
  f.tensor({"actual", "mean truth of them"}, d.actual);
  f.tensor({"width_edges", "edges of width bins"}, d.width_edges);
  f.tensor({"width_counts", "rows in them"}, d.width_counts);
  f({"remarks", "warnings in plain words"}, d.remarks);
}

void describe(Fields& f, Quantile& quantile) {
  f({"level", "share at or below", between(0, 1)}, quantile.level);
  f({"trees", "boosted trees of it"}, quantile.trees);
}

void describe(Fields& f, Model& m) {
  f({"target", "column predicted"}, m.target);
  f({"learner", "what was fitted"}, m.learner);
  f({"interval", "score of the intervals"}, m.interval);
  f({"mondrian", "cells of the coverage"}, m.mondrian);
  f({"alpha", "miscoverage", between(0, 1)}, m.alpha);
  f({"centre", "mean of the learning targets", any_real()}, m.centre);
  f({"scale", "their spread", above(0)}, m.scale);
  f({"encoder", "from columns to numbers"}, m.encoder);
  f({"trees", "boosted trees of the mean"}, m.trees);
  f({"ridge", "least squares"}, m.ridge);
  f({"spread", "boosted trees of the absolute residual"}, m.spread);
  f({"low", "lower quantile"}, m.low);
  f({"high", "upper quantile"}, m.high);
  f({"quantiles", "further quantiles"}, m.quantiles);
  f({"offset", "added to the spread", at_least(0)}, m.offset);
  f({"cell_columns", "columns of the Mondrian cells"}, m.cell_columns);
  f({"cells", "their values"}, m.cells);
  f({"edges", "cuts of the spread", any_real()}, m.edges);
  f({"ranks", "conformal ranks, by cell and side"}, m.ranks);
  f.tensor({"curve", "thresholds of the calibration curve"}, m.curve);
  f({"learning_rows", "rows learned from", at_least(0)}, m.learning_rows);
  f({"spread_rows", "rows that taught the spread", at_least(0)}, m.spread_rows);
  f({"conformal_rows", "rows that calibrated intervals", at_least(0)}, m.conformal_rows);
  f.blob({"learning_fingerprint", "sketch of the learning rows"}, m.learning_fingerprint);
  f.blob({"calibration_fingerprint", "sketch of the calibration rows"}, m.calibration_fingerprint);
  f({"overlap_remark", "reason given for an overlap"}, m.overlap_remark);
  f({"importance", "share of each feature"}, m.importance);
  f({"groups", "columns of per-group tables"}, m.groups);
  f({"held_out", "diagnostics of rows that were not learned from"}, m.held_out);
}

namespace {

Result<void> corrupt(const std::string& what) { return Error(ErrorCode::corrupt_file, "the regressor's " + what, "Fit the model again"); }

bool fits(const Model& m, const learn::BoostedTrees& trees) { return trees.classes == 1 && trees.width == m.encoder.tree_width(); }

}  // namespace

Result<void> check_model(const Model& m) {
  PLIMSOLL_CHECK(learn::check(m.encoder));
  if (!std::isfinite(m.centre) || !std::isfinite(m.scale)) return corrupt("scale is not finite");
  if (m.learner == Learner::linear) {
    if (!m.ridge) return corrupt("coefficients are missing");
    PLIMSOLL_CHECK(learn::check(*m.ridge));
    if (std::ssize(m.ridge->coefficients) != m.encoder.linear_width()) return corrupt("coefficients do not fit its columns");
  } else if (!m.trees || !fits(m, *m.trees)) {
    return corrupt("trees are missing or do not fit its columns");
  }
  const bool quantiles = m.interval == Interval::cqr || m.interval == Interval::cqr_asymmetric;
  if (m.interval == Interval::automatic) return corrupt("interval was left open");
  if (quantiles && (!m.low || !m.high || !fits(m, m.low->trees) || !fits(m, m.high->trees))) return corrupt("quantiles are missing or do not fit its columns");
  if ((m.interval == Interval::normalised || m.mondrian == Mondrian::difficulty) && (!m.spread || !fits(m, *m.spread))) return corrupt("spread is missing or does not fit its columns");
  if (m.spread && !fits(m, *m.spread)) return corrupt("spread does not fit its columns");
  for (const Quantile& one : m.quantiles)
    if (!fits(m, one.trees)) return corrupt("quantiles do not fit its columns");
  const std::size_t wanted = m.cell_count() * m.sides();
  if (m.cell_count() == 0 || m.ranks.size() != wanted || m.curve.size() != wanted * curve_levels) return corrupt("number of conformal ranks does not fit");
  for (const learn::Rank& rank : m.ranks)
    if (std::isnan(rank.threshold)) return corrupt("threshold is not a number");
  return {};
}

void describe(Fields& f, Options& options) { f({"keep", "input columns beside the results: those of the id role, none, all"}, options.keep); }
void describe(Fields& f, Cases& cases) { f(PortInfo{"data", "new cases", new_roles}, cases.data); }
void describe(Fields& f, Outputs& outputs) { f(PortInfo{"scored", "prediction, lower, upper and quantiles of each row"}, outputs.scored); }

}  // namespace plimsoll::risk::regressor

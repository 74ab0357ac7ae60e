// SPDX-License-Identifier: Apache-2.0
// Paper: "An Information-Theoretic Framework for Credit Risk Modeling: Unifying Industry Practice with Statistical Theory for Fair
// and Interpretable Scorecards" (arXiv 2509.09855, 2025).
//   WoE_j = ln(q_j / p_j), IV = sum (q_j - p_j) WoE_j = PSI = Jeffreys' divergence     (stats/divergence)
//   score = offset + factor * log odds of good, factor = pdo / ln 2, offset = base_score - factor ln base_odds
//   front: max sum IV z subject to sum FIV z <= budget, one binning a feature           (front.cpp, solve/mip)
// Departs: the paper's standard error of IV and its z-test are wrong (stats/divergence says how), so intervals are by the full
// delta method or the noncentral law and tests by chi-square; bins are chosen by an exact programme instead of stumps unless
// asked; and since the bins are chosen on the rows that measure them, p-values of learning come from permuted outcomes with the
// bins chosen anew each time.
// Here: what the method is. binning.cpp bins, encode.cpp learns and gives points, front.cpp trades, assess.cpp measures.

#include "methods/credit/scorecard/scorecard.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace plimsoll::credit::scorecard {
namespace {

constexpr std::array<std::string_view, 2> binning_names = {"optimal", "stumps"};
constexpr std::array<std::string_view, 3> smoothing_names = {"half", "jeffreys", "none"};
constexpr std::array<std::string_view, 3> encoding_names = {"woe", "onehot", "xgb1"};
constexpr std::array<std::string_view, 2> compat_names = {"none", "paper"};
constexpr std::array<std::string_view, 2> kind_names = {"number", "category"};
constexpr std::array<std::string_view, 4> role_names = {"regular", "special", "missing", "other"};
constexpr std::array<std::string_view, 3> chance_names = {"none", "safe", "independent"};
constexpr std::array<std::string_view, 4> detail_names = {"none", "points", "woe", "bins"};
constexpr std::array<std::string_view, 4> export_names = {"none", "sql", "pmml", "table"};

constexpr std::array<RoleInfo, 5> fit_roles = {{{"target", "the outcome: 1 for bad (a default), 0 for good; or two labels and --bad", true, false},
                                                {"feature", "columns that may predict; without it all that play no other part", false, true},
                                                {"protected", "protected attributes: never predict unless --use-protected, and the front is traced against them", false, true},
                                                {"weight", "weight of a row", false, false},
                                                {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 2> apply_roles = {{{"id", "identity of a row, kept in the answer", false, false},
                                                  {"target", "the outcome (for reports)", false, false}}};
constexpr std::array<RoleInfo, 6> assess_roles = {{{"target", "the outcome; without it only drift is measured", false, false},
                                                   {"feature", "columns to measure, without a model", false, true},
                                                   {"protected", "protected attributes: the information that scores hold about them", false, true},
                                                   {"weight", "weight of a row", false, false},
                                                   {"sample", "a column of two values that tells two samples apart: their drift is measured", false, false},
                                                   {"id", "identity of a row", false, false}}};

}  // namespace

std::span<const std::string_view> choices_of(Binning) { return binning_names; }
std::span<const std::string_view> choices_of(Smoothing) { return smoothing_names; }
std::span<const std::string_view> choices_of(Encoding) { return encoding_names; }
std::span<const std::string_view> choices_of(Compat) { return compat_names; }
std::span<const std::string_view> choices_of(Kind) { return kind_names; }
std::span<const std::string_view> choices_of(BinRole) { return role_names; }
std::span<const std::string_view> choices_of(Chance) { return chance_names; }
std::span<const std::string_view> choices_of(Detail) { return detail_names; }
std::span<const std::string_view> choices_of(Export) { return export_names; }

void describe(Fields& f, Stumps& s) {
  f({"rounds", "boosting rounds", within(1, 10'000)}, s.options.rounds);
  f({"learning_rate", "share of each step taken", {0, 1, true, false, false}}, s.options.learning_rate);
  f({"l2", "penalty of a leaf", at_least(0)}, s.options.l2);
  f({"min_child_weight", "sum of p (1 - p) on each side of a cut", at_least(0)}, s.options.min_child_weight);
}

void describe(Fields& f, Boosting& b) {
  f({"rounds", "boosting rounds", within(1, 10'000)}, b.rounds);
  f({"learning_rate", "share of each step taken", {0, 1, true, false, false}}, b.learning_rate);
  f({"min_child_weight", "sum of p (1 - p) on each side of a split", at_least(0)}, b.min_child_weight);
  f({"l2", "penalty of a leaf", at_least(0)}, b.l2);
}

void describe(Fields& f, Fairness& x) {
  f({"budgets", "protected information to allow, one scorecard each; none given: ten, evenly up to what no limit would take", at_least(0)}, x.budgets);
  f({"tolls", "prices of protected information: one more scorecard each, with the largest IV - price x protected IV", at_least(0)}, x.tolls);
  f({"budget", "protected information allowed to the scorecard itself; below 0: unlimited", any_real()}, x.budget);
  f({"chance", "how sampling noise of protected information is counted: none, safe (each feature at its upper limit), independent (features together)"}, x.chance);
  f({"chance_level", "confidence of that limit", between(0.5, 1)}, x.chance_level);
  f({"max_features", "most features of a scorecard; 0: any number", at_least(0)}, x.max_features);
  f({"must_include", "features that every scorecard of the front has"}, x.must_include);
  f({"test_share", "share of rows held out to measure each scorecard of the front; 0: none", {0, 0.9, false, false, false}}, x.test_share);
  f({"approval_rate", "share of applications approved, for the adverse impact ratio", between(0, 1)}, x.approval_rate);
  f({"cuts", "protected numbers, column = cut: rows below it are one group, the others the other"}, x.cuts);
}

void describe(Fields& f, Params& p) {
  f({"bad", "label of the bad outcome; empty: 1 or true"}, p.bad);
  f({"binning", "how bins are chosen: optimal (exact programme) or stumps (the paper's boosting)"}, p.binning);
  f({"max_bins", "most regular bins of a feature", within(1, 50)}, p.max_bins);
  f({"prebins", "fine bins (quantiles) that bins are made of", within(2, 200)}, p.prebins);
  f({"min_bin_share", "least share of rows in a bin", {0, 0.5, false, false, false}}, p.min_bin_share);
  f({"min_bin_bads", "least bads, and least goods, in a bin", at_least(1)}, p.min_bin_bads);
  f({"min_rate_gap", "least difference of the bad rates of neighbouring bins", {0, 1, false, true, false}}, p.min_rate_gap);
  f({"trend", "how the bad rate may run over the bins of a number"}, p.trend);
  f({"monotone", "feature = trend, where it differs: auto, increasing, decreasing, none, peak, valley"}, p.monotone);
  f({"special", "feature = codes with a meaning of their own, as -9999;-1; * for all numbers. Each gets its own bin"}, p.special);
  f({"cuts", "feature = cuts of your own, as 25;40;60"}, p.cuts);
  f({"categorical", "columns of numbers that are categories"}, p.categorical);
  f({"rare_share", "levels with a smaller share of rows are taken together", {0, 0.5, false, false, false}}, p.rare_share);
  f({"stumps", "of binning by stumps"}, p.stumps);
  f({"smoothing", "half: half a count to each cell of a feature with an empty cell; jeffreys: always; none: an empty cell is an error"}, p.smoothing);
  f({"alpha", "size of tests; intervals are at 1 - alpha", between(0, 0.5)}, p.alpha);
  f({"permutations", "of the outcomes, for p-values that hold after the bins were chosen; 0: chi-square bound only", within(0, 100'000)}, p.permutations);
  f({"min_iv", "features with a smaller information value are left out", at_least(0)}, p.min_iv);
  f({"encoding", "woe: logistic on weights of evidence; onehot: logistic on bins; xgb1: boosted stumps, increasing in the weights of evidence"}, p.encoding);
  f({"l2", "penalty of the logistic regression; scikit-learn's C is its inverse", at_least(0)}, p.l2);
  f({"boosting", "of the encoding xgb1"}, p.boosting);
  f({"pdo", "points that double the odds", above(0)}, p.pdo);
  f({"base_score", "score at the base odds", any_real()}, p.base_score);
  f({"base_odds", "goods for one bad at the base score", above(0)}, p.base_odds);
  f({"compat", "paper: print the paper's standard error and z-test too, with a warning; they are not valid"}, p.compat);
  f({"use_protected", "let protected columns predict"}, p.use_protected);
  f({"fairness", "the front of predictive against protected information"}, p.fairness);
}

void describe(Fields& f, Bin& b) {
  f({"label", "what is in it"}, b.label);
  f({"role", "regular, special, missing or other"}, b.role);
  f({"goods", "goods of learning", at_least(0)}, b.goods);
  f({"bads", "bads of learning", at_least(0)}, b.bads);
  f({"woe", "ln(share of bads / share of goods)"}, b.woe);
  f({"error", "standard error of woe", at_least(0)}, b.error);
  f({"value", "what it adds to the log odds of bad"}, b.value);
  f({"points", "points"}, b.points);
}

void describe(Fields& f, Feature& x) {
  f({"name", "column"}, x.name);
  f({"kind", "number or category"}, x.kind);
  f({"cuts", "bin = number of cuts at most x"}, x.cuts);
  f({"levels", "levels by name"}, x.levels);
  f({"level_bin", "bin of each level"}, x.level_bin);
  f({"specials", "codes of their own"}, x.specials);
  f({"special_bin", "bin of each code, -1 for none"}, x.special_bin);
  f({"missing_bin", "bin of missing values, -1 for none"}, x.missing_bin);
  f({"other_bin", "bin of rare and unseen levels, -1 for none"}, x.other_bin);
  f({"bins", "bins"}, x.bins);
  f({"trend", "how the bad rate runs"}, x.trend);
  f({"iv", "information value"}, x.iv);
  f({"iv_corrected", "less its bias near zero"}, x.iv_corrected);
  f({"iv_error", "standard error, delta method"}, x.iv_error);
  f({"iv_low", "lower limit"}, x.iv_low);
  f({"iv_high", "upper limit"}, x.iv_high);
  f({"paper_error", "the paper's standard error: not valid"}, x.paper_error);
  f({"p_value", "of no information, after the choice of bins"}, x.p_value);
  f({"p_fixed", "of no information, as if the bins had been given"}, x.p_fixed);
  f({"gini", "2 AUC - 1 of the bins"}, x.gini);
  f({"cells", "fine bins or levels"}, x.cells);
  f({"used", "is in the scorecard"}, x.used);
  f({"coefficient", "of its weights of evidence"}, x.coefficient);
  f({"note", "what to know"}, x.note);
}

void describe(Fields& f, Guarded& g) {
  f({"column", "protected column"}, g.column);
  f({"group", "group, against the rest"}, g.group);
  f({"rows", "rows of the group"}, g.rows);
}

void describe(Fields& f, FrontPoint& p) {
  f({"budget", "allowed protected information", any_real()}, p.budget);
  f({"toll", "price of protected information", at_least(0)}, p.toll);
  f({"iv", "sum of information values"}, p.iv);
  f({"protected_iv", "sum of protected information, largest over the attributes"}, p.protected_iv);
  f({"protected_low", "lower limit"}, p.protected_low);
  f({"protected_high", "upper limit"}, p.protected_high);
  f({"gap", "proven relative gap", any_real()}, p.gap);
  f({"optimal", "proven optimal"}, p.optimal);
  f({"auc", "on held-out rows", any_real()}, p.auc);
  f({"auc_low", "lower limit", any_real()}, p.auc_low);
  f({"auc_high", "upper limit", any_real()}, p.auc_high);
  f({"impact_ratio", "adverse impact ratio, smallest over the attributes", any_real()}, p.impact_ratio);
  f({"score_iv", "protected information of the score", any_real()}, p.score_iv);
  f({"features", "chosen"}, p.features);
  f({"bins", "regular bins of each"}, p.bins);
}

void describe(Fields& f, ScoreBands& s) {
  f({"cuts", "of the log odds of bad"}, s.cuts);
  f({"goods", "goods of learning"}, s.goods);
  f({"bads", "bads of learning"}, s.bads);
}

void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"target", "outcome column"}, m.target);
  f({"bad_label", "label of bad"}, m.bad_label);
  f({"good_label", "label of good"}, m.good_label);
  f({"rows", "learning rows", at_least(0)}, m.rows);
  f({"goods", "goods", at_least(0)}, m.goods);
  f({"bads", "bads", at_least(0)}, m.bads);
  f({"kish", "effective share of the weights"}, m.kish);
  f({"weighted", "rows had weights"}, m.weighted);
  f({"features", "features"}, m.features);
  f({"intercept", "log odds of bad at zero"}, m.intercept);
  f({"neutral_points", "points of a value without a bin"}, m.neutral_points);
  f({"rounding_bound", "most that rounding moves a score"}, m.rounding_bound);
  f.tensor({"covariance", "of the coefficients and the intercept"}, m.covariance);
  f({"bands", "score bands of learning"}, m.bands);
  f({"auc", "on the learning rows"}, m.auc);
  f({"kept_out", "columns not used"}, m.kept_out);
  f({"notes", "why"}, m.notes);
  f({"guarded", "protected groups"}, m.guarded);
  f({"front", "predictive against protected information"}, m.front);
  f({"solver", "version of the solver"}, m.solver);
  f({"booster", "version of the booster"}, m.booster);
}

void describe(Fields& f, Inputs& in) { f(PortInfo{"data", "past applications and what became of them", fit_roles}, in.data); }
void describe(Fields& f, Cases& in) { f(PortInfo{"data", "applications to score", apply_roles}, in.data); }

void describe(Fields& f, Options& o) {
  f({"reasons", "reason codes for each row: the features that cost it most points", within(0, 20)}, o.reasons);
  f({"detail", "a column for each feature too: its points, its weight of evidence or its bin"}, o.detail);
  f({"interval", "limits of the probability, where the encoding has them"}, o.interval);
  f({"export", "write the scorecard itself to the output `card`: as SQL, as PMML, or as a plain table (JSON)"}, o.form);
}

void describe(Fields& f, Outputs& out) {
  f(PortInfo{"scored", "score, probability, limits, reasons"}, out.scored);
  f(PortInfo{"card", "the scorecard, exported"}, out.card);
}

void describe(Fields& f, AssessInputs& in) {
  f(PortInfo{"data", "rows to measure on", assess_roles}, in.data);
  f(PortInfo{"model", "a scorecard: its bins are used. Without it categories stand for themselves and numbers are cut at quantiles", {}, "credit.scorecard"}, in.model);
  f(PortInfo{"reference", "another scorecard with the same bins, whose learning rows are the reference for drift", {}, "credit.scorecard"}, in.reference);
}

void describe(Fields& f, AssessParams& p) {
  f({"bad", "label of the bad outcome; empty: 1 or true, or the model's"}, p.bad);
  f({"alpha", "size of tests; intervals are at 1 - alpha", between(0, 0.5)}, p.alpha);
  f({"smoothing", "as in fit"}, p.smoothing);
  f({"bins", "quantile bins of numbers, without a model", within(2, 100)}, p.bins);
  f({"categorical", "columns of numbers that are categories, without a model"}, p.categorical);
  f({"draws", "Monte Carlo draws where counts are too small for chi-square", within(99, 1'000'000)}, p.draws);
  f({"power", "of the smallest drift that is named detectable", between(0, 1)}, p.power);
  f({"approval_rate", "share approved, for the adverse impact ratio", between(0, 1)}, p.approval_rate);
  f({"fixed_reference", "take the reference as fixed: its own sampling noise is left out"}, p.fixed_reference);
  f({"compat", "paper: print the paper's standard error and z-test too, with a warning; they are not valid"}, p.compat);
}

void describe(Fields& f, ReportInputs& in) { f(PortInfo{"data", "rows to measure on, with the outcome", apply_roles}, in.data); }

void describe(Fields& f, Event& e) { f({"values", "feature = value; a feature left out is missing"}, e.values); }

void describe(Fields& f, Monitor& m) {
  f({"rows", "rows so far", at_least(0)}, m.rows);
  f({"windows", "windows closed", at_least(0)}, m.windows);
  f({"alarms", "windows with an alarm", at_least(0)}, m.alarms);
  f.tensor({"counts", "bins of the open window"}, m.counts);
  f.tensor({"total", "bins of all rows"}, m.total);
}

void describe(Fields& f, Watch& w) {
  f({"score", "points"}, w.score);
  f({"log_odds", "of bad"}, w.log_odds);
  f({"probability", "of bad"}, w.probability);
  f({"reasons", "what cost most points"}, w.reasons);
  f({"window_closed", "a window of rows was just compared with learning"}, w.window_closed);
  f({"alarm", "the population has moved"}, w.alarm);
  f({"drifted", "features that moved"}, w.drifted);
  f({"largest_psi", "of the window just closed"}, w.largest_psi);
  f({"smallest_p", "of the window just closed"}, w.smallest_p);
  f({"rows", "rows so far"}, w.rows);
}

Result<void> check(const Params& p) {
  if (p.max_bins > p.prebins)
    return Error(ErrorCode::bad_parameter, "max_bins is larger than prebins", "Raise --prebins: bins are made of them.").in_parameter("prebins");
  for (const auto& [feature, trend] : p.monotone) {
    const auto names = learn::choices_of(Trend::automatic);
    if (std::find(names.begin(), names.end(), trend) != names.end()) continue;
    const std::vector<std::string> known(names.begin(), names.end());
    return Error(ErrorCode::bad_parameter, "'" + trend + "' is no trend", "Give auto, increasing, decreasing, none, peak or valley.").in_parameter("monotone").with_candidates(nearest_names(trend, known));
  }
  return {};
}

Result<void> sound(const Model& model) {
  const auto bad = [](const std::string& what) { return Error(ErrorCode::corrupt_file, "the scorecard is not sound: " + what, "Fit it again."); };
  std::size_t width = 1;
  for (const Feature& feature : model.features) {
    const std::int64_t bins = std::ssize(feature.bins);
    if (bins < 1 || bins > most_bins_of_feature) return bad("feature '" + feature.name + "' has no bins or too many");
    const auto inside = [&](std::int64_t b) { return b >= -1 && b < bins; };
    const bool sized = feature.levels.size() == feature.level_bin.size() && feature.specials.size() == feature.special_bin.size() && std::ssize(feature.cuts) < bins;
    if (!sized || !inside(feature.missing_bin) || !inside(feature.other_bin)) return bad("bins of '" + feature.name + "'");
    for (const std::int64_t b : feature.level_bin)
      if (!inside(b)) return bad("levels of '" + feature.name + "'");
    for (const std::int64_t b : feature.special_bin)
      if (!inside(b)) return bad("special codes of '" + feature.name + "'");
    if (!std::is_sorted(feature.cuts.begin(), feature.cuts.end()) || !std::is_sorted(feature.levels.begin(), feature.levels.end())) return bad("order in '" + feature.name + "'");
    if (feature.used) width += model.params.encoding == Encoding::onehot ? feature.bins.size() : 1;
  }
  if (!model.covariance.empty() && model.covariance.size() != width * width) return bad("covariance");
  if (model.bands.goods.size() != model.bands.cuts.size() + 1 || model.bands.bads.size() != model.bands.goods.size()) return bad("score bands");
  if (!std::isfinite(model.intercept)) return bad("intercept");
  return {};
}

constinit const Method entry = method("credit.scorecard")
                                   .fit<&fit>(Law::B)
                                   .apply<&apply>(plimsoll::Rows::independent)
                                   .assess<&assess>()
                                   .step<&step>()
                                   .report<&report>()
                                   .certify<&certify>()
                                   .example<&example>()
                                   .prove<&prove>()
                                   .check<static_cast<Result<void> (*)(const Params&)>(&check)>();

}  // namespace plimsoll::credit::scorecard

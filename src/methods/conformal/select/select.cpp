// SPDX-License-Identifier: Apache-2.0
// Conformal selection. Labelled rows i = 1..n and candidates j = 1..m are exchangeable; a candidate is worth taking if its unseen
// y_j > c_j (strictly). Small scores promise:
//   clip:     V_i = +infinity if y_i > c_i, else c_i - mu_i;   T_j = c_j - mu_j
//   residual: V_i = y_i - mu_i;                                T_j = c_j - mu_j
//   outlier:  V_i = -mu_i, T_j = -mu_j: labelled rows are ordinary, mu is strangeness (Bates et al. 2023)
//   p_j = (1 + #{i : V_i <= T_j}) / (n + 1), randomised (#{V_i < T_j} + U_j (1 + #{V_i = T_j})) / (n + 1)
//   cfbh         Y. Jin, E. Candes, "Selection by prediction with conformal p-values", JMLR 24 (2023): Benjamini-Hochberg at q selects
//                p_j <= q r / m for r = max{r : p_(r) <= q r / m}, the r-th included. FDR <= q in finite samples; with clip, distinct
//                scores and q (n + 1) / m whole it equals q, because the rank of V_j among the n + 1 is uniform.
//   optcs_msel   T. Bai, Y. Jin, "Optimized conformal selection" (2024, arXiv 2411.17983): of K models each candidate takes the one
//                whose auxiliary list (stats/conformal_selection.h) selects most, e_j = m / (beta q s_j) 1{p_j <= beta q s_j / m},
//                and e-BH with pruning. s_j and the model are symmetric in the n + 1 rows, so E e_j 1{y_j <= c_j} <= 1.
//   optcs_full, optcs_full_msel   models that learn on the same rows: full.cpp
//   weighted_cs  Y. Jin, E. Candes, "Model-free selective inference under covariate shift via weighted conformal p-values" (2025):
//                auxiliary lists with w_j of the candidate that joins, where a published package has w_l.
// With one bar for all rows clip leaves c out (only the order matters), so that ties of mu stay ties. Comparisons are made on
// (n + 1) p, which are whole numbers: no rounding decides who is selected.

#include "methods/conformal/select/select.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/number_text.h"

namespace plimsoll::conformal::select {
namespace {

constexpr std::array<std::string_view, 5> procedure_names = {"cfbh", "optcs_msel", "optcs_full", "optcs_full_msel", "weighted_cs"};
constexpr std::array<std::string_view, 2> direction_names = {"above", "below"};
constexpr std::array<std::string_view, 3> score_names = {"clip", "residual", "outlier"};
constexpr std::array<std::string_view, 4> rule_names = {"bh", "storey", "ebh", "fixed"};
constexpr std::array<std::string_view, 3> prune_names = {"dtm", "homo", "hete"};
constexpr std::array<std::string_view, 2> tie_names = {"first", "random"};
constexpr std::array<std::string_view, 2> impute_names = {"all", "one"};
constexpr std::array<RoleInfo, 5> pool_roles = {{{"prediction", "predicted outcome, a column a model: larger is more promising", false, true},
                                                 {"bar", "the bar of each row, if it is not one for all", false, false},
                                                 {"feature", "what models that are learned here may look at", false, true},
                                                 {"weight", "density ratio of pool to labelled rows, for weighted_cs", false, false},
                                                 {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 6> labelled_roles = {{{"target", "the outcome; not for outliers", false, false},
                                                     {"prediction", "predicted outcome, by the same models in the same order", false, true},
                                                     {"bar", "the bar of each row, if it is not one for all", false, false},
                                                     {"feature", "what models that are learned here may look at", false, true},
                                                     {"weight", "density ratio of pool to labelled rows, for weighted_cs", false, false},
                                                     {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 1> learned_roles = {{{"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 3> assess_roles = {{{"selected", "whether the row was selected", true, false},
                                                   {"target", "the outcome, now known", true, false},
                                                   {"bar", "the bar of each row, if it is not one for all", false, false}}};

void warn_of_reach(Context& context, double q, std::int64_t n, std::int64_t m) {
  if (m == 0) return;
  const double smallest = 1 / static_cast<double>(n + 1);
  const auto needed = static_cast<std::int64_t>(std::ceil(1 / q * (1 - 4e-15))) - 1;
  if (smallest > q * (1 + 4e-15)) {
    context.warn("Nothing can be selected: with " + std::to_string(n) + " labelled rows no p-value is below 1/" + std::to_string(n + 1) + ", above q. At least " + std::to_string(needed) + " labelled rows are needed.");
  } else if (smallest > q / static_cast<double>(m) * (1 + 4e-15)) {
    const auto together = static_cast<std::int64_t>(std::ceil(static_cast<double>(m) / (q * static_cast<double>(n + 1)) * (1 - 4e-15)));
    context.warn("Nothing can be selected unless at least " + std::to_string(together) + " candidates share the smallest p-value 1/" + std::to_string(n + 1) + "; more labelled rows help.");
  }
}

Error refuse(const std::string& what, const std::string& mend, const std::string& parameter) { return Error(ErrorCode::bad_parameter, what, mend).in_parameter(parameter); }

Result<void> check_models(const Params& p) {
  for (const std::string& learner : p.learners)
    if (learner != "ridge" && learner != "logistic" && learner != "trees") return refuse("'" + learner + "' is no learner", "Give ridge, logistic or trees.", "learners");
  for (const double penalty : p.penalties)
    if (!(penalty >= 0) || !std::isfinite(penalty)) return refuse("a penalty is negative", "Give numbers from 0.", "penalties");
  if (p.learners.empty() || p.penalties.empty()) return refuse("no learner or no penalty is given", "Give one, or one a model.", p.learners.empty() ? "learners" : "penalties");
  const std::size_t models = std::max({p.learners.size(), p.penalties.size(), p.subsets.size()});
  for (const std::size_t size : {p.learners.size(), p.penalties.size(), p.subsets.size()})
    if (size > 1 && size != models) return refuse("learners, penalties and subsets describe different numbers of models", "Give one of each, or one a model.", "learners");
  if (p.impute == Impute::one && !leaves_one_out(p)) return refuse("imputing one candidate at a time refits for each, which only ridge does in closed form", "Use --learners ridge, or --impute all.", "impute");
  return {};
}

bool by_e_values(const Params& p) {
  return p.method == Procedure::optcs_msel || p.method == Procedure::weighted_cs || p.method == Procedure::optcs_full_msel || p.rule == Rule::ebh || (refits(p) && (p.impute == Impute::one || !leaves_one_out(p)));
}

std::vector<std::string> assumptions_of(const Params& params) {
  std::vector<std::string> words;
  words.push_back(params.method == Procedure::weighted_cs ? "candidates are drawn like the labelled rows reweighted, and the weights are right" : params.score == Score::outlier ? "candidates that are no outliers are exchangeable with the labelled rows" : "labelled rows and candidates are exchangeable");
  words.push_back(refits(params) ? "models see the rows of both tables only here" : params.method == Procedure::cfbh ? "the predictor has learned from neither table" : "the models have learned from neither table");
  if (params.score != Score::outlier) words.push_back("bars were fixed without looking at the outcomes");
  words.push_back("the selection is made once, on the whole pool");
  if (params.rule == Rule::storey && params.score != Score::outlier) words.push_back("p-values of candidates that miss the bar behave like independent ones");
  return words;
}

std::string promise_of(const Params& params) {
  if (params.rule == Rule::fixed && params.method == Procedure::cfbh)
    return "A candidate " + std::string(params.score == Score::outlier ? "drawn like the labelled rows" : "that misses the bar") + " is selected with a chance of at most " + number_text(params.threshold) + ", over the drawing of both tables. How many of the selected are wrong is not promised.";
  return "Among selected candidates the expected share " + (params.score == Score::outlier ? std::string("that is drawn like the labelled rows") : "whose outcome is not " + std::string(params.direction == Direction::above ? "above" : "below") + " the bar") + " is at most " + number_text(params.q) + " (false discovery rate, " + (params.rule == Rule::storey && params.score != Score::outlier ? "for large tables" : "in finite samples") + ")." + (params.score == Score::outlier ? "" : " An outcome equal to the bar misses it.") + " The expectation is over the drawing of both tables; the share in this very selection may be larger.";
}

}  // namespace

std::span<const std::string_view> choices_of(Procedure) { return procedure_names; }
std::span<const std::string_view> choices_of(Direction) { return direction_names; }
std::span<const std::string_view> choices_of(Score) { return score_names; }
std::span<const std::string_view> choices_of(Rule) { return rule_names; }
std::span<const std::string_view> choices_of(Prune) { return prune_names; }
std::span<const std::string_view> choices_of(TieModel) { return tie_names; }
std::span<const std::string_view> choices_of(Impute) { return impute_names; }

void describe(Fields& f, Params& p) {
  f({"q", "largest expected share of selected candidates that miss the bar (false discovery rate)", between(0, 1)}, p.q);
  f({"c", "the bar that an outcome must exceed, strictly, unless a column of bars is bound"}, p.c);
  f({"direction", "select outcomes above or below the bar"}, p.direction);
  f({"score", "clip: labelled rows beyond the bar never count against a candidate; residual: outcome less prediction; outlier: labelled rows are ordinary, the prediction is strangeness"}, p.score);
  f({"randomized", "break ties of p-values by a uniform draw for each candidate"}, p.randomized);
  f({"method", "cfbh: one model; optcs_msel: the best of several; optcs_full, optcs_full_msel: learn on the same rows; weighted_cs: under covariate shift"}, p.method);
  f({"rule", "cfbh and optcs_full: Benjamini-Hochberg, Storey, e-values, or all p-values up to --threshold"}, p.rule);
  f({"threshold", "of the rule fixed", between(0, 1)}, p.threshold);
  f({"storey_lambda", "p-values above this estimate the share of candidates that miss the bar", between(0, 1)}, p.storey_lambda);
  f({"prune", "e-values: dtm as they are, homo divided by one uniform draw, hete by one each"}, p.prune);
  f({"beta", "e-values: share of the level that the gate uses", {0, 1, true, false, false}}, p.beta);
  f({"xi_seed", "seed of the pruning draws; -1: the run's", at_least(-1)}, p.xi_seed);
  f({"tie_model", "which of equally good models a candidate takes"}, p.tie_model);
  f({"expressions", "further models: predictions computed from columns of both tables, as 'mu / sigma'"}, p.expressions);
  f({"learners", "optcs_full: ridge, logistic or trees, one or one a model"}, p.learners);
  f({"penalties", "L2 penalties, one or one a model", at_least(0)}, p.penalties);
  f({"subsets", "features of each model, words apart; empty: all features"}, p.subsets);
  f({"balance", "optcs_full: let rows beyond and short of the bar weigh the same in learning"}, p.balance);
  f({"impute", "optcs_full: candidates that enter learning, as if they had missed the bar: all at once, or each on its own"}, p.impute);
  f({"folds", "parts for learners that are not left one out in closed form", within(2, 1000)}, p.folds);
  f({"rounds", "of boosting, for trees", within(1, 10000)}, p.rounds);
}

Result<void> check(const Params& p) {
  if (!(p.q > 0 && p.q < 1)) return refuse("'q' must be in (0, 1)", "Give a share such as 0.1.", "q");
  const bool one_model = p.method == Procedure::cfbh || p.method == Procedure::optcs_full;
  if (p.rule != Rule::bh && !one_model) return refuse("this method selects by pruned e-values", "Leave out --rule, or use --method cfbh.", "rule");
  if (p.method == Procedure::optcs_full && (p.rule == Rule::storey || p.rule == Rule::fixed)) return refuse("optcs_full selects by bh or ebh", "Use --rule bh or ebh.", "rule");
  if (refits(p) && p.score != Score::clip) return refuse("models that are learned here are judged by the clip score", "Leave out --score.", "score");
  if (refits(p) && !p.expressions.empty()) return refuse("models that are learned here take features, not expressions", "Leave out --expressions.", "expressions");
  if (p.score == Score::outlier && p.direction == Direction::below) return refuse("an outlier's prediction is its strangeness: large is strange", "Leave out --direction, or negate it by an expression.", "direction");
  return refits(p) ? check_models(p) : Result<void>();
}

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"pool", "candidates with predictions", pool_roles}, in.pool);
  f(PortInfo{"labelled", "rows with predictions and outcomes, exchangeable with the candidates, which the predictor has not learned from", labelled_roles}, in.labelled);
  f(PortInfo{"learned", "the rows that pre-trained models have learned from, to refuse their use here", learned_roles}, in.learned);
}
void describe(Fields& f, Options& o) { f({"keep", "columns of the pool to keep beside the answer"}, o.keep); }
void describe(Fields& f, Outputs& out) {
  f(PortInfo{"rows", "candidates in the order of the pool: p_value and selected; model, size and e_value where models compete"}, out.rows);
  f(PortInfo{"report", "what was selected"}, out.report);
  f({"selected", "candidates selected", at_least(0)}, out.selected);
  f({"candidates", "candidates", at_least(0)}, out.candidates);
  f({"labelled", "labelled rows", at_least(0)}, out.labelled);
  f({"threshold", "largest p-value selected; 0 if none", at_least(0)}, out.threshold);
  f({"seed", "of the pruning draws; 0 if nothing was drawn", at_least(0)}, out.seed);
}
void describe(Fields& f, AssessInputs& in) { f(PortInfo{"data", "candidates whose outcome is known by now", assess_roles}, in.data); }
void describe(Fields& f, AssessParams& p) {
  f({"c", "the bar, unless a column of bars is bound"}, p.c);
  f({"direction", "outcomes above or below the bar were wanted"}, p.direction);
}

Result<Outputs> apply(Context& context, const Params& params, const Inputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(check(params));
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_CHECK(refuse_double_use(context, inputs));
  PLIMSOLL_TRY(const Read read_rows, read(params, inputs));
  Outputs outputs;
  outputs.labelled = inputs.labelled.rows();
  outputs.candidates = inputs.pool.rows();
  if (params.method != Procedure::weighted_cs && params.rule != Rule::fixed) warn_of_reach(context, params.q, outputs.labelled, outputs.candidates);
  PLIMSOLL_TRY(Choice choice, choose(context, params, inputs, read_rows));
  PLIMSOLL_CHECK(context.stop.check());
  outputs.selected = std::count(choice.selected.begin(), choice.selected.end(), true);
  outputs.threshold = choice.threshold;
  if (by_e_values(params) && params.prune != Prune::dtm) outputs.seed = params.xi_seed < 0 ? static_cast<std::int64_t>(context.rng.seed() & 0x7FFFFFFFFFFFFFFFULL) : params.xi_seed;
  outputs.report = report_of(params, outputs, choice);
  PLIMSOLL_TRY(outputs.rows, answer_of(inputs.pool, options, std::move(choice)));
  return outputs;
}

Result<Certificate> certify(const Params& params, const Outputs& outputs) {
  Certificate certificate;
  const bool fixed = params.rule == Rule::fixed && params.method == Procedure::cfbh;
  certificate.template_id = fixed ? "rate.selection" : "fdr.selection";
  certificate.promise = promise_of(params);
  certificate.values = {{"q", params.q}, {"n", static_cast<double>(outputs.labelled)}, {"candidates", static_cast<double>(outputs.candidates)}, {"selected", static_cast<double>(outputs.selected)}, {"threshold", outputs.threshold}};
  certificate.level = 1 - (fixed ? params.threshold : params.q);
  certificate.n = outputs.labelled;
  certificate.exactness = params.rule == Rule::storey && params.score != Score::outlier ? Exactness::asymptotic : Exactness::exact;
  certificate.assumptions = assumptions_of(params);
  certificate.vacuous = outputs.selected == 0;
  if (certificate.vacuous) certificate.remarks.push_back("Nothing was selected, so nothing is promised of anything.");
  if (by_e_values(params) && params.prune != Prune::dtm) certificate.remarks.push_back("The pruning was drawn with seed " + std::to_string(outputs.seed) + ". Drawing again until more is selected breaks the promise; --prune dtm draws nothing.");
  certificate.falsified_by = "plimsoll prove conformal.select";
  return certificate;
}

extern constinit const Method entry = method("conformal.select")
                                          .apply<&apply>(Rows::whole)
                                          .assess<&assess>()
                                          .certify_outputs<&certify>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>();

}  // namespace plimsoll::conformal::select

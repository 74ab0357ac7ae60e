// SPDX-License-Identifier: Apache-2.0
// Batch predictive inference: Y. Lee, E. Tchetgen Tchetgen, E. Dobriban, "Batch predictive inference" (2024, arXiv 2409.13990).
// Sort n calibration scores, S_(0) and S_(n+1) the true bounds of the score. For the i-th smallest of a batch of m let
// r_i = 1 + #{calibration scores below it}; then S_(r_i - 1) <= T_(i) <= S_(r_i), and r is uniform over the non-decreasing m-tuples of
// {1 .. n + 1}. For g symmetric and rising in each score, and any h of ranks fixed beforehand,
//   U = max{g(S_(r_1) .. S_(r_m)) : h(r) <= q},  L = min{g(S_(r_1 - 1) .. S_(r_m - 1)) : h(r) >= q'}
// with q, q' quantiles of h under that law. Departures from the published script: the law of the rank sum is the exact Mann-Whitney
// one (the script draws ranks independently and sorts them, which is not uniform: its q is too small), order statistics never pass
// through binomial coefficients as doubles, and what a finite answer would need is said instead of clamping to S_(n).

#include "methods/conformal/batch/batch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "base/hash.h"
#include "base/number_text.h"
#include "table/bound_column.h"

namespace plimsoll::conformal::batch {
namespace {

constexpr std::array<std::string_view, 12> target_names = {"order_stat", "median", "coverage", "kfwer", "two_order_stats", "mean", "sum", "product", "log_sum_exp", "p_norm", "count_above", "l_statistic"};
constexpr std::array<std::string_view, 6> score_names = {"auto", "given", "raw", "absolute", "signed", "clipped"};
constexpr std::array<std::string_view, 3> side_names = {"two", "upper", "lower"};
constexpr std::array<std::string_view, 3> rank_names = {"rank_sum", "weighted", "exclude_top"};
constexpr std::array<std::string_view, 3> procedure_names = {"rank", "partition", "split"};
constexpr std::array<RoleInfo, 6> fit_roles = {{{"target", "the outcome", false, false},
                                                {"prediction", "predicted outcome", false, false},
                                                {"score", "score of a row, if it is not made of outcome and prediction", false, false},
                                                {"group", "group of a row: each has a calibration of its own", false, false},
                                                {"propensity", "chance of a row like this to belong to the batches' population, in (0, 1): rows are kept by p/(1 - p)", false, false},
                                                {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 3> training_roles = {{{"target", "the outcome", false, false}, {"prediction", "predicted outcome", false, false}, {"score", "score of a row", false, false}}};
constexpr std::array<RoleInfo, 4> apply_roles = {{{"prediction", "predicted outcome", false, false}, {"batch", "which batch a row belongs to; without it the table is one batch", false, false}, {"group", "group of a row", false, false}, {"id", "identity of a row", false, false}}};

Error bad(const std::string& what, const std::string& mend, const std::string& parameter) { return Error(ErrorCode::bad_parameter, what, mend).in_parameter(parameter); }

Result<Columns> columns_of(const Table& table) {
  Columns columns;
  PLIMSOLL_TRY(columns.score, one_column(table, "score"));
  PLIMSOLL_TRY(columns.target, one_column(table, "target"));
  PLIMSOLL_TRY(columns.prediction, one_column(table, "prediction"));
  PLIMSOLL_TRY(columns.group, one_column(table, "group"));
  PLIMSOLL_TRY(columns.batch, one_column(table, "batch"));
  PLIMSOLL_TRY(columns.propensity, one_column(table, "propensity"));
  PLIMSOLL_TRY(columns.id, one_column(table, "id"));
  return columns;
}

Score score_of(const Params& params, const Columns& columns) {
  if (params.score != Score::automatic) return params.score;
  if (!columns.score.empty()) return Score::given;
  if (params.target == Target::kfwer) return Score::clipped;
  if (params.target == Target::coverage) return Score::absolute;
  return columns.prediction.empty() ? Score::raw : Score::signed_residual;
}

Result<std::vector<double>> scores_of(const Table& table, const Params& params, const Columns& columns) {
  const Score score = params.score;
  const auto read = [&](const std::string& name, const char* role) -> Result<Reals> {
    if (name.empty()) return Error(ErrorCode::missing_input, "no column is bound to the role '" + std::string(role) + "'", "Name the column with --" + std::string(role) + " COLUMN.").in_parameter(role);
    return table.reals(name);
  };
  Reals first, second;
  if (score == Score::given) {
    PLIMSOLL_TRY(first, read(columns.score, "score"));
  } else {
    PLIMSOLL_TRY(first, read(columns.target, "target"));
    if (score != Score::raw) {
      PLIMSOLL_TRY(second, read(columns.prediction, "prediction"));
    }
  }
  std::vector<double> scores;
  for (std::size_t i = 0; i < first.size(); ++i) {
    double one = first[i];
    if (score == Score::signed_residual) one = first[i] - second[i];
    if (score == Score::absolute) one = std::fabs(first[i] - second[i]);
    if (score == Score::clipped) one = first[i] <= params.c ? second[i] : 0;
    const std::int64_t row = table.first_row() + static_cast<std::int64_t>(i);
    const std::string& column = score == Score::given ? columns.score : score == Score::clipped ? columns.prediction : columns.target;
    if (score == Score::clipped && second[i] < 0) return Error(ErrorCode::bad_value, "a prediction is negative", "Selection needs predictions of at least 0.").in_column(column).at_row(row);
    if (one < params.score_lower_bound || one > params.score_upper_bound) return Error(ErrorCode::bad_value, "a score lies outside its stated bounds", "State bounds that no score can leave; they are not the sample's range.").in_column(column).at_row(row);
    if (params.target == Target::product && one < 0) return Error(ErrorCode::bad_value, "a factor is negative", "A product is bounded for factors of at least 0.").in_column(column).at_row(row);
    if (params.target == Target::p_norm && one < 0) return Error(ErrorCode::bad_value, "a score is negative", "A norm is bounded for scores of at least 0.").in_column(column).at_row(row);
    scores.push_back(one);
  }
  return scores;
}

// Rows of one population that look like another's: row i stays with chance p/(1 - p), scaled so that none is above 1.
Result<std::vector<char>> kept_rows(Context& context, const Table& table, const Columns& columns) {
  std::vector<char> kept(static_cast<std::size_t>(table.rows()), 1);
  if (columns.propensity.empty()) return kept;
  PLIMSOLL_TRY(const Reals p, table.reals(columns.propensity));
  double most = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (!(p[i] > 0 && p[i] < 1)) return Error(ErrorCode::bad_value, "a propensity lies outside (0, 1)", "Give chances strictly between 0 and 1.").in_column(columns.propensity).at_row(table.first_row() + static_cast<std::int64_t>(i));
    most = std::max(most, p[i] / (1 - p[i]));
  }
  std::vector<std::string> ids;
  if (!columns.id.empty()) {
    PLIMSOLL_TRY(ids, table.texts(columns.id));
  }
  const Stream root = context.rng.child("conformal.batch propensity");
  for (std::size_t i = 0; i < p.size(); ++i) {
    Stream stream = root.child(ids.empty() ? static_cast<std::uint64_t>(table.first_row()) + i : hash64(ids[i]));
    kept[i] = stream.uniform() * most < p[i] / (1 - p[i]);
  }
  return kept;
}

std::string score_bounds_mend() { return "A mean or sum is bounded only by scores that are: state --score-lower-bound and --score-upper-bound, or use --rank-fn exclude_top."; }

}  // namespace

std::span<const std::string_view> choices_of(Target) { return target_names; }
std::span<const std::string_view> choices_of(Score) { return score_names; }
std::span<const std::string_view> choices_of(Side) { return side_names; }
std::span<const std::string_view> choices_of(RankFunction) { return rank_names; }
std::span<const std::string_view> choices_of(Procedure) { return procedure_names; }

Params::Params() : score_lower_bound(-infinity), score_upper_bound(infinity) {}

void describe(Fields& f, Params& p) {
  f({"target", "the function of the batch to be bounded"}, p.target);
  f({"alpha", "chance that the bound fails", between(0, 1)}, p.alpha);
  f({"side", "bounds from both sides (each at alpha/2) or from one; coverage and kfwer have one"}, p.side);
  f({"score", "score of a row; auto: clipped for kfwer, absolute for coverage, else given, signed residual or the outcome itself by the roles"}, p.score);
  f({"zeta", "which order statistic", at_least(1)}, p.zeta);
  f({"zeta2", "the upper one of two order statistics", at_least(1)}, p.zeta2);
  f({"delta", "coverage: share of the batch that may be missed", {0, 1, false, true, false}}, p.delta);
  f({"eta", "kfwer: false picks that are allowed", at_least(0)}, p.eta);
  f({"c", "kfwer: a pick is false if its outcome is at most this"}, p.c);
  f({"level", "count_above: what a score must exceed"}, p.level);
  f({"power", "of p_norm", at_least(1)}, p.power);
  f({"weights", "of l_statistic, smallest score first, one a row of the batch", at_least(0)}, p.weights);
  f({"score_lower_bound", "no score can be below this", any_real()}, p.score_lower_bound);
  f({"score_upper_bound", "no score can be above this", any_real()}, p.score_upper_bound);
  f({"rank_fn", "how tuples of ranks are ordered, for means and the like"}, p.rank_fn);
  f({"procedure", "rank: this method; partition and split: what it is compared with"}, p.procedure);
  f({"most_work", "steps of the dynamic programme above which a sum's safe envelope stands in", above(0)}, p.most_work);
}

Result<void> check(const Params& p) {
  if (p.score_lower_bound >= p.score_upper_bound) return bad("the score's bounds leave no room", "Give a lower bound below the upper one.", "score_lower_bound");
  if (p.target == Target::l_statistic && p.weights.empty()) return bad("an l_statistic needs weights", "Give --weights, one a row of the batch.", "weights");
  if (p.target == Target::two_order_stats && p.zeta2 <= p.zeta) return bad("'zeta2' must be above zeta", "Give two different places, the lower one first.", "zeta2");
  if (p.rank_fn == RankFunction::weighted && !std::isfinite(p.score_upper_bound)) return bad("learned rank weights need an upper bound of the score", "State --score-upper-bound.", "score_upper_bound");
  if (p.target == Target::kfwer && p.score != Score::automatic && p.score != Score::clipped && p.score != Score::given) return bad("kfwer works on clipped predictions", "Leave out --score.", "score");
  if (p.target == Target::coverage && p.score != Score::automatic && p.score != Score::absolute && p.score != Score::given) return bad("coverage works on absolute residuals or given scores", "Leave out --score.", "score");
  if (p.target == Target::product && p.score_lower_bound < 0 && p.side != Side::upper) return bad("a product is bounded from below only for factors of at least 0", "State --score-lower-bound 0, or use --side upper.", "score_lower_bound");
  return {};
}

void describe(Fields& f, Columns& c) {
  f({"score", "score"}, c.score);
  f({"target", "outcome"}, c.target);
  f({"prediction", "prediction"}, c.prediction);
  f({"group", "group"}, c.group);
  f({"batch", "batch"}, c.batch);
  f({"propensity", "propensity"}, c.propensity);
  f({"id", "identity"}, c.id);
}
void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "labelled rows, exchangeable with the batches', that the predictor has not learned from", fit_roles}, in.data);
  f(PortInfo{"training", "independent rows from which weighted ranks are learned", training_roles}, in.training);
}
void describe(Fields& f, Sample& s) {
  f({"group", "name of the group"}, s.group);
  f.tensor({"scores", "sorted"}, s.scores);
}
void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"columns", "columns read"}, m.columns);
  f({"samples", "calibration of each group"}, m.samples);
  f.tensor({"training", "sorted scores of the independent fold"}, m.training);
  f.tensor({"in_order", "scores as they came, for the partition baseline"}, m.in_order);
  f({"left_out", "rows that rejection sampling left out", at_least(0)}, m.left_out);
}
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "new rows, whole batches", apply_roles}, in.data); }
void describe(Fields&, Options&) {}
void describe(Fields& f, Outputs& out) {
  f(PortInfo{"batches", "each batch with its bound, the chance attained, and whether the bound says anything"}, out.batches);
  f(PortInfo{"rows", "each row with its batch; its interval (coverage) or whether it is selected (kfwer)"}, out.rows);
}

Result<void> sound(const Model& model) {
  const auto good = [](const std::vector<double>& sorted) { return std::is_sorted(sorted.begin(), sorted.end()) && std::all_of(sorted.begin(), sorted.end(), [](double s) { return std::isfinite(s); }); };
  bool all = !model.samples.empty() && good(model.training);
  for (const Sample& sample : model.samples) all = all && !sample.scores.empty() && good(sample.scores);
  if (model.params.rank_fn == RankFunction::weighted) all = all && !model.training.empty();
  if (!all) return Error(ErrorCode::corrupt_file, "the scores of the model are missing or not sorted numbers", "Fit the model again.");
  return check(model.params);
}

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(check(params));
  PLIMSOLL_CHECK(context.stop.check());
  Model model;
  model.params = params;
  PLIMSOLL_TRY(model.columns, columns_of(inputs.data));
  model.params.score = score_of(params, model.columns);
  if (model.params.score == Score::clipped) model.params.score_lower_bound = std::max(0.0, params.score_lower_bound);
  if (model.params.score == Score::absolute) model.params.score_lower_bound = std::max(0.0, params.score_lower_bound);
  PLIMSOLL_TRY(const std::vector<double> scores, scores_of(inputs.data, model.params, model.columns));
  PLIMSOLL_TRY(const std::vector<char> kept, kept_rows(context, inputs.data, model.columns));
  Categories groups;
  if (model.columns.group.empty()) groups = {std::vector<std::int32_t>(scores.size(), 0), {""}};
  else {
    PLIMSOLL_TRY(groups, inputs.data.categories(model.columns.group));
  }
  std::map<std::string, std::vector<double>> by_group;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (groups.codes[i] < 0) return Error(ErrorCode::null_value, "the group is missing", "Drop the row.").in_column(model.columns.group).at_row(inputs.data.first_row() + static_cast<std::int64_t>(i));
    if (!kept[i]) ++model.left_out;
    else by_group[groups.names[static_cast<std::size_t>(groups.codes[i])]].push_back(scores[i]);
  }
  if (by_group.empty()) return Error(ErrorCode::too_few_rows, "no calibration row is left", "Give labelled rows.").in_parameter("data");
  if (params.procedure == Procedure::partition) {
    if (by_group.size() > 1) return bad("the partition baseline takes one group", "Leave out --group.", "group");
    model.in_order = by_group.begin()->second;
  }
  for (auto& [group, own] : by_group) {
    std::sort(own.begin(), own.end());
    model.samples.push_back({group, std::move(own)});
  }
  if (params.rank_fn == RankFunction::weighted) {
    if (!inputs.training) return Error(ErrorCode::missing_input, "weighted ranks are learned from independent rows", "Give them: --training FILE.").in_parameter("training");
    PLIMSOLL_TRY(const Columns columns, columns_of(*inputs.training));
    PLIMSOLL_TRY(model.training, scores_of(*inputs.training, model.params, columns));
    if (model.training.empty()) return Error(ErrorCode::too_few_rows, "the training rows are empty", "Give rows with their outcomes.").in_parameter("training");
    std::sort(model.training.begin(), model.training.end());
  }
  if (model.left_out > 0) context.warn(std::to_string(model.left_out) + " calibration rows were left out so that the rest look like the batches' population.");
  return model;
}

Result<Certificate> certify(const Model& model) {
  const Params& params = model.params;
  Certificate certificate;
  certificate.template_id = "batch.bound";
  std::string what = "the bound on the " + std::string(target_names[static_cast<std::size_t>(params.target)]) + " of a batch holds";
  if (params.target == Target::coverage) what = "at least a share " + number_text(1 - params.delta) + " of a batch's outcomes lie in their intervals";
  if (params.target == Target::kfwer) what = "no more than " + std::to_string(params.eta) + " selected rows of a batch have an outcome of at most " + number_text(params.c);
  std::int64_t n = std::numeric_limits<std::int64_t>::max();
  for (const Sample& sample : model.samples) n = std::min(n, static_cast<std::int64_t>(sample.scores.size()));
  certificate.promise = "With probability at least " + number_text(1 - params.alpha) + " over the drawing of the calibration rows and the batch together, " + what + ". Several batches share the calibration: each statement holds alone.";
  certificate.values = {{"alpha", params.alpha}, {"delta", params.delta}, {"n", static_cast<double>(n)}};
  certificate.level = 1 - params.alpha;
  certificate.n = n;
  certificate.assumptions = {"the rows of calibration and batch are exchangeable" + std::string(model.columns.group.empty() ? "" : " within a group"), "the target and its settings were fixed before looking at these rows", "the predictor has learned from none of them"};
  if (model.left_out > 0) certificate.assumptions.push_back("the propensities are the true ones");
  certificate.exactness = Exactness::exact;
  if (params.procedure == Procedure::split) {
    certificate.vacuous = true;
    certificate.remarks.push_back("The quantile of single rows promises nothing of a batch; it stands here for comparison.");
  }
  if (folds(params.target) && params.rank_fn != RankFunction::exclude_top && !(std::isfinite(params.score_lower_bound) && std::isfinite(params.score_upper_bound))) certificate.remarks.push_back("Where the score has no bound, neither has the answer. " + score_bounds_mend());
  certificate.falsified_by = "plimsoll prove conformal.batch";
  return certificate;
}

extern constinit const Method entry = method("conformal.batch")
                                          .fit<&fit>(Law::A)
                                          .apply<&apply>(Rows::whole)
                                          .certify<&certify>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>();

}  // namespace plimsoll::conformal::batch

// SPDX-License-Identifier: Apache-2.0
// Weighted conformal prediction.
// Covariate shift (Tibshirani, Barber, Candes and Ramdas 2019): new rows differ from the calibration's in the law of x alone, with
// density ratio w(x). Then with scores s_1 .. s_n and
//   qhat(x) = inf{t : sum_i w(x_i) 1{s_i <= t} >= (1 - alpha)(sum_i w(x_i) + w(x))}, infinity if no score reaches it,
// P(y in set) >= 1 - alpha. The ratio may be scaled by any number. Drift (Barber, Candes, Ramdas and Tibshirani 2023): weights in
// [0, 1] fixed beforehand, a new row's 1; then P(y in set) >= 1 - alpha - sum_i w_i d_i / (sum_i w_i + 1), d_i the total variation
// between the data and the data with row i and the new one exchanged, at most twice that between their laws.
// Scores are sorted once and weights summed along them: a row costs one binary search.

#include "methods/conformal/weighted/weighted.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/number_text.h"
#include "stats/step_index.h"

namespace plimsoll::conformal::weighted {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::array<std::string_view, 5> weights_names = {"auto", "given", "fixed", "decay", "shift"};
constexpr std::array<std::string_view, 2> learner_names = {"logistic", "trees"};
constexpr RoleInfo weight_role = {"weight", "weight of the row: how much likelier it is among new rows (given), or its trust in [0, 1] (fixed)", false, false};
constexpr RoleInfo feature_role = {"feature", "columns from which the ratio of densities is fitted", false, true};
constexpr auto fit_roles = learn::join_roles(learn::score_fit_roles, std::array<RoleInfo, 3>{weight_role, {"order", "time of the row, for decay: must not fall", false, false}, feature_role});
constexpr auto apply_roles = learn::join_roles(learn::score_apply_roles, std::array<RoleInfo, 1>{weight_role});
constexpr std::array<RoleInfo, 1> learned_roles = {learn::id_role};
constexpr double slack = 4e-15;  // as the rank of conformal.split has

}  // namespace

std::span<const std::string_view> choices_of(Weights) { return weights_names; }
std::span<const std::string_view> choices_of(Learner) { return learner_names; }

void describe(Fields& f, Params& p) {
  f({"alpha", "miscoverage: one level or several", between(0, 1)}, p.alpha);
  f({"weights", "given: the ratio of densities in the role weight, of new rows too; fixed: weights in [0, 1] that do not depend on the data; decay: fixed weights decay^age; shift: the ratio fitted from features and rows of --fresh; auto: shift if --fresh is given, else given if weights are bound, else decay"}, p.weights);
  f({"decay", "decay: factor a row of age", {0, 1, true, false, false}}, p.decay);
  f({"drift", "fixed, decay: total variation by which the law moves from a row to the next; the coverage that this may cost is printed", within(0, 1)}, p.drift);
  f({"learner", "shift: what tells new rows from old ones"}, p.learner);
  f({"l2", "shift, logistic: penalty on the coefficients", at_least(0)}, p.l2);
  f({"rounds", "shift, trees: boosting rounds", within(1, 100000)}, p.rounds);
  f({"clip", "shift: weights above this quantile of the calibration's are cut to it; 1 cuts none", {0, 1, true, false, false}}, p.clip);
  learn::describe_score(f, p);
  f({"allow_empty", "leave empty sets empty; otherwise they get the most probable class"}, p.allow_empty);
  f({"missing", "calibration rows with missing values: refuse them, or drop and count them"}, p.missing);
}

Result<void> check(const Params& p) { return learn::check_levels(p.alpha); }

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "rows with predictions and the truth, which the predictor has not learned from", fit_roles}, in.data);
  f(PortInfo{"fresh", "rows of the population that answers shall be for, without the truth: features are enough", {}}, in.fresh);
  f(PortInfo{"unlabelled", "rows of the calibration's population for fitting the ratio; without them the calibration rows serve", {}}, in.unlabelled);
  f(PortInfo{"learned", "the rows the predictor has learned from: their double use is refused", learned_roles}, in.learned);
}

void describe(Fields& f, Ratio& r) {
  f({"encoder", "how features are read"}, r.encoder);
  f({"logistic", "the classifier"}, r.logistic);
  f({"trees", "the classifier"}, r.trees);
  f({"log_scale", "log of old rows over new rows", any_real()}, r.log_scale);
  f({"most", "weights are cut there", {0, infinity, false, false, true}}, r.most);
  f({"clipped", "calibration rows whose weight was cut", at_least(0)}, r.clipped);
}

void describe(Fields& f, Side& side) {
  f.tensor({"scores", "calibration scores, sorted"}, side.scores);
  f.tensor({"reached", "weight up to and with each score"}, side.reached);
}

void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"plan", "score, columns, classes"}, m.plan);
  f({"weights", "where weights come from"}, m.weights);
  f({"weight_column", "column of the weights"}, m.weight_column);
  f({"ratio", "the fitted ratio"}, m.ratio);
  f({"sides", "scores and weights"}, m.sides);
  f({"n", "calibration rows", at_least(0)}, m.n);
  f({"effective_size", "rows of equal weight that would say as much", at_least(0)}, m.effective_size);
  f({"loss_per_drift", "coverage lost at most for each unit of drift", at_least(0)}, m.loss_per_drift);
  f({"loss", "coverage lost at most at the drift stated", within(0, 1)}, m.loss);
  f({"dropped", "calibration rows left out", at_least(0)}, m.dropped);
  f({"crossed", "crossed quantiles swapped", at_least(0)}, m.crossed);
  f({"off", "rows whose probabilities miss one by more than 1e-6", at_least(0)}, m.off);
  f({"overlap_remark", "what was said of double use"}, m.overlap_remark);
}

Result<void> sound(const Model& m) {
  const Error bad(ErrorCode::corrupt_file, "the model contradicts itself", "The file is damaged: fit again or take it from a backup.");
  if (!check(m.params).ok() || m.plan.score == learn::ConformalScore::automatic || m.weights == Weights::automatic) return bad;
  if (learn::of_classes(m.plan.score) && (m.plan.classes.size() < 2 || m.plan.classes.size() != m.plan.columns.probability.size())) return bad;
  if (m.sides.size() != static_cast<std::size_t>(learn::sides_of(m.plan.score)) || (m.weights == Weights::shift) != m.ratio.has_value()) return bad;
  const auto rising = [](const std::vector<double>& x) { return std::is_sorted(x.begin(), x.end()) && std::none_of(x.begin(), x.end(), [](double v) { return std::isnan(v); }); };
  for (const Side& side : m.sides)
    if (side.scores.empty() || side.scores.size() != side.reached.size() || !rising(side.scores) || !rising(side.reached) || side.reached.front() < 0 || !std::isfinite(side.reached.back())) return bad;
  if (!m.ratio) return {};
  if (m.ratio->logistic.has_value() == m.ratio->trees.has_value()) return bad;
  if (m.ratio->logistic && (m.ratio->logistic->classes != 2 || m.ratio->logistic->width != m.ratio->encoder.linear_width())) return bad;
  return m.ratio->logistic ? learn::check(*m.ratio->logistic) : Result<void>();
}

void describe(Fields& f, Options& o) { f({"keep", "columns of the input to keep beside the answer"}, o.keep); }
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "rows with predictions", apply_roles}, in.data); }
void describe(Fields& f, Outputs& out) { f(PortInfo{"rows", "sets or intervals"}, out.rows); }

double weighted_threshold(const Side& side, double tail, double w) {
  const double wanted = (1 - tail) * (side.reached.back() + w) * (1 - slack);
  if (!std::isfinite(wanted)) return infinity;
  const auto at = std::lower_bound(side.reached.begin(), side.reached.end(), wanted);
  if (at == side.reached.end()) return infinity;
  return side.scores[static_cast<std::size_t>(at - side.reached.begin())];
}

namespace {

// The same for many rows, by an index of the sums where it pays.
std::vector<double> row_thresholds(const Side& side, double tail, std::span<const double> weights) {
  std::vector<double> found(weights.size());
  if (weights.size() < side.scores.size() / 16) {
    for (std::size_t i = 0; i < found.size(); ++i) found[i] = weighted_threshold(side, tail, weights[i]);
    return found;
  }
  const stats::StepIndex index(side.reached);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (i > 0 && weights[i] == weights[i - 1]) {
      found[i] = found[i - 1];
      continue;
    }
    const double wanted = (1 - tail) * (side.reached.back() + weights[i]) * (1 - slack);
    const std::size_t at = std::isfinite(wanted) ? index.below(wanted) : side.scores.size();
    found[i] = at < side.scores.size() ? side.scores[at] : infinity;
  }
  return found;
}

}  // namespace

namespace {

// w(x) of each new row.
Result<std::vector<double>> new_weights(Context& context, const Model& model, const Table& data) {
  if (model.weights == Weights::shift) return ratio_weights(context, *model.ratio, data);
  if (model.weights != Weights::given) return std::vector<double>(static_cast<std::size_t>(data.rows()), 1.0);
  std::string column = model.weight_column;
  PLIMSOLL_CHECK(role_into(data, "weight", column));
  PLIMSOLL_TRY(const Reals weights, data.reals(column, Missing::as_nan));
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (!(weights[i] >= 0)) return Error(std::isnan(weights[i]) ? ErrorCode::null_value : ErrorCode::bad_value, "a weight is missing or negative", "Give the ratio of densities of every row; infinity is allowed and gives the whole space.").in_column(column).at_row(data.first_row() + static_cast<std::int64_t>(i));
  return std::vector<double>(weights.begin(), weights.end());
}

}  // namespace

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const learn::ScoreColumns columns, learn::columns_of(inputs.data, model.plan, model.params, false));
  PLIMSOLL_TRY(const std::vector<double> weights, new_weights(context, model, inputs.data));
  learn::RowThresholds thresholds;
  thresholds.by_row = true;
  std::int64_t whole = 0;
  for (const double alpha : model.params.alpha)
    for (const Side& side : model.sides) {
      PLIMSOLL_CHECK(context.stop.check());
      const std::vector<double>& level = thresholds.levels.emplace_back(row_thresholds(side, alpha / static_cast<double>(model.sides.size()), weights));
      whole += std::count(level.begin(), level.end(), infinity);
    }
  context.tally("{} thresholds of new rows are infinite: the calibration rows weigh too little beside them.", whole);
  const learn::AnswerJob job{model.plan, model.params, columns, model.params.alpha.size(), model.params.allow_empty, {}};
  PLIMSOLL_TRY(Table answer, learn::answer_table(context, inputs.data, job, model.params.alpha, thresholds));
  Outputs outputs;
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.data, columns.id, options.keep, std::move(answer)));
  return outputs;
}

Result<Certificate> certify(const Model& model) {
  PLIMSOLL_CHECK(sound(model));
  const bool fixed = model.weights == Weights::fixed || model.weights == Weights::decay;
  const std::string holds = std::string("the ") + (learn::of_classes(model.plan.score) ? "set holds the true class" : "interval holds the true value") + " with probability at least ";
  std::string levels;
  for (const double alpha : model.params.alpha) levels += (levels.empty() ? "" : ", ") + learn::level_name(alpha);
  Certificate certificate;
  certificate.template_id = fixed ? "coverage.drift" : "coverage.shift";
  certificate.level = std::max(0.0, 1 - model.params.alpha.front() - model.loss);
  certificate.n = model.n;
  certificate.exactness = model.weights == Weights::shift ? Exactness::asymptotic : Exactness::exact;
  if (fixed) {
    certificate.promise = "For a new row, " + holds + levels + " less the weighted drift sum w_i d_i / (sum w_i + 1), d_i the total variation between the data as they are and with row i and the new one exchanged." +
                          (model.params.drift > 0 ? " If the law moves by at most " + number_text(model.params.drift) + " a row, that loss is at most " + number_text(model.loss) + "." : "");
    certificate.assumptions = {"the weights were fixed before looking at the rows", "the predictor has not learned from the calibration rows"};
    if (model.params.drift > 0) certificate.assumptions.push_back("rows are independent and their law moves by at most the drift stated from each to the next");
    certificate.remarks.push_back("Each unit of drift a row costs at most " + number_text(model.loss_per_drift) + " of coverage.");
  } else {
    certificate.promise = "For a new row whose law differs from the calibration's in its features alone, by the ratio of densities that the weights are, " + holds + levels + ".";
    certificate.assumptions = {"given its features, the truth of a new row follows the same law as in the calibration", "the predictor has not learned from the calibration rows",
                               model.weights == Weights::shift ? "the fitted ratio of densities is the true one" : "the weights are the true ratio of densities, up to a factor"};
  }
  certificate.values = {{"n", static_cast<double>(model.n)}, {"effective_size", model.effective_size}, {"loss", model.loss}, {"loss_per_drift", model.loss_per_drift}};
  for (std::size_t a = 0; a < model.params.alpha.size(); ++a) certificate.values[learn::level_column(model.params.alpha, "alpha", a)] = model.params.alpha[a];
  certificate.remarks.push_back("The weights are worth " + number_text(std::floor(model.effective_size * 10) / 10) + " rows of equal weight.");
  if (model.ratio && model.ratio->clipped > 0) certificate.remarks.push_back(std::to_string(model.ratio->clipped) + " calibration weights were cut to " + number_text(model.ratio->most) + ".");
  if (model.dropped > 0) certificate.remarks.push_back(std::to_string(model.dropped) + " calibration rows with missing values were left out: the promise is for rows without missing values.");
  certificate.remarks.push_back(model.overlap_remark.empty() ? "That the predictor has not learned from the calibration rows was not checked: the learning rows were not given (--learned)." : model.overlap_remark);
  const double tail = model.params.alpha.front() / static_cast<double>(model.sides.size());
  certificate.vacuous = weighted_threshold(model.sides.front(), tail, fixed ? 1 : 0) == infinity || model.loss >= 1 - model.params.alpha.front();
  certificate.falsified_by = "plimsoll prove conformal.weighted";
  return certificate;
}

namespace {
bool fit_draws(const Params& p) { return p.randomized; }
bool apply_draws(const Model& m, const Options&) { return m.params.randomized; }
}  // namespace

extern constinit const Method entry = method("conformal.weighted")
                                          .fit<&fit>(Law::B)
                                          .draws_in_fit<&fit_draws>()
                                          .apply<&apply>(Rows::independent)
                                          .draws_in_apply<&apply_draws>()
                                          .certify<&certify>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>();

}  // namespace plimsoll::conformal::weighted

// SPDX-License-Identifier: Apache-2.0
// Online conformal prediction. With s_t the score of the truth, q_t the threshold and err_t = 1{s_t > q_t}:
//   aci    I. Gibbs, E. Candes, "Adaptive conformal inference under distribution shift" (2021): q_t is the window's quantile at
//          1 - alpha_t, alpha_{t+1} = alpha_t + gamma (alpha - err_t); alpha_t <= 0 covers everything, >= 1 nothing. For any stream
//          |mean err - alpha| <= (max(alpha, 1 - alpha) + gamma) / (gamma T).
//   dtaci  I. Gibbs, E. Candes, "Conformal inference for online prediction with arbitrary distribution shifts" (2024): experts of
//          several gammas, exponentially weighted with a memory of `horizon` steps; their mean level, not a drawn one.
//   agaci  M. Zaffran, O. Feron, Y. Goude, J. Josse, A. Dieuleveut, "Adaptive conformal predictions for time series" (2022):
//          thresholds of the experts aggregated by Bernstein online aggregation. Departure: one threshold is aggregated, not the two
//          ends apart, so that any score can be used.
//   pid    A. Angelopoulos, E. Candes, R. Tibshirani, "Conformal PID control for time series prediction" (2023): the threshold
//          itself follows the misses, q += eta (err - alpha) with eta = gamma times the window's largest score, plus a saturated
//          integral of the misses. The scorecaster (a forecast of the scores) is the user's predictor.
//   enbpi  C. Xu, Y. Xie, "Conformal prediction interval for dynamic time-series" (2021): narrowest quantile pair of a window of
//          residuals; the predictor's out-of-bag predictions are the user's.
//   fixed  the window's quantile at alpha, for comparison.
// A window forgets what is old at once, `decay` < 1 by weights decay^age (R. Barber et al. 2023).

#include "methods/conformal/online/online.h"

#include <array>
#include <cmath>

#include "base/number_text.h"
#include "table/bound_column.h"

namespace plimsoll::conformal::online {
namespace {

constexpr std::array<std::string_view, 6> rule_names = {"aci", "dtaci", "agaci", "pid", "enbpi", "fixed"};
constexpr std::array<std::string_view, 4> score_names = {"absolute", "normalised", "cqr", "given"};
constexpr std::array<RoleInfo, 8> roles = {{{"prediction", "predicted value", false, false},
                                            {"sigma", "scale of the prediction, for the normalised score", false, false},
                                            {"lower", "predicted lower quantile, for cqr", false, false},
                                            {"upper", "predicted upper quantile, for cqr", false, false},
                                            {"score", "score of the truth, for given scores", false, false},
                                            {"target", "the truth; empty where it is not known", false, false},
                                            {"order", "time of the row: must not fall", false, false},
                                            {"id", "identity of a row, kept beside the answer", false, false}}};

Result<void> bind(const Table& table, Columns& columns) {
  PLIMSOLL_CHECK(role_into(table, "prediction", columns.prediction));
  PLIMSOLL_CHECK(role_into(table, "sigma", columns.sigma));
  PLIMSOLL_CHECK(role_into(table, "lower", columns.lower));
  PLIMSOLL_CHECK(role_into(table, "upper", columns.upper));
  PLIMSOLL_CHECK(role_into(table, "score", columns.score));
  PLIMSOLL_CHECK(role_into(table, "target", columns.target));
  PLIMSOLL_CHECK(role_into(table, "order", columns.order));
  return role_into(table, "id", columns.id);
}

Result<void> needed(const Params& params, const Columns& columns) {
  const auto missing = [](std::string_view role) { return Error(ErrorCode::missing_input, "no column is bound to the role '" + std::string(role) + "'", "Name the column with --" + std::string(role) + " COLUMN.").in_parameter(std::string(role)); };
  if (params.score == Score::given) return columns.score.empty() ? Result<void>(missing("score")) : Result<void>();
  if (columns.target.empty()) return missing("target");
  if (params.score == Score::cqr) return columns.lower.empty() ? Result<void>(missing("lower")) : columns.upper.empty() ? Result<void>(missing("upper")) : Result<void>();
  if (columns.prediction.empty()) return missing("prediction");
  if (params.score == Score::normalised && columns.sigma.empty()) return missing("sigma");
  return {};
}

// The columns that make events; a missing truth is an event that was not observed.
struct Events {
  Reals prediction, sigma, lower, upper, score, target;
  Event at(std::size_t i) const {
    const auto value = [&](const Reals& column, double otherwise) { return column.size() == 0 ? otherwise : column[i]; };
    Event event{value(prediction, 0), value(sigma, 1), value(lower, 0), value(upper, 0), value(score, 0), value(target, 0), true};
    event.observed = !std::isnan(event.target) && !std::isnan(event.score);
    return event;
  }
};

Result<Events> read_events(const Table& table, const Params& params, const Columns& columns) {
  Events events;
  const auto read = [&](const std::string& name, Missing missing, Reals& out) -> Result<void> {
    if (name.empty()) return {};
    PLIMSOLL_TRY(out, table.reals(name, missing));
    return {};
  };
  if (!columns.order.empty()) {
    PLIMSOLL_TRY(const Reals order, table.reals(columns.order));
    for (std::size_t i = 1; i < order.size(); ++i)
      if (order[i] < order[i - 1]) return Error(ErrorCode::bad_value, "the order falls", "Sort the rows by time.").in_column(columns.order).at_row(table.first_row() + static_cast<std::int64_t>(i));
  }
  if (params.score == Score::given) {
    PLIMSOLL_CHECK(read(columns.score, Missing::as_nan, events.score));
  } else {
    PLIMSOLL_CHECK(read(columns.target, Missing::as_nan, events.target));
    PLIMSOLL_CHECK(read(params.score == Score::cqr ? columns.lower : columns.prediction, Missing::refuse, params.score == Score::cqr ? events.lower : events.prediction));
    if (params.score == Score::cqr) PLIMSOLL_CHECK(read(columns.upper, Missing::refuse, events.upper));
    if (params.score == Score::normalised) PLIMSOLL_CHECK(read(columns.sigma, Missing::refuse, events.sigma));
  }
  const Reals& truth = params.score == Score::given ? events.score : events.target;
  for (std::size_t i = 0; i < truth.size(); ++i)
    if (std::isinf(truth[i])) return Error(ErrorCode::bad_value, "the truth is infinite", "Give a finite value, or none where it is not known.").in_column(params.score == Score::given ? columns.score : columns.target).at_row(table.first_row() + static_cast<std::int64_t>(i));
  for (std::size_t i = 0; i < events.sigma.size(); ++i)
    if (!(events.sigma[i] > 0)) return Error(ErrorCode::bad_value, "the scale of a prediction is not positive", "Give sigma above 0.").in_column(columns.sigma).at_row(table.first_row() + static_cast<std::int64_t>(i));
  return events;
}

Result<Table> answer_of(const Table& data, const Columns& columns, std::vector<Row> rows, bool intervals) {
  std::vector<double> lower, upper, threshold, level;
  std::vector<bool> covered;
  for (const Row& row : rows) {
    lower.push_back(row.lower);
    upper.push_back(row.upper);
    threshold.push_back(row.threshold);
    level.push_back(row.level);
    covered.push_back(row.covered);
  }
  TableBuilder builder;
  if (intervals) builder.real("lower", std::move(lower)).real("upper", std::move(upper));
  builder.real("threshold", std::move(threshold)).real("level", std::move(level)).boolean("covered", std::move(covered));
  PLIMSOLL_TRY(Table answer, builder.build());
  if (columns.id.empty() || !data.has(columns.id)) return answer;
  PLIMSOLL_TRY(const Table kept, data.select({columns.id}));
  return kept.with_roles({}).beside(answer);
}

}  // namespace

std::span<const std::string_view> choices_of(Rule) { return rule_names; }
std::span<const std::string_view> choices_of(Score) { return score_names; }

void describe(Fields& f, Params& p) {
  f({"alpha", "long-run share of misses", between(0, 1)}, p.alpha);
  f({"rule", "how the threshold follows the stream"}, p.rule);
  f({"score", "how badly the truth suits the prediction"}, p.score);
  f({"gamma", "step of aci's level; of pid's threshold, in units of the window's largest score", above(0)}, p.gamma);
  f({"gammas", "steps of the experts of dtaci and agaci", above(0)}, p.gammas);
  f({"horizon", "steps over which dtaci's experts are compared", at_least(1)}, p.horizon);
  f({"integral", "weight of pid's integral term", at_least(0)}, p.integral);
  f({"saturation", "where pid's integral term saturates", above(0)}, p.saturation);
  f({"window", "scores remembered", within(1, 10'000'000)}, p.window);
  f({"decay", "weight of a score relative to the one after it; 1: all alike", {0, 1, true, false, false}}, p.decay);
}

Result<void> check(const Params& p) {
  if ((p.rule == Rule::dtaci || p.rule == Rule::agaci) && p.gammas.size() < 2)
    return Error(ErrorCode::bad_parameter, "the rule needs at least two steps to choose from", "Give --gammas such as 0.001,0.01,0.1.").in_parameter("gammas");
  if (p.rule == Rule::enbpi && p.score != Score::absolute) return Error(ErrorCode::bad_parameter, "enbpi works on residuals", "Leave out --score.").in_parameter("score");
  if (p.rule == Rule::enbpi && p.decay != 1) return Error(ErrorCode::bad_parameter, "enbpi has a window, not a decay", "Leave out --decay.").in_parameter("decay");
  return {};
}

void describe(Fields& f, Columns& c) {
  f({"prediction", "predicted value"}, c.prediction);
  f({"sigma", "scale"}, c.sigma);
  f({"lower", "lower quantile"}, c.lower);
  f({"upper", "upper quantile"}, c.upper);
  f({"score", "score"}, c.score);
  f({"target", "truth"}, c.target);
  f({"order", "time"}, c.order);
  f({"id", "identity"}, c.id);
}
void describe(Fields& f, Inputs& in) { f(PortInfo{"data", "rows in the order of time", roles}, in.data); }
void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"columns", "columns read"}, m.columns);
  f.tensor({"scores", "last scores of the warm-up, oldest first"}, m.scores);
}
void describe(Fields& f, Event& e) {
  f({"prediction", "predicted value"}, e.prediction);
  f({"sigma", "scale of the prediction"}, e.sigma);
  f({"lower", "predicted lower quantile"}, e.lower);
  f({"upper", "predicted upper quantile"}, e.upper);
  f({"score", "score of the truth, if scores are given"}, e.score);
  f({"target", "the truth"}, e.target);
  f({"observed", "whether the truth is known; if not the step only predicts"}, e.observed);
}
void describe(Fields& f, Row& r) {
  f({"lower", "lower end", any_real()}, r.lower);
  f({"upper", "upper end", any_real()}, r.upper);
  f({"threshold", "scores up to here are covered", any_real()}, r.threshold);
  f({"level", "the alpha in use", any_real()}, r.level);
  f({"covered", "whether the truth was inside"}, r.covered);
}
void describe(Fields& f, State& s) {
  f({"started", "whether the warm-up was taken over"}, s.started);
  f({"steps", "events with the truth", at_least(0)}, s.steps);
  f({"misses", "of them missed", at_least(0)}, s.misses);
  f.tensor({"scores", "the window, a ring"}, s.scores);
  f({"head", "where the oldest stands", at_least(0)}, s.head);
  f({"seen", "scores ever taken", at_least(0)}, s.seen);
  f({"level", "alpha of aci"}, s.level);
  f({"levels", "alphas of the experts"}, s.levels);
  f({"weights", "of the experts"}, s.weights);
  f({"regrets", "of the experts"}, s.regrets);
  f({"variances", "of the experts"}, s.variances);
  f({"spans", "of the experts"}, s.spans);
  f({"tracked", "pid's quantile"}, s.tracked);
  f({"excess", "pid's integral"}, s.excess);
}
void describe(Fields&, Options&) {}
void describe(Fields& f, Outputs& out) {
  f(PortInfo{"rows", "interval, threshold, level and whether the truth was inside, row by row"}, out.rows);
  f({"steps", "rows with the truth", at_least(0)}, out.steps);
  f({"misses", "of them missed", at_least(0)}, out.misses);
}

Result<void> sound(const Model& model) {
  for (const double score : model.scores)
    if (!std::isfinite(score)) return Error(ErrorCode::corrupt_file, "a score of the model is not a number", "Fit the model again.");
  if (static_cast<std::int64_t>(model.scores.size()) > model.params.window) return Error(ErrorCode::corrupt_file, "the model has more scores than its window", "Fit the model again.");
  return check(model.params);
}

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(check(params));
  Model model;
  model.params = params;
  PLIMSOLL_CHECK(bind(inputs.data, model.columns));
  PLIMSOLL_CHECK(needed(params, model.columns));
  PLIMSOLL_TRY(const Events events, read_events(inputs.data, params, model.columns));
  // The warm-up runs through the step itself, so that the scores are the step's; its levels are not kept.
  State state;
  for (std::size_t i = 0; i < static_cast<std::size_t>(inputs.data.rows()); ++i) PLIMSOLL_CHECK(step(context, model, state, events.at(i)));
  PLIMSOLL_CHECK(context.stop.check());
  if (state.scores.empty()) return Error(ErrorCode::too_few_rows, "the warm-up has no row with the truth", "Give at least one; as many as the window are best.").in_parameter("data");
  for (std::size_t i = 0; i < state.scores.size(); ++i) model.scores.push_back(state.scores[(static_cast<std::size_t>(state.head) + i) % state.scores.size()]);
  return model;
}

Result<Outputs> apply(Context& context, const Model& model, const Inputs& inputs, const Options&) {
  PLIMSOLL_CHECK(sound(model));
  Columns columns = model.columns;
  PLIMSOLL_CHECK(bind(inputs.data, columns));
  PLIMSOLL_CHECK(needed(model.params, columns));
  PLIMSOLL_TRY(const Events events, read_events(inputs.data, model.params, columns));
  State state;
  std::vector<Row> rows;
  rows.reserve(static_cast<std::size_t>(inputs.data.rows()));
  PLIMSOLL_CHECK(context.stop.check());
  for (std::size_t i = 0; i < static_cast<std::size_t>(inputs.data.rows()); ++i) {
    PLIMSOLL_TRY(const Row row, step(context, model, state, events.at(i)));
    rows.push_back(row);
  }
  Outputs outputs;
  outputs.steps = state.steps;
  outputs.misses = state.misses;
  PLIMSOLL_TRY(outputs.rows, answer_of(inputs.data, columns, std::move(rows), model.params.score != Score::given));
  return outputs;
}

Result<Certificate> certify(const Model& model) {
  const Params& params = model.params;
  Certificate certificate;
  certificate.level = 1 - params.alpha;
  certificate.n = static_cast<std::int64_t>(model.scores.size());
  certificate.values = {{"alpha", params.alpha}, {"gamma", params.gamma}, {"window", static_cast<double>(params.window)}};
  certificate.falsified_by = "plimsoll prove conformal.online";
  if (params.rule == Rule::aci) {
    certificate.template_id = "coverage.longrun";
    certificate.promise = "Over T steps of any stream whatever, the share of misses differs from " + number_text(params.alpha) + " by at most (" + number_text(std::max(params.alpha, 1 - params.alpha)) + " + " + number_text(params.gamma) + ") / (" + number_text(params.gamma) + " T).";
    certificate.assumptions = {"the truth of a step is known before the next", "an interval may be the whole line or empty"};
    certificate.exactness = Exactness::exact;
    return certificate;
  }
  const bool fixed = params.rule == Rule::fixed || params.rule == Rule::enbpi;
  certificate.template_id = "coverage.followed";
  certificate.promise = "The share of misses is steered towards " + number_text(params.alpha) + (fixed ? " as long as the scores are near exchangeable within the window." : "; how fast it comes there depends on the stream.");
  certificate.assumptions = {"the truth of a step is known before the next", fixed ? "scores within the window are near exchangeable" : "the stream changes slowly against the steps"};
  certificate.exactness = Exactness::heuristic;
  return certificate;
}

extern constinit const Method entry = method("conformal.online")
                                          .fit<&fit>(Law::B)
                                          .apply<&apply>(Rows::whole)
                                          .step<&step>()
                                          .certify<&certify>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>();

}  // namespace plimsoll::conformal::online

// SPDX-License-Identifier: Apache-2.0
// Conformal test martingales (V. Vovk, I. Nouretdinov, A. Gammerman, "Testing exchangeability on-line", 2003; V. Vovk, "Testing
// randomness online", Statistical Science 36, 2021). With scores s_1 .. s_t, the reference rows first,
//   p_t = (#{i <= t : s_i > s_t} + U_t #{i <= t : s_i = s_t}) / t
// are independent and uniform if the rows are exchangeable. Capital bets against that:
//   jumper: three bettors 1 + e (p - 1/2), e in {-1, 0, 1}, who share a part `jump` of the capital anew at each step;
//   power:  the mean over e in {0.05, 0.1 .. 0.95} of prod e p^(e - 1);
//   both:   the mean of the two;
//   risk:   scores are losses in [0, 1] and the null is that their conditional mean is at most `level`: prod (1 + v_t (s_t - level))
//           with the bets of Waudby-Smith and Ramdas 2024, so an alarm says that the risk is above the level.
// Each is a nonnegative martingale (risk: supermartingale) from 1, so by Ville's inequality the chance of ever reaching 1 / delta is
// at most delta, however often one looks. Everything is kept as logarithms.

#include "methods/conformal/martingale/martingale.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/number_text.h"
#include "table/bound_column.h"

namespace plimsoll::conformal::martingale {
namespace {

constexpr std::array<std::string_view, 4> bet_names = {"jumper", "power", "both", "risk"};
constexpr std::array<RoleInfo, 3> roles = {{{"score", "strangeness of a row, or its loss", true, false},
                                            {"order", "time of the row: must not fall", false, false},
                                            {"id", "identity of a row, kept beside the answer", false, false}}};
constexpr int exponents = 19;

double log_mean(std::span<const double> logs) {
  const double top = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (const double one : logs) sum += std::exp(one - top);
  return top + std::log(sum / static_cast<double>(logs.size()));
}

void begin(const Model& model, State& state) {
  state.started = true;
  state.sorted = model.scores;
  state.jumper.assign(3, 1.0 / 3);
  state.power_logs.assign(exponents, 0.0);
}

double p_value(State& state, double score, double u) {
  const auto low = std::lower_bound(state.sorted.begin(), state.sorted.end(), score);
  const auto high = std::upper_bound(low, state.sorted.end(), score);
  const auto above = static_cast<double>(state.sorted.end() - high);
  const auto ties = static_cast<double>(high - low + 1);
  state.sorted.insert(high, score);
  return (above + u * ties) / static_cast<double>(state.sorted.size());
}

void bet_jumper(const Params& params, State& state, double p) {
  double total = 0;
  for (int e = -1; e <= 1; ++e) {
    double& share = state.jumper[static_cast<std::size_t>(e + 1)];
    share = ((1 - params.jump) * share + params.jump / 3) * (1 + e * (p - 0.5));
    total += share;
  }
  for (double& share : state.jumper) share /= total;
  state.jumper_log += std::log(total);
}

void bet_power(State& state, double p) {
  const double small = std::log(std::max(p, 1e-300));
  for (int i = 0; i < exponents; ++i) {
    const double e = (i + 1) * 0.05;
    state.power_logs[static_cast<std::size_t>(i)] += std::log(e) + (e - 1) * small;
  }
}

// The bet is fixed before the loss is seen: the mean and spread are those of the losses before.
void bet_risk(const Params& params, State& state, double loss) {
  const auto seen = static_cast<double>(state.steps + 1);
  const double variance = state.risk_spread / seen;
  const double share = std::sqrt(2 * std::log(1 / params.delta) / (variance * seen * std::log(seen + 1)));
  state.risk_log += std::log1p(std::min(0.5 / params.level, share) * (loss - params.level));
  state.risk_sum += loss;
  const double off = loss - state.risk_sum / (seen + 1);
  state.risk_spread += off * off;
}

double log_capital(const Params& params, const State& state) {
  switch (params.bet) {
    case Bet::jumper: return state.jumper_log;
    case Bet::power: return log_mean(state.power_logs);
    case Bet::risk: return state.risk_log;
    case Bet::both: break;
  }
  return log_mean(std::array<double, 2>{state.jumper_log, log_mean(state.power_logs)});
}

Result<Reals> scores_of(const Table& table, const Columns& columns, const Params& params) {
  PLIMSOLL_TRY(Reals scores, table.reals(columns.score));
  if (!columns.order.empty()) {
    PLIMSOLL_TRY(const Reals order, table.reals(columns.order));
    for (std::size_t i = 1; i < order.size(); ++i)
      if (order[i] < order[i - 1]) return Error(ErrorCode::bad_value, "the order falls", "Sort the rows by time.").in_column(columns.order).at_row(table.first_row() + static_cast<std::int64_t>(i));
  }
  for (std::size_t i = 0; params.bet == Bet::risk && i < scores.size(); ++i)
    if (scores[i] < 0 || scores[i] > 1) return Error(ErrorCode::bad_value, "a loss lies outside [0, 1]", "Scale the losses.").in_column(columns.score).at_row(table.first_row() + static_cast<std::int64_t>(i));
  return scores;
}

Result<Columns> bound(const Table& table, Columns columns) {
  PLIMSOLL_CHECK(role_into(table, "score", columns.score));
  PLIMSOLL_CHECK(role_into(table, "order", columns.order));
  PLIMSOLL_CHECK(role_into(table, "id", columns.id));
  if (columns.score.empty()) return Error(ErrorCode::missing_input, "no column is bound to the role 'score'", "Name the column with --score COLUMN.").in_parameter("score");
  return columns;
}

Report report_of(const Params& params, const Outputs& outputs, const std::vector<double>& logs, std::int64_t first_row) {
  Report report;
  report.title = "Have the rows changed?";
  report.facts = {{"method", "conformal.martingale"}, {"bet", std::string(choices_of(params.bet)[static_cast<std::size_t>(params.bet)])}, {"rows", std::to_string(logs.size())}};
  report.figures = {{"largest_log10_capital", outputs.largest / std::log(10)}, {"alarm_row", static_cast<double>(outputs.alarm_row)}};
  report.verdict = outputs.alarm_row < 0 ? "green" : "red";
  const std::string null = params.bet == Bet::risk ? "the expected loss is at most " + number_text(params.level) : "the rows are exchangeable";
  report.text("What was found", outputs.alarm_row < 0 ? "No alarm: the capital never reached " + number_text(1 / params.delta) + ". That is no proof that " + null + "." : "Alarm at row " + std::to_string(outputs.alarm_row) + ": if " + null + ", the chance of ever coming here is at most " + number_text(params.delta) + ".",
              outputs.alarm_row < 0 ? ReportSeverity::note : ReportSeverity::alarm);
  if (logs.empty()) return report;
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "Capital";
  figure.description = "Base-ten logarithm of the capital after each row; the dashed line is the alarm.";
  figure.x_title = "row";
  figure.y_title = "log10 capital";
  figure.has_reference = true;
  figure.reference = -std::log10(params.delta);
  const std::size_t step = 1 + logs.size() / 1900;
  for (std::size_t i = 0; i < logs.size(); i += step) {
    figure.x.push_back(static_cast<double>(first_row) + static_cast<double>(i));
    figure.y.push_back(logs[i] / std::log(10));
  }
  report.figure(std::move(figure));
  return report;
}

}  // namespace

std::span<const std::string_view> choices_of(Bet) { return bet_names; }

void describe(Fields& f, Params& p) {
  f({"bet", "how the capital bets: against exchangeability, or (risk) against a mean loss of at most level"}, p.bet);
  f({"delta", "chance of ever raising a false alarm", between(0, 1)}, p.delta);
  f({"jump", "part of the capital that jumper shares anew at each step", {0, 1, true, false, false}}, p.jump);
  f({"level", "the mean loss that risk tests", between(0, 1)}, p.level);
}
void describe(Fields& f, Columns& c) {
  f({"score", "score"}, c.score);
  f({"order", "time"}, c.order);
  f({"id", "identity"}, c.id);
}
void describe(Fields& f, Inputs& in) { f(PortInfo{"data", "rows in the order of time, with their scores", roles}, in.data); }
void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"columns", "columns read"}, m.columns);
  f.tensor({"scores", "of the reference rows, sorted"}, m.scores);
}
void describe(Fields& f, Event& e) { f({"score", "strangeness of the new row, or its loss"}, e.score); }
void describe(Fields& f, Row& r) {
  f({"p_value", "share of rows at least as strange", within(0, 1)}, r.p_value);
  f({"log_capital", "natural logarithm of the capital"}, r.log_capital);
  f({"alarm", "whether the capital has reached 1 / delta"}, r.alarm);
}
void describe(Fields& f, State& s) {
  f({"started", "whether the reference was taken over"}, s.started);
  f({"steps", "rows tested", at_least(0)}, s.steps);
  f.tensor({"sorted", "all scores so far"}, s.sorted);
  f({"jumper", "shares of the bettors"}, s.jumper);
  f({"jumper_log", "logarithm of jumper's capital"}, s.jumper_log);
  f({"power_logs", "logarithms of power's capitals"}, s.power_logs);
  f({"risk_log", "logarithm of risk's capital"}, s.risk_log);
  f({"risk_sum", "sum of losses"}, s.risk_sum);
  f({"risk_spread", "sum of squares"}, s.risk_spread);
  f({"alarm_at", "step of the alarm, -1 if none", at_least(-1)}, s.alarm_at);
}
void describe(Fields&, Options&) {}
void describe(Fields& f, Outputs& out) {
  f(PortInfo{"rows", "p-value, logarithm of the capital and alarm, row by row"}, out.rows);
  f(PortInfo{"report", "the capital over time"}, out.report);
  f({"alarm_row", "row of the first alarm, -1 if none", at_least(-1)}, out.alarm_row);
  f({"largest", "largest logarithm of the capital"}, out.largest);
}

Result<void> sound(const Model& model) {
  if (!std::is_sorted(model.scores.begin(), model.scores.end()) || std::any_of(model.scores.begin(), model.scores.end(), [](double s) { return !std::isfinite(s); }))
    return Error(ErrorCode::corrupt_file, "the scores of the model are not sorted numbers", "Fit the model again.");
  return {};
}

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(context.stop.check());
  Model model;
  model.params = params;
  PLIMSOLL_TRY(model.columns, bound(inputs.data, {}));
  PLIMSOLL_TRY(const Reals scores, scores_of(inputs.data, model.columns, params));
  if (params.bet != Bet::risk) model.scores.assign(scores.begin(), scores.end());
  std::sort(model.scores.begin(), model.scores.end());
  return model;
}

Result<Row> step(Context& context, const Model& model, State& state, const Event& event) {
  if (state.steps % 1024 == 0) PLIMSOLL_CHECK(context.stop.check());
  const Params& params = model.params;
  if (!state.started) begin(model, state);
  if (!std::isfinite(event.score) || (params.bet == Bet::risk && (event.score < 0 || event.score > 1)))
    return Error(ErrorCode::bad_value, params.bet == Bet::risk ? "a loss lies outside [0, 1]" : "a score is not a number", "Give another value.").in_parameter("score");
  Row row;
  if (params.bet == Bet::risk) {
    bet_risk(params, state, event.score);
  } else {
    Stream coin = context.rng.child("conformal.martingale").child(static_cast<std::uint64_t>(state.steps));
    // 1 - U lies in (0, 1], so that no p-value is 0.
    row.p_value = p_value(state, event.score, 1 - coin.uniform());
    bet_jumper(params, state, row.p_value);
    bet_power(state, row.p_value);
  }
  row.log_capital = log_capital(params, state);
  if (state.alarm_at < 0 && row.log_capital >= -std::log(params.delta)) state.alarm_at = state.steps;
  row.alarm = state.alarm_at >= 0;
  ++state.steps;
  return row;
}

Result<Outputs> apply(Context& context, const Model& model, const Inputs& inputs, const Options&) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const Columns columns, bound(inputs.data, model.columns));
  PLIMSOLL_TRY(const Reals scores, scores_of(inputs.data, columns, model.params));
  PLIMSOLL_CHECK(context.stop.check());
  State state;
  std::vector<double> p, logs;
  std::vector<bool> alarm;
  Outputs outputs;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    PLIMSOLL_TRY(const Row row, step(context, model, state, Event{scores[i]}));
    p.push_back(row.p_value);
    logs.push_back(row.log_capital);
    alarm.push_back(row.alarm);
    outputs.largest = std::max(outputs.largest, row.log_capital);
  }
  if (state.alarm_at >= 0) outputs.alarm_row = inputs.data.first_row() + state.alarm_at;
  outputs.report = report_of(model.params, outputs, logs, inputs.data.first_row());
  TableBuilder builder;
  if (model.params.bet != Bet::risk) builder.real("p_value", std::move(p));
  builder.real("log_capital", std::move(logs)).boolean("alarm", std::move(alarm));
  PLIMSOLL_TRY(outputs.rows, builder.build());
  if (columns.id.empty() || !inputs.data.has(columns.id)) return outputs;
  PLIMSOLL_TRY(const Table kept, inputs.data.select({columns.id}));
  PLIMSOLL_TRY(outputs.rows, kept.with_roles({}).beside(outputs.rows));
  return outputs;
}

Result<Certificate> certify(const Model& model) {
  const Params& params = model.params;
  const bool risk = params.bet == Bet::risk;
  Certificate certificate;
  certificate.template_id = "alarm.anytime";
  certificate.promise = "If " + std::string(risk ? "each loss has a conditional mean of at most " + number_text(params.level) : "the new rows are exchangeable with each other and with the " + std::to_string(model.scores.size()) + " reference rows") + ", the chance of ever raising an alarm is at most " + number_text(params.delta) + ", however often one looks.";
  certificate.values = {{"delta", params.delta}, {"level", params.level}, {"n", static_cast<double>(model.scores.size())}};
  certificate.level = 1 - params.delta;
  certificate.delta = params.delta;
  certificate.n = std::max<std::int64_t>(1, static_cast<std::int64_t>(model.scores.size()));
  certificate.assumptions = {"scores are made without looking at later rows", risk ? "losses lie in [0, 1]" : "the score of a row does not depend on the other tested rows"};
  certificate.exactness = Exactness::exact;
  certificate.falsified_by = "plimsoll prove conformal.martingale";
  return certificate;
}

extern constinit const Method entry = method("conformal.martingale")
                                          .fit<&fit>(Law::A)
                                          .apply<&apply>(Rows::whole)
                                          .step<&step>()
                                          .certify<&certify>()
                                          .prove<&prove>()
                                          .example<&example>();

}  // namespace plimsoll::conformal::martingale

// SPDX-License-Identifier: Apache-2.0
// What forecasts are worth when someone acts on them. Decision curves: Vickers and Elkin, Med. Decis. Making 26 (2006); intervals
// of net benefit and of its differences from row terms; cost curves: Drummond and Holte, Machine Learning 65 (2006), and Brier
// curves, Hernandez-Orallo, Flach and Ferri (2011). With costs f of a false alarm and m of a miss, acting at p >= t = f / (f + m)
// is best for exact forecasts, and net benefit at t is (cost of passing on all - cost) / m a row.
// Departure: the threshold that looks best on these rows is shown with a cost that was measured on other rows than it was chosen on.
#include "methods/score/decision/decision.h"

#include <cmath>

#include "methods/score/decision/parts.h"

namespace plimsoll::score::decision {

void Case::figure(const std::string& name, const stats::Estimate& e) {
  report.figures.emplace_back(name, e.value);
  report.figures.emplace_back(name + "_low", e.interval.lo);
  report.figures.emplace_back(name + "_high", e.interval.hi);
}

void describe(Fields& f, Inputs& in) { f(PortInfo{"data", "forecasts and what happened", learn::forecast_roles}, in.data); }

void describe(Fields& f, Params& p) {
  describe(f, p.reading);
  f({"level", "of intervals and bands", between(0, 1)}, p.level);
  f({"cost_false_positive", "of acting where nothing happens", above(0)}, p.cost_false_positive);
  f({"cost_false_negative", "of passing where the event happens", above(0)}, p.cost_false_negative);
  f({"from", "first threshold of the curves", between(0, 1)}, p.from);
  f({"to", "last threshold of the curves", between(0, 1)}, p.to);
  f({"steps", "thresholds of the curves", within(2, 200)}, p.steps);
  f({"depths", "shares of the rows for gain and lift, those of highest forecast", between(0, 1)}, p.depths);
  f({"lag", "rows apart that may depend on each other in a series (role order); -1: the cube root of the rows", at_least(-1)}, p.lag);
}

Result<void> check(const Params& p) {
  if (!(p.from < p.to)) return Error(ErrorCode::bad_parameter, "the curves end before they begin", "Give from below to.").in_parameter("to");
  return {};
}

Result<Report> assess(Context& context, const Inputs& in, const Params& params) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_TRY(const auto columns, in.data.role_columns("probability"));
  if (columns.size() > 1)
    return Error(ErrorCode::bad_parameter, "a decision curve takes one probability column, got " + std::to_string(columns.size()), "Give the probability of the event to act on.").in_parameter("probability");
  PLIMSOLL_TRY(const learn::ForecastColumns data, learn::read_forecasts(context, in.data, params.reading));
  Report report;
  report.title = "What the forecasts are worth to act on";
  report.subtitle = data.forecasters.front().name;
  report.facts = {{"method", "score.decision"}, {"rows", std::to_string(data.rows())}, {"event", data.classes.back()},
                  {"threshold", learn::short_number(params.threshold())}, {"weights", data.weight.empty() ? "equal" : "by row"}};
  Case c{context, params, data, report, learn::dependence_of(data, params.lag), 0};
  report.facts.emplace_back("rows are", learn::in_words(c.dependence));
  const std::vector<double> y(data.outcome.begin(), data.outcome.end());
  const stats::Influence rate = stats::mean_influence(y, c.weight());
  c.base = rate.value;
  c.figure("rows", static_cast<double>(data.rows()));
  c.figure("event_share", stats::estimate(rate, c.dependence, params.level));
  PLIMSOLL_CHECK(at_the_threshold(c));
  PLIMSOLL_CHECK(decision_curves(c));
  PLIMSOLL_CHECK(best_threshold(c));
  PLIMSOLL_CHECK(cost_curves(c));
  PLIMSOLL_CHECK(gains(c));
  PLIMSOLL_CHECK(groups(c));
  return report;
}

extern constinit const Method entry;
constinit const Method entry = method("score.decision").assess<&assess>().check<&check>().example<&example>().prove<&prove>();

}  // namespace plimsoll::score::decision

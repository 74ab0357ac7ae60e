// SPDX-License-Identifier: Apache-2.0
// Decisions of least expected cost. With p the probability of the positive class, acting costs (1-p) FP and passing costs p FN, so
// acting is cheaper from p = FP / (FP + FN) on. A cost matrix gives a price for each decision and class instead. Chow (1970):
// with a price of abstaining, abstain where it is the cheapest of the three. Ties: act before pass before abstain.

#include "methods/risk/classifier/decide.h"

#include <cmath>

namespace plimsoll::risk::classifier {
namespace {

// Sum of cost x probability without inf * 0.
double expected_cost(std::span<const double> cost, std::span<const double> probability) {
  double total = 0;
  for (std::size_t k = 0; k < probability.size(); ++k)
    if (probability[k] > 0) total += cost[k] * probability[k];
  return total;
}

std::vector<double> standard_costs(const Params& params, std::size_t classes, std::int64_t positive) {
  std::vector<double> cost(3 * classes, 0.0);
  for (std::size_t k = 0; k < classes; ++k) {
    const bool event = static_cast<std::int64_t>(k) == positive;
    cost[k] = event ? 0.0 : params.cost_false_positive;
    cost[classes + k] = event ? params.cost_false_negative : 0.0;
    cost[2 * classes + k] = params.cost_abstain;
  }
  return cost;
}

// The probability at which acting and passing cost the same, others sharing the rest alike; 0.5 when one always wins.
double threshold_of(const std::vector<double>& cost, std::size_t classes, std::int64_t positive) {
  if (positive < 0) return 0.5;
  const auto event = static_cast<std::size_t>(positive);
  double act_else = 0;
  double pass_else = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    if (k == event) continue;
    act_else += cost[k];
    pass_else += cost[classes + k];
  }
  const double others = static_cast<double>(classes - 1);
  const double harm = (act_else - pass_else) / others;     // of acting on a negative
  const double relief = cost[classes + event] - cost[event];  // of acting on a positive
  if (!(harm + relief > 0)) return 0.5;
  const double t = harm / (harm + relief);
  return t < 0 ? 0 : (t > 1 ? 1 : t);
}

}  // namespace

const std::vector<std::string>& decision_names() {
  static const std::vector<std::string> names{"act", "pass", "abstain"};
  return names;
}

void describe(Fields& f, Rule& rule) {
  f.tensor({"cost", "cost of act, pass, abstain for each class", any_real()}, rule.cost);
  f({"abstain", "when a case is left to a person"}, rule.abstain);
  f({"positive", "class that the threshold speaks of, -1 for none", within(-1, 999)}, rule.positive);
  f({"threshold", "probability from which acting is cheaper", within(0, 1)}, rule.threshold);
  f({"zone_low", "lower end of the abstain zone", within(0, 1)}, rule.zone_low);
  f({"zone_high", "upper end of the abstain zone", within(0, 1)}, rule.zone_high);
}

Result<Rule> make_rule(const Params& params, std::int64_t classes, std::int64_t positive) {
  Rule rule;
  const auto k = static_cast<std::size_t>(classes);
  rule.positive = positive;
  rule.cost = standard_costs(params, k, positive);
  if (!params.cost_matrix.empty()) {
    if (params.cost_matrix.size() != 3 * k)
      return Error(ErrorCode::bad_parameter, "the cost matrix has " + std::to_string(params.cost_matrix.size()) + " numbers, " + std::to_string(3 * k) + " are wanted: a row each for act, pass and abstain, with one cost for each of " + std::to_string(k) + " classes in name order",
                   "Give " + std::to_string(3 * k) + " numbers")
          .in_parameter("cost_matrix");
    rule.cost = params.cost_matrix;
  }
  rule.threshold = threshold_of(rule.cost, k, positive);
  rule.abstain = params.abstain;
  const bool priced = !params.cost_matrix.empty() || std::isfinite(params.cost_abstain);
  if (rule.abstain == Abstain::automatic)
    rule.abstain = !params.abstain_zone.empty() ? Abstain::zone : priced ? Abstain::price : Abstain::uncertain;
  if (rule.abstain == Abstain::price && !priced)
    return Error(ErrorCode::bad_parameter, "abstain = price needs a price", "Give cost_abstain or cost_matrix").in_parameter("cost_abstain");
  if (rule.abstain == Abstain::zone && params.abstain_zone.size() != 2)
    return Error(ErrorCode::bad_parameter, "abstain = zone needs a zone", "Give abstain_zone as two probabilities, low,high").in_parameter("abstain_zone");
  if (positive < 0 && (rule.abstain == Abstain::zone || rule.abstain == Abstain::interval || (rule.abstain == Abstain::price && params.cost_matrix.empty())))
    return Error(ErrorCode::bad_parameter, "with several classes and none named positive, that rule has no probability to look at", "Name one with --positive, or give cost_matrix").in_parameter("positive");
  if (params.abstain_zone.size() == 2) {
    rule.zone_low = params.abstain_zone[0];
    rule.zone_high = params.abstain_zone[1];
  }
  return rule;
}

Decision decide(const Rule& rule, const Case& one) {
  const std::size_t k = one.probability.size();
  const std::span<const double> cost(rule.cost);
  // Several classes, none named: acting means to act on the one class that is left.
  if (rule.positive < 0 && rule.abstain != Abstain::price)
    return one.set_size == 1 || rule.abstain == Abstain::never ? Decision::act : Decision::abstain;
  const double act = expected_cost(cost.subspan(0, k), one.probability);
  const double pass = expected_cost(cost.subspan(k, k), one.probability);
  const Decision cheaper = act <= pass ? Decision::act : Decision::pass;
  const bool straddles = one.lower < rule.threshold && rule.threshold <= one.upper;
  const double p = rule.positive < 0 ? 0.0 : one.probability[static_cast<std::size_t>(rule.positive)];
  bool leave = false;
  switch (rule.abstain) {
    case Abstain::automatic:
    case Abstain::uncertain: leave = straddles || one.set_size != 1; break;
    case Abstain::interval: leave = straddles; break;
    case Abstain::set: leave = one.set_size != 1; break;
    case Abstain::price: leave = expected_cost(cost.subspan(2 * k, k), one.probability) < std::min(act, pass); break;
    case Abstain::zone: leave = rule.zone_low <= p && p <= rule.zone_high; break;
    case Abstain::never: break;
  }
  return leave ? Decision::abstain : cheaper;
}

}  // namespace plimsoll::risk::classifier

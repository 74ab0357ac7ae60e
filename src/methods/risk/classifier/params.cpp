// SPDX-License-Identifier: Apache-2.0
#include "methods/risk/classifier/params.h"

#include <array>
#include <cmath>
#include <cstdlib>

namespace plimsoll::risk::classifier {
namespace {

Result<void> check_costs(const Params& p) {
  if (!(p.cost_false_positive + p.cost_false_negative > 0))
    return Error(ErrorCode::bad_parameter, "no error costs anything, so nothing can be decided", "Give cost_false_positive or cost_false_negative above 0").in_parameter("cost_false_positive");
  if (p.cost_matrix.size() % 3 != 0)
    return Error(ErrorCode::bad_parameter, "a cost matrix has three rows (act, pass, abstain) of equal length, " + std::to_string(p.cost_matrix.size()) + " numbers are none",
                 "Give the costs of act for each class in name order, then those of pass, then those of abstain")
        .in_parameter("cost_matrix");
  for (const double cost : p.cost_matrix)
    if (!std::isfinite(cost)) return Error(ErrorCode::bad_parameter, "a cost is not finite", "Give numbers").in_parameter("cost_matrix");
  return {};
}

Result<void> check_zone(const Params& p) {
  const auto& zone = p.abstain_zone;
  if (zone.empty()) return {};
  if (zone.size() != 2 || !(zone[0] >= 0) || !(zone[1] <= 1) || !(zone[0] <= zone[1]))
    return Error(ErrorCode::bad_parameter, "an abstain zone is two probabilities, the lower one first", "Give for example abstain_zone 0.2,0.4").in_parameter("abstain_zone");
  if (p.abstain != Abstain::automatic && p.abstain != Abstain::zone)
    return Error(ErrorCode::bad_parameter, "abstain_zone is given, but abstain is another rule", "Set abstain to zone, or leave the zone out").in_parameter("abstain_zone");
  return {};
}

Result<void> check_maps(const Params& p) {
  if (!p.monotone.empty() && p.learner != Learner::trees)
    return Error(ErrorCode::bad_parameter, "monotone constraints need trees", "Set learner to trees, or leave monotone out").in_parameter("monotone");
  PLIMSOLL_CHECK(learn::check_monotone(p.monotone));
  for (const auto& [name, text] : p.class_weight) {
    char* end = nullptr;
    const double weight = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !(weight > 0) || !std::isfinite(weight))
      return Error(ErrorCode::bad_parameter, "\"" + text + "\" is no weight of class \"" + name + "\"", "Give a number above 0").in_parameter("class_weight." + name);
  }
  if (!p.class_weight.empty() && p.class_weights != ClassWeights::none)
    return Error(ErrorCode::bad_parameter, "class_weight and class_weights = balanced exclude each other", "Give one of them").in_parameter("class_weight");
  return {};
}

}  // namespace

std::span<const std::string_view> choices_of(Learner) {
  static constexpr std::array<std::string_view, 2> names{"trees", "logistic"};
  return names;
}
std::span<const std::string_view> choices_of(ClassWeights) {
  static constexpr std::array<std::string_view, 2> names{"none", "balanced"};
  return names;
}
std::span<const std::string_view> choices_of(SmallSample) {
  static constexpr std::array<std::string_view, 2> names{"error", "infinite"};
  return names;
}
std::span<const std::string_view> choices_of(Abstain) {
  static constexpr std::array<std::string_view, 7> names{"automatic", "uncertain", "interval", "set", "price", "zone", "never"};
  return names;
}

void describe(Fields& f, Logistic& logistic) {
  learn::LogisticOptions& o = logistic.options;
  f({"l2", "ridge on coefficients of standardised columns (scikit-learn's 1/C)", at_least(0)}, o.l2);
  f({"max_iterations", "most Newton steps", within(1, 100000)}, o.max_iterations);
  f({"tolerance", "largest gradient entry, divided by the sum of weights, at which it stops", above(0)}, o.tolerance);
}

void describe(Fields& f, Params& p) {
  f({"learner", "boosted trees (XGBoost) or ridge-penalised logistic regression"}, p.learner);
  f({"calibrator", "map from the learner's log-odds to probabilities; automatic: the simplest within one standard error of the best cross-validated log loss"}, p.calibrator);
  f({"alpha", "miscoverage of the prediction sets", between(0, 1)}, p.alpha);
  f({"score", "class score of the prediction sets"}, p.score);
  f({"score_penalty", "raps, saps: penalty of a rank", at_least(0)}, p.score_penalty);
  f({"score_penalty_free", "raps: ranks without penalty", within(0, 1000)}, p.score_penalty_free);
  f({"label_conditional", "the coverage holds within each class, not only on average"}, p.label_conditional);
  f({"small_n", "too few rows for alpha: refuse, or give sets that hold every class"}, p.small_n);
  f({"positive", "class whose risk is estimated; default: with two classes the second by name, with more none"}, p.positive);
  f({"class_weights", "weights of classes in learning: none, or every class the same"}, p.class_weights);
  f({"class_weight", "weight of a class in learning, by name"}, p.class_weight);
  f({"monotone", "trees: column = +1 (risk rises with it) or -1 (falls)"}, p.monotone);
  f({"cost_false_positive", "cost of acting on a case that turns out negative", at_least(0)}, p.cost_false_positive);
  f({"cost_false_negative", "cost of passing a case that turns out positive", at_least(0)}, p.cost_false_negative);
  f({"cost_abstain", "cost of leaving a case to a person; infinite: has no price", {0, std::numeric_limits<double>::infinity(), false, false, true}}, p.cost_abstain);
  f({"cost_matrix", "costs of act, then pass, then abstain, each for every class in name order; instead of the three costs"}, p.cost_matrix);
  f({"abstain", "when a case is left to a person; automatic: zone if one is given, price if abstaining has one, else uncertain"}, p.abstain);
  f({"abstain_zone", "low,high: probabilities of the positive class that are left to a person"}, p.abstain_zone);
  f({"share_learning", "share of rows to learn from when no calibration table is given", between(0, 1)}, p.share_learning);
  f({"share_probability", "share of rows that calibrate probabilities; the rest calibrates the sets", between(0, 1)}, p.share_probability);
  f({"trees", "options of the boosted trees"}, p.trees);
  f({"logistic", "options of the logistic regression"}, p.logistic);
  f({"diagnostics", "judge the model on rows it did not learn from, which is what its own report draws; false saves the time"}, p.diagnostics);
}

Result<void> check(const Params& p) {
  if (!(p.share_learning + p.share_probability < 1))
    return Error(ErrorCode::bad_parameter, "share_learning and share_probability leave no rows for the prediction sets", "Let them sum to less than 1").in_parameter("share_probability");
  PLIMSOLL_CHECK(check_costs(p));
  PLIMSOLL_CHECK(check_zone(p));
  return check_maps(p);
}

}  // namespace plimsoll::risk::classifier

// SPDX-License-Identifier: Apache-2.0
// What a fitted map is, how it is checked and applied; map_fits.cpp learns one, calibration_choice.cpp chooses.
#include "learn/calibrator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/fields.h"
#include "learn/calibration_choice.h"
#include "learn/logistic.h"
#include "stats/score_pools.h"
#include "stats/step_index.h"

namespace plimsoll::learn {
namespace {

constexpr std::array<std::string_view, 10> names = {"identity", "temperature", "platt", "beta", "isotonic", "venn_abers", "bias_temperature", "histogram", "bbq", "auto"};
constexpr std::array<std::string_view, 3> interpolation_names = {"centres", "edges", "step"};
constexpr std::array<std::string_view, 2> merge_names = {"log", "brier"};
constexpr double largest_log_odds = 36.7;

struct Mass {
  double negative = 0;
  double positive = 0;
};

Result<void> check_rows(std::span<const double> scores, std::span<const std::int32_t> outcomes, std::span<const double> weights) {
  if (scores.size() != outcomes.size() || (!weights.empty() && weights.size() != scores.size())) {
    return Error(ErrorCode::internal, "scores, outcomes and weights differ in number", "");
  }
  Mass mass;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double weight = weights.empty() ? 1.0 : weights[i];
    const bool binary = outcomes[i] == 0 || outcomes[i] == 1;
    if (!std::isfinite(scores[i]) || !binary || !(weight >= 0) || !std::isfinite(weight)) {
      return Error(ErrorCode::bad_value, "a score is not finite, an outcome not 0 or 1, or a weight negative",
                   "Calibrate on finite log-odds with 0/1 outcomes.").at_row(static_cast<std::int64_t>(i));
    }
    (outcomes[i] == 1 ? mass.positive : mass.negative) += weight;
  }
  if (!(mass.positive > 0) || !(mass.negative > 0)) {
    return Error(scores.empty() ? ErrorCode::too_few_rows : ErrorCode::one_class,
                 "the rows for calibration do not hold both outcomes",
                 "Give more rows for calibration, with cases of each outcome.");
  }
  return {};
}

// `above`: number of knots that are at most the score.
double interpolate(const Calibrator& map, double score, std::size_t above) {
  if (above == 0) return map.values.front();
  if (map.stepped || above == map.knots.size()) return map.values[above - 1];
  const double share = (score - map.knots[above - 1]) / (map.knots[above] - map.knots[above - 1]);
  return std::clamp(map.values[above - 1] + share * (map.values[above] - map.values[above - 1]), map.values[above - 1], map.values[above]);
}

double interpolate(const Calibrator& map, double score) {
  const auto above = std::upper_bound(map.knots.begin(), map.knots.end(), score);
  return interpolate(map, score, static_cast<std::size_t>(above - map.knots.begin()));
}

Error damaged(const std::string& what) {
  return Error(ErrorCode::corrupt_file, "the calibration map is damaged: " + what, "Fit the model again.");
}

void describe_steps(Fields& f, stats::VennAbers& steps) {
  f.tensor({"edges_0", "where the lower probability steps"}, steps.edges_0);
  f.tensor({"values_0", "lower probability between the steps"}, steps.values_0);
  f.tensor({"edges_1", "where the upper probability steps"}, steps.edges_1);
  f.tensor({"values_1", "upper probability between the steps"}, steps.values_1);
}

}  // namespace

std::span<const std::string_view> choices_of(Interpolation) { return interpolation_names; }
std::span<const std::string_view> choices_of(Merge) { return merge_names; }
std::span<const std::string_view> choices_of(Calibration) { return names; }

double log_odds(double probability) {
  const double raw = std::log(probability) - std::log1p(-probability);
  return std::clamp(raw, -largest_log_odds, largest_log_odds);
}

namespace {

// Described apart, so that it can be missing.
struct MapForm {
  bool stepped = false;
  Merge merge = Merge::log;
  bool probabilities = false;
};
void describe(Fields& f, MapForm& form) {
  f({"stepped", "values hold from knot to knot"}, form.stepped);
  f({"merge", "how a Venn-Abers pair becomes one probability"}, form.merge);
  f({"probabilities", "the map reads probabilities, not log-odds"}, form.probabilities);
}

}  // namespace

void describe(Fields& f, Calibrator& calibrator) {
  f({"method", "kind of map"}, calibrator.method);
  f({"rows", "rows it was learned from", at_least(0)}, calibrator.rows);
  f({"low_score", "smallest log-odds met"}, calibrator.low_score);
  f({"high_score", "largest log-odds met"}, calibrator.high_score);
  f({"slope", "factor of the log-odds, or of ln p"}, calibrator.slope);
  f({"second", "factor of -ln(1 - p)"}, calibrator.second);
  f({"intercept", "log-odds added"}, calibrator.intercept);
  f({"slope_error", "standard error", at_least(0)}, calibrator.slope_error);
  f({"second_error", "standard error", at_least(0)}, calibrator.second_error);
  f({"intercept_error", "standard error", at_least(0)}, calibrator.intercept_error);
  f.tensor({"knots", "log-odds of the centres of blocks"}, calibrator.knots);
  f.tensor({"values", "probability at each centre"}, calibrator.values);
  describe_steps(f, calibrator.steps);
  // Artifacts of 0.1.0 may lack it: then the map is one of log-odds, without steps.
  std::optional<MapForm> form = MapForm{calibrator.stepped, calibrator.merge, calibrator.probabilities};
  f({"form", "what the map reads, and how it runs between its knots"}, form);
  if (form) {
    calibrator.stepped = form->stepped;
    calibrator.merge = form->merge;
    calibrator.probabilities = form->probabilities;
  }
  f({"tried", "maps compared by cross-validation"}, calibrator.tried);
  f({"tried_loss", "mean log loss of each"}, calibrator.tried_loss);
  f({"tried_error", "standard error of its distance to the best"}, calibrator.tried_error);
}

Result<void> check(const Calibrator& calibrator) {
  const auto finite = [](double x) { return std::isfinite(x); };
  for (const double x : {calibrator.slope, calibrator.second, calibrator.intercept}) {
    if (!finite(x)) return damaged("a coefficient is not a number");
  }
  if (calibrator.method == Calibration::automatic) return damaged("it was never fitted");
  if (calibrator.method == Calibration::venn_abers) {
    if (auto steps = calibrator.steps.check(); !steps.ok()) return damaged(steps.error().what);
  }
  const bool rises = calibrator.method == Calibration::isotonic;
  if (!rises && calibrator.method != Calibration::histogram && calibrator.method != Calibration::bbq) return {};
  if (calibrator.knots.empty() || calibrator.knots.size() != calibrator.values.size()) return damaged("knots and values differ in number");
  for (std::size_t i = 0; i < calibrator.knots.size(); ++i) {
    const double p = calibrator.values[i];
    if (!finite(calibrator.knots[i]) || !(p >= 0 && p <= 1)) return damaged("a knot is out of range");
    if (i > 0 && !(calibrator.knots[i - 1] < calibrator.knots[i] && (!rises || calibrator.values[i - 1] <= p))) return damaged("knots do not rise");
  }
  return {};
}

double Calibrator::apply(double score) const {
  if (probabilities && reads_log_odds(method)) {
    if (method == Calibration::identity) return score;
    score = log_odds(score);
  }
  switch (method) {
    case Calibration::identity: return sigmoid(score);
    case Calibration::temperature: return sigmoid(slope * score);
    case Calibration::platt:
    case Calibration::bias_temperature: return sigmoid(slope * score + intercept);
    case Calibration::beta: return sigmoid(intercept - slope * log1p_exp(-score) + second * log1p_exp(score));
    case Calibration::isotonic:
    case Calibration::histogram:
    case Calibration::bbq: return interpolate(*this, score);
    default: return merge == Merge::log ? stats::merge_log_loss(steps.at(score)) : stats::merge_brier(steps.at(score));
  }
}

void Calibrator::apply(std::span<const double> scores, std::span<double> out) const {
  if (reads_log_odds(method)) {
    for (std::size_t i = 0; i < scores.size(); ++i) out[i] = apply(scores[i]);
    return;
  }
  if (method == Calibration::venn_abers) {
    const stats::StepIndex zero(steps.edges_0), one(steps.edges_1);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const ProbabilityPair both = std::isnan(scores[i]) ? ProbabilityPair{0, 1} : ProbabilityPair{steps.values_0[zero.at_most(scores[i])], steps.values_1[one.below(scores[i])]};
      out[i] = merge == Merge::log ? stats::merge_log_loss(both) : stats::merge_brier(both);
    }
    return;
  }
  const stats::StepIndex index(knots);
  for (std::size_t i = 0; i < scores.size(); ++i) out[i] = interpolate(*this, scores[i], index.at_most(scores[i]));
}

ProbabilityPair Calibrator::pair(double score) const {
  if (method == Calibration::venn_abers) return steps.at(score);
  const double p = apply(score);
  return {p, p};
}

void Calibrator::pairs(std::span<const double> scores, std::span<double> p0, std::span<double> p1) const {
  if (method != Calibration::venn_abers) {
    apply(scores, p0);
    std::copy(p0.begin(), p0.end(), p1.begin());
    return;
  }
  const stats::StepIndex zero(steps.edges_0), one(steps.edges_1);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const bool known = !std::isnan(scores[i]);
    p0[i] = known ? steps.values_0[zero.at_most(scores[i])] : 0;
    p1[i] = known ? steps.values_1[one.below(scores[i])] : 1;
  }
}

Result<Calibrator> fit_one(Calibration method, std::span<const double> scores, std::span<const std::int32_t> outcomes,
                           std::span<const double> weights) {
  PLIMSOLL_CHECK(check_rows(scores, outcomes, weights));
  const std::vector<double> y(outcomes.begin(), outcomes.end());
  PLIMSOLL_TRY(Calibrator out, fit_map(method, stats::pool_ties(scores, y, weights, stats::order_by(scores)), {}));
  out.rows = static_cast<std::int64_t>(scores.size());
  return out;
}

Result<Calibrator> fit_calibrator(Context& context, Calibration method, std::span<const double> scores,
                                  std::span<const std::int32_t> outcomes, std::span<const double> weights) {
  CalibrationChoice choice;
  if (method == Calibration::automatic) {
    PLIMSOLL_CHECK(check_rows(scores, outcomes, weights));
    PLIMSOLL_TRY(choice, choose_calibration(context, scores, outcomes, weights));
    method = choice.method;
  }
  PLIMSOLL_TRY(Calibrator fitted, fit_one(method, scores, outcomes, weights));
  fitted.tried = std::move(choice.tried);
  fitted.tried_loss = std::move(choice.loss);
  fitted.tried_error = std::move(choice.error);
  if (ranks_backwards(fitted) && context.warn) {
    context.warn("on the rows for calibration a higher score goes with fewer positive outcomes (slope " +
                 std::to_string(fitted.slope) + "): the model ranks no better than chance, or classes are swapped");
  }
  return fitted;
}

}  // namespace plimsoll::learn

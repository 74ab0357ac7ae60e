// SPDX-License-Identifier: Apache-2.0
// Platt 1999 with the smoothed targets (n1 + 1) / (n1 + 2) and 1 / (n0 + 2); Kull, Silva Filho and Flach 2017 (beta);
// Zadrozny and Elkan 2002 (isotonic); Vovk and Petej 2014 (Venn-Abers). Departures: beta carries a ridge of 1e-6 on its
// slopes, so that separable rows give finite ones; isotonic joins block centres by lines and gives its two end blocks half
// an outcome of each kind ((sum + 1/2) / (weight + 1)), so that no probability is 0 or 1 and logs stay finite.
#include "learn/calibrator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "engine/fields.h"
#include "learn/calibration_choice.h"
#include "learn/logistic.h"
#include "stats/pav.h"

namespace plimsoll::learn {
namespace {

constexpr std::array<std::string_view, 7> names = {"identity", "temperature", "platt", "beta", "isotonic", "venn_abers", "auto"};
constexpr double largest_log_odds = 36.7;
constexpr double least_slope = 1e-3;
constexpr double beta_ridge = 1e-6;

struct Mass {
  double negative = 0;
  double positive = 0;
};

Result<Mass> check_rows(std::span<const double> scores, std::span<const std::int32_t> outcomes, std::span<const double> weights) {
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
  return mass;
}

double error_of(const SmallLogistic& fit, std::size_t which) { return std::sqrt(std::max(0.0, fit.covariance[4 * which])); }

void fit_temperature(std::span<const double> scores, std::span<const std::int32_t> outcomes, std::span<const double> weights,
                     Calibrator& out) {
  const std::vector<double> targets(outcomes.begin(), outcomes.end());
  const std::array<std::span<const double>, 1> features = {scores};
  SmallLogisticOptions options;
  options.intercept = false;
  options.l2 = beta_ridge;
  const SmallLogistic fit = fit_small_logistic(features, targets, weights, options);
  out.slope = std::max(fit.beta[0], least_slope);
  out.slope_error = error_of(fit, 0);
}

void fit_platt(std::span<const double> scores, std::span<const std::int32_t> outcomes, std::span<const double> weights,
               const Mass& mass, Calibrator& out) {
  const double high = (mass.positive + 1) / (mass.positive + 2);
  const double low = 1 / (mass.negative + 2);
  std::vector<double> targets(outcomes.size());
  for (std::size_t i = 0; i < targets.size(); ++i) targets[i] = outcomes[i] == 1 ? high : low;
  const std::array<std::span<const double>, 1> features = {scores};
  const SmallLogistic fit = fit_small_logistic(features, targets, weights, {});
  out.slope = fit.beta[0];
  out.intercept = fit.beta[2];
  out.slope_error = error_of(fit, 0);
  out.intercept_error = error_of(fit, 2);
}

void fit_beta(std::span<const double> scores, std::span<const std::int32_t> outcomes, std::span<const double> weights,
              const Mass& mass, Calibrator& out) {
  const std::vector<double> targets(outcomes.begin(), outcomes.end());
  std::vector<double> log_p(scores.size());
  std::vector<double> minus_log_q(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    log_p[i] = -log1p_exp(-scores[i]);
    minus_log_q[i] = log1p_exp(scores[i]);
  }
  SmallLogisticOptions options;
  options.l2 = beta_ridge;
  const std::array<std::span<const double>, 2> both = {log_p, minus_log_q};
  SmallLogistic fit = fit_small_logistic(both, targets, weights, options);
  const bool keep_first = fit.beta[0] >= 0;
  const bool keep_second = fit.beta[1] >= 0;
  out.slope = fit.beta[0];
  out.second = fit.beta[1];
  out.slope_error = error_of(fit, 0);
  out.second_error = error_of(fit, 1);
  if (!keep_first || !keep_second) {
    const bool second = fit.beta[1] >= fit.beta[0];
    const std::array<std::span<const double>, 1> one = {second ? std::span<const double>(minus_log_q) : std::span<const double>(log_p)};
    fit = fit_small_logistic(one, targets, weights, options);
    out.slope = second ? 0 : fit.beta[0];
    out.second = second ? fit.beta[0] : 0;
    out.slope_error = second ? 0 : error_of(fit, 0);
    out.second_error = second ? error_of(fit, 0) : 0;
  }
  out.intercept = fit.beta[2];
  out.intercept_error = error_of(fit, 2);
  if (out.slope >= 0 && out.second >= 0) return;
  // Scores that rank backwards: nothing rising fits better than the share of positives.
  out.slope = 0;
  out.second = 0;
  out.slope_error = 0;
  out.second_error = 0;
  out.intercept = std::log(mass.positive / mass.negative);
  out.intercept_error = std::sqrt(1 / mass.positive + 1 / mass.negative);
}

void fit_isotonic(std::span<const double> scores, std::span<const std::int32_t> outcomes, std::span<const double> weights,
                  Calibrator& out) {
  const std::vector<double> targets(outcomes.begin(), outcomes.end());
  const std::vector<std::uint32_t> order = stats::order_by(scores);
  std::vector<stats::Pool> pools = stats::pool_ties(scores, targets, weights, order);
  std::erase_if(pools, [](const stats::Pool& pool) { return !(pool.weight > 0); });
  const std::vector<stats::PavBlock> blocks = stats::pav(pools);
  for (const stats::PavBlock& block : blocks) {
    double moment = 0;
    for (std::size_t i = block.begin; i < block.end; ++i) moment += pools[i].weight * pools[i].x;
    const double centre = std::clamp(moment / block.weight, pools[block.begin].x, pools[block.end - 1].x);
    out.knots.push_back(centre);
    out.values.push_back(block.mean());
  }
  const auto smoothed = [](const stats::PavBlock& block) { return (block.sum + 0.5) / (block.weight + 1); };
  const double second = blocks.size() > 1 ? blocks[1].mean() : 1.0;
  const double last_but_one = blocks.size() > 1 ? blocks[blocks.size() - 2].mean() : 0.0;
  out.values.back() = std::max(smoothed(blocks.back()), last_but_one);
  out.values.front() = std::min(smoothed(blocks.front()), blocks.size() == 2 ? out.values.back() : second);
}

double interpolate(const Calibrator& map, double score) {
  const auto above = std::upper_bound(map.knots.begin(), map.knots.end(), score);
  if (above == map.knots.begin()) return map.values.front();
  if (above == map.knots.end()) return map.values.back();
  const auto i = static_cast<std::size_t>(above - map.knots.begin());
  const double share = (score - map.knots[i - 1]) / (map.knots[i] - map.knots[i - 1]);
  return std::clamp(map.values[i - 1] + share * (map.values[i] - map.values[i - 1]), map.values[i - 1], map.values[i]);
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

std::span<const std::string_view> choices_of(Calibration) { return names; }

double log_odds(double probability) {
  const double raw = std::log(probability) - std::log1p(-probability);
  return std::clamp(raw, -largest_log_odds, largest_log_odds);
}

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
  if (calibrator.method != Calibration::isotonic) return {};
  if (calibrator.knots.empty() || calibrator.knots.size() != calibrator.values.size()) return damaged("knots and values differ in number");
  for (std::size_t i = 0; i < calibrator.knots.size(); ++i) {
    const double p = calibrator.values[i];
    if (!finite(calibrator.knots[i]) || !(p >= 0 && p <= 1)) return damaged("a knot is out of range");
    if (i > 0 && !(calibrator.knots[i - 1] < calibrator.knots[i] && calibrator.values[i - 1] <= p)) return damaged("knots do not rise");
  }
  return {};
}

double Calibrator::apply(double score) const {
  switch (method) {
    case Calibration::identity: return sigmoid(score);
    case Calibration::temperature: return sigmoid(slope * score);
    case Calibration::platt: return sigmoid(slope * score + intercept);
    case Calibration::beta: return sigmoid(intercept - slope * log1p_exp(-score) + second * log1p_exp(score));
    case Calibration::isotonic: return interpolate(*this, score);
    default: return stats::merge_log_loss(steps.at(score));
  }
}

void Calibrator::apply(std::span<const double> scores, std::span<double> out) const {
  for (std::size_t i = 0; i < scores.size(); ++i) out[i] = apply(scores[i]);
}

ProbabilityPair Calibrator::pair(double score) const {
  if (method == Calibration::venn_abers) return steps.at(score);
  const double p = apply(score);
  return {p, p};
}

void Calibrator::pairs(std::span<const double> scores, std::span<double> p0, std::span<double> p1) const {
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const ProbabilityPair one = pair(scores[i]);
    p0[i] = one.p0;
    p1[i] = one.p1;
  }
}

Result<Calibrator> fit_one(Calibration method, std::span<const double> scores, std::span<const std::int32_t> outcomes,
                           std::span<const double> weights) {
  PLIMSOLL_TRY(const Mass mass, check_rows(scores, outcomes, weights));
  Calibrator out;
  out.method = method;
  out.rows = static_cast<std::int64_t>(scores.size());
  const auto [low, high] = std::minmax_element(scores.begin(), scores.end());
  out.low_score = *low;
  out.high_score = *high;
  switch (method) {
    case Calibration::temperature: fit_temperature(scores, outcomes, weights, out); break;
    case Calibration::platt: fit_platt(scores, outcomes, weights, mass, out); break;
    case Calibration::beta: fit_beta(scores, outcomes, weights, mass, out); break;
    case Calibration::isotonic: fit_isotonic(scores, outcomes, weights, out); break;
    case Calibration::venn_abers: {
      PLIMSOLL_TRY(out.steps, stats::fit_venn_abers(scores, outcomes, weights));
      break;
    }
    default: break;
  }
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
  const bool backwards = (method == Calibration::platt && fitted.slope <= 0) ||
                         (method == Calibration::temperature && fitted.slope <= least_slope) ||
                         (method == Calibration::beta && fitted.slope <= 0 && fitted.second <= 0);
  if (backwards && context.warn) {
    context.warn("on the rows for calibration a higher score goes with fewer positive outcomes (slope " +
                 std::to_string(fitted.slope) + "): the model ranks no better than chance, or classes are swapped");
  }
  return fitted;
}

}  // namespace plimsoll::learn

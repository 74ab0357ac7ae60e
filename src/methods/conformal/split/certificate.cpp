// SPDX-License-Identifier: Apache-2.0
// What split conformal prediction promises: marginal coverage in finite samples, and how the coverage of this very calibration is
// spread: Beta(k, n + 1 - k).

#include <algorithm>
#include <cmath>

#include "methods/conformal/split/split.h"
#include "stats/distributions.h"

namespace plimsoll::conformal::split {
namespace {

std::string short_text(double value) {
  std::string text = level_name(1 - value);  // twelve digits
  return text;
}

std::string promise_of(const Model& model) {
  const bool classes = of_classes(model.plan.score);
  const std::string answer = classes ? "set" : "interval";
  std::string words = "For a new row that is exchangeable with the " + std::to_string(model.n) + " calibration rows, the " + answer + " holds the true " + (classes ? "class" : "value") + " with probability at least ";
  for (std::size_t a = 0; a < model.params.alpha.size(); ++a) {
    if (a > 0) words += a + 1 == model.params.alpha.size() ? " and " : ", ";
    words += level_name(model.params.alpha[a]);
    if (model.params.alpha.size() > 1) words += " (" + answer + " of level " + level_name(model.params.alpha[a]) + ")";
  }
  return words + ". The probability is over the drawing of the calibration rows and the new row together, not for each row or group.";
}

void add_level(const Model& model, std::size_t a, Certificate& certificate) {
  const auto sides = static_cast<std::size_t>(sides_of(model.plan.score));
  const std::string suffix = model.params.alpha.size() > 1 ? "." + level_name(model.params.alpha[a]) : "";
  const std::int64_t k = model.ranks[a * sides];
  auto& values = certificate.values;
  values["alpha" + suffix] = model.params.alpha[a];
  values["rank" + suffix] = static_cast<double>(k);
  if (k > model.n) {
    values["attained" + suffix] = 1;
    const std::int64_t needed = learn::conformal_rows_needed(tail_of(model.params, model.plan.score, a));
    values["rows_needed" + suffix] = static_cast<double>(needed);
    certificate.remarks.push_back("At level " + level_name(model.params.alpha[a]) + " the answer is the whole space: " + std::to_string(model.n) + " rows are too few, " + std::to_string(needed) + " are needed.");
    return;
  }
  const auto n = static_cast<double>(model.n);
  const double attained = sides == 1 ? static_cast<double>(k) / (n + 1) : 1 - 2 * (1 - static_cast<double>(k) / (n + 1));
  values["attained" + suffix] = attained;
  if (sides == 2) return;
  const double a_shape = static_cast<double>(k);
  const double b_shape = n + 1 - a_shape;
  const double low = stats::beta_quantile(0.01, a_shape, b_shape);
  values["coverage_quantile_0.01" + suffix] = low;
  values["coverage_quantile_0.1" + suffix] = stats::beta_quantile(0.1, a_shape, b_shape);
  values["coverage_quantile_0.5" + suffix] = stats::beta_quantile(0.5, a_shape, b_shape);
  certificate.remarks.push_back("Given these calibration rows, the coverage at level " + level_name(model.params.alpha[a]) + " is with 99 % confidence at least " + short_text(std::floor(low * 1e4) / 1e4) + " (Beta law with k = " + std::to_string(k) + ", n = " + std::to_string(model.n) + "; exact for distinct scores, a lower bound with ties).");
}

}  // namespace

Result<Certificate> certify(const Model& model) {
  PLIMSOLL_CHECK(sound(model));
  Certificate certificate;
  certificate.template_id = "coverage.marginal";
  certificate.promise = promise_of(model);
  certificate.level = 1 - model.params.alpha.front();
  certificate.n = model.n;
  certificate.exactness = Exactness::exact;
  certificate.assumptions = {"calibration rows and new rows are exchangeable", "the predictor has not learned from the calibration rows",
                             "the calibration rows were not used to choose the predictor or the score"};
  certificate.values["n"] = static_cast<double>(model.n);
  for (std::size_t a = 0; a < model.params.alpha.size(); ++a) add_level(model, a, certificate);
  certificate.vacuous = std::all_of(model.thresholds.begin(), model.thresholds.end(), [](double t) { return t == infinity; });
  if (model.dropped > 0) certificate.remarks.push_back(std::to_string(model.dropped) + " calibration rows with missing values were left out: the promise is for rows without missing values.");
  if (model.off > 0) certificate.remarks.push_back(std::to_string(model.off) + " calibration rows have class probabilities whose sum misses one by more than 1e-6; the promise does not need them to be right.");
  if (model.crossed > 0) certificate.remarks.push_back(std::to_string(model.crossed) + " calibration rows had crossed quantiles, which were swapped.");
  if (!model.overlap_remark.empty()) certificate.remarks.push_back(model.overlap_remark);
  if (model.learning_fingerprint.empty()) certificate.remarks.push_back("That the predictor has not learned from the calibration rows was not checked: the learning rows were not given (--learned).");
  certificate.falsified_by = "plimsoll prove conformal.split";
  return certificate;
}

}  // namespace plimsoll::conformal::split

// SPDX-License-Identifier: Apache-2.0
// Guo et al. 2017 (temperature of softmax scores): minimise over b = 1/T the convex sum of ln sum_k exp(b s_k) - b s_y,
// Newton with gradient E_p[s] - s_y and curvature Var_p[s]. Zadrozny and Elkan 2002 (one class against the rest).
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "engine/fields.h"
#include "learn/calibration_choice.h"
#include "learn/calibrator.h"
#include "learn/logistic.h"

namespace plimsoll::learn {
namespace {

using Columns = std::span<const std::vector<double>>;
constexpr double coldest = 1e-3;  // bounds on 1/T
constexpr double hottest = 1e3;
constexpr std::size_t most_rows = 100000;
constexpr double least_probability = 1e-15;

struct Slope {
  double loss = 0;
  double gradient = 0;
  double curvature = 0;
};

Slope softmax_slope(Columns scores, std::span<const std::int32_t> labels, std::span<const double> weights, double b) {
  Slope total;
  for (std::size_t begin = 0; begin < labels.size(); begin += 4096) {
    Slope block;
    for (std::size_t i = begin; i < std::min(begin + 4096, labels.size()); ++i) {
      double largest = scores[0][i];
      for (const auto& column : scores) largest = std::max(largest, column[i]);
      double sum = 0;
      double first = 0;
      double second = 0;
      for (const auto& column : scores) {
        const double gap = column[i] - largest;
        const double e = std::exp(b * gap);
        sum += e;
        first += e * gap;
        second += e * gap * gap;
      }
      const double weight = weights.empty() ? 1.0 : weights[i];
      const double own = scores[static_cast<std::size_t>(labels[i])][i] - largest;
      const double mean = first / sum;
      block.loss += weight * (std::log(sum) - b * own);
      block.gradient += weight * (mean - own);
      block.curvature += weight * (second / sum - mean * mean);
    }
    total.loss += block.loss;
    total.gradient += block.gradient;
    total.curvature += block.curvature;
  }
  return total;
}

double fit_temperature(Columns scores, std::span<const std::int32_t> labels, std::span<const double> weights) {
  double b = 1;
  Slope now = softmax_slope(scores, labels, weights, b);
  const auto rows = static_cast<double>(labels.size());
  for (int iteration = 0; iteration < 100 && std::fabs(now.gradient) > 1e-11 * rows; ++iteration) {
    const double step = now.curvature > 0 ? -now.gradient / now.curvature : (now.gradient > 0 ? -b : b);
    bool moved = false;
    for (double length = 1; length > 1e-9 && !moved; length /= 2) {
      const double next = std::clamp(b + length * step, coldest, hottest);
      const Slope there = softmax_slope(scores, labels, weights, next);
      if (!(there.loss <= now.loss + 1e-14 * std::fabs(now.loss)) || next == b) continue;
      b = next;
      now = there;
      moved = true;
    }
    if (!moved) break;
  }
  return 1 / b;
}

Result<MulticlassCalibrator> fit_plain(Context& context, Calibration method, Columns scores,
                                       std::span<const std::int32_t> labels, std::span<const double> weights) {
  MulticlassCalibrator out;
  out.method = method;
  if (method == Calibration::identity) return out;
  if (method == Calibration::temperature) {
    out.temperature = fit_temperature(scores, labels, weights);
    return out;
  }
  out.one_vs_rest.resize(scores.size());
  const auto task = [&](std::int64_t k) -> Result<void> {
    const auto c = static_cast<std::size_t>(k);
    const std::vector<double> own = one_vs_rest_log_odds(scores, k);
    std::vector<std::int32_t> outcomes(labels.size());
    std::transform(labels.begin(), labels.end(), outcomes.begin(), [&](std::int32_t y) { return y == k ? 1 : 0; });
    PLIMSOLL_TRY(out.one_vs_rest[c], fit_one(method, own, outcomes, weights));
    return {};
  };
  PLIMSOLL_CHECK(context.runtime.for_each(static_cast<std::int64_t>(scores.size()), context.stop, task));
  return out;
}

struct Part {
  std::vector<std::vector<double>> scores;
  std::vector<std::int32_t> labels;
  std::vector<double> weights;
};

// The rows whose fold passes.
template <class Keep>
Part part_of(Columns scores, std::span<const std::int32_t> labels, std::span<const double> weights, const Keep& keep) {
  Part part;
  part.scores.resize(scores.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!keep(i)) continue;
    for (std::size_t c = 0; c < scores.size(); ++c) part.scores[c].push_back(scores[c][i]);
    part.labels.push_back(labels[i]);
    if (!weights.empty()) part.weights.push_back(weights[i]);
  }
  return part;
}

Result<Calibration> choose(Context& context, Columns scores, std::span<const std::int32_t> labels, std::span<const double> weights) {
  const auto classes = static_cast<std::int64_t>(scores.size());
  const std::int32_t folds = fold_count(labels, classes);
  if (folds < 2) return Calibration::temperature;
  const std::vector<std::int32_t> fold = stratified_folds(labels, classes, folds, most_rows, context.rng.child("calibration folds"));
  const std::array<Calibration, 3> candidates = {Calibration::identity, Calibration::temperature, Calibration::platt};
  std::vector<std::vector<double>> losses(candidates.size());
  std::vector<double> ordered_weights;
  for (std::int32_t f = 0; f < folds; ++f) {
    const Part learning = part_of(scores, labels, weights, [&](std::size_t i) { return fold[i] >= 0 && fold[i] != f; });
    const Part held = part_of(scores, labels, weights, [&](std::size_t i) { return fold[i] == f; });
    ordered_weights.insert(ordered_weights.end(), held.weights.begin(), held.weights.end());
    for (std::size_t k = 0; k < candidates.size(); ++k) {
      PLIMSOLL_TRY(const MulticlassCalibrator map, fit_plain(context, candidates[k], learning.scores, learning.labels, learning.weights));
      const auto p = map.apply(held.scores);
      for (std::size_t i = 0; i < held.labels.size(); ++i) {
        losses[k].push_back(-std::log(std::max(p[static_cast<std::size_t>(held.labels[i])][i], least_probability)));
      }
    }
  }
  CalibrationChoice choice;
  return candidates[simplest_within_one_error(losses, ordered_weights, choice)];
}

Result<void> check_rows(Columns scores, std::span<const std::int32_t> labels, std::span<const double> weights) {
  std::vector<bool> met(scores.size(), false);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    bool fine = labels[i] >= 0 && static_cast<std::size_t>(labels[i]) < scores.size();
    for (const auto& column : scores) fine = fine && std::isfinite(column[i]);
    fine = fine && (weights.empty() || (weights[i] >= 0 && std::isfinite(weights[i])));
    if (!fine) {
      return Error(ErrorCode::bad_value, "a score is not finite, a label no class, or a weight negative",
                   "Calibrate on finite scores.").at_row(static_cast<std::int64_t>(i));
    }
    if (weights.empty() || weights[i] > 0) met[static_cast<std::size_t>(labels[i])] = true;
  }
  const auto absent = std::find(met.begin(), met.end(), false);
  if (absent == met.end()) return {};
  return Error(ErrorCode::one_class, "class " + std::to_string(absent - met.begin()) + " has no row for calibration",
               "Give more rows for calibration, with cases of each class.");
}

}  // namespace

void describe(Fields& f, MulticlassCalibrator& calibrator) {
  f({"method", "kind of map"}, calibrator.method);
  f({"temperature", "divides the scores", above(0)}, calibrator.temperature);
  f({"one_vs_rest", "map of each class against the rest"}, calibrator.one_vs_rest);
}

Result<void> check(const MulticlassCalibrator& calibrator, std::int64_t classes) {
  const bool single = calibrator.method == Calibration::identity || calibrator.method == Calibration::temperature;
  const auto maps = static_cast<std::int64_t>(calibrator.one_vs_rest.size());
  if (maps != (single ? 0 : classes) || !(calibrator.temperature > 0) || !std::isfinite(calibrator.temperature)) {
    return Error(ErrorCode::corrupt_file, "the calibration maps do not fit the classes", "Fit the model again.");
  }
  for (const Calibrator& map : calibrator.one_vs_rest) PLIMSOLL_CHECK(check(map));
  return {};
}

Result<MulticlassCalibrator> fit_multiclass(Context& context, Calibration method, Columns scores,
                                            std::span<const std::int32_t> labels, std::span<const double> weights) {
  PLIMSOLL_CHECK(check_rows(scores, labels, weights));
  if (method == Calibration::automatic) {
    PLIMSOLL_TRY(method, choose(context, scores, labels, weights));
  }
  PLIMSOLL_TRY(MulticlassCalibrator fitted, fit_plain(context, method, scores, labels, weights));
  if (!fitted.one_vs_rest.empty() && context.warn) {
    context.warn("each class was calibrated against the rest and the probabilities then made to sum to one: normalising "
                 "breaks the calibration of the single classes; temperature keeps to one map");
  }
  return fitted;
}

std::vector<double> one_vs_rest_log_odds(Columns scores, std::int64_t class_index) {
  const auto own = static_cast<std::size_t>(class_index);
  std::vector<double> out(scores[own].size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    double largest = -HUGE_VAL;
    for (std::size_t c = 0; c < scores.size(); ++c) {
      if (c != own) largest = std::max(largest, scores[c][i]);
    }
    double sum = 0;
    for (std::size_t c = 0; c < scores.size(); ++c) {
      if (c != own) sum += std::exp(scores[c][i] - largest);
    }
    out[i] = scores[own][i] - (largest + std::log(sum));
  }
  return out;
}

std::vector<std::vector<double>> MulticlassCalibrator::apply(Columns scores) const {
  std::vector<std::vector<double>> out(scores.begin(), scores.end());
  if (one_vs_rest.empty()) {
    for (auto& column : out) {
      for (double& score : column) score /= temperature;
    }
    softmax(out);
    return out;
  }
  for (std::size_t c = 0; c < scores.size(); ++c) {
    const std::vector<double> own = one_vs_rest_log_odds(scores, static_cast<std::int64_t>(c));
    one_vs_rest[c].apply(own, out[c]);
  }
  for (std::size_t i = 0; i < out.front().size(); ++i) {
    double sum = 0;
    for (const auto& column : out) sum += column[i];
    for (auto& column : out) column[i] = sum > 0 ? column[i] / sum : 1.0 / static_cast<double>(out.size());
  }
  return out;
}

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
// Choosing a map by cross-validation. The one-standard-error rule (Breiman et al. 1984) reads the error of the paired
// difference between a candidate's and the best one's loss on the same rows: what the rows have in common falls out.
#include "learn/calibration_choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace plimsoll::learn {
namespace {

constexpr std::size_t most_rows = 100000;
constexpr std::size_t isotonic_rows = 1000;
constexpr std::int32_t most_folds = 5;
constexpr double least_probability = 1e-15;

// Losses on the rows of each fold of the map learned from the others; rows of fold -1 are in no part.
Result<std::vector<double>> left_out_losses(Calibration method, std::span<const double> scores,
                                            std::span<const std::int32_t> outcomes, std::span<const double> weights,
                                            std::span<const std::int32_t> folds, std::int32_t fold_number) {
  std::vector<double> losses(scores.size(), 0.0);
  for (std::int32_t fold = 0; fold < fold_number; ++fold) {
    std::vector<double> s;
    std::vector<std::int32_t> y;
    std::vector<double> w;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (folds[i] < 0 || folds[i] == fold) continue;
      s.push_back(scores[i]);
      y.push_back(outcomes[i]);
      if (!weights.empty()) w.push_back(weights[i]);
    }
    PLIMSOLL_TRY(const Calibrator map, fit_one(method, s, y, w));
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (folds[i] != fold) continue;
      const double p = map.apply(scores[i]);
      losses[i] = -std::log(std::max(outcomes[i] == 1 ? p : 1 - p, least_probability));
    }
  }
  return losses;
}

}  // namespace

std::int32_t fold_count(std::span<const std::int32_t> labels, std::int64_t classes) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes), 0);
  for (const std::int32_t label : labels) ++counts[static_cast<std::size_t>(label)];
  const std::int64_t rarest = *std::min_element(counts.begin(), counts.end());
  return static_cast<std::int32_t>(std::min<std::int64_t>(rarest, most_folds));
}

std::vector<std::int32_t> stratified_folds(std::span<const std::int32_t> labels, std::int64_t classes, std::int32_t folds,
                                           std::size_t most, Stream stream) {
  std::vector<std::int64_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  stream.shuffle(std::span<std::int64_t>(order));
  std::vector<std::int32_t> fold(labels.size(), -1);
  std::vector<std::int32_t> next(static_cast<std::size_t>(classes), 0);
  std::size_t given = 0;
  // Each class deals its rows out to the folds in turn, so every fold has every class.
  for (const std::int64_t row : order) {
    if (given++ == most) break;
    std::int32_t& turn = next[static_cast<std::size_t>(labels[static_cast<std::size_t>(row)])];
    fold[static_cast<std::size_t>(row)] = turn;
    turn = (turn + 1) % folds;
  }
  return fold;
}

std::size_t simplest_within_one_error(std::span<const std::vector<double>> losses, std::span<const double> weights,
                                      CalibrationChoice& choice) {
  const auto weight = [&](std::size_t i) { return weights.empty() ? 1.0 : weights[i]; };
  double mass = 0;
  for (std::size_t i = 0; i < losses.front().size(); ++i) mass += weight(i);
  std::size_t best = 0;
  for (std::size_t k = 0; k < losses.size(); ++k) {
    double sum = 0;
    for (std::size_t i = 0; i < losses[k].size(); ++i) sum += weight(i) * losses[k][i];
    choice.loss.push_back(sum / mass);
    if (choice.loss[k] < choice.loss[best]) best = k;
  }
  std::size_t simplest = best;
  for (std::size_t k = losses.size(); k-- > 0;) {
    const double mean = choice.loss[k] - choice.loss[best];
    double spread = 0;
    for (std::size_t i = 0; i < losses[k].size(); ++i) {
      const double gap = weight(i) * (losses[k][i] - losses[best][i] - mean);
      spread += gap * gap;
    }
    choice.error.insert(choice.error.begin(), std::sqrt(spread) / mass);
    if (k < best && mean <= choice.error.front()) simplest = k;
  }
  return simplest;
}

Result<CalibrationChoice> choose_calibration(Context& context, std::span<const double> scores,
                                             std::span<const std::int32_t> outcomes, std::span<const double> weights) {
  CalibrationChoice choice;
  const std::int32_t folds = fold_count(outcomes, 2);
  if (folds < 2) return choice;  // Platt's smoothed targets are made for so few
  std::vector<Calibration> candidates = {Calibration::identity, Calibration::temperature, Calibration::platt, Calibration::beta};
  if (scores.size() >= isotonic_rows) candidates.push_back(Calibration::isotonic);
  candidates.push_back(Calibration::venn_abers);
  const std::vector<std::int32_t> fold = stratified_folds(outcomes, 2, folds, most_rows, context.rng.child("calibration folds"));
  std::vector<double> s;
  std::vector<std::int32_t> y;
  std::vector<double> w;
  std::vector<std::int32_t> f;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (fold[i] < 0) continue;
    s.push_back(scores[i]);
    y.push_back(outcomes[i]);
    f.push_back(fold[i]);
    if (!weights.empty()) w.push_back(weights[i]);
  }
  std::vector<std::vector<double>> losses(candidates.size());
  const auto task = [&](std::int64_t k) -> Result<void> {
    const auto at = static_cast<std::size_t>(k);
    PLIMSOLL_TRY(losses[at], left_out_losses(candidates[at], s, y, w, f, folds));
    return {};
  };
  PLIMSOLL_CHECK(context.runtime.for_each(static_cast<std::int64_t>(candidates.size()), context.stop, task));
  for (const Calibration candidate : candidates) {
    choice.tried.emplace_back(choices_of(candidate)[static_cast<std::size_t>(candidate)]);
  }
  choice.method = candidates[simplest_within_one_error(losses, w, choice)];
  return choice;
}

}  // namespace plimsoll::learn

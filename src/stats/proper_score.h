// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace plimsoll::stats {

// One module of proper scores: the row loss is the metric, its slopes train, its reward pays. All losses are at least 0 and
// expected least, strictly, at the true probability.
enum class ProperScore : std::uint8_t {
  brier,      // (p - y)^2; over classes the sum of squares, so twice this for two classes
  log,        // -ln p of what happened; infinite for a certain forecast that was wrong
  spherical,  // 1 - p of what happened / |p|
};
std::span<const std::string_view> choices_of(ProperScore);

// Loss of forecast p in [0, 1]; y in [0, 1] may be soft (what a smoothed or relabelled target is): the loss is
// y loss(p, 1) + (1 - y) loss(p, 0).
double row_loss(ProperScore score, double p, double y);

// For training: value, first and second derivative of the loss. By probability, or by log-odds z with p = 1 / (1 + e^-z),
// where the log score is computed without forming p, so that it stays finite.
struct Slope {
  double value = 0;
  double first = 0;
  double second = 0;
};
Slope slope_by_probability(ProperScore score, double p, double y);
Slope slope_by_log_odds(ProperScore score, double z, double y);

// For reinforcement: 1 where a certain forecast was right, falling with the loss in a straight line to 0 at the worst that
// can happen (which keeps the score proper). The log score is first clipped to p in [eps, 1 - eps].
double row_reward(ProperScore score, double p, double y, double eps = 1e-15);

// Class probabilities that sum to one. `class_loss_gradient` takes the logits of a softmax, writes the gradient by them and
// returns the loss.
double class_loss(ProperScore score, std::span<const double> p, std::size_t label);
double class_loss_gradient(ProperScore score, std::span<const double> logits, std::size_t label, std::span<double> gradient);

// Ranked probability score for classes in order: sum over thresholds k < K of (F_k - [label <= k])^2, divided by K - 1.
double ranked_probability_loss(std::span<const double> p, std::size_t label);

}  // namespace plimsoll::stats

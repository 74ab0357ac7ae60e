// SPDX-License-Identifier: Apache-2.0
// Gneiting and Raftery, JASA 102 (2007): a score is proper if the truth is an optimal forecast. With y in {0, 1}, q = 1 - p,
// r = sqrt(p^2 + q^2):
//   brier      (p - y)^2                 d/dp 2 (p - y)
//   log        -ln p_y                   d/dp (p - y) / (p q),      d/dz p - y
//   spherical  1 - p_y / r               d/dp (p - y) / r^3 for hard y: p_1 = p gives -q / r^3, p_0 = q gives p / r^3
// and d/dz = p q d/dp. A soft target mixes the two hard ones. Ranked probability score: Epstein 1969, Murphy 1971.
#include "stats/proper_score.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace plimsoll::stats {
namespace {

constexpr std::array<std::string_view, 3> names = {"brier", "log", "spherical"};

double mix(double y, double happened, double not_happened) {
  // A weight of zero silences an infinite loss.
  return (y == 0 ? 0 : y * happened) + (y == 1 ? 0 : (1 - y) * not_happened);
}

double length_of(double p) { return std::sqrt(p * p + (1 - p) * (1 - p)); }

// ln(1 + e^x) without overflow.
double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

double sigmoid(double z) {
  if (z >= 0) return 1 / (1 + std::exp(-z));
  const double e = std::exp(z);
  return e / (1 + e);
}

void softmax_into(std::span<const double> logits, std::span<double> p) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (std::size_t c = 0; c < p.size(); ++c) sum += p[c] = std::exp(logits[c] - top);
  for (double& x : p) x /= sum;
}

}  // namespace

std::span<const std::string_view> choices_of(ProperScore) { return names; }

double row_loss(ProperScore score, double p, double y) {
  const double q = 1 - p;
  switch (score) {
    case ProperScore::brier: return mix(y, q * q, p * p);
    case ProperScore::log: return mix(y, 0.0 - std::log(p), 0.0 - std::log(q));
    case ProperScore::spherical: {
      const double r = length_of(p);
      return mix(y, 1 - p / r, 1 - q / r);
    }
  }
  return 0;
}

Slope slope_by_probability(ProperScore score, double p, double y) {
  const double q = 1 - p;
  Slope slope;
  slope.value = row_loss(score, p, y);
  switch (score) {
    case ProperScore::brier:
      slope.first = 2 * (p - y);
      slope.second = 2;
      break;
    case ProperScore::log:
      slope.first = mix(y, -1 / p, 1 / q);
      slope.second = mix(y, 1 / (p * p), 1 / (q * q));
      break;
    case ProperScore::spherical: {
      const double r = length_of(p), r3 = r * r * r, r5 = r3 * r * r;
      const double turn = 3 * (p - q);  // d(r^-3)/dp = -3 (p - q) / r^5
      slope.first = mix(y, -q / r3, p / r3);
      slope.second = mix(y, 1 / r3 + q * turn / r5, 1 / r3 - p * turn / r5);
      break;
    }
  }
  return slope;
}

Slope slope_by_log_odds(ProperScore score, double z, double y) {
  const double p = sigmoid(z);
  const double v = p * sigmoid(-z);  // dp/dz
  if (score == ProperScore::log) return {mix(y, softplus(-z), softplus(z)), p - y, v};
  const Slope by_p = slope_by_probability(score, p, y);
  return {by_p.value, by_p.first * v, by_p.second * v * v + by_p.first * v * (1 - 2 * p)};
}

double row_reward(ProperScore score, double p, double y, double eps) {
  if (score != ProperScore::log) return 1 - row_loss(score, p, y);
  const double worst = std::max(row_loss(score, eps, 1), row_loss(score, 1 - eps, 0));  // the two differ by the rounding of 1 - eps
  return 1 - row_loss(score, std::clamp(p, eps, 1 - eps), y) / worst;
}

double class_loss(ProperScore score, std::span<const double> p, std::size_t label) {
  if (score == ProperScore::log) return 0.0 - std::log(p[label]);
  double squares = 0;
  for (const double x : p) squares += x * x;
  if (score == ProperScore::spherical) return 1 - p[label] / std::sqrt(squares);
  double sum = 0;
  for (std::size_t c = 0; c < p.size(); ++c) {
    const double gap = p[c] - (c == label ? 1 : 0);
    sum += gap * gap;
  }
  return sum;
}

double class_loss_gradient(ProperScore score, std::span<const double> logits, std::size_t label, std::span<double> gradient) {
  std::vector<double> p(logits.size());
  softmax_into(logits, p);
  const double loss = class_loss(score, p, label);
  if (score == ProperScore::log) {
    for (std::size_t c = 0; c < p.size(); ++c) gradient[c] = p[c] - (c == label ? 1 : 0);
    // Without forming p, so that a probability that underflows still has its loss.
    const double top = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const double z : logits) sum += std::exp(z - top);
    return std::log(sum) + top - logits[label];
  }
  double squares = 0;
  for (const double x : p) squares += x * x;
  const double r = std::sqrt(squares);
  double along = 0;  // sum of p times the gradient by p
  for (std::size_t c = 0; c < p.size(); ++c) {
    const double hit = c == label ? 1 : 0;
    gradient[c] = score == ProperScore::brier ? 2 * (p[c] - hit) : p[label] * p[c] / (squares * r) - hit / r;
    along += p[c] * gradient[c];
  }
  for (std::size_t c = 0; c < p.size(); ++c) gradient[c] = p[c] * (gradient[c] - along);
  return loss;
}

double ranked_probability_loss(std::span<const double> p, std::size_t label) {
  double below = 0, sum = 0;
  for (std::size_t c = 0; c + 1 < p.size(); ++c) {
    below += p[c];
    const double gap = below - (label <= c ? 1 : 0);
    sum += gap * gap;
  }
  return p.size() > 1 ? sum / static_cast<double>(p.size() - 1) : 0;
}

}  // namespace plimsoll::stats

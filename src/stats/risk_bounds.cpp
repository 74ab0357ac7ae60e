// SPDX-License-Identifier: Apache-2.0
// Sources of the bounds are in the header.
#include "stats/risk_bounds.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "stats/distributions.h"

namespace plimsoll::stats {
namespace {

double relative_entropy(double r, double a) {
  double sum = 0;
  if (r > 0) sum += r * std::log(r / a);
  if (r < 1) sum += (1 - r) * std::log((1 - r) / (1 - a));
  return sum;
}

}  // namespace

double hoeffding_p(double sum, std::int64_t n, double a) {
  const auto count = static_cast<double>(n);
  const double gap = a - sum / count;
  return gap > 0 ? std::exp(-2 * count * gap * gap) : 1;
}

double hoeffding_bentkus_p(double sum, std::int64_t n, double a) {
  if (a >= 1) return 0;
  if (a <= 0) return 1;
  const auto count = static_cast<double>(n);
  const double mean = std::min(sum / count, a);
  const double hoeffding = std::exp(-count * relative_entropy(mean, a));
  const double bentkus = std::numbers::e * binomial_cdf(static_cast<std::int64_t>(std::ceil(sum)), n, a);
  return std::min({1.0, hoeffding, bentkus});
}

double empirical_bernstein_p(double mean, double variance, std::int64_t n, double a) {
  const double gap = a - mean;
  if (n < 2 || gap <= 0) return 1;
  const auto count = static_cast<double>(n);
  // c L + b sqrt(L) = gap with L = ln(2 / d): the positive root for sqrt(L), in the form without cancellation.
  const double b = std::sqrt(2 * variance / count);
  const double c = 7 / (3 * (count - 1));
  const double root = 2 * gap / (b + std::sqrt(b * b + 4 * c * gap));
  return std::min(1.0, 2 * std::exp(-root * root));
}

double binomial_p(std::int64_t errors, std::int64_t n, double a) {
  if (a >= 1) return 0;
  if (a <= 0) return 1;
  return binomial_cdf(errors, n, a);
}

double betting_p(std::span<const double> x, double a, double delta) {
  if (a >= 1) return 0;
  const auto n = static_cast<double>(x.size());
  const double reach = -2 * std::log(delta);
  double sum = 0.5;
  double spread = 0.25;
  double variance = 0.25;  // of the rows before
  double capital = 0;
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double bet = std::min(1.0, std::sqrt(reach / (n * variance)));
    capital += std::log1p(-bet * (x[i] - a));
    largest = std::max(largest, capital);
    const auto seen = static_cast<double>(i + 2);
    sum += x[i];
    const double off = x[i] - sum / seen;
    spread += off * off;
    variance = spread / seen;
  }
  return std::exp(-largest);
}

}  // namespace plimsoll::stats

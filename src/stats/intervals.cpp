// SPDX-License-Identifier: Apache-2.0
// Clopper and Pearson, Biometrika 26 (1934): lo = B^-1(e/2; x, n - x + 1), hi = B^-1(1 - e/2; x + 1, n - x).
// Wilson, JASA 22 (1927): (p + z^2/2n +- z sqrt(p(1 - p)/n + z^2/4n^2)) / (1 + z^2/n).
#include "stats/intervals.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/exact_sum.h"
#include "stats/distributions.h"

namespace plimsoll::stats {

double clopper_pearson_lower(std::int64_t x, std::int64_t n, double level) {
  if (x <= 0) return 0;
  return beta_quantile(1 - level, static_cast<double>(x), static_cast<double>(n - x) + 1);
}

double clopper_pearson_upper(std::int64_t x, std::int64_t n, double level) {
  if (x >= n) return 1;
  return beta_upper_quantile(1 - level, static_cast<double>(x) + 1, static_cast<double>(n - x));
}

Interval clopper_pearson(std::int64_t x, std::int64_t n, double level) {
  const double one_sided = 0.5 + level / 2;
  return {clopper_pearson_lower(x, n, one_sided), clopper_pearson_upper(x, n, one_sided)};
}

Interval wilson(double x, double n, double level) {
  if (!(n > 0)) return {0, 1};
  const double z = normal_upper_quantile((1 - level) / 2);
  const double p = x / n;
  const double square = z * z / n;
  const double centre = (p + square / 2) / (1 + square);
  const double half = z * std::sqrt(p * (1 - p) / n + square / (4 * n)) / (1 + square);
  // At the ends the formula gives 0 and 1 but for rounding.
  return {x <= 0 ? 0 : std::max(0.0, centre - half), x >= n ? 1 : std::min(1.0, centre + half)};
}

Estimate mean_estimate(std::span<const double> values, double level) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto n = static_cast<double>(values.size());
  if (values.empty()) return {std::numeric_limits<double>::quiet_NaN(), infinity, {-infinity, infinity}};
  ExactSum sum;
  sum.add(values);
  const double mean = sum.value() / n;
  if (values.size() < 2) return {mean, infinity, {-infinity, infinity}};
  ExactSum squares;
  for (const double x : values) squares.add((x - mean) * (x - mean));
  const double error = std::sqrt(squares.value() / (n - 1) / n);
  const double half = student_t_upper_quantile((1 - level) / 2, n - 1) * error;
  return {mean, error, {mean - half, mean + half}};
}

Interval logit_interval(double value, double standard_error, double level) {
  if (!(value > 0 && value < 1) || !(standard_error > 0)) return {value, value};
  const double half = normal_upper_quantile((1 - level) / 2) * standard_error / (value * (1 - value));
  const double logit = std::log(value / (1 - value));
  return {1 / (1 + std::exp(half - logit)), 1 / (1 + std::exp(-half - logit))};
}

}  // namespace plimsoll::stats

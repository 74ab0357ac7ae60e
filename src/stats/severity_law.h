// SPDX-License-Identifier: Apache-2.0
#pragma once

// How much one event costs: laws on [0, infinity) with distribution function, quantile, moments and limited means, each with a
// factor (what a control leaves of the loss) and a cap.

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "base/philox.h"
#include "base/result.h"

namespace plimsoll::stats {

enum class SeverityKind : std::uint8_t { lognormal, pert, gamma, weibull, pareto, normal, triangular, uniform, fixed, empirical };
std::span<const std::string_view> choices_of(SeverityKind);

// X = factor * min(Y, cap) with Y of the kind:
//   lognormal a = mean of ln Y, b = its sd          pert, triangular a = low, b = mode, c = high (pert: d = 4, the weight of the mode)
//   gamma a = shape, b = scale                      weibull a = shape, b = scale
//   pareto a = shape xi, b = scale, c = location    normal a = mean, b = sd, truncated to what is at least 0
//   uniform a = low, b = high                       fixed a             empirical values, each as likely
struct SeverityLaw {
  SeverityKind kind = SeverityKind::lognormal;
  double a = 0, b = 1, c = 0, d = 4;
  double factor = 1;
  double cap = std::numeric_limits<double>::infinity();
  std::vector<double> values;  // empirical: sorted by check()

  double cdf(double x) const;      // P(X <= x)
  double at_least(double x) const; // P(X >= x), exact in the tail
  double quantile(double u) const; // smallest x with cdf(x) >= u, u in (0, 1)
  double mean() const;             // infinite where it does not exist
  double second_moment() const;
  double highest() const;          // infinite if unbounded
  double draw(Stream& stream) const;
};
// `bad_parameter` saying which of the numbers is wrong; sorts the values of an empirical law.
Result<void> check(SeverityLaw& law);

// The lognormal law with these two quantiles, the ends of a central interval of level `level`.
Result<SeverityLaw> lognormal_from_interval(double low, double high, double level);
// With this mean and coefficient of variation.
Result<SeverityLaw> lognormal_from_moments(double mean, double cv);

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <limits>
#include <span>
#include <string>
#include <vector>

#include "learn/forecast_parts.h"
#include "methods/score/decision/decision.h"
#include "stats/influence.h"

namespace plimsoll::score::decision {

inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct Case {
  Context& context;
  const Params& params;
  const learn::ForecastColumns& data;
  Report& report;
  stats::Dependence dependence;
  double base = 0;  // share of events

  std::span<const double> weight() const { return data.weight; }
  std::span<const double> forecast(std::size_t k) const { return data.probability(k, 1); }
  void figure(std::string name, double value) { report.figures.emplace_back(std::move(name), value); }
  void figure(const std::string& name, const stats::Estimate& e);
};

// What comes of acting from a threshold on; each with its interval.
struct Consequences {
  stats::Influence treated, sensitivity, specificity, precision, negative_value, net_benefit, cost;
};
Consequences consequences(const Params& params, std::span<const double> p, std::span<const std::int32_t> y,
                          std::span<const double> weight, double threshold);

Result<void> at_the_threshold(Case& c);
Result<void> decision_curves(Case& c);
Result<void> cost_curves(Case& c);
Result<void> gains(Case& c);
Result<void> best_threshold(Case& c);
Result<void> groups(Case& c);

}  // namespace plimsoll::score::decision

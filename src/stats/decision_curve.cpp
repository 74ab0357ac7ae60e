// SPDX-License-Identifier: Apache-2.0
// Vickers and Elkin, Med. Decis. Making 26 (2006): NB(t) = TP / n - FP / n * w with w = t / (1 - t). NB is the mean of the row
// terms 1 (treated event), -w (treated other) and 0, whose variance TP / n + w^2 FP / n - NB^2 gives the interval.
#include "stats/decision_curve.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "stats/distributions.h"
#include "stats/scores.h"

namespace plimsoll::stats {
namespace {

// Sorted forecasts of one outcome: how many are at least t.
double at_least(const std::vector<double>& sorted, double t) {
  return static_cast<double>(sorted.end() - std::lower_bound(sorted.begin(), sorted.end(), t));
}

}  // namespace

Result<std::vector<NetBenefit>> decision_curve(std::span<const double> forecast, std::span<const std::int32_t> outcome,
                                               std::span<const double> thresholds, double level) {
  PLIMSOLL_CHECK(check_forecasts(forecast, outcome));
  for (const double t : thresholds)
    if (!(t >= 0 && t < 1))
      return Error(ErrorCode::bad_parameter, "a threshold is outside [0, 1)", "Choose thresholds below 1")
          .in_parameter("thresholds");
  std::vector<double> events, others;
  for (std::size_t i = 0; i < forecast.size(); ++i) (outcome[i] == 1 ? events : others).push_back(forecast[i]);
  std::sort(events.begin(), events.end());
  std::sort(others.begin(), others.end());
  const auto n = static_cast<double>(forecast.size());
  const double z = normal_upper_quantile((1 - level) / 2);
  std::vector<NetBenefit> curve;
  for (const double t : thresholds) {
    const double odds = t / (1 - t);
    const double hits = at_least(events, t) / n, alarms = at_least(others, t) / n;
    NetBenefit point;
    point.threshold = t;
    point.model = hits - alarms * odds;
    const double variance = std::max(0.0, hits + odds * odds * alarms - point.model * point.model);
    const double half = z * std::sqrt(variance / n);
    point.interval = {point.model - half, point.model + half};
    point.treat_all = static_cast<double>(events.size()) / n - static_cast<double>(others.size()) / n * odds;
    point.treated = hits + alarms;
    curve.push_back(point);
  }
  return curve;
}

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
// Spiegelhalter, Statistics in Medicine 5 (1986); Hosmer and Lemeshow, Comm. Statist. A 9 (1980); Arnold, Henzi and Ziegel,
// "Sequentially valid tests for forecast calibration" (2021): the likelihood ratio prod q_t^y (1-q_t)^(1-y) / p_t^y (1-p_t)^(1-y)
// of any alternative q_t that is fixed before y_t is a test martingale, and so is a mixture of them.
#include "stats/calibration_checks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "base/exact_sum.h"
#include "stats/distributions.h"
#include "stats/pav.h"

namespace plimsoll::stats {
namespace {

CalibrationCheck of_normal(double sum, double variance) {
  CalibrationCheck check;
  if (!(variance > 0)) {
    // Certain forecasts leave no chance: any miss refutes them.
    check.p_value = sum == 0 ? 1 : 0;
    return check;
  }
  check.statistic = sum / std::sqrt(variance);
  check.p_value = std::min(1.0, 2 * normal_sf(std::fabs(check.statistic)));
  return check;
}

struct Bet {
  double intercept;
  double slope;
};
constexpr std::array<Bet, 14> bets = {{{-1, 1}, {-0.5, 1}, {-0.2, 1}, {0.2, 1}, {0.5, 1}, {1, 1}, {0, 0.5}, {0, 0.75},
                                       {0, 1.33}, {0, 2}, {-0.5, 0.75}, {0.5, 0.75}, {-0.5, 1.33}, {0.5, 1.33}}};

double log1p_exp(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

// ln of the mean of exp.
double log_mean(std::span<const double> logs) {
  const double top = *std::max_element(logs.begin(), logs.end());
  if (!std::isfinite(top)) return top;
  double sum = 0;
  for (const double x : logs) sum += std::exp(x - top);
  return top + std::log(sum / static_cast<double>(logs.size()));
}

}  // namespace

CalibrationCheck spiegelhalter(std::span<const double> forecast, std::span<const std::int32_t> outcome,
                               std::span<const double> weight) {
  ExactSum sum, variance;
  for (std::size_t i = 0; i < forecast.size(); ++i) {
    const double p = forecast[i], w = weight.empty() ? 1 : weight[i];
    sum.add(w * ((outcome[i] - p) * (1 - 2 * p)));
    variance.add(w * w * ((1 - 2 * p) * (1 - 2 * p) * (p * (1 - p))));
  }
  return of_normal(sum.value(), variance.value());
}

CalibrationCheck in_the_large(std::span<const double> forecast, std::span<const std::int32_t> outcome,
                              std::span<const double> weight) {
  ExactSum sum, variance;
  for (std::size_t i = 0; i < forecast.size(); ++i) {
    const double p = forecast[i], w = weight.empty() ? 1 : weight[i];
    sum.add(w * (outcome[i] - p));
    variance.add(w * w * (p * (1 - p)));
  }
  return of_normal(sum.value(), variance.value());
}

CalibrationCheck hosmer_lemeshow(std::span<const double> forecast, std::span<const std::int32_t> outcome, int groups) {
  const std::vector<double> y(outcome.begin(), outcome.end());
  const std::vector<Pool> pools = pool_ties(forecast, y, {}, order_by(forecast));
  const double most = static_cast<double>(forecast.size()) / groups;
  CalibrationCheck check;
  double rows = 0, events = 0, expected = 0, cells = 0, passed = 0;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    rows += pools[i].weight;
    events += pools[i].sum;
    expected += pools[i].weight * pools[i].x;
    passed += pools[i].weight;
    if (passed + 0.5 < most * (cells + 1) && i + 1 < pools.size()) continue;
    const double variance = expected * (1 - expected / rows);
    const double gap = events - expected;
    if (variance > 0) check.statistic += gap * gap / variance;
    else if (gap != 0) check.statistic = std::numeric_limits<double>::infinity();
    cells += 1;
    rows = events = expected = 0;
  }
  check.degrees = cells;
  check.p_value = std::isfinite(check.statistic) ? chi_square_sf(check.statistic, cells) : 0;
  return check;
}

SequentialEvidence sequential_evidence(std::span<const double> forecast, std::span<const std::int32_t> outcome,
                                       std::span<const std::uint32_t> order, double alpha) {
  std::array<double, bets.size()> logs{};
  SequentialEvidence evidence;
  double largest = 0, now = 0;
  for (std::size_t t = 0; t < forecast.size(); ++t) {
    const std::size_t row = order.empty() ? t : order[t];
    const double p = forecast[row];
    const bool event = outcome[row] == 1;
    if (p > 0 && p < 1) {
      const double z = std::log(p / (1 - p));
      const double given = event ? -log1p_exp(-z) : -log1p_exp(z);
      for (std::size_t b = 0; b < bets.size(); ++b) {
        const double q = bets[b].intercept + bets[b].slope * z;
        logs[b] += (event ? -log1p_exp(-q) : -log1p_exp(q)) - given;
      }
    } else if (event != (p == 1)) {
      logs.fill(std::numeric_limits<double>::infinity());  // what was called impossible came
    }
    now = log_mean(logs);
    largest = std::max(largest, now);
    if (evidence.rejected_at < 0 && now >= -std::log(alpha)) evidence.rejected_at = static_cast<std::int64_t>(row);
  }
  evidence.final_value = std::exp(now);
  evidence.largest = std::exp(largest);
  return evidence;
}

}  // namespace plimsoll::stats

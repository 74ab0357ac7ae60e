// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the scoring methods share beyond reading: rows of one group, how rows hang together, and cells of their tables.

#include <string>
#include <vector>

#include "engine/report.h"
#include "learn/forecast_columns.h"
#include "stats/interval.h"

namespace plimsoll::learn {

// A value for a table; what is undefined or infinite is said in words.
Cell number_or_words(double x);
// name, value, low, high, note
std::vector<Cell> estimate_cells(const std::string& name, const stats::Estimate& e, std::string note);
// "0.1234 (0.1000 to 0.1500)"
std::string with_interval(const stats::Estimate& e);
// Four significant digits.
std::string short_number(double x);

// Clusters if there are any; else a series where `order` is bound, to `lag` rows apart (-1: the customary lag); else independent.
stats::Dependence dependence_of(const ForecastColumns& data, std::int64_t lag);
std::string in_words(const stats::Dependence& dependence);

// The rows of one group, with clusters counted anew.
struct ForecastPart {
  std::vector<std::vector<double>> p;  // one a forecaster: probability of the event
  std::vector<double> weight;
  std::vector<std::int32_t> y, cluster;
  std::int32_t clusters = 0;
  stats::Dependence dependence() const { return {.cluster = cluster, .clusters = clusters}; }
  bool empty() const;  // no row of positive weight
};
ForecastPart part_of(const ForecastColumns& data, const ForecastGroups& groups, std::int32_t code);

}  // namespace plimsoll::learn

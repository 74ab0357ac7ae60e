// SPDX-License-Identifier: Apache-2.0
#pragma once

// The parts of an assessment: each adds its blocks and headline figures to the report.

#include <limits>
#include <span>
#include <string>
#include <vector>

#include "learn/forecast_parts.h"
#include "methods/score/probability/probability.h"
#include "stats/influence.h"
#include "stats/resampling.h"

namespace plimsoll::score::probability {

inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// What every part is given.
struct Case {
  Context& context;
  const Params& params;
  const learn::ForecastColumns& data;
  Report& report;
  stats::Dependence dependence;      // of intervals and comparisons
  std::vector<std::string> remarks;  // warnings in plain words

  std::span<const double> weight() const { return data.weight; }
  // Replicates that keep the work bounded: all that are asked for up to 200,000 rows, then fewer.
  stats::Resampling resampling(std::string_view name, std::int64_t asked) const;
  void figure(std::string name, double value) { report.figures.emplace_back(std::move(name), value); }
  void figure(const std::string& name, const stats::Estimate& e);  // with _low and _high
};

using learn::estimate_cells;
using learn::number_or_words;

struct ScoreTerms {
  stats::Influence brier, log, spherical;
  double clipped_log = 0;
  std::int64_t clipped = 0;
};
ScoreTerms event_terms(const Case& c, std::size_t forecaster);
ScoreTerms class_terms(const Case& c, std::size_t forecaster);

Result<void> assess_event(Case& c);        // one probability column
Result<void> event_calibration(Case& c);
Result<void> event_ranking(Case& c, bool both_outcomes);
Result<void> event_groups(Case& c);
Result<void> class_groups(Case& c, std::span<const double> confidence, std::span<const std::int32_t> right);
Result<void> event_truth(Case& c);
Result<void> event_figures(Case& c, bool both_outcomes);

Result<void> assess_classes(Case& c);      // one column a class
Result<void> compare_forecasters(Case& c, bool both_outcomes);

}  // namespace plimsoll::score::probability

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Forecasts of a yes-or-no event or of classes, what happened, and what else the scoring methods take from a table: one reader,
// so that all of them refuse, clip, drop and count alike.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "engine/fields.h"
#include "engine/ports.h"
#include "learn/binary_rows.h"
#include "stats/influence.h"
#include "table/table.h"

namespace plimsoll::learn {

struct ForecastReading {
  bool logits = false;
  bool percent = false;
  MissingRows missing = MissingRows::refuse;
  std::string positive;              // label of the event where outcomes are not 0 and 1
  std::vector<std::string> classes;  // labels in the order of the probability columns
};
void describe(Fields& f, ForecastReading& reading);
Result<void> check(const ForecastReading& reading);

inline constexpr std::array<RoleInfo, 9> forecast_roles = {
    {{"probability", "forecast probability of the event, or one column a class", true, true},
     {"target", "what happened: 0 or 1, or the class", true, false},
     {"challenger", "other forecasts of the same rows to compare with", false, true},
     {"weight", "weight of the row", false, false},
     {"group", "subgroups that get rows of their own in the tables", false, true},
     {"cluster", "rows that hang together, such as one person's", false, false},
     {"order", "time or sequence, for series and for sequential tests", false, false},
     {"truth", "true probability of the event, where the data are synthetic", false, false},
     {"id", "name of the row; twice the same is refused", false, false}}};

// The forecasts of one forecaster: one column for an event, one a class else.
struct Forecaster {
  std::string name;
  std::vector<std::vector<double>> columns;
};

struct ForecastGroups {
  std::string column;
  std::vector<std::string> names;    // sorted
  std::vector<std::int32_t> codes;   // one a row
};

struct ForecastColumns {
  std::vector<Forecaster> forecasters;  // the first is the one assessed, the others challenge it
  std::vector<std::int32_t> outcome;    // 0 or 1, or the class
  std::vector<std::string> classes;     // of two, the second is the event
  std::vector<double> weight;           // empty: equal
  std::vector<double> truth;            // true probability of the event, empty where unknown
  std::vector<ForecastGroups> groups;
  std::vector<std::int32_t> cluster;    // empty: independent rows
  std::int32_t clusters = 0;
  std::vector<std::uint32_t> order;     // row numbers by rising `order`, empty without
  std::int64_t dropped = 0;
  std::int64_t clipped = 0;

  std::size_t rows() const { return outcome.size(); }
  bool binary() const { return forecasters.front().columns.size() == 1; }
  // Forecaster k's probability of class c; of an event, class 1.
  std::span<const double> probability(std::size_t k, std::size_t c) const { return forecasters[k].columns[binary() ? 0 : c]; }
  stats::Dependence dependence() const { return {.cluster = cluster, .clusters = clusters}; }
};

// Reads by the roles above. Errors name column and row: `bad_value` for probabilities outside [0, 1] by more than 1e-9 (what
// is less is clipped and counted), outcomes other than 0 and 1 without `positive`, negative or all-zero weights, ids that
// come twice; `null_value` for gaps unless they are dropped, which is counted; `too_few_rows` when none is left.
Result<ForecastColumns> read_forecasts(Context& context, const Table& table, const ForecastReading& reading);

}  // namespace plimsoll::learn

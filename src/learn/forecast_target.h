// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "learn/forecast_columns.h"

namespace plimsoll::learn {

// Codes of the target column: 0 and 1 for one probability column, else places in `classes`, which is filled. Rows without an
// outcome are refused, or lose their `keep`.
Result<std::vector<std::int32_t>> read_labels(const Table& table, const std::string& target, std::span<const std::string> probabilities,
                                              const ForecastReading& reading, std::span<char> keep, std::vector<std::string>& classes);

}  // namespace plimsoll::learn

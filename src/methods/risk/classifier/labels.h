// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "table/table.h"

namespace plimsoll::risk::classifier {

inline constexpr std::size_t most_classes = 1000;

// The target column as codes into class names in name order: numbers by value, everything else by byte order.
struct Labels {
  std::string column;
  std::vector<std::int32_t> codes;  // one a row
  std::vector<std::string> classes;
};

// `null_value` for an empty or NaN label, `wrong_type` for a real-valued target or more than 1,000 classes.
Result<Labels> read_labels(const Table& table);

// The same with classes that are given; -1 for a label outside them, which is counted in `unseen`.
Result<Labels> read_labels(const Table& table, const std::vector<std::string>& classes, std::int64_t& unseen);

// `other` for a column that is not there.
ColumnType type_of_column(const Table& table, std::string_view name);

}  // namespace plimsoll::risk::classifier

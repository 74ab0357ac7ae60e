// SPDX-License-Identifier: Apache-2.0
#include "learn/case_columns.h"

#include <algorithm>
#include <set>
#include <utility>

namespace plimsoll::learn {

Result<std::vector<double>> read_weights(const Table& table) {
  PLIMSOLL_TRY(const std::vector<std::string> bound, table.role_columns("weight"));
  if (bound.empty()) return std::vector<double>{};
  PLIMSOLL_TRY(const std::string name, table.role_column("weight"));
  PLIMSOLL_TRY(const Reals values, table.reals(name, Missing::refuse));
  double most = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0)
      return Error(ErrorCode::bad_value, "a weight is negative", "Weights are 0 or more; drop the row to leave it out").in_column(name).at_row(table.first_row() + static_cast<std::int64_t>(i));
    most = std::max(most, values[i]);
  }
  if (values.size() > 0 && !(most > 0)) return Error(ErrorCode::bad_value, "all weights are zero", "Give some row a weight above 0, or unbind the column").in_column(name);
  return std::vector<double>(values.begin(), values.end());
}

Result<std::vector<std::string>> feature_columns(const Table& table) {
  PLIMSOLL_TRY(std::vector<std::string> bound, table.role_columns("feature"));
  std::set<std::string> taken;
  for (const auto& [role, names] : table.roles())
    if (role != "feature") taken.insert(names.begin(), names.end());
  if (!bound.empty()) {
    PLIMSOLL_TRY(const std::vector<std::string> target, table.role_columns("target"));
    for (const std::string& name : bound)
      if (std::find(target.begin(), target.end(), name) != target.end())
        return Error(ErrorCode::bad_parameter, "column \"" + name + "\" is both target and feature", "Leave the target out of --feature").in_column(name);
    return bound;
  }
  for (const ColumnInfo& column : table.columns())
    if (!taken.contains(column.name)) bound.push_back(column.name);
  if (bound.empty())
    return Error(ErrorCode::missing_input, "no column is left to serve as a feature", "Give columns besides target, weight, group and id, or name some with --feature");
  return bound;
}

Table with_roles_of(const Table& table, const Table& data) {
  if (!table.roles().empty()) return table;
  Roles roles;
  for (const auto& [role, names] : data.roles()) {
    if (role == "feature") continue;
    for (const std::string& name : names)
      if (role == "target" || role == "weight" || table.has(name)) roles[role].push_back(name);
  }
  return table.with_roles(std::move(roles));
}

Result<Table> kept_columns(const Table& data, Keep keep) {
  if (keep == Keep::all) return data;
  std::vector<std::string> ids;
  if (keep == Keep::id) {
    PLIMSOLL_TRY(ids, data.role_columns("id"));
  }
  return data.select(ids);
}

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#include "table/bound_column.h"

#include <array>

namespace plimsoll {
namespace {
constexpr std::array<std::string_view, 3> keep_names = {"id", "all", "none"};
}

Result<std::string> one_column(const Table& table, std::string_view role) {
  PLIMSOLL_TRY(const std::vector<std::string> names, table.role_columns(role));
  if (names.size() > 1)
    return Error(ErrorCode::bad_parameter, "the role '" + std::string(role) + "' takes one column, got " + std::to_string(names.size()), "Name one column.").in_parameter(std::string(role));
  return names.empty() ? std::string() : names.front();
}

Result<void> role_into(const Table& table, std::string_view role, std::string& name) {
  PLIMSOLL_TRY(std::string bound, one_column(table, role));
  if (!bound.empty()) name = std::move(bound);
  return {};
}

Result<std::string> needed_column(const Table& table, std::string_view role) {
  PLIMSOLL_TRY(std::string name, one_column(table, role));
  if (name.empty()) return Error(ErrorCode::missing_input, "the role '" + std::string(role) + "' is not bound", "Bind it: --" + std::string(role) + " COLUMN.").in_parameter(std::string(role));
  return name;
}

std::span<const std::string_view> choices_of(Keep) { return keep_names; }

Result<Table> beside_kept(const Table& table, const std::string& id, Keep keep, Table answer) {
  if (keep == Keep::none || (keep == Keep::id && id.empty())) return answer;
  Table kept = table;
  if (keep == Keep::id) {
    PLIMSOLL_TRY(kept, table.select({id}));
  } else {
    for (const ColumnInfo& column : answer.columns())
      if (table.has(column.name)) return Error(ErrorCode::bad_parameter, "the input has a column '" + column.name + "', which the answer would repeat", "Rename it, or keep fewer columns: --keep id.").in_parameter("keep").in_column(column.name);
  }
  return kept.with_roles({}).beside(answer);
}

}  // namespace plimsoll

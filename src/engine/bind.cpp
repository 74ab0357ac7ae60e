// SPDX-License-Identifier: Apache-2.0
#include "engine/bind.h"

#include <algorithm>

namespace plimsoll {
namespace {

Result<void> check_roles(const BoundPort& port, const std::vector<ColumnInfo>& columns, const Roles& roles) {
  std::vector<std::string> known;
  for (const RoleInfo& role : port.roles) known.emplace_back(role.role);
  std::vector<std::string> names;
  for (const ColumnInfo& column : columns) names.push_back(column.name);
  for (const auto& [role, bound] : roles) {
    const auto info = std::find_if(port.roles.begin(), port.roles.end(), [&](const RoleInfo& r) { return r.role == role; });
    if (info == port.roles.end())
      return Error(ErrorCode::bad_parameter, "'" + port.name + "' has no role '" + role + "'", "Its roles are listed by --help.").in_parameter(role).with_candidates(nearest_names(role, known));
    if (!info->many && bound.size() > 1)
      return Error(ErrorCode::bad_parameter, "the role '" + role + "' takes one column, got " + std::to_string(bound.size()), "Name one column.").in_parameter(role);
    for (const std::string& column : bound) {
      if (std::find(names.begin(), names.end(), column) != names.end()) continue;
      const auto nearest = nearest_names(column, names);
      return Error(ErrorCode::missing_column, "'" + port.name + "' has no column '" + column + "' for the role '" + role + "'",
                   nearest.empty() ? "Name a column of the table." : "Did you mean '" + nearest.front() + "'?")
          .in_column(column).in_parameter(role).with_candidates(nearest);
    }
  }
  for (const RoleInfo& role : port.roles) {
    const auto bound = roles.find(role.role);
    if (role.required && (bound == roles.end() || bound->second.empty()))
      return Error(ErrorCode::missing_input, "'" + port.name + "' needs the role '" + std::string(role.role) + "' (" + std::string(role.help) + ")",
                   "Bind it: --" + std::string(role.role) + " COLUMN.").in_parameter(std::string(role.role)).with_candidates(names);
  }
  return {};
}

Result<Table> whole_table(Context& context, const BoundPort& port, TableStream& stream) {
  const std::int64_t most = context.budget.memory_bytes;
  std::vector<Table> parts;
  std::int64_t bytes = 0;
  while (true) {
    PLIMSOLL_CHECK(context.stop.check());
    PLIMSOLL_TRY(std::optional<Table> batch, stream.next());
    if (!batch) break;
    bytes += batch->bytes();
    if (most > 0 && bytes > most)
      return Error(ErrorCode::too_large, "'" + port.name + "' must be held whole and is larger than the memory limit", "Raise --memory, or give fewer columns or rows.").in_parameter(port.name);
    parts.push_back(*std::move(batch));
  }
  if (parts.empty()) return read_all(stream);  // no rows, but columns
  PLIMSOLL_TRY(Table table, Table::concatenate(parts));
  return table.with_roles(stream.roles());
}

Result<void> check_artifact(const BoundPort& port, const PortValue& value) {
  if (port.slot.kind != PortKind::artifact || port.method.empty()) return {};
  const auto& artifact = std::get<ArtifactPort>(value);
  if (!artifact || artifact->provenance().method == port.method) return {};
  return Error(ErrorCode::wrong_kind, "'" + port.name + "' wants an artifact of " + port.method + ", got one of " + artifact->provenance().method,
               "Give an artifact that `plimsoll fit " + port.method + "` wrote.").in_parameter(port.name);
}

Result<void> bind_one(Context& context, const BoundPort& port, const PortValue& value, bool keep_stream, BoundInputs& bound) {
  if (kind_of(value) != port.slot.kind)
    return Error(ErrorCode::wrong_kind, "'" + port.name + "' wants a " + std::string(name_of(port.slot.kind)) + ", got a " + std::string(name_of(kind_of(value))), "Give a " + std::string(name_of(port.slot.kind)) + ".")
        .in_parameter(port.name);
  PLIMSOLL_CHECK(check_artifact(port, value));
  if (const auto* stream = std::get_if<std::shared_ptr<TableStream>>(&value)) {
    PLIMSOLL_CHECK(check_roles(port, (*stream)->columns(), (*stream)->roles()));
    if (keep_stream) {
      bound.stream = *stream;
      return {};
    }
    PLIMSOLL_TRY(Table table, whole_table(context, port, **stream));
    set_port(port.slot, std::move(table));
    return {};
  }
  if (const auto* table = std::get_if<Table>(&value)) PLIMSOLL_CHECK(check_roles(port, table->columns(), table->roles()));
  set_port(port.slot, value);
  return {};
}

}  // namespace

Result<BoundInputs> bind_inputs(Context& context, const Type& type, const std::map<std::string, PortValue>& given, bool may_stream) {
  BoundInputs bound{Box(type), nullptr};
  const auto ports = ports_of(bound.inputs);
  std::vector<std::string> names;
  for (const BoundPort& port : ports) names.push_back(port.name);
  for (const auto& [name, value] : given)
    if (std::find(names.begin(), names.end(), name) == names.end())
      return Error(ErrorCode::bad_parameter, "there is no input '" + name + "'", names.empty() ? "This verb takes no inputs." : "See --help for the inputs.").in_parameter(name).with_candidates(nearest_names(name, names));
  const BoundPort* primary = primary_table(ports);
  for (const BoundPort& port : ports) {
    const auto value = given.find(port.name);
    if (value != given.end()) {
      PLIMSOLL_CHECK(bind_one(context, port, value->second, may_stream && &port == primary, bound));
    } else if (!port.slot.optional) {
      const bool artifact = port.slot.kind == PortKind::artifact;
      return Error(ErrorCode::missing_input, "the input '" + port.name + "' is missing",
                   "Give a " + std::string(name_of(port.slot.kind)) + ": --" + port.name + (artifact ? " MODEL.plim." : " PATH.")).in_parameter(port.name);
    }
  }
  return bound;
}

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#include "engine/role_binding.h"

#include <algorithm>

namespace plimsoll {
namespace {

// `*` stands for any text, `?` for one character.
bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t mark = 0;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool has_column(const std::vector<ColumnInfo>& columns, const std::string& name) {
  return std::any_of(columns.begin(), columns.end(), [&name](const ColumnInfo& column) { return column.name == name; });
}

// A column may play several roles: "target,group".
std::vector<std::string> played_roles(const std::string& text) {
  std::vector<std::string> roles;
  std::size_t from = 0;
  while (from < text.size()) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    roles.push_back(text.substr(from, comma - from));
    from = comma + 1;
  }
  return roles;
}

// Columns that a model was fitted with in this role. A role none of whose columns stands here is left open (new rows have
// no outcome yet); one of whose columns only some do is bound whole, and the missing column refused.
std::vector<std::string> remembered(const ArtifactPort& model, const std::string& role, const std::vector<ColumnInfo>& columns) {
  std::vector<std::string> names;
  bool any = false;
  if (!model) return names;
  for (const Artifact::Column& column : model->provenance().schema) {
    const auto played = played_roles(column.role);
    if (std::find(played.begin(), played.end(), role) == played.end()) continue;
    names.push_back(column.name);
    any = any || has_column(columns, column.name);
  }
  return any ? names : std::vector<std::string>{};
}

}  // namespace

Result<std::vector<std::string>> expand_columns(const std::vector<std::string>& wanted, const std::vector<ColumnInfo>& columns,
                                                const std::string& role) {
  std::vector<std::string> names;
  const auto add = [&names](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  std::vector<std::string> known;
  for (const ColumnInfo& column : columns) known.push_back(column.name);
  for (const std::string& want : wanted) {
    if (has_column(columns, want)) {
      add(want);
      continue;
    }
    const bool pattern = want.find_first_of("*?") != std::string::npos;
    bool any = false;
    for (const ColumnInfo& column : columns) {
      if (!pattern || !matches(want, column.name)) continue;
      add(column.name);
      any = true;
    }
    if (any) continue;
    return Error(ErrorCode::missing_column, pattern ? "no column matches '" + want + "'" : "there is no column '" + want + "'",
                 "Correct --" + role + "; plimsoll takes columns as the file names them")
        .in_column(want)
        .in_parameter(role)
        .with_candidates(nearest_names(want, known));
  }
  return names;
}

Result<Roles> bind_roles(const RoleRequest& asked, const PortSchema& port, const std::vector<ColumnInfo>& columns) {
  Roles roles;
  for (const RoleSchema& role : port.roles) {
    const auto own = asked.own.find(role.role);
    const auto general = asked.general.find(role.role);
    std::vector<std::string> names;
    if (own != asked.own.end()) {
      PLIMSOLL_TRY(names, expand_columns(own->second, columns, role.role));
    } else if (general != asked.general.end()) {
      auto expanded = expand_columns(general->second, columns, role.role);
      if (!expanded) {
        // Said for every port that declares the role: a port that can do without may lack the column.
        if (!role.required && asked.several_ports) continue;
        return std::move(expanded).error();
      }
      names = std::move(expanded).value();
    } else {
      PLIMSOLL_TRY(names, expand_columns(remembered(asked.model, role.role, columns), columns, role.role));
    }
    if (!names.empty()) roles[role.role] = std::move(names);
  }
  return roles;
}

const PortSchema* first_port(const std::vector<PortSchema>& ports) {
  for (const PortSchema& port : ports)
    if (port.kind == PortKind::table && port.required) return &port;
  for (const PortSchema& port : ports)
    if (port.kind == PortKind::table) return &port;
  return ports.empty() ? nullptr : &ports.front();
}

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#include "cli/ports_opened.h"

#include <algorithm>

#include "base/file.h"
#include "base/json.h"
#include "cli/flags.h"

namespace plimsoll::cli {
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

// Columns that a model was fitted with in this role. A role none of whose columns stands here is left open (new rows have
// no outcome yet); one of whose columns only some do is bound whole, and the missing column refused.
std::vector<std::string> remembered(const ArtifactPort& model, const std::string& role, const std::vector<ColumnInfo>& columns) {
  std::vector<std::string> names;
  bool any = false;
  if (!model) return names;
  for (const Artifact::Column& column : model->provenance().schema) {
    const auto played = split_list(column.role);  // a column may play several roles: "target,group"
    if (std::find(played.begin(), played.end(), role) == played.end()) continue;
    names.push_back(column.name);
    any = any || has_column(columns, column.name);
  }
  return any ? names : std::vector<std::string>{};
}

// What opening a port needs to know besides the port.
struct Opening {
  const Context& context;
  const Request& request;
  ArtifactPort model;  // whose roles are remembered: the request's, or the one that came through a port
};

Result<Roles> roles_of(const Opening& opening, const PortRequest& asked, const PortSchema& port, const std::vector<ColumnInfo>& columns) {
  const Request& request = opening.request;
  Roles roles;
  for (const RoleSchema& role : port.roles) {
    const auto own = asked.roles.find(role.role);
    const auto general = request.roles.find(role.role);
    std::vector<std::string> names;
    if (own != asked.roles.end()) {
      PLIMSOLL_TRY(names, expand_columns(own->second, columns, role.role));
    } else if (general != request.roles.end()) {
      auto expanded = expand_columns(general->second, columns, role.role);
      if (!expanded) {
        // Said for every port that declares the role: a port that can do without may lack the column.
        if (!role.required && request.ports.size() > 1) continue;
        return std::move(expanded).error();
      }
      names = std::move(expanded).value();
    } else {
      PLIMSOLL_TRY(names, expand_columns(remembered(opening.model, role.role, columns), columns, role.role));
    }
    if (!names.empty()) roles[role.role] = std::move(names);
  }
  return roles;
}

Result<PortValue> open_stream(const Opening& opening, const PortRequest& asked, const PortSchema& port) {
  ReadOptions read = asked.read;
  read.threads = opening.context.runtime.threads();
  read.memory_bytes = opening.context.budget.memory_bytes;
  PLIMSOLL_TRY(std::unique_ptr<TableStream> stream, open_table(asked.path, read));
  auto roles = roles_of(opening, asked, port, stream->columns());
  if (!roles) return std::move(roles).error().in_file(asked.path);
  stream->bind(std::move(roles).value());
  return PortValue(std::shared_ptr<TableStream>(std::move(stream)));
}

Result<PortValue> open_report(const std::string& path) {
  PLIMSOLL_TRY(const std::string text, read_file(path, std::uint64_t{64} << 20));
  PLIMSOLL_TRY(const Json json, parse_json(text, path));
  PLIMSOLL_TRY(Report report, report_from_json(json));
  return PortValue(std::move(report));
}

Result<PortValue> open_port(const Opening& opening, const PortRequest& asked, const PortSchema& port) {
  switch (port.kind) {
    case PortKind::table: return open_stream(opening, asked, port);
    case PortKind::document: {
      PLIMSOLL_TRY(Document document, read_document(asked.path));
      return PortValue(std::move(document));
    }
    case PortKind::files: {
      PLIMSOLL_TRY(Files files, open_files(asked.path));
      return PortValue(std::move(files));
    }
    case PortKind::artifact: {
      PLIMSOLL_TRY(ArtifactPort artifact, Artifact::load(asked.path));
      return PortValue(std::move(artifact));
    }
    case PortKind::report: return open_report(asked.path);
    case PortKind::raster:
    case PortKind::network:
    case PortKind::endpoint:
    case PortKind::environment: break;
  }
  return Error(ErrorCode::missing_plugin, "no reader for a " + std::string(name_of(port.kind)) + " is built into this program",
               "Call the method from C++ with this port")
      .in_parameter(port.name);
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

Result<std::map<std::string, PortValue>> open_ports(const Context& context, const Request& request, const std::vector<PortSchema>& ports) {
  std::map<std::string, PortValue> opened;
  Opening opening{context, request, request.model};
  const PortSchema* first = first_port(ports);
  // Artifacts first: they know which columns played which role.
  for (const bool artifacts : {true, false}) {
    for (const PortSchema& port : ports) {
      if ((port.kind == PortKind::artifact) != artifacts) continue;
      const auto asked = request.ports.find(port.name);
      if (asked != request.ports.end()) {
        PLIMSOLL_TRY(PortValue value, open_port(opening, asked->second, port));
        if (artifacts && !opening.model) opening.model = std::get<ArtifactPort>(value);
        opened.emplace(port.name, std::move(value));
      } else if (port.required && !(artifacts && request.model)) {
        return Error(ErrorCode::missing_input, "the " + std::string(name_of(port.kind)) + " '" + port.name + "' is missing: " + port.help,
                     &port == first ? "Write its path after the method" : "Give it as --" + port.name + " PATH")
            .in_parameter(port.name);
      }
    }
  }
  return opened;
}

}  // namespace plimsoll::cli

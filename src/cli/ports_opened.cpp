// SPDX-License-Identifier: Apache-2.0
#include "cli/ports_opened.h"

#include <algorithm>

#include "agent/environments.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/role_binding.h"
#include "llm/endpoints.h"

namespace plimsoll::cli {
namespace {

// What opening a port needs to know besides the port.
struct Opening {
  const Context& context;
  const Request& request;
  ArtifactPort model;  // whose roles are remembered: the request's, or the one that came through a port
};

Result<PortValue> open_stream(const Opening& opening, const PortRequest& asked, const PortSchema& port) {
  ReadOptions read = asked.read;
  read.threads = opening.context.runtime.threads();
  read.memory_bytes = opening.context.budget.memory_bytes;
  PLIMSOLL_TRY(std::unique_ptr<TableStream> stream, open_table(asked.path, read));
  const RoleRequest roles_asked{asked.roles, opening.request.roles, opening.model, opening.request.ports.size() > 1};
  auto roles = bind_roles(roles_asked, port, stream->columns());
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
    case PortKind::endpoint: {
      PLIMSOLL_TRY(EndpointPort endpoint, llm::open_endpoint_file(asked.path, opening.context));
      return PortValue(std::move(endpoint));
    }
    case PortKind::environment: {
      PLIMSOLL_TRY(EnvironmentPort environment, agent::open_environment_file(asked.path, opening.context));
      return PortValue(std::move(environment));
    }
    case PortKind::raster:
    case PortKind::network: break;
  }
  return Error(ErrorCode::missing_plugin, "no reader for a " + std::string(name_of(port.kind)) + " is built into this program",
               "Call the method from C++ with this port")
      .in_parameter(port.name);
}

}  // namespace

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

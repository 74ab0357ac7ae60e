// SPDX-License-Identifier: Apache-2.0
// The public C++ interface (include/plimsoll/engine.hpp) over the door.
#include <mutex>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "engine/artifact.h"
#include "engine/catalogue.h"
#include "engine/description.h"
#include "engine/door.h"
#include "engine/schema.h"
#include "engine/workspace.h"
#include "plimsoll/engine.hpp"
#include "table/file_format.h"
#include "table/interchange.h"

namespace plimsoll::api {
namespace {

using plimsoll::Result;

Reply failure(const Error& error) {
  return {info(error.code).exit_status, canonical_json(Json{{"error", error_json(error)}})};
}

// What passes the door as an exception happens in the translation around it: memory, and little else.
template <class F>
Reply guarded(F&& work) {
  try {
    Result<Json> json = work();
    if (!json.ok()) return failure(json.error());
    return {0, canonical_json(json.value())};
  } catch (const std::bad_alloc&) {
    return failure(Error(ErrorCode::no_memory, "memory ran out", "give less data, or set a memory limit"));
  } catch (const std::exception& e) {
    return failure(Error(ErrorCode::internal, e.what(), "report this as a fault of plimsoll"));
  }
}

Result<PortValue> open_input(const PortSchema& port, const Input& input, std::int64_t memory_bytes) {
  const Roles roles(input.roles.begin(), input.roles.end());
  if (port.kind == PortKind::table) {
    std::unique_ptr<TableStream> stream;
    if (input.stream != nullptr) {
      PLIMSOLL_TRY(stream, import_stream(input.stream));
    } else {
      ReadOptions options;
      options.memory_bytes = memory_bytes;
      PLIMSOLL_TRY(stream, open_table(input.path, options));
    }
    stream->bind(roles);
    return PortValue(std::shared_ptr<TableStream>(std::move(stream)));
  }
  if (port.kind == PortKind::document) {
    PLIMSOLL_TRY(auto document, read_document(input.path));
    return PortValue(std::move(document));
  }
  if (port.kind == PortKind::files) {
    PLIMSOLL_TRY(auto files, open_files(input.path));
    return PortValue(std::move(files));
  }
  if (port.kind == PortKind::artifact) {
    PLIMSOLL_TRY(auto artifact, Artifact::load(input.path));
    return PortValue(ArtifactPort(std::move(artifact)));
  }
  if (port.kind == PortKind::report) {
    PLIMSOLL_TRY(auto text, read_file(input.path));
    PLIMSOLL_TRY(auto json, parse_json(text, input.path));
    PLIMSOLL_TRY(auto report, report_from_json(json));
    return PortValue(std::move(report));
  }
  return Error(ErrorCode::unavailable, "no reader for a " + std::string(name_of(port.kind)) + " port",
               "give this method's input another way")
      .in_parameter(port.name);
}

Result<void> bind_inputs(Call& call, const Request& request, const Method& method, std::int64_t memory_bytes) {
  const Type* type = inputs_of(method, call.verb);
  const Schema schema = type != nullptr ? schema_of(*type) : Schema{};
  std::vector<std::string> known;
  for (const PortSchema& port : schema.ports) known.push_back(port.name);
  for (const auto& [name, input] : request.inputs) {
    const PortSchema* found = nullptr;
    for (const PortSchema& port : schema.ports) {
      if (port.name == name) found = &port;
    }
    if (found == nullptr) {
      return Error(ErrorCode::unknown_name, request.verb + " of " + std::string(method.id) + " has no input " + name,
                   "use one of its ports")
          .in_parameter(name)
          .with_candidates(nearest_names(name, known));
    }
    PLIMSOLL_TRY(auto value, open_input(*found, input, memory_bytes));
    call.ports.emplace(name, std::move(value));
  }
  return {};
}

Result<void> write_report(const Report& report, const std::filesystem::path& path) {
  if (path.extension() == ".json") return write_file(path, pretty_json(to_json(report)));
  if (path.extension() == ".md") return write_file(path, to_markdown(report));
  PLIMSOLL_TRY(auto html, to_html(report));
  return write_file(path, html);
}

// Outputs that were gathered in memory and are wanted as streams.
Result<void> hand_streams(plimsoll::Reply& reply, const Request& request) {
  for (const auto& [name, out] : request.output_streams) {
    const auto found = reply.outputs.find(name);
    if (found == reply.outputs.end() || !std::holds_alternative<Table>(found->second)) {
      return Error(ErrorCode::unknown_name, "there is no output table " + name, "ask for a table of the method's outputs")
          .in_parameter(name);
    }
    PLIMSOLL_CHECK(export_stream(stream_of(std::get<Table>(found->second)), out));
  }
  return {};
}

Result<Json> reply_json(plimsoll::Reply& reply, const Request& request) {
  Json json = {{"warnings", reply.warnings}};
  PLIMSOLL_TRY(json["values"], parse_json(reply.values));
  if (reply.artifact) {
    json["artifact"] = to_json(*reply.artifact);
    if (const auto path = request.outputs.find("model"); path != request.outputs.end()) {
      PLIMSOLL_CHECK(reply.artifact->save(path->second));
    }
  }
  if (reply.certificate) json["certificate"] = to_json(*reply.certificate);
  if (reply.evidence) json["evidence"] = to_json(*reply.evidence);
  if (reply.report) {
    json["report"] = to_json(*reply.report);
    if (const auto path = request.outputs.find("report"); path != request.outputs.end()) {
      PLIMSOLL_CHECK(write_report(*reply.report, path->second));
    }
  }
  if (reply.findings) {
    Json findings = Json::array();
    for (const Finding& finding : reply.findings->findings) {
      findings.push_back({{"subject", finding.subject}, {"text", finding.text}, {"mend", finding.mend},
                          {"alarm", finding.severity == ReportSeverity::alarm}});
    }
    json["findings"] = std::move(findings);
    json["passed"] = reply.findings->passed();
  }
  PLIMSOLL_CHECK(hand_streams(reply, request));
  return json;
}

}  // namespace

struct Engine::State {
  EngineOptions options;
  std::mutex lock;
  std::optional<StopToken> running;
};

Engine::Engine(EngineOptions options) : state_(std::make_unique<State>()) { state_->options = std::move(options); }
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

Reply Engine::methods() const {
  return guarded([]() -> Result<Json> {
    Json lines = Json::array();
    for (const CatalogueLine& line : catalogue_lines()) lines.push_back(line_json(line));
    return lines;
  });
}

Reply Engine::method(const std::string& id) const {
  return guarded([&]() -> Result<Json> {
    PLIMSOLL_TRY(const CatalogueLine* line, find_method(id));
    return method_json(*line);
  });
}

Reply Engine::run(const Request& request) {
  return guarded([&]() -> Result<Json> {
    const auto verb = verb_named(request.verb);
    if (!verb) return Error(ErrorCode::unknown_name, "no verb " + request.verb, "use fit, apply, assess, verify, prove or report");
    WorkspaceOptions options;
    options.threads = state_->options.threads;
    options.seed = request.seed;
    options.scratch_parent = state_->options.scratch;
    options.budget.memory_bytes = state_->options.memory_bytes;
    options.allow_overlap = request.allow_overlap;
    Workspace workspace(options);
    Call call;
    call.verb = *verb;
    call.method = request.method;
    call.parameters = request.parameters;
    if (!request.model.empty()) {
      PLIMSOLL_TRY(call.model, Artifact::load(request.model));
      if (call.method.empty()) call.method = call.model->provenance().method;
    }
    PLIMSOLL_TRY(const CatalogueLine* line, find_method(call.method));
    PLIMSOLL_CHECK(bind_inputs(call, request, *line->entry, state_->options.memory_bytes));
    for (const auto& [name, path] : request.outputs) {
      if (name == "model" || name == "report") continue;
      PLIMSOLL_TRY(auto sink, create_table(path));
      call.sinks.emplace(name, std::shared_ptr<TableSink>(std::move(sink)));
    }
    {
      const std::lock_guard<std::mutex> guard(state_->lock);
      state_->running = workspace.context().stop;
    }
    auto reply = plimsoll::run(workspace.context(), call);
    {
      const std::lock_guard<std::mutex> guard(state_->lock);
      state_->running.reset();
    }
    if (!reply) return std::move(reply).error();
    return reply_json(reply.value(), request);
  });
}

void Engine::stop() {
  const std::lock_guard<std::mutex> guard(state_->lock);
  if (state_->running) state_->running->request();
}

const char* version() { return PLIMSOLL_VERSION; }

}  // namespace plimsoll::api

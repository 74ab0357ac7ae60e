// SPDX-License-Identifier: Apache-2.0
// Runs a call: opens its inputs, binds roles, passes the door, and hands the reply out.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "agent/environments.h"
#include "base/file.h"
#include "base/json.h"
#include "capi/handles.h"
#include "capi/polled_progress.h"
#include "engine/catalogue.h"
#include "engine/role_binding.h"
#include "engine/schema.h"
#include "llm/endpoints.h"
#include "table/interchange.h"

namespace plimsoll::capi {
namespace {

constexpr std::chrono::milliseconds poll_every{50};

// Batches that are kept, so that a fit may pass over them again. The batches are the giver's memory.
Result<std::shared_ptr<TableStream>> held(TableStream& stream, std::int64_t batch_rows) {
  PLIMSOLL_TRY(Table table, read_all(stream));
  return std::shared_ptr<TableStream>(stream_of(std::move(table), batch_rows));
}

Result<PortValue> open_path(const Context& context, const Input& input, const PortSchema& port) {
  switch (port.kind) {
    case PortKind::table: {
      ReadOptions read = input.read;
      read.threads = context.runtime.threads();
      read.memory_bytes = context.budget.memory_bytes;
      PLIMSOLL_TRY(std::unique_ptr<TableStream> stream, open_table(input.path, read));
      return PortValue(std::shared_ptr<TableStream>(std::move(stream)));
    }
    case PortKind::document: {
      PLIMSOLL_TRY(Document document, read_document(input.path));
      return PortValue(std::move(document));
    }
    case PortKind::files: {
      PLIMSOLL_TRY(Files files, open_files(input.path));
      return PortValue(std::move(files));
    }
    case PortKind::artifact: {
      PLIMSOLL_TRY(ArtifactPort artifact, Artifact::load(input.path));
      return PortValue(std::move(artifact));
    }
    case PortKind::report: {
      PLIMSOLL_TRY(const std::string text, read_file(input.path, std::uint64_t{64} << 20));
      PLIMSOLL_TRY(const Json json, parse_json(text, input.path));
      PLIMSOLL_TRY(Report report, report_from_json(json));
      return PortValue(std::move(report));
    }
    case PortKind::endpoint: {
      PLIMSOLL_TRY(EndpointPort endpoint, llm::open_endpoint_file(input.path, context));
      return PortValue(std::move(endpoint));
    }
    case PortKind::environment: {
      PLIMSOLL_TRY(EnvironmentPort environment, agent::open_environment_file(input.path, context));
      return PortValue(std::move(environment));
    }
    case PortKind::raster:
    case PortKind::network: break;
  }
  return Error(ErrorCode::missing_plugin, "no reader for a " + std::string(name_of(port.kind)) + " is built into this library",
               "Call the method from C++ with this port.")
      .in_parameter(port.name);
}

Result<PortValue> open_input(const Context& context, plimsoll_call& call, const Input& input, const PortSchema& port) {
  if (input.value) return *input.value;
  if (!input.stream) return open_path(context, input, port);
  std::shared_ptr<TableStream> stream = input.stream;
  if (input.hold) {
    PLIMSOLL_TRY(stream, held(*input.stream, call.batch_rows));
  }
  return PortValue(std::move(stream));
}

Result<void> bind_table(plimsoll_call& call, const ArtifactPort& model, const PortSchema& port, const std::string& path, PortValue& value) {
  const auto* stream = std::get_if<std::shared_ptr<TableStream>>(&value);
  if (stream == nullptr) return {};
  const RoleRequest asked{call.port_roles[port.name], call.roles, model, call.inputs.size() > 1};
  auto roles = bind_roles(asked, port, (*stream)->columns());
  if (!roles) return path.empty() ? std::move(roles).error() : std::move(roles).error().in_file(path);
  (*stream)->bind(std::move(roles).value());
  return {};
}

}  // namespace

Result<std::map<std::string, PortValue>> open_inputs(const Context& context, plimsoll_call& call, const std::vector<PortSchema>& ports) {
  std::map<std::string, PortValue> opened;
  ArtifactPort model = call.model;
  // Artifacts first: they know which columns played which role.
  for (const bool artifacts : {true, false}) {
    for (const PortSchema& port : ports) {
      if ((port.kind == PortKind::artifact) != artifacts) continue;
      const auto given = call.inputs.find(port.name);
      if (given == call.inputs.end()) continue;
      PLIMSOLL_TRY(PortValue value, open_input(context, call, given->second, port));
      PLIMSOLL_CHECK(bind_table(call, model, port, given->second.path, value));
      if (artifacts && !model) model = std::get<ArtifactPort>(value);
      opened.emplace(port.name, std::move(value));
    }
  }
  call.inputs.clear();  // streams are let go as soon as the verb is done with them
  return opened;
}

namespace {

// In a thread of its own, so that the caller's can poll: only that one may ask its interpreter about signals.
Result<Reply> run_watched(Context& context, plimsoll_call& call, const Call& door_call, const PolledProgress& progress) {
  std::mutex lock;
  std::condition_variable finished;
  std::optional<Result<Reply>> answer;
  std::thread worker([&] {
    Result<Reply> reply = run(context, door_call);
    const std::lock_guard<std::mutex> guard(lock);
    answer = std::move(reply);
    finished.notify_one();
  });
  {
    std::unique_lock<std::mutex> guard(lock);
    while (!finished.wait_for(guard, poll_every, [&] { return answer.has_value(); })) {
      guard.unlock();
      if (call.on_stop != nullptr && call.on_stop(call.stop_user) != 0) call.stop.request();
      if (const auto now = call.on_progress != nullptr ? progress.now() : std::nullopt)
        call.on_progress(call.progress_user, now->task.c_str(), now->done, now->total, now->unit.c_str());
      guard.lock();
    }
  }
  worker.join();
  return std::move(*answer);
}

Result<void> add_sinks(const plimsoll_call& call, Call& door_call) {
  std::vector<std::string> known;
  if (call.verb == Verb::apply)
    for (const PortSchema& port : schema_of(*call.method->apply_.outputs).ports)
      if (port.kind == PortKind::table) known.push_back(port.name);
  for (const auto& [name, path] : call.output_paths) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Error(ErrorCode::unknown_name, std::string(name_of(call.verb)) + " of " + std::string(call.method->id) + " has no output table '" + name + "'", "Use one of its outputs.")
          .in_parameter(name)
          .with_candidates(nearest_names(name, known));
    }
    PLIMSOLL_TRY(auto sink, create_table(path));
    door_call.sinks.emplace(name, std::shared_ptr<TableSink>(std::move(sink)));
  }
  return {};
}

Json outputs_json(const plimsoll_reply& reply) {
  Json list = Json::array();
  for (const std::string& name : reply.outputs) {
    const PortValue& value = reply.reply.outputs.at(name);
    Json json = {{"name", name}, {"kind", std::string(name_of(kind_of(value)))}};
    if (const auto* table = std::get_if<Table>(&value)) {
      json["rows"] = table->rows();
      Json columns = Json::array();
      for (const ColumnInfo& column : table->columns()) columns.push_back({{"name", column.name}, {"type", std::string(name_of(column.type))}});
      json["columns"] = std::move(columns);
    }
    list.push_back(std::move(json));
  }
  return list;
}

Json findings_json(const Findings& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings.findings)
    list.push_back({{"severity", std::string(name_of(finding.severity))}, {"subject", finding.subject}, {"text", finding.text}, {"mend", finding.mend}});
  return list;
}

Result<std::string> reply_json(const plimsoll_call& call, const plimsoll_reply& handle) {
  const Reply& reply = handle.reply;
  Json json = {{"method", std::string(call.method->id)}, {"verb", std::string(name_of(call.verb))}, {"warnings", reply.warnings}};
  PLIMSOLL_TRY(json["values"], parse_json(reply.values));
  json["outputs"] = outputs_json(handle);
  if (reply.artifact && reply.artifact->certified()) json["certificate"] = to_json(reply.artifact->certificate());
  if (reply.certificate) json["certificate"] = to_json(*reply.certificate);
  if (reply.evidence) {
    json["evidence"] = to_json(*reply.evidence);
    json["evidence_text"] = to_text(*reply.evidence);
  }
  if (reply.findings) {
    json["findings"] = findings_json(*reply.findings);
    json["passed"] = reply.findings->passed();
  }
  return canonical_json(json);
}

Result<void> check_call(const plimsoll_call& call) {
  if (call.ran) return Error(ErrorCode::bad_parameter, "this call ran already", "Make a new one.");
  if (call.method == nullptr) return Error(ErrorCode::missing_input, "neither a method nor a model is named", "Name a method of the catalogue, or give a model.");
  if (call.verb == Verb::apply && call.method->fit_.model != nullptr && !call.model)
    return Error(ErrorCode::missing_input, std::string(call.method->id) + " is applied by a fitted model", "Fit it first, then apply the model.").in_parameter("model");
  return {};
}

}  // namespace

Result<void> run_call(plimsoll_call& call, plimsoll_reply& handle) {
  PLIMSOLL_CHECK(check_call(call));
  call.ran = true;
  PolledProgress progress;
  call.options.progress = &progress;
  Workspace workspace(call.options);
  Context& context = workspace.context();
  context.stop = call.stop;
  Call door_call;
  door_call.verb = call.verb;
  door_call.method = call.method->id;
  door_call.parameters = call.parameters;
  door_call.model = call.model;
  door_call.batch_rows = call.batch_rows;
  if (const Type* type = inputs_of(*call.method, call.verb)) {
    PLIMSOLL_TRY(door_call.ports, open_inputs(context, call, schema_of(*type).ports));
  }
  PLIMSOLL_CHECK(add_sinks(call, door_call));
  const bool watched = call.on_stop != nullptr || call.on_progress != nullptr;
  PLIMSOLL_TRY(handle.reply, watched ? run_watched(context, call, door_call, progress) : run(context, door_call));
  if (call.verb == Verb::apply)
    for (const PortSchema& port : schema_of(*call.method->apply_.outputs).ports)
      if (handle.reply.outputs.contains(port.name)) handle.outputs.push_back(port.name);
  PLIMSOLL_TRY(handle.json, reply_json(call, handle));
  return {};
}

}  // namespace plimsoll::capi

using namespace plimsoll;
using namespace plimsoll::capi;

namespace {

// An output of kind T by name; null: the first of that kind.
template <class T>
Result<const T*> output_of(const plimsoll_reply& reply, const char* name, const char* kind) {
  std::vector<std::string> known;
  for (const std::string& candidate : reply.outputs) {
    const T* value = std::get_if<T>(&reply.reply.outputs.at(candidate));
    if (value == nullptr) continue;
    if (name == nullptr || candidate == name) return value;
    known.push_back(candidate);
  }
  return Error(ErrorCode::unknown_name, std::string("the reply has no ") + kind + (name == nullptr ? "" : std::string(" '") + name + "'"),
               known.empty() ? "See the reply's outputs." : "Use one of its outputs.")
      .in_parameter(name == nullptr ? "" : name)
      .with_candidates(name == nullptr ? known : nearest_names(name, known));
}

}  // namespace

plimsoll_error* plimsoll_run(plimsoll_call* call, plimsoll_reply** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(call);
    PLIMSOLL_WANT(out);
    auto reply = std::make_unique<plimsoll_reply>();
    PLIMSOLL_CHECK(run_call(*call, *reply));
    *out = reply.release();
    return {};
  });
}

const char* plimsoll_reply_json(const plimsoll_reply* reply) { return reply == nullptr ? "{}" : reply->json.c_str(); }

plimsoll_error* plimsoll_reply_model(const plimsoll_reply* reply, plimsoll_model** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(reply);
    PLIMSOLL_WANT(out);
    if (!reply->reply.artifact) return Error(ErrorCode::wrong_kind, "this reply holds no model", "Only a fit gives one.");
    hand_over(out, reply->reply.artifact);
    return {};
  });
}

plimsoll_error* plimsoll_reply_report(const plimsoll_reply* reply, const char* name, plimsoll_report** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(reply);
    PLIMSOLL_WANT(out);
    if (name == nullptr && reply->reply.report) {
      hand_over(out, *reply->reply.report);
      return {};
    }
    PLIMSOLL_TRY(const Report* report, output_of<Report>(*reply, name, "report"));
    hand_over(out, *report);
    return {};
  });
}

plimsoll_error* plimsoll_reply_table(const plimsoll_reply* reply, const char* name, struct ArrowArrayStream* out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(reply);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(const Table* table, output_of<Table>(*reply, name, "table"));
    return export_stream(stream_of(*table), out);
  });
}

plimsoll_error* plimsoll_reply_document(const plimsoll_reply* reply, const char* name, plimsoll_text** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(reply);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(const Document* document, output_of<Document>(*reply, name, "document"));
    hand_text(out, canonical_json(document->root()));
    return {};
  });
}

plimsoll_error* plimsoll_reply_artifact(const plimsoll_reply* reply, const char* name, plimsoll_model** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(reply);
    PLIMSOLL_WANT(out);
    PLIMSOLL_TRY(const ArtifactPort* artifact, output_of<ArtifactPort>(*reply, name, "artifact"));
    hand_over(out, *artifact);
    return {};
  });
}

void plimsoll_reply_free(plimsoll_reply* reply) { delete reply; }

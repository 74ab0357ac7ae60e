// SPDX-License-Identifier: Apache-2.0
#include "cli/request.h"

#include <algorithm>
#include <set>

#include "base/file.h"
#include "base/json.h"
#include "cli/flags.h"
#include "cli/ports_opened.h"

namespace plimsoll::cli {
namespace {

std::string lower_suffix(const std::string& path) {
  std::string suffix = std::filesystem::path(path).extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return suffix;
}

// Parameters are read here once before any file is opened, so that a slip costs no reading. The door reads them again.
Result<void> check_parameters(const Request& request) {
  const auto types = parameters_of(*request.method, request.verb, request.model != nullptr);
  PLIMSOLL_TRY(const Json json, parse_json(request.parameters));
  for (const Type* type : types) {
    if (types.size() > 1) return {};  // who owns which is the door's to say
    Box target(*type);
    std::vector<std::string> warnings;
    PLIMSOLL_CHECK(read_fields(json, target, warnings));
  }
  return {};
}

Result<void> check_outputs(const Request& request, const std::vector<PortSchema>& outputs) {
  std::vector<std::string> names;
  for (const PortSchema& port : outputs) names.push_back(port.name);
  std::set<std::string> paths;
  if (!request.output.empty() && request.output != "-") paths.insert(request.output);
  for (const auto& [name, path] : request.outputs) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return Error(ErrorCode::bad_parameter, std::string(request.method->id) + " has no output '" + name + "'", "See --help for its outputs")
          .in_parameter("output")
          .with_candidates(nearest_names(name, names));
    }
    if (!paths.insert(path).second)
      return Error(ErrorCode::bad_parameter, "two outputs go to " + path, "Give each its own file").in_parameter("output");
  }
  return {};
}

const PortSchema* first_table(const std::vector<PortSchema>& ports) {
  for (const PortSchema& port : ports)
    if (port.kind == PortKind::table) return &port;
  return nullptr;
}

Result<void> write_value(const PortValue& value, const std::string& path) {
  if (const auto* table = std::get_if<Table>(&value)) return write_table(*table, path);
  if (const auto* report = std::get_if<Report>(&value)) return write_report(*report, path);
  if (const auto* document = std::get_if<Document>(&value))  // a document that is one text (a query, a markup) is written as it stands
    return write_file(path, document->root().is_string() ? document->root().get<std::string>() : pretty_json(document->root()) + "\n");
  if (const auto* artifact = std::get_if<ArtifactPort>(&value)) return (*artifact)->save(path);
  return Error(ErrorCode::wrong_kind, "an output that is a " + std::string(name_of(kind_of(value))) + " cannot be written to a file", "Leave this output out");
}

std::string output_path(const Request& request, const std::string& name, const PortSchema* main) {
  if (const auto found = request.outputs.find(name); found != request.outputs.end()) return found->second;
  if (main && main->name == name) return request.output.empty() ? "-" : request.output;
  return "";
}

Result<void> add_sinks(const Request& request, const std::vector<PortSchema>& outputs, Call& call, Outcome& outcome) {
  const PortSchema* main = first_table(outputs);
  for (const PortSchema& port : outputs) {
    const std::string path = output_path(request, port.name, main);
    if (port.kind != PortKind::table || path.empty()) continue;
    PLIMSOLL_TRY(std::unique_ptr<TableSink> sink, create_table(path));
    call.sinks[port.name] = std::move(sink);
    outcome.written.emplace_back(port.name, path);
  }
  return {};
}

Result<void> write_outputs(const Request& request, const std::vector<PortSchema>& outputs, Outcome& outcome) {
  const PortSchema* main = first_table(outputs);
  for (const auto& [name, value] : outcome.reply.outputs) {
    const auto kind = kind_of(value);
    const std::string path = output_path(request, name, main);
    if (kind == PortKind::table || path.empty()) continue;
    PLIMSOLL_CHECK(write_value(value, path));
    outcome.written.emplace_back(name, path);
  }
  return {};
}

// The report of a fit or an apply: the report verb of the same method on the same files, or on what was just written.
Result<Report> draw(Workspace& workspace, const Request& request, const Outcome& outcome) {
  Request drawing;
  drawing.verb = Verb::report;
  drawing.method = request.method;
  drawing.model = request.verb == Verb::fit ? outcome.reply.artifact : request.model;
  drawing.roles = request.roles;
  const Schema inputs = input_schema(*request.method, Verb::report);
  for (const PortSchema& port : inputs.ports) {
    const auto found = request.ports.find(port.name);
    if (found != request.ports.end() && request.verb != Verb::apply) drawing.ports[port.name] = found->second;
  }
  const PortSchema* first = first_port(inputs.ports);
  if (request.verb == Verb::apply && first && !outcome.written.empty() && outcome.written.front().second != "-")
    drawing.ports[first->name].path = outcome.written.front().second;
  PLIMSOLL_TRY(Outcome drawn, execute(workspace, drawing));
  return std::move(*drawn.reply.report);
}

const PortSchema* report_port(const std::vector<PortSchema>& outputs) {
  for (const PortSchema& port : outputs)
    if (port.kind == PortKind::report) return &port;
  return nullptr;
}

Error with_file(Error error, const Request& request, const std::vector<PortSchema>& ports) {
  if (!error.file.empty() || (error.column.empty() && !error.row)) return error;
  std::string only;
  for (const auto& [name, port] : request.ports) {
    const bool table = std::any_of(ports.begin(), ports.end(), [&n = name](const PortSchema& p) { return p.name == n && p.kind == PortKind::table; });
    if (!table) continue;
    if (!only.empty()) return error;
    only = port.path;
  }
  error.file = only;
  return error;
}

}  // namespace

Result<void> check_verb(const Request& request) {
  if (!request.method->has(request.verb)) {
    std::string verbs;
    for (const Verb verb : {Verb::fit, Verb::apply, Verb::assess, Verb::step, Verb::verify, Verb::prove, Verb::report}) {
      if (request.method->has(verb)) verbs += (verbs.empty() ? "" : ", ") + std::string(name_of(verb));
    }
    return Error(ErrorCode::unknown_name, std::string(request.method->id) + " has no verb '" + std::string(name_of(request.verb)) + "'",
                 "It has: " + verbs);
  }
  if (request.verb == Verb::apply && request.method->fit_.model != nullptr && !request.model) {
    return Error(ErrorCode::missing_input, std::string(request.method->id) + " is applied by a fitted model",
                 "Fit it first (plimsoll fit " + std::string(request.method->id) + " ... -o model.plim), then plimsoll apply model.plim");
  }
  return {};
}

std::vector<const Type*> parameters_of(const Method& method, Verb verb, bool with_model) {
  std::vector<const Type*> types;
  const auto add = [&types](const Type* type) {
    if (type && !schema_of(*type).fields.empty()) types.push_back(type);
  };
  if (verb == Verb::fit) add(method.fit_.params);
  if (verb == Verb::assess) add(method.assess_.params);
  if (verb == Verb::apply) {
    if (!method.fit_.model && !with_model) add(method.apply_.model);
    add(method.apply_.options);
  }
  if (types.empty()) types.push_back(&type_of<Empty>);
  return types;
}

Schema input_schema(const Method& method, Verb verb) {
  const Type* type = inputs_of(method, verb);
  return type ? schema_of(*type) : Schema{};
}

std::vector<FieldSchema> parameter_fields(const Method& method, Verb verb, bool with_model) {
  std::vector<FieldSchema> fields;
  for (const Type* type : parameters_of(method, verb, with_model)) {
    for (FieldSchema& field : schema_of(*type).fields) fields.push_back(std::move(field));
  }
  return fields;
}

Result<void> write_report(const Report& report, const std::string& path) {
  const std::string suffix = lower_suffix(path);
  if (suffix == ".html" || suffix == ".htm") {
    PLIMSOLL_TRY(const std::string html, to_html(report));
    return write_file(path, html);
  }
  if (suffix == ".json") return write_file(path, pretty_json(to_json(report)) + "\n");
  if (suffix == ".md") return write_file(path, to_markdown(report));
  return Error(ErrorCode::bad_parameter, "the suffix of a report says its form, and '" + suffix + "' is none of them", "Name it .html, .json or .md")
      .in_parameter("report")
      .in_file(path);
}

Result<void> check_verdict(const Report& report, const std::string& fail_on) {
  const auto verdicts = split_list(fail_on);
  if (report.verdict.empty() || std::find(verdicts.begin(), verdicts.end(), report.verdict) == verdicts.end()) return {};
  return Error(ErrorCode::check_failed, "the verdict is " + report.verdict + ": " + report.title, "Read the report's findings");
}

Result<Outcome> execute(Workspace& workspace, const Request& request) {
  PLIMSOLL_CHECK(check_verb(request));
  const std::vector<PortSchema> outputs = request.verb == Verb::apply ? schema_of(*request.method->apply_.outputs).ports : std::vector<PortSchema>{};
  const PortSchema* own_report = report_port(outputs);
  const bool draws = !request.report.empty() && !own_report && request.verb != Verb::assess && request.verb != Verb::report;
  if (draws && !request.method->has(Verb::report))
    return Error(ErrorCode::bad_parameter, std::string(request.method->id) + " draws no report", "Leave --report out").in_parameter("report");
  const Schema inputs = input_schema(*request.method, request.verb);
  PLIMSOLL_CHECK(check_outputs(request, outputs));
  if (request.verb != Verb::verify && request.verb != Verb::report) PLIMSOLL_CHECK(check_parameters(request));

  Outcome outcome;
  Call call;
  call.verb = request.verb;
  call.method = request.method->id;
  call.parameters = request.parameters;
  call.model = request.model;
  call.batch_rows = request.batch_rows;
  PLIMSOLL_TRY(call.ports, open_ports(workspace.context(), request, inputs.ports));
  PLIMSOLL_CHECK(add_sinks(request, outputs, call, outcome));
  auto reply = run(workspace.context(), call);
  if (!reply) return with_file(std::move(reply).error(), request, inputs.ports);
  outcome.reply = std::move(reply).value();
  call.sinks.clear();

  if (request.verb == Verb::fit && !request.output.empty()) {
    PLIMSOLL_CHECK(outcome.reply.artifact->save(request.output));
    outcome.written.emplace_back("model", request.output);
  }
  PLIMSOLL_CHECK(write_outputs(request, outputs, outcome));
  if (own_report) {
    const auto drawn = outcome.reply.outputs.find(own_report->name);
    if (drawn != outcome.reply.outputs.end()) outcome.reply.report = std::get<Report>(drawn->second);
  }
  if (draws) {
    PLIMSOLL_TRY(outcome.reply.report, draw(workspace, request, outcome));
  }
  if (!request.report.empty() && outcome.reply.report) {
    PLIMSOLL_CHECK(write_report(*outcome.reply.report, request.report));
    outcome.written.emplace_back("report", request.report);
  }
  return outcome;
}

}  // namespace plimsoll::cli

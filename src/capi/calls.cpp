// SPDX-License-Identifier: Apache-2.0
// A call as it is put together: names are checked here, files and streams are opened when it runs.
#include <algorithm>

#include "base/json.h"
#include "capi/handles.h"
#include "engine/catalogue.h"
#include "engine/role_binding.h"
#include "engine/schema.h"
#include "table/interchange.h"

using namespace plimsoll;
using namespace plimsoll::capi;

namespace {

Schema input_schema(const plimsoll_call& call) {
  const Type* type = call.method == nullptr ? nullptr : inputs_of(*call.method, call.verb);
  return type == nullptr ? Schema{} : schema_of(*type);
}

// The port's schema; `port` null is the first one.
Result<PortSchema> port_of(const plimsoll_call& call, const char* port) {
  if (call.method == nullptr)
    return Error(ErrorCode::missing_input, "neither a method nor a model is named yet", "Name the method, or give the model first.");
  const Schema schema = input_schema(call);
  if (port == nullptr) {
    if (const PortSchema* first = first_port(schema.ports)) return *first;
    return Error(ErrorCode::unknown_name, std::string(name_of(call.verb)) + " of " + std::string(call.method->id) + " takes no input", "Leave it out.");
  }
  std::vector<std::string> known;
  for (const PortSchema& candidate : schema.ports) {
    if (candidate.name == port) return candidate;
    known.push_back(candidate.name);
  }
  return Error(ErrorCode::unknown_name, std::string(name_of(call.verb)) + " of " + std::string(call.method->id) + " has no input '" + port + "'",
               known.empty() ? "It takes none." : "Use one of its inputs.")
      .in_parameter(port)
      .with_candidates(nearest_names(port, known));
}

Result<void> check_kind(const PortSchema& port, PortKind kind) {
  if (port.kind == kind) return {};
  return Error(ErrorCode::wrong_kind, "'" + port.name + "' wants a " + std::string(name_of(port.kind)) + ", got a " + std::string(name_of(kind)),
               "Give a " + std::string(name_of(port.kind)) + ".")
      .in_parameter(port.name);
}

Result<std::string> text_option(const Json& value, const std::string& name) {
  if (value.is_string()) return value.get<std::string>();
  return Error(ErrorCode::bad_parameter, "'" + name + "' must be text", "Give a text.").in_parameter(name);
}

Result<std::int64_t> count_option(const Json& value, const std::string& name, std::int64_t low, std::int64_t high) {
  if (value.is_number_integer() && value.get<std::int64_t>() >= low && value.get<std::int64_t>() <= high) return value.get<std::int64_t>();
  return Error(ErrorCode::bad_parameter, "'" + name + "' must be a whole number from " + std::to_string(low) + " to " + std::to_string(high), "Give one.")
      .in_parameter(name);
}

Result<void> set_seed(plimsoll_call& call, const Json& value) {
  if (!value.is_number_integer() || (!value.is_number_unsigned() && value.get<std::int64_t>() < 0))
    return Error(ErrorCode::bad_parameter, "'seed' must be a whole number of at least 0", "Give one.").in_parameter("seed");
  call.options.seed = value.get<std::uint64_t>();
  return {};
}

Result<void> set_option(plimsoll_call& call, const std::string& name, const Json& value) {
  constexpr std::int64_t most = std::int64_t{1} << 60;
  if (name == "seed") return set_seed(call, value);
  if (name == "threads") {
    PLIMSOLL_TRY(const std::int64_t threads, count_option(value, name, 0, 4096));
    call.options.threads = static_cast<int>(threads);
  } else if (name == "memory_bytes") {
    PLIMSOLL_TRY(call.options.budget.memory_bytes, count_option(value, name, 0, most));
  } else if (name == "batch_rows") {
    PLIMSOLL_TRY(call.batch_rows, count_option(value, name, 1, most));
  } else if (name == "allow_overlap") {
    PLIMSOLL_TRY(call.options.allow_overlap, text_option(value, name));
    if (call.options.allow_overlap.empty())
      return Error(ErrorCode::bad_parameter, "'allow_overlap' needs a reason", "Write the reason in a few words: it stands on the certificate.").in_parameter(name);
  } else if (name == "scratch") {
    PLIMSOLL_TRY(call.options.scratch_parent, text_option(value, name));
  } else {
    return Error(ErrorCode::bad_parameter, "there is no option '" + name + "'", "Use seed, threads, memory_bytes, batch_rows, allow_overlap or scratch.")
        .in_parameter(name)
        .with_candidates(nearest_names(name, {"seed", "threads", "memory_bytes", "batch_rows", "allow_overlap", "scratch"}));
  }
  return {};
}

Result<void> set_texts(std::vector<std::string>& target, const Json& value, const std::string& name) {
  const bool list = value.is_array() && std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_string(); });
  if (!list && !value.is_string()) return Error(ErrorCode::bad_parameter, "'" + name + "' must be a list of texts", "Give a list.").in_parameter(name);
  target = list ? value.get<std::vector<std::string>>() : std::vector<std::string>{value.get<std::string>()};
  return {};
}

Result<void> set_read(ReadOptions& read, const std::string& name, const Json& value) {
  if (name == "names") return set_texts(read.names, value, name);
  if (name == "null") return set_texts(read.null_values, value, name);
  if (name == "text_columns") return set_texts(read.text_columns, value, name);
  if (name == "strip_suffix") return set_texts(read.strip_suffix, value, name);
  if (name == "columns") return set_texts(read.columns, value, name);
  if (name == "header" || name == "trim") {
    if (!value.is_boolean()) return Error(ErrorCode::bad_parameter, "'" + name + "' must be true or false", "Give one of them.").in_parameter(name);
    (name == "header" ? read.header : read.trim) = value.get<bool>();
    return {};
  }
  if (name == "delimiter") {
    PLIMSOLL_TRY(const std::string text, text_option(value, name));
    if (text.size() != 1) return Error(ErrorCode::bad_parameter, "'delimiter' must be one character", "Give one.").in_parameter(name);
    read.delimiter = text[0];
    return {};
  }
  if (name == "format") {
    PLIMSOLL_TRY(const std::string text, text_option(value, name));
    const std::map<std::string, FileFormat> formats = {
        {"csv", FileFormat::csv}, {"parquet", FileFormat::parquet}, {"jsonl", FileFormat::jsonl},
        {"arrow", FileFormat::arrow}, {"netcdf", FileFormat::netcdf}, {"grib", FileFormat::grib}};
    const auto found = formats.find(text);
    if (found == formats.end()) return Error(ErrorCode::bad_parameter, "there is no table format '" + text + "'", "Use csv, parquet, jsonl, arrow, netcdf or grib.").in_parameter(name);
    read.format = found->second;
    return {};
  }
  const std::vector<std::string> known = {"format", "header", "names", "delimiter", "trim", "null", "text_columns", "strip_suffix", "columns"};
  return Error(ErrorCode::bad_parameter, "there is no way of reading '" + name + "'", "Use one of its options.").in_parameter(name).with_candidates(nearest_names(name, known));
}

Result<Json> object_of(const char* text, const char* what) {
  PLIMSOLL_TRY(Json json, parse_json(text, what));
  if (!json.is_object()) return Error(ErrorCode::bad_parameter, std::string(what) + " must be a JSON object", "Write {\"name\": value, ...}.");
  return json;
}

Result<void> add_input(plimsoll_call& call, const PortSchema& port, Input input) {
  if (call.inputs.contains(port.name))
    return Error(ErrorCode::bad_parameter, "the input '" + port.name + "' is given twice", "Give it once.").in_parameter(port.name);
  call.inputs.emplace(port.name, std::move(input));
  return {};
}

Result<void> add_value(plimsoll_call& call, const char* port, PortValue value) {
  PLIMSOLL_TRY(const PortSchema schema, port_of(call, port));
  PLIMSOLL_CHECK(check_kind(schema, kind_of(value)));
  Input input;
  input.value = std::make_shared<const PortValue>(std::move(value));
  return add_input(call, schema, std::move(input));
}

// Which tables declare the role; an unknown one is refused here, with the nearest.
Result<void> check_role(const plimsoll_call& call, const char* port, const std::string& role) {
  if (call.method == nullptr)
    return Error(ErrorCode::missing_input, "neither a method nor a model is named yet", "Name the method, or give the model first.");
  std::vector<std::string> known;
  for (const PortSchema& candidate : input_schema(call).ports) {
    if (port != nullptr && candidate.name != port) continue;
    for (const RoleSchema& declared : candidate.roles) {
      if (declared.role == role) return {};
      known.push_back(declared.role);
    }
  }
  return Error(ErrorCode::bad_parameter, std::string(name_of(call.verb)) + " of " + std::string(call.method->id) + " has no role '" + role + "'",
               known.empty() ? "It binds no columns." : "Use one of its roles.")
      .in_parameter(role)
      .with_candidates(nearest_names(role, known));
}

}  // namespace

plimsoll_error* plimsoll_call_new(const char* verb, const char* method, plimsoll_call** out) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(verb);
    PLIMSOLL_WANT(out);
    const auto named = verb_named(verb);
    if (!named) return Error(ErrorCode::unknown_name, std::string("there is no verb '") + verb + "'", "Use fit, apply, assess, verify, prove or report.").in_parameter("verb");
    auto call = std::make_unique<plimsoll_call>();
    call->verb = *named;
    if (method != nullptr && method[0] != '\0') {
      PLIMSOLL_TRY(const CatalogueLine* line, find_method(method));
      call->method = line->entry;
    }
    *out = call.release();
    return {};
  });
}

void plimsoll_call_free(plimsoll_call* call) { delete call; }

plimsoll_error* plimsoll_call_parameters(plimsoll_call* call, const char* json) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(call);
    PLIMSOLL_WANT(json);
    PLIMSOLL_CHECK(object_of(json, "parameters"));
    call->parameters = json;
    return {};
  });
}

plimsoll_error* plimsoll_call_options(plimsoll_call* call, const char* json) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(call);
    PLIMSOLL_WANT(json);
    PLIMSOLL_TRY(const Json options, object_of(json, "options"));
    for (const auto& [name, value] : options.items()) PLIMSOLL_CHECK(set_option(*call, name, value));
    return {};
  });
}

plimsoll_error* plimsoll_call_model(plimsoll_call* call, const plimsoll_model* model) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(call);
    PLIMSOLL_WANT(model);
    call->model = model->artifact;
    if (call->method == nullptr) {
      PLIMSOLL_TRY(const CatalogueLine* line, find_method(model->artifact->provenance().method));
      call->method = line->entry;
    }
    return {};
  });
}

plimsoll_error* plimsoll_call_input_stream(plimsoll_call* call, const char* port, struct ArrowArrayStream* stream, int hold) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(stream);
    PLIMSOLL_TRY(std::unique_ptr<TableStream> table, import_stream(stream));
    PLIMSOLL_WANT(call);
    PLIMSOLL_TRY(const PortSchema schema, port_of(*call, port));
    PLIMSOLL_CHECK(check_kind(schema, PortKind::table));
    Input input;
    input.stream = std::move(table);
    input.hold = hold != 0;
    return add_input(*call, schema, std::move(input));
  });
}

plimsoll_error* plimsoll_call_input_path(plimsoll_call* call, const char* port, const char* path, const char* read) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(call);
    PLIMSOLL_WANT(path);
    PLIMSOLL_TRY(const PortSchema schema, port_of(*call, port));
    Input input;
    input.path = path;
    if (read != nullptr) {
      PLIMSOLL_TRY(const Json options, object_of(read, "read"));
      for (const auto& [name, value] : options.items()) PLIMSOLL_CHECK(set_read(input.read, name, value));
    }
    return add_input(*call, schema, std::move(input));
  });
}

plimsoll_error* plimsoll_call_input_json(plimsoll_call* call, const char* port, const char* json) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(call);
    PLIMSOLL_WANT(json);
    PLIMSOLL_TRY(Document document, parse_document(json, "json", port == nullptr ? "document" : port));
    return add_value(*call, port, PortValue(std::move(document)));
  });
}

plimsoll_error* plimsoll_call_input_model(plimsoll_call* call, const char* port, const plimsoll_model* model) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(call);
    PLIMSOLL_WANT(model);
    return add_value(*call, port, PortValue(model->artifact));
  });
}

plimsoll_error* plimsoll_call_input_report(plimsoll_call* call, const char* port, const plimsoll_report* report) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(call);
    PLIMSOLL_WANT(report);
    return add_value(*call, port, PortValue(report->report));
  });
}

plimsoll_error* plimsoll_call_columns(plimsoll_call* call, const char* port, const char* role, const char* const* columns, size_t count) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(call);
    PLIMSOLL_WANT(role);
    if (count > 0) PLIMSOLL_WANT(columns);
    if (port != nullptr) PLIMSOLL_CHECK(port_of(*call, port));
    PLIMSOLL_CHECK(check_role(*call, port, role));
    std::vector<std::string> names;
    for (size_t i = 0; i < count; ++i) {
      PLIMSOLL_WANT(columns[i]);
      names.emplace_back(columns[i]);
    }
    (port == nullptr ? call->roles : call->port_roles[port])[role] = std::move(names);
    return {};
  });
}

plimsoll_error* plimsoll_call_output_path(plimsoll_call* call, const char* port, const char* path) {
  return guarded([&]() -> Result<void> {
    PLIMSOLL_WANT(call);
    PLIMSOLL_WANT(port);
    PLIMSOLL_WANT(path);
    call->output_paths[port] = path;
    return {};
  });
}

void plimsoll_call_on_progress(plimsoll_call* call, plimsoll_progress_function function, void* user) {
  if (call == nullptr) return;
  call->on_progress = function;
  call->progress_user = user;
}

void plimsoll_call_on_stop(plimsoll_call* call, plimsoll_stop_function function, void* user) {
  if (call == nullptr) return;
  call->on_stop = function;
  call->stop_user = user;
}

void plimsoll_call_stop(plimsoll_call* call) {
  if (call != nullptr) call->stop.request();
}

// SPDX-License-Identifier: Apache-2.0
#include "cli/method_flags.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/json.h"
#include "cli/parameter_text.h"

namespace plimsoll::cli {
namespace {

std::string value_word(const FieldSchema& field) {
  switch (field.kind) {
    case FieldKind::number: return "NUMBER";
    case FieldKind::integer: return "INTEGER";
    case FieldKind::flag: return "";
    case FieldKind::text:
    case FieldKind::blob: return "TEXT";
    case FieldKind::choice: return "CHOICE";
    case FieldKind::numbers:
    case FieldKind::integers:
    case FieldKind::tensor: return "NUMBER,...";
    case FieldKind::texts: return "TEXT,...";
    case FieldKind::text_map: return "NAME=TEXT,...";
    case FieldKind::nested:
    case FieldKind::list:
    case FieldKind::optional: return "JSON";
  }
  return "VALUE";
}

std::string joined(const std::vector<std::string>& path) {
  std::string text;
  for (const std::string& part : path) text += (text.empty() ? "" : ".") + part;
  return text;
}

// Help with constraint and default: "miscoverage, in (0, 1) (default 0.1)".
std::string field_help(const FieldSchema& field) {
  std::string help = field.help;
  if (const std::string constraint = constraint_text(field); !constraint.empty()) help += ", " + constraint;
  const std::string& standard = field.default_json;
  if (field.required) help += " (required)";
  else if (standard != "[]" && standard != "{}" && standard != "null" && standard != "\"\"") {
    const bool quoted = standard.size() >= 2 && standard.front() == '"';
    help += " (default " + (quoted ? standard.substr(1, standard.size() - 2) : standard) + ")";
  }
  return help;
}

class Collector {
 public:
  std::vector<BoundFlag> flags;

  void add(BoundFlag bound) {
    if (taken_.insert(dashed(bound.flag.name)).second) flags.push_back(std::move(bound));
  }

  void parameters(const std::vector<FieldSchema>& fields, const std::vector<std::string>& prefix) {
    for (const FieldSchema& field : fields) {
      std::vector<std::string> path = prefix;
      path.push_back(field.name);
      const bool inner = field.kind == FieldKind::nested || field.kind == FieldKind::optional;
      if (inner) {
        parameters(field.children, path);
        continue;
      }
      BoundFlag bound;
      bound.flag = {joined(path), value_word(field), field_help(field), 0, false, field.choices, "Parameters", false};
      bound.to = BoundFlag::To::parameter;
      bound.path = path;
      add(std::move(bound));
      if (!field.was.empty()) {
        path.back() = field.was;
        add({{joined(path), value_word(field), "earlier name of --" + dashed(field.name), 0, false, field.choices, "", false}, BoundFlag::To::parameter, "", "", path});
      }
    }
  }

 private:
  std::set<std::string> taken_;
};

void add_ports(Collector& collector, const std::vector<PortSchema>& ports) {
  for (const PortSchema& port : ports) {
    Flag flag{port.name, port.kind == PortKind::files ? "FOLDER" : "PATH", port.help + (port.required ? " (required)" : ""), 0, false, {}, "Inputs", true};
    if (&port == first_port(ports)) flag.help += "; or the first word after the method";
    collector.add({flag, BoundFlag::To::port, port.name, "", {}});
  }
  for (const PortSchema& port : ports) {
    for (const RoleSchema& role : port.roles) {
      const Flag flag{role.role, role.many ? "COLUMN,..." : "COLUMN", role.help + (role.required ? " (required)" : ""), 0, false, {}, "Roles of columns", false};
      collector.add({flag, BoundFlag::To::role, "", role.role, {}});
    }
  }
}

void add_port_flags(Collector& collector, const std::vector<PortSchema>& ports) {
  for (const PortSchema& port : ports) {
    if (port.kind != PortKind::table) continue;
    for (const RoleSchema& role : port.roles)
      collector.add({{port.name + "." + role.role, "COLUMN,...", "", 0, false, {}, "", false}, BoundFlag::To::port_role, port.name, role.role, {}});
    for (Flag flag : read_flags()) {
      const std::string name = flag.name;
      flag.name = port.name + ".read." + name;
      flag.group = "";
      collector.add({flag, BoundFlag::To::port_read, port.name, name, {}});
    }
  }
}

Result<void> set_parameters(const Arguments& arguments, const std::vector<BoundFlag>& bound, Asked& asked) {
  const Request& request = asked.request;
  const auto fields = parameter_fields(*request.method, request.verb, request.model != nullptr);
  Json json = Json::object();
  if (arguments.has("params")) {
    PLIMSOLL_TRY(asked.params, read_document(arguments.one("params")));
    asked.has_params = true;
    json = asked.params.root();
    if (!json.is_object()) return asked.params.error_at("", "parameters must be names with values", "Write name = value lines");
  }
  if (const auto given = arguments.values.find("param"); given != arguments.values.end()) {
    for (const std::string& assignment : given->second) PLIMSOLL_CHECK(set_assignment(json, fields, assignment));
  }
  for (const BoundFlag& flag : bound) {
    if (flag.to != BoundFlag::To::parameter || !arguments.has(flag.flag.name)) continue;
    const FieldSchema* field = field_at(fields, flag.path);
    set_at(json, flag.path, value_of(*field, arguments.one(flag.flag.name)));
  }
  asked.request.parameters = canonical_json(json);
  return {};
}

Result<void> set_ports(const Arguments& arguments, const std::vector<BoundFlag>& bound, Request& request) {
  ReadOptions general;
  general.batch_rows = request.batch_rows;
  for (const BoundFlag& flag : bound) {
    if (flag.to != BoundFlag::To::read) continue;
    if (const auto given = arguments.values.find(flag.flag.name); given != arguments.values.end())
      for (const std::string& text : given->second) PLIMSOLL_CHECK(set_read_option(general, flag.name, text));
  }
  for (const BoundFlag& flag : bound) {
    if (flag.to == BoundFlag::To::port && arguments.has(flag.flag.name)) {
      request.ports[flag.port].path = arguments.one(flag.flag.name);
    }
    if (flag.to == BoundFlag::To::role && arguments.has(flag.flag.name)) request.roles[flag.name] = split_list(arguments.one(flag.flag.name));
  }
  for (auto& [name, port] : request.ports) port.read = general;
  for (const BoundFlag& flag : bound) {
    const auto given = arguments.values.find(flag.flag.name);
    if (given == arguments.values.end()) continue;
    const auto port = request.ports.find(flag.port);
    if ((flag.to == BoundFlag::To::port_role || flag.to == BoundFlag::To::port_read) && port == request.ports.end()) {
      return Error(ErrorCode::missing_input, "--" + dashed(flag.flag.name) + " is given, but not the table '" + flag.port + "'", "Give --" + dashed(flag.port) + " PATH")
          .in_parameter(flag.port);
    }
    if (flag.to == BoundFlag::To::port_role) port->second.roles[flag.name] = split_list(given->second.back());
    if (flag.to == BoundFlag::To::port_read)
      for (const std::string& text : given->second) PLIMSOLL_CHECK(set_read_option(port->second.read, flag.name, text));
  }
  return {};
}

Result<void> set_words(const Arguments& arguments, Request& request) {
  const auto ports = input_schema(*request.method, request.verb).ports;
  const PortSchema* first = first_port(ports);
  if (arguments.words.empty()) return {};
  if (!first || arguments.words.size() > 1 || request.ports.contains(first->name)) {
    const std::string& word = first && arguments.words.size() > 1 && !request.ports.contains(first->name) ? arguments.words[1] : arguments.words[0];
    return Error(ErrorCode::bad_parameter, "'" + word + "' is one word too many", "Give further inputs by their flags; see --help");
  }
  request.ports[first->name].path = arguments.words.front();
  return {};
}

Result<void> set_outputs(const Arguments& arguments, Request& request) {
  const auto given = arguments.values.find("output");
  if (given == arguments.values.end()) return {};
  std::vector<std::string> names;
  if (request.verb == Verb::apply)
    for (const PortSchema& port : schema_of(*request.method->apply_.outputs).ports) names.push_back(port.name);
  for (const std::string& text : given->second) {
    const std::size_t equals = text.find('=');
    const std::string name = equals == std::string::npos ? "" : text.substr(0, equals);
    const bool a_name = !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
    if (a_name && !names.empty()) {  // an unknown name is refused with the nearest when the outputs are checked
      request.outputs[name] = text.substr(equals + 1);
    } else if (request.output.empty()) {
      request.output = text;
    } else {
      return Error(ErrorCode::bad_parameter, "--output stands twice for the same thing", "Name further outputs: -o NAME=PATH").in_parameter("output").with_candidates(names);
    }
  }
  return {};
}

}  // namespace

std::vector<Flag> speaking_flags() {
  return {
      {"json", "", "results and errors as JSON", 0, false, {}, "Speaking", false},
      {"quiet", "", "no progress, no warnings, no summary", 'q', false, {}, "Speaking", false},
      {"verbose", "", "log what is done", 'v', false, {}, "Speaking", false},
      {"help", "", "this text", 'h', false, {}, "Speaking", false},
  };
}

std::vector<Flag> running_flags(Verb verb) {
  std::vector<Flag> flags;
  const bool writes = verb == Verb::fit || verb == Verb::apply || verb == Verb::report;
  if (writes)
    flags.push_back({"output", verb == Verb::apply ? "PATH|NAME=PATH" : "PATH",
                     verb == Verb::fit ? "where the model goes (.plim)"
                     : verb == Verb::report ? "where the report goes (.html, .json, .md)"
                                            : "where the rows go, by suffix (.csv, .parquet, .jsonl, .arrow); without it CSV on standard output",
                     'o', true, {}, "Running", true});
  if (verb != Verb::report && verb != Verb::verify) flags.push_back({"report", "PATH", "also write the report (.html, .json, .md)", 0, false, {}, "Running", true});
  if (verb == Verb::fit || verb == Verb::apply || verb == Verb::assess) {
    flags.push_back({"params", "FILE", "parameters from a TOML, YAML or JSON file; flags win over it", 0, false, {}, "Running", true});
    flags.push_back({"param", "NAME=VALUE", "one parameter, nested as a.b=VALUE; wins over --params", 'p', true, {}, "Running", false});
  }
  flags.push_back({"seed", "INTEGER", "root of every random draw (default 0)", 0, false, {}, "Running", false});
  flags.push_back({"threads", "INTEGER", "threads; results do not depend on them (default: all)", 0, false, {}, "Running", false});
  flags.push_back({"memory", "BYTES", "keep to this much memory, e.g. 256MB", 0, false, {}, "Running", false});
  flags.push_back({"batch-rows", "INTEGER", "rows a batch; results do not depend on it (default 65536)", 0, false, {}, "Running", false});
  if (verb == Verb::fit || verb == Verb::apply || verb == Verb::assess)
    flags.push_back({"allow-overlap", "REASON", "certify on rows that were used before; the reason goes on the certificate", 0, false, {}, "Running", false});
  if (verb == Verb::assess || verb == Verb::report)
    flags.push_back({"fail-on", "VERDICT,...", "exit 1 when the report's verdict is one of these", 0, false, {}, "Running", false});
  return flags;
}

const std::vector<Flag>& read_flags() {
  static const std::vector<Flag> flags = {
      {"format", "FORMAT", "csv, parquet, jsonl, arrow, netcdf or grib, whatever the suffix", 0, false, {"csv", "parquet", "jsonl", "arrow", "netcdf", "grib"}, "Reading", false},
      {"header", "", "the first line names the columns (default true; --read.header=false)", 0, false, {}, "Reading", false},
      {"names", "NAME,...", "names of the columns", 0, false, {}, "Reading", false},
      {"delimiter", "CHARACTER", "between fields of CSV (default ,)", 0, false, {}, "Reading", false},
      {"trim", "", "drop blanks around CSV fields", 0, false, {}, "Reading", false},
      {"null", "TEXT,...", "more texts that mean missing", 0, true, {}, "Reading", false},
      {"strip-suffix", "COLUMN=TEXT", "drop a suffix from each value of a column", 0, true, {}, "Reading", false},
      {"text-columns", "COLUMN,...", "columns never taken as numbers", 0, true, {}, "Reading", false},
      {"columns", "COLUMN,...", "read only these", 0, false, {}, "Reading", false},
  };
  return flags;
}

std::vector<BoundFlag> method_flags(const Method& method, Verb verb, bool with_model) {
  Collector collector;
  for (const Flag& flag : running_flags(verb)) collector.add({flag, BoundFlag::To::common, "", "", {}});
  for (const Flag& flag : speaking_flags()) collector.add({flag, BoundFlag::To::common, "", "", {}});
  const auto ports = input_schema(method, verb).ports;
  add_ports(collector, ports);
  if (verb != Verb::verify && verb != Verb::report) collector.parameters(parameter_fields(method, verb, with_model), {});
  if (std::any_of(ports.begin(), ports.end(), [](const PortSchema& port) { return port.kind == PortKind::table; })) {
    for (Flag flag : read_flags()) {
      const std::string name = flag.name;
      flag.name = "read." + name;
      collector.add({flag, BoundFlag::To::read, "", name, {}});
    }
  }
  add_port_flags(collector, ports);
  return std::move(collector.flags);
}

std::vector<Flag> plain_flags(const std::vector<BoundFlag>& bound) {
  std::vector<Flag> flags;
  for (const BoundFlag& flag : bound) flags.push_back(flag.flag);
  return flags;
}

Result<Asked> asked_of(const Arguments& arguments, const std::vector<BoundFlag>& bound, Request request) {
  Asked asked;
  asked.request = std::move(request);
  if (arguments.has("batch-rows")) {
    PLIMSOLL_TRY(asked.request.batch_rows, parse_count("batch-rows", arguments.one("batch-rows"), 1));
  }
  asked.request.report = arguments.one("report");
  asked.request.fail_on = arguments.one("fail-on");
  PLIMSOLL_CHECK(set_words(arguments, asked.request));
  PLIMSOLL_CHECK(set_ports(arguments, bound, asked.request));
  PLIMSOLL_CHECK(set_parameters(arguments, bound, asked));
  PLIMSOLL_CHECK(set_outputs(arguments, asked.request));
  return asked;
}

Result<void> set_read_option(ReadOptions& read, const std::string& name, const std::string& text) {
  const auto append = [&text](std::vector<std::string>& list) {
    for (std::string& part : split_list(text)) list.push_back(std::move(part));
  };
  const auto bad = [&](const std::string& mend) {
    return Error(ErrorCode::bad_parameter, "--read." + name + " cannot be '" + text + "'", mend).in_parameter("read." + name);
  };
  if (name == "format") {
    if (text == "csv") read.format = FileFormat::csv;
    else if (text == "parquet") read.format = FileFormat::parquet;
    else if (text == "jsonl") read.format = FileFormat::jsonl;
    else if (text == "arrow") read.format = FileFormat::arrow;
    else if (text == "netcdf") read.format = FileFormat::netcdf;
    else if (text == "grib") read.format = FileFormat::grib;
    else return bad("Give csv, parquet, jsonl, arrow, netcdf or grib");
  } else if (name == "header" || name == "trim") {
    if (text != "true" && text != "false") return bad("Give true or false");
    (name == "header" ? read.header : read.trim) = text == "true";
  } else if (name == "delimiter") {
    const std::string one = text == "\\t" || text == "tab" ? "\t" : text;
    if (one.size() != 1) return bad("Give one character, or tab");
    read.delimiter = one.front();
  } else if (name == "names") {
    append(read.names);
  } else if (name == "null") {
    append(read.null_values);
  } else if (name == "strip-suffix" || name == "strip_suffix") {
    if (text.find('=') == std::string::npos) return bad("Write COLUMN=SUFFIX, e.g. income=.");
    append(read.strip_suffix);
  } else if (name == "text-columns" || name == "text_columns") {
    append(read.text_columns);
  } else if (name == "columns") {
    append(read.columns);
  } else {
    std::vector<std::string> known;
    for (const Flag& flag : read_flags()) known.push_back(flag.name);
    return Error(ErrorCode::bad_parameter, "the reader has no option '" + name + "'", "See --help").in_parameter("read." + name).with_candidates(nearest_names(name, known));
  }
  return {};
}

Result<std::int64_t> parse_count(const std::string& name, const std::string& text, std::int64_t least) {
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec == std::errc() && read.ptr == text.data() + text.size() && value >= least) return value;
  return Error(ErrorCode::bad_parameter, "--" + name + " cannot be '" + text + "'", "Give a whole number of at least " + std::to_string(least)).in_parameter(name);
}

Result<std::int64_t> parse_bytes(const std::string& text) {
  double value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(read.ptr, text.data() + text.size());
  double factor = 0;
  if (unit.empty() || unit == "B") factor = 1;
  if (unit == "K" || unit == "KB" || unit == "kB") factor = 1e3;
  if (unit == "M" || unit == "MB") factor = 1e6;
  if (unit == "G" || unit == "GB") factor = 1e9;
  if (unit == "KiB") factor = 1024.0;
  if (unit == "MiB") factor = 1048576.0;
  if (unit == "GiB") factor = 1073741824.0;
  const double bytes = value * factor;
  if (read.ec != std::errc() || factor == 0 || !(bytes >= 16e6) || bytes > 1e18) {
    return Error(ErrorCode::bad_parameter, "--memory cannot be '" + text + "'", "Give at least 16MB, e.g. 256MB or 2GiB").in_parameter("memory");
  }
  return static_cast<std::int64_t>(bytes);
}

Error at_params_line(Error error, const Asked& asked) {
  if (!asked.has_params || error.parameter.empty() || !error.file.empty()) return error;
  std::string pointer;
  for (const std::string& part : split_path(error.parameter)) pointer += "/" + part;
  const std::int64_t line = asked.params.line_of(pointer);
  if (line == 0) return error;
  error.file = asked.params.file();
  error.line = line;
  return error;
}

}  // namespace plimsoll::cli

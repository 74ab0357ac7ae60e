// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/rig.h"

#include <cmath>
#include <limits>

#include "base/json.h"
#include "engine/port_walk.h"
#include "engine/schema.h"
#include "table/interchange.h"

namespace plimsoll::rig {
namespace {

Table with_column(const Table& table, const std::string& name, Table column) {
  auto joined = table.without({name}).beside(column);
  return joined.value().with_roles(table.roles());
}

Table reals_column(const std::string& name, std::vector<double> values, bool nan_is_null) {
  TableBuilder builder;
  if (nan_is_null) builder.real_or_null(name, std::move(values));
  else builder.real(name, std::move(values));
  return std::move(builder).build().value();
}

Table text_column(const std::string& name, std::size_t rows) {
  return std::move(TableBuilder().text(name, std::vector<std::string>(rows, "words"))).build().value();
}

std::vector<double> numbers_of(const Table& table, const std::string& name) {
  const auto values = table.reals(name, Missing::as_nan);
  if (!values) return {};
  return {values.value().begin(), values.value().end()};
}

using Change = std::function<Table(const Table&, const std::string&)>;

// The changes of one column; numeric ones only where the column reads as numbers.
std::vector<std::pair<std::string, Change>> changes() {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto at_third = [](double x) {
    return [x](const Table& t, const std::string& c) {
      auto values = numbers_of(t, c);
      if (values.size() < 3) return t;
      values[2] = x;
      return with_column(t, c, reals_column(c, std::move(values), false));
    };
  };
  return {
      {"all null", [nan](const Table& t, const std::string& c) { return with_column(t, c, reals_column(c, std::vector<double>(static_cast<std::size_t>(t.rows()), nan), true)); }},
      {"constant", [](const Table& t, const std::string& c) { return with_column(t, c, reals_column(c, std::vector<double>(static_cast<std::size_t>(t.rows()), 1.0), false)); }},
      {"NaN in row 2", at_third(nan)},
      {"infinity in row 2", at_third(std::numeric_limits<double>::infinity())},
      {"minus a million in row 2", at_third(-1e6)},
      {"text instead", [](const Table& t, const std::string& c) { return with_column(t, c, text_column(c, static_cast<std::size_t>(t.rows()))); }},
      {"missing", [](const Table& t, const std::string& c) { return t.without({c}); }},
  };
}

}  // namespace

std::string primary_name(const Method& method, Verb verb) {
  const Type* type = inputs_of(method, verb);
  if (!type) return "";
  Box box(*type);
  const auto ports = ports_of(box);
  const BoundPort* primary = primary_table(ports);
  return primary ? primary->name : "";
}

Result<Call> call_of(const Method& method, Verb verb, std::uint64_t example_seed, std::int64_t rows) {
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = example_seed});
  PLIMSOLL_TRY(Example example, method.example_(workspace.context(), verb, example_seed, rows));
  if (example.inputs.type() != inputs_of(method, verb))
    return Error(ErrorCode::internal, "the example of " + std::string(name_of(verb)) + " has another inputs struct", "Return that verb's Inputs.");
  Call call;
  call.verb = verb;
  call.method = method.id;
  for (const BoundPort& port : ports_of(example.inputs))
    if (auto value = get_port(port.slot)) {
      const auto* artifact = std::get_if<ArtifactPort>(&*value);
      if (artifact && !*artifact) continue;
      call.ports.insert_or_assign(port.name, *std::move(value));
    }
  if (example.params) {
    PLIMSOLL_TRY(const Json json, write_fields(example.params));
    call.parameters = canonical_json(json);
  }
  return call;
}

Result<Reply> run_with(const Call& call, const Setting& setting) {
  Workspace workspace({.backend = setting.backend, .threads = setting.threads, .seed = seed});
  Call own = call;
  own.batch_rows = setting.batch_rows;
  return run(workspace.context(), own);
}

Result<ArtifactPort> fit(const Method&, const Call& call, const Setting& setting) {
  PLIMSOLL_TRY(Reply reply, run_with(call, setting));
  return reply.artifact;
}

Result<std::map<std::string, std::string>> bytes_of(const Reply& reply) {
  std::map<std::string, std::string> bytes;
  for (const auto& [name, value] : reply.outputs) {
    if (const auto* table = std::get_if<Table>(&value)) {
      // Chunks depend on batches; the values must not: gather them into one chunk before comparing.
      std::vector<std::int64_t> all(static_cast<std::size_t>(table->rows()));
      for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i);
      PLIMSOLL_TRY(bytes[name], table_to_bytes(table->take(all)));
    } else if (const auto* report = std::get_if<Report>(&value)) {
      bytes[name] = canonical_json(to_json(*report));
    }
  }
  bytes["values"] = reply.values;
  if (reply.report) bytes["report"] = canonical_json(to_json(*reply.report));
  if (reply.certificate) bytes["certificate"] = canonical_json(to_json(*reply.certificate));
  if (reply.artifact) {
    PLIMSOLL_TRY(bytes["artifact"], reply.artifact->to_bytes());
  }
  return bytes;
}

std::vector<Damage> damages(const Method& method, Verb verb, const Call& call) {
  std::vector<Damage> all;
  const std::string primary = primary_name(method, verb);
  const auto found = call.ports.find(primary);
  if (found == call.ports.end()) return all;
  const Table table = std::get<Table>(found->second);
  const auto with = [&](std::string what, const Table& changed) {
    Damage damage{std::move(what), call};
    damage.call.ports.insert_or_assign(primary, changed);
    all.push_back(std::move(damage));
  };
  with("zero rows", table.slice(0, 0));
  with("one row", table.slice(0, 1));
  for (const ColumnInfo& column : table.columns())
    for (const auto& [what, change] : changes()) with(what + " in '" + column.name + "'", change(table, column.name));
  Damage without{"input missing", call};
  without.call.ports.erase(primary);
  all.push_back(std::move(without));
  Damage unknown{"unknown parameter", call};
  unknown.call.parameters = R"({"no_such_parameter": 1})";
  all.push_back(std::move(unknown));
  return all;
}

}  // namespace plimsoll::rig

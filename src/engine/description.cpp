// SPDX-License-Identifier: Apache-2.0
#include "engine/description.h"

#include "base/json.h"
#include "engine/schema.h"

namespace plimsoll {
namespace {

constexpr Verb all_verbs[] = {Verb::fit, Verb::apply, Verb::assess, Verb::step, Verb::verify, Verb::prove, Verb::report};

std::string text_of(Rows rows) {
  switch (rows) {
    case Rows::independent: return "independent";
    case Rows::grouped: return "grouped";
    case Rows::whole: return "whole";
  }
  return {};
}

std::string text_of(Law law) {
  switch (law) {
    case Law::A: return "A";
    case Law::B: return "B";
    case Law::C: return "C";
  }
  return {};
}

Json fields_json(const std::vector<FieldSchema>& fields) {
  Json list = Json::array();
  for (const FieldSchema& field : fields) {
    Json json = {{"name", field.name}, {"help", field.help}, {"kind", std::string(name_of(field.kind))}, {"required", field.required}};
    if (const std::string constraint = constraint_text(field); !constraint.empty()) json["constraint"] = constraint;
    if (!field.required) json["default"] = Json::parse(field.default_json, nullptr, false);
    if (!field.choices.empty()) json["choices"] = field.choices;
    if (!field.was.empty()) json["was"] = field.was;
    if (!field.children.empty()) json["fields"] = fields_json(field.children);
    list.push_back(std::move(json));
  }
  return list;
}

Json ports_json(const std::vector<PortSchema>& ports) {
  Json list = Json::array();
  for (const PortSchema& port : ports) {
    Json json = {{"name", port.name}, {"help", port.help}, {"kind", std::string(name_of(port.kind))}, {"required", port.required}};
    if (!port.method.empty()) json["method"] = port.method;
    Json roles = Json::array();
    for (const RoleSchema& role : port.roles) {
      roles.push_back({{"role", role.role}, {"help", role.help}, {"required", role.required}, {"many", role.many}});
    }
    json["roles"] = std::move(roles);
    list.push_back(std::move(json));
  }
  return list;
}

const Type* parameters_of(const Method& method, Verb verb) {
  switch (verb) {
    case Verb::fit: return method.fit_.params;
    case Verb::apply: return method.apply_.options;
    case Verb::assess: return method.assess_.params;
    case Verb::verify:
    case Verb::report:
    case Verb::step:
    case Verb::prove: return nullptr;
  }
  return nullptr;
}

Json step_json(const Method& method) {
  Json json = Json::object();
  json["event"] = fields_json(schema_of(*method.step_.event).fields);
  json["row"] = fields_json(schema_of(*method.step_.row).fields);
  return json;
}

Json verb_json(const Method& method, Verb verb) {
  if (verb == Verb::step) return step_json(method);
  Json json = {{"fields", Json::array()}, {"inputs", Json::array()}};
  if (const Type* type = parameters_of(method, verb)) {
    const Schema schema = schema_of(*type);
    json["parameters"] = json_schema(schema);
    json["fields"] = fields_json(schema.fields);
  }
  if (const Type* type = inputs_of(method, verb)) json["inputs"] = ports_json(schema_of(*type).ports);
  if (verb == Verb::fit) {
    json["mergeable"] = method.mergeable();
    json["law"] = text_of(method.fit_.law);
  }
  if (verb == Verb::apply) {
    const Schema outputs = schema_of(*method.apply_.outputs);
    json["rows"] = text_of(method.apply_.rows);
    json["outputs"] = ports_json(outputs.ports);
    json["values"] = fields_json(outputs.fields);
    if (!method.has(Verb::fit)) {
      const Schema model = schema_of(*method.apply_.model);
      json["model_fields"] = fields_json(model.fields);
      if (json["fields"].empty()) json["parameters"] = json_schema(model);
    }
  }
  return json;
}

}  // namespace

Json line_json(const CatalogueLine& line) {
  Json verbs = Json::array();
  for (const Verb verb : all_verbs) {
    if (line.entry->has(verb)) verbs.push_back(std::string(name_of(verb)));
  }
  return {{"id", std::string(line.id)}, {"tier", std::string(line.tier)}, {"plugin", std::string(line.plugin)}, {"verbs", std::move(verbs)}};
}

Json method_json(const CatalogueLine& line) {
  Json json = line_json(line);
  json["card"] = std::string(line.card);
  json["about"] = Json::object();
  for (const Verb verb : all_verbs) {
    if (line.entry->has(verb)) json["about"][std::string(name_of(verb))] = verb_json(*line.entry, verb);
  }
  return json;
}

Json error_json(const Error& error) {
  const ErrorInfo& facts = info(error.code);
  Json json = {{"code", std::string(facts.name)}, {"what", error.what},           {"mend", error.mend}, {"message", error.message()},
               {"exit_status", facts.exit_status}, {"http_status", facts.http_status}};
  if (!error.file.empty()) json["file"] = error.file;
  if (!error.column.empty()) json["column"] = error.column;
  if (!error.parameter.empty()) json["parameter"] = error.parameter;
  if (error.row) json["row"] = *error.row;
  if (error.line) json["line"] = *error.line;
  if (!error.candidates.empty()) json["candidates"] = error.candidates;
  return json;
}

}  // namespace plimsoll

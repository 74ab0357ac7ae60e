// SPDX-License-Identifier: Apache-2.0
#include "engine/schema.h"

#include <array>
#include <cmath>
#include <sstream>

#include "base/json.h"
#include "engine/method.h"

namespace plimsoll {
namespace {

constexpr std::array<std::string_view, 14> kind_names = {"number",   "integer", "flag",   "text", "choice", "numbers", "integers",
                                                         "texts",    "text_map", "tensor", "blob", "nested", "list",    "optional"};

class SchemaBuilder final : public Fields {
 public:
  Schema schema;

  void number(const FieldInfo& info, double& value) override { add(info, FieldKind::number, json_of(value)); }
  void integer(const FieldInfo& info, std::int64_t& value) override { add(info, FieldKind::integer, value); }
  void flag(const FieldInfo& info, bool& value) override { add(info, FieldKind::flag, value); }
  void text(const FieldInfo& info, std::string& value) override { add(info, FieldKind::text, value); }
  void choice(const FieldInfo& info, int& value, std::span<const std::string_view> choices) override {
    auto& field = add(info, FieldKind::choice, std::string(choices[static_cast<std::size_t>(value)]));
    field.choices.assign(choices.begin(), choices.end());
  }
  void numbers(const FieldInfo& info, std::vector<double>& value) override {
    Json list = Json::array();
    for (const double x : value) list.push_back(json_of(x));
    add(info, FieldKind::numbers, list);
  }
  void integers(const FieldInfo& info, std::vector<std::int64_t>& value) override { add(info, FieldKind::integers, value); }
  void texts(const FieldInfo& info, std::vector<std::string>& value) override { add(info, FieldKind::texts, value); }
  void text_map(const FieldInfo& info, std::map<std::string, std::string>& value) override { add(info, FieldKind::text_map, value); }
  void tensor(const FieldInfo& info, std::vector<double>&) override { add(info, FieldKind::tensor, Json::array()); }
  void tensor(const FieldInfo& info, std::vector<float>&) override { add(info, FieldKind::tensor, Json::array()); }
  void tensor(const FieldInfo& info, std::vector<std::int64_t>&) override { add(info, FieldKind::tensor, Json::array()); }
  void tensor(const FieldInfo& info, std::vector<std::int32_t>&) override { add(info, FieldKind::tensor, Json::array()); }
  void blob(const FieldInfo& info, std::string&) override { add(info, FieldKind::blob, ""); }
  void nested(const FieldInfo& info, Body body) override { add(info, FieldKind::nested, Json::object()).children = children_of(body); }
  void list(const FieldInfo& info, ListBody body) override {
    auto& field = add(info, FieldKind::list, Json::array());
    const std::size_t size = body.size(body.list);
    if (size == 0) body.resize(body.list, 1);
    field.children = children_of(body.at(body.list, 0));
    if (size == 0) body.resize(body.list, 0);
  }
  void optional(const FieldInfo& info, OptionalBody body) override {
    auto& field = add(info, FieldKind::optional, nullptr);
    const bool had = body.has(body.object);
    if (!had) body.set(body.object, true);
    field.children = children_of(body.get(body.object));
    if (!had) body.set(body.object, false);
  }
  void port(const PortInfo& info, PortSlot slot) override {
    PortSchema port{std::string(info.name), std::string(info.help), slot.kind, !slot.optional, {}, std::string(info.method)};
    for (const RoleInfo& role : info.roles) port.roles.push_back({std::string(role.role), std::string(role.help), role.required, role.many});
    schema.ports.push_back(std::move(port));
  }

 private:
  FieldSchema& add(const FieldInfo& info, FieldKind kind, const Json& value) {
    schema.fields.push_back({std::string(info.name), std::string(info.help), kind, info.constraint, info.required, std::string(info.was), {}, canonical_json(value), {}});
    return schema.fields.back();
  }
  static std::vector<FieldSchema> children_of(Body body) {
    SchemaBuilder inner;
    body.describe(inner, body.object);
    return std::move(inner.schema.fields);
  }
};

std::string number_text(double x) {
  std::ostringstream out;
  out << x;
  return out.str();
}

Json schema_of_field(const FieldSchema& field);

Json object_schema(const std::vector<FieldSchema>& fields) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const FieldSchema& field : fields) {
    properties[field.name] = schema_of_field(field);
    if (field.required) required.push_back(field.name);
  }
  Json schema = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}

void add_bounds(Json& schema, const Constraint& c) {
  if (std::isfinite(c.low)) schema[c.low_open ? "exclusiveMinimum" : "minimum"] = c.low;
  if (std::isfinite(c.high)) schema[c.high_open ? "exclusiveMaximum" : "maximum"] = c.high;
}

Json kind_schema(const FieldSchema& field) {
  Json item;
  switch (field.kind) {
    case FieldKind::number: item = {{"type", "number"}}; add_bounds(item, field.constraint); return item;
    case FieldKind::integer: item = {{"type", "integer"}}; add_bounds(item, field.constraint); return item;
    case FieldKind::flag: return {{"type", "boolean"}};
    case FieldKind::text: return {{"type", "string"}};
    case FieldKind::choice: return {{"type", "string"}, {"enum", field.choices}};
    case FieldKind::numbers: item = {{"type", "number"}}; add_bounds(item, field.constraint); return {{"type", "array"}, {"items", item}};
    case FieldKind::integers: item = {{"type", "integer"}}; add_bounds(item, field.constraint); return {{"type", "array"}, {"items", item}};
    case FieldKind::texts: return {{"type", "array"}, {"items", {{"type", "string"}}}};
    case FieldKind::text_map: return {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
    case FieldKind::tensor: return {{"type", "array"}, {"items", {{"type", "number"}}}};
    case FieldKind::blob: return {{"type", "string"}, {"contentEncoding", "base64"}};
    case FieldKind::nested: return object_schema(field.children);
    case FieldKind::list: return {{"type", "array"}, {"items", object_schema(field.children)}};
    case FieldKind::optional: return {{"anyOf", {object_schema(field.children), {{"type", "null"}}}}};
  }
  return {};
}

Json schema_of_field(const FieldSchema& field) {
  Json schema = kind_schema(field);
  schema["description"] = field.help;
  if (!field.required && field.kind != FieldKind::nested && field.kind != FieldKind::tensor && field.kind != FieldKind::blob)
    schema["default"] = Json::parse(field.default_json);
  return schema;
}

}  // namespace

std::string_view name_of(FieldKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }

Schema schema_of(const Type& type) {
  SchemaBuilder builder;
  Box box(type);
  box.describe(builder);
  return std::move(builder.schema);
}

const Type* inputs_of(const Method& method, Verb verb) {
  switch (verb) {
    case Verb::fit: return method.fit_.inputs;
    case Verb::apply: return method.apply_.inputs;
    case Verb::assess: return method.assess_.inputs;
    case Verb::verify: return method.verify_.inputs;
    case Verb::report: return method.report_.inputs;
    case Verb::step:
    case Verb::prove: return nullptr;
  }
  return nullptr;
}

std::string constraint_text(const FieldSchema& field) {
  if (field.kind == FieldKind::choice) {
    std::string text = "one of ";
    for (std::size_t i = 0; i < field.choices.size(); ++i) text += (i ? ", " : "") + field.choices[i];
    return text;
  }
  const Constraint& c = field.constraint;
  const bool low = std::isfinite(c.low);
  const bool high = std::isfinite(c.high);
  if (low && high) return std::string("in ") + (c.low_open ? "(" : "[") + number_text(c.low) + ", " + number_text(c.high) + (c.high_open ? ")" : "]");
  if (low) return (c.low_open ? "above " : "at least ") + number_text(c.low);
  if (high) return (c.high_open ? "below " : "at most ") + number_text(c.high);
  return "";
}

Json json_schema(const Schema& schema) {
  Json json = object_schema(schema.fields);
  json["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  return json;
}

}  // namespace plimsoll

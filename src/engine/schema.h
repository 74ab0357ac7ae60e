// SPDX-License-Identifier: Apache-2.0
#pragma once

// A description as data, for everything that shows or reads parameters: flags, help, JSON Schema, stubs, forms, docs.

#include <memory>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "engine/box.h"
#include "engine/fields.h"
#include "engine/ports.h"

namespace plimsoll {

struct Method;
enum class Verb : std::uint8_t;

enum class FieldKind : std::uint8_t { number, integer, flag, text, choice, numbers, integers, texts, text_map, tensor, blob, nested, list, optional };
std::string_view name_of(FieldKind kind);

struct FieldSchema {
  std::string name;
  std::string help;
  FieldKind kind = FieldKind::number;
  Constraint constraint;
  bool required = false;
  std::string was;
  std::vector<std::string> choices;
  std::string default_json;               // canonical JSON of the default
  std::vector<FieldSchema> children;      // nested, list (of one element), optional
};

struct RoleSchema {
  std::string role;
  std::string help;
  bool required = false;
  bool many = false;
};

struct PortSchema {
  std::string name;
  std::string help;
  PortKind kind = PortKind::table;
  bool required = true;
  std::vector<RoleSchema> roles;
  std::string method;
};

struct Schema {
  std::vector<FieldSchema> fields;
  std::vector<PortSchema> ports;
};

Schema schema_of(const Type& type);
// The inputs that a verb takes; null for a verb without ports or one that the method lacks.
const Type* inputs_of(const Method& method, Verb verb);
// "in (0, 1)", "at least 1", "one of lac, aps", "" if none.
std::string constraint_text(const FieldSchema& field);
Json json_schema(const Schema& schema);  // JSON Schema 2020-12 of the fields

// Reads parameters into a struct that holds its defaults. Unknown names (`bad_parameter` with the nearest), wrong kinds,
// constraint violations and missing required fields are refused with the parameter's path ("calibration.method").
// Warnings (earlier names) are appended.
Result<void> read_fields(const Json& json, Box& target, std::vector<std::string>& warnings);
Result<Json> write_fields(const Box& source);  // every field, tensors as arrays
// Every field of the object satisfies its constraint (for models: also after loading).
Result<void> check_fields(Box& target);

}  // namespace plimsoll

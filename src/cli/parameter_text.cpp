// SPDX-License-Identifier: Apache-2.0
#include "cli/parameter_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/json.h"
#include "cli/flags.h"

namespace plimsoll::cli {
namespace {

std::optional<double> real_of(const std::string& text) {
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return value;
}

Json number(const std::string& text) {
  const auto value = real_of(text);
  return value ? json_of(*value) : Json(text);
}

Json integer(const std::string& text) {
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  std::int64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (!digits.empty() && read.ec == std::errc() && read.ptr == digits.data() + digits.size()) return value;
  const auto real = real_of(text);  // "1e6"
  if (real && std::fabs(*real) < 9007199254740992.0 && std::floor(*real) == *real) return static_cast<std::int64_t>(*real);
  return text;
}

Json flag(const std::string& text) {
  if (text == "true" || text == "yes" || text == "on" || text == "1") return true;
  if (text == "false" || text == "no" || text == "off" || text == "0") return false;
  return text;
}

template <class Read>
Json list(const std::string& text, Read read) {
  Json values = Json::array();
  for (const std::string& part : split_list(text)) values.push_back(read(part));
  return values;
}

Json text_map(const std::string& text) {
  Json values = Json::object();
  for (const std::string& part : split_list(text)) {
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) return text;
    values[part.substr(0, equals)] = part.substr(equals + 1);
  }
  return values;
}

Json as_json(const std::string& text) {
  auto json = parse_json(text);
  return json ? std::move(json).value() : Json(text);
}

}  // namespace

Json value_of(const FieldSchema& field, const std::string& text) {
  switch (field.kind) {
    case FieldKind::number: return number(text);
    case FieldKind::integer: return integer(text);
    case FieldKind::flag: return flag(text);
    case FieldKind::text:
    case FieldKind::choice:
    case FieldKind::blob: return text;
    case FieldKind::numbers:
    case FieldKind::tensor: return text.starts_with('[') ? as_json(text) : list(text, number);
    case FieldKind::integers: return text.starts_with('[') ? as_json(text) : list(text, integer);
    case FieldKind::texts: return list(text, [](const std::string& part) { return Json(part); });
    case FieldKind::text_map: return text.starts_with('{') ? as_json(text) : text_map(text);
    case FieldKind::nested:
    case FieldKind::list:
    case FieldKind::optional: return as_json(text);
  }
  return text;
}

const FieldSchema* field_at(const std::vector<FieldSchema>& fields, const std::vector<std::string>& path) {
  const std::vector<FieldSchema>* level = &fields;
  const FieldSchema* found = nullptr;
  for (const std::string& name : path) {
    const auto field = std::find_if(level->begin(), level->end(), [&name](const FieldSchema& f) { return f.name == name || (!f.was.empty() && f.was == name); });
    if (field == level->end()) return nullptr;
    found = &*field;
    level = &field->children;
  }
  return found;
}

void set_at(Json& json, const std::vector<std::string>& path, Json value) {
  Json* at = &json;
  for (const std::string& name : path) {
    if (!at->is_object()) *at = Json::object();
    at = &(*at)[name];
  }
  *at = std::move(value);
}

std::vector<std::string> split_path(const std::string& dotted) {
  std::vector<std::string> path(1);
  for (const char c : dotted) {
    if (c == '.') path.emplace_back();
    else path.back() += c;
  }
  return path;
}

Result<void> set_assignment(Json& json, const std::vector<FieldSchema>& fields, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    return Error(ErrorCode::bad_parameter, "'" + assignment + "' is not name=value", "Write -p alpha=0.1").in_parameter("param");
  }
  const auto path = split_path(assignment.substr(0, equals));
  const std::string text = assignment.substr(equals + 1);
  const FieldSchema* field = field_at(fields, path);
  set_at(json, path, field ? value_of(*field, text) : as_json(text));
  return {};
}

}  // namespace plimsoll::cli

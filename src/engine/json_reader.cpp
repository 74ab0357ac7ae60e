// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/schema.h"
#include "engine/state_walk.h"

namespace plimsoll {
namespace {
constexpr std::size_t most_list_items = 1'000'000;

std::string brief(const Json& value) {
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

std::string bounds_text(const Constraint& c) {
  FieldSchema field;
  field.constraint = c;
  return constraint_text(field);
}
}  // namespace

JsonReader::JsonReader(const Json& root, const State* source, std::vector<std::string>* warnings) : source_(source), warnings_(warnings) {
  frames_.push_back({&root, {}, ""});
  if (!root.is_object()) error_ = Error(ErrorCode::bad_parameter, "parameters must be a JSON object, got " + brief(root), "Write {\"name\": value, ...}.");
}

Result<void> JsonReader::finish() {
  if (!error_) check_unknown();
  if (error_) return *error_;
  return {};
}

void JsonReader::fail(const FieldInfo& info, std::string what, std::string mend) {
  if (error_) return;
  error_ = Error(ErrorCode::bad_parameter, std::move(what), std::move(mend)).in_parameter(frames_.back().path + std::string(info.name));
}

void JsonReader::wrong(const FieldInfo& info, std::string_view wanted, const Json& got) {
  fail(info, "'" + frames_.back().path + std::string(info.name) + "' must be " + std::string(wanted) + ", got " + brief(got), "Give " + std::string(wanted) + ".");
}

const Json* JsonReader::find(const FieldInfo& info) {
  if (error_) return nullptr;
  Frame& frame = frames_.back();
  frame.known.emplace_back(info.name);
  auto found = frame.object->find(info.name);
  if (found == frame.object->end() && !info.was.empty()) {
    frame.known.emplace_back(info.was);
    found = frame.object->find(info.was);
    if (found != frame.object->end() && warnings_)
      warnings_->push_back("'" + frame.path + std::string(info.was) + "' is now called '" + frame.path + std::string(info.name) + "'; the old name goes away in the next minor release.");
  }
  if (found == frame.object->end()) {
    // A state holds every field but optional structs; only parameters have defaults.
    if (source_) {
      fail(info, "'" + frame.path + std::string(info.name) + "' is missing", "The file is damaged: fit again or take it from a backup.");
      return nullptr;
    }
    if (info.required) {
      fail(info, "'" + frame.path + std::string(info.name) + "' is required (" + std::string(info.help) + ")", "Give a value.");
      error_->code = ErrorCode::missing_input;
    }
    return nullptr;
  }
  return &*found;
}

void JsonReader::check_unknown() {
  const Frame& frame = frames_.back();
  for (const auto& [name, value] : frame.object->items()) {
    if (std::find(frame.known.begin(), frame.known.end(), name) != frame.known.end()) continue;
    const auto nearest = nearest_names(name, frame.known);
    std::string mend = nearest.empty() ? "See --help for the parameters." : "Did you mean '" + frame.path + nearest.front() + "'?";
    error_ = Error(ErrorCode::bad_parameter, "there is no parameter '" + frame.path + name + "'", std::move(mend)).in_parameter(frame.path + name).with_candidates(nearest);
    return;
  }
}

bool JsonReader::in_bounds(const FieldInfo& info, double value) {
  const Constraint& c = info.constraint;
  const bool number = !std::isnan(value) && (c.may_be_infinite || std::isfinite(value));
  const bool low = c.low_open ? value > c.low : value >= c.low;
  const bool high = c.high_open ? value < c.high : value <= c.high;
  if (number && low && high) return true;
  const std::string bounds = bounds_text(c);
  const std::string wanted = bounds.empty() ? "a finite number" : bounds;
  fail(info, "'" + frames_.back().path + std::string(info.name) + "' must be " + wanted + ", got " + canonical_json(json_of(value)), "Give a value " + wanted + ".");
  return false;
}

void JsonReader::number(const FieldInfo& info, double& value) {
  const Json* json = find(info);
  if (!json) return;
  const auto number = json_number(*json);
  if (!number) return wrong(info, "a number", *json);
  if (in_bounds(info, number.value())) value = number.value();
}

void JsonReader::integer(const FieldInfo& info, std::int64_t& value) {
  const Json* json = find(info);
  if (!json) return;
  // 1e6 and 5.0 are integers to whoever types them.
  const bool whole = json->is_number_float() && std::floor(json->get<double>()) == json->get<double>() && std::fabs(json->get<double>()) < 9.0e15;
  const bool wide = json->is_number_unsigned() && json->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  if ((!json->is_number_integer() && !whole) || wide) return wrong(info, "an integer", *json);
  const std::int64_t number = whole ? static_cast<std::int64_t>(json->get<double>()) : json->get<std::int64_t>();
  if (in_bounds(info, static_cast<double>(number))) value = number;
}

void JsonReader::flag(const FieldInfo& info, bool& value) {
  const Json* json = find(info);
  if (!json) return;
  if (!json->is_boolean()) return wrong(info, "true or false", *json);
  value = json->get<bool>();
}

void JsonReader::text(const FieldInfo& info, std::string& value) {
  const Json* json = find(info);
  if (!json) return;
  if (!json->is_string()) return wrong(info, "a text", *json);
  value = json->get<std::string>();
}

void JsonReader::choice(const FieldInfo& info, int& value, std::span<const std::string_view> choices) {
  const Json* json = find(info);
  if (!json) return;
  if (!json->is_string()) return wrong(info, "a text", *json);
  const auto text = json->get<std::string>();
  const auto found = std::find(choices.begin(), choices.end(), text);
  if (found != choices.end()) {
    value = static_cast<int>(found - choices.begin());
    return;
  }
  FieldSchema field;
  field.kind = FieldKind::choice;
  field.choices.assign(choices.begin(), choices.end());
  const std::string list = constraint_text(field);
  fail(info, "'" + frames_.back().path + std::string(info.name) + "' must be " + list + ", got '" + text + "'", "Give " + list + ".");
  error_->candidates = nearest_names(text, field.choices);
}

void JsonReader::numbers(const FieldInfo& info, std::vector<double>& value) {
  const Json* json = find(info);
  if (!json) return;
  if (!json->is_array()) return wrong(info, "a list of numbers", *json);
  std::vector<double> read;
  for (const Json& item : *json) {
    const auto number = json_number(item);
    if (!number) return wrong(info, "a list of numbers", *json);
    if (!in_bounds(info, number.value())) return;
    read.push_back(number.value());
  }
  value = std::move(read);
}

void JsonReader::integers(const FieldInfo& info, std::vector<std::int64_t>& value) {
  const Json* json = find(info);
  if (!json) return;
  if (!json->is_array()) return wrong(info, "a list of integers", *json);
  std::vector<std::int64_t> read;
  for (const Json& item : *json) {
    if (!item.is_number_integer()) return wrong(info, "a list of integers", *json);
    if (!in_bounds(info, static_cast<double>(item.get<std::int64_t>()))) return;
    read.push_back(item.get<std::int64_t>());
  }
  value = std::move(read);
}

void JsonReader::texts(const FieldInfo& info, std::vector<std::string>& value) {
  const Json* json = find(info);
  if (!json) return;
  if (!json->is_array()) return wrong(info, "a list of texts", *json);
  std::vector<std::string> read;
  for (const Json& item : *json) {
    if (!item.is_string()) return wrong(info, "a list of texts", *json);
    read.push_back(item.get<std::string>());
  }
  value = std::move(read);
}

void JsonReader::text_map(const FieldInfo& info, std::map<std::string, std::string>& value) {
  const Json* json = find(info);
  if (!json) return;
  if (!json->is_object()) return wrong(info, "an object of texts", *json);
  std::map<std::string, std::string> read;
  for (const auto& [name, item] : json->items()) {
    // Numbers are welcome: {"age": 1} for a map of monotone signs.
    if (!item.is_string() && !item.is_number()) return wrong(info, "an object of texts", *json);
    read[name] = item.is_string() ? item.get<std::string>() : canonical_json(item);
  }
  value = std::move(read);
}

const TensorView* JsonReader::buffer(const FieldInfo& info) {
  if (error_) return nullptr;
  frames_.back().known.emplace_back(info.name);
  std::string name = frames_.back().path + std::string(info.name);
  std::replace(name.begin(), name.end(), '.', '/');
  const auto found = source_->tensors.find(name);
  if (found == source_->tensors.end()) {
    error_ = Error(ErrorCode::corrupt_file, "the buffer '" + name + "' is missing", "The file is damaged: fit again or take it from a backup.");
    return nullptr;
  }
  return &found->second;
}

template <class T>
void JsonReader::read_tensor(const FieldInfo& info, ElementType type, std::vector<T>& value) {
  if (source_) {
    const TensorView* view = buffer(info);
    if (!view) return;
    if (view->type != type || view->bytes.size() % sizeof(T) != 0) {
      error_ = Error(ErrorCode::corrupt_file, "the buffer '" + std::string(info.name) + "' has another element type", "The file is damaged: fit again or take it from a backup.");
      return;
    }
    value.resize(view->bytes.size() / sizeof(T));
    if (!value.empty()) std::memcpy(value.data(), view->bytes.data(), view->bytes.size());
    return;
  }
  const Json* json = find(info);
  if (!json) return;
  if (!json->is_array()) return wrong(info, "a list of numbers", *json);
  std::vector<T> read;
  for (const Json& item : *json) {
    const auto number = json_number(item);
    if (!number) return wrong(info, "a list of numbers", *json);
    read.push_back(static_cast<T>(number.value()));
  }
  value = std::move(read);
}

void JsonReader::tensor(const FieldInfo& info, std::vector<double>& value) { read_tensor(info, ElementType::f64, value); }
void JsonReader::tensor(const FieldInfo& info, std::vector<float>& value) { read_tensor(info, ElementType::f32, value); }
void JsonReader::tensor(const FieldInfo& info, std::vector<std::int64_t>& value) { read_tensor(info, ElementType::i64, value); }
void JsonReader::tensor(const FieldInfo& info, std::vector<std::int32_t>& value) { read_tensor(info, ElementType::i32, value); }

void JsonReader::blob(const FieldInfo& info, std::string& value) {
  if (source_) {
    const TensorView* view = buffer(info);
    if (!view) return;
    value.assign(reinterpret_cast<const char*>(view->bytes.data()), view->bytes.size());
    return;
  }
  const Json* json = find(info);
  if (!json) return;
  if (!json->is_string()) return wrong(info, "base64 text", *json);
  auto bytes = from_base64(json->get_ref<const std::string&>());
  if (!bytes) return wrong(info, "base64 text", *json);
  value = std::move(bytes).value();
}

void JsonReader::walk(const Json& object, std::string path, Body body) {
  frames_.push_back({&object, {}, std::move(path)});
  body.describe(*this, body.object);
  if (!error_) check_unknown();
  frames_.pop_back();
}

void JsonReader::nested(const FieldInfo& info, Body body) {
  const Json* json = find(info);
  if (!json) return;
  if (!json->is_object()) return wrong(info, "an object", *json);
  walk(*json, frames_.back().path + std::string(info.name) + ".", body);
}

void JsonReader::list(const FieldInfo& info, ListBody body) {
  const Json* json = find(info);
  if (!json) return;
  if (!json->is_array()) return wrong(info, "a list", *json);
  if (json->size() > most_list_items) return fail(info, "'" + std::string(info.name) + "' has more than 1,000,000 items", "Give fewer.");
  body.resize(body.list, json->size());
  for (std::size_t i = 0; i < json->size() && !error_; ++i) {
    if (!(*json)[i].is_object()) return wrong(info, "a list of objects", *json);
    walk((*json)[i], frames_.back().path + std::string(info.name) + "." + std::to_string(i) + ".", body.at(body.list, i));
  }
}

void JsonReader::optional(const FieldInfo& info, OptionalBody body) {
  // An optional struct may be missing in a state too: so a later version adds to a state that artifacts of earlier ones lack.
  if (source_ && !error_ && !frames_.back().object->contains(info.name)) {
    frames_.back().known.emplace_back(info.name);
    body.set(body.object, false);
    return;
  }
  const Json* json = find(info);
  if (!json) return;
  body.set(body.object, !json->is_null());
  if (json->is_null()) return;
  if (!json->is_object()) return wrong(info, "an object or null", *json);
  walk(*json, frames_.back().path + std::string(info.name) + ".", body.get(body.object));
}

}  // namespace plimsoll

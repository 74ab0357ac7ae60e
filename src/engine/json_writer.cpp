// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/state_walk.h"

namespace plimsoll {

Result<Json> JsonWriter::finish() {
  if (error_) return *error_;
  return std::move(stack_.back());
}

void JsonWriter::put(const FieldInfo& info, Json value) { stack_.back()[std::string(info.name)] = std::move(value); }

void JsonWriter::number(const FieldInfo& info, double& value) { put(info, json_of(value)); }
void JsonWriter::integer(const FieldInfo& info, std::int64_t& value) { put(info, value); }
void JsonWriter::flag(const FieldInfo& info, bool& value) { put(info, value); }
void JsonWriter::text(const FieldInfo& info, std::string& value) { put(info, value); }
void JsonWriter::choice(const FieldInfo& info, int& value, std::span<const std::string_view> choices) {
  put(info, std::string(choices[static_cast<std::size_t>(value)]));
}
void JsonWriter::numbers(const FieldInfo& info, std::vector<double>& value) {
  Json list = Json::array();
  for (const double x : value) list.push_back(json_of(x));
  put(info, std::move(list));
}
void JsonWriter::integers(const FieldInfo& info, std::vector<std::int64_t>& value) { put(info, value); }
void JsonWriter::texts(const FieldInfo& info, std::vector<std::string>& value) { put(info, value); }
void JsonWriter::text_map(const FieldInfo& info, std::map<std::string, std::string>& value) { put(info, value); }

void JsonWriter::put_buffer(const FieldInfo& info, TensorView view) {
  std::string name = paths_.back() + std::string(info.name);
  std::replace(name.begin(), name.end(), '.', '/');
  sink_->tensors[std::move(name)] = std::move(view);
}

template <class T>
void JsonWriter::write_tensor(const FieldInfo& info, ElementType type, std::vector<T>& value) {
  if (sink_) return put_buffer(info, {type, {static_cast<std::int64_t>(value.size())}, std::as_bytes(std::span(value))});
  Json list = Json::array();
  for (const T x : value) {
    if constexpr (std::is_floating_point_v<T>) list.push_back(json_of(static_cast<double>(x)));
    else list.push_back(x);
  }
  put(info, std::move(list));
}

void JsonWriter::tensor(const FieldInfo& info, std::vector<double>& value) { write_tensor(info, ElementType::f64, value); }
void JsonWriter::tensor(const FieldInfo& info, std::vector<float>& value) { write_tensor(info, ElementType::f32, value); }
void JsonWriter::tensor(const FieldInfo& info, std::vector<std::int64_t>& value) { write_tensor(info, ElementType::i64, value); }
void JsonWriter::tensor(const FieldInfo& info, std::vector<std::int32_t>& value) { write_tensor(info, ElementType::i32, value); }

void JsonWriter::blob(const FieldInfo& info, std::string& value) {
  if (!sink_) return put(info, base64(value));
  // Copied: a blob is often made while it is described (a sketch, partial sums) and gone afterwards.
  sink_->owned.push_back(std::make_shared<const std::string>(value));
  const std::string& kept = *sink_->owned.back();
  put_buffer(info, {ElementType::u8, {static_cast<std::int64_t>(kept.size())}, std::as_bytes(std::span(kept.data(), kept.size()))});
}

Json JsonWriter::walk(const std::string& path, Body body) {
  stack_.push_back(Json::object());
  paths_.push_back(path);
  body.describe(*this, body.object);
  Json object = std::move(stack_.back());
  stack_.pop_back();
  paths_.pop_back();
  return object;
}

void JsonWriter::nested(const FieldInfo& info, Body body) { put(info, walk(paths_.back() + std::string(info.name) + ".", body)); }

void JsonWriter::list(const FieldInfo& info, ListBody body) {
  Json items = Json::array();
  for (std::size_t i = 0; i < body.size(body.list); ++i)
    items.push_back(walk(paths_.back() + std::string(info.name) + "." + std::to_string(i) + ".", body.at(body.list, i)));
  put(info, std::move(items));
}

void JsonWriter::optional(const FieldInfo& info, OptionalBody body) {
  if (!body.has(body.object)) return put(info, nullptr);
  put(info, walk(paths_.back() + std::string(info.name) + ".", body.get(body.object)));
}

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The two walks that read and write described structs as JSON. With buffers, tensors and blobs live beside the JSON (artifacts);
// without, they are arrays and base64 text (parameters, service bodies).

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/artifact.h"
#include "engine/fields.h"

namespace plimsoll {

// Reads a JSON object into a described struct. The first error wins; later fields are left alone.
class JsonReader final : public Fields {
 public:
  // `source` null: tensors stand in the JSON. Unknown names are always refused.
  JsonReader(const Json& root, const State* source, std::vector<std::string>* warnings);
  Result<void> finish();  // unknown names of the outermost object, and the first error

  void number(const FieldInfo& info, double& value) override;
  void integer(const FieldInfo& info, std::int64_t& value) override;
  void flag(const FieldInfo& info, bool& value) override;
  void text(const FieldInfo& info, std::string& value) override;
  void choice(const FieldInfo& info, int& value, std::span<const std::string_view> choices) override;
  void numbers(const FieldInfo& info, std::vector<double>& value) override;
  void integers(const FieldInfo& info, std::vector<std::int64_t>& value) override;
  void texts(const FieldInfo& info, std::vector<std::string>& value) override;
  void text_map(const FieldInfo& info, std::map<std::string, std::string>& value) override;
  void tensor(const FieldInfo& info, std::vector<double>& value) override;
  void tensor(const FieldInfo& info, std::vector<float>& value) override;
  void tensor(const FieldInfo& info, std::vector<std::int64_t>& value) override;
  void tensor(const FieldInfo& info, std::vector<std::int32_t>& value) override;
  void blob(const FieldInfo& info, std::string& value) override;
  void nested(const FieldInfo& info, Body body) override;
  void list(const FieldInfo& info, ListBody body) override;
  void optional(const FieldInfo& info, OptionalBody body) override;
  void port(const PortInfo& info, PortSlot slot) override;

 private:
  struct Frame {
    const Json* object;
    std::vector<std::string> known;
    std::string path;  // "" or "calibration."
  };
  const Json* find(const FieldInfo& info);
  const TensorView* buffer(const FieldInfo& info);
  void wrong(const FieldInfo& info, std::string_view wanted, const Json& got);
  void fail(const FieldInfo& info, std::string what, std::string mend);
  bool in_bounds(const FieldInfo& info, double value);
  void walk(const Json& object, std::string path, Body body);
  void check_unknown();
  template <class T>
  void read_tensor(const FieldInfo& info, ElementType type, std::vector<T>& value);

  std::vector<Frame> frames_;
  const State* source_;
  std::vector<std::string>* warnings_;
  std::optional<Error> error_;
};

// Writes a described struct as a JSON object; `sink` null: tensors as arrays, blobs as base64.
class JsonWriter final : public Fields {
 public:
  explicit JsonWriter(State* sink) : sink_(sink), stack_{Json::object()} {}
  Result<Json> finish();

  void number(const FieldInfo& info, double& value) override;
  void integer(const FieldInfo& info, std::int64_t& value) override;
  void flag(const FieldInfo& info, bool& value) override;
  void text(const FieldInfo& info, std::string& value) override;
  void choice(const FieldInfo& info, int& value, std::span<const std::string_view> choices) override;
  void numbers(const FieldInfo& info, std::vector<double>& value) override;
  void integers(const FieldInfo& info, std::vector<std::int64_t>& value) override;
  void texts(const FieldInfo& info, std::vector<std::string>& value) override;
  void text_map(const FieldInfo& info, std::map<std::string, std::string>& value) override;
  void tensor(const FieldInfo& info, std::vector<double>& value) override;
  void tensor(const FieldInfo& info, std::vector<float>& value) override;
  void tensor(const FieldInfo& info, std::vector<std::int64_t>& value) override;
  void tensor(const FieldInfo& info, std::vector<std::int32_t>& value) override;
  void blob(const FieldInfo& info, std::string& value) override;
  void nested(const FieldInfo& info, Body body) override;
  void list(const FieldInfo& info, ListBody body) override;
  void optional(const FieldInfo& info, OptionalBody body) override;
  void port(const PortInfo& info, PortSlot slot) override;

 private:
  void put(const FieldInfo& info, Json value);
  Json walk(const std::string& path, Body body);
  void put_buffer(const FieldInfo& info, TensorView view);
  template <class T>
  void write_tensor(const FieldInfo& info, ElementType type, std::vector<T>& value);

  State* sink_;
  std::vector<Json> stack_;
  std::vector<std::string> paths_{""};
  std::optional<Error> error_;
};

std::string base64(std::string_view bytes);
Result<std::string> from_base64(std::string_view text);

}  // namespace plimsoll

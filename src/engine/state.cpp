// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include "engine/artifact.h"
#include "engine/schema.h"
#include "engine/state_walk.h"
#include "table/interchange.h"

namespace plimsoll {
namespace {

// A port that a model keeps: its bytes, or an error for kinds that cannot be kept (simulators, endpoints, networks).
Result<std::string> bytes_of_port(PortSlot slot) {
  if (slot.kind == PortKind::artifact) {
    const auto& artifact = *static_cast<const ArtifactPort*>(slot.object);
    return artifact ? artifact->to_bytes() : Result<std::string>(std::string());
  }
  if (slot.kind == PortKind::report && !slot.optional) return canonical_json(to_json(*static_cast<const Report*>(slot.object)));
  if (slot.kind == PortKind::table && !slot.optional) return table_to_bytes(*static_cast<const Table*>(slot.object));
  return Error(ErrorCode::wrong_kind, "a model cannot keep a port of kind " + std::string(name_of(slot.kind)), "Keep what was computed from it.");
}

Result<void> port_from_bytes(std::string_view bytes, PortSlot slot) {
  if (slot.kind == PortKind::artifact) {
    if (bytes.empty()) return {};
    PLIMSOLL_TRY(*static_cast<ArtifactPort*>(slot.object), Artifact::from_bytes(bytes, "nested artifact"));
    return {};
  }
  if (slot.kind == PortKind::report && !slot.optional) {
    PLIMSOLL_TRY(Json json, parse_json(bytes));
    PLIMSOLL_TRY(*static_cast<Report*>(slot.object), report_from_json(json));
    return {};
  }
  if (slot.kind == PortKind::table && !slot.optional) {
    PLIMSOLL_TRY(*static_cast<Table*>(slot.object), table_from_bytes(bytes));
    return {};
  }
  return Error(ErrorCode::corrupt_file, "a model cannot keep a port of kind " + std::string(name_of(slot.kind)), "Fit again.");
}

}  // namespace

void JsonWriter::port(const PortInfo& info, PortSlot slot) {
  if (!sink_ || error_) return;  // parameters and values: ports travel beside the JSON
  auto bytes = bytes_of_port(slot);
  if (!bytes) {
    error_ = std::move(bytes).error();
    return;
  }
  sink_->owned.push_back(std::make_shared<const std::string>(std::move(bytes).value()));
  const std::string& kept = *sink_->owned.back();
  put_buffer({info.name, info.help}, {ElementType::u8, {static_cast<std::int64_t>(kept.size())}, std::as_bytes(std::span(kept.data(), kept.size()))});
}

void JsonReader::port(const PortInfo& info, PortSlot slot) {
  if (!source_) return;
  const TensorView* view = buffer({info.name, info.help});
  if (!view) return;
  auto read = port_from_bytes({reinterpret_cast<const char*>(view->bytes.data()), view->bytes.size()}, slot);
  if (!read) error_ = std::move(read).error();
}

Result<State> write_state(const Type& type, const void* object) {
  // describe() takes a mutable reference because it also reads; a writer changes nothing. The struct is not copied, so that
  // tensors can be viewed in place.
  State state;
  JsonWriter writer(&state);
  type.describe(writer, const_cast<void*>(object));
  PLIMSOLL_TRY(Json json, writer.finish());
  state.json = canonical_json(json);
  return state;
}

Result<Box> read_state(const Type& type, const State& state, std::string_view file) {
  auto json = parse_json(state.json, file);
  if (!json) return Error(ErrorCode::corrupt_file, "its description cannot be read: " + json.error().what, "The file is damaged: fit again or take it from a backup.").in_file(std::string(file));
  Box box(type);
  JsonReader reader(json.value(), &state, nullptr);
  box.describe(reader);
  if (auto read = reader.finish(); !read) {
    Error error = std::move(read).error();
    if (error.code == ErrorCode::bad_parameter) error.code = ErrorCode::corrupt_file;
    error.file = std::string(file);
    return error;
  }
  return box;
}

Result<void> read_fields(const Json& json, Box& target, std::vector<std::string>& warnings) {
  JsonReader reader(json, nullptr, &warnings);
  target.describe(reader);
  return reader.finish();
}

Result<Json> write_fields(const Box& source) {
  JsonWriter writer(nullptr);
  Box copy = source;
  copy.describe(writer);
  return writer.finish();
}

Result<void> check_fields(Box& target) {
  PLIMSOLL_TRY(const Json json, write_fields(target));
  std::vector<std::string> ignored;
  Box copy = target;
  return read_fields(json, copy, ignored);
}

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

Result<std::string> from_base64(std::string_view text) {
  const Error bad(ErrorCode::bad_document, "not base64 text", "Encode the bytes as base64.");
  if (text.size() % 4 != 0 || text.size() > std::size_t{1} << 30) return bad;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (length < 0) return bad;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

}  // namespace plimsoll

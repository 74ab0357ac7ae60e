// SPDX-License-Identifier: Apache-2.0
// The artifact file is a safetensors file (Hugging Face's format: length, JSON header, buffers without gaps).
#include "engine/artifact.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <set>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "engine/catalogue.h"
#include "engine/state_bytes.h"
#include "engine/state_walk.h"

namespace plimsoll {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t most_header = std::size_t{64} << 20;
constexpr std::size_t most_buffers = 100'000;
constexpr std::uint64_t most_file = std::uint64_t{1} << 36;
constexpr std::array<std::string_view, 5> element_names = {"F64", "F32", "I64", "I32", "U8"};
constexpr std::array<std::size_t, 5> element_sizes = {8, 4, 8, 4, 1};

Error corrupt(std::string_view file, std::string what) {
  return Error(ErrorCode::corrupt_file, std::move(what), "The file is damaged or not an artifact: fit again or take it from a backup.").in_file(std::string(file));
}

struct Certified {
  Certificate certificate;
};
void describe(Fields& f, Certified& c) { f({"certificate", "what is promised"}, c.certificate); }

Json provenance_json(const Artifact::Provenance& p) {
  Json schema = Json::array();
  for (const auto& column : p.schema) schema.push_back({{"name", column.name}, {"type", column.type}, {"role", column.role}});
  Json fingerprints = Json::object();
  for (const auto& [use, bytes] : p.fingerprints) fingerprints[use] = base64(bytes);
  return {{"method", p.method},         {"state_version", p.state_version}, {"engine", p.engine},     {"seed", std::to_string(p.seed)}, {"parameters", p.parameters},
          {"schema", schema},           {"fingerprints", fingerprints},     {"versions", p.versions}, {"warnings", p.warnings}};
}

Result<Artifact::Provenance> provenance_of(const Json& json, std::string_view file) {
  Artifact::Provenance p;
  try {
    p.method = json.at("method");
    p.state_version = json.at("state_version");
    p.engine = json.at("engine");
    p.seed = std::stoull(json.at("seed").get<std::string>());
    p.parameters = json.at("parameters");
    for (const Json& column : json.at("schema")) p.schema.push_back({column.at("name"), column.at("type"), column.at("role")});
    for (const auto& [use, text] : json.at("fingerprints").items()) {
      auto bytes = from_base64(text.get<std::string>());
      if (!bytes) return corrupt(file, "a row fingerprint cannot be read");
      p.fingerprints[use] = std::move(bytes).value();
    }
    p.versions = json.at("versions").get<std::map<std::string, std::string>>();
    p.warnings = json.at("warnings").get<std::vector<std::string>>();
  } catch (const std::exception& problem) {  // nlohmann's typed access throws; the shape is hostile input
    return corrupt(file, std::string("its provenance cannot be read: ") + problem.what());
  }
  return p;
}

struct Placed {
  std::string name;
  TensorView view;
  std::size_t begin = 0;
};

struct RawFile {
  Json metadata;
  std::map<std::string, TensorView> tensors;
};

Result<TensorView> tensor_entry(const std::string& name, const Json& entry, std::string_view data, std::string_view file, std::size_t& begin) {
  const auto bad = [&](const char* what) { return corrupt(file, "the buffer '" + name + "' " + what); };
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets")) return bad("lacks dtype, shape or data_offsets");
  const auto& dtype = entry["dtype"];
  const auto found = dtype.is_string() ? std::find(element_names.begin(), element_names.end(), dtype.get<std::string>()) : element_names.end();
  if (found == element_names.end()) return bad("has an unknown element type");
  const auto& offsets = entry["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) return bad("has no two offsets");
  const std::uint64_t from = offsets[0];
  const std::uint64_t to = offsets[1];
  if (from > to || to > data.size()) return bad("lies outside the file");
  TensorView view;
  view.type = static_cast<ElementType>(found - element_names.begin());
  std::uint64_t count = 1;
  if (!entry["shape"].is_array() || entry["shape"].size() > 8) return bad("has no valid shape");
  for (const Json& extent : entry["shape"]) {
    if (!extent.is_number_unsigned()) return bad("has no valid shape");
    const std::uint64_t size = extent;
    if (size > data.size() || (size > 0 && count > data.size() / size)) return bad("is larger than the file");
    count *= size;
    view.shape.push_back(static_cast<std::int64_t>(size));
  }
  if (count * element_sizes[static_cast<std::size_t>(view.type)] != to - from) return bad("has a shape that does not fit its size");
  view.bytes = std::as_bytes(std::span(data.data() + from, to - from));
  begin = from;
  return view;
}

Result<RawFile> parse_file(std::string_view bytes, std::string_view file) {
  if (bytes.size() < 8) return corrupt(file, "shorter than the 8 bytes of its header length");
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
  if (length > bytes.size() - 8 || length > most_header) return corrupt(file, "its header is longer than the file");
  auto header = parse_json(bytes.substr(8, length), file);
  if (!header || !header.value().is_object()) return corrupt(file, "its header is not JSON");
  if (header.value().size() > most_buffers) return corrupt(file, "it names more than 100,000 buffers");
  const std::string_view data = bytes.substr(8 + length);
  RawFile raw;
  std::vector<std::pair<std::size_t, std::size_t>> spans;
  for (const auto& [name, entry] : header.value().items()) {
    if (name == "__metadata__") continue;
    std::size_t begin = 0;
    PLIMSOLL_TRY(TensorView view, tensor_entry(name, entry, data, file, begin));
    spans.emplace_back(begin, begin + view.bytes.size());
    raw.tensors.emplace(name, std::move(view));
  }
  std::sort(spans.begin(), spans.end());
  std::size_t at = 0;
  for (const auto& [from, to] : spans) {
    if (from != at) return corrupt(file, "its buffers overlap or leave gaps");
    at = to;
  }
  if (at != data.size()) return corrupt(file, "bytes follow its last buffer");
  const auto meta = header.value().find("__metadata__");
  if (meta == header.value().end() || !meta->is_object() || !meta->contains("plimsoll") || !(*meta)["plimsoll"].is_string())
    return corrupt(file, "a safetensors file, but not one of plimsoll's");
  auto metadata = parse_json((*meta)["plimsoll"].get_ref<const std::string&>(), file);
  if (!metadata || !metadata.value().is_object()) return corrupt(file, "its metadata cannot be read");
  raw.metadata = std::move(metadata).value();
  return raw;
}

Result<void> check_hashes(const RawFile& raw, std::string_view file) {
  const auto hashes = raw.metadata.find("sha256");
  if (hashes == raw.metadata.end() || !hashes->is_object()) return corrupt(file, "it has no hashes");
  std::size_t checked = 0;
  for (const auto& [name, view] : raw.tensors) {
    if (name.starts_with("_pad/")) continue;
    const auto hash = hashes->find(name);
    const std::string_view bytes(reinterpret_cast<const char*>(view.bytes.data()), view.bytes.size());
    if (hash == hashes->end() || !hash->is_string() || hash->get<std::string>() != sha256_hex(bytes)) return corrupt(file, "the buffer '" + name + "' does not match its hash");
    ++checked;
  }
  if (checked != hashes->size()) return corrupt(file, "a hash names a buffer that is not there");
  return {};
}

// Buffers in order of name, each begun at a multiple of 64 bytes of the file: the header is padded with blanks (which the
// format allows), the data with named tensors.
std::string assemble(const Json& metadata, const std::map<std::string, TensorView>& tensors) {
  Json header = Json::object();
  header["__metadata__"] = {{"plimsoll", canonical_json(metadata)}};
  std::vector<Placed> placed;
  std::size_t at = 0;
  static constexpr std::array<std::byte, alignment> zeros{};
  for (const auto& [name, view] : tensors) {
    if (at % alignment != 0) {
      const std::size_t gap = alignment - at % alignment;
      placed.push_back({"_pad/" + std::to_string(placed.size()), {ElementType::u8, {static_cast<std::int64_t>(gap)}, std::span(zeros).first(gap)}, at});
      at += gap;
    }
    placed.push_back({name, view, at});
    at += view.bytes.size();
  }
  for (const Placed& p : placed)
    header[p.name] = {{"dtype", element_names[static_cast<std::size_t>(p.view.type)]}, {"shape", p.view.shape}, {"data_offsets", {p.begin, p.begin + p.view.bytes.size()}}};
  std::string text = canonical_json(header);
  text.resize((text.size() + 8 + alignment - 1) / alignment * alignment - 8, ' ');
  std::string bytes;
  bytes.reserve(8 + text.size() + at);
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(text.size() >> (8 * i) & 0xff));
  bytes += text;
  for (const Placed& p : placed) bytes.append(reinterpret_cast<const char*>(p.view.bytes.data()), p.view.bytes.size());
  return bytes;
}

}  // namespace

std::string pack_state(Json metadata, const State& state) {
  metadata["state"] = state.json;
  Json hashes = Json::object();
  for (const auto& [name, view] : state.tensors) hashes[name] = sha256_hex({reinterpret_cast<const char*>(view.bytes.data()), view.bytes.size()});
  metadata["sha256"] = std::move(hashes);
  // The metadata's own hash: a changed promise must not pass for the one that was certified.
  metadata["metadata_sha256"] = sha256_hex(canonical_json(metadata));
  return assemble(metadata, state.tensors);
}

namespace {
Result<void> check_metadata(const RawFile& raw, std::string_view file) {
  const Json& meta = raw.metadata;
  if (!meta.contains("metadata_sha256") || !meta.contains("state") || !meta["state"].is_string()) return corrupt(file, "its metadata lacks a part");
  Json hashed = meta;
  hashed.erase("metadata_sha256");
  if (meta["metadata_sha256"] != Json(sha256_hex(canonical_json(hashed)))) return corrupt(file, "its metadata does not match its hash");
  return check_hashes(raw, file);
}
}  // namespace

Result<PackedState> unpack_state(std::string_view bytes, std::string_view file) {
  PLIMSOLL_TRY(RawFile raw, parse_file(bytes, file));
  PLIMSOLL_CHECK(check_metadata(raw, file));
  PackedState packed;
  packed.state.json = raw.metadata["state"];
  packed.state.tensors = std::move(raw.tensors);
  packed.metadata = std::move(raw.metadata);
  return packed;
}

std::string_view engine_version() { return "0.1.0"; }

Artifact::Artifact(Provenance provenance, Certificate certificate, bool certified, Box model)
    : provenance_(std::move(provenance)), certificate_(std::move(certificate)), certified_(certified), model_(std::move(model)) {}

Result<std::string> Artifact::to_bytes() const {
  PLIMSOLL_TRY(State state, write_state(*model_.type(), model_.get()));
  Json metadata = {{"format", artifact_format}, {"provenance", provenance_json(provenance_)}};
  if (certified_) {
    const Certified kept{certificate_};
    PLIMSOLL_TRY(const State certificate, write_state(type_of<Certified>, &kept));
    metadata["certificate"] = certificate.json;
  }
  return pack_state(std::move(metadata), state);
}

Result<void> Artifact::save(const std::filesystem::path& path) const {
  PLIMSOLL_TRY(const std::string bytes, to_bytes());
  return write_file(path, bytes);
}

Result<std::shared_ptr<const Artifact>> Artifact::from_bytes(std::string_view bytes, std::string_view file) {
  PLIMSOLL_TRY(RawFile raw, parse_file(bytes, file));
  const Json& meta = raw.metadata;
  if (!meta.contains("format") || !meta["format"].is_number_integer()) return corrupt(file, "it has no format number");
  if (meta["format"].get<std::int64_t>() > artifact_format)
    return Error(ErrorCode::too_new, "artifact format " + std::to_string(meta["format"].get<std::int64_t>()) + " is newer than this engine reads (" + std::to_string(artifact_format) + ")", "Update plimsoll.").in_file(std::string(file));
  if (!meta.contains("provenance")) return corrupt(file, "its metadata lacks a part");
  PLIMSOLL_CHECK(check_metadata(raw, file));
  PLIMSOLL_TRY(Provenance provenance, provenance_of(meta["provenance"], file));
  PLIMSOLL_TRY(const CatalogueLine* line, find_method(provenance.method));
  const Method& method = *line->entry;
  const Type* type = method.fit_.model ? method.fit_.model : method.apply_.model;
  if (!type) return corrupt(file, "'" + provenance.method + "' has no model");
  if (provenance.state_version > method.state_version_)
    return Error(ErrorCode::too_new, "its state version " + std::to_string(provenance.state_version) + " of " + provenance.method + " is newer than this engine reads (" + std::to_string(method.state_version_) + ")", "Update plimsoll.").in_file(std::string(file));
  State state;
  state.json = meta["state"];
  state.tensors = raw.tensors;
  PLIMSOLL_TRY(Box model, read_state(*type, state, file));
  Certified kept;
  const bool certified = meta.contains("certificate");
  if (certified) {
    if (!meta["certificate"].is_string()) return corrupt(file, "its certificate cannot be read");
    State text;
    text.json = meta["certificate"];
    PLIMSOLL_TRY(const Box box, read_state(type_of<Certified>, text, file));
    kept = box.as<Certified>();
  }
  return std::make_shared<const Artifact>(std::move(provenance), std::move(kept.certificate), certified, std::move(model));
}

Result<std::shared_ptr<const Artifact>> Artifact::load(const std::filesystem::path& path) {
  PLIMSOLL_TRY(const std::string bytes, read_file(path, most_file));
  return from_bytes(bytes, path.string());
}

Json to_json(const Artifact& artifact) {
  Json json = provenance_json(artifact.provenance());
  json["parameters"] = Json::parse(artifact.provenance().parameters, nullptr, false);
  Json fingerprints = Json::object();
  for (const auto& [use, bytes] : artifact.provenance().fingerprints) fingerprints[use] = sha256_hex(bytes);
  json["fingerprints"] = std::move(fingerprints);
  if (artifact.certified()) json["certificate"] = to_json(artifact.certificate());
  Json buffers = Json::array();
  if (const auto state = write_state(*artifact.model().type(), artifact.model().get()))
    for (const auto& [name, view] : state.value().tensors)
      buffers.push_back({{"name", name}, {"type", element_names[static_cast<std::size_t>(view.type)]}, {"bytes", view.bytes.size()}});
  json["buffers"] = std::move(buffers);
  return json;
}

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "base/result.h"
#include "engine/box.h"
#include "engine/certificate.h"
#include "engine/fields.h"

namespace plimsoll {

inline constexpr int artifact_format = 1;
std::string_view engine_version();

// A fitted model with its provenance. The file (.plim) is a valid safetensors file: 8-byte little-endian header length, a
// JSON header, buffers without gaps at 64-byte alignment (padding is a named tensor "_pad/N"); `__metadata__` holds one
// string, "plimsoll", with our JSON. Loading checks every size, count, depth and bound before allocating.
class Artifact {
 public:
  struct Column {
    std::string name;
    std::string type;   // name_of(ColumnType)
    std::string role;   // empty if none
  };
  struct Provenance {
    std::string method;
    int state_version = 1;
    std::string engine;              // version that wrote it
    std::uint64_t seed = 0;
    std::string parameters;          // canonical JSON
    std::vector<Column> schema;      // columns of the first table of fit, with their roles
    std::map<std::string, std::string> fingerprints;  // RowFingerprint bytes by what the rows were for: "learning", "calibration"
    std::map<std::string, std::string> versions;      // of libraries that mattered
    std::vector<std::string> warnings;
  };

  Artifact(Provenance provenance, Certificate certificate, bool certified, Box model);

  const Provenance& provenance() const { return provenance_; }
  bool certified() const { return certified_; }
  const Certificate& certificate() const { return certificate_; }
  const Box& model() const { return model_; }

  Result<std::string> to_bytes() const;  // deterministic
  Result<void> save(const std::filesystem::path& path) const;
  // corrupt_file, too_new, unknown_name; `file` for messages. The method's Type comes from the catalogue.
  static Result<std::shared_ptr<const Artifact>> from_bytes(std::string_view bytes, std::string_view file);
  static Result<std::shared_ptr<const Artifact>> load(const std::filesystem::path& path);

 private:
  Provenance provenance_;
  Certificate certificate_;
  bool certified_ = false;
  Box model_;
};

Json to_json(const Artifact& artifact);  // what `inspect` shows: provenance, certificate, schema, sizes of buffers

// A described struct as canonical JSON plus named buffers, and back. Used by artifacts and by states that must survive.
struct State {
  std::string json;
  std::map<std::string, TensorView> tensors;         // views into `owned` or the struct
  std::vector<std::shared_ptr<const std::string>> owned;
};
Result<State> write_state(const Type& type, const void* object);
Result<Box> read_state(const Type& type, const State& state, std::string_view file);

}  // namespace plimsoll

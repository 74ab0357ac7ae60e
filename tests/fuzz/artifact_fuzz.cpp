// SPDX-License-Identifier: Apache-2.0
// Artifacts from anywhere: the file as bytes, and, since hashes guard what lies inside, the described state of every method.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/artifact.h"
#include "engine/catalogue.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace plimsoll;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (Artifact::from_bytes(bytes, "fuzz").ok()) __builtin_trap();  // 256 bits of hash are not found by chance
  const auto lines = catalogue_lines();
  if (size < 2 || lines.empty()) return 0;
  const Method& method = *lines[data[0] % lines.size()].entry;
  if (!method.fit_.model) return 0;
  State state;
  state.json = std::string(bytes.substr(2));
  state.tensors["tensor"] = {data[1] % 2 ? ElementType::f64 : ElementType::u8, {static_cast<std::int64_t>(size)}, std::as_bytes(std::span(data, size))};
  if (const auto box = read_state(*method.fit_.model, state, "fuzz"); !box.ok() && box.error().mend.empty()) __builtin_trap();
  return 0;
}

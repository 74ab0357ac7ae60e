// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "engine/artifact.h"

namespace plimsoll {

// A described struct's state as one safetensors file with our metadata, hashes included: what artifacts and partial fits are.
// `metadata` is an object; "state" and the hashes are added. Deterministic.
std::string pack_state(Json metadata, const State& state);

// Checks sizes and hashes; the views of `state` point into `bytes`, which must outlive them.
struct PackedState {
  Json metadata;
  State state;
};
Result<PackedState> unpack_state(std::string_view bytes, std::string_view file);

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The rig that every method of the catalogue passes through: it knows methods only by their entries and examples.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/door.h"
#include "engine/workspace.h"

namespace plimsoll::rig {

inline constexpr std::uint64_t seed = 20;

struct Setting {
  Backend backend = Backend::serial;
  int threads = 1;
  std::int64_t batch_rows = 65536;
};

// A call made of the method's own example; tables and other ports in place.
Result<Call> call_of(const Method& method, Verb verb, std::uint64_t example_seed, std::int64_t rows);

// fit through the door.
Result<ArtifactPort> fit(const Method& method, const Call& call, const Setting& setting);
Result<Reply> run_with(const Call& call, const Setting& setting);

// Everything of a reply that may be compared byte for byte: tables by name as Arrow bytes, values, report, warnings apart.
Result<std::map<std::string, std::string>> bytes_of(const Reply& reply);

// The name and table of the call's first table port, in order of description.
std::string primary_name(const Method& method, Verb verb);

// A spoiled input: what was done, and the call.
struct Damage {
  std::string what;
  Call call;
};
// Zero rows, one row, and for each column: all null, constant, NaN, infinity, text instead, missing; plus one class targets.
std::vector<Damage> damages(const Method& method, Verb verb, const Call& call);

}  // namespace plimsoll::rig

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/json_fwd.h"
#include "base/result.h"

namespace plimsoll {

// How large an experiment: quick about 1 s (never over 3), normal 30 s, full the published sizes.
enum class ProveSize : std::uint8_t { quick, normal, full };
std::span<const std::string_view> choices_of(ProveSize);

struct ProveOptions {
  std::uint64_t seed = 0;
  ProveSize size = ProveSize::normal;
};

// The outcome of a falsifiable experiment. `interval` is at 1 - false_alarm; `detects` names the spoiled form that the
// experiment must catch.
struct Evidence {
  std::string method;
  std::string claim;
  double level = 0;
  double observed = 0;
  double low = 0;
  double high = 0;
  std::int64_t trials = 0;
  std::uint64_t seed = 0;
  bool passed = false;
  double false_alarm = 1e-6;
  std::string detects;
  std::map<std::string, double> figures;
};

Json to_json(const Evidence& evidence);
Result<Evidence> evidence_from_json(const Json& json);
std::string to_text(const Evidence& evidence);

}  // namespace plimsoll

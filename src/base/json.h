// SPDX-License-Identifier: Apache-2.0
#pragma once

// Heavy (nlohmann's header): include it in sources; headers take base/json_fwd.h.
#include <nlohmann/json.hpp>

#include "base/json_fwd.h"
#include "base/result.h"

namespace plimsoll {

// Strict: UTF-8, no duplicate keys, depth at most 64, no trailing bytes. `bad_document` with the line.
Result<Json> parse_json(std::string_view text, std::string_view file = {});

// Keys sorted, no blanks, shortest round-trip numbers; infinities and NaN as the strings "inf", "-inf", "nan".
std::string canonical_json(const Json& json);

// Indented by two, for people; same number rules.
std::string pretty_json(const Json& json);

// A number, or one of the three strings above. Readers of doubles use this.
Result<double> json_number(const Json& json);
Json json_of(double x);

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Parameters from words: the text of a flag becomes JSON by the kind of its field.

#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "base/result.h"
#include "engine/schema.h"

namespace plimsoll::cli {

// "0.1" -> 0.1, "a,b" -> ["a","b"], "k=v,l=w" -> {...}. What cannot be read stays a text: the door names the parameter.
Json value_of(const FieldSchema& field, const std::string& text);

// The field at a path such as {"calibration", "method"}; null if there is none.
const FieldSchema* field_at(const std::vector<FieldSchema>& fields, const std::vector<std::string>& path);

// Sets a value at a path, making the objects on the way.
void set_at(Json& json, const std::vector<std::string>& path, Json value);

std::vector<std::string> split_path(const std::string& dotted);

// One `name=value` of -p.
Result<void> set_assignment(Json& json, const std::vector<FieldSchema>& fields, const std::string& assignment);

}  // namespace plimsoll::cli

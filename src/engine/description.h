// SPDX-License-Identifier: Apache-2.0
#pragma once

// The catalogue in JSON, for programs: what the C and C++ interfaces tell, and what the Python classes are written from.

#include "base/error.h"
#include "base/json_fwd.h"
#include "engine/catalogue.h"

namespace plimsoll {

// {"id", "tier", "plugin", "verbs"}.
Json line_json(const CatalogueLine& line);

// The same with "card", and "about": by verb {"parameters": JSON Schema, "fields": the same in order of declaration,
// "inputs": ports with their roles}; of an apply also "rows", "outputs", "values" and, where there is no fit,
// "model_fields": the parameters that stand for a model; of a fit also "mergeable" and "law".
Json method_json(const CatalogueLine& line);

// {"code", "what", "mend", "message", "exit_status", "http_status"} and what is known of the place.
Json error_json(const Error& error);

}  // namespace plimsoll

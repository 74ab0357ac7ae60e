// SPDX-License-Identifier: Apache-2.0
#pragma once

// Bytes of a booster that come from an artifact are hostile input, and XGBoost's reader trusts what it reads. This walks
// the UBJSON document with bounds on depth, counts and lengths, and refuses trees that a walk could leave: children that
// are no tree, features or classes that do not exist, categories outside their array.

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "learn/ubjson_document.h"

namespace plimsoll::learn {

// What a booster of so many classes is trained for; 1 is a number.
const char* tree_objective(std::int64_t classes);

// `corrupt_file` if `bytes` is not a booster of trees over `width` features for `classes` classes (2, or 1 for a number: one tree a round).
Result<void> check_booster_bytes(std::string_view bytes, std::int64_t classes, std::int64_t width);
// The document that the bytes hold, checked; it views the bytes.
Result<UbjsonValue> read_booster(std::string_view bytes, std::int64_t classes, std::int64_t width);

}  // namespace plimsoll::learn

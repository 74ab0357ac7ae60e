// SPDX-License-Identifier: Apache-2.0
#pragma once

// A bounded reader of Universal Binary JSON as XGBoost writes it: views into the bytes, nothing copied but the structure.
// https://ubjson.org/type-reference/

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace plimsoll::learn {

struct UbjsonValue {
  enum class Kind : std::uint8_t { null, flag, integer, real, text, numbers, list, object };
  Kind kind = Kind::null;
  std::int64_t integer = 0;                 // flag, integer
  double real = 0;                          // integer too
  std::string_view text;                    // text; numbers: the big-endian elements
  char element = 0;                         // numbers: type mark of the elements
  std::vector<UbjsonValue> list;            // list; object: the members' values in document order ...
  std::vector<std::string_view> names;      // ... and their names

  const UbjsonValue* find(std::string_view name) const;  // null if not an object or no such member
  // Elements of `numbers` or of a list of numbers; nullopt for another kind. Integers and reals both read.
  std::optional<std::vector<double>> as_numbers() const;
};

// nullopt if the bytes are not exactly one document, nest deeper than 64, or announce more than they hold.
std::optional<UbjsonValue> read_ubjson(std::string_view bytes);

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Between document.cpp and the two sources that hold a parser each. The heavy headers of the parsers stay in those.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace plimsoll {

// Lines of a tree of nodes: one-based, parallel to the JSON tree. `names` is empty for arrays.
struct LineTree {
  std::int64_t line = 0;
  std::vector<std::string> names;
  std::vector<LineTree> items;
};

struct ParsedDocument {
  Json root;
  LineTree lines;
};

inline constexpr std::size_t most_document_bytes = std::size_t{16} << 20;
inline constexpr std::size_t most_document_depth = 64;
inline constexpr std::size_t most_document_nodes = 1'000'000;
inline constexpr std::size_t most_alias_nodes = 10'000;

Error document_error(std::string what, std::int64_t line, std::string mend = "Correct the document");

Result<ParsedDocument> parse_yaml_document(std::string_view text);
Result<ParsedDocument> parse_toml_document(std::string_view text);
Result<ParsedDocument> parse_json_document(std::string_view text);

}  // namespace plimsoll

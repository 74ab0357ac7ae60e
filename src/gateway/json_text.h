// SPDX-License-Identifier: Apache-2.0
#pragma once

// A JSON text with the place of each value in it, so that single strings are replaced and every other byte is forwarded as it
// came. Parsers differ on which of two equal keys counts, which is a way around any guard: here they are refused, as are invalid
// UTF-8, lone surrogates and anything else that two readers could read as two things.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace plimsoll::gateway {

enum class JsonKind : std::uint8_t { object, array, string, number, flag, null };

class JsonText {
 public:
  struct Node {
    JsonKind kind = JsonKind::null;
    bool escaped = false;        // of a string: holds a backslash
    bool key_escaped = false;
    std::uint32_t begin = 0;     // of a string: inside its quotes
    std::uint32_t end = 0;
    std::uint32_t key_begin = 0;
    std::uint32_t key_end = 0;
    std::uint32_t child = 0;     // first of an object or array; 0: none
    std::uint32_t next = 0;      // sibling; 0: none
  };
  static constexpr std::uint32_t none = 0;  // the root is node 1

  static Result<JsonText> parse(std::string text);
  const std::string& text() const { return text_; }
  std::uint32_t root() const { return 1; }
  const Node& at(std::uint32_t node) const { return nodes_[node]; }
  std::uint32_t find(std::uint32_t object, std::string_view key) const;  // none if it is no object or lacks the key
  bool is(std::uint32_t node, JsonKind kind) const { return node != none && nodes_[node].kind == kind; }
  std::string string(std::uint32_t node) const;  // decoded; empty if it is none
  std::string key(std::uint32_t node) const;
  std::string_view raw(std::uint32_t node) const;  // of a string: without its quotes
  std::vector<std::uint32_t> children(std::uint32_t node) const;

  // Replaces strings; edits are applied by written().
  void replace(std::uint32_t node, std::string_view with);
  bool edited() const { return !edits_.empty(); }
  std::string written() const;

 private:
  friend class JsonTextReader;
  std::string text_;
  std::vector<Node> nodes_;
  std::vector<std::pair<std::uint32_t, std::string>> edits_;  // node, escaped text
};

std::string json_escaped(std::string_view text);  // without quotes

}  // namespace plimsoll::gateway

// SPDX-License-Identifier: Apache-2.0
// TOML by toml++. Its tables nest by dotted keys without a bound and are destroyed by recursion, so depth is checked on the
// text before it is parsed.
#include <toml++/toml.h>

#include <sstream>

#include "engine/document_parts.h"

namespace plimsoll {
namespace {

// The line at which brackets nest, or dots of one key follow each other, beyond the bound; 0 if nowhere.
class DepthScan {
 public:
  explicit DepthScan(std::string_view text) : text_(text) {}

  std::int64_t too_deep() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
        continue;
      }
      if (c == '"' || c == '\'') {
        quoted(c);
        continue;
      }
      if (c == '\n') ++line_;
      if (c == '{' || c == '[') ++brackets_;
      if ((c == '}' || c == ']') && brackets_ > 0) --brackets_;
      if (c == '.') ++dots_;
      if (c == '=' || c == ',' || c == '\n' || c == '{' || c == '}' || c == '[' || c == ']') dots_ = 0;
      if (brackets_ > most_document_depth || dots_ >= most_document_depth) return line_;
      ++at_;
    }
    return 0;
  }

 private:
  void quoted(char quote) {
    const bool triple = text_.substr(at_, 3) == std::string(3, quote);
    at_ += triple ? 3 : 1;
    while (at_ < text_.size()) {
      if (quote == '"' && text_[at_] == '\\') {
        at_ += 2;
        continue;
      }
      if (text_[at_] == '\n') {
        ++line_;
        if (!triple) {  // not closed: the parser will say so
          ++at_;
          return;
        }
      }
      if (text_[at_] == quote && (!triple || text_.substr(at_, 3) == std::string(3, quote))) {
        at_ += triple ? 3 : 1;
        return;
      }
      ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
  std::size_t brackets_ = 0;
  std::size_t dots_ = 0;
};

class TomlTree {
 public:
  Result<void> convert(const toml::node& node, Json& json, LineTree& lines, std::size_t depth) {
    lines.line = static_cast<std::int64_t>(node.source().begin.line);
    if (++nodes_ > most_document_nodes) return document_error("more than a million values", lines.line, "Split the document");
    if (depth > most_document_depth) return document_error("nested deeper than 64 levels", lines.line);
    if (const toml::table* table = node.as_table()) {
      json = Json::object();
      for (auto&& [key, value] : *table) {
        lines.names.emplace_back(key.str());
        lines.items.emplace_back();
        PLIMSOLL_CHECK(convert(value, json[std::string(key.str())], lines.items.back(), depth + 1));
        if (key.source().begin.line > 0) lines.items.back().line = static_cast<std::int64_t>(key.source().begin.line);
      }
      return {};
    }
    if (const toml::array* array = node.as_array()) {
      json = Json::array();
      for (const toml::node& element : *array) {
        json.push_back(nullptr);
        lines.items.emplace_back();
        PLIMSOLL_CHECK(convert(element, json.back(), lines.items.back(), depth + 1));
      }
      return {};
    }
    json = scalar(node);
    return {};
  }

 private:
  template <class Value>
  static Json text_of(const Value& value) {
    std::ostringstream out;
    out << value;
    return out.str();
  }
  static Json scalar(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* integer = node.as_integer()) return integer->get();
    if (const auto* real = node.as_floating_point()) return json_of(real->get());
    if (const auto* flag = node.as_boolean()) return flag->get();
    if (const auto* date = node.as_date()) return text_of(date->get());
    if (const auto* time = node.as_time()) return text_of(time->get());
    if (const auto* moment = node.as_date_time()) return text_of(moment->get());
    return nullptr;
  }

  std::size_t nodes_ = 0;
};

}  // namespace

Result<ParsedDocument> parse_toml_document(std::string_view text) {
  if (const std::int64_t line = DepthScan(text).too_deep(); line > 0) return document_error("nested deeper than 64 levels", line);
  // The library is built to report through exceptions; they end here.
  try {
    const toml::table table = toml::parse(text);
    ParsedDocument parsed;
    PLIMSOLL_CHECK(TomlTree().convert(table, parsed.root, parsed.lines, 0));
    if (parsed.lines.line == 0) parsed.lines.line = 1;
    return parsed;
  } catch (const toml::parse_error& error) {
    return document_error("not valid TOML: " + std::string(error.description()), static_cast<std::int64_t>(error.source().begin.line));
  }
}

}  // namespace plimsoll

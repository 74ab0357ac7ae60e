// SPDX-License-Identifier: Apache-2.0
#include "llm/prompt_template.h"

#include <algorithm>

#include "base/hash.h"
#include "base/json.h"
#include "text/unicode.h"

namespace plimsoll::llm {
namespace {

constexpr std::size_t most_messages = 64;
constexpr std::size_t most_text = std::size_t{64} << 10;
constexpr std::size_t most_filled = std::size_t{16} << 20;
constexpr std::size_t deepest = 8;

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > 64 || text[0] < 'a' || text[0] > 'z') return false;
  return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

Error wrong(std::string what) { return Error(ErrorCode::bad_document, std::move(what), "Write {{name}}, {{?name}} ... {{/name}} or {{open}}"); }

Result<std::string> text_of(const Document& document, const Json& json, const std::string& pointer, const char* name) {
  if (!json.is_object() || !json.contains(name) || !json[name].is_string() || json[name].get_ref<const std::string&>().empty()) {
    return document.error_at(pointer, std::string("a template without '") + name + "', or one that is no text", "Give it as a text");
  }
  return json[name].get<std::string>();
}

}  // namespace

Result<std::vector<PromptTemplate::Part>> PromptTemplate::parts_of(std::string_view text, const std::vector<std::string>& variables) {
  std::vector<Part> parts;
  std::vector<std::string> open;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t brace = std::min(text.find("{{", at), text.size());
    if (brace > at) parts.push_back({Kind::text, std::string(text.substr(at, brace - at))});
    if (brace == text.size()) break;
    const std::size_t close = text.find("}}", brace + 2);
    if (close == std::string_view::npos) return wrong("'{{' is never closed");
    std::string_view name = text.substr(brace + 2, close - brace - 2);
    at = close + 2;
    if (name == "open") {
      parts.push_back({Kind::text, "{{"});
      continue;
    }
    Kind kind = Kind::value;
    if (name.starts_with('?')) kind = Kind::begin;
    if (name.starts_with('/')) kind = Kind::end;
    if (kind != Kind::value) name.remove_prefix(1);
    if (!is_name(name)) return wrong("'{{" + std::string(name.substr(0, 64)) + "}}' names no variable");
    if (std::ranges::find(variables, name) == variables.end()) {
      return wrong("the variable '" + std::string(name) + "' is not declared").with_candidates(nearest_names(name, variables));
    }
    if (kind == Kind::begin) {
      open.emplace_back(name);
      if (open.size() > deepest) return wrong("parts are nested deeper than " + std::to_string(deepest));
    } else if (kind == Kind::end) {
      if (open.empty() || open.back() != name) return wrong("'{{/" + std::string(name) + "}}' closes what is not open");
      open.pop_back();
    }
    parts.push_back({kind, std::string(name)});
  }
  if (!open.empty()) return wrong("'{{?" + open.back() + "}}' is never closed");
  return parts;
}

Result<PromptTemplate> PromptTemplate::parse(const Document& document) {
  const Json& root = document.root();
  PromptTemplate out;
  PLIMSOLL_TRY(out.id_, text_of(document, root, "", "id"));
  for (const auto& [name, value] : root.items()) {
    if (name != "id" && name != "version" && name != "variables" && name != "messages") {
      return document.error_at("/" + name, "a template has no '" + name + "'", "It has id, version, variables and messages");
    }
  }
  const Json version = root.value("version", Json());
  if (!version.is_number_integer() || version.get<std::int64_t>() < 1) {
    return document.error_at("/version", "the version is no whole number from 1", "Count it up with each change");
  }
  out.version_ = version.get<std::int64_t>();
  for (const Json& one : root.value("variables", Json::array())) {
    if (!one.is_string() || !is_name(one.get<std::string>()) || one == "open" || std::ranges::find(out.variables_, one.get<std::string>()) != out.variables_.end()) {
      return document.error_at("/variables", "a variable's name is none, or stands there twice", "Use small letters, digits and low lines");
    }
    out.variables_.push_back(one.get<std::string>());
  }
  const Json messages = root.value("messages", Json());
  if (!messages.is_array() || messages.empty() || messages.size() > most_messages) {
    return document.error_at("/messages", "a template has 1 to 64 messages", "Give messages with role and text");
  }
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string pointer = "/messages/" + std::to_string(i);
    Line line;
    PLIMSOLL_TRY(line.role, text_of(document, messages[i], pointer, "role"));
    PLIMSOLL_TRY(const std::string text, text_of(document, messages[i], pointer, "text"));
    if (line.role != "system" && line.role != "user" && line.role != "assistant") {
      return document.error_at(pointer + "/role", "'" + line.role + "' is no role", "Write system, user or assistant");
    }
    if (text.size() > most_text) return document.error_at(pointer + "/text", "a message is longer than 64 KiB", "Put long texts in by a variable");
    auto parts = parts_of(text, out.variables_);
    if (!parts) return document.error_at(pointer + "/text", parts.error().what, parts.error().mend);
    line.parts = std::move(parts).value();
    out.lines_.push_back(std::move(line));
  }
  out.sha256_ = sha256_hex(canonical_json(root));
  return out;
}

Result<std::vector<Message>> PromptTemplate::fill(const std::map<std::string, std::string>& values) const {
  for (const auto& [name, value] : values) {
    if (std::ranges::find(variables_, name) == variables_.end()) {
      return Error(ErrorCode::unknown_name, "the template " + id_ + " has no variable '" + name + "'", "Give its own").with_candidates(nearest_names(name, variables_));
    }
    PLIMSOLL_CHECK(text::check_utf8(value));
  }
  for (const std::string& name : variables_) {
    if (!values.contains(name)) return Error(ErrorCode::missing_input, "the template " + id_ + " lacks a value for '" + name + "'", "Give one; it may be empty");
  }
  std::vector<Message> out;
  std::size_t bytes = 0;
  for (const Line& line : lines_) {
    Message& message = out.emplace_back(Message{line.role, {}});
    std::size_t hidden = 0;  // depth inside parts that do not stand
    for (const Part& part : line.parts) {
      if (part.kind == Kind::begin && (hidden > 0 || values.at(part.text).empty())) ++hidden;
      else if (part.kind == Kind::end && hidden > 0) --hidden;
      else if (hidden == 0 && part.kind == Kind::text) message.content += part.text;
      else if (hidden == 0 && part.kind == Kind::value) message.content += values.at(part.text);
      if (bytes + message.content.size() > most_filled) return Error(ErrorCode::too_large, "a filled template is longer than 16 MiB", "Give shorter texts");
    }
    bytes += message.content.size();
  }
  return out;
}

}  // namespace plimsoll::llm

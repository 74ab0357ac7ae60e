// SPDX-License-Identifier: Apache-2.0
#include "gateway/dialect.h"

#include <array>

namespace plimsoll::gateway {
namespace {

constexpr std::array<std::string_view, 5> names = {"chat", "completions", "responses", "embeddings", "messages"};

class Collector {
 public:
  Collector(const JsonText& body, std::vector<Slot>& out) : body_(body), out_(out) {}

  void string(std::uint32_t node, Stage stage, Source source, const std::string& tool = {}, bool arguments = false) {
    if (body_.is(node, JsonKind::string)) out_.push_back({node, stage, source, tool, arguments});
  }
  // Every string below a node: tool inputs, results and specifications are scanned whole.
  void all(std::uint32_t node, Stage stage, Source source, const std::string& tool) {
    if (body_.is(node, JsonKind::string)) string(node, stage, source, tool);
    else
      for (const std::uint32_t child : body_.children(node)) all(child, stage, source, tool);
  }
  // A string, or a list of parts each with a text.
  void content(std::uint32_t node, Stage stage, Source source, const std::string& tool = {}) {
    if (body_.is(node, JsonKind::string)) {
      string(node, stage, source, tool);
      return;
    }
    for (const std::uint32_t part : body_.children(node)) {
      if (body_.is(part, JsonKind::string)) string(part, stage, source, tool);
      for (const char* key : {"text", "refusal", "thinking", "input_text"}) string(body_.find(part, key), stage, source, tool);
      const std::string type = body_.string(body_.find(part, "type"));
      const std::string name = body_.string(body_.find(part, "name"));
      if (type == "tool_use" || type == "server_tool_use") all(body_.find(part, "input"), Stage::tool_call, Source::model, name);
      if (type == "tool_result") content(body_.find(part, "content"), Stage::tool_result, Source::tool);
      if (type == "document" || type == "search_result") all(body_.find(part, type == "document" ? "source" : "content"), Stage::retrieval, Source::file, {});
    }
  }
  void tool_calls(std::uint32_t node) {
    for (const std::uint32_t call : body_.children(node)) {
      const std::uint32_t function = body_.find(call, "function");
      string(body_.find(function, "arguments"), Stage::tool_call, Source::model, body_.string(body_.find(function, "name")), true);
      const std::uint32_t custom = body_.find(call, "custom");
      string(body_.find(custom, "input"), Stage::tool_call, Source::model, body_.string(body_.find(custom, "name")));
    }
  }
  void message(std::uint32_t node, bool answer) {
    const std::string role = body_.string(body_.find(node, "role"));
    const bool tool = role == "tool" || role == "function";
    const Stage stage = answer ? Stage::output : tool ? Stage::tool_result : Stage::input;
    const Source source = answer || role == "assistant" ? Source::model : tool ? Source::tool : role == "system" || role == "developer" ? Source::system : Source::user;
    content(body_.find(node, "content"), stage, source, tool ? body_.string(body_.find(node, "name")) : std::string());
    for (const char* key : {"refusal", "reasoning_content", "reasoning"}) string(body_.find(node, key), stage, source);
    tool_calls(body_.find(node, "tool_calls"));
    const std::uint32_t old = body_.find(node, "function_call");
    string(body_.find(old, "arguments"), Stage::tool_call, Source::model, body_.string(body_.find(old, "name")), true);
  }
  // An item of the responses dialect, in a request or an answer.
  void item(std::uint32_t node, bool answer) {
    const std::string type = body_.string(body_.find(node, "type"));
    const std::string name = body_.string(body_.find(node, "name"));
    if (type.ends_with("_call_output")) {
      const std::uint32_t output = body_.find(node, "output");
      if (body_.is(output, JsonKind::string)) string(output, Stage::tool_result, Source::tool, name);
      else all(output, Stage::tool_result, Source::tool, name);
    } else if (type.ends_with("_call")) {
      string(body_.find(node, "arguments"), Stage::tool_call, Source::model, name, true);
      all(body_.find(node, "input"), Stage::tool_call, Source::model, name);
      all(body_.find(node, "action"), Stage::tool_call, Source::model, name);
    } else if (type == "reasoning") {
      content(body_.find(node, "summary"), answer ? Stage::output : Stage::input, Source::model);
      content(body_.find(node, "content"), answer ? Stage::output : Stage::input, Source::model);
    } else {
      message(node, answer);
    }
  }
  void tools(std::uint32_t node) {
    for (const std::uint32_t tool : body_.children(node)) specification(tool, body_.string(body_.find(body_.find(tool, "function"), "name")));
  }
  // Descriptions are free text; names, types and the like are not.
  void specification(std::uint32_t node, const std::string& tool) {
    string(body_.find(node, "description"), Stage::tool_spec, Source::tool, tool);
    for (const std::uint32_t child : body_.children(node))
      if (!body_.is(child, JsonKind::string)) specification(child, tool);
  }

 private:
  const JsonText& body_;
  std::vector<Slot>& out_;
};

std::string number(const JsonText& body, std::uint32_t object, std::string_view key) { return std::string(body.raw(body.find(object, key))); }

void chat_event(const JsonText& event, bool text_only, StreamSlots& out) {
  for (const std::uint32_t choice : event.children(event.find(event.root(), "choices"))) {
    const std::string index = number(event, choice, "index") + "/";
    const auto delta = [&](std::uint32_t node, const std::string& channel, bool arguments = false, const std::string& tool = {}) {
      if (event.is(node, JsonKind::string)) out.deltas.push_back({node, index + channel, arguments, tool});
    };
    if (text_only) delta(event.find(choice, "text"), "text");
    const std::uint32_t part = event.find(choice, "delta");
    for (const char* key : {"content", "refusal", "reasoning_content", "reasoning"}) delta(event.find(part, key), key);
    for (const std::uint32_t call : event.children(event.find(part, "tool_calls"))) {
      const std::uint32_t function = event.find(call, "function");
      delta(event.find(function, "arguments"), "tool/" + number(event, call, "index"), true, event.string(event.find(function, "name")));
    }
    const std::uint32_t old = event.find(part, "function_call");
    delta(event.find(old, "arguments"), "call", true, event.string(event.find(old, "name")));
    if (event.is(event.find(choice, "finish_reason"), JsonKind::string)) out.closing.push_back(index);
  }
}

void responses_event(const JsonText& event, StreamSlots& out) {
  const std::string type = event.string(event.find(event.root(), "type"));
  const std::string place = event.string(event.find(event.root(), "item_id")) + "/" + number(event, event.root(), "output_index") + "/" + number(event, event.root(), "content_index") + "/";
  const bool arguments = type.find("arguments") != std::string::npos;
  if (type.ends_with(".delta")) {
    const std::uint32_t node = event.find(event.root(), "delta");
    if (event.is(node, JsonKind::string)) out.deltas.push_back({node, place + type.substr(0, type.size() - 6), arguments, {}});
    return;
  }
  Collector whole(event, out.whole);
  if (type.ends_with(".done")) {
    out.closing.push_back(place + type.substr(0, type.size() - 5));
    for (const char* key : {"text", "refusal"}) whole.string(event.find(event.root(), key), Stage::output, Source::model);
    whole.string(event.find(event.root(), "arguments"), Stage::tool_call, Source::model, event.string(event.find(event.root(), "name")), true);
  }
  for (const std::uint32_t item : event.children(event.find(event.find(event.root(), "response"), "output"))) whole.item(item, true);
  if (const std::uint32_t item = event.find(event.root(), "item"); item != JsonText::none) whole.item(item, true);
  const std::uint32_t part = event.find(event.root(), "part");
  for (const char* key : {"text", "refusal"}) whole.string(event.find(part, key), Stage::output, Source::model);
  if (type == "response.completed" || type == "response.incomplete" || type == "response.failed") out.closing.emplace_back();
}

void messages_event(const JsonText& event, StreamSlots& out) {
  const std::string type = event.string(event.find(event.root(), "type"));
  const std::string index = number(event, event.root(), "index") + "/";
  if (type == "content_block_delta") {
    const std::uint32_t delta = event.find(event.root(), "delta");
    for (const char* key : {"text", "thinking", "partial_json"})
      if (const std::uint32_t node = event.find(delta, key); event.is(node, JsonKind::string)) out.deltas.push_back({node, index + key, std::string_view(key) == "partial_json", {}});
  } else if (type == "content_block_start") {
    Collector whole(event, out.whole);
    const std::uint32_t block = event.find(event.root(), "content_block");
    for (const char* key : {"text", "thinking"}) whole.string(event.find(block, key), Stage::output, Source::model);
  } else if (type == "content_block_stop") {
    out.closing.push_back(index);
  } else if (type == "message_delta" || type == "message_stop") {
    out.closing.emplace_back();
  }
}

}  // namespace

std::string_view name_of(Dialect dialect) { return names[static_cast<std::size_t>(dialect)]; }

std::optional<Dialect> dialect_of(std::string_view path) {
  path = path.substr(0, path.find('?'));
  if (path.ends_with("/v1/chat/completions")) return Dialect::chat;
  if (path.ends_with("/v1/completions")) return Dialect::completions;
  if (path.ends_with("/v1/responses")) return Dialect::responses;
  if (path.ends_with("/v1/embeddings")) return Dialect::embeddings;
  if (path.ends_with("/v1/messages")) return Dialect::messages;
  return std::nullopt;
}

std::vector<Slot> request_slots(Dialect dialect, const JsonText& body) {
  std::vector<Slot> out;
  Collector collect(body, out);
  const auto top = [&body](const char* key) { return body.find(body.root(), key); };
  if (dialect == Dialect::completions) {
    collect.content(top("prompt"), Stage::input, Source::user);
    collect.string(top("suffix"), Stage::input, Source::user);
  } else if (dialect == Dialect::embeddings) {
    collect.all(top("input"), Stage::input, Source::user, {});
  } else if (dialect == Dialect::responses) {
    collect.string(top("instructions"), Stage::input, Source::system);
    const std::uint32_t input = top("input");
    if (body.is(input, JsonKind::string)) collect.string(input, Stage::input, Source::user);
    else
      for (const std::uint32_t item : body.children(input)) collect.item(item, false);
  } else {
    if (dialect == Dialect::messages) collect.content(top("system"), Stage::input, Source::system);
    for (const std::uint32_t message : body.children(top("messages"))) collect.message(message, false);
  }
  collect.tools(top("tools"));
  return out;
}

std::vector<Slot> answer_slots(Dialect dialect, const JsonText& body) {
  std::vector<Slot> out;
  Collector collect(body, out);
  if (dialect == Dialect::responses) {
    for (const std::uint32_t item : body.children(body.find(body.root(), "output"))) collect.item(item, true);
    collect.string(body.find(body.root(), "output_text"), Stage::output, Source::model);
  } else if (dialect == Dialect::messages) {
    collect.content(body.find(body.root(), "content"), Stage::output, Source::model);
  } else {
    for (const std::uint32_t choice : body.children(body.find(body.root(), "choices"))) {
      collect.string(body.find(choice, "text"), Stage::output, Source::model);
      collect.message(body.find(choice, "message"), true);
    }
  }
  return out;
}

bool wants_stream(const JsonText& body) { return body.raw(body.find(body.root(), "stream")) == "true"; }

StreamSlots stream_slots(Dialect dialect, const JsonText& event) {
  StreamSlots out;
  if (dialect == Dialect::responses) responses_event(event, out);
  else if (dialect == Dialect::messages) messages_event(event, out);
  else chat_event(event, dialect == Dialect::completions, out);
  return out;
}

}  // namespace plimsoll::gateway

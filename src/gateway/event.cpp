// SPDX-License-Identifier: Apache-2.0
#include "gateway/event.h"

#include <array>

namespace plimsoll::gateway {
namespace {
constexpr std::array<std::string_view, 6> stages = {"input", "retrieval", "tool_spec", "tool_call", "tool_result", "output"};
constexpr std::array<std::string_view, 7> sources = {"system", "user", "tool", "web", "file", "memory", "model"};
constexpr std::array<std::string_view, 5> statuses = {"ok", "timeout", "error", "unparsed", "skipped"};
}  // namespace

std::span<const std::string_view> choices_of(Stage) { return stages; }
std::span<const std::string_view> choices_of(Source) { return sources; }
std::span<const std::string_view> choices_of(Status) { return statuses; }

void describe(Fields& f, Piece& p) {
  f({"text", "the text"}, p.text);
  f({"source", "where it came from"}, p.source);
  f({"tool", "the tool's name, if one had part in it"}, p.tool);
}

void describe(Fields& f, Event& e) {
  f({"stage", "where it passes"}, e.stage);
  f({"pieces", "texts, each with its source"}, e.pieces);
  f({"trace", "earlier tool calls of the conversation by name, oldest first"}, e.trace);
}

void describe(Fields& f, Found& x) {
  f({"detector", "who found it"}, x.detector);
  f({"piece", "which piece, from 0", at_least(0)}, x.piece);
  f({"begin", "first byte", at_least(0)}, x.begin);
  f({"end", "one past the last byte", at_least(0)}, x.end);
  f({"score", "how sure"}, x.score);
  f({"replacement", "what a redaction puts there"}, x.replacement);
}

void describe(Fields& f, Findings& x) {
  f({"status", "ok, or what kept the detector from an answer"}, x.status);
  f({"reason", "why the status is not ok"}, x.reason);
  f({"found", "what was found, in order"}, x.found);
}

}  // namespace plimsoll::gateway

// SPDX-License-Identifier: Apache-2.0
#pragma once

// What passes the gateway, in one shape for HTTP, batches and the log: a stage, and pieces of text, each with where it came from.
// A guard is a `step` method over an Event that answers with Findings; a status other than ok is data, never a silent "safe".

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fields.h"

namespace plimsoll::gateway {

enum class Stage : int { input, retrieval, tool_spec, tool_call, tool_result, output };
std::span<const std::string_view> choices_of(Stage);

enum class Source : int { system, user, tool, web, file, memory, model };
std::span<const std::string_view> choices_of(Source);

enum class Status : int { ok, timeout, error, unparsed, skipped };
std::span<const std::string_view> choices_of(Status);

struct Piece {
  std::string text;
  Source source = Source::user;
  std::string tool;  // its name, where source or stage is of a tool
};
void describe(Fields& f, Piece& p);

struct Event {
  Stage stage = Stage::input;
  std::vector<Piece> pieces;
  std::vector<std::string> trace;  // earlier tool calls of the conversation, by name, oldest first
};
void describe(Fields& f, Event& e);

struct Found {
  std::string detector;
  std::int64_t piece = 0;
  std::int64_t begin = 0;  // bytes of the piece's text
  std::int64_t end = 0;
  double score = 1;
  std::string replacement;  // what a redaction puts there
};
void describe(Fields& f, Found& x);

struct Findings {
  Status status = Status::ok;
  std::string reason;  // of a status other than ok
  std::vector<Found> found;
};
void describe(Fields& f, Findings& x);

}  // namespace plimsoll::gateway

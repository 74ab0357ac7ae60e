// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where the words stand in the bodies of the model dialects: OpenAI's chat completions, completions, responses and embeddings, and
// Anthropic's messages. Only these strings are read and rewritten; everything else passes as it came.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/event.h"
#include "gateway/json_text.h"

namespace plimsoll::gateway {

enum class Dialect : int { chat, completions, responses, embeddings, messages };
std::string_view name_of(Dialect dialect);
std::optional<Dialect> dialect_of(std::string_view path);  // by the end of the path, such as /v1/chat/completions

struct Slot {
  std::uint32_t node = 0;
  Stage stage = Stage::input;
  Source source = Source::user;
  std::string tool;
  bool arguments = false;  // the string is itself JSON
};
std::vector<Slot> request_slots(Dialect dialect, const JsonText& body);
std::vector<Slot> answer_slots(Dialect dialect, const JsonText& body);
bool wants_stream(const JsonText& body);

// One event of a streamed answer: strings that go on in a channel, channels that end with it, and strings that are whole.
struct StreamSlots {
  struct Delta {
    std::uint32_t node = 0;
    std::string channel;
    bool arguments = false;
    std::string tool;
  };
  std::vector<Delta> deltas;
  std::vector<std::string> closing;  // prefixes of channels
  std::vector<Slot> whole;
};
StreamSlots stream_slots(Dialect dialect, const JsonText& event);

}  // namespace plimsoll::gateway

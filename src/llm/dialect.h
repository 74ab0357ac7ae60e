// SPDX-License-Identifier: Apache-2.0
#pragma once

// The OpenAI-compatible dialect: an Ask as a request body, an Answer out of a reply or out of a stream's events. Every word of
// a server is hostile: strict JSON without duplicate keys, sizes bounded, what is not understood is status "unparsed".

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_fwd.h"
#include "engine/endpoint.h"

namespace plimsoll::llm {

// `bad_value` for texts that are no UTF-8, `bad_parameter` for a schema that is no JSON, a role that is none or numbers that
// cannot be. Every provider calls it first.
Result<void> check(const Ask& ask);

// The request's body. `extra` is laid over it last (a server's own switches); it cannot replace what was asked.
Json request_json(const Ask& ask, const std::string& model, const Json& extra, bool stream);
std::string_view path_of(const Ask& ask);  // "/chat/completions" or "/completions"

Answer answer_of_reply(std::string_view body);

class StreamedAnswer {
 public:
  // One event's data; the text it brought. `done()` after "[DONE]". After a fault the rest is not read.
  std::string_view take(std::string_view data);
  bool done() const { return done_; }
  bool faulty() const { return answer_.status != "ok"; }
  // A stream that ended before it said so is "upstream": its text is kept, its verdict is none.
  Answer finish() &&;

 private:
  Answer answer_;
  std::string piece_;
  bool done_ = false;
  bool finished_ = false;
};

Result<std::vector<std::vector<double>>> embeddings_of_reply(std::string_view body, std::size_t count);

// Canonical, for caches, transcripts and programs: what was asked of whom, and what came back.
Json to_json(const Ask& ask);
Json to_json(const Answer& answer);
Result<Ask> ask_from_json(const Json& json);
Result<Answer> answer_from_json(const Json& json);
std::string key_of(const Ask& ask, const std::string& model, const Json& extra);  // canonical JSON of the request

}  // namespace plimsoll::llm

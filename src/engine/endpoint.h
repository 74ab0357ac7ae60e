// SPDX-License-Identifier: Apache-2.0
#pragma once

// What an Endpoint port can do beyond completing a prompt: chat, sampling, log-probabilities of every token, streaming,
// embeddings. Providers (http, recorded, scripted, command) live in src/llm; methods see only this.
//
//   PLIMSOLL_TRY(LanguageModel* const model, language_model(in.judge));
//   PLIMSOLL_TRY(const Answer answer, model->ask({.messages = {{"user", question}}, .most_tokens = 1, .top_logprobs = 20}));
//   if (answer.status != "ok") ...        // data, kept in the row; never read as a verdict

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/ports.h"

namespace plimsoll {

struct Message {
  std::string role;  // system, user, assistant
  std::string content;
};

struct Ask {
  std::vector<Message> messages;        // a chat; or ...
  std::string prompt;                   // ... a text to go on from, where messages is empty
  std::int64_t most_tokens = 256;
  double temperature = 0;
  double top_p = 1;
  std::optional<std::int64_t> seed;
  std::vector<std::string> stop;
  std::int64_t top_logprobs = 0;        // alternatives a token; 0: no log-probabilities
  std::string grammar;                  // GBNF that the answer must keep to (servers of llama.cpp's kind)
  std::string json_schema;              // or a JSON schema
  std::int64_t repeat = 0;              // sent nowhere; tells repeats apart in caches and transcripts
};

struct TokenChance {
  std::string token;
  double logprob = 0;                                 // natural, as the server said: before a grammar's mask
  std::vector<std::pair<std::string, double>> top;    // alternatives in the server's order
};

struct Answer {
  std::string status = "ok";            // or the name of the error code that the server's answer came to; data, not an error
  std::string detail;                   // of a status other than ok
  std::string text;
  std::string reasoning;                // where the server tells it apart
  std::string finish;                   // stop, length, content_filter
  std::string model;                    // as the server names itself
  std::vector<TokenChance> tokens;      // empty where no log-probabilities were asked for, or the server has none
  std::int64_t tokens_in = 0;
  std::int64_t tokens_cached = 0;       // of those in
  std::int64_t tokens_out = 0;
  std::int64_t attempts = 1;
  double seconds = 0;                   // of the last attempt
  double money = 0;
};

// Called with each piece of text as it comes; false ends the answer there (finish "cut").
using OnText = std::function<bool(std::string_view)>;

class LanguageModel : public Endpoint {
 public:
  // An error is what no other row would fare better with: no key, no right, a request that the server cannot read, a budget
  // spent, a stop. What befell this request alone is a status. Safe from many threads.
  virtual Result<Answer> ask(const Ask& ask, const OnText& on_text = {}) = 0;
  virtual Result<std::vector<std::vector<double>>> embed(std::span<const std::string> texts) = 0;

  // Greedy, with the 20 best alternatives of the first token.
  Result<Completion> complete(const std::string& prompt, std::int64_t most_tokens) override;
};

// `missing_input` for an empty port, `wrong_kind` for an endpoint that completes prompts and no more.
Result<LanguageModel*> language_model(const EndpointPort& port);

// Log-probabilities of `options` as the first token of an answer: alternatives are stripped of white space and pooled where
// they equal an option exactly; one that no alternative names has -infinity. `coverage` is the probability that fell on
// options at all: below 0.5 say "unparsed" rather than scale up. An error where the answer holds no log-probabilities
// (`missing_input`), or they are no probabilities (`upstream`).
struct OptionChances {
  std::vector<double> logprob;
  double coverage = 0;
};
Result<OptionChances> option_chances(const Answer& answer, std::span<const std::string> options);

}  // namespace plimsoll

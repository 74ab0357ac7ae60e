// SPDX-License-Identifier: Apache-2.0
#include "llm/dialect.h"

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "text/unicode.h"

namespace plimsoll::llm {
namespace {

constexpr std::size_t most_text = std::size_t{16} << 20;

// Empty where it is not there or no text.
std::string text_at(const Json& json, const char* name) {
  const auto found = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t count_at(const Json& json, const char* name) {
  const auto found = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && found != json.end() && found->is_number_integer() ? std::max<std::int64_t>(0, found->get<std::int64_t>()) : 0;
}

const Json& at_or_null(const Json& json, const char* name) {
  static const Json null;
  const auto found = json.is_object() ? json.find(name) : json.end();
  return json.is_object() && found != json.end() ? *found : null;
}

bool read_chance(const Json& json, std::string& token, double& logprob) {
  const Json& value = at_or_null(json, "logprob");
  if (!json.is_object() || !value.is_number()) return false;
  token = text_at(json, "token");
  logprob = value.get<double>();
  return true;
}

// {"content": [{"token", "logprob", "top_logprobs": [...]}]}, or the older {"tokens", "token_logprobs", "top_logprobs"}.
bool read_chances(const Json& json, std::vector<TokenChance>& out) {
  if (const Json& content = at_or_null(json, "content"); content.is_array()) {
    for (const Json& one : content) {
      TokenChance chance;
      if (!read_chance(one, chance.token, chance.logprob)) return false;
      for (const Json& other : at_or_null(one, "top_logprobs")) {
        auto& [token, logprob] = chance.top.emplace_back();
        if (!read_chance(other, token, logprob)) return false;
      }
      out.push_back(std::move(chance));
    }
    return true;
  }
  const Json& tokens = at_or_null(json, "tokens");
  const Json& logprobs = at_or_null(json, "token_logprobs");
  const Json& top = at_or_null(json, "top_logprobs");
  if (!tokens.is_array()) return true;
  if (!logprobs.is_array() || logprobs.size() != tokens.size()) return false;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i].is_string() || !logprobs[i].is_number()) return false;
    TokenChance chance{tokens[i].get<std::string>(), logprobs[i].get<double>(), {}};
    if (top.is_array() && i < top.size() && top[i].is_object()) {
      for (const auto& [token, value] : top[i].items()) {
        if (!value.is_number()) return false;
        chance.top.emplace_back(token, value.get<double>());
      }
    }
    out.push_back(std::move(chance));
  }
  return true;
}

void read_usage(const Json& reply, Answer& answer) {
  if (const std::string model = text_at(reply, "model"); !model.empty()) answer.model = model;
  const Json& usage = at_or_null(reply, "usage");
  if (!usage.is_object()) return;
  answer.tokens_in = count_at(usage, "prompt_tokens");
  answer.tokens_out = count_at(usage, "completion_tokens");
  answer.tokens_cached = std::min(answer.tokens_in, count_at(at_or_null(usage, "prompt_tokens_details"), "cached_tokens"));
}

void unparsed(Answer& answer, std::string why) {
  answer.status = "unparsed";
  answer.detail = std::move(why);
}

// The one choice of a reply or a chunk. `part` is its message, its delta, or itself.
bool read_choice(const Json& choice, const Json& part, Answer& answer, std::string& piece) {
  piece = text_at(part, "content");
  if (piece.empty()) piece = text_at(part, "text");
  answer.text += piece;
  answer.reasoning += text_at(part, "reasoning_content");
  if (const std::string why = text_at(choice, "finish_reason"); !why.empty()) answer.finish = why;
  return read_chances(at_or_null(choice, "logprobs"), answer.tokens) && answer.text.size() <= most_text;
}

}  // namespace

Result<void> check(const Ask& ask) {
  const auto bad = [](const char* what, const char* mend) { return Error(ErrorCode::bad_parameter, std::string("a request to an endpoint: ") + what, mend); };
  for (const Message& message : ask.messages) {
    PLIMSOLL_CHECK(text::check_utf8(message.content));
    if (message.role != "system" && message.role != "user" && message.role != "assistant") {
      return bad("a message has no role", "Give system, user or assistant");
    }
  }
  for (const std::string* one : {&ask.prompt, &ask.grammar}) PLIMSOLL_CHECK(text::check_utf8(*one));
  for (const std::string& one : ask.stop) PLIMSOLL_CHECK(text::check_utf8(one));
  if (!ask.messages.empty() && !ask.prompt.empty()) return bad("it holds both messages and a prompt", "Give one of them");
  if (ask.most_tokens < 1 || ask.top_logprobs < 0) return bad("its numbers of tokens cannot be", "Ask for at least one token");
  if (!(ask.temperature >= 0 && ask.temperature <= 100) || !(ask.top_p > 0 && ask.top_p <= 1)) return bad("temperature or top_p cannot be", "Give 0 or more, and (0, 1]");
  if (!ask.json_schema.empty()) PLIMSOLL_CHECK(parse_json(ask.json_schema, "json_schema"));
  return {};
}

std::string_view path_of(const Ask& ask) { return ask.messages.empty() ? "/completions" : "/chat/completions"; }

Json request_json(const Ask& ask, const std::string& model, const Json& extra, bool stream) {
  Json out = extra.is_object() ? extra : Json::object();
  if (!model.empty()) out["model"] = model;
  const bool chat = !ask.messages.empty();
  if (chat) {
    Json& messages = out["messages"] = Json::array();
    for (const Message& message : ask.messages) messages.push_back({{"role", message.role}, {"content", message.content}});
  } else {
    out["prompt"] = ask.prompt;
  }
  out["max_tokens"] = ask.most_tokens;
  out["temperature"] = ask.temperature;
  out["top_p"] = ask.top_p;
  if (ask.seed) out["seed"] = *ask.seed;
  if (!ask.stop.empty()) out["stop"] = ask.stop;
  if (ask.top_logprobs > 0 && chat) {
    out["logprobs"] = true;
    out["top_logprobs"] = ask.top_logprobs;
  } else if (ask.top_logprobs > 0) {
    out["logprobs"] = ask.top_logprobs;
  }
  if (!ask.grammar.empty()) out["grammar"] = ask.grammar;
  if (!ask.json_schema.empty()) {
    auto schema = parse_json(ask.json_schema, "json_schema");
    out["response_format"] = {{"type", "json_schema"}, {"json_schema", {{"name", "answer"}, {"schema", schema ? *schema : Json()}}}};
  }
  if (stream) {
    out["stream"] = true;
    out["stream_options"] = {{"include_usage", true}};
  }
  return out;
}

Answer answer_of_reply(std::string_view body) {
  Answer answer;
  const auto reply = parse_json(body, "reply");
  if (!reply) {
    unparsed(answer, "the server's reply is no JSON: " + reply.error().what);
    return answer;
  }
  const Json& choices = at_or_null(*reply, "choices");
  if (!choices.is_array() || choices.empty() || !choices[0].is_object()) {
    unparsed(answer, "the server's reply holds no choice");
    return answer;
  }
  const Json& message = at_or_null(choices[0], "message");
  std::string piece;
  const bool read = read_choice(choices[0], message.is_object() ? message : choices[0], answer, piece);
  read_usage(*reply, answer);
  if (!read) unparsed(answer, "the server's reply has log-probabilities that are none, or a text beyond 16 MiB");
  return answer;
}

std::string_view StreamedAnswer::take(std::string_view data) {
  piece_.clear();
  if (done_ || faulty()) return piece_;
  if (data == "[DONE]") {
    done_ = true;
    return piece_;
  }
  const auto chunk = parse_json(data, "event");
  if (!chunk || !chunk->is_object()) {
    unparsed(answer_, "an event of the stream is no JSON object");
    return piece_;
  }
  if (const Json& error = at_or_null(*chunk, "error"); !error.is_null()) {
    answer_.status = "upstream";
    answer_.detail = text_at(error, "message");
    return piece_;
  }
  read_usage(*chunk, answer_);
  const Json& choices = at_or_null(*chunk, "choices");
  if (!choices.is_array() || choices.empty()) return piece_;
  const Json& delta = at_or_null(choices[0], "delta");
  if (!read_choice(choices[0], delta.is_object() ? delta : choices[0], answer_, piece_)) {
    unparsed(answer_, "an event of the stream has log-probabilities that are none, or the text grew beyond 16 MiB");
  }
  return piece_;
}

Answer StreamedAnswer::finish() && {
  if (answer_.status == "ok" && !done_ && answer_.finish.empty()) {
    answer_.status = "upstream";
    answer_.detail = "the stream ended before it said so";
  }
  return std::move(answer_);
}

Result<std::vector<std::vector<double>>> embeddings_of_reply(std::string_view body, std::size_t count) {
  const auto bad = [](const char* what) { return Error(ErrorCode::unparsed, std::string("the server's embeddings: ") + what, "Use an OpenAI-compatible server"); };
  PLIMSOLL_TRY(const Json reply, parse_json(body, "reply"));
  const Json& data = at_or_null(reply, "data");
  if (!data.is_array() || data.size() != count) return bad("not one for each text");
  std::vector<std::vector<double>> out(count);
  for (const Json& one : data) {
    const auto index = static_cast<std::size_t>(count_at(one, "index"));
    const Json& values = at_or_null(one, "embedding");
    if (index >= count || !out[index].empty() || !values.is_array() || values.empty()) return bad("an entry without its place or its numbers");
    for (const Json& value : values) {
      if (!value.is_number()) return bad("an entry that is no number");
      out[index].push_back(value.get<double>());
    }
  }
  for (const auto& one : out) {
    if (one.size() != out[0].size()) return bad("of different lengths");
  }
  return out;
}

}  // namespace plimsoll::llm

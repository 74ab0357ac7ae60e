// SPDX-License-Identifier: Apache-2.0
// Asks and answers as canonical JSON: the lines of transcripts, the files of caches, and the words of a command.
#include "base/json.h"
#include "llm/dialect.h"

namespace plimsoll::llm {
namespace {

Error bad(const char* what) { return Error(ErrorCode::bad_document, std::string("an exchange with an endpoint: ") + what, "Record it again"); }

Json pairs(const std::vector<std::pair<std::string, double>>& list) {
  Json out = Json::array();
  for (const auto& [token, logprob] : list) out.push_back({{"token", token}, {"logprob", json_of(logprob)}});
  return out;
}

Result<std::pair<std::string, double>> pair_of(const Json& json) {
  if (!json.is_object() || !json.contains("token") || !json["token"].is_string() || !json.contains("logprob")) return bad("a token without its chance");
  PLIMSOLL_TRY(const double logprob, json_number(json["logprob"]));
  return std::pair(json["token"].get<std::string>(), logprob);
}

template <class T>
void take(const Json& json, const char* name, T& out, bool& good) {
  const auto found = json.find(name);
  if (found == json.end()) return;
  if constexpr (std::is_same_v<T, std::string>) good = good && found->is_string();
  else if constexpr (std::is_same_v<T, double>) good = good && found->is_number();
  else if constexpr (std::is_same_v<T, std::int64_t>) good = good && found->is_number_integer();
  if (good) out = found->get<T>();
}

}  // namespace

Json to_json(const Ask& ask) {
  Json out = {{"most_tokens", ask.most_tokens}, {"temperature", json_of(ask.temperature)}, {"top_p", json_of(ask.top_p)},
              {"top_logprobs", ask.top_logprobs}, {"repeat", ask.repeat}};
  if (ask.messages.empty()) out["prompt"] = ask.prompt;
  for (const Message& message : ask.messages) out["messages"].push_back({{"role", message.role}, {"content", message.content}});
  if (ask.seed) out["seed"] = *ask.seed;
  if (!ask.stop.empty()) out["stop"] = ask.stop;
  if (!ask.grammar.empty()) out["grammar"] = ask.grammar;
  if (!ask.json_schema.empty()) out["json_schema"] = ask.json_schema;
  return out;
}

Json to_json(const Answer& answer) {
  Json out = {{"status", answer.status}, {"text", answer.text}, {"finish", answer.finish}, {"model", answer.model},
              {"tokens_in", answer.tokens_in}, {"tokens_cached", answer.tokens_cached}, {"tokens_out", answer.tokens_out},
              {"attempts", answer.attempts}, {"seconds", json_of(answer.seconds)}, {"money", json_of(answer.money)}};
  if (!answer.detail.empty()) out["detail"] = answer.detail;
  if (!answer.reasoning.empty()) out["reasoning"] = answer.reasoning;
  for (const TokenChance& chance : answer.tokens) {
    out["tokens"].push_back({{"token", chance.token}, {"logprob", json_of(chance.logprob)}, {"top", pairs(chance.top)}});
  }
  return out;
}

Result<Ask> ask_from_json(const Json& json) {
  if (!json.is_object()) return bad("the request is no object");
  Ask ask;
  bool good = true;
  take(json, "prompt", ask.prompt, good);
  take(json, "most_tokens", ask.most_tokens, good);
  take(json, "temperature", ask.temperature, good);
  take(json, "top_p", ask.top_p, good);
  take(json, "top_logprobs", ask.top_logprobs, good);
  take(json, "repeat", ask.repeat, good);
  take(json, "grammar", ask.grammar, good);
  take(json, "json_schema", ask.json_schema, good);
  if (json.contains("seed") && json["seed"].is_number_integer()) ask.seed = json["seed"].get<std::int64_t>();
  for (const Json& one : json.value("stop", Json::array())) {
    if (!one.is_string()) return bad("a stop that is no text");
    ask.stop.push_back(one.get<std::string>());
  }
  for (const Json& one : json.value("messages", Json::array())) {
    if (!one.is_object()) return bad("a message that is none");
    Message& message = ask.messages.emplace_back();
    take(one, "role", message.role, good);
    take(one, "content", message.content, good);
  }
  return good ? Result<Ask>(std::move(ask)) : bad("a field of the request is of the wrong kind");
}

Result<Answer> answer_from_json(const Json& json) {
  if (!json.is_object()) return bad("the answer is no object");
  Answer answer;
  bool good = true;
  take(json, "status", answer.status, good);
  take(json, "detail", answer.detail, good);
  take(json, "text", answer.text, good);
  take(json, "reasoning", answer.reasoning, good);
  take(json, "finish", answer.finish, good);
  take(json, "model", answer.model, good);
  take(json, "tokens_in", answer.tokens_in, good);
  take(json, "tokens_cached", answer.tokens_cached, good);
  take(json, "tokens_out", answer.tokens_out, good);
  take(json, "attempts", answer.attempts, good);
  take(json, "seconds", answer.seconds, good);
  take(json, "money", answer.money, good);
  for (const Json& one : json.value("tokens", Json::array())) {
    PLIMSOLL_TRY(auto head, pair_of(one));
    TokenChance& chance = answer.tokens.emplace_back(TokenChance{std::move(head.first), head.second, {}});
    for (const Json& other : one.value("top", Json::array())) {
      PLIMSOLL_TRY(auto alternative, pair_of(other));
      chance.top.push_back(std::move(alternative));
    }
  }
  return good ? Result<Answer>(std::move(answer)) : bad("a field of the answer is of the wrong kind");
}

std::string key_of(const Ask& ask, const std::string& model, const Json& extra) {
  return canonical_json({{"ask", to_json(ask)}, {"model", model}, {"extra", extra.is_object() ? extra : Json::object()}});
}

}  // namespace plimsoll::llm

// SPDX-License-Identifier: Apache-2.0
// Scripted: the first rule that fits. Recorded: a transcript replayed; a request that it does not hold is an error that names the
// nearest. Command: one process a request, the Ask as JSON on its input, an Answer as JSON from its output.
#include <algorithm>
#include <map>
#include <mutex>

#include "base/child_process.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "llm/dialect.h"
#include "llm/endpoints.h"
#include "llm/transcript.h"

namespace plimsoll::llm {
namespace {

Error no_embeddings(const std::string& who) {
  return Error(ErrorCode::wrong_kind, "the endpoint " + who + " makes no embeddings", "Use one of provider http, or a transcript of it");
}

void hand_on(Answer& answer, const OnText& on_text) {
  if (on_text && !answer.text.empty() && !on_text(answer.text)) answer.finish = "cut";
}

class ScriptedModel final : public LanguageModel {
 public:
  explicit ScriptedModel(EndpointSpec spec) : spec_(std::move(spec)) {}
  std::string description() const override { return "scripted " + sha256_hex(rules_text()).substr(0, 12); }
  Result<Answer> ask(const Ask& ask, const OnText& on_text) override {
    PLIMSOLL_CHECK(check(ask));
    const std::string& said = ask.messages.empty() ? ask.prompt : ask.messages.back().content;
    for (const ScriptRule& rule : spec_.rules) {
      if (!rule.equals.empty() && said != rule.equals) continue;
      if (!rule.contains.empty() && said.find(rule.contains) == std::string::npos) continue;
      Answer answer = answer_of(rule, ask);
      hand_on(answer, on_text);
      return answer;
    }
    return Error(ErrorCode::not_found, "no rule of the script fits '" + said.substr(0, 80) + "'", "Add a rule without conditions as the last");
  }
  Result<std::vector<std::vector<double>>> embed(std::span<const std::string>) override { return no_embeddings(description()); }

 private:
  std::string rules_text() const {
    Json all = Json::array();
    for (const ScriptRule& r : spec_.rules) all.push_back({r.contains, r.equals, r.text, r.tokens, r.status});
    return canonical_json(all);
  }
  static Answer answer_of(const ScriptRule& rule, const Ask& ask) {
    Answer answer;
    answer.status = rule.status;
    answer.text = rule.text;
    answer.finish = "stop";
    answer.model = "script";
    if (ask.top_logprobs > 0 && !rule.tokens.empty()) {
      TokenChance& first = answer.tokens.emplace_back(TokenChance{rule.tokens[0], rule.logprobs[0], {}});
      const auto count = std::min(rule.tokens.size(), static_cast<std::size_t>(ask.top_logprobs));
      for (std::size_t i = 0; i < count; ++i) first.top.emplace_back(rule.tokens[i], rule.logprobs[i]);
    }
    return answer;
  }
  EndpointSpec spec_;
};

class RecordedModel final : public LanguageModel {
 public:
  RecordedModel(Transcript transcript, EndpointSpec spec, Json extra)
      : transcript_(std::move(transcript)), spec_(std::move(spec)), extra_(std::move(extra)) {}
  std::string description() const override { return "recorded " + transcript_.sha256.substr(0, 12) + " " + spec_.model; }
  Result<Answer> ask(const Ask& ask, const OnText& on_text) override {
    PLIMSOLL_CHECK(check(ask));
    PLIMSOLL_TRY(const Json found, find(key_of(ask, spec_.model, extra_)));
    PLIMSOLL_TRY(Answer answer, answer_from_json(found));
    hand_on(answer, on_text);
    return answer;
  }
  Result<std::vector<std::vector<double>>> embed(std::span<const std::string> texts) override {
    PLIMSOLL_TRY(const Json found, find(key_of_embedding(texts, spec_.model)));
    return vectors_from_json(found);
  }

 private:
  Result<Json> find(const std::string& key) const {
    const auto found = transcript_.answers.find(key);
    if (found != transcript_.answers.end()) return found->second;
    // The nearest: the longest common beginning in the canonical order of keys stands beside the place where it would be.
    const auto after = transcript_.answers.lower_bound(key);
    std::string nearest;
    const auto shared = [&](const std::string& other) { return std::ranges::mismatch(key, other).in1 - key.begin(); };
    if (after != transcript_.answers.end()) nearest = after->first;
    if (after != transcript_.answers.begin() && (nearest.empty() || shared(std::prev(after)->first) > shared(nearest))) nearest = std::prev(after)->first;
    return Error(ErrorCode::not_found, "the transcript does not hold this request; they part at '" +
                 key.substr(static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, nearest.empty() ? 0 : shared(nearest) - 20)), 80) + "'",
                 "Record it, or ask what was recorded")
        .in_file(transcript_.file)
        .with_candidates({nearest.substr(0, 300)});
  }
  Transcript transcript_;
  EndpointSpec spec_;
  Json extra_;
};

class CommandModel final : public LanguageModel {
 public:
  CommandModel(EndpointSpec spec, StopToken stop) : spec_(std::move(spec)), stop_(std::move(stop)) {}
  std::string description() const override { return "command " + spec_.command[0] + " " + spec_.model; }
  Result<Answer> ask(const Ask& ask, const OnText& on_text) override {
    PLIMSOLL_CHECK(check(ask));
    Json request = to_json(ask);
    request["model"] = spec_.model;
    PLIMSOLL_TRY(const ChildReply reply, run_child(process(canonical_json(request) + "\n")));
    Answer answer;
    const auto became = [&answer](const char* status, std::string detail) {
      answer.status = status;
      answer.detail = std::move(detail);
      return answer;
    };
    switch (reply.end) {
      case ChildEnd::not_started: return Error(ErrorCode::not_found, "'" + spec_.command[0] + "': " + reply.why, "Give a program's path").in_parameter("command");
      case ChildEnd::timeout: return became("timeout", "no answer within " + std::to_string(spec_.seconds) + " s");
      case ChildEnd::too_large: return became("too_large", "it said more than most_bytes");
      case ChildEnd::killed: return became("upstream", "it ended by signal " + std::to_string(reply.status));
      case ChildEnd::exited: break;
    }
    if (reply.status != 0) return became("upstream", "it ended with " + std::to_string(reply.status));
    const auto json = parse_json(reply.output, "output");
    if (!json) return became("unparsed", json.error().what);
    auto read = answer_from_json(*json);
    if (!read) return became("unparsed", read.error().what);
    read->seconds = reply.seconds;
    hand_on(*read, on_text);
    return read;
  }
  Result<std::vector<std::vector<double>>> embed(std::span<const std::string>) override { return no_embeddings(description()); }

 private:
  ChildAsk process(std::string input) const {
    ChildAsk child;
    child.command = spec_.command;
    child.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"};
    child.input = std::move(input);
    child.seconds = spec_.seconds;
    child.most_output = static_cast<std::uint64_t>(spec_.most_bytes);
    child.stop = stop_;
    return child;
  }
  EndpointSpec spec_;
  StopToken stop_;
};

}  // namespace

Result<Model> open_scripted(const EndpointSpec& spec) {
  if (spec.rules.empty()) return Error(ErrorCode::bad_parameter, "the script has no rule", "Give rules").in_parameter("rules");
  for (const ScriptRule& rule : spec.rules) {
    if (rule.tokens.size() != rule.logprobs.size()) {
      return Error(ErrorCode::bad_parameter, "a rule has " + std::to_string(rule.tokens.size()) + " tokens and " + std::to_string(rule.logprobs.size()) + " logprobs",
                   "Give one for each").in_parameter("rules");
    }
  }
  return Model(std::make_shared<ScriptedModel>(spec));
}

Result<Model> open_recorded(const std::filesystem::path& transcript, const EndpointSpec& spec) {
  PLIMSOLL_TRY(Transcript read, read_transcript(transcript));
  PLIMSOLL_TRY(Json extra, extra_of(spec));
  return Model(std::make_shared<RecordedModel>(std::move(read), spec, std::move(extra)));
}

Result<Model> open_command(const EndpointSpec& spec, const Context& context) {
  if (spec.command.empty()) return Error(ErrorCode::bad_parameter, "the endpoint names no program", "Give command").in_parameter("command");
  return Model(std::make_shared<CommandModel>(spec, context.stop));
}

}  // namespace plimsoll::llm

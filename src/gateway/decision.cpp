// SPDX-License-Identifier: Apache-2.0
#include "gateway/decision.h"

#include <algorithm>

#include "base/json.h"
#include "gateway/json_text.h"

namespace plimsoll::gateway {
namespace {

template <class T>
bool among(const std::vector<T>& list, const T& value) {
  return list.empty() || std::find(list.begin(), list.end(), value) != list.end();
}

bool tool_matches(const Rule& rule, const std::string& tool) {
  if (rule.tools.empty()) return true;
  return std::any_of(rule.tools.begin(), rule.tools.end(), [&tool](const std::string& name) {
    return name.ends_with('*') ? tool.starts_with(std::string_view(name).substr(0, name.size() - 1)) : tool == name;
  });
}

bool matches(const Rule& rule, Stage stage, const std::string& guard, const SeenSpan& span, const SeenPiece& piece) {
  return among(rule.stages, stage) && among(rule.guards, guard) && among(rule.detectors, span.detector) && among(rule.sources, piece.source) && tool_matches(rule, piece.tool) && span.score >= rule.score_at_least;
}

// A rule that names tools and no findings speaks of the call itself.
bool of_calls(const Rule& rule) { return !rule.tools.empty() && rule.detectors.empty() && rule.guards.empty(); }

const SeenPiece& piece_of(const Case& seen, const SeenSpan& span) {
  static const SeenPiece none;
  return span.piece >= 0 && static_cast<std::size_t>(span.piece) < seen.pieces.size() ? seen.pieces[static_cast<std::size_t>(span.piece)] : none;
}

void raise(Decision& out, const Rule& rule) {
  Action& action = rule.shadow ? out.shadow : out.action;
  std::string& name = rule.shadow ? out.shadow_rule : out.rule;
  if (rule.action > action || (name.empty() && rule.action == action)) {
    action = rule.action;
    name = rule.id;
  }
}

void by_errors(const Policy& policy, const Case& seen, Decision& out) {
  for (const Seen& each : seen.seen) {
    if (each.status == Status::ok) continue;
    const auto guard = std::find_if(policy.guards.begin(), policy.guards.end(), [&each](const GuardSpec& g) { return g.name == each.guard; });
    const OnError on_error = guard == policy.guards.end() ? OnError::closed : guard->on_error;
    const Action action = on_error == OnError::open ? Action::allow : on_error == OnError::closed ? Action::block : Action::escalate;
    if (action > out.action) {
      out.action = action;
      out.rule = "on_error";
    }
  }
}

std::string in_quotes(std::string_view text) { return "\"" + json_escaped(text) + "\""; }
template <class E>
std::string_view word_of(E value) {
  return choices_of(value)[static_cast<std::size_t>(value)];
}
template <class E>
bool read_word(const Json& json, E& out) {
  if (!json.is_string()) return false;
  const auto words = choices_of(out);
  const auto found = std::find(words.begin(), words.end(), json.get_ref<const std::string&>());
  if (found == words.end()) return false;
  out = static_cast<E>(found - words.begin());
  return true;
}

Error bad_record(const std::string& what) { return Error(ErrorCode::bad_document, "a record of the log is not one of decisions: " + what, "Give a log that plimsoll serve wrote."); }

}  // namespace

Action action_for(const Policy& policy, Stage stage, const std::string& guard, const SeenSpan& span, const SeenPiece& piece) {
  Action out = Action::allow;
  for (const Rule& rule : policy.rules)
    if (!rule.shadow && !of_calls(rule) && matches(rule, stage, guard, span, piece)) out = std::max(out, rule.action);
  return out;
}

Decision decide(const Policy& policy, const Case& seen) {
  Decision out;
  for (const Rule& rule : policy.rules) {
    if (of_calls(rule)) {
      const bool called = among(rule.stages, seen.stage) && std::any_of(seen.pieces.begin(), seen.pieces.end(), [&rule](const SeenPiece& p) { return !p.tool.empty() && tool_matches(rule, p.tool) && among(rule.sources, p.source); });
      if (called) raise(out, rule);
      continue;
    }
    for (const Seen& each : seen.seen)
      for (const SeenSpan& span : each.found)
        if (matches(rule, seen.stage, each.guard, span, piece_of(seen, span))) raise(out, rule);
  }
  by_errors(policy, seen, out);
  for (const Seen& each : seen.seen) {
    std::vector<bool> redacted;
    for (const SeenSpan& span : each.found) redacted.push_back(action_for(policy, seen.stage, each.guard, span, piece_of(seen, span)) >= Action::redact);
    out.redacted.push_back(std::move(redacted));
  }
  return out;
}

std::string record_of(const Policy& policy, const Case& seen, const Decision& decision) {
  std::string out = "{\"action\":" + in_quotes(name_of(decision.action)) + ",\"dialect\":" + in_quotes(seen.dialect) + ",\"id\":" + in_quotes(seen.id) + ",\"key\":" + in_quotes(seen.key) + ",\"pieces\":[";
  for (std::size_t i = 0; i < seen.pieces.size(); ++i)
    out += (i > 0 ? ",{\"source\":" : "{\"source\":") + in_quotes(word_of(seen.pieces[i].source)) + ",\"tool\":" + in_quotes(seen.pieces[i].tool) + "}";
  out += "],\"policy\":" + in_quotes(policy.hash) + ",\"rule\":" + in_quotes(decision.rule) + ",\"seen\":[";
  for (std::size_t i = 0; i < seen.seen.size(); ++i) {
    const Seen& each = seen.seen[i];
    out += (i > 0 ? ",{\"found\":[" : "{\"found\":[");
    for (std::size_t k = 0; k < each.found.size(); ++k) {
      const SeenSpan& span = each.found[k];
      out += (k > 0 ? ",{\"begin\":" : "{\"begin\":") + std::to_string(span.begin) + ",\"detector\":" + in_quotes(span.detector) + ",\"end\":" + std::to_string(span.end) + ",\"piece\":" + std::to_string(span.piece) +
             ",\"score\":" + (span.score == 1 ? "1" : canonical_json(json_of(span.score))) + "}";
    }
    out += "],\"guard\":" + in_quotes(each.guard) + ",\"reason\":" + in_quotes(each.reason) + ",\"status\":" + in_quotes(word_of(each.status)) + "}";
  }
  out += "],\"shadow\":" + in_quotes(name_of(decision.shadow)) + ",\"shadow_rule\":" + in_quotes(decision.shadow_rule) + ",\"stage\":" + in_quotes(word_of(seen.stage)) + ",\"time\":" + in_quotes(seen.time) + ",\"trace\":[";
  for (std::size_t i = 0; i < seen.trace.size(); ++i) out += (i > 0 ? "," : "") + in_quotes(seen.trace[i]);
  return out + "]}";
}

Result<Recorded> read_record(std::string_view text) {
  PLIMSOLL_TRY(const Json json, parse_json(text, "log"));
  Recorded out;
  const auto word = [&json](const char* key, std::string& into) { into = json.value(key, std::string()); };
  if (!json.is_object()) return bad_record("no object");
  for (const char* key : {"action", "dialect", "id", "key", "policy", "rule", "shadow", "shadow_rule", "stage", "time"})
    if (!json.contains(key) || !json[key].is_string()) return bad_record(std::string("no text '") + key + "'");
  for (const char* key : {"pieces", "seen", "trace"})
    if (!json.contains(key) || !json[key].is_array()) return bad_record(std::string("no list '") + key + "'");
  word("dialect", out.seen.dialect);
  word("id", out.seen.id);
  word("key", out.seen.key);
  word("policy", out.policy);
  word("rule", out.rule);
  word("shadow_rule", out.shadow_rule);
  word("time", out.seen.time);
  const auto action = action_named(json["action"].get<std::string>());
  const auto shadow = action_named(json["shadow"].get<std::string>());
  if (!action || !shadow || !read_word(json["stage"], out.seen.stage)) return bad_record("an action or stage that is none");
  out.action = *action;
  out.shadow = *shadow;
  for (const Json& each : json["trace"]) {
    if (!each.is_string()) return bad_record("a trace of no names");
    out.seen.trace.push_back(each.get<std::string>());
  }
  for (const Json& each : json["pieces"]) {
    SeenPiece piece;
    if (!each.is_object() || !each.contains("source") || !read_word(each["source"], piece.source) || !each.contains("tool") || !each["tool"].is_string()) return bad_record("a piece without its source");
    piece.tool = each["tool"].get<std::string>();
    out.seen.pieces.push_back(std::move(piece));
  }
  for (const Json& each : json["seen"]) {
    Seen seen;
    if (!each.is_object() || !each.contains("status") || !read_word(each["status"], seen.status) || !each.contains("found") || !each["found"].is_array()) return bad_record("findings without a status");
    if (!each.contains("guard") || !each["guard"].is_string() || !each.contains("reason") || !each["reason"].is_string()) return bad_record("findings of no guard");
    seen.guard = each["guard"].get<std::string>();
    seen.reason = each["reason"].get<std::string>();
    for (const Json& span : each["found"]) {
      SeenSpan one;
      for (const char* key : {"begin", "end", "piece"})
        if (!span.is_object() || !span.contains(key) || !span[key].is_number_integer()) return bad_record("a finding without its place");
      if (!span.contains("detector") || !span["detector"].is_string() || !span.contains("score") || !span["score"].is_number()) return bad_record("a finding of no detector");
      one.begin = span["begin"].get<std::int64_t>();
      one.end = span["end"].get<std::int64_t>();
      one.piece = span["piece"].get<std::int64_t>();
      one.detector = span["detector"].get<std::string>();
      one.score = span["score"].get<double>();
      seen.found.push_back(std::move(one));
    }
    out.seen.seen.push_back(std::move(seen));
  }
  return out;
}

bool same(const Recorded& recorded, const Decision& decision) {
  return recorded.action == decision.action && recorded.rule == decision.rule && recorded.shadow == decision.shadow && recorded.shadow_rule == decision.shadow_rule;
}

}  // namespace plimsoll::gateway

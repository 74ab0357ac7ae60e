// SPDX-License-Identifier: Apache-2.0
#include "gateway/policy.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/json.h"

namespace plimsoll::gateway {
namespace {

constexpr std::array<std::string_view, 6> action_names = {"allow", "redact", "constrain", "rewrite", "escalate", "block"};
constexpr std::array<std::string_view, 3> error_names = {"open", "closed", "escalate"};
constexpr std::array<std::string_view, 2> modes = {"enforce", "shadow"};
constexpr std::array<std::string_view, 2> log_modes = {"behind", "before"};

// One table of the document; every key must be asked for, so that one misspelt is seen.
class Section {
 public:
  Section(const Document& document, const Json& json, std::string where) : document_(document), json_(json), where_(std::move(where)) {}

  Error wrong(const std::string& key, std::string what, std::string mend) const { return document_.error_at(key.empty() ? where_ : where_ + "/" + key, std::move(what), std::move(mend)); }
  const Json* find(const std::string& key) {
    known_.push_back(key);
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }
  Result<void> text(const std::string& key, std::string& out) {
    const Json* value = find(key);
    if (!value) return {};
    if (!value->is_string()) return wrong(key, "'" + key + "' is not a text", "Put it in quotes");
    out = value->get<std::string>();
    return {};
  }
  Result<void> integer(const std::string& key, std::int64_t& out, std::int64_t least, std::int64_t most) {
    const Json* value = find(key);
    if (!value) return {};
    if (!value->is_number_integer() || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most)
      return wrong(key, "'" + key + "' is not a whole number from " + std::to_string(least) + " to " + std::to_string(most), "Give such a number");
    out = value->get<std::int64_t>();
    return {};
  }
  Result<void> flag(const std::string& key, bool& out) {
    const Json* value = find(key);
    if (!value) return {};
    if (!value->is_boolean()) return wrong(key, "'" + key + "' is neither true nor false", "Write true or false");
    out = value->get<bool>();
    return {};
  }
  Result<void> texts(const std::string& key, std::vector<std::string>& out) {
    const Json* value = find(key);
    if (!value) return {};
    if (!value->is_array()) return wrong(key, "'" + key + "' is not a list", "Write [\"one\", \"two\"]");
    out.clear();
    for (const Json& each : *value) {
      if (!each.is_string()) return wrong(key, "'" + key + "' holds something that is no text", "Put each in quotes");
      out.push_back(each.get<std::string>());
    }
    return {};
  }
  Result<void> text_map(const std::string& key, std::map<std::string, std::string>& out) {
    const Json* value = find(key);
    if (!value) return {};
    if (!value->is_object()) return wrong(key, "'" + key + "' is not a table of names and texts", "Write { name = \"text\" }");
    for (const auto& [name, text] : value->items()) {
      if (!text.is_string()) return wrong(key + "/" + name, "'" + name + "' is not a text", "Put it in quotes");
      out[name] = text.get<std::string>();
    }
    return {};
  }
  Result<int> choice_of(const std::string& key, const std::string& word, std::span<const std::string_view> choices) const {
    for (std::size_t i = 0; i < choices.size(); ++i)
      if (choices[i] == word) return static_cast<int>(i);
    std::string list;
    for (const std::string_view each : choices) list += (list.empty() ? "" : ", ") + std::string(each);
    return wrong(key, "'" + word + "' is not taken for '" + key + "'", "Give one of: " + list);
  }
  Result<void> choice(const std::string& key, int& out, std::span<const std::string_view> choices) {
    std::string word;
    PLIMSOLL_CHECK(text(key, word));
    if (word.empty()) return {};
    PLIMSOLL_TRY(out, choice_of(key, word, choices));
    return {};
  }
  template <class E>
  Result<void> choices(const std::string& key, std::vector<E>& out) {
    std::vector<std::string> words;
    PLIMSOLL_CHECK(texts(key, words));
    for (const std::string& word : words) {
      PLIMSOLL_TRY(const int index, choice_of(key, word, choices_of(E())));
      out.push_back(static_cast<E>(index));
    }
    return {};
  }
  Result<void> finish() const {
    for (const auto& [key, value] : json_.items())
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) return wrong(key, "there is no key '" + key + "' here", "Remove it, or spell it as in docs/gateway.md").with_candidates(nearest_names(key, known_));
    return {};
  }

 private:
  const Document& document_;
  const Json& json_;
  std::string where_;
  std::vector<std::string> known_;
};

Result<GuardSpec> read_guard(Section section) {
  GuardSpec out;
  PLIMSOLL_CHECK(section.text("name", out.name));
  PLIMSOLL_CHECK(section.text("type", out.type));
  PLIMSOLL_CHECK(section.choices("stages", out.stages));
  PLIMSOLL_CHECK(section.integer("timeout_ms", out.timeout_ms, 1, 600'000));
  int on_error = static_cast<int>(out.on_error);
  PLIMSOLL_CHECK(section.choice("on_error", on_error, error_names));
  out.on_error = static_cast<OnError>(on_error);
  if (out.name.empty()) return section.wrong("", "a detector has no name", "Write name = \"...\"");
  if (out.type != "guard.spans") {
    if (const Json* params = section.find("params")) out.params = canonical_json(*params);
    PLIMSOLL_CHECK(section.finish());
    return out;
  }
  DetectorOptions options;
  PLIMSOLL_CHECK(section.texts("detectors", options.built_in));
  PLIMSOLL_CHECK(section.text_map("patterns", options.patterns));
  PLIMSOLL_CHECK(section.text_map("words", options.words));
  PLIMSOLL_CHECK(section.flag("ignore_case", options.ignore_case));
  PLIMSOLL_CHECK(section.finish());
  auto compiled = Detectors::compile(options);
  if (!compiled) {
    const Error& error = compiled.error();
    return section.wrong(error.parameter, error.what, error.mend).with_candidates(error.candidates);
  }
  out.spans = std::move(compiled).value();
  return out;
}

Result<Rule> read_rule(Section section, const std::vector<GuardSpec>& guards) {
  Rule out;
  PLIMSOLL_CHECK(section.text("id", out.id));
  PLIMSOLL_CHECK(section.texts("guard", out.guards));
  PLIMSOLL_CHECK(section.texts("finding", out.detectors));
  PLIMSOLL_CHECK(section.choices("stage", out.stages));
  PLIMSOLL_CHECK(section.choices("source", out.sources));
  PLIMSOLL_CHECK(section.texts("tool", out.tools));
  if (const Json* score = section.find("score_at_least")) {
    if (!score->is_number() || score->get<double>() < 0 || score->get<double>() > 1) return section.wrong("score_at_least", "the score is not between 0 and 1", "Give such a number");
    out.score_at_least = score->get<double>();
  }
  std::string action;
  PLIMSOLL_CHECK(section.text("action", action));
  PLIMSOLL_TRY(const int index, section.choice_of("action", action, action_names));
  out.action = static_cast<Action>(index);
  int mode = 0;
  PLIMSOLL_CHECK(section.choice("mode", mode, modes));
  out.shadow = mode == 1;
  PLIMSOLL_CHECK(section.finish());
  if (out.id.empty()) return section.wrong("", "a rule has no id", "Write id = \"...\"");
  if (out.action == Action::constrain || out.action == Action::rewrite)
    return section.wrong("action", "no detector here offers what to " + action, "Use allow, redact, escalate or block");
  for (const std::string& guard : out.guards)
    if (std::none_of(guards.begin(), guards.end(), [&guard](const GuardSpec& each) { return each.name == guard; }))
      return section.wrong("guard", "there is no detector named '" + guard + "'", "Name one of the [[detector]] tables");
  return out;
}

Result<void> read_log(Section section, LogSpec& out) {
  PLIMSOLL_CHECK(section.text("path", out.path));
  int mode = 0;
  PLIMSOLL_CHECK(section.choice("mode", mode, log_modes));
  out.before = mode == 1;
  int on_error = static_cast<int>(out.on_error);
  PLIMSOLL_CHECK(section.choice("on_error", on_error, error_names));
  out.on_error = static_cast<OnError>(on_error);
  return section.finish();
}

Result<void> read_limits(Section section, Limits& out) {
  PLIMSOLL_CHECK(section.integer("body_bytes", out.body_bytes, 1, std::int64_t{1} << 30));
  PLIMSOLL_CHECK(section.integer("answer_bytes", out.answer_bytes, 1, std::int64_t{1} << 30));
  PLIMSOLL_CHECK(section.integer("header_bytes", out.header_bytes, 256, 1 << 20));
  PLIMSOLL_CHECK(section.integer("header_ms", out.header_ms, 1, 600'000));
  PLIMSOLL_CHECK(section.integer("upstream_ms", out.upstream_ms, 1, 3'600'000));
  PLIMSOLL_CHECK(section.integer("connections", out.connections, 1, 1'000'000));
  return section.finish();
}

Result<KeySpec> read_key(Section section) {
  KeySpec out;
  PLIMSOLL_CHECK(section.text("name", out.name));
  PLIMSOLL_CHECK(section.text("sha256", out.sha256));
  PLIMSOLL_CHECK(section.integer("requests_per_minute", out.requests_per_minute, 0, 1'000'000'000));
  PLIMSOLL_CHECK(section.integer("burst", out.burst, 0, 1'000'000'000));
  PLIMSOLL_CHECK(section.integer("requests", out.requests, 0, std::int64_t{1} << 50));
  PLIMSOLL_CHECK(section.finish());
  if (out.name.empty()) return section.wrong("", "a key has no name", "Write name = \"...\"");
  const bool hex = out.sha256.size() == 64 && out.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!hex) return section.wrong("sha256", "the key's digest is not 64 small hex digits", "Keys are kept by digest: printf %s KEY | sha256sum");
  return out;
}

Result<std::vector<Section>> list_of(const Document& document, const std::string& key) {
  std::vector<Section> out;
  const auto found = document.root().find(key);
  if (found == document.root().end()) return out;
  if (!found->is_array()) return document.error_at("/" + key, "'" + key + "' is not a list of tables", "Write [[" + key + "]] above each");
  for (std::size_t i = 0; i < found->size(); ++i) {
    const std::string where = "/" + key + "/" + std::to_string(i);
    if (!(*found)[i].is_object()) return document.error_at(where, "an entry of '" + key + "' is not a table", "Write [[" + key + "]] above each");
    out.emplace_back(document, (*found)[i], where);
  }
  return out;
}

Result<void> read_lists(const Document& document, Policy& out) {
  std::set<std::string> seen;
  const auto once = [&seen](const Section& section, const std::string& name) -> Result<void> {
    if (seen.insert(name).second) return {};
    return section.wrong("", "the name '" + name + "' is given twice", "Name each once");
  };
  PLIMSOLL_TRY(const std::vector<Section> guards, list_of(document, "detector"));
  for (const Section& section : guards) {
    PLIMSOLL_TRY(GuardSpec guard, read_guard(section));
    PLIMSOLL_CHECK(once(section, guard.name));
    const bool second = guard.spans && std::any_of(out.guards.begin(), out.guards.end(), [](const GuardSpec& g) { return g.spans != nullptr; });
    if (second) return section.wrong("", "there are two detectors of type guard.spans", "Put patterns and words into one, and let rules tell them apart");
    out.guards.push_back(std::move(guard));
  }
  seen.clear();
  PLIMSOLL_TRY(const std::vector<Section> rules, list_of(document, "rule"));
  for (const Section& section : rules) {
    PLIMSOLL_TRY(Rule rule, read_rule(section, out.guards));
    PLIMSOLL_CHECK(once(section, rule.id));
    out.rules.push_back(std::move(rule));
  }
  seen.clear();
  PLIMSOLL_TRY(const std::vector<Section> keys, list_of(document, "key"));
  for (const Section& section : keys) {
    PLIMSOLL_TRY(KeySpec key, read_key(section));
    PLIMSOLL_CHECK(once(section, key.name));
    out.keys.push_back(std::move(key));
  }
  return {};
}

}  // namespace

std::string_view name_of(Action action) { return action_names[static_cast<std::size_t>(action)]; }

std::optional<Action> action_named(std::string_view name) {
  for (std::size_t i = 0; i < action_names.size(); ++i)
    if (action_names[i] == name) return static_cast<Action>(i);
  return std::nullopt;
}

bool GuardSpec::looks_at(Stage stage) const { return stages.empty() || std::find(stages.begin(), stages.end(), stage) != stages.end(); }

Result<std::shared_ptr<const Policy>> read_policy(const Document& document) {
  auto out = std::make_shared<Policy>();
  out->hash = document.sha256().substr(0, 16);
  if (!document.root().is_object()) return document.error_at("", "a policy is a table", "See docs/gateway.md");
  PLIMSOLL_CHECK(read_lists(document, *out));
  Section top(document, document.root(), "");
  for (const char* list : {"detector", "rule", "key"}) top.find(list);
  const auto table = [&](const std::string& key, auto read) -> Result<void> {
    const Json* json = top.find(key);
    if (!json) return {};
    if (!json->is_object()) return document.error_at("/" + key, "'" + key + "' is not a table", "Write [" + key + "]");
    return read(Section(document, *json, "/" + key));
  };
  PLIMSOLL_CHECK(table("log", [&](Section section) { return read_log(std::move(section), out->log); }));
  PLIMSOLL_CHECK(table("limits", [&](Section section) { return read_limits(std::move(section), out->limits); }));
  const auto read_upstream = [&](Section section) -> Result<void> {
    PLIMSOLL_CHECK(section.text("key_env", out->upstream_key_env));
    return section.finish();
  };
  PLIMSOLL_CHECK(table("upstream", read_upstream));
  PLIMSOLL_CHECK(top.finish());
  if (out->guards.empty()) return document.error_at("", "the policy has no detector", "Write [[detector]] with name = \"personal\"");
  return std::shared_ptr<const Policy>(std::move(out));
}

Result<std::shared_ptr<const Policy>> parse_policy(std::string_view text, std::string_view file) {
  PLIMSOLL_TRY(const Document document, parse_document(text, "toml", file));
  return read_policy(document);
}

std::shared_ptr<const Policy> PolicyHolder::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Result<void> PolicyHolder::reload(const std::filesystem::path& path) {
  const auto read = [&]() -> Result<std::shared_ptr<const Policy>> {
    PLIMSOLL_TRY(const Document document, read_document(path));
    return read_policy(document);
  };
  auto fresh = read();
  const std::lock_guard lock(mutex_);
  if (!fresh) {
    ++refused_;
    return std::move(fresh).error();
  }
  current_ = std::move(fresh).value();
  ++reloaded_;
  return {};
}

std::int64_t PolicyHolder::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

std::int64_t PolicyHolder::reloaded() const {
  const std::lock_guard lock(mutex_);
  return reloaded_;
}

}  // namespace plimsoll::gateway

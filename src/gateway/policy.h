// SPDX-License-Identifier: Apache-2.0
#pragma once

// A policy file (TOML): detectors, rules, limits, keys and the log. Read whole or not at all: a mistake is named with its line, and
// the policy that was there stays.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/document.h"
#include "gateway/event.h"
#include "gateway/spans.h"

namespace plimsoll::gateway {

enum class Action : int { allow, redact, constrain, rewrite, escalate, block };  // the strongest wins
std::string_view name_of(Action action);
std::optional<Action> action_named(std::string_view name);

enum class OnError : int { open, closed, escalate };

struct GuardSpec {
  std::string name;
  std::string type = "guard.spans";
  std::vector<Stage> stages;  // empty: all
  std::int64_t timeout_ms = 50;
  OnError on_error = OnError::closed;
  std::shared_ptr<const Detectors> spans;  // of guard.spans
  std::string params = "{}";               // of any other
  bool looks_at(Stage stage) const;
};

struct Rule {
  std::string id;
  std::vector<std::string> guards;     // empty: any
  std::vector<std::string> detectors;  // found by; empty: any, or nothing found if `tools` are named
  std::vector<Stage> stages;           // empty: all
  std::vector<Source> sources;         // empty: all
  std::vector<std::string> tools;      // names, '*' at the end stands for any rest; empty: any
  double score_at_least = 0;
  Action action = Action::redact;
  bool shadow = false;
};

struct KeySpec {
  std::string name;
  std::string sha256;  // of the key, hex
  std::int64_t requests_per_minute = 0;  // 0: no limit
  std::int64_t burst = 0;                // 0: as many as a minute's
  std::int64_t requests = 0;             // budget; 0: no limit
};

struct LogSpec {
  std::string path;  // empty: no log
  bool before = false;
  OnError on_error = OnError::closed;
};

struct Limits {
  std::int64_t body_bytes = 8 << 20;
  std::int64_t answer_bytes = 64 << 20;
  std::int64_t header_bytes = 16 << 10;
  std::int64_t header_ms = 5'000;
  std::int64_t upstream_ms = 60'000;   // from one piece of an answer to the next
  std::int64_t connections = 2'000;
};

struct Policy {
  std::string hash;  // 16 hex digits of the file
  std::vector<GuardSpec> guards;
  std::vector<Rule> rules;
  std::vector<KeySpec> keys;  // empty: no key is asked for
  std::string upstream_key_env;
  LogSpec log;
  Limits limits;
};

Result<std::shared_ptr<const Policy>> read_policy(const Document& document);
Result<std::shared_ptr<const Policy>> parse_policy(std::string_view text, std::string_view file);

// The policy in force. Those that began with one keep it; a file that is not taken leaves the one before.
class PolicyHolder {
 public:
  explicit PolicyHolder(std::shared_ptr<const Policy> first) : current_(std::move(first)) {}
  std::shared_ptr<const Policy> current() const;
  Result<void> reload(const std::filesystem::path& path);
  std::int64_t refused() const;
  std::int64_t reloaded() const;

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Policy> current_;
  std::int64_t refused_ = 0;
  std::int64_t reloaded_ = 0;
};

}  // namespace plimsoll::gateway

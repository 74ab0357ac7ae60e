// SPDX-License-Identifier: Apache-2.0
#pragma once

// The decision: a pure function of what was found, what went before and the policy, so that a logged one is made again bit for bit.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/policy.h"

namespace plimsoll::gateway {

struct SeenSpan {
  std::string detector;
  std::int64_t piece = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  double score = 1;
};

struct Seen {
  std::string guard;
  Status status = Status::ok;
  std::string reason;
  std::vector<SeenSpan> found;
};

struct SeenPiece {
  Source source = Source::user;
  std::string tool;
};

struct Case {
  std::string id;       // of the request
  std::string dialect;
  std::string time;     // for people; no decision reads it
  std::string key;      // name of the key, if one was asked for
  Stage stage = Stage::input;
  std::vector<SeenPiece> pieces;
  std::vector<std::string> trace;
  std::vector<Seen> seen;
};

struct Decision {
  Action action = Action::allow;
  std::string rule;  // the first of the strongest; "on_error" where a detector gave no answer
  Action shadow = Action::allow;
  std::string shadow_rule;
  std::vector<std::vector<bool>> redacted;  // by guard and span
  friend bool operator==(const Decision&, const Decision&) = default;
};

Decision decide(const Policy& policy, const Case& seen);
// The action for one span alone: what a stream must know before its end.
Action action_for(const Policy& policy, Stage stage, const std::string& guard, const SeenSpan& span, const SeenPiece& piece);

// A line of the log: canonical JSON, no content. Reading it back gives the case and the decision that was made.
std::string record_of(const Policy& policy, const Case& seen, const Decision& decision);
struct Recorded {
  Case seen;
  std::string policy;
  Action action = Action::allow;
  std::string rule;
  Action shadow = Action::allow;
  std::string shadow_rule;
};
Result<Recorded> read_record(std::string_view text);
bool same(const Recorded& recorded, const Decision& decision);

}  // namespace plimsoll::gateway

// SPDX-License-Identifier: Apache-2.0
#pragma once

// One request and its answer under one policy: bodies become events, guards look, the decision is made and recorded, strings are
// rewritten in place. Holds no socket: the same code serves HTTP, tests, fuzzers and replay.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/decision.h"
#include "gateway/dialect.h"
#include "gateway/sse.h"

namespace plimsoll::gateway {

// Looks at an event for a guard that is not guard.spans; status timeout or error is an answer like any other.
using Look = std::function<Findings(const GuardSpec&, const Event&)>;

struct Verdict {
  Action action = Action::allow;
  std::string rule;
  std::string body;  // as it is forwarded
  bool stream = false;
};

struct ExchangeInfo {
  std::string id;
  std::string time;
  std::string key;
};

class Exchange {
 public:
  Exchange(std::shared_ptr<const Policy> policy, Dialect dialect, ExchangeInfo info, Look look = {});
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // `bad_document` for a body that is not taken as JSON.
  Result<Verdict> request(std::string body);
  Result<Verdict> answer(std::string body);

  // A streamed answer: bytes in, bytes out. After a block `stopped()` is true and the rest is not read.
  Result<std::string> stream(std::string_view bytes);
  Result<std::string> stream_end();
  bool stopped() const { return stopped_; }

  // Records since the last call, for the log.
  std::vector<std::string> take_records();
  Action strongest() const { return strongest_; }
  const std::string& strongest_rule() const { return strongest_rule_; }
  const Policy& policy() const { return *policy_; }
  std::map<std::string, std::int64_t> counts() const { return counts_; }  // spans found, by detector

 private:
  struct Channel {
    std::unique_ptr<Holdback> text;
    std::string gathered;  // arguments, and answers that a guard wants whole
    bool whole = false;
    Slot slot;
    std::shared_ptr<const JsonText> last;  // an event of this channel, to carry what is let out after it
    std::vector<std::uint32_t> last_nodes;
    std::uint32_t node = 0;
    std::string event_name;
    std::size_t told = 0;
  };

  void guard_slots(JsonText& body, const std::vector<Slot>& slots, Verdict& verdict);
  // Redacted texts of pieces that pass one stage together.
  std::vector<std::string> guard_pieces(Stage stage, std::vector<Piece> pieces, Verdict& verdict);
  std::string guard_gathered(const Slot& slot, const std::string& text, Verdict& verdict);
  Decision conclude(const Case& seen, Verdict& verdict);
  Seen look_at(const GuardSpec& guard, const Event& event, std::vector<std::string>& replacements) const;
  Result<std::string> stream_event(const SseEvent& event);
  Channel& channel_of(const StreamSlots::Delta& delta);
  std::string push(Channel& channel, std::string_view text);
  std::string finish(Channel& channel);
  std::string close(const std::string& prefix, JsonText& now, const std::vector<StreamSlots::Delta>& deltas, std::map<std::uint32_t, std::string>& texts);
  static std::string carried(const Channel& channel, const std::string& text);
  std::string stop_text() const;
  void tell(Channel& channel);
  void record_stream();

  std::shared_ptr<const Policy> policy_;
  Dialect dialect_;
  ExchangeInfo info_;
  Look look_;
  Names names_;
  std::vector<std::string> trace_;
  std::vector<std::string> records_;
  std::map<std::string, std::int64_t> counts_;
  Action strongest_ = Action::allow;
  std::string strongest_rule_;
  const GuardSpec* spans_ = nullptr;  // the guard of spans that looks at output
  bool gather_ = false;               // another guard looks at output: it wants answers whole
  SseReader reader_;
  std::map<std::string, Channel> channels_;
  std::vector<SeenSpan> stream_found_;
  bool streamed_ = false;
  bool stopped_ = false;
};

}  // namespace plimsoll::gateway

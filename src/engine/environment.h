// SPDX-License-Identifier: Apache-2.0
#pragma once

// What an Environment port can do beyond text in and text out: typed observations with a status and events, which monitors read
// afterwards. Providers (state, sql, process, browser, recorded) live in src/agent.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/ports.h"

namespace plimsoll {

struct Observation {
  // ok        the action was done
  // refused   the environment does not do this: the reason is in `text`; the episode goes on
  // timeout   the action was ended by its limit of time, output or memory
  // not_run   a part that the environment needs is missing on this machine. Never read as passed.
  std::string status = "ok";
  std::string text;                  // what an agent sees
  std::vector<std::string> events;   // canonical JSON, what a monitor sees: evidence of what changed
  bool done = false;
};

class World : public Environment {
 public:
  // An error is a fault of the set-up or a stop; what an action came to is a status.
  virtual Result<Observation> begin(std::uint64_t seed) = 0;
  virtual Result<Observation> step(const std::string& action) = 0;

  // The same as text: canonical JSON {"done", "events", "status", "text"}.
  Result<std::string> reset(std::uint64_t seed) final;
  Result<std::string> act(const std::string& action) final;
  bool done() const final { return done_; }

 private:
  bool done_ = false;
};

std::string to_text(const Observation& observation);
Result<Observation> observation_from_text(std::string_view text);

// `missing_input` for an empty port, `wrong_kind` for an environment that is no World.
Result<World*> world(const EnvironmentPort& port);

}  // namespace plimsoll

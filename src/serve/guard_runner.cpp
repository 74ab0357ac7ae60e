// SPDX-License-Identifier: Apache-2.0
#include "serve/guard_runner.h"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "base/json.h"
#include "engine/catalogue.h"
#include "engine/method.h"
#include "engine/schema.h"
#include "engine/workspace.h"

namespace plimsoll::serve {

using gateway::Event;
using gateway::Findings;
using gateway::GuardSpec;
using gateway::Status;

gateway::Findings look_by_method(const GuardSpec& guard, const Event& event) {
  const auto run = [&]() -> Result<Findings> {
    PLIMSOLL_TRY(const CatalogueLine* line, find_method(guard.type));
    const Method& method = *line->entry;
    if (!method.has(Verb::step) || method.step_.event != &type_of<Event> || method.step_.row != &type_of<Findings> || method.has(Verb::fit))
      return Error(ErrorCode::wrong_kind, guard.type + " is no guard over events", "Name a method of the family guard.");
    PLIMSOLL_TRY(const Json params, parse_json(guard.params, guard.name));
    Box model(*method.step_.model);
    std::vector<std::string> warnings;
    PLIMSOLL_CHECK(read_fields(params, model, warnings));
    Box state(*method.step_.state);
    Workspace workspace({.backend = Backend::serial});
    PLIMSOLL_TRY(Box row, method.step_.call(workspace.context(), model.get(), state.get(), &event));
    return std::move(row.as<Findings>());
  };
  auto found = run();
  if (!found) return {Status::error, found.error().message(), {}};
  return std::move(found).value();
}

gateway::Look bounded(gateway::Look look) {
  return [look = std::move(look)](const GuardSpec& guard, const Event& event) -> Findings {
    struct Answer {
      std::mutex mutex;
      std::condition_variable there;
      bool done = false;
      Findings findings;
    };
    const auto answer = std::make_shared<Answer>();
    std::thread([answer, look, guard, event] {
      Findings findings;
      try {
        findings = look(guard, event);
      } catch (const std::exception& problem) {
        findings = {Status::error, problem.what(), {}};
      }
      const std::lock_guard lock(answer->mutex);
      answer->findings = std::move(findings);
      answer->done = true;
      answer->there.notify_one();
    }).detach();
    std::unique_lock lock(answer->mutex);
    if (!answer->there.wait_for(lock, std::chrono::milliseconds(guard.timeout_ms), [&answer] { return answer->done; })) return {Status::timeout, "no answer in " + std::to_string(guard.timeout_ms) + " ms", {}};
    return std::move(answer->findings);
  };
}

}  // namespace plimsoll::serve

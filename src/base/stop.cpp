// SPDX-License-Identifier: Apache-2.0
#include "base/stop.h"

#include <unistd.h>

#include <csignal>

namespace plimsoll {
namespace {

// What the handler touches: lock-free atomics only. The token is never freed, as a signal may come at any time.
std::atomic<const StopToken*> signal_token{nullptr};
std::atomic<int> signals_seen{0};
static_assert(std::atomic<const StopToken*>::is_always_lock_free && std::atomic<int>::is_always_lock_free &&
              std::atomic<bool>::is_always_lock_free);

extern "C" void plimsoll_on_stop_signal(int) {
  if (signals_seen.fetch_add(1) > 0) _exit(130);
  if (const StopToken* token = signal_token.load()) token->request();
}

}  // namespace

Result<void> StopToken::check() const {
  if (!requested()) return {};
  return Error(ErrorCode::cancelled, "the work was asked to stop", "Start it again; nothing half-written was left");
}

void stop_on_signals(const StopToken& stop) {
  signal_token.store(new StopToken(stop));
  signals_seen.store(0);
  struct sigaction action = {};
  action.sa_handler = plimsoll_on_stop_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace plimsoll

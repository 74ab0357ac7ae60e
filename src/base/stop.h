// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

#include "base/result.h"

namespace plimsoll {

// A shared flag that asks long work to end. Cheap to copy and to test.
class StopToken {
 public:
  StopToken() : flag_(std::make_shared<std::atomic<bool>>(false)) {}
  void request() const { flag_->store(true, std::memory_order_relaxed); }
  bool requested() const { return flag_->load(std::memory_order_relaxed); }
  // `cancelled` when a stop was requested.
  Result<void> check() const;

 private:
  std::shared_ptr<std::atomic<bool>> flag_;
};

// Routes SIGINT and SIGTERM to `stop`; a second signal ends the process with 130. For programs, never for the library.
void stop_on_signals(const StopToken& stop);

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/log.h"
#include "base/philox.h"
#include "base/progress.h"
#include "base/runtime.h"
#include "base/stop.h"

namespace plimsoll {

struct Budget {
  std::int64_t memory_bytes = 0;  // 0: no limit set
  double seconds = 0;             // 0: no limit set
  double money = 0;               // for endpoints; 0: nothing may be spent
};

// What every verb is given. No globals: two contexts in one process do not see each other.
struct Context {
  Runtime& runtime;
  Stream rng;  // the root; verbs derive children by name
  Progress& progress;
  StopToken stop;
  LogSink& log;
  std::filesystem::path scratch;  // a folder that exists, removed by its owner
  Budget budget;
  std::function<double()> clock;          // monotonic seconds; simulated in tests
  std::function<void(std::string)> warn;  // warnings in plain words; the door gathers them into its reply
  // Warnings that count rows or values: "{}" in the pattern stands for the sum over all batches.
  std::function<void(std::string pattern, std::int64_t count)> tally;
  std::string allow_overlap;  // the caller's reason for certifying on rows used before; empty: refused
};

}  // namespace plimsoll

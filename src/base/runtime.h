// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"
#include "base/stop.h"

namespace plimsoll {

inline constexpr std::int64_t block_rows = 4096;  // Law 1, class B: block = row number / 4,096

enum class Backend : std::uint8_t { serial, tbb, threads };

// Runs numbered tasks. Tasks may run on any thread in any order; results must be written by task number, so that what is
// computed never depends on the number of threads. No thread exists before the first call that needs one.
class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual int threads() const = 0;
  // Calls task(i) for i in [0, count). The first error by task number is returned; a stop request ends the rest within 0.2 s
  // as long as one task takes less. Exceptions of tasks are rethrown on the calling thread.
  virtual Result<void> for_each(std::int64_t count, const StopToken& stop,
                                const std::function<Result<void>(std::int64_t)>& task) = 0;

  // Calls task(block, begin, end) for each block of 4,096 consecutive rows of [0, rows).
  Result<void> for_each_block(std::int64_t rows, const StopToken& stop,
                              const std::function<Result<void>(std::int64_t, std::int64_t, std::int64_t)>& task);
};

// threads = 0: as many as the process may use.
std::unique_ptr<Runtime> make_runtime(Backend backend, int threads);

}  // namespace plimsoll

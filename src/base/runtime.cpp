// SPDX-License-Identifier: Apache-2.0
// Tasks are claimed in rising order from one counter, so when task i fails every lower task has been claimed and will
// finish: the lowest failing number is the same at any number of threads.
#include "base/runtime.h"

#include <sched.h>

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

namespace plimsoll {
namespace {

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// One call of for_each, shared by its workers.
class Run {
 public:
  Run(std::int64_t count, const StopToken& stop, const std::function<Result<void>(std::int64_t)>& task)
      : count_(count), stop_(stop), task_(task), first_failure_(count) {}

  // What each worker does: claim and run until nothing is left.
  void work() {
    while (!stop_.requested()) {
      const std::int64_t index = next_.fetch_add(1);
      if (index >= first_failure_.load()) return;
      run_one(index);
    }
  }

  Result<void> outcome() {
    if (thrown_) std::rethrow_exception(thrown_);
    if (error_) return std::move(*error_);
    if (done_.load() < count_) return stop_.check();
    return {};
  }

 private:
  void run_one(std::int64_t index) {
    try {
      Result<void> result = task_(index);
      if (result.ok()) done_.fetch_add(1);
      else fail(index, std::move(result).error(), nullptr);
    } catch (...) {
      fail(index, std::nullopt, std::current_exception());
    }
  }

  void fail(std::int64_t index, std::optional<Error> error, std::exception_ptr thrown) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (index >= first_failure_.load()) return;
    first_failure_.store(index);
    error_ = std::move(error);
    thrown_ = std::move(thrown);
  }

  const std::int64_t count_;
  const StopToken& stop_;
  const std::function<Result<void>(std::int64_t)>& task_;
  std::atomic<std::int64_t> next_{0};
  std::atomic<std::int64_t> done_{0};
  std::atomic<std::int64_t> first_failure_;
  std::mutex mutex_;
  std::optional<Error> error_;
  std::exception_ptr thrown_;
};

class SerialRuntime final : public Runtime {
 public:
  int threads() const override { return 1; }
  Result<void> for_each(std::int64_t count, const StopToken& stop,
                        const std::function<Result<void>(std::int64_t)>& task) override {
    Run run(count, stop, task);
    run.work();
    return run.outcome();
  }
};

class TbbRuntime final : public Runtime {
 public:
  explicit TbbRuntime(int threads) : threads_(threads), arena_(threads) {}
  int threads() const override { return threads_; }
  Result<void> for_each(std::int64_t count, const StopToken& stop,
                        const std::function<Result<void>(std::int64_t)>& task) override {
    Run run(count, stop, task);
    const auto workers = static_cast<int>(std::min<std::int64_t>(threads_, count));
    if (workers <= 1) {
      run.work();
    } else {
      arena_.execute([&] {
        // Isolated: a thread waiting here must not take up a task of an outer loop, which may hold its caller's state.
        tbb::this_task_arena::isolate([&] {
          tbb::parallel_for(
              0, workers, [&run](int) { run.work(); }, tbb::simple_partitioner());
        });
      });
    }
    return run.outcome();
  }

 private:
  int threads_;
  tbb::task_arena arena_;  // starts no thread before its first use
};

class ThreadsRuntime final : public Runtime {
 public:
  explicit ThreadsRuntime(int threads) : threads_(threads) {}
  int threads() const override { return threads_; }
  Result<void> for_each(std::int64_t count, const StopToken& stop,
                        const std::function<Result<void>(std::int64_t)>& task) override {
    Run run(count, stop, task);
    const auto workers = inside_ ? 1 : static_cast<int>(std::min<std::int64_t>(threads_, count));
    std::vector<std::thread> others;
    for (int i = 1; i < workers; ++i) {
      try {
        others.emplace_back([&run] {
          inside_ = true;
          run.work();
        });
      } catch (const std::system_error&) {
        break;  // no more threads to be had: those that started do the work
      }
    }
    const bool before = inside_;
    inside_ = true;
    run.work();
    inside_ = before;
    for (std::thread& other : others) other.join();
    return run.outcome();
  }

 private:
  int threads_;
  static thread_local bool inside_;  // a loop within a task runs on its own thread
};

thread_local bool ThreadsRuntime::inside_ = false;

}  // namespace

Result<void> Runtime::for_each_block(std::int64_t rows, const StopToken& stop,
                                     const std::function<Result<void>(std::int64_t, std::int64_t, std::int64_t)>& task) {
  const std::int64_t blocks = rows / block_rows + (rows % block_rows != 0 ? 1 : 0);
  return for_each(blocks, stop, [&](std::int64_t block) {
    const std::int64_t begin = block * block_rows;
    return task(block, begin, std::min(rows, begin + block_rows));
  });
}

std::unique_ptr<Runtime> make_runtime(Backend backend, int threads) {
  if (threads <= 0) threads = usable_processors();
  switch (backend) {
    case Backend::tbb:
      // Asked for more threads than processors, TBB gives fewer and prints a warning; ours gives what was asked.
      if (threads <= usable_processors()) return std::make_unique<TbbRuntime>(threads);
      [[fallthrough]];
    case Backend::threads:
      return std::make_unique<ThreadsRuntime>(threads);
    case Backend::serial:
      break;
  }
  return std::make_unique<SerialRuntime>();
}

}  // namespace plimsoll

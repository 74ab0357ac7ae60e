// SPDX-License-Identifier: Apache-2.0
#include "base/runtime.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

namespace plimsoll {
namespace {

// The thread sanitizer does not see TBB's own synchronisation and reports races in it; the std::thread backend stands in.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PLIMSOLL_WITHOUT_TBB
#endif
#endif
#ifdef PLIMSOLL_WITHOUT_TBB
constexpr bool with_tbb = false;
#else
constexpr bool with_tbb = true;
#endif

std::vector<std::unique_ptr<Runtime>> all_runtimes() {
  std::vector<std::unique_ptr<Runtime>> all;
  all.push_back(make_runtime(Backend::serial, 4));
  for (const int threads : {1, 2, 8}) {
    if (with_tbb) all.push_back(make_runtime(Backend::tbb, threads));
    all.push_back(make_runtime(Backend::threads, threads));
  }
  return all;
}

std::int64_t threads_of_process() {
  std::int64_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) ++count;
  return count;
}

TEST(Runtime, MakingOneStartsNoThread) {
  const std::int64_t before = threads_of_process();
  const auto all = all_runtimes();
  EXPECT_EQ(threads_of_process(), before);
  EXPECT_EQ(all[0]->threads(), 1);
  EXPECT_EQ(all.back()->threads(), 8);
  EXPECT_GE(make_runtime(Backend::tbb, 0)->threads(), 1);
}

TEST(Runtime, EachTaskRunsOnce) {
  for (const auto& runtime : all_runtimes()) {
    std::vector<std::atomic<int>> ran(5000);
    const auto done = runtime->for_each(5000, StopToken(), [&](std::int64_t i) -> Result<void> {
      ++ran[static_cast<std::size_t>(i)];
      return {};
    });
    ASSERT_TRUE(done.ok());
    for (const auto& count : ran) ASSERT_EQ(count.load(), 1);
    EXPECT_TRUE(runtime->for_each(0, StopToken(), [](std::int64_t) -> Result<void> { return {}; }).ok());
  }
}

TEST(Runtime, FirstErrorByTaskNumber) {
  for (const auto& runtime : all_runtimes()) {
    for (int repeat = 0; repeat < 50; ++repeat) {
      const auto done = runtime->for_each(400, StopToken(), [](std::int64_t i) -> Result<void> {
        if (i == 37) std::this_thread::sleep_for(std::chrono::microseconds(200));  // later failures come first
        if (i % 50 == 37) return Error(ErrorCode::bad_value, "task " + std::to_string(i));
        return {};
      });
      ASSERT_FALSE(done.ok());
      ASSERT_EQ(done.error().what, "task 37");
    }
  }
}

TEST(Runtime, ExceptionsCrossOver) {
  for (const auto& runtime : all_runtimes()) {
    const auto throwing = [&] {
      (void)runtime->for_each(100, StopToken(), [](std::int64_t i) -> Result<void> {
        if (i >= 20) throw std::runtime_error(std::to_string(i));
        return {};
      });
    };
    try {
      throwing();
      FAIL() << "nothing thrown";
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "20");
    }
  }
}

TEST(Runtime, StopEndsTheRest) {
  for (const auto& runtime : all_runtimes()) {
    StopToken stop;
    std::atomic<int> ran{0};
    const auto start = std::chrono::steady_clock::now();
    const auto done = runtime->for_each(1000000, stop, [&](std::int64_t) -> Result<void> {
      if (++ran == 30) stop.request();
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      return {};
    });
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().code, ErrorCode::cancelled);
    EXPECT_LT(ran.load(), 60);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  }
}

TEST(Runtime, BlocksCoverTheRows) {
  for (const auto& runtime : all_runtimes()) {
    for (const std::int64_t rows : {0, 1, 4095, 4096, 4097, 20000}) {
      std::vector<int> seen(static_cast<std::size_t>(rows));
      const auto done =
          runtime->for_each_block(rows, StopToken(), [&](std::int64_t block, std::int64_t begin, std::int64_t end) {
            EXPECT_EQ(begin, block * block_rows);
            for (std::int64_t i = begin; i < end; ++i) ++seen[static_cast<std::size_t>(i)];
            return Result<void>();
          });
      ASSERT_TRUE(done.ok());
      EXPECT_EQ(std::accumulate(seen.begin(), seen.end(), std::int64_t{0}), rows);
    }
  }
}

TEST(Runtime, LoopsWithinLoops) {
  for (const auto& runtime : all_runtimes()) {
    std::atomic<int> ran{0};
    const auto done = runtime->for_each(20, StopToken(), [&](std::int64_t) {
      return runtime->for_each(30, StopToken(), [&](std::int64_t) -> Result<void> {
        ++ran;
        return {};
      });
    });
    ASSERT_TRUE(done.ok());
    EXPECT_EQ(ran.load(), 600);
  }
}

}  // namespace
}  // namespace plimsoll

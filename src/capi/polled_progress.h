// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/progress.h"

namespace plimsoll::capi {

// Keeps how far the work is, for somebody who asks now and then: what may be told only by one thread is told by that thread.
class PolledProgress final : public Progress {
 public:
  struct Now {
    std::string task;
    std::string unit;
    std::int64_t done = 0;
    std::int64_t total = -1;
  };

  void begin(std::string_view task, std::int64_t total, std::string_view unit) override {
    const std::lock_guard<std::mutex> guard(lock_);
    tasks_.push_back({std::string(task), std::string(unit), done_.exchange(0), total});
  }
  void advance(std::int64_t count) override { done_.fetch_add(count, std::memory_order_relaxed); }
  void end() override {
    const std::lock_guard<std::mutex> guard(lock_);
    if (tasks_.empty()) return;
    done_.store(tasks_.back().done);  // how far the task around this one was
    tasks_.pop_back();
  }

  std::optional<Now> now() const {
    const std::lock_guard<std::mutex> guard(lock_);
    if (tasks_.empty()) return std::nullopt;
    Now now = tasks_.back();
    now.done = done_.load(std::memory_order_relaxed);
    return now;
  }

 private:
  mutable std::mutex lock_;
  std::vector<Now> tasks_;  // inner tasks last
  std::atomic<std::int64_t> done_{0};
};

}  // namespace plimsoll::capi

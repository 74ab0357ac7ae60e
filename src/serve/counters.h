// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the service counts, and how Prometheus reads it.

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace plimsoll::serve {

class Counters {
 public:
  void add(const std::string& family, const std::string& labels, std::int64_t by = 1);  // labels: a="b",c="d"
  void took(double seconds);                                                            // one request
  // Text format 0.0.4, with gauges given by the caller.
  std::string text(const std::map<std::string, std::int64_t>& gauges) const;

 private:
  static constexpr std::array<double, 10> edges = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 1, 10, 60};
  mutable std::mutex mutex_;
  std::map<std::string, std::map<std::string, std::int64_t>> counts_;
  std::array<std::int64_t, 11> buckets_{};
  double seconds_ = 0;
};

}  // namespace plimsoll::serve

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace plimsoll::stats {

struct Interval {
  double lo = 0;
  double hi = 0;
  bool contains(double x) const { return lo <= x && x <= hi; }
};

struct CountInterval {
  std::int64_t lo = 0;
  std::int64_t hi = 0;
  bool contains(std::int64_t x) const { return lo <= x && x <= hi; }
};

struct Estimate {
  double value = 0;
  double standard_error = 0;
  Interval interval;
};

}  // namespace plimsoll::stats

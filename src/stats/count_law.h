// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "stats/distributions.h"

namespace plimsoll::stats {

// The exact law of an integer count, for experiments that add independent counts: mass[i] is the chance of first + i. What lies
// below 1e-40 at the ends is dropped, so that a sum of hundreds of counts stays small.
struct CountLaw {
  std::int64_t first = 0;
  std::vector<double> mass = {1.0};  // the count that is always 0

  // Covered rows among `rows` after a conformal calibration of rank `rank` on n: BetaBinomial(rows; rank, n + 1 - rank)
  // (Marques 2023, arXiv 2303.02770).
  static Result<CountLaw> covered(std::int64_t n, std::int64_t rank, std::int64_t rows);

  CountLaw plus(const CountLaw& other) const;      // of the sum of two independent counts
  CountLaw times(std::int64_t count) const;        // of the sum of `count` independent copies
  double within(std::int64_t lo, std::int64_t hi) const;  // P(lo <= X <= hi)
  // P(X < lo) and P(X > hi) are at most `tail` each, as narrow as that allows.
  CountInterval band(double tail) const;
};

}  // namespace plimsoll::stats

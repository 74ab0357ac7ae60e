// SPDX-License-Identifier: Apache-2.0
#include "stats/step_index.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/philox.h"

namespace plimsoll::stats {
namespace {

TEST(StepIndex, CountsAsTheSearchesDo) {
  Stream rng(3);
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<double> sorted;
    for (int i = 0; i < trial * trial; ++i) {
      const double u = rng.uniform();
      sorted.push_back(trial % 3 == 0 ? u : trial % 3 == 1 ? std::floor(20 * u) : std::exp(40 * u - 20));
    }
    std::sort(sorted.begin(), sorted.end());
    const StepIndex index(sorted);
    std::vector<double> at = sorted;
    for (int i = 0; i < 200; ++i) at.push_back(sorted.empty() ? 0 : 1.2 * rng.uniform() * sorted.back() - 0.1);
    const double infinity = std::numeric_limits<double>::infinity();
    at.insert(at.end(), {infinity, -infinity});
    for (const double x : at) {
      EXPECT_EQ(index.at_most(x), static_cast<std::size_t>(std::upper_bound(sorted.begin(), sorted.end(), x) - sorted.begin()));
      EXPECT_EQ(index.below(x), static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), x) - sorted.begin()));
    }
  }
}

}  // namespace
}  // namespace plimsoll::stats

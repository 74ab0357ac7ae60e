// SPDX-License-Identifier: Apache-2.0
#include "stats/column_log.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/philox.h"

namespace plimsoll::stats {
namespace {

// Against the C library's, which is within one unit in the last place too.
TEST(ColumnLog, IsTheLogarithm) {
  std::vector<double> x = {0.5, 1, 2, 1 - 1e-16, 1 + 2.3e-16, 0.7071067811865475, 0.7071067811865476, 1e-15, 1 - 1e-15, 5e-324, 1e-310, 2.2250738585072014e-308, 1e300, 1.7976931348623157e308};
  Stream rng(1);
  for (int i = 0; i < 100000; ++i) x.push_back(rng.uniform());
  for (int i = 0; i < 20000; ++i) x.push_back(std::exp(300 * rng.normal()));
  std::vector<double> out(x.size());
  column_logs(x, out);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = std::log(x[i]);
    if (std::isinf(expected)) {
      EXPECT_EQ(out[i], expected) << x[i];
    } else {
      EXPECT_NEAR(out[i], expected, 2.3e-16 * std::fabs(expected)) << x[i];
    }
  }
}

TEST(ColumnLog, EveryFormGivesTheSameBytes) {
  Stream rng(2);
  std::vector<double> x = {0, -0.0, -1, std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), std::nan(""), 1e-310};
  for (int i = 0; i < 3000; ++i) x.push_back(i % 700 == 3 ? 0 : rng.uniform());
  for (const std::size_t n : {0UL, 1UL, 7UL, 511UL, 513UL, x.size()}) {
    std::vector<double> expected(n);
    for (std::size_t i = 0; i < n; ++i) expected[i] = column_log(x[i]);
    for (const ColumnLogs form : all_column_logs()) {
      std::vector<double> out(n);
      form(x.data(), out.data(), n);
      for (std::size_t i = 0; i < n; ++i) ASSERT_TRUE(std::memcmp(&out[i], &expected[i], sizeof(double)) == 0 || (std::isnan(out[i]) && std::isnan(expected[i]))) << i << " " << x[i];
    }
  }
  EXPECT_EQ(column_log(0), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(column_log(-1)));
  EXPECT_EQ(column_log(1), 0);
}

}  // namespace
}  // namespace plimsoll::stats

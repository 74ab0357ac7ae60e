// SPDX-License-Identifier: Apache-2.0
#include "stats/pav.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/philox.h"

namespace plimsoll::stats {
namespace {

// The fit at each distinct x by the min-max formula: max over starts, min over ends, of the mean between.
double min_max(const std::vector<Pool>& pools, std::size_t at) {
  double best = -std::numeric_limits<double>::infinity();
  for (std::size_t s = 0; s <= at; ++s) {
    double least = std::numeric_limits<double>::infinity();
    double weight = 0, sum = 0;
    for (std::size_t e = s; e < pools.size(); ++e) {
      weight += pools[e].weight;
      sum += pools[e].sum;
      if (e >= at) least = std::min(least, sum / weight);
    }
    best = std::max(best, least);
  }
  return best;
}

TEST(Pav, HandWorked) {
  const std::vector<double> x{1, 2, 3, 4, 5}, y{0, 1, 0, 1, 1};
  const auto fit = *fit_isotonic(x, y);
  EXPECT_EQ(fit.y, (std::vector<double>{0, 0.5, 1}));
  EXPECT_EQ(fit.left_x, (std::vector<double>{1, 2, 4}));
  EXPECT_EQ(fit.right_x, (std::vector<double>{1, 3, 5}));
  EXPECT_EQ(fit.step(0), 0);
  EXPECT_EQ(fit.step(2.5), 0.5);
  EXPECT_EQ(fit.step(3.5), 0.5);
  EXPECT_EQ(fit.step(4), 1);
  EXPECT_EQ(fit.linear(3.5), 0.75);
  EXPECT_EQ(fit.linear(1.5), 0.25);
  EXPECT_EQ(fit.linear(9), 1);
}

TEST(Pav, TiesArePooled) {
  const std::vector<double> x{1, 1, 1, 2}, y{1, 0, 0, 1};
  const auto fit = *fit_isotonic(x, y);
  EXPECT_EQ(fit.y, (std::vector<double>{1.0 / 3, 1}));
}

TEST(Pav, EqualsMinMaxFormula) {
  Stream rng(1);
  for (int trial = 0; trial < 300; ++trial) {
    const std::size_t n = 1 + rng.below(30);
    std::vector<double> x(n), y(n), w(n);
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = static_cast<double>(rng.below(12));
      y[i] = trial % 2 == 0 ? static_cast<double>(rng.below(2)) : rng.normal();
      w[i] = trial % 3 == 0 ? 1 : static_cast<double>(rng.below(4)) / 2;
    }
    const auto pools = pool_ties(x, y, w, order_by(x));
    const auto fit = fit_isotonic(x, y, w);
    ASSERT_EQ(fit.ok(), !pools.empty());
    for (std::size_t i = 0; i < pools.size(); ++i) ASSERT_NEAR(fit->step(pools[i].x), min_max(pools, i), 1e-12);
    if (fit.ok()) {
      for (std::size_t b = 1; b < fit->y.size(); ++b) ASSERT_LT(fit->y[b - 1], fit->y[b]);
    }
  }
}

TEST(Pav, RowOrderOfBinaryOutcomesDoesNotMatter) {
  Stream rng(2);
  std::vector<double> x(5000), y(5000);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<double>(rng.below(700)) / 7;
    y[i] = rng.bernoulli(x[i] / 100) ? 1 : 0;
  }
  const auto first = *fit_isotonic(x, y);
  std::vector<std::size_t> places(x.size());
  std::iota(places.begin(), places.end(), 0u);
  rng.shuffle(std::span<std::size_t>(places));
  std::vector<double> x2, y2;
  for (const std::size_t p : places) {
    x2.push_back(x[p]);
    y2.push_back(y[p]);
  }
  const auto second = *fit_isotonic(x2, y2);
  EXPECT_EQ(first.y, second.y);
  EXPECT_EQ(first.left_x, second.left_x);
}

TEST(Pav, OrderIsStableAndRadixEqualsSort) {
  Stream rng(3);
  std::vector<double> x(20000);
  for (double& v : x) v = rng.below(3) == 0 ? static_cast<double>(rng.below(9)) - 4 : rng.normal() * 1e10;
  x[5] = std::numeric_limits<double>::infinity();
  x[6] = -std::numeric_limits<double>::infinity();
  x[7] = -0.0;
  std::vector<std::uint32_t> expected(x.size());
  std::iota(expected.begin(), expected.end(), 0u);
  std::stable_sort(expected.begin(), expected.end(), [&](std::uint32_t a, std::uint32_t b) { return x[a] < x[b]; });
  EXPECT_EQ(order_by(x), expected);
  EXPECT_TRUE(order_by({}).empty());
}

TEST(Pav, FittedLeavesNoPoolOut) {
  const std::vector<double> weight{0, 1, 0, 1, 2, 0}, sum{0, 1, 0, 0, 2, 0};
  std::vector<double> fitted(6);
  std::vector<PavBlock> stack;
  pav_fitted(weight, sum, fitted, stack);
  EXPECT_EQ(fitted, (std::vector<double>{0.5, 0.5, 0.5, 0.5, 1, 1}));
}

TEST(Pav, Errors) {
  EXPECT_EQ(fit_isotonic({}, {}).error().code, ErrorCode::too_few_rows);
  const std::vector<double> one{1}, two{1, 2}, nan{1, std::nan("")}, zeros{0, 0};
  EXPECT_EQ(fit_isotonic(one, two).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(fit_isotonic(nan, two).error().row, 1);
  EXPECT_EQ(fit_isotonic(two, nan).error().row, 1);
  EXPECT_EQ(fit_isotonic(two, two, zeros).error().code, ErrorCode::too_few_rows);
}

}  // namespace
}  // namespace plimsoll::stats

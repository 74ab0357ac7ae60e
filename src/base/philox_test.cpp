// SPDX-License-Identifier: Apache-2.0
// Statistical tests run at fixed seeds with bands of 6 standard errors (normal tail 2e-9) or chi-square bounds whose
// upper tail is below 1e-8, a few dozen of them: false alarm below 1e-6 in all.
#include "base/philox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

namespace plimsoll {
namespace {

using Block = std::array<std::uint32_t, 4>;

// Random123's kat_vectors.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  const std::uint32_t ones = 0xffffffffu;
  EXPECT_EQ(philox4x32({ones, ones, ones, ones}, {ones, ones}), (Block{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}));
  EXPECT_EQ(philox4x32({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, {0xa4093822u, 0x299f31d0u}),
            (Block{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}));
}

TEST(Philox, StreamWalksTheCounter) {
  Stream s(0);
  EXPECT_EQ(s.next_u32(), 0x6627e8d5u);
  Stream t(0);
  EXPECT_EQ(t.next_u64(), 0xe169c58d6627e8d5u);
  t.next_u64();
  const Block second = philox4x32({1, 0, 0, 0}, {0, 0});
  EXPECT_EQ(t.next_u32(), second[0]);
}

TEST(Philox, ChildrenDifferAndDoNotDependOnPosition) {
  Stream parent(7);
  const Stream before = parent.child(3);
  parent.normal();
  EXPECT_EQ(before.key(), parent.child(3).key());
  std::set<std::uint64_t> keys{parent.key()};
  for (std::uint64_t i = 0; i < 20000; ++i) keys.insert(parent.child(i).key());
  keys.insert(parent.child("1").key());
  keys.insert(parent.child("fit").key());
  keys.insert(parent.child("apply").key());
  keys.insert(parent.child("fit").child(0).key());
  EXPECT_EQ(keys.size(), 20005u);
}

TEST(Philox, BelowIsUniform) {
  Stream s(11);
  std::vector<double> counts(7);
  const int n = 700000;
  for (int i = 0; i < n; ++i) ++counts[s.below(7)];
  double chi2 = 0;
  for (const double c : counts) chi2 += (c - n / 7.0) * (c - n / 7.0) / (n / 7.0);
  EXPECT_LT(chi2, 48.0);  // chi-square with 6 degrees: P = 1.2e-8
  EXPECT_EQ(s.below(1), 0u);
  const std::uint64_t big = (std::uint64_t{1} << 63) + 1;
  double mean = 0;
  for (int i = 0; i < 100000; ++i) {
    const std::uint64_t x = s.below(big);
    ASSERT_LT(x, big);
    mean += static_cast<double>(x) / static_cast<double>(big) / 100000;
  }
  EXPECT_NEAR(mean, 0.5, 6 * std::sqrt(1.0 / 12 / 100000));
}

struct Moments {
  double mean = 0, variance = 0;
};

template <class Draw>
Moments moments(int n, Draw draw) {
  double sum = 0, squares = 0;
  const double first = draw();
  for (int i = 0; i < n; ++i) {
    const double x = draw() - first;
    sum += x;
    squares += x * x;
  }
  const double m = sum / n;
  return {first + m, squares / n - m * m};
}

// `fourth` is the central fourth moment over the squared variance (kurtosis).
void expect_moments(const Moments& seen, int n, double mean, double variance, double kurtosis, const char* what) {
  EXPECT_NEAR(seen.mean, mean, 6 * std::sqrt(variance / n)) << what;
  EXPECT_NEAR(seen.variance, variance, 6 * variance * std::sqrt((kurtosis - 1) / n) + 1e-12) << what;
}

TEST(Philox, ContinuousMoments) {
  const int n = 400000;
  Stream s(5);
  expect_moments(moments(n, [&] { return s.uniform(); }), n, 0.5, 1.0 / 12, 1.8, "uniform");
  expect_moments(moments(n, [&] { return s.normal(); }), n, 0, 1, 3, "normal");
  expect_moments(moments(n, [&] { return s.exponential(); }), n, 1, 1, 9, "exponential");
  for (const double a : {0.3, 1.0, 2.5, 40.0})
    expect_moments(moments(n, [&] { return s.gamma(a); }), n, a, a, 3 + 6 / a, "gamma");
  for (const auto& [a, b] : {std::pair{0.2, 0.4}, std::pair{0.5, 3.0}, std::pair{2.0, 7.0}, std::pair{1.0, 1.0}}) {
    const double v = a * b / ((a + b) * (a + b) * (a + b + 1));
    const double kurtosis =
        3 + 6 * ((a - b) * (a - b) * (a + b + 1) - a * b * (a + b + 2)) / (a * b * (a + b + 2) * (a + b + 3));
    expect_moments(moments(n, [&] { return s.beta(a, b); }), n, a / (a + b), v, kurtosis, "beta");
  }
}

TEST(Philox, NormalFitsItsCells) {
  Stream s(17);
  const int cells = 64, n = 640000;
  std::vector<double> counts(cells);
  for (int i = 0; i < n; ++i) {
    const double u = 0.5 * std::erfc(-s.normal() / std::sqrt(2.0));
    ++counts[static_cast<std::size_t>(std::min(cells - 1, static_cast<int>(u * cells)))];
  }
  double chi2 = 0;
  for (const double c : counts) chi2 += (c - n / cells) * (c - n / cells) / (n / cells);
  EXPECT_LT(chi2, 147.0);  // 63 degrees: P = 1.4e-8
}

// Counts of a discrete law against its probabilities, cells with expectation under 20 pooled; bound by Wilson-Hilferty at 6.
template <class Draw, class LogMass>
void expect_law(int n, Draw draw, LogMass log_mass, std::int64_t top, const char* what) {
  std::vector<double> counts(static_cast<std::size_t>(top) + 2);
  for (int i = 0; i < n; ++i) ++counts[static_cast<std::size_t>(std::min(draw(), top + 1))];
  double chi2 = 0, pooled = 0, pooled_expected = 0, given = 0;
  int cells = 0;
  const auto close = [&] {
    chi2 += (pooled - pooled_expected) * (pooled - pooled_expected) / pooled_expected;
    ++cells;
    pooled = pooled_expected = 0;
  };
  for (std::int64_t k = 0; k <= top; ++k) {
    const double expected = n * std::exp(log_mass(static_cast<double>(k)));
    pooled += counts[static_cast<std::size_t>(k)];
    pooled_expected += expected;
    given += expected;
    if (pooled_expected >= 20) close();
  }
  pooled += counts[static_cast<std::size_t>(top) + 1];
  pooled_expected += std::max(0.0, n - given);
  if (pooled_expected > 1) close();
  const double degrees = cells - 1;
  const double bound = degrees * std::pow(1 - 2 / (9 * degrees) + 6.5 * std::sqrt(2 / (9 * degrees)), 3);
  EXPECT_LT(chi2, bound) << what << " with " << degrees << " degrees";
}

TEST(Philox, PoissonFitsItsLaw) {
  Stream s(23);
  for (const double mean : {0.3, 4.0, 14.9, 15.1, 90.0, 1000.0})
    expect_law(
        200000, [&] { return s.poisson(mean); }, [mean](double k) { return k * std::log(mean) - mean - std::lgamma(k + 1); },
        static_cast<std::int64_t>(mean + 8 * std::sqrt(mean) + 12), "poisson");
  EXPECT_EQ(s.poisson(0), 0);
}

TEST(Philox, BinomialFitsItsLaw) {
  Stream s(29);
  for (const auto& [n, p] :
       {std::pair<std::int64_t, double>{1, 0.3}, {20, 0.5}, {100, 0.01}, {100, 0.93}, {1000, 0.4}, {100000, 0.999}}) {
    const auto big = static_cast<double>(n);
    const double q = p;
    expect_law(
        200000, [&, n = n, p = p] { return s.binomial(n, p); },
        [=](double k) {
          return std::lgamma(big + 1) - std::lgamma(k + 1) - std::lgamma(big - k + 1) + k * std::log(q) +
                 (big - k) * std::log1p(-q);
        },
        n, "binomial");
  }
  EXPECT_EQ(s.binomial(10, 0), 0);
  EXPECT_EQ(s.binomial(10, 1), 10);
  EXPECT_EQ(s.binomial(0, 0.5), 0);
}

TEST(Philox, ShuffleIsUniformOverOrders) {
  Stream s(31);
  std::vector<double> counts(24);
  const int n = 240000;
  for (int i = 0; i < n; ++i) {
    std::array<int, 4> order{0, 1, 2, 3};
    s.shuffle(std::span<int>(order));
    int code = 0;
    for (std::size_t a = 0; a < 4; ++a) {
      int rank = 0;
      for (std::size_t b = a + 1; b < 4; ++b) rank += order[b] < order[a] ? 1 : 0;
      code = code * static_cast<int>(4 - a) + rank;
    }
    ++counts[static_cast<std::size_t>(code)];
  }
  double chi2 = 0;
  for (const double c : counts) chi2 += (c - n / 24.0) * (c - n / 24.0) / (n / 24.0);
  EXPECT_LT(chi2, 83.0);  // 23 degrees: P = 9e-9
}

TEST(Philox, UniformsStayInside) {
  Stream s(37);
  for (int i = 0; i < 200000; ++i) {
    const double u = s.uniform();
    ASSERT_TRUE(u >= 0 && u < 1);
    const double v = s.uniform_open();
    ASSERT_TRUE(v > 0 && v < 1);
    const double tiny = s.beta(1e-3, 1e-3);
    ASSERT_TRUE(tiny >= 0 && tiny <= 1);
  }
}

}  // namespace
}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#include "stats/ece.h"

#include <gtest/gtest.h>

#include <cmath>

namespace plimsoll::stats {
namespace {

TEST(Ece, HandWorked) {
  const std::vector<double> p{0.1, 0.2, 0.6, 0.9};
  const std::vector<std::int32_t> y{0, 1, 1, 1};
  const auto mass = *expected_calibration_error(p, y, 2, Binning::equal_mass);
  EXPECT_NEAR(mass.ece, 0.5 * 0.35 + 0.5 * 0.25, 1e-15);
  EXPECT_NEAR(mass.maximum, 0.35, 1e-15);
  EXPECT_TRUE(mass.sparse);
  const std::vector<double> edges{0.0, 0.5, 0.51, 1.0};  // 0.5 belongs to the lower cell
  const auto width = *expected_calibration_error(edges, y, 2, Binning::equal_width);
  EXPECT_NEAR(width.ece, 0.5 * std::fabs(0.25 - 0.5) + 0.5 * std::fabs(0.755 - 1), 1e-15);
  EXPECT_EQ(expected_calibration_error(p, y, 15, Binning::equal_mass)->bins, 4);
}

// A perfectly calibrated forecaster, p uniform, shows ECE15 = .127 / .040 / .012 at n = 100 / 1000 / 10000, and debiased L2
// .042 / .012 / .003 (sheet: 60 repeats, two or three digits). 300 repeats here; six standard errors and 8 % (25 % for the
// debiased, whose last digit is one) for the sheet's own error.
TEST(Ece, CalibratedForecasterShowsTheKnownValues) {
  Stream rng(1);
  struct Known {
    std::size_t n;
    double ece, debiased;
  };
  for (const Known& known : {Known{100, 0.127, 0.042}, Known{1000, 0.040, 0.012}, Known{10000, 0.012, 0.003}})
    for (const Binning binning : {Binning::equal_mass, Binning::equal_width}) {
      const int repeats = 300;
      double sum = 0, squares = 0, debiased = 0, debiased_squares = 0;
      for (int i = 0; i < repeats; ++i) {
        std::vector<double> p(known.n);
        std::vector<std::int32_t> y(known.n);
        for (std::size_t j = 0; j < known.n; ++j) {
          p[j] = rng.uniform();
          y[j] = rng.bernoulli(p[j]) ? 1 : 0;
        }
        const auto e = *expected_calibration_error(p, y, 15, binning);
        sum += e.ece;
        squares += e.ece * e.ece;
        debiased += e.debiased_l2;
        debiased_squares += e.debiased_l2 * e.debiased_l2;
      }
      const auto error = [](double s, double q) { return std::sqrt((q / repeats - s * s / repeats / repeats) / repeats); };
      EXPECT_NEAR(sum / repeats, known.ece, 6 * error(sum, squares) + 0.08 * known.ece) << known.n;
      EXPECT_NEAR(debiased / repeats, known.debiased, 6 * error(debiased, debiased_squares) + 0.25 * known.debiased) << known.n;
    }
}

TEST(Ece, NullLawIsHonestAndHasPower) {
  Stream rng(2);
  const auto serial = make_runtime(Backend::serial, 1);
  int small = 0, caught = 0;
  const int samples = 200;
  for (int s = 0; s < samples; ++s) {
    std::vector<double> p(400);
    std::vector<std::int32_t> y(400), off(400);
    for (std::size_t i = 0; i < p.size(); ++i) {
      p[i] = rng.uniform();
      y[i] = rng.bernoulli(p[i]) ? 1 : 0;
      off[i] = rng.bernoulli(0.8 * p[i]) ? 1 : 0;
    }
    const Resampling resampling{*serial, {}, rng.child(static_cast<std::uint64_t>(s)), 99};
    small += ece_with_null(p, y, 15, Binning::equal_mass, resampling)->p_value <= 0.1 ? 1 : 0;
    caught += ece_with_null(p, off, 15, Binning::equal_mass, resampling)->p_value <= 0.1 ? 1 : 0;
  }
  EXPECT_LE(small, 45);  // Binomial(200, 0.1): P(X > 45) is below 1e-7
  EXPECT_GE(small, 2);   // P(X < 2) is below 2e-8
  EXPECT_GE(caught, 120);
}

TEST(Ece, LargeSamplesAreDrawnInParts) {
  Stream rng(3);
  std::vector<double> p(200000);
  std::vector<std::int32_t> y(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    p[i] = rng.uniform();
    y[i] = rng.bernoulli(p[i]) ? 1 : 0;
  }
  const auto serial = make_runtime(Backend::serial, 1), threads = make_runtime(Backend::threads, 4);
  const auto a = *ece_with_null(p, y, 15, Binning::equal_mass, {*serial, {}, Stream(1), 60});
  const auto b = *ece_with_null(p, y, 15, Binning::equal_mass, {*threads, {}, Stream(1), 60});
  EXPECT_EQ(a.null_mean, b.null_mean);
  // sum over 15 cells of n_b / n E|gap| = sqrt(2 / pi) sqrt(15 / n) mean over cells of sqrt(p (1 - p))
  EXPECT_NEAR(a.null_mean, std::sqrt(2 / 3.14159265358979) * std::sqrt(15.0 / 200000) * 0.39, 0.0006);
}

TEST(Ece, Errors) {
  const std::vector<double> p{0.5};
  EXPECT_EQ(expected_calibration_error(p, std::vector<std::int32_t>{1}, 0, Binning::equal_mass).error().parameter, "bins");
  EXPECT_EQ(expected_calibration_error({}, {}, 5, Binning::equal_mass).error().code, ErrorCode::too_few_rows);
}

// The form without a sort and the form that the null law sorts for are the same number, edges and all.
TEST(Ece, EqualWidthNeedsNoSort) {
  Stream rng(31);
  const auto serial = make_runtime(Backend::serial, 1);
  for (int trial = 0; trial < 40; ++trial) {
    std::vector<double> p;
    std::vector<std::int32_t> y;
    for (int i = 0; i < 60; ++i) {
      p.push_back(trial % 2 == 0 ? static_cast<double>(rng.below(16)) / 15 : rng.uniform());
      y.push_back(rng.bernoulli(0.5) ? 1 : 0);
    }
    const auto direct = *expected_calibration_error(p, y, 15, Binning::equal_width);
    const auto sorted = ece_with_null(p, y, 15, Binning::equal_width, {*serial, {}, Stream(1), 1})->observed;
    EXPECT_EQ(direct.ece, sorted.ece);
    EXPECT_EQ(direct.maximum, sorted.maximum);
    EXPECT_EQ(direct.debiased_l2, sorted.debiased_l2);
  }
}

}  // namespace
}  // namespace plimsoll::stats

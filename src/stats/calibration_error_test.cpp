// SPDX-License-Identifier: Apache-2.0
#include "stats/calibration_error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "stats/calibration_checks.h"
#include "stats/ece.h"
#include "stats/scores.h"
#include "stats/smooth_ece.h"

namespace plimsoll::stats {
namespace {

struct Sample {
  std::vector<double> p, w;
  std::vector<std::int32_t> y;
};

// skew 1: exact; else the odds of the truth are skew times those told.
Sample draw(Stream rng, std::size_t n, double skew = 1, bool ties = false) {
  Sample s;
  for (std::size_t i = 0; i < n; ++i) {
    const double p = ties ? static_cast<double>(1 + rng.below(9)) / 10 : rng.uniform_open();
    s.p.push_back(p);
    s.y.push_back(rng.bernoulli(skew * p / (1 - p + skew * p)) ? 1 : 0);
    s.w.push_back(0.5 + rng.uniform());
  }
  return s;
}

// sm_s by its definition: images of the Gaussian, the integral on a fine grid.
double smooth_by_hand(const Sample& s, double width) {
  const int points = 4000;
  double sum = 0;
  for (int k = 0; k < points; ++k) {
    const double t = (k + 0.5) / points;
    double r = 0;
    for (std::size_t i = 0; i < s.p.size(); ++i)
      for (int image = -2; image <= 2; ++image)
        for (const double at : {2 * image + s.p[i], 2 * image - s.p[i]}) r += (s.p[i] - s.y[i]) * std::exp(-(t - at) * (t - at) / (2 * width * width));
    sum += std::fabs(r);
  }
  return sum / points / static_cast<double>(s.p.size()) / (width * std::sqrt(2 * std::numbers::pi));
}

TEST(SmoothEce, AgreesWithItsDefinitionAndIsItsOwnWidth) {
  const Sample s = draw(Stream(1), 60, 3);
  std::vector<double> grid(smooth_cells);
  for (std::size_t i = 0; i < s.p.size(); ++i) grid[smooth_cell(s.p[i])] += (s.p[i] - s.y[i]) / 60;
  for (const double width : {0.02, 0.07, 0.3}) EXPECT_NEAR(smoothed_gap(grid, width), smooth_by_hand(s, width), 1e-4) << width;
  const SmoothEce found = smooth_ece(grid);
  EXPECT_NEAR(found.value, found.width, 1e-4);
  EXPECT_EQ(smooth_ece(std::vector<double>(smooth_cells)).value, 0);
}

TEST(CalibrationErrors, AgreeWithDirectSums) {
  for (const bool ties : {false, true}) {
    const Sample s = draw(Stream(2), 300, 2, ties);
    const auto e = *calibration_errors(s.p, s.y, s.w, 15);
    const double total = [&] {
      double t = 0;
      for (const double w : s.w) t += w;
      return t;
    }();
    double pairs = 0;
    for (std::size_t i = 0; i < 300; ++i)
      for (std::size_t j = 0; j < 300; ++j)
        pairs += s.w[i] * s.w[j] * (s.p[i] - s.y[i]) * (s.p[j] - s.y[j]) * std::exp(-std::fabs(s.p[i] - s.p[j]) / 0.4);
    EXPECT_NEAR(at(e.gaps, CalibrationGap::kernel), std::sqrt(pairs) / total, 1e-12);
    double most = 0;
    for (const double t : s.p) {
      double sum = 0;
      for (std::size_t i = 0; i < 300; ++i) sum += s.p[i] <= t ? s.w[i] * (s.p[i] - s.y[i]) : 0;
      most = std::max(most, std::fabs(sum));
    }
    EXPECT_NEAR(at(e.gaps, CalibrationGap::kolmogorov), most / total, 1e-12);
    const MurphyTerms m = e.murphy;
    EXPECT_NEAR(brier_score(s.p, s.y, s.w), m.reliability - m.resolution + m.uncertainty + m.spread_within - m.covariance_within, 1e-12);
    const auto plain = *calibration_errors(s.p, s.y, {}, 15);
    for (const Binning binning : {Binning::equal_mass, Binning::equal_width}) {
      const auto known = *expected_calibration_error(s.p, s.y, 15, binning);
      const bool mass = binning == Binning::equal_mass;
      EXPECT_NEAR(at(plain.gaps, mass ? CalibrationGap::ece_mass : CalibrationGap::ece_width), known.ece, 1e-13);
      EXPECT_NEAR(at(plain.gaps, mass ? CalibrationGap::maximum_mass : CalibrationGap::maximum_width), known.maximum, 1e-13);
      if (mass) {
        EXPECT_NEAR(at(plain.gaps, CalibrationGap::debiased), known.debiased_l2, 1e-13);
      }
    }
  }
}

// The sheet's figures of an exact forecaster, from 60 and 5 repeats; our means of 100 repeats within 12 % of them.
TEST(CalibrationErrors, WhatAnExactForecasterShows) {
  for (const auto& [n, ece, smooth] : {std::tuple<std::size_t, double, double>{100, 0.127, 0.069}, {1000, 0.040, 0.029}}) {
    double mean = 0, width = 0, smoothed = 0;
    for (std::uint64_t r = 0; r < 100; ++r) {
      const Sample s = draw(Stream(3).child(r), n);
      const auto e = *calibration_errors(s.p, s.y, {}, 15);
      mean += at(e.gaps, CalibrationGap::ece_mass) / 100;
      width += at(e.gaps, CalibrationGap::ece_width) / 100;
      smoothed += at(e.gaps, CalibrationGap::smooth) / 100;
    }
    EXPECT_NEAR(mean, ece, 0.12 * ece) << n;
    EXPECT_NEAR(width, ece, 0.12 * ece) << n;
    EXPECT_NEAR(smoothed, smooth, 0.2 * smooth) << n;
  }
}

// p-values (1 + #) / (1 + draws) are valid at any number of draws: with 19 draws a level of 5 % is rejected with chance at most
// 5 %; 200 tests reject more than 30 with chance below 1e-7. Forecasts whose odds are doubled are caught by every gap.
TEST(CalibrationNull, KeepsItsLevelAndCatches) {
  const auto runtime = make_runtime(Backend::serial, 1);
  std::array<int, calibration_gap_count> rejected{};
  for (std::uint64_t r = 0; r < 200; ++r) {
    const Sample s = draw(Stream(4).child(r), 80, 1, r % 2 == 0);
    const auto weight = r % 3 == 0 ? std::span<const double>(s.w) : std::span<const double>();
    const auto e = *calibration_errors(s.p, s.y, weight, 10);
    const auto null = *calibration_null(s.p, s.y, weight, 10, e, {*runtime, {}, Stream(5).child(r), 19});
    for (std::size_t g = 0; g < calibration_gap_count; ++g) rejected[g] += null.p_value[g] <= 0.05 ? 1 : 0;
  }
  for (std::size_t g = 0; g < calibration_gap_count; ++g) EXPECT_LE(rejected[g], 30) << name_of(static_cast<CalibrationGap>(g));
  const Sample s = draw(Stream(6), 3000, 2);
  const auto e = *calibration_errors(s.p, s.y, {}, 15);
  const auto null = *calibration_null(s.p, s.y, {}, 15, e, {*runtime, {}, Stream(7), 99});
  for (std::size_t g = 0; g < calibration_gap_count; ++g) EXPECT_EQ(null.p_value[g], 0.01) << name_of(static_cast<CalibrationGap>(g));
}

TEST(CalibrationNull, ManyRowsAreGatheredAndThreadsDoNotMatter) {
  const Sample s = draw(Stream(8), 120000);
  const auto serial = make_runtime(Backend::serial, 1), threads = make_runtime(Backend::threads, 3);
  const auto e = *calibration_errors(s.p, s.y, {}, 15);
  const auto a = *calibration_null(s.p, s.y, {}, 15, e, {*serial, {}, Stream(9), 12});
  const auto b = *calibration_null(s.p, s.y, {}, 15, e, {*threads, {}, Stream(9), 12});
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.p_value, b.p_value);
  EXPECT_NEAR(at(a.mean, CalibrationGap::ece_mass), std::sqrt(15 * 2 / std::numbers::pi / 120000 / 6), 0.0008);
}

TEST(CalibrationChecks, KeepTheirLevelAndCatch) {
  int spiegel = 0, large = 0, hosmer = 0, sequential = 0;
  for (std::uint64_t r = 0; r < 1000; ++r) {
    const Sample s = draw(Stream(10).child(r), 200);
    spiegel += spiegelhalter(s.p, s.y).p_value < 0.05 ? 1 : 0;
    large += in_the_large(s.p, s.y, s.w).p_value < 0.05 ? 1 : 0;
    hosmer += hosmer_lemeshow(s.p, s.y).p_value < 0.05 ? 1 : 0;
    sequential += sequential_evidence(s.p, s.y, {}, 0.05).rejected_at >= 0 ? 1 : 0;
  }
  // Binomial(1000, .06) beyond 100 has a chance below 1e-6; the asymptotic tests are allowed 6 %.
  for (const int rejected : {spiegel, large, hosmer, sequential}) EXPECT_LE(rejected, 100);
  EXPECT_GT(spiegel, 10);
  EXPECT_GT(hosmer, 10);
  const Sample s = draw(Stream(11), 2000, 2);
  EXPECT_LT(in_the_large(s.p, s.y).p_value, 1e-6);
  EXPECT_LT(hosmer_lemeshow(s.p, s.y).p_value, 1e-6);
  EXPECT_GT(sequential_evidence(s.p, s.y, {}, 0.05).final_value, 1e3);
  EXPECT_GE(sequential_evidence(s.p, s.y, {}, 0.05).rejected_at, 0);
  EXPECT_EQ(in_the_large(std::vector<double>{1, 0}, std::vector<std::int32_t>{1, 0}).p_value, 1);
  EXPECT_EQ(in_the_large(std::vector<double>{1, 0}, std::vector<std::int32_t>{0, 0}).p_value, 0);
}

}  // namespace
}  // namespace plimsoll::stats

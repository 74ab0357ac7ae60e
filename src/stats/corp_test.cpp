// SPDX-License-Identifier: Apache-2.0
#include "stats/corp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/pav.h"
#include "stats/scores.h"

namespace plimsoll::stats {
namespace {

void draw(Stream& rng, std::size_t n, bool ties, std::vector<double>& p, std::vector<std::int32_t>& y) {
  p.resize(n);
  y.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    p[i] = ties ? (1 + static_cast<double>(rng.below(9))) / 10 : rng.uniform_open();
    y[i] = rng.bernoulli(p[i]) ? 1 : 0;
  }
}

TEST(Corp, HandWorked) {
  // PAV of outcomes 0 1 0 1: 0, 1/2, 1/2, 1
  const auto c = *corp(std::vector<double>{0.1, 0.2, 0.3, 0.9}, std::vector<std::int32_t>{0, 1, 0, 1});
  EXPECT_NEAR(c.brier.score, (0.01 + 0.64 + 0.09 + 0.01) / 4, 1e-15);
  EXPECT_NEAR(c.brier.uncertainty, 0.25, 1e-15);
  EXPECT_NEAR(c.brier.discrimination, 0.25 - 0.5 / 4, 1e-15);
  EXPECT_NEAR(c.brier.miscalibration, 0.75 / 4 - 0.5 / 4, 1e-15);
  ASSERT_EQ(c.bins.size(), 3u);
  EXPECT_EQ(c.bins[1].from, 0.2);
  EXPECT_EQ(c.bins[1].to, 0.3);
  EXPECT_EQ(c.bins[1].recalibrated, 0.5);
  EXPECT_EQ(c.bins[1].weight, 2);
}

TEST(Corp, IdentityHoldsAndPartsAreNotNegative) {
  Stream rng(1);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> p, w;
    std::vector<std::int32_t> y;
    draw(rng, 1 + rng.below(300), trial % 2 == 0, p, y);
    if (trial % 3 == 0)
      for (std::size_t i = 0; i < p.size(); ++i) w.push_back(0.25 + rng.uniform());
    const auto c = *corp(p, y, w);
    for (const Decomposition& d : {c.brier, c.log}) {
      ASSERT_NEAR(d.score, d.miscalibration - d.discrimination + d.uncertainty, 1e-12);
      ASSERT_GE(d.miscalibration, 0);
      ASSERT_GE(d.discrimination, 0);
    }
    // The score of the recalibrated forecasts, by their definition.
    const std::vector<double> yd(y.begin(), y.end());
    const auto fit = *fit_isotonic(p, yd, w);
    std::vector<double> r;
    for (const double x : p) r.push_back(fit.step(x));
    ASSERT_NEAR(c.brier.score - c.brier.miscalibration, brier_score(r, y, w), 1e-12);
    ASSERT_NEAR(c.log.score - c.log.miscalibration, log_loss(r, y, w).value, 1e-12);
  }
}

TEST(Corp, CertainAndWrong) {
  const auto c = *corp(std::vector<double>{0, 0.5}, std::vector<std::int32_t>{1, 0});
  EXPECT_EQ(c.log.score, std::numeric_limits<double>::infinity());
  EXPECT_EQ(c.log.miscalibration, std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isfinite(c.log.uncertainty));
}

TEST(Corp, Errors) {
  EXPECT_EQ(corp({}, {}).error().code, ErrorCode::too_few_rows);
  EXPECT_EQ(corp(std::vector<double>{2}, std::vector<std::int32_t>{1}).error().code, ErrorCode::bad_value);
}

// A calibrated forecaster shows MCB .0235 / .0055 / .0012 at n = 100 / 1000 / 10000 (sheet: 60 repeats, so some 5 % known).
TEST(Corp, MiscalibrationOfACalibratedForecaster) {
  Stream rng(2);
  for (const auto& [n, known] : {std::pair<std::size_t, double>{100, 0.0235}, {1000, 0.0055}, {10000, 0.0012}}) {
    double sum = 0, squares = 0;
    const int repeats = 150;
    for (int i = 0; i < repeats; ++i) {
      std::vector<double> p;
      std::vector<std::int32_t> y;
      draw(rng, n, false, p, y);
      const double m = corp(p, y)->brier.miscalibration;
      sum += m;
      squares += m * m;
    }
    const double mean = sum / repeats;
    const double error = std::sqrt((squares / repeats - mean * mean) / repeats);
    EXPECT_NEAR(mean, known, 5.5 * error + 0.12 * known) << n;
  }
}

// Under calibration, the recalibrated value at each grid point lies in the 90 % band 90 % of the time. Grid points of one
// sample depend on each other, so the spread is taken over samples: 5.5 of its standard errors, and 0.02 for the 200
// replicates that the quantiles rest on. A forecaster who doubles the odds is caught.
TEST(ConsistencyBand, CoversCalibratedForecastsOnly) {
  Stream rng(3);
  const auto serial = make_runtime(Backend::serial, 1);
  double sum = 0, squares = 0, spoiled = 0;
  const int samples = 150;
  for (int s = 0; s < samples; ++s) {
    std::vector<double> p, yd;
    std::vector<std::int32_t> y;
    draw(rng, 500, false, p, y);
    const auto band = *consistency_band(p, 0.9, 20, {*serial, {}, rng.child(static_cast<std::uint64_t>(s)), 200});
    const auto inside = [&](const std::vector<std::int32_t>& outcome) {
      yd.assign(outcome.begin(), outcome.end());
      const auto fit = *fit_isotonic(p, yd);
      double count = 0;
      for (std::size_t g = 0; g < band.forecast.size(); ++g) {
        const double r = fit.step(band.forecast[g]);
        count += r >= band.lo[g] && r <= band.hi[g] ? 1 : 0;
      }
      return count / static_cast<double>(band.forecast.size());
    };
    const double share = inside(y);
    sum += share;
    squares += share * share;
    for (std::size_t i = 0; i < p.size(); ++i) y[i] = rng.bernoulli(2 * p[i] / (1 + p[i])) ? 1 : 0;
    spoiled += inside(y) / samples;
  }
  const double mean = sum / samples;
  const double error = std::sqrt((squares / samples - mean * mean) / samples);
  EXPECT_NEAR(mean, 0.9, 5.5 * error + 0.02);
  EXPECT_LT(spoiled, 0.7);
}

TEST(ConsistencyBand, SameBytesAtAnyThreadsAndLargeInputsAreGathered) {
  Stream rng(4);
  std::vector<double> p;
  std::vector<std::int32_t> y;
  draw(rng, 150000, false, p, y);
  const auto serial = make_runtime(Backend::serial, 1), threads = make_runtime(Backend::threads, 3);
  const auto a = *consistency_band(p, 0.95, 40, {*serial, {}, Stream(7), 12});
  const auto b = *consistency_band(p, 0.95, 40, {*threads, {}, Stream(7), 12});
  EXPECT_EQ(a.lo, b.lo);
  EXPECT_EQ(a.hi, b.hi);
  EXPECT_EQ(a.null_miscalibration, b.null_miscalibration);
  ASSERT_EQ(a.forecast.size(), 40u);
  for (std::size_t g = 1; g + 1 < a.forecast.size(); ++g) {
    EXPECT_LT(a.lo[g], a.forecast[g] + 0.03);
    EXPECT_GT(a.hi[g], a.forecast[g] - 0.03);
  }
}

TEST(ConsistencyBand, NullPValuesAreNotSmallTooOften) {
  Stream rng(5);
  const auto serial = make_runtime(Backend::serial, 1);
  int small = 0;
  const int samples = 300;
  for (int s = 0; s < samples; ++s) {
    std::vector<double> p;
    std::vector<std::int32_t> y;
    draw(rng, 200, s % 2 == 0, p, y);
    const auto band = *consistency_band(p, 0.9, 5, {*serial, {}, rng.child(static_cast<std::uint64_t>(s)), 99});
    small += resampling_p_value(band.null_miscalibration, corp(p, y)->brier.miscalibration) <= 0.1 ? 1 : 0;
  }
  EXPECT_LE(small, 62);  // Binomial(300, 0.1): P(X > 62) is below 1e-7
  EXPECT_GE(small, 7);   // P(X < 7) is below 1e-7
}

TEST(ResamplingPValue, CountsTiesAsExtreme) {
  const std::vector<double> null{1, 2, 2, 3};
  EXPECT_EQ(resampling_p_value(null, 2), 0.8);
  EXPECT_EQ(resampling_p_value(null, 4), 0.2);
}

}  // namespace
}  // namespace plimsoll::stats

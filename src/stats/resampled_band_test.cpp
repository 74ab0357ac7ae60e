// SPDX-License-Identifier: Apache-2.0
#include "stats/resampled_band.h"

#include <gtest/gtest.h>

#include "stats/corp.h"
#include "stats/pav.h"

namespace plimsoll::stats {
namespace {

struct Sample {
  std::vector<double> p, w;
  std::vector<std::int32_t> y;
};

Sample draw(Stream rng, std::size_t n) {
  Sample s;
  for (std::size_t i = 0; i < n; ++i) {
    s.p.push_back(rng.uniform());
    s.y.push_back(rng.bernoulli(s.p.back()) ? 1 : 0);
    s.w.push_back(0.25 + rng.uniform());
  }
  return s;
}

// Weighted rows: the null p-value of MCB keeps its level (200 tests at 5 % reject more than 30 with chance below 1e-7), and the
// band holds the curve of exact forecasts about as often as promised: 100 samples, grid points of one depend on each other.
TEST(ResampledBand, ConsistencyOfWeightedRows) {
  const auto serial = make_runtime(Backend::serial, 1);
  int rejected = 0;
  double inside = 0;
  for (std::uint64_t k = 0; k < 200; ++k) {
    const Sample s = draw(Stream(1).child(k), 150);
    const auto band = *resampled_band(s.p, s.p, s.w, 0.9, 20, {*serial, {}, Stream(2).child(k), 99});
    const std::vector<double> y(s.y.begin(), s.y.end());
    const auto fit = *fit_isotonic(s.p, y, s.w);
    for (std::size_t g = 0; g < band.forecast.size(); ++g) {
      const double r = fit.step(band.forecast[g]);
      inside += r >= band.lo[g] && r <= band.hi[g] ? 1.0 / 200 / static_cast<double>(band.forecast.size()) : 0;
    }
    rejected += resampling_p_value(band.null_miscalibration, corp(s.p, s.y, s.w)->brier.miscalibration) <= 0.05 ? 1 : 0;
  }
  EXPECT_LE(rejected, 30);
  EXPECT_NEAR(inside, 0.9, 0.06);
}

// Unit weights say what no weights say; the confidence band of a skewed forecaster follows the curve, not the diagonal.
TEST(ResampledBand, UnitWeightsAndConfidence) {
  const auto serial = make_runtime(Backend::serial, 1);
  const Sample s = draw(Stream(3), 400);
  const std::vector<double> ones(400, 1.0);
  const auto a = *resampled_band(s.p, s.p, {}, 0.9, 30, {*serial, {}, Stream(4), 50}), b = *resampled_band(s.p, s.p, ones, 0.9, 30, {*serial, {}, Stream(4), 50});
  EXPECT_EQ(a.lo, b.lo);
  EXPECT_EQ(a.null_miscalibration, b.null_miscalibration);
  std::vector<double> halved = s.p, curve;
  for (double& p : halved) p /= 2;  // says half of the truth
  const std::vector<double> y(s.y.begin(), s.y.end());
  const auto fit = *fit_isotonic(halved, y);
  for (const double p : halved) curve.push_back(fit.step(p));
  const auto band = *resampled_band(halved, curve, {}, 0.9, 30, {*serial, {}, Stream(5), 100});
  const std::size_t middle = band.forecast.size() / 2;
  EXPECT_GT(band.lo[middle], band.forecast[middle] + 0.05);
}

}  // namespace
}  // namespace plimsoll::stats

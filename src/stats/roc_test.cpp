// SPDX-License-Identifier: Apache-2.0
#include "stats/roc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace plimsoll::stats {
namespace {

struct Sample {
  std::vector<double> score;
  std::vector<std::int32_t> outcome;
};

Sample binormal(Stream& rng, int positives, int negatives, double shift, bool ties) {
  Sample s;
  for (int i = 0; i < positives + negatives; ++i) {
    const double x = rng.normal() + (i < positives ? shift : 0);
    s.score.push_back(ties ? std::round(2 * x) : x);
    s.outcome.push_back(i < positives ? 1 : 0);
  }
  return s;
}

double all_pairs(const Sample& s) {
  double sum = 0, pairs = 0;
  for (std::size_t i = 0; i < s.score.size(); ++i)
    for (std::size_t j = 0; j < s.score.size(); ++j) {
      if (s.outcome[i] != 1 || s.outcome[j] != 0) continue;
      sum += s.score[i] > s.score[j] ? 1 : s.score[i] == s.score[j] ? 0.5 : 0;
      pairs += 1;
    }
  return sum / pairs;
}

TEST(Auroc, HandWorked) {
  const std::vector<double> s{0.1, 0.4, 0.35, 0.8};
  const std::vector<std::int32_t> y{0, 0, 1, 1};
  const auto a = *auroc(s, y, 0.95);
  EXPECT_EQ(a.estimate.value, 0.75);
  EXPECT_EQ(a.positives, 2);
  // V10 = {1/2, 1}, V01 = {1, 1/2}: each variance 1/8, so 1/16 + 1/16
  EXPECT_NEAR(a.estimate.standard_error, std::sqrt(0.125), 1e-15);
  EXPECT_EQ(auroc(std::vector<double>{1, 1, 1}, std::vector<std::int32_t>{0, 1, 1}, 0.95)->estimate.value, 0.5);
}

TEST(Auroc, EqualsAllPairs) {
  Stream rng(1);
  for (int trial = 0; trial < 200; ++trial) {
    const auto positives = static_cast<int>(1 + rng.below(30)), negatives = static_cast<int>(1 + rng.below(30));
    const Sample s = binormal(rng, positives, negatives, 0.7, trial % 2 == 0);
    ASSERT_NEAR(auroc(s.score, s.outcome, 0.95)->estimate.value, all_pairs(s), 1e-14);
    const std::vector<double> ones(s.score.size(), 2.5);
    ASSERT_NEAR(*weighted_auroc(s.score, s.outcome, ones), all_pairs(s), 1e-14);
    EXPECT_NEAR(*average_precision(s.score, s.outcome, ones), *average_precision(s.score, s.outcome), 1e-13);
  }
}

TEST(Auroc, RowOrderDoesNotMatter) {
  Stream rng(2);
  const Sample s = binormal(rng, 3000, 5000, 1, true);
  Sample t;
  std::vector<std::size_t> places(s.score.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
  rng.shuffle(std::span<std::size_t>(places));
  for (const std::size_t p : places) {
    t.score.push_back(s.score[p]);
    t.outcome.push_back(s.outcome[p]);
  }
  EXPECT_EQ(auroc(s.score, s.outcome, 0.9)->estimate.interval.lo, auroc(t.score, t.outcome, 0.9)->estimate.interval.lo);
  EXPECT_EQ(*average_precision(s.score, s.outcome), *average_precision(t.score, t.outcome));
}

// 95 % interval on a binormal sample of 40 and 80: its measured coverage is 0.9445 on the plain scale. 2,000 draws, six
// standard errors (0.0049 each) about 0.95 with room of 0.01 for the approximation; half the width must fall out.
TEST(Auroc, DeLongCovers) {
  Stream rng(3);
  const double shift = 1.0, truth = 0.5 * std::erfc(-shift / 2);  // Phi(shift / sqrt 2)
  const int draws = 2000;
  double covered = 0, half_covered = 0;
  for (int d = 0; d < draws; ++d) {
    const Sample s = binormal(rng, 40, 80, shift, false);
    const auto a = *auroc(s.score, s.outcome, 0.95);
    covered += a.estimate.interval.contains(truth) ? 1 : 0;
    half_covered += std::fabs(a.estimate.value - truth) < 0.98 * a.estimate.standard_error ? 1 : 0;
  }
  EXPECT_NEAR(covered / draws, 0.95, 0.04);
  EXPECT_LT(half_covered / draws, 0.91);
}

TEST(AurocDifference, PairedIsNarrowerAndUniformUnderNull) {
  Stream rng(4);
  int rejected = 0;
  const int draws = 1000;
  for (int d = 0; d < draws; ++d) {
    Sample s = binormal(rng, 60, 60, 1, false);
    std::vector<double> other = s.score;
    for (double& x : other) x += 0.8 * rng.normal();
    for (double& x : s.score) x += 0.8 * rng.normal();
    rejected += auroc_difference(s.score, other, s.outcome, 0.95)->p_value < 0.05 ? 1 : 0;
  }
  EXPECT_NEAR(rejected / static_cast<double>(draws), 0.05, 6 * 0.0069 + 0.01);
  const Sample s = binormal(rng, 60, 60, 1, false);
  const auto same = *auroc_difference(s.score, s.score, s.outcome, 0.95);
  EXPECT_EQ(same.difference.value, 0);
  EXPECT_EQ(same.p_value, 1);
  std::vector<double> reversed = s.score;
  for (double& x : reversed) x = -x;
  EXPECT_LT(auroc_difference(s.score, reversed, s.outcome, 0.95)->p_value, 1e-4);
}

TEST(AveragePrecision, HandWorked) {
  const std::vector<double> s{0.1, 0.4, 0.35, 0.8};
  const std::vector<std::int32_t> y{0, 0, 1, 1};
  EXPECT_NEAR(*average_precision(s, y), 0.5 * 1 + 0.5 * (2.0 / 3), 1e-15);
  EXPECT_NEAR(*average_precision(std::vector<double>{1, 1, 1, 1}, y), 0.5, 1e-15);
}

TEST(AveragePrecision, BootstrapIsDeterministicAndSensible) {
  Stream rng(5);
  const Sample s = binormal(rng, 200, 600, 1, false);
  const auto serial = make_runtime(Backend::serial, 1), threads = make_runtime(Backend::threads, 3);
  const auto a = *average_precision_estimate(s.score, s.outcome, 0.95, {*serial, {}, Stream(9), 300});
  const auto b = *average_precision_estimate(s.score, s.outcome, 0.95, {*threads, {}, Stream(9), 300});
  EXPECT_EQ(a.interval.lo, b.interval.lo);
  EXPECT_EQ(a.interval.hi, b.interval.hi);
  EXPECT_LT(a.interval.lo, a.value);
  EXPECT_GT(a.interval.hi, a.value);
  EXPECT_NEAR(a.standard_error, 0.03, 0.02);
}

TEST(RocCurve, CornersAndThinning) {
  const std::vector<double> s{0.1, 0.4, 0.35, 0.8};
  const std::vector<std::int32_t> y{0, 0, 1, 1};
  const auto curve = *roc_curve(s, y, 100);
  EXPECT_EQ(curve.front().true_positive_rate, 0);
  EXPECT_EQ(curve.back().true_positive_rate, 1);
  EXPECT_EQ(curve.back().false_positive_rate, 1);
  EXPECT_EQ(curve.size(), 5u);
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i)
    area += (curve[i].false_positive_rate - curve[i - 1].false_positive_rate) *
            (curve[i].true_positive_rate + curve[i - 1].true_positive_rate) / 2;
  EXPECT_NEAR(area, 0.75, 1e-15);
  Stream rng(6);
  const Sample big = binormal(rng, 1000, 1000, 1, false);
  EXPECT_EQ(roc_curve(big.score, big.outcome, 50)->size(), 50u);
}

TEST(Roc, Errors) {
  const std::vector<double> s{1, 2};
  EXPECT_EQ(auroc(s, std::vector<std::int32_t>{1, 1}, 0.95).error().code, ErrorCode::one_class);
  EXPECT_EQ(auroc(s, std::vector<std::int32_t>{1}, 0.95).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(auroc(s, std::vector<std::int32_t>{1, 2}, 0.95).error().row, 1);
  EXPECT_EQ(auroc(std::vector<double>{1, std::nan("")}, std::vector<std::int32_t>{1, 0}, 0.95).error().row, 1);
}

}  // namespace
}  // namespace plimsoll::stats

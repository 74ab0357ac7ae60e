// SPDX-License-Identifier: Apache-2.0
#include "stats/ranking.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "stats/corp.h"
#include "stats/decision_curve.h"
#include "stats/roc.h"
#include "stats/scores.h"
#include "stats/threshold_curve.h"

namespace plimsoll::stats {
namespace {

struct Sample {
  std::vector<double> p, q, w;
  std::vector<std::int32_t> y;
};

Sample draw(Stream rng, std::size_t n, bool ties = false) {
  Sample s;
  for (std::size_t i = 0; i < n; ++i) {
    const double p = ties ? static_cast<double>(1 + rng.below(9)) / 10 : rng.uniform_open();
    s.p.push_back(p);
    s.y.push_back(rng.bernoulli(p) ? 1 : 0);
    s.q.push_back(0.5 * p + 0.5 * rng.uniform());
    s.w.push_back(0.5 + rng.uniform());
  }
  return s;
}

TEST(Ranking, AgreesWithTheUnweightedForms) {
  for (const bool ties : {false, true}) {
    const Sample s = draw(Stream(1), 200, ties);
    const auto t = *rank_table(s.p, s.y, {});
    const RankStatistics r = rank_statistics(t, 0.2);
    EXPECT_NEAR(at(r, RankStatistic::auroc), auroc(s.p, s.y, 0.95)->estimate.value, 1e-14);
    EXPECT_NEAR(at(r, RankStatistic::average_precision), *average_precision(s.p, s.y), 1e-14);
    const auto c = *corp(s.p, s.y);
    EXPECT_NEAR(at(r, RankStatistic::brier_discrimination), c.brier.discrimination, 1e-13);
    EXPECT_NEAR(at(r, RankStatistic::log_discrimination), c.log.discrimination, 1e-13);
    const Influence i = *auroc_influence(s.p, s.y, {});
    EXPECT_NEAR(standard_error(i, {}), auroc(s.p, s.y, 0.95)->estimate.standard_error, 1e-13);
    const auto known = *auroc_difference(s.p, s.q, s.y, 0.95);
    EXPECT_NEAR(standard_error(difference(i, *auroc_influence(s.q, s.y, {})), {}), known.difference.standard_error, 1e-13);
    const auto weighted = *rank_table(s.p, s.y, s.w);
    EXPECT_NEAR(at(rank_statistics(weighted, 0.2), RankStatistic::auroc), *weighted_auroc(s.p, s.y, s.w), 1e-13);
  }
}

// Small by hand: scores 1..4 with outcomes 0 1 0 1. ROC from the top: (0, .5), (.5, .5), (.5, 1), (1, 1).
TEST(Ranking, ByHand) {
  const std::vector<double> x = {1, 2, 3, 4};
  const std::vector<std::int32_t> y = {0, 1, 0, 1};
  const auto t = *rank_table(x, y, {});
  const RankStatistics r = rank_statistics(t, 0.5);
  EXPECT_DOUBLE_EQ(at(r, RankStatistic::auroc), 0.75);
  EXPECT_DOUBLE_EQ(at(r, RankStatistic::kolmogorov_smirnov), 0.5);
  // Area up to .5: .5 * .5 = .25; by chance .125, at best .5.
  EXPECT_DOUBLE_EQ(at(r, RankStatistic::partial_auroc), 0.5 * (1 + (0.25 - 0.125) / 0.375));
  EXPECT_DOUBLE_EQ(gain_at(t, 0.25), 0.5);
  EXPECT_DOUBLE_EQ(gain_at(t, 0.5), 0.5);
  EXPECT_DOUBLE_EQ(gain_at(t, 0.625), 0.75);
  EXPECT_EQ(gain_curve(t, 10).size(), 5u);
  // A perfect ranking has H = 1, one that says nothing 0.
  EXPECT_NEAR(at(rank_statistics(*rank_table(x, std::vector<std::int32_t>{0, 0, 1, 1}, {}), 0.5), RankStatistic::h_measure), 1, 1e-12);
  EXPECT_NEAR(at(rank_statistics(*rank_table(std::vector<double>(4), y, {}), 0.5), RankStatistic::h_measure), 0, 1e-12);
  EXPECT_EQ(rank_table(x, std::vector<std::int32_t>{1, 1, 1, 1}, {}).error().code, ErrorCode::one_class);
}

// H by numeric integration over costs, thresholds tried one by one.
TEST(Ranking, HMeasureIsItsIntegral) {
  const Sample s = draw(Stream(2), 80);
  double events = 0;
  for (const auto y : s.y) events += y;
  const double a = 1 + events / 80, b = 3 - a;
  double model = 0, one = 0;
  for (int k = 0; k < 2000; ++k) {
    const double c = (k + 0.5) / 2000;
    const double density = std::pow(c, a - 1) * std::pow(1 - c, b - 1);
    double best = std::min(c * (80 - events), (1 - c) * events);
    one += density * best;
    for (const double t : s.p) {
      double loss = 0;
      for (std::size_t i = 0; i < 80; ++i) loss += s.p[i] >= t ? (s.y[i] == 0 ? c : 0) : (s.y[i] == 1 ? 1 - c : 0);
      best = std::min(best, loss);
    }
    model += density * best;
  }
  EXPECT_NEAR(at(rank_statistics(*rank_table(s.p, s.y, {}), 0.1), RankStatistic::h_measure), 1 - model / one, 1e-5);
}

TEST(Ranking, ResamplingIsNearDeLongAndClustersWiden) {
  const auto serial = make_runtime(Backend::serial, 1), threads = make_runtime(Backend::threads, 3);
  const Sample s = draw(Stream(3), 300);
  const auto table = *rank_table(s.p, s.y, {});
  const auto a = *rank_replicates(s.p, s.y, {}, {}, 0.1, {*serial, {}, Stream(4), 400});
  const auto b = *rank_replicates(s.p, s.y, {}, {}, 0.1, {*threads, {}, Stream(4), 400});
  EXPECT_EQ(a, b);
  const auto e = rank_intervals(rank_statistics(table, 0.1), a, 0.95);
  const double delong = auroc(s.p, s.y, 0.95)->estimate.standard_error;
  // A standard deviation of 400 replicates errs by 3.5 %; 6 of these.
  EXPECT_NEAR(e[0].standard_error, delong, 0.22 * delong);
  // Five copies of each row: as clusters they say no more than once.
  Sample many;
  std::vector<std::int32_t> cluster;
  for (std::size_t i = 0; i < s.p.size(); ++i)
    for (int k = 0; k < 5; ++k) {
      many.p.push_back(s.p[i]);
      many.y.push_back(s.y[i]);
      cluster.push_back(static_cast<std::int32_t>(i));
    }
  const auto c = *rank_replicates(many.p, many.y, {}, {.cluster = cluster, .clusters = 300}, 0.1, {*serial, {}, Stream(5), 400});
  EXPECT_NEAR(rank_intervals(rank_statistics(table, 0.1), c, 0.95)[0].standard_error, delong, 0.3 * delong);
  EXPECT_NEAR(standard_error(*auroc_influence(many.p, many.y, {}), {.cluster = cluster, .clusters = 300}), delong, 0.02 * delong);
}

TEST(ThresholdCurve, AgreesWithRowTermsAndWithTheDecisionCurve) {
  const std::vector<double> thresholds = {0, 0.1, 0.2, 0.35, 0.5, 0.8};
  const Sample s = draw(Stream(6), 150, true);
  std::vector<std::int32_t> own(150);
  for (int i = 0; i < 150; ++i) own[static_cast<std::size_t>(i)] = i;
  const Dependence alone{.cluster = own, .clusters = 150};
  for (const auto score : {ThresholdScore::net_benefit, ThresholdScore::elementary, ThresholdScore::cost}) {
    // Clusters of one row take the other path.
    const auto fast = *threshold_curve(score, s.p, s.y, s.w, thresholds, {}, 0.95);
    const auto slow = *threshold_curve(score, s.p, s.y, s.w, thresholds, alone, 0.95);
    const auto gap = *threshold_difference(score, s.p, s.q, s.y, s.w, thresholds, {}, 0.95);
    const auto slow_gap = *threshold_difference(score, s.p, s.q, s.y, s.w, thresholds, alone, 0.95);
    const auto other = *threshold_curve(score, s.q, s.y, s.w, thresholds, {}, 0.95);
    for (std::size_t k = 0; k < thresholds.size(); ++k) {
      EXPECT_NEAR(fast[k].value.value, slow[k].value.value, 1e-13);
      EXPECT_NEAR(fast[k].value.standard_error, slow[k].value.standard_error, 5e-3 * slow[k].value.standard_error + 1e-9);
      EXPECT_NEAR(gap[k].value.value, fast[k].value.value - other[k].value.value, 1e-13);
      EXPECT_NEAR(gap[k].value.standard_error, slow_gap[k].value.standard_error, 5e-3 * slow_gap[k].value.standard_error + 1e-9);
    }
  }
  const auto curve = *threshold_curve(ThresholdScore::net_benefit, s.p, s.y, {}, thresholds, {}, 0.95);
  const auto known = *decision_curve(s.p, s.y, thresholds, 0.95);
  for (std::size_t k = 0; k < thresholds.size(); ++k) EXPECT_NEAR(curve[k].value.value, known[k].model, 1e-14);
  EXPECT_EQ(threshold_curve(ThresholdScore::cost, s.p, s.y, {}, std::vector<double>{0.5, 0.5}, {}, 0.95).error().code, ErrorCode::bad_parameter);
}

// The area under the Murphy curve is the Brier score: the curve is linear between neighbouring forecasts, here on a grid.
TEST(ThresholdCurve, MurphyCurveIntegratesToTheBrierScore) {
  const Sample s = draw(Stream(7), 100, true);
  std::vector<double> middles;
  for (int k = 0; k < 1000; ++k) middles.push_back((k + 0.5) / 1000);
  double area = 0;
  const auto curve = *threshold_curve(ThresholdScore::elementary, s.p, s.y, {}, middles, {}, 0.95);
  for (const auto& point : curve) area += point.value.value / 1000;
  EXPECT_NEAR(area, brier_score(s.p, s.y), 1e-12);
}

}  // namespace
}  // namespace plimsoll::stats

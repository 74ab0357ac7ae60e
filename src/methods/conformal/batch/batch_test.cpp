// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/batch/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "engine/workspace.h"
#include "stats/rank_law.h"
#include "table/file_format.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::conformal::batch {
namespace {

const SpoiledForm spoiled_level{"conformal.batch", "twice the level", [](Subject& subject) {
                                  subject.spoil_model([](void* m) { static_cast<Model*>(m)->params.alpha *= 2; });
                                }};

Bound bound_with(const Params& params, std::vector<double> scores, std::int64_t m, std::vector<double> training = {}) {
  static Workspace workspace({.backend = Backend::serial});
  std::sort(scores.begin(), scores.end());
  Model model;
  model.params = params;
  model.in_order = scores;
  model.training = std::move(training);
  auto bound = bound_of(workspace.context(), params, {"", scores}, model, m);
  EXPECT_TRUE(bound.ok()) << bound.error().message();
  return bound.value();
}

std::vector<double> first(std::int64_t n) {
  std::vector<double> scores(static_cast<std::size_t>(n));
  std::iota(scores.begin(), scores.end(), 1.0);
  return scores;
}

// Upper and lower ends against every tuple of ranks: n = 5, m = 3.
TEST(ConformalBatch, EndsAgreeWithTryingEveryTuple) {
  const std::vector<double> s = {0.5, 1, 2, 4, 7};
  const auto end = [&](std::int64_t r) { return r <= 0 ? 0.0 : r > 5 ? 10.0 : s[static_cast<std::size_t>(r - 1)]; };
  for (const Target target : {Target::mean, Target::sum, Target::product, Target::log_sum_exp, Target::p_norm, Target::count_above, Target::l_statistic}) {
    Params params;
    params.target = target;
    params.alpha = 0.4;
    params.score_lower_bound = 0;
    params.score_upper_bound = 10;
    params.level = 1.5;
    params.weights = {0, 0.25, 0.75};
    const std::int64_t q = stats::mann_whitney_upper(5, 3, 0.2).rank + 3;
    double upper = -1e300, lower = 1e300;
    for (std::int64_t a = 1; a <= 6; ++a)
      for (std::int64_t b = a; b <= 6; ++b)
        for (std::int64_t c = b; c <= 6; ++c) {
          if (a + b + c <= q) upper = std::max(upper, value_of(params, {end(a), end(b), end(c)}));
          if (a + b + c >= 3 * 7 - q) lower = std::min(lower, value_of(params, {end(a - 1), end(b - 1), end(c - 1)}));
        }
    const Bound bound = bound_with(params, s, 3);
    EXPECT_NEAR(bound.upper, upper, 1e-12) << choices_of(target)[static_cast<std::size_t>(target)];
    EXPECT_NEAR(bound.lower, lower, 1e-12) << choices_of(target)[static_cast<std::size_t>(target)];
    EXPECT_FALSE(bound.vacuous);
  }
}

TEST(ConformalBatch, WithoutBoundsAMeanIsVacuousUnlessTheTopIsLeftOut) {
  Params params;
  params.target = Target::mean;
  EXPECT_TRUE(bound_with(params, first(40), 4).vacuous);
  params.rank_fn = RankFunction::exclude_top;
  params.alpha = 0.3;
  const Bound bound = bound_with(params, first(40), 4);
  EXPECT_FALSE(bound.vacuous);
  EXPECT_LE(bound.upper, 40);
  EXPECT_GE(bound.attained, 0.7 - 1e-12);
  params.alpha = 0.05;
  Workspace workspace({.backend = Backend::serial});
  Model model;
  EXPECT_EQ(bound_of(workspace.context(), params, {"", first(40)}, model, 4).error().code, ErrorCode::too_few_rows);
}

TEST(ConformalBatch, EnvelopeIsNeverBelowTheProgramme) {
  Stream stream(8);
  std::vector<double> scores;
  for (int i = 0; i < 60; ++i) scores.push_back(stream.exponential());
  Params params;
  params.target = Target::mean;
  params.side = Side::upper;
  params.score_lower_bound = 0;
  params.score_upper_bound = 12;
  const Bound exact = bound_with(params, scores, 8);
  params.most_work = 1;
  const Bound safe = bound_with(params, scores, 8);
  EXPECT_TRUE(safe.envelope);
  EXPECT_FALSE(exact.envelope);
  EXPECT_GE(safe.upper, exact.upper);
  EXPECT_LE(safe.upper, 1.1 * exact.upper);
}

// The sheet's comparison: a learned rank function against the rank sum on skewed scores (its own figures: .397 against .613).
TEST(ConformalBatch, LearnedRanksAreSharperOnSkewedScores) {
  Params params;
  params.target = Target::mean;
  params.side = Side::upper;
  params.score_lower_bound = 0;
  params.score_upper_bound = 1;
  Params learned = params;
  learned.rank_fn = RankFunction::weighted;
  double plain_sum = 0, learned_sum = 0;
  Stream stream(2);
  const auto draw = [&](int n) {
    std::vector<double> out;
    for (int i = 0; i < n; ++i) out.push_back(std::min(1.0, stream.exponential() / 5));
    std::sort(out.begin(), out.end());
    return out;
  };
  for (int trial = 0; trial < 30; ++trial) {
    const std::vector<double> training = draw(200);
    const std::vector<double> scores = draw(40);
    plain_sum += bound_with(params, scores, 10).upper;
    learned_sum += bound_with(learned, scores, 10, training).upper;
  }
  EXPECT_LT(learned_sum, 0.75 * plain_sum);
}

TEST(ConformalBatch, BaselinesStandBeside) {
  Params params;
  params.target = Target::mean;
  params.side = Side::upper;
  params.procedure = Procedure::partition;
  const Bound four = bound_with(params, first(40), 10);  // 4 blocks, 9 needed
  EXPECT_TRUE(four.vacuous);
  EXPECT_EQ(four.needed, 90);
  const Bound nine = bound_with(params, first(90), 10);
  EXPECT_EQ(nine.upper, 85.5);
  params.procedure = Procedure::split;
  params.target = Target::coverage;
  EXPECT_EQ(bound_with(params, first(99), 10).upper, 90);  // the quantile of single rows at 1 - delta
}

TEST(ConformalBatch, SelectionAllowsEtaFalsePicks) {
  Workspace workspace({.backend = Backend::serial});
  std::vector<double> y, f;
  for (int i = 0; i < 60; ++i) {
    y.push_back(i % 2);
    f.push_back(i);
  }
  const auto table = std::move(TableBuilder().real("y", y).real("f", f)).build().value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}});
  Params params;
  params.target = Target::kfwer;
  params.c = 0;
  params.eta = 1;
  const auto model = fit(workspace.context(), Inputs{table, std::nullopt}, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  const auto out = apply(workspace.context(), model.value(), ApplyInputs{std::move(TableBuilder().real("f", {5, 57, 58.5, 80})).build().value().with_roles({{"prediction", {"f"}}})}, Options{});
  ASSERT_TRUE(out.ok()) << out.error().message();
  // Clipped scores: 0 for odd rows, f for even ones; the threshold is S_(r) for the third smallest of four.
  std::vector<double> clipped;
  for (int i = 0; i < 60; ++i) clipped.push_back(i % 2 == 0 ? i : 0);
  std::sort(clipped.begin(), clipped.end());
  const double threshold = clipped[static_cast<std::size_t>(stats::order_rank_upper(60, 4, 3, 0.1).rank - 1)];
  const Reals selected = out.value().rows.reals("selected").value();
  EXPECT_EQ(selected[0], 5 > threshold);
  EXPECT_EQ(selected[3], 1);
}

TEST(ConformalBatch, GroupsBatchesAndMeansComeBackToTheirScale) {
  Workspace workspace({.backend = Backend::serial});
  std::vector<double> y, f;
  std::vector<std::string> g;
  for (int i = 0; i < 200; ++i) {
    f.push_back(100);
    y.push_back(100 + (i % 2 == 0 ? 0.01 : 1) * (i % 20));
    g.push_back(i % 2 == 0 ? "calm" : "wild");
  }
  const auto table = std::move(TableBuilder().real("y", y).real("f", f).text("g", g)).build().value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}, {"group", {"g"}}});
  Params params;
  params.target = Target::mean;
  params.score_lower_bound = -50;
  params.score_upper_bound = 50;
  const auto model = fit(workspace.context(), Inputs{table, std::nullopt}, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  const auto fresh = std::move(TableBuilder().real("f", {10, 20, 10, 20}).text("g", {"calm", "calm", "wild", "wild"}).text("b", {"1", "1", "2", "2"})).build().value().with_roles({{"prediction", {"f"}}, {"group", {"g"}}, {"batch", {"b"}}});
  const auto out = apply(workspace.context(), model.value(), ApplyInputs{fresh}, Options{});
  ASSERT_TRUE(out.ok()) << out.error().message();
  const Reals upper = out.value().batches.reals("upper").value();
  ASSERT_EQ(upper.size(), 2u);
  EXPECT_GT(upper[0], 15);
  EXPECT_GT(upper[1], upper[0]);
  const auto unknown = apply(workspace.context(), model.value(), ApplyInputs{std::move(TableBuilder().real("f", {1.0}).text("g", {"new"})).build().value().with_roles({{"prediction", {"f"}}, {"group", {"g"}}})}, Options{});
  EXPECT_EQ(unknown.error().code, ErrorCode::bad_value);
}

TEST(ConformalBatch, PropensitiesThinTheCalibration) {
  Workspace workspace({.backend = Backend::serial});
  std::vector<double> y, p;
  for (int i = 0; i < 2000; ++i) {
    y.push_back(i % 2);
    p.push_back(i % 2 == 1 ? 0.5 : 0.2);  // odds 1 and 1/4
  }
  const auto table = std::move(TableBuilder().real("y", y).real("p", p)).build().value().with_roles({{"target", {"y"}}, {"propensity", {"p"}}});
  Params params;
  params.target = Target::median;
  const auto model = fit(workspace.context(), Inputs{table, std::nullopt}, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  const auto& kept = model.value().samples[0].scores;
  const auto ones = static_cast<double>(std::count(kept.begin(), kept.end(), 1.0));
  EXPECT_EQ(ones, 1000);
  EXPECT_NEAR(static_cast<double>(kept.size()) - ones, 250, 75);  // 5.5 standard errors
}

TEST(ConformalBatch, BadInput) {
  Workspace workspace({.backend = Backend::serial});
  const auto table = std::move(TableBuilder().real("y", {1, -2}).real("f", {1, -1})).build().value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}});
  const auto code = [&](auto change) {
    Params params;
    change(params);
    const auto model = fit(workspace.context(), Inputs{table, std::nullopt}, params);
    return model.ok() ? ErrorCode::internal : model.error().code;
  };
  EXPECT_EQ(code([](Params& p) { p.target = Target::kfwer; }), ErrorCode::bad_value);
  EXPECT_EQ(code([](Params& p) { p.target = Target::l_statistic; }), ErrorCode::bad_parameter);
  EXPECT_EQ(code([](Params& p) { p.target = Target::two_order_stats; p.zeta = 2; }), ErrorCode::bad_parameter);
  EXPECT_EQ(code([](Params& p) { p.score_lower_bound = 2; p.score_upper_bound = 1; }), ErrorCode::bad_parameter);
  EXPECT_EQ(code([](Params& p) { p.rank_fn = RankFunction::weighted; p.score_upper_bound = 9; }), ErrorCode::missing_input);
  Model model;
  Params params;
  params.target = Target::order_stat;
  params.zeta = 5;
  EXPECT_EQ(bound_of(workspace.context(), params, {"", first(9)}, model, 3).error().code, ErrorCode::bad_parameter);
}

// The public drug-target predictions of the sheet: P(batch coverage >= 0.9) = 0.957, 0.903, 0.807 for alpha 0.05, 0.1, 0.2 with 500
// calibration rows and batches of 100 (4,000 draws there, 1,000 here; five standard errors of the difference).
TEST(ConformalBatch, DrugTargetBatches) {
  const auto path = std::filesystem::path(PLIMSOLL_SOURCE_DIR) / "../shared/data/batch-predictive-inference/dti_predictions.csv";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "needs the public file dti_predictions.csv";
  auto stream = open_table(path, {}).value();
  const Table all = read_all(*stream).value();
  const Reals y = all.reals("y").value();
  const Reals f = all.reals("muhat").value();
  std::vector<double> scores;
  for (std::size_t i = 0; i < y.size(); ++i) scores.push_back(std::fabs(y[i] - f[i]));
  Stream draws(1);
  constexpr int trials = 1000;
  const std::array<double, 3> alphas = {0.05, 0.1, 0.2};
  const std::array<double, 3> published = {0.957, 0.903, 0.807};
  std::array<int, 3> hits{};
  for (int trial = 0; trial < trials; ++trial) {
    for (std::size_t i = 0; i < 600; ++i) std::swap(scores[i], scores[i + draws.below(scores.size() - i)]);
    std::vector<double> calibration(scores.begin(), scores.begin() + 500);
    std::vector<double> fresh(scores.begin() + 500, scores.begin() + 600);
    std::sort(fresh.begin(), fresh.end());
    for (std::size_t a = 0; a < 3; ++a) {
      Params params;
      params.alpha = alphas[a];
      const Bound bound = bound_with(params, calibration, 100);
      hits[a] += fresh[89] <= bound.upper ? 1 : 0;
    }
  }
  for (std::size_t a = 0; a < 3; ++a) {
    const double p = published[a];
    EXPECT_NEAR(hits[a] / static_cast<double>(trials), p, 5 * std::sqrt(p * (1 - p) * (1.0 / trials + 1.0 / 4000)));
    RecordProperty("coverage_at_alpha_" + std::to_string(a), std::to_string(hits[a] / static_cast<double>(trials)));
  }
}

}  // namespace
}  // namespace plimsoll::conformal::batch

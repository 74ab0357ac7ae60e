// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/weighted/weighted.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/subject.h"
#include "engine/workspace.h"
#include "learn/known_truth.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::conformal::weighted {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// The form that prove must catch: every row weighs the same, and so much that the new one's weight is nothing beside them.
const SpoiledForm spoiled_weights{"conformal.weighted", "rows counted instead of weighed", [](Subject& subject) {
                                    subject.spoil_model([](void* object) {
                                      for (Side& side : static_cast<Model*>(object)->sides)
                                        for (std::size_t i = 0; i < side.reached.size(); ++i) side.reached[i] = 1e6 * static_cast<double>(i + 1);
                                    });
                                  }};

Table rows_with(std::vector<double> y, std::vector<double> w) {
  const std::vector<double> f(y.size(), 0.0);
  return std::move(TableBuilder().real("y", std::move(y)).real("f", f).real("w", std::move(w))).build().value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}, {"weight", {"w"}}});
}

Table ladder(int n, double weight = 1) {
  std::vector<double> y;
  for (int i = 1; i <= n; ++i) y.push_back(i);
  return rows_with(y, std::vector<double>(y.size(), weight));
}

Inputs only(const Table& data) { return {data, std::nullopt, std::nullopt, std::nullopt}; }

double upper_of(Context& context, const Model& model, double w) {
  const Outputs out = apply(context, model, {rows_with({0.0}, {w})}, Options{}).value();
  return out.rows.reals("upper", Missing::as_nan).value()[0];
}

TEST(ConformalWeighted, EqualWeightsAreRanks) {
  Workspace workspace;
  for (int n = 1; n <= 400; n += 7)
    for (const double alpha : {0.05, 0.1, 1.0 / 3}) {
      Params params;
      params.alpha = {alpha};
      const Model model = fit(workspace.context(), only(ladder(n, 0.1)), params).value();
      const std::int64_t k = learn::conformal_rank_of(n, alpha);
      EXPECT_EQ(weighted_threshold(model.sides.front(), alpha, 0.1), k > n ? infinity : static_cast<double>(k)) << n << " " << alpha;
    }
}

TEST(ConformalWeighted, ThresholdByHand) {
  Workspace workspace;
  Params params;
  params.alpha = {0.25};
  // Scores 1, 2, 3, 4 with weights 4, 1, 1, 2: reached 4, 5, 6, 8.
  const Model model = fit(workspace.context(), only(rows_with({3, 1, 4, 2}, {1, 4, 2, 1})), params).value();
  ASSERT_EQ(model.weights, Weights::given);
  EXPECT_EQ(model.sides.front().scores, (std::vector<double>{1, 2, 3, 4}));
  EXPECT_EQ(model.sides.front().reached, (std::vector<double>{4, 5, 6, 8}));
  EXPECT_NEAR(model.effective_size, 64.0 / 22, 1e-12);
  EXPECT_EQ(upper_of(workspace.context(), model, 0), 3);       // 0.75 x 8 = 6
  EXPECT_EQ(upper_of(workspace.context(), model, 1), 4);       // 6.75
  EXPECT_EQ(upper_of(workspace.context(), model, 2.5), 4);     // 7.875
  EXPECT_EQ(upper_of(workspace.context(), model, 3), infinity);  // 8.25
  EXPECT_EQ(upper_of(workspace.context(), model, infinity), infinity);
}

TEST(ConformalWeighted, TheThresholdIsTheDefinition) {
  Stream stream(11);
  Workspace workspace;
  std::vector<double> y, w;
  for (int i = 0; i < 60; ++i) {
    y.push_back(static_cast<double>(stream.below(20)));
    w.push_back(stream.exponential());
  }
  const Model model = fit(workspace.context(), only(rows_with(y, w)), Params{}).value();
  for (int i = 0; i < 200; ++i) {
    const double own = 8 * stream.uniform();
    double all = own;
    for (const double one : w) all += one;
    double expected = infinity;
    for (int t = 19; t >= 0; --t) {
      double below = 0;
      for (std::size_t j = 0; j < y.size(); ++j) below += y[j] <= t ? w[j] : 0;
      if (below >= 0.9 * all && std::find(y.begin(), y.end(), t) != y.end()) expected = t;
    }
    EXPECT_EQ(weighted_threshold(model.sides.front(), 0.1, own), expected);
  }
}

TEST(ConformalWeighted, ManyRowsKeepWhatCanBeAThreshold) {
  Workspace workspace;
  Stream stream(13);
  std::vector<double> y, w;
  for (int i = 0; i < 70000; ++i) {
    y.push_back(stream.exponential());
    w.push_back(stream.uniform());
  }
  Params params;
  params.alpha = {0.05, 0.2};
  const Model model = fit(workspace.context(), only(rows_with(y, w)), params).value();
  EXPECT_LT(model.sides.front().scores.size(), 30000U);
  std::vector<std::pair<double, double>> sorted;
  double all = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    sorted.emplace_back(y[i], w[i]);
    all += w[i];
  }
  std::sort(sorted.begin(), sorted.end());
  EXPECT_NEAR(model.sides.front().reached.back(), all, 1e-9 * all);
  for (const double tail : {0.05, 0.2})
    for (const double own : {0.0, 1.0, 50.0}) {
      double reached = 0;
      std::size_t i = 0;
      while (i < sorted.size() && (reached += sorted[i].second) < (1 - tail) * (all + own)) ++i;
      EXPECT_EQ(weighted_threshold(model.sides.front(), tail, own), sorted[i].first);
    }
}

TEST(ConformalWeighted, DecayForgetsAndPrintsItsLoss) {
  Workspace workspace;
  Params params;
  params.weights = Weights::decay;
  params.decay = 0.5;
  params.drift = 0.05;
  params.alpha = {0.5};
  const Model model = fit(workspace.context(), only(ladder(3)), params).value();  // ages 3, 2, 1: weights 1/8, 1/4, 1/2
  EXPECT_EQ(model.sides.front().reached, (std::vector<double>{0.125, 0.375, 0.875}));
  EXPECT_NEAR(model.loss, (0.125 * 0.3 + 0.25 * 0.2 + 0.5 * 0.1) / 1.875, 1e-15);
  EXPECT_NEAR(model.loss_per_drift, (0.125 * 6 + 0.25 * 4 + 0.5 * 2) / 1.875, 1e-15);
  EXPECT_EQ(upper_of(workspace.context(), model, 1), infinity);  // 0.9375 of 0.875
  const Certificate certificate = certify(model).value();
  EXPECT_TRUE(certificate.vacuous);
  EXPECT_NEAR(certificate.level, 0.5 - model.loss, 1e-15);
}

// x moves by 0.8; the fitted ratio must bring coverage back where the plain quantile loses it.
TEST(ConformalWeighted, FittedRatioMendsTheShift) {
  for (const Learner learner : {Learner::logistic, Learner::trees}) {
    SCOPED_TRACE(learner == Learner::trees ? "trees" : "logistic");
    Workspace workspace({.backend = Backend::serial, .threads = 1});
    Stream stream(5);
    const auto draw = [&](std::int64_t rows, double centre) {
      std::vector<double> x, y, other;
      for (std::int64_t i = 0; i < rows; ++i) {
        x.push_back(centre + stream.normal());
        other.push_back(stream.normal());
        y.push_back(std::exp(0.5 * x.back()) * stream.normal());
      }
      const std::vector<double> f(x.size(), 0.0);
      return std::move(TableBuilder().real("x", x).real("z", other).real("y", y).real("f", f)).build().value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}, {"feature", {"x", "z"}}});
    };
    const Table calibration = draw(2000, 0);
    const Table fresh = draw(2000, 0.8);
    Params params;
    params.learner = learner;
    params.clip = 0.995;
    params.rounds = 20;
    const Model model = fit(workspace.context(), {calibration, fresh.select({"x", "z"}).value(), std::nullopt, std::nullopt}, params).value();
    EXPECT_EQ(model.weights, Weights::shift);
    EXPECT_GT(model.ratio->clipped, 0);
    EXPECT_LT(model.effective_size, 1700);
    EXPECT_GT(model.effective_size, 300);
    const auto share = [&](const Model& fitted) {
      const Table rows = fresh.with_roles({{"target", {"y"}}, {"prediction", {"f"}}});
      const auto holds = learn::holds_truth(rows, apply(workspace.context(), fitted, {rows}, Options{}).value().rows).value();
      return static_cast<double>(std::count(holds.begin(), holds.end(), char{1})) / 2000;
    };
    const double with = share(model);
    Params plain = params;
    plain.weights = Weights::decay;
    plain.decay = 1;
    const double without = share(fit(workspace.context(), only(calibration), plain).value());
    EXPECT_LT(without, 0.86);
    EXPECT_NEAR(with, 0.9, 0.03);
    EXPECT_EQ(certify(model).value().exactness, Exactness::asymptotic);
  }
}

TEST(ConformalWeighted, ClassesAndSeveralLevels) {
  Workspace workspace;
  Stream stream(3);
  const Table plain = learn::dirichlet_rows(stream, 400, "c").value();
  std::vector<double> w;
  for (int i = 0; i < 400; ++i) w.push_back(stream.uniform());
  Roles roles = plain.roles();
  roles["weight"] = {"w"};
  const Table data = plain.with_roles({}).beside(std::move(TableBuilder().real("w", w)).build().value()).value().with_roles(roles);
  for (const auto score : {learn::ConformalScore::lac, learn::ConformalScore::aps, learn::ConformalScore::margin}) {
    Params params;
    params.score = score;
    params.alpha = {0.1, 0.4};
    const Model model = fit(workspace.context(), only(data), params).value();
    const Outputs out = apply(workspace.context(), model, {data}, Options{}).value();
    const auto wide = out.rows.text_lists("set.0.9").value();
    const auto narrow = out.rows.text_lists("set.0.6").value();
    for (std::size_t i = 0; i < wide.size(); ++i) EXPECT_GE(wide[i].size(), narrow[i].size());
  }
}

TEST(ConformalWeighted, BadInput) {
  Workspace workspace;
  const auto code = [&](const Table& table, auto change) {
    Params params;
    change(params);
    const auto model = fit(workspace.context(), only(table), params);
    return model.ok() ? ErrorCode::internal : model.error().code;
  };
  const auto nothing = [](Params&) {};
  EXPECT_EQ(code(rows_with({1, 2}, {1, -1}), nothing), ErrorCode::bad_value);
  EXPECT_EQ(code(rows_with({1, 2}, {0, 0}), nothing), ErrorCode::bad_value);
  EXPECT_EQ(code(rows_with({1, 2}, {1, infinity}), nothing), ErrorCode::bad_value);
  EXPECT_EQ(code(rows_with({1, 2}, {1, std::nan("")}), nothing), ErrorCode::bad_value);
  EXPECT_EQ(code(rows_with({1, 2}, {1, 1.5}), [](Params& p) { p.weights = Weights::fixed; }), ErrorCode::bad_value);
  EXPECT_EQ(code(ladder(3), [](Params& p) { p.weights = Weights::shift; }), ErrorCode::missing_input);
  EXPECT_EQ(code(ladder(3).with_roles({{"target", {"y"}}, {"prediction", {"f"}}}), [](Params& p) { p.weights = Weights::given; }), ErrorCode::missing_input);
  EXPECT_EQ(code(ladder(3).slice(0, 0), nothing), ErrorCode::too_few_rows);
  EXPECT_EQ(code(rows_with({std::nan(""), 2}, {1, 1}), nothing), ErrorCode::bad_value);
  const Model model = fit(workspace.context(), only(ladder(20)), Params{}).value();
  EXPECT_EQ(apply(workspace.context(), model, {rows_with({0.0}, {-1})}, Options{}).error().code, ErrorCode::bad_value);
  EXPECT_EQ(apply(workspace.context(), model, {rows_with({0.0}, {std::nan("")})}, Options{}).error().code, ErrorCode::null_value);
  Model damaged = model;
  damaged.sides.front().reached.back() = -1;
  EXPECT_EQ(apply(workspace.context(), damaged, {ladder(1)}, Options{}).error().code, ErrorCode::corrupt_file);
}

}  // namespace
}  // namespace plimsoll::conformal::weighted

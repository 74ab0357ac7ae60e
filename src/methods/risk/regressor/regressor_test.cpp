// SPDX-License-Identifier: Apache-2.0
#include "methods/risk/regressor/regressor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/door.h"
#include "engine/workspace.h"
#include "stats/order_statistics.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::risk::regressor {
namespace {

// Two points of coverage at the normal density's tail, in learned units.
const SpoiledForm learned_threshold{"risk.regressor", "thresholds too low, as if the scores came from the learning rows", [](Subject& subject) {
                                      subject.spoil_model([](void* model) {
                                        for (learn::Rank& rank : static_cast<Model*>(model)->ranks) rank.threshold *= 0.93;
                                      });
                                    }};

Table cases(std::uint64_t seed, std::int64_t rows, double noise = 1) {
  Stream stream(seed);
  std::vector<double> a, b, y;
  std::vector<std::string> side;
  for (std::int64_t i = 0; i < rows; ++i) {
    a.push_back(stream.normal());
    b.push_back(stream.uniform());
    const double e = stream.normal();
    side.push_back(i % 3 == 0 ? "left" : "right");
    y.push_back(1e6 + 3 * a.back() - 2 * b.back() + noise * (i % 3 == 0 ? 3 : 1) * e);
  }
  return TableBuilder().real("a", a).real("b", b).text("side", side).real("y", y).build().value().with_roles({{"target", {"y"}}, {"group", {"side"}}});
}

Params small(Learner learner, Interval interval) {
  Params params;
  params.learner = learner;
  params.interval = interval;
  params.trees.options.rounds = 20;
  params.trees.options.max_depth = 2;
  return params;
}

Result<Model> fitted(const Table& data, const Params& params) {
  Workspace workspace({.backend = Backend::serial, .seed = 3});
  return fit(workspace.context(), Inputs{data, std::nullopt, std::nullopt}, params);
}

Result<Table> scored(const Model& model, const Table& data) {
  Workspace workspace({.backend = Backend::serial});
  PLIMSOLL_TRY(const Outputs outputs, apply(workspace.context(), model, Cases{data}, Options{Keep::none}));
  return outputs.scored;
}

double covered_share(const Table& rows, const Table& answer, const std::string& only = "") {
  const Reals y = rows.reals("y").value();
  const Reals lower = answer.reals("lower", Missing::as_nan).value();
  const Reals upper = answer.reals("upper", Missing::as_nan).value();
  const std::vector<std::string> side = rows.texts("side").value();
  double covered = 0, tested = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (!only.empty() && side[i] != only) continue;
    tested += 1;
    covered += lower[i] <= y[i] && y[i] <= upper[i] ? 1 : 0;
  }
  return covered / tested;
}

// Least squares of four points on one column, by hand: x = 0 1 2 3, y = 1 3 2 6 give slope 1.4 and intercept 0.9.
TEST(RiskRegressor, RidgeAgreesWithNormalEquationsByHand) {
  const std::vector<double> x = {0, 1, 2, 3}, y = {1, 3, 2, 6};
  Workspace workspace({.backend = Backend::serial});
  const learn::ColumnDesign design(4, {x});
  const auto plain = learn::fit_ridge(workspace.context(), design, y, 0);
  ASSERT_TRUE(plain.ok()) << plain.error().message();
  EXPECT_NEAR(plain.value().coefficients[0], 1.4, 1e-12);
  EXPECT_NEAR(plain.value().intercept, 0.9, 1e-12);
  // The centred sums are Sxx = 5, Sxy = 7; a ridge of 2 gives 7 / 7 = 1 and the intercept 3 - 1.5.
  const auto ridge = learn::fit_ridge(workspace.context(), design, y, 2);
  EXPECT_NEAR(ridge.value().coefficients[0], 1.0, 1e-12);
  EXPECT_NEAR(ridge.value().intercept, 1.5, 1e-12);
  // A row of weight 2 is a row given twice.
  const std::vector<double> again = {0, 1, 2, 3, 3}, y_again = {1, 3, 2, 6, 6}, weight = {1, 1, 1, 2};
  const auto weighted = learn::fit_ridge(workspace.context(), design, y, 1, weight);
  const auto repeated = learn::fit_ridge(workspace.context(), learn::ColumnDesign(5, {again}), y_again, 1);
  EXPECT_NEAR(weighted.value().coefficients[0], repeated.value().coefficients[0], 1e-12);
  EXPECT_NEAR(weighted.value().intercept, repeated.value().intercept, 1e-12);
}

TEST(RiskRegressor, ThresholdIsTheRankOfTheConformalScores) {
  const Table data = cases(5, 500);
  const auto model = fitted(data, small(Learner::linear, Interval::absolute));
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model.value().conformal_rows, 100);
  EXPECT_EQ(model.value().learning_rows, 400);
  EXPECT_EQ(model.value().ranks[0].n, 100);
  EXPECT_EQ(model.value().ranks[0].k, 91);
  const auto answer = scored(model.value(), data);
  ASSERT_TRUE(answer.ok());
  const Reals lower = answer.value().reals("lower").value(), upper = answer.value().reals("upper").value(), mean = answer.value().reals("prediction").value();
  for (std::size_t i = 0; i < 500; ++i) {
    EXPECT_NEAR(upper[i] - mean[i], model.value().ranks[0].threshold * model.value().scale, 1e-6);
    EXPECT_NEAR(mean[i] - lower[i], model.value().ranks[0].threshold * model.value().scale, 1e-6);
  }
}

// Every kind of interval covers about nine of ten new rows (n = 600 conformal rows, 4,000 new ones: the share's standard deviation
// is below 0.015, the limits are more than five of them away).
TEST(RiskRegressor, EveryIntervalCoversNewRows) {
  const Table past = cases(6, 3000);
  const Table fresh = cases(7, 4000);
  for (const Learner learner : {Learner::linear, Learner::trees}) {
    for (const Interval interval : {Interval::absolute, Interval::normalised, Interval::cqr, Interval::cqr_asymmetric}) {
      const auto model = fitted(past, small(learner, interval));
      ASSERT_TRUE(model.ok()) << model.error().message();
      const auto answer = scored(model.value(), fresh);
      ASSERT_TRUE(answer.ok()) << answer.error().message();
      const double share = covered_share(fresh, answer.value());
      EXPECT_GT(share, 0.82) << static_cast<int>(learner) << " " << static_cast<int>(interval);
      EXPECT_LT(share, 0.97) << static_cast<int>(learner) << " " << static_cast<int>(interval);
    }
  }
}

TEST(RiskRegressor, MondrianHoldsWithinEachGroup) {
  const Table past = cases(8, 3000);
  const Table fresh = cases(9, 6000);
  Params params = small(Learner::linear, Interval::absolute);
  const auto marginal = fitted(past, params);
  const auto loose = scored(marginal.value(), fresh);
  EXPECT_LT(covered_share(fresh, loose.value(), "left"), 0.8);  // three times the noise: the average leaves it out
  params.mondrian = Mondrian::group;
  const auto model = fitted(past, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  ASSERT_EQ(model.value().cells, (std::vector<std::string>{"left", "right"}));
  const auto answer = scored(model.value(), fresh);
  for (const char* side : {"left", "right"}) {
    EXPECT_GT(covered_share(fresh, answer.value(), side), 0.80);
    EXPECT_LT(covered_share(fresh, answer.value(), side), 0.98);
  }
  // A group that the conformal rows did not have gets the whole line.
  const Table stranger = TableBuilder().real("a", {0}).real("b", {0}).text("side", {"middle"}).build().value();
  const auto wide = scored(model.value(), stranger);
  ASSERT_TRUE(wide.ok()) << wide.error().message();
  EXPECT_TRUE(std::isinf(wide.value().reals("upper", Missing::as_nan).value()[0]));
}

TEST(RiskRegressor, DifficultyBinsAndFurtherQuantiles) {
  Params params = small(Learner::trees, Interval::absolute);
  params.mondrian = Mondrian::difficulty;
  params.bins = 3;
  params.quantiles = {0.5, 0.25};
  const auto model = fitted(cases(10, 2000), params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_LE(model.value().cell_count(), 3U);
  const auto answer = scored(model.value(), cases(11, 50));
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer.value().has("quantile.0.25"));
  EXPECT_TRUE(answer.value().has("quantile.0.5"));
  const auto& rows = model.value().held_out.quantiles;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_LT(rows[0].below, rows[1].below);
}

TEST(RiskRegressor, LargeTargetsKeepTheirDigits) {
  const auto model = fitted(cases(12, 600, 1e-3), small(Learner::linear, Interval::absolute));
  ASSERT_TRUE(model.ok());
  const auto answer = scored(model.value(), cases(13, 100, 1e-3));
  const Reals lower = answer.value().reals("lower").value(), upper = answer.value().reals("upper").value();
  EXPECT_LT(upper[0] - lower[0], 0.1);  // of a target near 1e6: float32 alone would lose 0.06
}

TEST(RiskRegressor, RefusesWhatItCannotPromise) {
  EXPECT_EQ(fitted(cases(1, 20), small(Learner::linear, Interval::absolute)).error().code, ErrorCode::too_few_rows);
  Params params = small(Learner::linear, Interval::absolute);
  params.small_n = SmallSample::infinite;
  const auto vacuous = fitted(cases(1, 20), params);
  ASSERT_TRUE(vacuous.ok()) << vacuous.error().message();
  EXPECT_TRUE(certify(vacuous.value()).value().vacuous);
  Workspace workspace({.backend = Backend::serial});
  const Table data = cases(2, 300);
  const auto overlap = fit(workspace.context(), Inputs{data, data, std::nullopt}, small(Learner::linear, Interval::absolute));
  ASSERT_FALSE(overlap.ok());
  EXPECT_EQ(overlap.error().code, ErrorCode::overlap);
  const Table words = TableBuilder().real("a", {1, 2}).text("y", {"x", "z"}).build().value().with_roles({{"target", {"y"}}});
  EXPECT_EQ(fitted(words, params).error().code, ErrorCode::wrong_type);
  params.share_spread = 0.5;
  EXPECT_EQ(check(params).error().code, ErrorCode::bad_parameter);
}

TEST(RiskRegressor, ReportSaysRedOnRowsOfAnotherPopulation) {
  const auto model = fitted(cases(14, 2000), small(Learner::linear, Interval::absolute));
  ASSERT_TRUE(model.ok());
  Workspace workspace({.backend = Backend::serial});
  const auto alike = diagnose_test(workspace.context(), model.value(), cases(15, 1000));
  const auto other = diagnose_test(workspace.context(), model.value(), cases(16, 1000, 3));
  ASSERT_TRUE(alike.ok() && other.ok());
  const Certificate promise = certify(model.value()).value();
  EXPECT_NE(draw(model.value(), promise, alike.value()).verdict, "red");
  const Report report = draw(model.value(), promise, other.value());
  EXPECT_EQ(report.verdict, "red");
  EXPECT_TRUE(plimsoll::check(report).ok());
}

}  // namespace
}  // namespace plimsoll::risk::regressor

// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/resample/resample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/workspace.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::conformal::resample {
namespace {

const SpoiledForm one_rank_low{"conformal.resample", "ranks one too low", [](Subject& subject) {
                                 subject.spoil_model([](void* m) {
                                   for (std::int64_t& rank : static_cast<Model*>(m)->ranks) --rank;
                                 });
                               }};

Result<Model> fitted(const Table& table, const Params& params) {
  Workspace workspace({.backend = Backend::serial});
  return fit(workspace.context(), Inputs{table}, params);
}

Result<Table> applied(const Model& model, const Table& table, Options options = {}) {
  Workspace workspace({.backend = Backend::serial});
  auto out = apply(workspace.context(), model, ApplyInputs{table}, options);
  if (!out) return std::move(out).error();
  return out.value().rows;
}

// Two folds: residuals a {1, 3}, b {2, 4}. A new row is predicted 10 without a, 12 without b. alpha = 0.5, n = 4: k = 3, j = 2.
// mu + R: 11 13 14 16, third 14; mu - R: 9 7 10 8, second 8. minmax: q = 3: [7, 15].
TEST(ConformalResample, CvPlusByHand) {
  auto table = TableBuilder().real("y", {1, 0, 0, 5}).real("p", {0, 2, 3, 1}).text("f", {"a", "b", "a", "b"}).build().value();
  table = table.with_roles({{"target", {"y"}}, {"prediction", {"p"}}, {"fold", {"f"}}});
  const auto fresh = TableBuilder().real("a", {10}).real("b", {12}).build().value().with_roles({{"prediction", {"a", "b"}}});
  Params params;
  params.alpha = {0.5};
  const auto model = fitted(table, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model.value().residuals, (std::vector<double>{1, 3, 2, 4}));
  EXPECT_EQ(model.value().folds, (std::vector<std::string>{"a", "b"}));
  const auto plus = applied(model.value(), fresh);
  ASSERT_TRUE(plus.ok()) << plus.error().message();
  EXPECT_EQ(plus.value().reals("lower").value()[0], 8);
  EXPECT_EQ(plus.value().reals("upper").value()[0], 14);
  params.interval = Interval::minmax;
  const auto wide = applied(fitted(table, params).value(), fresh).value();
  EXPECT_EQ(wide.reals("lower").value()[0], 7);
  EXPECT_EQ(wide.reals("upper").value()[0], 15);
  // k = 5 of 4: the whole line.
  params.interval = Interval::plus;
  params.alpha = {0.1};
  const auto whole = applied(fitted(table, params).value(), fresh).value();
  EXPECT_EQ(whole.reals("lower", Missing::as_nan).value()[0], -infinity);
  EXPECT_EQ(whole.reals("upper", Missing::as_nan).value()[0], infinity);
  EXPECT_TRUE(certify(fitted(table, params).value()).value().vacuous);
  params.small_n = learn::SmallSample::error;
  EXPECT_EQ(fitted(table, params).error().code, ErrorCode::too_few_rows);
}

// Three bags; rows are outside {0, 1}, {1}, {2} and none.
TEST(ConformalResample, BootstrapByHand) {
  auto table = TableBuilder().real("y", {3, 5, 0, 1}).real("p0", {1, 9, 9, 9}).real("p1", {3, 4, 9, 9}).real("p2", {9, 9, 2, 9})
                   .integer("b0", {0, 1, 1, 1}).integer("b1", {0, 0, 2, 1}).integer("b2", {1, 1, 0, 3}).build().value();
  table = table.with_roles({{"target", {"y"}}, {"prediction", {"p0", "p1", "p2"}}, {"bag", {"b0", "b1", "b2"}}});
  Params params;
  params.alpha = {0.5};
  params.scheme = Scheme::bootstrap;
  const auto model = fitted(table, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model.value().residuals, (std::vector<double>{1, 1, 2, infinity}));
  // A new row: bags say 10, 12, 20; rows' own predictions 11, 12, 20; mu + R 12 13 22 inf: third 22; R - mu -10 -11 -18 inf: third -10.
  const auto fresh = TableBuilder().real("p0", {10}).real("p1", {12}).real("p2", {20}).build().value().with_roles({{"prediction", {"p0", "p1", "p2"}}});
  const auto plus = applied(model.value(), fresh);
  ASSERT_TRUE(plus.ok()) << plus.error().message();
  EXPECT_EQ(plus.value().reals("lower").value()[0], 10);
  EXPECT_EQ(plus.value().reals("upper").value()[0], 22);
}

// Scores lac: fold a {0.1, 0.6}, fold b {0.3}; a class with 1 - p of 0.2 without a and 0.4 without b lies above 0.1 and 0.3:
// p = (1 + 1) / 4.
TEST(ConformalResample, CrossConformalPValuesByHand) {
  auto table = TableBuilder().text("y", {"u", "u", "v"}).real("p_u", {0.9, 0.4, 0.3}).real("p_v", {0.1, 0.6, 0.7}).integer("f", {1, 1, 2}).build().value();
  table = table.with_roles({{"target", {"y"}}, {"probability", {"p_u", "p_v"}}, {"fold", {"f"}}});
  Params params;
  params.alpha = {0.4};
  const auto model = fitted(table, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  const auto fresh = TableBuilder().real("u1", {0.8}).real("v1", {0.2}).real("u2", {0.6}).real("v2", {0.4}).build().value().with_roles({{"probability", {"u1", "v1", "u2", "v2"}}});
  Options options;
  options.p_values = true;
  const auto out = applied(model.value(), fresh, options);
  ASSERT_TRUE(out.ok()) << out.error().message();
  EXPECT_DOUBLE_EQ(out.value().reals("p_value.u").value()[0], 0.5);
  EXPECT_DOUBLE_EQ(out.value().reals("p_value.v").value()[0], 0.25);
  EXPECT_EQ(out.value().text_lists("set").value()[0], std::vector<std::string>{"u"});
}

Table line(std::size_t n, std::uint64_t seed) {
  Stream stream(seed);
  std::vector<double> x, y;
  for (std::size_t i = 0; i < n; ++i) {
    x.push_back(stream.normal());
    const double noise = stream.normal();
    y.push_back(2 * x.back() + noise);
  }
  return TableBuilder().real("x", x).real("y", y).build().value().with_roles({{"target", {"y"}}, {"feature", {"x"}}});
}

// |residual| of row i of least squares through all points.
double residual(const std::vector<double>& x, const std::vector<double>& y, std::size_t i) {
  double mx = 0, my = 0, xx = 0, xy = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    mx += x[j] / static_cast<double>(x.size());
    my += y[j] / static_cast<double>(x.size());
  }
  for (std::size_t j = 0; j < x.size(); ++j) {
    xx += (x[j] - mx) * (x[j] - mx);
    xy += (x[j] - mx) * (y[j] - my);
  }
  return std::fabs(y[i] - my - xy / xx * (x[i] - mx));
}

// p(y) by fitting n + 1 rows, just inside and just outside the ends.
TEST(ConformalResample, FullAgreesWithFittingEachCandidate) {
  Params params;
  params.scheme = Scheme::full;
  params.l2 = 0;
  params.alpha = {0.2};
  const Table past = line(24, 3);
  const Table fresh = line(6, 4);
  const auto model = fitted(past, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  const auto out = applied(model.value(), fresh);
  ASSERT_TRUE(out.ok()) << out.error().message();
  const Reals px = past.reals("x").value(), py = past.reals("y").value(), fx = fresh.reals("x").value();
  const Reals lower = out.value().reals("lower").value(), upper = out.value().reals("upper").value();
  for (std::size_t r = 0; r < 6; ++r) {
    std::vector<double> x(px.begin(), px.end()), y(py.begin(), py.end());
    x.push_back(fx[r]);
    y.push_back(0);
    const auto p = [&](double candidate) {
      y.back() = candidate;
      int count = 0;
      for (std::size_t i = 0; i < x.size(); ++i) count += residual(x, y, i) >= residual(x, y, x.size() - 1) * (1 - 1e-12) ? 1 : 0;
      return count / 25.0;
    };
    EXPECT_GT(p(lower[r] + 1e-7), 0.2 + 1e-9);
    EXPECT_LE(p(lower[r] - 1e-7), 0.2 + 1e-9);
    EXPECT_GT(p(upper[r] - 1e-7), 0.2 + 1e-9);
    EXPECT_LE(p(upper[r] + 1e-7), 0.2 + 1e-9);
  }
}

// Folds and bags that learn: intervals hold about what they should, and all of it is the same again.
TEST(ConformalResample, LearnsFromFeatures) {
  const Table past = line(300, 5);
  const Table fresh = line(2000, 6);
  const Reals y = fresh.reals("y").value();
  for (const Scheme scheme : {Scheme::cv, Scheme::bootstrap}) {
    Params params;
    params.scheme = scheme;
    params.bags = 12;
    const auto model = fitted(past, params);
    ASSERT_TRUE(model.ok()) << model.error().message();
    const auto out = applied(model.value(), fresh);
    ASSERT_TRUE(out.ok()) << out.error().message();
    const Reals lower = out.value().reals("lower").value(), upper = out.value().reals("upper").value();
    int covered = 0;
    for (std::size_t i = 0; i < y.size(); ++i) covered += lower[i] <= y[i] && y[i] <= upper[i] ? 1 : 0;
    EXPECT_GT(covered, 1660);  // Beta(271, 30) at 1e-9, then binomial
    EXPECT_LT(covered, 1940);
    EXPECT_EQ(model.value().residuals, fitted(past, params).value().residuals);
  }
}

TEST(ConformalResample, ClassesFromFeatures) {
  const Table past = line(120, 7);
  std::vector<std::string> labels;
  {
    const Reals column = past.reals("y").value();
    for (const double v : column) labels.push_back(v > 1 ? "high" : v > -1 ? "middle" : "low");
  }
  const Table named = past.select({"x"}).value().beside(TableBuilder().text("y", labels).build().value()).value().with_roles(past.roles());
  for (const Scheme scheme : {Scheme::cv, Scheme::full}) {
    Params params;
    params.scheme = scheme;
    const auto model = fitted(named, params);
    ASSERT_TRUE(model.ok()) << model.error().message();
    EXPECT_EQ(model.value().classes, (std::vector<std::string>{"high", "low", "middle"}));
    const auto sets = applied(model.value(), named).value().text_lists("set").value();
    int held = 0;
    for (std::size_t i = 0; i < sets.size(); ++i) held += std::find(sets[i].begin(), sets[i].end(), labels[i]) != sets[i].end() ? 1 : 0;
    EXPECT_GE(held, 105);
  }
}

// Two classes of a weak model: without a draw aps must take both, with one it need not.
TEST(ConformalResample, RandomisedSetsAreSharper) {
  Stream stream(11);
  std::vector<double> p, q;
  std::vector<std::string> y;
  std::vector<std::int64_t> fold;
  for (int i = 0; i < 2000; ++i) {
    p.push_back(stream.uniform());
    q.push_back(1 - p.back());
    y.push_back(stream.bernoulli(p.back()) ? "u" : "v");
    fold.push_back(i % 2);
  }
  const Table table = TableBuilder().text("y", y).real("p_u", p).real("p_v", q).integer("f", fold).build().value().with_roles({{"target", {"y"}}, {"probability", {"p_u", "p_v"}}, {"fold", {"f"}}});
  Params params;
  params.score = learn::ClassScore::aps;
  params.alpha = {0.2};
  std::size_t sizes[2] = {0, 0};
  for (const bool randomized : {false, true}) {
    params.randomized = randomized;
    const auto sets = applied(fitted(table, params).value(), table.with_roles({{"probability", {"p_u", "p_v", "p_u", "p_v"}}})).value().text_lists("set").value();
    int held = 0;
    for (std::size_t i = 0; i < sets.size(); ++i) {
      sizes[randomized ? 1 : 0] += sets[i].size();
      held += std::find(sets[i].begin(), sets[i].end(), y[i]) != sets[i].end() ? 1 : 0;
    }
    EXPECT_GT(held, 1500);
  }
  EXPECT_LT(sizes[1], sizes[0] - 200);
  params.score = learn::ClassScore::lac;
  EXPECT_EQ(check(params).error().code, ErrorCode::bad_parameter);
}

TEST(ConformalResample, PromisesByFormula) {
  Model model;
  model.n = 100;
  model.models = 5;
  model.offsets = {0, 20, 40, 60, 80, 100};
  EXPECT_NEAR(promised(model, 0.1), 0.8 - std::min(2 * 0.8 / 21, 0.95 / 6), 1e-12);
  model.params.interval = Interval::minmax;
  EXPECT_NEAR(promised(model, 0.1), 0.9 * 101 / 120, 1e-12);
  model.models = 100;
  model.offsets.clear();
  for (std::int64_t i = 0; i <= 100; ++i) model.offsets.push_back(i);
  EXPECT_NEAR(promised(model, 0.1), 0.9, 1e-12);
  model.params.interval = Interval::plus;
  EXPECT_NEAR(promised(model, 0.1), 0.8, 1e-12);
}

TEST(ConformalResample, BadInput) {
  const Table good = line(30, 9);
  EXPECT_EQ(fitted(good.with_roles({{"target", {"y"}}}), Params{}).error().code, ErrorCode::missing_input);
  EXPECT_EQ(fitted(good.with_roles({{"target", {"y"}}, {"prediction", {"x"}}}), Params{}).error().code, ErrorCode::missing_input);
  EXPECT_EQ(fitted(good.with_roles({{"target", {"y"}}, {"prediction", {"x"}}, {"feature", {"x"}}}), Params{}).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(fitted(good.slice(0, 1), Params{}).error().code, ErrorCode::too_few_rows);
  Params params;
  params.alpha = {1.5};
  EXPECT_EQ(fitted(good, params).error().code, ErrorCode::bad_parameter);
  params = {};
  params.folds = 1;
  EXPECT_EQ(check(params).error().code, ErrorCode::bad_parameter);
  params = {};
  params.scheme = Scheme::bootstrap;
  params.task = Task::classes;
  EXPECT_EQ(check(params).error().code, ErrorCode::bad_parameter);
  auto missing = TableBuilder().real("y", {1, std::nan("")}).real("p", {1, 2}).integer("f", {0, 1}).build().value().with_roles({{"target", {"y"}}, {"prediction", {"p"}}, {"fold", {"f"}}});
  const auto refused = fitted(missing, Params{});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().row, 1);
  const auto model = fitted(TableBuilder().real("y", {1, 2}).real("p", {1, 2}).integer("f", {0, 1}).build().value().with_roles(missing.roles()), Params{}).value();
  EXPECT_EQ(applied(model, missing.with_roles({{"prediction", {"p"}}})).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(applied(model, missing.with_roles({})).error().code, ErrorCode::missing_input);
  Model hostile = model;
  hostile.offsets.back() = 99;
  EXPECT_EQ(sound(hostile).error().code, ErrorCode::corrupt_file);
}

}  // namespace
}  // namespace plimsoll::conformal::resample

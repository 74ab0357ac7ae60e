// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/group/group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/subject.h"
#include "engine/workspace.h"
#include "learn/known_truth.h"
#include "stats/weighted_kmeans.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::conformal::group {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// The form that prove must catch: every category has the threshold of the first.
const SpoiledForm spoiled_pool{"conformal.group", "one threshold for all categories", [](Subject& subject) {
                                 subject.spoil_model([](void* object) {
                                   auto& model = *static_cast<Model*>(object);
                                   for (std::size_t i = 0; i < model.thresholds.size(); ++i) model.thresholds[i] = model.thresholds[i - i % model.pools.size()];
                                 });
                               }};

// Residuals 1 .. n in group a, 10 .. 10 n in group b, around 0.
Table two_groups(int a, int b) {
  std::vector<double> y, f;
  std::vector<std::string> g;
  for (int i = 1; i <= a; ++i) { y.push_back(i); g.emplace_back("a"); }
  for (int i = 1; i <= b; ++i) { y.push_back(-10.0 * i); g.emplace_back("b"); }
  f.assign(y.size(), 0.0);
  auto table = std::move(TableBuilder().real("y", y).real("f", f).text("g", g)).build().value();
  return table.with_roles({{"target", {"y"}}, {"prediction", {"f"}}, {"group", {"g"}}});
}

Table fresh_rows(std::vector<std::string> groups) {
  const std::vector<double> f(groups.size(), 0.0);
  return std::move(TableBuilder().real("f", f).text("g", std::move(groups))).build().value().with_roles({{"prediction", {"f"}}, {"group", {"g"}}});
}

TEST(ConformalGroup, EachGroupHasItsOwnQuantile) {
  Workspace workspace;
  const Model model = fit(workspace.context(), {two_groups(9, 19), std::nullopt}, Params{}).value();
  ASSERT_EQ(model.groups, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(model.thresholds, (std::vector<double>{9, 180}));
  const Outputs out = apply(workspace.context(), model, {fresh_rows({"b", "a", "c"})}, Options{}).value();
  const Reals upper = out.rows.reals("upper", Missing::as_nan).value();
  EXPECT_EQ(upper[0], 180);
  EXPECT_EQ(upper[1], 9);
  EXPECT_EQ(upper[2], infinity);
  const auto warnings = workspace.warnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings.front().find("'c'"), std::string::npos) << warnings.front();
}

TEST(ConformalGroup, AGroupTooSmallIsTheWholeSpace) {
  Workspace workspace;
  const Model model = fit(workspace.context(), {two_groups(8, 19), std::nullopt}, Params{}).value();
  EXPECT_EQ(model.thresholds, (std::vector<double>{infinity, 180}));
  const Certificate certificate = certify(model).value();
  EXPECT_FALSE(certificate.vacuous);
  EXPECT_EQ(certificate.values.at("categories_without_answer"), 1);
  Params strict;
  strict.small_n = learn::SmallSample::error;
  const auto refused = fit(workspace.context(), {two_groups(8, 19), std::nullopt}, strict);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::too_few_rows);
  EXPECT_NE(refused.error().message().find("'a' has 8"), std::string::npos);
}

// Two classes; class x always scores 0.1 .. 0.9, class z 0.5 x those: lac by hand.
Table two_classes() {
  std::vector<double> px, pz;
  std::vector<std::string> y;
  for (int i = 1; i <= 9; ++i) {
    px.push_back(1 - 0.1 * i);
    pz.push_back(0.1 * i);
    y.emplace_back("x");
    pz.push_back(1 - 0.05 * i);
    px.push_back(0.05 * i);
    y.emplace_back("z");
  }
  return std::move(TableBuilder().real("p_x", px).real("p_z", pz).text("y", y)).build().value().with_roles({{"target", {"y"}}, {"probability", {"p_x", "p_z"}}});
}

TEST(ConformalGroup, LabelsAreTestedAgainstTheirOwnClass) {
  Workspace workspace;
  const Model model = fit(workspace.context(), {two_classes(), std::nullopt}, Params{}).value();
  EXPECT_EQ(model.by, By::label);
  ASSERT_EQ(model.thresholds.size(), 2U);
  EXPECT_NEAR(model.thresholds[0], 0.9, 1e-12);
  EXPECT_NEAR(model.thresholds[1], 0.45, 1e-12);
  auto rows = std::move(TableBuilder().real("p_x", {0.3, 0.6, 0.05}).real("p_z", {0.7, 0.4, 0.95})).build().value().with_roles({{"probability", {"p_x", "p_z"}}});
  const auto sets = apply(workspace.context(), model, {rows}, Options{}).value().rows.text_lists("set").value();
  EXPECT_EQ(sets[0], (std::vector<std::string>{"x", "z"}));
  EXPECT_EQ(sets[1], (std::vector<std::string>{"x"}));
  EXPECT_EQ(sets[2], (std::vector<std::string>{"z"}));
}

TEST(ConformalGroup, GivenEdgesAndBinsFromRowsSetAside) {
  Workspace workspace;
  std::vector<double> y, d, fold;
  for (int i = 1; i <= 40; ++i) {
    y.push_back(i);
    d.push_back(i <= 20 ? 0.0 : 1.0);
    fold.push_back(0);
  }
  for (int i = 0; i < 20; ++i) {  // set aside: huge residuals that must not calibrate
    y.push_back(1e6);
    d.push_back(i < 10 ? 0.0 : 1.0);
    fold.push_back(1);
  }
  const std::vector<double> f(y.size(), 0.0);
  const Table plain = std::move(TableBuilder().real("y", y).real("f", f).real("d", d).real("fold", fold)).build().value();
  Params params;
  params.edges = {0.5};
  params.alpha = {0.5};
  const Roles roles = {{"target", {"y"}}, {"prediction", {"f"}}, {"difficulty", {"d"}}};
  Roles folded = roles;
  folded["fold"] = {"fold"};
  const Model given = fit(workspace.context(), {plain.slice(0, 40).with_roles(roles), std::nullopt}, params).value();
  EXPECT_EQ(given.by, By::difficulty);
  EXPECT_EQ(given.thresholds, (std::vector<double>{11, 31}));
  params.edges.clear();
  params.bins = 2;
  const Model chosen = fit(workspace.context(), {plain.with_roles(folded), std::nullopt}, params).value();
  EXPECT_EQ(chosen.edges, (std::vector<double>{0.5}));
  EXPECT_EQ(chosen.thresholds, given.thresholds);
  EXPECT_EQ(chosen.set_aside, 20);
  EXPECT_EQ(chosen.n, 40);
}

TEST(ConformalGroup, ClustersMergeWhatScoresAlike) {
  Workspace workspace;
  // Groups a and b are alike, c is ten times as noisy, d has two rows only.
  Stream stream(7);
  std::vector<double> y;
  std::vector<std::string> g;
  for (int i = 0; i < 600; ++i) {
    const int which = i % 3;
    y.push_back(stream.normal() * (which == 2 ? 10 : 1));
    g.emplace_back(which == 0 ? "a" : which == 1 ? "b" : "c");
  }
  for (int i = 0; i < 2; ++i) { y.push_back(0.0); g.emplace_back("d"); }
  const std::vector<double> f(y.size(), 0.0);
  const Table data = std::move(TableBuilder().real("y", y).real("f", f).text("g", g)).build().value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}, {"group", {"g"}}});
  Params params;
  params.by = By::clusters;
  params.clusters = 2;
  const Model model = fit(workspace.context(), {data, std::nullopt}, params).value();
  ASSERT_EQ(model.groups.size(), 4U);
  EXPECT_EQ(model.pool_of[0], model.pool_of[1]);
  EXPECT_NE(model.pool_of[0], model.pool_of[2]);
  EXPECT_NE(model.pool_of[3], model.pool_of[0]);
  EXPECT_NE(model.pool_of[3], model.pool_of[2]);
  EXPECT_GT(model.set_aside, 120);
  EXPECT_EQ(model.n + model.set_aside, 602);
  EXPECT_EQ(model.thresholds[static_cast<std::size_t>(model.pool_of[3])], infinity);
}

TEST(ConformalGroup, SeveralColumnsAndClassesTogether) {
  Workspace workspace;
  Stream stream(3);
  const Table plain = learn::dirichlet_rows(stream, 300, "c").value();
  std::vector<std::string> one, two;
  for (int i = 0; i < 300; ++i) {
    one.push_back(i % 2 == 0 ? "m" : "f");
    two.push_back(i % 3 == 0 ? "old" : "young");
  }
  Roles roles = plain.roles();
  roles["group"] = {"sex", "age"};
  const Table data = plain.with_roles({}).beside(std::move(TableBuilder().text("sex", one).text("age", two)).build().value()).value().with_roles(roles);
  Params params;
  params.by = By::group_label;
  params.score = learn::ConformalScore::aps;
  params.randomized = true;
  params.alpha = {0.1, 0.3};
  const Model model = fit(workspace.context(), {data, std::nullopt}, params).value();
  EXPECT_EQ(model.groups.size(), 4U);
  EXPECT_EQ(model.pools.size(), 12U);
  EXPECT_EQ(model.thresholds.size(), 24U);
  const Outputs out = apply(workspace.context(), model, {data}, Options{}).value();
  EXPECT_TRUE(out.rows.has("set.0.9"));
  EXPECT_TRUE(out.rows.has("set.0.7"));
}

TEST(ConformalGroup, BadInput) {
  Workspace workspace;
  const auto code = [&](const Table& table, auto change) {
    Params params;
    change(params);
    const auto model = fit(workspace.context(), Inputs{table, std::nullopt}, params);
    return model.ok() ? ErrorCode::internal : model.error().code;
  };
  const Table numbers = two_groups(9, 19);
  const auto nothing = [](Params&) {};
  EXPECT_EQ(code(numbers, [](Params& p) { p.alpha = {1.0}; }), ErrorCode::bad_parameter);
  EXPECT_EQ(code(numbers, [](Params& p) { p.alpha = {}; }), ErrorCode::bad_parameter);
  EXPECT_EQ(code(numbers, [](Params& p) { p.by = By::label; }), ErrorCode::bad_parameter);
  EXPECT_EQ(code(numbers, [](Params& p) { p.by = By::difficulty; }), ErrorCode::missing_input);
  EXPECT_EQ(code(numbers, [](Params& p) { p.edges = {2, 1}; }), ErrorCode::bad_parameter);
  EXPECT_EQ(code(numbers.slice(0, 0), nothing), ErrorCode::too_few_rows);
  Table gap = std::move(TableBuilder().real("y", {1, 2}).real("f", {0, 0}).category("g", {0, -1}, {"a"})).build().value().with_roles(numbers.roles());
  EXPECT_EQ(code(gap, nothing), ErrorCode::null_value);
  Table nan = std::move(TableBuilder().real("y", {1, std::nan("")}).real("f", {0, 0}).text("g", {"a", "a"})).build().value().with_roles(numbers.roles());
  EXPECT_EQ(code(nan, nothing), ErrorCode::bad_value);
  EXPECT_EQ(code(nan, [](Params& p) { p.missing = learn::MissingRows::drop; }), ErrorCode::internal);
  Model model = fit(workspace.context(), {numbers, std::nullopt}, Params{}).value();
  model.pool_of.front() = 7;
  EXPECT_EQ(apply(workspace.context(), model, {fresh_rows({"a"})}, Options{}).error().code, ErrorCode::corrupt_file);
}

TEST(ConformalGroup, LearningRowsAreRefused) {
  Workspace workspace;
  const Table data = two_groups(40, 40);
  const auto model = fit(workspace.context(), Inputs{data, data}, Params{});
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.error().code, ErrorCode::overlap);
}

TEST(WeightedKmeans, FindsTwoHeapsAndIsNotMovedByTheirOrder) {
  const std::vector<double> points = {0, 0.1, 9, 9.2, 0.2};
  const std::vector<double> ones(5, 1.0);
  EXPECT_EQ(stats::weighted_kmeans(points, 1, ones, 2), (std::vector<std::int32_t>{0, 0, 1, 1, 0}));
  EXPECT_EQ(stats::weighted_kmeans(points, 1, ones, 1), (std::vector<std::int32_t>(5, 0)));
  EXPECT_EQ(stats::weighted_kmeans(points, 1, ones, 9).size(), 5U);
}

}  // namespace
}  // namespace plimsoll::conformal::group

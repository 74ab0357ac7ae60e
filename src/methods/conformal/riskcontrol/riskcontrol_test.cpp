// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/riskcontrol/riskcontrol.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <tuple>

#include "engine/workspace.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::conformal::riskcontrol {
namespace {

const SpoiledForm spoiled_lambda{"conformal.riskcontrol", "lambda less cautious by 0.03", [](Subject& subject) {
                                   subject.spoil_model([](void* m) { static_cast<Model*>(m)->lambda -= 0.03; });
                                 }};

Table losses(std::vector<std::vector<double>> columns, std::vector<std::string> names) {
  TableBuilder builder;
  for (std::size_t c = 0; c < columns.size(); ++c) builder.real(names[c], std::move(columns[c]));
  return builder.build().value().with_roles({{"loss", names}});
}

Result<Model> fitted(Table table, Params params) {
  Workspace workspace({.backend = Backend::serial});
  return fit(workspace.context(), Inputs{std::move(table), std::nullopt}, params);
}

// n = 4, B = 2: (sum + 2) / 5 <= alpha. Sums 8, 3, 1, 0 give 2, 1, 0.6, 0.4.
TEST(ConformalRiskControl, CrcByHand) {
  const auto table = losses({{2, 2, 2, 2}, {2, 1, 0, 0}, {1, 0, 0, 0}, {0, 0, 0, 0}}, {"x@0", "x@1", "x@2", "x@3"});
  Params params;
  params.bound = 2;
  for (const auto& [alpha, lambda, certified] : {std::tuple{1.0, 1.0, true}, {0.99, 2.0, true}, {0.6, 2.0, true}, {0.59, 3.0, true}, {0.4, 3.0, true}, {0.39, 3.0, false}}) {
    params.alpha = {alpha};
    const auto model = fitted(table, params);
    ASSERT_TRUE(model.ok()) << model.error().message();
    EXPECT_EQ(model.value().lambda, lambda) << alpha;
    EXPECT_EQ(model.value().certified, certified) << alpha;
    EXPECT_EQ(certify(model.value()).value().vacuous, !certified);
  }
  EXPECT_DOUBLE_EQ(fitted(table, params).value().risks[1], 0.75);
}

// Sets {k : p_k >= 1 - lambda} of two labels; the true ones of the three rows are both, the first, none.
TEST(ConformalRiskControl, FalseNegativesByHand) {
  auto table = std::move(TableBuilder().real("p_a", {0.75, 0.5, 0.1}).real("p_b", {0.25, 0.9, 0.2}).integer("a", {1, 1, 0}).integer("b", {1, 0, 0})).build().value();
  table = table.with_roles({{"probability", {"p_a", "p_b"}}, {"label", {"a", "b"}}});
  Params params;
  params.grid = 5;
  params.alpha = {0.9};
  const auto model = fitted(table, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  // lambda 0, .25, .5, .75, 1: row 1 misses 2/2, 1/2, 1/2, 0, 0; row 2 misses 1, 1, 0, 0, 0; row 3 nothing.
  EXPECT_EQ(model.value().risks, (std::vector<double>{2.0 / 3, 0.5, 0.5 / 3, 0, 0}));
  // The same as pixels of one picture: 3 true, of which 3, 2, 1, 0, 0 are missed.
  const auto group = std::move(TableBuilder().text("g", {"x", "x", "x"})).build().value();
  Roles roles = table.roles();
  roles["group"] = {"g"};
  const auto picture = fitted(table.beside(group).value().with_roles(roles), params);
  ASSERT_TRUE(picture.ok()) << picture.error().message();
  EXPECT_EQ(picture.value().n, 1);
  EXPECT_EQ(picture.value().risks, (std::vector<double>{1, 2.0 / 3, 1.0 / 3, 0, 0}));
}

TEST(ConformalRiskControl, ApplyHoldsWhatTheLossCounts) {
  auto table = std::move(TableBuilder().real("p_a", {0.7, 0.3}).real("p_b", {0.3, 0.7}).text("y", {"a", "b"})).build().value();
  table = table.with_roles({{"probability", {"p_a", "p_b"}}, {"target", {"y"}}});
  Params params;
  params.alpha = {0.6};
  params.grid = 11;
  const auto model = fitted(table, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  Workspace workspace({.backend = Backend::serial});
  const auto out = apply(workspace.context(), model.value(), ApplyInputs{table}, Options{});
  ASSERT_TRUE(out.ok()) << out.error().message();
  const auto sets = out.value().rows.text_lists("set").value();
  std::int64_t missed = 0;
  for (std::size_t i = 0; i < 2; ++i) missed += sets[i] == std::vector<std::string>{i == 0 ? "a" : "b"} ? 0 : 1;
  EXPECT_DOUBLE_EQ(model.value().risks[static_cast<std::size_t>(model.value().index)], static_cast<double>(missed) / 2);
}

// 50 rows of losses 0 or 1, k errors; P(Bin(50, 0.2) <= 4) = 0.0185, <= 5 = 0.0480, <= 6 = 0.1034.
TEST(ConformalRiskControl, TestsWalkFromTheCautiousEnd) {
  std::vector<std::vector<double>> columns(4, std::vector<double>(50, 0.0));
  const std::array<std::size_t, 4> errors = {4, 6, 5, 0};  // the first would pass, but stands behind one that fails
  for (std::size_t j = 0; j < 4; ++j)
    for (std::size_t i = 0; i < errors[j]; ++i) columns[j][i] = 1;
  const auto table = losses(columns, {"e@1", "e@2", "e@3", "e@4"});
  Params params;
  params.alpha = {0.2};
  params.delta = 0.05;
  params.procedure = Procedure::ltt;
  EXPECT_EQ(fitted(table, params).value().lambda, 3);
  EXPECT_NEAR(fitted(table, params).value().p_values[2], 0.0480, 5e-5);
  params.family = Family::bonferroni;  // 0.05 / 4 = 0.0125: only the last
  EXPECT_EQ(fitted(table, params).value().lambda, 4);
  params.family = Family::holm;        // then 0.05 / 3 = 0.0167 < 0.0185
  EXPECT_EQ(fitted(table, params).value().lambda, 4);
  params.delta = 0.06;                 // 0.02 >= 0.0185, then 0.03 < 0.0480
  EXPECT_EQ(fitted(table, params).value().lambda, 1);
  params.choose = Choose::largest;
  EXPECT_EQ(fitted(table, params).value().lambda, 4);
}

// Two risks: both must be small at once.
TEST(ConformalRiskControl, SeveralRisksByTheLargestPValue) {
  const auto column = [](std::size_t errors) {
    std::vector<double> out(50, 0.0);
    for (std::size_t i = 0; i < errors; ++i) out[i] = 1;
    return out;
  };
  auto table = losses({column(20), column(4), column(0), column(0), column(3), column(30)}, {"miss@1", "miss@2", "miss@3", "wrong@1", "wrong@2", "wrong@3"});
  Params params;
  params.alpha = {0.2, 0.2};
  params.delta = 0.1;
  params.procedure = Procedure::ltt;
  params.family = Family::holm;
  const auto model = fitted(table, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model.value().names, (std::vector<std::string>{"miss", "wrong"}));
  EXPECT_EQ(model.value().lambda, 2);
  params.alpha = {0.2};
  EXPECT_EQ(fitted(table, params).error().code, ErrorCode::bad_parameter);
}

TEST(ConformalRiskControl, RisingLossesAreRaisedOrRefused) {
  const auto table = losses({{0, 1}, {1, 0}, {0, 0}}, {"x@0", "x@1", "x@2"});
  Params params;
  params.alpha = {0.9};
  const auto refused = fitted(table, params);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::bad_value);
  EXPECT_EQ(refused.error().row, 0);
  params.monotonise = true;
  EXPECT_EQ(fitted(table, params).value().risks, (std::vector<double>{1, 0.5, 0}));
}

TEST(ConformalRiskControl, BadInput) {
  Params params;
  EXPECT_EQ(fitted(losses({{0.5, 2}}, {"x@0"}), params).error().code, ErrorCode::bad_value);
  EXPECT_EQ(fitted(losses({{0.5, std::nan("")}}, {"x@0"}), params).error().code, ErrorCode::bad_value);
  EXPECT_EQ(fitted(losses({{0.5}}, {"x"}), params).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(fitted(losses({{}}, {"x@1"}), params).error().code, ErrorCode::too_few_rows);
  params.alpha = {1.5};
  EXPECT_EQ(fitted(losses({{0.5}}, {"x@1"}), params).error().code, ErrorCode::bad_parameter);
  params = {};
  params.procedure = Procedure::ltt;
  params.test = riskcontrol::Test::binomial;
  EXPECT_EQ(fitted(losses({{0.5}}, {"x@1"}), params).error().code, ErrorCode::bad_parameter);
  const auto overlap = losses({std::vector<double>(30, 0.0)}, {"x@1"}).beside(std::move(TableBuilder().integer("id", [] {
                                                                                std::vector<std::int64_t> ids(30);
                                                                                for (std::size_t i = 0; i < 30; ++i) ids[i] = static_cast<std::int64_t>(i);
                                                                                return ids;
                                                                              }())).build().value()).value().with_roles({{"loss", {"x@1"}}, {"id", {"id"}}});
  Workspace workspace({.backend = Backend::serial});
  const auto refused = fit(workspace.context(), Inputs{overlap, overlap.with_roles({{"id", {"id"}}})}, Params{});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::overlap);
}

}  // namespace
}  // namespace plimsoll::conformal::riskcontrol

// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/predictive/predictive.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/workspace.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::conformal::predictive {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

const SpoiledForm small_residuals{"conformal.predictive", "residuals a tenth too small", [](Subject& subject) {
                                    subject.spoil_model([](void* m) {
                                      for (double& c : static_cast<Model*>(m)->residuals) c *= 0.9;
                                    });
                                  }};

Result<Model> fitted(const Table& table, const Params& params) {
  Workspace workspace({.backend = Backend::serial});
  return fit(workspace.context(), Inputs{table, std::nullopt}, params);
}

Result<Table> applied(const Model& model, const Table& table, const Options& options) {
  Workspace workspace({.backend = Backend::serial});
  auto out = apply(workspace.context(), model, ApplyInputs{table}, options);
  if (!out) return std::move(out).error();
  return out.value().rows;
}

Table numbers(std::vector<double> y, std::vector<double> p, std::vector<double> s) {
  return TableBuilder().real("y", std::move(y)).real("p", std::move(p)).real("s", std::move(s)).build().value().with_roles({{"target", {"y"}}, {"prediction", {"p"}}, {"sigma", {"s"}}});
}

// Residuals -1 0 1 3 in units of sigma 2; a new row at 10 with sigma 4: 6, 10, 14, 22.
TEST(ConformalPredictive, ByHand) {
  const auto model = fitted(numbers({3, 5, 7, 11}, {5, 5, 5, 5}, {2, 2, 2, 2}), Params{});
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model.value().residuals, (std::vector<double>{-1, 0, 1, 3}));
  Options options;
  options.alpha = {0.4, 0.1};
  options.quantiles = {0.5};
  options.thresholds = {14, 100};
  options.crps = true;
  const auto out = applied(model.value(), numbers({14}, {10}, {4}), options);
  ASSERT_TRUE(out.ok()) << out.error().message();
  const auto at = [&](const char* name) { return out.value().reals(name, Missing::as_nan).value()[0]; };
  EXPECT_EQ(at("lower.0.6"), 6);
  EXPECT_EQ(at("upper.0.6"), 22);
  EXPECT_EQ(at("lower.0.9"), -infinity);
  EXPECT_EQ(at("upper.0.9"), infinity);
  EXPECT_EQ(at("quantile_low.0.5"), 10);
  EXPECT_EQ(at("quantile_high.0.5"), 14);
  EXPECT_DOUBLE_EQ(at("chance_low.14"), 0.4);
  EXPECT_DOUBLE_EQ(at("chance_high.14"), 0.8);
  EXPECT_DOUBLE_EQ(at("chance_high.100"), 1);
  // E|C - 1| = (2 + 1 + 0 + 2) / 4; pairs 1 2 4 1 3 2 = 13 of 16 / ... half of 2 * 13 / 16.
  EXPECT_NEAR(at("crps"), 4 * (5.0 / 4 - 13.0 / 16), 1e-12);
}

TEST(ConformalPredictive, CategoriesHaveTheirOwnResiduals) {
  auto table = TableBuilder().real("y", {1, 2, 10, 20}).real("p", {0, 0, 0, 0}).text("g", {"a", "a", "b", "b"}).build().value();
  table = table.with_roles({{"target", {"y"}}, {"prediction", {"p"}}, {"group", {"g"}}});
  const auto model = fitted(table, Params{});
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model.value().offsets, (std::vector<std::int64_t>{0, 2, 4}));
  const auto fresh = TableBuilder().real("p", {0, 0, 0}).text("g", {"b", "a", "new"}).build().value().with_roles({{"prediction", {"p"}}, {"group", {"g"}}});
  Options options;
  options.alpha = {0.7};
  const auto out = applied(model.value(), fresh, options).value();
  const Reals upper = out.reals("upper", Missing::as_nan).value();
  EXPECT_EQ(upper[0], 20);
  EXPECT_EQ(upper[1], 2);
  EXPECT_EQ(upper[2], infinity);  // a category that the calibration did not have
}

TEST(ConformalPredictive, BinsByEdgesOrQuantiles) {
  const Table table = numbers({1, 2, 3, 4}, {0, 0, 0, 0}, {1, 2, 3, 4});
  Params params;
  params.edges = {2.5};
  const Model given = fitted(table, params).value();
  EXPECT_EQ(given.offsets, (std::vector<std::int64_t>{0, 2, 4}));
  EXPECT_EQ(certify(given).value().exactness, Exactness::exact);
  params = {};
  params.bins = 2;
  const Model learned = fitted(table, params).value();
  EXPECT_EQ(learned.edges, std::vector<double>{2.5});
  EXPECT_EQ(certify(learned).value().exactness, Exactness::asymptotic);
  params.bin_by = BinBy::prediction;
  EXPECT_EQ(fitted(table, params).value().edges, std::vector<double>{0});
}

TEST(ConformalPredictive, PValuesAreDrawnByRow) {
  const auto model = fitted(numbers({1, 2, 3}, {0, 0, 0}, {1, 1, 1}), Params{}).value();
  Options options;
  options.p_value = true;
  const Table fresh = numbers({2, 2, 9}, {0, 0, 0}, {1, 1, 1});
  const Reals whole = applied(model, fresh, options).value().reals("p_value").value();
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_GE(whole[i], 0.25);
    EXPECT_LT(whole[i], 0.75);
  }
  EXPECT_GE(whole[2], 0.75);
  EXPECT_NE(whole[0], whole[1]);
  EXPECT_EQ(applied(model, fresh.slice(1, 1), options).value().reals("p_value").value()[0], whole[1]);
  EXPECT_EQ(applied(model, fresh.without({"y"}).with_roles({{"prediction", {"p"}}}), options).error().code, ErrorCode::missing_input);
}

TEST(ConformalPredictive, BadInput) {
  EXPECT_EQ(fitted(numbers({}, {}, {}), Params{}).error().code, ErrorCode::too_few_rows);
  EXPECT_EQ(fitted(numbers({1, 2}, {1, 1}, {1, -1}), Params{}).error().row, 1);
  EXPECT_EQ(fitted(numbers({1, 2}, {1, 1}, {1, 0}), Params{}).error().code, ErrorCode::bad_value);
  Params params;
  params.offset = 0.5;
  EXPECT_TRUE(fitted(numbers({1, 2}, {1, 1}, {1, 0}), params).ok());
  EXPECT_EQ(fitted(numbers({1, std::nan("")}, {1, 1}, {1, 1}), Params{}).error().row, 1);
  params.edges = {2, 1};
  EXPECT_EQ(check(params).error().code, ErrorCode::bad_parameter);
  params.edges.clear();
  params.bins = 3;
  EXPECT_EQ(fitted(numbers({1, 2}, {1, 1}, {1, 1}).with_roles({{"target", {"y"}}, {"prediction", {"p"}}}), params).error().code, ErrorCode::missing_input);
  const auto model = fitted(numbers({1, 2}, {1, 1}, {1, 1}), Params{}).value();
  Options options;
  options.quantiles = {1.5};
  EXPECT_EQ(applied(model, numbers({1}, {1}, {1}), options).error().code, ErrorCode::bad_parameter);
  Model hostile = model;
  hostile.offsets = {0, 7};
  EXPECT_EQ(sound(hostile).error().code, ErrorCode::corrupt_file);
}

}  // namespace
}  // namespace plimsoll::conformal::predictive

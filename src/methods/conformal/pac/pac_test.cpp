// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/pac/pac.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/workspace.h"
#include "stats/distributions.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::conformal::pac {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// The residuals of the experiment are exponential: about the gap of the sixth largest of them to the next.
const SpoiledForm lower_threshold{"conformal.pac", "thresholds lower by about one rank", [](Subject& subject) {
                                    subject.spoil_model([](void* m) {
                                      for (double& t : static_cast<Model*>(m)->thresholds) t -= 1.0 / 6;
                                    });
                                  }};

Result<Model> fitted(const Table& table, const Params& params) {
  Workspace workspace({.backend = Backend::serial});
  return fit(workspace.context(), Inputs{table, std::nullopt}, params);
}

// Residuals 1 .. n.
Table residuals(std::int64_t n) {
  std::vector<double> y, p;
  for (std::int64_t i = 1; i <= n; ++i) {
    y.push_back(static_cast<double>(i) + 5);
    p.push_back(5);
  }
  return TableBuilder().real("y", y).real("p", p).build().value().with_roles({{"target", {"y"}}, {"prediction", {"p"}}});
}

// 59 rows for 95 / 95 with no error, 93 with one: the largest residual, then the second largest.
TEST(ConformalPac, WilksByHand) {
  Params params;
  params.epsilon = {0.05};
  EXPECT_EQ(fitted(residuals(58), params).value().thresholds, std::vector<double>{infinity});
  EXPECT_TRUE(certify(fitted(residuals(58), params).value()).value().vacuous);
  EXPECT_EQ(fitted(residuals(59), params).value().thresholds, std::vector<double>{59});
  EXPECT_EQ(fitted(residuals(93), params).value().thresholds, std::vector<double>{92});
  EXPECT_EQ(fitted(residuals(93), params).value().errors, std::vector<std::int64_t>{1});
  params.small_n = learn::SmallSample::error;
  EXPECT_EQ(fitted(residuals(58), params).error().code, ErrorCode::too_few_rows);
}

// Both ends at half the rate and half the chance: 119 rows are needed for 0.05 and 0.05 with two ends.
TEST(ConformalPac, TwoEndsShareTheirLevels) {
  Params params;
  params.epsilon = {0.05};
  params.score = learn::ConformalScore::two_tailed;
  std::int64_t needed = 1;
  while (std::pow(0.975, static_cast<double>(needed)) > 0.025) ++needed;
  EXPECT_EQ(fitted(residuals(needed - 1), params).value().thresholds, (std::vector<double>{infinity, infinity}));
  EXPECT_EQ(fitted(residuals(needed), params).value().thresholds, (std::vector<double>{-1, static_cast<double>(needed)}));
}

TEST(ConformalPac, SetsAndIntervalsHoldWhatScoresSay) {
  Params params;
  params.epsilon = {0.3};
  params.delta = 0.3;
  auto table = TableBuilder().text("y", {"a", "a", "b", "b", "a", "b"}).real("p_a", {0.9, 0.8, 0.3, 0.2, 0.7, 0.6}).real("p_b", {0.1, 0.2, 0.7, 0.8, 0.3, 0.4}).build().value();
  table = table.with_roles({{"target", {"y"}}, {"probability", {"p_a", "p_b"}}});
  const auto model = fitted(table, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  // lac scores 0.1 0.2 0.3 0.2 0.3 0.6; BinCdf(0; 6, 0.3) = 0.118, (1) = 0.42: none may lie above 0.6.
  EXPECT_EQ(model.value().errors, std::vector<std::int64_t>{0});
  EXPECT_DOUBLE_EQ(model.value().thresholds.front(), 0.6);
  Workspace workspace({.backend = Backend::serial});
  const auto out = apply(workspace.context(), model.value(), ApplyInputs{table}, Options{});
  ASSERT_TRUE(out.ok()) << out.error().message();
  EXPECT_EQ(out.value().rows.text_lists("set").value()[5], (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(out.value().rows.text_lists("set").value()[0], std::vector<std::string>{"a"});
}

TEST(ConformalPac, BadInput) {
  Params params;
  params.epsilon = {0};
  EXPECT_EQ(fitted(residuals(5), params).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(check(params).error().parameter, "epsilon");
  params = {};
  EXPECT_EQ(fitted(residuals(0), params).error().code, ErrorCode::too_few_rows);
  EXPECT_EQ(fitted(residuals(5).with_roles({{"target", {"y"}}}), params).error().code, ErrorCode::missing_input);
  auto bad = TableBuilder().real("y", {1, 2}).real("p", {1, std::nan("")}).build().value().with_roles({{"target", {"y"}}, {"prediction", {"p"}}});
  EXPECT_EQ(fitted(bad, params).error().row, 1);
  params.missing = learn::MissingRows::drop;
  EXPECT_EQ(fitted(bad, params).value().dropped, 1);
  Workspace workspace({.backend = Backend::serial});
  const Table rows = residuals(30);
  EXPECT_EQ(fit(workspace.context(), Inputs{rows, rows}, Params{}).error().code, ErrorCode::overlap);
  Model hostile = fitted(residuals(60), Params{}).value();
  hostile.thresholds.clear();
  EXPECT_EQ(sound(hostile).error().code, ErrorCode::corrupt_file);
}

}  // namespace
}  // namespace plimsoll::conformal::pac

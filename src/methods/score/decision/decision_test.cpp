// SPDX-License-Identifier: Apache-2.0
#include "methods/score/decision/decision.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "engine/workspace.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::score::decision {
namespace {

const SpoiledForm too_high{"score.decision", "a net benefit that is four points too high", [](Subject& s) {
                             s.spoil_report([](Report& r) {
                               for (auto& [name, value] : r.figures)
                                 if (name.starts_with("net_benefit")) value += 0.04;
                             });
                           }};
const SpoiledForm narrow{"score.decision", "an interval of half its width", [](Subject& s) {
                           s.spoil_report([](Report& r) {
                             double middle = 0;
                             for (auto& [name, value] : r.figures) {
                               if (name == "cost") middle = value;
                               if (name == "cost_low" || name == "cost_high") value = middle + (value - middle) / 2;
                             }
                           });
                         }};

using Figures = std::map<std::string, double>;

Result<Report> scored(std::vector<double> p, std::vector<double> y, const Params& params, std::vector<double> w = {}) {
  TableBuilder builder;
  builder.real("p", std::move(p)).real("y", std::move(y));
  Roles roles = {{"probability", {"p"}}, {"target", {"y"}}};
  if (!w.empty()) {
    builder.real("w", std::move(w));
    roles["weight"] = {"w"};
  }
  Workspace workspace({.backend = Backend::serial});
  return assess(workspace.context(), Inputs{builder.build().value().with_roles(roles)}, params);
}

Figures figures_of(const Result<Report>& report) {
  EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().message());
  return report.ok() ? Figures(report.value().figures.begin(), report.value().figures.end()) : Figures();
}

// At 1/4: .3 .8 .6 .25 are acted on; 2 hits, 2 alarms of 6 rows; 1 miss at .1.
TEST(ScoreDecision, ByHand) {
  Params params;
  params.cost_false_negative = 3;
  const Figures f = figures_of(scored({0.1, 0.3, 0.8, 0.6, 0.2, 0.25}, {1, 0, 1, 1, 0, 0}, params));
  EXPECT_DOUBLE_EQ(f.at("threshold"), 0.25);
  EXPECT_NEAR(f.at("net_benefit"), 2.0 / 6 - 2.0 / 6 / 3, 1e-15);
  EXPECT_NEAR(f.at("treat_all"), 0.5 - 0.5 / 3, 1e-15);
  EXPECT_NEAR(f.at("benefit_over_all"), f.at("net_benefit") - f.at("treat_all"), 1e-15);
  EXPECT_NEAR(f.at("cost"), (2 * 1 + 1 * 3) / 6.0, 1e-15);
  EXPECT_DOUBLE_EQ(f.at("sensitivity"), 2.0 / 3);
  EXPECT_DOUBLE_EQ(f.at("specificity"), 1.0 / 3);
  EXPECT_DOUBLE_EQ(f.at("precision"), 0.5);
  EXPECT_DOUBLE_EQ(f.at("gain_at_0.5"), 2.0 / 3);
  // Cheapest: from .6 on 1 miss = 3; from .1 on 3 alarms = 3; from .6 comes first on the way down.
  EXPECT_DOUBLE_EQ(f.at("best_threshold"), 0.6);
}

TEST(ScoreDecision, WeightsCountAsRows) {
  Params params;
  const Figures a = figures_of(scored({0.1, 0.7, 0.6, 0.4}, {0, 1, 0, 1}, params, {1, 2, 1, 0}));
  const Figures b = figures_of(scored({0.1, 0.7, 0.7, 0.6}, {0, 1, 1, 0}, params));
  for (const char* name : {"net_benefit", "cost", "sensitivity", "specificity", "precision", "treat_all", "gain_at_0.5"}) EXPECT_NEAR(a.at(name), b.at(name), 1e-13) << name;
}

TEST(ScoreDecision, OneOutcomeStillHasACost) {
  const Figures f = figures_of(scored({0.1, 0.7}, {1, 1}, Params()));
  EXPECT_DOUBLE_EQ(f.at("cost"), 0.5);
  EXPECT_TRUE(std::isnan(f.at("specificity")));
}

TEST(ScoreDecision, BadInput) {
  EXPECT_EQ(scored({0.1, 1.7}, {1, 0}, Params()).error().code, ErrorCode::bad_value);
  EXPECT_EQ(scored({0.1, 0.7}, {1, 3}, Params()).error().code, ErrorCode::bad_value);
  EXPECT_EQ(scored({}, {}, Params()).error().code, ErrorCode::too_few_rows);
  EXPECT_EQ(scored({0.1, 0.7}, {1, 0}, Params(), {-1, 2}).error().code, ErrorCode::bad_value);
  Params params;
  params.from = 0.5;
  params.to = 0.4;
  EXPECT_EQ(check(params).error().code, ErrorCode::bad_parameter);
  Workspace workspace({.backend = Backend::serial});
  const Table two = TableBuilder().real("a", {0.5, 0.5}).real("b", {0.5, 0.5}).real("y", {0, 1}).build().value();
  EXPECT_EQ(assess(workspace.context(), Inputs{two.with_roles({{"probability", {"a", "b"}}, {"target", {"y"}}})}, Params()).error().code, ErrorCode::bad_parameter);
}

}  // namespace
}  // namespace plimsoll::score::decision

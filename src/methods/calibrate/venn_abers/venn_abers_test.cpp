// SPDX-License-Identifier: Apache-2.0
#include "methods/calibrate/venn_abers/venn_abers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/door.h"
#include "engine/workspace.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::calibrate::venn_abers {
namespace {

const SpoiledForm half_way{"calibrate.venn_abers", "p0 moved half way to p1", [](Subject& subject) {
                             subject.spoil_outputs([](void* o) {
                               auto& rows = static_cast<Outputs*>(o)->rows;
                               const Reals p0 = rows.reals("p0").value();
                               const Reals p1 = rows.reals("p1").value();
                               std::vector<double> moved;
                               for (std::size_t i = 0; i < p0.size(); ++i) moved.push_back((p0[i] + p1[i]) / 2);
                               const Table column = TableBuilder().real("p0", std::move(moved)).build().value();
                               rows = rows.without({"p0"}).beside(column).value();
                             });
                           }};

Result<Reply> call(Verb verb, std::map<std::string, PortValue> ports, const std::string& parameters = "{}", ArtifactPort model = nullptr) {
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = 3});
  Call call;
  call.verb = verb;
  call.method = "calibrate.venn_abers";
  call.parameters = parameters;
  call.ports = std::move(ports);
  call.model = std::move(model);
  return run(workspace.context(), call);
}

Table rows(std::vector<double> p, std::vector<double> y, std::vector<std::string> fold = {}) {
  TableBuilder builder;
  Roles roles = {{"probability", {"p"}}, {"target", {"y"}}};
  builder.real("p", std::move(p)).real("y", std::move(y));
  if (!fold.empty()) {
    builder.text("f", std::move(fold));
    roles["fold"] = {"f"};
  }
  return std::move(builder).build().value().with_roles(roles);
}

Table answer(const Table& data, std::vector<double> at, const std::string& parameters = "{}") {
  const auto fit = call(Verb::fit, {{"data", data}}, parameters);
  EXPECT_TRUE(fit.ok()) << fit.error().message();
  const auto reply = call(Verb::apply, {{"data", TableBuilder().real("p", std::move(at)).build().value()}}, "{}", fit.value().artifact);
  EXPECT_TRUE(reply.ok()) << reply.error().message();
  return std::get<Table>(reply.value().outputs.at("rows"));
}

// By hand: rows 0.2 -> 0, 0.6 -> 1. At 0.4, adding a 0 gives PAV 0, 0, 1 and adding a 1 gives 0, 1, 1. At 0.6, adding a 0 to the tie
// gives 1/2, adding a 1 gives 1.
TEST(VennAbers, PairsByHand) {
  const Table table = answer(rows({0.2, 0.6}, {0, 1}), {0.4, 0.6, 0.1, 0.2});
  const Reals p0 = table.reals("p0").value(), p1 = table.reals("p1").value(), p = table.reals("calibrated").value();
  EXPECT_DOUBLE_EQ(p0[0], 0);
  EXPECT_DOUBLE_EQ(p1[0], 1);
  EXPECT_DOUBLE_EQ(p[0], 0.5);
  EXPECT_DOUBLE_EQ(p0[1], 0.5);
  EXPECT_DOUBLE_EQ(p1[1], 1);
  EXPECT_DOUBLE_EQ(p[1], 1 / 1.5);
  EXPECT_DOUBLE_EQ(p0[2], 0);
  EXPECT_DOUBLE_EQ(p1[2], 0.5);  // 1, 0 pooled, below the 1
  EXPECT_DOUBLE_EQ(p1[3], 0.5);
  const Table brier = answer(rows({0.2, 0.6}, {0, 1}), {0.6}, R"({"merge": "brier"})");
  EXPECT_DOUBLE_EQ(brier.reals("calibrated").value()[0], 1 + 0.25 / 2 - 1.0 / 2);
}

// Cross Venn-Abers by its formulas.
TEST(VennAbers, FoldsMergeByGeometricMeans) {
  const Table data = rows({0.2, 0.6, 0.5, 0.3, 0.7, 0.4}, {0, 1, 1, 0, 1, 1}, {"a", "a", "a", "b", "b", "b"});
  const Table first = answer(rows({0.2, 0.6, 0.5}, {0, 1, 1}), {0.45});
  const Table second = answer(rows({0.3, 0.7, 0.4}, {0, 1, 1}), {0.45});
  const double a0 = first.reals("p0").value()[0], a1 = first.reals("p1").value()[0], b0 = second.reals("p0").value()[0], b1 = second.reals("p1").value()[0];
  const double up = std::sqrt(a1 * b1), down = std::sqrt((1 - a0) * (1 - b0));
  EXPECT_NEAR(answer(data, {0.45}).reals("calibrated").value()[0], up / (up + down), 1e-12);
  const double brier = (a1 + (a0 * a0 - a1 * a1) / 2 + b1 + (b0 * b0 - b1 * b1) / 2) / 2;
  EXPECT_NEAR(answer(data, {0.45}, R"({"merge": "brier"})").reals("calibrated").value()[0], brier, 1e-12);
}

TEST(VennAbers, OneOutcomeStillHasAPair) {
  const Table table = answer(rows({0.2, 0.6}, {0, 0}), {0.9});
  EXPECT_DOUBLE_EQ(table.reals("p0").value()[0], 0);
  EXPECT_DOUBLE_EQ(table.reals("p1").value()[0], 1);
}

TEST(VennAbers, SaysWhereThePromiseIsExact) {
  const auto plain = call(Verb::fit, {{"data", rows({0.2, 0.6}, {0, 1})}});
  EXPECT_EQ(plain.value().artifact->certificate().exactness, Exactness::exact);
  const auto folds = call(Verb::fit, {{"data", rows({0.2, 0.6, 0.3, 0.5}, {0, 1, 0, 1}, {"a", "a", "b", "b"})}});
  EXPECT_EQ(folds.value().artifact->certificate().exactness, Exactness::asymptotic);
}

TEST(VennAbers, RefusesBadRows) {
  EXPECT_EQ(call(Verb::fit, {{"data", rows({0.2, 1.6}, {0, 1})}}).error().code, ErrorCode::bad_value);
  EXPECT_EQ(call(Verb::fit, {{"data", rows({0.2, 0.6}, {0, 3})}}).error().code, ErrorCode::bad_value);
  EXPECT_EQ(call(Verb::fit, {{"data", rows({}, {})}}).error().code, ErrorCode::too_few_rows);
  EXPECT_TRUE(call(Verb::fit, {{"data", rows({-3, 2}, {0, 1})}}, R"({"logits": true})").ok());
}

}  // namespace
}  // namespace plimsoll::calibrate::venn_abers

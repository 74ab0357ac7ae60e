// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/door.h"
#include "engine/workspace.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

double* named(Report& report, const std::string& name) {
  for (auto& [key, value] : report.figures)
    if (key == name) return &value;
  return nullptr;
}

const SpoiledForm standard_for_fair{"score.forecast", "the standard score under the name of the fair one", [](Subject& subject) {
                                      subject.spoil_report([](Report& report) {
                                        if (named(report, "crps_fair")) *named(report, "crps_fair") = *named(report, "crps_standard");
                                      });
                                    }};
// With 5 years and 8 members a climate that holds the scored year scores 0.4988 in expectation in place of 0.6408, with 20 years
// 0.547 in place of 0.581: a tenth less is a smaller lie than the first.
const SpoiledForm leaked_year{"score.forecast", "a climate that holds the scored year", [](Subject& subject) {
                                subject.spoil_report([](Report& report) {
                                  if (named(report, "crps_anomaly")) *named(report, "crps_anomaly") *= 0.4988 / 0.6408;
                                });
                              }};
const SpoiledForm half_width{"score.forecast", "intervals of half their width", [](Subject& subject) {
                               subject.spoil_report([](Report& report) {
                                 const double middle = *named(report, "crps_fair");
                                 for (const char* name : {"crps_fair_low", "crps_fair_high"}) *named(report, name) = middle + (*named(report, name) - middle) / 2;
                               });
                             }};

struct Columns {
  TableBuilder builder;
  Roles roles;
  Columns& real(const std::string& name, std::vector<double> values, const std::string& role) {
    builder.real(name, std::move(values));
    roles[role].push_back(name);
    return *this;
  }
  Columns& text(const std::string& name, std::vector<std::string> values, const std::string& role) {
    builder.text(name, std::move(values));
    roles[role].push_back(name);
    return *this;
  }
  std::optional<Table> built;
  Table table() {  // the same at every call
    if (!built) built = builder.build().value().with_roles(roles);
    return *built;
  }
};

Result<Reply> assess(Table table, std::string parameters = "{}", std::optional<Table> observed = {}) {
  Workspace workspace({.backend = Backend::serial});
  Call call;
  call.verb = Verb::assess;
  call.method = "score.forecast";
  call.parameters = std::move(parameters);
  call.ports["data"] = std::move(table);
  if (observed) call.ports["observed"] = *observed;
  return run(workspace.context(), call);
}

double figure(const Result<Reply>& reply, const std::string& name) {
  EXPECT_TRUE(reply.ok()) << (reply.ok() ? "" : reply.error().message());
  if (!reply.ok()) return nan;
  for (const auto& [key, value] : reply.value().report->figures)
    if (key == name) return value;
  ADD_FAILURE() << "no figure " << name;
  return nan;
}

// (0, 0, 0, z), y = 0: S = z/4, G = 3 z: fair 0, standard z/16, almost fair (0.95) z/320 (the paper's degenerate ensemble).
TEST(ScoreForecast, DegenerateEnsembleByHand) {
  const double z = 8;
  Columns c;
  for (int j = 0; j < 3; ++j) c.real("m" + std::to_string(j), {0, 0}, "member");
  c.real("m3", {z, z}, "member").real("y", {0, 0}, "target");
  const auto reply = assess(c.table());
  EXPECT_DOUBLE_EQ(figure(reply, "crps_fair"), 0);
  EXPECT_DOUBLE_EQ(figure(reply, "crps_standard"), z / 16);
  EXPECT_NEAR(figure(reply, "crps_almost_fair"), z / 320, 1e-15);
  EXPECT_DOUBLE_EQ(figure(reply, "bias"), z / 4);
}

TEST(ScoreForecast, WeightsOutcomesAndMissingMembers) {
  // Row 0: |1-0| = 1 each, fair 1. Row 1: members 0 and 2 around 1: S 1, H 1, fair 0. Row 2 lacks a member, row 3 its outcome.
  const auto columns = [] {
    Columns c;
    c.real("a", {1, 0, 1, 5}, "member").real("b", {1, 2, nan, 5}, "member").real("y", {0, 1, 0, nan}, "target").real("w", {3, 1, 1, 1}, "weight");
    return c;
  };
  EXPECT_DOUBLE_EQ(figure(assess(columns().table()), "crps_fair"), 0.75);
  const auto omitted = assess(columns().table(), R"({"missing": "omit", "kind": "standard"})");
  EXPECT_DOUBLE_EQ(figure(omitted, "crps_standard"), (3 * 1 + 1 * 0.5 + 1 * 1) / 5.0);
  EXPECT_EQ(omitted.value().report->verdict, "yellow");
  const auto refused = assess(columns().table(), R"({"missing": "error"})");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::null_value);
  EXPECT_EQ(refused.error().row, 2);
  EXPECT_EQ(refused.error().column, "b");
}

TEST(ScoreForecast, LongFormAndOutcomesOfAnotherTableAgreeWithWide) {
  Columns wide;
  wide.real("m0", {1, 4}, "member").real("m1", {2, 6}, "member").real("m2", {4, 5}, "member").real("y", {3, 7}, "target");
  const double truth = figure(assess(wide.table()), "crps_fair");
  Columns tall;
  tall.text("day", {"b", "a", "b", "a", "b", "a"}, "key").real("number", {10, 10, 2, 2, 1, 1}, "number").real("x", {4, 5, 2, 6, 1, 4}, "member");
  Columns outcomes;
  outcomes.text("day", {"a", "b", "c"}, "key").real("y", {7, 3, 1}, "target");
  const auto reply = assess(tall.table(), "{}", outcomes.table());
  EXPECT_DOUBLE_EQ(figure(reply, "crps_fair"), truth);
  Columns twice;
  twice.text("day", {"a", "a"}, "key").real("number", {1, 1}, "number").real("x", {1, 2}, "member").real("y", {1, 1}, "target");
  const auto refused = assess(twice.table());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::bad_value);
  EXPECT_EQ(refused.error().row, 1);
  Columns strangers;
  strangers.text("day", {"z"}, "key").real("y", {1}, "target");
  EXPECT_EQ(assess(tall.table(), "{}", strangers.table()).error().code, ErrorCode::bad_value);
}

TEST(ScoreForecast, ThresholdsByHand) {
  // Two of three members above 1, outcome above: (2/3 - 1)^2 = 1/9, fair 1/9 - 2 * 1 / (9 * 2) = 0. Row 1: none above, none happened.
  Columns c;
  c.real("a", {0, 0}, "member").real("b", {2, 0.5}, "member").real("c", {3, 1}, "member").real("y", {2, 0}, "target");
  const auto reply = assess(c.table(), R"({"thresholds": [1]})");
  EXPECT_NEAR(figure(reply, "rps"), (1 / 9.0 + 0) / 2, 1e-15);
  EXPECT_NEAR(figure(reply, "rps_fair"), 0, 1e-15);
}

TEST(ScoreForecast, EnergyScoreOfOnePointIsTheCrps) {
  Columns c;
  c.real("a", {1, 5, 2}, "member").real("b", {2, 3, 8}, "member").real("y", {0, 4, 3}, "target").text("case", {"p", "q", "r"}, "case");
  const auto reply = assess(c.table());
  EXPECT_NEAR(figure(reply, "energy"), figure(reply, "crps_fair"), 1e-14);
}

TEST(ScoreForecast, AnomaliesTakeOtherYearsOnly) {
  // Two years: year 1's climates are year 2's row and the reverse. Members 1, 3 (mean 2), y 0; and 5, 7 (mean 6), y 10.
  // Row 0: y' = 0 + (6 - 10) = -4: S = 6, H = 1: 5. Row 1: y' = 10 + (2 - 0) = 12: S = 6, H = 1: 5.
  Columns c;
  c.real("a", {1, 5}, "member").real("b", {3, 7}, "member").real("y", {0, 10}, "target").real("year", {1, 2}, "year");
  const auto reply = assess(c.table());
  EXPECT_DOUBLE_EQ(figure(reply, "crps_anomaly"), 5);
  EXPECT_DOUBLE_EQ(figure(reply, "crps_raw"), (1 + 3) / 2.0);
}

TEST(ScoreForecast, QuantilesAndNormalByHand) {
  Columns q;
  q.real("lo", {0, 0}, "quantile").real("hi", {4, 4}, "quantile").real("y", {1, 6}, "target");
  // Twice pinball at .25 and .75: row 0: 2*.25*1 = .5 and 2*.25*3 = 1.5; row 1: 2*.25*6 = 3 and 2*.75*2 = 3.
  EXPECT_DOUBLE_EQ(figure(assess(q.table(), R"({"levels": [0.25, 0.75]})"), "quantile_score"), (0.5 + 1.5 + 3 + 3) / 4);
  EXPECT_EQ(assess(q.table(), R"({"levels": [0.5]})").error().code, ErrorCode::bad_parameter);
  Columns n;
  n.real("mu", {0, 1}, "mean").real("sigma", {1, 2}, "sd").real("y", {0, 1}, "target");
  const double centre = (std::sqrt(2.0) - 1) / std::sqrt(std::acos(-1.0));  // CRPS of N(0,1) at its mean
  EXPECT_NEAR(figure(assess(n.table()), "crps"), 1.5 * centre, 1e-14);
}

TEST(ScoreForecast, PairedTestAndSkill) {
  Columns c;
  Stream stream(5);
  std::vector<std::vector<double>> x(7);
  for (int i = 0; i < 400; ++i) {
    for (std::size_t j = 0; j < 3; ++j) x[j].push_back(stream.normal());
    for (std::size_t j = 3; j < 6; ++j) x[j].push_back(2 + stream.normal());
    x[6].push_back(stream.normal());
  }
  for (std::size_t j = 0; j < 6; ++j) c.real("m" + std::to_string(j), x[j], j < 3 ? "member" : "reference");
  c.real("y", x[6], "target");
  const auto reply = assess(c.table());
  EXPECT_LT(figure(reply, "crps_difference_high"), 0);
  EXPECT_LT(figure(reply, "diebold_mariano_p"), 1e-6);  // a bias of two standard deviations over 400 rows
  EXPECT_GT(figure(reply, "skill_reference_low"), 0);
}

TEST(ScoreForecast, RefusesWhatItCannotScore) {
  const auto error = [](std::vector<double> a, std::vector<double> b, std::vector<double> y, const std::string& parameters = "{}") {
    Columns c;
    c.real("a", std::move(a), "member").real("b", std::move(b), "member").real("y", std::move(y), "target");
    const auto reply = assess(c.table(), parameters);
    EXPECT_FALSE(reply.ok());
    return reply.ok() ? Error() : reply.error();
  };
  const Error member = error({1, infinity}, {1, 1}, {1, 1});
  EXPECT_EQ(member.code, ErrorCode::bad_value);
  EXPECT_EQ(member.row, 1);
  EXPECT_EQ(member.column, "a");
  EXPECT_EQ(error({1, 1}, {1, 1}, {-infinity, 1}).row, 0);
  EXPECT_EQ(error({1, 1}, {1, 1}, {nan, nan}).code, ErrorCode::too_few_rows);
  EXPECT_EQ(error({1, 1}, {1, 1}, {1, 1}, R"({"alpha": 1.5})").code, ErrorCode::bad_parameter);
  EXPECT_EQ(error({1, 1}, {1, 1}, {1, 1}, R"({"thresholds": [2, 1]})").code, ErrorCode::bad_parameter);
  Columns one;
  one.real("a", {1, 2}, "member").real("y", {1, 3}, "target");
  EXPECT_EQ(assess(one.table()).error().code, ErrorCode::bad_parameter);
  EXPECT_DOUBLE_EQ(figure(assess(one.table(), R"({"kind": "standard"})"), "crps"), 0.5);
  Columns weights;
  weights.real("a", {1}, "member").real("b", {1}, "member").real("y", {1}, "target").real("w", {-1}, "weight");
  EXPECT_EQ(assess(weights.table()).error().code, ErrorCode::bad_value);
  Columns back;
  back.real("a", {1, 2}, "member").real("b", {1, 2}, "member").real("y", {1, 1}, "target").real("t", {2, 1}, "time");
  const auto refused = assess(back.table());
  EXPECT_EQ(refused.error().code, ErrorCode::bad_value);
  EXPECT_EQ(refused.error().row, 1);
  Columns keys;
  keys.real("a", {1, 2}, "member").real("b", {1, 2}, "member").real("y", {1, 1}, "target").text("k", {"s", "s"}, "key");
  EXPECT_EQ(assess(keys.table()).error().row, 1);
  Columns nothing;
  nothing.real("y", {1, 2}, "target");
  EXPECT_EQ(assess(nothing.table()).error().code, ErrorCode::missing_input);
}

TEST(ScoreForecast, WarnsOfOtherUnitsAndConstantMembers) {
  Columns kelvin;
  kelvin.real("a", {10.1, 12.2, 9}, "member").real("b", {10.9, 11.4, 10}, "member").real("y", {283, 285, 282}, "target");
  EXPECT_EQ(assess(kelvin.table()).value().report->verdict, "yellow");
  Columns constant;
  constant.real("a", {1, 2, 3}, "member").real("b", {1, 3, 5}, "member").real("y", {1, 2, 4}, "target");
  EXPECT_EQ(assess(constant.table()).value().report->verdict, "yellow");
}

}  // namespace
}  // namespace plimsoll

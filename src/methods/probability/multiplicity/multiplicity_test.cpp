// SPDX-License-Identifier: Apache-2.0
#include "methods/probability/multiplicity/multiplicity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "engine/door.h"
#include "engine/workspace.h"
#include "learn/logistic.h"
#include "table/file_format.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::probability::multiplicity {
namespace {

const SpoiledForm spoiled_ends{"probability.multiplicity", "the ranges of the approximating ellipsoid",
                               [](Subject& subject) { subject.spoil_model([](void* m) { static_cast<Model*>(m)->ends = Ends::ellipsoid; }); }};
const SpoiledForm spoiled_bound{"probability.multiplicity", "an upper bound of discrepancy one row too low", [](Subject& subject) {
                                  subject.spoil_report([](Report& report) {
                                    double rows = 1;
                                    for (const auto& [name, value] : report.figures) rows = name == "rows" ? value : rows;
                                    for (auto& [name, value] : report.figures) {
                                      if (name.starts_with("discrepancy_")) value = std::max(0.0, value - 1 / rows);
                                    }
                                  });
                                }};

Workspace& workspace() {
  static Workspace one({.backend = Backend::serial});
  return one;
}

Table labelled(TableBuilder builder, std::vector<std::int64_t> y) {
  builder.integer("y", std::move(y));
  return std::move(builder).build().value().with_roles({{"target", {"y"}}});
}

double figure(const Report& report, const std::string& name) {
  for (const auto& [key, value] : report.figures) {
    if (key == name) return value;
  }
  ADD_FAILURE() << "no figure " << name;
  return NAN;
}

// Two cells of 40 and 60 rows with 10 and 30 ones, no penalty: each cell has its own probability, so when cell 0 goes to the
// end of its range cell 1 stays at its best, and 40 (loss(q) - loss(1/4)) = 100 eps L0 gives that end.
TEST(Multiplicity, CellsOfTheirOwnByHand) {
  std::vector<double> x;
  std::vector<std::int64_t> y;
  for (int i = 0; i < 100; ++i) {
    x.push_back(i < 40 ? 0 : 1);
    y.push_back((i < 40 ? i < 10 : i < 70) ? 1 : 0);
  }
  Params params;
  params.l2 = 0;
  const Table table = labelled(std::move(TableBuilder().real("x", std::move(x))), std::move(y));
  const auto model = fit(workspace().context(), Inputs{table}, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  const auto loss = [](double share, double q) { return -share * std::log(q) - (1 - share) * std::log(1 - q); };
  const double best = 0.4 * loss(0.25, 0.25) + 0.6 * loss(0.5, 0.5);
  EXPECT_NEAR(model->best_loss, best, 1e-12);
  const auto out = apply(workspace().context(), *model, ApplyInputs{table.slice(0, 1)}, Options{});
  ASSERT_TRUE(out.ok()) << out.error().message();
  const auto end = [&](double to) {
    double in = 0.25;
    for (int step = 0; step < 80; ++step) {
      const double middle = (in + to) / 2;
      (0.4 * (loss(0.25, middle) - loss(0.25, 0.25)) <= 0.01 * best ? in : to) = middle;
    }
    return in;
  };
  EXPECT_NEAR(out->rows.reals("probability").value()[0], 0.25, 1e-10);
  EXPECT_NEAR(out->rows.reals("low").value()[0], end(0), 1e-8);
  EXPECT_NEAR(out->rows.reals("high").value()[0], end(1), 1e-8);
}

Table example_table(std::int64_t rows, std::uint64_t seed = 5) {
  auto made = example(workspace().context(), Verb::assess, seed, rows);
  return made.value().inputs.as<AssessInputs>().data;
}

Result<Report> assessed(const Table& table, const AssessParams& params) { return assess(workspace().context(), AssessInputs{table, std::nullopt}, params); }

TEST(Multiplicity, BoundsStandInOrder) {
  AssessParams params;
  params.grid = {0.001, 0.005, 0.02};
  params.max_rounds = 1;
  const auto report = assessed(example_table(120), params);
  ASSERT_TRUE(report.ok()) << report.error().message();
  ASSERT_TRUE(plimsoll::check(*report).ok());
  for (const char* delta : {"0.05", "0.1", "0.2", "0.3"}) {
    const double ambiguity = figure(*report, std::string("ambiguity_") + delta);
    const double lower = figure(*report, std::string("discrepancy_lower_") + delta);
    const double upper = figure(*report, std::string("discrepancy_upper_") + delta);
    EXPECT_LE(lower, upper);
    EXPECT_LE(upper, ambiguity + 1e-12);
  }
  EXPECT_LT(figure(*report, "range_gap_logits"), 1e-6);
}

TEST(Multiplicity, AWiderToleranceNeverNarrowsARange) {
  const Table table = example_table(300);
  std::vector<double> before;
  for (const double eps : {0.001, 0.01, 0.05}) {
    Params params;
    params.eps = eps;
    const auto model = fit(workspace().context(), Inputs{table}, params);
    ASSERT_TRUE(model.ok());
    const auto out = apply(workspace().context(), *model, ApplyInputs{table}, Options{});
    ASSERT_TRUE(out.ok());
    const Reals width = out->rows.reals("width").value();
    for (std::size_t i = 0; i < width.size(); ++i) {
      EXPECT_GT(width[i], before.empty() ? 0.0 : before[i]);
    }
    before.assign(width.begin(), width.end());
  }
}

TEST(Multiplicity, ASearchThatIsCutShortSaysSo) {
  Workspace own({.backend = Backend::serial});
  AssessParams params;
  params.delta = {0.05};
  params.max_time = 1e-9;
  const auto report = assess(own.context(), AssessInputs{example_table(400), std::nullopt}, params);
  ASSERT_TRUE(report.ok()) << report.error().message();
  const double lower = figure(*report, "discrepancy_lower_0.05");
  const double upper = figure(*report, "discrepancy_upper_0.05");
  ASSERT_LT(lower, upper);  // the rows move too much for one model to move all
  EXPECT_NE(to_markdown(*report).find("ended by time"), std::string::npos);
  ASSERT_EQ(own.warnings().size(), 1U);
  EXPECT_NE(own.warnings()[0].find("max_time"), std::string::npos);
}

TEST(Multiplicity, EvaluationRowsGroupsAndWitnessesElsewhere) {
  const Table learning = example_table(300);
  const Table other = example_table(200, 6).with_roles({{"target", {"happened"}}, {"group", {"place"}}, {"id", {"id"}}});
  AssessParams params;
  params.delta = {0.2};
  const auto report = assess(workspace().context(), AssessInputs{learning, other}, params);
  ASSERT_TRUE(report.ok()) << report.error().message();
  ASSERT_TRUE(plimsoll::check(*report).ok()) << plimsoll::check(*report).error().message();
  EXPECT_EQ(figure(*report, "rows"), 200);
  EXPECT_GT(figure(*report, "witnesses_within_eps"), 0);
  EXPECT_NE(to_markdown(*report).find("By place"), std::string::npos);
}

struct BadCase {
  const char* name;
  Table table;
  Params params;
  ErrorCode code;
};

TEST(Multiplicity, BadInputIsRefusedByName) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> x = {0, 1, 2, 3, 0, 1, 2, 3};
  const std::vector<std::int64_t> y = {0, 0, 1, 1, 1, 0, 1, 0};
  const auto table = [&](std::vector<double> a, std::vector<std::int64_t> b) { return labelled(std::move(TableBuilder().real("x", std::move(a))), std::move(b)); };
  Params free;
  free.l2 = 0;
  const Table weighted = TableBuilder().real("x", {x.begin(), x.end()}).integer("y", {y.begin(), y.end()}).real("w", {1, 1, -1, 1, 1, 1, 1, 1}).build().value()
                             .with_roles({{"target", {"y"}}, {"weight", {"w"}}});
  const std::vector<BadCase> cases = {
      {"not binary", table(x, {0, 1, 2, 1, 0, 1, 0, 1}), Params{}, ErrorCode::bad_value},
      {"one class", table(x, {1, 1, 1, 1, 1, 1, 1, 1}), Params{}, ErrorCode::one_class},
      {"separated without penalty", table(x, {0, 0, 1, 1, 0, 0, 1, 1}), free, ErrorCode::bad_value},
      {"half separated without penalty", table({0, 0, 0, 1, 1, 1, 1, 1}, {0, 1, 0, 1, 1, 1, 1, 1}), free, ErrorCode::bad_value},
      {"missing value", table({0, 1, nan, 3, 0, 1, 2, 3}, y), Params{}, ErrorCode::bad_value},
      {"all constant", table({1, 1, 1, 1, 1, 1, 1, 1}, y), Params{}, ErrorCode::too_few_rows},
      {"negative weight", weighted, Params{}, ErrorCode::bad_value},
      {"no rows", table({}, {}), Params{}, ErrorCode::too_few_rows},
  };
  for (const BadCase& bad : cases) {
    const auto model = fit(workspace().context(), Inputs{bad.table}, bad.params);
    ASSERT_FALSE(model.ok()) << bad.name;
    EXPECT_EQ(model.error().code, bad.code) << bad.name << ": " << model.error().message();
    EXPECT_FALSE(model.error().mend.empty()) << bad.name;
  }
  AssessParams params;
  params.delta = {1.5};
  EXPECT_EQ(assessed(table(x, y), params).error().code, ErrorCode::bad_parameter);
  const auto model = fit(workspace().context(), Inputs{example_table(200)}, Params{});
  ASSERT_TRUE(model.ok());
  const Table stranger = TableBuilder().integer("visits", {1}).real("score", {0.5}).text("place", {"south"}).build().value();
  EXPECT_EQ(apply(workspace().context(), *model, ApplyInputs{stranger}, Options{}).error().code, ErrorCode::bad_value);
}

TEST(Multiplicity, DependentColumnsGoAndNoRangeChanges) {
  std::vector<double> x = {0, 1, 2, 3, 0, 1, 2, 3, 1, 2};
  std::vector<double> twice;
  for (const double v : x) twice.push_back(2 * v + 1);
  const std::vector<std::int64_t> y = {0, 0, 1, 1, 1, 0, 1, 0, 1, 1};
  Params params;
  params.l2 = 0;
  const Table one = labelled(std::move(TableBuilder().real("x", x)), y);
  const Table both = labelled(std::move(TableBuilder().real("x", x).real("z", twice)), y);
  const auto lean = fit(workspace().context(), Inputs{one}, params);
  const auto fat = fit(workspace().context(), Inputs{both}, params);
  ASSERT_TRUE(lean.ok() && fat.ok());
  ASSERT_EQ(fat->encoding.left_out.size(), 1U);
  EXPECT_EQ(fat->encoding.left_out[0], "z: depends on other columns");
  EXPECT_EQ(lean->best, fat->best);
}

TEST(Multiplicity, AnyModelQualifiesIsSaid) {
  Workspace own({.backend = Backend::serial});
  Params params;
  params.eps = 10;
  ASSERT_TRUE(fit(own.context(), Inputs{example_table(100)}, params).ok());
  ASSERT_EQ(own.warnings().size(), 1U);
  EXPECT_NE(own.warnings()[0].find("any model qualifies"), std::string::npos);
}

TEST(Multiplicity, WeightsCountAsRowsDo) {
  const Table once = TableBuilder().real("x", {0, 1, 2, 0, 1, 2}).integer("y", {0, 0, 1, 1, 1, 0}).real("w", {3, 2, 4, 1, 2, 1}).build().value();
  std::vector<double> x;
  std::vector<std::int64_t> y;
  for (std::size_t i = 0; i < 6; ++i) {
    for (int k = 0; k < static_cast<int>(once.reals("w").value()[i]); ++k) {
      x.push_back(once.reals("x").value()[i]);
      y.push_back(static_cast<std::int64_t>(once.reals("y").value()[i]));
    }
  }
  const auto by_weight = fit(workspace().context(), Inputs{once.with_roles({{"target", {"y"}}, {"weight", {"w"}}})}, Params{});
  const auto by_rows = fit(workspace().context(), Inputs{labelled(std::move(TableBuilder().real("x", std::move(x))), std::move(y))}, Params{});
  ASSERT_TRUE(by_weight.ok() && by_rows.ok());
  EXPECT_EQ(by_weight->best, by_rows->best);
  EXPECT_EQ(by_weight->target, by_rows->target);
}

Result<Table> shared_table(const std::string& name, const std::string& target) {
  const char* named = std::getenv("PLIMSOLL_SHARED");
  const std::filesystem::path root = named ? std::filesystem::path(named) : std::filesystem::path(PLIMSOLL_SOURCE_DIR).parent_path() / "shared";
  const auto path = root / "data" / "predictive-multiplicity" / name;
  if (!std::filesystem::exists(path)) return Error(ErrorCode::not_found, "not there", "");
  PLIMSOLL_TRY(const Table table, read_table(path));
  return table.with_roles({{"target", {target}}});
}

// The published figures, measured with another program: widths, ambiguity, flips to four digits, and the proven discrepancy.
TEST(Multiplicity, MammographyRows) {
  const auto table = shared_table("mammo.csv", "Malignant");
  if (!table.ok()) GTEST_SKIP() << "needs the mammography rows of the shared data (PLIMSOLL_SHARED)";
  AssessParams params;
  params.delta = {0.2, 0.3};
  const auto report = assessed(*table, params);
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_NEAR(figure(*report, "loss"), 0.45857291, 5e-9);
  EXPECT_NEAR(figure(*report, "width_mean"), 0.2357, 5e-5);
  EXPECT_NEAR(figure(*report, "width_median"), 0.2218, 5e-5);
  EXPECT_NEAR(figure(*report, "width_max"), 0.755, 5e-4);
  EXPECT_NEAR(figure(*report, "flips"), 0.2040, 5e-5);
  EXPECT_NEAR(figure(*report, "ambiguity_0.2"), 0.1748, 5e-5);
  EXPECT_NEAR(figure(*report, "ambiguity_0.3"), 0.0271, 5e-5);
  EXPECT_NEAR(figure(*report, "discrepancy_lower_0.3"), 11.0 / 961, 1e-12);
  EXPECT_NEAR(figure(*report, "discrepancy_upper_0.3"), 11.0 / 961, 1e-12);
  EXPECT_GE(figure(*report, "discrepancy_lower_0.2"), 0.0208);  // the source's bracket is [.0208, .0760]
  EXPECT_LE(figure(*report, "discrepancy_upper_0.2"), 0.0760);
}

TEST(Multiplicity, ViolentRecidivismRows) {
  const auto table = shared_table("compas_violent.csv", "violent");
  if (!table.ok()) GTEST_SKIP() << "needs the recidivism rows of the shared data (PLIMSOLL_SHARED)";
  AssessParams params;
  params.discrepancy = false;
  const auto report = assessed(*table, params);
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_NEAR(figure(*report, "loss"), 0.33514253, 5e-9);
  EXPECT_NEAR(figure(*report, "width_mean"), 0.1883, 5e-5);
  EXPECT_NEAR(figure(*report, "width_median"), 0.1591, 5e-5);
  EXPECT_NEAR(figure(*report, "width_max"), 0.981, 5e-4);
  EXPECT_NEAR(figure(*report, "ambiguity_0.05"), 0.9971, 5e-5);
  EXPECT_NEAR(figure(*report, "ambiguity_0.1"), 0.5000, 5e-5);
  EXPECT_NEAR(figure(*report, "ambiguity_0.2"), 0.0985, 5e-5);
  EXPECT_NEAR(figure(*report, "ambiguity_0.3"), 0.0381, 5e-5);
  EXPECT_NEAR(figure(*report, "flips"), 0.0452, 5e-5);
}

TEST(Multiplicity, ProveHoldsAndCatchesBothLies) {
  const Subject own(entry);
  const auto evidence = prove(workspace().context(), own, {3, ProveSize::quick});
  ASSERT_TRUE(evidence.ok()) << evidence.error().message();
  EXPECT_TRUE(evidence->passed) << to_text(*evidence);
  for (const SpoiledForm* form : {&spoiled_ends, &spoiled_bound}) {
    Subject spoiled(entry);
    form->spoil(spoiled);
    const auto caught = prove(workspace().context(), spoiled, {3, ProveSize::quick});
    ASSERT_TRUE(caught.ok());
    EXPECT_FALSE(caught->passed) << form->what();
  }
}

}  // namespace
}  // namespace plimsoll::probability::multiplicity

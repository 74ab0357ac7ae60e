// SPDX-License-Identifier: Apache-2.0
#include "methods/score/probability/probability.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "engine/workspace.h"
#include "stats/roc.h"
#include "table/file_format.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::score::probability {
namespace {

void halve(Report& report, const std::string& name) {
  double middle = 0;
  for (const auto& [figure, value] : report.figures)
    if (figure == name) middle = value;
  for (auto& [figure, value] : report.figures)
    if (figure == name + "_low" || figure == name + "_high") value = middle + (value - middle) / 2;
}
const SpoiledForm narrow_area{"score.probability", "an AUROC interval of half its width", [](Subject& s) { s.spoil_report([](Report& r) { halve(r, "auroc"); }); }};
const SpoiledForm narrow_brier{"score.probability", "a Brier interval of half its width", [](Subject& s) { s.spoil_report([](Report& r) { halve(r, "brier"); }); }};
const SpoiledForm small_p{"score.probability", "p-values of a third of their size", [](Subject& s) {
                            s.spoil_report([](Report& r) {
                              for (auto& [figure, value] : r.figures)
                                if (figure == "smooth_ece_p") value /= 3;
                            });
                          }};

using Figures = std::map<std::string, double>;
using Columns = std::vector<std::pair<std::string, std::vector<double>>>;

Table table_of(const Columns& columns, Roles roles) {
  TableBuilder builder;
  for (const auto& [name, values] : columns) builder.real_or_null(name, values);
  return builder.build().value().with_roles(std::move(roles));
}

Params quick() {
  Params params;
  params.replicates = 50;
  params.null_draws = 19;
  return params;
}

Result<Report> scored(const Table& table, const Params& params) {
  Workspace workspace({.backend = Backend::serial, .seed = 1});
  return assess(workspace.context(), Inputs{table, {}}, params);
}

Figures figures_of(const Table& table, const Params& params = quick()) {
  const auto report = scored(table, params);
  EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().message());
  return report.ok() ? Figures(report.value().figures.begin(), report.value().figures.end()) : Figures();
}

const Roles plain = {{"probability", {"p"}}, {"target", {"y"}}};
const Columns small = {{"p", {0.1, 0.4, 0.35, 0.8, 0.6, 0.9}}, {"y", {0, 0, 1, 1, 0, 1}}};

TEST(ScoreProbability, ByHand) {
  const Figures f = figures_of(table_of(small, plain));
  EXPECT_NEAR(f.at("brier"), (0.01 + 0.16 + 0.4225 + 0.04 + 0.36 + 0.01) / 6, 1e-15);
  EXPECT_NEAR(f.at("log_loss"), -(std::log(0.9) + std::log(0.6) + std::log(0.35) + std::log(0.8) + std::log(0.4) + std::log(0.9)) / 6, 1e-14);
  EXPECT_DOUBLE_EQ(f.at("auroc"), 7.0 / 9);
  EXPECT_DOUBLE_EQ(f.at("event_share"), 0.5);
  EXPECT_NEAR(f.at("brier_skill"), 1 - f.at("brier") / 0.25, 1e-15);
  EXPECT_NEAR(f.at("brier"), f.at("miscalibration") - f.at("discrimination") + f.at("uncertainty"), 1e-12);
}

TEST(ScoreProbability, ScalesAndLabelsSayTheSame) {
  const Figures known = figures_of(table_of(small, plain));
  Columns percent = small, logit = small;
  for (double& p : percent[0].second) p *= 100;
  for (double& p : logit[0].second) p = std::log(p / (1 - p));
  Params params = quick();
  params.reading.percent = true;
  EXPECT_NEAR(figures_of(table_of(percent, plain), params).at("brier"), known.at("brier"), 1e-14);
  params.reading.percent = false;
  params.reading.logits = true;
  EXPECT_NEAR(figures_of(table_of(logit, plain), params).at("brier"), known.at("brier"), 1e-14);
  params = quick();
  params.reading.positive = "bad";
  const Table named = TableBuilder().real("p", small[0].second).text("y", {"good", "good", "bad", "bad", "good", "bad"}).build().value().with_roles(plain);
  EXPECT_EQ(figures_of(named, params).at("brier"), known.at("brier"));
  params.reading.positive = "worse";
  EXPECT_EQ(scored(named, params).error().code, ErrorCode::bad_value);
}

TEST(ScoreProbability, WeightsCountAsRowsAndZeroLeavesOut) {
  Columns weighted = small, longer = small;
  weighted.push_back({"w", {1, 2, 1, 1, 0, 3}});
  longer[0].second = {0.1, 0.4, 0.4, 0.35, 0.8, 0.9, 0.9, 0.9};
  longer[1].second = {0, 0, 0, 1, 1, 1, 1, 1};
  Roles roles = plain;
  roles["weight"] = {"w"};
  Params few = quick();
  few.bins = 5;  // no more cells than rows
  const Figures a = figures_of(table_of(weighted, roles), few), b = figures_of(table_of(longer, plain), few);
  for (const char* name : {"brier", "log_loss", "spherical", "auroc", "average_precision", "ks", "h_measure", "miscalibration", "discrimination", "uncertainty", "ks_calibration", "ece_width", "smooth_ece", "mmce"})
    EXPECT_NEAR(a.at(name), b.at(name), 1e-12) << name;
}

// Two classes in two columns are the event in one.
TEST(ScoreProbability, TwoColumnsAreOne) {
  Columns two = {{"p0", {}}, {"p1", small[0].second}, {"y", small[1].second}};
  for (const double p : small[0].second) two[0].second.push_back(1 - p);
  const Figures a = figures_of(table_of(two, {{"probability", {"p0", "p1"}}, {"target", {"y"}}})), b = figures_of(table_of(small, plain));
  EXPECT_NEAR(a.at("brier"), 2 * b.at("brier"), 1e-14);
  EXPECT_NEAR(a.at("log_loss"), b.at("log_loss"), 1e-14);
  EXPECT_NEAR(a.at("spherical"), b.at("spherical"), 1e-14);
  EXPECT_NEAR(a.at("auroc_mean"), b.at("auroc"), 1e-14);
  EXPECT_NEAR(a.at("miscalibration"), 2 * b.at("miscalibration"), 1e-14);
}

TEST(ScoreProbability, ComparisonIsDeLongsAndPaired) {
  Workspace workspace({.backend = Backend::serial});
  const Table table = exact_forecasts(Stream(5), 400).value();
  Roles roles = table.roles();
  roles["challenger"] = {"q"};
  const Figures f = figures_of(table.with_roles(roles));
  std::vector<std::int32_t> y;
  const Reals outcomes = table.reals("y").value();
  for (const double x : outcomes) y.push_back(x == 1 ? 1 : 0);
  const Reals p = table.reals("p").value(), q = table.reals("q").value();
  const auto known = stats::auroc_difference(p.span(), q.span(), y, 0.95).value();
  EXPECT_NEAR(f.at("auroc_less_q"), known.difference.value, 1e-12);
  EXPECT_NEAR(f.at("auroc_less_q_p"), known.p_value, 0.02 * known.p_value + 1e-4);  // Student's t for the normal law
  EXPECT_LT(f.at("brier_less_q"), 0);
  EXPECT_LT(f.at("brier_less_q_p"), 0.05);
}

TEST(ScoreProbability, GroupsOfClassesHaveRowsOfTheirOwn) {
  const Table table = TableBuilder().real("a", {0.6, 0.2, 0.7, 0.3}).real("b", {0.4, 0.8, 0.3, 0.7}).text("y", {"a", "b", "b", "b"}).text("g", {"x", "x", "z", "z"}).build().value();
  const auto report = scored(table.with_roles({{"probability", {"a", "b"}}, {"target", {"y"}}, {"group", {"g"}}}), quick());
  ASSERT_TRUE(report.ok()) << report.error().message();
  bool found = false;
  for (const Block& block : report.value().blocks) {
    const auto* by = std::get_if<TableBlock>(&block);
    if (by == nullptr || by->title != "By g") continue;
    found = true;
    ASSERT_EQ(by->rows.size(), 2u);
    EXPECT_TRUE(std::get<std::string>(by->rows[0][2]).starts_with("1.0000"));
    EXPECT_TRUE(std::get<std::string>(by->rows[1][2]).starts_with("0.5000"));
  }
  EXPECT_TRUE(found);
}

TEST(ScoreProbability, OneClassAndCertainErrorsAreSaid) {
  const Figures f = figures_of(table_of({{"p", {0.1, 0.2, 0.0}}, {"y", {1, 1, 1}}}, plain));
  EXPECT_TRUE(std::isnan(f.at("auroc")));
  EXPECT_TRUE(std::isnan(f.at("average_precision")));
  EXPECT_NEAR(f.at("brier"), (0.81 + 0.64 + 1) / 3, 1e-15);
  EXPECT_TRUE(std::isinf(f.at("log_loss")));
  EXPECT_NEAR(f.at("log_loss_clipped"), -(std::log(0.1) + std::log(0.2) + std::log(1e-15)) / 3, 1e-12);
}

void expect_error(const Columns& columns, const Roles& roles, ErrorCode code, std::int64_t row, const char* word, const Params& params = quick()) {
  const auto report = scored(table_of(columns, roles), params);
  ASSERT_FALSE(report.ok()) << word;
  EXPECT_EQ(report.error().code, code) << report.error().message();
  if (row >= 0) {
    EXPECT_EQ(report.error().row, row) << report.error().message();
  }
  EXPECT_NE(report.error().message().find(word), std::string::npos) << report.error().message();
}

TEST(ScoreProbability, BadInput) {
  const double gap = std::nan("");
  expect_error({{"p", {0.5, 1.5}}, {"y", {0, 1}}}, plain, ErrorCode::bad_value, 1, "--percent");
  expect_error({{"p", {0.5, -1.5}}, {"y", {0, 1}}}, plain, ErrorCode::bad_value, 1, "--logits");
  expect_error({{"p", {0.5, gap}}, {"y", {0, 1}}}, plain, ErrorCode::null_value, 1, "--missing drop");
  expect_error({{"p", {0.5, 0.5}}, {"y", {gap, 1}}}, plain, ErrorCode::null_value, 0, "--missing drop");
  expect_error({{"p", {0.5, 0.5}}, {"y", {1, 2}}}, plain, ErrorCode::bad_value, 1, "--positive");
  expect_error({{"p", {}}, {"y", {}}}, plain, ErrorCode::too_few_rows, -1, "no row");
  Roles roles = plain;
  roles["weight"] = {"w"};
  expect_error({{"p", {0.5, 0.5}}, {"y", {0, 1}}, {"w", {1, -1}}}, roles, ErrorCode::bad_value, 1, "negative");
  expect_error({{"p", {0.5, 0.5}}, {"y", {0, 1}}, {"w", {0, 0}}}, roles, ErrorCode::bad_value, -1, "zero");
  roles = plain;
  roles["id"] = {"i"};
  expect_error({{"p", {0.5, 0.5}}, {"y", {0, 1}}, {"i", {7, 7}}}, roles, ErrorCode::bad_value, 1, "twice");
  roles = {{"probability", {"p0", "p1"}}, {"target", {"y"}}};
  expect_error({{"p0", {0.5, 0.5}}, {"p1", {0.5, 0.4}}, {"y", {0, 1}}}, roles, ErrorCode::bad_value, 1, "sum to");
  expect_error({{"p0", {0.5, 0.5}}, {"p1", {0.5, 0.5}}, {"y", {0, 2}}}, roles, ErrorCode::bad_value, 1, "no probability column");
  roles["challenger"] = {"p0"};
  expect_error({{"p0", {0.5, 0.5}}, {"p1", {0.5, 0.5}}, {"y", {0, 1}}}, roles, ErrorCode::bad_parameter, -1, "challenger");
  Params params = quick();
  params.reading.missing = learn::MissingRows::drop;
  EXPECT_EQ(figures_of(table_of({{"p", {0.5, gap, 0.3}}, {"y", {0, 1, gap}}}, plain), params).at("rows"), 1);
  EXPECT_NEAR(figures_of(table_of({{"p", {1 + 5e-10, 0.2}}, {"y", {1, 0}}}, plain)).at("brier"), 0.02, 1e-15);
}

// Forecasts that are a known probability with noise, sharpened or shrunk: the Brier score and the log loss order them as the
// squared distance from the truth does, calibration errors and the AUROC do not.
TEST(ScoreProbability, ProperScoresOrderForecastsAsTheTruthDoes) {
  constexpr std::size_t n = 4000, versions = 40;
  Stream rng(20);
  Columns columns = {{"p", {}}, {"y", {}}, {"truth", {}}};
  std::vector<double> logit(n);
  for (std::size_t i = 0; i < n; ++i) {
    logit[i] = 1.2 * rng.normal() - 0.5;
    const double p = 1 / (1 + std::exp(-logit[i]));
    columns[0].second.push_back(p);
    columns[1].second.push_back(rng.bernoulli(p) ? 1 : 0);
    columns[2].second.push_back(p);
  }
  Roles roles = plain;
  roles["truth"] = {"truth"};
  for (std::size_t v = 0; v < versions; ++v) {
    const double slope = 0.4 + 2 * rng.uniform(), noise = 1.5 * rng.uniform();
    std::vector<double> column(n);
    for (std::size_t i = 0; i < n; ++i) column[i] = 1 / (1 + std::exp(-(slope * logit[i] + noise * rng.normal())));
    columns.emplace_back("v" + std::to_string(v), std::move(column));
    roles["challenger"].push_back("v" + std::to_string(v));
  }
  Params params = quick();
  params.replicates = 0;
  params.null_draws = 0;
  const Figures f = figures_of(table_of(columns, roles), params);
  EXPECT_GT(f.at("tau_brier"), 0.9);
  EXPECT_GT(f.at("tau_log_loss"), 0.8);
  for (const char* other : {"tau_ece", "tau_ks_calibration", "tau_auroc", "tau_mce", "tau_smooth_ece"}) EXPECT_GT(f.at("tau_brier"), f.at(other)) << other;
}

// Public figures: run where the data lie beside the sources, skipped by name elsewhere.
Result<Table> shared(const std::string& path) { return read_table(std::filesystem::path(PLIMSOLL_SOURCE_DIR) / ".." / "shared" / "data" / path, {}); }
#define SHARED_TABLE(name, path)                                                                       \
  const auto name = shared(path);                                                                      \
  if (!name.ok()) GTEST_SKIP() << "needs ../shared/data/" << path

TEST(ScoreProbabilityPublished, NiameyCorpTable) {
  SHARED_TABLE(table, "calibration-foundations/precip_niamey_2016.csv");
  struct Known {
    const char* column;
    double brier, mcb, dsc, ece_width, smooth, auc;
  };
  for (const Known& k : {Known{"ENS", 0.2662, 0.0661, 0.0441, -1, 0.2107, -1}, Known{"EMOS", 0.2320, 0.0183, 0.0305, -1, 0.0595, 0.643}}) {
    const Figures f = figures_of(table.value().with_roles({{"probability", {k.column}}, {"target", {"obs"}}}));
    EXPECT_NEAR(f.at("brier"), k.brier, 5e-5) << k.column;
    EXPECT_NEAR(f.at("miscalibration"), k.mcb, 5e-5) << k.column;
    EXPECT_NEAR(f.at("discrimination"), k.dsc, 5e-5) << k.column;
    EXPECT_NEAR(f.at("uncertainty"), 0.2442, 5e-5) << k.column;
    EXPECT_NEAR(f.at("smooth_ece"), k.smooth, 2e-4) << k.column;
    if (k.auc > 0) {
      EXPECT_NEAR(f.at("auroc"), k.auc, 5e-4);
    }
  }
  Params ten = quick();
  ten.bins = 10;
  EXPECT_NEAR(figures_of(table.value().with_roles({{"probability", {"ENS"}}, {"target", {"obs"}}}), ten).at("ece_width"), 0.2379, 5e-5);
}

TEST(ScoreProbabilityPublished, FaceNetworkTable) {
  SHARED_TABLE(table, "deep-probability-estimation/face_discrete_test.csv");
  struct Known {
    const char* column;
    double mse, brier, log, auc, ece, mcb, dsc;
  };
  Params params = quick();
  for (const Known& k : {Known{"p_infinite", 0.01509, 0.20396, 0.5950, 0.6874, 0.0292, 0.0024, 0.0266}, Known{"p_cape_bin", 0.02476, 0.21152, 0.6133, 0.6608, 0.0446, 0.0038, 0.0204},
                         Known{"p_early_stop", 0.02612, 0.21390, 0.6203, 0.6527, 0.0505, 0.0047, 0.0190}, Known{"p_overfit", 0.10390, 0.28784, 1.0873, 0.6150, 0.2414, 0.0702, 0.0106}}) {
    const Figures f = figures_of(table.value().with_roles({{"probability", {k.column}}, {"target", {"y"}}, {"truth", {"p_true"}}}), params);
    EXPECT_NEAR(f.at("mse_p"), k.mse, 5.1e-6) << k.column;
    EXPECT_NEAR(f.at("brier"), k.brier, 5.1e-6) << k.column;
    EXPECT_NEAR(f.at("log_loss"), k.log, 5.1e-5) << k.column;
    EXPECT_NEAR(f.at("auroc"), k.auc, 5.1e-5) << k.column;
    EXPECT_NEAR(f.at("ece"), k.ece, 5.1e-5) << k.column;
    EXPECT_NEAR(f.at("miscalibration"), k.mcb, 5.1e-5) << k.column;
    EXPECT_NEAR(f.at("discrimination"), k.dsc, 5.1e-5) << k.column;
    EXPECT_NEAR(f.at("uncertainty"), 0.22817, 5.1e-6) << k.column;
  }
  EXPECT_NEAR(figures_of(table.value().with_roles({{"probability", {"p_true"}}, {"target", {"y"}}}), params).at("brier"), 0.18842, 5.1e-6);
}

TEST(ScoreProbabilityPublished, CifarNetwork) {
  SHARED_TABLE(table, "calibration-foundations/cifar10_wideresnet16_4.csv");
  std::vector<std::string> columns;
  for (int k = 0; k < 10; ++k) columns.push_back("p" + std::to_string(k));
  const Figures f = figures_of(table.value().slice(5000, 5000).with_roles({{"probability", columns}, {"target", {"y"}}}));
  EXPECT_NEAR(f.at("log_loss"), 0.3737, 5e-5);
  EXPECT_NEAR(f.at("ece_width"), 0.0552, 5e-5);
  EXPECT_NEAR(f.at("accuracy"), 0.9112, 1e-12);
}

}  // namespace
}  // namespace plimsoll::score::probability

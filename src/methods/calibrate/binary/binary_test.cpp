// SPDX-License-Identifier: Apache-2.0
#include "methods/calibrate/binary/binary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/json.h"
#include "engine/door.h"
#include "engine/workspace.h"
#include "learn/logistic.h"
#include "stats/ece.h"
#include "table/file_format.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::calibrate::binary {
namespace {

const SpoiledForm flat_slope{"calibrate.binary", "a slope five per cent too flat", [](Subject& subject) {
                               subject.spoil_model([](void* m) {
                                 for (Piece& piece : static_cast<Model*>(m)->pieces) {
                                   piece.map.slope *= 0.95;
                                   piece.map.second *= 0.95;
                                 }
                               });
                             }};

Result<Reply> call(Verb verb, std::map<std::string, PortValue> ports, const std::string& parameters = "{}", ArtifactPort model = nullptr) {
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = 3});
  Call call;
  call.verb = verb;
  call.method = "calibrate.binary";
  call.parameters = parameters;
  call.ports = std::move(ports);
  call.model = std::move(model);
  return run(workspace.context(), call);
}

Table rows(std::vector<double> p, std::vector<double> y, std::vector<std::string> g = {}, std::vector<double> w = {}) {
  TableBuilder builder;
  Roles roles = {{"probability", {"p"}}, {"target", {"y"}}};
  builder.real("p", std::move(p)).real("y", std::move(y));
  if (!g.empty()) {
    builder.text("g", std::move(g));
    roles["group"] = {"g"};
  }
  if (!w.empty()) {
    builder.real("w", std::move(w));
    roles["weight"] = {"w"};
  }
  return std::move(builder).build().value().with_roles(roles);
}

Result<std::vector<double>> fitted(const Table& table, const std::string& parameters, std::vector<double> at, std::vector<std::string> g = {}) {
  PLIMSOLL_TRY(const Reply fit, call(Verb::fit, {{"data", table}}, parameters));
  TableBuilder builder;
  builder.real("p", std::move(at));
  if (!g.empty()) builder.text("g", std::move(g));
  PLIMSOLL_TRY(const Table points, std::move(builder).build());
  PLIMSOLL_TRY(const Reply reply, call(Verb::apply, {{"data", points}}, R"({"outside": "extrapolate"})", fit.artifact));
  PLIMSOLL_TRY(const Reals p, std::get<Table>(reply.outputs.at("rows")).reals("calibrated"));
  return std::vector<double>(p.begin(), p.end());
}

ErrorCode refused(const Table& table, const std::string& parameters = "{}") {
  const auto reply = call(Verb::fit, {{"data", table}}, parameters);
  return reply.ok() ? ErrorCode::internal : reply.error().code;
}

// scikit-learn 1.9.1, IsotonicRegression(out_of_bounds="clip") on these eight rows, ties included, at five points.
TEST(CalibrateBinary, IsotonicIsScikitLearns) {
  const Table table = rows({0.1, 0.2, 0.2, 0.4, 0.5, 0.6, 0.8, 0.9}, {0, 1, 0, 0, 1, 1, 0, 1});
  const auto p = fitted(table, R"({"method": "isotonic", "interp": "edges", "smooth_ends": false})", {0.05, 0.15, 0.3, 0.45, 0.85, 1.0});
  ASSERT_TRUE(p.ok()) << p.error().message();
  const std::vector<double> expected = {0, 1.0 / 6, 1.0 / 3, 0.5, 5.0 / 6, 1};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(p.value()[i], expected[i], 1e-12) << i;
}

TEST(CalibrateBinary, WeightsAreRepeatedRows) {
  for (const char* method : {"platt", "temperature", "beta", "isotonic", "venn_abers", "bbq"}) {
    const std::string parameters = std::string(R"({"method": ")") + method + R"(", "fingerprint": false})";
    const Table weighted = rows({0.1, 0.3, 0.35, 0.6, 0.8}, {0, 1, 0, 1, 1}, {}, {2, 3, 1, 2, 2});
    const Table repeated = rows({0.1, 0.1, 0.3, 0.3, 0.3, 0.35, 0.6, 0.6, 0.8, 0.8}, {0, 0, 1, 1, 1, 0, 1, 1, 1, 1});
    const auto a = fitted(weighted, parameters, {0.05, 0.3, 0.5, 0.7});
    const auto b = fitted(repeated, parameters, {0.05, 0.3, 0.5, 0.7});
    ASSERT_TRUE(a.ok() && b.ok()) << method;
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(a.value()[i], b.value()[i], 1e-9) << method << i;
  }
}

TEST(CalibrateBinary, LogitsAndPercentAreTheSameScores) {
  const std::vector<double> p = {0.05, 0.2, 0.3, 0.5, 0.6, 0.7, 0.9};
  const std::vector<double> y = {0, 0, 1, 0, 1, 1, 1};
  std::vector<double> logit, percent;
  for (const double x : p) {
    logit.push_back(std::log(x / (1 - x)));
    percent.push_back(100 * x);
  }
  const auto plain = fitted(rows(p, y), R"({"method": "platt"})", {0.4});
  const auto cents = fitted(rows(percent, y), R"({"method": "platt", "percent": true})", {40});
  const auto odds = fitted(rows(logit, y), R"({"method": "platt", "logits": true})", {std::log(0.4 / 0.6)});
  ASSERT_TRUE(plain.ok() && cents.ok() && odds.ok());
  EXPECT_NEAR(plain.value()[0], cents.value()[0], 1e-12);
  EXPECT_NEAR(plain.value()[0], odds.value()[0], 1e-9);
}

TEST(CalibrateBinary, GroupsShrinkToTheMapOfAll) {
  std::vector<double> p, y;
  std::vector<std::string> g;
  Stream rng(4);
  for (int i = 0; i < 3000; ++i) {
    const double x = rng.uniform();
    const double u = rng.uniform();
    g.push_back(i % 3 == 0 ? "a" : "b");
    p.push_back(0.05 + 0.9 * x);
    y.push_back(u < (i % 3 == 0 ? 0.8 * p.back() : p.back()) ? 1 : 0);
  }
  const Table table = rows(p, y, g);
  const auto free = fitted(table, R"({"method": "platt", "shrinkage": 0})", {0.5, 0.5, 0.5}, {"a", "b", "unseen"});
  const auto tied = fitted(table, R"({"method": "platt", "shrinkage": 1e12})", {0.5, 0.5, 0.5}, {"a", "b", "unseen"});
  ASSERT_TRUE(free.ok() && tied.ok());
  EXPECT_LT(free.value()[0], 0.45);
  EXPECT_NEAR(free.value()[1], 0.5, 0.05);
  EXPECT_NEAR(tied.value()[0], tied.value()[2], 1e-6);
  EXPECT_NEAR(tied.value()[1], tied.value()[2], 1e-6);
  // Multicalibration leaves no group and bin of a hundred rows with a gap above 0.01.
  const auto fit = call(Verb::fit, {{"data", table}}, R"({"method": "identity", "multicalibrate": 0.01})");
  ASSERT_TRUE(fit.ok());
  const auto reply = call(Verb::apply, {{"data", table.with_roles({})}}, "{}", fit.value().artifact);
  ASSERT_TRUE(reply.ok()) << reply.error().message();
  const Reals moved = std::get<Table>(reply.value().outputs.at("rows")).reals("calibrated").value();
  for (const std::string name : {"a", "b"})
    for (int bin = 0; bin < 10; ++bin) {
      double n = 0, gap = 0;
      for (std::size_t i = 0; i < y.size(); ++i) {
        if (g[i] != name || !(moved[i] > bin / 10.0 || bin == 0) || moved[i] > (bin + 1) / 10.0) continue;
        n += 1;
        gap += y[i] - moved[i];
      }
      if (n >= 100) {
        EXPECT_LE(std::fabs(gap / n), 0.0100001) << name << bin;
      }
    }
}

TEST(CalibrateBinary, FoldsAreAveraged) {
  TableBuilder builder;
  builder.real("p", {0.1, 0.4, 0.6, 0.9, 0.2, 0.3, 0.7, 0.8}).real("y", {0, 1, 0, 1, 0, 0, 1, 1}).text("f", {"1", "1", "1", "1", "2", "2", "2", "2"});
  const Table table = std::move(builder).build().value().with_roles({{"probability", {"p"}}, {"target", {"y"}}, {"fold", {"f"}}});
  const auto fit = call(Verb::fit, {{"data", table}}, R"({"method": "venn_abers"})");
  ASSERT_TRUE(fit.ok()) << fit.error().message();
  const Model& model = fit.value().artifact->model().as<Model>();
  ASSERT_EQ(model.pieces.size(), 2u);
  TableBuilder two;
  two.real("p1", {0.5}).real("p2", {0.65});
  const auto reply = call(Verb::apply, {{"data", std::move(two).build().value().with_roles({{"probability", {"p1", "p2"}}})}}, "{}", fit.value().artifact);
  ASSERT_TRUE(reply.ok()) << reply.error().message();
  const double expected = (model.pieces[0].map.apply(0.5) + model.pieces[1].map.apply(0.65)) / 2;
  EXPECT_DOUBLE_EQ(std::get<Table>(reply.value().outputs.at("rows")).reals("calibrated").value()[0], expected);
}

TEST(CalibrateBinary, RefusesAndCountsBadRows) {
  const std::vector<double> p = {0.1, 0.6, 0.4, 0.9}, y = {0, 1, 0, 1};
  EXPECT_EQ(refused(rows({0.1, 60, 0.4, 0.9}, y)), ErrorCode::bad_value);
  const auto percent = call(Verb::fit, {{"data", rows({0.1, 60, 0.4, 0.9}, y)}});
  EXPECT_NE(percent.error().mend.find("--percent"), std::string::npos);
  EXPECT_EQ(percent.error().row, 1);
  EXPECT_EQ(refused(rows({0.1, -0.2, 0.4, 0.9}, y)), ErrorCode::bad_value);
  EXPECT_EQ(refused(rows(p, {0, 2, 0, 1})), ErrorCode::bad_value);
  EXPECT_EQ(refused(rows(p, {1, 1, 1, 1})), ErrorCode::one_class);
  EXPECT_EQ(refused(rows(p, y, {}, {1, -1, 1, 1})), ErrorCode::bad_value);
  EXPECT_EQ(refused(rows(p, y, {}, {0, 0, 0, 0})), ErrorCode::too_few_rows);
  EXPECT_EQ(refused(rows({}, {})), ErrorCode::too_few_rows);
  EXPECT_EQ(refused(rows({0.1, std::nan(""), 0.4, 0.9}, y)), ErrorCode::bad_value);
  EXPECT_EQ(refused(rows(p, y), R"({"logits": true, "percent": true})"), ErrorCode::bad_parameter);
  const auto dropped = call(Verb::fit, {{"data", rows({0.1, std::nan(""), 0.4, 0.9, 0.3}, {0, 1, 0, 1, 1})}}, R"({"missing": "drop", "method": "platt"})");
  ASSERT_TRUE(dropped.ok()) << dropped.error().message();
  EXPECT_EQ(dropped.value().artifact->model().as<Model>().dropped, 1);
  const auto clipped = call(Verb::fit, {{"data", rows({-1e-12, 0.6, 0.4, 1 + 1e-12}, y)}}, R"({"method": "isotonic"})");
  ASSERT_TRUE(clipped.ok());
  EXPECT_EQ(clipped.value().artifact->model().as<Model>().clipped, 2);
  EXPECT_FALSE(clipped.value().warnings.empty());
  TableBuilder builder;
  builder.real("p", p).text("y", {"bad", "good", "bad", "good"}).text("id", {"a", "b", "a", "c"});
  const Table named = std::move(builder).build().value();
  EXPECT_EQ(refused(named.with_roles({{"probability", {"p"}}, {"target", {"y"}}})), ErrorCode::bad_value);
  EXPECT_TRUE(call(Verb::fit, {{"data", named.with_roles({{"probability", {"p"}}, {"target", {"y"}}})}}, R"({"positive": "good"})").ok());
  EXPECT_EQ(refused(named.with_roles({{"probability", {"p"}}, {"target", {"y"}}, {"id", {"id"}}}), R"({"positive": "good"})"), ErrorCode::bad_value);
}

TEST(CalibrateBinary, HistogramTakesFewerBinsOfFewRows) {
  Stream rng(2);
  std::vector<double> p, y;
  for (int i = 0; i < 40; ++i) {
    p.push_back(rng.uniform());
    y.push_back(i % 2);
  }
  const auto fit = call(Verb::fit, {{"data", rows(p, y)}}, R"({"method": "histogram"})");
  ASSERT_TRUE(fit.ok());
  EXPECT_EQ(fit.value().artifact->model().as<Model>().pieces[0].map.values.size(), 4u);
  ASSERT_EQ(fit.value().warnings.size(), 1u);
}

TEST(CalibrateBinary, AssessingOnItsOwnRowsIsSaidOnEveryLine) {
  const Table table = example_rows(5, 0, 400).value();
  const auto fit = call(Verb::fit, {{"data", table}});
  ASSERT_TRUE(fit.ok());
  const auto own = call(Verb::assess, {{"data", table}, {"model", fit.value().artifact}}, R"({"bootstrap": 50})");
  ASSERT_TRUE(own.ok()) << own.error().message();
  for (const Block& block : own.value().report->blocks)
    if (const auto* lines = std::get_if<TableBlock>(&block)) {
      EXPECT_EQ(lines->columns.back(), "warning");
      for (const auto& line : lines->rows) EXPECT_EQ(std::get<std::string>(line.back()), "these rows were calibrated on");
    }
  const auto fresh = call(Verb::assess, {{"data", example_rows(5, 1, 400).value()}, {"model", fit.value().artifact}}, R"({"bootstrap": 50})");
  ASSERT_TRUE(fresh.ok());
  for (const Block& block : fresh.value().report->blocks)
    if (const auto* lines = std::get_if<TableBlock>(&block)) {
      EXPECT_NE(lines->columns.back(), "warning");
    }
  // One outcome: the Brier score stands, ranking does not.
  const auto one = call(Verb::assess, {{"data", rows({0.2, 0.4}, {0, 0})}, {"model", fit.value().artifact}}, R"({"bootstrap": 50})");
  ASSERT_TRUE(one.ok()) << one.error().message();
  for (const auto& [name, value] : one.value().report->figures) EXPECT_EQ(name.find("auroc"), std::string::npos);
}

// A stream of right probabilities is not alarmed (chance 1/1000 by Ville, at this seed it is not); twice too many events are.
TEST(CalibrateBinary, WatchesAStream) {
  const auto fit = call(Verb::fit, {{"data", example_rows(5, 0, 400).value()}}, R"({"method": "platt"})");
  ASSERT_TRUE(fit.ok());
  for (const bool drift : {false, true}) {
    auto session = Session::open(fit.value().artifact);
    ASSERT_TRUE(session.ok());
    Workspace workspace;
    Stream rng(7);
    bool alarm = false;
    for (int i = 0; i < 600; ++i) {
      const double l = -0.5 + 1.5 * rng.normal();
      const double u = rng.uniform();
      const int y = u < learn::sigmoid(l + (drift ? 1 : 0)) ? 1 : 0;
      const auto row = session.value().step(workspace.context(), canonical_json({{"score", learn::sigmoid(1.8 * l - 0.5)}, {"outcome", y}}));
      ASSERT_TRUE(row.ok()) << row.error().message();
      alarm = row.value().find("\"alarm\":true") != std::string::npos;
    }
    EXPECT_EQ(alarm, drift);
  }
}

// The order of the maps at few and at many rows, as measured with the distortion logit p = 1.8 logit q - 0.5 over 30 repeats: at 100
// rows Platt's excess log loss is about .011, isotonic's .076; at 1,000 .0010 and .0121. Bands are three times as wide as their repeats'.
TEST(CalibrateBinary, WhichMapWhen) {
  const auto excess = [](const char* method, std::int64_t n) {
    double sum = 0;
    for (std::uint64_t repeat = 0; repeat < 12; ++repeat) {
      const auto p = fitted(example_rows(repeat + 100, 0, n).value(), std::string(R"({"smooth_ends": true, "method": ")") + method + "\"}", [] {
        std::vector<double> at;
        for (int i = -40; i <= 40; ++i) at.push_back(learn::sigmoid(1.8 * (-0.5 + 1.5 * i / 12.0) - 0.5));
        return at;
      }());
      double own = 0, mass = 0;
      for (int i = -40; i <= 40; ++i) {
        const double z = i / 12.0, w = std::exp(-z * z / 2), q = learn::sigmoid(-0.5 + 1.5 * z), r = p.value()[static_cast<std::size_t>(i + 40)];
        own += w * (q * std::log(q / r) + (1 - q) * std::log((1 - q) / (1 - r)));
        mass += w;
      }
      sum += own / mass / 12;
    }
    return sum;
  };
  EXPECT_LT(excess("platt", 1000), 0.003);
  EXPECT_GT(excess("isotonic", 1000), 0.003);
  EXPECT_GT(excess("identity", 1000), 0.05);
  EXPECT_GT(excess("isotonic", 100), excess("platt", 100));
}

TEST(CalibrateBinary, AnInfiniteLossIsSaidBesideTheClippedOne) {
  const Table table = rows({0, 0.4, 0.6, 1}, {1, 0, 1, 1});
  const auto fit = call(Verb::fit, {{"data", table}}, R"({"method": "identity", "fingerprint": false})");
  ASSERT_TRUE(fit.ok());
  const auto reply = call(Verb::assess, {{"data", table}, {"model", fit.value().artifact}}, R"({"bootstrap": 20, "eps": 1e-3})");
  ASSERT_TRUE(reply.ok()) << reply.error().message();
  int seen = 0;
  for (const Block& block : reply.value().report->blocks)
    if (const auto* lines = std::get_if<TableBlock>(&block); lines && lines->title == "Scores") {
      EXPECT_TRUE(std::isinf(std::get<double>(lines->rows[0][6])));
      EXPECT_NEAR(std::get<double>(lines->rows[0][7]), (-std::log(1e-3) - 2 * std::log(0.6) - std::log(0.999)) / 4, 1e-12);
      EXPECT_EQ(std::get<std::int64_t>(lines->rows[0][8]), 2);
      EXPECT_DOUBLE_EQ(std::get<double>(lines->rows[0][1]), (1 + 0.16 + 0.16) / 4);
      ++seen;
    } else if (const auto* text = std::get_if<TextBlock>(&block)) {
      seen += text->heading == "Fewer bins" ? 1 : 0;
    }
  EXPECT_EQ(seen, 2);
}

double figure(const Report& report, const std::string& name) {
  for (const auto& [key, value] : report.figures)
    if (key == name) return value;
  ADD_FAILURE() << name;
  return std::nan("");
}

// What `assess` says of probabilities as they are given, in a published file.
Result<Report> assessed(const Table& table, const std::string& column, const std::string& target, const std::string& parameters) {
  const Table bound = table.with_roles({{"probability", {column}}, {"target", {target}}});
  PLIMSOLL_TRY(const Reply fit, call(Verb::fit, {{"data", bound}}, R"({"method": "identity", "fingerprint": false})"));
  PLIMSOLL_TRY(const Reply reply, call(Verb::assess, {{"data", bound}, {"model", fit.artifact}}, parameters));
  return *reply.report;
}

std::filesystem::path shared(const std::string& name) { return std::filesystem::path(PLIMSOLL_SOURCE_DIR) / "../shared/data" / name; }

// Dimitriadis, Gneiting and Jordan 2021, table of the Niamey forecasts of rain, to the digits printed.
TEST(CalibrateBinary, PublishedNiameyDecomposition) {
  const auto file = shared("calibration-foundations/precip_niamey_2016.csv");
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "needs " << file;
  const Table table = read_table(file).value();
  const auto ens = assessed(table, "ENS", "obs", R"({"bootstrap": 20})");
  ASSERT_TRUE(ens.ok()) << ens.error().message();
  EXPECT_NEAR(figure(*ens, "as_given_brier"), 0.2662, 5e-5);
  EXPECT_NEAR(figure(*ens, "as_given_mcb"), 0.0661, 5e-5);
  EXPECT_NEAR(figure(*ens, "as_given_dsc"), 0.0441, 5e-5);
  EXPECT_NEAR(figure(*ens, "as_given_unc"), 0.2442, 5e-5);
  // Ten bins for 92 rows are fewer than ten rows a bin, so the report has nine; the published figure has ten.
  const Reals p = table.reals("ENS").value(), y = table.reals("obs").value();
  const std::vector<std::int32_t> outcome(y.begin(), y.end());
  EXPECT_NEAR(stats::expected_calibration_error(p.span(), outcome, 10, stats::Binning::equal_width)->ece, 0.2379, 5e-5);
  const auto emos = assessed(table, "EMOS", "obs", R"({"bootstrap": 20})");
  ASSERT_TRUE(emos.ok());
  EXPECT_NEAR(figure(*emos, "as_given_brier"), 0.2320, 5e-5);
  EXPECT_NEAR(figure(*emos, "as_given_mcb"), 0.0183, 5e-5);
  EXPECT_NEAR(figure(*emos, "as_given_dsc"), 0.0305, 5e-5);
  EXPECT_NEAR(figure(*emos, "as_given_auroc"), 0.643, 5e-4);
}

// Saved network outputs on 4,738 faces with simulated outcomes (discrete scenario), to the digits printed.
TEST(CalibrateBinary, PublishedFaceMetrics) {
  const auto file = shared("deep-probability-estimation/face_discrete_test.csv");
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "needs " << file;
  const Table table = read_table(file).value();
  struct Row {
    const char* column;
    double brier, log_loss, auroc, ece, mcb, dsc;
  };
  const std::vector<Row> rows = {{"p_infinite", .20396, .5950, .6874, .0292, .0024, .0266},
                                 {"p_cape_bin", .21152, .6133, .6608, .0446, .0038, .0204},
                                 {"p_early_stop", .21390, .6203, .6527, .0505, .0047, .0190},
                                 {"p_overfit", .28784, 1.0873, .6150, .2414, .0702, .0106}};
  for (const Row& row : rows) {
    const auto report = assessed(table, row.column, "y", R"({"bootstrap": 20})");
    ASSERT_TRUE(report.ok()) << report.error().message();
    EXPECT_NEAR(figure(*report, "as_given_brier"), row.brier, 5.5e-6) << row.column;
    EXPECT_NEAR(figure(*report, "as_given_log_loss"), row.log_loss, 5.5e-5) << row.column;
    EXPECT_NEAR(figure(*report, "as_given_auroc"), row.auroc, 5.5e-5) << row.column;
    EXPECT_NEAR(figure(*report, "as_given_ece"), row.ece, 5.5e-5) << row.column;
    EXPECT_NEAR(figure(*report, "as_given_mcb"), row.mcb, 5.5e-5) << row.column;
    EXPECT_NEAR(figure(*report, "as_given_dsc"), row.dsc, 5.5e-5) << row.column;
    EXPECT_NEAR(figure(*report, "as_given_unc"), .22817, 5.5e-6) << row.column;
  }
}

}  // namespace
}  // namespace plimsoll::calibrate::binary

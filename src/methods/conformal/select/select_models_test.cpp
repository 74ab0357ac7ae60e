// SPDX-License-Identifier: Apache-2.0
// Competing and refitted models, weights, other rules; and the public figures of OptCS.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "engine/workspace.h"
#include "methods/conformal/select/select.h"

namespace plimsoll::conformal::select {
namespace {

using Columns = std::vector<std::pair<std::string, std::vector<double>>>;

Table table_of(const Columns& columns, Roles roles) {
  TableBuilder builder;
  for (const auto& [name, values] : columns) builder.real(name, values);
  return std::move(builder).build().value().with_roles(std::move(roles));
}

std::vector<double> column(const Outputs& outputs, const char* name) {
  const Reals values = outputs.rows.reals(name).value();
  return {values.begin(), values.end()};
}

// Two models: the first knows nothing of the pool, the second puts it above all ordinary rows.
TEST(ConformalSelectModels, TakesTheModelThatSelectsMore) {
  Workspace workspace({.backend = Backend::serial});
  Inputs inputs;
  inputs.labelled = table_of({{"a", {1, 2, 3, 4}}, {"b", {1, 2, 3, 4}}, {"y", {0, 0, 0, 0}}}, {{"prediction", {"a", "b"}}, {"target", {"y"}}});
  inputs.pool = table_of({{"a", {0.5, 0.6}}, {"b", {8, 9}}}, {{"prediction", {"a", "b"}}});
  Params params;
  params.method = Procedure::optcs_msel;
  params.prune = Prune::dtm;
  params.q = 0.4;
  const auto out = apply(workspace.context(), params, inputs, {});
  ASSERT_TRUE(out.ok()) << out.error().message();
  EXPECT_EQ(out.value().rows.texts("model").value(), (std::vector<std::string>{"b", "b"}));
  // Model b: N = 0 for both; j in front, (0 + 1) 2 <= 0.4 * 2 * 5: both: s = 2. p = 1/5 <= 0.4 * 2 / 2, e = 2 / (0.4 * 2) = 2.5.
  EXPECT_EQ(column(out.value(), "size"), (std::vector<double>{2, 2}));
  EXPECT_EQ(column(out.value(), "e_value"), (std::vector<double>{2.5, 2.5}));
  EXPECT_EQ(out.value().selected, 2);
  params.beta = 0.4;  // the gate is 0.16
  EXPECT_EQ(apply(workspace.context(), params, inputs, {}).value().selected, 0);
  params.method = Procedure::cfbh;
  EXPECT_EQ(apply(workspace.context(), params, inputs, {}).error().code, ErrorCode::bad_parameter);
}

TEST(ConformalSelectModels, ExpressionsArePredictions) {
  Workspace workspace({.backend = Backend::serial});
  Inputs inputs;
  inputs.labelled = table_of({{"mu", {2, 4, 6}}, {"s", {2, 1, 3}}, {"r", {1, 4, 2}}, {"y", {0, 0, 0}}}, {{"target", {"y"}}});
  inputs.pool = table_of({{"mu", {9, 6}}, {"s", {3, 1}}, {"r", {3, 6}}}, {});
  Params params;
  params.q = 0.5;
  params.expressions = {"mu / s"};
  const auto out = apply(workspace.context(), params, inputs, {});
  ASSERT_TRUE(out.ok()) << out.error().message();
  Inputs bound = inputs;
  bound.labelled = inputs.labelled.with_roles({{"target", {"y"}}, {"prediction", {"r"}}});
  bound.pool = inputs.pool.with_roles({{"prediction", {"r"}}});
  params.expressions = {};
  EXPECT_EQ(column(out.value(), "p_value"), column(apply(workspace.context(), params, bound, {}).value(), "p_value"));
  params.expressions = {"mu / (s - 1)"};
  EXPECT_EQ(apply(workspace.context(), params, inputs, {}).error().code, ErrorCode::bad_value);
  params.expressions = {"mu /"};
  EXPECT_EQ(apply(workspace.context(), params, inputs, {}).error().code, ErrorCode::bad_parameter);
}

TEST(ConformalSelectModels, OutliersByEveryRule) {
  Workspace workspace({.backend = Backend::serial});
  std::vector<double> ordinary;
  for (int i = 1; i <= 19; ++i) ordinary.push_back(i);
  Inputs inputs;
  inputs.labelled = table_of({{"f", ordinary}}, {{"prediction", {"f"}}});
  inputs.pool = table_of({{"f", {30, 25, 18.5, 3}}}, {{"prediction", {"f"}}});
  Params params;
  params.score = Score::outlier;
  params.q = 0.12;
  const auto out = apply(workspace.context(), params, inputs, {});  // p = .05, .05, .1, .9: .05 <= .06, .1 > .09
  ASSERT_TRUE(out.ok()) << out.error().message();
  EXPECT_EQ(column(out.value(), "selected"), (std::vector<double>{1, 1, 0, 0}));
  params.rule = Rule::storey;
  params.storey_lambda = 0.2;  // pi0 = (1 + 1) / (4 * 0.8) = 0.625: q becomes 0.192, and 0.1 <= 0.144
  EXPECT_EQ(column(apply(workspace.context(), params, inputs, {}).value(), "selected"), (std::vector<double>{1, 1, 1, 0}));
  params.rule = Rule::fixed;
  params.threshold = 0.1;
  const auto fixed = apply(workspace.context(), params, inputs, {});
  EXPECT_EQ(column(fixed.value(), "selected"), (std::vector<double>{1, 1, 1, 0}));
  EXPECT_EQ(certify(params, fixed.value()).value().template_id, "rate.selection");
  params.rule = Rule::ebh;
  params.prune = Prune::dtm;
  EXPECT_EQ(apply(workspace.context(), params, inputs, {}).value().selected, 2);
}

// Weights of one everywhere are no weights: p as without, but for the strict auxiliary lists; and refusals.
TEST(ConformalSelectModels, Weights) {
  Workspace workspace({.backend = Backend::serial});
  Stream stream(5);
  std::vector<double> y, f, w, g, v;
  for (int i = 0; i < 60; ++i) {
    y.push_back(stream.normal());
    f.push_back(y.back() + stream.normal());
    w.push_back(1);
  }
  for (int j = 0; j < 30; ++j) {
    g.push_back(stream.normal() * 1.4 + 1);
    v.push_back(1);
  }
  Inputs inputs;
  inputs.labelled = table_of({{"y", y}, {"f", f}, {"w", w}}, {{"target", {"y"}}, {"prediction", {"f"}}, {"weight", {"w"}}});
  inputs.pool = table_of({{"f", g}, {"w", v}}, {{"prediction", {"f"}}, {"weight", {"w"}}});
  Params params;
  params.q = 0.4;
  const auto plain = apply(workspace.context(), params, inputs, {});
  params.method = Procedure::weighted_cs;
  const auto weighted = apply(workspace.context(), params, inputs, {});
  ASSERT_TRUE(weighted.ok()) << weighted.error().message();
  EXPECT_EQ(column(weighted.value(), "p_value"), column(plain.value(), "p_value"));
  EXPECT_EQ(weighted.value().selected, plain.value().selected);
  v[3] = 0;
  inputs.pool = table_of({{"f", g}, {"w", v}}, {{"prediction", {"f"}}, {"weight", {"w"}}});
  const auto zero = apply(workspace.context(), params, inputs, {});
  ASSERT_FALSE(zero.ok());
  EXPECT_EQ(zero.error().code, ErrorCode::bad_value);
  EXPECT_EQ(zero.error().row, 3);
}

TEST(ConformalSelectModels, LearnersThatAreCutIntoFolds) {
  Workspace workspace({.backend = Backend::serial});
  const auto rows = [](std::uint64_t seed, int count, bool labelled) {
    Stream stream(seed);
    Columns columns = {{"a", {}}, {"b", {}}, {"y", {}}};
    for (int i = 0; i < count; ++i) {
      columns[0].second.push_back(stream.normal());
      columns[1].second.push_back(stream.normal());
      columns[2].second.push_back(2 * columns[0].second.back() + 0.3 * stream.normal());
    }
    return table_of(columns, labelled ? Roles{{"feature", {"a", "b"}}, {"target", {"y"}}} : Roles{{"feature", {"a", "b"}}});
  };
  Inputs inputs;
  inputs.labelled = rows(1, 300, true);
  inputs.pool = rows(2, 60, false);
  for (const char* learner : {"ridge", "logistic", "trees"}) {
    Params params;
    params.method = Procedure::optcs_full;
    params.learners = {learner};
    params.q = 0.2;
    params.prune = Prune::dtm;
    params.balance = true;
    const auto out = apply(workspace.context(), params, inputs, {});
    ASSERT_TRUE(out.ok()) << out.error().message();
    EXPECT_GT(out.value().selected, 15) << learner;
    const Reals truth = inputs.pool.reals("y").value();
    const std::vector<double> selected = column(out.value(), "selected");
    int wrong = 0;
    for (std::size_t j = 0; j < selected.size(); ++j) wrong += selected[j] != 0 && truth[j] <= 0 ? 1 : 0;
    EXPECT_LT(wrong, 15) << learner;
  }
}

TEST(ConformalSelectModels, BadModels) {
  Params params;
  params.method = Procedure::optcs_full;
  params.learners = {"forest"};
  EXPECT_EQ(check(params).error().parameter, "learners");
  params.learners = {"trees"};
  params.impute = Impute::one;
  EXPECT_EQ(check(params).error().parameter, "impute");
  params = Params{};
  params.method = Procedure::optcs_msel;
  params.rule = Rule::storey;
  EXPECT_EQ(check(params).error().parameter, "rule");
  params = Params{};
  params.method = Procedure::optcs_full_msel;
  params.penalties = {1, 2};
  params.subsets = {"a", "b", "c"};
  EXPECT_EQ(check(params).error().parameter, "learners");
}

TEST(ConformalSelectModels, LearnedRowsAreRefused) {
  Workspace workspace({.backend = Backend::serial});
  Inputs inputs;
  inputs.labelled = std::move(TableBuilder().text("id", {"a", "b"}).real("f", {1, 2}).real("y", {0, 1})).build().value().with_roles({{"id", {"id"}}, {"prediction", {"f"}}, {"target", {"y"}}});
  inputs.pool = std::move(TableBuilder().text("id", {"c"}).real("f", {1})).build().value().with_roles({{"id", {"id"}}, {"prediction", {"f"}}});
  inputs.learned = std::move(TableBuilder().text("id", {"z", "b"})).build().value().with_roles({{"id", {"id"}}});
  const auto refused = apply(workspace.context(), Params{}, inputs, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::overlap);
  EXPECT_EQ(refused.error().row, 1);
}

TEST(ConformalSelectModels, WhatBecameOfASelection) {
  Workspace workspace({.backend = Backend::serial});
  AssessInputs inputs;
  inputs.data = table_of({{"s", {1, 1, 1, 0, 0}}, {"y", {2, 0, 3, 4, -1}}}, {{"selected", {"s"}}, {"target", {"y"}}});
  const auto report = assess(workspace.context(), inputs, {});
  ASSERT_TRUE(report.ok()) << report.error().message();
  std::map<std::string, double> figures(report.value().figures.begin(), report.value().figures.end());
  EXPECT_DOUBLE_EQ(figures["false_discovery_proportion"], 1.0 / 3);
  EXPECT_DOUBLE_EQ(figures["power"], 2.0 / 3);
}

struct Rates {
  int repeats = 0;
  double share = 0, square = 0, found = 0, found_square = 0;
  void add(const std::vector<double>& selected, const std::vector<double>& truth, double bar) {
    double right = 0, wrong = 0, good = 0;
    for (std::size_t j = 0; j < truth.size(); ++j) {
      good += truth[j] > bar ? 1 : 0;
      (truth[j] > bar ? right : wrong) += selected[j];
    }
    const double fdp = wrong / std::max(1.0, right + wrong);
    const double power = right / std::max(1.0, good);
    ++repeats;
    share += fdp;
    square += fdp * fdp;
    found += power;
    found_square += power * power;
  }
  double fdr() const { return share / repeats; }
  double power() const { return found / repeats; }
  double fdr_error() const { return std::sqrt((square / repeats - fdr() * fdr()) / repeats); }
  double power_error() const { return std::sqrt((found_square / repeats - power() * power()) / repeats); }
};

// Benjamini-Hochberg at 0.2 with each model, and the largest selection kept.
std::vector<double> largest_selection(const std::vector<stats::SelectionScores>& models) {
  std::vector<double> largest(models.front().pool.size(), 0.0);
  double most = 0;
  for (const auto& scores : models) {
    const std::vector<double> scaled = stats::scaled_p_values(scores, {});
    const double last = stats::largest_selected(scaled, 100, 0.2);
    std::vector<double> selected;
    double count = 0;
    for (const double one : scaled) {
      selected.push_back(one <= last ? 1 : 0);
      count += selected.back();
    }
    if (count <= most) continue;
    most = count;
    largest = selected;
  }
  return largest;
}

// Sheet figure (a): 50 models of pure noise, n = m = 100, y normal, c = 0.5, q = 0.2: naive .686 (.007), single .063, dtm .142, homo
// .189 (.013), hete .195 (.014).
TEST(ConformalSelectModels, PureNoiseFigure) {
  Workspace workspace({.backend = Backend::serial});
  Context context = workspace.context();
  context.warn = [](std::string) {};
  std::map<std::string, Rates> rates;
  Stream stream(7);
  for (int repeat = 0; repeat < 250; ++repeat) {
    Inputs inputs;
    std::vector<double> truth;
    std::vector<std::string> names;
    std::vector<stats::SelectionScores> models(50);
    for (const bool labelled : {true, false}) {
      Columns columns;
      std::vector<double> y;
      for (int i = 0; i < 100; ++i) y.push_back(stream.normal());
      for (int k = 0; k < 50; ++k) {
        columns.push_back({"m" + std::to_string(k), {}});
        if (labelled) names.push_back(columns.back().first);
        for (std::size_t i = 0; i < 100; ++i) {
          columns.back().second.push_back(stream.normal());
          auto& scores = models[static_cast<std::size_t>(k)];
          if (labelled) scores.labelled.push_back(y[i] > 0.5 ? std::numeric_limits<double>::infinity() : -columns.back().second.back());
          else scores.pool.push_back(-columns.back().second.back());
        }
      }
      if (labelled) columns.push_back({"y", y});
      else truth = y;
      (labelled ? inputs.labelled : inputs.pool) = table_of(columns, labelled ? Roles{{"prediction", names}, {"target", {"y"}}} : Roles{{"prediction", names}});
    }
    Params params;
    params.method = Procedure::optcs_msel;
    params.c = 0.5;
    params.q = 0.2;
    params.xi_seed = static_cast<std::int64_t>(stream.below(std::uint64_t{1} << 40));
    for (const Prune prune : {Prune::dtm, Prune::homo, Prune::hete}) {
      params.prune = prune;
      const auto out = apply(context, params, inputs, {});
      ASSERT_TRUE(out.ok()) << out.error().message();
      rates[std::string(choices_of(prune)[static_cast<std::size_t>(prune)])].add(column(out.value(), "selected"), truth, 0.5);
    }
    rates["naive"].add(largest_selection(models), truth, 0.5);
  }
  const std::map<std::string, double> wanted = {{"naive", 0.686}, {"dtm", 0.142}, {"homo", 0.189}, {"hete", 0.195}};
  for (const auto& [name, rate] : rates) {
    std::printf("%s: FDR %.3f (se %.3f)\n", name.c_str(), rate.fdr(), rate.fdr_error());
    EXPECT_NEAR(rate.fdr(), wanted.at(name), 5.5 * std::sqrt(1 + 250.0 / 600) * rate.fdr_error()) << name;
    if (name == "naive") EXPECT_GT(rate.fdr(), 0.5);
    else EXPECT_LE(rate.fdr(), 0.2 + 5 * rate.fdr_error()) << name;
  }
}

// Sheet figures (e) and (f): 20 normal features, y = 0.7 (x1 + .. + x6) + e, c = 0.5, n = 100, m = 50, ridge with penalty 5, q = 0.2:
// Full .185 (.004) and .482; Full-MSel of four ridges, homo, .186 (.004) and .589; the largest of four .229 and .688.
TEST(ConformalSelectModels, RefittedFigures) {
  Workspace workspace({.backend = Backend::serial});
  Context context = workspace.context();
  context.warn = [](std::string) {};
  Rates full, several;
  Stream stream(9);
  std::vector<std::string> names;
  for (int k = 1; k <= 20; ++k) names.push_back("x" + std::to_string(k));
  std::string all, first = "x1 x2 x3 x4 x5 x6", last = "x11 x12 x13 x14 x15 x16 x17 x18 x19 x20", mixed = "x1 x2 x3 x7 x8 x9 x10 x11 x12";
  for (const std::string& name : names) all += name + " ";
  for (int repeat = 0; repeat < 400; ++repeat) {
    Inputs inputs;
    std::vector<double> truth;
    for (const bool labelled : {true, false}) {
      Columns columns;
      std::vector<double> y(labelled ? 100 : 50, 0.0);
      for (int k = 0; k < 20; ++k) {
        columns.push_back({names[static_cast<std::size_t>(k)], {}});
        for (double& one : y) {
          columns.back().second.push_back(stream.normal());
          one += k < 6 ? 0.7 * columns.back().second.back() : 0;
        }
      }
      for (double& one : y) one += stream.normal();
      if (labelled) columns.push_back({"y", y});
      else truth = y;
      (labelled ? inputs.labelled : inputs.pool) = table_of(columns, labelled ? Roles{{"feature", names}, {"target", {"y"}}} : Roles{{"feature", names}});
    }
    Params params;
    params.method = Procedure::optcs_full;
    params.c = 0.5;
    params.q = 0.2;
    params.xi_seed = static_cast<std::int64_t>(stream.below(std::uint64_t{1} << 40));
    const auto one = apply(context, params, inputs, {});
    ASSERT_TRUE(one.ok()) << one.error().message();
    full.add(column(one.value(), "selected"), truth, 0.5);
    params.method = Procedure::optcs_full_msel;
    params.subsets = {all, first, last, mixed};
    const auto four = apply(context, params, inputs, {});
    ASSERT_TRUE(four.ok()) << four.error().message();
    several.add(column(four.value(), "selected"), truth, 0.5);
  }
  std::printf("full: FDR %.3f (se %.3f), power %.3f (se %.3f)\n", full.fdr(), full.fdr_error(), full.power(), full.power_error());
  std::printf("full_msel: FDR %.3f (se %.3f), power %.3f (se %.3f)\n", several.fdr(), several.fdr_error(), several.power(), several.power_error());
  const double widen = 5.5 * std::sqrt(1 + 400.0 / 1500);
  EXPECT_NEAR(full.fdr(), 0.185, widen * full.fdr_error());
  EXPECT_NEAR(full.power(), 0.482, widen * full.power_error());
  EXPECT_NEAR(several.fdr(), 0.186, widen * several.fdr_error());
  EXPECT_NEAR(several.power(), 0.589, widen * several.power_error() + 0.02);  // the mixed nine features are not named by the figure
}

}  // namespace
}  // namespace plimsoll::conformal::select

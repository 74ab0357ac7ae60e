// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/multilabel/multilabel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "engine/artifact.h"
#include "engine/workspace.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::conformal::multilabel {
namespace {

const SpoiledForm spoiled_rank{"conformal.multilabel", "rank one too low", [](Subject& subject) {
                                 subject.spoil_model([](void* m) {
                                   for (Sample& sample : static_cast<Model*>(m)->samples) {
                                     for (std::size_t i = sample.scores.size(); i-- > 1;) sample.scores[i] = sample.scores[i - 1];
                                   }
                                 });
                               }};

struct Data {
  std::vector<std::vector<double>> o, y;  // by column
};

Table table_of(const Data& data) {
  TableBuilder builder;
  std::vector<std::string> p, l;
  for (std::size_t j = 0; j < data.o.size(); ++j) {
    p.push_back("p_" + std::to_string(j));
    l.push_back(std::to_string(j));
    builder.real(p.back(), data.o[j]);
  }
  for (std::size_t j = 0; j < data.y.size(); ++j) builder.real(l[j], data.y[j]);
  Roles roles = {{"probability", p}};
  if (!data.y.empty()) roles["label"] = l;
  return builder.build().value().with_roles(roles);
}

Data drawn(std::uint64_t seed, std::size_t rows, std::size_t labels) {
  Stream stream(seed);
  Data data{std::vector<std::vector<double>>(labels), std::vector<std::vector<double>>(labels)};
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < labels; ++j) {
      const double o = stream.uniform();
      data.o[j].push_back(o);
      data.y[j].push_back(stream.bernoulli(o) ? 1 : 0);
    }
  return data;
}

Result<Model> fitted(const Table& table, const Params& params, std::optional<Table> training = std::nullopt) {
  Workspace workspace({.backend = Backend::serial, .seed = 3});
  return fit(workspace.context(), Inputs{table, std::move(training)}, params);
}
Result<Outputs> answered(const Model& model, const Table& table, const Options& options = {}) {
  Workspace workspace({.backend = Backend::serial, .seed = 3});
  return apply(workspace.context(), model, ApplyInputs{table}, options);
}

// One label, nine rows with o = .1 .. .9 and y = 0: scores o^2, k = 9 of 9 at alpha .1. o = .5: both label-sets; o = .05: the empty one.
TEST(ConformalMultilabel, OneLabelByHand) {
  Data data{{{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}}, {std::vector<double>(9, 0.0)}};
  Params params;
  const Model model = fitted(table_of(data), params).value();
  const auto out = answered(model, table_of({{{0.5, 0.05}}, {}})).value();
  EXPECT_EQ(out.rows.reals("size_low").value()[0], 2);
  EXPECT_EQ(out.rows.reals("size_low").value()[1], 1);  // 0.95^2 > 0.9^2
  EXPECT_EQ(out.rows.text_lists("undecided").value()[0], std::vector<std::string>{"0"});
  EXPECT_EQ(out.rows.text_lists("certain_out").value()[1], std::vector<std::string>{"0"});
  const auto p = out.sets.reals("p_value").value();
  ASSERT_EQ(p.size(), 3u);
  EXPECT_DOUBLE_EQ(p[0], 0.6);  // five of nine scores are at least 0.25
  EXPECT_DOUBLE_EQ(p[2], 1.0);
  EXPECT_DOUBLE_EQ(out.rows.reals("confidence").value()[0], 0.4);
  EXPECT_DOUBLE_EQ(out.rows.reals("confidence").value()[1], 0.9);
  EXPECT_FALSE(certify(model).value().vacuous);
}

double plain_score(const Params& params, std::span<const double> o, std::uint64_t y) {
  double sum = 0;
  for (std::size_t j = 0; j < o.size(); ++j) {
    const double truth = (y >> j & 1) != 0 ? 1 : 0;
    if (params.measure == Measure::euclidean) sum += (truth - o[j]) * (truth - o[j]);
    if (params.measure == Measure::power) sum += std::pow(std::fabs(truth - o[j]), params.power);
    if (params.measure == Measure::nll) sum -= std::log(truth == 1 ? o[j] : 1 - o[j]);
  }
  return sum;
}

// Every label-set scored by itself: the same members with the same p-values, but for scores within rounding of the threshold.
TEST(ConformalMultilabel, ListsWhatScoringEveryLabelSetFinds) {
  for (const Measure measure : {Measure::euclidean, Measure::power, Measure::nll}) {
    Params params;
    params.measure = measure;
    params.power = 3;
    params.alpha = {0.2};
    const Data past = drawn(11, 60, 7);
    const Model model = fitted(table_of(past), params).value();
    std::vector<double> scores;
    for (std::size_t i = 0; i < 60; ++i) {
      std::vector<double> o;
      std::uint64_t y = 0;
      for (std::size_t j = 0; j < 7; ++j) {
        o.push_back(past.o[j][i]);
        y |= past.y[j][i] == 1 ? std::uint64_t{1} << j : 0;
      }
      scores.push_back(plain_score(params, o, y));
    }
    const Data fresh = drawn(12, 20, 7);
    Data blind = fresh;
    blind.y.clear();
    const auto out = answered(model, table_of(blind)).value();
    const auto keys = out.sets.texts("row").value();
    const auto bits = out.sets.texts("bits").value();
    const auto p = out.sets.reals("p_value").value();
    std::map<std::pair<std::string, std::uint64_t>, double> listed;
    for (std::size_t i = 0; i < keys.size(); ++i) listed[{keys[i], std::stoull(bits[i], nullptr, 16)}] = p[i];
    std::size_t expected = 0;
    for (std::size_t i = 0; i < 20; ++i) {
      std::vector<double> o;
      for (std::size_t j = 0; j < 7; ++j) o.push_back(fresh.o[j][i]);
      for (std::uint64_t y = 0; y < 128; ++y) {
        const double score = plain_score(params, o, y);
        const auto reach = std::count_if(scores.begin(), scores.end(), [&](double a) { return a >= score; });
        const double value = static_cast<double>(reach + 1) / 61;
        if (!(value > 0.2)) continue;
        ++expected;
        const auto at = listed.find({std::to_string(i), y});
        ASSERT_NE(at, listed.end()) << i << " " << y;
        EXPECT_DOUBLE_EQ(at->second, value);
      }
    }
    EXPECT_EQ(listed.size(), expected);
    const auto fewest = out.rows.integers("fewest_labels").value();
    const auto most = out.rows.integers("most_labels").value();
    for (std::size_t i = 0; i < 20; ++i) {
      std::int64_t low = 7, high = 0;
      for (const auto& [key, value] : listed) {
        if (key.first != std::to_string(i)) continue;
        low = std::min<std::int64_t>(low, __builtin_popcountll(key.second));
        high = std::max<std::int64_t>(high, __builtin_popcountll(key.second));
      }
      if (high >= low) {
        EXPECT_EQ(std::pair(fewest[i], most[i]), std::pair(low, high)) << i;
      }
    }
  }
}

TEST(ConformalMultilabel, CountsAndSumsUpWhatIsTooMuchToList) {
  const std::size_t labels = 60;
  Params params;
  const Model model = fitted(table_of(drawn(21, 40, labels)), params).value();
  Data fresh = drawn(22, 3, labels);
  fresh.y.clear();
  Options options;
  options.max_sets = 100;
  options.on_overflow = Overflow::count;
  options.exact_labels = 0;
  const auto counted = answered(model, table_of(fresh), options).value();
  const auto low = counted.rows.reals("size_low").value();
  const auto high = counted.rows.reals("size_high").value();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_GT(low[i], 1e9);
    EXPECT_LT(high[i], 1.1 * low[i]);
  }
  EXPECT_EQ(counted.sets.rows(), 300);
  EXPECT_EQ(counted.rows.categories("complete").value().names, std::vector<std::string>{"false"});
  options.on_overflow = Overflow::summary;
  const auto summary = answered(model, table_of(fresh), options).value();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(summary.rows.reals("size_low").value()[i], 100);
    EXPECT_GE(summary.rows.reals("size_high").value()[i], high[i]);
    const auto undecided = summary.rows.text_lists("undecided").value()[i].size();
    EXPECT_LE(summary.rows.integers("fewest_labels").value()[i], 20);
    EXPECT_GE(summary.rows.integers("most_labels").value()[i], 40);
    EXPECT_EQ(undecided + summary.rows.text_lists("certain_in").value()[i].size() + summary.rows.text_lists("certain_out").value()[i].size(), labels);
  }
  options.on_overflow = Overflow::error;
  EXPECT_EQ(answered(model, table_of(fresh), options).error().code, ErrorCode::too_large);
  options.max_sets = 0;
  options.on_overflow = Overflow::summary;
  EXPECT_EQ(answered(model, table_of(fresh), options).value().sets.rows(), 0);
}

TEST(ConformalMultilabel, FamiliesOnlyTakeAway) {
  const Table past = table_of(drawn(31, 80, 5));
  const Table training = table_of(drawn(32, 12, 5));
  Data blind = drawn(33, 30, 5);
  blind.y.clear();
  const auto sets_of = [&](const Params& params) {
    const Model model = fitted(past, params, training).value();
    const auto out = answered(model, table_of(blind)).value();
    std::map<std::pair<std::string, std::uint64_t>, double> listed;
    const auto keys = out.sets.texts("row").value();
    const auto bits = out.sets.texts("bits").value();
    const auto p = out.sets.reals("p_value").value();
    for (std::size_t i = 0; i < keys.size(); ++i) listed[{keys[i], std::stoull(bits[i], nullptr, 16)}] = p[i];
    return listed;
  };
  Params params;
  params.alpha = {0.3};
  const auto all = sets_of(params);
  std::set<std::uint64_t> seen;
  const Data other = drawn(32, 12, 5);
  for (std::size_t i = 0; i < 12; ++i) {
    std::uint64_t y = 0;
    for (std::size_t j = 0; j < 5; ++j) y |= other.y[j][i] == 1 ? std::uint64_t{1} << j : 0;
    seen.insert(y);
  }
  const auto expect = [&](const Params& with, const std::function<bool(std::uint64_t)>& allowed) {
    auto left = all;
    std::erase_if(left, [&](const auto& entry) { return !allowed(entry.first.second); });
    EXPECT_LT(left.size(), all.size());
    EXPECT_EQ(sets_of(with), left);
  };
  params.restrict_to = Restrict::seen_in_training;
  expect(params, [&](std::uint64_t y) { return seen.contains(y); });
  params.restrict_to = Restrict::cardinality;
  params.most_labels = 2;
  expect(params, [](std::uint64_t y) { return __builtin_popcountll(y) <= 2; });
  params.restrict_to = Restrict::rules;
  params.exclusive = {"0,1,2"};
  params.implies = {"3,4"};
  expect(params, [](std::uint64_t y) { return __builtin_popcountll(y & 7) <= 1 && ((y & 8) == 0 || (y & 16) != 0); });
}

// Mahalanobis and penalties against scoring every label-set with the model's own score.
TEST(ConformalMultilabel, InteractionsAndPenalties) {
  for (const bool penalised : {false, true}) {
    Params params;
    params.alpha = {0.25};
    params.measure = penalised ? Measure::euclidean : Measure::mahalanobis;
    params.hamming_weight = penalised ? 0.5 : 0;
    params.cardinality_weight = penalised ? 0.25 : 0;
    const Model model = fitted(table_of(drawn(41, 60, 6)), params, table_of(drawn(42, 40, 6))).value();
    Data blind = drawn(43, 10, 6);
    blind.y.clear();
    const auto out = answered(model, table_of(blind)).value();
    std::size_t expected = 0;
    for (std::size_t i = 0; i < 10; ++i) {
      std::vector<double> o;
      for (std::size_t j = 0; j < 6; ++j) o.push_back(blind.o[j][i]);
      const Costs costs = costs_of(model, o);
      for (std::uint64_t flips = 0; flips < 64; ++flips) expected += p_value(sample_of(model, ""), score_of(model, costs, std::span(&flips, 1)), false, 1) > 0.25 ? 1U : 0U;
    }
    EXPECT_EQ(static_cast<std::size_t>(out.sets.rows()), expected);
    const auto size = out.rows.reals("size_low").value();
    double sum = 0;
    for (const double one : size) sum += one;
    EXPECT_EQ(static_cast<std::size_t>(sum), expected);
  }
}

TEST(ConformalMultilabel, LevelsAreNestedAndGroupsApart) {
  const Data data = drawn(51, 100, 4);
  std::vector<std::string> group;
  for (int i = 0; i < 100; ++i) group.push_back(i % 2 == 0 ? "a" : "b");
  const Table plain = table_of(data);
  Roles roles = plain.roles();
  roles["group"] = {"g"};
  const Table grouped = plain.beside(TableBuilder().text("g", group).build().value()).value().with_roles(roles);
  Params params;
  params.alpha = {0.05, 0.3};
  const Model model = fitted(grouped, params).value();
  ASSERT_EQ(model.samples.size(), 2u);
  EXPECT_EQ(model.samples[0].scores.size(), 50u);
  const auto strange = table_of({drawn(52, 2, 4).o, {}}).beside(TableBuilder().text("g", {"a", "c"}).build().value()).value();
  const auto out = answered(model, strange).value();
  EXPECT_LE(out.rows.reals("size_low.0.7").value()[0], out.rows.reals("size_low.0.95").value()[0]);
  EXPECT_EQ(out.rows.reals("size_low.0.7").value()[1], 16);  // a group not seen: every label-set
}

// Smoothed p-values are uniform; the set by its threshold is {p > alpha} for each u.
TEST(ConformalMultilabel, SmoothedSetsAreThoseOfTheirPValues) {
  Sample sample{"", {1, 3, 3, 3, 7, 9, 9, 20}};
  for (const double alpha : {0.1, 0.2, 0.34, 0.5, 0.9})
    for (const double u : {0.01, 0.25, 0.5, 0.99}) {
      const Budget budget = budget_of(&sample, alpha, true, u);
      for (std::int64_t score = 0; score < 25; ++score) EXPECT_EQ(budget.all || score <= budget.score, p_value(&sample, score, true, u) > alpha) << alpha << " " << u << " " << score;
    }
}

TEST(ConformalMultilabel, TooFewRowsKeepEveryLabelSetAndEmptySetsAreSaid) {
  Params params;
  params.alpha = {0.05};
  const Model model = fitted(table_of(drawn(61, 10, 3)), params).value();
  EXPECT_TRUE(certify(model).value().vacuous);
  Data blind = drawn(62, 2, 3);
  blind.y.clear();
  EXPECT_EQ(answered(model, table_of(blind)).value().rows.reals("size_high").value()[0], 8);
  // Sure and right in calibration, unsure now: nothing conforms.
  Data sure{{std::vector<double>(20, 0.01)}, {std::vector<double>(20, 0.0)}};
  params.alpha = {0.2};
  const Model strict = fitted(table_of(sure), params).value();
  const auto none = answered(strict, table_of({{{0.5}}, {}})).value();
  EXPECT_EQ(none.rows.reals("size_high").value()[0], 0);
  EXPECT_EQ(none.rows.categories("empty").value().names, std::vector<std::string>{"true"});
  params.force_non_empty = true;
  const auto forced = answered(fitted(table_of(sure), params).value(), table_of({{{0.5}}, {}})).value();
  EXPECT_EQ(forced.rows.reals("size_high").value()[0], 1);
  EXPECT_EQ(forced.sets.rows(), 1);
}

TEST(ConformalMultilabel, MatchesColumnsByName) {
  const Data data = drawn(71, 40, 3);
  Table table = table_of(data);
  Roles shuffled = table.roles();
  shuffled["probability"] = {"p_2", "p_0", "p_1"};
  const Model model = fitted(table.with_roles(shuffled), Params{}).value();
  EXPECT_EQ(model.columns.probability, (std::vector<std::string>{"p_0", "p_1", "p_2"}));
  const Table fresh = table_of({drawn(72, 4, 3).o, {}});
  const Table reordered = fresh.select({"p_1", "p_2", "p_0"}).value().with_roles({{"probability", {"p_1", "p_2", "p_0"}}});
  EXPECT_EQ(answered(model, fresh).value().sets.texts("bits").value(), answered(model, reordered).value().sets.texts("bits").value());
  EXPECT_EQ(answered(model, fresh.select({"p_0", "p_1"}).value()).error().code, ErrorCode::missing_column);
  EXPECT_EQ(answered(model, fresh.with_roles({{"probability", {"p_0", "p_1"}}})).error().code, ErrorCode::bad_parameter);
}

TEST(ConformalMultilabel, BadInput) {
  Data data = drawn(81, 20, 2);
  data.o[1][3] = 1.5;
  auto refused = fitted(table_of(data), Params{});
  EXPECT_EQ(refused.error().code, ErrorCode::bad_value);
  EXPECT_EQ(refused.error().row, 3);
  data.o[1][3] = std::nan("");
  EXPECT_EQ(fitted(table_of(data), Params{}).error().code, ErrorCode::bad_value);
  data.o[1][3] = 0.5;
  data.y[0][7] = 2;
  refused = fitted(table_of(data), Params{});
  EXPECT_EQ(refused.error().code, ErrorCode::bad_value);
  EXPECT_EQ(refused.error().row, 7);
  data.y[0][7] = 1;
  Params params;
  params.alpha = {1};
  EXPECT_EQ(fitted(table_of(data), params).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(fitted(table_of(data).with_roles({{"probability", {"p_0", "p_1"}}}), Params{}).error().code, ErrorCode::missing_input);
  EXPECT_EQ(fitted(table_of(data).with_roles({{"probability", {"p_0"}}, {"label", {"0", "1"}}}), Params{}).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(fitted(table_of(data).with_roles({{"label", {"0", "1"}}}), Params{}).error().code, ErrorCode::missing_input);
  params = {};
  params.measure = Measure::mahalanobis;
  EXPECT_EQ(fitted(table_of(data), params).error().code, ErrorCode::missing_input);
  params = {};
  params.restrict_to = Restrict::rules;
  params.implies = {"0,nothing"};
  EXPECT_EQ(fitted(table_of(data), params).error().code, ErrorCode::bad_parameter);
  // Probabilities of exactly 0 and 1 with nll: clamped and counted.
  params = {};
  params.measure = Measure::nll;
  data.o[0][0] = 0;
  data.o[0][1] = 1;
  EXPECT_EQ(fitted(table_of(data), params).value().clamped, 2);
  // The same rows may not teach and certify.
  const Table table = table_of(data).beside(TableBuilder().integer("id", [] {
    std::vector<std::int64_t> ids(20);
    for (std::size_t i = 0; i < 20; ++i) ids[i] = static_cast<std::int64_t>(i);
    return ids;
  }()).build().value()).value();
  Roles roles = table_of(data).roles();
  roles["id"] = {"id"};
  EXPECT_EQ(fitted(table.with_roles(roles), Params{}, table.with_roles(roles)).error().code, ErrorCode::overlap);
}

// A label that training never has keeps a probability inside (0, 1), and the answer still holds what contains it.
TEST(ConformalMultilabel, LearnsLabelsInsideAndSurvivesAConstantOne) {
  Stream stream(91);
  std::vector<double> x0, x1;
  std::vector<std::int64_t> a, b, never;
  for (int i = 0; i < 600; ++i) {
    const double first = stream.normal();
    const double second = stream.normal();
    x0.push_back(first);
    x1.push_back(second);
    const double noise = stream.normal();
    a.push_back(first + 0.5 * noise > 0 ? 1 : 0);
    b.push_back(first - second > 0 ? 1 : 0);
    never.push_back(0);
  }
  const Table table = TableBuilder().real("x0", x0).real("x1", x1).integer("a", a).integer("b", b).integer("never", never).build().value().with_roles({{"feature", {"x0", "x1"}}, {"label", {"a", "b", "never"}}});
  const Model model = fitted(table.slice(0, 400).with_roles(table.roles()), Params{}).value();
  EXPECT_EQ(model.training_rows + model.n, 400);
  EXPECT_EQ(model.classifier->model.constant, std::vector<std::int64_t>{2});
  EXPECT_TRUE(model.whole.has_value());
  Workspace workspace({.backend = Backend::serial});
  Artifact::Provenance provenance;
  provenance.method = "conformal.multilabel";
  const auto artifact = std::make_shared<const Artifact>(provenance, certify(model).value(), true, Box::of(Model(model)));
  const auto report = assess(workspace.context(), AssessInputs{artifact, table.slice(400, 200).with_roles(table.roles())}, AssessParams{});
  ASSERT_TRUE(report.ok()) << report.error().message();
  std::map<std::string, double> figures(report.value().figures.begin(), report.value().figures.end());
  EXPECT_GT(figures.at("micro_f1"), 0.85);
  EXPECT_LT(figures.at("error"), 0.25);
  EXPECT_TRUE(figures.contains("exact_match_cost"));
  EXPECT_LE(figures.at("micro_f1_cost_low"), figures.at("micro_f1_cost"));
}

}  // namespace
}  // namespace plimsoll::conformal::multilabel

// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/split/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "engine/artifact.h"
#include "engine/door.h"
#include "engine/subject.h"
#include "engine/workspace.h"
#include "learn/score_rows.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::conformal::split {
namespace {

// The form that prove must catch: the score one rank below the right one. Calibrations of the experiment keep their scores.
const SpoiledForm spoiled_rank{"conformal.split", "rank one too low", [](Subject& subject) {
                                 subject.spoil_model([](void* object) {
                                   auto& model = *static_cast<Model*>(object);
                                   for (std::size_t a = 0; a < model.thresholds.size(); ++a) {
                                     const std::int64_t k = model.ranks[a];
                                     if (k >= 2 && k <= model.n && !model.scores.empty()) model.thresholds[a] = model.scores[static_cast<std::size_t>(k - 2)];
                                   }
                                 });
                               }};

Table numbers_table(std::vector<double> y, std::vector<double> prediction) {
  auto table = std::move(TableBuilder().real("y", std::move(y)).real("f", std::move(prediction))).build();
  return table.value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}});
}

Table classes_table(const std::vector<std::vector<double>>& rows, std::vector<std::string> labels) {
  TableBuilder builder;
  for (std::size_t c = 0; c < rows.front().size(); ++c) {
    std::vector<double> column;
    for (const auto& row : rows) column.push_back(row[c]);
    builder.real("p_" + std::string(1, static_cast<char>('a' + c)), std::move(column));
  }
  builder.text("y", std::move(labels));
  std::vector<std::string> names;
  for (std::size_t c = 0; c < rows.front().size(); ++c) names.push_back("p_" + std::string(1, static_cast<char>('a' + c)));
  return std::move(builder).build().value().with_roles({{"target", {"y"}}, {"probability", names}});
}

Result<Model> fit(Context& context, const Table& data, const Params& params, int pieces = 0, std::int64_t batch = 0) {
  const Inputs inputs{data, std::nullopt};
  PLIMSOLL_TRY(Box box, run_fit(context, entry, &inputs, &params, batch, pieces));
  return std::move(box.as<Model>());
}

// Residuals 1..n around a prediction of 10.
Table ladder(int n) {
  std::vector<double> y;
  std::vector<double> f(static_cast<std::size_t>(n), 10.0);
  for (int i = 1; i <= n; ++i) y.push_back(i % 2 == 0 ? 10.0 + i : 10.0 - i);
  return numbers_table(y, f);
}

TEST(ConformalSplit, FiveRowsCannotGiveLevelNine) {
  Workspace workspace;
  const auto model = fit(workspace.context(), ladder(5), Params{});
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model.value().thresholds.front(), infinity);
  const auto certificate = certify(model.value());
  ASSERT_TRUE(certificate.ok());
  EXPECT_TRUE(certificate.value().vacuous);
  EXPECT_EQ(certificate.value().values.at("rows_needed"), 9);
  const auto out = apply(workspace.context(), model.value(), {ladder(1)}, Options{});
  ASSERT_TRUE(out.ok()) << out.error().message();
  EXPECT_EQ(out.value().rows.reals("upper", Missing::as_nan).value()[0], infinity);
  EXPECT_EQ(out.value().rows.reals("lower", Missing::as_nan).value()[0], -infinity);
  Params strict;
  strict.small_n = SmallSample::error;
  const auto refused = fit(workspace.context(), ladder(5), strict);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::too_few_rows);
  EXPECT_NE(refused.error().message().find("9"), std::string::npos);
}

TEST(ConformalSplit, NineRowsGiveTheLargest) {
  Workspace workspace;
  const auto model = fit(workspace.context(), ladder(9), Params{});
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model.value().thresholds.front(), 9.0);
  EXPECT_EQ(model.value().ranks.front(), 9);
  const auto out = apply(workspace.context(), model.value(), {numbers_table({0.0}, {10.0})}, Options{});
  ASSERT_TRUE(out.ok()) << out.error().message();
  // The least double whose score, rounded, is still at most 9 lies a few roundings below 1.
  EXPECT_NEAR(out.value().rows.reals("lower").value()[0], 1.0, 1e-14);
  EXPECT_EQ(out.value().rows.reals("upper").value()[0], 19.0);
  EXPECT_EQ(out.value().rows.reals("empty").value()[0], 0.0);
}

TEST(ConformalSplit, SeveralLevelsAndTwoSides) {
  Workspace workspace;
  Params params;
  params.alpha = {0.5, 0.2};
  params.score = Score::two_tailed;
  // Residuals y - f = -10 .. -1, 1 .. 9 (n = 19): tails 0.25 and 0.1 ask for ranks 15 and 18.
  std::vector<double> y;
  for (int r = -10; r <= 9; ++r)
    if (r != 0) y.push_back(r);
  const auto model = fit(workspace.context(), numbers_table(y, std::vector<double>(19, 0.0)), params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model.value().thresholds, (std::vector<double>{6, 5, 9, 8}));
  const auto out = apply(workspace.context(), model.value(), {numbers_table({0.0}, {100.0})}, Options{});
  ASSERT_TRUE(out.ok()) << out.error().message();
  EXPECT_EQ(out.value().rows.reals("lower.0.5").value()[0], 94.0);
  EXPECT_EQ(out.value().rows.reals("upper.0.5").value()[0], 105.0);
  EXPECT_EQ(out.value().rows.reals("lower.0.8").value()[0], 91.0);
  EXPECT_EQ(out.value().rows.reals("upper.0.8").value()[0], 108.0);
}

TEST(ConformalSplit, QuantileScoresByHand) {
  Workspace workspace;
  // y, lo, hi, m; the third pair is crossed.
  auto table = std::move(TableBuilder().real("y", {5, 0, 3, 4}).real("lo", {1, 1, 4, 2}).real("hi", {4, 3, 2, 6}).real("m", {2, 2, 3, 4})).build().value();
  table = table.with_roles({{"target", {"y"}}, {"lower", {"lo"}}, {"upper", {"hi"}}, {"median", {"m"}}});
  Params params;
  params.alpha = {0.2};  // n = 4: rank 4, the largest
  const auto model = fit(workspace.context(), table, params);  // auto: cqr
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model.value().plan.score, Score::cqr);
  EXPECT_EQ(model.value().crossed, 1);
  EXPECT_EQ(model.value().thresholds.front(), 1.0);  // scores 1, 1, -1, -2
  params.score = Score::cqr_r;
  EXPECT_EQ(fit(workspace.context(), table, params).value().thresholds.front(), 0.5);  // 1/3, 1/2, -1/2, -2/4
  params.score = Score::cqr_m;
  EXPECT_EQ(fit(workspace.context(), table, params).value().thresholds.front(), 1.0);  // 1/2, 1, -1, -1
  params.alpha = {0.8};  // rank 1: the least of the cqr scores is -2, wider than half a pair: empty intervals are flagged
  params.score = Score::cqr;
  const auto narrow = fit(workspace.context(), table, params);
  ASSERT_TRUE(narrow.ok());
  EXPECT_EQ(narrow.value().thresholds.front(), -2.0);
  const auto out = apply(workspace.context(), narrow.value(), {table}, Options{});
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(out.value().rows.reals("empty").value()[0], 1.0);
  EXPECT_EQ(out.value().rows.reals("empty").value()[3], 0.0);
}

TEST(ConformalSplit, ClassesByHand) {
  Workspace workspace;
  const auto table = classes_table({{0.5, 0.25, 0.25}, {0.125, 0.75, 0.125}, {0.25, 0.25, 0.5}, {1, 0, 0}}, {"a", "b", "a", "a"});
  Params params;
  params.alpha = {0.2};
  const auto model = fit(workspace.context(), table, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model.value().plan.classes, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(model.value().thresholds.front(), 0.75);  // 0.5, 0.25, 0.75, 0
  const auto out = apply(workspace.context(), model.value(), {table}, Options{});
  ASSERT_TRUE(out.ok()) << out.error().message();
  const auto sets = out.value().rows.text_lists("set").value();
  EXPECT_EQ(sets[0], (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(sets[1], (std::vector<std::string>{"b"}));
  EXPECT_EQ(sets[3], (std::vector<std::string>{"a"}));
}

TEST(ConformalSplit, EmptySetsGetTheMostProbableClass) {
  Workspace workspace;
  const auto sure = classes_table({{1, 0}, {0, 1}, {1, 0}, {0, 1}}, {"a", "b", "a", "b"});
  const auto vague = classes_table({{0.5, 0.5}}, {"a"});
  Params params;
  params.alpha = {0.2};
  auto model = fit(workspace.context(), sure, params);
  ASSERT_TRUE(model.ok());
  EXPECT_EQ(apply(workspace.context(), model.value(), {vague}, Options{}).value().rows.text_lists("set").value()[0], (std::vector<std::string>{"a"}));
  params.allow_empty = true;
  model = fit(workspace.context(), sure, params);
  EXPECT_TRUE(apply(workspace.context(), model.value(), {vague}, Options{}).value().rows.text_lists("set").value()[0].empty());
}

TEST(ConformalSplit, PValuesByHand) {
  Workspace workspace;
  const auto table = classes_table({{0.5, 0.5}, {0.75, 0.25}, {0.25, 0.75}}, {"a", "a", "a"});  // lac scores 0.5, 0.25, 0.75
  Params params;
  params.keep_scores = true;
  const auto model = fit(workspace.context(), table, params);
  ASSERT_TRUE(model.ok());
  Options options;
  options.p_values = options.confidence = true;
  const auto out = apply(workspace.context(), model.value(), {classes_table({{0.6, 0.4}}, {"a"})}, options);
  ASSERT_TRUE(out.ok()) << out.error().message();
  EXPECT_DOUBLE_EQ(out.value().rows.reals("p_value.a").value()[0], 0.75);  // two of three scores reach 0.4
  EXPECT_DOUBLE_EQ(out.value().rows.reals("p_value.b").value()[0], 0.5);   // one reaches 0.6
  EXPECT_DOUBLE_EQ(out.value().rows.reals("confidence").value()[0], 0.5);
  EXPECT_DOUBLE_EQ(out.value().rows.reals("credibility").value()[0], 0.75);
  const auto plain = fit(workspace.context(), table, Params{});
  const auto refused = apply(workspace.context(), plain.value(), {table}, options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::bad_parameter);
}

TEST(ConformalSplit, RanksAreThoseOfASort) {
  Stream stream(7);
  for (const int kind : {0, 1, 2, 3}) {
    for (const std::int64_t n : {1, 10, 4095, 4097, 300'000}) {
      std::vector<double> numbers;
      for (std::int64_t i = 0; i < n; ++i) {
        const double x = stream.normal();
        numbers.push_back(kind == 0 ? x : kind == 1 ? std::floor(x) : kind == 2 ? static_cast<double>(i) : (i % 3 == 0 ? infinity : x));
      }
      const std::vector<double> levels = {0.9, 0.5, 0.01};
      std::vector<std::int64_t> ranks;
      for (const double level : levels) ranks.push_back(std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(level * static_cast<double>(n)))));
      ScoreRanks whole(levels);
      std::vector<ScoreRanks> parts(3, whole);
      for (int pass = 0; pass < 20; ++pass) {
        ScoreRanks merged = whole;
        std::vector<ScoreRanks> states(3, whole);
        const auto all = std::span<const double>(numbers);
        const std::size_t third = numbers.size() / 3;
        states[0].update(all.first(third));
        states[1].update(all.subspan(third, third));
        states[2].update(all.subspan(2 * third));
        merged = states[2];
        ASSERT_TRUE(merged.merge(states[0]).ok());
        ASSERT_TRUE(merged.merge(states[1]).ok());
        const auto back = ScoreRanks::from_bytes(merged.to_bytes());
        ASSERT_TRUE(back.ok());
        merged = back.value();
        const auto done = merged.end_pass(ranks);
        ASSERT_TRUE(done.ok()) << done.error().message();
        whole = merged;
        if (done.value()) break;
      }
      std::sort(numbers.begin(), numbers.end());
      for (std::size_t i = 0; i < levels.size(); ++i) EXPECT_EQ(whole.values()[i], numbers[static_cast<std::size_t>(ranks[i] - 1)]) << kind << " " << n;
      if (kind == 0) {
        EXPECT_FALSE(whole.fell_back()) << n;
      }
    }
  }
}

TEST(ConformalSplit, SameModelHoweverTheRowsAreCut) {
  Workspace workspace;
  const auto table = example_rows(11, 0, 30'000).value();
  Params params;
  params.alpha = {0.1, 0.05};
  params.score = Score::aps;
  params.randomized = true;
  const auto whole = fit(workspace.context(), table, params);
  ASSERT_TRUE(whole.ok()) << whole.error().message();
  for (const int pieces : {2, 5}) {
    const auto parts = fit(workspace.context(), table, params, pieces, 4096);
    ASSERT_TRUE(parts.ok()) << parts.error().message();
    EXPECT_EQ(parts.value().thresholds, whole.value().thresholds);
    EXPECT_EQ(write_state(type_of<Model>, &parts.value()).value().json, write_state(type_of<Model>, &whole.value()).value().json);
  }
}

// {y : score(y) <= t} by the interval, against the score itself, where sums of doubles round both ways.
TEST(ConformalSplit, IntervalsHoldExactlyTheScoresBelow) {
  Stream stream(3);
  for (int i = 0; i < 20'000; ++i) {
    const double base = std::floor(stream.uniform() * 100) / 10;
    const double y = std::floor(stream.uniform() * 100) / 10;
    const double scale = i % 2 == 0 ? 1.0 : 0.1 + stream.uniform();
    const double other = std::floor(stream.uniform() * 100) / 10;
    const double t = i % 3 == 0 ? (y - base) / scale : (base - other) / scale;
    EXPECT_EQ((y - base) / scale <= t, y <= learn::upper_end(base, scale, t));
    EXPECT_EQ((base - y) / scale <= t, y >= learn::lower_end(base, scale, t));
  }
}

struct BadCase {
  const char* name;
  Table table;
  Params params;
  ErrorCode code;
};

TEST(ConformalSplit, BadInputIsRefusedByName) {
  Workspace workspace;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Params randomized;
  randomized.randomized = true;
  Params relative;
  relative.score = Score::relative;
  Params sigma;
  sigma.score = Score::normalised;
  const auto good = classes_table({{0.5, 0.5}, {0.25, 0.75}}, {"a", "b"});
  const std::vector<BadCase> cases = {
      {"nan prediction", numbers_table({1, 2}, {1, nan}), Params{}, ErrorCode::bad_value},
      {"nan truth", numbers_table({1, nan}, {1, 1}), Params{}, ErrorCode::bad_value},
      {"no rows", numbers_table({}, {}), Params{}, ErrorCode::too_few_rows},
      {"unseen label", classes_table({{0.5, 0.5}}, {"z"}), Params{}, ErrorCode::bad_value},
      {"sums to 1.1", classes_table({{0.5, 0.6}}, {"a"}), Params{}, ErrorCode::bad_value},
      {"negative", classes_table({{-0.1, 1.1}}, {"a"}), Params{}, ErrorCode::bad_value},
      {"nan probability", classes_table({{nan, 1}}, {"a"}), Params{}, ErrorCode::bad_value},
      {"one class", classes_table({{1.0}}, {"a"}), Params{}, ErrorCode::one_class},
      {"randomised lac", good, randomized, ErrorCode::bad_parameter},
      {"relative at zero", numbers_table({1}, {0}), relative, ErrorCode::bad_value},
      {"no sigma", numbers_table({1}, {1}), sigma, ErrorCode::missing_input},
      {"no roles", good.with_roles({{"target", {"y"}}}), Params{}, ErrorCode::missing_input},
  };
  for (const BadCase& bad : cases) {
    const auto model = fit(workspace.context(), bad.table, bad.params);
    ASSERT_FALSE(model.ok()) << bad.name;
    EXPECT_EQ(model.error().code, bad.code) << bad.name << ": " << model.error().message();
    EXPECT_FALSE(model.error().mend.empty()) << bad.name;
  }
  Params twice;
  twice.alpha = {0.1, 0.1};
  EXPECT_FALSE(check(twice).ok());
  Params none;
  none.alpha = {};
  EXPECT_FALSE(check(none).ok());
}

TEST(ConformalSplit, ProbabilitiesALittleOffAreCounted) {
  Workspace workspace;
  const auto model = fit(workspace.context(), classes_table({{0.5, 0.5001}, {0.5, 0.5}}, {"a", "b"}), Params{});
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model.value().off, 1);
}

TEST(ConformalSplit, MissingRowsMayBeDropped) {
  Workspace workspace;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Params params;
  params.missing = MissingRows::drop;
  params.alpha = {0.5};
  const auto model = fit(workspace.context(), numbers_table({1, nan, 3, 4}, {0, 0, nan, 0}), params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model.value().n, 2);
  EXPECT_EQ(model.value().dropped, 2);
  EXPECT_EQ(model.value().thresholds.front(), 4.0);
}

TEST(ConformalSplit, LearningRowsAreRefused) {
  Workspace workspace;
  const auto table = example_rows(5, 0, 100).value();
  const Inputs inputs{table, table};
  const Params params;
  const auto refused = run_fit(workspace.context(), entry, &inputs, &params);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::overlap);
  const Inputs apart{table, example_rows(5, 1, 100).value()};
  EXPECT_TRUE(run_fit(workspace.context(), entry, &apart, &params).ok());
}

Result<ArtifactPort> artifact_of(Model model) {
  Artifact::Provenance provenance;
  provenance.method = "conformal.split";
  provenance.parameters = "{}";
  PLIMSOLL_TRY(Certificate certificate, certify(model));
  return ArtifactPort(std::make_shared<const Artifact>(std::move(provenance), std::move(certificate), true, Box::of(std::move(model))));
}

TEST(ConformalSplit, VerifySeesASpoiledThreshold) {
  Workspace workspace;
  for (const Score score : {Score::lac, Score::aps, Score::raps, Score::saps, Score::margin, Score::top_k, Score::neg_log}) {
    const auto table = example_rows(21, 0, 500).value();
    Params params;
    params.score = score;
    params.keep_scores = true;
    params.randomized = score == Score::aps || score == Score::raps || score == Score::saps;
    auto model = fit(workspace.context(), table, params);
    ASSERT_TRUE(model.ok()) << model.error().message();
    auto good = verify(workspace.context(), {artifact_of(model.value()).value(), table});
    ASSERT_TRUE(good.ok()) << good.error().message();
    for (const Finding& finding : good.value().findings) EXPECT_EQ(finding.severity, ReportSeverity::note) << static_cast<int>(score) << finding.text;
    if (score == Score::top_k) continue;  // ranks are all equal around the threshold
    model.value().thresholds[0] = model.value().scores[static_cast<std::size_t>(model.value().ranks[0]) - 5];
    auto bad = verify(workspace.context(), {artifact_of(model.value()).value(), table});
    ASSERT_TRUE(bad.ok());
    EXPECT_FALSE(bad.value().passed()) << static_cast<int>(score);
  }
}

TEST(ConformalSplit, AssessFindsTheBandAndTheShift) {
  Workspace workspace;
  Params params;
  const auto model = fit(workspace.context(), example_rows(31, 0, 2000).value(), params);
  ASSERT_TRUE(model.ok());
  auto shifted = model.value();
  const auto rows = example_rows(31, 1, 4000).value();
  const auto good = assess(workspace.context(), {artifact_of(model.value()).value(), rows}, AssessParams{});
  ASSERT_TRUE(good.ok()) << good.error().message();
  EXPECT_NE(good.value().verdict, "red");
  ASSERT_TRUE(plimsoll::check(good.value()).ok()) << plimsoll::check(good.value()).error().message();
  shifted.thresholds[0] *= 0.5;
  const auto bad = assess(workspace.context(), {artifact_of(shifted).value(), rows}, AssessParams{});
  ASSERT_TRUE(bad.ok());
  EXPECT_EQ(bad.value().verdict, "red");
}

TEST(ConformalSplit, AssessSeeksTheWorstSlabAndTheRowsForSteadiness) {
  Workspace workspace;
  const auto draw = [](std::uint64_t seed, int n) {
    Stream stream(seed);
    std::vector<double> y, x, z;
    for (int i = 0; i < n; ++i) {
      x.push_back(stream.normal());
      z.push_back(stream.normal());
      y.push_back(stream.normal() * (x.back() + z.back() > 1.2 ? 4.0 : 1.0));
    }
    const std::vector<double> f(y.size(), 0.0);
    return std::move(TableBuilder().real("y", y).real("f", f).real("x", x).real("z", z)).build().value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}});
  };
  const auto model = fit(workspace.context(), draw(1, 2000), Params{});
  ASSERT_TRUE(model.ok()) << model.error().message();
  const Table rows = draw(2, 4000).with_roles({{"target", {"y"}}, {"prediction", {"f"}}, {"feature", {"x", "z"}}});
  const auto report = assess(workspace.context(), {artifact_of(model.value()).value(), rows}, AssessParams{});
  ASSERT_TRUE(report.ok()) << report.error().message();
  std::map<std::string, double> figures(report.value().figures.begin(), report.value().figures.end());
  EXPECT_LT(figures.at("worst_slab"), 0.72);
  EXPECT_GT(figures.at("worst_slab"), 0.4);
  // Smallest n whose Beta quantile at 1 % is at least 0.89: about (2.33 x 0.3 / 0.01)^2 = 4,880.
  EXPECT_NEAR(figures.at("rows_for_steadiness"), 4880, 200);
}

TEST(ConformalSplit, AssessTellsFuzzinessAndTheErrorOfProbabilities) {
  Workspace workspace;
  Params params;
  params.keep_scores = true;
  const auto model = fit(workspace.context(), example_rows(3, 0, 400).value(), params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  const auto report = assess(workspace.context(), {artifact_of(model.value()).value(), example_rows(4, 1, 400).value()}, AssessParams{});
  ASSERT_TRUE(report.ok()) << report.error().message();
  std::map<std::string, double> figures(report.value().figures.begin(), report.value().figures.end());
  EXPECT_GT(figures.at("fuzziness"), 0.02);
  EXPECT_LT(figures.at("fuzziness"), 1);
  EXPECT_LT(figures.at("top_class_ece"), 0.12);  // the probabilities are the true ones
}

TEST(ConformalSplit, ReportReadsScoredRowsAndScoresOthers) {
  Workspace workspace;
  const auto model = fit(workspace.context(), example_rows(41, 0, 500).value(), Params{}).value();
  const auto rows = example_rows(41, 1, 700).value();
  Options all;
  all.keep = Keep::all;
  const auto scored = apply(workspace.context(), model, {rows}, all);
  ASSERT_TRUE(scored.ok()) << scored.error().message();
  const auto from_scored = report(workspace.context(), model, {scored.value().rows.with_roles({{"target", {"y"}}})});
  const auto from_rows = report(workspace.context(), model, {rows});
  ASSERT_TRUE(from_scored.ok()) << from_scored.error().message();
  ASSERT_TRUE(from_rows.ok()) << from_rows.error().message();
  EXPECT_EQ(from_scored.value().figures, from_rows.value().figures);
  EXPECT_TRUE(plimsoll::check(from_rows.value()).ok());
}

TEST(ConformalSplit, ProveHoldsAndCatchesOneRank) {
  Workspace workspace;
  for (const std::uint64_t seed : {1U, 2U}) {
    Context context = workspace.context();
    context.rng = Stream(seed);
    const Subject own(entry);
    const auto evidence = prove(context, own, {seed, ProveSize::quick});
    ASSERT_TRUE(evidence.ok()) << evidence.error().message();
    EXPECT_TRUE(evidence.value().passed) << to_text(evidence.value());
    EXPECT_GT(evidence.value().figures.at("power_numbers"), 0.99);
    EXPECT_GT(evidence.value().figures.at("power_classes"), 0.99);
    Subject spoiled(entry);
    spoiled_rank.spoil(spoiled);
    const auto caught = prove(context, spoiled, {seed, ProveSize::quick});
    ASSERT_TRUE(caught.ok());
    EXPECT_FALSE(caught.value().passed) << to_text(caught.value());
  }
}

}  // namespace
}  // namespace plimsoll::conformal::split

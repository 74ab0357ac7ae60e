// SPDX-License-Identifier: Apache-2.0
#include "methods/risk/classifier/model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <set>

#include "engine/artifact.h"
#include "engine/door.h"
#include "engine/workspace.h"
#include "learn/loan_book.h"
#include "methods/risk/classifier/draw.h"
#include "methods/risk/classifier/held_out.h"
#include "methods/risk/classifier/labels.h"
#include "methods/risk/classifier/parts.h"
#include "methods/risk/classifier/predict.h"
#include "stats/distributions.h"
#include "stats/order_statistics.h"
#include "stats/roc.h"
#include "table/interchange.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::risk::classifier {
namespace {

// A threshold as low as scores of the learning rows would make it.
const SpoiledForm learned_threshold{"risk.classifier", "threshold too low, as if the scores came from the learning rows", [](Subject& subject) {
                                      subject.spoil_model([](void* model) {
                                        for (Rank& rank : static_cast<Model*>(model)->ranks) rank.threshold -= 0.05;
                                      });
                                    }};

const Roles book_roles{{"target", {"default"}}, {"id", {"application"}}, {"group", {"region"}}};

learn::LoanBook book_of(std::int64_t rows, int year) {
  auto book = learn::make_loan_book(Stream(11), rows, year);
  EXPECT_TRUE(book.ok());
  return std::move(book).value();
}

Inputs book_inputs(std::int64_t rows) {
  Inputs inputs;
  inputs.data = book_of(rows, 1).table.with_roles(book_roles);
  return inputs;
}

Params small_trees() {
  Params params;
  params.trees.options.rounds = 60;
  params.trees.options.max_depth = 4;
  return params;
}

Params logistic_params() {
  Params params;
  params.learner = Learner::logistic;
  return params;
}

std::string message_of(const Error& error) { return error.message(); }

template <class T>
T must(Result<T> result) {
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : message_of(result.error()));
  return std::move(result).value();
}

// Three clouds in the plane, with a known share of overlap.
Table clouds(std::int64_t rows, std::uint64_t seed, std::int64_t classes = 3) {
  Stream stream(seed);
  const auto n = static_cast<std::size_t>(rows);
  std::vector<double> x(n), y(n);
  std::vector<std::string> label(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto k = stream.below(static_cast<std::uint64_t>(classes));
    const double a = stream.normal();
    const double b = stream.normal();
    x[i] = a + 2.0 * static_cast<double>(k % 10);
    y[i] = b + 1.5 * static_cast<double>(k / 10);
    label[i] = "c" + std::to_string(100 + k);
  }
  TableBuilder builder;
  builder.real("x", std::move(x)).real("y", std::move(y)).text("label", std::move(label));
  return must(std::move(builder).build()).with_roles({{"target", {"label"}}});
}

Error error_of(const Table& data, const std::string& parameters) {
  Workspace workspace({.seed = 3});
  Call call;
  call.verb = Verb::fit;
  call.method = "risk.classifier";
  call.parameters = parameters;
  call.ports.insert_or_assign("data", data);
  const auto reply = run(workspace.context(), call);
  EXPECT_FALSE(reply.ok()) << parameters;
  return reply.ok() ? Error() : reply.error();
}

TEST(ClassifierParts, CutsEveryRowOnceAndLeavesTheConformalPartPlain) {
  std::vector<std::int32_t> labels(1000, 0);
  for (std::size_t i = 0; i < 100; ++i) labels[i] = 1;
  const Parts parts = must(cut_one_table(labels, {0.6, 0.2}, Stream(5)));
  EXPECT_EQ(parts.learning.size(), 600u);
  EXPECT_EQ(parts.probability.size(), 200u);
  EXPECT_EQ(parts.conformal.size(), 200u);
  std::set<std::int64_t> seen;
  for (const auto* part : {&parts.learning, &parts.probability, &parts.conformal}) seen.insert(part->begin(), part->end());
  EXPECT_EQ(seen.size(), 1000u);
  // Exchangeable rows: the number of events in the conformal part must vary between cuts as a hypergeometric count does
  // (variance 14.4). A part with the table's class shares would show 20 each time.
  std::set<std::int64_t> counts;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Parts cut = must(cut_one_table(labels, {0.6, 0.2}, Stream(seed)));
    counts.insert(std::count_if(cut.conformal.begin(), cut.conformal.end(), [](std::int64_t row) { return row < 100; }));
  }
  EXPECT_GT(counts.size(), 5u);
}

TEST(ClassifierParts, RowsNeeded) {
  EXPECT_EQ(learn::rows_needed(0.1), 9);
  EXPECT_EQ(learn::rows_needed(0.05), 19);
  EXPECT_EQ(learn::rows_needed(0.01), 99);
}

TEST(ClassifierLabels, ClassesInNameOrderNumbersByValue) {
  const auto labels_of = [](TableBuilder& builder) { return must(read_labels(must(std::move(builder).build()).with_roles({{"target", {"t"}}}))); };
  TableBuilder numbers;
  numbers.integer("t", {10, 9, 10, 2});
  const Labels by_value = labels_of(numbers);
  EXPECT_EQ(by_value.classes, (std::vector<std::string>{"2", "9", "10"}));
  EXPECT_EQ(by_value.codes, (std::vector<std::int32_t>{2, 1, 2, 0}));
  TableBuilder reals;
  reals.real("t", {1, 0, 1});
  EXPECT_EQ(labels_of(reals).classes, (std::vector<std::string>{"0", "1"}));
  TableBuilder words;
  words.text("t", {"b", "a", "b"});
  EXPECT_EQ(labels_of(words).classes, (std::vector<std::string>{"a", "b"}));
}

TEST(ClassifierDecisions, ThresholdFollowsCosts) {
  Params params;
  params.cost_false_positive = 1;
  params.cost_false_negative = 4;
  params.abstain = Abstain::never;
  const Rule rule = must(make_rule(params, 2, 1));
  EXPECT_NEAR(rule.threshold, 0.2, 1e-15);
  const auto at = [&](double p) { return decide(rule, {std::vector<double>{1 - p, p}, p, p, 1}); };
  EXPECT_EQ(at(0.19), Decision::pass);
  EXPECT_EQ(at(0.21), Decision::act);
}

TEST(ClassifierDecisions, PriceOfAbstaining) {
  Params params;
  params.cost_abstain = 0.3;
  const Rule rule = must(make_rule(params, 2, 1));
  EXPECT_EQ(rule.abstain, Abstain::price);
  const auto at = [&](double p) { return decide(rule, {std::vector<double>{1 - p, p}, p, p, 2}); };
  EXPECT_EQ(at(0.2), Decision::pass);
  EXPECT_EQ(at(0.4), Decision::abstain);  // 0.3 is less than both 0.4 and 0.6
  EXPECT_EQ(at(0.8), Decision::act);
}

TEST(ClassifierDecisions, MatrixZoneAndUncertainty) {
  Params matrix;
  matrix.cost_matrix = {5, 0, 0, 10, 1, 1};  // act: 5 on the first class; pass: 10 on the second; abstain: 1
  const Rule by_matrix = must(make_rule(matrix, 2, 1));
  EXPECT_NEAR(by_matrix.threshold, 5.0 / 15.0, 1e-15);
  EXPECT_EQ(decide(by_matrix, {std::vector<double>{0.95, 0.05}, 0, 1, 2}), Decision::pass);
  EXPECT_EQ(decide(by_matrix, {std::vector<double>{0.5, 0.5}, 0, 1, 1}), Decision::abstain);
  EXPECT_FALSE(make_rule(matrix, 3, -1).ok());
  Params zone;
  zone.abstain_zone = {0.2, 0.4};
  const Rule by_zone = must(make_rule(zone, 2, 1));
  EXPECT_EQ(decide(by_zone, {std::vector<double>{0.7, 0.3}, 0, 1, 1}), Decision::abstain);
  EXPECT_EQ(decide(by_zone, {std::vector<double>{0.9, 0.1}, 0, 1, 1}), Decision::pass);
  const Rule standard = must(make_rule(Params(), 2, 1));
  EXPECT_EQ(standard.abstain, Abstain::uncertain);
  EXPECT_EQ(decide(standard, {std::vector<double>{0.45, 0.55}, 0.4, 0.6, 1}), Decision::abstain);
  EXPECT_EQ(decide(standard, {std::vector<double>{0.1, 0.9}, 0.8, 0.95, 2}), Decision::abstain);
  EXPECT_EQ(decide(standard, {std::vector<double>{0.1, 0.9}, 0.8, 0.95, 1}), Decision::act);
}

class OnTheBook : public testing::TestWithParam<int> {
 protected:
  Params params() const {
    Params p = GetParam() == 0 ? logistic_params() : small_trees();
    p.cost_false_positive = 1;
    p.cost_false_negative = 5;
    return p;
  }
};

TEST_P(OnTheBook, ProbabilitiesComeNearTheTruthAndSetsCover) {
  Workspace workspace({.seed = 4});
  const Model model = must(fit(workspace.context(), book_inputs(20000), params()));
  const learn::LoanBook next = book_of(20000, 2);
  const Outputs outputs = must(apply(workspace.context(), model, Cases{next.table.with_roles({{"id", {"application"}}})}, Options{}));
  const Reals p = must(outputs.scored.reals("probability"));
  const Reals low = must(outputs.scored.reals("lower"));
  const Reals high = must(outputs.scored.reals("upper"));
  const auto sets = must(outputs.scored.text_lists("set"));
  const auto outcome = must(next.table.texts("default"));
  std::vector<std::int32_t> event(outcome.size());
  double gap = 0, square = 0, spread = 0, mean = 0;
  std::int64_t covered = 0;
  for (std::size_t i = 0; i < outcome.size(); ++i) {
    event[i] = outcome[i] == "yes" ? 1 : 0;
    gap += p[i] - next.truth[i];
    square += (p[i] - next.truth[i]) * (p[i] - next.truth[i]);
    mean += next.truth[i];
    EXPECT_LE(low[i], high[i]);
    covered += std::count(sets[i].begin(), sets[i].end(), outcome[i]);
  }
  const double n = static_cast<double>(outcome.size());
  mean /= n;
  for (const double t : next.truth) spread += (t - mean) * (t - mean);
  EXPECT_LT(std::abs(gap / n), 0.015);
  EXPECT_LT(square, 0.5 * spread) << "the model explains less than half of the variance of the true probability";
  const double oracle = must(stats::auroc(next.truth, event, 0.95)).estimate.value;
  const double area = must(stats::auroc(p.span(), event, 0.95)).estimate.value;
  EXPECT_GT(area, oracle - 0.04);
  const Rank& rank = model.ranks[0];
  EXPECT_EQ(rank.n, 4000);
  const auto law = must(stats::BetaBinomial::make(20000, static_cast<double>(rank.k), static_cast<double>(rank.n + 1 - rank.k)));
  EXPECT_GE(covered, law.central(1e-6).lo);
}

TEST_P(OnTheBook, SameBytesAtAnyThreads) {
  std::string first_model, first_rows;
  for (const int threads : {1, 2, 8}) {
    Workspace workspace({.backend = threads == 1 ? Backend::serial : Backend::tbb, .threads = threads, .seed = 4});
    const Model model = must(fit(workspace.context(), book_inputs(9000), params()));
    const Outputs outputs = must(apply(workspace.context(), model, Cases{book_of(5000, 2).table}, Options{Keep::all}));
    const Artifact artifact({}, must(certify(model)), true, Box::of(model));
    const std::string bytes = must(artifact.to_bytes());
    const std::string rows = must(table_to_bytes(outputs.scored));
    if (threads == 1) {
      first_model = bytes;
      first_rows = rows;
    }
    EXPECT_TRUE(bytes == first_model) << threads << " threads";
    EXPECT_TRUE(rows == first_rows) << threads << " threads";
  }
}

TEST_P(OnTheBook, ReportOfScoredRowsEqualsReportOfRowsItScores) {
  Workspace workspace({.seed = 4});
  const Model model = must(fit(workspace.context(), book_inputs(6000), params()));
  const Table labelled = book_of(3000, 2).table.with_roles(book_roles);
  const Diagnostics fresh = must(diagnose_test(workspace.context(), model, labelled));
  const Outputs outputs = must(apply(workspace.context(), model, Cases{labelled}, Options{Keep::all}));
  ASSERT_TRUE(is_scored(model, outputs.scored));
  const Diagnostics again = must(diagnose_scored(workspace.context(), model, outputs.scored.with_roles(book_roles)));
  EXPECT_EQ(fresh.auroc.value, again.auroc.value);
  EXPECT_EQ(fresh.brier, again.brier);
  EXPECT_EQ(fresh.coverage[0].covered, again.coverage[0].covered);
  EXPECT_EQ(fresh.groups.size(), 8u);
  EXPECT_NEAR(fresh.brier, fresh.miscalibration - fresh.discrimination + fresh.uncertainty, 1e-12);
  const Report report = draw(model, must(certify(model)), fresh);
  EXPECT_TRUE(check(report).ok());
  EXPECT_NE(report.verdict, "red");
}

INSTANTIATE_TEST_SUITE_P(Learners, OnTheBook, testing::Values(0, 1), [](const auto& one) { return one.param == 0 ? "logistic" : "trees"; });

TEST(Classifier, SavesAndLoads) {
  Workspace workspace({.seed = 4});
  const Model model = must(fit(workspace.context(), book_inputs(3000), small_trees()));
  EXPECT_FALSE(model.learning_fingerprint.empty());
  EXPECT_FALSE(model.calibration_fingerprint.empty());
  Artifact::Provenance provenance;
  provenance.method = "risk.classifier";
  const Artifact artifact(std::move(provenance), must(certify(model)), true, Box::of(model));
  const auto loaded = must(Artifact::from_bytes(must(artifact.to_bytes()), "memory"));
  const Table cases = book_of(500, 2).table;
  const Outputs before = must(apply(workspace.context(), model, Cases{cases}, Options{}));
  const Outputs after = must(apply(workspace.context(), loaded->model().as<Model>(), Cases{cases}, Options{}));
  EXPECT_TRUE(must(table_to_bytes(before.scored)) == must(table_to_bytes(after.scored)));
}

TEST(Classifier, SeveralClasses) {
  Workspace workspace({.seed = 6});
  for (const std::int64_t classes : {3, 70}) {
    Inputs inputs;
    inputs.data = clouds(100 * classes, 1, classes);
    const Model model = must(fit(workspace.context(), inputs, logistic_params()));
    const Table cases = clouds(2000, 2, classes);
    const Outputs outputs = must(apply(workspace.context(), model, Cases{cases}, Options{}));
    const auto truth = must(cases.texts("label"));
    const auto sets = must(outputs.scored.text_lists("set"));
    std::int64_t covered = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) covered += std::count(sets[i].begin(), sets[i].end(), truth[i]);
    const Rank& rank = model.ranks[0];
    const auto law = must(stats::BetaBinomial::make(2000, static_cast<double>(rank.k), static_cast<double>(rank.n + 1 - rank.k)));
    EXPECT_GE(covered, law.central(1e-6).lo) << classes;
    std::vector<double> sum(truth.size(), 0.0);
    for (const std::string& name : model.classes) {
      const Reals p = must(outputs.scored.reals("probability." + name));
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += p[i];
    }
    for (const double s : sum) EXPECT_NEAR(s, 1.0, 1e-9);
    EXPECT_TRUE(check(draw(model, must(certify(model)), model.held_out)).ok());
    Artifact::Provenance provenance;
    provenance.method = "risk.classifier";
    const Artifact artifact(std::move(provenance), must(certify(model)), true, Box::of(model));
    must(Artifact::from_bytes(must(artifact.to_bytes()), "memory"));
  }
}

TEST(Classifier, LabelConditionalCoversTheRareClass) {
  Workspace workspace({.seed = 8});
  Params params = logistic_params();
  params.label_conditional = true;
  const Model model = must(fit(workspace.context(), book_inputs(20000), params));
  ASSERT_EQ(model.ranks.size(), 2u);
  const learn::LoanBook next = book_of(20000, 2);
  const Outputs outputs = must(apply(workspace.context(), model, Cases{next.table}, Options{}));
  const auto sets = must(outputs.scored.text_lists("set"));
  const auto outcome = must(next.table.texts("default"));
  for (std::size_t k = 0; k < 2; ++k) {
    std::int64_t covered = 0, rows = 0;
    for (std::size_t i = 0; i < outcome.size(); ++i) {
      if (outcome[i] != model.classes[k]) continue;
      ++rows;
      covered += std::count(sets[i].begin(), sets[i].end(), outcome[i]);
    }
    const Rank& rank = model.ranks[k];
    const auto law = must(stats::BetaBinomial::make(rows, static_cast<double>(rank.k), static_cast<double>(rank.n + 1 - rank.k)));
    EXPECT_GE(covered, law.central(1e-6).lo) << model.classes[k];
  }
}

TEST(Classifier, MonotoneConstraintHolds) {
  Workspace workspace({.seed = 9});
  Params params = small_trees();
  params.monotone = {{"debt_ratio", "+1"}};
  params.calibrator = learn::Calibration::platt;
  const Model model = must(fit(workspace.context(), book_inputs(4000), params));
  const Table one = book_of(1, 2).table;
  const std::vector<std::int64_t> rows(60, 0);
  std::vector<double> ratio(60);
  for (std::size_t i = 0; i < ratio.size(); ++i) ratio[i] = 0.02 * static_cast<double>(i);
  const Table column = must(std::move(TableBuilder().real("debt_ratio", ratio)).build());
  const Outputs outputs = must(apply(workspace.context(), model, Cases{must(one.take(rows).without({"debt_ratio"}).beside(column))}, Options{}));
  const Reals p = must(outputs.scored.reals("probability"));
  for (std::size_t i = 1; i < p.size(); ++i) EXPECT_GE(p[i], p[i - 1]) << i;
  EXPECT_GT(p[59], p[0]);
}

TEST(Classifier, OwnCalibrationRowsMustBeOthers) {
  Workspace workspace({.seed = 9});
  Inputs inputs = book_inputs(1000);
  inputs.calibration = book_of(600, 3).table;
  const Model model = must(fit(workspace.context(), inputs, logistic_params()));
  EXPECT_EQ(model.learning_rows, 1000);
  EXPECT_EQ(model.probability_rows + model.conformal_rows, 600);
  inputs.calibration = inputs.data.slice(100, 500);
  const auto refused = fit(workspace.context(), inputs, logistic_params());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::overlap);
  Workspace allowing({.seed = 9, .allow_overlap = "a rehearsal"});
  const Model allowed = must(fit(allowing.context(), inputs, logistic_params()));
  EXPECT_NE(allowed.overlap_remark.find("a rehearsal"), std::string::npos);
}

TEST(Classifier, RepeatedIdsAreWarnedOf) {
  Workspace workspace({.seed = 9});
  const Table book = book_of(400, 1).table;
  Inputs inputs;
  inputs.data = must(Table::concatenate(std::vector<Table>{book, book})).with_roles(book_roles);
  const Model model = must(fit(workspace.context(), inputs, logistic_params()));
  EXPECT_FALSE(model.overlap_remark.empty());
  EXPECT_FALSE(workspace.warnings().empty());
  EXPECT_TRUE(must(fit(workspace.context(), book_inputs(400), logistic_params())).overlap_remark.empty());
}

TEST(Classifier, TestRowsMakeTheReport) {
  Workspace workspace({.seed = 9});
  Inputs inputs = book_inputs(2000);
  inputs.test = book_of(1500, 3).table;
  const Model model = must(fit(workspace.context(), inputs, logistic_params()));
  EXPECT_EQ(model.held_out.rows, 1500);
  EXPECT_EQ(model.held_out.coverage[0].tested, 1500);
  inputs.test = inputs.data;
  const Model flattered = must(fit(workspace.context(), inputs, logistic_params()));
  ASSERT_FALSE(flattered.held_out.remarks.empty());
  EXPECT_EQ(flattered.held_out.remarks[0].severity, 2);
}

TEST(Classifier, DiagnosticsMayBeLeftOut) {
  Workspace workspace({.seed = 9});
  Inputs inputs = book_inputs(2000);
  Params params = logistic_params();
  const Model judged = must(fit(workspace.context(), inputs, params));
  params.diagnostics = false;
  const Model model = must(fit(workspace.context(), inputs, params));
  EXPECT_GT(judged.held_out.rows, 0);
  EXPECT_EQ(model.held_out.rows, 0);
  EXPECT_EQ(model.ranks.front().threshold, judged.ranks.front().threshold);
  EXPECT_EQ(model.learning_fingerprint, judged.learning_fingerprint);
  EXPECT_TRUE(check(draw(model, must(certify(model)), model.held_out)).ok());
}

TEST(Classifier, BadInput) {
  const Table book = book_of(400, 1).table.with_roles(book_roles);
  EXPECT_EQ(error_of(book.slice(0, 0), "{}").code, ErrorCode::too_few_rows);
  const Error few = error_of(book.slice(0, 60), R"({"share_learning": 0.4, "share_probability": 0.4, "alpha": 0.01})");
  EXPECT_EQ(few.code, ErrorCode::too_few_rows);
  EXPECT_NE(few.message().find("99 are needed"), std::string::npos) << few.message();
  const Error name = error_of(book, R"({"positive": "yess"})");
  EXPECT_EQ(name.code, ErrorCode::bad_parameter);
  EXPECT_EQ(name.candidates, std::vector<std::string>{"yes"});
  const Error monotone = error_of(book, R"({"monotone": {"debt_ratoi": "+1"}})");
  EXPECT_EQ(monotone.code, ErrorCode::bad_parameter);
  EXPECT_EQ(monotone.candidates, std::vector<std::string>{"debt_ratio"});
  EXPECT_EQ(error_of(book, R"({"monotone": {"purpose": "+1"}})").code, ErrorCode::bad_parameter);
  EXPECT_EQ(error_of(book, R"({"alpha": 1.5})").code, ErrorCode::bad_parameter);
  EXPECT_EQ(error_of(book, R"({"cost_matrix": [1, 2, 3]})").code, ErrorCode::bad_parameter);
  EXPECT_EQ(error_of(book, R"({"class_weight": {"maybe": "2"}})").code, ErrorCode::bad_parameter);
  EXPECT_EQ(error_of(book.with_roles({{"target", {"age"}}, {"weight", {"debt_ratio"}}, {"feature", {"age"}}}), "{}").code, ErrorCode::bad_parameter);
  EXPECT_EQ(error_of(book.with_roles({{"target", {"debt_ratio"}}}), "{}").code, ErrorCode::wrong_type);
  EXPECT_EQ(error_of(book.with_roles({{"target", {"no_such"}}}), "{}").code, ErrorCode::missing_column);
  EXPECT_EQ(error_of(book.with_roles({}), "{}").code, ErrorCode::missing_input);
}

Table labelled_column(std::vector<double> target, bool nulls) {
  std::vector<double> x(target.size());
  std::iota(x.begin(), x.end(), 0.0);
  TableBuilder builder;
  builder.real("x", std::move(x));
  if (nulls) builder.real_or_null("t", std::move(target));
  else builder.real("t", std::move(target));
  return must(std::move(builder).build()).with_roles({{"target", {"t"}}});
}

TEST(Classifier, BadTargets) {
  std::vector<double> ones(100, 1.0);
  EXPECT_EQ(error_of(labelled_column(ones, false), "{}").code, ErrorCode::one_class);
  for (std::size_t i = 0; i < ones.size(); i += 2) ones[i] = 0;
  std::vector<double> gap = ones;
  gap[7] = std::numeric_limits<double>::quiet_NaN();
  for (const bool nulls : {false, true}) {
    const Error error = error_of(labelled_column(gap, nulls), "{}");
    EXPECT_EQ(error.code, ErrorCode::null_value);
    EXPECT_EQ(error.row, 7);
  }
  std::vector<double> many(1200);
  std::iota(many.begin(), many.end(), 0.0);
  EXPECT_EQ(error_of(labelled_column(many, false), "{}").code, ErrorCode::wrong_type);
  Table weighted = labelled_column(ones, false);
  EXPECT_EQ(error_of(must(weighted.beside(must(std::move(TableBuilder().real("w", std::vector<double>(100, -1.0))).build()))).with_roles({{"target", {"t"}}, {"weight", {"w"}}}), "{}").code, ErrorCode::bad_value);
}

TEST(Classifier, VacuousCertificateSaysHowManyRowsAreNeeded) {
  Workspace workspace({.seed = 9});
  Params params = logistic_params();
  params.alpha = 0.01;
  params.small_n = SmallSample::infinite;
  const Model model = must(fit(workspace.context(), book_inputs(300), params));
  const Certificate c = must(certify(model));
  EXPECT_TRUE(c.vacuous);
  EXPECT_EQ(c.values.at("needed_n"), 99);
  const Outputs outputs = must(apply(workspace.context(), model, Cases{book_of(20, 2).table}, Options{}));
  for (const auto& set : must(outputs.scored.text_lists("set"))) EXPECT_EQ(set.size(), 2u);
}

TEST(Classifier, HostileModelsAreErrors) {
  Workspace workspace({.seed = 9});
  const Model good = must(fit(workspace.context(), book_inputs(600), logistic_params()));
  const Table cases = book_of(20, 2).table;
  const auto refused = [&](const std::function<void(Model&)>& spoil) {
    Model bad = good;
    spoil(bad);
    const auto outputs = apply(workspace.context(), bad, Cases{cases}, Options{});
    return !outputs.ok();
  };
  EXPECT_TRUE(refused([](Model& m) { m.classes.clear(); }));
  EXPECT_TRUE(refused([](Model& m) { m.positive = 7; }));
  EXPECT_TRUE(refused([](Model& m) { m.ranks.clear(); }));
  EXPECT_TRUE(refused([](Model& m) { m.pairs.clear(); }));
  EXPECT_TRUE(refused([](Model& m) { m.rule.cost.clear(); }));
  EXPECT_TRUE(refused([](Model& m) { m.logistic->coefficients.clear(); }));
  EXPECT_TRUE(refused([](Model& m) { m.encoder.columns.pop_back(); }));
}

}  // namespace
}  // namespace plimsoll::risk::classifier

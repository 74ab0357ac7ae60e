// SPDX-License-Identifier: Apache-2.0
// The published and measured figures on public data, where the files stand beside the source tree.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "engine/artifact.h"
#include "engine/workspace.h"
#include "methods/conformal/multilabel/multilabel.h"
#include "table/file_format.h"

namespace plimsoll::conformal::multilabel {
namespace {

std::filesystem::path shared(const std::string& name) { return std::filesystem::path(PLIMSOLL_SOURCE_DIR) / "../shared/data" / name; }

Result<Table> table_at(const std::string& name) {
  if (!std::filesystem::exists(shared(name))) return Error(ErrorCode::not_found, "no " + name, "Put the data beside the tree.");
  PLIMSOLL_TRY(const auto stream, open_table(shared(name), {}));
  return read_all(*stream);
}

std::vector<std::int64_t> shuffled(std::int64_t rows, std::uint64_t seed) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  Stream(seed).shuffle(std::span(order));
  return order;
}

std::map<std::string, double> figures(const Model& model, const Table& fresh) {
  Workspace workspace({.backend = Backend::serial});
  Artifact::Provenance provenance;
  provenance.method = "conformal.multilabel";
  const auto artifact = std::make_shared<const Artifact>(provenance, certify(model).value(), true, Box::of(Model(model)));
  const auto report = assess(workspace.context(), AssessInputs{artifact, fresh}, AssessParams{});
  EXPECT_TRUE(report.ok()) << report.error().message();
  return {report.value().figures.begin(), report.value().figures.end()};
}

// Half teaches, a quarter certifies, a quarter judges. Names its own order of rows.
struct Split {
  Table training, calibration, fresh;
};
Split split_of(const Table& table, std::uint64_t seed) {
  const auto order = shuffled(table.rows(), seed);
  const std::size_t half = order.size() / 2, most = 3 * order.size() / 4;
  const auto part = [&](std::size_t from, std::size_t to) { return table.take(std::span(order).subspan(from, to - from)).with_roles(table.roles()); };
  return {part(0, half), part(half, most), part(most, order.size())};
}

// Errors averaged over splits of the same rows vary no more than one split's: binomial part and the calibration's. Six standard
// deviations leave a chance of 2e-9.
void expect_error(double error, double alpha, std::size_t fresh, std::size_t n) {
  EXPECT_NEAR(error, alpha, 6 * std::sqrt(alpha * (1 - alpha) * (1 / static_cast<double>(fresh) + 1 / static_cast<double>(n + 2)))) << alpha;
}

TEST(ConformalMultilabelPublic, Emotions) {
  const auto read = table_at("lp-icp-multilabel/emotions.csv");
  if (!read.ok()) GTEST_SKIP() << "needs ../shared/data/lp-icp-multilabel/emotions.csv";
  Roles roles;
  for (const ColumnInfo& column : read.value().columns()) roles[column.name.starts_with("label_") ? "label" : "feature"].push_back(column.name);
  const Table table = read.value().with_roles(roles);
  ASSERT_EQ(table.rows(), 593);
  Params params;
  params.alpha = {0.05, 0.1, 0.2, 0.3, 0.5};
  params.l2 = 1 / 0.3;
  params.accuracy_cost = false;
  std::vector<double> error(5), size(5);
  constexpr int splits = 5;
  for (std::uint64_t seed = 1; seed <= splits; ++seed) {
    const Split split = split_of(table, seed);
    Workspace workspace({.backend = Backend::serial});
    const auto model = fit(workspace.context(), Inputs{split.calibration, split.training}, params);
    ASSERT_TRUE(model.ok()) << model.error().message();
    const auto found = figures(model.value(), split.fresh);
    for (std::size_t a = 0; a < 5; ++a) {
      error[a] += found.at("error." + std::to_string(a)) / splits;
      size[a] += found.at("size_low." + std::to_string(a)) / splits;
      EXPECT_EQ(found.at("size_low." + std::to_string(a)), found.at("size_high." + std::to_string(a)));
    }
  }
  // Measured before with another solver and other splits: 28.9, 20.3, 12.1, 7.6, 3.6 of 64.
  const std::vector<double> before = {28.9, 20.3, 12.1, 7.6, 3.6};
  for (std::size_t a = 0; a < 5; ++a) {
    expect_error(error[a], params.alpha[a], 149, 148);
    EXPECT_NEAR(size[a], before[a], 0.25 * before[a]) << params.alpha[a];
    std::printf("emotions: alpha %.2f error %.3f median size %.1f of 64\n", params.alpha[a], error[a], size[a]);
  }
}

// Words as 0/1 columns: "labels index:1 index:1 ...".
Result<Table> enron_table() {
  std::ifstream names(shared("lp-icp-multilabel/enron_labels.txt"));
  std::ifstream rows(shared("lp-icp-multilabel/enron_multilabel.svm"));
  if (!names || !rows) return Error(ErrorCode::not_found, "no Enron", "Put the data beside the tree.");
  Roles roles;
  for (std::string name; std::getline(names, name);) roles["label"].push_back(name);
  for (int word = 0; word < 1001; ++word) roles["feature"].push_back("w" + std::to_string(word));
  std::vector<std::vector<double>> labels(roles["label"].size()), words(1001);
  for (std::string line; std::getline(rows, line);) {
    for (auto& column : labels) column.push_back(0);
    for (auto& column : words) column.push_back(0);
    std::istringstream parts(line.substr(line.find(' ')));
    std::istringstream marks(line.substr(0, line.find(' ')));
    for (std::string mark; std::getline(marks, mark, ',');) labels[std::stoul(mark)].back() = 1;
    for (std::string part; parts >> part;) words[std::stoul(part)].back() = 1;
  }
  TableBuilder builder;
  for (std::size_t j = 0; j < labels.size(); ++j) builder.real(roles["label"][j], std::move(labels[j]));
  for (std::size_t j = 0; j < words.size(); ++j) builder.real(roles["feature"][j], std::move(words[j]));
  PLIMSOLL_TRY(const Table table, builder.build());
  return table.with_roles(roles);
}

// 53 labels, 9e15 label-sets: both errors at alpha 0.2 near it, nll's median size at most 0.65 of the published measure's.
TEST(ConformalMultilabelPublic, Enron) {
  const auto read = enron_table();
  if (!read.ok()) GTEST_SKIP() << "needs ../shared/data/lp-icp-multilabel/enron_multilabel.svm";
  ASSERT_EQ(read.value().rows(), 1702);
  const Split split = split_of(read.value(), 1);
  Params params;
  params.alpha = {0.2};
  params.l2 = 10;
  params.standardize = false;
  params.accuracy_cost = false;
  std::map<Measure, double> size;
  for (const Measure measure : {Measure::euclidean, Measure::nll}) {
    params.measure = measure;
    Workspace workspace({.backend = Backend::serial});
    const auto model = fit(workspace.context(), Inputs{split.calibration, split.training}, params);
    ASSERT_TRUE(model.ok()) << model.error().message();
    const auto found = figures(model.value(), split.fresh);
    expect_error(found.at("error"), 0.2, static_cast<std::size_t>(split.fresh.rows()), static_cast<std::size_t>(split.calibration.rows()));
    size[measure] = found.at("size_high");
    std::printf("Enron, %s: error %.3f median size %.0f to %.0f\n", std::string(choices_of(measure)[static_cast<std::size_t>(measure)]).c_str(), found.at("error"), found.at("size_low"), found.at("size_high"));
  }
  EXPECT_LE(size[Measure::nll], 0.65 * size[Measure::euclidean]);
}

// Reports of the AI Vulnerability Database with their SEP codes as labels.
Result<Table> avid_table() {
  PLIMSOLL_TRY(const Table read, table_at("ai-threat-taxonomy/avid_reports.csv"));
  PLIMSOLL_TRY(const std::vector<std::string> sep, read.texts("sep"));
  std::set<std::string> codes;
  std::vector<std::set<std::string>> of_row(sep.size());
  std::vector<std::int64_t> coded;
  for (std::size_t i = 0; i < sep.size(); ++i) {
    std::istringstream parts(sep[i]);
    for (std::string code; std::getline(parts, code, ';');) of_row[i].insert(code);
    codes.insert(of_row[i].begin(), of_row[i].end());
    if (!of_row[i].empty()) coded.push_back(static_cast<std::int64_t>(i));
  }
  TableBuilder builder;
  Roles roles = {{"text", {"title", "text"}}, {"id", {"id"}}};
  for (const std::string& code : codes) {
    std::vector<std::int64_t> column;
    for (const auto& row : of_row) column.push_back(row.contains(code) ? 1 : 0);
    builder.integer(code, std::move(column));
    roles["label"].push_back(code);
  }
  PLIMSOLL_TRY(const Table labels, builder.build());
  PLIMSOLL_TRY(const Table all, read.beside(labels));
  return all.take(coded).with_roles(roles);
}

TEST(ConformalMultilabelPublic, AvidReportsByTheirWords) {
  const auto read = avid_table();
  if (!read.ok()) GTEST_SKIP() << "needs ../shared/data/ai-threat-taxonomy/avid_reports.csv";
  ASSERT_EQ(read.value().rows(), 1607);
  const Split split = split_of(read.value(), 2);
  Params params;
  params.alpha = {0.05, 0.1, 0.2};
  params.measure = Measure::nll;
  params.l2 = 0.1;
  params.tfidf.least_texts = 2;
  Workspace workspace({.backend = Backend::serial});
  const auto model = fit(workspace.context(), Inputs{split.calibration, split.training}, params);
  ASSERT_TRUE(model.ok()) << model.error().message();
  const auto found = figures(model.value(), split.fresh);
  for (std::size_t a = 0; a < 3; ++a) {
    const std::string name = "." + std::to_string(a);
    expect_error(found.at("error" + name), params.alpha[a], static_cast<std::size_t>(split.fresh.rows()), static_cast<std::size_t>(split.calibration.rows()));
    std::printf("AVID, words: alpha %.2f error %.3f median size %.0f\n", params.alpha[a], found.at("error" + name), found.at("size_high" + name));
  }
  EXPECT_GT(found.at("micro_f1"), 0.7);
  std::printf("AVID, words: exact match %.3f micro F1 %.3f, cost of calibration %.3f [%.3f, %.3f]\n", found.at("exact_match"), found.at("micro_f1"), found.at("exact_match_cost"), found.at("exact_match_cost_low"), found.at("exact_match_cost_high"));
}

// The same reports by sentence embeddings, whose columns would be bound as features: contextual against non-contextual.
TEST(ConformalMultilabelPublic, AvidReportsByTheirMeaning) { GTEST_SKIP() << "needs a sentence encoder: nothing in this build opens an ONNX network"; }

}  // namespace
}  // namespace plimsoll::conformal::multilabel

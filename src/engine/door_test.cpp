// SPDX-License-Identifier: Apache-2.0
#include "engine/door.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "engine/made_methods_test.h"
#include "engine/schema.h"
#include "engine/workspace.h"

namespace plimsoll {
namespace {

Table numbers(std::int64_t rows) {
  std::vector<double> x;
  Stream stream(5);
  for (std::int64_t i = 0; i < rows; ++i) x.push_back(stream.normal());
  return std::move(TableBuilder().real("x", std::move(x))).build().value().with_roles({{"target", {"x"}}});
}

Call fit_call(Table data) {
  Call call;
  call.verb = Verb::fit;
  call.method = "made.mean";
  call.ports.emplace("data", std::move(data));
  return call;
}

Result<Reply> run_at(const Call& call, int threads) {
  Workspace workspace({.backend = threads > 1 ? Backend::tbb : Backend::serial, .threads = threads, .seed = 3});
  return run(workspace.context(), call);
}

Error error_of(const Call& call) {
  const auto reply = run_at(call, 1);
  EXPECT_FALSE(reply.ok());
  return reply.ok() ? Error() : reply.error();
}

TEST(Door, FitsInTwoPassesWithTheSameBytesAtAnyThreads) {
  const Call call = fit_call(numbers(300'000));
  const auto one = run_at(call, 1);
  ASSERT_TRUE(one.ok()) << one.error().message();
  const auto& model = one.value().artifact->model().as<made::mean::Model>();
  EXPECT_EQ(model.rows, 300'000);
  EXPECT_NEAR(model.mean, 0, 0.02);
  EXPECT_NEAR(model.spread.at(0), std::sqrt(2 / 3.14159265358979), 0.01);
  for (const int threads : {2, 8}) EXPECT_TRUE(run_at(call, threads).value().artifact->to_bytes().value() == one.value().artifact->to_bytes().value());
}

TEST(Door, StreamsAndTablesFitTheSame) {
  const Table table = numbers(100'000);
  const auto whole = run_at(fit_call(table), 1);
  ASSERT_TRUE(whole.ok());
  Call streamed = fit_call(table);
  auto stream = std::shared_ptr<TableStream>(stream_of(table, 8192));
  stream->bind(table.roles());
  streamed.ports.insert_or_assign("data", stream);
  const auto reply = run_at(streamed, 1);
  ASSERT_TRUE(reply.ok()) << reply.error().message();
  EXPECT_TRUE(reply.value().artifact->to_bytes().value() == whole.value().artifact->to_bytes().value());
}

TEST(Door, SideTablesStandOnceAPass) {
  Call call = fit_call(numbers(300'000));
  call.ports.emplace("side", numbers(3).with_roles({}));
  for (const int threads : {1, 4}) {
    const auto reply = run_at(call, threads);
    ASSERT_TRUE(reply.ok()) << reply.error().message();
    EXPECT_EQ(reply.value().artifact->model().as<made::mean::Model>().sides, 1);
  }
}

TEST(Door, AppliesInOrderWithCountedWarnings) {
  const Table table = numbers(10'000);
  const auto fitted = run_at(fit_call(table), 1);
  ASSERT_TRUE(fitted.ok());
  Call call;
  call.verb = Verb::apply;
  call.model = fitted.value().artifact;
  call.ports.emplace("data", table);
  call.parameters = R"({"factor": 2})";
  call.batch_rows = 999;
  const auto reply = run_at(call, 4);
  ASSERT_TRUE(reply.ok()) << reply.error().message();
  const auto scored = std::get<Table>(reply.value().outputs.at("scored")).reals("scored").value();
  const auto x = table.reals("x").value();
  const double mean = fitted.value().artifact->model().as<made::mean::Model>().mean;
  ASSERT_EQ(scored.size(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(scored[i], (x[i] - mean) * 2);
  EXPECT_EQ(reply.value().warnings, std::vector<std::string>{"10000 rows scored"});
}

TEST(Door, ArtifactKeepsProvenanceAndPromise) {
  const auto reply = run_at(fit_call(numbers(50)), 1);
  ASSERT_TRUE(reply.ok());
  const auto again = Artifact::from_bytes(reply.value().artifact->to_bytes().value(), "memory");
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again.value()->provenance().method, "made.mean");
  EXPECT_EQ(again.value()->provenance().seed, 3u);
  EXPECT_EQ(again.value()->provenance().fingerprints.at("learning"), "mark");
  ASSERT_EQ(again.value()->provenance().schema.size(), 1u);
  EXPECT_EQ(again.value()->provenance().schema[0].role, "target");
  EXPECT_EQ(again.value()->certificate().promise, "the mean is what it is");
  EXPECT_EQ(again.value()->certificate().law, "A");
}

TEST(Door, WholeTablesWithoutAFit) {
  Call call;
  call.verb = Verb::apply;
  call.method = "made.rank";
  call.parameters = R"({"scale": 0.5})";
  call.ports.emplace("data", numbers(20));
  const auto reply = run_at(call, 1);
  ASSERT_TRUE(reply.ok()) << reply.error().message();
  EXPECT_NE(reply.value().values.find("largest"), std::string::npos);
  ASSERT_TRUE(reply.value().certificate.has_value());
  EXPECT_EQ(reply.value().certificate->falsified_by, "plimsoll prove made.rank");
}

TEST(Door, AnExceptionOfALibraryIsAnError) {
  Call call;
  call.verb = Verb::apply;
  call.method = "made.rank";
  call.ports.emplace("data", numbers(13));
  const Error error = error_of(call);
  EXPECT_EQ(error.code, ErrorCode::internal);
  EXPECT_NE(error.what.find("a library threw"), std::string::npos);
}

TEST(Door, RefusesWhatItCannotDo) {
  Call call = fit_call(numbers(10));
  call.method = "made.maen";
  EXPECT_EQ(error_of(call).code, ErrorCode::unknown_name);
  EXPECT_EQ(error_of(call).candidates.at(0), "made.mean");

  call = fit_call(numbers(10));
  call.method = "made.rank";
  EXPECT_EQ(error_of(call).code, ErrorCode::wrong_kind);

  call = fit_call(numbers(10).with_roles({}));
  EXPECT_EQ(error_of(call).code, ErrorCode::missing_input);
  EXPECT_EQ(error_of(call).parameter, "target");

  call = fit_call(numbers(10).with_roles({{"target", {"y"}}}));
  EXPECT_EQ(error_of(call).code, ErrorCode::missing_column);
  EXPECT_EQ(error_of(call).column, "y");

  call = fit_call(numbers(10).with_roles({{"target", {"x"}}, {"tarot", {"x"}}}));
  EXPECT_EQ(error_of(call).code, ErrorCode::bad_parameter);

  call = fit_call(numbers(10));
  call.ports.clear();
  EXPECT_EQ(error_of(call).code, ErrorCode::missing_input);

  call = fit_call(numbers(10));
  call.ports.insert_or_assign("data", Report{});
  EXPECT_EQ(error_of(call).code, ErrorCode::wrong_kind);

  call = fit_call(numbers(0));
  EXPECT_EQ(error_of(call).code, ErrorCode::too_few_rows);
}

struct BadParameter {
  const char* json;
  const char* parameter;
  const char* says;
};
class DoorParameters : public testing::TestWithParam<BadParameter> {};
TEST_P(DoorParameters, AreRefusedByName) {
  Call call = fit_call(numbers(10));
  call.parameters = GetParam().json;
  const Error error = error_of(call);
  EXPECT_TRUE(error.code == ErrorCode::bad_parameter || error.code == ErrorCode::bad_document) << error.message();
  EXPECT_EQ(error.parameter, GetParam().parameter);
  EXPECT_NE(error.message().find(GetParam().says), std::string::npos) << error.message();
}
INSTANTIATE_TEST_SUITE_P(
    Kinds, DoorParameters,
    testing::Values(BadParameter{R"({"shfit": 1})", "shfit", "shift"}, BadParameter{R"({"shift": 11})", "shift", "[-10, 10]"}, BadParameter{R"({"shift": "one"})", "shift", "a number"},
                    BadParameter{R"({"shift": "nan"})", "shift", "[-10, 10]"}, BadParameter{R"({"center": "maen"})", "center", "one of mean, middle"},
                    BadParameter{R"({"rounds": 0})", "rounds", "at least 1"}, BadParameter{R"({"rounds": 1.5})", "rounds", "an integer"}, BadParameter{R"({"grid": [0.1, 1]})", "grid", "(0, 1)"},
                    BadParameter{R"({"grid": 0.1})", "grid", "a list"}, BadParameter{R"({"rounds": 101, "center": "middle"})", "rounds", "at most 100"}, BadParameter{R"([1])", "", "object"},
                    BadParameter{R"({"shift": 1, "shift": 2})", "", "shift"}, BadParameter{R"({"rounds": 18446744073709551615})", "rounds", "an integer"}));

TEST(Door, AnEarlierNameIsReadWithAWarning) {
  Call call = fit_call(numbers(10));
  call.parameters = R"({"iterations": 7})";
  const auto reply = run_at(call, 1);
  ASSERT_TRUE(reply.ok()) << reply.error().message();
  ASSERT_EQ(reply.value().warnings.size(), 1u);
  EXPECT_NE(reply.value().warnings[0].find("now called 'rounds'"), std::string::npos);
  EXPECT_NE(reply.value().artifact->provenance().parameters.find("\"rounds\":7"), std::string::npos);
}

TEST(Door, SchemaShowsWhatAPersonNeeds) {
  const Schema schema = schema_of(type_of<made::mean::Params>);
  ASSERT_EQ(schema.fields.size(), 4u);
  EXPECT_EQ(constraint_text(schema.fields[0]), "in [-10, 10]");
  EXPECT_EQ(constraint_text(schema.fields[1]), "one of mean, middle");
  EXPECT_EQ(schema.fields[1].default_json, "\"mean\"");
  const Json json = json_schema(schema);
  EXPECT_EQ(json["properties"]["shift"]["minimum"], -10);
  EXPECT_EQ(json["additionalProperties"], false);
}

TEST(Door, RefusedOverlapCanBeAllowedWithAReason) {
  RowFingerprint rows;
  ASSERT_TRUE(rows.add(numbers(500)).ok());
  Workspace strict({.backend = Backend::serial});
  const auto refused = check_overlap(strict.context(), rows, "learning", rows, "calibration", nullptr);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::overlap);
  Workspace allowed({.backend = Backend::serial, .allow_overlap = "a test"});
  std::string remark;
  EXPECT_TRUE(check_overlap(allowed.context(), rows, "learning", rows, "calibration", &remark).ok());
  EXPECT_NE(remark.find("a test"), std::string::npos);
}

}  // namespace
}  // namespace plimsoll

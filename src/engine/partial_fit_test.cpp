// SPDX-License-Identifier: Apache-2.0
#include "engine/partial_fit.h"

#include <gtest/gtest.h>

#include "engine/door.h"
#include "engine/made_methods_test.h"
#include "engine/workspace.h"

namespace plimsoll {
namespace {

Table numbers(std::int64_t rows) {
  std::vector<double> x;
  Stream stream(5);
  for (std::int64_t i = 0; i < rows; ++i) x.push_back(stream.normal());
  return std::move(TableBuilder().real("x", std::move(x))).build().value().with_roles({{"target", {"x"}}});
}

std::string local_bytes(const Table& table) {
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = 3});
  Call call;
  call.method = "made.mean";
  call.ports.emplace("data", table);
  return run(workspace.context(), call).value().artifact->to_bytes().value();
}

PartialFit again(const PartialFit& fit) { return PartialFit::from_bytes(fit.to_bytes().value()).value(); }

// All passes over the given parts, each by a worker of its own that knows only bytes.
Result<ArtifactPort> fit_parts(const std::vector<Table>& parts, const std::vector<Table>& sides = {}) {
  Workspace driver({.backend = Backend::serial, .threads = 1, .seed = 3});
  PLIMSOLL_TRY(PartialFit fit, PartialFit::start(driver.context(), "made.mean", "{}"));
  while (true) {
    std::optional<PartialFit> merged;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      Workspace worker({.backend = Backend::serial, .threads = 1, .seed = 99});  // its own seed is not the fit's
      PartialFit part = again(fit);
      std::map<std::string, PortValue> ports;
      ports.emplace("data", parts[i]);
      if (i < sides.size()) ports.emplace("side", sides[i]);
      PLIMSOLL_CHECK(part.update(worker.context(), ports));
      part = again(part);
      if (merged) PLIMSOLL_CHECK(merged->merge(worker.context(), part));
      else merged = std::move(part);
    }
    fit = again(*merged);
    PLIMSOLL_TRY(ArtifactPort artifact, fit.finish(driver.context()));
    if (artifact) return artifact;
  }
}

TEST(PartialFit, PartsInAnyOrderGiveTheArtifactOfOneMachine) {
  const Table table = numbers(20'000);
  const std::string whole = local_bytes(table);
  for (const auto& cuts : {std::vector<std::int64_t>{0, 20'000}, {0, 1, 7'777, 20'000}, {0, 5'000, 5'000, 10'001, 20'000}}) {
    std::vector<Table> parts;
    for (std::size_t i = cuts.size() - 1; i > 0; --i) parts.push_back(table.slice(cuts[i - 1], cuts[i] - cuts[i - 1]));
    const auto artifact = fit_parts(parts);
    ASSERT_TRUE(artifact.ok()) << artifact.error().message();
    EXPECT_TRUE(artifact.value()->to_bytes().value() == whole) << cuts.size();
  }
}

TEST(PartialFit, TakesStreamsAndSideTables) {
  const Table table = numbers(10'000);
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = 3});
  auto fit = PartialFit::start(workspace.context(), "made.mean", "{}");
  ASSERT_TRUE(fit.ok());
  auto stream = std::shared_ptr<TableStream>(stream_of(table, 1000));
  stream->bind(table.roles());
  ASSERT_TRUE(fit.value().update(workspace.context(), {{"data", stream}}).ok());
  EXPECT_EQ(fit.value().rows(), 10'000);
  EXPECT_EQ(fit.value().pass(), 1);
  const auto artifact = fit_parts({table.slice(0, 100), table.slice(100, 100)}, {numbers(3).with_roles({})});
  ASSERT_TRUE(artifact.ok()) << artifact.error().message();
  EXPECT_EQ(artifact.value()->model().as<made::mean::Model>().sides, 1);
}

TEST(PartialFit, RefusesWhatWouldChangeTheMeaning) {
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = 3});
  Context& context = workspace.context();
  EXPECT_EQ(PartialFit::start(context, "made.rank", "{}").error().code, ErrorCode::wrong_kind);
  EXPECT_EQ(PartialFit::start(context, "made.mena", "{}").error().code, ErrorCode::unknown_name);
  EXPECT_EQ(PartialFit::start(context, "made.mean", R"({"shift": 99})").error().code, ErrorCode::bad_parameter);
  PartialFit fit = PartialFit::start(context, "made.mean", "{}").value();
  EXPECT_EQ(fit.update(context, {}).error().code, ErrorCode::missing_input);
  EXPECT_EQ(fit.update(context, {{"data", numbers(10)}}, 17).error().parameter, "first_row");
  ASSERT_TRUE(fit.update(context, {{"data", numbers(10)}}, 8192).ok());
  const auto other = TableBuilder().real("x", {1}).real("y", {1}).build().value().with_roles({{"target", {"x"}}});
  EXPECT_EQ(fit.update(context, {{"data", other}}).error().code, ErrorCode::bad_value);
  PartialFit elsewhere = PartialFit::start(context, "made.mean", R"({"shift": 1})").value();
  EXPECT_EQ(fit.merge(context, elsewhere).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(check_cluster_apply(context, "made.rank", nullptr, "{}", {}).error().code, ErrorCode::wrong_kind);
  EXPECT_TRUE(check_cluster_fit(context, "made.mean", "{}", {}, false).ok());
}

TEST(PartialFit, BlocksWantTheirRowNumbers) {
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = 3});
  Context& context = workspace.context();
  EXPECT_EQ(check_cluster_fit(context, "made.blocks", "{}", {}, false).error().parameter, "order");
  EXPECT_EQ(check_cluster_fit(context, "made.blocks", "{}", {}, true).value(), Law::B);
  PartialFit fit = PartialFit::start(context, "made.blocks", "{}").value();
  EXPECT_EQ(fit.update(context, {{"data", numbers(10)}}).error().parameter, "order");
  EXPECT_TRUE(fit.update(context, {{"data", numbers(10)}}, 4096).ok());
  EXPECT_EQ(check_cluster_apply(context, "made.blocks", nullptr, "{}", {}).error().parameter, "group");
  EXPECT_EQ(check_cluster_apply(context, "made.blocks", nullptr, "{}", {{"group", {"g"}}}).value(), Rows::grouped);
}

TEST(PartialFit, RowsThatDrawWantAnId) {
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = 3});
  Context& context = workspace.context();
  constexpr const char* drawing = R"({"shift": 1})";
  EXPECT_TRUE(check_cluster_fit(context, "made.draws", "{}", {}, false).ok());
  EXPECT_EQ(check_cluster_fit(context, "made.draws", drawing, {}, false).error().parameter, "id");
  EXPECT_TRUE(check_cluster_fit(context, "made.draws", drawing, {{"id", {"x"}}}, false).ok());
  EXPECT_TRUE(check_cluster_fit(context, "made.draws", drawing, {}, true).ok());
  const ArtifactPort model = fit_parts({numbers(10)}).value();
  EXPECT_TRUE(check_cluster_apply(context, "made.mean", model, "{}", {}).ok());
  Call call;
  call.method = "made.draws";
  call.ports.emplace("data", numbers(10));
  const ArtifactPort own = run(context, call).value().artifact;
  EXPECT_TRUE(check_cluster_apply(context, "", own, "{}", {}).ok());
  EXPECT_EQ(check_cluster_apply(context, "", own, R"({"factor": 2})", {}).error().parameter, "id");
  EXPECT_EQ(check_cluster_apply(context, "", own, R"({"factor": 2})", {{"id", {"x"}}}).value(), Rows::independent);
  EXPECT_EQ(check_cluster_apply(context, "", own, R"({"factr": 2})", {}).error().code, ErrorCode::bad_parameter);
}

TEST(PartialFit, RefusesDamagedBytes) {
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = 3});
  PartialFit fit = PartialFit::start(workspace.context(), "made.mean", "{}").value();
  ASSERT_TRUE(fit.update(workspace.context(), {{"data", numbers(10)}}).ok());
  const std::string bytes = fit.to_bytes().value();
  EXPECT_TRUE(PartialFit::from_bytes(bytes).ok());
  EXPECT_EQ(PartialFit::from_bytes("").error().code, ErrorCode::corrupt_file);
  EXPECT_EQ(PartialFit::from_bytes(local_bytes(numbers(5))).error().code, ErrorCode::corrupt_file);
  for (std::size_t i = 8; i < bytes.size(); i += 7) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    if (damaged.find("partial") == std::string::npos) continue;
    EXPECT_FALSE(PartialFit::from_bytes(damaged).ok()) << i;
  }
}

}  // namespace
}  // namespace plimsoll

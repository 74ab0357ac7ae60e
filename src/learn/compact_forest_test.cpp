// SPDX-License-Identifier: Apache-2.0
#include "learn/compact_forest.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "engine/workspace.h"
#include "learn/boosted_trees.h"
#include "learn/booster_bytes.h"
#include "learn/booster_handle.h"

namespace plimsoll::learn {
namespace {

constexpr std::array<std::string_view, 6> names = {"x", "count", "city", "gap", "flat", "late"};

struct Case {
  Table table;
  std::vector<std::int32_t> labels;
};

// Numbers with and without gaps, counts whose values are the cut points themselves, categories with gaps, some never seen.
Case draw(std::size_t rows, std::int32_t classes, std::int32_t cities, std::uint64_t seed) {
  Stream stream(seed);
  std::vector<double> x(rows), count(rows), gap(rows), flat(rows), late(rows);
  std::vector<std::int32_t> city(rows);
  Case made;
  for (std::size_t i = 0; i < rows; ++i) {
    x[i] = stream.normal();
    count[i] = static_cast<double>(stream.below(9));
    city[i] = stream.bernoulli(0.1) ? -1 : static_cast<std::int32_t>(stream.below(static_cast<std::uint64_t>(cities)));
    gap[i] = stream.bernoulli(0.3) ? std::nan("") : stream.normal();
    flat[i] = stream.bernoulli(0.5) ? 1 : 0;
    late[i] = stream.bernoulli(0.9) ? std::nan("") : stream.normal() * 1e38;
    const double s = x[i] * flat[i] + 0.3 * count[i] + (city[i] % 3 == 0 ? 1.5 : -0.5) + (std::isnan(gap[i]) ? 1.0 : gap[i]) + (std::isnan(late[i]) ? 0.0 : 1.0) + stream.normal();
    made.labels.push_back(classes == 2 ? (s > 1.5 ? 1 : 0) : static_cast<std::int32_t>(std::clamp(std::floor(s + 1), 0.0, classes - 1.0)));
  }
  std::vector<std::string> levels;
  for (std::int32_t i = 0; i < cities; ++i) levels.push_back("c" + std::to_string(i));
  made.table = *TableBuilder().real("x", x).real("count", count).category("city", city, levels).real_or_null("gap", gap).real("flat", flat).real_or_null("late", late).build();
  return made;
}

struct Grown {
  FeatureEncoder encoder;
  BoostedTrees trees;
};

Grown grow(Context& context, const Case& data, std::int64_t classes, const TreeOptions& options) {
  Grown grown;
  auto encoder = fit_encoder(context, data.table, {names.begin(), names.end()}, std::nullopt, {});
  EXPECT_TRUE(encoder.ok());
  grown.encoder = *std::move(encoder);
  const auto bound = bind_features(context, grown.encoder, data.table);
  EXPECT_TRUE(bound.ok());
  auto trees = train_trees(context, *bound, data.labels, {}, classes, options);
  EXPECT_TRUE(trees.ok());
  grown.trees = *std::move(trees);
  return grown;
}

// The margins of all rows by XGBoost itself, one column an output.
std::vector<std::vector<double>> by_library(Context& context, const Grown& grown, const Table& table) {
  const auto bound = bind_features(context, grown.encoder, table);
  EXPECT_TRUE(bound.ok());
  const auto rows = static_cast<std::size_t>(table.rows());
  std::vector<float> values(rows * static_cast<std::size_t>(grown.trees.width));
  EXPECT_TRUE(bound->fill_tree(0, table.rows(), values.data()).ok());
  BoosterHandle handle;
  EXPECT_TRUE(handle.open(grown.trees.bytes, grown.trees.classes, grown.trees.width).ok());
  const std::size_t outputs = grown.trees.classes == 2 ? 1 : static_cast<std::size_t>(grown.trees.classes);
  std::vector<float> out(rows * outputs);
  EXPECT_TRUE(handle.margins(values.data(), table.rows(), grown.trees.width, out).ok());
  std::vector<std::vector<double>> columns(outputs, std::vector<double>(rows));
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t k = 0; k < outputs; ++k) columns[k][i] = static_cast<double>(out[i * outputs + k]);
  return columns;
}

TEST(CompactForest, GivesTheMarginsOfXgboostBitForBit) {
  const auto workspace = std::make_unique<Workspace>(WorkspaceOptions{.threads = 1});
  Context& context = workspace->context();
  for (const std::int32_t classes : {2, 4}) {
    for (const std::int64_t depth : {1, 4, 6, 8}) {
      const Case data = draw(6000, classes, 40, 7 + static_cast<std::uint64_t>(depth));
      TreeOptions options;
      options.rounds = 12;
      options.max_depth = depth;
      const Grown grown = grow(context, data, classes, options);
      const Case fresh = draw(3001, classes, 60, 99);  // with cities never seen
      const auto bound = bind_features(context, grown.encoder, fresh.table);
      ASSERT_TRUE(bound.ok());
      const auto scores = tree_scores(context, grown.trees, *bound);
      ASSERT_TRUE(scores.ok());
      ASSERT_NE(grown.trees.handle->forest(), nullptr) << classes << " classes, depth " << depth;
      EXPECT_EQ(*scores, by_library(context, grown, fresh.table)) << classes << " classes, depth " << depth;
    }
  }
}

TEST(CompactForest, EveryFormOfTheLoopsGivesTheSameBytes) {
  const auto workspace = std::make_unique<Workspace>(WorkspaceOptions{.threads = 1});
  Context& context = workspace->context();
  const Case data = draw(6000, 2, 40, 3);
  TreeOptions options;
  options.rounds = 20;
  options.max_depth = 7;
  const Grown grown = grow(context, data, 2, options);
  const auto document = read_booster(grown.trees.bytes, 2, grown.trees.width);
  ASSERT_TRUE(document.ok());
  const auto forest = CompactForest::of(*document, 2, grown.trees.width);
  ASSERT_TRUE(forest.has_value());
  const auto bound = bind_features(context, grown.encoder, data.table);
  ASSERT_TRUE(bound.ok());
  std::vector<float> values(forest_rows * static_cast<std::size_t>(grown.trees.width));
  for (std::int64_t begin = 0; begin < 2560; begin += 256) {
    ASSERT_TRUE(bound->fill_tree_columns(begin, begin + 256, forest_rows, values.data()).ok());
    std::vector<float> expected(forest_rows);
    ASSERT_TRUE(forest->margins(all_forest_loops().front(), values.data(), expected.data()));
    for (const ForestLoops& loops : all_forest_loops()) {
      std::vector<float> out(forest_rows);
      ASSERT_TRUE(forest->margins(loops, values.data(), out.data()));
      EXPECT_EQ(out, expected);
    }
  }
}

TEST(CompactForest, LeavesToTheLibraryWhatItDoesNotCover) {
  const auto workspace = std::make_unique<Workspace>(WorkspaceOptions{.threads = 1});
  Context& context = workspace->context();
  const Case data = draw(9000, 2, 40, 5);
  TreeOptions options;
  options.rounds = 40;
  options.max_depth = 9;
  options.max_bins = 4000;  // more than 255 cut points of a feature
  const Grown grown = grow(context, data, 2, options);
  const auto bound = bind_features(context, grown.encoder, data.table);
  ASSERT_TRUE(bound.ok());
  const auto scores = tree_scores(context, grown.trees, *bound);
  ASSERT_TRUE(scores.ok());
  EXPECT_EQ(grown.trees.handle->forest(), nullptr);
  EXPECT_EQ(*scores, by_library(context, grown, data.table));
}

TEST(CompactForest, RefusesAnInfinityWhereItStands) {
  const auto workspace = std::make_unique<Workspace>(WorkspaceOptions{.threads = 1});
  Context& context = workspace->context();
  const Case data = draw(2000, 2, 8, 6);
  TreeOptions options;
  options.rounds = 2;
  const Grown grown = grow(context, data, 2, options);
  std::vector<double> x(1000, 0.5);
  x[700] = HUGE_VAL;
  const Table rest = *data.table.slice(0, 1000).select({"count", "city", "gap", "flat", "late"});
  const Table worse = rest.beside(*TableBuilder().real("x", x).build())->with_first_row(50);
  const auto bound = bind_features(context, grown.encoder, worse, std::nullopt, Infinities::seen_when_filled);
  ASSERT_TRUE(bound.ok());
  const auto scores = tree_scores(context, grown.trees, *bound);
  ASSERT_FALSE(scores.ok());
  EXPECT_EQ(scores.error().code, ErrorCode::bad_value);
  EXPECT_EQ(scores.error().row, 750);
  EXPECT_EQ(scores.error().column, "x");
}

}  // namespace
}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#include "learn/feature_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/artifact.h"
#include "engine/fields.h"
#include "engine/workspace.h"

namespace plimsoll::learn {
namespace {

const double missing = std::nan("");

Table people() {
  auto built = TableBuilder()
                   .real_or_null("age", {20, 30, missing, 50, 60})
                   .integer("children", {0, 2, 1, 0, 3})
                   .boolean("owner", {true, false, true, true, false})
                   .category("city", {0, 1, 0, -1, 2}, {"Oslo", "Bergen", "Alta"})
                   .real("constant", {1, 1, 1, 1, 1})
                   .real_or_null("empty", {missing, missing, missing, missing, missing})
                   .build();
  EXPECT_TRUE(built.ok());
  return *built;
}

const std::vector<std::string> people_features = {"age", "children", "owner", "city", "constant", "empty"};

FeatureEncoder fitted(Context& context, const Table& table, std::vector<std::string> features, bool linear,
                      std::int64_t most_levels = 255) {
  EncoderOptions options;
  options.linear = linear;
  options.most_levels = most_levels;
  auto encoder = fit_encoder(context, table, features, std::nullopt, options);
  EXPECT_TRUE(encoder.ok()) << encoder.error().message();
  return *encoder;
}

TEST(FeatureEncoder, LearnsKindsLevelsAndMoments) {
  Workspace workspace;
  const FeatureEncoder encoder = fitted(workspace.context(), people(), people_features, true);
  ASSERT_EQ(encoder.columns.size(), 4U);
  EXPECT_EQ(encoder.kept_out, (std::vector<std::string>{"constant", "empty"}));
  EXPECT_EQ(encoder.notes.size(), 2U);
  EXPECT_EQ(encoder.columns[0].mean, 40);
  EXPECT_DOUBLE_EQ(encoder.columns[0].scale, std::sqrt(250.0));
  EXPECT_EQ(encoder.columns[0].median, 40);
  EXPECT_EQ(encoder.columns[3].levels, (std::vector<std::string>{"Alta", "Bergen", "Oslo"}));
  EXPECT_EQ(encoder.columns[3].reference, 2);
  EXPECT_EQ(encoder.linear_names(), (std::vector<std::string>{"age", "age missing", "children", "owner", "city = Alta",
                                                              "city = Bergen", "city missing"}));
  EXPECT_EQ(encoder.linear_sources(), (std::vector<std::int64_t>{0, 0, 1, 2, 3, 3, 3}));
  EXPECT_EQ(encoder.linear_width(), 7);
}

TEST(FeatureEncoder, FillsBothEncodings) {
  Workspace workspace;
  const Table table = people();
  const FeatureEncoder encoder = fitted(workspace.context(), table, people_features, true);
  const auto bound = bind_features(workspace.context(), encoder, table);
  ASSERT_TRUE(bound.ok());
  std::vector<float> tree(20);
  ASSERT_TRUE(bound->fill_tree(0, 5, tree.data()).ok());
  EXPECT_EQ(tree[0], 20.0F);
  EXPECT_TRUE(std::isnan(tree[8]));    // age of row 2
  EXPECT_EQ(tree[2], 1.0F);            // owner of row 0
  EXPECT_EQ(tree[3], 2.0F);            // Oslo
  EXPECT_TRUE(std::isnan(tree[15]));   // city of row 3
  std::vector<double> linear(14);
  bound->fill_linear(2, 4, linear.data());  // rows 2 and 3
  EXPECT_EQ(linear[0], 0);                  // the median is the mean here
  EXPECT_EQ(linear[2], 1);                  // age missing
  EXPECT_EQ(linear[3], 0);
  EXPECT_EQ(linear[8], 0);                  // Oslo is the reference
  EXPECT_EQ(linear[12], 0);
  EXPECT_EQ(linear[13], 1);                 // city missing in row 3
}

TEST(FeatureEncoder, ChosenRowsAreThoseOfATakenTable) {
  Workspace workspace;
  const Table table = people();
  const FeatureEncoder encoder = fitted(workspace.context(), table, people_features, true);
  const std::vector<std::int64_t> rows = {4, 0, 1};
  const Table taken = table.take(rows);
  const auto chosen = bind_features(workspace.context(), encoder, table, rows);
  const auto whole = bind_features(workspace.context(), encoder, taken);
  ASSERT_TRUE(chosen.ok() && whole.ok());
  std::vector<double> a(21);
  std::vector<double> b(21);
  chosen->fill_linear(0, 3, a.data());
  whole->fill_linear(0, 3, b.data());
  EXPECT_EQ(a, b);
  std::vector<float> c(12);
  std::vector<float> d(12);
  ASSERT_TRUE(chosen->fill_tree(0, 3, c.data()).ok());
  ASSERT_TRUE(whole->fill_tree(0, 3, d.data()).ok());
  EXPECT_EQ(c, d);
}

// Class A: the encoder is a function of the multiset of rows.
TEST(FeatureEncoder, OrderOfRowsDoesNotMatter) {
  Workspace workspace;
  Stream stream(9);
  std::vector<double> x(5000);
  std::vector<std::int32_t> codes(5000);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = std::exp(10 * stream.normal());
    codes[i] = static_cast<std::int32_t>(stream.below(30)) - 1;
  }
  std::vector<std::string> names;
  for (int i = 0; i < 29; ++i) names.push_back("level " + std::to_string(i));
  const auto table = TableBuilder().real("x", x).category("c", codes, names).build();
  ASSERT_TRUE(table.ok());
  std::vector<std::int64_t> order(5000);
  std::iota(order.begin(), order.end(), 0);
  stream.shuffle(std::span<std::int64_t>(order));
  const FeatureEncoder a = fitted(workspace.context(), *table, {"x", "c"}, true, 10);
  const FeatureEncoder b = fitted(workspace.context(), table->take(order), {"x", "c"}, true, 10);
  EXPECT_EQ(a.columns[0].mean, b.columns[0].mean);
  EXPECT_EQ(a.columns[0].scale, b.columns[0].scale);
  EXPECT_EQ(a.columns[0].median, b.columns[0].median);
  EXPECT_EQ(a.columns[1].levels, b.columns[1].levels);
  EXPECT_EQ(a.columns[1].reference, b.columns[1].reference);
  EXPECT_EQ(a.columns[1].levels.size(), 10U);
  EXPECT_TRUE(a.columns[1].has_other);
}

TEST(FeatureEncoder, UnseenCategoriesAreWarnedOfAndMissing) {
  Workspace workspace;
  const Table table = people();
  const FeatureEncoder encoder = fitted(workspace.context(), table, {"city"}, true);
  const auto later = TableBuilder().text("city", {"Oslo", "Tromso", "Hamar", "Tromso"}).build();
  const auto bound = bind_features(workspace.context(), encoder, *later);
  ASSERT_TRUE(bound.ok());
  ASSERT_EQ(bound->unseen().size(), 1U);
  EXPECT_EQ(bound->unseen()[0].rows, 3);
  EXPECT_EQ(bound->unseen()[0].example, "Hamar");
  ASSERT_EQ(workspace.warnings().size(), 1U);
  EXPECT_NE(workspace.warnings()[0].find("city"), std::string::npos);
  EXPECT_NE(workspace.warnings()[0].find("Hamar"), std::string::npos);
  std::vector<float> tree(4);
  ASSERT_TRUE(bound->fill_tree(0, 4, tree.data()).ok());
  EXPECT_EQ(tree[0], 2.0F);
  EXPECT_TRUE(std::isnan(tree[1]));
}

TEST(FeatureEncoder, RareLevelsShareOther) {
  Workspace workspace;
  const auto table = TableBuilder().text("c", {"a", "a", "b", "b", "c", "d", "d", "d"}).build();
  const FeatureEncoder encoder = fitted(workspace.context(), *table, {"c"}, false, 2);
  EXPECT_EQ(encoder.columns[0].levels, (std::vector<std::string>{"a", "d"}));  // a before b: same count, name first
  const auto bound = bind_features(workspace.context(), encoder, *table);
  std::vector<float> tree(8);
  ASSERT_TRUE(bound->fill_tree(0, 8, tree.data()).ok());
  EXPECT_EQ(tree, (std::vector<float>{0, 0, 2, 2, 2, 1, 1, 1}));
}

TEST(FeatureEncoder, IdentifiersAreKeptOut) {
  Workspace workspace;
  std::vector<std::string> ids;
  std::vector<double> x;
  for (int i = 0; i < 30; ++i) {
    ids.push_back("id" + std::to_string(i));
    x.push_back(i);
  }
  const auto table = TableBuilder().text("id", ids).real("x", x).build();
  const FeatureEncoder encoder = fitted(workspace.context(), *table, {"id", "x"}, false);
  EXPECT_EQ(encoder.kept_out, std::vector<std::string>{"id"});
}

TEST(FeatureEncoder, BadInput) {
  Workspace workspace;
  Context& context = workspace.context();
  const auto table = TableBuilder().real("x", {1, 2, HUGE_VAL}).text("t", {"a", "b", "a"}).real("flat", {1, 1, 1}).build();
  EncoderOptions linear;
  linear.linear = true;
  const auto infinite = fit_encoder(context, *table, {"x"}, std::nullopt, linear);
  ASSERT_FALSE(infinite.ok());
  EXPECT_EQ(infinite.error().code, ErrorCode::bad_value);
  EXPECT_EQ(infinite.error().row, 2);
  EXPECT_EQ(infinite.error().column, "x");
  const FeatureEncoder for_trees = fitted(context, *table, {"x"}, false);
  EXPECT_EQ(bind_features(context, for_trees, *table).error().row, 2);
  EXPECT_EQ(fit_encoder(context, *table, {"nope"}, std::nullopt, {}).error().code, ErrorCode::missing_column);
  EXPECT_EQ(fit_encoder(context, *table, {"flat"}, std::nullopt, {}).error().code, ErrorCode::too_few_rows);
  EXPECT_EQ(fit_encoder(context, table->slice(0, 0), {"x"}, std::nullopt, {}).error().code, ErrorCode::too_few_rows);
  const auto other = TableBuilder().text("x", {"a"}).build();
  EXPECT_EQ(bind_features(context, for_trees, *other).error().code, ErrorCode::wrong_type);
  FeatureEncoder broken = for_trees;
  broken.columns[0].scale = 0;
  EXPECT_EQ(bind_features(context, broken, *table).error().code, ErrorCode::corrupt_file);
}

TEST(FeatureEncoder, LivesInAnArtifact) {
  Workspace workspace;
  const FeatureEncoder encoder = fitted(workspace.context(), people(), people_features, true);
  const auto state = write_state(type_of<FeatureEncoder>, &encoder);
  ASSERT_TRUE(state.ok());
  const auto back = read_state(type_of<FeatureEncoder>, *state, "test");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->as<FeatureEncoder>().linear_names(), encoder.linear_names());
  EXPECT_EQ(back->as<FeatureEncoder>().columns[0].scale, encoder.columns[0].scale);
}

}  // namespace
}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#include "table/table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/philox.h"
#include "table/sample_tables.h"

namespace plimsoll {
namespace {

TEST(Table, HasWhatWasBuilt) {
  const Table table = sample_table(10);
  EXPECT_EQ(table.rows(), 10);
  ASSERT_EQ(table.columns().size(), 7U);
  const ColumnType types[] = {ColumnType::real, ColumnType::real, ColumnType::integer, ColumnType::boolean,
                              ColumnType::text, ColumnType::text, ColumnType::list_of_text};
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(table.columns()[i].type, types[i]) << i;
  EXPECT_EQ((*table.reals("x"))[6], 6.0 / 3 - 6e-300);
  EXPECT_EQ((*table.integers("k"))[3], -(std::int64_t{3} << 40));
  EXPECT_EQ((*table.integers("flag"))[3], 1);
  EXPECT_EQ((*table.reals("flag"))[4], 0.0);
  EXPECT_EQ((*table.texts("word"))[1], "with, comma");
  EXPECT_EQ((*table.texts("class"))[3], "");
  EXPECT_EQ((*table.text_lists("set"))[5], (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(*table.null_count("y"), 1);
  EXPECT_GT(table.bytes(), 0);
}

TEST(Table, RealsAreNotCopied) {
  const Table table = sample_table(1000);
  const Table part = table.slice(100, 50);
  EXPECT_EQ(part.reals("x")->begin(), table.reals("x")->begin() + 100);
}

TEST(Table, RefusesWhatIsMissing) {
  const Table table = sample_table(10);
  auto null = table.reals("y");
  ASSERT_FALSE(null.ok());
  EXPECT_EQ(null.error().code, ErrorCode::null_value);
  EXPECT_EQ(null.error().column, "y");
  EXPECT_EQ(null.error().row, 3);
  auto as_nan = table.reals("y", Missing::as_nan);
  ASSERT_TRUE(as_nan.ok());
  EXPECT_TRUE(std::isnan((*as_nan)[3]));
  const double inf = std::numeric_limits<double>::infinity();
  std::vector<double> values(9000, 1.0);
  values[8999] = -inf;
  const Table infinite = *TableBuilder().real("v", values).build();
  auto bad = infinite.reals("v");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, ErrorCode::bad_value);
  EXPECT_EQ(bad.error().row, 8999);
  EXPECT_EQ((*infinite.reals("v", Missing::as_nan))[8999], -inf);
  const std::vector<Table> parts = {infinite.slice(0, 5000), infinite.slice(5000, 4000)};
  EXPECT_EQ(Table::concatenate(parts)->reals("v").error().row, 8999);
}

TEST(Table, NamesWhatItLacks) {
  const Table table = sample_table(3);
  auto missing = table.reals("clas");
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::missing_column);
  ASSERT_FALSE(missing.error().candidates.empty());
  EXPECT_EQ(missing.error().candidates.front(), "class");
  auto type = table.reals("word");
  ASSERT_FALSE(type.ok());
  EXPECT_EQ(type.error().code, ErrorCode::wrong_type);
  EXPECT_FALSE(type.error().mend.empty());
  EXPECT_EQ(table.integers("x").error().code, ErrorCode::bad_value);
  EXPECT_EQ(table.text_lists("word").error().code, ErrorCode::wrong_type);
  EXPECT_EQ(table.categories("set").error().code, ErrorCode::wrong_type);
}

TEST(Table, CategoriesInOrderOfAppearance) {
  const Table table = *TableBuilder()
                           .text("t", {"b", "a", "b", "c"})
                           .category("c", {2, -1, 0, 2}, {"p", "q", "r"})
                           .integer("i", {5, -7, 5, 5})
                           .real("r", {0.1, -0.0, 0.0, 1e20})
                           .boolean("f", {false, true, false, false})
                           .build();
  EXPECT_EQ(table.categories("t")->names, (std::vector<std::string>{"b", "a", "c"}));
  EXPECT_EQ(table.categories("t")->codes, (std::vector<std::int32_t>{0, 1, 0, 2}));
  EXPECT_EQ(table.categories("c")->names, (std::vector<std::string>{"r", "p"}));
  EXPECT_EQ(table.categories("c")->codes, (std::vector<std::int32_t>{0, -1, 1, 0}));
  EXPECT_EQ(table.categories("i")->names, (std::vector<std::string>{"5", "-7"}));
  EXPECT_EQ(table.categories("r")->names, (std::vector<std::string>{"0.1", "0", "1e+20"}));
  EXPECT_EQ(table.categories("f")->names, (std::vector<std::string>{"false", "true"}));
  // Codes do not depend on where chunks begin.
  const std::vector<Table> parts = {table.slice(0, 1), table.slice(1, 2), table.slice(3, 1)};
  expect_same(*Table::concatenate(parts), table);
}

TEST(Table, SlicesTakesAndJoins) {
  const Table table = sample_table(100);
  EXPECT_EQ(table.slice(90, 50).rows(), 10);
  EXPECT_EQ(table.slice(-5, 3).rows(), 3);
  EXPECT_EQ(table.slice(200, 3).rows(), 0);
  std::vector<Table> parts;
  for (std::int64_t i = 0; i < 100; i += 7) parts.push_back(table.slice(i, 7));
  const Table joined = *Table::concatenate(parts);
  expect_same(joined, table);
  const std::vector<std::int64_t> rows = {99, 3, 3, 50, 0};
  for (const Table& from : {table, joined}) {
    const Table taken = from.take(rows);
    EXPECT_EQ(taken.rows(), 5);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ((*taken.reals("x"))[i], (*table.reals("x"))[static_cast<std::size_t>(rows[i])]);
      EXPECT_EQ((*taken.texts("word"))[i], (*table.texts("word"))[static_cast<std::size_t>(rows[i])]);
      EXPECT_EQ((*taken.texts("class"))[i], (*table.texts("class"))[static_cast<std::size_t>(rows[i])]);
      EXPECT_EQ((*taken.text_lists("set"))[i], (*table.text_lists("set"))[static_cast<std::size_t>(rows[i])]);
    }
  }
  EXPECT_EQ(table.take({}).rows(), 0);
}

TEST(Table, SelectsAndPutsBeside) {
  const Table table = sample_table(5);
  const Table some = *table.select({"word", "x"});
  EXPECT_EQ(some.columns().front().name, "word");
  EXPECT_EQ(table.select({"x", "x"}).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(table.select({"z"}).error().code, ErrorCode::missing_column);
  const Table rest = table.without({"word", "x"});
  EXPECT_EQ(rest.columns().size(), 5U);
  EXPECT_EQ(some.beside(rest)->columns().size(), 7U);
  EXPECT_EQ(some.beside(table).error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(some.beside(rest.slice(0, 2)).error().code, ErrorCode::bad_parameter);
}

TEST(Table, ConcatenatesTypesThatWiden) {
  const Table whole = *TableBuilder().integer("v", {1, 2}).text("t", {"a", "b"}).build();
  const Table real = *TableBuilder().real("v", {0.5}).category("t", {0}, {"a"}).build();
  const std::vector<Table> parts = {whole, real};
  const Table both = *Table::concatenate(parts);
  EXPECT_EQ((*both.reals("v"))[1], 2.0);
  EXPECT_EQ((*both.texts("t")), (std::vector<std::string>{"a", "b", "a"}));
  const Table text = *TableBuilder().text("v", {"x"}).text("t", {"a"}).build();
  const std::vector<Table> clash = {whole, text};
  EXPECT_EQ(Table::concatenate(clash).error().code, ErrorCode::wrong_type);
}

TEST(Table, RolesAreBoundNotGuessed) {
  const Table table = sample_table(3).with_roles({{"target", {"class"}}, {"feature", {"x", "y"}}, {"group", {"nowhere"}}});
  EXPECT_EQ(*table.role_column("target"), "class");
  EXPECT_EQ(table.role_columns("feature")->size(), 2U);
  EXPECT_EQ(table.role_columns("weight")->size(), 0U);
  EXPECT_EQ(table.role_column("weight").error().code, ErrorCode::missing_input);
  EXPECT_NE(table.role_column("weight").error().message().find("--weight"), std::string::npos);
  EXPECT_EQ(table.role_column("feature").error().code, ErrorCode::missing_input);
  EXPECT_EQ(table.role_columns("group").error().code, ErrorCode::missing_column);
  EXPECT_EQ(*table.slice(1, 1).role_column("target"), "class");
}

TEST(TableBuilder, KeepsErrorsUntilBuild) {
  EXPECT_EQ(TableBuilder().real("a", {1}).real("a", {2}).build().error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(TableBuilder().real("a", {1}).real("b", {1, 2}).build().error().code, ErrorCode::internal);
  auto codes = TableBuilder().category("c", {0, 3}, {"x"}).build();
  EXPECT_EQ(codes.error().code, ErrorCode::bad_value);
  EXPECT_EQ(codes.error().row, 1);
  EXPECT_FALSE(TableBuilder().list_of_text("l", {0, 2, 1}, std::vector<std::uint8_t>{0, 0}, {"x"}).build().ok());
  EXPECT_FALSE(TableBuilder().list_of_text("l", {0, 3}, std::vector<std::int32_t>{0, 0}, {"x"}).build().ok());
  EXPECT_EQ(TableBuilder().build()->rows(), 0);
}

TEST(Stream, GivesBackTheTable) {
  const Table table = sample_table(1000).with_roles({{"target", {"class"}}});
  for (const std::int64_t rows : {1, 7, 999, 1000, 5000}) {
    auto stream = stream_of(table, rows);
    EXPECT_EQ(stream->rows_hint(), 1000);
    for (int pass = 0; pass < 2; ++pass) {
      const Table whole = *read_all(*stream);
      expect_same(whole, table);
      EXPECT_EQ(*whole.role_column("target"), "class");
      ASSERT_TRUE(stream->rewind().ok());
    }
  }
}

TEST(Stream, RebatchGivesExactBatches) {
  const Table table = sample_table(1000);
  for (const std::int64_t in : {1, 64, 1000}) {
    for (const std::int64_t out : {1, 3, 256, 1000, 4000}) {
      auto stream = rebatch(stream_of(table, in), out);
      stream->bind({{"target", {"class"}}});
      std::vector<Table> parts;
      std::int64_t left = 1000;
      while (true) {
        auto batch = stream->next();
        ASSERT_TRUE(batch.ok());
        if (!batch->has_value()) break;
        EXPECT_EQ((*batch)->rows(), std::min(out, left));
        EXPECT_EQ(*(*batch)->role_column("target"), "class");
        left -= (*batch)->rows();
        parts.push_back(**batch);
      }
      EXPECT_EQ(left, 0);
      expect_same(*Table::concatenate(parts), table);
    }
  }
}

TEST(Stream, CollectsBatches) {
  const Table table = sample_table(100);
  Table out;
  auto sink = collect_into(out);
  ASSERT_TRUE(sink->write(table.slice(0, 0)).ok());
  ASSERT_TRUE(sink->write(table.slice(0, 60)).ok());
  ASSERT_TRUE(sink->write(table.slice(60, 40)).ok());
  EXPECT_EQ(out.rows(), 0);
  ASSERT_TRUE(sink->finish().ok());
  expect_same(out, table);
}

TEST(Stream, OfNoRows) {
  auto stream = stream_of(sample_table(0));
  const Table none = *read_all(*stream);
  expect_same(none, sample_table(0));
  EXPECT_EQ(none.reals("x")->size(), 0U);
  EXPECT_TRUE(none.text_lists("set")->empty());
}

}  // namespace
}  // namespace plimsoll

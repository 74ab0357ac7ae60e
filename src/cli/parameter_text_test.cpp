// SPDX-License-Identifier: Apache-2.0
#include "cli/parameter_text.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/method_flags.h"
#include "cli/ports_opened.h"

namespace plimsoll::cli {
namespace {

std::string read(FieldKind kind, const std::string& text) {
  FieldSchema field;
  field.kind = kind;
  return canonical_json(value_of(field, text));
}

TEST(ParameterText, ByKind) {
  EXPECT_EQ(read(FieldKind::number, "0.1"), "0.1");
  EXPECT_EQ(read(FieldKind::number, "inf"), "\"inf\"");
  EXPECT_EQ(read(FieldKind::number, "0.1x"), "\"0.1x\"");
  EXPECT_EQ(read(FieldKind::integer, "12"), "12");
  EXPECT_EQ(read(FieldKind::integer, "1e6"), "1000000");
  EXPECT_EQ(read(FieldKind::integer, "1.5"), "\"1.5\"");
  EXPECT_EQ(read(FieldKind::flag, "no"), "false");
  EXPECT_EQ(read(FieldKind::flag, "perhaps"), "\"perhaps\"");
  EXPECT_EQ(read(FieldKind::text, "12"), "\"12\"");
  EXPECT_EQ(read(FieldKind::numbers, "0.1,2"), "[0.1,2]");
  EXPECT_EQ(read(FieldKind::numbers, "[0.1,2]"), "[0.1,2]");
  EXPECT_EQ(read(FieldKind::texts, "a,1"), R"(["a","1"])");
  EXPECT_EQ(read(FieldKind::text_map, "a=1,b=x=y"), R"({"a":"1","b":"x=y"})");
}

TEST(ParameterText, AssignmentsReachInside) {
  FieldSchema inner;
  inner.name = "rounds";
  inner.kind = FieldKind::integer;
  FieldSchema outer;
  outer.name = "trees";
  outer.kind = FieldKind::nested;
  outer.children = {inner};
  Json json = Json::object();
  ASSERT_TRUE(set_assignment(json, {outer}, "trees.rounds=20"));
  ASSERT_TRUE(set_assignment(json, {outer}, "unknown=[1,2]"));
  EXPECT_EQ(canonical_json(json), R"({"trees":{"rounds":20},"unknown":[1,2]})");
  EXPECT_FALSE(set_assignment(json, {outer}, "trees"));
}

TEST(ParameterText, Bytes) {
  EXPECT_EQ(parse_bytes("256MB").value(), 256'000'000);
  EXPECT_EQ(parse_bytes("1.5GiB").value(), 1'610'612'736);
  for (const char* wrong : {"", "256", "lots", "256MBs", "-5GB", "nanGB"}) EXPECT_FALSE(parse_bytes(wrong)) << wrong;
}

TEST(Columns, PatternsInTheOrderOfTheFile) {
  const std::vector<ColumnInfo> columns = {{"id", ColumnType::integer}, {"p_b", ColumnType::real}, {"p_a", ColumnType::real}, {"p*", ColumnType::real}};
  EXPECT_EQ(expand_columns({"p_*"}, columns, "score").value(), (std::vector<std::string>{"p_b", "p_a"}));
  EXPECT_EQ(expand_columns({"p_a", "p_?"}, columns, "score").value(), (std::vector<std::string>{"p_a", "p_b"}));
  EXPECT_EQ(expand_columns({"p*"}, columns, "score").value(), std::vector<std::string>{"p*"});  // a name that stands in the file
  const auto missing = expand_columns({"ids"}, columns, "id");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::missing_column);
  EXPECT_EQ(missing.error().candidates, std::vector<std::string>{"id"});
  EXPECT_FALSE(expand_columns({"q_*"}, columns, "score"));
}

}  // namespace
}  // namespace plimsoll::cli

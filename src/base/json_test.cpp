// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/philox.h"

namespace plimsoll {
namespace {

void expect_bad(const std::string& text, std::int64_t line, const std::string& part) {
  const auto parsed = parse_json(text, "f.json");
  ASSERT_FALSE(parsed.ok()) << text;
  EXPECT_EQ(parsed.error().code, ErrorCode::bad_document);
  EXPECT_EQ(parsed.error().line, line) << text << " : " << parsed.error().what;
  EXPECT_EQ(parsed.error().file, "f.json");
  EXPECT_NE(parsed.error().what.find(part), std::string::npos) << parsed.error().what;
}

TEST(Json, ReadsDocuments) {
  const auto parsed = parse_json(R"({"b": [1, -2, 2.5, true, null, "x\u00e9"], "a": {"c": {}}})");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(canonical_json(*parsed), "{\"a\":{\"c\":{}},\"b\":[1,-2,2.5,true,null,\"x\u00e9\"]}");
  EXPECT_EQ(canonical_json(*parse_json("7")), "7");
  EXPECT_EQ(canonical_json(*parse_json(" [ ] ")), "[]");
}

TEST(Json, RejectsWithTheLine) {
  expect_bad("", 1, "");
  expect_bad("{\n\"a\": 1,\n\"a\": 2}", 3, "'a' stands twice");
  expect_bad("{\"a\": {\"x\": 1,\n \"y\": 1,\n \"x\": 1}}", 3, "'x' stands twice");
  expect_bad("[1,\n2,\n]", 3, "");
  expect_bad("[1] x", 1, "");
  expect_bad("{\"a\": 1}\n{}", 2, "");
  expect_bad("[1e999]", 1, "");
  expect_bad("[NaN]", 1, "");
  expect_bad("['a']", 1, "");
  expect_bad("[\"\xff\"]", 1, "");
  expect_bad("[\"\xc0\x80\"]", 1, "");
  expect_bad("[01]", 1, "");
  expect_bad("// no comments\n[1]", 1, "");
  expect_bad("\n\n[" + std::string(64, '[') + std::string(65, ']'), 3, "64 levels");
}

TEST(Json, DepthSixtyFourIsAllowed) {
  EXPECT_TRUE(parse_json(std::string(64, '[') + std::string(64, ']')).ok());
  EXPECT_FALSE(parse_json(std::string(100000, '[')).ok());
}

TEST(Json, SameKeyInSeparateObjectsIsFine) { EXPECT_TRUE(parse_json(R"([{"a":1},{"a":2},{"b":{"a":1},"a":1}])").ok()); }

TEST(Json, DoublesRoundTrip) {
  Stream rng(4);
  for (int i = 0; i < 20000; ++i) {
    const auto x = std::bit_cast<double>(rng.next_u64());
    if (!std::isfinite(x)) continue;
    const auto back = parse_json(canonical_json(Json(x)));
    ASSERT_TRUE(back.ok());
    ASSERT_EQ(std::bit_cast<std::uint64_t>(*json_number(*back)), std::bit_cast<std::uint64_t>(x));
  }
  EXPECT_EQ(canonical_json(Json(0.1)), "0.1");
  EXPECT_EQ(canonical_json(Json(1.0)), "1");
  EXPECT_EQ(canonical_json(Json(1e300)), "1e+300");
  EXPECT_TRUE(std::signbit(*json_number(*parse_json(canonical_json(Json(-0.0))))));
  EXPECT_EQ(canonical_json(*parse_json("18446744073709551615")), "18446744073709551615");
}

TEST(Json, SpecialNumbersAreStrings) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(canonical_json(Json(infinity)), "\"inf\"");
  EXPECT_EQ(canonical_json(json_of(-infinity)), "\"-inf\"");
  EXPECT_EQ(canonical_json(json_of(std::nan(""))), "\"nan\"");
  EXPECT_EQ(*json_number(Json("inf")), infinity);
  EXPECT_EQ(*json_number(Json("-inf")), -infinity);
  EXPECT_TRUE(std::isnan(*json_number(Json("nan"))));
  EXPECT_EQ(*json_number(json_of(2.5)), 2.5);
  EXPECT_FALSE(json_number(Json("2.5")).ok());
  EXPECT_FALSE(json_number(Json(true)).ok());
}

TEST(Json, StringsAreEscapedAndAlwaysUtf8) {
  EXPECT_EQ(canonical_json(Json("a\"\\\n\t\r\b\f\x01 \x7f")), "\"a\\\"\\\\\\n\\t\\r\\b\\f\\u0001 \x7f\"");
  EXPECT_EQ(canonical_json(Json("x\xff\xe2\x82y\xe2\x82\xac")), "\"x\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDy\xe2\x82\xac\"");
  const Json tricky = "\xf0\x9f\x98\x80 \xed\x9f\xbf";
  EXPECT_EQ(*parse_json(canonical_json(tricky)), tricky);
}

TEST(Json, PrettyIsTheSameDocument) {
  const Json json = {{"a", {1, 2.5, Json::array()}}, {"b", Json::object()}};
  EXPECT_EQ(pretty_json(json), "{\n  \"a\": [\n    1,\n    2.5,\n    []\n  ],\n  \"b\": {}\n}");
  EXPECT_EQ(*parse_json(pretty_json(json)), json);
}

}  // namespace
}  // namespace plimsoll

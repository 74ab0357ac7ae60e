// SPDX-License-Identifier: Apache-2.0
#include "gateway/json_text.h"

#include <gtest/gtest.h>

namespace plimsoll::gateway {
namespace {

TEST(JsonText, ReplacesStringsAndKeepsEveryOtherByte) {
  const std::string body = "{ \"model\":\"m\",\n \"x\": [1.0, 1e400, 12345678901234567890123, true, null],\"messages\":[{\"content\":\"a\\u0040b \\ud83d\\ude00\"}] }";
  JsonText json = JsonText::parse(body).value();
  EXPECT_EQ(json.written(), body);
  const std::uint32_t content = json.find(json.children(json.find(json.root(), "messages"))[0], "content");
  EXPECT_EQ(json.string(content), "a@b \xF0\x9F\x98\x80");
  json.replace(content, "say \"x\"\n");
  EXPECT_EQ(json.written(), "{ \"model\":\"m\",\n \"x\": [1.0, 1e400, 12345678901234567890123, true, null],\"messages\":[{\"content\":\"say \\\"x\\\"\\n\"}] }");
  EXPECT_EQ(json.find(json.root(), "gone"), JsonText::none);
}

TEST(JsonText, RefusesWhatTwoReadersReadAsTwoThings) {
  const std::string deep(100000, '[');
  for (const std::string& bad : std::vector<std::string>{
           "", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "tru", "01", "1.", "-", "1e", "\"a", "\"\\x\"", "\"\\ud800\"", "\"\\udc00\"",
           "\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"a\nb\"", "{} {}", "{a:1}", "\xef\xbb\xbf{}", "NaN", "'a'", "/*x*/1", deep}) {
    EXPECT_FALSE(JsonText::parse(bad).ok()) << bad.substr(0, 40);
  }
  std::string many = "{";
  for (int i = 0; i < 30; ++i) many += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(JsonText::parse(many + "\"z\":1}").ok());
  EXPECT_FALSE(JsonText::parse(many + "\"k7\":1}").ok());
}

}  // namespace
}  // namespace plimsoll::gateway

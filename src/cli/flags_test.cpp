// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.h"

#include <gtest/gtest.h>

namespace plimsoll::cli {
namespace {

std::vector<Flag> some() {
  return {{"output", "PATH", "", 'o', true, {}, "", false},
          {"alpha", "NUMBER", "", 0, false, {}, "", false},
          {"allow_overlap", "REASON", "", 0, false, {}, "", false},
          {"calibration.method", "CHOICE", "", 0, false, {}, "", false},
          {"randomized", "", "", 0, false, {}, "", false}};
}

TEST(Flags, EverySpelling) {
  const auto parsed = parse_flags(some(), {"data.csv", "-o", "a", "--output=b", "--alpha", "-0.1", "--allow_overlap", "x y", "--calibration.method", "platt", "--no-randomized", "--", "-o"});
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->values.at("output"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parsed->one("alpha"), "-0.1");
  EXPECT_EQ(parsed->one("allow_overlap"), "x y");
  EXPECT_EQ(parsed->one("calibration.method"), "platt");
  EXPECT_EQ(parsed->one("randomized"), "false");
  EXPECT_EQ(parsed->words, (std::vector<std::string>{"data.csv", "-o"}));
  const auto empty = parse_flags(some(), {"--alpha=", "word"});
  ASSERT_TRUE(empty) << empty.error().message();
  EXPECT_EQ(empty->values.at("alpha"), std::vector<std::string>{""});
  EXPECT_EQ(empty->words, std::vector<std::string>{"word"});
}

TEST(Flags, SwitchesTakeAValueOnlyAfterAnEqualsSign) {
  for (const char* word : {"--randomized", "--randomized=true"}) EXPECT_TRUE(parse_flags(some(), {word})->on("randomized")) << word;
  EXPECT_FALSE(parse_flags(some(), {"--randomized=false"})->on("randomized"));
  const auto parsed = parse_flags(some(), {"--randomized", "file"});
  EXPECT_EQ(parsed->words, std::vector<std::string>{"file"});
}

TEST(Flags, RefusesWithTheNearest) {
  const auto unknown = parse_flags(some(), {"--alhpa", "0.1"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::bad_parameter);
  EXPECT_EQ(unknown.error().candidates, std::vector<std::string>{"--alpha"});
  EXPECT_FALSE(parse_flags(some(), {"--alpha"}));
  EXPECT_FALSE(parse_flags(some(), {"--alpha", "1", "--alpha", "2"}));
}

TEST(Flags, FirstWordSkipsFlagsAndTheirValues) {
  EXPECT_EQ(first_word(some(), {"-o", "x", "--alpha=1", "--randomized", "word"}), 4u);
  EXPECT_EQ(first_word(some(), {"--alpha", "1"}), 2u);
  EXPECT_EQ(first_word(some(), {"-"}), 0u);  // standard input
}

TEST(Flags, Lists) {
  EXPECT_EQ(split_list("a,b"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(split_list("a\\,b,c"), (std::vector<std::string>{"a,b", "c"}));
  EXPECT_EQ(split_list(R"(["a,b", 2])"), (std::vector<std::string>{"a,b", "2"}));
  EXPECT_EQ(split_list("[x"), std::vector<std::string>{"[x"});
  EXPECT_TRUE(split_list("").empty());
}

}  // namespace
}  // namespace plimsoll::cli

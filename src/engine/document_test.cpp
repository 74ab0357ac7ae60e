// SPDX-License-Identifier: Apache-2.0
#include "engine/document.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace plimsoll {
namespace {

struct Case {
  const char* format;
  const char* text;
};

TEST(Document, ThreeFormatsSayTheSame) {
  const std::string expected = R"({"alpha":0.1,"many":[1,2,{"deep":true}],"name":"a b","none":"nan","steps":{"one":{"x":-3}}})";
  const Case cases[] = {
      {"yaml", "alpha: 0.1\nmany:\n  - 1\n  - 2\n  - deep: true\nname: 'a b'\nnone: .nan\nsteps:\n  one: {x: -3}\n"},
      {"toml", "alpha = 0.1\nmany = [1, 2, {deep = true}]\nname = \"a b\"\nnone = nan\n[steps.one]\nx = -3\n"},
      {"json", R"({"alpha": 0.1, "many": [1, 2, {"deep": true}], "name": "a b", "none": "nan", "steps": {"one": {"x": -3}}})"},
  };
  for (const Case& c : cases) {
    auto document = parse_document(c.text, c.format, "f");
    ASSERT_TRUE(document) << c.format << ": " << document.error().message();
    EXPECT_EQ(canonical_json(document->root()), expected) << c.format;
    EXPECT_EQ(document->sha256().size(), 64u);
  }
}

TEST(Document, KnowsTheLineOfEachNode) {
  const Case cases[] = {
      {"yaml", "a: 1\nsteps:\n  - fit: x\n  -\n    fit: y\n    p/q~: 2\n"},
      {"toml", "a = 1\n\n[[steps]]\nfit = 'x'\n[[steps]]\n\"p/q~\" = 2\n"},
      {"json", "{\"a\": 1,\n\"steps\": [\n {\"fit\": \"x\"},\n {\n  \"fit\": \"y]}\",\n  \"p/q~\": 2}]}"},
  };
  const std::int64_t lines[3][3] = {{1, 3, 6}, {1, 4, 6}, {1, 3, 6}};
  for (int i = 0; i < 3; ++i) {
    auto document = parse_document(cases[i].text, cases[i].format, "f");
    ASSERT_TRUE(document) << document.error().message();
    EXPECT_EQ(document->line_of("/a"), lines[i][0]) << cases[i].format;
    EXPECT_EQ(document->line_of("/steps/0/fit"), lines[i][1]) << cases[i].format;
    EXPECT_EQ(document->line_of("/steps/1/p~1q~0"), lines[i][2]) << cases[i].format;
    EXPECT_EQ(document->line_of("/steps/2"), 0) << cases[i].format;
    EXPECT_EQ(document->line_of("/steps/01x"), 0) << cases[i].format;
    const Error error = document->error_at("/steps/1/gone", "gone is missing", "add it");
    EXPECT_EQ(error.code, ErrorCode::bad_document);
    EXPECT_GE(error.line.value_or(0), 4) << cases[i].format;
  }
}

TEST(Document, RefusesWithTheLine) {
  const std::string deep_dots = "[a" + [] { std::string s; for (int i = 0; i < 100; ++i) s += ".a"; return s; }() + "]\n";
  const std::string deep_list = std::string(100, '[') + std::string(100, ']');
  struct Bad {
    std::string format;
    std::string text;
    std::int64_t line;
  };
  const Bad bad[] = {
      {"yaml", "a: 1\nb: 2\na: 3\n", 3},
      {"toml", "a = 1\nb = 2\na = 3\n", 3},
      {"json", "{\"a\": 1,\n\"b\": 2,\n\"a\": 3}", 3},
      {"yaml", deep_list, 1},
      {"toml", "x = 1\ny = " + deep_list, 2},
      {"toml", "x = 1\n" + deep_dots, 2},
      {"json", deep_list, 1},
      {"yaml", "a: 1\nb: [1, 2\n", 0},
      {"yaml", "a: &x [1]\nb: *y\n", 2},
      {"yaml", "a: &x [*x]\n", 1},
      {"yaml", "base: &b {x: 1}\nc:\n  <<: *b\n", 3},
      {"yaml", "a: !python/object x\n", 1},
      {"yaml", "? [a, b]\n: 1\n", 1},
      {"yaml", "a: 1\n---\nb: 2\n", 0},
      {"toml", "a = 1\nb = \n", 2},
      {"json", "{\"a\": 1}\nx", 2},
      {"yaml", "", 0},
      {"yaml", "a: 1\nb: \xff\n", 2},
      {"toml", "a = 1\nb = '\xed\xa0\x80'\n", 2},
      {"json", "\n{\"a\": \"\xc0\xaf\"}", 2},
      {"yaml", std::string("a: b\0c\n", 7), 1},
  };
  for (const Bad& b : bad) {
    auto document = parse_document(b.text, b.format, "f.x");
    ASSERT_FALSE(document) << b.format << ": " << b.text;
    EXPECT_EQ(document.error().code, ErrorCode::bad_document) << document.error().message();
    EXPECT_EQ(document.error().file, "f.x");
    EXPECT_FALSE(document.error().mend.empty());
    if (b.line > 0) {
      EXPECT_EQ(document.error().line.value_or(0), b.line) << b.text << document.error().message();
    }
  }
}

TEST(Document, AliasesAreBounded) {
  // Each level doubles the one before: 2^40 values unfolded.
  std::string text = "a0: &a0 [1, 1]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "]\n";
  }
  auto document = parse_document(text, "yaml", "bomb.yaml");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, ErrorCode::bad_document);
  // Few aliases of one long text are bounded by bytes.
  text = "a: &a " + std::string(1 << 20, 'x') + "\nb: [*a";
  for (int i = 0; i < 20; ++i) text += ", *a";
  document = parse_document(text + "]\n", "yaml", "bomb.yaml");
  ASSERT_FALSE(document);
  // An honest one works.
  document = parse_document("a: &a {x: [1, 2]}\nb: [*a, *a]\n", "yaml", "ok.yaml");
  ASSERT_TRUE(document) << document.error().message();
  EXPECT_EQ(document->root()["b"][1]["x"][1], 2);
}

TEST(Document, ScalarsOfTheCoreSchema) {
  auto document = parse_document("[yes, 'true', true, 0x1f, 0o17, 012, +3, -4, 1e3, -.inf, ~, 1.2.3, 2026-01-01, '5', !!str 6, 99999999999999999999]", "yaml", "s");
  ASSERT_TRUE(document) << document.error().message();
  EXPECT_EQ(canonical_json(document->root()),
            R"(["yes","true",true,31,15,12,3,-4,1000,"-inf",null,"1.2.3","2026-01-01","5","6",1e+20])");
}

TEST(Document, TooLargeAndUnknownFormats) {
  EXPECT_EQ(parse_document(std::string((16u << 20) + 1, ' '), "json", "big").error().code, ErrorCode::too_large);
  EXPECT_EQ(parse_document("", "ini", "x").error().code, ErrorCode::wrong_kind);
  EXPECT_EQ(read_document("/nowhere/x.ini").error().code, ErrorCode::wrong_kind);
  EXPECT_EQ(read_document("/nowhere/x.toml").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace plimsoll

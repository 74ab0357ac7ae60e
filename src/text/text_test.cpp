// SPDX-License-Identifier: Apache-2.0
// WordPiece against PyPI `tokenizers`, weights against scikit-learn (tests/data/text/make_goldens.py), Unicode against values of
// its standard, and properties on seeded random texts.
#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "base/json.h"
#include "engine/artifact.h"
#include "engine/workspace.h"
#include "text/tfidf.h"
#include "text/unicode.h"
#include "text/wordpiece.h"

namespace plimsoll::text {
namespace {

std::string data_file(const char* name) {
  auto bytes = read_file(std::string(PLIMSOLL_SOURCE_DIR) + "/tests/data/text/" + name);
  return bytes.ok() ? std::move(bytes).value() : std::string();
}

Json golden(const char* name) { return parse_json(data_file(name), name).value(); }

std::string random_text(Stream& rng, std::int64_t length) {
  std::string out;
  for (std::int64_t i = 0; i < length; ++i) {
    constexpr std::uint32_t ends[] = {0x80, 0x400, 0x3100, 0x10000, 0x20000};
    const double kind = rng.uniform();
    const auto end = ends[static_cast<std::size_t>(kind * 5)];
    auto c = static_cast<char32_t>(rng.uniform() * end);
    if (c >= 0xD800 && c < 0xE000) c = U'\u0301';
    append_utf8(out, c);
  }
  return out;
}

TEST(Unicode, KnowsStrictUtf8) {
  EXPECT_TRUE(check_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x99\x82").ok());
  for (const char* bad : {"a\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "ab\x80"}) {
    ASSERT_FALSE(check_utf8(bad).ok()) << bad;
    EXPECT_EQ(check_utf8(bad).error().code, ErrorCode::bad_value);
  }
  EXPECT_NE(check_utf8("ab\x80").error().what.find("byte 2"), std::string::npos);
}

TEST(Unicode, NormalFormsOfTheStandard) {
  EXPECT_EQ(normalised("e\u0301 \uFB01 \u2460", {Form::nfc}).value(), "\u00E9 \uFB01 \u2460");
  EXPECT_EQ(normalised("e\u0301 \uFB01 \u2460", {Form::nfkc}).value(), "\u00E9 fi 1");
  EXPECT_EQ(normalised("\u00E9", {Form::nfd}).value(), "e\u0301");
  EXPECT_EQ(normalised("Stra\u00DFe", {Form::nfkc, true}).value(), "strasse");
  EXPECT_EQ(normalised("a\u200Bb\u202Ec\U000E0041", {Form::nfkc, false, true}).value(), "abc");
  EXPECT_EQ(normalised("\u00C5ngstr\u00F6m", {Form::nfkc, true, false, true}).value(), "angstrom");
  EXPECT_EQ(normalised("As Is\u00A0", {Form::none}).value(), "As Is\u00A0");
  EXPECT_FALSE(normalised("\xFF", {}).ok());
}

TEST(Unicode, TheMappedFormIsTheWholeFormAndPointsBack) {
  Stream rng = Stream(3).child("text.mapped");
  for (int i = 0; i < 3000; ++i) {
    const std::string text = random_text(rng, 1 + static_cast<std::int64_t>(rng.uniform() * 12));
    const Normalisation how{static_cast<Form>(i % 5), i % 2 == 0, i % 3 == 0, i % 7 == 0};
    const auto mapped = normalised_mapped(text, how);
    ASSERT_TRUE(mapped.ok());
    ASSERT_EQ(mapped->text, normalised(text, how).value()) << i;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    for (std::size_t b = 0; b < mapped->text.size(); ++b) {
      ASSERT_LE(begin, mapped->begin[b]);
      ASSERT_LE(end, mapped->end[b]);
      ASSERT_LT(mapped->begin[b], mapped->end[b]);
      begin = mapped->begin[b];
      end = mapped->end[b];
    }
    ASSERT_LE(end, text.size());
  }
  const auto mapped = normalised_mapped("a\u200Bb\uFB01!", {Form::nfkc, false, true}).value();
  EXPECT_EQ(mapped.text, "abfi!");
  EXPECT_EQ(mapped.original(1, 2), std::make_pair(std::size_t{4}, std::size_t{5}));
  EXPECT_EQ(mapped.original(2, 4), std::make_pair(std::size_t{5}, std::size_t{8}));
}

std::vector<std::string> grams(const NgramOptions& options, std::string_view text) {
  std::vector<std::string> out;
  Ngrams ngrams(options);
  EXPECT_TRUE(ngrams.read(text, [&](std::string_view gram) { out.emplace_back(gram); }).ok());
  return out;
}

TEST(Ngrams, ByHand) {
  NgramOptions options;
  options.longest = 2;
  EXPECT_EQ(grams(options, "The  red-fox!"), (std::vector<std::string>{"the", "red", "fox", "the red", "red fox"}));
  EXPECT_EQ(grams(options, "\u0915\u094D\u0937 zero\u200Bwidth"), (std::vector<std::string>{"\u0915\u094D\u0937", "zerowidth", "\u0915\u094D\u0937 zerowidth"}));
  EXPECT_EQ(grams(options, ""), std::vector<std::string>{});
  options = {.unit = Unit::letters, .shortest = 2, .longest = 2};
  EXPECT_EQ(grams(options, "a \t\nb\u00E9"), (std::vector<std::string>{"a ", " b", "b\u00E9"}));
  options = {.unit = Unit::in_words, .shortest = 2, .longest = 4};
  EXPECT_EQ(grams(options, " ab c "), (std::vector<std::string>{" a", "ab", "b ", " ab", "ab ", " ab ", " c", "c ", " c "}));
}

TEST(Tfidf, AgreesWithScikitLearn) {
  const Json gold = golden("tfidf.json");
  const auto texts = gold["texts"].get<std::vector<std::string>>();
  Workspace workspace({.backend = Backend::serial});
  for (const Json& one : gold["cases"]) {
    TfidfOptions options;
    const auto unit = one["unit"].get<std::string>();
    options.ngrams.unit = unit == "word" ? Unit::word : unit == "letters" ? Unit::letters : Unit::in_words;
    options.ngrams.shortest = one["shortest"];
    options.ngrams.longest = one["longest"];
    options.ngrams.least_letters = one["least_letters"];
    options.least_texts = one.value("least_texts", 1);
    options.log_counts = one.value("log_counts", false);
    options.weigh_by_idf = one.value("weigh_by_idf", true);
    const auto length = one.value("length", "euclidean");
    options.length = length == "none" ? Length::none : length == "absolute" ? Length::absolute : Length::euclidean;
    const auto model = fit_tfidf(workspace.context(), texts, options);
    ASSERT_TRUE(model.ok()) << model.error().message();
    ASSERT_EQ(static_cast<std::size_t>(model->columns()), one["terms"].size());
    for (std::int64_t c = 0; c < model->columns(); ++c) EXPECT_EQ(model->term(c), one["terms"][static_cast<std::size_t>(c)].get<std::string>());
    const auto bound = bind(*model);
    ASSERT_TRUE(bound.ok());
    const auto rows = bound->rows_of(workspace.context(), texts);
    ASSERT_TRUE(rows.ok());
    EXPECT_EQ(Json(rows->offsets), one["row_start"]);
    EXPECT_EQ(Json(rows->columns), one["column"]);
    for (std::size_t i = 0; i < rows->values.size(); ++i) EXPECT_NEAR(rows->values[i], one["value"][i].get<double>(), 1e-12);
  }
}

TEST(Tfidf, IsTheSameAtAnyThreadsAndInAnyOrderAndThroughItsState) {
  Stream rng = Stream(5).child("text.tfidf");
  std::vector<std::string> texts;
  for (int i = 0; i < 900; ++i) texts.push_back(random_text(rng, 20));
  for (const std::int64_t buckets : {std::int64_t{0}, std::int64_t{97}}) {
    TfidfOptions options;
    options.ngrams.unit = Unit::letters;
    options.ngrams.longest = 2;
    options.buckets = buckets;
    options.most_terms = 500;
    Workspace one({.backend = Backend::serial});
    Workspace four({.backend = Backend::threads, .threads = 4});
    std::vector<std::string> turned(texts.rbegin(), texts.rend());
    const Tfidf a = fit_tfidf(one.context(), texts, options).value();
    const Tfidf b = fit_tfidf(four.context(), turned, options).value();
    EXPECT_EQ(a.term_bytes, b.term_bytes);
    EXPECT_EQ(a.idf, b.idf);
    EXPECT_EQ(a.columns(), buckets == 0 ? 500 : buckets);
    const auto state = write_state(type_of<Tfidf>, &a).value();
    const Box back = read_state(type_of<Tfidf>, state, "test").value();
    const auto rows = bind(back.as<Tfidf>())->rows_of(four.context(), texts).value();
    const auto same = bind(a)->rows_of(one.context(), texts).value();
    EXPECT_EQ(rows.values, same.values);
    EXPECT_EQ(rows.columns, same.columns);
    EXPECT_EQ(dense(same).size(), texts.size() * static_cast<std::size_t>(a.columns()));
  }
}

TEST(Tfidf, RefusesWhatContradicts) {
  Workspace workspace({.backend = Backend::serial});
  const std::vector<std::string> texts = {"a b", "\xFF"};
  EXPECT_EQ(fit_tfidf(workspace.context(), {}, {}).error().code, ErrorCode::too_few_rows);
  const auto bad = fit_tfidf(workspace.context(), texts, {});
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().row, 1);
  TfidfOptions options;
  options.ngrams.shortest = 3;
  EXPECT_EQ(fit_tfidf(workspace.context(), {texts.data(), 1}, options).error().code, ErrorCode::bad_parameter);
  options = {};
  options.least_texts = 2;
  EXPECT_EQ(fit_tfidf(workspace.context(), {texts.data(), 1}, options).error().code, ErrorCode::too_few_rows);
  Tfidf model = fit_tfidf(workspace.context(), {texts.data(), 1}, {}).value();
  for (const auto& damage : {+[](Tfidf& m) { m.term_ends[0] = 9; }, +[](Tfidf& m) { m.idf.push_back(1); },
                             +[](Tfidf& m) { m.idf[0] = std::nan(""); }, +[](Tfidf& m) { std::swap(m.term_bytes[0], m.term_bytes[1]); }}) {
    Tfidf damaged = model;
    damage(damaged);
    ASSERT_FALSE(bind(damaged).ok());
    EXPECT_EQ(bind(damaged).error().code, ErrorCode::corrupt_file);
  }
}

TEST(WordPiece, AgreesWithTokenizers) {
  const Json gold = golden("wordpiece.json");
  const auto texts = gold["texts"].get<std::vector<std::string>>();
  for (const Json& form : gold["forms"]) {
    WordPieceOptions options;
    options.lower = form["lower"];
    options.drop_accents = form["drop_accents"];
    const auto vocabulary = parse_wordpiece(data_file("vocab.txt"), "vocab.txt", options);
    ASSERT_TRUE(vocabulary.ok()) << vocabulary.error().message();
    const auto tokenizer = WordPiece::bind(*vocabulary);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto tokens = tokenizer->encode(texts[i]);
      ASSERT_TRUE(tokens.ok());
      EXPECT_EQ(Json(tokens->ids), form["ids"][i]) << options.lower << options.drop_accents << " " << Json(texts[i]).dump(-1, ' ', true);
      for (std::size_t t = 1; t + 1 < tokens->ids.size() && Json(tokens->ids) == form["ids"][i]; ++t) {
        EXPECT_EQ(tokens->begin[t], form["offsets"][i][t][0].get<std::uint32_t>()) << Json(texts[i]).dump(-1, ' ', true) << t;
        EXPECT_EQ(tokens->end[t], form["offsets"][i][t][1].get<std::uint32_t>()) << Json(texts[i]).dump(-1, ' ', true) << t;
      }
    }
  }
}

TEST(WordPiece, CutsToLengthAndForgesNoMarks) {
  const WordPieceVocabulary vocabulary = parse_wordpiece("[UNK]\n[CLS]\n[SEP]\na\n##b\n[\ncls\n]\n", "v").value();
  const WordPiece tokenizer = WordPiece::bind(vocabulary).value();
  EXPECT_EQ(tokenizer.encode("abb a [CLS]").value().ids, (std::vector<std::int64_t>{1, 3, 4, 4, 3, 5, 6, 7, 2}));
  EXPECT_EQ(tokenizer.encode("abb a", 4).value().ids, (std::vector<std::int64_t>{1, 3, 4, 2}));
  EXPECT_EQ(tokenizer.encode("", 2).value().ids, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(tokenizer.encode(std::string(101, 'a')).value().ids, (std::vector<std::int64_t>{1, 0, 2}));
  EXPECT_FALSE(tokenizer.encode("\xC3").ok());
}

TEST(WordPiece, RefusesDamagedVocabularies) {
  EXPECT_EQ(parse_wordpiece("a\nb\na\n", "v").error().line, 3);
  EXPECT_EQ(parse_wordpiece("a\n\nb", "v").error().line, 2);
  EXPECT_EQ(parse_wordpiece("a\n\xFF\n", "v").error().line, 2);
  EXPECT_EQ(parse_wordpiece("", "v").error().code, ErrorCode::bad_document);
  const WordPieceVocabulary lacking = parse_wordpiece("a\n", "v").value();
  EXPECT_EQ(WordPiece::bind(lacking).error().code, ErrorCode::bad_document);
  WordPieceVocabulary damaged = parse_wordpiece("[UNK]\n[CLS]\n[SEP]\n", "v").value();
  damaged.piece_ends[1] = 100;
  EXPECT_EQ(WordPiece::bind(damaged).error().code, ErrorCode::corrupt_file);
}

}  // namespace
}  // namespace plimsoll::text

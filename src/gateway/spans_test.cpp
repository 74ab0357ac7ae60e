// SPDX-License-Identifier: Apache-2.0
#include "gateway/spans.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/philox.h"
#include "gateway/planted_text.h"
#include "gateway/span_pattern.h"

namespace plimsoll::gateway {
namespace {

std::shared_ptr<const Detectors> all() {
  static const auto made = Detectors::compile({}).value();
  return made;
}

std::string found_in(std::string_view text, const Detectors& detectors = *all()) {
  std::string out;
  for (const Span& span : detectors.find(text)) out += (out.empty() ? "" : "; ") + detectors.name(span.detector) + " " + std::string(text.substr(span.begin, span.end - span.begin));
  return out;
}

TEST(Spans, ShapesByHand) {
  EXPECT_EQ(found_in("write to jane.doe+x@mail.example.org."), "email jane.doe+x@mail.example.org");
  EXPECT_EQ(found_in("a@b, @home, x@y.c"), "");
  EXPECT_EQ(found_in("order 12 4111 1111 1111 1111 7"), "card 4111 1111 1111 1111");  // beside other numbers
  EXPECT_EQ(found_in("4111111111111112"), "");                                        // fails Luhn's check
  EXPECT_EQ(found_in("378282246310005 and 5500-0000-0000-0004"), "card 378282246310005; card 5500-0000-0000-0004");
  EXPECT_EQ(found_in("pay DE89 3704 0044 0532 0130 00 now"), "iban DE89 3704 0044 0532 0130 00");
  EXPECT_EQ(found_in("pay gb29nwbk60161331926819 now"), "iban gb29nwbk60161331926819");
  EXPECT_EQ(found_in("pay DE88370400440532013000 now"), "");
  EXPECT_EQ(found_in("call (212) 555-0123 or +44 20 7946 0958 or 06 12 34 56 78"), "phone (212) 555-0123; phone +44 20 7946 0958; phone 06 12 34 56 78");
  EXPECT_EQ(found_in("in 2024-11-21 at 10:30 there were 1700000000 of 12345"), "");
  EXPECT_EQ(found_in("from 192.168.0.17, to 10.0.0.256 and 1.2.3"), "ip 192.168.0.17");
  EXPECT_EQ(found_in("host 2001:db8::8a2e:370:7334 and ::1, std::move, ab::cd"), "ip 2001:db8::8a2e:370:7334; ip ::1");
  EXPECT_EQ(found_in("AKIAIOSFODNN7EXAMPLE"), "key AKIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(found_in("token=ghp_abcdefghijklmnopqrstuvwxyz0123456789!"), "key ghp_abcdefghijklmnopqrstuvwxyz0123456789");
  EXPECT_EQ(found_in("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-_1 x"), "jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-_1");
  EXPECT_EQ(found_in("secret wJalrXUtnFEMI7K7MDENGbPxRfiCYEXAMPLEKEY is"), "secret wJalrXUtnFEMI7K7MDENGbPxRfiCYEXAMPLEKEY");
  EXPECT_EQ(found_in("src/gateway/spans_test.cpp 550e8400-e29b-41d4-a716-446655440000 getUserAccountByIdentifier internationalisation"), "");
  EXPECT_EQ(found_in("x -----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY----- y"), "private_key -----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----");
  EXPECT_EQ(found_in("-----BEGIN PUBLIC KEY-----"), "");
}

TEST(Spans, NamesAreTheSameWithinAConversation) {
  Names names;
  const std::string text = "a@b.example, c@d.example, a@b.example and 10.0.0.1";
  EXPECT_EQ(redact(text, all()->find(text), *all(), names), "[EMAIL_1], [EMAIL_2], [EMAIL_1] and [IP_1]");
  Names later;
  later.restore(names.digests());
  const std::string more = "c@d.example e@f.example";
  EXPECT_EQ(redact(more, all()->find(more), *all(), later), "[EMAIL_2] [EMAIL_3]");
}

std::string alphabet_soup(Stream& rng, int length) {
  static constexpr std::string_view letters = "aA0123456789 4@.-+:(/_=eyJDE89skAKIA\nzé";
  std::string out;
  while (static_cast<int>(out.size()) < length) {
    if (rng.below(12) == 0) {
      std::string detector;
      const std::string secret = random_secret(rng, detector);
      const std::size_t cut = static_cast<std::size_t>(rng.below(secret.size()));
      out += rng.bernoulli(0.5) ? secret : rng.bernoulli(0.5) ? secret.substr(cut) : secret.substr(0, cut);
    } else if (rng.below(4) == 0) {
      out += clean_prose(rng, static_cast<int>(1 + rng.below(4)));
    } else {
      const int run = static_cast<int>(1 + rng.below(6));
      for (int i = 0; i < run; ++i) out += letters[static_cast<std::size_t>(rng.below(letters.size()))];
    }
  }
  return out;
}

// Blocks of 64 bytes, wide or not, against asking at every place.
TEST(Spans, FastFormsEqualThePlainOne) {
  Stream rng(7);
  for (int round = 0; round < 1500; ++round) {
    const int length = 20 + static_cast<int>(rng.below(700));
    const std::string text = alphabet_soup(rng, length);
    const std::vector<Span> plain = all()->find_plainly(text);
    std::vector<Span> fast, narrow;
    all()->sweep(text, 0, true, fast);
    all()->sweep(text, 0, true, narrow, Lanes::plain);
    ASSERT_EQ(fast, plain) << text;
    ASSERT_EQ(narrow, plain) << text;
  }
}

std::shared_ptr<const Detectors> with_own() {
  DetectorOptions options;
  options.patterns = {{"badge", "(?:EMP|CTR)-\\d{4,6}(?:/[A-Z]{2})?"}, {"wide", "<x.{0,12}y>"}};
  options.words = {{"project", "falcon|night heron|neon"}};
  return Detectors::compile(options).value();
}

void expect_same_in_pieces(const std::shared_ptr<const Detectors>& detectors, const std::string& text, Stream& rng, int most) {
  Names whole_names, names;
  const std::string whole = redact(text, detectors->find(text), *detectors, whole_names);
  Holdback stream(detectors, &names);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto length = static_cast<std::size_t>(1 + rng.below(static_cast<std::uint64_t>(most)));
    out += stream.push(std::string_view(text).substr(at, length));
    ASSERT_EQ(out, whole.substr(0, out.size())) << text;
    at += length;
  }
  out += stream.finish();
  ASSERT_EQ(out, whole) << text;
}

TEST(Spans, StreamsEqualTheWholeWhateverTheCuts) {
  // 2,000 cut streams here; PLIMSOLL_FULL=1 runs 100,000.
  const char* full = std::getenv("PLIMSOLL_FULL");
  const int rounds = full != nullptr && full[0] == '1' ? 50000 : 1000;
  Stream rng(11);
  const auto own = with_own();
  for (int round = 0; round < rounds && !testing::Test::HasFatalFailure(); ++round) {
    const int length = 20 + static_cast<int>(rng.below(400));
    const int most = 1 + static_cast<int>(rng.below(round % 10 == 0 ? 300 : 20));
    const std::string text = alphabet_soup(rng, length) + (round % 3 == 0 ? " EMP-12345/AB falcon <xay> night heron" : "");
    expect_same_in_pieces(all(), text, rng, most);
    expect_same_in_pieces(own, text, rng, most);
  }
}

TEST(Spans, PlantedSecretsDoNotPassStreams) {
  const char* full = std::getenv("PLIMSOLL_FULL");
  const int rounds = full != nullptr && full[0] == '1' ? 100000 : 1000;
  Stream rng(13);
  for (int round = 0; round < rounds; ++round) {
    const Planted planted = planted_text(rng, 8, 2);
    Names names;
    Holdback stream(all(), &names);
    std::string out;
    const std::uint64_t most = 1 + rng.below(60);
    for (std::size_t at = 0; at < planted.text.size();) {
      const auto length = static_cast<std::size_t>(1 + rng.below(most));
      out += stream.push(std::string_view(planted.text).substr(at, length));
      at += length;
    }
    out += stream.finish();
    ASSERT_EQ(out, planted.redacted) << planted.text;
  }
}

// Nothing waits that need not: what is held begins at the first place that more text could still make a span of.
TEST(Spans, HoldsNoMoreThanItMust) {
  const auto held = [](std::string_view text) {
    Names names;
    Holdback stream(all(), &names);
    stream.push(text);
    return std::string(text.substr(text.size() - stream.held()));
  };
  EXPECT_EQ(held("good day, "), "");
  EXPECT_EQ(held("good day"), "day");       // day@...
  EXPECT_EQ(held("good day, sir!"), "");
  EXPECT_EQ(held("x@y.example"), "x@y.example");
  EXPECT_EQ(held("x@y.example "), "");
  EXPECT_EQ(held("in 2024 "), "");  // no issuer's number begins so
  EXPECT_EQ(held("card 4111 1111 "), "4111 1111 ");
  EXPECT_EQ(held("card 4111 1111 x"), "x");
  EXPECT_EQ(held("(212) "), "(212) ");
  EXPECT_EQ(held("a - b"), "b");
  EXPECT_EQ(held("--"), "--");
  EXPECT_EQ(held(std::string(200, 'k')), std::string(200, 'k'));  // may yet be a secret of up to 256
  EXPECT_EQ(held(std::string(300, 'k')), std::string(64, 'k'));   // a local part has 64 characters at most
  EXPECT_EQ(held(std::string(300, '!')), "");
}

TEST(Spans, OwnPatternsAndWords) {
  const auto own = with_own();
  EXPECT_EQ(found_in("EMP-1234 CTR-123456/AB EMP-12", *own), "badge EMP-1234; badge CTR-123456/AB");
  EXPECT_EQ(found_in("Falcon, falcons, NIGHT HERON", *own), "project Falcon; project NIGHT HERON");
  EXPECT_EQ(found_in("<xéééy> <x", *own), "wide <xéééy>");
  for (const std::string bad : {"a*", "x+", "(ab", "ab)", "[a", "a{2,1}", "(?i)a", "\\bfoo", "", "a?", "^a", "a{600}", "(?:a{500}){3}", "[é]"}) {
    DetectorOptions options;
    options.patterns = {{"mine", bad}};
    const auto made = Detectors::compile(options);
    ASSERT_FALSE(made.ok()) << bad;
    EXPECT_EQ(made.error().code, ErrorCode::bad_parameter) << bad;
  }
  DetectorOptions options;
  options.built_in = {"emial"};
  EXPECT_EQ(Detectors::compile(options).error().code, ErrorCode::unknown_name);
  options.built_in = {"email", "email"};
  EXPECT_EQ(Detectors::compile(options).error().code, ErrorCode::bad_parameter);
  options.built_in = {};
  options.words = {{"card", "x"}};
  EXPECT_EQ(Detectors::compile(options).error().code, ErrorCode::bad_parameter);
}

}  // namespace
}  // namespace plimsoll::gateway

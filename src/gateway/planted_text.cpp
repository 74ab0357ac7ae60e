// SPDX-License-Identifier: Apache-2.0
#include "gateway/planted_text.h"

#include <array>
#include <string_view>

#include "gateway/spans.h"

namespace plimsoll::gateway {
namespace {

constexpr std::array<std::string_view, 40> words_of_prose = {
    "the", "ship", "carries", "a", "line", "that", "shows", "how", "much", "load", "is", "safe", "in", "summer", "water", "and", "winter", "water,", "so", "an",
    "owner", "who", "loads", "past", "it", "at 9:30", "of 1876", "knows", "(by law)", "what", "he", "does.", "Forty", "3.5", "per-cent", "cost", "no more:", "Größe", "café", "end"};

std::string digits(Stream& rng, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += static_cast<char>('0' + static_cast<int>(rng.below(10)));
  return out;
}

std::string from(Stream& rng, std::string_view alphabet, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += alphabet[static_cast<std::size_t>(rng.below(alphabet.size()))];
  return out;
}

constexpr std::string_view small = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

std::string card(Stream& rng) {
  std::string number = "4" + digits(rng, 14);
  int sum = 0;
  for (std::size_t i = 0; i < number.size(); ++i) {
    int d = number[number.size() - 1 - i] - '0';
    if (i % 2 == 0 && (d *= 2) > 9) d -= 9;
    sum += d;
  }
  number += static_cast<char>('0' + (10 - sum % 10) % 10);
  const std::uint64_t form = rng.below(3);
  if (form == 0) return number;
  const std::string gap = form == 1 ? " " : "-";
  return number.substr(0, 4) + gap + number.substr(4, 4) + gap + number.substr(8, 4) + gap + number.substr(12);
}

std::string iban(Stream& rng) {
  const std::string body = digits(rng, 18);
  unsigned rest = 0;
  for (const char c : body + "131400") rest = (rest * 10 + static_cast<unsigned>(c - '0')) % 97;  // D = 13, E = 14
  const unsigned check = 98 - rest;
  std::string all = "DE" + std::string(check < 10 ? "0" : "") + std::to_string(check) + body;
  if (rng.bernoulli(0.5)) return all;
  std::string spaced;
  for (std::size_t i = 0; i < all.size(); i += 4) spaced += (i > 0 ? " " : "") + all.substr(i, 4);
  return spaced;
}

}  // namespace

std::string random_secret(Stream& rng, std::string& detector) {
  switch (rng.below(8)) {
    case 0: {
      detector = "email";
      std::string local = from(rng, small, 3 + static_cast<int>(rng.below(8)));
      if (rng.bernoulli(0.5)) local += "." + from(rng, small, 4);
      return local + "@" + from(rng, small, 3 + static_cast<int>(rng.below(6))) + (rng.bernoulli(0.3) ? ".co.uk" : ".example");
    }
    case 1: detector = "card"; return card(rng);
    case 2: detector = "iban"; return iban(rng);
    case 3: detector = "key"; return "sk-" + from(rng, base64, 32);
    case 4: {
      detector = "jwt";
      const std::string head = "eyJ" + from(rng, base64, 24);
      const std::string body = "eyJ" + from(rng, base64, 40);
      return head + "." + body + "." + from(rng, base64, 30);
    }
    case 5: {
      detector = "private_key";
      std::string key = "-----BEGIN PRIVATE KEY-----\n";
      for (int line = 0; line < 3; ++line) key += from(rng, base64, 64) + "\n";
      return key + "-----END PRIVATE KEY-----";
    }
    case 6: {
      detector = "phone";
      const std::string area = std::to_string(200 + rng.below(700));
      const std::string middle = std::to_string(200 + rng.below(700));
      return (rng.bernoulli(0.5) ? "(" + area + ") " : area + "-") + middle + "-" + digits(rng, 4);
    }
    default: {
      detector = "ip";
      std::string out = std::to_string(1 + rng.below(250));
      for (int i = 0; i < 3; ++i) out += "." + std::to_string(rng.below(256));
      return out;
    }
  }
}

std::string clean_prose(Stream& rng, int words) {
  std::string out;
  for (int i = 0; i < words; ++i) {
    if (i > 0) out += ' ';
    out += words_of_prose[static_cast<std::size_t>(rng.below(words_of_prose.size()))];
  }
  return out;
}

Planted planted_text(Stream& rng, int words, int secrets) {
  Planted out;
  Names names;
  std::string last, last_detector;
  const auto both = [&out](const std::string& text) {
    out.text += text;
    out.redacted += text;
  };
  both(clean_prose(rng, words));
  for (int k = 0; k < secrets; ++k) {
    std::string detector;
    std::string secret = random_secret(rng, detector);
    if (k > 0 && rng.bernoulli(0.25)) {  // the same value again has the same name
      secret = last;
      detector = last_detector;
    }
    both(" so, <");
    out.text += secret;
    out.redacted += names.of(detector, secret);
    out.secrets.push_back(secret);
    last = secret;
    last_detector = detector;
    both("> the ");
    both(clean_prose(rng, words));
  }
  return out;
}

}  // namespace plimsoll::gateway

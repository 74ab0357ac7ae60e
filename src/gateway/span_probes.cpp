// SPDX-License-Identifier: Apache-2.0
// Shapes of personal data and secrets. E-mail: RFC 5321 lengths, ASCII. Cards: ISO/IEC 7812 with Luhn's check; digit groups joined
// by one space or hyphen, begun and ended on group edges, because a greedy run of digits misses a card that stands beside other
// numbers. IBAN: ISO 13616, length by country, mod 97. Keys: public prefixes of providers. JWT: RFC 7519. Private keys: RFC 7468.
// Secrets: tokens of 20 to 256 characters whose Shannon entropy is 3.5 bits a character or more.
#include "gateway/span_probes.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>

namespace plimsoll::gateway {
namespace {

using namespace letters;

bool after(const Place& p, unsigned mask) { return p.at > 0 && is(p.text[p.at - 1], mask); }

std::size_t run_from(std::string_view text, std::size_t at, unsigned mask, std::size_t most) {
  const std::size_t end = std::min(text.size(), at + most);
  while (at < end && is(text[at], mask)) ++at;
  return at;
}

// Whether `word` stands at `at`; `open` when the text ends inside it.
bool starts(const Place& p, std::size_t at, std::string_view word, bool& open) {
  const std::string_view rest = p.text.substr(at, word.size());
  if (rest == word) return true;
  if (!p.final && rest.size() < word.size() && word.starts_with(rest)) open = true;
  return false;
}

bool luhn(std::string_view digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int d = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1 && (d *= 2) > 9) d -= 9;
    sum += d;
  }
  return sum % 10 == 0;
}

bool issued(std::string_view d) {
  const auto front = [d](std::size_t n) {
    int value = 0;
    for (std::size_t i = 0; i < n; ++i) value = value * 10 + (d[i] - '0');
    return value;
  };
  const std::size_t n = d.size();
  if (n < 12) return false;
  const int two = front(2), three = front(3), four = front(4);
  if (d[0] == '4') return n == 13 || n == 16 || n == 19;
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return n == 16;
  if (two == 34 || two == 37) return n == 15;
  if (two == 36 || two == 38 || two == 39 || (three >= 300 && three <= 305)) return n == 14;
  if (four >= 3528 && four <= 3589) return n >= 16;
  return two == 50 || (two >= 56 && two <= 69);
}

// Whether any issuer's numbers begin with these two digits. Years do not.
bool issuer_may_be(int two) { return (two >= 22 && two <= 27) || two == 30 || (two >= 34 && two <= 69); }

struct CountryLength {
  char a, b;
  int length;
};
constexpr std::array<CountryLength, 79> iban_lengths = {{
    {'A', 'D', 24}, {'A', 'E', 23}, {'A', 'L', 28}, {'A', 'T', 20}, {'A', 'Z', 28}, {'B', 'A', 20}, {'B', 'E', 16}, {'B', 'G', 22}, {'B', 'H', 22},
    {'B', 'I', 27}, {'B', 'R', 29}, {'B', 'Y', 28}, {'C', 'H', 21}, {'C', 'R', 22}, {'C', 'Y', 28}, {'C', 'Z', 24}, {'D', 'E', 22}, {'D', 'J', 27},
    {'D', 'K', 18}, {'D', 'O', 28}, {'E', 'E', 20}, {'E', 'G', 29}, {'E', 'S', 24}, {'F', 'I', 18}, {'F', 'K', 18}, {'F', 'O', 18}, {'F', 'R', 27},
    {'G', 'B', 22}, {'G', 'E', 22}, {'G', 'I', 23}, {'G', 'L', 18}, {'G', 'R', 27}, {'G', 'T', 28}, {'H', 'R', 21}, {'H', 'U', 28}, {'I', 'E', 22},
    {'I', 'L', 23}, {'I', 'Q', 23}, {'I', 'S', 26}, {'I', 'T', 27}, {'J', 'O', 30}, {'K', 'W', 30}, {'K', 'Z', 20}, {'L', 'B', 28}, {'L', 'C', 32},
    {'L', 'I', 21}, {'L', 'T', 20}, {'L', 'U', 20}, {'L', 'V', 21}, {'L', 'Y', 25}, {'M', 'C', 27}, {'M', 'D', 24}, {'M', 'E', 22}, {'M', 'K', 19},
    {'M', 'N', 20}, {'M', 'R', 27}, {'M', 'T', 31}, {'M', 'U', 30}, {'N', 'I', 28}, {'N', 'L', 18}, {'N', 'O', 15}, {'P', 'K', 24}, {'P', 'L', 28},
    {'P', 'S', 29}, {'P', 'T', 25}, {'Q', 'A', 29}, {'R', 'O', 24}, {'R', 'S', 22}, {'R', 'U', 33}, {'S', 'A', 24}, {'S', 'C', 31}, {'S', 'E', 24},
    {'S', 'I', 19}, {'S', 'K', 24}, {'S', 'M', 27}, {'T', 'N', 24}, {'T', 'R', 26}, {'U', 'A', 29}, {'V', 'A', 22}}};

char raised(char c) { return is(c, lower) ? static_cast<char>(c - 'a' + 'A') : c; }

struct KeyShape {
  std::string_view prefix;
  std::size_t least;    // of the body
  bool capitals_only;  // body of capitals and digits, exactly `least` long
};
// Prefix and shortest body together are 16 characters or more: span_windows.h looks for such runs.
constexpr std::array<KeyShape, 19> key_shapes = {{{"sk-", 20, false},       {"sk_live_", 16, false}, {"sk_test_", 16, false}, {"rk_live_", 16, false}, {"AKIA", 16, true},
                                                  {"ASIA", 16, true},       {"AIza", 35, false},     {"ghp_", 36, false},     {"gho_", 36, false},     {"ghu_", 36, false},
                                                  {"ghs_", 36, false},      {"ghr_", 36, false},     {"github_pat_", 22, false}, {"glpat-", 20, false}, {"xoxb-", 12, false},
                                                  {"xoxp-", 12, false},     {"hf_", 30, false},      {"npm_", 36, false},     {"dop_v1_", 64, false}}};
constexpr std::size_t most_key = 4096;

bool octet(std::string_view t) {
  if (t.empty() || t.size() > 3 || (t.size() > 1 && t[0] == '0')) return false;
  int value = 0;
  for (const char c : t) value = value * 10 + (c - '0');
  return value <= 255;
}

Probe probe_ip4(const Place& p) {
  std::size_t i = p.at;
  for (int part = 0; part < 4; ++part) {
    const std::size_t end = run_from(p.text, i, digit, 4);
    if (end == p.text.size() && !p.final && end - i <= 3) return {0, end == i || octet(p.text.substr(i, end - i))};
    if (!octet(p.text.substr(i, end - i))) return {};
    i = end;
    if (part == 3) break;
    if (i >= p.text.size() || p.text[i] != '.') return {};
    ++i;
  }
  if (i < p.text.size() && is(p.text[i], alpha)) return {};
  if (i < p.text.size() && p.text[i] == '.') {  // a fifth number, or a full stop?
    if (i + 1 == p.text.size()) return {i, !p.final};
    if (is(p.text[i + 1], digit)) return {};
  }
  return {i, false};
}

Probe probe_ip6(const Place& p) {
  std::size_t i = p.at;
  int groups = 0;
  bool gap = false;
  const std::size_t n = p.text.size();
  while (groups < 8) {
    if (i + 1 < n && p.text[i] == ':' && p.text[i + 1] == ':') {
      if (gap) return {};
      gap = true;
      i += 2;
      if (i < n && !is(p.text[i], hex)) break;
    } else if (groups > 0) {
      if (i < n && p.text[i] != ':') break;
      if (i + 1 >= n) return {gap && groups >= 3 ? i : 0, !p.final};
      if (!is(p.text[i + 1], hex)) break;
      ++i;
    } else if (i < n && p.text[i] == ':') {
      return {0, !p.final && i + 1 == n};
    }
    const std::size_t end = run_from(p.text, i, hex, 5);
    if (end - i > 4) return {};
    if (end == i) break;
    i = end;
    ++groups;
    if (i == n && !p.final) return {(gap && groups >= 3) || groups == 8 ? i : 0, true};
  }
  if (i == n && !p.final && groups < 8) return {0, true};
  if (i < n && (is(p.text[i], alnum) || (p.text[i] == ':' && i + 1 < n && is(p.text[i + 1], alnum)))) return {};
  const bool loopback = gap && p.text.substr(p.at, i - p.at) == "::1";
  if (groups == 8 ? !gap : (gap && groups >= 3) || loopback) return {i, i == n ? !p.final : p.text[i] == ':' && i + 1 == n && !p.final};
  return {};
}

}  // namespace

Probe probe_email(const Place& p) {
  if (!is(p.text[p.at], alnum)) return {};
  const std::size_t n = p.text.size();
  const std::size_t at = run_from(p.text, p.at, local, most_local + 1);
  if (at - p.at > most_local) return {};
  if (at == n) return {0, !p.final};
  if (p.text[at] != '@') return {};
  std::size_t best = 0;
  std::size_t i = at + 1;
  const std::size_t most = i + 253;
  for (int labels = 1;; ++labels) {
    const std::size_t end = [&] {
      std::size_t e = i;
      while (e < n && e < most && (is(p.text[e], alnum) || p.text[e] == '-')) ++e;
      return e;
    }();
    std::size_t good = end;
    while (good > i && p.text[good - 1] == '-') --good;
    if (labels >= 2 && good - i >= 2 && is(p.text[i], alpha)) best = good;
    if (end == n) return {best, !p.final && end < most};
    if (end == i || end >= most || p.text[end] != '.') return {best, false};
    i = end + 1;
  }
}

Probe probe_phone(const Place& p) {
  if (after(p, alnum) || (p.at > 0 && (p.text[p.at - 1] == '+' || (p.text[p.at - 1] == '.' && p.at > 1 && is(p.text[p.at - 2], digit))))) return {};
  const std::size_t n = p.text.size();
  std::size_t i = p.at;
  const bool plus = p.text[i] == '+';
  if (plus) ++i;
  const std::size_t first_digit = i < n && p.text[i] == '(' ? i + 1 : i;
  std::array<int, 9> groups{};
  std::size_t count = 0;
  int digits = 0;
  Probe out;
  while (count < groups.size() && digits <= 15) {
    const bool bracket = i < n && p.text[i] == '(' && count < 2;
    if (bracket) ++i;
    const std::size_t end = run_from(p.text, i, digit, 16);
    const auto length = static_cast<int>(end - i);
    if (end == n && !p.final) out.open = digits + length <= 15;
    if (length == 0 || length > 15) break;
    if (bracket && (end >= n || p.text[end] != ')')) break;
    i = bracket ? end + 1 : end;
    groups[count++] = length;
    digits += length;
    if (i == n && !p.final) out.open = true;
    const bool edge = i >= n || !is(p.text[i], alnum);
    const bool world = plus && p.text[first_digit] != '0' && digits >= 8 && digits <= 15;
    const bool national = !plus && p.text[first_digit] == '0' && count >= 2 && digits >= 9 && digits <= 11;
    const std::size_t o = count == 4 && groups[0] == 1 && p.text[first_digit] == '1' ? 1 : 0;
    const bool american = !plus && count == 3 + o && groups[o] == 3 && groups[o + 1] == 3 && groups[o + 2] == 4 && (o == 1 || p.text[first_digit] >= '2');
    if (edge && (world || national || american)) out.end = i;
    if (i >= n) break;
    const bool separator = p.text[i] == ' ' || p.text[i] == '-' || p.text[i] == '.';
    if (separator && i + 1 < n && (is(p.text[i + 1], digit) || p.text[i + 1] == '(')) ++i;
    else if (separator && i + 1 == n && !p.final) out.open = true, i = n;
    else if (!(p.text[i] == '(' || (p.text[i - 1] == ')' && is(p.text[i], digit)))) break;
    if (i >= n) break;
  }
  if (digits > 15) out.open = false;
  if (out.open && !plus && count > 0 && p.text[first_digit] != '0') {  // only the American form is left
    const bool growing = is(p.text[n - 1], digit);
    const auto suits = [&](std::initializer_list<int> wanted) {
      if (count > wanted.size()) return false;
      for (std::size_t k = 0; k < count; ++k)
        if (growing && k + 1 == count ? groups[k] > wanted.begin()[k] : groups[k] != wanted.begin()[k]) return false;
      return true;
    };
    out.open = suits({3, 3, 4}) || suits({1, 3, 3, 4});
  }
  return out;
}

Probe probe_card(const Place& p) {
  if (after(p, digit)) return {};
  std::array<char, 20> digits{};
  std::size_t count = 0;
  Probe out;
  std::size_t i = p.at;
  const std::size_t n = p.text.size();
  while (true) {
    while (i < n && is(p.text[i], digit)) {
      if (count == 19) return {out.end, false};
      digits[count++] = p.text[i++];
    }
    if (count >= 2 && !issuer_may_be((digits[0] - '0') * 10 + digits[1] - '0')) return {};
    const std::string_view seen(digits.data(), count);
    if (issued(seen) && luhn(seen)) out.end = i;
    if (i == n) break;
    if (p.text[i] != ' ' && p.text[i] != '-') return {out.end, false};
    if (i + 1 == n) break;
    if (!is(p.text[i + 1], digit)) return {out.end, false};
    ++i;
  }
  // Nineteen digits and a separator: a further group would be too long.
  out.open = !p.final && (count < 19 || is(p.text[n - 1], digit)) && digits[0] >= '2' && digits[0] <= '6';
  return out;
}

Probe probe_iban(const Place& p) {
  if (after(p, alnum) || !is(p.text[p.at], alpha)) return {};
  const std::size_t n = p.text.size();
  if (p.at + 1 >= n) return {0, !p.final};
  const char a = raised(p.text[p.at]);
  const char b = raised(p.text[p.at + 1]);
  const auto country = std::find_if(iban_lengths.begin(), iban_lengths.end(), [a, b](const CountryLength& c) { return c.a == a && c.b == b; });
  if (country == iban_lengths.end()) return {};
  std::array<char, 36> taken{};
  std::size_t count = 0;
  std::size_t i = p.at;
  const auto wanted = static_cast<std::size_t>(country->length);
  while (count < wanted) {
    if (i == n) return {0, !p.final};
    if (count > 0 && count % 4 == 0 && p.text[i] == ' ') {
      ++i;
      if (i == n) return {0, !p.final};
    }
    if (!is(p.text[i], alnum) || ((count == 2 || count == 3) && !is(p.text[i], digit))) return {};
    taken[count++] = raised(p.text[i++]);
  }
  if (i < n && is(p.text[i], alnum)) return {};
  unsigned rest = 0;
  for (std::size_t k = 0; k < wanted; ++k) {
    const char c = taken[(k + 4) % wanted];
    rest = is(c, digit) ? (rest * 10 + static_cast<unsigned>(c - '0')) % 97 : (rest * 100 + static_cast<unsigned>(c - 'A' + 10)) % 97;
  }
  if (rest != 1) return {};
  return {i, i == n && !p.final};
}

Probe probe_key(const Place& p) {
  if (after(p, alnum)) return {};
  Probe out;
  for (const KeyShape& shape : key_shapes) {
    if (shape.prefix[0] != p.text[p.at]) continue;
    if (!starts(p, p.at, shape.prefix, out.open)) continue;
    const std::size_t body = p.at + shape.prefix.size();
    std::size_t end = body;
    while (end < p.text.size() && end - body < most_key && (is(p.text[end], shape.capitals_only ? (upper | digit) : alnum) || (!shape.capitals_only && (p.text[end] == '_' || p.text[end] == '-')))) ++end;
    if (end == p.text.size() && !p.final && end - body < most_key) out.open = true;
    if (shape.capitals_only && (end - body != shape.least || (end < p.text.size() && is(p.text[end], lower)))) {
      if (end - body > shape.least) out.open = false;
      continue;
    }
    if (end - body >= shape.least) out.end = std::max(out.end, end);
  }
  return out;
}

Probe probe_jwt(const Place& p) {
  if (after(p, alnum)) return {};
  Probe out;
  std::size_t i = p.at;
  constexpr std::size_t most = 8192;
  for (int part = 0; part < 3; ++part) {
    if (part < 2 && !starts(p, i, "eyJ", out.open)) return out;
    std::size_t end = i;
    while (end < p.text.size() && end - p.at < most && (is(p.text[end], alnum) || p.text[end] == '_' || p.text[end] == '-')) ++end;
    if (end == p.text.size() && !p.final && end - p.at < most) out.open = true;
    if (part == 2) {
      out.end = end;
      return out;
    }
    if (end - i < (part == 0 ? 16u : 10u) || end == p.text.size() || p.text[end] != '.') return out;
    i = end + 1;
  }
  return out;
}

Probe probe_private_key(const Place& p) {
  Probe out;
  const std::size_t n = p.text.size();
  if (!starts(p, p.at, "-----BEGIN ", out.open)) return out;
  std::size_t i = p.at + 11;
  const std::size_t label = i;
  while (i < n && i - label <= 40 && (is(p.text[i], upper | digit) || p.text[i] == ' ')) ++i;
  if (i - label > 40) return {};
  const std::string_view words = p.text.substr(label, i - label);
  if (i == n) return {0, !p.final};
  if (!words.ends_with("PRIVATE KEY") && !words.ends_with("PRIVATE KEY BLOCK")) return {};
  if (!starts(p, i, "-----", out.open)) return out;
  i += 5;
  const std::size_t most = p.at + most_private_key;
  while (i < n && i < most) {
    const char c = p.text[i];
    if (c == '-') {
      if (starts(p, i, "-----END ", out.open)) {
        std::size_t e = i + 9;
        while (e < n && e - i < 60 && (is(p.text[e], upper | digit) || p.text[e] == ' ')) ++e;
        while (e < n && e - i < 65 && p.text[e] == '-') ++e;
        return {e, e == n && !p.final && e - i < 65};
      }
      return {i, out.open};
    }
    if (!is(c, alnum) && std::string_view("+/= \t\r\n\\:,").find(c) == std::string_view::npos) return {i, false};
    ++i;
  }
  return {i, i < most && !p.final};
}

Probe probe_ip(const Place& p) {
  if (p.at > 0 && (is(p.text[p.at - 1], alnum) || p.text[p.at - 1] == ':' || p.text[p.at - 1] == '.')) return {};
  Probe four, six;
  if (is(p.text[p.at], digit)) four = probe_ip4(p);
  if (is(p.text[p.at], hex) || p.text[p.at] == ':') six = probe_ip6(p);
  return {std::max(four.end, six.end), four.open || six.open};
}

Probe probe_secret(const Place& p) {
  if (after(p, alnum) || !is(p.text[p.at], alnum)) return {};
  constexpr std::size_t most = 256;
  std::size_t end = run_from(p.text, p.at, token, most + 1);
  if (end - p.at > most) return {};
  const std::size_t n = p.text.size();
  const std::size_t body = end;
  while (end < n && end - body < 2 && p.text[end] == '=') ++end;
  if (end == n && !p.final && end - body < 2) return {0, true};
  const std::string_view word = p.text.substr(p.at, body - p.at);
  if (word.size() < 20) return {};
  std::array<int, 256> counts{};
  unsigned seen = 0;
  int slashes = 0;
  std::size_t turns = 0;
  for (std::size_t i = 0; i < word.size(); ++i) {
    const auto c = static_cast<unsigned char>(word[i]);
    ++counts[c];
    seen |= classes.of[c];
    slashes += c == '/' ? 1 : 0;
    if (i > 0) turns += ((classes.of[c] ^ classes.of[static_cast<unsigned char>(word[i - 1])]) & alnum) != 0 ? 1 : 0;
  }
  // A path, a name of many words, a plain number or hex identifier is no secret by its looks.
  if ((seen & alnum) != alnum || slashes > static_cast<int>(word.size() / 16) || turns * 10 < word.size() * 3) return {};
  double bits = 0;
  for (const int count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(word.size());
    bits -= share * std::log2(share);
  }
  return bits >= 3.5 ? Probe{end, false} : Probe{};
}

}  // namespace plimsoll::gateway

// SPDX-License-Identifier: Apache-2.0
// With L(r) the texts that r matches, the beginnings of L(r) are those of p(r):
//   p(ab) = p(a) | a p(b),   p(a|b) = p(a) | p(b),   p(a{m,n}) = a{0,n-1} p(a),   p(c) = c? for one character c.
// The earliest place from which the text to its end is in p(r) is the earliest that more text could still make a match of.
#include "gateway/span_pattern.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

#include "gateway/span_probes.h"

namespace plimsoll::gateway {
namespace {

struct Part {
  std::string whole;      // in RE2's words
  std::string beginning;  // p(whole)
  std::size_t longest = 0;
  std::size_t shortest = 0;
};

Part joined(const Part& a, const Part& b) {
  return {a.whole + b.whole, "(?:" + a.beginning + "|" + a.whole + b.beginning + ")", a.longest + b.longest, a.shortest + b.shortest};
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<Part> read() {
    PLIMSOLL_TRY(Part part, alternatives(0));
    if (at_ < text_.size()) return wrong("a ')' without its '('");
    if (part.shortest == 0) return wrong("it matches nothing at all");
    return part;
  }

 private:
  Error wrong(const std::string& what) const {
    return Error(ErrorCode::bad_parameter, "the pattern '" + std::string(text_) + "' is not taken: " + what + " (at character " + std::to_string(at_ + 1) + ")",
                 "Patterns hold literals, classes, groups, '|', '.', \\d \\w \\s and repeats with an upper bound such as {1,40}.");
  }
  bool more() const { return at_ < text_.size(); }
  char now() const { return text_[at_]; }

  Result<Part> alternatives(int depth) {
    if (depth > 20) return wrong("groups nest deeper than 20");
    PLIMSOLL_TRY(Part all, sequence(depth));
    if (!more() || now() != '|') return all;
    while (more() && now() == '|') {
      ++at_;
      PLIMSOLL_TRY(const Part other, sequence(depth));
      all = {all.whole + "|" + other.whole, all.beginning + "|" + other.beginning, std::max(all.longest, other.longest), std::min(all.shortest, other.shortest)};
    }
    all.whole = "(?:" + all.whole + ")";
    all.beginning = "(?:" + all.beginning + ")";
    return all;
  }

  // From the right, so that beginnings nest instead of multiplying.
  Result<Part> sequence(int depth) {
    std::vector<Part> parts;
    while (more() && now() != '|' && now() != ')') {
      PLIMSOLL_TRY(Part one, repeated(depth));
      parts.push_back(std::move(one));
      if (parts.size() > 200) return wrong("more than 200 parts in a row");
    }
    if (parts.empty()) return Part{"", "", 0, 0};
    Part all = std::move(parts.back());
    for (std::size_t i = parts.size() - 1; i-- > 0;) all = joined(parts[i], all);
    if (all.longest > most_pattern) return wrong("a match could be longer than " + std::to_string(most_pattern) + " bytes");
    return all;
  }

  Result<Part> repeated(int depth) {
    PLIMSOLL_TRY(Part part, atom(depth));
    if (!more()) return part;
    std::size_t low = 1, high = 1;
    if (now() == '?') {
      low = 0;
      ++at_;
    } else if (now() == '*' || now() == '+') {
      return wrong("a repeat without an upper bound");
    } else if (now() == '{') {
      const std::size_t close = text_.find('}', at_);
      if (close == std::string_view::npos) return wrong("a '{' without its '}'");
      const std::string_view inside = text_.substr(at_ + 1, close - at_ - 1);
      const char* const last = inside.data() + inside.size();
      auto read = std::from_chars(inside.data(), last, low);
      high = low;
      if (read.ec == std::errc() && read.ptr != last && *read.ptr == ',') read = std::from_chars(read.ptr + 1, last, high);
      if (read.ec != std::errc() || read.ptr != last || high < low || high == 0 || high > 500) return wrong("a repeat is {n} or {m,n}, n from m to 500");
      at_ = close + 1;
    } else {
      return part;
    }
    if (more() && (now() == '?' || now() == '*' || now() == '+' || now() == '{')) return wrong("a repeat of a repeat");
    const std::string body = "(?:" + part.whole + ")";
    const auto count = [](std::size_t a, std::size_t b) { return "{" + std::to_string(a) + "," + std::to_string(b) + "}"; };
    Part out{body + count(low, high), body + count(0, high - 1) + "(?:" + part.beginning + ")", part.longest * high, part.shortest * low};
    if (out.longest > most_pattern) return wrong("a match could be longer than " + std::to_string(most_pattern) + " bytes");
    return out;
  }

  static Part one(std::string whole, std::size_t longest = 1) { return {whole, "(?:" + whole + ")?", longest, 1}; }

  // One character of UTF-8 outside ASCII, and how it begins.
  static Part other_character() { return {"[\\xc2-\\xf4][\\x80-\\xbf]{1,3}", "(?:[\\xc2-\\xf4](?:[\\x80-\\xbf]{1,3})?)?", 4, 2}; }
  static Part or_other(const std::string& ascii) {
    const Part other = other_character();
    return {"(?:" + ascii + "|" + other.whole + ")", "(?:" + ascii + "|" + other.beginning + ")?", 4, 1};
  }

  Result<Part> atom(int depth) {
    const char c = now();
    ++at_;
    if (c == '(') {
      if (text_.substr(at_, 2) == "?:") at_ += 2;
      else if (more() && now() == '?') return wrong("a group with a flag");
      PLIMSOLL_TRY(Part part, alternatives(depth + 1));
      if (!more() || now() != ')') return wrong("a '(' without its ')'");
      ++at_;
      part.whole = "(?:" + part.whole + ")";
      part.beginning = "(?:" + part.beginning + ")";
      return part;
    }
    if (c == '[') return char_class();
    if (c == '.') return or_other("[\\x00-\\x7f]");
    if (c == '\\') return escape();
    if (c == '^' || c == '$' || c == '*' || c == '+' || c == '?' || c == '{') return wrong(std::string("'") + c + "' here");
    return one(RE2::QuoteMeta(std::string(1, c)));
  }

  Result<Part> escape() {
    if (!more()) return wrong("a '\\' at the end");
    const char c = now();
    ++at_;
    if (c == 'd' || c == 'w' || c == 's') return one(std::string("\\") + c);
    if (c == 'n' || c == 't' || c == 'r') return one(std::string("\\") + c);
    if (c > ' ' && c < '\x7f' && !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) return one(std::string("\\") + c);
    return wrong(std::string("'\\") + c + "'");
  }

  Result<Part> char_class() {
    const std::size_t begin = at_;
    const bool negated = more() && now() == '^';
    if (negated) ++at_;
    if (more() && now() == ']') ++at_;
    while (more() && now() != ']') {
      if (static_cast<unsigned char>(now()) >= 0x80) return wrong("a class holds ASCII only; write alternatives");
      if (now() == '[') return wrong("a '[' inside a class is written \\[");
      if (now() == '\\' && at_ + 1 < text_.size()) {
        if (std::string_view("dwsnrt").find(text_[at_ + 1]) == std::string_view::npos && (static_cast<unsigned char>(text_[at_ + 1]) >= 0x80 || std::isalnum(static_cast<unsigned char>(text_[at_ + 1])) != 0))
          return wrong(std::string("'\\") + text_[at_ + 1] + "' in a class");
        ++at_;
      }
      ++at_;
    }
    if (!more()) return wrong("a '[' without its ']'");
    const std::string inside(text_.substr(begin, at_ - begin));
    ++at_;
    if (negated) return or_other("[" + inside + "\\x80-\\xff]");
    return one("[" + inside + "]");
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

struct Pattern::Compiled {
  RE2 whole;
  RE2 open;
  Compiled(const std::string& a, const std::string& b, const RE2::Options& options) : whole(a, options), open(b, options) {}
};

namespace {
RE2::Options options_of(bool ignore_case) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_longest_match(true);
  options.set_log_errors(false);
  options.set_case_sensitive(!ignore_case);
  options.set_dot_nl(true);
  options.set_max_mem(std::int64_t{64} << 20);
  return options;
}
}  // namespace

Result<Pattern> Pattern::compile(std::string_view regex, bool ignore_case) {
  if (ignore_case && std::any_of(regex.begin(), regex.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return Error(ErrorCode::bad_parameter, "letters outside ASCII have one case here", "Write both, or leave out ignore_case.").in_parameter("patterns");
  auto part = Reader(regex).read();
  if (!part) return std::move(part).error().in_parameter("patterns");
  Pattern made;
  made.longest_ = part->longest;
  made.compiled_ = std::make_shared<const Compiled>(part->whole, "(?:" + part->beginning + ")\\z", options_of(ignore_case));
  if (!made.compiled_->whole.ok() || !made.compiled_->open.ok())
    return Error(ErrorCode::bad_parameter, "the pattern '" + std::string(regex) + "' is not taken: " + made.compiled_->whole.error() + made.compiled_->open.error(), "Write it smaller.").in_parameter("patterns");
  return made;
}

Result<Pattern> Pattern::of_words(std::string_view words, bool ignore_case) {
  std::string whole, open;
  std::size_t longest = 0;
  while (!words.empty()) {
    const std::size_t comma = std::min(words.find('|'), words.size());
    std::string_view word = words.substr(0, comma);
    words.remove_prefix(std::min(comma + 1, words.size()));
    while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
    while (!word.empty() && word.back() == ' ') word.remove_suffix(1);
    if (word.empty()) continue;
    if (!letters::is(word.front(), letters::alnum) || !letters::is(word.back(), letters::alnum))
      return Error(ErrorCode::bad_parameter, "'" + std::string(word) + "' does not begin and end with a letter or digit", "Give it as a pattern.").in_parameter("words");
    if (word.size() > 200) return Error(ErrorCode::bad_parameter, "a word is longer than 200 bytes", "Give a shorter one.").in_parameter("words");
    std::string beginning;
    for (std::size_t i = word.size(); i-- > 0;) beginning = "(?:" + RE2::QuoteMeta(std::string(1, word[i])) + beginning + ")?";
    whole += (whole.empty() ? "" : "|") + RE2::QuoteMeta(std::string(word));
    open += (open.empty() ? "" : "|") + beginning;
    longest = std::max(longest, word.size() + 1);
  }
  if (whole.empty()) return Error(ErrorCode::bad_parameter, "a list of words is empty", "Give words, separated by '|'.").in_parameter("words");
  Pattern made;
  made.longest_ = longest;
  made.compiled_ = std::make_shared<const Compiled>("\\b(?:" + whole + ")\\b", "\\b(?:" + open + ")\\z", options_of(ignore_case));
  if (!made.compiled_->whole.ok() || !made.compiled_->open.ok()) return Error(ErrorCode::bad_parameter, "the list of words is too long", "Give fewer words.").in_parameter("words");
  return made;
}

PatternFound Pattern::next(std::string_view text, std::size_t from, bool final) const {
  const std::size_t n = text.size();
  PatternFound out{n, n, false};
  if (from >= n) return out;
  const re2::StringPiece whole(text.data(), n);
  re2::StringPiece found;
  if (compiled_->whole.Match(whole, from, n, RE2::UNANCHORED, &found, 1)) {
    out.begin = static_cast<std::size_t>(found.data() - text.data());
    out.end = out.begin + found.size();
  }
  if (final) return out;
  const std::size_t tail = std::max(from, n > longest_ ? n - longest_ : 0);
  if (compiled_->open.Match(whole, tail, n, RE2::UNANCHORED, &found, 1)) {
    const auto begin = static_cast<std::size_t>(found.data() - text.data());
    if (begin < n && begin <= out.begin) return {begin, out.begin == begin ? out.end : 0, true};
  }
  return out;
}

}  // namespace plimsoll::gateway

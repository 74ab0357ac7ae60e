// SPDX-License-Identifier: Apache-2.0
// RFC 8259, strictly. Depth at most 64, at most a million values, 1 GiB.
#include "gateway/json_text.h"

#include <algorithm>

namespace plimsoll::gateway {
namespace {

constexpr int most_depth = 64;
constexpr std::size_t most_nodes = 1'000'000;

unsigned hex_value(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return 16;
}

// The four digits of \uXXXX at `at`, or 0x10000 if they are none.
unsigned unit_at(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return 0x10000;
  unsigned value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const unsigned digit = hex_value(text[at + i]);
    if (digit > 15) return 0x10000;
    value = value * 16 + digit;
  }
  return value;
}

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    (out += static_cast<char>(0xC0 | (code >> 6))) += static_cast<char>(0x80 | (code & 63));
  } else if (code < 0x10000) {
    ((out += static_cast<char>(0xE0 | (code >> 12))) += static_cast<char>(0x80 | ((code >> 6) & 63))) += static_cast<char>(0x80 | (code & 63));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    ((out += static_cast<char>(0x80 | ((code >> 12) & 63))) += static_cast<char>(0x80 | ((code >> 6) & 63))) += static_cast<char>(0x80 | (code & 63));
  }
}

// Length of the well-formed sequence at `at` (Unicode 15, table 3-7), 0 if there is none.
std::size_t sequence_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
  const auto tail = [&byte](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool second = first == 0xE0 ? byte(1) >= 0xA0 : first == 0xED ? byte(1) <= 0x9F : true;
    return second && tail(1) && tail(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool second = first == 0xF0 ? byte(1) >= 0x90 : first == 0xF4 ? byte(1) <= 0x8F : true;
    return second && tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

std::string decoded(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      out += raw[i];
      continue;
    }
    const char c = raw[++i];
    if (c == 'u') {
      unsigned code = unit_at(raw, i + 1);
      i += 4;
      if (code >= 0xD800 && code < 0xDC00) {
        code = 0x10000 + ((code - 0xD800) << 10) + (unit_at(raw, i + 3) - 0xDC00);
        i += 6;
      }
      append_utf8(out, code);
    } else {
      out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c;
    }
  }
  return out;
}

}  // namespace

class JsonTextReader {
 public:
  explicit JsonTextReader(JsonText& out) : text_(out.text_), nodes_(out.nodes_) {}

  Result<void> read() {
    nodes_.resize(1);
    if (text_.size() > (std::size_t{1} << 30)) return wrong("longer than 1 GiB");
    PLIMSOLL_CHECK(value(0));
    skip();
    if (at_ < text_.size()) return wrong("more than one value");
    return {};
  }

 private:
  Error wrong(const std::string& what) const {
    return Error(ErrorCode::bad_document, "the body is not taken as JSON: " + what + " (byte " + std::to_string(at_) + ")", "Send one JSON value in UTF-8, with each key once.");
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) ++at_;
  }
  bool take(char c) {
    if (at_ < text_.size() && text_[at_] == c) {
      ++at_;
      return true;
    }
    return false;
  }

  Result<void> value(int depth) {
    skip();
    if (at_ >= text_.size()) return wrong("it ends early");
    if (nodes_.size() > most_nodes) return wrong("more than a million values");
    const auto self = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
    const char c = text_[at_];
    nodes_[self].begin = static_cast<std::uint32_t>(at_);
    if (c == '{' || c == '[') {
      if (depth >= most_depth) return wrong("nested deeper than 64 levels");
      PLIMSOLL_CHECK(c == '{' ? object(self, depth) : array(self, depth));
    } else if (c == '"') {
      nodes_[self].kind = JsonKind::string;
      ++at_;
      nodes_[self].begin = static_cast<std::uint32_t>(at_);
      PLIMSOLL_TRY(nodes_[self].escaped, string_body());
      nodes_[self].end = static_cast<std::uint32_t>(at_ - 1);
      return {};
    } else if (c == '-' || (c >= '0' && c <= '9')) {
      nodes_[self].kind = JsonKind::number;
      PLIMSOLL_CHECK(number());
    } else {
      const std::string_view rest = std::string_view(text_).substr(at_, 5);
      const std::size_t length = rest.starts_with("true") || rest.starts_with("null") ? 4 : rest == "false" ? 5 : 0;
      if (length == 0) return wrong("a word that is no value");
      nodes_[self].kind = rest[0] == 'n' ? JsonKind::null : JsonKind::flag;
      at_ += length;
    }
    nodes_[self].end = static_cast<std::uint32_t>(at_);
    return {};
  }

  // From behind the opening quote to behind the closing one; whether it holds a backslash.
  Result<bool> string_body() {
    bool escaped = false;
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        return escaped;
      }
      if (c == '\\') {
        escaped = true;
        PLIMSOLL_CHECK(escape());
      } else if (c < 0x20) {
        return wrong("a control character in a string");
      } else if (c < 0x80) {
        ++at_;
      } else {
        const std::size_t length = sequence_at(text_, at_);
        if (length == 0) return wrong("bytes that are no UTF-8");
        at_ += length;
      }
    }
    return wrong("a string without its end");
  }

  Result<void> escape() {
    ++at_;
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    ++at_;
    if (c == 'u') {
      const unsigned code = unit_at(text_, at_);
      if (code > 0xFFFF) return wrong("a \\u without four digits");
      at_ += 4;
      if (code >= 0xDC00 && code < 0xE000) return wrong("half of a surrogate pair");
      if (code >= 0xD800 && code < 0xDC00) {
        const unsigned low = at_ + 1 < text_.size() && text_[at_] == '\\' && text_[at_ + 1] == 'u' ? unit_at(text_, at_ + 2) : 0;
        if (low < 0xDC00 || low >= 0xE000) return wrong("half of a surrogate pair");
        at_ += 6;
      }
      return {};
    }
    if (c == '\0' || std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) return wrong("an escape that JSON has not");
    return {};
  }

  Result<void> number() {
    const auto digits = [this] {
      const std::size_t begin = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
      return at_ - begin;
    };
    take('-');
    const bool zero = at_ < text_.size() && text_[at_] == '0';
    const std::size_t whole = digits();
    if (whole == 0 || (zero && whole > 1)) return wrong("a number that is none");
    if (take('.') && digits() == 0) return wrong("a number that ends with its point");
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (digits() == 0) return wrong("a number without its exponent");
    }
    return {};
  }

  Result<void> array(std::uint32_t self, int depth) {
    nodes_[self].kind = JsonKind::array;
    ++at_;
    skip();
    if (take(']')) return {};
    std::uint32_t last = 0;
    while (true) {
      const auto child = static_cast<std::uint32_t>(nodes_.size());
      PLIMSOLL_CHECK(value(depth + 1));
      (last == 0 ? nodes_[self].child : nodes_[last].next) = child;
      last = child;
      skip();
      if (take(']')) return {};
      if (!take(',')) return wrong("a comma or ']' is missing");
    }
  }

  Result<void> object(std::uint32_t self, int depth) {
    nodes_[self].kind = JsonKind::object;
    ++at_;
    skip();
    if (take('}')) return {};
    std::uint32_t last = 0;
    std::size_t count = 0;
    while (true) {
      skip();
      if (!take('"')) return wrong("a key is missing");
      const std::size_t begin = at_;
      PLIMSOLL_TRY(const bool escaped, string_body());
      const std::size_t end = at_ - 1;
      skip();
      if (!take(':')) return wrong("a ':' is missing");
      const auto child = static_cast<std::uint32_t>(nodes_.size());
      PLIMSOLL_CHECK(value(depth + 1));
      nodes_[child].key_begin = static_cast<std::uint32_t>(begin);
      nodes_[child].key_end = static_cast<std::uint32_t>(end);
      nodes_[child].key_escaped = escaped;
      (last == 0 ? nodes_[self].child : nodes_[last].next) = child;
      last = child;
      ++count;
      skip();
      if (take('}')) return unique(self, count);
      if (!take(',')) return wrong("a comma or '}' is missing");
    }
  }

  std::string key(const JsonText::Node& node) const {
    const std::string_view raw = std::string_view(text_).substr(node.key_begin, node.key_end - node.key_begin);
    return node.key_escaped ? decoded(raw) : std::string(raw);
  }
  Result<void> unique(std::uint32_t self, std::size_t count) const {
    const auto twice = [this](const std::string& name) { return wrong("the key '" + name.substr(0, 60) + "' stands twice in one object"); };
    if (count <= 12) {  // most objects: compare without a copy, as long as no key is escaped
      for (std::uint32_t a = nodes_[self].child; a != 0; a = nodes_[a].next)
        for (std::uint32_t b = nodes_[a].next; b != 0; b = nodes_[b].next) {
          const JsonText::Node &x = nodes_[a], &y = nodes_[b];
          const bool plain = !x.key_escaped && !y.key_escaped;
          if (plain && (x.key_end - x.key_begin != y.key_end - y.key_begin || text_.compare(x.key_begin, x.key_end - x.key_begin, text_, y.key_begin, y.key_end - y.key_begin) != 0)) continue;
          if (plain || key(x) == key(y)) return twice(key(x));
        }
      return {};
    }
    std::vector<std::string> keys;
    for (std::uint32_t a = nodes_[self].child; a != 0; a = nodes_[a].next) keys.push_back(key(nodes_[a]));
    std::sort(keys.begin(), keys.end());
    const auto found = std::adjacent_find(keys.begin(), keys.end());
    return found == keys.end() ? Result<void>() : Result<void>(twice(*found));
  }

  const std::string& text_;
  std::vector<JsonText::Node>& nodes_;
  std::size_t at_ = 0;
};

Result<JsonText> JsonText::parse(std::string text) {
  JsonText made;
  made.text_ = std::move(text);
  made.nodes_.reserve(made.text_.size() / 24 + 8);
  PLIMSOLL_CHECK(JsonTextReader(made).read());
  return made;
}

std::uint32_t JsonText::find(std::uint32_t object, std::string_view wanted) const {
  if (!is(object, JsonKind::object)) return none;
  for (std::uint32_t child = nodes_[object].child; child != none; child = nodes_[child].next) {
    const Node& node = nodes_[child];
    const std::string_view raw_key = std::string_view(text_).substr(node.key_begin, node.key_end - node.key_begin);
    if (node.key_escaped ? decoded(raw_key) == wanted : raw_key == wanted) return child;
  }
  return none;
}

std::string_view JsonText::raw(std::uint32_t node) const {
  return node == none ? std::string_view() : std::string_view(text_).substr(nodes_[node].begin, nodes_[node].end - nodes_[node].begin);
}

std::string JsonText::string(std::uint32_t node) const {
  if (!is(node, JsonKind::string)) return {};
  return nodes_[node].escaped ? decoded(raw(node)) : std::string(raw(node));
}

std::string JsonText::key(std::uint32_t node) const {
  const Node& n = nodes_[node];
  const std::string_view raw_key = std::string_view(text_).substr(n.key_begin, n.key_end - n.key_begin);
  return n.key_escaped ? decoded(raw_key) : std::string(raw_key);
}

std::vector<std::uint32_t> JsonText::children(std::uint32_t node) const {
  std::vector<std::uint32_t> out;
  if (node == none) return out;
  for (std::uint32_t child = nodes_[node].child; child != none; child = nodes_[child].next) out.push_back(child);
  return out;
}

void JsonText::replace(std::uint32_t node, std::string_view with) {
  if (!is(node, JsonKind::string)) return;
  std::string text = json_escaped(with);
  for (auto& edit : edits_)
    if (edit.first == node) {
      edit.second = std::move(text);
      return;
    }
  edits_.emplace_back(node, std::move(text));
}

std::string JsonText::written() const {
  std::vector<std::pair<std::uint32_t, std::string>> edits = edits_;
  std::sort(edits.begin(), edits.end(), [this](const auto& a, const auto& b) { return nodes_[a.first].begin < nodes_[b.first].begin; });
  std::string out;
  out.reserve(text_.size() + 64);
  std::size_t at = 0;
  for (const auto& [node, text] : edits) {
    out.append(text_, at, nodes_[node].begin - at);
    out += text;
    at = nodes_[node].end;
  }
  out.append(text_, at, std::string::npos);
  return out;
}

std::string json_escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(text.size() + 8);
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') (out += '\\') += c;
    else if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\t') out += "\\t";
    else if (code < 0x20) ((out += "\\u00") += digits[code >> 4]) += digits[code & 15u];
    else out += c;
  }
  return out;
}

}  // namespace plimsoll::gateway

// SPDX-License-Identifier: Apache-2.0
#include "learn/ubjson_document.h"

#include <bit>
#include <cstddef>

namespace plimsoll::learn {
namespace {

constexpr int deepest = 64;

// Bytes of a fixed-size number; 0 for any other mark.
std::size_t width_of(char mark) {
  switch (mark) {
    case 'i': case 'U': return 1;
    case 'I': return 2;
    case 'l': case 'd': return 4;
    case 'L': case 'D': return 8;
    default: return 0;
  }
}

std::uint64_t big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

std::int64_t integer_of(char mark, std::string_view bytes) {
  const std::uint64_t raw = big_endian(bytes);
  switch (mark) {
    case 'i': return static_cast<std::int8_t>(raw);
    case 'I': return static_cast<std::int16_t>(raw);
    case 'l': return static_cast<std::int32_t>(raw);
    default: return static_cast<std::int64_t>(raw);
  }
}

double real_of(char mark, std::string_view bytes) {
  if (mark == 'd') return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(big_endian(bytes))));
  if (mark == 'D') return std::bit_cast<double>(big_endian(bytes));
  return static_cast<double>(integer_of(mark, bytes));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool value(UbjsonValue& out, int depth) {
    char mark = 0;
    return next(mark) && value_of(mark, out, depth);
  }
  bool at_end() const { return rest_.empty(); }

 private:
  bool next(char& mark) {
    do {
      if (rest_.empty()) return false;
      mark = rest_.front();
      rest_.remove_prefix(1);
    } while (mark == 'N');
    return true;
  }

  bool take(std::size_t count, std::string_view& out) {
    if (count > rest_.size()) return false;
    out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return true;
  }

  // A length: a number of its own mark, at least 0 and no more than the bytes that are left.
  bool length(std::size_t& out) {
    char mark = 0;
    if (!next(mark) || mark == 'd' || mark == 'D' || width_of(mark) == 0) return false;
    std::string_view bytes;
    if (!take(width_of(mark), bytes)) return false;
    const std::int64_t count = integer_of(mark, bytes);
    if (count < 0 || static_cast<std::uint64_t>(count) > rest_.size()) return false;
    out = static_cast<std::size_t>(count);
    return true;
  }

  bool value_of(char mark, UbjsonValue& out, int depth) {
    using Kind = UbjsonValue::Kind;
    if (const std::size_t width = width_of(mark); width > 0) {
      std::string_view bytes;
      if (!take(width, bytes)) return false;
      out.kind = mark == 'd' || mark == 'D' ? Kind::real : Kind::integer;
      out.real = real_of(mark, bytes);
      if (out.kind == Kind::integer) out.integer = integer_of(mark, bytes);
      return true;
    }
    switch (mark) {
      case 'Z': return true;
      case 'T': case 'F':
        out.kind = Kind::flag;
        out.integer = mark == 'T' ? 1 : 0;
        return true;
      case 'S': {
        std::size_t count = 0;
        out.kind = Kind::text;
        return length(count) && take(count, out.text);
      }
      case '[': return depth < deepest && array(out, depth + 1);
      case '{': return depth < deepest && object(out, depth + 1);
      default: return false;
    }
  }

  bool array(UbjsonValue& out, int depth) {
    out.kind = UbjsonValue::Kind::list;
    if (rest_.empty()) return false;
    if (rest_.front() == '$') return typed_array(out);
    if (rest_.front() == '#') {
      rest_.remove_prefix(1);
      std::size_t count = 0;
      if (!length(count)) return false;
      for (std::size_t i = 0; i < count; ++i) {
        if (!value(out.list.emplace_back(), depth)) return false;
      }
      return true;
    }
    while (true) {
      char mark = 0;
      if (!next(mark)) return false;
      if (mark == ']') return true;
      if (!value_of(mark, out.list.emplace_back(), depth)) return false;
    }
  }

  // Numbers of one type: the only typed arrays that XGBoost writes. Types without bytes could announce any count.
  bool typed_array(UbjsonValue& out) {
    std::string_view head;
    if (!take(2, head)) return false;
    out.element = head[1];
    const std::size_t width = width_of(out.element);
    char mark = 0;
    std::size_t count = 0;
    if (width == 0 || !next(mark) || mark != '#' || !length(count)) return false;
    if (count > rest_.size() / width) return false;
    out.kind = UbjsonValue::Kind::numbers;
    return take(count * width, out.text);
  }

  bool object(UbjsonValue& out, int depth) {
    out.kind = UbjsonValue::Kind::object;
    while (true) {
      if (rest_.empty()) return false;
      if (rest_.front() == '}') {
        rest_.remove_prefix(1);
        return true;
      }
      std::size_t count = 0;
      std::string_view name;
      if (!length(count) || !take(count, name)) return false;
      for (const std::string_view known : out.names) {
        if (known == name) return false;  // which of two would be read is the other reader's secret
      }
      out.names.push_back(name);
      if (!value(out.list.emplace_back(), depth)) return false;
    }
  }

  std::string_view rest_;
};

}  // namespace

const UbjsonValue* UbjsonValue::find(std::string_view name) const {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return &list[i];
  }
  return nullptr;
}

std::optional<std::vector<double>> UbjsonValue::as_numbers() const {
  std::vector<double> values;
  if (kind == Kind::numbers) {
    const std::size_t width = width_of(element);
    values.reserve(text.size() / width);
    for (std::size_t at = 0; at < text.size(); at += width) values.push_back(real_of(element, text.substr(at, width)));
    return values;
  }
  if (kind != Kind::list) return std::nullopt;
  for (const UbjsonValue& value : list) {
    if (value.kind != Kind::integer && value.kind != Kind::real) return std::nullopt;
    values.push_back(value.real);
  }
  return values;
}

std::optional<UbjsonValue> read_ubjson(std::string_view bytes) {
  Reader reader(bytes);
  UbjsonValue value;
  if (!reader.value(value, 0) || !reader.at_end()) return std::nullopt;
  return value;
}

}  // namespace plimsoll::learn

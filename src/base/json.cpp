// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

namespace plimsoll {
namespace {

constexpr std::size_t most_depth = 64;

// Walks the text and counts the lines passed, because a SAX handler is not told where it is.
class LineIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  LineIterator(const char* at, std::int64_t* line) : at_(at), line_(line) {}
  reference operator*() const { return *at_; }
  LineIterator& operator++() {
    if (*at_ == '\n') ++*line_;
    ++at_;
    return *this;
  }
  LineIterator operator++(int) {
    LineIterator old = *this;
    ++*this;
    return old;
  }
  bool operator==(const LineIterator& other) const { return at_ == other.at_; }
  bool operator!=(const LineIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  std::int64_t* line_;
};

class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, const std::int64_t* line) : text_(text), line_(line) {}

  bool null() override { return place(nullptr); }
  bool boolean(bool value) override { return place(value); }
  bool number_integer(number_integer_t value) override { return place(value); }
  bool number_unsigned(number_unsigned_t value) override { return place(value); }
  bool number_float(number_float_t value, const string_t&) override { return place(value); }
  bool string(string_t& value) override { return place(std::move(value)); }
  bool binary(binary_t&) override { return fail("binary value", *line_); }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (open_.back()->contains(name)) return fail("the key '" + name + "' stands twice in one object", *line_);
    member_ = &(*open_.back())[name];
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception& exception) override {
    const auto end = std::min(position > 0 ? position - 1 : 0, text_.size());
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(end), '\n');
    std::string reason = exception.what();
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error ...": keep what follows the place.
    if (const auto bracket = reason.find("] "); bracket != std::string::npos) reason.erase(0, bracket + 2);
    if (const auto colon = reason.find(": "); colon != std::string::npos && reason.starts_with("parse error"))
      reason.erase(0, colon + 2);
    return fail(reason, line);
  }

  bool failed() const { return failed_; }
  Error take_error() { return std::move(error_); }
  Json take_root() { return std::move(root_); }

 private:
  Json* put(Json&& value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return &open_.back()->back();
    }
    *member_ = std::move(value);
    return member_;
  }
  bool place(Json value) {
    put(std::move(value));
    return true;
  }
  bool open(Json value) {
    if (open_.size() >= most_depth) return fail("nested deeper than 64 levels", *line_);
    open_.push_back(put(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  bool fail(const std::string& what, std::int64_t line) {
    failed_ = true;
    error_ = Error(ErrorCode::bad_document, "not valid JSON: " + what, "Correct the document").at_line(line);
    return false;
  }

  std::string_view text_;
  const std::int64_t* line_;
  Json root_;
  std::vector<Json*> open_;
  Json* member_ = nullptr;
  bool failed_ = false;
  Error error_;
};

// Bytes of the well-formed UTF-8 sequence at `at`, 0 if there is none (Unicode 15, table 3-7).
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const auto byte = [text, at](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
  };
  const auto tail = [&byte](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
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

void write_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    const auto code = static_cast<unsigned char>(c);
    const std::size_t length = sequence_length(text, i);
    if (length == 0) out += "\xEF\xBF\xBD";  // not UTF-8: the replacement character
    else if (length > 1) out.append(text.substr(i, length));
    else if (c == '"' || c == '\\') (out += '\\') += c;
    else if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\t') out += "\\t";
    else if (c == '\b') out += "\\b";
    else if (c == '\f') out += "\\f";
    else if (code < 0x20) ((out += "\\u00") += digits[code >> 4]) += digits[code & 15u];
    else out += c;
    i += length == 0 ? 1 : length;
  }
  out += '"';
}

template <class Number>
void write_digits(std::string& out, Number value) {
  char buffer[32];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
}

void write_double(std::string& out, double value) {
  if (std::isnan(value)) out += "\"nan\"";
  else if (std::isinf(value)) out += value > 0 ? "\"inf\"" : "\"-inf\"";
  else if (value == 0 && std::signbit(value)) out += "-0.0";  // "-0" would be read as the integer 0
  else write_digits(out, value);
}

class Writer {
 public:
  explicit Writer(bool pretty) : pretty_(pretty) {}

  void write(const Json& json, std::size_t depth) {
    switch (json.type()) {
      case Json::value_t::boolean:
        out_ += json.get<bool>() ? "true" : "false";
        break;
      case Json::value_t::number_integer:
        write_digits(out_, json.get<std::int64_t>());
        break;
      case Json::value_t::number_unsigned:
        write_digits(out_, json.get<std::uint64_t>());
        break;
      case Json::value_t::number_float:
        write_double(out_, json.get<double>());
        break;
      case Json::value_t::string:
        write_string(out_, json.get_ref<const std::string&>());
        break;
      case Json::value_t::array:
        write_array(json, depth);
        break;
      case Json::value_t::object:
        write_object(json, depth);
        break;
      case Json::value_t::null:
      case Json::value_t::binary:
      case Json::value_t::discarded:
        out_ += "null";
        break;
    }
  }
  std::string take() { return std::move(out_); }

 private:
  void line(std::size_t depth) {
    if (pretty_) out_.append(1, '\n').append(2 * depth, ' ');
  }
  void write_array(const Json& json, std::size_t depth) {
    out_ += '[';
    bool first = true;
    for (const Json& element : json) {
      if (!first) out_ += ',';
      first = false;
      line(depth + 1);
      write(element, depth + 1);
    }
    if (!first) line(depth);
    out_ += ']';
  }
  void write_object(const Json& json, std::size_t depth) {
    out_ += '{';
    bool first = true;
    for (auto member = json.begin(); member != json.end(); ++member) {  // a std::map: sorted by bytes
      if (!first) out_ += ',';
      first = false;
      line(depth + 1);
      write_string(out_, member.key());
      out_ += pretty_ ? ": " : ":";
      write(member.value(), depth + 1);
    }
    if (!first) line(depth);
    out_ += '}';
  }

  bool pretty_;
  std::string out_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view file) {
  std::int64_t line = 1;
  Builder builder(text, &line);
  const bool ok = Json::sax_parse(LineIterator(text.data(), &line), LineIterator(text.data() + text.size(), &line), &builder,
                                  nlohmann::detail::input_format_t::json, true);
  if (ok && !builder.failed()) return builder.take_root();
  return builder.take_error().in_file(std::string(file));
}

std::string canonical_json(const Json& json) {
  Writer writer(false);
  writer.write(json, 0);
  return writer.take();
}

std::string pretty_json(const Json& json) {
  Writer writer(true);
  writer.write(json, 0);
  return writer.take();
}

Result<double> json_number(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    if (text == "inf") return std::numeric_limits<double>::infinity();
    if (text == "-inf") return -std::numeric_limits<double>::infinity();
    if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  }
  return Error(ErrorCode::bad_document, "expected a number, found " + canonical_json(json).substr(0, 60),
               "Give a number, or one of \"inf\", \"-inf\", \"nan\"");
}

Json json_of(double x) {
  if (std::isnan(x)) return "nan";
  if (std::isinf(x)) return x > 0 ? "inf" : "-inf";
  return x;
}

}  // namespace plimsoll

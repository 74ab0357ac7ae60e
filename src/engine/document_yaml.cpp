// SPDX-License-Identifier: Apache-2.0
// YAML by yaml-cpp's events, so that depth, aliases and duplicate keys are bounded while reading, not afterwards.
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>

#include "engine/document_parts.h"

namespace plimsoll {
namespace {

constexpr std::string_view core_tag = "tag:yaml.org,2002:";

// The core schema of YAML 1.2 (section 10.3.2): what a plain scalar means. Numbers too large for 64 bits become reals.
std::optional<Json> integer_of(std::string_view text) {
  int base = 10;
  std::string_view digits = text;
  if (text.starts_with("0o")) base = 8;
  if (text.starts_with("0x")) base = 16;
  if (base != 10) digits.remove_prefix(2);
  else if (digits.starts_with('+')) digits.remove_prefix(1);
  if (digits.empty() || digits.front() == '+' || (base != 10 && digits.front() == '-')) return std::nullopt;
  std::int64_t value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return Json(value);
}

std::optional<Json> real_of(std::string_view text) {
  std::string_view digits = text;
  const bool minus = digits.starts_with('-');
  if (minus || digits.starts_with('+')) digits.remove_prefix(1);
  if (digits == ".inf" || digits == ".Inf" || digits == ".INF") return Json(minus ? "-inf" : "inf");
  if (text == ".nan" || text == ".NaN" || text == ".NAN") return Json("nan");
  if (digits.empty() || !(digits.front() == '.' || (digits.front() >= '0' && digits.front() <= '9'))) return std::nullopt;
  double value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return Json(minus ? -value : value);
}

Json plain(const std::string& text) {
  if (text == "null" || text == "Null" || text == "NULL" || text == "~" || text.empty()) return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (auto integer = integer_of(text)) return *integer;
  if (auto real = real_of(text)) return *real;
  return text;
}

class YamlBuilder final : public YAML::EventHandler {
 public:
  bool failed() const { return failed_; }
  Error take_error() { return std::move(error_); }
  ParsedDocument take() { return std::move(done_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (!ready(mark, false)) return;
    finish(nullptr, {line_of(mark), {}, {}}, anchor, {});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    if (failed_) return;
    if (!open_.empty() && open_.back().map && !open_.back().key) return take_key(mark, value);
    if (!ready(mark, true)) return;
    Json scalar = value;
    if (tag == "?" || tag.empty()) scalar = plain(value);
    else if (tag == std::string(core_tag) + "int" || tag == std::string(core_tag) + "float" ||
             tag == std::string(core_tag) + "bool" || tag == std::string(core_tag) + "null") scalar = plain(value);
    else if (tag != "!" && tag != std::string(core_tag) + "str") return fail("the tag '" + tag + "' is not supported", mark, "Remove the tag");
    finish(std::move(scalar), {line_of(mark), {}, {}}, anchor, {1, value.size(), 0});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (!ready(mark, false)) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) return fail("an alias stands inside its own anchor", mark);
    const Anchor& target = found->second;
    alias_nodes_ += target.size.nodes;
    alias_bytes_ += target.size.bytes;
    if (alias_nodes_ > most_alias_nodes || alias_bytes_ > most_document_bytes) return fail("aliases unfold to more than 10,000 values or 16 MiB", mark, "Write the values out, or use fewer aliases");
    LineTree lines = target.parsed.lines;
    lines.line = line_of(mark);
    nodes_ += target.size.nodes - 1;
    // Nested anchors could stack up depth through aliases.
    if (open_.size() + target.size.depth > most_document_depth) return fail("nested deeper than 64 levels", mark);
    finish(Json(target.parsed.root), std::move(lines), 0, target.size);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, false);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, true);
  }
  void OnMapEnd() override { close(); }

 private:
  // Of a node and all below it.
  struct Size {
    std::size_t nodes = 1;
    std::size_t bytes = 0;
    std::size_t depth = 0;
  };
  struct Frame {
    ParsedDocument parsed;
    bool map = false;
    std::optional<std::string> key;
    std::int64_t key_line = 0;
    YAML::anchor_t anchor = 0;
    Size size{1, 0, 1};
  };
  struct Anchor {
    ParsedDocument parsed;
    Size size;
  };

  static std::int64_t line_of(const YAML::Mark& mark) { return std::int64_t{mark.line} + 1; }

  void fail(std::string what, const YAML::Mark& mark, std::string mend = "Correct the document") {
    if (failed_) return;
    failed_ = true;
    error_ = document_error("not valid YAML: " + what, line_of(mark), std::move(mend));
  }

  // Whether a value may stand here; a mapping's key is always a scalar.
  bool ready(const YAML::Mark& mark, bool scalar) {
    if (failed_) return false;
    if (!scalar && !open_.empty() && open_.back().map && !open_.back().key) {
      fail("a key must be a plain text", mark, "Write the key as text, in quotes if need be");
      return false;
    }
    if (++nodes_ > most_document_nodes) {
      fail("more than a million values", mark, "Split the document");
      return false;
    }
    return true;
  }

  void take_key(const YAML::Mark& mark, const std::string& value) {
    Frame& frame = open_.back();
    if (value == "<<") return fail("merge keys ('<<') are not supported", mark, "Write the keys out");
    if (frame.parsed.root.contains(value)) return fail("the key '" + value + "' stands twice in one mapping", mark);
    frame.key = value;
    frame.key_line = line_of(mark);
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, bool map) {
    if (!ready(mark, false)) return;
    if (open_.size() >= most_document_depth) return fail("nested deeper than 64 levels", mark);
    if (!tag.empty() && tag != "?" && tag != "!" && !tag.starts_with(core_tag))
      return fail("the tag '" + tag + "' is not supported", mark, "Remove the tag");
    Frame frame;
    frame.parsed = {map ? Json::object() : Json::array(), {line_of(mark), {}, {}}};
    frame.map = map;
    frame.anchor = anchor;
    open_.push_back(std::move(frame));
  }

  void close() {
    if (failed_ || open_.empty()) return;
    Frame frame = std::move(open_.back());
    open_.pop_back();
    finish(std::move(frame.parsed.root), std::move(frame.parsed.lines), frame.anchor, frame.size);
  }

  void finish(Json value, LineTree lines, YAML::anchor_t anchor, Size size) {
    if (anchor != 0) {
      const bool copied = size.nodes <= most_alias_nodes;  // an alias to a larger one is refused
      anchors_[anchor] = {copied ? ParsedDocument{value, lines} : ParsedDocument{}, size};
    }
    if (open_.empty()) {
      done_ = {std::move(value), std::move(lines)};
      return;
    }
    Frame& frame = open_.back();
    frame.size.nodes += size.nodes;
    frame.size.bytes += size.bytes;
    frame.size.depth = std::max(frame.size.depth, size.depth + 1);
    if (frame.map) {
      lines.line = frame.key_line;
      frame.size.bytes += frame.key->size();
      frame.parsed.lines.names.push_back(*frame.key);
      frame.parsed.root[*frame.key] = std::move(value);
      frame.key.reset();
    } else {
      frame.parsed.root.push_back(std::move(value));
    }
    frame.parsed.lines.items.push_back(std::move(lines));
  }

  std::vector<Frame> open_;
  std::map<YAML::anchor_t, Anchor> anchors_;
  std::size_t nodes_ = 0;
  std::size_t alias_nodes_ = 0;
  std::size_t alias_bytes_ = 0;
  ParsedDocument done_;
  bool failed_ = false;
  Error error_;
};

}  // namespace

Result<ParsedDocument> parse_yaml_document(std::string_view text) {
  YamlBuilder builder;
  // yaml-cpp reports through exceptions only; they end here.
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(builder)) return document_error("the document is empty", 1, "Write at least one value");
    if (builder.failed()) return builder.take_error();
    ParsedDocument parsed = builder.take();
    YamlBuilder more;
    if (parser.HandleNextDocument(more)) return document_error("the file holds more than one YAML document", 1, "Keep one document a file");
    return parsed;
  } catch (const YAML::Exception& exception) {
    if (builder.failed()) return builder.take_error();
    return document_error("not valid YAML: " + exception.msg, exception.mark.is_null() ? 0 : std::int64_t{exception.mark.line} + 1);
  }
}

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#include "engine/document.h"

#include <algorithm>
#include <charconv>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "engine/document_parts.h"

namespace plimsoll {
namespace {

// Walks a text that parse_json has accepted and notes the line at which each node begins.
class JsonLines {
 public:
  explicit JsonLines(std::string_view text) : text_(text) {}

  // False when there are too many nodes.
  bool node(LineTree& tree) {
    blanks();
    tree.line = line_;
    if (++nodes_ > most_document_nodes) return false;
    const char first = peek();
    if (first == '{') return members(tree);
    if (first == '[') return elements(tree);
    if (first == '"') {
      text_literal();
      return true;
    }
    while (at_ < text_.size() && std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos) ++at_;
    return true;
  }
  std::int64_t line() const { return line_; }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      if (text_[at_] == '\n') ++line_;
      ++at_;
    }
  }
  std::string_view text_literal() {  // with its quotes
    const std::size_t begin = at_++;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    ++at_;
    return text_.substr(begin, at_ - begin);
  }
  bool elements(LineTree& tree) {
    ++at_;
    for (blanks(); at_ < text_.size() && peek() != ']'; blanks()) {
      tree.items.emplace_back();
      if (!node(tree.items.back())) return false;
      blanks();
      if (peek() == ',') ++at_;
    }
    ++at_;
    return true;
  }
  bool members(LineTree& tree) {
    ++at_;
    for (blanks(); at_ < text_.size() && peek() != '}'; blanks()) {
      const std::int64_t key_line = line_;
      const Json key = Json::parse(text_literal(), nullptr, false);
      tree.names.push_back(key.is_string() ? key.get<std::string>() : std::string());
      tree.items.emplace_back();
      blanks();
      ++at_;  // the colon
      if (!node(tree.items.back())) return false;
      tree.items.back().line = key_line;
      blanks();
      if (peek() == ',') ++at_;
    }
    ++at_;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
  std::size_t nodes_ = 0;
};

// Line of the first byte that is not well-formed UTF-8 (Unicode 15, table 3-7) or is NUL; 0 if none. Parsers differ in what
// they make of such bytes, so none sees them.
std::int64_t first_bad_line(std::string_view text) {
  std::int64_t line = 1;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return i + at < text.size() ? static_cast<unsigned>(static_cast<unsigned char>(text[i + at])) : 0u; };
    const unsigned first = byte(0);
    if (first == 0) return line;
    if (first == '\n') ++line;
    const std::size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (length == 0) return line;
    for (std::size_t k = 1; k < length; ++k)
      if ((byte(k) & 0xC0u) != 0x80u) return line;
    const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
    const bool outside = (first == 0xED && byte(1) > 0x9F) || (first == 0xF4 && byte(1) > 0x8F);
    if (overlong || outside) return line;
    i += length;
  }
  return 0;
}

// The next part of a JSON pointer (RFC 6901), "~1" for a slash and "~0" for a tilde.
std::string next_part(std::string_view& pointer) {
  pointer.remove_prefix(1);
  const std::size_t end = std::min(pointer.find('/'), pointer.size());
  std::string part;
  for (std::size_t i = 0; i < end; ++i) {
    if (pointer[i] == '~' && i + 1 < end && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
      part += pointer[i + 1] == '0' ? '~' : '/';
      ++i;
    } else {
      part += pointer[i];
    }
  }
  pointer.remove_prefix(end);
  return part;
}

const LineTree* child(const LineTree& tree, const std::string& part) {
  if (!tree.names.empty()) {
    const auto found = std::find(tree.names.begin(), tree.names.end(), part);
    return found == tree.names.end() ? nullptr : &tree.items[static_cast<std::size_t>(found - tree.names.begin())];
  }
  std::size_t index = 0;
  const auto read = std::from_chars(part.data(), part.data() + part.size(), index);
  if (read.ec != std::errc() || read.ptr != part.data() + part.size() || index >= tree.items.size()) return nullptr;
  return &tree.items[index];
}

}  // namespace

Error document_error(std::string what, std::int64_t line, std::string mend) {
  Error error(ErrorCode::bad_document, std::move(what), std::move(mend));
  if (line > 0) error.line = line;
  return error;
}

Result<ParsedDocument> parse_json_document(std::string_view text) {
  PLIMSOLL_TRY(Json root, parse_json(text));
  ParsedDocument parsed{std::move(root), {}};
  JsonLines lines(text);
  if (!lines.node(parsed.lines)) return document_error("more than a million values", lines.line(), "Split the document");
  return parsed;
}

Document::Document() : root_(std::make_shared<const Json>(Json::object())), lines_(std::make_shared<const LineTree>()) {}

std::int64_t Document::line_of(std::string_view pointer) const {
  const LineTree* tree = lines_.get();
  while (!pointer.empty() && pointer.front() == '/') {
    tree = child(*tree, next_part(pointer));
    if (!tree) return 0;
  }
  return pointer.empty() ? tree->line : 0;
}

Error Document::error_at(std::string_view pointer, std::string what, std::string mend) const {
  // A missing node is reported at the nearest one above it that stands in the text.
  std::string_view place = pointer;
  std::int64_t line = line_of(place);
  while (line == 0 && !place.empty()) {
    place = place.substr(0, place.rfind('/') == std::string_view::npos ? 0 : place.rfind('/'));
    line = line_of(place);
  }
  return document_error(std::move(what), line, std::move(mend)).in_file(file_);
}

Result<Document> parse_document(std::string_view text, std::string_view format, std::string_view file) {
  if (text.size() > most_document_bytes) {
    return Error(ErrorCode::too_large, "the document has " + std::to_string(text.size()) + " bytes, more than 16 MiB",
                 "Split it, or keep data in a table")
        .in_file(std::string(file));
  }
  if (const std::int64_t line = first_bad_line(text); line > 0)
    return document_error("the text is not UTF-8", line, "Save the file as UTF-8").in_file(std::string(file));
  Result<ParsedDocument> parsed = format == "yaml"   ? parse_yaml_document(text)
                                  : format == "toml" ? parse_toml_document(text)
                                  : format == "json" ? parse_json_document(text)
                                                     : Error(ErrorCode::wrong_kind, "'" + std::string(format) + "' is not a document format",
                                                             "Give yaml, toml or json");
  if (!parsed) return std::move(parsed).error().in_file(std::string(file));
  Document document;
  document.root_ = std::make_shared<const Json>(std::move(parsed->root));
  document.lines_ = std::make_shared<const LineTree>(std::move(parsed->lines));
  document.file_ = file;
  document.sha256_ = sha256_hex(text);
  return document;
}

Result<Document> read_document(const std::filesystem::path& path) {
  std::string suffix = path.extension().string();
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const std::string format = suffix == ".yml" ? "yaml" : suffix.empty() ? suffix : suffix.substr(1);
  if (format != "yaml" && format != "toml" && format != "json") {
    return Error(ErrorCode::wrong_kind, "the suffix of a document says its format, and '" + suffix + "' is none of them",
                 "Name the file .yaml, .yml, .toml or .json")
        .in_file(path.string());
  }
  PLIMSOLL_TRY(const std::string text, read_file(path, most_document_bytes));
  return parse_document(text, format, path.string());
}

}  // namespace plimsoll

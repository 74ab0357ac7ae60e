// SPDX-License-Identifier: Apache-2.0
// JSON lines by Arrow's parser, in pieces that end with a line: the first piece settles the columns and types of a stream; the
// whole file is read by Arrow's table reader, which sees every row. What Arrow complains about is found again line by line, to
// say where it stands.
#include <arrow/buffer.h>
#include <arrow/chunked_array.h>
#include <arrow/io/memory.h>
#include <arrow/json/options.h>
#include <arrow/json/reader.h>
#include <arrow/memory_pool.h>
#include <arrow/status.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "table/readers.h"

namespace plimsoll {
namespace {

constexpr std::int64_t piece_bytes = std::int64_t{4} << 20;
constexpr std::int64_t tight_piece_bytes = std::int64_t{1} << 20;
constexpr std::size_t longest_line = std::size_t{1} << 30;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::string_view view_of(const arrow::Buffer& buffer) {
  return {reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(buffer.size())};
}

// Hands out whole lines.
class JsonLines {
 public:
  static Result<JsonLines> open(const Source& source) {
    JsonLines lines;
    PLIMSOLL_TRY(lines.stream_, source.open_stream());
    return lines;
  }
  // About `size` bytes that end with a line; empty at the end.
  Result<std::string> piece(std::int64_t size) {
    auto wanted = static_cast<std::size_t>(size);
    while (true) {
      PLIMSOLL_CHECK(fill(wanted));
      std::string out;
      if (ended_ && ready_.size() <= wanted) {
        out.swap(ready_);
        return out;
      }
      const std::size_t end = ready_.rfind('\n', wanted - 1);
      if (end != std::string::npos) {
        std::string rest(ready_, end + 1);
        ready_.resize(end + 1);
        out.swap(ready_);
        ready_ = std::move(rest);
        return out;
      }
      if (wanted > longest_line) return Error(ErrorCode::bad_document, "a line is longer than 1 GiB", "Write one object a line.");
      wanted *= 2;
    }
  }

 private:
  Result<void> fill(std::size_t wanted) {
    while (ready_.size() < wanted && !ended_) {
      auto buffer = stream_->Read(static_cast<std::int64_t>(wanted - ready_.size()));
      if (!buffer.ok()) return arrow_error(buffer.status(), ErrorCode::bad_document, "The file could not be read.");
      if ((*buffer)->size() == 0) ended_ = true;
      if (fresh_) {
        std::string_view text = view_of(**buffer);
        if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
        ready_.append(text);
        fresh_ = false;
      } else {
        ready_.append(view_of(**buffer));
      }
    }
    return {};
  }

  std::shared_ptr<arrow::io::InputStream> stream_;
  std::string ready_;
  bool ended_ = false;
  bool fresh_ = true;
};

std::string kind_of(const nlohmann::json& value) {
  if (value.is_number()) return "number";
  return value.type_name();
}

// Where Arrow's complaint stands: the first line that is no JSON object, repeats a key, or holds another kind of value than the
// lines before it under the same key.
class FaultFinder {
 public:
  std::optional<Error> line(std::string_view text, std::int64_t number) {
    if (is_blank(text)) return std::nullopt;
    const std::string at = "line " + std::to_string(number);
    const nlohmann::json object = nlohmann::json::parse(text, nullptr, false);
    if (object.is_discarded()) {
      return Error(ErrorCode::bad_document, at + " is not valid JSON", "Write one JSON object a line.").at_line(number);
    }
    if (!object.is_object()) {
      return Error(ErrorCode::bad_document, at + " is not a JSON object", "Write one JSON object a line.").at_line(number);
    }
    for (const auto& [key, value] : object.items()) {
      if (value.is_null()) continue;
      const auto [found, fresh] = kinds_.try_emplace(key, kind_of(value));
      if (fresh || found->second == kind_of(value)) continue;
      return Error(ErrorCode::bad_value, "'" + key + "' is a " + kind_of(value) + " in " + at + " and a " + found->second + " before",
                   "Write one kind of value under each key.")
          .in_column(key)
          .at_line(number);
    }
    return std::nullopt;
  }

 private:
  std::map<std::string, std::string> kinds_;
};

std::optional<Error> find_fault(const Source& source) {
  if (source.once()) return std::nullopt;
  auto lines = JsonLines::open(source);
  if (!lines.ok()) return std::nullopt;
  FaultFinder finder;
  std::int64_t number = 0;
  while (true) {
    auto piece = lines->piece(piece_bytes);
    if (!piece.ok() || piece->empty()) return std::nullopt;
    std::string_view rest = *piece;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      if (auto fault = finder.line(rest.substr(0, end), ++number); fault.has_value()) return fault;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
}

Error json_error(const arrow::Status& status, const Source& source) {
  if (status.IsOutOfMemory()) return arrow_error(status, ErrorCode::no_memory);
  std::optional<Error> fault = find_fault(source);
  if (fault.has_value()) return std::move(*fault).in_file(source.name);
  const bool unexpected = status.message().find("unexpected field") != std::string::npos;
  return Error(unexpected ? ErrorCode::bad_value : ErrorCode::bad_document, status.message(),
               unexpected ? "A stream takes its columns from its first rows: write every key there, with null where it has no value."
                          : "Write one JSON object a line, with one kind of value under each key.")
      .in_file(source.name);
}

// Arrow's JSON parser recurses into nested values: a line deeper than this is refused before it gets there.
constexpr int deepest = 64;

bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > deepest) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == '\n') {
      depth = 0;
    }
  }
  return false;
}

Error depth_error(const Source& source) {
  return Error(ErrorCode::bad_document, "a line is nested deeper than " + std::to_string(deepest), "Write flat objects.").in_file(source.name);
}

Result<std::shared_ptr<arrow::Table>> parse_lines(std::string text, const Source& source, const std::shared_ptr<arrow::Schema>& known, bool threads) {
  if (too_deep(text)) return depth_error(source);
  const std::shared_ptr<arrow::Buffer> buffer = arrow::Buffer::FromString(std::move(text));
  auto read = arrow::json::ReadOptions::Defaults();
  read.use_threads = threads;
  // One block when a line is long, so that no object straddles two.
  read.block_size = static_cast<std::int32_t>(std::min<std::int64_t>(buffer->size() + 1, std::int64_t{1} << 30));
  auto parse = arrow::json::ParseOptions::Defaults();
  if (known != nullptr) {
    parse.explicit_schema = known;
    parse.unexpected_field_behavior = arrow::json::UnexpectedFieldBehavior::Error;
  }
  auto reader =
      arrow::json::TableReader::Make(arrow::default_memory_pool(), std::make_shared<arrow::io::BufferReader>(buffer), read, parse);
  if (!reader.ok()) return json_error(reader.status(), source);
  auto table = (*reader)->Read();
  if (!table.ok()) return json_error(table.status(), source);
  PLIMSOLL_CHECK(validate_text(**table));
  return *table;
}

// Types that later lines can be read with: what is known only as null becomes a number.
std::shared_ptr<arrow::Schema> settled_schema(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (const auto& field : schema.fields()) fields.push_back(arrow::field(field->name(), admitted_type(field->type())));
  return arrow::schema(std::move(fields));
}

class JsonStream final : public ReaderStream {
 public:
  JsonStream(Source source, ReadOptions options) : ReaderStream(std::move(source), std::move(options)) {}

  Result<void> restart() override {
    PLIMSOLL_TRY(JsonLines lines, JsonLines::open(source_));
    lines_.emplace(std::move(lines));
    if (schema() != nullptr) return {};
    PLIMSOLL_TRY(first_, next_piece());
    if (first_ == nullptr) return Error(ErrorCode::bad_document, "the file is empty", "Write one JSON object a line, or give the right file.").in_file(source_.name);
    known_ = settled_schema(*first_->schema());
    return set_schema(first_->schema());
  }

 protected:
  Result<std::shared_ptr<arrow::Table>> read_chunk() override {
    if (first_ != nullptr) return std::exchange(first_, nullptr);
    return next_piece();
  }

 private:
  Result<std::shared_ptr<arrow::Table>> next_piece() {
    while (true) {
      PLIMSOLL_TRY(std::string text, lines_->piece(options_.memory_bytes > 0 ? tight_piece_bytes : piece_bytes));
      if (text.empty()) return std::shared_ptr<arrow::Table>();
      if (!is_blank(text)) return parse_lines(std::move(text), source_, known_, false);
    }
  }

  std::optional<JsonLines> lines_;
  std::shared_ptr<arrow::Schema> known_;
  std::shared_ptr<arrow::Table> first_;
};

}  // namespace

Result<std::unique_ptr<TableStream>> open_jsonl(Source source, ReadOptions options) {
  auto stream = std::make_unique<JsonStream>(std::move(source), std::move(options));
  PLIMSOLL_CHECK(stream->restart());
  return std::unique_ptr<TableStream>(std::move(stream));
}

Result<Table> read_jsonl(const Source& source, const ReadOptions& options) {
  PLIMSOLL_TRY(JsonLines lines, JsonLines::open(source));
  std::string text;
  while (true) {
    PLIMSOLL_TRY(const std::string piece, lines.piece(piece_bytes));
    if (piece.empty()) break;
    text += piece;
  }
  if (is_blank(text)) {
    return Error(ErrorCode::bad_document, "the file is empty", "Write one JSON object a line, or give the right file.").in_file(source.name);
  }
  PLIMSOLL_TRY(auto table, parse_lines(std::move(text), source, nullptr, options.threads > 1));
  return finish_whole(std::move(table), options);
}

}  // namespace plimsoll

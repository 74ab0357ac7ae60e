// SPDX-License-Identifier: Apache-2.0
// CSV by Arrow's parser. A stream feeds it pieces that end with a record: the first piece settles the types, no thread reads
// ahead, and memory stays at one piece. The whole file goes through Arrow's table reader, whose inference sees every row.
#include <arrow/buffer.h>
#include <arrow/chunked_array.h>
#include <arrow/csv/options.h>
#include <arrow/csv/reader.h>
#include <arrow/io/memory.h>
#include <arrow/status.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "table/csv_text.h"

namespace plimsoll {
namespace {

constexpr std::int64_t piece_bytes = std::int64_t{4} << 20;
constexpr std::int64_t tight_piece_bytes = std::int64_t{1} << 20;

constexpr std::int32_t block_bytes_at_first = 1 << 20;
constexpr std::int32_t pipe_block_bytes = 1 << 24;
constexpr std::int32_t block_bytes_at_most = 1 << 29;

using ColumnTypes = std::unordered_map<std::string, std::shared_ptr<arrow::DataType>>;

class CsvInput final : public arrow::io::InputStream {
 public:
  explicit CsvInput(CsvText& text) : text_(text) {}
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Result<std::int64_t> Read(std::int64_t nbytes, void* out) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, Read(nbytes));
    std::copy_n(buffer->data(), buffer->size(), static_cast<std::uint8_t*>(out));
    return buffer->size();
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t nbytes) override {
    auto bytes = text_.bytes(nbytes);
    if (!bytes.ok()) return arrow::Status::IOError(bytes.error().what);
    position_ += static_cast<std::int64_t>(bytes->size());
    return std::shared_ptr<arrow::Buffer>(arrow::Buffer::FromString(std::move(*bytes)));
  }

 private:
  CsvText& text_;
  std::int64_t position_ = 0;
  bool closed_ = false;
};

Result<void> check_options(const ReadOptions& options, const std::vector<std::string>& names) {
  for (const auto& [columns, parameter] : {std::pair{&options.text_columns, "read.text_columns"}, std::pair{&options.columns, "read.columns"}}) {
    for (const std::string& name : *columns) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      std::vector<std::string> near = nearest_names(name, names);
      const std::string mend = near.empty() ? "Name columns that the file has." : "Did you mean '" + near.front() + "'?";
      return Error(ErrorCode::missing_column, "the file has no column '" + name + "'", mend)
          .in_column(name)
          .in_parameter(parameter)
          .with_candidates(std::move(near));
    }
  }
  return {};
}

arrow::csv::ConvertOptions convert_options(const ReadOptions& options, const ColumnTypes& types) {
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.null_values = {"", "NA", "NaN", "null"};
  convert.null_values.insert(convert.null_values.end(), options.null_values.begin(), options.null_values.end());
  convert.strings_can_be_null = true;
  convert.quoted_strings_can_be_null = false;
  convert.include_columns = options.columns;
  convert.column_types = types;
  for (const std::string& name : options.text_columns) convert.column_types[name] = arrow::utf8();
  return convert;
}

arrow::csv::ParseOptions parse_options(const ReadOptions& options) {
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.delimiter = options.delimiter;
  return parse;
}

// The number after `mark` in Arrow's message, or nothing.
std::optional<std::int64_t> number_after(std::string_view message, std::string_view mark) {
  const std::size_t at = message.find(mark);
  if (at == std::string_view::npos) return std::nullopt;
  std::int64_t number = 0;
  const char* begin = message.data() + at + mark.size();
  const auto parsed = std::from_chars(begin, message.data() + message.size(), number);
  if (parsed.ec != std::errc() || number < 0) return std::nullopt;
  return number;
}

std::string kind_of(std::string_view message) {
  if (message.find("to int64") != std::string_view::npos) return "a whole number";
  if (message.find("to double") != std::string_view::npos) return "a number";
  if (message.find("to bool") != std::string_view::npos) return "true or false";
  if (message.find("to timestamp") != std::string_view::npos || message.find("to date") != std::string_view::npos) return "a time";
  return "of the column's type";
}

Error ragged_error(const Source& source, const ReadOptions& options, const std::vector<std::string>& names) {
  const RaggedRow ragged = find_ragged_row(source, options, static_cast<std::int64_t>(names.size()));
  std::string what = "a line has not " + std::to_string(names.size()) + " fields";
  if (ragged.line > 0) {
    what = "line " + std::to_string(ragged.line) + " has " + std::to_string(ragged.fields) + (ragged.fields == 1 ? " field" : " fields") + " where " +
           std::to_string(names.size()) + " are expected";
  }
  Error error(ErrorCode::bad_document, what, "Complete the line, quote fields that hold the delimiter, or give --read.delimiter.");
  if (ragged.line > 0) return std::move(error).at_line(ragged.line);
  return error;
}

// `rows_before` rows were read before the text that Arrow complains about.
Error csv_error(const arrow::Status& status, const Source& source, const ReadOptions& options, const std::vector<std::string>& names,
                std::int64_t rows_before) {
  if (status.IsOutOfMemory()) return arrow_error(status, ErrorCode::no_memory);
  const std::string_view message = status.message();
  if (message.find("Expected ") != std::string_view::npos && message.find(" columns, got ") != std::string_view::npos) {
    return ragged_error(source, options, names);
  }
  const auto column = number_after(message, "In CSV column #");
  if (!column.has_value() || static_cast<std::size_t>(*column) >= names.size()) {
    return Error(ErrorCode::bad_document, std::string(message), "Check quotes and the delimiter.");
  }
  const std::string& name = names[static_cast<std::size_t>(*column)];
  std::string what = "column '" + name + "' is not valid UTF-8";
  std::string mend = "Save the file as UTF-8.";
  const std::size_t value = message.find("invalid value ");
  if (value != std::string_view::npos) {
    what = std::string(message.substr(value + 14)) + " in column '" + name + "' is not " + kind_of(message) + ", as the first rows of the column are";
    mend = "Mend the value, name it with --read.null_values if it means missing, or read the column as text with --read.text_columns " + name + ".";
  }
  Error error(ErrorCode::bad_value, what, mend);
  error.column = name;
  if (const auto row = number_after(message, "Row #"); row.has_value()) {
    error.row = rows_before + *row - 1;
    const std::int64_t line = line_of_row(source, options, *error.row);
    if (line > 0) error.line = line;
  }
  return error;
}

Result<std::shared_ptr<arrow::Table>> parse_piece(const std::shared_ptr<arrow::Buffer>& piece, const ReadOptions& options,
                                                  const std::vector<std::string>& names, const ColumnTypes& types, arrow::Status& status) {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = false;
  read.column_names = names;
  read.block_size = static_cast<std::int32_t>(std::min<std::int64_t>(piece->size() + 1, std::numeric_limits<std::int32_t>::max()));
  auto reader = arrow::csv::TableReader::Make(arrow::io::default_io_context(), std::make_shared<arrow::io::BufferReader>(piece), read,
                                              parse_options(options), convert_options(options, types));
  status = reader.status();
  if (!status.ok()) return std::shared_ptr<arrow::Table>();
  auto table = (*reader)->Read();
  status = table.status();
  if (!status.ok()) return std::shared_ptr<arrow::Table>();
  return *table;
}

// The types to hold from the first rows on; `again` when the rows must be read anew with them.
Result<ColumnTypes> settled_types(const arrow::Schema& schema, bool& again) {
  ColumnTypes types;
  for (const auto& field : schema.fields()) {
    std::shared_ptr<arrow::DataType> type = admitted_type(field->type());
    if (field->type()->id() == arrow::Type::BINARY) {
      return Error(ErrorCode::bad_value, "column '" + field->name() + "' is not valid UTF-8", "Save the file as UTF-8.").in_column(field->name());
    }
    again = again || !type->Equals(*field->type());
    types[field->name()] = std::move(type);
  }
  return types;
}

std::shared_ptr<arrow::Table> empty_table(const std::vector<std::string>& names, const ReadOptions& options) {
  arrow::FieldVector fields;
  arrow::ChunkedArrayVector arrays;
  for (const std::string& name : options.columns.empty() ? names : options.columns) {
    const bool text = std::find(options.text_columns.begin(), options.text_columns.end(), name) != options.text_columns.end();
    const std::shared_ptr<arrow::DataType> type = text ? arrow::utf8() : arrow::float64();
    fields.push_back(arrow::field(name, type));
    arrays.push_back(std::make_shared<arrow::ChunkedArray>(arrow::ArrayVector{}, type));
  }
  return arrow::Table::Make(arrow::schema(std::move(fields)), std::move(arrays), 0);
}

class CsvStream final : public ReaderStream {
 public:
  CsvStream(Source source, ReadOptions options) : ReaderStream(std::move(source), std::move(options)) {}

  Result<void> restart() override {
    PLIMSOLL_TRY(CsvText text, CsvText::open(source_, options_));
    text_.emplace(std::move(text));
    rows_ = 0;
    if (!text_->any_rows()) return schema() == nullptr ? set_schema(empty_table(text_->names(), options_)->schema()) : Result<void>();
    if (schema() != nullptr) return {};
    PLIMSOLL_CHECK(check_options(options_, text_->names()));
    PLIMSOLL_TRY(first_, next_piece());
    return set_schema(first_->schema());
  }

 protected:
  Result<std::shared_ptr<arrow::Table>> read_chunk() override {
    if (first_ != nullptr) return std::exchange(first_, nullptr);
    return next_piece();
  }

 private:
  Result<std::shared_ptr<arrow::Table>> next_piece() {
    PLIMSOLL_TRY(std::string text, text_->piece(options_.memory_bytes > 0 ? tight_piece_bytes : piece_bytes));
    if (std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; })) {
      if (text.empty()) return std::shared_ptr<arrow::Table>();
      return next_piece();
    }
    const std::shared_ptr<arrow::Buffer> piece = arrow::Buffer::FromString(std::move(text));
    arrow::Status status;
    PLIMSOLL_TRY(auto table, parse_piece(piece, options_, text_->names(), types_, status));
    if (status.ok() && types_.empty()) {
      bool again = false;
      PLIMSOLL_TRY(types_, settled_types(*table->schema(), again));
      if (again) {
        PLIMSOLL_TRY(table, parse_piece(piece, options_, text_->names(), types_, status));
      }
    }
    if (!status.ok()) return csv_error(status, source_, options_, text_->names(), rows_);
    rows_ += table->num_rows();
    return table;
  }

  std::optional<CsvText> text_;
  ColumnTypes types_;
  std::shared_ptr<arrow::Table> first_;
  std::int64_t rows_ = 0;
};

struct Parsed {
  std::shared_ptr<arrow::Table> table;
  arrow::Status status;
};

Parsed parse_whole(CsvText& text, const ReadOptions& options, bool threads, std::int32_t block_bytes) {
  auto read = arrow::csv::ReadOptions::Defaults();
  read.use_threads = threads;
  read.block_size = block_bytes;
  read.column_names = text.names();
  auto parse = parse_options(options);
  parse.newlines_in_values = true;
  auto reader = arrow::csv::TableReader::Make(arrow::io::default_io_context(), std::make_shared<CsvInput>(text), read, parse,
                                              convert_options(options, {}));
  if (!reader.ok()) return {nullptr, reader.status()};
  auto table = (*reader)->Read();
  if (!table.ok()) return {nullptr, table.status()};
  return {*table, arrow::Status::OK()};
}

bool straddles(const arrow::Status& status) { return status.message().find("straddl") != std::string::npos; }

// A file is read anew when a record is longer than Arrow's block, and by one thread when many found a fault: one tells its row.
Result<std::shared_ptr<arrow::Table>> read_whole(CsvText& text, const Source& source, const ReadOptions& options) {
  std::int32_t block_bytes = source.once() ? pipe_block_bytes : block_bytes_at_first;
  bool threads = options.threads > 1;
  Parsed parsed = parse_whole(text, options, threads, block_bytes);
  while (!parsed.status.ok() && !source.once()) {
    if (straddles(parsed.status) && block_bytes < block_bytes_at_most) {
      block_bytes *= 8;
    } else if (threads) {
      threads = false;
    } else {
      break;
    }
    PLIMSOLL_TRY(CsvText again, CsvText::open(source, options));
    parsed = parse_whole(again, options, threads, block_bytes);
  }
  if (parsed.status.ok()) return parsed.table;
  if (straddles(parsed.status)) {
    return Error(ErrorCode::bad_document, "a record is longer than " + std::to_string(block_bytes >> 20) + " MiB", "Is a quote left open? Else write the table as Parquet.");
  }
  return csv_error(parsed.status, source, options, text.names(), 0);
}

}  // namespace

Result<std::unique_ptr<TableStream>> open_csv(Source source, ReadOptions options) {
  auto stream = std::make_unique<CsvStream>(std::move(source), std::move(options));
  PLIMSOLL_CHECK(stream->restart());
  return std::unique_ptr<TableStream>(std::move(stream));
}

Result<Table> read_csv(const Source& source, const ReadOptions& options) {
  PLIMSOLL_TRY(CsvText text, CsvText::open(source, options));
  PLIMSOLL_CHECK(check_options(options, text.names()));
  if (!text.any_rows()) return wrap(empty_table(text.names(), options));
  PLIMSOLL_TRY(auto table, read_whole(text, source, options));
  bool again = false;
  PLIMSOLL_CHECK(settled_types(*table->schema(), again));
  return finish_whole(std::move(table), options);
}

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
// CSV and JSON lines. Numbers are written in the shortest form that reads back as the same double. Arrow's own CSV writer has
// no lists, quotes every text and needs its compute library at start; this is the same format without those.
#include <arrow/array/array_binary.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/chunked_array.h>
#include <arrow/status.h>

#include <array>
#include <charconv>
#include <cmath>

#include "table/writers.h"

namespace plimsoll {
namespace {

constexpr std::size_t flush_bytes = std::size_t{1} << 20;

template <class T>
const T& as(const arrow::Array& array) {
  return static_cast<const T&>(array);
}

// Each column becomes one chunk of booleans, 64-bit integers, doubles, text or lists of text.
Result<std::shared_ptr<arrow::Array>> printable(const arrow::Table& table, int i) {
  const std::string& name = table.field(i)->name();
  std::shared_ptr<arrow::ChunkedArray> column = table.column(i);
  const ColumnType type = column_type(*column->type());
  switch (type) {
    case ColumnType::boolean:
    case ColumnType::list_of_text: break;
    case ColumnType::integer: {
      PLIMSOLL_TRY(column, cast_column(column, arrow::int64(), name));
      break;
    }
    case ColumnType::real: {
      PLIMSOLL_TRY(column, cast_column(column, arrow::float64(), name));
      break;
    }
    case ColumnType::text:
    case ColumnType::timestamp: {
      PLIMSOLL_TRY(column, as_text(column, name));
      PLIMSOLL_TRY(column, cast_column(column, arrow::utf8(), name));
      break;
    }
    case ColumnType::other:
      return Error(ErrorCode::wrong_type, "column '" + name + "' (" + column->type()->ToString() + ") has no form in a text file",
                   "Write Parquet or Arrow, or leave the column out.")
          .in_column(name);
  }
  return column->chunk(0);
}

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

// A whole real keeps its point, so that a column of reals reads back as reals whatever its first rows hold.
void append_real(std::string& out, double value) {
  const std::size_t begin = out.size();
  append_number(out, value);
  if (out.find_first_of(".ein", begin) == std::string::npos) out += ".0";
}

class TextWriter : public GroupWriter {
 public:
  explicit TextWriter(Output& output) : output_(output) {}

  Result<void> group(const std::shared_ptr<arrow::Table>& table) override {
    arrow::ArrayVector columns;
    for (int i = 0; i < table->num_columns(); ++i) {
      PLIMSOLL_TRY(auto column, printable(*table, i));
      columns.push_back(std::move(column));
    }
    for (std::int64_t row = 0; row < table->num_rows(); ++row) {
      PLIMSOLL_CHECK(append_row(columns, row));
      if (text_.size() >= flush_bytes) PLIMSOLL_CHECK(flush());
    }
    return {};
  }
  Result<void> end() override { return flush(); }

 protected:
  virtual Result<void> append_row(const arrow::ArrayVector& columns, std::int64_t row) = 0;
  std::string text_;
  std::vector<std::string> names_;

 private:
  Result<void> flush() {
    PLIMSOLL_CHECK(output_.write(text_));
    text_.clear();
    return {};
  }
  Output& output_;
};

class CsvWriter final : public TextWriter {
 public:
  CsvWriter(Output& output, const WriteOptions& options) : TextWriter(output), separator_(options.list_separator), delimiter_(options.delimiter) {}

  Result<void> begin(const std::shared_ptr<arrow::Schema>& schema) override {
    names_ = schema->field_names();
    for (std::size_t i = 0; i < names_.size(); ++i) {
      if (i > 0) text_ += delimiter_;
      append_text(names_[i]);
    }
    text_ += '\n';
    return {};
  }

 private:
  Result<void> append_row(const arrow::ArrayVector& columns, std::int64_t row) override {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) text_ += delimiter_;
      const arrow::Array& column = *columns[i];
      if (column.IsNull(row)) {
        // The only field of a line must not leave it empty: readers skip empty lines.
        if (columns.size() == 1) text_ += "NA";
        continue;
      }
      PLIMSOLL_CHECK(append_value(column, row, names_[i]));
    }
    text_ += '\n';
    return {};
  }

  Result<void> append_value(const arrow::Array& column, std::int64_t row, const std::string& name) {
    switch (column.type_id()) {
      case arrow::Type::BOOL: text_ += as<arrow::BooleanArray>(column).Value(row) ? "true" : "false"; break;
      case arrow::Type::INT64: append_number(text_, as<arrow::Int64Array>(column).Value(row)); break;
      case arrow::Type::DOUBLE: {
        const double value = as<arrow::DoubleArray>(column).Value(row);
        // Without a sign: every NaN is the same to a reader.
        if (std::isnan(value)) {
          text_ += "nan";
        } else {
          append_real(text_, value);
        }
        break;
      }
      case arrow::Type::STRING: append_text(as<arrow::StringArray>(column).GetView(row)); break;
      default: return append_list(as<arrow::ListArray>(column), row, name);
    }
    return {};
  }

  Result<void> append_list(const arrow::ListArray& lists, std::int64_t row, const std::string& name) {
    const auto& items = as<arrow::StringArray>(*lists.values());
    std::string joined;
    for (std::int64_t k = lists.value_offset(row); k < lists.value_offset(row + 1); ++k) {
      const std::string_view item = items.IsNull(k) ? std::string_view() : items.GetView(k);
      if (!separator_.empty() && item.find(separator_) != std::string_view::npos) {
        return Error(ErrorCode::bad_value, "an item of a list in column '" + name + "' holds '" + separator_ + "', which joins the items in CSV",
                     "Write Parquet, JSONL or Arrow, which have lists.")
            .in_column(name);
      }
      if (k > lists.value_offset(row)) joined += separator_;
      joined += item;
    }
    append_text(joined);
    return {};
  }

  // Quoted when it must be, and when it would else be read as missing.
  void append_text(std::string_view text) {
    const bool special = text.find_first_of("\"\n\r") != std::string_view::npos || text.find(delimiter_) != std::string_view::npos;
    const bool missing = text.empty() || text == "NA" || text == "NaN" || text == "null";
    const bool blank = !text.empty() && (text.front() == ' ' || text.back() == ' ' || text.front() == '\t' || text.back() == '\t');
    if (!special && !missing && !blank) {
      text_ += text;
      return;
    }
    text_ += '"';
    for (const char c : text) {
      if (c == '"') text_ += '"';
      text_ += c;
    }
    text_ += '"';
  }

  std::string separator_;
  char delimiter_;
};

class JsonWriter final : public TextWriter {
 public:
  explicit JsonWriter(Output& output) : TextWriter(output) {}

  Result<void> begin(const std::shared_ptr<arrow::Schema>& schema) override {
    names_ = schema->field_names();
    for (const std::string& name : names_) {
      std::string key;
      append_string(key, name);
      keys_.push_back(key + ":");
    }
    return {};
  }

 private:
  Result<void> append_row(const arrow::ArrayVector& columns, std::int64_t row) override {
    text_ += '{';
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) text_ += ',';
      text_ += keys_[i];
      if (columns[i]->IsNull(row)) {
        text_ += "null";
      } else {
        PLIMSOLL_CHECK(append_value(*columns[i], row, names_[i]));
      }
    }
    text_ += "}\n";
    return {};
  }

  Result<void> append_value(const arrow::Array& column, std::int64_t row, const std::string& name) {
    switch (column.type_id()) {
      case arrow::Type::BOOL: text_ += as<arrow::BooleanArray>(column).Value(row) ? "true" : "false"; break;
      case arrow::Type::INT64: append_number(text_, as<arrow::Int64Array>(column).Value(row)); break;
      case arrow::Type::DOUBLE: return append_finite(as<arrow::DoubleArray>(column).Value(row), name);
      case arrow::Type::STRING: append_string(text_, as<arrow::StringArray>(column).GetView(row)); break;
      default: append_list(as<arrow::ListArray>(column), row); break;
    }
    return {};
  }

  // JSON has neither NaN nor infinity. NaN is missing; infinity has no honest form.
  Result<void> append_finite(double value, const std::string& name) {
    if (std::isinf(value)) {
      return Error(ErrorCode::bad_value, "column '" + name + "' is infinite, which JSON cannot say", "Write CSV, Parquet or Arrow.").in_column(name);
    }
    if (std::isnan(value)) {
      text_ += "null";
      return {};
    }
    append_real(text_, value);
    return {};
  }

  void append_list(const arrow::ListArray& lists, std::int64_t row) {
    const auto& items = as<arrow::StringArray>(*lists.values());
    text_ += '[';
    for (std::int64_t k = lists.value_offset(row); k < lists.value_offset(row + 1); ++k) {
      if (k > lists.value_offset(row)) text_ += ',';
      if (items.IsNull(k)) {
        text_ += "null";
      } else {
        append_string(text_, items.GetView(k));
      }
    }
    text_ += ']';
  }

  static void append_string(std::string& out, std::string_view text) {
    static constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (c == '\n') {
        out += "\\n";
      } else if (byte < 0x20) {
        out += "\\u00";
        out += digits[byte >> 4U];
        out += digits[byte & 15U];
      } else {
        out += c;
      }
    }
    out += '"';
  }

  std::vector<std::string> keys_;
};

}  // namespace

std::unique_ptr<GroupWriter> csv_writer(Output& output, const WriteOptions& options) { return std::make_unique<CsvWriter>(output, options); }

std::unique_ptr<GroupWriter> jsonl_writer(Output& output) { return std::make_unique<JsonWriter>(output); }

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Private to the table room: the bytes of a CSV file before Arrow parses them. The header line is taken off (so that names
// are known before types are inferred), blanks around fields and suffixes are removed when asked, and the rest is handed out
// in pieces that end where a record ends.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "table/readers.h"

namespace plimsoll {

// Removes blanks around fields and the suffixes of named columns. Works on pieces of any size.
class FieldCleaner {
 public:
  FieldCleaner(char delimiter, bool trim, std::vector<std::string> suffixes)
      : delimiter_(delimiter), trim_(trim), suffixes_(std::move(suffixes)) {}
  void feed(std::string_view in, std::string& out);
  void finish(std::string& out);  // the end of the file ends the last field

 private:
  void end_field(std::string& out);
  char delimiter_;
  bool trim_;
  std::vector<std::string> suffixes_;  // by column, empty for none
  std::string field_;
  std::size_t column_ = 0;
  bool quoted_ = false;     // the field began with a quote
  bool in_quotes_ = false;
};

class CsvText {
 public:
  static Result<CsvText> open(const Source& source, const ReadOptions& options);

  const std::vector<std::string>& names() const { return names_; }
  bool any_rows() const { return any_rows_; }
  // At most about `size` bytes that end with a record (longer when one record is longer); empty at the end.
  Result<std::string> piece(std::int64_t size);
  // Up to `size` bytes, wherever they end; empty at the end.
  Result<std::string> bytes(std::int64_t size);

 private:
  Result<void> take_header(const ReadOptions& options);
  Result<void> find_rows();
  Result<bool> pull(std::int64_t size);  // more bytes into ready_; false at the end

  std::shared_ptr<arrow::io::InputStream> stream_;
  char delimiter_ = ',';
  std::unique_ptr<FieldCleaner> cleaner_;
  std::vector<std::string> names_;
  std::string ready_;
  bool any_rows_ = false;
  bool ended_ = false;
};

// The end of the last whole record in `text` (one past its line end), or npos. Quotes may hold line ends.
std::size_t last_record_end(std::string_view text);
// The one-based line where data row `row` (zero-based) begins; -1 when it is not found.
std::int64_t line_of_row(const Source& source, const ReadOptions& options, std::int64_t row);
// The first row whose number of fields is not `fields`: its line and its number of fields; {-1, -1} when there is none.
struct RaggedRow {
  std::int64_t line = -1;
  std::int64_t fields = -1;
};
RaggedRow find_ragged_row(const Source& source, const ReadOptions& options, std::int64_t fields);

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Private to the table room: where bytes come from, and one reader for each format.

#include <arrow/io/interfaces.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "table/arrow_table.h"
#include "table/file_format.h"

namespace plimsoll {

// A file, a block of memory, or standard input. `name` stands in errors.
struct Source {
  std::string name;
  std::filesystem::path path;
  std::shared_ptr<arrow::Buffer> memory;            // when set, the bytes themselves
  std::shared_ptr<arrow::io::InputStream> pipe;     // when set, read once

  bool once() const { return pipe != nullptr; }
  Result<std::shared_ptr<arrow::io::RandomAccessFile>> open_file() const;
  Result<std::shared_ptr<arrow::io::InputStream>> open_stream() const;
};

// Standard input; its first bytes can be looked at before it is read.
std::shared_ptr<arrow::io::InputStream> standard_input();

// Cuts what a format's reader yields into batches of at most `batch_rows` rows with roles.
class ReaderStream : public TableStream {
 public:
  const std::vector<ColumnInfo>& columns() const override { return columns_; }
  Result<std::optional<Table>> next() override;
  Result<void> rewind() override;

 protected:
  ReaderStream(Source source, ReadOptions options) : source_(std::move(source)), options_(std::move(options)) {}

  virtual Result<std::shared_ptr<arrow::Table>> read_chunk() = 0;  // null at the end
  virtual Result<void> restart() = 0;                              // reads from the start again
  Result<void> set_schema(std::shared_ptr<arrow::Schema> file_schema);
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }

  Source source_;
  ReadOptions options_;

 private:
  Result<std::shared_ptr<arrow::Table>> admitted_chunk(std::shared_ptr<arrow::Table> chunk) const;

  std::shared_ptr<arrow::Schema> file_schema_;
  std::shared_ptr<arrow::Schema> schema_;  // the columns asked for, with admitted types
  std::vector<int> chosen_;
  std::vector<ColumnInfo> columns_;
  Table waiting_;
};

Result<std::unique_ptr<TableStream>> open_csv(Source source, ReadOptions options);
Result<std::unique_ptr<TableStream>> open_parquet(Source source, ReadOptions options);
Result<std::unique_ptr<TableStream>> open_jsonl(Source source, ReadOptions options);
Result<std::unique_ptr<TableStream>> open_arrow(Source source, ReadOptions options);

// The whole at once: CSV and JSONL take every row into account when they infer types.
Result<Table> read_csv(const Source& source, const ReadOptions& options);
Result<Table> read_parquet(const Source& source, const ReadOptions& options);
Result<Table> read_jsonl(const Source& source, const ReadOptions& options);
Result<Table> read_arrow(const Source& source, const ReadOptions& options);

// Keeps `columns` in that order (all when empty); `missing_column` otherwise.
Result<std::vector<int>> chosen_columns(const arrow::Schema& schema, const std::vector<std::string>& columns);
// admit() and `options.columns`.
Result<Table> finish_whole(std::shared_ptr<arrow::Table> table, const ReadOptions& options);

// Rows of a batch so that one takes at most a sixteenth of the memory allowed.
std::int64_t batch_rows_within(const ReadOptions& options, int columns);
// Gives memory that Arrow's pool keeps for later back to the system when memory is limited.
void release_memory(const ReadOptions& options);

}  // namespace plimsoll

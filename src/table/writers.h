// SPDX-License-Identifier: Apache-2.0
#pragma once

// Private to the table room: where written bytes go, and one writer for each format.

#include <arrow/io/interfaces.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "table/arrow_table.h"
#include "table/file_format.h"

namespace plimsoll {

// A file that appears whole at commit(), or standard output.
class Output {
 public:
  virtual ~Output() = default;
  virtual Result<void> write(std::string_view bytes) = 0;
  virtual Result<void> commit() = 0;
};

// Arrow's writers speak to us through this; what went wrong is kept as our own error (a full disk stays `no_disk`).
class ArrowOutput final : public arrow::io::OutputStream {
 public:
  explicit ArrowOutput(Output& output) : output_(output) {}
  arrow::Status Close() override;
  bool closed() const override { return closed_; }
  arrow::Result<std::int64_t> Tell() const override { return position_; }
  arrow::Status Write(const void* data, std::int64_t nbytes) override;
  using arrow::io::OutputStream::Write;
  // The kept error, else what Arrow said.
  Error error(const arrow::Status& status, std::string what) const;

 private:
  Output& output_;
  std::int64_t position_ = 0;
  bool closed_ = false;
  std::optional<Error> error_;
};

// Writes groups of rows of one schema (plain types, one chunk a column).
class GroupWriter {
 public:
  virtual ~GroupWriter() = default;
  virtual Result<void> begin(const std::shared_ptr<arrow::Schema>& schema) = 0;
  virtual Result<void> group(const std::shared_ptr<arrow::Table>& table) = 0;
  virtual Result<void> end() = 0;
};

std::unique_ptr<GroupWriter> csv_writer(Output& output, const WriteOptions& options);
std::unique_ptr<GroupWriter> jsonl_writer(Output& output);
std::unique_ptr<GroupWriter> parquet_writer(Output& output);
std::unique_ptr<GroupWriter> ipc_writer(Output& output, bool as_stream);

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
// Sinks: rows are gathered into groups whose size depends on the columns alone, so that the bytes written do not depend on the
// batches they came in.
#include "table/writers.h"

#include <arrow/chunked_array.h>
#include <arrow/status.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "table/suffix.h"

namespace plimsoll {
namespace {

class FileOutput final : public Output {
 public:
  explicit FileOutput(AtomicFile file) : file_(std::move(file)) {}
  Result<void> write(std::string_view bytes) override { return file_.write(bytes); }
  Result<void> commit() override { return file_.commit(); }

 private:
  AtomicFile file_;
};

class StandardOutput final : public Output {
 public:
  Result<void> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t count = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return file_error(errno, "standard output", "writing");
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }
  Result<void> commit() override { return {}; }
};

// About 32 MiB of numbers a group, and at most 131,072 rows.
std::int64_t group_rows_for(int columns) {
  return std::clamp<std::int64_t>((std::int64_t{1} << 22) / std::max(columns, 1), 1024, 131072);
}

class FileSink final : public TableSink {
 public:
  FileSink(std::unique_ptr<Output> output, std::unique_ptr<GroupWriter> writer) : output_(std::move(output)), writer_(std::move(writer)) {}

  Result<void> write(const Table& batch) override {
    if (batch.rows() == 0) {
      if (!empty_.has_value()) empty_ = batch;
      return {};
    }
    if (schema_ == nullptr) PLIMSOLL_CHECK(begin(batch));
    PLIMSOLL_TRY(auto plain, conform(batch.impl().table, schema_));
    waiting_.push_back(wrap(std::move(plain)));
    waiting_rows_ += batch.rows();
    while (waiting_rows_ >= group_rows_) PLIMSOLL_CHECK(emit(group_rows_));
    return {};
  }

  Result<void> finish() override {
    if (schema_ == nullptr) PLIMSOLL_CHECK(begin(empty_.value_or(Table())));
    if (waiting_rows_ > 0) PLIMSOLL_CHECK(emit(waiting_rows_));
    PLIMSOLL_CHECK(writer_->end());
    return output_->commit();
  }

 private:
  Result<void> begin(const Table& batch) {
    arrow::FieldVector fields;
    for (const auto& field : batch.impl().table->schema()->fields()) fields.push_back(arrow::field(field->name(), plain_type(field->type())));
    schema_ = arrow::schema(std::move(fields));
    group_rows_ = group_rows_for(schema_->num_fields());
    return writer_->begin(schema_);
  }

  Result<void> emit(std::int64_t rows) {
    PLIMSOLL_TRY(const Table all, Table::concatenate(waiting_));
    auto combined = all.slice(0, rows).impl().table->CombineChunks();
    if (!combined.ok()) return arrow_error(combined.status(), ErrorCode::no_memory);
    waiting_.clear();
    waiting_rows_ -= rows;
    if (waiting_rows_ > 0) waiting_.push_back(all.slice(rows, waiting_rows_));
    return writer_->group(*combined);
  }

  std::unique_ptr<Output> output_;
  std::unique_ptr<GroupWriter> writer_;
  std::optional<Table> empty_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<Table> waiting_;
  std::int64_t waiting_rows_ = 0;
  std::int64_t group_rows_ = 0;
};

Result<std::unique_ptr<Output>> open_output(const std::filesystem::path& path) {
  if (path == "-") return std::unique_ptr<Output>(std::make_unique<StandardOutput>());
  PLIMSOLL_TRY(AtomicFile file, AtomicFile::create(path));
  return std::unique_ptr<Output>(std::make_unique<FileOutput>(std::move(file)));
}

}  // namespace

arrow::Status ArrowOutput::Close() {
  closed_ = true;
  return arrow::Status::OK();
}

arrow::Status ArrowOutput::Write(const void* data, std::int64_t nbytes) {
  auto written = output_.write({static_cast<const char*>(data), static_cast<std::size_t>(nbytes)});
  if (!written.ok()) {
    if (!error_.has_value()) error_ = written.error();
    return arrow::Status::IOError(written.error().what);
  }
  position_ += nbytes;
  return arrow::Status::OK();
}

Error ArrowOutput::error(const arrow::Status& status, std::string what) const {
  if (error_.has_value()) return *error_;
  Error error = arrow_error(status, ErrorCode::wrong_type, "Write another format, or leave the column out.");
  error.what = std::move(what) + ": " + error.what;
  return error;
}

Result<std::unique_ptr<TableSink>> create_table(const std::filesystem::path& path, const WriteOptions& options) {
  std::optional<FileFormat> format = options.format;
  if (!format.has_value()) format = path == "-" ? FileFormat::csv : format_of_suffix(path);
  if (!format.has_value()) {
    return Error(ErrorCode::bad_parameter, "the suffix of '" + path.filename().string() + "' is not that of a table",
                 "Use .csv .tsv .parquet .jsonl .ndjson .arrow .feather or .ipc.")
        .in_file(path.string());
  }
  if (*format == FileFormat::netcdf || *format == FileFormat::grib) {
    return Error(ErrorCode::bad_parameter, "netCDF and GRIB are read, not written", "Write .parquet, .csv, .jsonl or .arrow.").in_file(path.string());
  }
  WriteOptions chosen = options;
  if (chosen.delimiter == ',' && path.extension() == ".tsv") chosen.delimiter = '\t';
  PLIMSOLL_TRY(auto output, open_output(path));
  std::unique_ptr<GroupWriter> writer;
  switch (*format) {
    case FileFormat::csv: writer = csv_writer(*output, chosen); break;
    case FileFormat::jsonl: writer = jsonl_writer(*output); break;
    case FileFormat::parquet: writer = parquet_writer(*output); break;
    case FileFormat::arrow: writer = ipc_writer(*output, path == "-"); break;
    case FileFormat::netcdf:
    case FileFormat::grib: break;  // refused above
  }
  return std::unique_ptr<TableSink>(std::make_unique<FileSink>(std::move(output), std::move(writer)));
}

Result<void> write_table(const Table& table, const std::filesystem::path& path, const WriteOptions& options) {
  PLIMSOLL_TRY(auto sink, create_table(path, options));
  PLIMSOLL_CHECK(sink->write(table));
  return sink->finish();
}

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#include "table/interchange.h"

#include <arrow/array/array_base.h>
#include <arrow/c/abi.h>
#include <arrow/c/bridge.h>
#include <arrow/chunked_array.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>

#include "table/readers.h"

namespace plimsoll {
namespace {

class ImportedStream final : public ReaderStream {
 public:
  explicit ImportedStream(std::shared_ptr<arrow::RecordBatchReader> reader)
      : ReaderStream(Source{}, ReadOptions{}), reader_(std::move(reader)) {}

  Result<void> restart() override { return set_schema(reader_->schema()->RemoveMetadata()); }
  Result<void> rewind() override {
    return Error(ErrorCode::bad_parameter, "a stream handed over by another program can be read only once, and this work reads its table twice",
                 "Hand over a table, or write it to a file first.");
  }

 protected:
  Result<std::shared_ptr<arrow::Table>> read_chunk() override {
    std::shared_ptr<arrow::RecordBatch> batch;
    if (const arrow::Status status = reader_->ReadNext(&batch); !status.ok()) {
      return arrow_error(status, ErrorCode::bad_document, "The program that hands over the table failed.");
    }
    if (batch == nullptr) return std::shared_ptr<arrow::Table>();
    if (const arrow::Status status = batch->Validate(); !status.ok()) {
      return arrow_error(status, ErrorCode::bad_document, "The program that hands over the table made an invalid batch.");
    }
    auto table = arrow::Table::FromRecordBatches({batch});
    if (!table.ok()) return arrow_error(table.status(), ErrorCode::bad_document);
    return *table;
  }

 private:
  std::shared_ptr<arrow::RecordBatchReader> reader_;
};

// A TableStream as Arrow's reader. The first batch is read before, because it settles the schema.
class ExportedStream final : public arrow::RecordBatchReader {
 public:
  ExportedStream(std::unique_ptr<TableStream> stream, Table first) : stream_(std::move(stream)), first_(std::move(first)) {
    schema_ = first_->impl().table->schema();
  }
  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    while (true) {
      if (batches_ != nullptr) {
        ARROW_RETURN_NOT_OK(batches_->ReadNext(batch));
        if (*batch != nullptr) return arrow::Status::OK();
      }
      ARROW_ASSIGN_OR_RAISE(table_, next_table());
      if (table_ == nullptr) {
        *batch = nullptr;
        batches_.reset();
        return arrow::Status::OK();
      }
      batches_ = std::make_unique<arrow::TableBatchReader>(*table_);
    }
  }

 private:
  arrow::Result<std::shared_ptr<arrow::Table>> next_table() {
    std::optional<Table> next;
    if (first_.has_value()) {
      next = std::exchange(first_, std::nullopt);
    } else {
      auto read = stream_->next();
      if (!read.ok()) return arrow::Status::Invalid(read.error().message());
      next = std::move(*read);
    }
    if (!next.has_value()) return std::shared_ptr<arrow::Table>();
    auto table = conform(next->impl().table, schema_);
    if (!table.ok()) return arrow::Status::Invalid(table.error().message());
    return *table;
  }

  std::unique_ptr<TableStream> stream_;
  std::optional<Table> first_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::Table> table_;
  std::unique_ptr<arrow::TableBatchReader> batches_;  // views table_
};

}  // namespace

Result<std::unique_ptr<TableStream>> import_stream(ArrowArrayStream* stream) {
  if (stream == nullptr || stream->release == nullptr) {
    return Error(ErrorCode::wrong_kind, "the Arrow stream was released already", "Hand over a fresh stream.");
  }
  auto reader = arrow::ImportRecordBatchReader(stream);
  if (!reader.ok()) {
    // On failure Arrow leaves the stream to us.
    if (stream->release != nullptr) stream->release(stream);
    return arrow_error(reader.status(), ErrorCode::wrong_type, "Bring the columns to numbers, text, lists of text or times.");
  }
  auto imported = std::make_unique<ImportedStream>(*reader);
  PLIMSOLL_CHECK(imported->restart());
  return std::unique_ptr<TableStream>(std::move(imported));
}

Result<void> export_stream(std::unique_ptr<TableStream> stream, ArrowArrayStream* out) {
  PLIMSOLL_TRY(std::optional<Table> first, stream->next());
  Table batch = first.has_value() ? std::move(*first) : no_rows(stream->columns());
  auto reader = std::make_shared<ExportedStream>(std::move(stream), std::move(batch));
  const arrow::Status status = arrow::ExportRecordBatchReader(std::move(reader), out);
  if (!status.ok()) return arrow_error(status, ErrorCode::internal);
  return {};
}

}  // namespace plimsoll

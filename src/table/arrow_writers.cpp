// SPDX-License-Identifier: Apache-2.0
// Parquet and Arrow IPC. Nothing that changes from run to run goes into the file: no time, no version of ours.
#include <arrow/ipc/options.h>
#include <arrow/ipc/writer.h>
#include <arrow/memory_pool.h>
#include <arrow/status.h>
#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include "table/writers.h"

namespace plimsoll {
namespace {

class ParquetWriter final : public GroupWriter {
 public:
  explicit ParquetWriter(Output& output) : output_(std::make_shared<ArrowOutput>(output)) {}

  Result<void> begin(const std::shared_ptr<arrow::Schema>& schema) override {
    parquet::WriterProperties::Builder properties;
    properties.created_by("plimsoll")->compression(parquet::Compression::SNAPPY);
    auto writer = parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), output_, properties.build(),
                                                   parquet::ArrowWriterProperties::Builder().build());
    if (!writer.ok()) return output_->error(writer.status(), "the table cannot be written as Parquet");
    writer_ = std::move(*writer);
    return {};
  }
  Result<void> group(const std::shared_ptr<arrow::Table>& table) override {
    return checked(writer_->WriteTable(*table, table->num_rows()));
  }
  Result<void> end() override { return checked(writer_->Close()); }

 private:
  Result<void> checked(const arrow::Status& status) const {
    if (status.ok()) return {};
    return output_->error(status, "writing Parquet failed");
  }
  std::shared_ptr<ArrowOutput> output_;
  std::unique_ptr<parquet::arrow::FileWriter> writer_;
};

class IpcWriter final : public GroupWriter {
 public:
  IpcWriter(Output& output, bool as_stream) : output_(std::make_shared<ArrowOutput>(output)), as_stream_(as_stream) {}

  Result<void> begin(const std::shared_ptr<arrow::Schema>& schema) override {
    auto options = arrow::ipc::IpcWriteOptions::Defaults();
    options.use_threads = false;
    auto writer = as_stream_ ? arrow::ipc::MakeStreamWriter(output_, schema, options) : arrow::ipc::MakeFileWriter(output_, schema, options);
    if (!writer.ok()) return output_->error(writer.status(), "the table cannot be written as Arrow");
    writer_ = *writer;
    return {};
  }
  Result<void> group(const std::shared_ptr<arrow::Table>& table) override { return checked(writer_->WriteTable(*table)); }
  Result<void> end() override { return checked(writer_->Close()); }

 private:
  Result<void> checked(const arrow::Status& status) const {
    if (status.ok()) return {};
    return output_->error(status, "writing Arrow failed");
  }
  std::shared_ptr<ArrowOutput> output_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
  bool as_stream_;
};

}  // namespace

std::unique_ptr<GroupWriter> parquet_writer(Output& output) { return std::make_unique<ParquetWriter>(output); }

std::unique_ptr<GroupWriter> ipc_writer(Output& output, bool as_stream) { return std::make_unique<IpcWriter>(output, as_stream); }

}  // namespace plimsoll

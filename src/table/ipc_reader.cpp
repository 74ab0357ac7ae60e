// SPDX-License-Identifier: Apache-2.0
// Arrow IPC: files (Feather version 2) and streams. Every batch is validated in full: offsets and codes in a file are whatever
// its writer wanted them to be.
#include <arrow/buffer.h>
#include <arrow/chunked_array.h>
#include <arrow/ipc/options.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>

#include <new>

#include "table/readers.h"

namespace plimsoll {
namespace {

constexpr std::string_view file_magic = "ARROW1";
const char* const damaged = "The file is truncated or damaged; write it again.";

Error ipc_error(const arrow::Status& status, const Source& source) {
  Error error = arrow_error(status, ErrorCode::corrupt_file, damaged);
  return std::move(error).in_file(source.name);
}

class IpcStream final : public ReaderStream {
 public:
  IpcStream(Source source, ReadOptions options) : ReaderStream(std::move(source), std::move(options)) {}

  Result<void> restart() override {
    file_ = nullptr;
    stream_ = nullptr;
    at_ = 0;
    try {
      return source_.once() ? open_pipe() : open_seekable();
    } catch (const std::exception& exception) {
      return Error(ErrorCode::corrupt_file, exception.what(), damaged).in_file(source_.name);
    }
  }

 protected:
  Result<std::shared_ptr<arrow::Table>> read_chunk() override {
    try {
      return read_batch();
    } catch (const std::exception& exception) {
      return Error(ErrorCode::corrupt_file, exception.what(), damaged).in_file(source_.name);
    }
  }

 private:
  static arrow::ipc::IpcReadOptions read_options() {
    auto options = arrow::ipc::IpcReadOptions::Defaults();
    options.use_threads = false;
    return options;
  }

  Result<void> take_schema(const std::shared_ptr<arrow::Schema>& file_schema) {
    if (schema() != nullptr) return {};
    return set_schema(file_schema->RemoveMetadata());
  }

  Result<void> open_stream(const std::shared_ptr<arrow::io::InputStream>& input) {
    auto reader = arrow::ipc::RecordBatchStreamReader::Open(input, read_options());
    if (!reader.ok()) return ipc_error(reader.status(), source_);
    stream_ = *reader;
    return take_schema(stream_->schema());
  }

  // The file form is its magic, two bytes of padding, then the stream form: a pipe needs no footer.
  Result<void> open_pipe() {
    auto head = source_.pipe->Peek(8);
    if (!head.ok()) return ipc_error(head.status(), source_);
    if (head->starts_with(file_magic)) {
      auto skipped = source_.pipe->Read(8);
      if (!skipped.ok()) return ipc_error(skipped.status(), source_);
    }
    return open_stream(source_.pipe);
  }

  Result<void> open_seekable() {
    PLIMSOLL_TRY(auto input, source_.open_file());
    auto head = input->ReadAt(0, static_cast<std::int64_t>(file_magic.size()));
    if (!head.ok()) return ipc_error(head.status(), source_);
    const std::string_view text(reinterpret_cast<const char*>((*head)->data()), static_cast<std::size_t>((*head)->size()));
    if (text.empty()) return Error(ErrorCode::bad_document, "the file is empty", "Give the right file.").in_file(source_.name);
    if (text.starts_with("FEA1")) {
      return Error(ErrorCode::bad_document, "the file is of Feather version 1", "Write it again as version 2, or as Parquet.").in_file(source_.name);
    }
    if (text != file_magic) return open_stream(input);
    auto reader = arrow::ipc::RecordBatchFileReader::Open(input, read_options());
    if (!reader.ok()) return ipc_error(reader.status(), source_);
    file_ = *reader;
    return take_schema(file_->schema());
  }

  Result<std::shared_ptr<arrow::Table>> read_batch() {
    std::shared_ptr<arrow::RecordBatch> batch;
    if (file_ != nullptr) {
      if (at_ >= file_->num_record_batches()) return std::shared_ptr<arrow::Table>();
      auto read = file_->ReadRecordBatch(at_++);
      if (!read.ok()) return ipc_error(read.status(), source_);
      batch = *read;
    } else {
      const arrow::Status status = stream_->ReadNext(&batch);
      if (!status.ok()) return ipc_error(status, source_);
      if (batch == nullptr) return std::shared_ptr<arrow::Table>();
    }
    if (const arrow::Status status = batch->ValidateFull(); !status.ok()) return ipc_error(status, source_);
    auto table = arrow::Table::FromRecordBatches({batch});
    if (!table.ok()) return ipc_error(table.status(), source_);
    return *table;
  }

  std::shared_ptr<arrow::ipc::RecordBatchFileReader> file_;
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> stream_;
  int at_ = 0;
};

}  // namespace

Result<std::unique_ptr<TableStream>> open_arrow(Source source, ReadOptions options) {
  auto stream = std::make_unique<IpcStream>(std::move(source), std::move(options));
  PLIMSOLL_CHECK(stream->restart());
  return std::unique_ptr<TableStream>(std::move(stream));
}

Result<Table> read_arrow(const Source& source, const ReadOptions& options) {
  PLIMSOLL_TRY(auto stream, open_arrow(source, options));
  return read_all(*stream);
}

}  // namespace plimsoll

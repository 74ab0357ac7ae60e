// SPDX-License-Identifier: Apache-2.0
// What the readers of all formats share: sources of bytes, batches, the choice of columns.
#include "table/readers.h"

#include <arrow/buffer.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/status.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"

namespace plimsoll {
namespace {

class StandardInput final : public arrow::io::InputStream {
 public:
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<std::int64_t> Tell() const override { return position_; }

  arrow::Result<std::int64_t> Read(std::int64_t nbytes, void* out) override {
    auto* at = static_cast<std::uint8_t*>(out);
    std::int64_t done = 0;
    const auto kept = std::min<std::int64_t>(nbytes, static_cast<std::int64_t>(ahead_.size()));
    std::copy_n(ahead_.data(), kept, at);
    ahead_.erase(0, static_cast<std::size_t>(kept));
    done += kept;
    ARROW_ASSIGN_OR_RAISE(const std::int64_t more, fill(at + done, nbytes - done));
    position_ += done + more;
    return done + more;
  }

  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(std::int64_t nbytes) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(nbytes));
    ARROW_ASSIGN_OR_RAISE(const std::int64_t count, Read(nbytes, buffer->mutable_data()));
    ARROW_RETURN_NOT_OK(buffer->Resize(count, false));
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }

  arrow::Result<std::string_view> Peek(std::int64_t nbytes) override {
    const std::size_t had = ahead_.size();
    if (static_cast<std::int64_t>(had) < nbytes) {
      ahead_.resize(static_cast<std::size_t>(nbytes));
      auto count = fill(reinterpret_cast<std::uint8_t*>(ahead_.data()) + had, nbytes - static_cast<std::int64_t>(had));
      ahead_.resize(had + static_cast<std::size_t>(count.ValueOr(0)));
      ARROW_RETURN_NOT_OK(count.status());
    }
    return std::string_view(ahead_).substr(0, static_cast<std::size_t>(nbytes));
  }

 private:
  static arrow::Result<std::int64_t> fill(std::uint8_t* out, std::int64_t nbytes) {
    std::int64_t done = 0;
    while (done < nbytes) {
      const ssize_t count = ::read(STDIN_FILENO, out + done, static_cast<std::size_t>(nbytes - done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return arrow::Status::IOError("reading standard input failed");
      if (count == 0) break;
      done += count;
    }
    return done;
  }

  std::string ahead_;
  std::int64_t position_ = 0;
  bool closed_ = false;
};

}  // namespace

std::shared_ptr<arrow::io::InputStream> standard_input() { return std::make_shared<StandardInput>(); }

Result<std::shared_ptr<arrow::io::RandomAccessFile>> Source::open_file() const {
  if (memory != nullptr) return std::shared_ptr<arrow::io::RandomAccessFile>(std::make_shared<arrow::io::BufferReader>(memory));
  errno = 0;
  auto file = arrow::io::ReadableFile::Open(path.string());
  if (!file.ok()) return file_error(errno == 0 ? EIO : errno, path, "opening");
  return std::shared_ptr<arrow::io::RandomAccessFile>(*file);
}

Result<std::shared_ptr<arrow::io::InputStream>> Source::open_stream() const {
  if (pipe != nullptr) return pipe;
  PLIMSOLL_TRY(auto file, open_file());
  return std::shared_ptr<arrow::io::InputStream>(std::move(file));
}

Result<std::vector<int>> chosen_columns(const arrow::Schema& schema, const std::vector<std::string>& columns) {
  std::vector<int> chosen;
  if (columns.empty()) {
    for (int i = 0; i < schema.num_fields(); ++i) chosen.push_back(i);
    return chosen;
  }
  for (const std::string& name : columns) {
    const int i = schema.GetFieldIndex(name);
    if (i < 0) {
      std::vector<std::string> near = nearest_names(name, schema.field_names());
      const std::string mend = near.empty() ? "Name columns that the file has." : "Did you mean '" + near.front() + "'?";
      return Error(ErrorCode::missing_column, "the file has no column '" + name + "'", mend).in_column(name).with_candidates(std::move(near));
    }
    if (std::find(chosen.begin(), chosen.end(), i) != chosen.end()) {
      return Error(ErrorCode::bad_parameter, "column '" + name + "' is named twice", "Name each column once.").in_column(name);
    }
    chosen.push_back(i);
  }
  return chosen;
}

Result<Table> finish_whole(std::shared_ptr<arrow::Table> table, const ReadOptions& options) {
  PLIMSOLL_TRY(auto admitted, admit(std::move(table)));
  Table whole = wrap(std::move(admitted));
  if (options.columns.empty()) return whole;
  PLIMSOLL_CHECK(chosen_columns(*whole.impl().table->schema(), options.columns));
  return whole.select(options.columns);
}

std::int64_t batch_rows_within(const ReadOptions& options, int columns) {
  std::int64_t rows = std::max<std::int64_t>(options.batch_rows, 1);
  if (options.memory_bytes > 0) {
    const std::int64_t row_bytes = 8 * std::max<std::int64_t>(columns, 1);
    rows = std::clamp<std::int64_t>(options.memory_bytes / 16 / row_bytes, 1, rows);
  }
  return rows;
}

void release_memory(const ReadOptions& options) {
  if (options.memory_bytes > 0) arrow::default_memory_pool()->ReleaseUnused();
}

Result<void> ReaderStream::set_schema(std::shared_ptr<arrow::Schema> file_schema) {
  PLIMSOLL_CHECK(check_names(*file_schema));
  PLIMSOLL_TRY(chosen_, chosen_columns(*file_schema, options_.columns));
  file_schema_ = std::move(file_schema);
  const auto admitted = admitted_schema(*file_schema_);
  arrow::FieldVector fields;
  for (const int i : chosen_) fields.push_back(admitted->field(i));
  schema_ = arrow::schema(std::move(fields));
  columns_ = column_infos(*schema_);
  return {};
}

Result<std::shared_ptr<arrow::Table>> ReaderStream::admitted_chunk(std::shared_ptr<arrow::Table> chunk) const {
  if (chunk->num_columns() != schema_->num_fields() || chunk->schema()->field_names() != schema_->field_names()) {
    arrow::FieldVector fields;
    arrow::ChunkedArrayVector arrays;
    for (const auto& field : schema_->fields()) {
      const int i = chunk->schema()->GetFieldIndex(field->name());
      if (i < 0) return Error(ErrorCode::missing_column, "the file has no column '" + field->name() + "' any more", "Write the file again.").in_column(field->name());
      fields.push_back(chunk->field(i));
      arrays.push_back(chunk->column(i));
    }
    chunk = arrow::Table::Make(arrow::schema(std::move(fields)), std::move(arrays), chunk->num_rows());
  }
  return conform(std::move(chunk), schema_);
}

Result<std::optional<Table>> ReaderStream::next() {
  while (waiting_.rows() == 0) {
    waiting_ = Table();
    release_memory(options_);
    auto chunk = read_chunk();
    if (!chunk.ok()) {
      Error error = std::move(chunk).error();
      return std::move(error).in_file(source_.name);
    }
    if (*chunk == nullptr) return std::optional<Table>();
    auto admitted = admitted_chunk(std::move(*chunk));
    if (!admitted.ok()) {
      Error error = std::move(admitted).error();
      return std::move(error).in_file(source_.name);
    }
    waiting_ = wrap(std::move(*admitted));
  }
  const std::int64_t rows = batch_rows_within(options_, static_cast<int>(columns_.size()));
  Table batch = waiting_.slice(0, rows).with_roles(roles_);
  waiting_ = waiting_.slice(rows, waiting_.rows());
  if (waiting_.rows() == 0) waiting_ = Table();
  return std::optional<Table>(std::move(batch));
}

Result<void> ReaderStream::rewind() {
  if (source_.once()) {
    return Error(ErrorCode::bad_parameter, "standard input can be read only once, and this work reads its table twice", "Write it to a file first.");
  }
  waiting_ = Table();
  return restart();
}

}  // namespace plimsoll

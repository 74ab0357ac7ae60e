// SPDX-License-Identifier: Apache-2.0
// Streams over tables in memory, and the cutting and gathering of batches.
#include <algorithm>
#include <deque>
#include <utility>

#include "table/arrow_table.h"
#include "table/table.h"

namespace plimsoll {
namespace {

class MemoryStream final : public TableStream {
 public:
  MemoryStream(Table table, std::int64_t batch_rows) : table_(std::move(table)), batch_rows_(std::max<std::int64_t>(batch_rows, 1)) {
    roles_ = table_.roles();
  }
  const std::vector<ColumnInfo>& columns() const override { return table_.columns(); }
  std::int64_t rows_hint() const override { return table_.rows(); }
  Result<std::optional<Table>> next() override {
    if (at_ >= table_.rows()) return std::optional<Table>();
    Table batch = table_.slice(at_, batch_rows_).with_roles(roles_);
    at_ += batch.rows();
    return std::optional<Table>(std::move(batch));
  }
  Result<void> rewind() override {
    at_ = 0;
    return {};
  }

 private:
  Table table_;
  std::int64_t batch_rows_;
  std::int64_t at_ = 0;
};

class RebatchStream final : public TableStream {
 public:
  RebatchStream(std::shared_ptr<TableStream> stream, std::int64_t batch_rows)
      : stream_(std::move(stream)), batch_rows_(std::max<std::int64_t>(batch_rows, 1)) {
    roles_ = stream_->roles();
  }
  const std::vector<ColumnInfo>& columns() const override { return stream_->columns(); }
  std::int64_t rows_hint() const override { return stream_->rows_hint(); }
  Result<std::optional<Table>> next() override {
    while (!ended_ && waiting_rows_ < batch_rows_) {
      PLIMSOLL_TRY(std::optional<Table> batch, stream_->next());
      if (!batch.has_value()) {
        ended_ = true;
      } else if (batch->rows() > 0) {
        waiting_rows_ += batch->rows();
        waiting_.push_back(std::move(*batch));
      } else if (at_ == 0 && !empty_.has_value()) {
        empty_ = std::move(*batch);
      }
    }
    // A source without rows still says its columns, once.
    if (waiting_rows_ == 0) return at_ == 0 ? std::exchange(empty_, std::nullopt) : std::optional<Table>();
    PLIMSOLL_TRY(Table batch, gather(std::min(batch_rows_, waiting_rows_)));
    batch = batch.with_roles(roles_).with_first_row(at_);
    at_ += batch.rows();
    return std::optional<Table>(std::move(batch));
  }
  Result<void> rewind() override {
    at_ = 0;
    empty_.reset();
    waiting_.clear();
    waiting_rows_ = 0;
    ended_ = false;
    return stream_->rewind();
  }

 private:
  Result<Table> gather(std::int64_t rows) {
    std::vector<Table> parts;
    waiting_rows_ -= rows;
    while (rows > 0) {
      Table& front = waiting_.front();
      if (front.rows() <= rows) {
        rows -= front.rows();
        parts.push_back(std::move(front));
        waiting_.pop_front();
      } else {
        parts.push_back(front.slice(0, rows));
        front = front.slice(rows, front.rows() - rows);
        rows = 0;
      }
    }
    return Table::concatenate(parts);
  }

  std::shared_ptr<TableStream> stream_;
  std::int64_t batch_rows_;
  std::int64_t at_ = 0;
  std::optional<Table> empty_;
  std::deque<Table> waiting_;
  std::int64_t waiting_rows_ = 0;
  bool ended_ = false;
};

class CollectSink final : public TableSink {
 public:
  explicit CollectSink(Table& table) : table_(table) {}
  Result<void> write(const Table& batch) override {
    parts_.push_back(batch);
    return {};
  }
  Result<void> finish() override {
    PLIMSOLL_TRY(table_, joined());
    parts_.clear();
    return {};
  }

 private:
  // Batches of no rows say nothing of types that the others know better.
  Result<Table> joined() const {
    std::vector<Table> filled;
    for (const Table& part : parts_) {
      if (part.rows() > 0) filled.push_back(part);
    }
    if (filled.empty()) return parts_.empty() ? Table() : parts_.front();
    return Table::concatenate(filled);
  }

  Table& table_;
  std::vector<Table> parts_;
};

}  // namespace

Table no_rows(const std::vector<ColumnInfo>& columns) {
  arrow::FieldVector fields;
  for (const ColumnInfo& column : columns) {
    std::shared_ptr<arrow::DataType> type = arrow::float64();
    switch (column.type) {
      case ColumnType::boolean: type = arrow::boolean(); break;
      case ColumnType::integer: type = arrow::int64(); break;
      case ColumnType::text: type = arrow::utf8(); break;
      case ColumnType::list_of_text: type = arrow::list(arrow::utf8()); break;
      case ColumnType::timestamp: type = arrow::timestamp(arrow::TimeUnit::MICRO); break;
      case ColumnType::real: break;
      case ColumnType::other: type = arrow::binary(); break;
    }
    fields.push_back(arrow::field(column.name, type));
  }
  arrow::ChunkedArrayVector arrays;
  for (const auto& field : fields) arrays.push_back(std::make_shared<arrow::ChunkedArray>(arrow::ArrayVector{}, field->type()));
  return wrap(arrow::Table::Make(arrow::schema(std::move(fields)), std::move(arrays), 0));
}

std::unique_ptr<TableStream> stream_of(Table table, std::int64_t batch_rows) {
  return std::make_unique<MemoryStream>(std::move(table), batch_rows);
}

std::unique_ptr<TableStream> rebatch(std::shared_ptr<TableStream> stream, std::int64_t batch_rows) {
  return std::make_unique<RebatchStream>(std::move(stream), batch_rows);
}

Result<Table> read_all(TableStream& stream) {
  std::vector<Table> parts;
  while (true) {
    PLIMSOLL_TRY(std::optional<Table> batch, stream.next());
    if (!batch.has_value()) break;
    if (batch->rows() > 0) parts.push_back(std::move(*batch));
  }
  if (parts.empty()) return no_rows(stream.columns()).with_roles(stream.roles());
  PLIMSOLL_TRY(Table whole, Table::concatenate(parts));
  return whole.with_roles(stream.roles());
}

std::unique_ptr<TableSink> collect_into(Table& table) { return std::make_unique<CollectSink>(table); }

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
// Table::take, apart because Arrow's compute headers are heavy.
#include <arrow/array/array_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/buffer.h>
#include <arrow/chunked_array.h>
#include <arrow/compute/api_vector.h>
#include <arrow/status.h>

#include <new>

#include "table/arrow_table.h"

namespace plimsoll {
namespace {

// One chunk is gathered from far faster than many, whose row must be searched for each index.
arrow::Result<std::shared_ptr<arrow::ChunkedArray>> take_column(const std::shared_ptr<arrow::ChunkedArray>& column,
                                                                const std::shared_ptr<arrow::Array>& indices) {
  std::shared_ptr<arrow::Array> whole;
  if (column->num_chunks() == 1) {
    whole = column->chunk(0);
  } else if (column->num_chunks() > 1) {
    ARROW_ASSIGN_OR_RAISE(whole, arrow::Concatenate(column->chunks()));
  } else {
    return column;
  }
  ARROW_ASSIGN_OR_RAISE(auto taken, arrow::compute::Take(*whole, *indices, arrow::compute::TakeOptions::NoBoundsCheck()));
  return std::make_shared<arrow::ChunkedArray>(std::move(taken));
}

}  // namespace

Table Table::take(std::span<const std::int64_t> rows) const {
  const auto count = static_cast<std::int64_t>(rows.size());
  auto indices = std::make_shared<arrow::Int64Array>(count, arrow::Buffer::Wrap(rows.data(), rows.size()));
  arrow::ChunkedArrayVector arrays;
  for (const auto& column : impl_->table->columns()) {
    auto taken = take_column(column, indices);
    // Only memory can fail here (text beyond 2 GiB in one column included); callers cannot go on without the rows.
    if (!taken.ok()) throw std::bad_alloc();
    arrays.push_back(std::move(*taken));
  }
  return wrap(arrow::Table::Make(impl_->table->schema(), std::move(arrays), count), impl_->roles);
}

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Private to the table room: what a Table holds, and the passages between Arrow's values and ours.

#include <arrow/table.h>
#include <arrow/type.h>

#include <memory>
#include <string>
#include <vector>

#include "table/table.h"

namespace arrow {
class RecordBatch;
}

namespace plimsoll {

struct Table::Impl {
  std::shared_ptr<arrow::Table> table;
  std::vector<ColumnInfo> columns;
  Roles roles;
  std::int64_t first_row = 0;  // in the source this was cut from
};

ColumnType column_type(const arrow::DataType& type);
std::vector<ColumnInfo> column_infos(const arrow::Schema& schema);

// Wraps a table whose types are already ours (see admit).
Table wrap(std::shared_ptr<arrow::Table> table, Roles roles = {});

// What Arrow said, as one of our errors. `fallback` for what is not plainly memory or disk.
Error arrow_error(const arrow::Status& status, ErrorCode fallback, std::string mend = {});

// The type that a column of `type` is kept as: views become plain, a column of nothing but nulls becomes real, dictionaries of
// what is not text become their values, extensions their storage. The same type when nothing is to be done.
std::shared_ptr<arrow::DataType> admitted_type(const std::shared_ptr<arrow::DataType>& type);
std::shared_ptr<arrow::Schema> admitted_schema(const arrow::Schema& schema);
Result<void> check_names(const arrow::Schema& schema);  // duplicates are `bad_value`
// Brings each column to its admitted type; duplicate names are `bad_value`.
Result<std::shared_ptr<arrow::Table>> admit(std::shared_ptr<arrow::Table> table);

// Text in lists or dictionaries written out plainly, other types as they are: what is stored in files.
std::shared_ptr<arrow::DataType> plain_type(const std::shared_ptr<arrow::DataType>& type);

// Arrow's cast, safe (no overflow, no truncation).
Result<std::shared_ptr<arrow::ChunkedArray>> cast_column(const std::shared_ptr<arrow::ChunkedArray>& column,
                                                         const std::shared_ptr<arrow::DataType>& type,
                                                         const std::string& name);
// Brings `table` to `schema` (same names in the same order), casting where types differ.
Result<std::shared_ptr<arrow::Table>> conform(std::shared_ptr<arrow::Table> table, const std::shared_ptr<arrow::Schema>& schema);

// A table of no rows with these columns, for a stream whose batches never said what they hold exactly.
Table no_rows(const std::vector<ColumnInfo>& columns);

// The column, or `missing_column` with the nearest names.
Result<std::shared_ptr<arrow::ChunkedArray>> find_column(const Table::Impl& impl, std::string_view name);

// Every scalar value as text (see Categories); other types are `wrong_type`.
Result<std::shared_ptr<arrow::ChunkedArray>> as_text(const std::shared_ptr<arrow::ChunkedArray>& column, std::string_view name);

// Offsets in range, UTF-8 valid, codes within their dictionary: for data that came from outside.
Result<void> validate_text(const arrow::Table& table);
Result<void> validate_fully(const arrow::Table& table);

}  // namespace plimsoll

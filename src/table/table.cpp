// SPDX-License-Identifier: Apache-2.0
#include "table/table.h"

#include <arrow/array/array_base.h>
#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/chunked_array.h>
#include <arrow/status.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <unordered_set>

#include "table/arrow_table.h"

namespace plimsoll {
namespace {

std::vector<std::string> names_of(const std::vector<ColumnInfo>& columns) {
  std::vector<std::string> names;
  names.reserve(columns.size());
  for (const ColumnInfo& column : columns) names.push_back(column.name);
  return names;
}

int index_of(const std::vector<ColumnInfo>& columns, std::string_view name) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

Error missing_column_error(std::string_view name, const std::vector<ColumnInfo>& columns) {
  const std::vector<std::string> known = names_of(columns);
  std::vector<std::string> near = nearest_names(name, known);
  std::string mend;
  if (!near.empty()) {
    mend = "Did you mean '" + near.front() + "'?";
  } else if (known.empty()) {
    mend = "The table has no columns.";
  } else {
    mend = "The table has";
    const std::size_t shown = std::min<std::size_t>(known.size(), 12);
    for (std::size_t i = 0; i < shown; ++i) mend += (i == 0 ? " '" : ", '") + known[i] + "'";
    if (shown < known.size()) mend += " and " + std::to_string(known.size() - shown) + " more";
    mend += ".";
  }
  return Error(ErrorCode::missing_column, "the table has no column '" + std::string(name) + "'", mend)
      .in_column(std::string(name))
      .with_candidates(std::move(near));
}

std::shared_ptr<arrow::Table> table_of_no_columns(std::int64_t rows) {
  return arrow::Table::Make(arrow::schema(arrow::FieldVector{}), arrow::ChunkedArrayVector{}, rows);
}

Table with_columns(const Table::Impl& from, const std::vector<int>& indices) {
  arrow::FieldVector fields;
  arrow::ChunkedArrayVector arrays;
  for (const int i : indices) {
    fields.push_back(from.table->schema()->field(i));
    arrays.push_back(from.table->column(i));
  }
  return wrap(arrow::Table::Make(arrow::schema(std::move(fields)), std::move(arrays), from.table->num_rows()), from.roles);
}

// Buffers may be shared between columns and slices: each is counted once, whole.
void add_bytes(const arrow::ArrayData& data, std::unordered_set<const void*>& seen, std::int64_t& total) {
  for (const auto& buffer : data.buffers) {
    if (buffer != nullptr && seen.insert(buffer->data()).second) total += buffer->size();
  }
  for (const auto& child : data.child_data) add_bytes(*child, seen, total);
  if (data.dictionary != nullptr) add_bytes(*data.dictionary, seen, total);
}

// The type two parts of one column can share: equal, else both plain, else integer widened to real.
Result<std::shared_ptr<arrow::DataType>> shared_type(const std::shared_ptr<arrow::DataType>& a, const std::shared_ptr<arrow::DataType>& b,
                                                     const std::string& name) {
  if (a->Equals(*b)) return a;
  const ColumnType first = column_type(*a);
  const ColumnType second = column_type(*b);
  if (first == second) {
    switch (first) {
      case ColumnType::boolean: return arrow::boolean();
      case ColumnType::integer: return arrow::int64();
      case ColumnType::real: return arrow::float64();
      case ColumnType::text: return arrow::utf8();
      case ColumnType::list_of_text: return arrow::list(arrow::utf8());
      case ColumnType::timestamp: return arrow::timestamp(arrow::TimeUnit::MICRO);
      case ColumnType::other: break;
    }
  }
  const auto numeric = [](ColumnType t) { return t == ColumnType::integer || t == ColumnType::real; };
  if (numeric(first) && numeric(second)) return arrow::float64();
  return Error(ErrorCode::wrong_type,
               "column '" + name + "' is " + a->ToString() + " in one part and " + b->ToString() + " in another",
               "Bring both parts to one type.")
      .in_column(name);
}

}  // namespace

std::string_view name_of(ColumnType type) {
  switch (type) {
    case ColumnType::boolean: return "boolean";
    case ColumnType::integer: return "integer";
    case ColumnType::real: return "real";
    case ColumnType::text: return "text";
    case ColumnType::list_of_text: return "list of text";
    case ColumnType::timestamp: return "timestamp";
    case ColumnType::other: return "other";
  }
  return "other";
}

Table wrap(std::shared_ptr<arrow::Table> table, Roles roles) {
  auto impl = std::make_shared<Table::Impl>();
  impl->columns = column_infos(*table->schema());
  impl->table = std::move(table);
  impl->roles = std::move(roles);
  return Table(std::move(impl));
}

Table::Table() {
  auto impl = std::make_shared<Impl>();
  impl->table = table_of_no_columns(0);
  impl_ = std::move(impl);
}

Table::Table(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

std::int64_t Table::rows() const { return impl_->table->num_rows(); }

std::int64_t Table::bytes() const {
  std::unordered_set<const void*> seen;
  std::int64_t total = 0;
  for (const auto& column : impl_->table->columns()) {
    for (const auto& chunk : column->chunks()) add_bytes(*chunk->data(), seen, total);
  }
  return total;
}

const std::vector<ColumnInfo>& Table::columns() const { return impl_->columns; }

bool Table::has(std::string_view name) const { return index_of(impl_->columns, name) >= 0; }

const Roles& Table::roles() const { return impl_->roles; }

Table Table::with_roles(Roles roles) const {
  auto impl = std::make_shared<Impl>(*impl_);
  impl->roles = std::move(roles);
  return Table(std::move(impl));
}

std::int64_t Table::first_row() const { return impl_->first_row; }

Table Table::with_first_row(std::int64_t row) const {
  auto impl = std::make_shared<Impl>(*impl_);
  impl->first_row = row;
  return Table(std::move(impl));
}

Result<std::vector<std::string>> Table::role_columns(std::string_view role) const {
  const auto found = impl_->roles.find(role);
  if (found == impl_->roles.end()) return std::vector<std::string>{};
  for (const std::string& name : found->second) {
    if (!has(name)) return missing_column_error(name, impl_->columns).in_parameter(std::string(role));
  }
  return found->second;
}

Result<std::string> Table::role_column(std::string_view role) const {
  PLIMSOLL_TRY(std::vector<std::string> names, role_columns(role));
  if (names.size() == 1) return names.front();
  const std::string flag = "--" + std::string(role);
  if (names.empty()) {
    return Error(ErrorCode::missing_input, "no column is bound to the role '" + std::string(role) + "'",
                 "Name the column with " + flag + " COLUMN.")
        .in_parameter(std::string(role));
  }
  return Error(ErrorCode::missing_input,
               std::to_string(names.size()) + " columns are bound to the role '" + std::string(role) + "', which takes one",
               "Give one column to " + flag + ".")
      .in_parameter(std::string(role));
}

Result<std::shared_ptr<arrow::ChunkedArray>> find_column(const Table::Impl& impl, std::string_view name) {
  const int i = index_of(impl.columns, name);
  if (i < 0) return missing_column_error(name, impl.columns);
  return impl.table->column(i);
}

Result<std::int64_t> Table::null_count(std::string_view name) const {
  PLIMSOLL_TRY(auto column, find_column(*impl_, name));
  return column->null_count();
}

Result<Table> Table::select(const std::vector<std::string>& names) const {
  std::vector<int> indices;
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    const int i = index_of(impl_->columns, name);
    if (i < 0) return missing_column_error(name, impl_->columns);
    if (!seen.insert(name).second) {
      return Error(ErrorCode::bad_parameter, "column '" + name + "' is named twice", "Name each column once.").in_column(name);
    }
    indices.push_back(i);
  }
  return with_columns(*impl_, indices);
}

Table Table::without(const std::vector<std::string>& names) const {
  std::vector<int> indices;
  for (std::size_t i = 0; i < impl_->columns.size(); ++i) {
    if (std::find(names.begin(), names.end(), impl_->columns[i].name) == names.end()) indices.push_back(static_cast<int>(i));
  }
  return with_columns(*impl_, indices);
}

Table Table::slice(std::int64_t offset, std::int64_t length) const {
  const std::int64_t n = rows();
  const std::int64_t begin = std::clamp<std::int64_t>(offset, 0, n);
  const std::int64_t count = std::clamp<std::int64_t>(length, 0, n - begin);
  if (impl_->columns.empty()) return wrap(table_of_no_columns(count), impl_->roles);
  auto impl = std::make_shared<Impl>();
  impl->table = impl_->table->Slice(begin, count);
  impl->columns = impl_->columns;
  impl->roles = impl_->roles;
  impl->first_row = impl_->first_row + begin;
  return Table(std::move(impl));
}

Result<Table> Table::beside(const Table& right) const {
  if (impl_->columns.empty() && rows() == 0) return right;
  if (right.rows() != rows()) {
    return Error(ErrorCode::bad_parameter,
                 "tables of " + std::to_string(rows()) + " and " + std::to_string(right.rows()) + " rows cannot stand side by side",
                 "Both need the same rows in the same order.");
  }
  arrow::FieldVector fields = impl_->table->schema()->fields();
  arrow::ChunkedArrayVector arrays = impl_->table->columns();
  for (std::size_t i = 0; i < right.columns().size(); ++i) {
    const std::string& name = right.columns()[i].name;
    if (has(name)) {
      return Error(ErrorCode::bad_parameter, "both tables have a column '" + name + "'", "Rename or leave out one of them.").in_column(name);
    }
    fields.push_back(right.impl_->table->schema()->field(static_cast<int>(i)));
    arrays.push_back(right.impl_->table->column(static_cast<int>(i)));
  }
  return wrap(arrow::Table::Make(arrow::schema(std::move(fields)), std::move(arrays), rows()), impl_->roles);
}

Result<Table> Table::concatenate(std::span<const Table> parts) {
  if (parts.empty()) return Table();
  if (parts.size() == 1) return parts.front();
  const Table& first = parts.front();
  std::int64_t rows = 0;
  for (const Table& part : parts) {
    rows += part.rows();
    if (names_of(part.columns()) == names_of(first.columns())) continue;
    return Error(ErrorCode::wrong_type, "the parts of a table have different columns", "Give every part the same columns in the same order.");
  }
  arrow::FieldVector fields;
  arrow::ChunkedArrayVector arrays;
  for (int c = 0; c < first.impl_->table->num_columns(); ++c) {
    const std::string& name = first.columns()[static_cast<std::size_t>(c)].name;
    std::shared_ptr<arrow::DataType> type = first.impl_->table->field(c)->type();
    for (const Table& part : parts) {
      PLIMSOLL_TRY(type, shared_type(type, part.impl_->table->field(c)->type(), name));
    }
    arrow::ArrayVector chunks;
    for (const Table& part : parts) {
      PLIMSOLL_TRY(auto column, cast_column(part.impl_->table->column(c), type, name));
      for (const auto& chunk : column->chunks()) {
        if (chunk->length() > 0) chunks.push_back(chunk);
      }
    }
    fields.push_back(arrow::field(name, type));
    arrays.push_back(std::make_shared<arrow::ChunkedArray>(std::move(chunks), type));
  }
  return wrap(arrow::Table::Make(arrow::schema(std::move(fields)), std::move(arrays), rows), first.roles());
}

}  // namespace plimsoll

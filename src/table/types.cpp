// SPDX-License-Identifier: Apache-2.0
// Which Arrow types a Table keeps, and casts between them.
#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/chunked_array.h>
#include <arrow/compute/cast.h>
#include <arrow/extension_type.h>
#include <arrow/status.h>
#include <arrow/type.h>

#include <unordered_set>

#include "table/arrow_table.h"

namespace plimsoll {
namespace {

bool is_text(arrow::Type::type id) { return id == arrow::Type::STRING || id == arrow::Type::LARGE_STRING; }

bool is_text_value(const arrow::DataType& type) {
  if (is_text(type.id())) return true;
  if (type.id() != arrow::Type::DICTIONARY) return false;
  return is_text(static_cast<const arrow::DictionaryType&>(type).value_type()->id());
}

std::shared_ptr<arrow::DataType> list_item(const arrow::DataType& type) {
  return static_cast<const arrow::BaseListType&>(type).value_type();
}

Result<std::shared_ptr<arrow::ChunkedArray>> storage_of(const arrow::ChunkedArray& column) {
  arrow::ArrayVector chunks;
  const auto& type = static_cast<const arrow::ExtensionType&>(*column.type());
  for (const auto& chunk : column.chunks()) {
    chunks.push_back(static_cast<const arrow::ExtensionArray&>(*chunk).storage());
  }
  return std::make_shared<arrow::ChunkedArray>(std::move(chunks), type.storage_type());
}

}  // namespace

ColumnType column_type(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL: return ColumnType::boolean;
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
    case arrow::Type::UINT32:
    case arrow::Type::UINT64: return ColumnType::integer;
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256: return ColumnType::real;
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
    case arrow::Type::TIMESTAMP: return ColumnType::timestamp;
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST: return is_text_value(*list_item(type)) ? ColumnType::list_of_text : ColumnType::other;
    default: return is_text_value(type) ? ColumnType::text : ColumnType::other;
  }
}

std::vector<ColumnInfo> column_infos(const arrow::Schema& schema) {
  std::vector<ColumnInfo> infos;
  infos.reserve(static_cast<std::size_t>(schema.num_fields()));
  for (const auto& field : schema.fields()) infos.push_back({field->name(), column_type(*field->type())});
  return infos;
}

Error arrow_error(const arrow::Status& status, ErrorCode fallback, std::string mend) {
  if (status.IsOutOfMemory()) return Error(ErrorCode::no_memory, status.message(), "Read it in smaller batches, or raise --memory.");
  return Error(fallback, status.message(), std::move(mend));
}

std::shared_ptr<arrow::DataType> admitted_type(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::NA: return arrow::float64();
    case arrow::Type::STRING_VIEW: return arrow::utf8();
    case arrow::Type::TIME32:
    case arrow::Type::TIME64: return arrow::utf8();
    case arrow::Type::EXTENSION: return admitted_type(static_cast<const arrow::ExtensionType&>(*type).storage_type());
    case arrow::Type::DICTIONARY: {
      if (is_text_value(*type)) return type;
      const auto& coded = static_cast<const arrow::DictionaryType&>(*type);
      if (coded.value_type()->id() == arrow::Type::STRING_VIEW) return arrow::dictionary(coded.index_type(), arrow::utf8(), coded.ordered());
      return admitted_type(static_cast<const arrow::DictionaryType&>(*type).value_type());
    }
    case arrow::Type::LIST: {
      const auto item = list_item(*type);
      // An empty list has no item type of its own; as text it can be read.
      if (item->id() == arrow::Type::NA || item->id() == arrow::Type::STRING_VIEW) return arrow::list(arrow::utf8());
      return type;
    }
    case arrow::Type::LIST_VIEW: return arrow::list(list_item(*type));
    default: return type;
  }
}

std::shared_ptr<arrow::Schema> admitted_schema(const arrow::Schema& schema) {
  arrow::FieldVector fields;
  for (const auto& field : schema.fields()) fields.push_back(arrow::field(field->name(), admitted_type(field->type())));
  return arrow::schema(std::move(fields));
}

Result<void> check_names(const arrow::Schema& schema) {
  std::unordered_set<std::string_view> seen;
  for (const auto& field : schema.fields()) {
    if (seen.insert(field->name()).second) continue;
    return Error(ErrorCode::bad_value, "two columns are named '" + field->name() + "'", "Rename or remove one of them.").in_column(field->name());
  }
  return {};
}

Result<std::shared_ptr<arrow::Table>> admit(std::shared_ptr<arrow::Table> table) {
  PLIMSOLL_CHECK(check_names(*table->schema()));
  return conform(table, admitted_schema(*table->schema()));
}

std::shared_ptr<arrow::DataType> plain_type(const std::shared_ptr<arrow::DataType>& type) {
  switch (column_type(*type)) {
    case ColumnType::text: return type->id() == arrow::Type::LARGE_STRING ? type : arrow::utf8();
    case ColumnType::list_of_text: return arrow::list(arrow::utf8());
    default: return type;
  }
}

// Codes stay; the words alone are cast (polars hands its categories over with words as views).
Result<std::shared_ptr<arrow::ChunkedArray>> with_words_of(const arrow::ChunkedArray& column, const std::shared_ptr<arrow::DataType>& type,
                                                           const std::string& name) {
  const auto& wanted = static_cast<const arrow::DictionaryType&>(*type);
  arrow::ArrayVector chunks;
  for (const auto& chunk : column.chunks()) {
    const auto& coded = static_cast<const arrow::DictionaryArray&>(*chunk);
    PLIMSOLL_TRY(auto words, cast_column(std::make_shared<arrow::ChunkedArray>(coded.dictionary()), wanted.value_type(), name));
    PLIMSOLL_TRY(auto codes, cast_column(std::make_shared<arrow::ChunkedArray>(coded.indices()), wanted.index_type(), name));
    auto made = arrow::DictionaryArray::FromArrays(type, codes->chunk(0), words->num_chunks() > 0 ? words->chunk(0) : coded.dictionary());
    if (!made.ok()) return arrow_error(made.status(), ErrorCode::wrong_type, "Bring the column to one type before.").in_column(name);
    chunks.push_back(*made);
  }
  return std::make_shared<arrow::ChunkedArray>(std::move(chunks), type);
}

Result<std::shared_ptr<arrow::ChunkedArray>> cast_column(const std::shared_ptr<arrow::ChunkedArray>& column,
                                                         const std::shared_ptr<arrow::DataType>& type, const std::string& name) {
  if (column->type()->Equals(*type)) return column;
  if (column->type()->id() == arrow::Type::EXTENSION) {
    PLIMSOLL_TRY(auto storage, storage_of(*column));
    return cast_column(storage, type, name);
  }
  if (column->type()->id() == arrow::Type::NA) {
    auto nulls = arrow::MakeArrayOfNull(type, column->length());
    if (!nulls.ok()) return arrow_error(nulls.status(), ErrorCode::internal);
    return std::make_shared<arrow::ChunkedArray>(*nulls);
  }
  if (column->type()->id() == arrow::Type::DICTIONARY && type->id() == arrow::Type::DICTIONARY) return with_words_of(*column, type, name);
  auto cast = arrow::compute::Cast(arrow::Datum(column), type, arrow::compute::CastOptions::Safe());
  if (!cast.ok()) {
    const std::string what = "column '" + name + "' is " + column->type()->ToString() + " and does not become " + type->ToString() + ": ";
    return arrow_error(cast.status().WithMessage(what, cast.status().message()), ErrorCode::wrong_type,
                       "Bring the column to one type before.")
        .in_column(name);
  }
  if (cast->is_chunked_array()) return cast->chunked_array();
  return std::make_shared<arrow::ChunkedArray>(cast->make_array());
}

Result<std::shared_ptr<arrow::Table>> conform(std::shared_ptr<arrow::Table> table, const std::shared_ptr<arrow::Schema>& schema) {
  if (table->schema()->Equals(*schema, false)) return table;
  if (table->num_columns() != schema->num_fields()) {
    return Error(ErrorCode::wrong_type, "the parts of a table have different columns", "Give every part the same columns in the same order.");
  }
  arrow::ChunkedArrayVector arrays;
  for (int i = 0; i < schema->num_fields(); ++i) {
    const std::string& name = schema->field(i)->name();
    if (table->field(i)->name() != name) {
      return Error(ErrorCode::missing_column, "column " + std::to_string(i + 1) + " is '" + table->field(i)->name() + "' where '" + name + "' stood before",
                   "Give every part the same columns in the same order.")
          .in_column(name);
    }
    PLIMSOLL_TRY(auto column, cast_column(table->column(i), schema->field(i)->type(), name));
    arrays.push_back(std::move(column));
  }
  return arrow::Table::Make(schema, std::move(arrays), table->num_rows());
}

Result<void> validate_text(const arrow::Table& table) {
  for (int i = 0; i < table.num_columns(); ++i) {
    const ColumnType type = column_type(*table.field(i)->type());
    if (type != ColumnType::text && type != ColumnType::list_of_text) continue;
    const arrow::Status status = table.column(i)->ValidateFull();
    if (status.ok()) continue;
    return arrow_error(status, ErrorCode::corrupt_file, "Text must be UTF-8; write the file again.").in_column(table.field(i)->name());
  }
  return {};
}

Result<void> validate_fully(const arrow::Table& table) {
  for (int i = 0; i < table.num_columns(); ++i) {
    const arrow::Status status = table.column(i)->ValidateFull();
    if (status.ok()) continue;
    return arrow_error(status, ErrorCode::corrupt_file, "The file is damaged; write it again.").in_column(table.field(i)->name());
  }
  return {};
}

}  // namespace plimsoll

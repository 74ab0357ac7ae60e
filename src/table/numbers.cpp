// SPDX-License-Identifier: Apache-2.0
// Columns as numbers: Table::reals and Table::integers.
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_primitive.h>
#include <arrow/chunked_array.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/decimal.h>
#include <arrow/util/float16.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "table/arrow_table.h"

namespace plimsoll {
namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

Error wrong_type_error(std::string_view name, std::string_view is, std::string_view wanted, std::string mend) {
  return Error(ErrorCode::wrong_type,
               "column '" + std::string(name) + "' holds " + std::string(is) + ", where " + std::string(wanted) + " are needed", std::move(mend))
      .in_column(std::string(name));
}

std::string mend_for_numbers(ColumnType type) {
  switch (type) {
    case ColumnType::text: return "Name another column, or write its values as numbers (blanks and suffixes: --read.trim, --read.strip_suffix).";
    case ColumnType::list_of_text: return "Name a column of single numbers.";
    case ColumnType::timestamp: return "Turn the times into numbers, such as days since a start.";
    default: return "Name a column of numbers.";
  }
}

Error null_error(std::string_view name, std::int64_t row) {
  return Error(ErrorCode::null_value, "column '" + std::string(name) + "' has no value",
               "Fill or remove the rows with missing values.")
      .in_column(std::string(name))
      .at_row(row);
}

// An exponent of all ones means NaN or infinity. Bits are gathered with `or` so that the loop vectorises; only a block that
// holds one is searched.
std::int64_t first_not_finite(const double* values, std::int64_t n) {
  constexpr std::uint64_t mask = 0x7ff0000000000000ULL;
  constexpr std::int64_t block = 4096;
  for (std::int64_t begin = 0; begin < n; begin += block) {
    const std::int64_t end = std::min(n, begin + block);
    std::uint64_t any = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::uint64_t exponent = std::bit_cast<std::uint64_t>(values[i]) & mask;
      any |= static_cast<std::uint64_t>(exponent == mask);
    }
    if (any == 0) continue;
    for (std::int64_t i = begin; i < end; ++i) {
      if (!std::isfinite(values[i])) return i;
    }
  }
  return -1;
}

Result<void> check_finite(std::string_view name, const double* values, std::int64_t n) {
  const std::int64_t row = first_not_finite(values, n);
  if (row < 0) return {};
  const char* is = std::isnan(values[row]) ? "NaN" : "infinite";
  return Error(ErrorCode::bad_value, "column '" + std::string(name) + "' is " + is,
               "Replace it by a number, or remove the row.")
      .in_column(std::string(name))
      .at_row(row);
}

std::int64_t first_null(const arrow::Array& chunk) {
  for (std::int64_t i = 0; i < chunk.length(); ++i) {
    if (chunk.IsNull(i)) return i;
  }
  return -1;
}

Result<void> check_no_null(std::string_view name, const arrow::ChunkedArray& column) {
  if (column.null_count() == 0) return {};
  std::int64_t row = 0;
  for (const auto& chunk : column.chunks()) {
    const std::int64_t i = chunk->null_count() == 0 ? -1 : first_null(*chunk);
    if (i >= 0) return null_error(name, row + i);
    row += chunk->length();
  }
  return {};
}

template <class ArrayType>
void widen(const arrow::Array& chunk, double* out) {
  const auto* values = static_cast<const ArrayType&>(chunk).raw_values();
  for (std::int64_t i = 0; i < chunk.length(); ++i) out[i] = static_cast<double>(values[i]);
}

template <class ArrayType>
void widen_decimal(const arrow::Array& chunk, double* out) {
  const auto& values = static_cast<const ArrayType&>(chunk);
  using Value = typename arrow::TypeTraits<typename ArrayType::TypeClass>::CType;
  const auto& type = static_cast<const arrow::DecimalType&>(*chunk.type());
  for (std::int64_t i = 0; i < chunk.length(); ++i) {
    out[i] = chunk.IsNull(i) ? nan_value : Value(values.GetValue(i)).ToDouble(type.scale());
  }
}

void widen_flags(const arrow::Array& chunk, double* out) {
  const auto& flags = static_cast<const arrow::BooleanArray&>(chunk);
  for (std::int64_t i = 0; i < chunk.length(); ++i) out[i] = flags.Value(i) ? 1.0 : 0.0;
}

void widen_half(const arrow::Array& chunk, double* out) {
  const auto& values = static_cast<const arrow::HalfFloatArray&>(chunk);
  for (std::int64_t i = 0; i < chunk.length(); ++i) out[i] = arrow::util::Float16::FromBits(values.Value(i)).ToDouble();
}

bool widen_chunk(const arrow::Array& chunk, double* out) {
  switch (chunk.type_id()) {
    case arrow::Type::BOOL: widen_flags(chunk, out); return true;
    case arrow::Type::INT8: widen<arrow::Int8Array>(chunk, out); return true;
    case arrow::Type::INT16: widen<arrow::Int16Array>(chunk, out); return true;
    case arrow::Type::INT32: widen<arrow::Int32Array>(chunk, out); return true;
    case arrow::Type::INT64: widen<arrow::Int64Array>(chunk, out); return true;
    case arrow::Type::UINT8: widen<arrow::UInt8Array>(chunk, out); return true;
    case arrow::Type::UINT16: widen<arrow::UInt16Array>(chunk, out); return true;
    case arrow::Type::UINT32: widen<arrow::UInt32Array>(chunk, out); return true;
    case arrow::Type::UINT64: widen<arrow::UInt64Array>(chunk, out); return true;
    case arrow::Type::HALF_FLOAT: widen_half(chunk, out); return true;
    case arrow::Type::FLOAT: widen<arrow::FloatArray>(chunk, out); return true;
    case arrow::Type::DOUBLE: widen<arrow::DoubleArray>(chunk, out); return true;
    case arrow::Type::DECIMAL32: widen_decimal<arrow::Decimal32Array>(chunk, out); return true;
    case arrow::Type::DECIMAL64: widen_decimal<arrow::Decimal64Array>(chunk, out); return true;
    case arrow::Type::DECIMAL128: widen_decimal<arrow::Decimal128Array>(chunk, out); return true;
    case arrow::Type::DECIMAL256: widen_decimal<arrow::Decimal256Array>(chunk, out); return true;
    default: return false;
  }
}

void nulls_to_nan(const arrow::Array& chunk, double* out) {
  if (chunk.null_count() == 0) return;
  for (std::int64_t i = 0; i < chunk.length(); ++i) {
    if (chunk.IsNull(i)) out[i] = nan_value;
  }
}

template <class ArrayType>
Result<void> copy_integers(const arrow::Array& chunk, std::string_view name, std::int64_t row, std::vector<std::int64_t>& out) {
  const auto* values = static_cast<const ArrayType&>(chunk).raw_values();
  if constexpr (std::is_same_v<ArrayType, arrow::UInt64Array>) {
    for (std::int64_t i = 0; i < chunk.length(); ++i) {
      if (values[i] > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return Error(ErrorCode::bad_value, "column '" + std::string(name) + "' holds a number larger than 2^63 - 1",
                     "Use smaller numbers, or text.")
            .in_column(std::string(name))
            .at_row(row + i);
      }
    }
  }
  const std::size_t had = out.size();
  out.resize(had + static_cast<std::size_t>(chunk.length()));
  std::transform(values, values + chunk.length(), out.begin() + static_cast<std::ptrdiff_t>(had), [](auto value) { return static_cast<std::int64_t>(value); });
  return {};
}

Result<void> copy_flags(const arrow::Array& chunk, std::vector<std::int64_t>& out) {
  const auto& flags = static_cast<const arrow::BooleanArray&>(chunk);
  for (std::int64_t i = 0; i < chunk.length(); ++i) out.push_back(flags.Value(i) ? 1 : 0);
  return {};
}

Result<void> integers_of_chunk(const arrow::Array& chunk, std::string_view name, std::int64_t row, std::vector<std::int64_t>& out) {
  switch (chunk.type_id()) {
    case arrow::Type::BOOL: return copy_flags(chunk, out);
    case arrow::Type::INT8: return copy_integers<arrow::Int8Array>(chunk, name, row, out);
    case arrow::Type::INT16: return copy_integers<arrow::Int16Array>(chunk, name, row, out);
    case arrow::Type::INT32: return copy_integers<arrow::Int32Array>(chunk, name, row, out);
    case arrow::Type::INT64: return copy_integers<arrow::Int64Array>(chunk, name, row, out);
    case arrow::Type::TIMESTAMP: return copy_integers<arrow::TimestampArray>(chunk, name, row, out);
    case arrow::Type::UINT8: return copy_integers<arrow::UInt8Array>(chunk, name, row, out);
    case arrow::Type::UINT16: return copy_integers<arrow::UInt16Array>(chunk, name, row, out);
    case arrow::Type::UINT32: return copy_integers<arrow::UInt32Array>(chunk, name, row, out);
    case arrow::Type::UINT64: return copy_integers<arrow::UInt64Array>(chunk, name, row, out);
    default: return Error(ErrorCode::internal, "not an integer type");
  }
}

// Whole numbers stored as reals (a CSV column with a stray ".0") are integers too.
Result<std::vector<std::int64_t>> whole_reals(const Reals& reals, std::string_view name) {
  std::vector<std::int64_t> out;
  out.reserve(reals.size());
  for (std::size_t i = 0; i < reals.size(); ++i) {
    if (std::trunc(reals[i]) != reals[i] || std::fabs(reals[i]) > 9007199254740992.0) {
      return Error(ErrorCode::bad_value, "column '" + std::string(name) + "' holds a number that is not whole",
                   "Use whole numbers.")
          .in_column(std::string(name))
          .at_row(static_cast<std::int64_t>(i));
    }
    out.push_back(static_cast<std::int64_t>(reals[i]));
  }
  return out;
}

}  // namespace

Reals::Reals(std::vector<double> values) {
  auto owned = std::make_shared<const std::vector<double>>(std::move(values));
  values_ = *owned;
  owner_ = std::move(owned);
}

Result<Reals> Table::reals(std::string_view name, Missing missing) const {
  PLIMSOLL_TRY(auto column, find_column(*impl_, name));
  const ColumnType type = column_type(*column->type());
  if (type != ColumnType::real && type != ColumnType::integer && type != ColumnType::boolean) {
    return wrong_type_error(name, name_of(type), "numbers", mend_for_numbers(type));
  }
  if (missing == Missing::refuse) PLIMSOLL_CHECK(check_no_null(name, *column));
  const bool may_lack_finite = type == ColumnType::real;
  if (column->num_chunks() == 1 && column->type()->id() == arrow::Type::DOUBLE && column->null_count() == 0) {
    const auto& chunk = column->chunk(0);
    const double* values = static_cast<const arrow::DoubleArray&>(*chunk).raw_values();
    if (missing == Missing::refuse) PLIMSOLL_CHECK(check_finite(name, values, chunk->length()));
    return Reals(chunk, std::span<const double>(values, static_cast<std::size_t>(chunk->length())));
  }
  std::vector<double> out(static_cast<std::size_t>(column->length()));
  double* at = out.data();
  for (const auto& chunk : column->chunks()) {
    if (chunk->length() == 0) continue;
    if (!widen_chunk(*chunk, at)) return wrong_type_error(name, name_of(type), "numbers", mend_for_numbers(type));
    nulls_to_nan(*chunk, at);
    at += chunk->length();
  }
  if (missing == Missing::refuse && may_lack_finite) PLIMSOLL_CHECK(check_finite(name, out.data(), column->length()));
  return Reals(std::move(out));
}

Result<std::vector<std::int64_t>> Table::integers(std::string_view name) const {
  PLIMSOLL_TRY(auto column, find_column(*impl_, name));
  const ColumnType type = column_type(*column->type());
  if (type == ColumnType::real) {
    PLIMSOLL_TRY(const Reals values, reals(name));
    return whole_reals(values, name);
  }
  if (type == ColumnType::timestamp) {
    PLIMSOLL_TRY(column, cast_column(column, arrow::timestamp(arrow::TimeUnit::MICRO), std::string(name)));
  } else if (type != ColumnType::integer && type != ColumnType::boolean) {
    return wrong_type_error(name, name_of(type), "whole numbers", mend_for_numbers(type));
  }
  PLIMSOLL_CHECK(check_no_null(name, *column));
  std::vector<std::int64_t> out;
  out.reserve(static_cast<std::size_t>(column->length()));
  for (const auto& chunk : column->chunks()) {
    PLIMSOLL_CHECK(integers_of_chunk(*chunk, name, static_cast<std::int64_t>(out.size()), out));
  }
  return out;
}

}  // namespace plimsoll

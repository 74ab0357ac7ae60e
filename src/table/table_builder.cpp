// SPDX-License-Identifier: Apache-2.0
#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/util.h>
#include <arrow/buffer.h>
#include <arrow/status.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>
#include <unordered_set>

#include "table/arrow_table.h"

namespace plimsoll {
namespace {

std::shared_ptr<arrow::Buffer> bitmap_of(std::int64_t n) {
  return arrow::Buffer::FromVector(std::vector<std::uint8_t>(static_cast<std::size_t>(arrow::bit_util::BytesForBits(n)), 0));
}

// Bits are set where keep(i); no bitmap when all are.
template <class Keep>
std::shared_ptr<arrow::Buffer> validity(std::int64_t n, std::int64_t& nulls, Keep keep) {
  std::vector<std::uint8_t> bits(static_cast<std::size_t>(arrow::bit_util::BytesForBits(n)), 0);
  nulls = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (keep(i)) {
      arrow::bit_util::SetBit(bits.data(), i);
    } else {
      ++nulls;
    }
  }
  if (nulls == 0) return nullptr;
  return arrow::Buffer::FromVector(std::move(bits));
}

template <class Builder>
Result<std::shared_ptr<arrow::Array>> build_texts(const std::vector<std::string>& values, std::size_t bytes) {
  Builder builder;
  arrow::Status status = builder.Reserve(static_cast<std::int64_t>(values.size()));
  if (status.ok()) status = builder.ReserveData(static_cast<std::int64_t>(bytes));
  if (!status.ok()) return arrow_error(status, ErrorCode::no_memory);
  for (const std::string& value : values) builder.UnsafeAppend(value);
  auto built = builder.Finish();
  if (!built.ok()) return arrow_error(built.status(), ErrorCode::internal);
  return std::shared_ptr<arrow::Array>(*built);
}

Result<std::shared_ptr<arrow::Array>> text_array(const std::vector<std::string>& values) {
  std::size_t bytes = 0;
  for (const std::string& value : values) bytes += value.size();
  if (bytes >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) return build_texts<arrow::LargeStringBuilder>(values, bytes);
  return build_texts<arrow::StringBuilder>(values, bytes);
}

template <class Code>
std::shared_ptr<arrow::DataType> code_type() {
  if constexpr (std::is_same_v<Code, std::uint8_t>) {
    return arrow::uint8();
  } else {
    return arrow::int32();
  }
}

constexpr std::size_t looked_at_once = 1024;  // a fixed count, which compilers turn into vectors

// Whether every code is from 0 to known - 1; the exact look at each is left to who is told no.
template <class Code>
bool all_within(const std::vector<Code>& codes, std::int64_t known) {
  using Bits = std::make_unsigned_t<Code>;
  Bits most = 0;
  std::size_t i = 0;
  for (; i + looked_at_once <= codes.size(); i += looked_at_once) {
    const Code* at = codes.data() + i;
    for (std::size_t k = 0; k < looked_at_once; ++k) most = std::max(most, static_cast<Bits>(at[k]));
  }
  for (; i < codes.size(); ++i) most = std::max(most, static_cast<Bits>(codes[i]));
  return codes.empty() || static_cast<std::int64_t>(most) < known;
}

bool all_rise(const std::vector<std::int32_t>& offsets) {
  int falls = 0;
  std::size_t i = 1;
  for (; i + looked_at_once <= offsets.size(); i += looked_at_once) {
    const std::int32_t* at = offsets.data() + i;
    for (std::size_t k = 0; k < looked_at_once; ++k) falls |= at[k] < at[static_cast<std::ptrdiff_t>(k) - 1] ? 1 : 0;
  }
  for (; i < offsets.size(); ++i) falls |= offsets[i] < offsets[i - 1] ? 1 : 0;
  return falls == 0;
}

template <class Code>
Result<std::shared_ptr<arrow::Array>> coded_array(std::vector<Code> codes, const std::vector<std::string>& names, const std::string& column) {
  const auto n = static_cast<std::int64_t>(codes.size());
  const auto known = static_cast<std::int64_t>(names.size());
  for (std::int64_t i = all_within(codes, known) ? n : 0; i < n; ++i) {
    const std::int64_t code = codes[static_cast<std::size_t>(i)];
    if (code >= -1 && code < known) continue;
    return Error(ErrorCode::bad_value,
                 "code " + std::to_string(code) + " of column '" + column + "' has no name among " + std::to_string(known), "Give a name to every code.")
        .in_column(column)
        .at_row(i);
  }
  PLIMSOLL_TRY(auto dictionary, text_array(names));
  std::int64_t nulls = 0;
  std::shared_ptr<arrow::Buffer> valid;
  if constexpr (std::is_signed_v<Code>) {
    valid = validity(n, nulls, [&](std::int64_t i) { return codes[static_cast<std::size_t>(i)] >= 0; });
    if (nulls > 0) {
      for (Code& code : codes) code = code < 0 ? Code{0} : code;
    }
  }
  auto type = code_type<Code>();
  auto data = arrow::ArrayData::Make(type, n, {valid, arrow::Buffer::FromVector(std::move(codes))}, nulls);
  auto dictionary_type = arrow::dictionary(type, dictionary->type());
  return std::shared_ptr<arrow::Array>(std::make_shared<arrow::DictionaryArray>(dictionary_type, arrow::MakeArray(data), dictionary));
}

template <class Code>
Result<std::shared_ptr<arrow::Array>> list_array(std::vector<std::int32_t> offsets, std::vector<Code> codes, const std::vector<std::string>& names,
                                                 const std::string& column) {
  const bool rising = !offsets.empty() && offsets.front() >= 0 && static_cast<std::size_t>(offsets.back()) <= codes.size() && all_rise(offsets);
  if (!rising) {
    return Error(ErrorCode::internal, "the offsets of list column '" + column + "' do not rise within its " + std::to_string(codes.size()) + " items").in_column(column);
  }
  PLIMSOLL_TRY(auto items, coded_array(std::move(codes), names, column));
  const auto n = static_cast<std::int64_t>(offsets.size()) - 1;
  return std::shared_ptr<arrow::Array>(
      std::make_shared<arrow::ListArray>(arrow::list(items->type()), n, arrow::Buffer::FromVector(std::move(offsets)), items));
}

}  // namespace

struct TableBuilder::State {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  std::unordered_set<std::string> names;
  std::optional<Error> error;

  void add(std::string name, Result<std::shared_ptr<arrow::Array>> array) {
    if (error.has_value()) return;
    if (!array.ok()) {
      error = std::move(array).error();
      return;
    }
    if (!names.insert(name).second) {
      error = Error(ErrorCode::bad_parameter, "two columns are named '" + name + "'", "Rename one of them.").in_column(name);
      return;
    }
    if (!arrays.empty() && arrays.front()->length() != (*array)->length()) {
      error = Error(ErrorCode::internal, "column '" + name + "' has " + std::to_string((*array)->length()) + " rows where the others have " +
                                             std::to_string(arrays.front()->length()))
                  .in_column(name);
      return;
    }
    fields.push_back(arrow::field(std::move(name), (*array)->type()));
    arrays.push_back(std::move(*array));
  }
};

TableBuilder::TableBuilder() : state_(std::make_unique<State>()) {}
TableBuilder::~TableBuilder() = default;
TableBuilder::TableBuilder(TableBuilder&&) noexcept = default;

TableBuilder& TableBuilder::real(std::string name, std::vector<double> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  std::shared_ptr<arrow::Array> array = std::make_shared<arrow::DoubleArray>(n, arrow::Buffer::FromVector(std::move(values)));
  state_->add(std::move(name), std::move(array));
  return *this;
}

TableBuilder& TableBuilder::real_or_null(std::string name, std::vector<double> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  std::int64_t nulls = 0;
  auto valid = validity(n, nulls, [&](std::int64_t i) { return !std::isnan(values[static_cast<std::size_t>(i)]); });
  std::shared_ptr<arrow::Array> array = std::make_shared<arrow::DoubleArray>(n, arrow::Buffer::FromVector(std::move(values)), valid, nulls);
  state_->add(std::move(name), std::move(array));
  return *this;
}

TableBuilder& TableBuilder::integer(std::string name, std::vector<std::int64_t> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  std::shared_ptr<arrow::Array> array = std::make_shared<arrow::Int64Array>(n, arrow::Buffer::FromVector(std::move(values)));
  state_->add(std::move(name), std::move(array));
  return *this;
}

TableBuilder& TableBuilder::boolean(std::string name, std::vector<bool> values) {
  const auto n = static_cast<std::int64_t>(values.size());
  std::shared_ptr<arrow::Buffer> bits = bitmap_of(n);
  auto* bytes = const_cast<std::uint8_t*>(bits->data());
  for (std::int64_t i = 0; i < n; ++i) {
    if (values[static_cast<std::size_t>(i)]) arrow::bit_util::SetBit(bytes, i);
  }
  std::shared_ptr<arrow::Array> array = std::make_shared<arrow::BooleanArray>(n, bits);
  state_->add(std::move(name), std::move(array));
  return *this;
}

TableBuilder& TableBuilder::text(std::string name, std::vector<std::string> values) {
  state_->add(std::move(name), text_array(values));
  return *this;
}

TableBuilder& TableBuilder::category(std::string name, std::vector<std::int32_t> codes, std::vector<std::string> names) {
  auto array = coded_array(std::move(codes), names, name);
  state_->add(std::move(name), std::move(array));
  return *this;
}

TableBuilder& TableBuilder::list_of_text(std::string name, std::vector<std::int32_t> offsets, std::vector<std::uint8_t> codes,
                                         std::vector<std::string> names) {
  auto array = list_array(std::move(offsets), std::move(codes), names, name);
  state_->add(std::move(name), std::move(array));
  return *this;
}

TableBuilder& TableBuilder::list_of_text(std::string name, std::vector<std::int32_t> offsets, std::vector<std::int32_t> codes,
                                         std::vector<std::string> names) {
  auto array = list_array(std::move(offsets), std::move(codes), names, name);
  state_->add(std::move(name), std::move(array));
  return *this;
}

Result<Table> TableBuilder::build() {
  if (state_->error.has_value()) return *state_->error;
  if (state_->arrays.empty()) return Table();
  const std::int64_t rows = state_->arrays.front()->length();
  return wrap(arrow::Table::Make(arrow::schema(std::move(state_->fields)), state_->arrays, rows));
}

}  // namespace plimsoll

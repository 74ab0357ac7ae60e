// SPDX-License-Identifier: Apache-2.0
// Columns as text: Table::categories, texts and text_lists.
#include <arrow/array/array_binary.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/chunked_array.h>
#include <arrow/status.h>
#include <arrow/type.h>

#include <bit>
#include <charconv>
#include <string_view>
#include <type_traits>
#include <unordered_map>

#include "base/hash.h"
#include "table/arrow_table.h"

namespace plimsoll {
namespace {

struct ViewHash {
  std::size_t operator()(std::string_view text) const noexcept { return static_cast<std::size_t>(hash64(text)); }
};
struct BitsHash {
  std::size_t operator()(std::uint64_t bits) const noexcept { return static_cast<std::size_t>(mix64(bits)); }
};

Error not_text_error(std::string_view name, ColumnType type, std::string_view wanted, std::string mend) {
  return Error(ErrorCode::wrong_type,
               "column '" + std::string(name) + "' holds " + std::string(name_of(type)) + ", where " + std::string(wanted) + " is needed", std::move(mend))
      .in_column(std::string(name));
}

std::string real_text(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return std::string(buffer, end);
}

// Codes in order of first appearance, for any number of chunks.
class Coder {
 public:
  explicit Coder(std::int64_t rows) { out_.codes.reserve(static_cast<std::size_t>(rows)); }

  void null() { out_.codes.push_back(-1); }
  std::int32_t code_of(std::string_view text) {
    // The key must outlive the chunk: it views our own copy of the name, which std::string may move, hence the owned key.
    const auto [at, fresh] = codes_.try_emplace(std::string(text), static_cast<std::int32_t>(out_.names.size()));
    if (fresh) out_.names.emplace_back(text);
    return at->second;
  }
  void push(std::int32_t code) { out_.codes.push_back(code); }
  Categories take() { return std::move(out_); }

 private:
  Categories out_;
  std::unordered_map<std::string, std::int32_t> codes_;
};

template <class ArrayType>
void code_texts(const arrow::Array& chunk, Coder& coder) {
  const auto& texts = static_cast<const ArrayType&>(chunk);
  std::unordered_map<std::string_view, std::int32_t, ViewHash> local;
  std::string_view last;
  std::int32_t last_code = -1;
  for (std::int64_t i = 0; i < texts.length(); ++i) {
    if (texts.IsNull(i)) {
      coder.null();
      continue;
    }
    const std::string_view text = texts.GetView(i);
    if (last_code < 0 || text != last) {
      const auto [at, fresh] = local.try_emplace(text, -1);
      if (fresh) at->second = coder.code_of(text);
      last = text;
      last_code = at->second;
    }
    coder.push(last_code);
  }
}

template <class IndexArray>
void code_dictionary_indices(const arrow::DictionaryArray& chunk, const std::vector<std::string_view>& words, const std::vector<bool>& null_words,
                             Coder& coder) {
  const auto& indices = static_cast<const IndexArray&>(*chunk.indices());
  std::vector<std::int32_t> codes(words.size(), -1);
  for (std::int64_t i = 0; i < chunk.length(); ++i) {
    const auto word = static_cast<std::size_t>(chunk.IsNull(i) ? 0 : indices.Value(i));
    if (chunk.IsNull(i) || null_words[word]) {
      coder.null();
      continue;
    }
    if (codes[word] < 0) codes[word] = coder.code_of(words[word]);
    coder.push(codes[word]);
  }
}

template <class ArrayType>
void list_words(const arrow::Array& dictionary, std::vector<std::string_view>& words, std::vector<bool>& null_words) {
  const auto& texts = static_cast<const ArrayType&>(dictionary);
  for (std::int64_t i = 0; i < texts.length(); ++i) {
    null_words.push_back(texts.IsNull(i));
    words.push_back(texts.IsNull(i) ? std::string_view() : texts.GetView(i));
  }
}

void code_dictionary(const arrow::Array& array, Coder& coder) {
  const auto& chunk = static_cast<const arrow::DictionaryArray&>(array);
  std::vector<std::string_view> words;
  std::vector<bool> null_words;
  if (chunk.dictionary()->type_id() == arrow::Type::STRING) {
    list_words<arrow::StringArray>(*chunk.dictionary(), words, null_words);
  } else {
    list_words<arrow::LargeStringArray>(*chunk.dictionary(), words, null_words);
  }
  switch (chunk.indices()->type_id()) {
    case arrow::Type::INT8: return code_dictionary_indices<arrow::Int8Array>(chunk, words, null_words, coder);
    case arrow::Type::INT16: return code_dictionary_indices<arrow::Int16Array>(chunk, words, null_words, coder);
    case arrow::Type::INT32: return code_dictionary_indices<arrow::Int32Array>(chunk, words, null_words, coder);
    case arrow::Type::INT64: return code_dictionary_indices<arrow::Int64Array>(chunk, words, null_words, coder);
    case arrow::Type::UINT8: return code_dictionary_indices<arrow::UInt8Array>(chunk, words, null_words, coder);
    case arrow::Type::UINT16: return code_dictionary_indices<arrow::UInt16Array>(chunk, words, null_words, coder);
    case arrow::Type::UINT32: return code_dictionary_indices<arrow::UInt32Array>(chunk, words, null_words, coder);
    default: return code_dictionary_indices<arrow::UInt64Array>(chunk, words, null_words, coder);
  }
}

Categories code_flags(const arrow::ChunkedArray& column) {
  Coder coder(column.length());
  for (const auto& chunk : column.chunks()) {
    const auto& flags = static_cast<const arrow::BooleanArray&>(*chunk);
    for (std::int64_t i = 0; i < flags.length(); ++i) {
      if (flags.IsNull(i)) {
        coder.null();
      } else {
        coder.push(coder.code_of(flags.Value(i) ? "true" : "false"));
      }
    }
  }
  return coder.take();
}

// One text for each distinct bit pattern; zeros of both signs are one category, and so are all NaN.
Result<Categories> code_reals(const Table& table, std::string_view name, const arrow::ChunkedArray& column) {
  PLIMSOLL_TRY(const Reals values, table.reals(name, Missing::as_nan));
  Coder coder(column.length());
  std::unordered_map<std::uint64_t, std::int32_t, BitsHash> local;
  std::size_t row = 0;
  for (const auto& chunk : column.chunks()) {
    for (std::int64_t i = 0; i < chunk->length(); ++i, ++row) {
      if (chunk->IsNull(i)) {
        coder.null();
        continue;
      }
      const double value = values[row] == 0 ? 0.0 : values[row];
      const auto [at, fresh] = local.try_emplace(std::bit_cast<std::uint64_t>(value), -1);
      if (fresh) at->second = coder.code_of(value != value ? "nan" : real_text(value));
      coder.push(at->second);
    }
  }
  return coder.take();
}

template <class ArrayType>
void code_integers(const arrow::Array& chunk, Coder& coder) {
  const auto& values = static_cast<const ArrayType&>(chunk);
  std::unordered_map<std::uint64_t, std::int32_t, BitsHash> local;
  for (std::int64_t i = 0; i < values.length(); ++i) {
    if (values.IsNull(i)) {
      coder.null();
      continue;
    }
    const auto value = values.Value(i);
    const auto [at, fresh] = local.try_emplace(static_cast<std::uint64_t>(value), -1);
    if (fresh) at->second = coder.code_of(std::to_string(value));
    coder.push(at->second);
  }
}

Result<Categories> code_integer_column(const arrow::ChunkedArray& column) {
  Coder coder(column.length());
  for (const auto& chunk : column.chunks()) {
    switch (chunk->type_id()) {
      case arrow::Type::INT8: code_integers<arrow::Int8Array>(*chunk, coder); break;
      case arrow::Type::INT16: code_integers<arrow::Int16Array>(*chunk, coder); break;
      case arrow::Type::INT32: code_integers<arrow::Int32Array>(*chunk, coder); break;
      case arrow::Type::INT64: code_integers<arrow::Int64Array>(*chunk, coder); break;
      case arrow::Type::UINT8: code_integers<arrow::UInt8Array>(*chunk, coder); break;
      case arrow::Type::UINT16: code_integers<arrow::UInt16Array>(*chunk, coder); break;
      case arrow::Type::UINT32: code_integers<arrow::UInt32Array>(*chunk, coder); break;
      case arrow::Type::UINT64: code_integers<arrow::UInt64Array>(*chunk, coder); break;
      default: return Error(ErrorCode::internal, "not an integer type");
    }
  }
  return coder.take();
}

Categories code_text_column(const arrow::ChunkedArray& column) {
  Coder coder(column.length());
  for (const auto& chunk : column.chunks()) {
    if (chunk->length() == 0) continue;
    switch (chunk->type_id()) {
      case arrow::Type::STRING: code_texts<arrow::StringArray>(*chunk, coder); break;
      case arrow::Type::LARGE_STRING: code_texts<arrow::LargeStringArray>(*chunk, coder); break;
      default: code_dictionary(*chunk, coder); break;
    }
  }
  return coder.take();
}

template <class ArrayType>
void append_texts(const arrow::Array& chunk, std::vector<std::string>& out) {
  const auto& texts = static_cast<const ArrayType&>(chunk);
  for (std::int64_t i = 0; i < texts.length(); ++i) out.emplace_back(texts.IsNull(i) ? std::string_view() : texts.GetView(i));
}

void append_text_chunk(const arrow::Array& chunk, std::vector<std::string>& out) {
  if (chunk.type_id() == arrow::Type::STRING) return append_texts<arrow::StringArray>(chunk, out);
  if (chunk.type_id() == arrow::Type::LARGE_STRING) return append_texts<arrow::LargeStringArray>(chunk, out);
  const auto& coded = static_cast<const arrow::DictionaryArray&>(chunk);
  std::vector<std::string> words;
  append_text_chunk(*coded.dictionary(), words);
  for (std::int64_t i = 0; i < coded.length(); ++i) {
    out.push_back(coded.IsNull(i) ? std::string() : words[static_cast<std::size_t>(coded.GetValueIndex(i))]);
  }
}

template <class ListType>
void append_lists(const arrow::Array& chunk, std::vector<std::vector<std::string>>& out) {
  const auto& lists = static_cast<const ListType&>(chunk);
  std::vector<std::string> items;
  const auto first = lists.value_offset(0);
  const auto count = lists.value_offset(lists.length()) - first;
  append_text_chunk(*lists.values()->Slice(first, count), items);
  for (std::int64_t i = 0; i < lists.length(); ++i) {
    std::vector<std::string> row;
    if (!lists.IsNull(i)) {
      const auto begin = lists.value_offset(i) - first;
      for (std::int64_t k = 0; k < lists.value_length(i); ++k) row.push_back(items[static_cast<std::size_t>(begin + k)]);
    }
    out.push_back(std::move(row));
  }
}

std::vector<std::string> spelled(const Categories& coded) {
  std::vector<std::string> out;
  out.reserve(coded.codes.size());
  for (const std::int32_t code : coded.codes) out.push_back(code < 0 ? std::string() : coded.names[static_cast<std::size_t>(code)]);
  return out;
}

// Times of a zone are written in UTC: the zone's own clock would need the machine's time zone files.
Result<std::shared_ptr<arrow::ChunkedArray>> time_as_text(const std::shared_ptr<arrow::ChunkedArray>& column, const std::string& name) {
  std::shared_ptr<arrow::ChunkedArray> plain = column;
  if (column->type()->id() == arrow::Type::TIMESTAMP) {
    const auto unit = static_cast<const arrow::TimestampType&>(*column->type()).unit();
    auto view = column->View(arrow::timestamp(unit));
    if (!view.ok()) return arrow_error(view.status(), ErrorCode::internal).in_column(name);
    plain = *view;
  }
  return cast_column(plain, arrow::utf8(), name);
}

}  // namespace

Result<std::shared_ptr<arrow::ChunkedArray>> as_text(const std::shared_ptr<arrow::ChunkedArray>& column, std::string_view name) {
  const ColumnType type = column_type(*column->type());
  if (type == ColumnType::text) return cast_column(column, plain_type(column->type()), std::string(name));
  if (type == ColumnType::timestamp) return time_as_text(column, std::string(name));
  if (type == ColumnType::list_of_text || type == ColumnType::other) {
    return not_text_error(name, type, "one value a row", "Name a column of text, numbers or times.");
  }
  const Table alone = wrap(arrow::Table::Make(arrow::schema({arrow::field(std::string(name), column->type())}), {column}));
  PLIMSOLL_TRY(const Categories coded, alone.categories(name));
  arrow::StringBuilder builder;
  arrow::Status status = builder.Reserve(column->length());
  for (const std::int32_t code : coded.codes) {
    if (!status.ok()) break;
    status = code < 0 ? builder.AppendNull() : builder.Append(coded.names[static_cast<std::size_t>(code)]);
  }
  auto built = builder.Finish();
  if (!status.ok() || !built.ok()) return arrow_error(status.ok() ? built.status() : status, ErrorCode::internal);
  return std::make_shared<arrow::ChunkedArray>(*built);
}

Result<Categories> Table::categories(std::string_view name) const {
  PLIMSOLL_TRY(auto column, find_column(*impl_, name));
  switch (column_type(*column->type())) {
    case ColumnType::boolean: return code_flags(*column);
    case ColumnType::integer: return code_integer_column(*column);
    case ColumnType::real: return code_reals(*this, name, *column);
    case ColumnType::text: return code_text_column(*column);
    case ColumnType::timestamp: {
      PLIMSOLL_TRY(auto text, time_as_text(column, std::string(name)));
      return code_text_column(*text);
    }
    default: break;
  }
  return not_text_error(name, column_type(*column->type()), "one category a row", "Name a column of text, numbers or times.");
}

Result<std::vector<std::string>> Table::texts(std::string_view name) const {
  PLIMSOLL_TRY(auto column, find_column(*impl_, name));
  if (column_type(*column->type()) != ColumnType::text) {
    PLIMSOLL_TRY(const Categories coded, categories(name));
    return spelled(coded);
  }
  std::vector<std::string> out;
  out.reserve(static_cast<std::size_t>(column->length()));
  for (const auto& chunk : column->chunks()) {
    if (chunk->length() > 0) append_text_chunk(*chunk, out);
  }
  return out;
}

Result<std::vector<std::vector<std::string>>> Table::text_lists(std::string_view name) const {
  PLIMSOLL_TRY(auto column, find_column(*impl_, name));
  const ColumnType type = column_type(*column->type());
  if (type != ColumnType::list_of_text) {
    return not_text_error(name, type, "a list of text", "Name a column of lists; a CSV file holds none.");
  }
  std::vector<std::vector<std::string>> out;
  out.reserve(static_cast<std::size_t>(column->length()));
  for (const auto& chunk : column->chunks()) {
    if (chunk->length() == 0) continue;
    if (chunk->type_id() == arrow::Type::LIST) {
      append_lists<arrow::ListArray>(*chunk, out);
    } else {
      append_lists<arrow::LargeListArray>(*chunk, out);
    }
  }
  return out;
}

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
// Row fingerprints: hashes of rows, column by column, and the smallest of them. A value's hash depends on what it says, not on
// how it is stored: the integer 5, the real 5.0 and the flag true (as 1) of one column agree between file formats, and NaN is
// the same as missing. Columns are combined by addition, so that their order does not matter: a row's hash is the mixed sum of
// factor_c g(word_c ^ salt_c), with g(x) = x ^ (x >> 32) and an odd factor drawn from the column's name. That is multilinear
// hashing (Lemire and Kaser 2014): one multiplication a value, so that a sketch costs little beside reading the rows.
#include "table/fingerprint.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/chunked_array.h>
#include <arrow/scalar.h>
#include <arrow/status.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <utility>

#include "base/hash.h"
#include "table/arrow_table.h"
#include "table/row_sums.h"
#include "table/row_words.h"

namespace plimsoll {
namespace {

constexpr std::uint64_t integer_tag = 0x9e3779b97f4a7c15ULL;
constexpr std::uint64_t list_tag = 0xd1b54a32d192ed03ULL;
constexpr std::int64_t exact_integer = std::int64_t{1} << 53;

std::uint64_t hash_integer(std::int64_t value) {
  if (value >= -exact_integer && value <= exact_integer) return word_of(static_cast<double>(value));
  return mixed(static_cast<std::uint64_t>(value) ^ integer_tag);
}

using Hashes = std::vector<std::uint64_t>;

template <class ArrayType>
void hash_texts(const arrow::Array& chunk, std::uint64_t* out) {
  const auto& texts = static_cast<const ArrayType&>(chunk);
  for (std::int64_t i = 0; i < texts.length(); ++i) out[i] = texts.IsNull(i) ? null_word : hash64(texts.GetView(i));
}

void hash_text_chunk(const arrow::Array& chunk, std::uint64_t* out) {
  if (chunk.type_id() == arrow::Type::STRING) return hash_texts<arrow::StringArray>(chunk, out);
  if (chunk.type_id() == arrow::Type::LARGE_STRING) return hash_texts<arrow::LargeStringArray>(chunk, out);
  const auto& coded = static_cast<const arrow::DictionaryArray&>(chunk);
  Hashes words(static_cast<std::size_t>(coded.dictionary()->length()));
  hash_text_chunk(*coded.dictionary(), words.data());
  for (std::int64_t i = 0; i < coded.length(); ++i) {
    out[i] = coded.IsNull(i) ? null_word : words[static_cast<std::size_t>(coded.GetValueIndex(i))];
  }
}

template <class ListType>
void hash_lists(const arrow::Array& chunk, std::uint64_t* out) {
  const auto& lists = static_cast<const ListType&>(chunk);
  const auto first = lists.value_offset(0);
  const auto items = lists.values()->Slice(first, lists.value_offset(lists.length()) - first);
  Hashes words(static_cast<std::size_t>(items->length()));
  hash_text_chunk(*items, words.data());
  for (std::int64_t i = 0; i < lists.length(); ++i) {
    std::uint64_t hash = list_tag;
    for (std::int64_t k = 0; k < lists.value_length(i); ++k) {
      hash = mixed(hash ^ words[static_cast<std::size_t>(lists.value_offset(i) - first + k)]);
    }
    out[i] = lists.IsNull(i) ? null_word : hash;
  }
}

void hash_integers(const arrow::Array& chunk, std::uint64_t* out) {
  const auto& values = static_cast<const arrow::Int64Array&>(chunk);
  const std::int64_t* raw = values.raw_values();
  for (std::int64_t i = 0; i < values.length(); ++i) out[i] = hash_integer(raw[i]);
  if (values.null_count() == 0) return;
  for (std::int64_t i = 0; i < values.length(); ++i) {
    if (values.IsNull(i)) out[i] = null_word;
  }
}

void hash_anything(const arrow::Array& chunk, std::uint64_t* out) {
  for (std::int64_t i = 0; i < chunk.length(); ++i) {
    auto scalar = chunk.GetScalar(i);
    out[i] = chunk.IsNull(i) || !scalar.ok() ? null_word : hash64((*scalar)->ToString());
  }
}

void hash_chunk(const arrow::Array& chunk, ColumnType type, std::uint64_t* out) {
  if (chunk.length() == 0) return;
  switch (type) {
    case ColumnType::text: return hash_text_chunk(chunk, out);
    case ColumnType::list_of_text:
      if (chunk.type_id() == arrow::Type::LIST) return hash_lists<arrow::ListArray>(chunk, out);
      return hash_lists<arrow::LargeListArray>(chunk, out);
    case ColumnType::integer:
    case ColumnType::timestamp: return hash_integers(chunk, out);
    default: return hash_anything(chunk, out);
  }
}

Result<Hashes> hash_column(const Table& table, std::string_view name) {
  PLIMSOLL_TRY(auto column, find_column(table.impl(), name));
  const ColumnType type = column_type(*column->type());
  Hashes hashes(static_cast<std::size_t>(column->length()));
  if (type == ColumnType::real || type == ColumnType::boolean) {
    PLIMSOLL_TRY(const Reals values, table.reals(name, Missing::as_nan));
    for (std::size_t i = 0; i < hashes.size(); ++i) hashes[i] = word_of(values[i]);
    return hashes;
  }
  const std::string owned(name);
  if (type == ColumnType::integer && column->type()->id() == arrow::Type::UINT64) {
    // Values above 2^63 - 1 keep their bits as negative integers do not occur beside them.
    auto view = column->View(arrow::int64());
    if (!view.ok()) return arrow_error(view.status(), ErrorCode::internal);
    column = *view;
  } else if (type == ColumnType::integer) {
    PLIMSOLL_TRY(column, cast_column(column, arrow::int64(), owned));
  } else if (type == ColumnType::timestamp) {
    PLIMSOLL_TRY(column, cast_column(column, arrow::timestamp(arrow::TimeUnit::MICRO), owned));
    auto view = column->View(arrow::int64());
    if (!view.ok()) return arrow_error(view.status(), ErrorCode::internal);
    column = *view;
  }
  std::uint64_t* at = hashes.data();
  for (const auto& chunk : column->chunks()) {
    hash_chunk(*chunk, type, at);
    at += chunk->length();
  }
  return hashes;
}

constexpr std::size_t block = 1024;  // rows summed at a time: their sums stay in the first cache

// A column of int64 in one piece without nulls: read where it lies.
std::shared_ptr<arrow::Array> plain_integers(const arrow::ChunkedArray& column) {
  if (column.type()->id() != arrow::Type::INT64 || column.num_chunks() != 1 || column.null_count() != 0) return nullptr;
  return column.chunk(0);
}

// A column's words: numbers are read where they lie, others were hashed before.
struct HashedColumn {
  WordSpread spread;
  Reals reals;
  std::shared_ptr<arrow::Array> integers;
  Hashes words;
  bool plain = false;

  static Result<HashedColumn> of(const Table& table, const std::string& name, std::uint64_t salt) {
    HashedColumn made;
    made.spread = {salt, mixed(salt) | 1U};
    PLIMSOLL_TRY(const auto column, find_column(table.impl(), name));
    made.plain = column_type(*column->type()) == ColumnType::real;
    made.integers = plain_integers(*column);
    if (made.plain) {
      PLIMSOLL_TRY(made.reals, table.reals(name, Missing::as_nan));
    } else if (!made.integers) {
      PLIMSOLL_TRY(made.words, hash_column(table, name));
    }
    return made;
  }

  void add(const WordLoops& loops, std::size_t begin, std::size_t size, std::uint64_t* sums) const {
    if (plain) return loops.add(spread, reals.begin() + begin, size, sums);
    if (integers) return add_integers(loops, static_cast<const arrow::Int64Array&>(*integers).raw_values() + begin, size, sums);
    const std::uint64_t* at = words.data() + begin;
    const WordSpread own = spread;
    for (std::size_t i = 0; i < size; ++i) sums[i] += own(at[i]);
  }

  // Those that doubles hold exactly have the words of these doubles.
  void add_integers(const WordLoops& loops, const std::int64_t* at, std::size_t size, std::uint64_t* sums) const {
    std::array<double, block> reals_of;
    bool exact = true;
    for (std::size_t i = 0; i < size; ++i) {
      exact &= static_cast<std::uint64_t>(at[i]) + static_cast<std::uint64_t>(exact_integer) <= 2 * static_cast<std::uint64_t>(exact_integer);
      reals_of[i] = static_cast<double>(at[i]);
    }
    if (exact) return loops.add(spread, reals_of.data(), size, sums);
    for (std::size_t i = 0; i < size; ++i) sums[i] += spread(hash_integer(at[i]));
  }
};

}  // namespace

struct RowHasher::Column : HashedColumn {};
struct RowSums::Column : HashedColumn {};

Result<std::optional<RowSums>> RowSums::of(const Table& table, const std::vector<std::string>& added) {
  PLIMSOLL_TRY(const std::vector<std::string> ids, table.role_columns("id"));
  if (!ids.empty()) return std::optional<RowSums>();
  RowSums made;
  for (std::size_t i = 0; i < added.size(); ++i) {
    PLIMSOLL_TRY(const auto column, find_column(table.impl(), added[i]));
    const bool again = std::find(added.begin(), added.begin() + static_cast<std::ptrdiff_t>(i), added[i]) != added.begin() + static_cast<std::ptrdiff_t>(i);
    if (again || column_type(*column->type()) != ColumnType::real) return std::optional<RowSums>();
    const std::uint64_t salt = hash64(added[i]);
    made.spreads_.push_back({salt, mixed(salt) | 1U});
  }
  std::vector<Column> others;
  for (const ColumnInfo& column : table.columns()) {
    if (std::find(added.begin(), added.end(), column.name) != added.end()) continue;
    PLIMSOLL_TRY(HashedColumn other, HashedColumn::of(table, column.name, hash64(column.name)));
    others.push_back({std::move(other)});
  }
  made.others_ = std::make_shared<const std::vector<Column>>(std::move(others));
  return std::optional<RowSums>(std::move(made));
}

void RowSums::finish(std::int64_t begin, std::span<std::uint64_t> sums) const {
  const WordLoops& loops = word_loops();
  for (std::size_t at = 0; at < sums.size(); at += block) {
    const std::span<std::uint64_t> now = sums.subspan(at, std::min(block, sums.size() - at));
    for (const Column& column : *others_) column.add(loops, static_cast<std::size_t>(begin) + at, now.size(), now.data());
    loops.mix(now.data(), now.size());
  }
}

Result<RowHasher> RowHasher::of(const Table& table) {
  RowHasher hasher;
  PLIMSOLL_TRY(std::vector<std::string> names, table.role_columns("id"));
  hasher.by_id_ = !names.empty();
  if (names.empty()) {
    for (const ColumnInfo& column : table.columns()) names.push_back(column.name);
  }
  std::vector<Column> columns;
  for (std::size_t c = 0; c < names.size(); ++c) {
    // An id is the same id whatever its column is called.
    PLIMSOLL_TRY(HashedColumn column, HashedColumn::of(table, names[c], hasher.by_id_ ? mixed(c + 1) : hash64(names[c])));
    columns.push_back({std::move(column)});
  }
  hasher.columns_ = std::make_shared<const std::vector<Column>>(std::move(columns));
  hasher.rows_ = table.rows();
  return hasher;
}

std::uint64_t RowHasher::hash(std::int64_t begin, std::span<std::uint64_t> out) const {
  const WordLoops& loops = word_loops();
  std::uint64_t least = ~std::uint64_t{0};
  for (std::size_t at = 0; at < out.size(); at += block) {
    const std::span<std::uint64_t> sums = out.subspan(at, std::min(block, out.size() - at));
    std::fill(sums.begin(), sums.end(), std::uint64_t{0});
    for (const Column& column : *columns_) column.add(loops, static_cast<std::size_t>(begin) + at, sums.size(), sums.data());
    least = std::min(least, loops.mix(sums.data(), sums.size()));
  }
  return least;
}

std::uint64_t RowFingerprint::limit() const { return counts_.size() < most ? std::numeric_limits<std::uint64_t>::max() : counts_.rbegin()->first; }

void RowFingerprint::keep_smallest(std::span<const std::uint64_t> hashes) {
  std::uint64_t largest = limit();
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t hash : hashes) least = std::min(least, hash);
  if (least > largest) {  // so it is with most pieces of a long table
    dropped_ = true;
    return;
  }
  for (const std::uint64_t hash : hashes) {
    if (hash > largest) {
      dropped_ = true;
      continue;
    }
    ++counts_[hash];
    if (counts_.size() > most) {
      counts_.erase(std::prev(counts_.end()));
      dropped_ = true;
    }
    if (counts_.size() == most) largest = counts_.rbegin()->first;
  }
}

Result<void> RowFingerprint::begin_batch(const RowHasher& rows) {
  if (any_ && rows.by_id() != by_id_) {
    return Error(ErrorCode::bad_parameter, "some batches of a table bind the role 'id' and others do not", "Bind --id for all or for none.").in_parameter("id");
  }
  any_ = true;
  by_id_ = rows.by_id();
  return {};
}

void RowFingerprint::add(std::span<const std::uint64_t> hashes) {
  rows_ += static_cast<std::int64_t>(hashes.size());
  keep_smallest(hashes);
}

void RowFingerprint::add(const RowHasher& rows, std::int64_t begin, std::int64_t end) {
  std::array<std::uint64_t, block> hashes;
  for (; begin < end; begin += static_cast<std::int64_t>(block)) {
    const std::span<std::uint64_t> now = std::span(hashes).first(static_cast<std::size_t>(std::min(static_cast<std::int64_t>(block), end - begin)));
    rows_ += static_cast<std::int64_t>(now.size());
    if (rows.hash(begin, now) > limit()) dropped_ = true;  // of most blocks none is small
    else keep_smallest(now);
  }
}

Result<void> RowFingerprint::add(const Table& batch) {
  PLIMSOLL_TRY(const RowHasher rows, RowHasher::of(batch));
  PLIMSOLL_CHECK(begin_batch(rows));
  add(rows, 0, rows.rows());
  return {};
}

void RowFingerprint::merge(const RowFingerprint& other) {
  if (!other.any_) return;
  if (!any_) by_id_ = other.by_id_;
  any_ = true;
  rows_ += other.rows_;
  // A sketch that dropped rows knows nothing beyond its largest hash, and so neither does what is merged with it.
  constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t limit = all;
  if (dropped_ && !counts_.empty()) limit = std::min(limit, counts_.rbegin()->first);
  if (other.dropped_ && !other.counts_.empty()) limit = std::min(limit, other.counts_.rbegin()->first);
  dropped_ = dropped_ || other.dropped_;
  for (const auto& [hash, count] : other.counts_) counts_[hash] += count;
  counts_.erase(counts_.upper_bound(limit), counts_.end());
  while (counts_.size() > most) {
    counts_.erase(std::prev(counts_.end()));
    dropped_ = true;
  }
}

bool RowFingerprint::exact() const { return !dropped_; }

namespace {

constexpr std::uint64_t format_mark = 0x31746e6972706670ULL;  // names the layout below

void put(std::string& out, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) out += static_cast<char>((value >> (8 * i)) & 0xffU);
}

std::uint64_t get(std::string_view bytes, std::size_t word) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[8 * word + i])) << (8 * i);
  return value;
}

Error damaged(const char* what) { return Error(ErrorCode::corrupt_file, std::string("row fingerprint: ") + what, "Fit the model again."); }

}  // namespace

// Words of eight bytes, lowest first: mark, rows, flags (1 id, 2 any, 4 dropped), number of hashes, then hash and count of each.
std::string RowFingerprint::to_bytes() const {
  std::string out;
  out.reserve(8 * (4 + 2 * counts_.size()));
  put(out, format_mark);
  put(out, static_cast<std::uint64_t>(rows_));
  put(out, (by_id_ ? 1U : 0U) | (any_ ? 2U : 0U) | (dropped_ ? 4U : 0U));
  put(out, counts_.size());
  for (const auto& [hash, count] : counts_) {
    put(out, hash);
    put(out, static_cast<std::uint64_t>(count));
  }
  return out;
}

Result<RowFingerprint> RowFingerprint::from_bytes(std::string_view bytes) {
  if (bytes.size() < 32 || get(bytes, 0) != format_mark) return damaged("not one");
  const std::uint64_t rows = get(bytes, 1);
  const std::uint64_t flags = get(bytes, 2);
  const std::uint64_t size = get(bytes, 3);
  if (size > most || bytes.size() != 8 * (4 + 2 * size) || flags > 7 || rows > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return damaged("its sizes do not agree");
  }
  RowFingerprint print;
  print.rows_ = static_cast<std::int64_t>(rows);
  print.by_id_ = (flags & 1U) != 0;
  print.any_ = (flags & 2U) != 0;
  print.dropped_ = (flags & 4U) != 0;
  std::uint64_t counted = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint64_t hash = get(bytes, 4 + 2 * i);
    const std::uint64_t count = get(bytes, 5 + 2 * i);
    if (!print.counts_.empty() && hash <= print.counts_.rbegin()->first) return damaged("its hashes do not rise");
    if (count == 0 || count > rows - counted) return damaged("its counts exceed its rows");
    counted += count;
    print.counts_.emplace_hint(print.counts_.end(), hash, static_cast<std::int64_t>(count));
  }
  if (!print.dropped_ && counted != rows) return damaged("its counts do not sum to its rows");
  return print;
}

}  // namespace plimsoll

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
#include <bit>
#include <iterator>
#include <limits>

#include "base/hash.h"
#include "table/arrow_table.h"

namespace plimsoll {
namespace {

constexpr std::uint64_t null_hash = 0x6e756c6c6e756c6cULL;
constexpr std::uint64_t integer_tag = 0x9e3779b97f4a7c15ULL;
constexpr std::uint64_t list_tag = 0xd1b54a32d192ed03ULL;
constexpr std::int64_t exact_integer = std::int64_t{1} << 53;

// The SplitMix64 finaliser (Steele, Lea, Flood 2014), here so that loops over values inline it.
inline std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

// The word of a number: its bits. Zeros of both signs are one value; NaN is missing. Both lie outside of what one comparison
// lets pass, so that ordinary numbers pay little.
inline std::uint64_t hash_real(double value) {
  constexpr std::uint64_t beyond_infinity = 0xffe0000000000000ULL;  // twice the bits of infinity
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
  if ((bits << 1U) - 1U < beyond_infinity) [[likely]] return bits;
  return value == 0 ? 0 : null_hash;
}

std::uint64_t hash_integer(std::int64_t value) {
  if (value >= -exact_integer && value <= exact_integer) return hash_real(static_cast<double>(value));
  return mixed(static_cast<std::uint64_t>(value) ^ integer_tag);
}

using Hashes = std::vector<std::uint64_t>;

template <class ArrayType>
void hash_texts(const arrow::Array& chunk, std::uint64_t* out) {
  const auto& texts = static_cast<const ArrayType&>(chunk);
  for (std::int64_t i = 0; i < texts.length(); ++i) out[i] = texts.IsNull(i) ? null_hash : hash64(texts.GetView(i));
}

void hash_text_chunk(const arrow::Array& chunk, std::uint64_t* out) {
  if (chunk.type_id() == arrow::Type::STRING) return hash_texts<arrow::StringArray>(chunk, out);
  if (chunk.type_id() == arrow::Type::LARGE_STRING) return hash_texts<arrow::LargeStringArray>(chunk, out);
  const auto& coded = static_cast<const arrow::DictionaryArray&>(chunk);
  Hashes words(static_cast<std::size_t>(coded.dictionary()->length()));
  hash_text_chunk(*coded.dictionary(), words.data());
  for (std::int64_t i = 0; i < coded.length(); ++i) {
    out[i] = coded.IsNull(i) ? null_hash : words[static_cast<std::size_t>(coded.GetValueIndex(i))];
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
    out[i] = lists.IsNull(i) ? null_hash : hash;
  }
}

void hash_integers(const arrow::Array& chunk, std::uint64_t* out) {
  const auto& values = static_cast<const arrow::Int64Array&>(chunk);
  const std::int64_t* raw = values.raw_values();
  for (std::int64_t i = 0; i < values.length(); ++i) out[i] = hash_integer(raw[i]);
  if (values.null_count() == 0) return;
  for (std::int64_t i = 0; i < values.length(); ++i) {
    if (values.IsNull(i)) out[i] = null_hash;
  }
}

void hash_anything(const arrow::Array& chunk, std::uint64_t* out) {
  for (std::int64_t i = 0; i < chunk.length(); ++i) {
    auto scalar = chunk.GetScalar(i);
    out[i] = chunk.IsNull(i) || !scalar.ok() ? null_hash : hash64((*scalar)->ToString());
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
    for (std::size_t i = 0; i < hashes.size(); ++i) hashes[i] = hash_real(values[i]);
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

// A column's words: numbers are read where they lie, others were hashed before.
struct Source {
  Reals numbers;
  Hashes words;
  bool plain = false;
  std::uint64_t salt = 0;
  std::uint64_t factor = 1;

  void add(std::size_t begin, std::size_t size, std::uint64_t* sums) const {
    const auto spread = [this](std::uint64_t word) {
      const std::uint64_t x = word ^ salt;
      return (x ^ (x >> 32U)) * factor;
    };
    if (plain) {
      const double* at = numbers.begin() + begin;
      std::size_t i = 0;
      for (; i + 8 <= size; i += 8) {
        __builtin_prefetch(at + i + 512);  // the next block: past the end this does nothing
        for (std::size_t k = i; k < i + 8; ++k) sums[k] += spread(hash_real(at[k]));
      }
      for (; i < size; ++i) sums[i] += spread(hash_real(at[i]));
    } else {
      const std::uint64_t* at = words.data() + begin;
      for (std::size_t i = 0; i < size; ++i) sums[i] += spread(at[i]);
    }
  }
};

Result<std::vector<Source>> sources_of(const Table& batch, const std::vector<std::string>& names, bool by_id) {
  std::vector<Source> sources;
  for (std::size_t c = 0; c < names.size(); ++c) {
    Source source;
    // An id is the same id whatever its column is called.
    source.salt = by_id ? mixed(c + 1) : hash64(names[c]);
    source.factor = mixed(source.salt) | 1U;
    PLIMSOLL_TRY(const auto column, find_column(batch.impl(), names[c]));
    source.plain = column_type(*column->type()) == ColumnType::real;
    if (source.plain) {
      PLIMSOLL_TRY(source.numbers, batch.reals(names[c], Missing::as_nan));
    } else {
      PLIMSOLL_TRY(source.words, hash_column(batch, names[c]));
    }
    sources.push_back(std::move(source));
  }
  return sources;
}

}  // namespace

void RowFingerprint::keep_smallest(std::span<const std::uint64_t> sums) {
  constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t limit = counts_.size() < most ? all : counts_.rbegin()->first;
  for (const std::uint64_t sum : sums) {
    const std::uint64_t hash = mixed(sum);
    if (hash > limit) {
      dropped_ = true;
      continue;
    }
    ++counts_[hash];
    if (counts_.size() > most) {
      counts_.erase(std::prev(counts_.end()));
      dropped_ = true;
    }
    if (counts_.size() == most) limit = counts_.rbegin()->first;
  }
}

Result<void> RowFingerprint::add(const Table& batch) {
  PLIMSOLL_TRY(const std::vector<std::string> ids, batch.role_columns("id"));
  const bool by_id = !ids.empty();
  if (any_ && by_id != by_id_) {
    return Error(ErrorCode::bad_parameter, "some batches of a table bind the role 'id' and others do not", "Bind --id for all or for none.").in_parameter("id");
  }
  any_ = true;
  by_id_ = by_id;
  std::vector<std::string> names = ids;
  if (!by_id) {
    for (const ColumnInfo& column : batch.columns()) names.push_back(column.name);
  }
  PLIMSOLL_TRY(const std::vector<Source> sources, sources_of(batch, names, by_id));
  std::array<std::uint64_t, block> sums;
  const auto rows = static_cast<std::size_t>(batch.rows());
  for (std::size_t begin = 0; begin < rows; begin += block) {
    const std::size_t size = std::min(block, rows - begin);
    std::fill(sums.begin(), sums.begin() + static_cast<std::ptrdiff_t>(size), std::uint64_t{0});
    for (const Source& source : sources) source.add(begin, size, sums.data());
    keep_smallest(std::span<const std::uint64_t>(sums.data(), size));
  }
  rows_ += batch.rows();
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

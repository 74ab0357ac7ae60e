// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "table/table.h"

namespace plimsoll {

// The rows of a table as hashes: of their `id` role if bound, else of every column's value, in any order of the columns. Made once
// for a table, then asked piece by piece, so that a pass over the rows can sketch them while they stand in cache.
class RowHasher {
 public:
  // Views the table's memory, which must outlive it.
  static Result<RowHasher> of(const Table& table);
  bool by_id() const { return by_id_; }
  std::int64_t rows() const { return rows_; }
  // Hashes of the rows from `begin` on; returns the least.
  std::uint64_t hash(std::int64_t begin, std::span<std::uint64_t> out) const;

 private:
  struct Column;
  std::shared_ptr<const std::vector<Column>> columns_;
  std::int64_t rows_ = 0;
  bool by_id_ = false;
};

// The 4,096 smallest distinct row hashes of a set of rows, with counts: exact up to that many distinct rows. Mergeable and
// order-free.
class RowFingerprint {
 public:
  static constexpr std::size_t most = 4096;

  Result<void> add(const Table& batch);
  // The same in pieces: first what was bound, which may say that other batches were hashed otherwise, then its rows [begin, end),
  // or some of them by their hashes.
  Result<void> begin_batch(const RowHasher& rows);
  void add(const RowHasher& rows, std::int64_t begin, std::int64_t end);
  void add(std::span<const std::uint64_t> hashes);
  void merge(const RowFingerprint& other);
  std::int64_t rows() const { return rows_; }
  bool by_id() const { return by_id_; }
  bool exact() const;   // every distinct row is in the sketch
  std::string to_bytes() const;
  static Result<RowFingerprint> from_bytes(std::string_view bytes);
  const std::map<std::uint64_t, std::int64_t>& counts() const { return counts_; }
  bool operator==(const RowFingerprint&) const = default;

 private:
  std::uint64_t limit() const;  // hashes beyond it are not kept
  void keep_smallest(std::span<const std::uint64_t> hashes);

  std::map<std::uint64_t, std::int64_t> counts_;
  std::int64_t rows_ = 0;
  bool by_id_ = false;
  bool any_ = false;
  bool dropped_ = false;
};

// What two fingerprints say about shared rows (design, section 4).
struct Overlap {
  double share_of_first = 0;   // estimated share of the first set's rows that stand in the second
  double share_of_second = 0;
  bool refused = false;        // by id: any shared; without: >= 0.99 of one set and more than its own repeats explain at 1e-6
  bool exact = false;
  double unseen_chance = 0;    // chance that a shared part of `share 0.01` would go unseen: (1 - 0.01)^4096 unless exact
  std::string sentence;        // in plain words, for a warning or an error
};
Overlap compare(const RowFingerprint& first, const RowFingerprint& second);

}  // namespace plimsoll

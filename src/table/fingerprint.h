// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "table/table.h"

namespace plimsoll {

// The 4,096 smallest distinct row hashes of a set of rows, with counts: exact up to that many distinct rows. Mergeable and
// order-free. Rows are hashed by their `id` role if bound, else by every column's value in the order of column names.
class RowFingerprint {
 public:
  static constexpr std::size_t most = 4096;

  Result<void> add(const Table& batch);
  void merge(const RowFingerprint& other);
  std::int64_t rows() const { return rows_; }
  bool by_id() const { return by_id_; }
  bool exact() const;   // every distinct row is in the sketch
  std::string to_bytes() const;
  static Result<RowFingerprint> from_bytes(std::string_view bytes);
  const std::map<std::uint64_t, std::int64_t>& counts() const { return counts_; }
  bool operator==(const RowFingerprint&) const = default;

 private:
  void keep_smallest(std::span<const std::uint64_t> sums);

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

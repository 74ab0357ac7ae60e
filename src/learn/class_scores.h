// SPDX-License-Identifier: Apache-2.0
#pragma once

// Conformal scores on class probabilities, for rows that stand in one column a class. With p sorted descending (equal
// probabilities: the class that comes first), r the rank of y from 1 and u uniform on [0, 1):
//   lac     1 - p_y                                             Sadinle, Lei and Wasserman 2019
//   aps     p_(1) + ... + p_(r) - u p_y                         Romano, Sesia and Candes 2020; u = 0 without randomisation
//   raps    aps + lambda max(0, r - k)                          Angelopoulos et al. 2021
//   saps    r = 1: u p_(1); else p_(1) + (r - 2 + u) lambda     Huang et al. 2024; without randomisation u = 1
//   margin  max over others of p - p_y
//   top_k   r
//   neg_log -ln p_y (infinite for p_y = 0)
// A set at threshold t is {y : score(y) <= t}. Every function gives the same value for a (row, label), whichever of them
// computes it, so that `score <= threshold` means the same when calibrating and when applying.
// Work by pieces of about 1,024 rows so that a piece stays in cache; nothing here starts a thread.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/philox.h"
#include "base/result.h"

namespace plimsoll {
class Fields;
struct WordSpread;
}

namespace plimsoll::learn {

enum class ClassScore : std::uint8_t { lac, aps, raps, saps, margin, top_k, neg_log };
std::span<const std::string_view> choices_of(ClassScore);

struct ClassScoreOptions {
  ClassScore score = ClassScore::lac;
  bool randomized = false;           // aps, raps, saps: u drawn for each row; else their conservative form
  double penalty = 0.01;             // raps and saps: lambda
  std::int64_t penalty_free = 5;     // raps: k
  bool needs_uniforms() const {
    return randomized && (score == ClassScore::aps || score == ClassScore::raps || score == ClassScore::saps);
  }
};

// One span a class, all of one length: the rows of the piece.
using ClassColumns = std::span<const std::span<const double>>;

// u of each row, keyed by its number (or by `keys`, hashes of the id role): a row's u does not depend on the piece it is in.
void row_uniforms(const Stream& stream, std::int64_t first_row, std::span<double> out);
void row_uniforms(const Stream& stream, std::span<const std::uint64_t> keys, std::span<double> out);

// Score of one label a row; label in [0, K). `uniforms` is empty unless needs_uniforms().
void score_labels(const ClassScoreOptions& options, ClassColumns columns, std::span<const std::int32_t> labels,
                  std::span<const double> uniforms, std::span<double> out);
// Scores of all labels, row-major rows x K: for p-values, assessments and tests.
void score_all(const ClassScoreOptions& options, ClassColumns columns, std::span<const double> uniforms, std::span<double> out);

// Thresholds that may differ by group of rows and by class: G x (1 or K) values, row-major.
struct Thresholds {
  std::span<const double> values;           // +infinity: every class; -infinity: none
  bool by_class = false;                    // K values a group instead of one
  std::span<const std::int32_t> groups = {};  // group of each row of the piece; empty: group 0. Negative: every class.
};

// Sets as bit masks, K <= 64: bit c of masks[i] is set if class c is in the set of row i.
void masks_at(const ClassScoreOptions& options, ClassColumns columns, const Thresholds& thresholds,
              std::span<const double> uniforms, std::span<std::uint64_t> masks);
// Rows whose mask is empty get their most probable class (first of equals); returns how many. Only raises coverage.
std::int64_t fill_empty(ClassColumns columns, std::span<std::uint64_t> masks);
// Appends one offset a row (offsets starts as {0}) and the codes of the set's classes in class order; K <= 64.
// More than 2^31 - 1 codes: `too_large`.
Result<void> append_sets(std::span<const std::uint64_t> masks, std::vector<std::int32_t>& offsets, std::vector<std::uint8_t>& codes);

// Any K (up to 1,000 and beyond): sets straight to offsets and codes. `fill_empty_sets` as above; returns how many it filled.
Result<std::int64_t> append_sets_at(const ClassScoreOptions& options, ClassColumns columns, const Thresholds& thresholds,
                                    std::span<const double> uniforms, bool fill_empty_sets,
                                    std::vector<std::int32_t>& offsets, std::vector<std::int32_t>& codes);

// First most probable class of each row.
void most_probable(ClassColumns columns, std::span<std::int32_t> out);

// The one reader's rule for class probabilities: each finite and in [0, 1] (1e-9 beyond is let pass), sums within 1e-3 of one
// (`bad_value` with the row), off by more than 1e-6 counted for a warning. Merge over pieces in any order.
struct ProbabilityCheck {
  std::int64_t rows = 0;
  std::int64_t off = 0;             // sums off by more than 1e-6 but within 1e-3
  double worst = 0;                 // largest |sum - 1|
  std::int64_t bad_row = -1;        // smallest row that is refused, in the source's numbering
  std::int64_t bad_class = -1;      // its class if one value is at fault, -1 if the sum is
  double bad_value = 0;

  void add(ClassColumns columns, std::int64_t first_row);
  // The same, and the words of the rows are added to `hashes`, a number a row, by one spread a column.
  void add_and_hash(ClassColumns columns, std::int64_t first_row, std::span<const WordSpread> spreads, std::span<std::uint64_t> hashes);
  void merge(const ProbabilityCheck& other);
  // The error for bad_row; `names` are the columns' names.
  Result<void> result(std::span<const std::string_view> names) const;

 private:
  void add_tiles(ClassColumns columns, std::int64_t first_row, const WordSpread* spreads, std::uint64_t* hashes);
};

}  // namespace plimsoll::learn

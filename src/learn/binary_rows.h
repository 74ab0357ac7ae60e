// SPDX-License-Identifier: Apache-2.0
#pragma once

// Rows of a binary calibrator as a mergeable sum: scores of an event and whether it happened, pooled by score within each group
// and fold. What calibrate.binary and calibrate.venn_abers read, refuse and count is written once here.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/context.h"
#include "base/exact_sum.h"
#include "base/result.h"
#include "base/scratch.h"
#include "learn/missing_rows.h"
#include "stats/score_pools.h"
#include "table/fingerprint.h"
#include "table/table.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::learn {

// How the columns of a binary calibrator are to be read.
struct BinaryReading {
  bool logits = false;
  bool percent = false;
  std::string positive;  // empty: outcomes are 0 and 1, or false and true
  MissingRows missing = MissingRows::refuse;
};
void describe(Fields& f, BinaryReading& r);
Result<void> check(const BinaryReading& r);

struct BinaryColumns {
  std::vector<std::string> probability;  // one; at apply of cross-fitted maps one a fold
  std::vector<std::string> group;
  std::string target, weight, fold, id;
};
void describe(Fields& f, BinaryColumns& c);
// From the roles of a table. `missing_input` if `probability` (or, when asked for, `target`) is not bound.
Result<BinaryColumns> binary_columns(const Table& table, bool with_target);
// At apply: what is bound there, else the columns of the fit by name.
Result<BinaryColumns> binary_columns_like(const Table& table, const BinaryColumns& fitted, bool with_target);

// One batch, read. Rows left out are in none of the vectors.
struct BinaryBatch {
  std::vector<std::vector<double>> scores;  // one a probability column: probabilities, or log-odds if `logits`
  std::vector<std::int32_t> outcome;        // empty without a target
  std::vector<double> weight;               // empty without weights
  std::vector<std::string> cell;            // values of the group columns, joined; empty without groups
  std::vector<std::string> fold;
  Scratch<std::int64_t> rows;               // row of the table each stands in
  std::int64_t dropped = 0;
  std::int64_t clipped = 0;                 // probabilities beyond [0, 1] by less than 1e-9
};
// `bad_value` with row and column for a score out of range (with a hint at --logits or --percent), an outcome that is not 0 or
// 1 (hint at --positive), a negative weight; `null_value` as the table says, unless such rows are dropped.
Result<BinaryBatch> read_binary(const Table& table, const BinaryColumns& columns, const BinaryReading& reading);

// Groups are told apart by the values of their columns; this joins and parts them.
std::string join_cell(const std::vector<std::string>& values);
std::vector<std::string> part_cell(const std::string& cell);

struct BinarySums {
  static constexpr std::size_t most_cells = 1000;        // groups times folds
  static constexpr std::size_t most_grouped = 1 << 16;   // distinct scores of each when rows are in groups
  std::map<std::pair<std::string, std::string>, stats::ScorePools> pools;  // by (cell, fold)
  std::int64_t dropped = 0;
  std::int64_t clipped = 0;
  ExactSum weight;
  ExactSum weight_squared;
  RowFingerprint fingerprint;

  // Folds: those of the batch, or `draws` (one a row of the batch, in [0, 1)) into `draw_folds` parts, or one.
  Result<void> add(const BinaryBatch& batch, std::span<const double> draws, int draw_folds);
  Result<void> merge(const BinarySums& other);
  std::int64_t rows() const;
  double square_ratio() const;  // sum of squared weights over their sum; 1 without weights
  std::string to_bytes() const;
  static Result<BinarySums> from_bytes(std::string_view bytes);
};
void describe(Fields& f, BinarySums& sums);

// What a mergeable fit on such rows holds besides its parameters.
struct BinarySample {
  BinaryColumns columns;
  bool ready = false;
  BinarySums sums;
  RowFingerprint learned;
  std::string overlap_remark;

  // Of a batch: its rows read, with their fingerprint if asked for; the columns are those of the first.
  Result<BinaryBatch> read(const Table& data, const std::optional<Table>& learned_rows, const BinaryReading& reading, bool fingerprint);
  Result<void> merge(const BinarySample& other);
  // Once all rows are in: refuses none at all, repeated ids, and rows that the model behind the scores has learned from.
  Result<void> refuse_double_use(Context& context);
};
void describe(Fields& f, BinarySample& sample);

// A row's uniform in [0, 1), keyed by its id, else by its number.
Result<std::vector<double>> row_draws(const Stream& stream, const Table& table, const BinaryColumns& columns, const BinaryBatch& batch);

// An id that stands in two rows, as far as the sketch sees (exact up to 4,096 ids): `bad_value`.
Result<void> refuse_repeated_ids(const RowFingerprint& fingerprint, const std::string& id);

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#pragma once

// From a table's feature columns to what learners read. Learned once, on the learning rows; applied to any table that has
// the columns. Two encodings:
//   tree    one float32 a column: numbers as they are (missing is NaN, beyond +-1e37 clamped), categories as their level's
//           index, marked categorical for the booster, which splits them by sets of levels. Exact, narrow, and monotone
//           constraints stay with the column they name.
//   linear  numbers standardised (missing takes the median), one indicator column if the learning rows had any missing,
//           categories as 0/1 columns but for the reference level (the most frequent), missing categories a 0/1 column too.
// Levels are kept in the order of their names; beyond `most_levels` the least frequent (ties: later name) fall into one
// level "other". A category never seen in learning goes to "other" if there is one, else it counts as missing.
// Class A: what is learned is a function of the multiset of learning rows.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "table/table.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::learn {

// Row numbers into a table; none given: all rows. Sorted rows are read fastest.
using RowChoice = std::optional<std::span<const std::int64_t>>;

enum class FeatureKind : std::uint8_t { numeric, category };
std::span<const std::string_view> choices_of(FeatureKind);

struct FeatureColumn {
  std::string name;
  FeatureKind kind = FeatureKind::numeric;
  bool had_missing = false;          // among the learning rows (known only for linear encoders and categories)
  double mean = 0;                   // numeric, linear encoders only: x -> (x - mean) / scale
  double scale = 1;
  double median = 0;
  std::vector<std::string> levels;   // category: by name; "other" is index levels.size() when has_other
  bool has_other = false;
  std::int64_t reference = 0;        // category: index of the level that has no 0/1 column
};
void describe(Fields& f, FeatureColumn& column);

struct EncoderOptions {
  bool linear = false;              // learn mean, scale and median too
  std::int64_t most_levels = 255;
};

struct FeatureEncoder {
  std::vector<FeatureColumn> columns;   // those in use, in the caller's order
  std::vector<std::string> kept_out;    // columns not used ...
  std::vector<std::string> notes;       // ... and why, in plain words (same length)

  std::int64_t tree_width() const { return static_cast<std::int64_t>(columns.size()); }
  std::int64_t linear_width() const;
  std::vector<bool> tree_categorical() const;
  std::vector<std::string> linear_names() const;       // "age", "age missing", "city = Oslo", "city = other", ...
  std::vector<std::int64_t> linear_sources() const;    // for each linear column its index in `columns`
};
void describe(Fields& f, FeatureEncoder& encoder);
// What describe() cannot bound: references in range, levels distinct and sorted, finite scales. `bad_value` otherwise;
// called by bind_features(), so that a hostile artifact is an error and not a crash.
Result<void> check(const FeatureEncoder& encoder);

// `features` in the order they shall have. Columns that are constant, empty, of a type that is no feature (lists, times) or
// text that never repeats are kept out with a note; `too_few_rows` if nothing is left; `bad_value` (column, row) for an
// infinity. Notes are not warned of here: the caller decides.
Result<FeatureEncoder> fit_encoder(Context& context, const Table& table, const std::vector<std::string>& features,
                                   RowChoice rows, const EncoderOptions& options);

// Categories that the learning rows did not have, in the bound rows.
struct Unseen {
  std::string column;
  std::int64_t rows = 0;
  std::string example;  // the first by name
};

// When an infinity among the features is refused: trees look at every value anyway when they are filled.
enum class Infinities : std::uint8_t { seen_when_bound, seen_when_filled };

// A table's columns made ready for an encoder: typed spans and level codes, shared when copied. Filling is by blocks and
// safe from many threads at once. Row i below is the i-th chosen row.
class BoundFeatures {
 public:
  std::int64_t rows() const;
  const FeatureEncoder& encoder() const;
  // Row-major (end - begin) x tree_width(). `bad_value` (column, row) for an infinity.
  Result<void> fill_tree(std::int64_t begin, std::int64_t end, float* out) const;
  // Column-major: out[column * stride + row].
  Result<void> fill_tree_columns(std::int64_t begin, std::int64_t end, std::int64_t stride, float* out) const;
  // Column-major: out[column * (end - begin) + row].
  void fill_linear(std::int64_t begin, std::int64_t end, double* out) const;
  const std::vector<Unseen>& unseen() const;

 private:
  struct State;
  friend Result<BoundFeatures> bind_features(Context&, const FeatureEncoder&, const Table&, RowChoice, Infinities);
  std::shared_ptr<const State> state_;
};

// `missing_column`, `wrong_type`, `bad_value` (infinity, unless left to filling trees) with column and row. Warns through context.warn of categories
// unseen in learning, once a column. The encoder, the table's memory and the chosen rows must outlive the result (the
// table is kept; the encoder and `rows` are viewed).
Result<BoundFeatures> bind_features(Context& context, const FeatureEncoder& encoder, const Table& table, RowChoice rows = std::nullopt,
                                    Infinities infinities = Infinities::seen_when_bound);

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the rows of a table become conformal scores: labels as codes, draws by row, ends of intervals, slices without missing cells.

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/philox.h"
#include "learn/score_plan.h"

namespace plimsoll::learn {

// Rows are worked on in slices of this many, and class probabilities in pieces that stay in the first caches.
inline constexpr std::int64_t slice_rows = 16384;
inline constexpr std::size_t piece_rows = 512;

// Labels to codes of the classes; whole numbers and booleans never become text.
class LabelReader {
 public:
  explicit LabelReader(const std::vector<std::string>& classes);
  // `numbers`: row number of each row, for errors. Unknown labels are `bad_value`, missing ones `null_value`.
  Result<void> read(const Table& rows, const std::string& column, std::span<const std::int64_t> numbers, std::vector<std::int32_t>& codes) const;

 private:
  Result<void> read_integers(const Table& rows, const std::string& column, std::span<const std::int64_t> numbers, std::vector<std::int32_t>& codes) const;
  Error unknown(const std::string& label, const std::string& column, std::int64_t row) const;
  std::vector<std::string> classes_;
  std::map<std::string, std::int32_t, std::less<>> by_name_;
  bool whole_numbers_ = false;            // every class name is an integer within +-2^31
  std::map<std::int64_t, std::int32_t> by_number_;
  std::int64_t lowest_ = 0;
  std::vector<std::int32_t> dense_;       // by number - lowest, -1 if none; empty if the range is wide
};

// Row numbers of a table: first_row() and on.
std::vector<std::int64_t> row_numbers(const Table& rows);

// u in [0, 1) of each row: keyed by its id if one is bound, else by its number.
Result<void> draw_rows(const Stream& stream, const Table& rows, const std::string& id, std::span<double> out);

// The prediction of a row as the two ends of its interval: with threshold t the interval is
// [base_low - t scale_low, base_high + t scale_high]; y's score is max((base_low - y)/scale_low, (y - base_high)/scale_high).
struct Ends {
  std::vector<double> base_low, base_high, scale_low, scale_high;
  std::int64_t crossed = 0;
};
Result<Ends> ends_of(const Table& rows, ConformalScore score, const ScoreColumns& columns, double offset, std::span<const std::int64_t> numbers);

// {y : score(y) <= threshold} exactly as doubles compute the score: the plain ends, moved where rounding parts the two.
double lower_end(double base, double scale, double threshold);
double upper_end(double base, double scale, double threshold);

// Scores of the truths of rows: one side, or the low and the high one. NaN is `bad_value`.
struct SideScores {
  std::vector<double> low, high;  // `high` only with two sides
  std::int64_t crossed = 0;
};
Result<SideScores> number_scores(const Table& rows, const ScorePlan& plan, double offset, std::span<const std::int64_t> numbers);

// The spans of columns read with as_nan, and the one check of class probabilities over a slice.
struct ClassSlice {
  std::vector<Reals> columns;
  std::vector<std::span<const double>> spans;
  std::vector<std::span<const double>> piece;  // set by cut()
  ClassColumns cut(std::size_t begin, std::size_t count);
};
Result<ClassSlice> class_slice(const Table& rows, const std::vector<std::string>& names);
// The exact error for what a check refused (missing cells are null_value, the rest bad_value).
Result<void> refuse_bad(const ProbabilityCheck& found, const Table& rows, const std::vector<std::string>& names, std::span<const std::int64_t> numbers);

// A slice of the rows of fit: those whose cells are all there if missing ones are dropped.
struct ScoreSlice {
  Table rows;
  std::vector<std::int64_t> numbers;
  std::vector<double> draws;  // empty unless the score is randomised; by row, whatever was dropped
};
Result<ScoreSlice> next_slice(const Table& table, std::int64_t begin, const ScorePlan& plan, const ScoreSettings& settings, MissingRows missing, const Stream& draws);

// The scores of all the truths of a table in memory, in its order.
struct TruthScores {
  std::vector<std::vector<double>> sides;  // sides_of(score) of them
  std::vector<std::int64_t> numbers;       // row number of each score
  std::vector<std::int32_t> labels;        // of classes
  std::int64_t dropped = 0;
  std::int64_t crossed = 0;
  std::int64_t off = 0;                    // rows whose probabilities miss one by more than 1e-6
};
Result<TruthScores> score_truths(Context& context, const Table& table, const ScorePlan& plan, const ScoreSettings& settings, MissingRows missing, const Stream& draws);
// What a fit says of such rows.
void warn_of_scores(Context& context, std::int64_t off, std::int64_t crossed, std::int64_t dropped);

}  // namespace plimsoll::learn

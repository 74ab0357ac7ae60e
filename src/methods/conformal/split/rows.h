// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the rows of a table become what scores need: columns by role, labels as codes, draws by row, ends of intervals.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/philox.h"
#include "methods/conformal/split/split.h"

namespace plimsoll::conformal::split {

// Rows are worked on in slices of this many, and class probabilities in pieces that stay in the first caches.
inline constexpr std::int64_t slice_rows = 16384;
inline constexpr std::size_t piece_rows = 512;

// From the roles of the first batch of fit: the score if it was left to choose, the columns, the classes.
Result<Plan> plan_of(const Table& table, const Params& params);
// The columns of a table at apply: those bound there, else those of the calibration by name.
Result<Columns> columns_of(const Table& table, const Plan& plan, const Params& params, bool with_target);

learn::ClassScoreOptions class_options(const Params& params, Score score);

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

// u in [0, 1) of each row: keyed by its id if one is bound, else by its number.
Result<void> draw_rows(const Stream& stream, const Table& rows, const std::string& id, std::span<double> out);

// The prediction of a row as the two ends of its interval: with threshold t the interval is
// [base_low - t scale_low, base_high + t scale_high]; y's score is max((base_low - y)/scale_low, (y - base_high)/scale_high).
struct Ends {
  std::vector<double> base_low, base_high, scale_low, scale_high;
  std::int64_t crossed = 0;
};
Result<Ends> ends_of(const Table& rows, Score score, const Columns& columns, double offset, std::span<const std::int64_t> numbers);

// {y : score(y) <= threshold} exactly as doubles compute the score: the plain ends, moved where rounding parts the two.
double lower_end(double base, double scale, double threshold);
double upper_end(double base, double scale, double threshold);

// The spans of columns read with as_nan, and the one check of class probabilities over a slice.
struct ClassSlice {
  std::vector<Reals> columns;
  std::vector<std::span<const double>> spans;
  std::vector<std::span<const double>> piece;  // set by cut()
  learn::ClassColumns cut(std::size_t begin, std::size_t count);
};
Result<ClassSlice> class_slice(const Table& rows, const std::vector<std::string>& names);
// The exact error for what a check refused (missing cells are null_value, the rest bad_value).
Result<void> refuse_bad(const learn::ProbabilityCheck& found, const Table& rows, const std::vector<std::string>& names, std::span<const std::int64_t> numbers);

}  // namespace plimsoll::conformal::split

// SPDX-License-Identifier: Apache-2.0
#include "learn/score_rows.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/hash.h"

namespace plimsoll::learn {
namespace {

bool whole_number(const std::string& text, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::to_string(value) == text && std::abs(value) <= std::int64_t{1} << 31;
}

// Rows whose cells are all there; numbers of the rest are dropped from `numbers`.
Result<Table> complete_rows(const Table& rows, const ScorePlan& plan, std::vector<std::int64_t>& numbers, std::vector<double>& draws) {
  std::vector<char> whole(numbers.size(), 1);
  std::vector<std::string> names = plan.columns.probability;
  if (!of_classes(plan.score)) {
    names = {plan.columns.target};
    for (const auto* name : {&plan.columns.prediction, &plan.columns.sigma, &plan.columns.lower, &plan.columns.upper, &plan.columns.median})
      if (!name->empty()) names.push_back(*name);
  } else {
    PLIMSOLL_TRY(const Categories labels, rows.categories(plan.columns.target));
    for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = labels.codes[i] >= 0;
  }
  for (const std::string& name : names) {
    PLIMSOLL_TRY(const Reals column, rows.reals(name, Missing::as_nan));
    for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = static_cast<char>(whole[i] & static_cast<char>(std::isfinite(column[i])));
  }
  std::vector<std::int64_t> kept;
  for (std::size_t i = 0; i < whole.size(); ++i)
    if (whole[i]) kept.push_back(static_cast<std::int64_t>(i));
  if (kept.size() == whole.size()) return rows;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    numbers[i] = numbers[static_cast<std::size_t>(kept[i])];
    if (!draws.empty()) draws[i] = draws[static_cast<std::size_t>(kept[i])];
  }
  numbers.resize(kept.size());
  if (!draws.empty()) draws.resize(kept.size());
  return rows.take(kept);
}

}  // namespace

LabelReader::LabelReader(const std::vector<std::string>& classes) : classes_(classes) {
  whole_numbers_ = true;
  std::int64_t highest = std::numeric_limits<std::int64_t>::min();
  lowest_ = std::numeric_limits<std::int64_t>::max();
  for (std::size_t i = 0; i < classes.size(); ++i) {
    by_name_.emplace(classes[i], static_cast<std::int32_t>(i));
    std::int64_t number = 0;
    if (!whole_number(classes[i], number)) {
      whole_numbers_ = false;
      continue;
    }
    by_number_.emplace(number, static_cast<std::int32_t>(i));
    lowest_ = std::min(lowest_, number);
    highest = std::max(highest, number);
  }
  // Unsigned: the numbers may lie at both ends of the range.
  const std::uint64_t span = static_cast<std::uint64_t>(highest) - static_cast<std::uint64_t>(lowest_);
  if (!whole_numbers_ || by_number_.empty() || span >= 4096) return;
  dense_.assign(static_cast<std::size_t>(span + 1), -1);
  for (const auto& [number, code] : by_number_) dense_[static_cast<std::size_t>(number - lowest_)] = code;
}

Error LabelReader::unknown(const std::string& label, const std::string& column, std::int64_t row) const {
  return Error(ErrorCode::bad_value, "the label '" + label + "' has no probability column", "Bind a probability column for every class, or name the classes of the columns with --classes.")
      .in_column(column).at_row(row).with_candidates(nearest_names(label, classes_));
}

Result<void> LabelReader::read_integers(const Table& rows, const std::string& column, std::span<const std::int64_t> numbers, std::vector<std::int32_t>& codes) const {
  PLIMSOLL_TRY(const std::vector<std::int64_t> labels, rows.integers(column));
  codes.resize(labels.size());
  if (!dense_.empty()) {
    const auto width = static_cast<std::uint64_t>(dense_.size());
    std::int32_t least = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto at = static_cast<std::uint64_t>(labels[i]) - static_cast<std::uint64_t>(lowest_);
      const std::int32_t code = at < width ? dense_[at] : -1;
      codes[i] = code;
      least = std::min(least, code);
    }
    if (least == 0) return {};
  } else {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const auto found = by_number_.find(labels[i]);
      codes[i] = found == by_number_.end() ? -1 : found->second;
    }
  }
  for (std::size_t i = 0; i < codes.size(); ++i)
    if (codes[i] < 0) return unknown(std::to_string(labels[i]), column, numbers[i]);
  return {};
}

Result<void> LabelReader::read(const Table& rows, const std::string& column, std::span<const std::int64_t> numbers, std::vector<std::int32_t>& codes) const {
  if (whole_numbers_) {
    const auto& columns = rows.columns();
    const auto info = std::find_if(columns.begin(), columns.end(), [&](const ColumnInfo& c) { return c.name == column; });
    if (info != columns.end() && info->type == ColumnType::integer) return read_integers(rows, column, numbers, codes);
  }
  PLIMSOLL_TRY(Categories labels, rows.categories(column));
  std::vector<std::int32_t> code_of;
  for (const std::string& name : labels.names) {
    const auto found = by_name_.find(name);
    code_of.push_back(found == by_name_.end() ? -1 : found->second);
  }
  codes = std::move(labels.codes);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] < 0) return Error(ErrorCode::null_value, "the label is missing", "Give every calibration row its label, or leave such rows out with --missing drop.").in_column(column).at_row(numbers[i]);
    const std::int32_t code = code_of[static_cast<std::size_t>(codes[i])];
    if (code < 0) return unknown(labels.names[static_cast<std::size_t>(codes[i])], column, numbers[i]);
    codes[i] = code;
  }
  return {};
}

Result<void> draw_rows(const Stream& stream, const Table& rows, const std::string& id, std::span<double> out) {
  if (id.empty()) {
    row_uniforms(stream, rows.first_row(), out);
    return {};
  }
  PLIMSOLL_TRY(const std::vector<std::string> ids, rows.texts(id));
  std::vector<std::uint64_t> keys;
  keys.reserve(ids.size());
  for (const std::string& text : ids) keys.push_back(hash64(text));
  row_uniforms(stream, keys, out);
  return {};
}

ClassColumns ClassSlice::cut(std::size_t begin, std::size_t count) {
  piece.resize(spans.size());
  for (std::size_t c = 0; c < spans.size(); ++c) piece[c] = spans[c].subspan(begin, count);
  return piece;
}

// Missing cells pass as NaN: the check of probabilities sees them while the piece is in cache, so no pass over memory is
// spent on looking for them.
Result<ClassSlice> class_slice(const Table& rows, const std::vector<std::string>& names) {
  ClassSlice slice;
  for (const std::string& name : names) {
    PLIMSOLL_TRY(Reals column, rows.reals(name, Missing::as_nan));
    slice.spans.push_back(column.span());
    slice.columns.push_back(std::move(column));
  }
  return slice;
}

Result<void> refuse_bad(const ProbabilityCheck& found, const Table& rows, const std::vector<std::string>& names, std::span<const std::int64_t> numbers) {
  if (found.bad_row < 0) return {};
  const auto at = static_cast<std::size_t>(found.bad_row);
  const Table row = rows.slice(found.bad_row, 1);
  for (const std::string& name : names) {
    if (auto read = row.reals(name); !read) {
      Error error = std::move(read).error();
      error.row = numbers[at];
      return error;
    }
  }
  ProbabilityCheck placed = found;
  placed.bad_row = numbers[at];
  const std::vector<std::string_view> views(names.begin(), names.end());
  return placed.result(views);
}

std::vector<std::int64_t> row_numbers(const Table& rows) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(rows.rows()));
  std::iota(numbers.begin(), numbers.end(), rows.first_row());
  return numbers;
}

Result<ScoreSlice> next_slice(const Table& table, std::int64_t begin, const ScorePlan& plan, const ScoreSettings& settings, MissingRows missing, const Stream& draws) {
  ScoreSlice slice;
  slice.rows = table.slice(begin, slice_rows);
  slice.numbers = row_numbers(slice.rows);
  if (of_classes(plan.score) && class_options(settings, plan.score).needs_uniforms()) {
    slice.draws.resize(slice.numbers.size());
    PLIMSOLL_CHECK(draw_rows(draws, slice.rows, plan.columns.id, slice.draws));
  }
  if (missing == MissingRows::drop) {
    PLIMSOLL_TRY(slice.rows, complete_rows(slice.rows, plan, slice.numbers, slice.draws));
  }
  return slice;
}

Result<SideScores> number_scores(const Table& rows, const ScorePlan& plan, double offset, std::span<const std::int64_t> numbers) {
  PLIMSOLL_TRY(const Reals y, rows.reals(plan.columns.target));
  PLIMSOLL_TRY(const Ends ends, ends_of(rows, plan.score, plan.columns, offset, numbers));
  SideScores scores;
  scores.crossed = ends.crossed;
  std::vector<double>& low = scores.low;
  std::vector<double>& high = scores.high;
  low.resize(y.size());
  high.resize(y.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    low[i] = (ends.base_low[i] - y[i]) / ends.scale_low[i];
    high[i] = (y[i] - ends.base_high[i]) / ends.scale_high[i];
  }
  if (sides_of(plan.score) == 1)
    for (std::size_t i = 0; i < y.size(); ++i) low[i] = low[i] < high[i] ? high[i] : low[i];
  for (std::size_t i = 0; i < y.size(); ++i)
    if (std::isnan(low[i]) || std::isnan(high[i]))
      return Error(ErrorCode::bad_value, "the score of a row is not a number", "Give values of ordinary size.").in_column(plan.columns.target).at_row(numbers[i]);
  return scores;
}

namespace {

Result<void> take_classes(const ScoreSlice& slice, const ScorePlan& plan, const ScoreSettings& settings, const LabelReader& labels, TruthScores& out) {
  const auto options = class_options(settings, plan.score);
  PLIMSOLL_TRY(ClassSlice columns, class_slice(slice.rows, plan.columns.probability));
  std::vector<std::int32_t> codes;
  PLIMSOLL_CHECK(labels.read(slice.rows, plan.columns.target, slice.numbers, codes));
  ProbabilityCheck found;
  std::vector<double>& scores = out.sides.front();
  const std::size_t before = scores.size();
  scores.resize(before + codes.size());
  for (std::size_t begin = 0; begin < codes.size(); begin += piece_rows) {
    const std::size_t count = std::min(piece_rows, codes.size() - begin);
    const ClassColumns piece = columns.cut(begin, count);
    found.add(piece, static_cast<std::int64_t>(begin));
    if (found.bad_row >= 0) break;
    const auto draws = slice.draws.empty() ? std::span<const double>() : std::span<const double>(slice.draws).subspan(begin, count);
    score_labels(options, piece, std::span<const std::int32_t>(codes).subspan(begin, count), draws, std::span<double>(scores).subspan(before + begin, count));
  }
  out.off += found.off;
  out.labels.insert(out.labels.end(), codes.begin(), codes.end());
  return refuse_bad(found, slice.rows, plan.columns.probability, slice.numbers);
}

}  // namespace

Result<TruthScores> score_truths(Context& context, const Table& table, const ScorePlan& plan, const ScoreSettings& settings, MissingRows missing, const Stream& draws) {
  TruthScores out;
  out.sides.resize(static_cast<std::size_t>(sides_of(plan.score)));
  const LabelReader labels(plan.classes);
  for (std::int64_t begin = 0; begin < table.rows(); begin += slice_rows) {
    PLIMSOLL_CHECK(context.stop.check());
    PLIMSOLL_TRY(const ScoreSlice slice, next_slice(table, begin, plan, settings, missing, draws));
    out.dropped += std::min(slice_rows, table.rows() - begin) - slice.rows.rows();
    out.numbers.insert(out.numbers.end(), slice.numbers.begin(), slice.numbers.end());
    if (of_classes(plan.score)) {
      PLIMSOLL_CHECK(take_classes(slice, plan, settings, labels, out));
      continue;
    }
    PLIMSOLL_TRY(const SideScores scores, number_scores(slice.rows, plan, settings.offset, slice.numbers));
    out.crossed += scores.crossed;
    out.sides[0].insert(out.sides[0].end(), scores.low.begin(), scores.low.end());
    if (out.sides.size() == 2) out.sides[1].insert(out.sides[1].end(), scores.high.begin(), scores.high.end());
  }
  return out;
}

void warn_of_scores(Context& context, std::int64_t off, std::int64_t crossed, std::int64_t dropped) {
  if (off > 0) context.warn(std::to_string(off) + " calibration rows have class probabilities whose sum misses one by more than 1e-6.");
  if (crossed > 0) context.warn(std::to_string(crossed) + " calibration rows have crossed quantiles; they were swapped.");
  if (dropped > 0) context.warn(std::to_string(dropped) + " calibration rows with missing values were left out.");
}

}  // namespace plimsoll::learn

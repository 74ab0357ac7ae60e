// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/split/rows.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include "base/hash.h"

namespace plimsoll::conformal::split {
namespace {

Result<std::string> one_or_none(const Table& table, std::string_view role) {
  PLIMSOLL_TRY(const std::vector<std::string> names, table.role_columns(role));
  if (names.size() > 1)
    return Error(ErrorCode::bad_parameter, "the role '" + std::string(role) + "' takes one column, got " + std::to_string(names.size()), "Name one column.").in_parameter(std::string(role));
  return names.empty() ? std::string() : names.front();
}

Result<Columns> bound_columns(const Table& table) {
  Columns columns;
  PLIMSOLL_TRY(columns.probability, table.role_columns("probability"));
  PLIMSOLL_TRY(columns.target, one_or_none(table, "target"));
  PLIMSOLL_TRY(columns.prediction, one_or_none(table, "prediction"));
  PLIMSOLL_TRY(columns.sigma, one_or_none(table, "sigma"));
  PLIMSOLL_TRY(columns.lower, one_or_none(table, "lower"));
  PLIMSOLL_TRY(columns.upper, one_or_none(table, "upper"));
  PLIMSOLL_TRY(columns.median, one_or_none(table, "median"));
  PLIMSOLL_TRY(columns.id, one_or_none(table, "id"));
  return columns;
}

// The score that the bound roles speak for.
Result<Score> chosen_score(const Columns& columns) {
  if (!columns.probability.empty()) return Score::lac;
  if (!columns.lower.empty() && !columns.upper.empty()) return Score::cqr;
  if (!columns.prediction.empty()) return columns.sigma.empty() ? Score::absolute : Score::normalised;
  return Error(ErrorCode::missing_input, "no predictions are bound", "Bind --probability (one column a class), --prediction, or --lower and --upper.").in_parameter("probability");
}

Result<void> need(const std::string& column, std::string_view role, Score score) {
  if (!column.empty()) return {};
  const auto name = choices_of(score)[static_cast<std::size_t>(score)];
  return Error(ErrorCode::missing_input, "the score '" + std::string(name) + "' needs the role '" + std::string(role) + "'", "Bind it: --" + std::string(role) + " COLUMN.").in_parameter(std::string(role));
}

Result<void> need_all(const Columns& columns, Score score, bool with_target) {
  if (with_target) PLIMSOLL_CHECK(need(columns.target, "target", score));
  if (of_classes(score)) return need(columns.probability.empty() ? std::string() : columns.probability.front(), "probability", score);
  switch (score) {
    case Score::normalised: PLIMSOLL_CHECK(need(columns.sigma, "sigma", score)); [[fallthrough]];
    case Score::absolute:
    case Score::relative:
    case Score::two_tailed: return need(columns.prediction, "prediction", score);
    case Score::cqr_m: PLIMSOLL_CHECK(need(columns.median, "median", score)); [[fallthrough]];
    default: PLIMSOLL_CHECK(need(columns.lower, "lower", score)); return need(columns.upper, "upper", score);
  }
}

Result<std::vector<std::string>> class_names(const std::vector<std::string>& columns, const Params& params) {
  std::vector<std::string> names = params.classes;
  if (!names.empty() && names.size() != columns.size())
    return Error(ErrorCode::bad_parameter, std::to_string(names.size()) + " classes are named for " + std::to_string(columns.size()) + " probability columns", "Name one class a column, in the order of the columns.").in_parameter("classes");
  if (names.empty()) {
    const auto has_prefix = [&](const std::string& name) { return name.size() > params.prefix.size() && name.starts_with(params.prefix); };
    const bool strip = std::all_of(columns.begin(), columns.end(), has_prefix);
    for (const std::string& name : columns) names.push_back(strip ? name.substr(params.prefix.size()) : name);
  }
  if (names.size() < 2)
    return Error(ErrorCode::one_class, "class probabilities need a column for each of at least two classes, got " + std::to_string(names.size()), "Bind every class: --probability p_a,p_b or --probability 'p_*'.").in_parameter("probability");
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size())
    return Error(ErrorCode::bad_parameter, "a class is named twice", "Give each probability column its own class.").in_parameter("classes");
  return names;
}

bool whole_number(const std::string& text, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::to_string(value) == text && std::abs(value) <= std::int64_t{1} << 31;
}

}  // namespace

Result<Plan> plan_of(const Table& table, const Params& params) {
  Plan plan;
  PLIMSOLL_TRY(plan.columns, bound_columns(table));
  plan.score = params.score;
  if (plan.score == Score::automatic) {
    PLIMSOLL_TRY(plan.score, chosen_score(plan.columns));
  }
  PLIMSOLL_CHECK(need_all(plan.columns, plan.score, true));
  if (params.randomized && plan.score != Score::aps && plan.score != Score::raps && plan.score != Score::saps)
    return Error(ErrorCode::bad_parameter, "only the scores aps, raps and saps are randomised", "Leave out --randomized, or choose one of them.").in_parameter("randomized").with_candidates({"aps", "raps", "saps"});
  if (of_classes(plan.score)) {
    PLIMSOLL_TRY(plan.classes, class_names(plan.columns.probability, params));
  }
  plan.ready = true;
  return plan;
}

// Probability columns at apply stand in the order of the calibration's classes, whatever order they were bound in.
Result<Columns> columns_of(const Table& table, const Plan& plan, const Params& params, bool with_target) {
  PLIMSOLL_TRY(Columns bound, bound_columns(table));
  Columns columns = plan.columns;
  const auto replace = [](std::string& ours, const std::string& theirs) { if (!theirs.empty()) ours = theirs; };
  replace(columns.target, bound.target);
  replace(columns.prediction, bound.prediction);
  replace(columns.sigma, bound.sigma);
  replace(columns.lower, bound.lower);
  replace(columns.upper, bound.upper);
  replace(columns.median, bound.median);
  columns.id = bound.id.empty() && !columns.id.empty() && table.has(columns.id) ? columns.id : bound.id;
  if (!bound.probability.empty() && of_classes(plan.score) && bound.probability != plan.columns.probability) {
    const auto asked = std::set<std::string>(bound.probability.begin(), bound.probability.end());
    if (asked != std::set<std::string>(plan.columns.probability.begin(), plan.columns.probability.end())) {
      Params named = params;
      if (named.classes.size() != bound.probability.size()) named.classes.clear();
      PLIMSOLL_TRY(const std::vector<std::string> names, class_names(bound.probability, named));
      for (std::size_t i = 0; i < plan.classes.size(); ++i) {
        const auto found = std::find(names.begin(), names.end(), plan.classes[i]);
        if (found == names.end())
          return Error(ErrorCode::missing_column, "no probability column is bound for the class '" + plan.classes[i] + "'", "Bind one column for each class of the calibration.").in_column(plan.columns.probability[i]).with_candidates(bound.probability);
        columns.probability[i] = bound.probability[static_cast<std::size_t>(found - names.begin())];
      }
    }
  }
  PLIMSOLL_CHECK(need_all(columns, plan.score, with_target));
  return columns;
}

learn::ClassScoreOptions class_options(const Params& params, Score score) {
  learn::ClassScoreOptions options;
  switch (score) {
    case Score::aps: options.score = learn::ClassScore::aps; break;
    case Score::raps: options.score = learn::ClassScore::raps; break;
    case Score::saps: options.score = learn::ClassScore::saps; break;
    case Score::margin: options.score = learn::ClassScore::margin; break;
    case Score::top_k: options.score = learn::ClassScore::top_k; break;
    case Score::neg_log: options.score = learn::ClassScore::neg_log; break;
    default: options.score = learn::ClassScore::lac; break;
  }
  options.randomized = params.randomized;
  options.penalty = params.penalty;
  options.penalty_free = params.penalty_free;
  return options;
}

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
    learn::row_uniforms(stream, rows.first_row(), out);
    return {};
  }
  PLIMSOLL_TRY(const std::vector<std::string> ids, rows.texts(id));
  std::vector<std::uint64_t> keys;
  keys.reserve(ids.size());
  for (const std::string& text : ids) keys.push_back(hash64(text));
  learn::row_uniforms(stream, keys, out);
  return {};
}

learn::ClassColumns ClassSlice::cut(std::size_t begin, std::size_t count) {
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

Result<void> refuse_bad(const learn::ProbabilityCheck& found, const Table& rows, const std::vector<std::string>& names, std::span<const std::int64_t> numbers) {
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
  learn::ProbabilityCheck placed = found;
  placed.bad_row = numbers[at];
  const std::vector<std::string_view> views(names.begin(), names.end());
  return placed.result(views);
}

}  // namespace plimsoll::conformal::split

// SPDX-License-Identifier: Apache-2.0
#include "learn/score_answers.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace plimsoll::learn {
namespace {

constexpr std::size_t most_masked = 64;

// The thresholds of a piece of rows that begins at row `at` of the table.
class PieceThresholds {
 public:
  explicit PieceThresholds(const RowThresholds& all) : all_(all) {
    if (all.by_row) std::iota(own_.begin(), own_.end(), 0);
  }
  Thresholds of(std::size_t level, std::size_t at, std::size_t count) const {
    Thresholds part;
    part.values = all_.levels[level];
    part.by_class = all_.by_class;
    if (all_.by_row) {
      part.values = part.values.subspan(at, count);
      part.groups = std::span<const std::int32_t>(own_).first(count);
    } else if (!all_.groups.empty()) {
      part.groups = all_.groups.subspan(at, count);
    }
    return part;
  }

 private:
  const RowThresholds& all_;
  std::array<std::int32_t, piece_rows> own_{};
};

Result<void> sets_of(const ClassScoreOptions& scoring, ClassColumns piece, const Thresholds& thresholds, std::span<const double> draws, bool allow_empty, Sets& sets) {
  if (piece.size() > most_masked) {
    PLIMSOLL_CHECK(append_sets_at(scoring, piece, thresholds, draws, !allow_empty, sets.offsets, sets.codes));
    return {};
  }
  std::array<std::uint64_t, piece_rows> masks;
  const std::span<std::uint64_t> out(masks.data(), piece.front().size());
  masks_at(scoring, piece, thresholds, draws, out);
  if (!allow_empty) fill_empty(piece, out);
  return append_sets(out, sets.offsets, sets.small_codes);
}

// Once the first rows have told how large sets are: growing by doubling would copy and touch more memory than the answer takes.
void reserve_codes(std::vector<Sets>& answers, std::int64_t rows, std::int64_t done) {
  for (Sets& sets : answers) {
    const double size = static_cast<double>(sets.offsets.back()) / static_cast<double>(done);
    sets.small_codes.reserve(static_cast<std::size_t>(1.02 * size * static_cast<double>(rows)));
  }
}

double threshold_at(const RowThresholds& thresholds, std::size_t level, std::size_t row) {
  if (thresholds.by_row) return thresholds.levels[level][row];
  const std::int32_t group = thresholds.groups.empty() ? 0 : thresholds.groups[row];
  return group < 0 ? std::numeric_limits<double>::infinity() : thresholds.levels[level][static_cast<std::size_t>(group)];
}

}  // namespace

bool Sets::holds(std::size_t row, std::int32_t label) const {
  for (auto at = static_cast<std::size_t>(offsets[row]); at < static_cast<std::size_t>(offsets[row + 1]); ++at)
    if ((codes.empty() ? std::int32_t{small_codes[at]} : codes[at]) == label) return true;
  return false;
}

Result<std::vector<Sets>> answer_sets(Context& context, const Table& table, const AnswerJob& job, const RowThresholds& thresholds) {
  const ClassScoreOptions scoring = class_options(job.settings, job.plan.score);
  std::vector<Sets> answers(job.alphas);
  for (Sets& sets : answers) sets.offsets.reserve(static_cast<std::size_t>(table.rows()) + 1);
  const Stream scoring_draws = context.rng.child("apply");
  const PieceThresholds cut(thresholds);
  std::int64_t off = 0;
  std::vector<double> draws;
  for (std::int64_t begin = 0; begin < table.rows(); begin += slice_rows) {
    PLIMSOLL_CHECK(context.stop.check());
    const Table rows = table.slice(begin, slice_rows);
    const auto count = static_cast<std::size_t>(rows.rows());
    PLIMSOLL_TRY(ClassSlice slice, class_slice(rows, job.columns.probability));
    if (scoring.needs_uniforms()) {
      draws.resize(count);
      PLIMSOLL_CHECK(draw_rows(scoring_draws, rows, job.columns.id, draws));
    }
    ProbabilityCheck found;
    for (std::size_t at = 0; at < count; at += piece_rows) {
      const std::size_t size = std::min(piece_rows, count - at);
      const ClassColumns piece = slice.cut(at, size);
      found.add(piece, static_cast<std::int64_t>(at));
      if (found.bad_row >= 0) break;
      const auto part = draws.empty() ? std::span<const double>() : std::span<const double>(draws).subspan(at, size);
      for (std::size_t a = 0; a < job.alphas; ++a)
        PLIMSOLL_CHECK(sets_of(scoring, piece, cut.of(a, static_cast<std::size_t>(begin) + at, size), part, job.allow_empty, answers[a]));
      if (job.visit) PLIMSOLL_CHECK(job.visit(rows, at, piece, part));
    }
    if (found.bad_row >= 0) return refuse_bad(found, rows, job.columns.probability, row_numbers(rows)).error();
    off += found.off;
    if (begin == 0 && job.plan.classes.size() <= most_masked) reserve_codes(answers, table.rows(), rows.rows());
  }
  context.tally("{} rows have class probabilities whose sum misses one by more than 1e-6.", off);
  return answers;
}

Result<Intervals> answer_intervals(Context& context, const Table& table, const AnswerJob& job, const RowThresholds& thresholds) {
  const auto sides = static_cast<std::size_t>(sides_of(job.plan.score));
  Intervals answers;
  answers.lower.resize(job.alphas);
  answers.upper.resize(job.alphas);
  for (std::size_t a = 0; a < job.alphas; ++a) {
    answers.lower[a].reserve(static_cast<std::size_t>(table.rows()));
    answers.upper[a].reserve(static_cast<std::size_t>(table.rows()));
  }
  std::int64_t crossed = 0;
  for (std::int64_t begin = 0; begin < table.rows(); begin += slice_rows) {
    PLIMSOLL_CHECK(context.stop.check());
    const Table rows = table.slice(begin, slice_rows);
    PLIMSOLL_TRY(const Ends ends, ends_of(rows, job.plan.score, job.columns, job.settings.offset, row_numbers(rows)));
    crossed += ends.crossed;
    for (std::size_t a = 0; a < job.alphas; ++a) {
      for (std::size_t i = 0; i < ends.base_low.size(); ++i) {
        const std::size_t row = static_cast<std::size_t>(begin) + i;
        const double below = threshold_at(thresholds, a * sides, row);
        const double above = threshold_at(thresholds, a * sides + sides - 1, row);
        answers.lower[a].push_back(lower_end(ends.base_low[i], ends.scale_low[i], below));
        answers.upper[a].push_back(upper_end(ends.base_high[i], ends.scale_high[i], above));
      }
    }
  }
  context.tally("{} rows have crossed quantiles; they were swapped.", crossed);
  return answers;
}

void put_sets(TableBuilder& builder, const std::vector<double>& alpha, const std::vector<std::string>& classes, std::vector<Sets> sets) {
  for (std::size_t a = 0; a < sets.size(); ++a) {
    const std::string name = level_column(alpha, "set", a);
    if (classes.size() <= most_masked) builder.list_of_text(name, std::move(sets[a].offsets), std::move(sets[a].small_codes), classes);
    else builder.list_of_text(name, std::move(sets[a].offsets), std::move(sets[a].codes), classes);
  }
}

void put_intervals(TableBuilder& builder, const std::vector<double>& alpha, Intervals intervals) {
  for (std::size_t a = 0; a < intervals.lower.size(); ++a) {
    std::vector<bool> empty(intervals.lower[a].size());
    for (std::size_t i = 0; i < empty.size(); ++i) empty[i] = intervals.lower[a][i] > intervals.upper[a][i];
    builder.real(level_column(alpha, "lower", a), std::move(intervals.lower[a]));
    builder.real(level_column(alpha, "upper", a), std::move(intervals.upper[a]));
    builder.boolean(level_column(alpha, "empty", a), std::move(empty));
  }
}

Result<Table> answer_table(Context& context, const Table& table, const AnswerJob& job, const std::vector<double>& alpha, const RowThresholds& thresholds) {
  TableBuilder builder;
  if (of_classes(job.plan.score)) {
    PLIMSOLL_TRY(std::vector<Sets> sets, answer_sets(context, table, job, thresholds));
    put_sets(builder, alpha, job.plan.classes, std::move(sets));
  } else {
    PLIMSOLL_TRY(Intervals intervals, answer_intervals(context, table, job, thresholds));
    put_intervals(builder, alpha, std::move(intervals));
  }
  return std::move(builder).build();
}

}  // namespace plimsoll::learn

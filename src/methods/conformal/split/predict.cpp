// SPDX-License-Identifier: Apache-2.0
// Apply: the set {y : score(x, y) <= qhat} of each row. Classes go through bit masks, a piece of rows at a time while it stands in
// cache; numbers are the two ends of an interval.

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "methods/conformal/split/answers.h"
#include "methods/conformal/split/rows.h"
#include "stats/multiple_testing.h"

namespace plimsoll::conformal::split {
namespace {

constexpr std::size_t most_masked = 64;

struct ClassJob {
  const Model& model;
  learn::ClassScoreOptions scoring;
  Options options;
  bool p_values;
  std::size_t classes;

  Result<void> sets_of(learn::ClassColumns piece, std::span<const double> draws, ClassAnswers& answers) const {
    std::array<std::uint64_t, piece_rows> masks;
    for (std::size_t a = 0; a < answers.sets.size(); ++a) {
      Sets& sets = answers.sets[a];
      learn::Thresholds thresholds;
      thresholds.values = std::span<const double>(&model.thresholds[a], 1);
      if (classes > most_masked) {
        PLIMSOLL_CHECK(learn::append_sets_at(scoring, piece, thresholds, draws, !model.params.allow_empty, sets.offsets, sets.codes));
        continue;
      }
      const std::span<std::uint64_t> out(masks.data(), piece.front().size());
      learn::masks_at(scoring, piece, thresholds, draws, out);
      if (!model.params.allow_empty) learn::fill_empty(piece, out);
      PLIMSOLL_CHECK(learn::append_sets(out, sets.offsets, sets.small_codes));
    }
    return {};
  }

  void p_values_of(learn::ClassColumns piece, std::span<const double> draws, std::span<const double> ties, std::vector<double>& scores, ClassAnswers& answers) const {
    const std::size_t rows = piece.front().size();
    scores.resize(rows * classes);
    learn::score_all(scoring, piece, draws, scores);
    for (std::size_t i = 0; i < rows; ++i) {
      double first = 0;
      double second = 0;
      for (std::size_t c = 0; c < classes; ++c) {
        const double score = scores[i * classes + c];
        const double p = options.smoothed ? stats::conformal_p_value(model.scores, score, ties[i]) : stats::conformal_p_value(model.scores, score);
        if (options.p_values) answers.p_values.push_back(p);
        second = std::max(second, std::min(first, p));
        first = std::max(first, p);
      }
      if (!options.confidence) continue;
      answers.largest[0].push_back(first);
      answers.largest[1].push_back(second);
    }
  }
};

Result<void> can_have_p_values(const Model& model, const Options& options) {
  if (!options.p_values && !options.confidence) return {};
  const std::string name = options.p_values ? "p_values" : "confidence";
  if (!of_classes(model.plan.score)) return Error(ErrorCode::bad_parameter, "p-values are offered for classes only", "Leave out --" + name + ".").in_parameter(name);
  if (model.scores.empty()) return Error(ErrorCode::bad_parameter, "p-values need the calibration scores, which this model has not kept", "Fit again with --keep-scores.").in_parameter(name);
  return {};
}

void reserve(ClassAnswers& answers, std::int64_t rows) {
  for (Sets& sets : answers.sets) {
    sets.offsets.reserve(static_cast<std::size_t>(rows) + 1);
  }
}

// Once the first rows have told how large sets are: growing by doubling would copy and touch more memory than the answer takes.
void reserve_codes(ClassAnswers& answers, std::int64_t rows, std::int64_t done) {
  for (Sets& sets : answers.sets) {
    const double size = static_cast<double>(sets.offsets.back()) / static_cast<double>(done);
    sets.small_codes.reserve(static_cast<std::size_t>(1.02 * size * static_cast<double>(rows)));
  }
}

// What the caller wants beside the answer.
Result<Table> kept_columns(const Table& table, const Columns& columns, Keep keep, const std::vector<std::string>& ours) {
  if (keep == Keep::all) {
    for (const std::string& name : ours)
      if (table.has(name)) return Error(ErrorCode::bad_parameter, "the input has a column '" + name + "', which the answer would repeat", "Rename it, or keep fewer columns: --keep id.").in_parameter("keep").in_column(name);
    return table;
  }
  return table.select({columns.id});
}

Result<Table> beside_kept(const Table& table, const Columns& columns, const Options& options, Table answer) {
  if (options.keep == Keep::none || (options.keep == Keep::id && columns.id.empty())) return answer;
  std::vector<std::string> ours;
  for (const ColumnInfo& column : answer.columns()) ours.push_back(column.name);
  PLIMSOLL_TRY(const Table kept, kept_columns(table, columns, options.keep, ours));
  return kept.with_roles({}).beside(answer);
}

Result<Table> class_table(const Model& model, ClassAnswers answers, const Options& options) {
  TableBuilder builder;
  const auto& classes = model.plan.classes;
  for (std::size_t a = 0; a < answers.sets.size(); ++a) {
    Sets& sets = answers.sets[a];
    const std::string name = column_name(model.params, "set", a);
    if (classes.size() <= most_masked) builder.list_of_text(name, std::move(sets.offsets), std::move(sets.small_codes), classes);
    else builder.list_of_text(name, std::move(sets.offsets), std::move(sets.codes), classes);
  }
  if (options.p_values) {
    const std::size_t rows = answers.p_values.size() / classes.size();
    for (std::size_t c = 0; c < classes.size(); ++c) {
      std::vector<double> column(rows);
      for (std::size_t i = 0; i < rows; ++i) column[i] = answers.p_values[i * classes.size() + c];
      builder.real("p_value." + classes[c], std::move(column));
    }
  }
  if (options.confidence) {
    for (double& p : answers.largest[1]) p = 1 - p;
    builder.real("confidence", std::move(answers.largest[1]));
    builder.real("credibility", std::move(answers.largest[0]));
  }
  return std::move(builder).build();
}

Result<Table> number_table(const Model& model, NumberAnswers answers) {
  TableBuilder builder;
  for (std::size_t a = 0; a < answers.lower.size(); ++a) {
    std::vector<bool> empty(answers.lower[a].size());
    for (std::size_t i = 0; i < empty.size(); ++i) empty[i] = answers.lower[a][i] > answers.upper[a][i];
    builder.real(column_name(model.params, "lower", a), std::move(answers.lower[a]));
    builder.real(column_name(model.params, "upper", a), std::move(answers.upper[a]));
    builder.boolean(column_name(model.params, "empty", a), std::move(empty));
  }
  return std::move(builder).build();
}

}  // namespace

Result<ClassAnswers> answer_classes(Context& context, const Model& model, const Table& table, const Columns& columns, const Options& options) {
  const ClassJob job{model, class_options(model.params, model.plan.score), options, options.p_values || options.confidence, model.plan.classes.size()};
  ClassAnswers answers;
  answers.sets.resize(model.params.alpha.size());
  answers.largest.resize(2);
  reserve(answers, table.rows());
  const Stream scoring_draws = context.rng.child("apply");
  const Stream tie_draws = context.rng.child("ties");
  std::int64_t off = 0;
  std::vector<double> draws;
  std::vector<double> ties;
  std::vector<double> scores;
  for (std::int64_t begin = 0; begin < table.rows(); begin += slice_rows) {
    PLIMSOLL_CHECK(context.stop.check());
    const Table rows = table.slice(begin, slice_rows);
    const auto count = static_cast<std::size_t>(rows.rows());
    PLIMSOLL_TRY(ClassSlice slice, class_slice(rows, columns.probability));
    if (job.scoring.needs_uniforms()) {
      draws.resize(count);
      PLIMSOLL_CHECK(draw_rows(scoring_draws, rows, columns.id, draws));
    }
    if (job.p_values && options.smoothed) {
      ties.resize(count);
      PLIMSOLL_CHECK(draw_rows(tie_draws, rows, columns.id, ties));
    }
    learn::ProbabilityCheck found;
    for (std::size_t at = 0; at < count; at += piece_rows) {
      const std::size_t size = std::min(piece_rows, count - at);
      const learn::ClassColumns piece = slice.cut(at, size);
      found.add(piece, static_cast<std::int64_t>(at));
      if (found.bad_row >= 0) break;
      const auto part = [&](const std::vector<double>& all) { return all.empty() ? std::span<const double>() : std::span<const double>(all).subspan(at, size); };
      PLIMSOLL_CHECK(job.sets_of(piece, part(draws), answers));
      if (job.p_values) job.p_values_of(piece, part(draws), part(ties), scores, answers);
    }
    if (found.bad_row >= 0) {
      std::vector<std::int64_t> numbers(count);
      std::iota(numbers.begin(), numbers.end(), rows.first_row());
      return refuse_bad(found, rows, columns.probability, numbers).error();
    }
    off += found.off;
    if (begin == 0 && job.classes <= most_masked) reserve_codes(answers, table.rows(), rows.rows());
  }
  context.tally("{} rows have class probabilities whose sum misses one by more than 1e-6.", off);
  return answers;
}

Result<NumberAnswers> answer_numbers(Context& context, const Model& model, const Table& table, const Columns& columns) {
  const std::size_t levels = model.params.alpha.size();
  const auto sides = static_cast<std::size_t>(sides_of(model.plan.score));
  NumberAnswers answers;
  answers.lower.resize(levels);
  answers.upper.resize(levels);
  for (std::size_t a = 0; a < levels; ++a) {
    answers.lower[a].reserve(static_cast<std::size_t>(table.rows()));
    answers.upper[a].reserve(static_cast<std::size_t>(table.rows()));
  }
  std::int64_t crossed = 0;
  for (std::int64_t begin = 0; begin < table.rows(); begin += slice_rows) {
    PLIMSOLL_CHECK(context.stop.check());
    const Table rows = table.slice(begin, slice_rows);
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(rows.rows()));
    std::iota(numbers.begin(), numbers.end(), rows.first_row());
    PLIMSOLL_TRY(const Ends ends, ends_of(rows, model.plan.score, columns, model.params.offset, numbers));
    crossed += ends.crossed;
    for (std::size_t a = 0; a < levels; ++a) {
      const double below = model.thresholds[a * sides];
      const double above = model.thresholds[a * sides + sides - 1];
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        answers.lower[a].push_back(lower_end(ends.base_low[i], ends.scale_low[i], below));
        answers.upper[a].push_back(upper_end(ends.base_high[i], ends.scale_high[i], above));
      }
    }
  }
  context.tally("{} rows have crossed quantiles; they were swapped.", crossed);
  return answers;
}

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_CHECK(can_have_p_values(model, options));
  PLIMSOLL_TRY(const Columns columns, columns_of(inputs.data, model.plan, model.params, false));
  Table answer;
  if (of_classes(model.plan.score)) {
    PLIMSOLL_TRY(ClassAnswers answers, answer_classes(context, model, inputs.data, columns, options));
    PLIMSOLL_TRY(answer, class_table(model, std::move(answers), options));
  } else {
    PLIMSOLL_TRY(NumberAnswers answers, answer_numbers(context, model, inputs.data, columns));
    PLIMSOLL_TRY(answer, number_table(model, std::move(answers)));
  }
  Outputs outputs;
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.data, columns, options, std::move(answer)));
  return outputs;
}

}  // namespace plimsoll::conformal::split

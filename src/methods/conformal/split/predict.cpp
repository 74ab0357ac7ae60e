// SPDX-License-Identifier: Apache-2.0
// Apply: the set {y : score(x, y) <= qhat} of each row (learn/score_answers.h), and p-values of classes where they are asked for.

#include <algorithm>

#include "methods/conformal/split/answers.h"
#include "stats/multiple_testing.h"

namespace plimsoll::conformal::split {
namespace {

// P-values of every class, a piece of rows at a time beside their sets.
struct PValueJob {
  const Model& model;
  learn::ClassScoreOptions scoring;
  Options options;
  Stream tie_draws;
  std::string id;
  ClassAnswers& answers;
  std::vector<double> scores;
  std::vector<double> ties;
  std::int64_t ties_of = -1;  // first row of the slice that `ties` are for

  Result<void> operator()(const Table& slice, std::size_t at, learn::ClassColumns piece, std::span<const double> draws) {
    if (options.smoothed && ties_of != slice.first_row()) {
      ties.resize(static_cast<std::size_t>(slice.rows()));
      PLIMSOLL_CHECK(learn::draw_rows(tie_draws, slice, id, ties));
      ties_of = slice.first_row();
    }
    const std::size_t classes = piece.size();
    const std::size_t rows = piece.front().size();
    scores.resize(rows * classes);
    learn::score_all(scoring, piece, draws, scores);
    for (std::size_t i = 0; i < rows; ++i) {
      double first = 0;
      double second = 0;
      for (std::size_t c = 0; c < classes; ++c) {
        const double score = scores[i * classes + c];
        const double p = options.smoothed ? stats::conformal_p_value(model.scores, score, ties[at + i]) : stats::conformal_p_value(model.scores, score);
        if (options.p_values) answers.p_values.push_back(p);
        second = std::max(second, std::min(first, p));
        first = std::max(first, p);
      }
      if (!options.confidence) continue;
      answers.largest[0].push_back(first);
      answers.largest[1].push_back(second);
    }
    return {};
  }
};

Result<void> can_have_p_values(const Model& model, const Options& options) {
  if (!options.p_values && !options.confidence) return {};
  const std::string name = options.p_values ? "p_values" : "confidence";
  if (!of_classes(model.plan.score)) return Error(ErrorCode::bad_parameter, "p-values are offered for classes only", "Leave out --" + name + ".").in_parameter(name);
  if (model.scores.empty()) return Error(ErrorCode::bad_parameter, "p-values need the calibration scores, which this model has not kept", "Fit again with --keep-scores.").in_parameter(name);
  return {};
}

Result<Table> class_table(const Model& model, ClassAnswers answers, const Options& options) {
  TableBuilder builder;
  const auto& classes = model.plan.classes;
  learn::put_sets(builder, model.params.alpha, classes, std::move(answers.sets));
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

learn::RowThresholds thresholds_of(const Model& model) {
  learn::RowThresholds thresholds;
  for (const double one : model.thresholds) thresholds.levels.push_back({one});
  return thresholds;
}

learn::AnswerJob job_of(const Model& model, const Columns& columns) { return {model.plan, model.params, columns, model.params.alpha.size(), model.params.allow_empty, {}}; }

}  // namespace

Result<ClassAnswers> answer_classes(Context& context, const Model& model, const Table& table, const Columns& columns, const Options& options) {
  ClassAnswers answers;
  answers.largest.resize(2);
  learn::AnswerJob job = job_of(model, columns);
  if (options.p_values || options.confidence) job.visit = PValueJob{model, learn::class_options(model.params, model.plan.score), options, context.rng.child("ties"), columns.id, answers, {}, {}};
  PLIMSOLL_TRY(answers.sets, learn::answer_sets(context, table, job, thresholds_of(model)));
  return answers;
}

Result<learn::Intervals> answer_numbers(Context& context, const Model& model, const Table& table, const Columns& columns) {
  return learn::answer_intervals(context, table, job_of(model, columns), thresholds_of(model));
}

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_CHECK(can_have_p_values(model, options));
  PLIMSOLL_TRY(const Columns columns, learn::columns_of(inputs.data, model.plan, model.params, false));
  Table answer;
  if (of_classes(model.plan.score)) {
    PLIMSOLL_TRY(ClassAnswers answers, answer_classes(context, model, inputs.data, columns, options));
    PLIMSOLL_TRY(answer, class_table(model, std::move(answers), options));
  } else {
    PLIMSOLL_TRY(learn::Intervals answers, answer_numbers(context, model, inputs.data, columns));
    TableBuilder builder;
    learn::put_intervals(builder, model.params.alpha, std::move(answers));
    PLIMSOLL_TRY(answer, std::move(builder).build());
  }
  Outputs outputs;
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.data, columns.id, options.keep, std::move(answer)));
  return outputs;
}

}  // namespace plimsoll::conformal::split

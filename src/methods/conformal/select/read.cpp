// SPDX-License-Identifier: Apache-2.0
// What is read of the two tables: outcomes, bars, predictions (columns, or expressions over columns), weights, identities.

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/hash.h"
#include "engine/expression.h"
#include "methods/conformal/select/select.h"

namespace plimsoll::conformal::select {
namespace {

Result<Bars> bars_of(const Params& params, const Inputs& inputs) {
  PLIMSOLL_TRY(const std::string pool, one_column(inputs.pool, "bar"));
  PLIMSOLL_TRY(const std::string labelled, one_column(inputs.labelled, "bar"));
  if (pool.empty() != labelled.empty())
    return Error(ErrorCode::missing_input, "a bar by row is bound in one table only", "Bind --bar in both tables, or give one bar for all with --c.").in_parameter("bar");
  Bars bars;
  bars.by_row = !pool.empty();
  if (!bars.by_row) {
    bars.labelled.assign(static_cast<std::size_t>(inputs.labelled.rows()), params.c);
    bars.pool.assign(static_cast<std::size_t>(inputs.pool.rows()), params.c);
    return bars;
  }
  PLIMSOLL_TRY(const Reals in_pool, inputs.pool.reals(pool));
  PLIMSOLL_TRY(const Reals in_labelled, inputs.labelled.reals(labelled));
  bars.pool.assign(in_pool.begin(), in_pool.end());
  bars.labelled.assign(in_labelled.begin(), in_labelled.end());
  return bars;
}

Result<Reals> evaluate(const Expression& expression, const Table& table) {
  std::vector<Reals> columns;
  std::vector<std::span<const double>> spans;
  for (const std::string& name : expression.columns()) {
    PLIMSOLL_TRY(Reals column, table.reals(name));
    columns.push_back(std::move(column));
  }
  for (const Reals& column : columns) spans.push_back(column.span());
  PLIMSOLL_TRY(std::vector<double> values, expression.evaluate(spans, static_cast<std::size_t>(table.rows())));
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      return Error(ErrorCode::bad_value, "the prediction '" + expression.text() + "' is not a number", "Mend the row, or write an expression that is defined everywhere.").in_parameter("expressions").at_row(table.first_row() + static_cast<std::int64_t>(i));
  return Reals(std::move(values));
}

// Bound columns stand by place: a model's column may be named otherwise in the pool.
Result<std::vector<Prediction>> predictions_of(const Params& params, const Inputs& inputs) {
  PLIMSOLL_TRY(const std::vector<std::string> pool, inputs.pool.role_columns("prediction"));
  PLIMSOLL_TRY(const std::vector<std::string> labelled, inputs.labelled.role_columns("prediction"));
  const bool none = params.expressions.empty();
  for (const bool in_pool : {true, false})
    if (none && (in_pool ? pool : labelled).empty())
      return Error(ErrorCode::missing_input, "the role 'prediction' is not bound", "Bind it: --prediction COLUMN.").in_parameter("prediction");
  if (pool.size() != labelled.size())
    return Error(ErrorCode::bad_parameter, std::to_string(labelled.size()) + " predictions of labelled rows stand against " + std::to_string(pool.size()) + " of the pool", "Bind the columns of the same models in both tables, in the same order.").in_parameter("prediction");
  std::vector<Prediction> predictions;
  for (std::size_t k = 0; k < pool.size(); ++k) {
    Prediction one{labelled[k], {}, {}};
    PLIMSOLL_TRY(one.pool, inputs.pool.reals(pool[k]));
    PLIMSOLL_TRY(one.labelled, inputs.labelled.reals(labelled[k]));
    predictions.push_back(std::move(one));
  }
  for (const std::string& text : params.expressions) {
    auto parsed = Expression::parse(text);
    if (!parsed) return std::move(parsed).error().in_parameter("expressions");
    Prediction one{text, {}, {}};
    PLIMSOLL_TRY(one.pool, evaluate(parsed.value(), inputs.pool));
    PLIMSOLL_TRY(one.labelled, evaluate(parsed.value(), inputs.labelled));
    predictions.push_back(std::move(one));
  }
  const bool several = params.method == Procedure::optcs_msel || params.method == Procedure::weighted_cs;
  if (predictions.size() > 1 && !several)
    return Error(ErrorCode::bad_parameter, "the role 'prediction' takes one column", "Name one column; a choice among " + std::to_string(predictions.size()) + " models needs --method optcs_msel to keep the level.").in_parameter("prediction");
  return predictions;
}

Result<Reals> weights_of(const Table& table, bool zero_allowed) {
  PLIMSOLL_TRY(const std::string name, needed_column(table, "weight"));
  PLIMSOLL_TRY(Reals weights, table.reals(name));
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0 || (zero_allowed && weights[i] == 0)) continue;
    return Error(ErrorCode::bad_value, zero_allowed ? "a weight is negative" : "the weight of a candidate is not positive", "Give density ratios of pool to labelled rows: labelled rows at least 0, candidates above 0.").in_column(name).at_row(table.first_row() + static_cast<std::int64_t>(i));
  }
  return weights;
}

Result<void> refuse_shared(Context& context, const Table& first, const Table& second, const std::string& words, const std::string& mend) {
  PLIMSOLL_TRY(const std::string here, one_column(first, "id"));
  PLIMSOLL_TRY(const std::string there, one_column(second, "id"));
  if (here.empty() || there.empty()) return {};
  PLIMSOLL_TRY(const std::vector<std::string> known, second.texts(there));
  PLIMSOLL_TRY(const std::vector<std::string> rows, first.texts(here));
  const std::set<std::string> ids(known.begin(), known.end());
  for (std::size_t j = 0; j < rows.size(); ++j) {
    if (ids.count(rows[j]) == 0) continue;
    const std::string said = "the row '" + rows[j] + "' " + words;
    if (context.allow_overlap.empty()) return Error(ErrorCode::overlap, said, mend).in_column(here).at_row(first.first_row() + static_cast<std::int64_t>(j));
    context.warn(said + "; allowed by the caller: " + context.allow_overlap + ".");
    return {};
  }
  return {};
}

}  // namespace

Result<Read> read(const Params& params, const Inputs& inputs) {
  Read read;
  if (!refits(params)) {
    PLIMSOLL_TRY(read.predictions, predictions_of(params, inputs));
  }
  if (params.score != Score::outlier) {
    PLIMSOLL_TRY(const std::string target, needed_column(inputs.labelled, "target"));
    PLIMSOLL_TRY(read.outcome, inputs.labelled.reals(target));
    PLIMSOLL_TRY(read.bars, bars_of(params, inputs));
  }
  if (params.method == Procedure::weighted_cs) {
    PLIMSOLL_TRY(read.labelled_weight, weights_of(inputs.labelled, true));
    PLIMSOLL_TRY(read.pool_weight, weights_of(inputs.pool, false));
  }
  PLIMSOLL_TRY(const std::string id, one_column(inputs.pool, "id"));
  std::vector<std::string> ids;
  if (!id.empty()) {
    PLIMSOLL_TRY(ids, inputs.pool.texts(id));
  }
  for (std::int64_t j = 0; j < inputs.pool.rows(); ++j)
    read.keys.push_back(ids.empty() ? static_cast<std::uint64_t>(inputs.pool.first_row() + j) : hash64(ids[static_cast<std::size_t>(j)]));
  return read;
}

Result<void> refuse_double_use(Context& context, const Inputs& inputs) {
  PLIMSOLL_CHECK(refuse_shared(context, inputs.pool, inputs.labelled, "stands in both tables", "A candidate whose outcome is known must not certify itself: remove it from one table, or state why this is right: --allow-overlap REASON."));
  if (!inputs.learned) return {};
  const std::string mend = "A model must not be judged on rows it has learned from: remove them, let --method optcs_full learn and judge on the same rows, or state why this is right: --allow-overlap REASON.";
  PLIMSOLL_CHECK(refuse_shared(context, inputs.labelled, *inputs.learned, "of the labelled ones is among those the models have learned from", mend));
  return refuse_shared(context, inputs.pool, *inputs.learned, "of the pool is among those the models have learned from", mend);
}

std::vector<double> uniforms(const Stream& root, const std::vector<std::uint64_t>& keys) {
  std::vector<double> draws;
  draws.reserve(keys.size());
  for (const std::uint64_t key : keys) {
    Stream stream = root.child(key);
    draws.push_back(stream.uniform());
  }
  return draws;
}

// With direction below everything is mirrored: y < c is -y > -c. An outlier's prediction is its strangeness: large is strange.
SelectionScores scores_of(const Params& params, const Read& read, const Prediction& prediction) {
  const double sign = params.direction == Direction::above ? 1.0 : -1.0;
  const bool plain = params.score != Score::residual && !read.bars.by_row;
  SelectionScores scores;
  scores.labelled.reserve(prediction.labelled.size());
  scores.pool.reserve(prediction.pool.size());
  for (std::size_t i = 0; i < prediction.labelled.size(); ++i) {
    const double promise = sign * prediction.labelled[i];
    if (params.score == Score::outlier) {
      scores.labelled.push_back(-promise);
      continue;
    }
    const double bar = sign * read.bars.labelled[i];
    const double outcome = sign * read.outcome[i];
    if (params.score == Score::residual) scores.labelled.push_back(outcome - promise);
    else if (outcome > bar) scores.labelled.push_back(std::numeric_limits<double>::infinity());
    else scores.labelled.push_back(plain ? -promise : bar - promise);
  }
  for (std::size_t j = 0; j < prediction.pool.size(); ++j) {
    const double promise = sign * prediction.pool[j];
    scores.pool.push_back(plain ? -promise : sign * read.bars.pool[j] - promise);
  }
  return scores;
}

}  // namespace plimsoll::conformal::select

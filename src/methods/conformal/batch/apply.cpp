// SPDX-License-Identifier: Apache-2.0
// Each batch of the table with its bound, and what the bound means for its rows.

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "base/exact_sum.h"
#include "methods/conformal/batch/batch.h"

namespace plimsoll::conformal::batch {
namespace {

struct Batch {
  std::string name, group;
  std::vector<std::size_t> rows;
  Bound bound{};
};

Result<std::string> bound_column(const Table& table, std::string_view role, const std::string& known) {
  PLIMSOLL_TRY(const std::vector<std::string> names, table.role_columns(role));
  if (!names.empty()) return names.front();
  return known;
}

Result<std::vector<std::string>> words_of(const Table& table, const std::string& column) {
  if (column.empty()) return std::vector<std::string>(static_cast<std::size_t>(table.rows()));
  PLIMSOLL_TRY(const Categories found, table.categories(column));
  std::vector<std::string> words;
  for (std::size_t i = 0; i < found.codes.size(); ++i) {
    if (found.codes[i] < 0) return Error(ErrorCode::null_value, "the batch or group is missing", "Drop the row, or name it.").in_column(column).at_row(table.first_row() + static_cast<std::int64_t>(i));
    words.push_back(found.names[static_cast<std::size_t>(found.codes[i])]);
  }
  return words;
}

// Batches in the order of their first rows.
Result<std::vector<Batch>> batches_of(const Table& table, const std::string& batch, const std::string& group) {
  PLIMSOLL_TRY(const std::vector<std::string> names, words_of(table, batch));
  PLIMSOLL_TRY(const std::vector<std::string> groups, words_of(table, group));
  std::map<std::pair<std::string, std::string>, std::size_t> places;
  std::vector<Batch> batches;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto [at, fresh] = places.try_emplace({names[i], groups[i]}, batches.size());
    if (fresh) batches.push_back({names[i], groups[i], {}, {}});
    batches[at->second].rows.push_back(i);
  }
  return batches;
}

void warn_of(Context& context, const Batch& batch, const Sample& sample) {
  const std::string name = batch.name.empty() ? "The batch" : "Batch '" + batch.name + "'";
  if (batch.bound.vacuous)
    context.warn(name + " of " + std::to_string(batch.rows.size()) + " has no finite bound with " + std::to_string(sample.scores.size()) + " calibration rows" +
                 (batch.bound.needed > 0 ? ": " + std::to_string(batch.bound.needed) + " are needed." : "; state the bounds of the score, or leave out the largest rank (--rank-fn exclude_top)."));
  if (batch.bound.envelope) context.warn(name + ": the dynamic programme would take too long, so the safe envelope stands in; it is never too small.");
}

Result<Table> batch_table(const Params& params, const std::vector<Batch>& batches, const std::vector<double>& shift, bool named, bool grouped) {
  std::vector<std::string> names, groups;
  std::vector<std::int64_t> sizes, rank_lower, rank_upper, needed;
  std::vector<double> lower, upper, attained;
  std::vector<bool> vacuous, envelope;
  for (std::size_t b = 0; b < batches.size(); ++b) {
    const Bound& bound = batches[b].bound;
    names.push_back(batches[b].name);
    groups.push_back(batches[b].group);
    sizes.push_back(static_cast<std::int64_t>(batches[b].rows.size()));
    lower.push_back(bound.lower + shift[b]);
    upper.push_back(bound.upper + shift[b]);
    rank_lower.push_back(bound.rank_lower);
    rank_upper.push_back(bound.rank_upper);
    attained.push_back(bound.attained);
    vacuous.push_back(bound.vacuous);
    envelope.push_back(bound.envelope);
    needed.push_back(bound.needed);
  }
  TableBuilder builder;
  if (named) builder.text("batch", std::move(names));
  if (grouped) builder.text("group", std::move(groups));
  builder.integer("size", std::move(sizes)).real("lower", std::move(lower)).real("upper", std::move(upper)).real("attained", std::move(attained));
  if (!folds(params.target)) builder.integer("rank_lower", std::move(rank_lower)).integer("rank_upper", std::move(rank_upper));
  else builder.boolean("envelope", std::move(envelope));
  builder.boolean("vacuous", std::move(vacuous)).integer("rows_needed", std::move(needed));
  return builder.build();
}

Result<Table> row_table(const Params& params, const Table& data, const std::vector<Batch>& batches, const Reals& prediction, const std::string& id, bool named) {
  const auto count = static_cast<std::size_t>(data.rows());
  std::vector<std::string> names(count);
  std::vector<double> lower(count), upper(count);
  std::vector<bool> selected(count);
  for (const Batch& batch : batches)
    for (const std::size_t row : batch.rows) {
      names[row] = batch.name;
      if (prediction.size() == 0) continue;
      lower[row] = prediction[row] - batch.bound.upper;
      upper[row] = prediction[row] + batch.bound.upper;
      selected[row] = prediction[row] > batch.bound.upper;
    }
  TableBuilder builder;
  if (!id.empty()) {
    PLIMSOLL_TRY(std::vector<std::string> ids, data.texts(id));
    builder.text(id, std::move(ids));
  }
  if (named || id.empty()) builder.text("batch", std::move(names));
  if (params.target == Target::coverage && params.score == Score::absolute) builder.real("lower", std::move(lower)).real("upper", std::move(upper));
  if (params.target == Target::kfwer) builder.boolean("selected", std::move(selected));
  return builder.build();
}

// Signed residuals bound Y - prediction: the batch's own predictions come back in, where they only add.
double shift_of(const Params& params, const Batch& batch, const Reals& prediction) {
  if (params.score != Score::signed_residual || (params.target != Target::mean && params.target != Target::sum)) return 0;
  ExactSum sum;
  for (const std::size_t row : batch.rows) sum.add(prediction[row]);
  return params.target == Target::mean ? sum.value() / static_cast<double>(batch.rows.size()) : sum.value();
}

}  // namespace

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options&) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_CHECK(context.stop.check());
  const Params& params = model.params;
  PLIMSOLL_TRY(const std::string batch, bound_column(inputs.data, "batch", ""));
  PLIMSOLL_TRY(const std::string group, bound_column(inputs.data, "group", model.columns.group));
  PLIMSOLL_TRY(std::string id, bound_column(inputs.data, "id", ""));
  PLIMSOLL_TRY(const std::string predicted, bound_column(inputs.data, "prediction", model.columns.prediction));
  if (inputs.data.rows() == 0) return Error(ErrorCode::too_few_rows, "a batch needs at least one row", "Give the rows of the batch.").in_parameter("data");
  const bool needs = params.target == Target::kfwer || params.score == Score::signed_residual || params.score == Score::absolute;
  Reals prediction;
  if (needs && !predicted.empty()) {
    PLIMSOLL_TRY(prediction, inputs.data.reals(predicted));
  }
  if (needs && predicted.empty()) return Error(ErrorCode::missing_input, "no column is bound to the role 'prediction'", "Name the column with --prediction COLUMN.").in_parameter("prediction");
  for (std::size_t i = 0; params.target == Target::kfwer && i < prediction.size(); ++i)
    if (prediction[i] < 0) return Error(ErrorCode::bad_value, "a prediction is negative", "Selection needs predictions of at least 0.").in_column(predicted).at_row(inputs.data.first_row() + static_cast<std::int64_t>(i));
  PLIMSOLL_TRY(std::vector<Batch> batches, batches_of(inputs.data, batch, group));
  std::map<std::pair<std::string, std::size_t>, Bound> known;
  std::vector<double> shift;
  for (Batch& one : batches) {
    PLIMSOLL_CHECK(context.stop.check());
    const auto sample = std::find_if(model.samples.begin(), model.samples.end(), [&](const Sample& s) { return s.group == one.group; });
    if (sample == model.samples.end()) return Error(ErrorCode::bad_value, "the group '" + one.group + "' was not seen in calibration", "Calibrate with rows of this group.").in_column(group).at_row(inputs.data.first_row() + static_cast<std::int64_t>(one.rows.front()));
    const auto [at, fresh] = known.try_emplace({one.group, one.rows.size()});
    if (fresh) {
      PLIMSOLL_TRY(at->second, bound_of(context, params, *sample, model, static_cast<std::int64_t>(one.rows.size())));
    }
    one.bound = at->second;
    if (fresh) warn_of(context, one, *sample);
    shift.push_back(shift_of(params, one, prediction));
  }
  Outputs outputs;
  PLIMSOLL_TRY(outputs.batches, batch_table(params, batches, shift, !batch.empty(), !group.empty()));
  PLIMSOLL_TRY(outputs.rows, row_table(params, inputs.data, batches, prediction, id, !batch.empty()));
  return outputs;
}

}  // namespace plimsoll::conformal::batch

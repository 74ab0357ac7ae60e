// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <set>

#include "learn/class_scores.h"
#include "methods/calibrate/multiclass/multiclass.h"
#include "table/bound_column.h"

namespace plimsoll::calibrate::multiclass {
namespace {

// 1.0 of a file with gaps and 1 of one without are the same class.
std::string class_text(std::string text) {
  if (text.size() > 2 && text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

Result<std::vector<std::int32_t>> read_labels(const Table& table, const std::string& column, const std::vector<std::string>& classes, bool drop) {
  PLIMSOLL_TRY(const Categories values, table.categories(column));
  std::vector<std::int32_t> code;
  for (const std::string& name : values.names) {
    auto found = std::find(classes.begin(), classes.end(), name);
    if (found == classes.end()) found = std::find(classes.begin(), classes.end(), class_text(name));
    code.push_back(found == classes.end() ? -2 : static_cast<std::int32_t>(found - classes.begin()));
  }
  std::vector<std::int32_t> out(values.codes.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int32_t c = values.codes[i];
    const std::int64_t row = table.first_row() + static_cast<std::int64_t>(i);
    if (c < 0 && !drop) return Error(ErrorCode::null_value, "the label is missing", "Give every row its label, or leave such rows out with --missing drop.").in_column(column).at_row(row);
    out[i] = c < 0 ? -1 : code[static_cast<std::size_t>(c)];
    if (out[i] != -2) continue;
    const std::string& name = values.names[static_cast<std::size_t>(c)];
    if (name == "NaN" || name == "nan")
      return Error(ErrorCode::bad_value, "the label is not a number", "Drop or mend the row.").in_column(column).at_row(row);
    return Error(ErrorCode::bad_value, "the label '" + name + "' has no probability column", "Bind a probability column for every class, or name the classes of the columns with --classes.").in_column(column).at_row(row).with_candidates(nearest_names(name, classes));
  }
  return out;
}

}  // namespace

Result<Columns> bound_columns(const Table& table, bool with_target) {
  Columns columns;
  PLIMSOLL_TRY(columns.probability, table.role_columns("probability"));
  PLIMSOLL_TRY(columns.target, one_column(table, "target"));
  PLIMSOLL_TRY(columns.weight, one_column(table, "weight"));
  PLIMSOLL_TRY(columns.id, one_column(table, "id"));
  if (columns.probability.empty()) return Error(ErrorCode::missing_input, "no class probabilities are bound", "Bind one column a class: --probability 'p_*'.").in_parameter("probability");
  if (with_target && columns.target.empty()) return Error(ErrorCode::missing_input, "the role 'target' is not bound", "Bind it: --target COLUMN.").in_parameter("target");
  return columns;
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
  if (names.size() < 2) return Error(ErrorCode::one_class, "class probabilities need a column for each of at least two classes, got " + std::to_string(names.size()), "Bind every class, or take calibrate.binary for one event.").in_parameter("probability");
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size()) return Error(ErrorCode::bad_parameter, "a class is named twice", "Give each probability column its own class.").in_parameter("classes");
  return names;
}

Result<Columns> columns_like(const Table& table, const Model& model, bool with_target) {
  Roles roles = table.roles();
  const auto like = [&](const char* role, const std::vector<std::string>& names, bool needed) {
    auto& bound = roles[role];
    if (bound.empty() && !names.front().empty() && (needed || table.has(names.front()))) bound = names;
  };
  like("probability", model.columns.probability, true);
  like("id", {model.columns.id}, false);
  if (with_target) {
    like("target", {model.columns.target}, true);
    like("weight", {model.columns.weight}, false);
  } else {
    roles.erase("target");
    roles.erase("weight");
  }
  std::erase_if(roles, [](const auto& role) { return role.second.empty(); });
  PLIMSOLL_TRY(Columns columns, bound_columns(table.with_roles(std::move(roles)), with_target));
  if (columns.probability == model.columns.probability) return columns;
  // Columns that are bound in another order are put in the order of the classes by their names.
  Params named = model.params;
  if (named.classes.size() != columns.probability.size()) named.classes.clear();
  PLIMSOLL_TRY(const std::vector<std::string> names, class_names(columns.probability, named));
  std::vector<std::string> ordered;
  for (const std::string& wanted : model.classes) {
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found == names.end()) return Error(ErrorCode::missing_column, "no probability column is bound for the class '" + wanted + "'", "Bind one column for each class of the calibration.").in_column(wanted).with_candidates(columns.probability);
    ordered.push_back(columns.probability[static_cast<std::size_t>(found - names.begin())]);
  }
  columns.probability = std::move(ordered);
  return columns;
}

Result<Batch> read_batch(const Table& table, const Columns& columns, const std::vector<std::string>& classes, const Params& params, bool drop) {
  Batch batch;
  const std::size_t k = classes.size();
  const auto rows = static_cast<std::size_t>(table.rows());
  const Missing policy = drop ? Missing::as_nan : Missing::refuse;
  std::vector<Reals> values;
  for (const std::string& name : columns.probability) {
    PLIMSOLL_TRY(Reals column, table.reals(name, policy));
    values.push_back(std::move(column));
  }
  std::vector<std::int32_t> labels;
  if (!columns.target.empty()) {
    PLIMSOLL_TRY(labels, read_labels(table, columns.target, classes, drop));
  }
  Reals weights;
  if (!columns.weight.empty()) {
    PLIMSOLL_TRY(weights, table.reals(columns.weight, policy));
  }
  std::vector<double> row(k);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::int64_t number = table.first_row() + static_cast<std::int64_t>(i);
    bool whole = labels.empty() || labels[i] >= 0;
    for (std::size_t c = 0; c < k; ++c) {
      row[c] = params.percent ? values[c][i] / 100 : values[c][i];
      whole = whole && std::isfinite(row[c]);
    }
    if (weights.size() > 0) {
      whole = whole && std::isfinite(weights[i]);
      if (weights[i] < 0) return Error(ErrorCode::bad_value, "a weight is negative", "Weights are 0 or more; drop the row to leave it out.").in_column(columns.weight).at_row(number);
    }
    if (!whole) {
      ++batch.dropped;
      continue;
    }
    double sum = 0;
    for (std::size_t c = 0; c < k && !params.logits; ++c) {
      if (row[c] < -1e-9 || row[c] > 1 + 1e-9)
        return Error(ErrorCode::bad_value, "a probability is " + std::to_string(values[c][i]), "Probabilities lie between 0 and 1: say --percent if they are per cents, --logits if they are logits.").in_column(columns.probability[c]).at_row(number);
      batch.clipped += row[c] < 0 || row[c] > 1 ? 1 : 0;
      row[c] = std::clamp(row[c], 0.0, 1.0);
      sum += row[c];
    }
    if (!params.logits && !(std::fabs(sum - 1) <= 1e-3))
      return Error(ErrorCode::bad_value, "the class probabilities of a row sum to " + std::to_string(sum), "Give one column for every class; say --logits if they are logits.").at_row(number);
    batch.off += !params.logits && std::fabs(sum - 1) > 1e-6 ? 1 : 0;
    for (std::size_t c = 0; c < k; ++c) batch.scores.push_back(params.logits ? row[c] : std::log(std::max(row[c], params.eps)));
    if (!params.logits) batch.probability.insert(batch.probability.end(), row.begin(), row.end());
    if (!labels.empty()) batch.label.push_back(labels[i]);
    if (weights.size() > 0) batch.weight.push_back(weights[i]);
    batch.rows.push_back(static_cast<std::int64_t>(i));
  }
  if (params.logits) {
    learn::SoftmaxMap plain;
    plain.weights = {1};
    batch.probability.resize(batch.scores.size());
    for (std::size_t i = 0; i < batch.size(); ++i) plain.apply(std::span<const double>(batch.scores).subspan(i * k, k), std::span<double>(batch.probability).subspan(i * k, k));
  }
  return batch;
}

}  // namespace plimsoll::calibrate::multiclass

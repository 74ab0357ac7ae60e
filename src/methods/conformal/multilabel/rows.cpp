// SPDX-License-Identifier: Apache-2.0
// Columns by role and by name, and rows as numbers.

#include <algorithm>
#include <cmath>
#include <set>

#include "methods/conformal/multilabel/multilabel.h"

namespace plimsoll::conformal::multilabel {
namespace {

Result<std::string> at_most_one(const Table& table, std::string_view role) {
  PLIMSOLL_TRY(const std::vector<std::string> names, table.role_columns(role));
  if (names.size() > 1) return Error(ErrorCode::bad_parameter, "the role '" + std::string(role) + "' takes one column", "Name one column.").in_parameter(std::string(role));
  return names.empty() ? std::string() : names.front();
}

std::string bare(const std::string& name, const std::string& prefix) { return name.size() > prefix.size() && name.starts_with(prefix) ? name.substr(prefix.size()) : name; }

// Probabilities in the order of the labels: by name where every probability is a label's with the prefix before it, else as bound.
std::vector<std::string> matched(const std::vector<std::string>& labels, const std::vector<std::string>& probabilities, const std::string& prefix) {
  std::vector<std::string> in_order;
  for (const std::string& label : labels) {
    const auto at = std::find_if(probabilities.begin(), probabilities.end(), [&](const std::string& name) { return bare(name, prefix) == label; });
    if (at == probabilities.end()) return probabilities;
    in_order.push_back(*at);
  }
  return in_order;
}

Error at(Error error, const std::string& column, const Table& table, std::size_t row) { return std::move(error).in_column(column).at_row(table.first_row() + static_cast<std::int64_t>(row)); }

}  // namespace

Result<Columns> columns_of(const Table& table, const Params& params) {
  Columns columns;
  PLIMSOLL_TRY(columns.label, table.role_columns("label"));
  PLIMSOLL_TRY(columns.probability, table.role_columns("probability"));
  PLIMSOLL_TRY(columns.feature, table.role_columns("feature"));
  PLIMSOLL_TRY(columns.text, table.role_columns("text"));
  PLIMSOLL_TRY(columns.group, at_most_one(table, "group"));
  PLIMSOLL_TRY(columns.id, at_most_one(table, "id"));
  if (columns.label.empty()) return Error(ErrorCode::missing_input, "no label is bound", "Name the columns of the labels: --label COLUMN[,COLUMN...].").in_parameter("label");
  if (std::set<std::string>(columns.label.begin(), columns.label.end()).size() != columns.label.size()) return Error(ErrorCode::bad_parameter, "a label is bound twice", "Name each label once.").in_parameter("label");
  if (columns.probability.empty() == (columns.feature.empty() && columns.text.empty()))
    return Error(ErrorCode::missing_input, "bind either probabilities of the labels, or features or texts to learn them from", "Give --probability COLUMNS, or --feature COLUMNS, or --text COLUMN.").in_parameter("probability");
  if (columns.probability.empty()) return columns;
  if (columns.probability.size() != columns.label.size())
    return Error(ErrorCode::bad_parameter, std::to_string(columns.probability.size()) + " probabilities stand against " + std::to_string(columns.label.size()) + " labels", "Bind a probability to each label.").in_parameter("probability");
  columns.probability = matched(columns.label, columns.probability, params.prefix);
  return columns;
}

Result<std::vector<std::uint8_t>> truth_of(const Table& table, const Columns& columns) {
  const std::size_t width = columns.label.size();
  std::vector<std::uint8_t> y(static_cast<std::size_t>(table.rows()) * width);
  for (std::size_t j = 0; j < width; ++j) {
    PLIMSOLL_TRY(const Reals values, table.reals(columns.label[j]));
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] != 0 && values[i] != 1) return at(Error(ErrorCode::bad_value, "a label is neither 0 nor 1", "Give 1 where the row has the label, else 0."), columns.label[j], table, i);
      y[i * width + j] = values[i] == 1 ? 1 : 0;
    }
  }
  return y;
}

Result<std::vector<std::string>> groups_of(const Table& table, const Columns& columns) {
  if (columns.group.empty()) return std::vector<std::string>();
  PLIMSOLL_TRY(const Categories found, table.categories(columns.group));
  std::vector<std::string> groups;
  for (std::size_t i = 0; i < found.codes.size(); ++i) {
    if (found.codes[i] < 0) return at(Error(ErrorCode::null_value, "the group is missing", "Drop the row, or name its group."), columns.group, table, i);
    groups.push_back(found.names[static_cast<std::size_t>(found.codes[i])]);
  }
  return groups;
}

Result<std::vector<double>> given_probabilities(const Table& table, const std::vector<std::string>& names) {
  const std::size_t width = names.size();
  std::vector<double> o(static_cast<std::size_t>(table.rows()) * width);
  for (std::size_t j = 0; j < width; ++j) {
    PLIMSOLL_TRY(const Reals values, table.reals(names[j]));
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!(values[i] >= 0 && values[i] <= 1)) return at(Error(ErrorCode::bad_value, "a probability lies outside [0, 1]", "Give probabilities of the labels, such as sigmoid outputs."), names[j], table, i);
      o[i * width + j] = values[i];
    }
  }
  return o;
}

Result<std::vector<double>> probabilities_of(Context& context, const Model& model, const Table& table) {
  if (!model.classifier) {
    PLIMSOLL_TRY(const std::vector<std::string> bound, table.role_columns("probability"));
    if (!bound.empty() && std::set<std::string>(bound.begin(), bound.end()) != std::set<std::string>(model.columns.probability.begin(), model.columns.probability.end()))
      return Error(ErrorCode::bad_parameter, "the probabilities are not those of the model", "Bind the columns of the fit, in any order: they are matched by name.").in_parameter("probability").with_candidates(model.columns.probability);
    return given_probabilities(table, model.columns.probability);
  }
  PLIMSOLL_TRY(const learn::SparseRows rows, rows_of(context, *model.classifier, model.columns, table));
  return learn::probabilities(model.classifier->model, rows);
}

Result<std::vector<std::string>> texts_of(const Table& table, const std::vector<std::string>& columns) {
  std::vector<std::string> joined(static_cast<std::size_t>(table.rows()));
  for (const std::string& column : columns) {
    PLIMSOLL_TRY(const std::vector<std::string> texts, table.texts(column));
    for (std::size_t i = 0; i < texts.size(); ++i) joined[i] += (column == columns.front() ? "" : "\n") + texts[i];
  }
  return joined;
}

Result<learn::SparseRows> rows_of(Context& context, const Classifier& classifier, const Columns& columns, const Table& table) {
  learn::SparseRows rows;
  if (classifier.encoder) {
    PLIMSOLL_TRY(const learn::BoundFeatures features, learn::bind_features(context, *classifier.encoder, table));
    rows = learn::sparse_rows(features);
  }
  if (!classifier.words) return rows;
  PLIMSOLL_TRY(const std::vector<std::string> texts, texts_of(table, columns.text));
  PLIMSOLL_TRY(const text::BoundTfidf bound, text::bind(classifier.words->tfidf));
  PLIMSOLL_TRY(learn::SparseRows words, bound.rows_of(context, texts));
  if (!classifier.encoder) return words;
  learn::SparseRows both;
  both.width = rows.width + words.width;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (auto k = static_cast<std::size_t>(rows.offsets[i]); k < static_cast<std::size_t>(rows.offsets[i + 1]); ++k) both.columns.push_back(rows.columns[k]), both.values.push_back(rows.values[k]);
    for (auto k = static_cast<std::size_t>(words.offsets[i]); k < static_cast<std::size_t>(words.offsets[i + 1]); ++k) both.columns.push_back(static_cast<std::int32_t>(rows.width) + words.columns[k]), both.values.push_back(words.values[k]);
    both.offsets.push_back(static_cast<std::int64_t>(both.columns.size()));
  }
  return both;
}

}  // namespace plimsoll::conformal::multilabel

// SPDX-License-Identifier: Apache-2.0
// What is read from a table: outcomes, weights, which columns may predict, protected groups.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "methods/credit/scorecard/scorecard.h"

namespace plimsoll::credit::scorecard {
namespace {

std::string plain(std::string text) {
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

// The two labels of the outcome; which one is bad.
Result<std::string> bad_label_of(const std::vector<std::string>& labels, const std::string& asked, const std::string& column) {
  if (!asked.empty()) {
    if (std::find(labels.begin(), labels.end(), asked) != labels.end()) return asked;
    return Error(ErrorCode::bad_parameter, "no row of the target is '" + asked + "'", "Name the label of the bad outcome.").in_parameter("bad").in_column(column).with_candidates(nearest_names(asked, labels));
  }
  for (const std::string& label : labels) {
    if (label == "0" || label == "1" || label == "true" || label == "false") continue;
    return Error(ErrorCode::bad_value, "the target has the label '" + label + "', which is neither 0 nor 1", "Name the label of the bad outcome with --bad.").in_column(column);
  }
  return std::string(std::find(labels.begin(), labels.end(), "true") != labels.end() || std::find(labels.begin(), labels.end(), "false") != labels.end() ? "true" : "1");
}

Result<void> read_weights(const Table& table, Past& rows) {
  PLIMSOLL_TRY(const auto names, table.role_columns("weight"));
  if (names.empty()) return {};
  PLIMSOLL_TRY(const std::string name, table.role_column("weight"));
  PLIMSOLL_TRY(const Reals values, table.reals(name));
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(values[i] >= 0))
      return Error(ErrorCode::bad_value, "a weight is negative", "Give weights of at least zero.").in_column(name).at_row(table.first_row() + static_cast<std::int64_t>(i));
    sum += values[i];
    squares += values[i] * values[i];
  }
  if (!(sum > 0)) return Error(ErrorCode::bad_value, "every weight is zero", "Give some rows a weight.").in_column(name);
  rows.weight.assign(values.begin(), values.end());
  rows.kish = sum / squares;
  return {};
}

// 0 and 1, the common case: errors name the row.
Result<void> read_zeros_and_ones(const Table& table, bool flags, Past& rows) {
  PLIMSOLL_TRY(const Reals values, table.reals(rows.target, Missing::as_nan));
  rows.bad.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = values[i];
    if (x != 0 && x != 1) {
      const auto row = table.first_row() + static_cast<std::int64_t>(i);
      if (std::isnan(x)) return Error(ErrorCode::null_value, "the target is empty", "Drop the row, or give its outcome.").in_column(rows.target).at_row(row);
      return Error(ErrorCode::bad_value, "the target is " + digits(x) + ", which is neither 0 nor 1", "Give 1 for bad and 0 for good, or name the label of the bad outcome with --bad.").in_column(rows.target).at_row(row);
    }
    rows.bad[i] = x == 1 ? 1 : 0;
  }
  rows.bad_label = flags ? "true" : "1";
  rows.good_label = flags ? "false" : "0";
  return {};
}

Result<void> read_labels(const Table& table, const std::string& bad, Past& rows) {
  PLIMSOLL_TRY(Categories target, table.categories(rows.target));
  std::vector<std::string> labels;
  for (std::string& name : target.names) labels.push_back(plain(std::move(name)));
  const auto gap = std::find(target.codes.begin(), target.codes.end(), -1);
  if (gap != target.codes.end())
    return Error(ErrorCode::null_value, "the target is empty", "Drop the row, or give its outcome.").in_column(rows.target).at_row(table.first_row() + (gap - target.codes.begin()));
  if (labels.size() > 2)
    return Error(ErrorCode::bad_value, "the target has " + std::to_string(labels.size()) + " different values, an outcome has two", "Bind a column of 0 and 1, or of two labels and --bad.").in_column(rows.target);
  PLIMSOLL_TRY(rows.bad_label, bad_label_of(labels, bad, rows.target));
  const auto bad_at = std::find(labels.begin(), labels.end(), rows.bad_label) - labels.begin();
  for (const std::string& label : labels)
    if (label != rows.bad_label) rows.good_label = label;
  rows.bad.resize(target.codes.size());
  for (std::size_t i = 0; i < rows.bad.size(); ++i) rows.bad[i] = target.codes[i] == bad_at ? 1 : 0;
  return {};
}

}  // namespace

Result<Past> read_rows(const Table& table, const std::string& bad) {
  Past rows;
  PLIMSOLL_TRY(rows.target, table.role_column("target"));
  if (table.rows() == 0) return Error(ErrorCode::too_few_rows, "there are no rows", "Give rows with their outcome.");
  ColumnType type = ColumnType::other;
  for (const ColumnInfo& column : table.columns())
    if (column.name == rows.target) type = column.type;
  const bool numbers = bad.empty() && (type == ColumnType::integer || type == ColumnType::real || type == ColumnType::boolean);
  PLIMSOLL_CHECK(numbers ? read_zeros_and_ones(table, type == ColumnType::boolean, rows) : read_labels(table, bad, rows));
  PLIMSOLL_CHECK(read_weights(table, rows));
  for (std::size_t i = 0; i < rows.bad.size(); ++i) (rows.bad[i] ? rows.bads : rows.goods) += rows.weight.empty() ? 1.0 : rows.weight[i];
  if (!(rows.goods > 0 && rows.bads > 0))
    return Error(ErrorCode::one_class, rows.bads > 0 ? "every outcome is bad" : "no outcome is bad", "Give rows of both outcomes.").in_column(rows.target);
  return rows;
}

Result<std::vector<std::string>> feature_names(const Table& table, bool use_protected) {
  PLIMSOLL_TRY(std::vector<std::string> names, table.role_columns("feature"));
  PLIMSOLL_TRY(const std::vector<std::string> guarded, table.role_columns("protected"));
  const bool named = !names.empty();
  std::set<std::string> elsewhere;
  for (const auto& [role, columns] : table.roles())
    if (role != "feature" && !(role == "protected" && use_protected)) elsewhere.insert(columns.begin(), columns.end());
  if (!named)
    for (const ColumnInfo& column : table.columns())
      if (!elsewhere.contains(column.name)) names.push_back(column.name);
  for (const std::string& name : names) {
    if (!elsewhere.contains(name)) continue;
    const bool is_protected = std::find(guarded.begin(), guarded.end(), name) != guarded.end();
    return Error(ErrorCode::bad_parameter, "column '" + name + (is_protected ? "' is protected and shall predict" : "' is a feature and plays another part"),
                 is_protected ? "Take it from the features, or allow it with --use-protected." : "Give each column one part.")
        .in_column(name);
  }
  if (names.empty()) return Error(ErrorCode::missing_input, "there is no column to learn from", "Give features.").in_parameter("feature");
  return names;
}

Result<Groups> read_groups(const Table& table, const std::map<std::string, std::string>& cuts) {
  Groups groups;
  PLIMSOLL_TRY(const auto columns, table.role_columns("protected"));
  for (const std::string& column : columns) {
    std::vector<std::int32_t> codes;
    std::vector<std::string> names;
    if (const auto cut = cuts.find(column); cut != cuts.end()) {
      double at = 0;
      const auto [end, fault] = std::from_chars(cut->second.data(), cut->second.data() + cut->second.size(), at);
      if (fault != std::errc() || end != cut->second.data() + cut->second.size())
        return Error(ErrorCode::bad_parameter, "the cut '" + cut->second + "' of '" + column + "' is no number", "Give one number.").in_parameter("fairness.cuts");
      PLIMSOLL_TRY(const Reals values, table.reals(column, Missing::as_nan));
      for (const double x : values) codes.push_back(std::isnan(x) ? -1 : x < at ? 0 : 1);
      names = {"below " + cut->second, "at least " + cut->second};
    } else {
      PLIMSOLL_TRY(Categories found, table.categories(column));
      codes = std::move(found.codes);
      names = std::move(found.names);
    }
    if (names.size() > 20)
      return Error(ErrorCode::bad_value, "the protected column has " + std::to_string(names.size()) + " groups", "Cut a number into two groups with --fairness.cuts, or join groups.").in_column(column);
    std::vector<std::size_t> order(names.size());
    for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return names[a] < names[b]; });
    if (order.size() == 2) order.resize(1);  // the other group says the same
    for (const std::size_t k : order) {
      std::vector<std::uint8_t> member(codes.size());
      double rows = 0;
      for (std::size_t i = 0; i < codes.size(); ++i) {
        member[i] = codes[i] < 0 ? unknown_bin : codes[i] == static_cast<std::int32_t>(k) ? 1 : 0;
        rows += member[i] == 1 ? 1 : 0;
      }
      if (names.size() < 2 || rows == 0) continue;
      groups.guarded.push_back({column, names[k], rows});
      groups.member.push_back(std::move(member));
    }
  }
  return groups;
}

}  // namespace plimsoll::credit::scorecard

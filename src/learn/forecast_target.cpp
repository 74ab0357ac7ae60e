// SPDX-License-Identifier: Apache-2.0
#include "learn/forecast_target.h"

#include <algorithm>

namespace plimsoll::learn {
namespace {

std::string listed(std::span<const std::string> names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(5, names.size()); ++i) text += (i == 0 ? "'" : ", '") + names[i] + "'";
  return names.size() > 5 ? text + " ..." : text;
}

// What all names begin with, digits not included, so that p10 and p11 keep theirs.
std::size_t common_start(std::span<const std::string> names) {
  std::size_t length = names.front().size();
  for (const std::string& name : names) {
    const auto [a, b] = std::mismatch(name.begin(), name.end(), names.front().begin(), names.front().end());
    length = std::min(length, static_cast<std::size_t>(a - name.begin()));
  }
  while (length > 0 && names.front()[length - 1] >= '0' && names.front()[length - 1] <= '9') --length;
  return length;
}

Result<std::vector<std::string>> class_names(std::span<const std::string> columns, const ForecastReading& reading) {
  if (!reading.classes.empty()) {
    if (reading.classes.size() == columns.size()) return reading.classes;
    return Error(ErrorCode::bad_parameter, std::to_string(reading.classes.size()) + " classes for " + std::to_string(columns.size()) + " probability columns",
                 "Name one class a column.").in_parameter("classes");
  }
  const std::size_t start = common_start(columns);
  std::vector<std::string> names;
  for (const std::string& column : columns) names.push_back(column.substr(start));
  return names;
}

// Place of each label among the classes: by name, else by number from 0.
std::vector<std::int32_t> places(const Categories& labels, const std::vector<std::string>& classes) {
  std::vector<std::int32_t> found;
  bool named = true;
  for (const std::string& label : labels.names) {
    const auto at = std::find(classes.begin(), classes.end(), label);
    found.push_back(at == classes.end() ? -1 : static_cast<std::int32_t>(at - classes.begin()));
    named = named && found.back() >= 0;
  }
  if (named) return found;
  std::vector<std::int32_t> numbered;
  for (const std::string& label : labels.names) {
    const bool digits = !label.empty() && label.size() < 7 && label.find_first_not_of("0123456789") == std::string::npos;
    const std::int32_t number = digits ? static_cast<std::int32_t>(std::stol(label)) : -1;
    numbered.push_back(number < static_cast<std::int32_t>(classes.size()) ? number : -1);
  }
  const bool all = std::find(numbered.begin(), numbered.end(), -1) == numbered.end();
  return all ? numbered : found;
}

Result<std::vector<std::int32_t>> event_places(const Categories& labels, const std::string& target, const ForecastReading& reading, std::vector<std::string>& classes) {
  std::vector<std::int32_t> found;
  if (!reading.positive.empty()) {
    if (std::find(labels.names.begin(), labels.names.end(), reading.positive) == labels.names.end() && !labels.names.empty() && labels.names.size() > 1)
      return Error(ErrorCode::bad_value, "no outcome is '" + reading.positive + "'; there are " + listed(labels.names), "Name the label of the event: --positive LABEL.").in_column(target).with_candidates(labels.names);
    for (const std::string& label : labels.names) found.push_back(label == reading.positive ? 1 : 0);
    classes = {"not " + reading.positive, reading.positive};
    return found;
  }
  for (const std::string& label : labels.names) {
    if (label == "1" || label == "true") found.push_back(1);
    else if (label == "0" || label == "false") found.push_back(0);
    else found.push_back(-1);
  }
  classes = {"0", "1"};
  return found;
}

}  // namespace

Result<std::vector<std::int32_t>> read_labels(const Table& table, const std::string& target, std::span<const std::string> probabilities,
                                              const ForecastReading& reading, std::span<char> keep, std::vector<std::string>& classes) {
  PLIMSOLL_TRY(const Categories labels, table.categories(target));
  std::vector<std::int32_t> place;
  if (probabilities.size() == 1) {
    PLIMSOLL_TRY(place, event_places(labels, target, reading, classes));
  } else {
    PLIMSOLL_TRY(classes, class_names(probabilities, reading));
    place = places(labels, classes);
  }
  std::vector<std::int32_t> codes(labels.codes.size(), 0);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::int32_t code = labels.codes[i];
    const bool gap = code < 0 || labels.names[static_cast<std::size_t>(code)] == "nan";
    const auto row = table.first_row() + static_cast<std::int64_t>(i);
    if (gap && reading.missing == MissingRows::drop) {
      keep[i] = 0;
      continue;
    }
    if (gap) return Error(ErrorCode::null_value, "an outcome is missing", "Mend the row, or leave such rows out: --missing drop.").in_column(target).at_row(row);
    codes[i] = place[static_cast<std::size_t>(code)];
    if (codes[i] >= 0 || keep[i] == 0) continue;
    const std::string label = labels.names[static_cast<std::size_t>(code)];
    if (probabilities.size() == 1)
      return Error(ErrorCode::bad_value, "an outcome is '" + label + "', neither 0 nor 1", "Name the label of the event: --positive LABEL.").in_column(target).at_row(row);
    return Error(ErrorCode::bad_value, "the class '" + label + "' has no probability column; there are " + listed(classes), "Name the classes in the order of the columns: --classes A,B,...").in_column(target).at_row(row);
  }
  return codes;
}

}  // namespace plimsoll::learn

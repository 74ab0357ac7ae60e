// SPDX-License-Identifier: Apache-2.0
// Reports on tables that apply wrote, in memory or back from a file (where a CSV holds sets as text joined by "|").

#include <algorithm>
#include <string_view>

#include "methods/risk/classifier/held_out.h"
#include "methods/risk/classifier/labels.h"

namespace plimsoll::risk::classifier {
namespace {

std::vector<std::string> parted(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; !text.empty() && begin <= text.size();) {
    const std::size_t end = std::min(text.find('|', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

Result<Columns> read_probabilities(const Model& model, const Table& table) {
  Columns columns;
  std::vector<std::string> names;
  if (model.binary()) names = {"probability"};
  else for (const std::string& name : model.classes) names.push_back("probability." + name);
  for (const std::string& name : names) {
    PLIMSOLL_TRY(const Reals values, table.reals(name));
    columns.emplace_back(values.begin(), values.end());
  }
  if (model.binary()) {
    std::vector<double> other(columns[0].size());
    for (std::size_t i = 0; i < other.size(); ++i) other[i] = 1.0 - columns[0][i];
    columns.insert(model.positive == 1 ? columns.begin() : columns.end(), std::move(other));
    names.insert(model.positive == 1 ? names.begin() : names.end(), "1 - probability");
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  learn::ProbabilityCheck check;
  const auto spans = spans_of(columns);
  check.add(spans, table.first_row());
  PLIMSOLL_CHECK(check.result(views));
  return columns;
}

Result<std::vector<std::uint8_t>> read_decisions(const Table& table) {
  PLIMSOLL_TRY(const Categories found, table.categories("decision"));
  std::vector<std::uint8_t> place(found.names.size());
  for (std::size_t i = 0; i < place.size(); ++i) {
    const auto known = std::find(decision_names().begin(), decision_names().end(), found.names[i]);
    if (known == decision_names().end()) return Error(ErrorCode::bad_value, "\"" + found.names[i] + "\" is no decision", "Give the table that apply wrote").in_column("decision").with_candidates(decision_names());
    place[i] = static_cast<std::uint8_t>(known - decision_names().begin());
  }
  std::vector<std::uint8_t> decisions(found.codes.size());
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    if (found.codes[i] < 0) return Error(ErrorCode::null_value, "the decision is empty", "Give the table that apply wrote").in_column("decision").at_row(static_cast<std::int64_t>(i));
    decisions[i] = place[static_cast<std::size_t>(found.codes[i])];
  }
  return decisions;
}

}  // namespace

Result<Scored> read_scored(const Model& model, const Table& table, std::span<const std::int32_t> labels) {
  Scored scored;
  PLIMSOLL_TRY(scored.p.probability, read_probabilities(model, table));
  PLIMSOLL_TRY(const Reals lower, table.reals("lower"));
  PLIMSOLL_TRY(const Reals upper, table.reals("upper"));
  scored.p.lower.assign(lower.begin(), lower.end());
  scored.p.upper.assign(upper.begin(), upper.end());
  PLIMSOLL_TRY(scored.decisions, read_decisions(table));
  const auto record = [&](std::size_t i, const std::vector<std::string>& set) {
    scored.size.push_back(static_cast<std::int32_t>(set.size()));
    const bool held = labels[i] >= 0 && std::find(set.begin(), set.end(), model.classes[static_cast<std::size_t>(labels[i])]) != set.end();
    scored.covered.push_back(held ? 1 : 0);
  };
  if (type_of_column(table, "set") == ColumnType::list_of_text) {
    PLIMSOLL_TRY(const auto sets, table.text_lists("set"));
    for (std::size_t i = 0; i < sets.size(); ++i) record(i, sets[i]);
    return scored;
  }
  PLIMSOLL_TRY(const Categories sets, table.categories("set"));  // few different ones, whatever the rows
  std::vector<std::vector<std::string>> kinds;
  for (const std::string& name : sets.names) kinds.push_back(parted(name));
  const std::vector<std::string> none;
  for (std::size_t i = 0; i < sets.codes.size(); ++i) record(i, sets.codes[i] < 0 ? none : kinds[static_cast<std::size_t>(sets.codes[i])]);
  return scored;
}

}  // namespace plimsoll::risk::classifier

// SPDX-License-Identifier: Apache-2.0
#include "methods/risk/classifier/labels.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace plimsoll::risk::classifier {
namespace {

Result<std::string> target_of(const Table& table) { return table.role_column("target"); }

std::optional<double> number_of(const std::string& text) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A target of whole numbers kept as reals (a file with gaps elsewhere) is fine; anything else is a regression.
Result<void> refuse_real_valued(const Table& table, const std::string& name) {
  PLIMSOLL_TRY(const Reals values, table.reals(name, Missing::as_nan));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double x = values[i];
    if (std::isnan(x))
      return Error(ErrorCode::null_value, "the target is empty or NaN", "Drop the row, or give its outcome").in_column(name).at_row(table.first_row() + static_cast<std::int64_t>(i));
    if (x != std::floor(x) || std::isinf(x))
      return Error(ErrorCode::wrong_type, "the target is real-valued, this method predicts classes",
                   "Bind a column of classes with --target, cut the column into classes, or use conformal.split for numbers")
          .in_column(name)
          .at_row(table.first_row() + static_cast<std::int64_t>(i));
  }
  return {};
}

Result<Categories> target_categories(const Table& table, const std::string& name) {
  const ColumnType type = type_of_column(table, name);
  if (type == ColumnType::real) PLIMSOLL_CHECK(refuse_real_valued(table, name));
  if (type == ColumnType::list_of_text || type == ColumnType::timestamp || type == ColumnType::other)
    return Error(ErrorCode::wrong_type, "a target of type " + std::string(name_of(type)) + " has no classes", "Bind a column of text, whole numbers or true and false with --target").in_column(name);
  PLIMSOLL_TRY(Categories target, table.categories(name));
  // 1.0 of a file with gaps and 1 of one without are the same class.
  if (type == ColumnType::real)
    for (std::string& text : target.names)
      if (text.ends_with(".0")) text.resize(text.size() - 2);
  const auto gap = std::find_if(target.codes.begin(), target.codes.end(), [](std::int32_t c) { return c < 0; });
  if (gap != target.codes.end())
    return Error(ErrorCode::null_value, "the target is empty", "Drop the row, or give its outcome").in_column(name).at_row(table.first_row() + (gap - target.codes.begin()));
  return target;
}

// Class names in their order, and for each code of `target` its place there. Names that no row carries are left out.
std::vector<std::int32_t> order_classes(const Categories& target, std::vector<std::string>& classes) {
  std::vector<char> used(target.names.size(), 0);
  for (const std::int32_t code : target.codes) used[static_cast<std::size_t>(code)] = 1;
  std::vector<std::size_t> order;
  bool numbers = true;
  for (std::size_t i = 0; i < target.names.size(); ++i) {
    if (!used[i]) continue;
    order.push_back(i);
    numbers = numbers && number_of(target.names[i]).has_value();
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (numbers) {
      const double x = *number_of(target.names[a]);
      const double y = *number_of(target.names[b]);
      if (x != y) return x < y;
    }
    return target.names[a] < target.names[b];
  });
  std::vector<std::int32_t> place(target.names.size(), -1);
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = static_cast<std::int32_t>(i);
    classes.push_back(target.names[order[i]]);
  }
  return place;
}

}  // namespace

ColumnType type_of_column(const Table& table, std::string_view name) {
  for (const ColumnInfo& column : table.columns())
    if (column.name == name) return column.type;
  return ColumnType::other;
}

Result<Labels> read_labels(const Table& table) {
  Labels labels;
  PLIMSOLL_TRY(labels.column, target_of(table));
  PLIMSOLL_TRY(Categories target, target_categories(table, labels.column));
  const std::vector<std::int32_t> place = order_classes(target, labels.classes);
  if (labels.classes.size() > most_classes)
    return Error(ErrorCode::wrong_type, "the target has " + std::to_string(labels.classes.size()) + " different values, more than " + std::to_string(most_classes) + " classes",
                 "Bind a column of classes with --target; an identifier or a number is none")
        .in_column(labels.column);
  labels.codes = std::move(target.codes);
  for (std::int32_t& code : labels.codes) code = place[static_cast<std::size_t>(code)];
  return labels;
}

Result<Labels> read_labels(const Table& table, const std::vector<std::string>& classes, std::int64_t& unseen) {
  Labels labels;
  labels.classes = classes;
  PLIMSOLL_TRY(labels.column, target_of(table));
  PLIMSOLL_TRY(Categories target, target_categories(table, labels.column));
  std::vector<std::int32_t> place(target.names.size(), -1);
  for (std::size_t i = 0; i < place.size(); ++i) {
    const auto found = std::find(classes.begin(), classes.end(), target.names[i]);
    if (found != classes.end()) place[i] = static_cast<std::int32_t>(found - classes.begin());
  }
  labels.codes = std::move(target.codes);
  unseen = 0;
  for (std::int32_t& code : labels.codes) {
    code = place[static_cast<std::size_t>(code)];
    if (code < 0) ++unseen;
  }
  return labels;
}

}  // namespace plimsoll::risk::classifier

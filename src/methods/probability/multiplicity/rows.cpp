// SPDX-License-Identifier: Apache-2.0
// Tables into patterns. Numbers enter as they are (or divided by their standard deviation), each level of a category is a
// column of zeros and ones. Equal rows become one pattern with their weights added in the order of the sorted rows, so all
// that follows is a function of the multiset of rows (Law 1, class A).
#include <algorithm>
#include <cmath>
#include <numeric>

#include "methods/probability/multiplicity/multiplicity.h"

namespace plimsoll::probability::multiplicity {
namespace {

constexpr double dependent = 1e-10;  // a column whose part beyond the others is so small (of its length) adds nothing

std::vector<std::string> feature_names(const Table& table) {
  if (const auto bound = table.roles().find("feature"); bound != table.roles().end()) return bound->second;
  std::vector<std::string> taken;
  for (const auto& [role, names] : table.roles()) taken.insert(taken.end(), names.begin(), names.end());
  std::vector<std::string> names;
  for (const ColumnInfo& column : table.columns()) {
    if (std::find(taken.begin(), taken.end(), column.name) == taken.end()) names.push_back(column.name);
  }
  return names;
}

bool is_category(const Table& table, const std::string& name) {
  for (const ColumnInfo& column : table.columns()) {
    if (column.name == name) return column.type == ColumnType::text;
  }
  return false;
}

Result<Categories> read_categories(const Table& table, const std::string& name) {
  PLIMSOLL_TRY(Categories categories, table.categories(name));
  for (std::size_t i = 0; i < categories.codes.size(); ++i) {
    if (categories.codes[i] >= 0) continue;
    return Error(ErrorCode::null_value, "a value is missing, and nothing is filled in here",
                 "Drop the row, or fill the value by a rule you can defend.").in_column(name).at_row(table.first_row() + static_cast<std::int64_t>(i));
  }
  return categories;
}

// The values that the model sees of one feature: columns of `rows` numbers, one a number or a level.
Result<std::vector<std::vector<double>>> columns_of(const Table& table, const Feature& feature) {
  std::vector<std::vector<double>> columns;
  if (!feature.category) {
    PLIMSOLL_TRY(const Reals values, table.reals(feature.name));
    columns.emplace_back(values.begin(), values.end());
    for (double& value : columns.back()) value = feature.scale == 1 ? value : value / feature.scale;
    return columns;
  }
  PLIMSOLL_TRY(const Categories categories, read_categories(table, feature.name));
  std::vector<std::int32_t> place;
  for (const std::string& name : categories.names) {
    const auto found = std::lower_bound(feature.levels.begin(), feature.levels.end(), name);
    place.push_back(found != feature.levels.end() && *found == name ? static_cast<std::int32_t>(found - feature.levels.begin()) : -1);
  }
  columns.assign(feature.levels.size(), std::vector<double>(categories.codes.size(), 0.0));
  for (std::size_t i = 0; i < categories.codes.size(); ++i) {
    const auto code = static_cast<std::size_t>(categories.codes[i]);
    if (place[code] < 0) {
      return Error(ErrorCode::bad_value, "'" + categories.names[code] + "' is a category that the learning rows did not have",
                   "The models say nothing of it: drop the row, or learn from rows that have it.")
          .in_column(feature.name).at_row(table.first_row() + static_cast<std::int64_t>(i));
    }
    columns[static_cast<std::size_t>(place[code])][i] = 1;
  }
  return columns;
}

// In order of rows: values of a row, row-major.
Result<std::vector<double>> matrix_of(const Table& table, const Encoding& encoding) {
  const auto rows = static_cast<std::size_t>(table.rows());
  const auto width = static_cast<std::size_t>(encoding.width());
  std::vector<double> x(rows * width);
  std::size_t at = 0;
  for (const Feature& feature : encoding.features) {
    PLIMSOLL_TRY(const std::vector<std::vector<double>> columns, columns_of(table, feature));
    for (const std::int64_t which : feature.used) {
      const std::vector<double>& column = columns[static_cast<std::size_t>(which)];
      for (std::size_t i = 0; i < rows; ++i) x[i * width + at] = column[i] + 0.0;  // -0 and 0 are one
      ++at;
    }
  }
  return x;
}

double deviation(const std::vector<double>& values, const std::vector<double>& weights) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return values[a] != values[b] ? values[a] < values[b] : weights[a] < weights[b];
  });
  double mass = 0;
  double mean = 0;
  for (const std::size_t i : order) {
    mass += weights[i];
    mean += weights[i] * values[i];
  }
  mean /= mass;
  double square = 0;
  for (const std::size_t i : order) square += weights[i] * (values[i] - mean) * (values[i] - mean);
  return std::sqrt(square / mass);
}

bool constant(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [&](double x) { return x == values.front(); });
}

// What is learned of one column of the user's. A column that is no feature is left out and said so.
Result<void> learn_feature(const Table& table, const std::string& name, const Spec& spec, const std::vector<double>& weights,
                           Encoding& encoding) {
  Feature feature;
  feature.name = name;
  feature.category = is_category(table, name);
  if (feature.category) {
    PLIMSOLL_TRY(Categories categories, read_categories(table, name));
    feature.levels = std::move(categories.names);
    std::sort(feature.levels.begin(), feature.levels.end());
    if (feature.levels.size() > 2 && feature.levels.size() == static_cast<std::size_t>(table.rows())) {
      encoding.left_out.push_back(name + ": text that never repeats");
      return {};
    }
  }
  PLIMSOLL_TRY(const std::vector<std::vector<double>> columns, columns_of(table, feature));
  for (std::size_t k = 0; k < columns.size(); ++k) {
    if (!constant(columns[k])) feature.used.push_back(static_cast<std::int64_t>(k));
  }
  if (feature.used.empty()) {
    encoding.left_out.push_back(name + ": constant");
    return {};
  }
  if (spec.standardise && !feature.category) feature.scale = deviation(columns.front(), weights);
  encoding.features.push_back(std::move(feature));
  return {};
}

// Without a penalty a column that depends on earlier ones leaves the set of models without end, and no range changes when
// it goes: modified Gram-Schmidt on the patterns, the intercept first.
void drop_dependent(Encoding& encoding, Distinct& rows) {
  const auto n = static_cast<std::size_t>(rows.size());
  const auto width = static_cast<std::size_t>(encoding.width());
  std::vector<std::vector<double>> basis = {std::vector<double>(n, 1.0 / std::sqrt(static_cast<double>(n)))};
  std::vector<bool> keep(width);
  for (std::size_t j = 0; j < width; ++j) {
    std::vector<double> column(n);
    double length = 0;
    for (std::size_t i = 0; i < n; ++i) {
      column[i] = rows.x[i * width + j];
      length += column[i] * column[i];
    }
    for (int pass = 0; pass < 2; ++pass) {
      for (const std::vector<double>& other : basis) {
        const double along = std::inner_product(column.begin(), column.end(), other.begin(), 0.0);
        for (std::size_t i = 0; i < n; ++i) column[i] -= along * other[i];
      }
    }
    const double left = std::inner_product(column.begin(), column.end(), column.begin(), 0.0);
    keep[j] = left > dependent * length;
    if (!keep[j]) continue;
    for (double& value : column) value /= std::sqrt(left);
    basis.push_back(std::move(column));
  }
  const std::vector<std::string> names = encoding.names();
  std::size_t at = 0;
  for (Feature& feature : encoding.features) {
    std::vector<std::int64_t> used;
    for (const std::int64_t which : feature.used) {
      if (keep[at]) used.push_back(which);
      else encoding.left_out.push_back(names[at] + ": depends on other columns");
      ++at;
    }
    feature.used = std::move(used);
  }
  std::erase_if(encoding.features, [](const Feature& f) { return f.used.empty(); });
  std::vector<double> x;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < width; ++j) {
      if (keep[j]) x.push_back(rows.x[i * width + j]);
    }
  }
  rows.x = std::move(x);
}

Distinct distinct_rows(const std::vector<double>& x, std::size_t rows, std::size_t width) {
  std::vector<std::int64_t> order(rows);
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const auto row = [&](std::int64_t i) { return x.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(i) * width); };
  const auto ends = static_cast<std::ptrdiff_t>(width);
  std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    const auto differ = std::mismatch(row(a), row(a) + ends, row(b));
    return differ.first == row(a) + ends ? a < b : *differ.first < *differ.second;
  });
  Distinct out;
  out.pattern_of_row.resize(rows);
  for (const std::int64_t i : order) {
    if (out.row_of_pattern.empty() || !std::equal(row(i), row(i) + ends, row(out.row_of_pattern.back()))) {
      out.row_of_pattern.push_back(i);
      out.x.insert(out.x.end(), row(i), row(i) + ends);
    }
    out.pattern_of_row[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(out.row_of_pattern.size()) - 1;
  }
  return out;
}

// Weights of a pattern are added from the smallest, so that their order in the table is nothing.
void add_weights(Learning& learning) {
  const auto n = static_cast<std::size_t>(learning.rows.size());
  learning.patterns.weight.assign(n, 0.0);
  learning.patterns.positive.assign(n, 0.0);
  std::vector<std::size_t> order(learning.label.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return learning.row_weight[a] != learning.row_weight[b] ? learning.row_weight[a] < learning.row_weight[b] : a < b;
  });
  std::vector<double> negative(n, 0.0);
  for (const std::size_t i : order) {
    const auto pattern = static_cast<std::size_t>(learning.rows.pattern_of_row[i]);
    (learning.label[i] != 0 ? learning.patterns.positive : negative)[pattern] += learning.row_weight[i];
  }
  for (std::size_t i = 0; i < n; ++i) learning.patterns.weight[i] = negative[i] + learning.patterns.positive[i];
}

// Patterns without weight say nothing of the loss.
void drop_weightless(learn::Patterns& patterns) {
  const auto width = static_cast<std::size_t>(patterns.width);
  std::size_t to = 0;
  for (std::size_t i = 0; i < patterns.weight.size(); ++i) {
    if (!(patterns.weight[i] > 0)) continue;
    std::copy_n(patterns.x.begin() + static_cast<std::ptrdiff_t>(i * width), width, patterns.x.begin() + static_cast<std::ptrdiff_t>(to * width));
    patterns.weight[to] = patterns.weight[i];
    patterns.positive[to] = patterns.positive[i];
    ++to;
  }
  patterns.x.resize(to * width);
  patterns.weight.resize(to);
  patterns.positive.resize(to);
}

}  // namespace

std::int64_t Encoding::width() const {
  std::int64_t sum = 0;
  for (const Feature& feature : features) sum += static_cast<std::int64_t>(feature.used.size());
  return sum;
}

std::vector<std::string> Encoding::names() const {
  std::vector<std::string> out;
  for (const Feature& feature : features) {
    for (const std::int64_t which : feature.used) {
      out.push_back(feature.category ? feature.name + " = " + feature.levels[static_cast<std::size_t>(which)] : feature.name);
    }
  }
  return out;
}

Result<std::vector<std::uint8_t>> read_labels(const Table& table) {
  PLIMSOLL_TRY(const std::string column, table.role_column("target"));
  PLIMSOLL_TRY(const Reals values, table.reals(column));
  const bool signs = std::any_of(values.begin(), values.end(), [](double y) { return y == -1; });
  std::vector<std::uint8_t> labels;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != 1 && values[i] != (signs ? -1 : 0)) {
      return Error(ErrorCode::bad_value, "an outcome is neither 0 nor 1", "Give 1 where the event happened, else 0 (or -1 throughout).")
          .in_column(column).at_row(table.first_row() + static_cast<std::int64_t>(i));
    }
    labels.push_back(values[i] == 1 ? 1 : 0);
  }
  return labels;
}

Result<std::vector<double>> read_weights(const Table& table) {
  PLIMSOLL_TRY(const std::vector<std::string> bound, table.role_columns("weight"));
  if (bound.empty()) return std::vector<double>(static_cast<std::size_t>(table.rows()), 1.0);
  PLIMSOLL_TRY(const Reals values, table.reals(bound.front()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] >= 0) continue;
    return Error(ErrorCode::bad_value, "a weight is negative", "Give weights of at least 0.").in_column(bound.front()).at_row(table.first_row() + static_cast<std::int64_t>(i));
  }
  return std::vector<double>(values.begin(), values.end());
}

Result<Distinct> read_rows(Context& context, const Table& table, const Encoding& encoding) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_TRY(const std::vector<double> x, matrix_of(table, encoding));
  return distinct_rows(x, static_cast<std::size_t>(table.rows()), static_cast<std::size_t>(encoding.width()));
}

Result<Learning> read_learning(Context& context, const Table& table, const Spec& spec) {
  Learning learning;
  if (table.rows() < 2) return Error(ErrorCode::too_few_rows, "models are learned from at least 2 rows", "Give more rows.");
  PLIMSOLL_TRY(learning.label, read_labels(table));
  PLIMSOLL_TRY(learning.row_weight, read_weights(table));
  for (const std::string& name : feature_names(table)) PLIMSOLL_CHECK(learn_feature(table, name, spec, learning.row_weight, learning.encoding));
  if (learning.encoding.features.empty()) {
    return Error(ErrorCode::too_few_rows, "no column is left to learn from: all are constant or bound to other roles", "Give columns that vary, by --feature or by leaving them unbound.");
  }
  PLIMSOLL_TRY(learning.rows, read_rows(context, table, learning.encoding));
  if (spec.l2 == 0) drop_dependent(learning.encoding, learning.rows);
  learning.patterns.width = learning.encoding.width();
  learning.patterns.x = learning.rows.x;
  add_weights(learning);
  drop_weightless(learning.patterns);
  for (const std::string& what : learning.encoding.left_out) context.warn("left out " + what);
  return learning;
}

}  // namespace plimsoll::probability::multiplicity

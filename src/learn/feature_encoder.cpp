// SPDX-License-Identifier: Apache-2.0
// Learning an encoder. Every statistic is a function of the multiset of values (class A): sums go through ExactSum, the
// variance is taken about the mean in a second pass, the median is an order statistic, and levels stand by name.
#include "learn/feature_encoder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "base/exact_sum.h"
#include "engine/fields.h"

namespace plimsoll::learn {
namespace {

constexpr std::array<std::string_view, 2> kinds = {"numeric", "category"};
// A text column of at least this many values of which none repeats is an identifier.
constexpr std::int64_t identifier_rows = 20;

struct Learned {
  std::optional<FeatureColumn> column;
  std::string note;
};

Learned leave_out(std::string note) { return {std::nullopt, std::move(note)}; }

std::int64_t chosen_count(const Table& table, const RowChoice& rows) {
  return rows ? static_cast<std::int64_t>(rows->size()) : table.rows();
}

std::size_t row_at(const RowChoice& rows, std::int64_t i) {
  return static_cast<std::size_t>(rows ? (*rows)[static_cast<std::size_t>(i)] : i);
}

// The values that are there, in row order; an infinity is refused.
Result<std::vector<double>> present_values(std::span<const double> values, const RowChoice& rows, std::int64_t count,
                                           const std::string& name, std::int64_t first_row) {
  std::vector<double> present;
  present.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    const std::size_t row = row_at(rows, i);
    const double x = values[row];
    if (std::isnan(x)) continue;
    if (std::isinf(x)) {
      return Error(ErrorCode::bad_value, "a feature is infinite", "Replace it by a number, or leave it empty.")
          .in_column(name)
          .at_row(first_row + static_cast<std::int64_t>(row));
    }
    present.push_back(x);
  }
  return present;
}

double median_of(std::vector<double>& values) {
  const std::size_t half = values.size() / 2;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(half);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  const double below = *std::max_element(values.begin(), middle);
  return below + (*middle - below) / 2;
}

Result<Learned> learn_linear(FeatureColumn column, std::vector<double> present, std::int64_t count) {
  const auto n = static_cast<double>(present.size());
  column.had_missing = static_cast<std::int64_t>(present.size()) < count;
  ExactSum sum;
  sum.add(present);
  column.mean = sum.value() / n;
  ExactSum squares;
  for (const double x : present) squares.add((x - column.mean) * (x - column.mean));
  column.scale = std::sqrt(squares.value() / n);
  column.median = median_of(present);
  if (!std::isfinite(column.mean) || !std::isfinite(column.scale)) {
    return Error(ErrorCode::bad_value, "the values are too large to be standardised", "Divide the column by a constant.")
        .in_column(column.name);
  }
  if (!(column.scale > 0)) return leave_out("column '" + column.name + "' is constant but for rounding");
  return Learned{std::move(column), {}};
}

Result<Learned> learn_numeric(const Table& table, const std::string& name, const RowChoice& rows, bool linear) {
  PLIMSOLL_TRY(const Reals reals, table.reals(name, Missing::as_nan));
  const std::span<const double> values = reals.span();
  const std::int64_t count = chosen_count(table, rows);
  double first = std::numeric_limits<double>::quiet_NaN();
  bool varies = false;
  for (std::int64_t i = 0; i < count && !varies; ++i) {
    const double x = values[row_at(rows, i)];
    if (std::isnan(x)) continue;
    if (std::isnan(first)) first = x;
    varies = x < first || x > first;
  }
  if (std::isnan(first)) return leave_out("column '" + name + "' holds no value");
  if (!varies) return leave_out("column '" + name + "' is constant");
  FeatureColumn column;
  column.name = name;
  if (!linear) return Learned{std::move(column), {}};
  PLIMSOLL_TRY(std::vector<double> present, present_values(values, rows, count, name, table.first_row()));
  return learn_linear(std::move(column), std::move(present), count);
}

// The levels to keep: the `most` most frequent (ties: the name that comes first), in the order of names.
std::vector<std::size_t> frequent_levels(const Categories& categories, std::span<const std::int64_t> counts,
                                         std::size_t most) {
  std::vector<std::size_t> kept;
  for (std::size_t code = 0; code < counts.size(); ++code) {
    if (counts[code] > 0) kept.push_back(code);
  }
  std::sort(kept.begin(), kept.end(), [&](std::size_t a, std::size_t b) {
    if (counts[a] != counts[b]) return counts[a] > counts[b];
    return categories.names[a] < categories.names[b];
  });
  if (kept.size() > most) kept.resize(most);
  std::sort(kept.begin(), kept.end(),
            [&](std::size_t a, std::size_t b) { return categories.names[a] < categories.names[b]; });
  return kept;
}

Result<Learned> learn_category(const Table& table, const std::string& name, const RowChoice& rows, std::int64_t most) {
  PLIMSOLL_TRY(const Categories categories, table.categories(name));
  const std::int64_t count = chosen_count(table, rows);
  std::vector<std::int64_t> counts(categories.names.size(), 0);
  std::int64_t present = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int32_t code = categories.codes[row_at(rows, i)];
    if (code < 0) continue;
    ++counts[static_cast<std::size_t>(code)];
    ++present;
  }
  const auto distinct = std::count_if(counts.begin(), counts.end(), [](std::int64_t c) { return c > 0; });
  if (distinct == 0) return leave_out("column '" + name + "' holds no value");
  if (distinct == 1 && present == count) return leave_out("column '" + name + "' is constant");
  if (distinct == present && present >= identifier_rows) {
    return leave_out("column '" + name + "' never repeats a value: an identifier, not a category");
  }
  FeatureColumn column;
  column.name = name;
  column.kind = FeatureKind::category;
  column.had_missing = present < count;
  const std::vector<std::size_t> kept = frequent_levels(categories, counts, static_cast<std::size_t>(most));
  column.has_other = static_cast<std::int64_t>(kept.size()) < distinct;
  std::int64_t best = 0;
  for (std::size_t level = 0; level < kept.size(); ++level) {
    column.levels.push_back(categories.names[kept[level]]);
    if (counts[kept[level]] > best) {
      best = counts[kept[level]];
      column.reference = static_cast<std::int64_t>(level);
    }
  }
  return Learned{std::move(column), {}};
}

Result<Learned> learn_column(const Table& table, const std::string& name, const RowChoice& rows,
                             const EncoderOptions& options) {
  const auto& infos = table.columns();
  const auto info = std::find_if(infos.begin(), infos.end(), [&](const ColumnInfo& i) { return i.name == name; });
  const ColumnType type = info == infos.end() ? ColumnType::real : info->type;  // reals() then says what is missing
  switch (type) {
    case ColumnType::boolean:
    case ColumnType::integer:
    case ColumnType::real: return learn_numeric(table, name, rows, options.linear);
    case ColumnType::text: return learn_category(table, name, rows, options.most_levels);
    default:
      return leave_out("column '" + name + "' is of type " + std::string(name_of(type)) +
                       ", which is no feature: turn it into numbers or text to use it");
  }
}

std::int64_t linear_columns(const FeatureColumn& column) {
  const std::int64_t missing = column.had_missing ? 1 : 0;
  if (column.kind == FeatureKind::numeric) return 1 + missing;
  return static_cast<std::int64_t>(column.levels.size()) + (column.has_other ? 1 : 0) - 1 + missing;
}

Error bad_encoder(std::string what, const std::string& column) {
  return Error(ErrorCode::corrupt_file, "the encoder of the features is damaged: " + what, "Fit the model again.").in_column(column);
}

}  // namespace

std::span<const std::string_view> choices_of(FeatureKind) { return kinds; }

void describe(Fields& f, FeatureColumn& column) {
  f({"name", "column of the table"}, column.name);
  f({"kind", "how the column is read"}, column.kind);
  f({"had_missing", "whether the learning rows had missing values"}, column.had_missing);
  f({"mean", "mean of the learning rows"}, column.mean);
  f({"scale", "standard deviation of the learning rows", above(0)}, column.scale);
  f({"median", "stands in for missing numbers"}, column.median);
  f({"levels", "categories in the order of their names"}, column.levels);
  f({"has_other", "whether rarer categories share one level"}, column.has_other);
  f({"reference", "level without a 0/1 column", at_least(0)}, column.reference);
}

void describe(Fields& f, FeatureEncoder& encoder) {
  f({"columns", "features in use"}, encoder.columns);
  f({"kept_out", "columns not used"}, encoder.kept_out);
  f({"notes", "why each of them is not used"}, encoder.notes);
}

std::int64_t FeatureEncoder::linear_width() const {
  std::int64_t width = 0;
  for (const FeatureColumn& column : columns) width += linear_columns(column);
  return width;
}

std::vector<bool> FeatureEncoder::tree_categorical() const {
  std::vector<bool> categorical;
  for (const FeatureColumn& column : columns) categorical.push_back(column.kind == FeatureKind::category);
  return categorical;
}

std::vector<std::string> FeatureEncoder::linear_names() const {
  std::vector<std::string> names;
  for (const FeatureColumn& column : columns) {
    if (column.kind == FeatureKind::numeric) names.push_back(column.name);
    for (std::size_t level = 0; level < column.levels.size(); ++level) {
      if (static_cast<std::int64_t>(level) != column.reference) names.push_back(column.name + " = " + column.levels[level]);
    }
    if (column.has_other) names.push_back(column.name + " = other");
    if (column.had_missing) names.push_back(column.name + " missing");
  }
  return names;
}

std::vector<std::int64_t> FeatureEncoder::linear_sources() const {
  std::vector<std::int64_t> sources;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    sources.insert(sources.end(), static_cast<std::size_t>(linear_columns(columns[c])), static_cast<std::int64_t>(c));
  }
  return sources;
}

Result<void> check(const FeatureEncoder& encoder) {
  if (encoder.columns.empty()) return bad_encoder("it has no column", "");
  for (const FeatureColumn& column : encoder.columns) {
    if (column.kind == FeatureKind::numeric) {
      if (!column.levels.empty() || column.has_other) return bad_encoder("a numeric column has levels", column.name);
      if (!std::isfinite(column.mean) || !std::isfinite(column.scale) || !(column.scale > 0) || !std::isfinite(column.median)) {
        return bad_encoder("a mean or scale is not a number", column.name);
      }
      continue;
    }
    if (column.levels.empty() || column.levels.size() > 65536) return bad_encoder("a category has no or too many levels", column.name);
    if (column.reference < 0 || column.reference >= static_cast<std::int64_t>(column.levels.size())) {
      return bad_encoder("a reference level does not exist", column.name);
    }
    for (std::size_t i = 1; i < column.levels.size(); ++i) {
      if (!(column.levels[i - 1] < column.levels[i])) return bad_encoder("levels are not in the order of their names", column.name);
    }
  }
  return {};
}

Result<FeatureEncoder> fit_encoder(Context& context, const Table& table, const std::vector<std::string>& features,
                                   RowChoice rows, const EncoderOptions& options) {
  if (chosen_count(table, rows) == 0) {
    return Error(ErrorCode::too_few_rows, "there is no row to learn features from", "Give at least two rows of each class.");
  }
  if (options.most_levels < 1 || options.most_levels > 65536) {
    return Error(ErrorCode::bad_parameter, "the number of levels must be between 1 and 65536", "Leave it at 255.")
        .in_parameter("most_levels");
  }
  std::vector<Learned> learned(features.size());
  PLIMSOLL_CHECK(context.runtime.for_each(static_cast<std::int64_t>(features.size()), context.stop,
                                          [&](std::int64_t i) -> Result<void> {
    PLIMSOLL_TRY(learned[static_cast<std::size_t>(i)], learn_column(table, features[static_cast<std::size_t>(i)], rows, options));
    return {};
  }));
  FeatureEncoder encoder;
  for (std::size_t i = 0; i < learned.size(); ++i) {
    if (learned[i].column) {
      encoder.columns.push_back(std::move(*learned[i].column));
    } else {
      encoder.kept_out.push_back(features[i]);
      encoder.notes.push_back(std::move(learned[i].note));
    }
  }
  if (encoder.columns.empty()) {
    return Error(ErrorCode::too_few_rows, "no feature is left to learn from" + (encoder.notes.empty() ? std::string() : ": " + encoder.notes.front()),
                 "Give at least one column that varies among the learning rows.");
  }
  return encoder;
}

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#include "learn/forecast_columns.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <unordered_set>

#include "learn/class_scores.h"
#include "learn/forecast_target.h"
#include "learn/logistic.h"

namespace plimsoll::learn {
namespace {

constexpr double range_slack = 1e-9;

std::string in_words(double x) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", x);
  return text;
}

// What is read before rows are dropped.
struct Raw {
  std::vector<std::string> names;
  std::vector<Reals> forecasts;
  Reals weight;
  bool weighted = false;
  std::vector<char> keep;
  std::int64_t first_row = 0;
};

Result<void> mark_gaps(Raw& raw, std::span<const double> values, const std::string& column, const ForecastReading& reading, bool infinite_is_fine) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (infinite_is_fine ? !std::isnan(values[i]) : std::isfinite(values[i])) continue;
    if (reading.missing == MissingRows::drop) {
      raw.keep[i] = 0;
      continue;
    }
    return Error(std::isnan(values[i]) ? ErrorCode::null_value : ErrorCode::bad_value,
                 std::isnan(values[i]) ? "a value is missing" : "a value is infinite", "Mend the row, or leave such rows out: --missing drop.")
        .in_column(column)
        .at_row(raw.first_row + static_cast<std::int64_t>(i));
  }
  return {};
}

// Per cent and logits betray themselves by their range.
Error outside(const Raw& raw, std::size_t column, std::size_t row) {
  double low = 0, high = 0;
  for (const double x : raw.forecasts[column]) {
    low = std::min(low, x);
    high = std::max(high, x);
  }
  const char* mend = low >= 0 && high <= 100 ? "If these are per cents, say so: --percent." : "If these are logits, say so: --logits.";
  return Error(ErrorCode::bad_value, "a forecast is " + in_words(raw.forecasts[column][row]) + ", not a probability between 0 and 1", mend)
      .in_column(raw.names[column])
      .at_row(raw.first_row + static_cast<std::int64_t>(row));
}

Result<std::vector<double>> column_of(const Raw& raw, std::size_t column, const ForecastReading& reading, std::int64_t& clipped) {
  std::vector<double> out;
  out.reserve(raw.keep.size());
  for (std::size_t i = 0; i < raw.keep.size(); ++i) {
    if (!raw.keep[i]) continue;
    double p = raw.forecasts[column][i];
    if (reading.logits) {
      out.push_back(p);
      continue;
    }
    if (reading.percent) p /= 100;
    if (!(p >= 0 && p <= 1)) {
      if (!(p >= -range_slack && p <= 1 + range_slack)) return outside(raw, column, i);
      p = std::clamp(p, 0.0, 1.0);
      ++clipped;
    }
    out.push_back(p);
  }
  return out;
}

Result<void> check_sums(Context& context, const Forecaster& forecaster, std::int64_t first_row) {
  std::vector<std::span<const double>> columns(forecaster.columns.begin(), forecaster.columns.end());
  ProbabilityCheck check;
  check.add(columns, first_row);
  PLIMSOLL_CHECK(check.result({}));
  if (check.off > 0) context.tally("{} rows have class probabilities that do not sum to 1 within 1e-6.", check.off);
  return {};
}

Result<Forecaster> forecaster_of(Context& context, const Raw& raw, std::size_t first, std::size_t count, const ForecastReading& reading, std::int64_t& clipped) {
  Forecaster forecaster{raw.names[first], {}};
  for (std::size_t c = 0; c < count; ++c) {
    PLIMSOLL_TRY(std::vector<double> column, column_of(raw, first + c, reading, clipped));
    forecaster.columns.push_back(std::move(column));
  }
  if (reading.logits) {
    if (count > 1) softmax(forecaster.columns);
    else
      for (double& x : forecaster.columns[0]) x = sigmoid(x);
  }
  if (count > 1) {
    PLIMSOLL_CHECK(check_sums(context, forecaster, raw.first_row));
    forecaster.name += " ...";
  }
  return forecaster;
}

Result<void> read_weights(Raw& raw, const Table& table, const ForecastReading& reading, ForecastColumns& out) {
  PLIMSOLL_TRY(const auto bound, table.role_columns("weight"));
  if (bound.empty()) return {};
  PLIMSOLL_TRY(raw.weight, table.reals(bound.front(), Missing::as_nan));
  PLIMSOLL_CHECK(mark_gaps(raw, raw.weight.span(), bound.front(), reading, false));
  double total = 0;
  for (std::size_t i = 0; i < raw.keep.size(); ++i) {
    if (!raw.keep[i]) continue;
    if (raw.weight[i] < 0)
      return Error(ErrorCode::bad_value, "a weight is negative", "Give weights of at least 0.").in_column(bound.front()).at_row(raw.first_row + static_cast<std::int64_t>(i));
    total += raw.weight[i];
  }
  if (!(total > 0)) return Error(ErrorCode::bad_value, "the weights sum to zero", "Give rows of positive weight.").in_column(bound.front());
  out.weight.assign(1, 0);  // filled when the rows to keep are known
  raw.weighted = true;
  return {};
}

// The true probabilities, where the data are made.
Result<void> read_truth(const Raw& raw, const Table& table, ForecastColumns& out) {
  PLIMSOLL_TRY(const auto bound, table.role_columns("truth"));
  if (bound.empty()) return {};
  PLIMSOLL_TRY(const Reals truth, table.reals(bound.front()));
  for (std::size_t i = 0; i < raw.keep.size(); ++i) {
    if (!raw.keep[i]) continue;
    if (!(truth[i] >= 0 && truth[i] <= 1))
      return Error(ErrorCode::bad_value, "a true probability lies outside 0 and 1", "Mend the row.").in_column(bound.front()).at_row(raw.first_row + static_cast<std::int64_t>(i));
    out.truth.push_back(truth[i]);
  }
  return {};
}

Result<void> check_ids(const Table& table) {
  PLIMSOLL_TRY(const auto bound, table.role_columns("id"));
  if (bound.empty()) return {};
  PLIMSOLL_TRY(const auto ids, table.texts(bound.front()));
  std::unordered_set<std::string_view> seen;
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (!seen.insert(ids[i]).second)
      return Error(ErrorCode::bad_value, "the id '" + ids[i] + "' comes twice", "Give each row once.").in_column(bound.front()).at_row(table.first_row() + static_cast<std::int64_t>(i));
  return {};
}

template <class T>
std::vector<T> kept(std::span<const T> values, std::span<const char> keep) {
  std::vector<T> out;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (keep[i]) out.push_back(values[i]);
  return out;
}

// Codes by the order of names, so that a table of groups reads alike whatever row came first.
ForecastGroups groups_of(const std::string& column, const Categories& categories, std::span<const char> keep) {
  ForecastGroups groups{column, categories.names, kept<std::int32_t>(categories.codes, keep)};
  std::vector<std::size_t> by_name(groups.names.size());
  std::iota(by_name.begin(), by_name.end(), std::size_t{0});
  std::sort(by_name.begin(), by_name.end(), [&](std::size_t a, std::size_t b) { return categories.names[a] < categories.names[b]; });
  std::vector<std::int32_t> place(by_name.size());
  for (std::size_t k = 0; k < by_name.size(); ++k) {
    groups.names[k] = categories.names[by_name[k]];
    place[by_name[k]] = static_cast<std::int32_t>(k);
  }
  bool gaps = false;
  for (std::int32_t& code : groups.codes) {
    gaps = gaps || code < 0;
    code = code < 0 ? static_cast<std::int32_t>(place.size()) : place[static_cast<std::size_t>(code)];
  }
  if (gaps) groups.names.emplace_back("(missing)");
  return groups;
}

Result<void> read_parts(const Table& table, std::span<const char> keep, ForecastColumns& out) {
  PLIMSOLL_TRY(const auto groups, table.role_columns("group"));
  for (const std::string& column : groups) {
    PLIMSOLL_TRY(const Categories categories, table.categories(column));
    out.groups.push_back(groups_of(column, categories, keep));
  }
  PLIMSOLL_TRY(const auto cluster, table.role_columns("cluster"));
  if (!cluster.empty()) {
    PLIMSOLL_TRY(const Categories categories, table.categories(cluster.front()));
    ForecastGroups named = groups_of(cluster.front(), categories, keep);
    // Only clusters that have a row count as parts.
    std::vector<std::int32_t> place(named.names.size(), -1);
    for (std::int32_t& code : named.codes) {
      std::int32_t& at = place[static_cast<std::size_t>(code)];
      if (at < 0) at = out.clusters++;
      code = at;
    }
    out.cluster = std::move(named.codes);
  }
  return {};
}

Result<void> read_order(const Table& table, std::span<const char> keep, ForecastColumns& out) {
  PLIMSOLL_TRY(const auto bound, table.role_columns("order"));
  if (bound.empty()) return {};
  const auto by = [&](const auto& values) {
    out.order.resize(values.size());
    std::iota(out.order.begin(), out.order.end(), 0u);
    std::stable_sort(out.order.begin(), out.order.end(), [&](std::uint32_t a, std::uint32_t b) { return values[a] < values[b]; });
  };
  const auto column = std::find_if(table.columns().begin(), table.columns().end(), [&](const ColumnInfo& c) { return c.name == bound.front(); });
  if (column != table.columns().end() && (column->type == ColumnType::integer || column->type == ColumnType::real)) {
    PLIMSOLL_TRY(const Reals values, table.reals(bound.front()));
    by(kept<double>(values.span(), keep));
    return {};
  }
  PLIMSOLL_TRY(const auto texts, table.texts(bound.front()));  // times are written so that they sort
  by(kept<std::string>(texts, keep));
  return {};
}

// How many columns a forecaster has, and the forecasts of all of them.
Result<std::size_t> read_columns(Raw& raw, const Table& table, const ForecastReading& reading) {
  PLIMSOLL_TRY(raw.names, table.role_columns("probability"));
  const std::size_t width = raw.names.size();
  PLIMSOLL_TRY(const auto challengers, table.role_columns("challenger"));
  if (challengers.size() % width != 0)
    return Error(ErrorCode::bad_parameter, "a challenger needs " + std::to_string(width) + " columns, as the forecasts have, got " + std::to_string(challengers.size()),
                 "Name every class of every challenger.").in_parameter("challenger");
  raw.names.insert(raw.names.end(), challengers.begin(), challengers.end());
  for (const std::string& name : raw.names) {
    PLIMSOLL_TRY(Reals values, table.reals(name, Missing::as_nan));
    PLIMSOLL_CHECK(mark_gaps(raw, values.span(), name, reading, reading.logits));
    raw.forecasts.push_back(std::move(values));
  }
  return width;
}

}  // namespace

void describe(Fields& f, ForecastReading& reading) {
  f({"logits", "the forecast columns hold log-odds"}, reading.logits);
  f({"percent", "the forecast columns hold per cents"}, reading.percent);
  f({"missing", "rows with a gap in a column that is used"}, reading.missing);
  f({"positive", "label of the event, where outcomes are not 0 and 1"}, reading.positive);
  f({"classes", "labels in the order of the probability columns; default: the columns' names without what they share"}, reading.classes);
}

Result<void> check(const ForecastReading& reading) {
  if (reading.logits && reading.percent) return Error(ErrorCode::bad_parameter, "forecasts are either logits or per cents", "Leave one of the two out.").in_parameter("percent");
  return {};
}

Result<ForecastColumns> read_forecasts(Context& context, const Table& table, const ForecastReading& reading) {
  PLIMSOLL_CHECK(check(reading));
  ForecastColumns out;
  Raw raw;
  raw.first_row = table.first_row();
  raw.keep.assign(static_cast<std::size_t>(table.rows()), 1);
  PLIMSOLL_TRY(const std::size_t width, read_columns(raw, table, reading));
  PLIMSOLL_TRY(const std::string target, table.role_column("target"));
  PLIMSOLL_TRY(std::vector<std::int32_t> labels, read_labels(table, target, std::span(raw.names).first(width), reading, raw.keep, out.classes));
  PLIMSOLL_CHECK(read_weights(raw, table, reading, out));
  PLIMSOLL_CHECK(check_ids(table));
  out.outcome = kept<std::int32_t>(labels, raw.keep);
  out.dropped = table.rows() - std::ssize(out.outcome);
  if (out.dropped > 0) context.tally("{} rows with a gap were left out.", out.dropped);
  if (out.outcome.empty()) return Error(ErrorCode::too_few_rows, "there is no row to score", "Give forecasts with their outcomes.").in_parameter("data");
  if (raw.weighted) out.weight = kept<double>(raw.weight.span(), raw.keep);
  for (std::size_t first = 0; first < raw.names.size(); first += width) {
    PLIMSOLL_TRY(Forecaster forecaster, forecaster_of(context, raw, first, width, reading, out.clipped));
    out.forecasters.push_back(std::move(forecaster));
  }
  if (out.clipped > 0) context.tally("{} forecasts lay outside 0 and 1 by less than 1e-9 and were clipped.", out.clipped);
  PLIMSOLL_CHECK(read_truth(raw, table, out));
  PLIMSOLL_CHECK(read_parts(table, raw.keep, out));
  PLIMSOLL_CHECK(read_order(table, raw.keep, out));
  return out;
}

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
// From tables to forecasts: wide or long form, outcomes beside the members or in a table of their own, and what the rows share.
#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "methods/score/forecast/forecast.h"

namespace plimsoll::score::forecast {
namespace {

Error missing_role(const std::string& what, const std::string& mend) { return Error(ErrorCode::missing_input, what, mend); }

Result<std::vector<Reals>> columns_of(const Table& data, const std::vector<std::string>& names) {
  std::vector<Reals> columns;
  for (const std::string& name : names) {
    PLIMSOLL_TRY(Reals column, data.reals(name, Missing::as_nan));
    columns.push_back(std::move(column));
  }
  return columns;
}

std::vector<const double*> pointers(const std::vector<Reals>& columns) {
  std::vector<const double*> all;
  for (const Reals& column : columns) all.push_back(column.begin());
  return all;
}

Labels labels_of(std::string column, Categories categories) { return {std::move(column), std::move(categories.codes), std::move(categories.names)}; }

// Several columns as one label.
Result<Labels> joined_labels(const Table& data, const std::vector<std::string>& columns) {
  if (columns.empty()) return Labels();
  if (columns.size() == 1) {
    PLIMSOLL_TRY(Categories categories, data.categories(columns.front()));
    return labels_of(columns.front(), std::move(categories));
  }
  PLIMSOLL_TRY(const std::vector<std::string> keys, joined_keys(data, columns));
  Labels labels;
  std::unordered_map<std::string, std::int32_t> seen;
  for (const std::string& key : keys) {
    const auto [at, fresh] = seen.emplace(key, static_cast<std::int32_t>(seen.size()));
    if (fresh) labels.names.push_back(key);
    labels.codes.push_back(at->second);
  }
  return labels;
}

Error null_label(const Table& data, const std::string& column, std::size_t row) {
  return Error(ErrorCode::null_value, "a value is missing", "Fill it, or drop the row").in_column(column).at_row(data.first_row() + static_cast<std::int64_t>(row));
}

Result<void> no_gaps(const Table& data, const Labels& labels) {
  const auto gap = std::find(labels.codes.begin(), labels.codes.end(), -1);
  if (gap != labels.codes.end()) return null_label(data, labels.column, static_cast<std::size_t>(gap - labels.codes.begin()));
  return {};
}

// The distinct times, in order of appearance, must rise: otherwise near rows are not near in time.
Result<void> check_times(const Table& data, const std::string& column, const Labels& times) {
  std::vector<std::size_t> first(times.names.size());
  for (std::size_t i = times.codes.size(); i-- > 0;) first[static_cast<std::size_t>(times.codes[i])] = i;
  const auto error = [&](std::size_t row) {
    return Error(ErrorCode::bad_value, "the times do not rise from row to row", "Sort the table by time").in_column(column).at_row(data.first_row() + static_cast<std::int64_t>(row));
  };
  std::vector<double> order;
  if (auto numbers = data.reals(column, Missing::as_nan); numbers) order.assign(numbers->begin(), numbers->end());
  else if (auto whole = data.integers(column); whole) order.assign(whole->begin(), whole->end());
  for (std::size_t k = 1; k < first.size(); ++k) {
    const bool rises = order.empty() ? times.names[k - 1] < times.names[k] : order[first[k - 1]] < order[first[k]];
    if (!rises) return error(first[k]);
  }
  return {};
}

Result<void> read_units(const Table& data, Forecasts& out) {
  PLIMSOLL_TRY(const std::vector<std::string> cases, data.role_columns("case"));
  PLIMSOLL_TRY(const std::vector<std::string> time, data.role_columns("time"));
  if (!cases.empty()) {
    PLIMSOLL_TRY(Labels labels, joined_labels(data, cases));
    PLIMSOLL_CHECK(no_gaps(data, labels));
    out.case_count = labels.names.size();
    out.cases = std::move(labels.codes);
  }
  if (!time.empty()) {
    PLIMSOLL_TRY(const std::string column, data.role_column("time"));
    PLIMSOLL_TRY(Labels labels, joined_labels(data, time));
    PLIMSOLL_CHECK(no_gaps(data, labels));
    PLIMSOLL_CHECK(check_times(data, column, labels));
    out.units = labels.names.size();
    out.unit = std::move(labels.codes);
    out.unit_name = "time";
    out.in_time = true;
  } else if (!cases.empty()) {
    out.units = out.case_count;
    out.unit = out.cases;
    out.unit_name = "case";
  } else {
    out.units = out.rows;
    out.unit.resize(out.rows);
    for (std::size_t i = 0; i < out.rows; ++i) out.unit[i] = static_cast<std::int32_t>(i);
    out.unit_name = "row";
  }
  return {};
}

Result<void> read_weight(const Table& data, Forecasts& out) {
  PLIMSOLL_TRY(const std::vector<std::string> bound, data.role_columns("weight"));
  if (bound.empty()) return {};
  PLIMSOLL_TRY(const std::string column, data.role_column("weight"));
  PLIMSOLL_TRY(const Reals weight, data.reals(column));
  out.weight.assign(weight.begin(), weight.end());
  bool any = false;
  for (std::size_t i = 0; i < out.weight.size(); ++i) {
    if (out.weight[i] < 0)
      return Error(ErrorCode::bad_value, "a weight is negative", "Give weights of at least 0").in_column(column).at_row(data.first_row() + static_cast<std::int64_t>(i));
    any = any || out.weight[i] > 0;
  }
  if (!any) return Error(ErrorCode::bad_value, "every weight is 0", "Give weights of at least 0, some above").in_column(column);
  return {};
}

Result<void> read_observed(const Inputs& in, const Table& data, Forecasts& out) {
  if (in.observed) {
    PLIMSOLL_TRY(out.observed, observed_by_key(data, *in.observed));
  } else {
    PLIMSOLL_TRY(const std::string column, data.role_column("target"));
    PLIMSOLL_TRY(const Reals observed, data.reals(column, Missing::as_nan));
    out.observed.assign(observed.begin(), observed.end());
  }
  for (std::size_t i = 0; i < out.observed.size(); ++i)
    if (std::isinf(out.observed[i]))
      return Error(ErrorCode::bad_value, "an outcome is infinite", "Drop or mend the row").at_row(data.first_row() + static_cast<std::int64_t>(i));
  return {};
}

Result<void> refuse_double_keys(const Table& data) {
  PLIMSOLL_TRY(const std::vector<std::string> columns, data.role_columns("key"));
  if (columns.empty()) return {};
  PLIMSOLL_TRY(const std::vector<std::string> keys, joined_keys(data, columns));
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto [at, fresh] = seen.emplace(keys[i], i);
    if (!fresh)
      return Error(ErrorCode::bad_value, "two rows have one key: this one and row " + std::to_string(data.first_row() + static_cast<std::int64_t>(at->second)),
                   "Bind all columns that tell forecasts apart as key, or drop one of the rows")
          .in_column(columns.front())
          .at_row(data.first_row() + static_cast<std::int64_t>(i));
  }
  return {};
}

Result<void> read_form(const Table& data, const Params& params, Forecasts& out) {
  PLIMSOLL_TRY(const std::vector<std::string> reference, data.role_columns("reference"));
  PLIMSOLL_TRY(const std::vector<std::string> quantiles, data.role_columns("quantile"));
  PLIMSOLL_TRY(const std::vector<std::string> mean, data.role_columns("mean"));
  PLIMSOLL_TRY(const std::vector<std::string> sd, data.role_columns("sd"));
  const int forms = (out.member_names.empty() ? 0 : 1) + (quantiles.empty() ? 0 : 1) + (mean.empty() && sd.empty() ? 0 : 1);
  if (forms != 1)
    return missing_role(forms == 0 ? "no forecast is bound" : "more than one kind of forecast is bound", "Give --member COLUMNS, or --quantile COLUMNS with --levels, or --mean and --sd");
  PLIMSOLL_TRY(out.member, columns_of(data, out.member_names));
  PLIMSOLL_TRY(out.reference, columns_of(data, reference));
  PLIMSOLL_TRY(out.quantile, columns_of(data, quantiles));
  if (!quantiles.empty()) {
    out.form = Form::quantiles;
    if (quantiles.size() != params.levels.size())
      return Error(ErrorCode::bad_parameter, std::to_string(quantiles.size()) + " quantile columns but " + std::to_string(params.levels.size()) + " levels", "Give one level a column, rising.").in_parameter("levels");
  } else if (out.member_names.empty()) {
    out.form = Form::normal;
    PLIMSOLL_TRY(const std::string mean_column, data.role_column("mean"));
    PLIMSOLL_TRY(const std::string sd_column, data.role_column("sd"));
    PLIMSOLL_TRY(out.mean, data.reals(mean_column, Missing::as_nan));
    PLIMSOLL_TRY(out.sd, data.reals(sd_column, Missing::as_nan));
  }
  const bool needs_two = params.kind != stats::CrpsKind::standard && out.form == Form::members;
  if (needs_two && out.member.size() < 2)
    return Error(ErrorCode::bad_parameter, "a fair or almost fair score needs at least 2 members", "Bind more members, or give --kind standard.").in_parameter("kind");
  if (!out.reference.empty() && out.form != Form::members)
    return missing_role("a reference ensemble is compared with members only", "Bind --member, or leave --reference out");
  return {};
}

}  // namespace

std::vector<const double*> Forecasts::member_columns() const { return pointers(member); }
std::vector<const double*> Forecasts::reference_columns() const { return pointers(reference); }

Result<Forecasts> read_forecasts(Context& context, const Inputs& in, const Params& params) {
  PLIMSOLL_CHECK(context.stop.check());
  Forecasts out;
  Table data = in.data;
  PLIMSOLL_TRY(const std::vector<std::string> number, data.role_columns("number"));
  PLIMSOLL_TRY(out.member_names, data.role_columns("member"));
  if (!number.empty()) {
    PLIMSOLL_TRY(Pivoted pivoted, pivot_members(data));
    data = std::move(pivoted.table);
    out.member_names = std::move(pivoted.members);
    out.from_long = true;
  } else {
    PLIMSOLL_CHECK(refuse_double_keys(data));
  }
  out.rows = static_cast<std::size_t>(data.rows());
  out.first_row = data.first_row();
  if (out.rows == 0) return Error(ErrorCode::too_few_rows, "the table has no rows", "Give at least one forecast with its outcome.");
  PLIMSOLL_CHECK(read_form(data, params, out));
  PLIMSOLL_CHECK(read_observed(in, data, out));
  PLIMSOLL_CHECK(read_units(data, out));
  PLIMSOLL_CHECK(read_weight(data, out));
  PLIMSOLL_TRY(const std::vector<std::string> groups, data.role_columns("group"));
  for (const std::string& column : groups) {
    PLIMSOLL_TRY(Categories categories, data.categories(column));
    out.groups.push_back(labels_of(column, std::move(categories)));
  }
  PLIMSOLL_TRY(const std::vector<std::string> year, data.role_columns("year"));
  PLIMSOLL_TRY(const std::vector<std::string> climate, data.role_columns("climate"));
  PLIMSOLL_TRY(out.year, joined_labels(data, year));
  PLIMSOLL_TRY(out.climate, joined_labels(data, climate));
  PLIMSOLL_CHECK(no_gaps(data, out.year));
  PLIMSOLL_CHECK(no_gaps(data, out.climate));
  if (!out.climate.codes.empty() && out.year.codes.empty()) return missing_role("a climate is formed from other years, and no year is bound", "Give --year COLUMN");
  return out;
}

}  // namespace plimsoll::score::forecast

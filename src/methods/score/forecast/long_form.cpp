// SPDX-License-Identifier: Apache-2.0
// One row a member becomes one row a forecast; outcomes of another table find their forecast by key. Keys are compared as text, so
// that a whole number means the same in CSV and in Parquet.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "methods/score/forecast/forecast.h"

namespace plimsoll::score::forecast {
namespace {

constexpr char between_keys = '\x1f';

// Members in the order of their numbers, or of their names if these are no numbers.
std::vector<std::size_t> member_order(const std::vector<std::string>& names) {
  std::vector<std::pair<double, std::size_t>> order;
  bool numbers = true;
  for (std::size_t i = 0; i < names.size(); ++i) {
    double value = 0;
    const auto read = std::from_chars(names[i].data(), names[i].data() + names[i].size(), value);
    numbers = numbers && read.ec == std::errc() && read.ptr == names[i].data() + names[i].size();
    order.emplace_back(value, i);
  }
  std::sort(order.begin(), order.end(), [&](const auto& a, const auto& b) { return numbers ? a < b : names[a.second] < names[b.second]; });
  std::vector<std::size_t> rank(names.size());
  for (std::size_t r = 0; r < order.size(); ++r) rank[order[r].second] = r;
  return rank;
}

Error at(const Table& data, std::size_t row, ErrorCode code, std::string what, std::string mend) {
  return Error(code, std::move(what), std::move(mend)).at_row(data.first_row() + static_cast<std::int64_t>(row));
}

// A key's outcome must be said alike in each of its rows.
Result<void> same_outcome(const Table& data, const std::vector<std::size_t>& forecast_of, const std::vector<std::int64_t>& first) {
  PLIMSOLL_TRY(const std::vector<std::string> target, data.role_columns("target"));
  if (target.empty() || !data.has(target.front())) return {};
  PLIMSOLL_TRY(const Reals observed, data.reals(target.front(), Missing::as_nan));
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const double mine = observed[i];
    const double firsts = observed[static_cast<std::size_t>(first[forecast_of[i]])];
    if (mine != firsts && !(std::isnan(mine) && std::isnan(firsts)))
      return at(data, i, ErrorCode::bad_value, "rows of one forecast have different outcomes", "Mend the outcome, or bind all columns that tell forecasts apart as key").in_column(target.front());
  }
  return {};
}

struct Gathered {
  std::vector<std::size_t> forecast_of;
  std::vector<std::int64_t> first;  // first row of each forecast
};

Gathered gather(const std::vector<std::string>& keys) {
  Gathered gathered;
  std::unordered_map<std::string_view, std::size_t> seen;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto [found, fresh] = seen.emplace(keys[i], seen.size());
    if (fresh) gathered.first.push_back(static_cast<std::int64_t>(i));
    gathered.forecast_of.push_back(found->second);
  }
  return gathered;
}

}  // namespace

Result<std::vector<std::string>> joined_keys(const Table& table, const std::vector<std::string>& columns) {
  std::vector<std::string> keys(static_cast<std::size_t>(table.rows()));
  for (const std::string& column : columns) {
    PLIMSOLL_TRY(const Categories categories, table.categories(column));
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (categories.codes[i] < 0) return at(table, i, ErrorCode::null_value, "a key is missing", "Fill it, or drop the row").in_column(column);
      if (&column != &columns.front()) keys[i] += between_keys;
      keys[i] += categories.names[static_cast<std::size_t>(categories.codes[i])];
    }
  }
  return keys;
}

Result<Pivoted> pivot_members(const Table& data) {
  PLIMSOLL_TRY(const std::string number_column, data.role_column("number"));
  PLIMSOLL_TRY(const std::string value_column, data.role_column("member"));
  PLIMSOLL_TRY(const std::vector<std::string> key_columns, data.role_columns("key"));
  if (key_columns.empty()) return Error(ErrorCode::missing_input, "the long form needs the columns that name a forecast", "Give --key COLUMN[,COLUMN]");
  PLIMSOLL_TRY(const std::vector<std::string> keys, joined_keys(data, key_columns));
  PLIMSOLL_TRY(const Categories numbers, data.categories(number_column));
  PLIMSOLL_TRY(const Reals values, data.reals(value_column, Missing::as_nan));
  const Gathered gathered = gather(keys);
  PLIMSOLL_CHECK(same_outcome(data, gathered.forecast_of, gathered.first));
  const std::size_t forecasts = gathered.first.size();
  const std::vector<std::size_t> rank = member_order(numbers.names);
  if (numbers.names.size() * forecasts > 4 * keys.size() + 1'000'000)
    return Error(ErrorCode::bad_value, "almost every row has a member number of its own", "Bind the column that counts 0, 1, 2 ... within a forecast as number").in_column(number_column);
  std::vector<std::vector<double>> columns(numbers.names.size(), std::vector<double>(forecasts, std::numeric_limits<double>::quiet_NaN()));
  std::vector<bool> taken(numbers.names.size() * forecasts);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (numbers.codes[i] < 0) return at(data, i, ErrorCode::null_value, "a member's number is missing", "Fill it, or drop the row").in_column(number_column);
    const std::size_t member = rank[static_cast<std::size_t>(numbers.codes[i])];
    const std::size_t cell = member * forecasts + gathered.forecast_of[i];
    if (taken[cell])
      return at(data, i, ErrorCode::bad_value, "a member stands twice in one forecast", "Drop one of the rows, or bind all columns that tell forecasts apart as key").in_column(number_column);
    taken[cell] = true;
    columns[member][gathered.forecast_of[i]] = values[i];
  }
  TableBuilder builder;
  Pivoted pivoted;
  std::vector<std::string> names(numbers.names.size());
  for (std::size_t i = 0; i < rank.size(); ++i) names[rank[i]] = value_column + "[" + numbers.names[i] + "]";
  for (std::size_t j = 0; j < names.size(); ++j) builder.real(names[j], std::move(columns[j]));
  PLIMSOLL_TRY(const Table members, std::move(builder).build());
  PLIMSOLL_TRY(const Table joined, data.take(gathered.first).without(names).beside(members));
  Roles roles = data.roles();
  roles.erase("number");
  roles["member"] = names;
  pivoted.table = joined.with_roles(std::move(roles));
  pivoted.members = std::move(names);
  return pivoted;
}

Result<std::vector<double>> observed_by_key(const Table& data, const Table& observed) {
  PLIMSOLL_TRY(const std::vector<std::string> ours, data.role_columns("key"));
  PLIMSOLL_TRY(const std::vector<std::string> theirs, observed.role_columns("key"));
  if (ours.empty() || theirs.size() != ours.size())
    return Error(ErrorCode::missing_input, "a table of outcomes is joined by key, and the key is not bound in both tables alike", "Give --key COLUMN[,COLUMN] with columns of both tables");
  PLIMSOLL_TRY(const std::string target, observed.role_column("target"));
  PLIMSOLL_TRY(const Reals values, observed.reals(target, Missing::as_nan));
  PLIMSOLL_TRY(const std::vector<std::string> known, joined_keys(observed, theirs));
  std::unordered_map<std::string_view, std::size_t> row_of;
  for (std::size_t i = 0; i < known.size(); ++i)
    if (!row_of.emplace(known[i], i).second) return at(observed, i, ErrorCode::bad_value, "an outcome stands twice in the table of outcomes", "Drop one of the rows").in_column(theirs.front());
  PLIMSOLL_TRY(const std::vector<std::string> keys, joined_keys(data, ours));
  std::vector<double> found(keys.size(), std::numeric_limits<double>::quiet_NaN());
  bool any = false;
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (const auto row = row_of.find(keys[i]); row != row_of.end()) {
      found[i] = values[row->second];
      any = true;
    }
  if (!any && !keys.empty())
    return Error(ErrorCode::bad_value, "no forecast has an outcome: no key stands in both tables ('" + keys.front() + "' is the first of the forecasts)", "Write the keys of both tables alike").in_column(ours.front());
  return found;
}

}  // namespace plimsoll::score::forecast

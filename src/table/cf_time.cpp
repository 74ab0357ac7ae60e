// SPDX-License-Identifier: Apache-2.0
#include "table/cf_time.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>

namespace plimsoll {
namespace {

constexpr double second = 1e6;

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == 'T')) text.remove_prefix(1);
}

// A whole number of at most four digits, with the separator after it if there is one.
std::optional<int> take_number(std::string_view& text, char separator) {
  int value = 0;
  const auto read = std::from_chars(text.data(), text.data() + std::min<std::size_t>(text.size(), 4), value);
  if (read.ec != std::errc() || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  if (!text.empty() && text.front() == separator) text.remove_prefix(1);
  return value;
}

std::optional<std::int64_t> days_of(int year, int month, int day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)), std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

std::optional<double> unit_of(std::string_view name) {
  if (name == "s" || name == "sec" || name == "secs" || name == "second" || name == "seconds") return second;
  if (name == "min" || name == "mins" || name == "minute" || name == "minutes") return 60 * second;
  if (name == "h" || name == "hr" || name == "hrs" || name == "hour" || name == "hours") return 3600 * second;
  if (name == "d" || name == "day" || name == "days") return 86400 * second;
  return std::nullopt;
}

}  // namespace

std::optional<CfUnits> cf_units(std::string_view units, std::string_view calendar) {
  if (!calendar.empty() && calendar != "standard" && calendar != "gregorian" && calendar != "proleptic_gregorian") return std::nullopt;
  const std::size_t since = units.find(" since ");
  if (since == std::string_view::npos) return std::nullopt;
  const auto unit = unit_of(units.substr(0, since));
  std::string_view rest = units.substr(since + 7);
  skip_blanks(rest);
  const auto year = take_number(rest, '-');
  const auto month = take_number(rest, '-');
  const auto day = take_number(rest, ' ');
  if (!unit || !year || !month || !day) return std::nullopt;
  const auto days = days_of(*year, *month, *day);
  // Before the calendar's reform "standard" means another day than a timestamp does.
  if (!days || (*year < 1583 && calendar != "proleptic_gregorian")) return std::nullopt;
  skip_blanks(rest);
  double time = 0;
  for (const double factor : {3600.0, 60.0, 1.0}) {
    if (rest.empty() || rest.front() < '0' || rest.front() > '9') break;
    const auto part = take_number(rest, ':');
    if (!part || *part > (factor == 3600 ? 23 : 59)) return std::nullopt;
    time += factor * *part;
  }
  while (!rest.empty() && (rest.front() == '.' || rest.front() == '0')) rest.remove_prefix(1);
  skip_blanks(rest);
  if (!rest.empty() && rest != "Z" && rest != "UTC" && rest != "GMT" && rest != "+00:00" && rest != "+0:00" && rest != ":00" && rest != "+00") return std::nullopt;
  return CfUnits{*unit, *days * 86'400'000'000 + static_cast<std::int64_t>(time) * 1'000'000};
}

std::optional<std::vector<std::int64_t>> cf_times(const CfUnits& units, std::span<const double> values) {
  std::vector<std::int64_t> times;
  times.reserve(values.size());
  for (const double value : values) {
    const double since = std::nearbyint(value * units.microseconds) + static_cast<double>(units.origin);
    if (!(std::fabs(since) < 9e18)) return std::nullopt;
    times.push_back(static_cast<std::int64_t>(std::nearbyint(value * units.microseconds)) + units.origin);
  }
  return times;
}

std::optional<std::int64_t> grib_time(long date, long time) {
  const auto days = date < 0 || date > 99991231 ? std::nullopt : days_of(static_cast<int>(date / 10000), static_cast<int>(date / 100 % 100), static_cast<int>(date % 100));
  if (!days || time < 0 || time / 100 > 23 || time % 100 > 59) return std::nullopt;
  return *days * 86'400'000'000 + (time / 100 * 3600 + time % 100 * 60) * std::int64_t{1'000'000};
}

}  // namespace plimsoll

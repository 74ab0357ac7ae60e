// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace plimsoll {

// "hours since 1900-01-01 00:00:00" of the CF conventions in the standard calendar.
struct CfUnits {
  double microseconds = 0;  // of one unit
  std::int64_t origin = 0;  // microseconds since 1970-01-01
};
// Seconds, minutes, hours and days in UTC since a date with or without a time of day; nullopt for anything else (months and years
// have no length, other calendars and zones no place in a timestamp).
std::optional<CfUnits> cf_units(std::string_view units, std::string_view calendar);
// Microseconds since 1970-01-01; nullopt if one is not finite or out of range.
std::optional<std::vector<std::int64_t>> cf_times(const CfUnits& units, std::span<const double> values);
// 20240131 and 1200, as GRIB writes them.
std::optional<std::int64_t> grib_time(long date, long time);

}  // namespace plimsoll

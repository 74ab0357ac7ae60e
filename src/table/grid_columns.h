// SPDX-License-Identifier: Apache-2.0
#pragma once

// Private to the table room: columns of a grid while they are read, and how much of one a reader takes before it refuses. No Arrow
// here: they are gathered in a process that must not touch its pools (apart.h).

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "table/file_format.h"

namespace plimsoll {

struct Source;

struct GridColumn {
  enum class Kind : std::uint8_t { real, time, text };
  std::string name;
  Kind kind = Kind::real;
  std::vector<double> reals;
  std::vector<std::int64_t> times;  // microseconds since 1970-01-01
  std::vector<std::string> texts;
};

struct GridColumns {
  std::vector<GridColumn> columns;
  void real(std::string name, std::vector<double> values) { columns.push_back({std::move(name), GridColumn::Kind::real, std::move(values), {}, {}}); }
  void timestamp(std::string name, std::vector<std::int64_t> values) { columns.push_back({std::move(name), GridColumn::Kind::time, {}, std::move(values), {}}); }
  void text(std::string name, std::vector<std::string> values) { columns.push_back({std::move(name), GridColumn::Kind::text, {}, {}, std::move(values)}); }
};

// The name of a member's column.
std::string member_column(const std::string& variable, const std::string& member);

// Bytes of a file or of the memory that stands for one.
std::uint64_t source_bytes(const Source& source);
// What a table may take: the memory allowed, or a gigabyte and 256 bytes for each of the file. A few bytes may claim any shape.
std::uint64_t grid_limit(const Source& source, const ReadOptions& options);
Result<void> check_grid(const Source& source, const ReadOptions& options, std::uint64_t rows, std::uint64_t columns);

Result<std::unique_ptr<TableStream>> open_netcdf(Source source, ReadOptions options);
Result<std::unique_ptr<TableStream>> open_grib(Source source, ReadOptions options);

}  // namespace plimsoll

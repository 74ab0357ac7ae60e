// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "table/table.h"

namespace plimsoll {

enum class FileFormat : std::uint8_t { csv, parquet, jsonl, arrow, netcdf, grib };  // the last two are read, not written

// How a file is read. Defaults: the format by suffix (.csv .tsv .parquet .jsonl .ndjson .arrow .feather .ipc .nc
// .nc4 .cdf .grib .grib2 .grb .grb2), a header line,
// nulls "", "NA", "NaN", "null". Options of the command line, e.g. --read.header=false --read.names a,b,c.
struct ReadOptions {
  std::optional<FileFormat> format;
  char delimiter = ',';
  bool header = true;
  std::vector<std::string> names;         // for files without a header, or to rename
  bool trim = false;                      // blanks around CSV fields
  std::vector<std::string> null_values;   // besides the defaults
  std::vector<std::string> text_columns;  // never inferred as numbers
  std::vector<std::string> strip_suffix;  // "column=SUFFIX": e.g. "income=." removes a stop after the label
  std::vector<std::string> columns;       // read only these; empty means all
  std::int64_t batch_rows = 65536;
  std::int64_t memory_bytes = 0;          // 0: no limit; otherwise readers buffer as little as they can
  int threads = 1;
};

// A file, a folder of files of one format (sorted by name), or "-" for standard input (CSV or Arrow stream; read once).
// CSV errors carry the line; a truncated or hostile Parquet or Arrow file is `corrupt_file`.
Result<std::unique_ptr<TableStream>> open_table(const std::filesystem::path& path, const ReadOptions& options = {});
Result<Table> read_table(const std::filesystem::path& path, const ReadOptions& options = {});

// The same from memory: for services and fuzzers.
Result<Table> read_table_bytes(std::string_view bytes, FileFormat format, const ReadOptions& options = {});
Result<std::unique_ptr<TableStream>> open_table_bytes(std::string bytes, FileFormat format, const ReadOptions& options = {});

struct WriteOptions {
  std::optional<FileFormat> format;
  char delimiter = ',';              // of CSV; a tab when the suffix is .tsv
  std::string list_separator = "|";  // lists of text in CSV
};
// Format by suffix; "-" writes CSV to standard output. Atomic: nothing is seen before finish().
Result<std::unique_ptr<TableSink>> create_table(const std::filesystem::path& path, const WriteOptions& options = {});
Result<void> write_table(const Table& table, const std::filesystem::path& path, const WriteOptions& options = {});

}  // namespace plimsoll

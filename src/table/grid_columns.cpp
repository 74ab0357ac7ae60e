// SPDX-License-Identifier: Apache-2.0
#include "table/grid_columns.h"

#include <arrow/buffer.h>

#include "table/readers.h"

namespace plimsoll {
namespace {

constexpr std::uint64_t free_bytes = std::uint64_t{1} << 30;  // taken whatever the file's size
constexpr std::uint64_t bytes_a_byte = 256;                   // beyond that, of each byte of the file: what compression may honestly save
constexpr std::uint64_t most_columns = 100'000;

}  // namespace

std::string member_column(const std::string& variable, const std::string& member) { return variable + "[" + member + "]"; }

std::uint64_t source_bytes(const Source& source) {
  if (source.memory != nullptr) return static_cast<std::uint64_t>(source.memory->size());
  std::error_code code;
  const auto size = std::filesystem::file_size(source.path, code);
  return code ? 0 : size;
}

std::uint64_t grid_limit(const Source& source, const ReadOptions& options) {
  return options.memory_bytes > 0 ? static_cast<std::uint64_t>(options.memory_bytes) : free_bytes + bytes_a_byte * source_bytes(source);
}

Result<void> check_grid(const Source& source, const ReadOptions& options, std::uint64_t rows, std::uint64_t columns) {
  if (columns > most_columns || rows > grid_limit(source, options) / (8 * (columns + 1)))
    return Error(ErrorCode::too_large, "the grid has " + std::to_string(rows) + " rows of " + std::to_string(columns) + " columns, more than may be held in memory",
                 "Cut it into smaller files, or raise --memory.")
        .in_file(source.name);
  return {};
}

}  // namespace plimsoll

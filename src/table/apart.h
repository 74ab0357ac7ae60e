// SPDX-License-Identifier: Apache-2.0
#pragma once

// Private to the table room: libraries that a damaged file can crash or hold forever read in a process of their own, with limits of
// time and memory, and hand over plain columns. (netCDF-C 4.9 with HDF5 1.10 does both on files with three altered bytes.)

#include "table/grid_columns.h"
#include "table/readers.h"

namespace plimsoll {

// Called in the child, where no other thread runs: it may use the library and the heap, and nothing of Arrow.
using GridRead = Result<GridColumns> (*)(const Source&, const ReadOptions&);

// `library` names it in errors; `seconds` of CPU may pass before the first byte of a column and again for each 16 MB of them.
struct Apart {
  GridRead read = nullptr;
  const char* library = "";
  unsigned seconds = 5;
};
// A crash or a file that takes too long is `corrupt_file`.
Result<GridColumns> read_apart(const Apart& apart, const Source& source, const ReadOptions& options);

// The whole as a stream.
Result<std::unique_ptr<TableStream>> open_apart(const Apart& apart, Source source, ReadOptions options);

}  // namespace plimsoll

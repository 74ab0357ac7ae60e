// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace plimsoll::learn {

// Row i holds values[k] in column columns[k] for k in [offsets[i], offsets[i + 1]); everything else is 0. Columns rise within a row.
struct SparseRows {
  std::int64_t width = 0;
  std::vector<std::int64_t> offsets = {0};
  std::vector<std::int32_t> columns;
  std::vector<double> values;
  std::size_t rows() const { return offsets.size() - 1; }
};

}  // namespace plimsoll::learn

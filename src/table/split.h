// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/philox.h"
#include "base/result.h"

namespace plimsoll {

// Cuts rows 0..n-1 at random into parts of the given shares (they sum to 1 within 1e-9). Each part is sorted.
// A row's part depends on (seed, row number) only through one shuffle: same bytes everywhere.
Result<std::vector<std::vector<std::int64_t>>> split_rows(std::int64_t n, std::span<const double> shares, Stream stream);

// The same within each stratum (code >= 0), so that every part has its share of every class, up to one row.
Result<std::vector<std::vector<std::int64_t>>> split_stratified(std::span<const std::int32_t> strata, std::span<const double> shares, Stream stream);

// Groups stay whole; parts are as near to their shares of rows as a greedy order allows.
Result<std::vector<std::vector<std::int64_t>>> split_grouped(std::span<const std::int32_t> groups, std::span<const double> shares, Stream stream);

}  // namespace plimsoll

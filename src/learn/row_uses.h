// SPDX-License-Identifier: Apache-2.0
#pragma once

// Which rows a fit learned from and which it certified with, as sketches that a model keeps: rows used before are refused or
// warned of, here for every learner alike.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "learn/promise.h"
#include "table/table.h"

namespace plimsoll::learn {

struct RowUses {
  std::string learning, calibration;  // bytes of row fingerprints
  std::string overlap_remark;         // for the certificate: a reason the caller gave, or ids on both sides
};

// Rows of `data` learned from, and rows of `calibration` (or of `data`, where that is none) that certify, both ascending.
// `overlap` when two tables share rows and the caller gave no reason.
Result<RowUses> sketch_uses(Context& context, const Table& data, std::span<const std::int64_t> learning, const std::optional<Table>& calibration,
                            std::span<const std::int64_t> certifying);

// Rows that the model learned from or was calibrated on flatter it: an alarm for each use that `table` repeats.
Result<std::vector<Remark>> seen_before(Context& context, const std::string& learning, const std::string& calibration, const Table& table);

}  // namespace plimsoll::learn

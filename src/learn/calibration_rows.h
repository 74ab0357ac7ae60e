// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/context.h"
#include "base/result.h"
#include "table/table.h"

namespace plimsoll::learn {

// What a model keeps of the rows it certifies with.
struct CalibrationRows {
  std::string fingerprint;
  std::string overlap_remark;  // what the fingerprints said of the rows that the predictor has learned from
};
// `overlap` if the rows were learned from; nothing is compared where the learning rows are not given.
Result<CalibrationRows> note_calibration(Context& context, const Table& rows, const std::optional<Table>& learned);

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/context.h"
#include "base/result.h"
#include "table/table.h"

namespace plimsoll::learn {

// Refuses calibration rows that a predictor has learned from, by their fingerprints; what is to be said of the check on a
// certificate, empty if the learning rows are not given.
Result<std::string> overlap_remark(Context& context, const Table& calibration, const std::optional<Table>& learned);

}  // namespace plimsoll::learn

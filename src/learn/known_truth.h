// SPDX-License-Identifier: Apache-2.0
#pragma once

// Rows whose truth is known, for examples and for the experiments behind promises on tables, and the count of answers that hold it.

#include <cstdint>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/philox.h"
#include "base/result.h"
#include "table/table.h"

namespace plimsoll::learn {

// p drawn from a Dirichlet law, y from p itself: the best sets and their coverage are known. Columns id (PREFIX and the row's number),
// p_low, p_medium, p_high, y; with their roles.
Result<Table> dirichlet_rows(Stream& stream, std::int64_t rows, const std::string& prefix);

// Per row whether the answer holds the truth of the role `target`: sets `set`, or intervals `lower`, `upper`.
Result<std::vector<char>> holds_truth(const Table& rows, const Table& answer);

// The same surroundings with another root of draws, without progress and warnings: what each redraw of an experiment runs in.
Context redraw_context(const Context& outer, const Stream& stream);

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Columns of a table of past cases, by the roles that every learner of this engine reads alike.

#include <string>
#include <vector>

#include "base/result.h"
#include "table/bound_column.h"
#include "table/table.h"

namespace plimsoll::learn {

// Row weights by the `weight` role, or none: `bad_value` when negative or when their sum is zero.
Result<std::vector<double>> read_weights(const Table& table);

// Columns that serve as features: those of the `feature` role, else every column without a role.
Result<std::vector<std::string>> feature_columns(const Table& table);

// A second table of the same cases (calibration, test) with the roles of the first, where it has none of its own.
Table with_roles_of(const Table& table, const Table& data);

// Input columns that stand beside the results: those of the id role, none, all. A role that is bound to a column that is not there is an error.
Result<Table> kept_columns(const Table& data, Keep keep);

}  // namespace plimsoll::learn

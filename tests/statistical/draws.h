// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the harness of promises draws, and how it counts. A column that plays a role is named like it (prediction, target), or
// ROLE.SOMETHING where a role has several (probability.a, probability.b).

#include <string>

#include "base/json.h"
#include "base/philox.h"
#include "engine/door.h"
#include "table/table.h"

namespace plimsoll::promises {

struct Drawn {
  Table table;
};
Result<Drawn> draw(const std::string& generator, const Stream& stream, std::int64_t rows);

// The loss of one redraw, as the cell's `counts` says.
Result<double> judge(const Json& cell, const Drawn& fresh, const Reply& reply);

}  // namespace plimsoll::promises

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The largest sum of m values under a budget of weights: a knapsack in which each of the m picks chooses a place r of a list, costs
// weights[r] and brings values[r], places may repeat, and the whole may cost at most `budget`.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"

namespace plimsoll::stats {

// Rising values and weights >= 0 of equal length; picks >= 1. -infinity when no picks fit. O(picks budget places); asks `stop` now
// and then.
Result<double> largest_sum(std::span<const double> values, std::span<const std::int64_t> weights, std::int64_t picks, std::int64_t budget, const std::function<Result<void>()>& stop);
// The same for sum_i shares[i] values[r_i] over r_1 <= ... <= r_picks with shares >= 0. O(picks budget places), memory places x budget.
Result<double> largest_ordered_sum(std::span<const double> values, std::span<const std::int64_t> weights, std::span<const double> shares, std::int64_t budget, const std::function<Result<void>()>& stop);
// Never below largest_sum: picks times the least concave majorant of the points (weights[r], values[r]) at budget / picks. Weights
// rise strictly.
double largest_sum_envelope(std::span<const double> values, std::span<const std::int64_t> weights, std::int64_t picks, std::int64_t budget);

}  // namespace plimsoll::stats

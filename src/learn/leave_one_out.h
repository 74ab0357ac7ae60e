// SPDX-License-Identifier: Apache-2.0
#pragma once

// Predictions of every row by the learner that has seen all other rows, without a fit a row.

#include <cstdint>
#include <span>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "learn/logistic.h"

namespace plimsoll::learn {

// Ridge regression, sum_k w_k (y_k - b - x_k c)^2 + l2 |c|^2 with a free intercept, is linear in y, so the fit without row i predicts
// it as (f_i - h_i y_i) / (1 - h_i), f the fit on all rows and h_i = w_i (1 / sum w + (x_i - mean)' G (x_i - mean)) its leverage.
// Weights empty or one per row, finite and not negative with a positive sum. A row that alone decides its own fit (h_i = 1) is
// predicted by the mean of the others. `bad_value` where columns depend on one another and l2 is too small to part them.
// One pass over the rows in memory: meant for designs that fit there.
Result<std::vector<double>> ridge_leave_one_out(Context& context, const Design& design, std::span<const double> targets,
                                                std::span<const double> weights, double l2);

}  // namespace plimsoll::learn

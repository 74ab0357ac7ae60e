// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>

#include "learn/logistic.h"
#include "stats/pav.h"

namespace plimsoll::learn {

// Logistic regression of outcomes on one score, for so many distinct scores that passes over them would cost: one pass gathers
// power sums in narrow cells of the score, and Newton's steps run on the cells. Targets are low for an outcome 0 and high for a 1. The
// result is that of fit_small_logistic to rounding (relative 1e-12); nothing where the slope is so steep that the cells are too wide.
std::optional<SmallLogistic> fit_by_moments(std::span<const stats::Pool> pools, double low, double high, const SmallLogisticOptions& options);

}  // namespace plimsoll::learn

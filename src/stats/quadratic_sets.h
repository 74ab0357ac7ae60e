// SPDX-License-Identifier: Apache-2.0
#pragma once

// Label-sets by rising distance e' S^-1 e, e_j = |y_j - o_j|, for a covariance S of such errors (MuLaConf's measure). The distance is no
// sum over labels, so sets are searched for best first, by bounds on what a part of the labels must cost.

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "stats/flip_sets.h"

namespace plimsoll::stats {

struct QuadraticShape {
  std::vector<std::int64_t> order;  // labels as the factor takes them: those with small errors first
  std::vector<double> factor;       // S = C C' in that order, C lower triangular, row-major
  double largest = 0;               // no eigenvalue of S is above this
  std::size_t width() const { return order.size(); }
};
// S by O. Ledoit, M. Wolf (2004): the sample covariance drawn towards a multiple of the identity. errors: rows x width, row-major.
Result<QuadraticShape> shape_of(std::span<const double> errors, std::size_t width);
// Sizes and finiteness, for shapes read from artifacts.
bool sound(const QuadraticShape& shape);

// e' S^-1 e in units of 1 / scale, rounded.
std::int64_t quadratic_score(const QuadraticShape& shape, std::span<const double> errors, double scale);
// As flips_within, where item j costs by kept[j] or flipped[j] as its error, and a set's cost is its whole score.
Result<FlipSets> quadratic_flips(const QuadraticShape& shape, std::span<const double> kept, std::span<const double> flipped, double scale, std::int64_t budget, const FlipSearch& search, const ExtraCost& extra = {});

}  // namespace plimsoll::stats

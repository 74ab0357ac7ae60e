// SPDX-License-Identifier: Apache-2.0
#pragma once

// Least squares with a penalty on the slopes: minimises sum_i (y_i - b - x_i' w)^2 + l2 |w|^2 by the normal equations. Where they
// have no single answer (l2 = 0 and dependent columns) the shortest w is taken. Class B: plain arithmetic inside blocks of 4,096
// rows, block totals added in block order.

#include <cstdint>
#include <span>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "learn/logistic.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::learn {

struct RidgeModel {
  std::int64_t width = 0;
  std::vector<double> coefficients;
  double intercept = 0;
};
void describe(Fields& f, RidgeModel& model);
// Sizes and finiteness; for models read from artifacts.
Result<void> check(const RidgeModel& model);

// targets: one finite number a row of the design; weights: none, or one a row, at least 0. `too_few_rows` without rows.
Result<RidgeModel> fit_ridge(Context& context, const Design& design, std::span<const double> targets, double l2,
                             std::span<const double> weights = {});
Result<std::vector<double>> ridge_predictions(Context& context, const RidgeModel& model, const Design& design);

// Least squares on n rows and one more, for full (transductive) conformal prediction: everything that depends on the new row's own
// target is linear in it. Columns are penalised by l2 times their variance over the n + 1 rows, so the n + 1 rows play the same part.
class AugmentedRidge {
 public:
  // x: n rows of `width` numbers, row by row; viewed.
  AugmentedRidge(std::span<const double> x, std::size_t width, double l2);

  std::size_t rows() const { return rows_; }
  // For the new row `x`: columns of targets (n values each, the new row's own is 0) become their fitted values at the n + 1 rows,
  // the new row's last; `self` is what one unit of the new row's target adds to each fitted value.
  void fit(std::span<const double> x, std::span<const std::span<const double>> targets, std::vector<std::vector<double>>& fitted, std::vector<double>& self) const;

 private:
  std::span<const double> x_;
  std::size_t rows_ = 0;
  std::size_t width_ = 0;
  double l2_ = 0;
  std::vector<double> centre_;   // means of the n rows: a shift that the intercept takes up
  std::vector<double> squares_;  // sums of products of the centred columns, (width + 1)^2, the last for the intercept
};

}  // namespace plimsoll::learn

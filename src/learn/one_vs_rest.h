// SPDX-License-Identifier: Apache-2.0
#pragma once

// Binary relevance: a logistic regression a label, each fitted by itself on the same sparse rows (words of a text, 0/1 features). L2
// penalty, none on the intercept: sum_i loss_i + l2/2 |w|^2, so scikit-learn's C is 1 / l2. Newton's method with conjugate gradients
// (C.-J. Lin, R. Weng, S. Keerthi, 2008) needs the matrix only in products, where learn/logistic.h forms a Hessian of width^2.
// A label is fitted by one task in the order of the rows, so the result does not depend on threads.

#include <cstdint>
#include <span>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "learn/feature_encoder.h"
#include "learn/sparse_rows.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::learn {

// The linear encoding of bound features, zeros left out.
SparseRows sparse_rows(const BoundFeatures& features);

struct OneVsRest {
  std::int64_t width = 0;
  std::vector<double> coefficients;   // labels x width, row-major
  std::vector<double> intercepts;     // one a label
  std::vector<std::int64_t> constant; // labels of one value in learning: (ones + 1) / (rows + 2) whatever the row
  std::vector<std::int64_t> unfinished;  // labels whose fit stopped before the tolerance
};
void describe(Fields& f, OneVsRest& model);
// Sizes and finiteness; for models read from artifacts.
Result<void> check(const OneVsRest& model);

struct OneVsRestOptions {
  double l2 = 1;
  double tolerance = 1e-6;  // on the gradient's norm divided by that at zero
  std::int64_t max_iterations = 60;
};
// labels: rows x count, row-major, 0 or 1; `chosen` rows of both.
Result<OneVsRest> fit_one_vs_rest(Context& context, const SparseRows& rows, std::span<const std::uint8_t> labels, std::int64_t count, std::span<const std::int64_t> chosen, const OneVsRestOptions& options);
// rows x labels, row-major.
std::vector<double> probabilities(const OneVsRest& model, const SparseRows& rows);

}  // namespace plimsoll::learn

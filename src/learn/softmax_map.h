// SPDX-License-Identifier: Apache-2.0
#pragma once

// Maps of the class scores s of a row to class probabilities softmax(W s + c), learned by weighted maximum likelihood:
//   temperature       W = b I, c = 0                      (Guo et al. 2017; T = 1 / b)
//   bias_temperature  W = b I                             (Alexandari, Kundaje and Shrikumar 2020)
//   vector            W diagonal                          (Guo et al. 2017)
//   dirichlet         W full, penalty off_diagonal x mean of off-diagonal W^2 + offset x mean of c^2 on the mean loss (Kull et al. 2019)
// Scores are ln p (or logits). Damped Newton with conjugate gradients on Hessian products: a pass over the rows a step, no
// matrix of second derivatives. Class B: blocks of 4,096 rows, block totals added in block order.

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::learn {

enum class SoftmaxForm : std::uint8_t { temperature, bias_temperature, vector, dirichlet };
std::span<const std::string_view> choices_of(SoftmaxForm);

struct SoftmaxOptions {
  double off_diagonal = 1e-3;  // dirichlet
  double offset = 1e-3;        // dirichlet
  std::int64_t max_iterations = 200;
  double tolerance = 1e-8;     // on the largest entry of the gradient of the mean loss
};

struct SoftmaxMap {
  SoftmaxForm form = SoftmaxForm::temperature;
  std::int64_t classes = 0;
  std::vector<double> weights;  // K x K row-major (dirichlet), K (vector), 1 (the others)
  std::vector<double> offsets;  // K, summing to zero; empty for temperature
  double slope_error = 0;       // of b, temperature only
  double loss = 0;              // mean log loss on the rows learned from, without penalty
  bool converged = false;
  std::int64_t iterations = 0;

  // Scores of a row in, probabilities out; both K long, may be the same memory only if they are the same span.
  void apply(std::span<const double> scores, std::span<double> out) const;
};
void describe(Fields& f, SoftmaxMap& map);
Result<void> check(const SoftmaxMap& map);

// `scores`: rows x K, row-major; labels in [0, K); weights empty or one a row. `too_few_rows`, `one_class` if a class has no
// row (its offset would run away; with the dirichlet penalty too).
Result<SoftmaxMap> fit_softmax(Context& context, SoftmaxForm form, std::span<const double> scores, std::int64_t classes,
                               std::span<const std::int32_t> labels, std::span<const double> weights, const SoftmaxOptions& options);

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Scores of a whole field: an ensemble of vectors (points, variables) against one observed vector. `member[j][i]` is component i
// of member j; a component's weight enters the norm and the pairs. All values finite.

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/stop.h"

namespace plimsoll::stats {

struct Field {
  std::vector<std::vector<double>> member;
  std::vector<double> observed;
  std::vector<double> weight;  // empty: all 1
};

// Energy score: with the norm |d|^2 = sum_i w_i d_i^2, S = mean |x_j - y| and H = sum_{j<k} |x_j - x_k| / (M (M - 1)) make the same
// three kinds as the CRPS (crps.h), which it is for one component.
struct EnergyParts {
  double absolute_error = 0;
  double half_difference = 0;  // NaN for one member
};
Result<EnergyParts> energy_parts(const Field& field, const StopToken& stop);

// Variogram score (Scheuerer and Hamill 2015): sum_{i<l} w_i w_l (|y_i - y_l|^p - mean_j |x_ji - x_jl|^p)^2.
Result<double> variogram_score(const Field& field, double order, const StopToken& stop);

// Gaussian kernel score of the field: 1/2 + 1/2 E k(X, X') - E k(X, y) with k(a, b) = exp(-|a - b|^2 / (2 bandwidth^2)); pairs of the
// same member left out (fair) or kept (standard).
struct KernelParts {
  double to_observed = 0;  // mean k(x_j, y)
  double among = 0;        // mean k(x_j, x_k) over j != k; NaN for one member
};
Result<KernelParts> kernel_parts(const Field& field, double bandwidth, const StopToken& stop);

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace plimsoll::stats {

// P-values lie in [0, 1], none NaN. Each procedure returns the rejected positions, rising.

// Benjamini and Hochberg 1995: the largest k with p_(k) <= k q / m; all p <= p_(k) are rejected, the k-th included.
std::vector<std::size_t> benjamini_hochberg(std::span<const double> p, double q);

// Benjamini and Yekutieli 2001: the same at q / (1 + 1/2 + ... + 1/m), for any dependence.
std::vector<std::size_t> benjamini_yekutieli(std::span<const double> p, double q);

// Storey 2002: Benjamini and Hochberg at q / pi0, pi0 = min(1, (1 + #{p > lambda}) / (m (1 - lambda))); only p <= lambda are
// rejected.
std::vector<std::size_t> storey(std::span<const double> p, double q, double lambda = 0.5);

// Holm 1979: family-wise error at most `level`.
std::vector<std::size_t> holm(std::span<const double> p, double level);

// Adjusted p-values: rejected by benjamini_hochberg at q exactly if adjusted <= q (but for rounding).
std::vector<double> benjamini_hochberg_adjusted(std::span<const double> p);

// Conformal p-value of a new score against n calibration scores of which larger means stranger:
// (1 + #{s_i >= s}) / (n + 1); randomised: (#{s_i > s} + u (1 + #{s_i = s})) / (n + 1), exactly uniform under
// exchangeability. `sorted` rises and holds no NaN.
double conformal_p_value(std::span<const double> sorted, double score);
double conformal_p_value(std::span<const double> sorted, double score, double u);

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Selection by conformal p-values: counts, auxiliary sizes and pruned e-values (Jin and Candes 2023; Bai and Jin 2024, OptCS).
// Small scores promise. Comparisons are made on whole numbers, (n + 1) p against q r (n + 1) / m, with a relative slack of 4e-15
// for the rounding of q alone.

#include <cstdint>
#include <span>
#include <vector>

namespace plimsoll::stats {

// Scores of one model: V_i of the labelled rows, T_j of the candidates if they just missed the bar. Infinite allowed, no NaN.
struct SelectionScores {
  std::vector<double> labelled;
  std::vector<double> pool;
};

// (n + 1) p_j: 1 + #{V_i <= T_j}, or #{V_i < T_j} + U_j (1 + #{V_i = T_j}) where `draws` is not empty.
std::vector<double> scaled_p_values(const SelectionScores& scores, std::span<const double> draws);

// Benjamini-Hochberg on scaled p-values: the largest selected one, or -1 if none is. r rows pass if scaled <= q r (n + 1) / m.
double largest_selected(std::vector<double> scaled, std::int64_t n, double q);

// s_j: how many Benjamini and Hochberg at q select when candidate j counts as a labelled row,
//   p_l = (#{V_i <= T_l} + 1{T_j <= T_l}) / (n + 1) for l != j and p_j = 0,
// for all j in O((n + m) log (n + m)). With N_b = #{V <= t_(b)} and a the first rank of T_j among the sorted t: entries before a keep
// N, those after have N + 1, j stands in front. So s_j = B = max{r : N_r + 1 <= q r (n + 1) / m} if B > a, else the largest r <= a
// with N_(r-1) <= q r (n + 1) / m, and 1 if there is none.
std::vector<std::int32_t> auxiliary_sizes(const SelectionScores& scores, double q);
// As the definition says, O(m^2 log m + m n): what the fast form is tested against.
std::vector<std::int32_t> auxiliary_sizes_direct(const SelectionScores& scores, double q);

// Under covariate shift, w the density ratio of pool to labelled rows (Jin and Candes 2025, weighted conformal selection):
//   p_j = (sum w_i 1{V_i < T_j} + U_j (w_j + sum w_i 1{V_i = T_j})) / (sum w_i + w_j), U_j = 1 where `draws` is empty
//   p_l in the list of j: (sum w_i 1{V_i < T_l} + w_j 1{T_j < T_l}) / (sum w_i + w_j)
struct WeightedSelection {
  std::vector<double> p;
  std::vector<std::int32_t> sizes;
};
// Weights finite; those of the pool positive, those of the labelled rows at least 0.
WeightedSelection weighted_selection(const SelectionScores& scores, std::span<const double> labelled_weight,
                                     std::span<const double> pool_weight, std::span<const double> draws, double q);
std::vector<std::int32_t> weighted_sizes_direct(const SelectionScores& scores, std::span<const double> labelled_weight,
                                                std::span<const double> pool_weight, double q);

// e-BH (Wang and Ramdas 2022) with pruning: candidates that passed the gate have e_j = m / (beta q s_j), the others 0. With
// r = max{r : #{xi_j beta s_j <= r} >= r} over the gated, those with xi_j beta s_j <= r are selected. xi_j = 1: deterministic; one
// uniform for all: homogeneous; one each: heterogeneous. `scaled_sizes` holds xi_j beta s_j of the gated, NaN elsewhere.
std::vector<bool> pruned_selection(std::span<const double> scaled_sizes);

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where the scores of a batch of m fall among n calibration scores. With r_i = 1 + #{calibration scores below the i-th smallest of
// the batch}, exchangeability makes (r_1 <= ... <= r_m) uniform over all non-decreasing m-tuples of {1 .. n + 1} (Batch predictive
// inference, arXiv 2409.13990).

#include <cstdint>
#include <span>
#include <vector>

namespace plimsoll::stats {

// Levels count as reached from this far below, so that rounding of sums and of 1 - alpha decides nothing.
inline constexpr double rank_slack = 1e-12;

// mass[k - 1] = P(r_zeta = k), k = 1 .. n + 1: negative hypergeometric, by its ratios from the mode. 1 <= zeta <= m, n >= 1.
std::vector<double> order_rank_mass(std::int64_t n, std::int64_t m, std::int64_t zeta);

struct Ranked {
  std::int64_t rank = 0;
  double attained = 0;
};
// Smallest k with P(r_zeta <= k) >= 1 - alpha.
Ranked order_rank_upper(std::int64_t n, std::int64_t m, std::int64_t zeta, double alpha);
// Largest k with P(r_zeta >= k) >= 1 - alpha.
Ranked order_rank_lower(std::int64_t n, std::int64_t m, std::int64_t zeta, double alpha);
// Smallest n for which order_rank_upper is at most n; -1 beyond 2^31.
std::int64_t order_rank_needed(std::int64_t m, std::int64_t zeta, double alpha);

// A window of ranks that holds r_zeta1 from below and r_zeta2 from above together: P(r_zeta1 >= low, r_zeta2 <= high) >= 1 - alpha,
// grown evenly from the middle. zeta1 < zeta2.
struct RankWindow {
  std::int64_t low = 1;
  std::int64_t high = 1;
  double attained = 0;
};
RankWindow two_order_ranks(std::int64_t n, std::int64_t m, std::int64_t zeta1, std::int64_t zeta2, double alpha);

// Law of u = sum (r_i - 1), the Mann-Whitney statistic: mass[u], u = 0 .. n m, by the product of Gaussian binomials. O(m n m).
std::vector<double> mann_whitney_mass(std::int64_t n, std::int64_t m);
// P(u <= at) alone, by inverting the characteristic function on the lattice: error about 1e-12, cheap for any n and m.
double mann_whitney_cdf(std::int64_t n, std::int64_t m, std::int64_t at);
// Smallest u with P(U <= u) >= 1 - alpha: exact mass up to `most_cells` = n m, else the inverted characteristic function.
Ranked mann_whitney_upper(std::int64_t n, std::int64_t m, double alpha, std::int64_t most_cells = 2'000'000);

// Law of sum w_{r_i} for whole weights w_1 .. w_{n+1} >= 0: mass[s], s = 0 .. m max w. O(n m m max w).
std::vector<double> weighted_rank_mass(std::span<const std::int64_t> weights, std::int64_t m);

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
// Rank laws of batch predictive inference (arXiv 2409.13990, sections A to C of its algorithm). Counts of tuples pass 1e308 soon, so
// every recurrence here runs on probabilities:
//   P(r_zeta = k + 1) / P(r_zeta = k) = (k + zeta - 1)/k * (n - k + 1)/(n + m - k - zeta + 1);
//   Gaussian binomial prod (1 - x^(n + i)) / (1 - x^i), one factor at a time, divided by (n + i)/i;
//   multisets of size j of the first k weights: p_kj[s] = (k - 1)/(k + j - 1) p_(k-1)j[s] + j/(k + j - 1) p_k(j-1)[s - w_k].
#include "stats/rank_law.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "base/exact_sum.h"

namespace plimsoll::stats {
namespace {

double log_choose(const std::vector<double>& log_factorial, std::int64_t n, std::int64_t k) {
  return log_factorial[static_cast<std::size_t>(n)] - log_factorial[static_cast<std::size_t>(k)] - log_factorial[static_cast<std::size_t>(n - k)];
}

bool is_prime(std::int64_t n) {
  if (n % 2 == 0) return n == 2;
  for (std::int64_t d = 3; d * d <= n; d += 2)
    if (n % d == 0) return false;
  return n > 1;
}

Ranked first_reaching(const std::vector<double>& mass, double level) {
  double reached = 0;
  for (std::size_t k = 0; k < mass.size(); ++k) {
    reached += mass[k];
    if (reached >= level - rank_slack) return {static_cast<std::int64_t>(k), std::min(1.0, reached)};
  }
  return {static_cast<std::int64_t>(mass.size()) - 1, 1.0};
}

}  // namespace

std::vector<double> order_rank_mass(std::int64_t n, std::int64_t m, std::int64_t zeta) {
  std::vector<double> mass(static_cast<std::size_t>(n + 1), 0.0);
  const auto ratio = [&](std::int64_t k) {
    return (static_cast<double>(k + zeta - 1) / static_cast<double>(k)) * (static_cast<double>(n - k + 1) / static_cast<double>(n + m - k - zeta + 1));
  };
  const std::int64_t start = m == 1 ? 1 : std::clamp<std::int64_t>(1 + (zeta - 1) * n / (m - 1), 1, n + 1);
  mass[static_cast<std::size_t>(start - 1)] = 1;
  for (std::int64_t k = start; k <= n; ++k) mass[static_cast<std::size_t>(k)] = mass[static_cast<std::size_t>(k - 1)] * ratio(k);
  for (std::int64_t k = start - 1; k >= 1; --k) mass[static_cast<std::size_t>(k - 1)] = mass[static_cast<std::size_t>(k)] / ratio(k);
  ExactSum total;
  total.add(mass);
  for (double& one : mass) one /= total.value();
  return mass;
}

Ranked order_rank_upper(std::int64_t n, std::int64_t m, std::int64_t zeta, double alpha) {
  Ranked found = first_reaching(order_rank_mass(n, m, zeta), 1 - alpha);
  ++found.rank;
  return found;
}

// r_zeta has the law of n + 2 - r_(m + 1 - zeta).
Ranked order_rank_lower(std::int64_t n, std::int64_t m, std::int64_t zeta, double alpha) {
  Ranked found = order_rank_upper(n, m, m + 1 - zeta, alpha);
  found.rank = n + 2 - found.rank;
  return found;
}

std::int64_t order_rank_needed(std::int64_t m, std::int64_t zeta, double alpha) {
  // P(r_zeta <= n) = 1 - P(r_zeta = n + 1), and the last is prod_{i = zeta .. m} i / (n + i), falling in n.
  const auto enough = [&](std::int64_t n) {
    double log_last = 0;
    for (std::int64_t i = zeta; i <= m; ++i) log_last += std::log(static_cast<double>(i)) - std::log(static_cast<double>(n + i));
    return std::exp(log_last) <= alpha + rank_slack;
  };
  constexpr std::int64_t most = std::int64_t{1} << 31;
  std::int64_t high = 1;
  while (high < most && !enough(high)) high *= 2;
  if (high >= most) return -1;
  std::int64_t low = high / 2;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (enough(middle) ? high : low) = middle;
  }
  return high;
}

RankWindow two_order_ranks(std::int64_t n, std::int64_t m, std::int64_t zeta1, std::int64_t zeta2, double alpha) {
  std::vector<double> log_factorial(static_cast<std::size_t>(n + m + 1), 0.0);
  for (std::size_t i = 1; i < log_factorial.size(); ++i) log_factorial[i] = log_factorial[i - 1] + std::log(static_cast<double>(i));
  const double all = log_choose(log_factorial, n + m, m);
  const auto joint = [&](std::int64_t a, std::int64_t b) {
    return std::exp(log_choose(log_factorial, a + zeta1 - 2, zeta1 - 1) + log_choose(log_factorial, b - a + zeta2 - zeta1 - 1, zeta2 - zeta1 - 1) +
                    log_choose(log_factorial, n + m - b - zeta2 + 1, m - zeta2) - all);
  };
  const auto middle = [&](std::int64_t zeta) { return std::clamp<std::int64_t>(std::llround(static_cast<double>(n) * static_cast<double>(zeta) / static_cast<double>(m)), 1, n + 1); };
  RankWindow window{middle(zeta1), middle(zeta2), 0};
  for (std::int64_t a = window.low; a <= window.high; ++a)
    for (std::int64_t b = a; b <= window.high; ++b) window.attained += joint(a, b);
  while (window.attained < 1 - alpha - rank_slack && (window.low > 1 || window.high < n + 1)) {
    if (window.low > 1) {
      --window.low;
      for (std::int64_t b = window.low; b <= window.high; ++b) window.attained += joint(window.low, b);
    }
    if (window.high < n + 1) {
      ++window.high;
      for (std::int64_t a = window.low; a <= window.high; ++a) window.attained += joint(a, window.high);
    }
  }
  window.attained = std::min(1.0, window.attained);
  return window;
}

std::vector<double> mann_whitney_mass(std::int64_t n, std::int64_t m) {
  const auto length = static_cast<std::size_t>(n * m + 1);
  std::vector<double> mass(length, 0.0);
  mass[0] = 1;
  for (std::int64_t i = 1; i <= m; ++i) {
    const auto far = static_cast<std::size_t>(n + i);
    const auto near = static_cast<std::size_t>(i);
    for (std::size_t u = length; u-- > far;) mass[u] -= mass[u - far];
    for (std::size_t u = near; u < length; ++u) mass[u] += mass[u - near];
    const double share = static_cast<double>(i) / static_cast<double>(n + i);
    for (double& one : mass) one *= share;
  }
  // The law is symmetric; the lower half carries less rounding.
  for (std::size_t u = 0; u < length / 2; ++u) mass[length - 1 - u] = mass[u] = std::max(0.0, mass[u]);
  return mass;
}

// With X = U - n m / 2 symmetric, psi(t) = E cos(t X) = prod sin((n + i) t/2) / sin(i t/2) * i/(n + i) is real, and on a lattice of
// P > n m points P(U <= a) = 1/P sum_k psi(t_k) sum_{u <= a} cos(t_k (u - n m / 2)), t_k = 2 pi k / P; the inner sum is a closed sine
// form. P prime keeps every sine away from 0.
double mann_whitney_cdf(std::int64_t n, std::int64_t m, std::int64_t at) {
  if (at < 0) return 0;
  if (at >= n * m) return 1;
  std::int64_t lattice = std::max(n * m, n + m) + 1;
  while (!is_prime(lattice)) ++lattice;
  const double half = static_cast<double>(n) * static_cast<double>(m) / 2;
  const double terms = static_cast<double>(at) + 1;
  double sum = terms;  // k = 0
  int small = 0;
  for (std::int64_t k = 1; k <= (lattice - 1) / 2 && small < 64; ++k) {
    const double t = 2 * std::numbers::pi * (static_cast<double>(k) / static_cast<double>(lattice));
    double psi = 1;
    for (std::int64_t i = 1; i <= m && std::fabs(psi) > 1e-25; ++i)
      psi *= std::sin(static_cast<double>(n + i) * t / 2) / std::sin(static_cast<double>(i) * t / 2) * (static_cast<double>(i) / static_cast<double>(n + i));
    small = std::fabs(psi) * static_cast<double>(lattice) < 1e-14 ? small + 1 : 0;
    // sum_{u = 0}^{at} cos(t (u - half)) = sin(terms t/2) / sin(t/2) cos(t (at/2 - half))
    sum += 2 * psi * (std::sin(terms * t / 2) / std::sin(t / 2)) * std::cos(t * (static_cast<double>(at) / 2 - half));
  }
  return std::clamp(sum / static_cast<double>(lattice), 0.0, 1.0);
}

Ranked mann_whitney_upper(std::int64_t n, std::int64_t m, double alpha, std::int64_t most_cells) {
  if (n * m <= most_cells) return first_reaching(mann_whitney_mass(n, m), 1 - alpha);
  std::int64_t low = -1;
  std::int64_t high = n * m;
  while (high - low > 1) {
    const std::int64_t middle = low + (high - low) / 2;
    (mann_whitney_cdf(n, m, middle) >= 1 - alpha - rank_slack ? high : low) = middle;
  }
  return {high, mann_whitney_cdf(n, m, high)};
}

std::vector<double> weighted_rank_mass(std::span<const std::int64_t> weights, std::int64_t m) {
  const auto count = static_cast<std::size_t>(m);
  const auto length = static_cast<std::size_t>(m * *std::max_element(weights.begin(), weights.end()) + 1);
  std::vector<std::vector<double>> mass(count + 1, std::vector<double>(length, 0.0));
  mass[0][0] = 1;
  for (std::size_t k = 1; k <= weights.size(); ++k) {
    const auto weight = static_cast<std::size_t>(weights[k - 1]);
    for (std::size_t j = 1; j <= count; ++j) {
      const double all = static_cast<double>(k + j - 1);
      const double kept = static_cast<double>(k - 1) / all;
      const double taken = static_cast<double>(j) / all;
      std::vector<double>& own = mass[j];
      const std::vector<double>& shorter = mass[j - 1];
      for (std::size_t s = 0; s < weight && s < length; ++s) own[s] *= kept;
      for (std::size_t s = weight; s < length; ++s) own[s] = kept * own[s] + taken * shorter[s - weight];
    }
  }
  return mass[count];
}

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
// Inversion from the mode: the mass at the mode by logarithms of factorials, its neighbours by the ratio
//   h(k + 1) / h(k) = (a - k)(n - k) / ((k + 1)(N - a - n + k + 1)),
// the sides taken in turns, so a draw costs about as many steps as the law has standard deviations.
#include "stats/count_draws.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace plimsoll::stats {
namespace {

constexpr double half_log_two_pi = 0.91893853320467274178;

// ln n!, below 16 from the exact product, above by Stirling's series (error below 1e-16 of the value).
double log_factorial(std::int64_t n) {
  constexpr std::array<double, 16> exact{1,      1,       2,        6,         24,         120,         720,           5040,
                                         40320., 362880., 3628800., 39916800., 479001600., 6227020800., 87178291200., 1307674368000.};
  if (n < 16) return std::log(exact[static_cast<std::size_t>(n)]);
  const double x = static_cast<double>(n);
  const double r = 1.0 / x;
  const double r2 = r * r;
  return (x + 0.5) * std::log(x) - x + half_log_two_pi + r * (1.0 / 12 - r2 * (1.0 / 360 - r2 * (1.0 / 1260 - r2 / 1680)));
}

double log_choose(std::int64_t n, std::int64_t k) { return log_factorial(n) - log_factorial(k) - log_factorial(n - k); }

}  // namespace

std::int64_t hypergeometric_draw(Stream& stream, std::int64_t marked, std::int64_t draws, std::int64_t total) {
  const std::int64_t lowest = std::max<std::int64_t>(0, draws - (total - marked));
  const std::int64_t highest = std::min(draws, marked);
  if (lowest >= highest) return lowest;
  const double a = static_cast<double>(marked);
  const double n = static_cast<double>(draws);
  const double all = static_cast<double>(total);
  const auto mode = std::clamp(static_cast<std::int64_t>((a + 1) * (n + 1) / (all + 2)), lowest, highest);
  const double at_mode = std::exp(log_choose(marked, mode) + log_choose(total - marked, draws - mode) - log_choose(total, draws));
  double u = stream.uniform() - at_mode;
  if (u < 0) return mode;
  std::int64_t up = mode;
  std::int64_t down = mode;
  double up_mass = at_mode;
  double down_mass = at_mode;
  while (up < highest || down > lowest) {
    if (up < highest) {
      const double k = static_cast<double>(up);
      up_mass *= (a - k) * (n - k) / ((k + 1) * (all - a - n + k + 1));
      ++up;
      u -= up_mass;
      if (u < 0) return up;
    }
    if (down > lowest) {
      const double k = static_cast<double>(down);
      down_mass *= k * (all - a - n + k) / ((a - k + 1) * (n - k + 1));
      --down;
      u -= down_mass;
      if (u < 0) return down;
    }
    if (up_mass < 1e-18 && down_mass < 1e-18) break;  // what is left is rounding
  }
  return mode;
}

void deal_counts(Stream& stream, std::span<const std::int64_t> counts, std::int64_t draws, std::span<std::int64_t> taken) {
  std::int64_t left = 0;
  for (const std::int64_t count : counts) left += count;
  for (std::size_t j = 0; j < counts.size(); ++j) {
    taken[j] = hypergeometric_draw(stream, counts[j], draws, left);
    draws -= taken[j];
    left -= counts[j];
  }
}

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
// Benjamini and Hochberg, JRSS B 57 (1995); Benjamini and Yekutieli, Ann. Stat. 29 (2001); Storey, Taylor, Siegmund, JRSS B
// 66 (2004); Holm, Scand. J. Stat. 6 (1979); conformal p-values: Vovk, Gammerman, Shafer (2005), Bates et al. (2023).
#include "stats/multiple_testing.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "stats/pav.h"

namespace plimsoll::stats {
namespace {

std::vector<std::size_t> at_most(std::span<const double> p, double threshold) {
  std::vector<std::size_t> rejected;
  for (std::size_t i = 0; i < p.size(); ++i)
    if (p[i] <= threshold) rejected.push_back(i);
  return rejected;
}

std::vector<double> sorted_of(std::span<const double> p) {
  std::vector<double> sorted(p.begin(), p.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

// p_(k) <= k q / m. Conformal p-values are multiples of 1 / (n + 1), so ties with k q / m are common: a slack of a few units
// in the last place keeps rounding from dropping the last one.
bool passes(double p, std::size_t k, double q, std::size_t m) {
  return p * static_cast<double>(m) <= static_cast<double>(k) * q * (1 + 4e-15);
}

}  // namespace

std::vector<std::size_t> benjamini_hochberg(std::span<const double> p, double q) {
  const std::vector<double> sorted = sorted_of(p);
  for (std::size_t k = sorted.size(); k >= 1; --k)
    if (passes(sorted[k - 1], k, q, sorted.size())) return at_most(p, sorted[k - 1]);
  return {};
}

std::vector<std::size_t> benjamini_yekutieli(std::span<const double> p, double q) {
  double harmonic = 0;
  for (std::size_t i = p.size(); i >= 1; --i) harmonic += 1 / static_cast<double>(i);
  return p.empty() ? std::vector<std::size_t>{} : benjamini_hochberg(p, q / harmonic);
}

std::vector<std::size_t> storey(std::span<const double> p, double q, double lambda) {
  const auto m = static_cast<double>(p.size());
  const auto above = static_cast<double>(std::count_if(p.begin(), p.end(), [lambda](double x) { return x > lambda; }));
  const double pi0 = std::min(1.0, (1 + above) / (m * (1 - lambda)));
  std::vector<std::size_t> rejected = p.empty() ? std::vector<std::size_t>{} : benjamini_hochberg(p, q / pi0);
  std::erase_if(rejected, [p, lambda](std::size_t i) { return p[i] > lambda; });
  return rejected;
}

std::vector<std::size_t> holm(std::span<const double> p, double level) {
  const std::vector<double> sorted = sorted_of(p);
  std::size_t k = 0;
  while (k < sorted.size() && sorted[k] * static_cast<double>(sorted.size() - k) <= level) ++k;
  return k == 0 ? std::vector<std::size_t>{} : at_most(p, sorted[k - 1]);
}

std::vector<double> benjamini_hochberg_adjusted(std::span<const double> p) {
  const std::vector<std::uint32_t> order = order_by(p);
  std::vector<double> adjusted(p.size());
  double least = 1;
  for (std::size_t k = order.size(); k >= 1; --k) {
    least = std::min(least, p[order[k - 1]] * static_cast<double>(p.size()) / static_cast<double>(k));
    adjusted[order[k - 1]] = least;
  }
  return adjusted;
}

double conformal_p_value(std::span<const double> sorted, double score) {
  const auto first = std::lower_bound(sorted.begin(), sorted.end(), score);
  return (1 + static_cast<double>(sorted.end() - first)) / (static_cast<double>(sorted.size()) + 1);
}

double conformal_p_value(std::span<const double> sorted, double score, double u) {
  const auto [first, last] = std::equal_range(sorted.begin(), sorted.end(), score);
  return (static_cast<double>(sorted.end() - last) + u * (1 + static_cast<double>(last - first))) /
         (static_cast<double>(sorted.size()) + 1);
}

}  // namespace plimsoll::stats

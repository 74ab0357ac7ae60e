// SPDX-License-Identifier: Apache-2.0
// sum_{i, j} |C_i - C_j| = 2 sum_i (2 i - n - 1) C_(i), i from 1. Sums run over the sorted residuals, taken from their middle one,
// so that they are a function of the multiset and do not suffer from an offset common to all.
#include "stats/predictive_law.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/shifted_lists.h"

namespace plimsoll::stats {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double slack = 4e-15;  // relative, for the rounding of p (n + 1)

}  // namespace

ResidualLaw::ResidualLaw(std::span<const double> sorted) : sorted_(sorted) {
  const auto n = static_cast<double>(sorted.size());
  before_.reserve(sorted.size() + 1);
  before_.push_back(0);
  double spread = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const double c = sorted[i] - sorted[sorted.size() / 2];
    before_.push_back(before_.back() + c);
    spread += (2 * static_cast<double>(i) + 1 - n) * c;
  }
  half_spread_ = sorted.empty() ? 0 : spread / (n * n);
}

ResidualLaw::Step ResidualLaw::step(double z) const {
  const double all = static_cast<double>(sorted_.size()) + 1;
  return {static_cast<double>(count_below(sorted_, z)) / all, (static_cast<double>(count_at_most(sorted_, z)) + 1) / all};
}

double ResidualLaw::low_quantile(double p) const {
  const auto rank = static_cast<std::int64_t>(std::floor(p * (static_cast<double>(size()) + 1) * (1 + slack)));
  return rank < 1 ? -infinity : rank > size() ? infinity : sorted_[static_cast<std::size_t>(rank - 1)];
}

double ResidualLaw::high_quantile(double p) const {
  const auto rank = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(p * (static_cast<double>(size()) + 1) * (1 - slack))));
  return rank > size() ? infinity : sorted_[static_cast<std::size_t>(rank - 1)];
}

double ResidualLaw::crps(double z) const {
  if (sorted_.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto n = static_cast<double>(sorted_.size());
  const std::size_t below = count_at_most(sorted_, z);
  const double at = z - sorted_[sorted_.size() / 2];
  const double lower = static_cast<double>(below) * at - before_[below];
  const double upper = (before_.back() - before_[below]) - (n - static_cast<double>(below)) * at;
  return std::max(0.0, (lower + upper) / n - half_spread_);
}

}  // namespace plimsoll::stats

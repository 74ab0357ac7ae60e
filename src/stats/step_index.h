// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace plimsoll::stats {

// Counts of sorted numbers below x in a step or two, for many x: a table of equal cells says between which two counts the answer
// lies. The cell of x never falls with x, in whatever way it is rounded, so the counts are exact. The numbers outlive the index.
class StepIndex {
 public:
  explicit StepIndex(std::span<const double> sorted) : sorted_(sorted) {
    if (sorted.size() < 8 || !std::isfinite(sorted.front()) || !std::isfinite(sorted.back())) return;
    low_ = sorted.front();
    cells_ = 2 * sorted.size();
    scale_ = static_cast<double>(cells_) / (sorted.back() - low_);
    if (!std::isfinite(scale_)) return;
    before_.assign(cells_ + 2, 0);
    for (const double x : sorted) ++before_[cell_of(x) + 1];
    for (std::size_t c = 1; c < before_.size(); ++c) before_[c] += before_[c - 1];
  }

  std::size_t at_most(double x) const {  // numbers <= x
    const auto [from, to] = range_of(x);
    return static_cast<std::size_t>(std::upper_bound(sorted_.begin() + from, sorted_.begin() + to, x) - sorted_.begin());
  }
  std::size_t below(double x) const {  // numbers < x
    const auto [from, to] = range_of(x);
    return static_cast<std::size_t>(std::lower_bound(sorted_.begin() + from, sorted_.begin() + to, x) - sorted_.begin());
  }

 private:
  struct Range {
    std::ptrdiff_t from, to;
  };
  std::size_t cell_of(double x) const {
    const double at = (x - low_) * scale_;
    if (!(at > 0)) return 0;
    return at < static_cast<double>(cells_) ? static_cast<std::size_t>(at) : cells_;
  }
  Range range_of(double x) const {
    if (before_.empty()) return {0, static_cast<std::ptrdiff_t>(sorted_.size())};
    const std::size_t c = cell_of(x);
    return {static_cast<std::ptrdiff_t>(before_[c]), static_cast<std::ptrdiff_t>(before_[c + 1])};
  }

  std::span<const double> sorted_;
  double low_ = 0;
  double scale_ = 0;
  std::size_t cells_ = 0;
  std::vector<std::uint32_t> before_;  // numbers in the cells before each
};

}  // namespace plimsoll::stats

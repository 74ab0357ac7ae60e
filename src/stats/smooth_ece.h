// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

namespace plimsoll::stats {

inline constexpr std::size_t smooth_cells = 4096;

// Which of the 4,096 cells of [0, 1] a forecast lies in.
inline std::size_t smooth_cell(double p) {
  const auto cell = static_cast<std::size_t>(p * static_cast<double>(smooth_cells));
  return cell < smooth_cells ? cell : smooth_cells - 1;
}

struct SmoothEce {
  double value = 0;  // sm_s at the width below
  double width = 0;  // s with sm_s = s
};

// residual: for each cell the sum of weight (forecast - outcome) of its rows, divided by the sum of all weights.
// `fineness` cells at least stand in a width: 20 give four digits, 5 do where many are only compared with each other.
SmoothEce smooth_ece(std::span<const double> residual, int fineness = 20);

// sm_s at one width, for tests and curves.
double smoothed_gap(std::span<const double> residual, double width, int fineness = 20);

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
// Blasiok and Nakkiran, "Smooth ECE" (2023): sm_s = int_0^1 |(1/n) sum (p_i - y_i) K_s(t, p_i)| dt with the Gaussian K reflected
// at 0 and 1; reported at the s where sm_s = s, which is found by a bracketed secant because sm_s falls with s.
// Departure: the paper convolves on a fixed grid by FFT. Here cells are joined until their width h is between s / 10 and s / 5,
// and the kernel is summed directly out to 6 s, which costs less at every s; the rows' spread within a cell adds h^2 / 12 to the
// variance of the kernel, and is taken off it.
#include "stats/smooth_ece.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace plimsoll::stats {
namespace {

constexpr double least_width = 2.0 / static_cast<double>(smooth_cells);

// Cells joined in powers of two.
std::vector<double> joined(std::span<const double> residual, double width) {
  std::size_t fold = 1;
  while (fold * 2 <= residual.size() / 16 && static_cast<double>(fold * 2 * 5) <= width * static_cast<double>(residual.size())) fold *= 2;
  std::vector<double> cells(residual.size() / fold);
  for (std::size_t i = 0; i < residual.size(); ++i) cells[i / fold] += residual[i];
  return cells;
}

// Both sides continued by mirror images, as often as the kernel is wide.
std::vector<double> mirrored(std::span<const double> cells, std::size_t reach) {
  const std::size_t n = cells.size();
  std::vector<double> wide(n + 2 * reach);
  const std::size_t turns = (reach / (2 * n) + 1) * 2 * n;
  for (std::size_t i = 0; i < wide.size(); ++i) {
    const std::size_t at = (i + turns - reach) % (2 * n);
    wide[i] = cells[at < n ? at : 2 * n - 1 - at];
  }
  return wide;
}

}  // namespace

double smoothed_gap(std::span<const double> residual, double width) {
  const std::vector<double> cells = joined(residual, width);
  const std::size_t n = cells.size();
  const double h = 1 / static_cast<double>(n);
  const double variance = std::max(width * width - h * h / 12, h * h / 12);
  const auto reach = static_cast<std::size_t>(std::ceil(6 * width / h));
  const std::vector<double> wide = mirrored(cells, reach);
  std::vector<double> kernel(reach + 1);
  double total = 0;
  for (std::size_t d = 0; d <= reach; ++d) {
    const double x = static_cast<double>(d) * h;
    kernel[d] = std::exp(-(x * x) / (2 * variance));
    total += d == 0 ? kernel[d] : 2 * kernel[d];
  }
  std::vector<double> smooth(n);
  for (std::size_t j = 0; j < n; ++j) smooth[j] = kernel[0] * wide[reach + j];
  for (std::size_t d = 1; d <= reach; ++d) {
    const double k = kernel[d];
    const double* left = wide.data() + reach - d;
    const double* right = wide.data() + reach + d;
    for (std::size_t j = 0; j < n; ++j) smooth[j] += k * (left[j] + right[j]);
  }
  double sum = 0;
  for (const double x : smooth) sum += std::fabs(x);
  return sum / total;
}

SmoothEce smooth_ece(std::span<const double> residual) {
  // sm falls with s and sm(s*) = s*, so s* <= sm(s) for every s <= s*, and sm(s) <= s* for every s >= s*.
  double low = least_width;
  double above = smoothed_gap(residual, low) - low;
  if (!(above > 0)) return {above + low, low};
  double high = std::min(1.0, above + low);
  double below = smoothed_gap(residual, high) - high;
  if (below >= 0) return {below + high, high};
  double width = std::max(low, below + high);
  int side = 0;
  for (int step = 0; step < 60; ++step) {
    const double found = smoothed_gap(residual, width);
    const double gap = found - width;
    if (std::fabs(gap) <= 1e-6 * width || high - low <= 1e-6 * high) return {found, width};
    if (gap > 0) {
      low = width;
      above = gap;
      if (side == 1) below /= 2;
      side = 1;
    } else {
      high = width;
      below = gap;
      if (side == -1) above /= 2;
      side = -1;
    }
    width = (low * below - high * above) / (below - above);  // the secant, with the Illinois rule
  }
  return {smoothed_gap(residual, width), width};
}

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
// Blasiok and Nakkiran, "Smooth ECE" (2023): sm_s = int_0^1 |(1/n) sum (p_i - y_i) K_s(t, p_i)| dt with the Gaussian K reflected
// at 0 and 1; reported at the s where sm_s = s, which is found by a bracketed secant because sm_s falls with s.
// Departure: the paper convolves on a fixed grid by FFT. Here cells are joined until few enough stand in s, and the kernel is
// summed directly out to 6 s, which costs less at every s; what joining adds to the variance of the kernel is taken off it.
#include "stats/smooth_ece.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace plimsoll::stats {
namespace {

constexpr std::size_t lanes = 8;  // neighbours that are summed side by side, in registers
constexpr double least_width = 2.0 / static_cast<double>(smooth_cells);

// The cells, and the cells joined by two, by four ...: 4,096 down to 16. What a cell holds goes to the two nearest centres, three
// quarters and one, so that no mass moves on average; each joining adds 3/16 of the new cell's squared width to the variance, all
// of them up to width H (H^2 - h^2) / 4.
std::vector<std::vector<double>> joined(std::span<const double> residual) {
  std::vector<std::vector<double>> levels{{residual.begin(), residual.end()}};
  while (levels.back().size() > 16) {
    const std::vector<double>& fine = levels.back();
    std::vector<double> coarse(fine.size() / 2);
    for (std::size_t k = 0; k < coarse.size(); ++k) {
      const double before = k == 0 ? fine[0] : fine[2 * k - 1];  // the mirror image at either end
      const double after = k + 1 == coarse.size() ? fine.back() : fine[2 * k + 2];
      coarse[k] = 0.75 * (fine[2 * k] + fine[2 * k + 1]) + 0.25 * (before + after);
    }
    levels.push_back(std::move(coarse));
  }
  return levels;
}

// The coarsest whose cells stand at least `fineness` to a width.
const std::vector<double>& level_for(const std::vector<std::vector<double>>& levels, double width, int fineness) {
  std::size_t k = 0;
  while (k + 1 < levels.size() && fineness <= width * static_cast<double>(levels[k + 1].size())) ++k;
  return levels[k];
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

double gap_of(std::span<const double> cells, double width) {
  const std::size_t n = cells.size();
  const double h = 1 / static_cast<double>(n);
  const double finest = 1 / static_cast<double>(smooth_cells);
  const double variance = std::max(width * width - (h * h - finest * finest) / 4, h * h / 12);
  const auto reach = static_cast<std::size_t>(std::ceil(6 * width / h));
  const std::vector<double> wide = mirrored(cells, reach);
  std::vector<double> kernel(reach + 1);
  double total = 0;
  for (std::size_t d = 0; d <= reach; ++d) {
    const double x = static_cast<double>(d) * h;
    kernel[d] = std::exp(-(x * x) / (2 * variance));
    total += d == 0 ? kernel[d] : 2 * kernel[d];
  }
  double sum = 0;
  for (std::size_t j = 0; j < n; j += lanes) {  // n is a power of two, at least 16
    std::array<double, lanes> smooth;
    for (std::size_t c = 0; c < lanes; ++c) smooth[c] = kernel[0] * wide[reach + j + c];
    for (std::size_t d = 1; d <= reach; ++d) {
      const double k = kernel[d];
      const double* left = wide.data() + reach + j - d;
      const double* right = wide.data() + reach + j + d;
      for (std::size_t c = 0; c < lanes; ++c) smooth[c] += k * (left[c] + right[c]);
    }
    for (const double x : smooth) sum += std::fabs(x);
  }
  return sum / total;
}

}  // namespace

double smoothed_gap(std::span<const double> residual, double width, int fineness) {
  return gap_of(level_for(joined(residual), width, fineness), width);
}

SmoothEce smooth_ece(std::span<const double> residual, int fineness) {
  const std::vector<std::vector<double>> levels = joined(residual);
  const auto gap_at = [&](double width) { return gap_of(level_for(levels, width, fineness), width); };
  // sm falls with s and sm(s*) = s*, so s* <= sm(s) for every s <= s*, and sm(s) <= s* for every s >= s*.
  double low = least_width;
  double above = 0 - low;
  for (const double x : residual) above += std::fabs(x);  // sm without any smoothing: no sm is larger
  if (!(above > 0)) return {above + low, low};
  double high = std::min(1.0, above + low);
  double below = gap_at(high) - high;
  if (below >= 0) return {below + high, high};
  double width = std::max(low, below + high);
  int side = 0;
  for (int step = 0; step < 60; ++step) {
    const double found = gap_at(width);
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
  return {gap_at(width), width};
}

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
// With f(z) = ln(1 + e^z), cell centre m and power sums M_k = sum w (x - m)^k, a row's z = a x + b is z_m + a (x - m), so
//   sum w f(z) = sum_k f^(k)(z_m) a^k M_k / k!,
// and likewise for the first derivatives with f', the second with f''. Terms to the sixth power are kept; with |a (x - m)| <= 1/20 the
// rest is below (1/20)^7 / 7! < 2e-13 a unit of weight. The derivatives of f are polynomials in p = f'.
#include "learn/moment_logistic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace plimsoll::learn {
namespace {

constexpr std::size_t cell_count = 2048;
constexpr std::size_t order = 6;
constexpr double widest = 0.05;

struct Cell {
  double centre = 0;
  std::array<double, order + 3> moment{};
};

struct Sums {
  double loss = 0, slope = 0, shift = 0;       // f and its gradient
  double slopes = 0, mixed = 0, shifts = 0;    // Hessian
};

class Problem {
 public:
  Problem(std::span<const stats::Pool> pools, double low, double high) {
    const double first = pools.front().x;
    width_ = (pools.back().x - first) / static_cast<double>(cell_count);
    std::size_t last = cell_count;
    for (const stats::Pool& pool : pools) {
      const auto c = std::min(cell_count - 1, static_cast<std::size_t>((pool.x - first) / width_));
      if (c != last) cells_.push_back({first + (static_cast<double>(c) + 0.5) * width_, {}});
      last = c;
      Cell& cell = cells_.back();
      const double gap = pool.x - cell.centre;
      double power = pool.weight;
      for (double& m : cell.moment) {
        m += power;
        power *= gap;
      }
      const double target = low * pool.weight + (high - low) * pool.sum;
      target_ += target;
      target_x_ += target * pool.x;
      mass_ += pool.weight;
    }
  }
  double mass() const { return mass_; }
  bool narrow(double slope) const { return std::fabs(slope) * width_ / 2 <= widest; }

  Sums evaluate(double a, double b, const SmallLogisticOptions& options) const {
    Sums sums;
    for (const Cell& cell : cells_) add(cell, a, b, sums);
    sums.loss -= a * target_x_ + b * target_;
    sums.slope += options.l2 * a - target_x_;
    sums.slopes += options.l2;
    sums.shift -= target_;
    if (options.intercept) return sums;
    sums.shift = 0;
    sums.mixed = 0;
    sums.shifts = 1;
    return sums;
  }

 private:
  static void add(const Cell& cell, double a, double b, Sums& sums) {
    const double z = a * cell.centre + b;
    const double p = sigmoid(z);
    const double v = p * (1 - p), u = 1 - 2 * p;
    const std::array<double, order + 3> f = {log1p_exp(z), p, v, v * u, v * (1 - 6 * v), v * u * (1 - 12 * v), v * (1 - v * (30 - 120 * v)),
                                             v * u * (1 - v * (60 - 360 * v)), v * (1 - v * (126 - v * (1680 - 5040 * v)))};
    double term = 1;
    double value = 0, first = 0, first_x = 0, second = 0, second_x = 0, second_xx = 0;
    for (std::size_t k = 0; k <= order; ++k) {
      value += f[k] * term * cell.moment[k];
      first += f[k + 1] * term * cell.moment[k];
      first_x += f[k + 1] * term * cell.moment[k + 1];
      second += f[k + 2] * term * cell.moment[k];
      second_x += f[k + 2] * term * cell.moment[k + 1];
      second_xx += f[k + 2] * term * cell.moment[k + 2];
      term *= a / static_cast<double>(k + 1);
    }
    const double m = cell.centre;
    sums.loss += value;
    sums.shift += first;
    sums.slope += m * first + first_x;
    sums.shifts += second;
    sums.mixed += m * second + second_x;
    sums.slopes += m * m * second + 2 * m * second_x + second_xx;
  }

  std::vector<Cell> cells_;
  double width_ = 0;
  double target_ = 0, target_x_ = 0, mass_ = 0;
};

}  // namespace

std::optional<SmallLogistic> fit_by_moments(std::span<const stats::Pool> pools, double low, double high, const SmallLogisticOptions& options) {
  if (pools.size() < 2 || !(pools.back().x > pools.front().x)) return std::nullopt;
  const Problem problem(pools, low, high);
  SmallLogistic fit;
  double a = options.start[0], b = options.start[2];
  Sums now = problem.evaluate(a, b, options);
  const auto objective = [&](const Sums& sums, double slope) { return sums.loss + 0.5 * options.l2 * slope * slope; };
  bool moved = true;
  while (moved && std::max(std::fabs(now.slope), std::fabs(now.shift)) > 1e-12 * problem.mass() && fit.iterations < options.max_iterations) {
    const double determinant = now.slopes * now.shifts - now.mixed * now.mixed;
    if (!(determinant > 1e-13 * now.slopes * now.shifts)) return std::nullopt;
    const double step_a = -(now.shifts * now.slope - now.mixed * now.shift) / determinant;
    const double step_b = -(now.slopes * now.shift - now.mixed * now.slope) / determinant;
    moved = false;
    for (double length = 1; length > 1e-9 && !moved; length /= 2) {
      if (!problem.narrow(a + length * step_a)) return std::nullopt;
      const Sums next = problem.evaluate(a + length * step_a, b + length * step_b, options);
      if (!(objective(next, a + length * step_a) <= objective(now, a) + 1e-14 * std::fabs(now.loss))) continue;
      a += length * step_a;
      b += length * step_b;
      now = next;
      moved = true;
    }
    if (moved) ++fit.iterations;
  }
  fit.converged = std::max(std::fabs(now.slope), std::fabs(now.shift)) <= 1e-8 * problem.mass();
  if (!fit.converged) return std::nullopt;
  fit.beta = {a, 0, b};
  fit.loss = now.loss;
  const double determinant = now.slopes * now.shifts - now.mixed * now.mixed;
  fit.covariance[0] = now.shifts / determinant;
  if (!options.intercept) return fit;
  fit.covariance[2] = fit.covariance[6] = -now.mixed / determinant;
  fit.covariance[8] = now.slopes / determinant;
  return fit;
}

}  // namespace plimsoll::learn

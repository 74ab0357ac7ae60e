// SPDX-License-Identifier: Apache-2.0
// Logistic regression on one or two features by damped Newton steps with a 3 x 3 Cholesky factor; targets in [0, 1].
// Sums run over blocks of 4,096 rows, block totals in order, so that any caller gets the same bytes.
#include <algorithm>
#include <cmath>

#include "base/runtime.h"
#include "learn/logistic.h"

namespace plimsoll::learn {
namespace {

struct Sums {
  double loss = 0;
  std::array<double, 3> gradient{};
  std::array<double, 9> hessian{};

  void add(const Sums& other) {
    loss += other.loss;
    for (std::size_t i = 0; i < 3; ++i) gradient[i] += other.gradient[i];
    for (std::size_t i = 0; i < 9; ++i) hessian[i] += other.hessian[i];
  }
};

struct Data {
  std::span<const double> first;
  std::span<const double> second;  // empty: one feature
  std::span<const double> targets;
  std::span<const double> weights;
};

void add_row(const Data& data, std::size_t i, const std::array<double, 3>& beta, Sums& sums) {
  const double weight = data.weights.empty() ? 1.0 : data.weights[i];
  const std::array<double, 3> x = {data.first[i], data.second.empty() ? 0.0 : data.second[i], 1.0};
  const double s = beta[0] * x[0] + beta[1] * x[1] + beta[2];
  const double e = std::exp(-std::fabs(s));
  const double p = s >= 0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
  sums.loss += weight * (std::max(s, 0.0) - data.targets[i] * s + std::log1p(e));
  const double residual = weight * (p - data.targets[i]);
  const double bend = weight * (e / ((1.0 + e) * (1.0 + e)));
  for (std::size_t a = 0; a < 3; ++a) {
    sums.gradient[a] += residual * x[a];
    for (std::size_t b = 0; b <= a; ++b) sums.hessian[3 * a + b] += bend * x[a] * x[b];
  }
}

Sums evaluate(const Data& data, const std::array<double, 3>& beta, const SmallLogisticOptions& options) {
  Sums total;
  const std::size_t rows = data.targets.size();
  for (std::size_t begin = 0; begin < rows; begin += static_cast<std::size_t>(block_rows)) {
    Sums block;
    const std::size_t end = std::min(begin + static_cast<std::size_t>(block_rows), rows);
    for (std::size_t i = begin; i < end; ++i) add_row(data, i, beta, block);
    total.add(block);
  }
  for (std::size_t a = 0; a < 2; ++a) {
    total.gradient[a] += options.l2 * beta[a];
    total.hessian[4 * a] += options.l2;
  }
  // Parameters that are not in the problem stand still.
  const auto freeze = [&](std::size_t a) {
    total.gradient[a] = 0;
    for (std::size_t b = 0; b < 3; ++b) total.hessian[3 * std::max(a, b) + std::min(a, b)] = 0;
    total.hessian[4 * a] = 1;
  };
  if (data.second.empty()) freeze(1);
  if (!options.intercept) freeze(2);
  return total;
}

// Lower Cholesky factor; false if the matrix is not positive definite.
bool factor(std::array<double, 9> a, std::array<double, 9>& l) {
  l.fill(0);
  for (std::size_t j = 0; j < 3; ++j) {
    double pivot = a[4 * j];
    for (std::size_t k = 0; k < j; ++k) pivot -= l[3 * j + k] * l[3 * j + k];
    if (!(pivot > 1e-13 * a[4 * j]) || !std::isfinite(pivot)) return false;
    l[4 * j] = std::sqrt(pivot);
    for (std::size_t i = j + 1; i < 3; ++i) {
      double value = a[3 * i + j];
      for (std::size_t k = 0; k < j; ++k) value -= l[3 * i + k] * l[3 * j + k];
      l[3 * i + j] = value / l[4 * j];
    }
  }
  return true;
}

std::array<double, 3> solve(const std::array<double, 9>& l, std::array<double, 3> b) {
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= l[3 * i + k] * b[k];
    b[i] /= l[4 * i];
  }
  for (std::size_t i = 3; i-- > 0;) {
    for (std::size_t k = i + 1; k < 3; ++k) b[i] -= l[3 * k + i] * b[k];
    b[i] /= l[4 * i];
  }
  return b;
}

// The Hessian with the smallest ridge that makes it positive definite.
std::array<double, 9> safe_factor(const std::array<double, 9>& hessian) {
  const double size = std::max({hessian[0], hessian[4], hessian[8], 1e-300});
  std::array<double, 9> l{};
  for (double ridge = 0; ridge <= size; ridge = ridge > 0 ? ridge * 100 : 1e-12 * size) {
    std::array<double, 9> shifted = hessian;
    for (std::size_t a = 0; a < 3; ++a) shifted[4 * a] += ridge;
    if (factor(shifted, l)) return l;
  }
  l.fill(0);
  for (std::size_t a = 0; a < 3; ++a) l[4 * a] = std::sqrt(size);
  return l;
}

double largest(const std::array<double, 3>& v) { return std::max({std::fabs(v[0]), std::fabs(v[1]), std::fabs(v[2])}); }

}  // namespace

double sigmoid(double log_odds) {
  const double e = std::exp(-std::fabs(log_odds));
  return log_odds >= 0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

double log1p_exp(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }

void softmax(std::vector<std::vector<double>>& columns) {
  if (columns.empty()) return;
  for (std::size_t i = 0; i < columns.front().size(); ++i) {
    double most = columns.front()[i];
    for (const auto& column : columns) most = std::max(most, column[i]);
    double sum = 0;
    for (auto& column : columns) {
      column[i] = std::exp(column[i] - most);
      sum += column[i];
    }
    for (auto& column : columns) column[i] /= sum;
  }
}

SmallLogistic fit_small_logistic(std::span<const std::span<const double>> features, std::span<const double> targets,
                                 std::span<const double> weights, const SmallLogisticOptions& options) {
  const Data data{features[0], features.size() > 1 ? features[1] : std::span<const double>(), targets, weights};
  SmallLogistic fit;
  fit.beta = options.start;
  Sums now = evaluate(data, fit.beta, options);
  double mass = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) mass += weights.empty() ? 1.0 : weights[i];
  bool moved = true;
  while (moved && largest(now.gradient) > 1e-10 * mass && fit.iterations < options.max_iterations) {
    const std::array<double, 9> l = safe_factor(now.hessian);
    const std::array<double, 3> step = solve(l, {-now.gradient[0], -now.gradient[1], -now.gradient[2]});
    double slope = 0;
    for (std::size_t a = 0; a < 3; ++a) slope += step[a] * now.gradient[a];
    moved = false;
    double length = 1;
    for (int halving = 0; halving < 40 && !moved; ++halving, length /= 2) {
      std::array<double, 3> beta = fit.beta;
      for (std::size_t a = 0; a < 3; ++a) beta[a] += length * step[a];
      const Sums next = evaluate(data, beta, options);
      double penalty = 0;
      for (std::size_t a = 0; a < 2; ++a) penalty += 0.5 * options.l2 * (beta[a] * beta[a] - fit.beta[a] * fit.beta[a]);
      if (!(next.loss + penalty <= now.loss + 1e-4 * length * slope + 1e-14 * std::fabs(now.loss))) continue;
      fit.beta = beta;
      now = next;
      moved = true;
    }
    if (moved) ++fit.iterations;
  }
  fit.converged = largest(now.gradient) <= 1e-8 * mass;
  fit.loss = now.loss;
  const std::array<double, 9> l = safe_factor(now.hessian);
  for (std::size_t a = 0; a < 3; ++a) {
    const bool fixed = (a == 1 && data.second.empty()) || (a == 2 && !options.intercept);
    std::array<double, 3> unit{};
    unit[a] = fixed ? 0.0 : 1.0;
    const std::array<double, 3> column = solve(l, unit);
    for (std::size_t b = 0; b < 3; ++b) fit.covariance[3 * b + a] = column[b];
  }
  return fit;
}

}  // namespace plimsoll::learn

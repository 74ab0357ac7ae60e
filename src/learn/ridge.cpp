// SPDX-License-Identifier: Apache-2.0
#include "learn/ridge.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "base/exact_sum.h"
#include "engine/fields.h"
#include "learn/fixed_eigen.h"

namespace plimsoll::learn {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using Index = Eigen::Index;

constexpr std::int64_t wave = 32;  // blocks whose totals stand in memory together

// Sums over one block with the intercept as the last column.
struct Totals {
  MatrixXd squares;
  VectorXd products;
};

Totals totals_of(const Design& design, std::span<const double> targets, std::span<const double> weights, double centre, std::int64_t begin, std::int64_t end) {
  const auto width = static_cast<Index>(design.width());
  MatrixXd x(static_cast<Index>(end - begin), width + 1);
  design.fill(begin, end, x.data());
  x.col(width).setOnes();
  VectorXd y(x.rows());
  for (Index i = 0; i < y.size(); ++i) y[i] = targets[static_cast<std::size_t>(begin + i)] - centre;
  for (Index i = 0; !weights.empty() && i < y.size(); ++i) {
    const double root = std::sqrt(weights[static_cast<std::size_t>(begin + i)]);
    x.row(i) *= root;
    y[i] *= root;
  }
  Totals totals;
  totals.squares = MatrixXd::Zero(width + 1, width + 1);
  totals.squares.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose());
  totals.products = x.transpose() * y;
  return totals;
}

// The shortest solution where the factorisation does not hold.
VectorXd solve(const MatrixXd& lower, const VectorXd& right) {
  const Eigen::LDLT<MatrixXd> factor(lower.selfadjointView<Eigen::Lower>());
  const VectorXd d = factor.vectorD();
  if (factor.info() == Eigen::Success && d.minCoeff() > 1e-12 * d.maxCoeff()) return factor.solve(right);
  const Eigen::SelfAdjointEigenSolver<MatrixXd> eigen(lower);
  VectorXd inverse = eigen.eigenvalues();
  const double least = 1e-11 * std::max(inverse.maxCoeff(), 1e-300);
  for (Index i = 0; i < inverse.size(); ++i) inverse[i] = inverse[i] > least ? 1 / inverse[i] : 0;
  return eigen.eigenvectors() * (inverse.asDiagonal() * (eigen.eigenvectors().transpose() * right));
}

}  // namespace

void describe(Fields& f, RidgeModel& model) {
  f({"width", "number of columns", at_least(0)}, model.width);
  f.tensor({"coefficients", "slopes"}, model.coefficients);
  f({"intercept", "value where every column is 0"}, model.intercept);
}

Result<void> check(const RidgeModel& model) {
  const bool finite = std::isfinite(model.intercept) && std::all_of(model.coefficients.begin(), model.coefficients.end(), [](double w) { return std::isfinite(w); });
  if (finite && model.coefficients.size() == static_cast<std::size_t>(model.width)) return {};
  return Error(ErrorCode::corrupt_file, "the slopes of the linear model do not fit its columns", "Fit the model again.");
}

Result<RidgeModel> fit_ridge(Context& context, const Design& design, std::span<const double> targets, double l2, std::span<const double> weights) {
  fix_eigen();
  if (targets.empty()) return Error(ErrorCode::too_few_rows, "there is no row to learn from", "Give more rows.");
  ExactSum sum;
  sum.add(targets);
  const double centre = sum.value() / static_cast<double>(targets.size());
  const auto width = static_cast<Index>(design.width());
  MatrixXd squares = MatrixXd::Zero(width + 1, width + 1);
  VectorXd products = VectorXd::Zero(width + 1);
  const std::int64_t blocks = (design.rows() + block_rows - 1) / block_rows;
  for (std::int64_t first = 0; first < blocks; first += wave) {
    std::vector<Totals> parts(static_cast<std::size_t>(std::min(wave, blocks - first)));
    PLIMSOLL_CHECK(context.runtime.for_each(static_cast<std::int64_t>(parts.size()), context.stop, [&](std::int64_t i) -> Result<void> {
      const std::int64_t begin = (first + i) * block_rows;
      parts[static_cast<std::size_t>(i)] = totals_of(design, targets, weights, centre, begin, std::min(begin + block_rows, design.rows()));
      return {};
    }));
    for (const Totals& part : parts) {
      squares += part.squares;
      products += part.products;
    }
  }
  for (Index j = 0; j < width; ++j) squares(j, j) += l2;
  const VectorXd w = solve(squares, products);
  RidgeModel model;
  model.width = design.width();
  model.coefficients.assign(w.data(), w.data() + width);
  model.intercept = w[width] + centre;
  PLIMSOLL_CHECK(check(model));
  return model;
}

Result<std::vector<double>> ridge_predictions(Context& context, const RidgeModel& model, const Design& design) {
  if (design.width() != model.width) return Error(ErrorCode::corrupt_file, "the linear model and the encoder do not have the same columns", "Fit the model again.");
  std::vector<double> out(static_cast<std::size_t>(design.rows()));
  PLIMSOLL_CHECK(context.runtime.for_each_block(design.rows(), context.stop, [&](std::int64_t, std::int64_t begin, std::int64_t end) -> Result<void> {
    const auto count = static_cast<std::size_t>(end - begin);
    std::vector<double> x(count * static_cast<std::size_t>(model.width));
    design.fill(begin, end, x.data());
    double* to = out.data() + begin;
    std::fill_n(to, count, model.intercept);
    for (std::size_t c = 0; c < model.coefficients.size(); ++c)
      for (std::size_t i = 0; i < count; ++i) to[i] += model.coefficients[c] * x[c * count + i];
    return {};
  }));
  return out;
}

AugmentedRidge::AugmentedRidge(std::span<const double> x, std::size_t width, double l2) : x_(x), rows_(width == 0 ? 0 : x.size() / width), width_(width), l2_(l2), centre_(width, 0.0), squares_((width + 1) * (width + 1), 0.0) {
  fix_eigen();
  for (std::size_t c = 0; c < width_; ++c) {
    ExactSum sum;
    for (std::size_t i = 0; i < rows_; ++i) sum.add(x_[i * width_ + c]);
    centre_[c] = rows_ > 0 ? sum.value() / static_cast<double>(rows_) : 0;
  }
  const std::size_t side = width_ + 1;
  std::vector<double> row(side, 1.0);
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t c = 0; c < width_; ++c) row[c] = x_[i * width_ + c] - centre_[c];
    for (std::size_t a = 0; a < side; ++a)
      for (std::size_t b = 0; b <= a; ++b) squares_[b * side + a] += row[a] * row[b];
  }
}

void AugmentedRidge::fit(std::span<const double> x, std::span<const std::span<const double>> targets, std::vector<std::vector<double>>& fitted, std::vector<double>& self) const {
  const auto side = static_cast<Index>(width_ + 1);
  const double all = static_cast<double>(rows_) + 1;
  VectorXd own = VectorXd::Ones(side);
  for (std::size_t c = 0; c < width_; ++c) own[static_cast<Index>(c)] = x[c] - centre_[c];
  MatrixXd squares = Eigen::Map<const MatrixXd>(squares_.data(), side, side);
  for (Index b = 0; b < side; ++b)
    for (Index a = b; a < side; ++a) squares(a, b) += own[a] * own[b];
  for (Index c = 0; c + 1 < side; ++c) {
    const double mean = squares(side - 1, c) / all;
    squares(c, c) += l2_ * std::max(0.0, squares(c, c) / all - mean * mean);
  }
  const auto columns = static_cast<Index>(targets.size());
  MatrixXd right = MatrixXd::Zero(side, columns + 1);
  right.col(columns) = own;
  const auto at = [&](std::size_t i, std::size_t c) { return c < width_ ? x_[i * width_ + c] - centre_[c] : 1.0; };
  for (Index t = 0; t < columns; ++t)
    for (std::size_t i = 0; i < rows_; ++i)
      for (std::size_t c = 0; c <= width_; ++c) right(static_cast<Index>(c), t) += at(i, c) * targets[static_cast<std::size_t>(t)][i];
  MatrixXd slopes(side, columns + 1);
  for (Index t = 0; t <= columns; ++t) slopes.col(t) = solve(squares, right.col(t));
  fitted.assign(targets.size(), std::vector<double>(rows_ + 1));
  self.assign(rows_ + 1, 0.0);
  for (std::size_t i = 0; i <= rows_; ++i)
    for (Index t = 0; t <= columns; ++t) {
      double sum = 0;
      for (std::size_t c = 0; c <= width_; ++c) sum += slopes(static_cast<Index>(c), t) * (i < rows_ ? at(i, c) : own[static_cast<Index>(c)]);
      (t < columns ? fitted[static_cast<std::size_t>(t)][i] : self[i]) = sum;
    }
}

}  // namespace plimsoll::learn

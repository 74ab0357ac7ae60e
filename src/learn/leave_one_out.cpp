// SPDX-License-Identifier: Apache-2.0
// The leave-one-out identity of linear smoothers (Allen 1974; Golub, Heath and Wahba 1979), with weights: taking row i out of a
// weighted least squares fit changes its own prediction as the Sherman-Morrison formula says.
#include "learn/leave_one_out.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <cmath>
#include <string>

namespace plimsoll::learn {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using Index = Eigen::Index;

constexpr double own_fit = 1e-10;  // 1 - h below this: the row stands alone

double mean_of_others(std::span<const double> targets, std::span<const double> weights, std::size_t out) {
  double sum = 0;
  double mass = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (i == out) continue;
    const double w = weights.empty() ? 1 : weights[i];
    sum += w * targets[i];
    mass += w;
  }
  return mass > 0 ? sum / mass : 0;
}

}  // namespace

Result<std::vector<double>> ridge_leave_one_out(Context& context, const Design& design, std::span<const double> targets,
                                                std::span<const double> weights, double l2) {
  const Index rows = design.rows();
  const Index width = design.width();
  if (rows == 0) return std::vector<double>();
  PLIMSOLL_CHECK(context.stop.check());
  MatrixXd x(rows, width);
  design.fill(0, rows, x.data());
  const VectorXd y = Eigen::Map<const VectorXd>(targets.data(), rows);
  VectorXd w = VectorXd::Ones(rows);
  if (!weights.empty()) w = Eigen::Map<const VectorXd>(weights.data(), rows);
  const double mass = w.sum();
  const VectorXd mean = (x.transpose() * w) / mass;
  const double level = y.dot(w) / mass;
  x.rowwise() -= mean.transpose();
  const MatrixXd scaled = w.cwiseSqrt().asDiagonal() * x;
  MatrixXd gram = MatrixXd::Zero(width, width);
  gram.selfadjointView<Eigen::Lower>().rankUpdate(scaled.transpose());
  const VectorXd diagonal = gram.diagonal();
  gram.diagonal().array() += l2;
  const Eigen::LLT<MatrixXd, Eigen::Lower> factor(gram);
  constexpr double dependent = 1e-7;  // of a pivot, against the root of its own square
  for (Index k = 0; k < width; ++k)
    if (factor.info() != Eigen::Success || !(factor.matrixLLT()(k, k) > dependent * std::sqrt(diagonal(k) + l2)))
      return Error(ErrorCode::bad_value, "features depend on one another and the penalty is too small to part them", "Raise the penalty, or leave out repeated columns.");
  PLIMSOLL_CHECK(context.stop.check());
  const VectorXd slope = factor.solve(x.transpose() * (w.array() * (y.array() - level)).matrix());
  const MatrixXd half = factor.matrixL().solve(x.transpose());
  const VectorXd fitted = x * slope;
  std::vector<double> out(static_cast<std::size_t>(rows));
  for (Index i = 0; i < rows; ++i) {
    const double leverage = w(i) * (1 / mass + half.col(i).squaredNorm());
    const auto row = static_cast<std::size_t>(i);
    out[row] = 1 - leverage > own_fit ? (level + fitted(i) - leverage * y(i)) / (1 - leverage) : mean_of_others(targets, weights, row);
  }
  return out;
}

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
// H = X' D X + l2 I (the intercept without penalty), D = weight p (1 - p); covariance H^-1 by a Cholesky factor. Blocks of 4,096
// rows, their parts added in block order (class B).
#include "learn/logistic_inference.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace plimsoll::learn {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using Index = Eigen::Index;

constexpr Index widest = 1000;

void add_block(const LogisticModel& model, const Design& design, std::span<const double> weights, std::int64_t begin, std::int64_t end, MatrixXd& hessian) {
  const Index width = static_cast<Index>(model.width);
  MatrixXd x(end - begin, width + 1);
  design.fill(begin, end, x.data());
  x.col(width).setOnes();
  VectorXd theta(width + 1);
  for (Index j = 0; j < width; ++j) theta(j) = model.coefficients[static_cast<std::size_t>(j)];
  theta(width) = model.intercepts[0];
  const VectorXd score = x * theta;
  for (Index i = 0; i < x.rows(); ++i) {
    const double p = sigmoid(score(i));
    const double weight = weights.empty() ? 1.0 : weights[static_cast<std::size_t>(begin + i)];
    x.row(i) *= std::sqrt(weight * p * (1 - p));
  }
  hessian = MatrixXd::Zero(width + 1, width + 1);
  hessian.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose());
}

}  // namespace

Result<std::vector<double>> logistic_covariance(Context& context, const LogisticModel& model, const Design& design,
                                                std::span<const double> weights, double l2) {
  const Index width = static_cast<Index>(model.width);
  if (model.classes != 2 || width > widest || design.width() != model.width) return std::vector<double>();
  Eigen::setCpuCacheSizes(32 * 1024, 512 * 1024, 4 * 1024 * 1024);  // as the fit does: the order of additions hangs on them
  MatrixXd total = MatrixXd::Zero(width + 1, width + 1);
  const std::int64_t blocks = (design.rows() + block_rows - 1) / block_rows;
  constexpr std::int64_t wave = 16;
  for (std::int64_t first = 0; first < blocks; first += wave) {
    const std::int64_t count = std::min(wave, blocks - first);
    std::vector<MatrixXd> parts(static_cast<std::size_t>(count));
    PLIMSOLL_CHECK(context.runtime.for_each(count, context.stop, [&](std::int64_t i) -> Result<void> {
      const std::int64_t begin = (first + i) * block_rows;
      add_block(model, design, weights, begin, std::min(begin + block_rows, design.rows()), parts[static_cast<std::size_t>(i)]);
      return {};
    }));
    for (const MatrixXd& part : parts) total += part;
  }
  for (Index j = 0; j < width; ++j) total(j, j) += l2;
  const Eigen::LLT<MatrixXd> factor(total.selfadjointView<Eigen::Lower>());
  if (factor.info() != Eigen::Success) return std::vector<double>();
  const MatrixXd inverse = factor.solve(MatrixXd::Identity(width + 1, width + 1));
  if (!inverse.allFinite()) return std::vector<double>();
  return std::vector<double>(inverse.data(), inverse.data() + inverse.size());
}

}  // namespace plimsoll::learn

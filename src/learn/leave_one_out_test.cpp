// SPDX-License-Identifier: Apache-2.0
#include "learn/leave_one_out.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>

#include "base/philox.h"
#include "engine/workspace.h"

namespace plimsoll::learn {
namespace {

// Each row by a plain weighted solve without it.
TEST(LeaveOneOut, RidgeEqualsRefitting) {
  Workspace workspace({.backend = Backend::serial});
  Stream stream(4);
  for (const bool weighted : {false, true}) {
    constexpr std::size_t n = 25;
    constexpr Eigen::Index d = 3;
    std::vector<std::vector<double>> x(d, std::vector<double>(n));
    std::vector<double> y(n), w;
    for (auto& column : x)
      for (double& one : column) one = stream.normal() + 2;
    for (double& one : y) one = stream.normal();
    if (weighted)
      for (std::size_t i = 0; i < n; ++i) w.push_back(i % 5 == 0 ? 0 : stream.exponential());
    const ColumnDesign design(n, {x[0], x[1], x[2]});
    const auto fast = ridge_leave_one_out(workspace.context(), design, y, w, 0.7);
    ASSERT_TRUE(fast.ok()) << fast.error().message();
    for (std::size_t out = 0; out < n; ++out) {
      Eigen::MatrixXd z = Eigen::MatrixXd::Zero(d + 1, d + 1);
      Eigen::VectorXd b = Eigen::VectorXd::Zero(d + 1);
      const auto row = [&](std::size_t i) { return Eigen::Vector4d(x[0][i], x[1][i], x[2][i], 1); };
      for (std::size_t i = 0; i < n; ++i) {
        if (i == out) continue;
        const double one = weighted ? w[i] : 1;
        z += one * row(i) * row(i).transpose();
        b += one * y[i] * row(i);
      }
      for (Eigen::Index k = 0; k < d; ++k) z(k, k) += 0.7;
      EXPECT_NEAR(fast.value()[out], row(out).dot(Eigen::VectorXd(z.ldlt().solve(b))), 1e-10) << out;
    }
  }
}

TEST(LeaveOneOut, RefusesDependentColumns) {
  Workspace workspace({.backend = Backend::serial});
  const std::vector<double> x = {1, 2, 4, 7};
  const ColumnDesign design(4, {x, x});
  EXPECT_EQ(ridge_leave_one_out(workspace.context(), design, x, {}, 0).error().code, ErrorCode::bad_value);
  EXPECT_TRUE(ridge_leave_one_out(workspace.context(), design, x, {}, 1).ok());
}

}  // namespace
}  // namespace plimsoll::learn

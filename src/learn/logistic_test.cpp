// SPDX-License-Identifier: Apache-2.0
#include "learn/logistic.h"

#include <gtest/gtest.h>

#include "engine/workspace.h"
#include "learn/reference_case.h"

namespace plimsoll::learn {
namespace {

Workspace& workspace_of(int threads) {
  static std::map<int, std::unique_ptr<Workspace>> all;
  auto& one = all[threads];
  if (!one) {
    WorkspaceOptions options;
    options.threads = threads;
    one = std::make_unique<Workspace>(options);
  }
  return *one;
}

void expect_near(const std::vector<double>& ours, const std::vector<double>& theirs, double tolerance) {
  ASSERT_EQ(ours.size(), theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], theirs[i], tolerance) << "entry " << i;
}

// scikit-learn 1.9.1, LogisticRegression(C=1/l2, tol=1e-12, solver="newton-cholesky")
TEST(Logistic, BinaryEqualsScikitLearn) {
  const ReferenceCase data = reference_case();
  const ColumnDesign design(120, data.columns());
  Context& context = workspace_of(1).context();
  const auto plain = fit_logistic(context, design, data.y, {}, 2, {});
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(plain->status, FitStatus::converged);
  expect_near(plain->coefficients, {1.436004884858561, -1.3032463281283644, 0.15829300425769813}, 1e-6);
  expect_near(plain->intercepts, {0.6728724754850406}, 1e-6);
  LogisticOptions options;
  options.l2 = 0.1;
  const auto weighted = fit_logistic(context, design, data.y, data.weight, 2, options);
  ASSERT_TRUE(weighted.ok());
  expect_near(weighted->coefficients, {1.9466499609322554, -1.584412492316935, 0.1370733541479157}, 1e-6);
  expect_near(weighted->intercepts, {0.7759379321566919}, 1e-6);
}

// scikit-learn 1.9.1, LogisticRegression(C=1, tol=1e-12, solver="newton-cg")
TEST(Logistic, MultinomialEqualsScikitLearn) {
  const ReferenceCase data = reference_case();
  const ColumnDesign design(120, data.columns());
  const auto fit = fit_logistic(workspace_of(1).context(), design, data.y3, {}, 3, {});
  ASSERT_TRUE(fit.ok());
  EXPECT_EQ(fit->status, FitStatus::converged);
  expect_near(fit->coefficients,
              {0.5865227993679168, -0.12055567734578158, 0.1461354829192956, -0.6490350762698989, 0.6186360514350352,
               -0.04348744477991994, 0.0625122769019819, -0.4980803740892543, -0.1026480381393761}, 1e-6);
  expect_near(fit->intercepts, {0.22920895163816568, -0.3178684238166603, 0.0886594721784971}, 1e-6);
}

struct Simulated {
  std::vector<std::vector<double>> x;
  std::vector<std::int32_t> y;
  std::vector<std::span<const double>> columns() const { return {x.begin(), x.end()}; }
};

Simulated simulate(std::size_t rows, std::size_t width, std::int32_t classes) {
  Simulated data;
  Stream stream(7);
  data.x.assign(width, std::vector<double>(rows));
  for (auto& column : data.x) {
    for (double& value : column) value = stream.normal();
  }
  for (std::size_t i = 0; i < rows; ++i) {
    const double noise = stream.normal();
    const double s = data.x[0][i] - data.x[1][i] + noise;
    data.y.push_back(classes == 2 ? (s > 0 ? 1 : 0) : (s < -0.7 ? 0 : s < 0.7 ? 1 : 2));
  }
  return data;
}

TEST(Logistic, SameBytesAtAnyNumberOfThreads) {
  for (const std::int32_t classes : {2, 3}) {
    const Simulated data = simulate(30000, 6, classes);
    const ColumnDesign design(30000, data.columns());
    const auto one = fit_logistic(workspace_of(1).context(), design, data.y, {}, classes, {});
    ASSERT_TRUE(one.ok());
    EXPECT_EQ(one->status, FitStatus::converged);
    const auto scores = linear_scores(workspace_of(1).context(), *one, design);
    ASSERT_TRUE(scores.ok());
    for (const int threads : {2, 8}) {
      const auto many = fit_logistic(workspace_of(threads).context(), design, data.y, {}, classes, {});
      ASSERT_TRUE(many.ok());
      EXPECT_EQ(one->coefficients, many->coefficients);
      EXPECT_EQ(one->intercepts, many->intercepts);
      EXPECT_EQ(*scores, *linear_scores(workspace_of(threads).context(), *many, design));
    }
  }
}

TEST(Logistic, ConjugateGradientsReachWhatCholeskyReaches) {
  const Simulated narrow = simulate(3000, 4, 2);
  Simulated wide = narrow;
  wide.x.resize(1001, std::vector<double>(3000, 0.0));  // zeros change nothing but the solver
  Context& context = workspace_of(1).context();
  const auto by_cholesky = fit_logistic(context, ColumnDesign(3000, narrow.columns()), narrow.y, {}, 2, {});
  const auto by_gradients = fit_logistic(context, ColumnDesign(3000, wide.columns()), wide.y, {}, 2, {});
  ASSERT_TRUE(by_cholesky.ok() && by_gradients.ok());
  EXPECT_EQ(by_gradients->status, FitStatus::converged);
  for (std::size_t j = 0; j < 4; ++j) EXPECT_NEAR(by_cholesky->coefficients[j], by_gradients->coefficients[j], 1e-7);
}

TEST(Logistic, SeparableRowsConvergeUnderTheRidge) {
  std::vector<double> x;
  std::vector<std::int32_t> y;
  for (int i = -50; i < 50; ++i) {
    x.push_back(i + 0.5);
    y.push_back(i >= 0 ? 1 : 0);
  }
  const auto fit = fit_logistic(workspace_of(1).context(), ColumnDesign(100, {x}), y, {}, 2, {});
  ASSERT_TRUE(fit.ok());
  EXPECT_EQ(fit->status, FitStatus::converged);
  EXPECT_GT(fit->coefficients[0], 0.5);
  EXPECT_LT(fit->coefficients[0], 10);
}

TEST(Logistic, CollinearColumnsWithoutPenaltyStillEnd) {
  const ReferenceCase data = reference_case();
  LogisticOptions options;
  options.l2 = 0;
  const auto fit = fit_logistic(workspace_of(1).context(), ColumnDesign(120, {data.x[0], data.x[0]}), data.y, {}, 2, options);
  ASSERT_TRUE(fit.ok());
  EXPECT_EQ(fit->status, FitStatus::converged);
}

TEST(Logistic, BadInput) {
  const ReferenceCase data = reference_case();
  const ColumnDesign design(120, data.columns());
  Context& context = workspace_of(1).context();
  const std::vector<std::int32_t> ones(120, 1);
  const auto one_class = fit_logistic(context, design, ones, {}, 2, {});
  ASSERT_FALSE(one_class.ok());
  EXPECT_EQ(one_class.error().code, ErrorCode::one_class);
  std::vector<double> weights(120, 1.0);
  weights[7] = -1;
  const auto negative = fit_logistic(context, design, data.y, weights, 2, {});
  ASSERT_FALSE(negative.ok());
  EXPECT_EQ(negative.error().row, 7);
  LogisticModel broken;
  broken.width = 3;
  broken.coefficients = {1, 2};
  broken.intercepts = {0};
  EXPECT_EQ(linear_scores(context, broken, design).error().code, ErrorCode::corrupt_file);
}

TEST(Logistic, StopEndsIt) {
  WorkspaceOptions options;
  options.threads = 2;
  Workspace workspace(options);
  const ReferenceCase data = reference_case();
  workspace.context().stop.request();
  const auto fit = fit_logistic(workspace.context(), ColumnDesign(120, data.columns()), data.y, {}, 2, {});
  ASSERT_FALSE(fit.ok());
  EXPECT_EQ(fit.error().code, ErrorCode::cancelled);
}

TEST(SmallLogistic, AgreesWithTheGeneralOne) {
  const ReferenceCase data = reference_case();
  const std::vector<double> targets(data.y.begin(), data.y.end());
  const std::array<std::span<const double>, 2> features = {data.x[0], data.x[1]};
  SmallLogisticOptions options;
  options.l2 = 1;
  const SmallLogistic small = fit_small_logistic(features, targets, data.weight, options);
  const auto general = fit_logistic(workspace_of(1).context(), ColumnDesign(120, {data.x[0], data.x[1]}), data.y, data.weight, 2, {});
  ASSERT_TRUE(general.ok() && small.converged);
  EXPECT_NEAR(small.beta[0], general->coefficients[0], 1e-8);
  EXPECT_NEAR(small.beta[1], general->coefficients[1], 1e-8);
  EXPECT_NEAR(small.beta[2], general->intercepts[0], 1e-8);
}

TEST(Logistic, SafeFunctionsAtTheEnds) {
  EXPECT_EQ(sigmoid(-800), 0.0);
  EXPECT_EQ(sigmoid(800), 1.0);
  EXPECT_DOUBLE_EQ(log1p_exp(800), 800.0);
  EXPECT_EQ(log1p_exp(-800), 0.0);
  std::vector<std::vector<double>> columns = {{1000, -1000}, {999, -1000}};
  softmax(columns);
  EXPECT_NEAR(columns[0][0], sigmoid(1), 1e-15);
  EXPECT_EQ(columns[1][1], 0.5);
}

TEST(Logistic, BalancedWeightsEvenTheClassesOut) {
  const std::vector<std::int32_t> labels = {0, 0, 0, 1};
  const auto weights = balanced_class_weights(labels, {}, 2);
  EXPECT_DOUBLE_EQ(weights[0] * 3, weights[1]);
  EXPECT_DOUBLE_EQ(weights[0] * 3 + weights[1], 4);
}

}  // namespace
}  // namespace plimsoll::learn

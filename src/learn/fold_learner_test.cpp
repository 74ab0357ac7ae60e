// SPDX-License-Identifier: Apache-2.0
#include "learn/fold_learner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "engine/workspace.h"

namespace plimsoll::learn {
namespace {

struct Made {
  Table table;
  std::vector<double> y;
  std::vector<std::int32_t> label;
  std::vector<std::int64_t> rows;
};

Made made(std::size_t n, double noise) {
  Stream stream(8);
  Made out;
  std::vector<double> a(n), b(n);
  for (std::size_t i = 0; i < n; ++i) {
    a[i] = stream.normal();
    b[i] = stream.normal();
    const double e = noise * stream.normal();
    out.y.push_back(3 + 2 * a[i] - b[i] + e);
    out.label.push_back(out.y.back() > 4 ? 2 : out.y.back() > 2 ? 1 : 0);
  }
  out.table = TableBuilder().real("a", a).real("b", b).build().value();
  out.rows.resize(n);
  std::iota(out.rows.begin(), out.rows.end(), std::int64_t{0});
  return out;
}

double squared_error(const std::vector<double>& p, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) sum += (p[i] - y[i]) * (p[i] - y[i]);
  return sum / static_cast<double>(y.size());
}

TEST(FoldLearner, LinearFindsTheLine) {
  const Made data = made(300, 0);
  Workspace workspace({.backend = Backend::serial});
  LearnerSettings settings;
  settings.l2 = 0;
  const auto model = learn_number(workspace.context(), data.table, {"a", "b"}, data.rows, data.y, settings);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_LT(squared_error(predict(workspace.context(), model.value(), data.table).value().front(), data.y), 1e-20);
}

// Three rows, three unknowns: the line goes through all; l2 = 1e9 leaves the mean.
TEST(FoldLearner, RidgeBetweenTheLineAndTheMean) {
  const Made data = made(300, 1);
  Workspace workspace({.backend = Backend::serial});
  LearnerSettings settings;
  settings.l2 = 0;
  const std::vector<std::int64_t> three = {4, 17, 90};
  const auto through = predict(workspace.context(), learn_number(workspace.context(), data.table, {"a", "b"}, three, data.y, settings).value(), data.table, three).value().front();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(through[i], data.y[static_cast<std::size_t>(three[i])], 1e-9);
  settings.l2 = 1e12;
  const auto flat = predict(workspace.context(), learn_number(workspace.context(), data.table, {"a", "b"}, data.rows, data.y, settings).value(), data.table).value().front();
  EXPECT_NEAR(flat[7], std::accumulate(data.y.begin(), data.y.end(), 0.0) / 300, 1e-6);
}

TEST(FoldLearner, TreesLearnNumbers) {
  const Made data = made(2000, 0.1);
  Workspace workspace({.backend = Backend::serial});
  LearnerSettings settings;
  settings.learner = Learner::trees;
  const auto model = learn_number(workspace.context(), data.table, {"a", "b"}, data.rows, data.y, settings);
  if (!model.ok() && model.error().code == ErrorCode::missing_plugin) GTEST_SKIP() << "XGBoost is not installed";
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_LT(squared_error(predict(workspace.context(), model.value(), data.table).value().front(), data.y), 0.15);
  EXPECT_EQ(model.value().trees->classes, 1);
  EXPECT_TRUE(check(model.value()).ok());
}

TEST(FoldLearner, ClassesSumToOneAndAreMostlyRight) {
  const Made data = made(500, 0.5);
  Workspace workspace({.backend = Backend::serial});
  const auto model = learn_classes(workspace.context(), data.table, {"a", "b"}, data.rows, data.label, 3, LearnerSettings{});
  ASSERT_TRUE(model.ok()) << model.error().message();
  const auto p = predict(workspace.context(), model.value(), data.table).value();
  ASSERT_EQ(p.size(), 3u);
  int right = 0;
  for (std::size_t i = 0; i < 500; ++i) {
    EXPECT_NEAR(p[0][i] + p[1][i] + p[2][i], 1, 1e-12);
    right += p[static_cast<std::size_t>(data.label[i])][i] > 0.5 ? 1 : 0;
  }
  EXPECT_GT(right, 400);
}

// What the augmented solution says of a new row's target is what fitting n + 1 rows says.
TEST(AugmentedRidge, AgreesWithFittingAllRows) {
  Stream stream(4);
  const std::size_t n = 20;
  std::vector<double> x(n * 2), y(n);
  for (double& v : x) v = 5 + stream.normal();
  for (double& v : y) v = stream.normal();
  const std::vector<double> fresh = {4.5, 6.5};
  const AugmentedRidge augmented(x, 2, 0.7);
  std::vector<std::vector<double>> fitted;
  std::vector<double> self;
  const std::vector<std::span<const double>> targets = {y};
  augmented.fit(fresh, targets, fitted, self);
  // n + 1 rows, standardised by their own variance, with the new row's target 2.5.
  std::vector<double> a, b, all = y;
  for (std::size_t i = 0; i < n; ++i) {
    a.push_back(x[2 * i]);
    b.push_back(x[2 * i + 1]);
  }
  a.push_back(fresh[0]);
  b.push_back(fresh[1]);
  all.push_back(2.5);
  const Table table = TableBuilder().real("a", a).real("b", b).build().value();
  std::vector<std::int64_t> rows(n + 1);
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  Workspace workspace({.backend = Backend::serial});
  LearnerSettings settings;
  settings.l2 = 0.7;
  const auto direct = predict(workspace.context(), learn_number(workspace.context(), table, {"a", "b"}, rows, all, settings).value(), table).value().front();
  for (std::size_t i = 0; i <= n; ++i) EXPECT_NEAR(fitted[0][i] + 2.5 * self[i], direct[i], 1e-9);
}

}  // namespace
}  // namespace plimsoll::learn

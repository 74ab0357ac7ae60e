// SPDX-License-Identifier: Apache-2.0
#include "learn/one_vs_rest.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "engine/workspace.h"
#include "learn/logistic.h"

namespace plimsoll::learn {
namespace {

struct Drawn {
  SparseRows rows;
  std::vector<std::vector<double>> dense;  // by column
  std::vector<std::uint8_t> labels;        // three a row; the last is never 1
};

Drawn drawn(std::size_t count, std::size_t width) {
  Drawn out;
  out.rows.width = static_cast<std::int64_t>(width);
  out.dense.resize(width, std::vector<double>(count));
  Stream stream(4);
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < width; ++j) {
      if (!stream.bernoulli(0.3)) continue;
      const double value = 1 + stream.uniform();
      out.dense[j][i] = value;
      sum += j % 2 == 0 ? value : -value;
      out.rows.columns.push_back(static_cast<std::int32_t>(j));
      out.rows.values.push_back(value);
    }
    out.rows.offsets.push_back(static_cast<std::int64_t>(out.rows.columns.size()));
    const double first = stream.uniform();
    const double second = stream.uniform();
    out.labels.insert(out.labels.end(), {static_cast<std::uint8_t>(first < sigmoid(sum)), static_cast<std::uint8_t>(second < 0.3), 0});
  }
  return out;
}

// The same problem by forming the Hessian: learn/logistic.h.
TEST(OneVsRest, AgreesWithTheDenseSolver) {
  const Drawn data = drawn(300, 12);
  Workspace workspace({.backend = Backend::tbb, .threads = 2});
  std::vector<std::int64_t> all(300);
  std::iota(all.begin(), all.end(), std::int64_t{0});
  OneVsRestOptions options;
  options.l2 = 0.5;
  options.tolerance = 1e-8;
  const auto found = fit_one_vs_rest(workspace.context(), data.rows, data.labels, 3, all, options);
  ASSERT_TRUE(found.ok()) << found.error().message();
  const OneVsRest& model = found.value();
  EXPECT_EQ(model.constant, std::vector<std::int64_t>{2});
  EXPECT_TRUE(model.unfinished.empty());
  EXPECT_TRUE(check(model).ok());
  std::vector<std::span<const double>> columns(data.dense.begin(), data.dense.end());
  const ColumnDesign design(300, columns);
  for (std::size_t label = 0; label < 2; ++label) {
    std::vector<std::int32_t> y;
    for (std::size_t i = 0; i < 300; ++i) y.push_back(data.labels[3 * i + label]);
    LogisticOptions dense;
    dense.l2 = 0.5;
    const auto reference = fit_logistic(workspace.context(), design, y, {}, 2, dense).value();
    for (std::size_t j = 0; j < 12; ++j) EXPECT_NEAR(model.coefficients[label * 12 + j], reference.coefficients[j], 1e-6);
    EXPECT_NEAR(model.intercepts[label], reference.intercepts[0], 1e-6);
  }
  const std::vector<double> p = probabilities(model, data.rows);
  EXPECT_NEAR(p[2], 1.0 / 302, 1e-12);  // a constant label: (0 + 1) / (300 + 2)
  double sum = 0;
  for (std::size_t i = 0; i < 300; ++i) sum += p[3 * i] - data.labels[3 * i];
  EXPECT_NEAR(sum, 0, 1e-5);            // the unpenalised intercept
}

TEST(OneVsRest, SameBytesAtAnyThreads) {
  const Drawn data = drawn(200, 9);
  std::vector<std::int64_t> chosen(150);
  std::iota(chosen.begin(), chosen.end(), std::int64_t{20});
  Workspace one({.backend = Backend::serial});
  Workspace many({.backend = Backend::tbb, .threads = 4});
  const auto first = fit_one_vs_rest(one.context(), data.rows, data.labels, 3, chosen, {}).value();
  const auto second = fit_one_vs_rest(many.context(), data.rows, data.labels, 3, chosen, {}).value();
  EXPECT_EQ(first.coefficients, second.coefficients);
  EXPECT_EQ(first.intercepts, second.intercepts);
  EXPECT_EQ(fit_one_vs_rest(one.context(), data.rows, data.labels, 3, {}, {}).error().code, ErrorCode::too_few_rows);
  OneVsRest broken = first;
  broken.intercepts.pop_back();
  EXPECT_EQ(check(broken).error().code, ErrorCode::corrupt_file);
}

}  // namespace
}  // namespace plimsoll::learn

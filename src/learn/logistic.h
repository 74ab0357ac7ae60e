// SPDX-License-Identifier: Apache-2.0
#pragma once

// L2-penalised logistic regression, binary and multinomial, by damped Newton steps (iteratively reweighted least squares).
// Minimises sum_i w_i loss_i + l2/2 |coefficients|^2; the intercept carries no penalty, so scikit-learn's C is 1 / l2.
// Class B: plain arithmetic inside blocks of 4,096 rows, block totals added in block order.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "learn/feature_encoder.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::learn {

// A design matrix that is never whole in memory: rows are made block by block, as often as the solver passes over them.
class Design {
 public:
  virtual ~Design() = default;
  virtual std::int64_t rows() const = 0;
  virtual std::int64_t width() const = 0;
  // Column-major: out[column * (end - begin) + row]; called from many threads.
  virtual void fill(std::int64_t begin, std::int64_t end, double* out) const = 0;
};

class FeatureDesign final : public Design {
 public:
  explicit FeatureDesign(const BoundFeatures& features) : features_(features) {}
  std::int64_t rows() const override { return features_.rows(); }
  std::int64_t width() const override { return features_.encoder().linear_width(); }
  void fill(std::int64_t begin, std::int64_t end, double* out) const override { features_.fill_linear(begin, end, out); }

 private:
  BoundFeatures features_;
};

// Columns that stand in memory already.
class ColumnDesign final : public Design {
 public:
  ColumnDesign(std::int64_t rows, std::vector<std::span<const double>> columns) : rows_(rows), columns_(std::move(columns)) {}
  std::int64_t rows() const override { return rows_; }
  std::int64_t width() const override { return static_cast<std::int64_t>(columns_.size()); }
  void fill(std::int64_t begin, std::int64_t end, double* out) const override;

 private:
  std::int64_t rows_;
  std::vector<std::span<const double>> columns_;
};

struct LogisticOptions {
  double l2 = 1.0;
  std::int64_t max_iterations = 100;
  double tolerance = 1e-9;  // on the largest gradient entry divided by the sum of weights
};

enum class FitStatus : std::uint8_t { converged, no_progress, iteration_limit };
std::span<const std::string_view> choices_of(FitStatus);

struct LogisticModel {
  std::int64_t classes = 2;
  std::int64_t width = 0;
  std::vector<double> coefficients;  // binary: width; else classes x width, row-major
  std::vector<double> intercepts;    // binary: 1; else classes, summing to zero
  FitStatus status = FitStatus::converged;
  std::int64_t iterations = 0;
  double gradient_norm = 0;
  double objective = 0;
};
void describe(Fields& f, LogisticModel& model);
// Sizes and finiteness; for models read from artifacts.
Result<void> check(const LogisticModel& model);

// labels in [0, classes); weights empty or one per row, finite and >= 0 with a positive sum. `one_class` if a class has no
// weight; `cancelled` between passes. Not converging is a status, not an error.
Result<LogisticModel> fit_logistic(Context& context, const Design& design, std::span<const std::int32_t> labels,
                                   std::span<const double> weights, std::int64_t classes, const LogisticOptions& options);

// Log-odds: binary one column (of class 1), else `classes` columns of linear scores (softmax gives probabilities).
Result<std::vector<std::vector<double>>> linear_scores(Context& context, const LogisticModel& model, const Design& design);

// n / (classes x count of class): what makes every class weigh the same.
std::vector<double> balanced_class_weights(std::span<const std::int32_t> labels, std::span<const double> weights, std::int64_t classes);

// exp-safe helpers that every compiler evaluates alike.
double sigmoid(double log_odds);
double log1p_exp(double x);  // ln(1 + e^x)
// In place: rows x columns of scores become probabilities.
void softmax(std::vector<std::vector<double>>& columns);

// Logistic regression on at most two features with targets anywhere in [0, 1]: what Platt and beta calibration need.
struct SmallLogistic {
  std::array<double, 3> beta{};        // slopes, then (last) the intercept; unused entries are zero
  std::array<double, 9> covariance{};  // inverse Hessian in the same order
  double loss = 0;                     // weighted sum, without penalty
  bool converged = false;
  std::int64_t iterations = 0;
};
struct SmallLogisticOptions {
  double l2 = 0;             // on the slopes
  bool intercept = true;
  std::int64_t max_iterations = 100;
  std::array<double, 3> start{};  // where Newton's steps begin
};
SmallLogistic fit_small_logistic(std::span<const std::span<const double>> features, std::span<const double> targets,
                                 std::span<const double> weights, const SmallLogisticOptions& options);

}  // namespace plimsoll::learn

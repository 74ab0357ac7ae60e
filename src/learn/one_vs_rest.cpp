// SPDX-License-Identifier: Apache-2.0
#include "learn/one_vs_rest.h"

#include <algorithm>
#include <cmath>

#include "base/runtime.h"
#include "engine/fields.h"
#include "learn/logistic.h"

namespace plimsoll::learn {
namespace {

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += a[j] * b[j];
  return sum;
}

// One label's objective. The last entry of a vector of parameters is the intercept.
class Problem {
 public:
  Problem(const SparseRows& rows, std::span<const std::int64_t> chosen, std::span<const std::uint8_t> labels, std::int64_t count, std::int64_t label, double l2)
      : rows_(rows), chosen_(chosen), l2_(l2), width_(static_cast<std::size_t>(rows.width)), y_(chosen.size()), margin_(chosen.size()), bend_(chosen.size()) {
    for (std::size_t i = 0; i < chosen.size(); ++i) y_[i] = labels[static_cast<std::size_t>(chosen[i] * count + label)];
  }
  std::size_t size() const { return width_ + 1; }
  double ones() const {
    double sum = 0;
    for (const double y : y_) sum += y;
    return sum;
  }

  double value(const std::vector<double>& w) {
    double sum = 0;
    for (std::size_t i = 0; i < y_.size(); ++i) {
      margin_[i] = along(i, w);
      sum += log1p_exp(margin_[i]) - y_[i] * margin_[i];
    }
    return sum + 0.5 * l2_ * penalised(w, w);
  }
  // Of the point whose value was asked for last.
  std::vector<double> gradient(const std::vector<double>& w) {
    std::vector<double> g(size());
    for (std::size_t i = 0; i < y_.size(); ++i) {
      const double p = sigmoid(margin_[i]);
      bend_[i] = p * (1 - p);
      spread(i, p - y_[i], g);
    }
    for (std::size_t j = 0; j < width_; ++j) g[j] += l2_ * w[j];
    return g;
  }
  std::vector<double> hessian_times(const std::vector<double>& s) const {
    std::vector<double> h(size());
    for (std::size_t i = 0; i < y_.size(); ++i) spread(i, bend_[i] * along(i, s), h);
    for (std::size_t j = 0; j < width_; ++j) h[j] += l2_ * s[j];
    return h;
  }

 private:
  double along(std::size_t i, const std::vector<double>& w) const {
    double sum = w[width_];
    const auto row = static_cast<std::size_t>(chosen_[i]);
    for (auto k = static_cast<std::size_t>(rows_.offsets[row]); k < static_cast<std::size_t>(rows_.offsets[row + 1]); ++k) sum += rows_.values[k] * w[static_cast<std::size_t>(rows_.columns[k])];
    return sum;
  }
  void spread(std::size_t i, double amount, std::vector<double>& out) const {
    out[width_] += amount;
    const auto row = static_cast<std::size_t>(chosen_[i]);
    for (auto k = static_cast<std::size_t>(rows_.offsets[row]); k < static_cast<std::size_t>(rows_.offsets[row + 1]); ++k) out[static_cast<std::size_t>(rows_.columns[k])] += rows_.values[k] * amount;
  }
  double penalised(const std::vector<double>& a, const std::vector<double>& b) const {
    double sum = 0;
    for (std::size_t j = 0; j < width_; ++j) sum += a[j] * b[j];
    return sum;
  }

  const SparseRows& rows_;
  std::span<const std::int64_t> chosen_;
  double l2_;
  std::size_t width_;
  std::vector<double> y_, margin_, bend_;
};

// Newton's direction to a tenth of the gradient or better, by conjugate gradients.
std::vector<double> direction(const Problem& problem, const std::vector<double>& gradient) {
  const double norm = std::sqrt(dot(gradient, gradient));
  const double enough = std::min(0.1, std::sqrt(norm)) * norm;
  std::vector<double> step(gradient.size()), residual(gradient.size());
  for (std::size_t j = 0; j < gradient.size(); ++j) residual[j] = -gradient[j];
  std::vector<double> along = residual;
  double square = dot(residual, residual);
  for (int iteration = 0; iteration < 250 && std::sqrt(square) > enough; ++iteration) {
    const std::vector<double> bent = problem.hessian_times(along);
    const double bend = dot(along, bent);
    if (!(bend > 0)) break;
    const double length = square / bend;
    for (std::size_t j = 0; j < step.size(); ++j) {
      step[j] += length * along[j];
      residual[j] -= length * bent[j];
    }
    const double next = dot(residual, residual);
    for (std::size_t j = 0; j < step.size(); ++j) along[j] = residual[j] + next / square * along[j];
    square = next;
  }
  return step;
}

// True if the tolerance was met.
Result<bool> minimise(const StopToken& stop, Problem& problem, const OneVsRestOptions& options, std::vector<double>& w) {
  double value = problem.value(w);
  std::vector<double> gradient = problem.gradient(w);
  const double goal = options.tolerance * std::sqrt(dot(gradient, gradient));
  for (std::int64_t iteration = 0; iteration < options.max_iterations; ++iteration) {
    PLIMSOLL_CHECK(stop.check());
    if (std::sqrt(dot(gradient, gradient)) <= goal) return true;
    const std::vector<double> step = direction(problem, gradient);
    const double slope = dot(gradient, step);
    double length = 1;
    std::vector<double> next(w.size());
    double better = 0;
    for (int halvings = 0;; ++halvings, length /= 2) {
      for (std::size_t j = 0; j < w.size(); ++j) next[j] = w[j] + length * step[j];
      better = problem.value(next);
      if (better <= value + 1e-4 * length * slope) break;
      if (halvings == 40) return std::sqrt(dot(gradient, gradient)) <= 10 * goal;  // rounding is all that is left
    }
    w = next;
    value = better;
    gradient = problem.gradient(w);
  }
  return std::sqrt(dot(gradient, gradient)) <= goal;
}

}  // namespace

SparseRows sparse_rows(const BoundFeatures& features) {
  SparseRows sparse;
  sparse.width = features.encoder().linear_width();
  const auto width = static_cast<std::size_t>(sparse.width);
  constexpr std::int64_t piece = 256;
  for (std::int64_t begin = 0; begin < features.rows(); begin += piece) {
    const std::int64_t end = std::min(begin + piece, features.rows());
    const auto count = static_cast<std::size_t>(end - begin);
    std::vector<double> block(width * count);
    features.fill_linear(begin, end, block.data());
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        const double value = block[j * count + i];
        if (value == 0) continue;
        sparse.columns.push_back(static_cast<std::int32_t>(j));
        sparse.values.push_back(value);
      }
      sparse.offsets.push_back(static_cast<std::int64_t>(sparse.columns.size()));
    }
  }
  return sparse;
}

void describe(Fields& f, OneVsRest& m) {
  f({"width", "features", at_least(0)}, m.width);
  f.tensor({"coefficients", "labels x features"}, m.coefficients);
  f.tensor({"intercepts", "one a label"}, m.intercepts);
  f({"constant", "labels that had one value in learning"}, m.constant);
  f({"unfinished", "labels whose fit stopped early"}, m.unfinished);
}

Result<void> check(const OneVsRest& model) {
  const auto finite = [](const std::vector<double>& all) { return std::all_of(all.begin(), all.end(), [](double x) { return std::isfinite(x); }); };
  const std::size_t count = model.intercepts.size();
  const bool sizes = model.width >= 0 && model.width < (std::int64_t{1} << 31) && model.coefficients.size() == count * static_cast<std::size_t>(model.width);
  if (sizes && finite(model.coefficients) && finite(model.intercepts)) return {};
  return Error(ErrorCode::corrupt_file, "the coefficients of the model do not fit together", "Fit the model again.");
}

Result<OneVsRest> fit_one_vs_rest(Context& context, const SparseRows& rows, std::span<const std::uint8_t> labels, std::int64_t count, std::span<const std::int64_t> chosen, const OneVsRestOptions& options) {
  if (chosen.empty()) return Error(ErrorCode::too_few_rows, "there is no row to learn from", "Give training rows.");
  OneVsRest model;
  model.width = rows.width;
  const auto width = static_cast<std::size_t>(rows.width);
  model.coefficients.resize(static_cast<std::size_t>(count) * width);
  model.intercepts.resize(static_cast<std::size_t>(count));
  std::vector<char> constant(static_cast<std::size_t>(count)), unfinished(static_cast<std::size_t>(count));
  PLIMSOLL_CHECK(context.runtime.for_each(count, context.stop, [&](std::int64_t label) -> Result<void> {
    const auto at = static_cast<std::size_t>(label);
    Problem problem(rows, chosen, labels, count, label, options.l2);
    const double ones = problem.ones();
    const auto n = static_cast<double>(chosen.size());
    std::vector<double> w(problem.size());
    w.back() = std::log((ones + 1) / (n - ones + 1));
    constant[at] = ones == 0 || ones == n;
    if (constant[at] == 0) {
      PLIMSOLL_TRY(const bool done, minimise(context.stop, problem, options, w));
      unfinished[at] = !done;
    }
    std::copy_n(w.begin(), width, model.coefficients.begin() + static_cast<std::ptrdiff_t>(at * width));
    model.intercepts[at] = w.back();
    return {};
  }));
  for (std::int64_t label = 0; label < count; ++label) {
    if (constant[static_cast<std::size_t>(label)] != 0) model.constant.push_back(label);
    if (unfinished[static_cast<std::size_t>(label)] != 0) model.unfinished.push_back(label);
  }
  return model;
}

std::vector<double> probabilities(const OneVsRest& model, const SparseRows& rows) {
  const std::size_t count = model.intercepts.size();
  const auto width = static_cast<std::size_t>(model.width);
  std::vector<double> out(rows.rows() * count);
  for (std::size_t i = 0; i < rows.rows(); ++i)
    for (std::size_t label = 0; label < count; ++label) {
      double sum = model.intercepts[label];
      const double* w = model.coefficients.data() + label * width;
      for (auto k = static_cast<std::size_t>(rows.offsets[i]); k < static_cast<std::size_t>(rows.offsets[i + 1]); ++k) sum += rows.values[k] * w[static_cast<std::size_t>(rows.columns[k])];
      out[i * count + label] = sigmoid(sum);
    }
  return out;
}

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
// With z = W s + c, p = softmax(z): gradient of a row's loss in z is p - e_y; along a direction v with z' = W' s + c' the second
// derivative in z is p z' - p (p . z'). Both come back to the parameters by the same adjoint. The loss is convex, so a step of
// conjugate gradients (Jacobi preconditioned, to a tenth of the gradient, tighter near the end) with halving always ends.
// Departure: a ridge of 1e-9 on everything that carries no penalty, which picks one of the equal solutions of softmax.
#include "learn/softmax_map.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/fields.h"

namespace plimsoll::learn {
namespace {

constexpr std::array<std::string_view, 4> form_names = {"temperature", "bias_temperature", "vector", "dirichlet"};
constexpr double ridge = 1e-9;

using Vector = std::vector<double>;

class Problem {
 public:
  Problem(Context& context, SoftmaxForm form, std::span<const double> scores, std::size_t classes, std::span<const std::int32_t> labels, std::span<const double> weights, const SoftmaxOptions& options)
      : context_(context), form_(form), scores_(scores), k_(classes), labels_(labels), weights_(weights), options_(options), p_(scores.size()) {
    for (std::size_t i = 0; i < labels.size(); ++i) mass_ += weight(i);
  }
  std::size_t slopes() const { return form_ == SoftmaxForm::dirichlet ? k_ * k_ : form_ == SoftmaxForm::vector ? k_ : 1; }
  std::size_t size() const { return slopes() + (form_ == SoftmaxForm::temperature ? 0 : k_); }

  // Mean loss; fills the probabilities and the gradient. `plain` is the loss without penalties.
  Result<double> evaluate(const Vector& theta, Vector& gradient, double& plain) {
    std::vector<double> losses;
    PLIMSOLL_CHECK(over_blocks(gradient, losses, [&](std::size_t i, double* work, double* sum) {
      forward(theta, i, work);
      double* p = p_.data() + i * k_;
      double most = work[0];
      for (std::size_t c = 1; c < k_; ++c) most = std::max(most, work[c]);
      double total = 0;
      for (std::size_t c = 0; c < k_; ++c) {
        p[c] = std::exp(work[c] - most);
        total += p[c];
      }
      for (std::size_t c = 0; c < k_; ++c) p[c] /= total;
      const auto y = static_cast<std::size_t>(labels_[i]);
      const double w = weight(i) / mass_;
      const double loss = w * (most + std::log(total) - work[y]);
      for (std::size_t c = 0; c < k_; ++c) work[c] = w * (p[c] - (c == y ? 1 : 0));
      backward(i, work, sum);
      return loss;
    }));
    plain = 0;
    for (const double loss : losses) plain += loss;
    double penalty = 0;
    for (std::size_t j = 0; j < theta.size(); ++j) {
      penalty += 0.5 * curvature(j) * theta[j] * theta[j];
      gradient[j] += curvature(j) * theta[j];
    }
    return plain + penalty;
  }

  // Second derivative along v, at the probabilities of the last evaluation.
  Result<void> product(const Vector& v, Vector& out) {
    std::vector<double> ignored;
    PLIMSOLL_CHECK(over_blocks(out, ignored, [&](std::size_t i, double* work, double* sum) {
      forward(v, i, work);
      bend(i, work);
      backward(i, work, sum);
      return 0.0;
    }));
    for (std::size_t j = 0; j < v.size(); ++j) out[j] += curvature(j) * v[j];
    return {};
  }

  Result<void> diagonal(Vector& out) {
    std::vector<double> ignored;
    PLIMSOLL_CHECK(over_blocks(out, ignored, [&](std::size_t i, double*, double* sum) {
      const double* p = p_.data() + i * k_;
      const double* s = scores_.data() + i * k_;
      const double w = weight(i) / mass_;
      double mean = 0, square = 0;
      for (std::size_t c = 0; c < k_; ++c) {
        mean += p[c] * s[c];
        square += p[c] * s[c] * s[c];
        const double v = w * p[c] * (1 - p[c]);
        if (form_ != SoftmaxForm::temperature) sum[slopes() + c] += v;
        if (form_ == SoftmaxForm::vector) sum[c] += v * s[c] * s[c];
        if (form_ == SoftmaxForm::dirichlet)
          for (std::size_t d = 0; d < k_; ++d) sum[c * k_ + d] += v * s[d] * s[d];
      }
      if (slopes() == 1) sum[0] += w * (square - mean * mean);
      return 0.0;
    }));
    for (std::size_t j = 0; j < out.size(); ++j) out[j] += curvature(j);
    return {};
  }

  double mass() const { return mass_; }

 private:
  double weight(std::size_t i) const { return weights_.empty() ? 1 : weights_[i]; }

  double curvature(std::size_t j) const {
    if (form_ != SoftmaxForm::dirichlet) return slopes() == 1 && j == 0 ? 0 : ridge;
    const auto k = static_cast<double>(k_);
    if (j >= slopes()) return 2 * options_.offset / k + ridge;
    return (j / k_ == j % k_ ? 0 : 2 * options_.off_diagonal / (k * (k - 1))) + ridge;
  }

  void forward(const Vector& theta, std::size_t i, double* z) const {
    const double* s = scores_.data() + i * k_;
    const double* c0 = theta.data() + slopes();
    for (std::size_t c = 0; c < k_; ++c) {
      double value = form_ == SoftmaxForm::temperature ? 0 : c0[c];
      if (form_ == SoftmaxForm::dirichlet) {
        const double* row = theta.data() + c * k_;
        for (std::size_t d = 0; d < k_; ++d) value += row[d] * s[d];
      } else {
        value += theta[form_ == SoftmaxForm::vector ? c : 0] * s[c];
      }
      z[c] = value;
    }
  }
  void bend(std::size_t i, double* z) const {
    const double* p = p_.data() + i * k_;
    double mean = 0;
    for (std::size_t c = 0; c < k_; ++c) mean += p[c] * z[c];
    const double w = weight(i) / mass_;
    for (std::size_t c = 0; c < k_; ++c) z[c] = w * p[c] * (z[c] - mean);
  }
  void backward(std::size_t i, const double* g, double* sum) const {
    const double* s = scores_.data() + i * k_;
    for (std::size_t c = 0; c < k_; ++c) {
      if (form_ != SoftmaxForm::temperature) sum[slopes() + c] += g[c];
      if (form_ == SoftmaxForm::dirichlet) {
        double* row = sum + c * k_;
        for (std::size_t d = 0; d < k_; ++d) row[d] += g[c] * s[d];
      } else {
        sum[form_ == SoftmaxForm::vector ? c : 0] += g[c] * s[c];
      }
    }
  }

  template <class Row>
  Result<void> over_blocks(Vector& out, std::vector<double>& losses, const Row& row) {
    const auto rows = static_cast<std::int64_t>(labels_.size());
    const auto blocks = static_cast<std::size_t>((rows + block_rows - 1) / block_rows);
    std::vector<Vector> sums(blocks);
    losses.assign(blocks, 0.0);
    PLIMSOLL_CHECK(context_.runtime.for_each_block(rows, context_.stop, [&](std::int64_t block, std::int64_t begin, std::int64_t end) -> Result<void> {
      Vector sum(size(), 0.0), work(k_);
      double loss = 0;
      for (std::int64_t i = begin; i < end; ++i) loss += row(static_cast<std::size_t>(i), work.data(), sum.data());
      sums[static_cast<std::size_t>(block)] = std::move(sum);
      losses[static_cast<std::size_t>(block)] = loss;
      return {};
    }));
    out.assign(size(), 0.0);
    for (const Vector& sum : sums)
      for (std::size_t j = 0; j < out.size(); ++j) out[j] += sum[j];
    return {};
  }

  Context& context_;
  SoftmaxForm form_;
  std::span<const double> scores_;
  std::size_t k_;
  std::span<const std::int32_t> labels_;
  std::span<const double> weights_;
  SoftmaxOptions options_;
  Vector p_;
  double mass_ = 0;
};

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += a[j] * b[j];
  return sum;
}

double largest(const Vector& v) {
  double most = 0;
  for (const double x : v) most = std::max(most, std::fabs(x));
  return most;
}

// Solves H d = -g to the precision that this stage of Newton deserves.
Result<Vector> newton_step(Problem& problem, const Vector& gradient) {
  Vector scale, product;
  PLIMSOLL_CHECK(problem.diagonal(scale));
  for (double& x : scale) x = x > 0 ? x : 1;
  Vector step(gradient.size(), 0.0), rest(gradient.size()), guide(gradient.size());
  for (std::size_t j = 0; j < rest.size(); ++j) {
    rest[j] = -gradient[j];
    guide[j] = rest[j] / scale[j];
  }
  Vector direction = guide;
  double power = dot(rest, guide);
  const double goal = power * std::min(0.01, std::max(1e-8, largest(gradient)));
  for (std::size_t iteration = 0; iteration < 2 * gradient.size() + 20 && power > goal && power > 0; ++iteration) {
    PLIMSOLL_CHECK(problem.product(direction, product));
    const double bend = dot(direction, product);
    if (!(bend > 0)) break;
    const double length = power / bend;
    for (std::size_t j = 0; j < step.size(); ++j) {
      step[j] += length * direction[j];
      rest[j] -= length * product[j];
      guide[j] = rest[j] / scale[j];
    }
    const double next = dot(rest, guide);
    for (std::size_t j = 0; j < step.size(); ++j) direction[j] = guide[j] + next / power * direction[j];
    power = next;
  }
  return step;
}

Result<void> check_rows(std::span<const double> scores, std::int64_t classes, std::span<const std::int32_t> labels, std::span<const double> weights) {
  std::vector<double> mass(static_cast<std::size_t>(classes), 0.0);
  if (scores.size() != labels.size() * mass.size() || (!weights.empty() && weights.size() != labels.size())) return Error(ErrorCode::internal, "scores, labels and weights differ in number", "Report this.");
  if (labels.empty()) return Error(ErrorCode::too_few_rows, "there are no rows for calibration", "Give rows with labels.");
  for (std::size_t i = 0; i < labels.size(); ++i) mass[static_cast<std::size_t>(labels[i])] += weights.empty() ? 1 : weights[i];
  const auto absent = std::find_if(mass.begin(), mass.end(), [](double m) { return !(m > 0); });
  if (absent != mass.end()) return Error(ErrorCode::one_class, "class " + std::to_string(absent - mass.begin()) + " has no row for calibration", "Give more rows for calibration, with cases of each class.");
  return {};
}

}  // namespace

std::span<const std::string_view> choices_of(SoftmaxForm) { return form_names; }

void describe(Fields& f, SoftmaxMap& map) {
  f({"form", "kind of map"}, map.form);
  f({"classes", "classes", at_least(0)}, map.classes);
  f.tensor({"weights", "factors of the scores"}, map.weights);
  f.tensor({"offsets", "added to the scores"}, map.offsets);
  f({"slope_error", "standard error of a single factor", at_least(0)}, map.slope_error);
  f({"loss", "mean log loss on the rows learned from"}, map.loss);
  f({"converged", "the gradient is as small as asked"}, map.converged);
  f({"iterations", "Newton's steps", at_least(0)}, map.iterations);
}

Result<void> check(const SoftmaxMap& map) {
  const auto k = static_cast<std::size_t>(std::max<std::int64_t>(0, map.classes));
  const std::size_t slopes = map.form == SoftmaxForm::dirichlet ? k * k : map.form == SoftmaxForm::vector ? k : 1;
  bool good = k >= 2 && k <= 100000 && map.weights.size() == slopes && map.offsets.size() == (map.form == SoftmaxForm::temperature ? 0 : k);
  for (const double x : map.weights) good = good && std::isfinite(x);
  for (const double x : map.offsets) good = good && std::isfinite(x);
  if (good) return {};
  return Error(ErrorCode::corrupt_file, "the calibration map does not fit the classes", "Fit the model again.");
}

void SoftmaxMap::apply(std::span<const double> scores, std::span<double> out) const {
  const std::size_t k = scores.size();
  std::vector<double> z(k);
  double most = -HUGE_VAL;
  for (std::size_t c = 0; c < k; ++c) {
    double value = offsets.empty() ? 0 : offsets[c];
    if (form == SoftmaxForm::dirichlet) {
      for (std::size_t d = 0; d < k; ++d) value += weights[c * k + d] * scores[d];
    } else {
      value += weights[form == SoftmaxForm::vector ? c : 0] * scores[c];
    }
    z[c] = value;
    most = std::max(most, value);
  }
  double sum = 0;
  for (std::size_t c = 0; c < k; ++c) {
    out[c] = std::exp(z[c] - most);
    sum += out[c];
  }
  for (std::size_t c = 0; c < k; ++c) out[c] /= sum;
}

Result<SoftmaxMap> fit_softmax(Context& context, SoftmaxForm form, std::span<const double> scores, std::int64_t classes,
                               std::span<const std::int32_t> labels, std::span<const double> weights, const SoftmaxOptions& options) {
  PLIMSOLL_CHECK(check_rows(scores, classes, labels, weights));
  const auto k = static_cast<std::size_t>(classes);
  Problem problem(context, form, scores, k, labels, weights, options);
  Vector theta(problem.size(), 0.0), gradient, trial, trial_gradient;
  for (std::size_t j = 0; j < problem.slopes(); ++j) theta[j] = form != SoftmaxForm::dirichlet || j / k == j % k ? 1 : 0;
  SoftmaxMap map;
  map.form = form;
  map.classes = classes;
  double plain = 0;
  PLIMSOLL_TRY(double now, problem.evaluate(theta, gradient, plain));
  bool moved = true;
  while (moved && largest(gradient) > options.tolerance && map.iterations < options.max_iterations) {
    PLIMSOLL_TRY(const Vector step, newton_step(problem, gradient));
    const double slope = dot(step, gradient);
    moved = false;
    for (double length = 1; length > 1e-10 && !moved; length /= 2) {
      trial = theta;
      for (std::size_t j = 0; j < theta.size(); ++j) trial[j] += length * step[j];
      double trial_plain = 0;
      PLIMSOLL_TRY(const double there, problem.evaluate(trial, trial_gradient, trial_plain));
      if (!(there <= now + 1e-4 * length * slope + 1e-15 * std::fabs(now))) continue;
      theta.swap(trial);
      gradient.swap(trial_gradient);
      now = there;
      plain = trial_plain;
      moved = true;
    }
    if (moved) ++map.iterations;
  }
  PLIMSOLL_TRY(now, problem.evaluate(theta, gradient, plain));
  map.converged = largest(gradient) <= 100 * options.tolerance;
  map.loss = plain;
  const auto cut = static_cast<std::ptrdiff_t>(problem.slopes());
  map.weights.assign(theta.begin(), theta.begin() + cut);
  map.offsets.assign(theta.begin() + cut, theta.end());
  if (problem.slopes() == 1) map.weights[0] = std::max(map.weights[0], 1e-3);  // a temperature is above zero, whatever the rows say
  if (!map.offsets.empty()) {
    double mean = 0;
    for (const double c : map.offsets) mean += c / static_cast<double>(k);
    for (double& c : map.offsets) c -= mean;
  }
  if (form == SoftmaxForm::temperature) {
    Vector bend;
    PLIMSOLL_CHECK(problem.diagonal(bend));
    map.slope_error = bend[0] > 0 ? 1 / std::sqrt(bend[0] * problem.mass()) : 0;
  }
  return map;
}

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
// Newton's method on the penalised log likelihood:
//   gradient  X' r + l2 w,            r_ik = weight_i (p_ik - [y_i = k])
//   Hessian   X' D X + l2 I,          binary D = weight p (1 - p); softmax D_kl = weight p_k ([k = l] - p_l)
// Binary problems of up to 1,000 columns factor the Hessian; wider or multinomial ones solve the Newton equation by
// conjugate gradients with products H v = X' (D (X v)), preconditioned by the diagonal. Steps are halved until the
// objective falls (Armijo). Rows are read in blocks of 4,096; block totals are added in block order.
#include "learn/logistic.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <mutex>
#include <utility>

#include "engine/fields.h"
#include "learn/fixed_eigen.h"

namespace plimsoll::learn {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using Index = Eigen::Index;

constexpr std::array<std::string_view, 3> statuses = {"converged", "no_progress", "iteration_limit"};
constexpr Index widest_factored = 1000;

// Buffers that tasks borrow, so that no block allocates.
class Buffers {
 public:
  std::unique_ptr<MatrixXd> take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (free_.empty()) return std::make_unique<MatrixXd>();
    auto one = std::move(free_.back());
    free_.pop_back();
    return one;
  }
  void give(std::unique_ptr<MatrixXd> one) {
    const std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(std::move(one));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<MatrixXd>> free_;
};

struct Problem {
  Context& context;
  const Design& design;
  std::span<const std::int32_t> labels;
  std::span<const double> weights;
  Index width;
  Index outputs;  // 1 for two classes
  double l2;
  double mass;    // sum of weights
  Buffers buffers;

  double weight(std::int64_t row) const { return weights.empty() ? 1.0 : weights[static_cast<std::size_t>(row)]; }
};

// Parameters are a (width + 1) x outputs matrix; the last row holds the intercepts.
struct Totals {
  double loss = 0;
  MatrixXd gradient;   // (width + 1) x outputs
  MatrixXd diagonal;   // of the Hessian, same shape
  MatrixXd hessian;    // lower triangle, binary and factored only

  void add(const Totals& other) {
    loss += other.loss;
    gradient += other.gradient;
    if (other.diagonal.size() > 0) diagonal += other.diagonal;
    if (other.hessian.size() > 0) hessian += other.hessian;
  }
};

// Runs block(begin, end, design columns, out) for every block and adds the parts in block order.
template <class Part, class Work>
Result<Part> over_blocks(Problem& problem, Part total, std::int64_t part_bytes, const Work& work) {
  const std::int64_t rows = problem.design.rows();
  const std::int64_t blocks = (rows + block_rows - 1) / block_rows;
  const std::int64_t wave = std::clamp<std::int64_t>((std::int64_t{64} << 20) / std::max<std::int64_t>(part_bytes, 1), 4, 64);
  std::vector<Part> parts;
  for (std::int64_t first = 0; first < blocks; first += wave) {
    const std::int64_t count = std::min(wave, blocks - first);
    parts.assign(static_cast<std::size_t>(count), Part());
    const auto task = [&](std::int64_t i) -> Result<void> {
      const std::int64_t begin = (first + i) * block_rows;
      const std::int64_t end = std::min(begin + block_rows, rows);
      auto columns = problem.buffers.take();
      columns->resize(end - begin, problem.width);
      problem.design.fill(begin, end, columns->data());
      work(begin, *columns, parts[static_cast<std::size_t>(i)]);
      problem.buffers.give(std::move(columns));
      return {};
    };
    PLIMSOLL_CHECK(problem.context.runtime.for_each(count, problem.context.stop, task));
    for (const Part& part : parts) total.add(part);
  }
  return total;
}

MatrixXd scores_of(const MatrixXd& x, const MatrixXd& theta) {
  MatrixXd scores = x * theta.topRows(x.cols());
  scores.rowwise() += theta.row(x.cols());
  return scores;
}

// In place: scores become probabilities; returns the block's loss.
double probabilities_and_loss(const Problem& problem, std::int64_t begin, MatrixXd& scores) {
  double loss = 0;
  for (Index i = 0; i < scores.rows(); ++i) {
    const double weight = problem.weight(begin + i);
    const std::int32_t label = problem.labels[static_cast<std::size_t>(begin + i)];
    if (problem.outputs == 1) {
      const double s = scores(i, 0);
      const double e = std::exp(-std::fabs(s));
      loss += weight * (std::max(s, 0.0) - (label == 1 ? s : 0.0) + std::log1p(e));
      scores(i, 0) = s >= 0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
      continue;
    }
    double largest = scores(i, 0);
    for (Index k = 1; k < scores.cols(); ++k) largest = std::max(largest, scores(i, k));
    const double own = scores(i, label) - largest;
    double sum = 0;
    for (Index k = 0; k < scores.cols(); ++k) {
      scores(i, k) = std::exp(scores(i, k) - largest);
      sum += scores(i, k);
    }
    for (Index k = 0; k < scores.cols(); ++k) scores(i, k) /= sum;
    loss += weight * (std::log(sum) - own);
  }
  return loss;
}

void add_hessian(const MatrixXd& x, const VectorXd& curvature, MatrixXd& hessian) {
  const Index width = x.cols();
  hessian = MatrixXd::Zero(width + 1, width + 1);
  const MatrixXd rooted = curvature.cwiseSqrt().asDiagonal() * x;
  hessian.topLeftCorner(width, width).selfadjointView<Eigen::Lower>().rankUpdate(rooted.transpose());
  hessian.row(width).head(width) = curvature.transpose() * x;
  hessian(width, width) = curvature.sum();
}

void block_totals(const Problem& problem, std::int64_t begin, const MatrixXd& x, const MatrixXd& theta, bool factored,
                  Totals& out) {
  MatrixXd residual = scores_of(x, theta);
  out.loss = probabilities_and_loss(problem, begin, residual);
  MatrixXd curvature(residual.rows(), residual.cols());
  for (Index k = 0; k < residual.cols(); ++k) {
    for (Index i = 0; i < residual.rows(); ++i) {
      const double weight = problem.weight(begin + i);
      const std::int32_t label = problem.labels[static_cast<std::size_t>(begin + i)];
      const double p = residual(i, k);
      curvature(i, k) = weight * p * (1 - p);
      residual(i, k) = weight * (p - ((problem.outputs == 1 ? label == 1 : label == k) ? 1.0 : 0.0));
    }
  }
  out.gradient.resize(x.cols() + 1, residual.cols());
  out.gradient.topRows(x.cols()) = x.transpose() * residual;
  out.gradient.row(x.cols()) = residual.colwise().sum();
  if (factored) {
    add_hessian(x, curvature.col(0), out.hessian);
    return;
  }
  out.diagonal.resize(x.cols() + 1, residual.cols());
  out.diagonal.topRows(x.cols()) = x.cwiseAbs2().transpose() * curvature;
  out.diagonal.row(x.cols()) = curvature.colwise().sum();
}

Result<Totals> evaluate(Problem& problem, const MatrixXd& theta, bool factored) {
  Totals total;
  total.gradient = MatrixXd::Zero(theta.rows(), theta.cols());
  if (factored) total.hessian = MatrixXd::Zero(theta.rows(), theta.rows());
  else total.diagonal = MatrixXd::Zero(theta.rows(), theta.cols());
  const std::int64_t bytes = 8 * (factored ? theta.rows() * theta.rows() : 2 * theta.size());
  const auto work = [&](std::int64_t begin, const MatrixXd& x, Totals& out) {
    block_totals(problem, begin, x, theta, factored, out);
  };
  PLIMSOLL_TRY(total, over_blocks(problem, std::move(total), bytes, work));
  const auto slopes = theta.topRows(problem.width);
  total.loss += 0.5 * problem.l2 * slopes.squaredNorm();
  total.gradient.topRows(problem.width) += problem.l2 * slopes;
  if (factored) total.hessian.diagonal().head(problem.width).array() += problem.l2;
  else total.diagonal.topRows(problem.width).array() += problem.l2;
  return total;
}

struct Product {
  MatrixXd value;
  void add(const Product& other) { value += other.value; }
};

// H v by one pass over the rows.
Result<MatrixXd> hessian_times(Problem& problem, const MatrixXd& theta, const MatrixXd& v) {
  const auto work = [&](std::int64_t begin, const MatrixXd& x, Product& out) {
    MatrixXd p = scores_of(x, theta);
    probabilities_and_loss(problem, begin, p);
    MatrixXd z = scores_of(x, v);
    for (Index i = 0; i < z.rows(); ++i) {
      const double weight = problem.weight(begin + i);
      double mean = 0;
      for (Index k = 0; k < z.cols(); ++k) mean += p(i, k) * z(i, k);
      for (Index k = 0; k < z.cols(); ++k) z(i, k) = weight * p(i, k) * (z(i, k) - mean);
    }
    out.value.resize(theta.rows(), theta.cols());
    out.value.topRows(x.cols()) = x.transpose() * z;
    out.value.row(x.cols()) = z.colwise().sum();
  };
  PLIMSOLL_TRY(Product total, over_blocks(problem, Product{MatrixXd::Zero(theta.rows(), theta.cols())}, 8 * theta.size(), work));
  total.value.topRows(problem.width) += problem.l2 * v.topRows(problem.width);
  return total.value;
}

double inner(const MatrixXd& a, const MatrixXd& b) { return a.cwiseProduct(b).sum(); }

// Conjugate gradients on H d = -g, to a tenth of the gradient at first and ever closer as the gradient vanishes.
Result<MatrixXd> conjugate_direction(Problem& problem, const MatrixXd& theta, const Totals& at) {
  const MatrixXd scale = at.diagonal.cwiseMax(1e-12 * problem.mass);
  MatrixXd direction = MatrixXd::Zero(theta.rows(), theta.cols());
  MatrixXd residual = -at.gradient;
  MatrixXd z = residual.cwiseQuotient(scale);
  MatrixXd step = z;
  double old = inner(residual, z);
  const double size = std::sqrt(inner(residual, residual));
  const double enough = size * std::min(0.1, std::sqrt(size / problem.mass));
  const Index most = std::min<Index>(theta.size() + 10, 200);
  for (Index iteration = 0; iteration < most; ++iteration) {
    PLIMSOLL_TRY(const MatrixXd product, hessian_times(problem, theta, step));
    const double bend = inner(step, product);
    if (!(bend > 0)) break;
    const double along = old / bend;
    direction += along * step;
    residual -= along * product;
    if (std::sqrt(inner(residual, residual)) <= enough) break;
    z = residual.cwiseQuotient(scale);
    const double now = inner(residual, z);
    step = z + (now / old) * step;
    old = now;
  }
  if (direction.isZero(0)) direction = (-at.gradient).cwiseQuotient(scale);
  return direction;
}

// Cholesky; a Hessian that rounding left indefinite gets a growing ridge.
MatrixXd factored_direction(const Totals& at) {
  const double size = std::max(at.hessian.diagonal().maxCoeff(), 1e-300);
  for (double ridge = 0;; ridge = ridge > 0 ? ridge * 100 : 1e-14 * size) {
    MatrixXd hessian = at.hessian;
    hessian.diagonal().array() += ridge;
    const Eigen::LLT<MatrixXd, Eigen::Lower> factor(hessian);
    if (factor.info() != Eigen::Success && ridge <= size) continue;
    MatrixXd direction = factor.solve(-at.gradient);
    if (direction.allFinite() && inner(direction, at.gradient) < 0) return direction;
    if (ridge > size) return -at.gradient / size;
  }
}

double largest_entry(const MatrixXd& gradient, double mass) { return gradient.cwiseAbs().maxCoeff() / mass; }

struct Solution {
  MatrixXd theta;
  Totals at;
  FitStatus status = FitStatus::iteration_limit;
  std::int64_t iterations = 0;
};

// One damped step; false if no step along the direction lowers the objective.
Result<bool> take_step(Problem& problem, bool factored, Solution& now) {
  MatrixXd direction;
  if (factored) {
    direction = factored_direction(now.at);
  } else {
    PLIMSOLL_TRY(direction, conjugate_direction(problem, now.theta, now.at));
  }
  const double slope = inner(now.at.gradient, direction);
  const double slack = 1e-14 * std::fabs(now.at.loss);  // below it the objective's own rounding decides
  double length = 1;
  for (int halving = 0; halving < 40; ++halving, length /= 2) {
    const MatrixXd theta = now.theta + length * direction;
    PLIMSOLL_TRY(Totals at, evaluate(problem, theta, factored));
    if (!(at.loss <= now.at.loss + 1e-4 * length * slope + slack)) continue;
    now.theta = theta;
    now.at = std::move(at);
    return true;
  }
  return false;
}

Result<Solution> solve(Problem& problem, const LogisticOptions& options) {
  const bool factored = problem.outputs == 1 && problem.width <= widest_factored;
  Solution now;
  now.theta = MatrixXd::Zero(problem.width + 1, problem.outputs);
  PLIMSOLL_TRY(now.at, evaluate(problem, now.theta, factored));
  problem.context.progress.begin("logistic regression", options.max_iterations, "steps");
  Result<bool> moved = true;
  while (now.iterations < options.max_iterations && largest_entry(now.at.gradient, problem.mass) > options.tolerance) {
    moved = take_step(problem, factored, now);
    if (!moved.ok() || !*moved) break;
    ++now.iterations;
    problem.context.progress.advance(1);
  }
  problem.context.progress.end();
  if (!moved.ok()) return std::move(moved).error();
  if (largest_entry(now.at.gradient, problem.mass) <= options.tolerance) now.status = FitStatus::converged;
  else if (!*moved) now.status = FitStatus::no_progress;
  return now;
}

LogisticModel model_of(const Problem& problem, const Solution& solution, std::int64_t classes) {
  LogisticModel model;
  model.classes = classes;
  model.width = problem.width;
  for (Index k = 0; k < problem.outputs; ++k) {
    for (Index j = 0; j < problem.width; ++j) model.coefficients.push_back(solution.theta(j, k));
    model.intercepts.push_back(solution.theta(problem.width, k));
  }
  if (problem.outputs > 1) {  // softmax knows intercepts up to a common number
    double mean = 0;
    for (const double intercept : model.intercepts) mean += intercept;
    mean /= static_cast<double>(problem.outputs);
    for (double& intercept : model.intercepts) intercept -= mean;
  }
  model.status = solution.status;
  model.iterations = solution.iterations;
  model.gradient_norm = largest_entry(solution.at.gradient, problem.mass);
  model.objective = solution.at.loss;
  return model;
}

Result<double> weight_of_rows(const Design& design, std::span<const std::int32_t> labels, std::span<const double> weights,
                              std::int64_t classes) {
  if (labels.size() != static_cast<std::size_t>(design.rows()) || (!weights.empty() && weights.size() != labels.size())) {
    return Error(ErrorCode::internal, "labels, weights and rows differ in number", "");
  }
  std::vector<double> mass(static_cast<std::size_t>(classes), 0.0);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double weight = weights.empty() ? 1.0 : weights[i];
    if (labels[i] < 0 || labels[i] >= classes || !(weight >= 0) || !std::isfinite(weight)) {
      return Error(ErrorCode::bad_value, "a label is no class, or a weight is negative or not finite",
                   "Give class codes and weights of at least zero.").at_row(static_cast<std::int64_t>(i));
    }
    mass[static_cast<std::size_t>(labels[i])] += weight;
  }
  double sum = 0;
  for (std::size_t k = 0; k < mass.size(); ++k) {
    if (!(mass[k] > 0)) {
      return Error(ErrorCode::one_class, "class " + std::to_string(k) + " has no row to learn from", "Give rows of every class.");
    }
    sum += mass[k];
  }
  return sum;
}

}  // namespace

std::span<const std::string_view> choices_of(FitStatus) { return statuses; }

void describe(Fields& f, LogisticModel& model) {
  f({"classes", "number of classes", at_least(2)}, model.classes);
  f({"width", "number of encoded columns; 0 when unfitted", at_least(0)}, model.width);
  f.tensor({"coefficients", "log-odds for each encoded column"}, model.coefficients);
  f({"intercepts", "log-odds at zero"}, model.intercepts);
  f({"status", "how the search ended"}, model.status);
  f({"iterations", "Newton steps", at_least(0)}, model.iterations);
  f({"gradient_norm", "largest gradient entry per unit of weight", at_least(0)}, model.gradient_norm);
  f({"objective", "penalised loss"}, model.objective);
}

Result<void> check(const LogisticModel& model) {
  const auto outputs = static_cast<std::size_t>(model.classes == 2 ? 1 : model.classes);
  const bool sized = model.classes >= 2 && model.width >= 1 && model.intercepts.size() == outputs &&
                     model.coefficients.size() / outputs == static_cast<std::size_t>(model.width) &&
                     model.coefficients.size() % outputs == 0;
  const auto finite = [](const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
  };
  if (sized && finite(model.coefficients) && finite(model.intercepts)) return {};
  return Error(ErrorCode::corrupt_file, "the coefficients of the logistic model are damaged", "Fit the model again.");
}

void ColumnDesign::fill(std::int64_t begin, std::int64_t end, double* out) const {
  for (const std::span<const double> column : columns_) out = std::copy(column.begin() + begin, column.begin() + end, out);
}

Result<LogisticModel> fit_logistic(Context& context, const Design& design, std::span<const std::int32_t> labels,
                                   std::span<const double> weights, std::int64_t classes, const LogisticOptions& options) {
  fix_eigen();
  PLIMSOLL_TRY(const double mass, weight_of_rows(design, labels, weights, classes));
  Problem problem{context, design, labels, weights, design.width(), classes == 2 ? 1 : classes, options.l2, mass, {}};
  PLIMSOLL_TRY(const Solution solution, solve(problem, options));
  return model_of(problem, solution, classes);
}

Result<std::vector<std::vector<double>>> linear_scores(Context& context, const LogisticModel& model, const Design& design) {
  fix_eigen();
  PLIMSOLL_CHECK(check(model));
  if (design.width() != model.width) {
    return Error(ErrorCode::corrupt_file, "the logistic model and the encoder do not have the same features", "Fit the model again.");
  }
  const auto outputs = model.intercepts.size();
  std::vector<std::vector<double>> scores(outputs, std::vector<double>(static_cast<std::size_t>(design.rows())));
  const Eigen::Map<const MatrixXd> slopes(model.coefficients.data(), model.width, static_cast<Index>(outputs));
  Buffers buffers;
  const auto task = [&](std::int64_t, std::int64_t begin, std::int64_t end) -> Result<void> {
    auto x = buffers.take();
    x->resize(end - begin, model.width);
    design.fill(begin, end, x->data());
    for (std::size_t k = 0; k < outputs; ++k) {
      Eigen::Map<VectorXd> out(scores[k].data() + begin, end - begin);
      out.setConstant(model.intercepts[k]);
      // Column by column: a row's score must not depend on how many rows stand in its block.
      for (Index j = 0; j < model.width; ++j) out += slopes(j, static_cast<Index>(k)) * x->col(j);
    }
    buffers.give(std::move(x));
    return {};
  };
  PLIMSOLL_CHECK(context.runtime.for_each_block(design.rows(), context.stop, task));
  return scores;
}

std::vector<double> balanced_class_weights(std::span<const std::int32_t> labels, std::span<const double> weights, std::int64_t classes) {
  std::vector<double> mass(static_cast<std::size_t>(classes), 0.0);
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double weight = weights.empty() ? 1.0 : weights[i];
    mass[static_cast<std::size_t>(labels[i])] += weight;
    sum += weight;
  }
  for (double& m : mass) m = m > 0 ? sum / (static_cast<double>(classes) * m) : 1.0;
  return mass;
}

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
// Linear optimisation over the level set S = { w : L(w) <= T } of a penalised logistic loss: maximise a'w, w in S.
// Watson-Daniels, Parkes, Ustun, "Predictive Multiplicity in Probabilistic Classification" (arXiv 2206.01131) train a candidate
// for each target probability instead; the exact end needs none of them, because S is convex and smooth.
//
// At a model w with loss L, gradient g, Hessian H let u = H^-1 a, v = H^-1 g. On the quadratic model of L at w the largest a'w
// lies at w + d,
//     mu = sqrt(2 (T - L + g'v / 2) / a'u),   d = mu u - v,
// and weak duality with the multiplier mu bounds the optimum by (T - min over w of (L - mu a'w)) / mu. That minimum is at least
// L - mu a'w - 0.7 D,  D = |g - mu a|^2 in H^-1,  wherever D <= 0.13 min_i h_i, h_i the curvature that row i adds: with
// |phi'''| <= phi'' (Bach 2010) the loss grows within one logit of w at least as e^-1 h'Hh, so no minimum lies farther, and
// none is lower than D e / 4 < 0.7 D. From w0 the first step is the ellipsoid's point
// w0 + sqrt(2 (T - L0) / a'H0^-1 a) H0^-1 a. Repeating it is Newton's method on the optimality conditions and settles in 3 to 6
// Hessians. Where it does not (cells so sparse that the ellipsoid leaves the set far behind) each step is pulled back to the
// boundary along the way to w0, and halved until a'w grows: d is an ascent direction that points into S, so this always ends.
// The model returned lies in S by its own loss; `gap` is what the dual bound leaves open.
//
// best_under: minimise L(w) under halfspaces A w >= b, by a primal-dual interior point method (Mehrotra's step without
// predictor, infeasible start); `lower` is the Lagrangian's value less 0.7 of its Newton decrement, under the same condition, so it holds short of the optimum.
#include "learn/level_set.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>

#include "learn/fixed_eigen.h"
#include "learn/logistic.h"

namespace plimsoll::learn {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using Index = Eigen::Index;

constexpr double settled = 1e-6;        // logits: the last step taken is at most this long
constexpr double longest_step = 4;      // logits of any pattern in one unguarded step
constexpr double trusted = 0.13;        // of the smallest curvature: a Newton decrement below it bounds the minimum
constexpr double error_share = 0.7;      // of the decrement, by which the minimum may lie lower
constexpr double rounding = 1e-18;       // a decrement below it is none
constexpr int unguarded_steps = 12;
constexpr int guarded_steps = 200;
constexpr double dense_share = 0.4;     // of entries that are not zero

// ln(1 + e^z) and the probability from one exponential.
struct Soft {
  double loss, p, bend;
  explicit Soft(double z) {
    const double e = std::exp(-std::fabs(z));
    loss = std::max(z, 0.0) + std::log1p(e);
    const double q = 1.0 / (1.0 + e);
    p = z >= 0 ? q : e * q;
    bend = e * q * q;
  }
};

struct Point {
  double loss = 0;
  double least_bend = std::numeric_limits<double>::infinity();  // smallest curvature that a row adds
  VectorXd gradient;
  MatrixXd hessian;  // lower triangle
};

VectorXd with_intercept(std::span<const double> x, double sign) {
  VectorXd a(static_cast<Index>(x.size()) + 1);
  for (std::size_t j = 0; j < x.size(); ++j) a[static_cast<Index>(j)] = sign * x[j];
  a[a.size() - 1] = sign;
  return a;
}

std::vector<double> plain(const VectorXd& w) { return {w.data(), w.data() + w.size()}; }

VectorXd vector_of(std::span<const double> w) { return Eigen::Map<const VectorXd>(w.data(), static_cast<Index>(w.size())); }

}  // namespace

double logit_of(std::span<const double> model, std::span<const double> x) {
  double sum = 0;
  for (std::size_t j = 0; j < x.size(); ++j) sum += model[j] * x[j];
  return sum + model[x.size()];
}

struct LevelSet::State {
  Patterns patterns;
  double l2 = 0;
  double mass = 0;
  bool dense = false;
  bool ones = true;                     // every entry is 0 or 1
  std::vector<std::int32_t> start, column;  // entries that are not zero, by pattern
  std::vector<double> value;
  VectorXd centre;                      // w0
  std::vector<double> best;
  double best_loss = 0;
  double target = 0;
  Eigen::LLT<MatrixXd, Eigen::Lower> factor;  // of the Hessian at w0

  Index size() const { return static_cast<Index>(patterns.width) + 1; }

  void index_entries() {
    const auto width = static_cast<std::size_t>(patterns.width);
    start.assign(1, 0);
    mass = 0;
    for (std::size_t i = 0; i < patterns.weight.size(); ++i) {
      mass += patterns.weight[i];
      for (std::size_t j = 0; j < width; ++j) {
        const double x = patterns.x[i * width + j];
        if (x == 0) continue;
        column.push_back(static_cast<std::int32_t>(j));
        value.push_back(x);
        ones = ones && x == 1;
      }
      start.push_back(static_cast<std::int32_t>(column.size()));
    }
    dense = static_cast<double>(column.size()) > dense_share * static_cast<double>(patterns.weight.size() * width);
  }

  double logit(const VectorXd& w, std::size_t i) const {
    double z = 0;
    const auto end = static_cast<std::size_t>(start[i + 1]);
    for (auto k = static_cast<std::size_t>(start[i]); k < end; ++k) z += w[column[k]] * value[k];
    return z + w[w.size() - 1];
  }

  double penalty(const VectorXd& w) const { return 0.5 * l2 * w.head(w.size() - 1).squaredNorm(); }

  double loss(const VectorXd& w) const {
    double sum = 0;
    for (std::size_t i = 0; i < patterns.weight.size(); ++i) {
      const double z = logit(w, i);
      const double e = std::exp(-std::fabs(z));
      sum += patterns.weight[i] * (std::max(z, 0.0) + std::log1p(e)) - patterns.positive[i] * z;
    }
    return sum / mass + penalty(w);
  }

  void add_sparse(std::size_t i, double bend, MatrixXd& hessian) const {
    const auto begin = static_cast<std::size_t>(start[i]);
    const auto end = static_cast<std::size_t>(start[i + 1]);
    const Index last = hessian.rows() - 1;
    for (std::size_t b = begin; b < end; ++b) {  // column b of the lower triangle
      const double scaled = ones ? bend : bend * value[b];
      double* out = hessian.col(column[b]).data();
      if (ones) {
        for (std::size_t a = b; a < end; ++a) out[column[a]] += scaled;
      } else {
        for (std::size_t a = b; a < end; ++a) out[column[a]] += scaled * value[a];
      }
      out[last] += scaled;
    }
    hessian(last, last) += bend;
  }

  void add_dense(const VectorXd& bend, MatrixXd& hessian) const {
    const auto n = static_cast<Index>(patterns.weight.size());
    const Eigen::Map<const MatrixXd> x(patterns.x.data(), static_cast<Index>(patterns.width), n);
    MatrixXd rooted(size(), n);
    for (Index i = 0; i < n; ++i) {
      const double root = std::sqrt(bend[i]);
      rooted.col(i).head(size() - 1) = root * x.col(i);
      rooted(size() - 1, i) = root;
    }
    hessian.selfadjointView<Eigen::Lower>().rankUpdate(rooted);
  }

  Point evaluate(const VectorXd& w, bool with_hessian = true) const {
    Point at;
    at.gradient = VectorXd::Zero(size());
    if (with_hessian) at.hessian = MatrixXd::Zero(size(), size());
    VectorXd bends(with_hessian && dense ? static_cast<Index>(patterns.weight.size()) : 0);
    double sum = 0;
    for (std::size_t i = 0; i < patterns.weight.size(); ++i) {
      const double z = logit(w, i);
      const Soft soft(z);
      const double c = patterns.weight[i];
      sum += c * soft.loss - patterns.positive[i] * z;
      const double residual = (c * soft.p - patterns.positive[i]) / mass;
      const auto end = static_cast<std::size_t>(start[i + 1]);
      for (auto k = static_cast<std::size_t>(start[i]); k < end; ++k) at.gradient[column[k]] += residual * value[k];
      at.gradient[size() - 1] += residual;
      if (!with_hessian) continue;
      const double bend = c * soft.bend / mass;
      at.least_bend = std::min(at.least_bend, bend);
      if (dense) bends[static_cast<Index>(i)] = bend;
      else add_sparse(i, bend, at.hessian);
    }
    if (with_hessian && dense) add_dense(bends, at.hessian);
    at.loss = sum / mass + penalty(w);
    at.gradient.head(size() - 1) += l2 * w.head(size() - 1);
    if (with_hessian) at.hessian.diagonal().head(size() - 1).array() += l2;
    return at;
  }

  double largest_move(const VectorXd& d) const {
    double most = 0;
    for (std::size_t i = 0; i < patterns.weight.size(); ++i) most = std::max(most, std::fabs(logit(d, i)));
    return most;
  }

  // On the segment from w0 to `w` and beyond it: where L meets the target, on the side of S.
  VectorXd on_boundary(const VectorXd& w) const {
    const VectorXd way = w - centre;
    double t = 1;
    double inside = 0;  // largest t known to lie in S
    for (int step = 0; step < 60; ++step) {
      const Point at = evaluate(centre + t * way, false);
      const double over = at.loss - target;
      if (over <= 0) {
        inside = std::max(inside, t);
        if (over > -1e-13 * target) break;
      }
      const double slope = at.gradient.dot(way);
      if (!(slope > 0)) break;
      const double next = t - over / slope;
      // Near the root rounding decides: step a hair inwards.
      t = std::fabs(over) < 1e-12 * target ? std::min(next, t * (1 - 1e-13)) : next;
      if (!(t > 0)) t = inside > 0 ? inside : 0.5;
    }
    return centre + inside * way;
  }

  // Into S by its own loss: a step towards w0 if it lies outside.
  VectorXd into_set(VectorXd w, double& loss_there) const {
    for (int step = 0; step < 60; ++step) {
      loss_there = loss(w);
      if (loss_there <= target) return w;
      const double share = std::min(1.0, (loss_there - target) / (target - best_loss) * (step < 3 ? 1.0 : 4.0));
      w += share * (centre - w);
    }
    loss_there = best_loss;
    return centre;
  }
};

namespace {

// The step d and what is known of it.
struct Ascent {
  bool ok = false;
  VectorXd step;
  double gain = 0;        // a'd: the dual bound lies so far beyond a'w
  double multiplier = 0;
  double decrement = 0;   // D
};

Ascent ascent_at(const Point& at, const VectorXd& a, double target) {
  Ascent out;
  const Eigen::LLT<MatrixXd, Eigen::Lower> factor(at.hessian);
  if (factor.info() != Eigen::Success) return out;
  const VectorXd u = factor.solve(a);
  const VectorXd v = factor.solve(at.gradient);
  const double au = a.dot(u);
  const double av = a.dot(v);
  const double gv = at.gradient.dot(v);
  const double room = target - at.loss + 0.5 * gv;
  if (!(room > 0) || !(au > 0)) return out;
  const double mu = std::sqrt(2 * room / au);
  out.step = mu * u - v;
  out.gain = mu * au - av;
  out.multiplier = mu;
  out.decrement = std::max(0.0, gv - 2 * mu * av + mu * mu * au);
  out.ok = out.step.allFinite();
  return out;
}

}  // namespace

LevelSet::LevelSet() = default;
LevelSet::LevelSet(LevelSet&&) noexcept = default;
LevelSet& LevelSet::operator=(LevelSet&&) noexcept = default;
LevelSet::~LevelSet() = default;
const Patterns& LevelSet::patterns() const { return state_->patterns; }
double LevelSet::l2() const { return state_->l2; }
const std::vector<double>& LevelSet::best() const { return state_->best; }
double LevelSet::best_loss() const { return state_->best_loss; }
double LevelSet::target() const { return state_->target; }
void LevelSet::set_target(double loss) { state_->target = loss; }

Result<LevelSet> LevelSet::restore(Patterns patterns, double l2, std::vector<double> best) {
  fix_eigen();
  LevelSet set;
  set.state_ = std::make_unique<State>();
  State& s = *set.state_;
  s.patterns = std::move(patterns);
  s.l2 = l2;
  s.index_entries();
  s.centre = vector_of(best);
  s.best = std::move(best);
  const Point at = s.evaluate(s.centre);
  s.best_loss = at.loss;
  s.target = at.loss;
  s.factor.compute(at.hessian);
  if (s.factor.info() != Eigen::Success || !std::isfinite(at.loss)) {
    return Error(ErrorCode::bad_value, "the loss has no single lowest point on these rows",
                 "Give a penalty above 0 (l2), or leave out columns that depend on others.");
  }
  return set;
}

namespace {

// Every pattern twice, once with each label: what the common fit reads.
Result<VectorXd> common_fit(Context& context, const Patterns& patterns, double l2, double mass) {
  const auto n = static_cast<std::size_t>(patterns.size());
  const auto width = static_cast<std::size_t>(patterns.width);
  std::vector<std::vector<double>> columns(width, std::vector<double>(2 * n));
  std::vector<std::int32_t> labels(2 * n);
  std::vector<double> weights(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < width; ++j) columns[j][2 * i] = columns[j][2 * i + 1] = patterns.x[i * width + j];
    labels[2 * i + 1] = 1;
    weights[2 * i] = patterns.weight[i] - patterns.positive[i];
    weights[2 * i + 1] = patterns.positive[i];
  }
  const ColumnDesign design(static_cast<std::int64_t>(2 * n), {columns.begin(), columns.end()});
  LogisticOptions options;
  options.l2 = l2 * mass;
  options.max_iterations = 200;
  PLIMSOLL_TRY(const LogisticModel fit, fit_logistic(context, design, labels, weights, 2, options));
  VectorXd w(static_cast<Index>(width) + 1);
  for (std::size_t j = 0; j < width; ++j) w[static_cast<Index>(j)] = fit.coefficients[j];
  w[static_cast<Index>(width)] = fit.intercepts[0];
  return w;
}

}  // namespace

Result<LevelSet> LevelSet::fit(Context& context, Patterns patterns, double l2) {
  fix_eigen();
  State s;
  s.patterns = patterns;
  s.l2 = l2;
  s.index_entries();
  PLIMSOLL_TRY(VectorXd w, common_fit(context, s.patterns, l2, s.mass));
  // The common fit stops at its own tolerance; the last digits are these steps'.
  Point at = s.evaluate(w);
  for (int step = 0; step < 50; ++step) {
    PLIMSOLL_CHECK(context.stop.check());
    const Eigen::LLT<MatrixXd, Eigen::Lower> factor(at.hessian);
    if (factor.info() != Eigen::Success) break;  // restore() says so
    const VectorXd d = factor.solve(at.gradient);
    const double decrement = at.gradient.dot(d);
    VectorXd next = w - d;
    Point there = s.evaluate(next);
    for (int halving = 0; halving < 30 && !(there.loss <= at.loss + 1e-15); ++halving) {
      next = 0.5 * (next + w);
      there = s.evaluate(next);
    }
    if (!(there.loss <= at.loss + 1e-15)) break;
    w = next;
    at = there;
    if (decrement < 1e-18) break;
  }
  return restore(std::move(patterns), l2, plain(w));
}

RangeEnd LevelSet::farthest(std::span<const double> x, int sign) const {
  const VectorXd a = with_intercept(x, sign);
  RangeEnd end = farthest_along({a.data(), static_cast<std::size_t>(a.size())});
  end.logit *= sign;
  return end;
}

RangeEnd LevelSet::farthest_along(std::span<const double> direction) const {
  const State& s = *state_;
  const VectorXd a = vector_of(direction);
  const VectorXd u = s.factor.solve(a);
  RangeEnd end;
  VectorXd w = s.centre + std::sqrt(2 * (s.target - s.best_loss) / a.dot(u)) * u;
  bool guarded = false;
  double bound = 0;
  for (int step = 0; step < guarded_steps; ++step) {
    Point at = s.evaluate(w);
    ++end.steps;
    Ascent up = ascent_at(at, a, s.target);
    const double move = up.ok ? s.largest_move(up.step) : 0;
    if (!guarded && (!up.ok || move > longest_step || step == unguarded_steps)) {
      guarded = true;
      w = s.on_boundary(s.centre + u);
      continue;
    }
    if (!up.ok) break;
    end.multiplier = up.multiplier;
    bound = a.dot(w) + (s.target - at.loss + error_share * up.decrement) / up.multiplier;
    const bool sure = up.decrement <= std::max(trusted * at.least_bend, rounding);
    if (sure && std::fabs(up.gain) <= settled && std::fabs(s.target - at.loss) <= settled * up.multiplier) {
      w += up.step;
      break;
    }
    if (!guarded) {
      w += up.step;
      continue;
    }
    const double here = a.dot(w);
    VectorXd next = s.on_boundary(w + up.step);
    for (int halving = 0; halving < 40 && !(a.dot(next) > here); ++halving) {
      up.step *= 0.5;
      next = s.on_boundary(w + up.step);
    }
    if (!(a.dot(next) > here)) break;
    w = next;
  }
  w = s.into_set(std::move(w), end.loss);
  const double reached = a.dot(w);
  end.logit = reached;
  end.gap = std::max(0.0, bound - reached);
  end.model = plain(w);
  return end;
}

double LevelSet::ellipsoid(std::span<const double> x, int sign) const {
  const State& s = *state_;
  const VectorXd a = with_intercept(x, sign);
  return logit_of(s.best, x) + sign * std::sqrt(2 * (s.target - s.best_loss) * a.dot(s.factor.solve(a)));
}

double LevelSet::loss(std::span<const double> model) const { return state_->loss(vector_of(model)); }

std::vector<double> LevelSet::gradient(std::span<const double> model) const {
  return plain(state_->evaluate(vector_of(model), false).gradient);
}

std::vector<double> LevelSet::pulled_back(std::span<const double> model) const {
  const VectorXd w = vector_of(model);
  if (state_->loss(w) <= state_->target) return plain(w);
  double loss_there = 0;
  return plain(state_->into_set(state_->on_boundary(w), loss_there));
}

namespace {

// One point of the interior method: model, slack of each halfspace, its price.
struct Interior {
  VectorXd w, slack, price;
};

// Newton's step on the perturbed conditions; false where the system is singular.
bool interior_step(const Point& at, const MatrixXd& rows, const VectorXd& left, const VectorXd& missing, const Interior& now, Interior& step) {
  const double product = now.slack.size() > 0 ? now.slack.dot(now.price) / static_cast<double>(now.slack.size()) : 0;
  const VectorXd ratio = now.price.cwiseQuotient(now.slack);
  MatrixXd system = at.hessian.selfadjointView<Eigen::Lower>();
  system += rows * ratio.asDiagonal() * rows.transpose();
  const Eigen::LLT<MatrixXd, Eigen::Lower> factor(system);
  if (factor.info() != Eigen::Success) return false;
  const VectorXd centring = (0.1 * product - now.slack.cwiseProduct(now.price).array()).matrix().cwiseQuotient(now.slack);
  step.w = factor.solve(-left + rows * (centring - ratio.cwiseProduct(missing)));
  step.slack = rows.transpose() * step.w + missing;
  step.price = centring - ratio.cwiseProduct(step.slack);
  return true;
}

// The longest part of the step that keeps slacks and prices above zero.
double interior_length(const Interior& now, const Interior& step, double most) {
  double length = most;
  for (Index j = 0; j < now.slack.size(); ++j) {
    if (step.slack[j] < 0) length = std::min(length, -0.995 * now.slack[j] / step.slack[j]);
    if (step.price[j] < 0) length = std::min(length, -0.995 * now.price[j] / step.price[j]);
  }
  return length;
}

}  // namespace

Constrained LevelSet::best_under(std::span<const Halfspace> halfspaces, bool only_decide) const {
  const State& s = *state_;
  const auto m = static_cast<Index>(halfspaces.size());
  MatrixXd rows(s.size(), m);
  VectorXd bound(m);
  for (Index j = 0; j < m; ++j) {
    const Halfspace& h = halfspaces[static_cast<std::size_t>(j)];
    rows.col(j) = with_intercept(h.x, h.sign);
    bound[j] = h.sign * h.bound;
  }
  Constrained out;
  Interior now;
  now.w = s.centre;
  now.slack = (rows.transpose() * now.w - bound).cwiseMax(1.0);
  now.price = std::max(s.target - s.best_loss, 1e-9) * now.slack.cwiseInverse();
  for (int turn = 0; turn < 100; ++turn) {
    const Point at = s.evaluate(now.w);
    const VectorXd left = at.gradient - rows * now.price;
    const VectorXd reach = rows.transpose() * now.w - bound;
    const Eigen::LLT<MatrixXd, Eigen::Lower> factor(at.hessian);
    if (factor.info() != Eigen::Success) break;
    const VectorXd newton = factor.solve(left);
    const double decrement = left.dot(newton);
    const double lower = at.loss - now.price.dot(reach) - error_share * decrement;
    const bool sure = decrement <= std::max(trusted * at.least_bend, rounding);
    if (sure && lower > out.lower) out.lower = lower;
    out.loss = at.loss;
    out.model = plain(now.w);
    out.price = plain(now.price);
    const double worst = m > 0 ? std::max(0.0, -reach.minCoeff()) : 0;
    if (only_decide && out.lower > s.target) break;
    out.solved = only_decide ? worst == 0 && at.loss <= s.target : sure && worst <= 1e-11 && std::fabs(at.loss - lower) <= 1e-10;
    if (out.solved) break;
    Interior step;
    if (!interior_step(at, rows, left, reach - now.slack, now, step)) break;
    const double length = interior_length(now, step, std::min(1.0, 2.0 / std::max(s.largest_move(step.w), 1e-300)));
    now.w += length * step.w;
    now.slack += length * step.slack;
    now.price += length * step.price;
  }
  return out;
}

}  // namespace plimsoll::learn

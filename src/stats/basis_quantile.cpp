// SPDX-License-Identifier: Apache-2.0
#include "stats/basis_quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/philox.h"

namespace plimsoll::stats {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double dependent = 1e-9;     // of a column's length left beside the others
constexpr double box_slack = 1e-10;    // by which a dual variable may pass its bounds
constexpr double turned = 1e-11;       // a slope this near zero has turned
constexpr double short_of_end = 1e-9;  // t ends this share before 1 - alpha: ties then fall on the near side, as ceil does
constexpr std::int64_t most_steps = 100000;

double dot(const double* a, const double* b, std::size_t width) {
  double sum = 0;
  for (std::size_t j = 0; j < width; ++j) sum += a[j] * b[j];
  return sum;
}

struct Breakpoint {
  double at = 0;
  double bend = 0;
  std::size_t point = 0;
  // A heap's front is the nearest one, the first of equals.
  friend bool operator<(const Breakpoint& a, const Breakpoint& b) { return a.at > b.at || (a.at == b.at && a.point > b.point); }
};

}  // namespace

// Gram and Schmidt, twice over, in the order of the columns: those that depend on columns before them are left out, and the row of a
// new point must depend on the rest in the same way.
void BasisQuantile::keep_columns(const std::vector<double>& basis, std::size_t width) {
  const std::size_t n = scores_.size();
  std::vector<std::vector<double>> unit;       // orthonormal columns
  std::vector<std::vector<double>> of_unit;    // each kept column in terms of the unit ones
  others_.assign(width, {});
  for (std::size_t c = 0; c < width; ++c) {
    std::vector<double> column(n);
    for (std::size_t i = 0; i < n; ++i) column[i] = basis[i * width + c];
    const double length = std::sqrt(dot(column.data(), column.data(), n));
    std::vector<double> parts(unit.size(), 0.0);
    for (int round = 0; round < 2; ++round)
      for (std::size_t u = 0; u < unit.size(); ++u) {
        const double part = dot(unit[u].data(), column.data(), n);
        parts[u] += part;
        for (std::size_t i = 0; i < n; ++i) column[i] -= part * unit[u][i];
      }
    const double left = std::sqrt(dot(column.data(), column.data(), n));
    if (left > dependent * length && length > 0) {
      for (double& x : column) x /= left;
      unit.push_back(std::move(column));
      parts.push_back(left);
      of_unit.push_back(std::move(parts));
      kept_.push_back(c);
      continue;
    }
    // Back substitution: coefficients of the kept columns that give this one.
    std::vector<double> coefficient(kept_.size(), 0.0);
    for (std::size_t k = kept_.size(); k-- > 0;) {
      double rest = parts[k];
      for (std::size_t later = k + 1; later < kept_.size(); ++later) rest -= coefficient[later] * of_unit[later][k];
      coefficient[k] = rest / of_unit[k][k];
    }
    others_[c] = std::move(coefficient);
  }
}

bool BasisQuantile::in_span(std::span<const double> phi) const {
  std::size_t next = 0;
  for (std::size_t c = 0; c < width_; ++c) {
    if (next < kept_.size() && kept_[next] == c) {
      ++next;
      continue;
    }
    double expected = 0;
    double size = std::fabs(phi[c]);
    for (std::size_t k = 0; k < others_[c].size(); ++k) {
      const double part = others_[c][k] * phi[kept_[k]];
      expected += part;
      size = std::max(size, std::fabs(part));
    }
    if (std::fabs(expected - phi[c]) > 1e-7 * size) return false;
  }
  return true;
}

// A first plane through independent points, taken from those nearest the plain quantile on.
void BasisQuantile::start(Work& work) const {
  const std::size_t n = scores_.size();
  const std::size_t rank = kept_.size();
  std::vector<double> sorted = broken_;
  const auto middle = std::min(n - 1, static_cast<std::size_t>((1 - alpha_) * static_cast<double>(n)));
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(middle), sorted.end());
  const double quantile = sorted[middle];
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return std::fabs(broken_[a] - quantile) < std::fabs(broken_[b] - quantile); });
  // Two sweeps: only rows that are clearly independent first.
  for (const double least : {1e-3, 1e-10}) {
    std::vector<std::vector<double>> unit;
    work.active.clear();
    for (const std::size_t i : order) {
      if (work.active.size() == rank) break;
      std::vector<double> left(row(i), row(i) + rank);
      const double length = std::sqrt(dot(left.data(), left.data(), rank));
      for (int round = 0; round < 2; ++round)
        for (const auto& u : unit) {
          const double part = dot(u.data(), left.data(), rank);
          for (std::size_t j = 0; j < rank; ++j) left[j] -= part * u[j];
        }
      const double beside = std::sqrt(dot(left.data(), left.data(), rank));
      if (!(beside > least * length)) continue;
      for (double& x : left) x /= beside;
      unit.push_back(std::move(left));
      work.active.push_back(i);
    }
    if (work.active.size() == rank) break;
  }
  work.is_active.assign(n, 0);
  for (const std::size_t i : work.active) work.is_active[i] = 1;
  work.above.assign(n, 0);
  refresh(work);
  for (std::size_t i = 0; i < n; ++i) work.above[i] = work.residual[i] > 0;
  refresh(work);
}

// Inverse by Gauss and Jordan, residuals and sums anew: what steps have rounded is forgotten.
void BasisQuantile::refresh(Work& work) const {
  const std::size_t rank = kept_.size();
  const std::size_t n = scores_.size();
  std::vector<double> a(rank * rank);
  for (std::size_t r = 0; r < rank; ++r) std::copy_n(row(work.active[r]), rank, a.begin() + static_cast<std::ptrdiff_t>(r * rank));
  std::vector<double>& inverse = work.inverse;
  inverse.assign(rank * rank, 0.0);
  for (std::size_t r = 0; r < rank; ++r) inverse[r * rank + r] = 1;
  for (std::size_t c = 0; c < rank; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < rank; ++r)
      if (std::fabs(a[r * rank + c]) > std::fabs(a[pivot * rank + c])) pivot = r;
    if (pivot != c)
      for (std::size_t j = 0; j < rank; ++j) {
        std::swap(a[pivot * rank + j], a[c * rank + j]);
        std::swap(inverse[pivot * rank + j], inverse[c * rank + j]);
      }
    const double scale = a[c * rank + c];
    for (std::size_t j = 0; j < rank; ++j) {
      a[c * rank + j] /= scale;
      inverse[c * rank + j] /= scale;
    }
    for (std::size_t r = 0; r < rank; ++r) {
      const double factor = a[r * rank + c];
      if (r == c || factor == 0) continue;
      for (std::size_t j = 0; j < rank; ++j) {
        a[r * rank + j] -= factor * a[c * rank + j];
        inverse[r * rank + j] -= factor * inverse[c * rank + j];
      }
    }
  }
  std::vector<double> plane(rank, 0.0);
  for (std::size_t j = 0; j < rank; ++j)
    for (std::size_t r = 0; r < rank; ++r) plane[j] += inverse[j * rank + r] * broken_[work.active[r]];
  work.residual.resize(n);
  work.sum_above.assign(rank, 0.0);
  work.sum_below.assign(rank, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    work.residual[i] = work.is_active[i] ? 0.0 : broken_[i] - dot(row(i), plane.data(), rank);
    if (work.is_active[i]) continue;
    std::vector<double>& sum = work.above[i] ? work.sum_above : work.sum_below;
    for (std::size_t j = 0; j < rank; ++j) sum[j] += row(i)[j];
  }
}

// The inverse after one row is exchanged (Sherman and Morrison).
void BasisQuantile::exchange_inverse(Work& work, std::size_t leaving, std::size_t entering) const {
  const std::size_t rank = kept_.size();
  std::vector<double> along(rank, 0.0);
  for (std::size_t r = 0; r < rank; ++r)
    for (std::size_t j = 0; j < rank; ++j) along[r] += row(entering)[j] * work.inverse[j * rank + r];
  const double pivot = along[leaving];
  for (std::size_t j = 0; j < rank; ++j) {
    const double own = work.inverse[j * rank + leaving] / pivot;
    for (std::size_t r = 0; r < rank; ++r) work.inverse[j * rank + r] -= r == leaving ? 0.0 : own * along[r];
    work.inverse[j * rank + leaving] = own;
  }
}

bool BasisQuantile::step(Work& work, std::size_t leaving, bool upwards, double slope) const {
  const std::size_t rank = kept_.size();
  const std::size_t n = scores_.size();
  std::vector<double> direction(rank);
  for (std::size_t j = 0; j < rank; ++j) direction[j] = (upwards ? -1.0 : 1.0) * work.inverse[j * rank + leaving];
  std::vector<double> fall(n);
  std::vector<Breakpoint> breakpoints;
  for (std::size_t i = 0; i < n; ++i) {
    if (work.is_active[i]) continue;
    fall[i] = dot(row(i), direction.data(), rank);
    if (std::fabs(fall[i]) <= 1e-13 || (fall[i] > 0) != (work.above[i] != 0)) continue;
    breakpoints.push_back({std::max(0.0, work.residual[i] / fall[i]), std::fabs(fall[i]), i});
  }
  std::make_heap(breakpoints.begin(), breakpoints.end());
  std::vector<std::size_t> passed;
  std::size_t entering = n;
  double reach = 0;
  while (!breakpoints.empty()) {
    const Breakpoint next = breakpoints.front();
    std::pop_heap(breakpoints.begin(), breakpoints.end());
    breakpoints.pop_back();
    slope += next.bend;
    reach = next.at;
    if (slope >= -turned) {
      entering = next.point;
      break;
    }
    passed.push_back(next.point);
  }
  if (entering == n) return false;
  for (const std::size_t i : passed) {
    std::vector<double>& from = work.above[i] ? work.sum_above : work.sum_below;
    std::vector<double>& to = work.above[i] ? work.sum_below : work.sum_above;
    for (std::size_t j = 0; j < rank; ++j) {
      from[j] -= row(i)[j];
      to[j] += row(i)[j];
    }
    work.above[i] = work.above[i] ? 0 : 1;
  }
  for (std::size_t i = 0; i < n; ++i)
    if (!work.is_active[i]) work.residual[i] -= reach * fall[i];
  const std::size_t left = work.active[leaving];
  work.is_active[left] = 0;
  work.above[left] = upwards ? 1 : 0;
  work.residual[left] = upwards ? reach : -reach;
  std::vector<double>& entered = work.above[entering] ? work.sum_above : work.sum_below;
  std::vector<double>& gained = upwards ? work.sum_above : work.sum_below;
  for (std::size_t j = 0; j < rank; ++j) {
    entered[j] -= row(entering)[j];
    gained[j] += row(left)[j];
  }
  work.is_active[entering] = 1;
  work.residual[entering] = 0;
  work.active[leaving] = entering;
  exchange_inverse(work, leaving, entering);
  ++work.steps;
  return true;
}

bool BasisQuantile::solve(Work& work, std::span<const double> phi, double t) const {
  const std::size_t rank = kept_.size();
  const std::int64_t first = work.steps;
  std::vector<double> pull(rank);
  for (;;) {
    for (std::size_t j = 0; j < rank; ++j) pull[j] = (1 - alpha_) * work.sum_above[j] - alpha_ * work.sum_below[j] + (phi.empty() ? 0.0 : t * phi[j]);
    std::size_t worst = rank;
    double most = box_slack;
    bool upwards = false;
    for (std::size_t r = 0; r < rank; ++r) {
      double eta = 0;
      for (std::size_t j = 0; j < rank; ++j) eta -= work.inverse[j * rank + r] * pull[j];
      const double over = std::max(eta - (1 - alpha_), -alpha_ - eta);
      if (over <= most) continue;
      most = over;
      worst = r;
      upwards = eta > 0;
    }
    if (worst == rank || work.steps - first >= most_steps) return true;
    if (!step(work, worst, upwards, -most)) return false;
    if ((work.steps - first) % 64 == 0) refresh(work);
  }
}

double BasisQuantile::value(const Work& work, std::span<const double> phi) const {
  const std::size_t rank = kept_.size();
  double sum = 0;
  double size = 0;
  for (std::size_t r = 0; r < rank; ++r) {
    double weight = 0;
    for (std::size_t j = 0; j < rank; ++j) weight += phi[j] * work.inverse[j * rank + r];
    const double part = weight * scores_[work.active[r]];
    sum += part;
    size += std::fabs(part);
  }
  // Rounding must not part a threshold from the score that it is.
  for (const std::size_t i : work.active)
    if (std::fabs(sum - scores_[i]) <= 1e-13 * size) return scores_[i];
  return sum;
}

Result<BasisQuantile> BasisQuantile::fit(std::span<const double> scores, std::vector<double> basis, std::size_t width, double alpha) {
  if (scores.empty()) return Error(ErrorCode::too_few_rows, "no score is given", "Give calibration rows.");
  BasisQuantile fitted;
  fitted.alpha_ = alpha;
  fitted.width_ = width;
  fitted.scores_.assign(scores.begin(), scores.end());
  fitted.keep_columns(basis, width);
  const std::size_t rank = fitted.kept_.size();
  if (rank == 0) return Error(ErrorCode::bad_value, "the basis is zero on every calibration row", "Give a basis with a constant or groups.");
  for (std::size_t i = 0; i < scores.size(); ++i)
    for (const std::size_t c : fitted.kept_) fitted.rows_.push_back(basis[i * width + c]);
  double least = infinity;
  double most = -infinity;
  for (const double s : scores) {
    least = std::min(least, s);
    most = std::max(most, s);
  }
  const double unit = 1e-11 * (most > least ? most - least : std::max(1.0, std::fabs(most)));
  Stream draws(0x9e3779b97f4a7c15U);
  for (const double s : scores) fitted.broken_.push_back(s + unit * draws.uniform());
  fitted.start(fitted.base_);
  fitted.solve(fitted.base_, {}, 0);
  fitted.refresh(fitted.base_);
  return fitted;
}

double BasisQuantile::threshold(std::span<const double> phi, double t) const {
  const double end = std::min(t, (1 - alpha_) * (1 - short_of_end));
  if (!in_span(phi)) return t >= 0 ? infinity : -infinity;
  std::vector<double> own;
  for (const std::size_t c : kept_) own.push_back(phi[c]);
  Work work = base_;
  if (!solve(work, own, end)) return end > 0 ? infinity : -infinity;
  return value(work, own);
}

}  // namespace plimsoll::stats

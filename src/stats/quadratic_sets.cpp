// SPDX-License-Identifier: Apache-2.0
// With z = C^-1 e the distance is |z|^2, and the first d entries of z need the first d labels only: their squares are a bound on every
// set that agrees there (it is the least over real errors of the others, a Schur complement). A second bound is |e|^2 / largest with
// the least errors of the others. The search takes the node of the least bound, so sets come out by rising distance.
#include "stats/quadratic_sets.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <queue>

namespace plimsoll::stats {
namespace {

constexpr double most_score = 4e18;

std::int64_t whole(double score, double scale) { return static_cast<std::int64_t>(std::llround(std::min(score * scale, most_score))); }

struct Node {
  std::int64_t bound;
  std::size_t place;
  std::size_t depth;
};
struct Dearer {
  bool operator()(const Node& a, const Node& b) const { return a.bound != b.bound ? a.bound > b.bound : a.place > b.place; }
};
using Heap = std::priority_queue<Node, std::vector<Node>, Dearer>;

class Search {
 public:
  Search(const QuadraticShape& shape, std::span<const double> kept, std::span<const double> flipped, double scale, std::int64_t budget, const FlipSearch& search, const ExtraCost& extra, FlipSets& found)
      : shape_(shape), kept_(kept), flipped_(flipped), scale_(scale), budget_(budget), search_(search), extra_(extra), found_(found), z_(shape.width()), least_(shape.width() + 1) {
    for (std::size_t d = shape.width(); d-- > 0;) {
      const double e = std::min(kept[item(d)], flipped[item(d)]);
      least_[d] = least_[d + 1] + e * e;
    }
  }

  Result<void> run() {
    pool_.assign(found_.words, 0);
    open_.push({0, 0, 0});
    for (std::int64_t looked = 0; !open_.empty(); ++looked) {
      if (looked >= search_.most_work) {
        found_.complete = false;
        return {};
      }
      if (looked % 16384 == 16383 && search_.stop) PLIMSOLL_CHECK(search_.stop());
      const Node node = open_.top();
      if (release(node.bound)) return {};
      open_.pop();
      expand(node);
    }
    release(std::numeric_limits<std::int64_t>::max());
    return {};
  }

 private:
  std::size_t item(std::size_t depth) const { return static_cast<std::size_t>(shape_.order[depth]); }
  std::span<const std::uint64_t> mask(std::size_t place) const { return std::span(pool_).subspan(place, found_.words); }
  bool in(std::size_t place, std::size_t j) const { return (pool_[place + j / 64] >> (j % 64) & 1) != 0; }

  bool release(std::int64_t bar) {
    while (!waiting_.empty() && waiting_.top().bound <= bar) {
      if (static_cast<std::int64_t>(found_.size()) >= search_.most) {
        found_.complete = false;
        return true;
      }
      const Node node = waiting_.top();
      waiting_.pop();
      found_.costs.push_back(node.bound);
      found_.masks.insert(found_.masks.end(), mask(node.place).begin(), mask(node.place).end());
    }
    return false;
  }

  void expand(const Node& node) {
    double sum = 0;
    double squares = 0;
    for (std::size_t d = 0; d < node.depth; ++d) {
      const double e = in(node.place, item(d)) ? flipped_[item(d)] : kept_[item(d)];
      z_[d] = entry(d, e);
      sum += z_[d] * z_[d];
      squares += e * e;
    }
    for (const bool flip : {false, true}) {
      const double e = flip ? flipped_[item(node.depth)] : kept_[item(node.depth)];
      const double z = entry(node.depth, e);
      child(node, flip, sum + z * z, squares + e * e);
    }
  }
  double entry(std::size_t d, double e) const {
    const double* row = shape_.factor.data() + d * shape_.width();
    for (std::size_t j = 0; j < d; ++j) e -= row[j] * z_[j];
    return e / row[d];
  }
  void child(const Node& node, bool flip, double sum, double squares) {
    const std::size_t depth = node.depth + 1;
    const bool leaf = depth == shape_.width();
    const double bound = leaf ? sum : std::max(sum, (squares + least_[depth]) / shape_.largest) * (1 - 1e-9);
    const std::int64_t score = leaf ? whole(bound, scale_) : std::max<std::int64_t>(0, whole(bound, scale_) - 1);
    if (score > budget_) return;
    const std::size_t place = pool_.size();
    pool_.resize(place + found_.words);
    std::copy_n(pool_.begin() + static_cast<std::ptrdiff_t>(node.place), found_.words, pool_.begin() + static_cast<std::ptrdiff_t>(place));
    const std::size_t j = item(node.depth);
    if (flip) pool_[place + j / 64] ^= std::uint64_t{1} << (j % 64);
    if (!leaf) {
      open_.push({score, place, depth});
      return;
    }
    const std::int64_t more = extra_ ? extra_(mask(place)) : 0;
    if (more >= 0 && more <= budget_ - score) waiting_.push({score + more, place, depth});
  }

  const QuadraticShape& shape_;
  std::span<const double> kept_, flipped_;
  double scale_;
  std::int64_t budget_;
  const FlipSearch& search_;
  const ExtraCost& extra_;
  FlipSets& found_;
  Heap open_, waiting_;
  std::vector<std::uint64_t> pool_;
  std::vector<double> z_, least_;
};

// C of S = C C' in the shape's order; false if S is not positive definite.
bool factorise(const std::vector<double>& s, QuadraticShape& shape) {
  const std::size_t p = shape.width();
  shape.factor.assign(p * p, 0);
  for (std::size_t i = 0; i < p; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = s[static_cast<std::size_t>(shape.order[i]) * p + static_cast<std::size_t>(shape.order[j])];
      for (std::size_t k = 0; k < j; ++k) sum -= shape.factor[i * p + k] * shape.factor[j * p + k];
      if (i == j && !(sum > 0)) return false;
      shape.factor[i * p + j] = i == j ? std::sqrt(sum) : sum / shape.factor[j * p + j];
    }
  return true;
}

double squared_norm(const std::vector<double>& s) {
  double sum = 0;
  for (const double x : s) sum += x * x;
  return sum;
}

// The share of the identity: min(1, b2 / d2), b2 = (1 / n^2) sum |x x' - S|^2, d2 = |S - mu I|^2.
double shrinkage(const std::vector<double>& centred, const std::vector<double>& s, std::size_t p, double mu) {
  const auto n = static_cast<double>(centred.size() / p);
  double fourth = 0;
  for (std::size_t i = 0; i < centred.size(); i += p) {
    double length = 0;
    for (std::size_t j = 0; j < p; ++j) length += centred[i + j] * centred[i + j];
    fourth += length * length;
  }
  const double norm = squared_norm(s);
  const double apart = norm - mu * mu * static_cast<double>(p);
  const double noise = (fourth / n - norm) / n;
  return apart > 0 ? std::clamp(noise / apart, 0.0, 1.0) : 1;
}

}  // namespace

Result<QuadraticShape> shape_of(std::span<const double> errors, std::size_t width) {
  const std::size_t p = width;
  const std::size_t n = errors.size() / p;
  if (n < 2) return Error(ErrorCode::too_few_rows, "the covariance of errors needs at least 2 rows", "Give more training rows.");
  std::vector<double> mean(p), centred(errors.begin(), errors.end()), s(p * p);
  for (std::size_t i = 0; i < centred.size(); ++i) mean[i % p] += centred[i];
  for (std::size_t i = 0; i < centred.size(); ++i) centred[i] -= mean[i % p] / static_cast<double>(n);
  for (std::size_t i = 0; i < centred.size(); i += p)
    for (std::size_t a = 0; a < p; ++a)
      for (std::size_t b = 0; b < p; ++b) s[a * p + b] += centred[i + a] * centred[i + b];
  for (double& x : s) x /= static_cast<double>(n);
  double mu = 0;
  for (std::size_t j = 0; j < p; ++j) mu += s[j * p + j] / static_cast<double>(p);
  const double share = shrinkage(centred, s, p, mu);
  for (double& x : s) x *= 1 - share;
  // A floor keeps errors that never vary from costing everything.
  for (std::size_t j = 0; j < p; ++j) s[j * p + j] += std::max(share * mu, 1e-9);
  QuadraticShape shape;
  shape.order.resize(p);
  std::iota(shape.order.begin(), shape.order.end(), std::int64_t{0});
  std::stable_sort(shape.order.begin(), shape.order.end(), [&](std::int64_t a, std::int64_t b) { return s[static_cast<std::size_t>(a) * (p + 1)] < s[static_cast<std::size_t>(b) * (p + 1)]; });
  double rows = 0;
  for (std::size_t a = 0; a < p; ++a) {
    double sum = 0;
    for (std::size_t b = 0; b < p; ++b) sum += std::fabs(s[a * p + b]);
    rows = std::max(rows, sum);
  }
  shape.largest = std::min(rows, std::sqrt(squared_norm(s))) * (1 + 1e-9);
  if (!factorise(s, shape)) return Error(ErrorCode::bad_value, "the covariance of errors has no inverse", "Use another measure, or more training rows.");
  return shape;
}

bool sound(const QuadraticShape& shape) {
  const std::size_t p = shape.width();
  if (shape.factor.size() != p * p || !(shape.largest > 0) || !std::isfinite(shape.largest)) return false;
  std::vector<bool> seen(p);
  for (const std::int64_t j : shape.order) {
    if (j < 0 || static_cast<std::size_t>(j) >= p || seen[static_cast<std::size_t>(j)]) return false;
    seen[static_cast<std::size_t>(j)] = true;
  }
  for (std::size_t i = 0; i < p; ++i)
    if (!(shape.factor[i * (p + 1)] > 0)) return false;
  return std::all_of(shape.factor.begin(), shape.factor.end(), [](double x) { return std::isfinite(x); });
}

std::int64_t quadratic_score(const QuadraticShape& shape, std::span<const double> errors, double scale) {
  const std::size_t p = shape.width();
  std::vector<double> z(p);
  double sum = 0;
  for (std::size_t d = 0; d < p; ++d) {
    double e = errors[static_cast<std::size_t>(shape.order[d])];
    for (std::size_t j = 0; j < d; ++j) e -= shape.factor[d * p + j] * z[j];
    z[d] = e / shape.factor[d * p + d];
    sum += z[d] * z[d];
  }
  return whole(sum, scale);
}

Result<FlipSets> quadratic_flips(const QuadraticShape& shape, std::span<const double> kept, std::span<const double> flipped, double scale, std::int64_t budget, const FlipSearch& search, const ExtraCost& extra) {
  FlipSets found;
  found.words = words_of(shape.width());
  if (budget < 0) return found;
  PLIMSOLL_CHECK(Search(shape, kept, flipped, scale, budget, search, extra, found).run());
  return found;
}

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
// Vovk and Petej, UAI 2014 (arXiv 1211.0025); the precomputation after Vovk, Petej, Fedorova, NIPS 2015 (arXiv 1511.00213),
// algorithms 1 to 4. With the cumulative sums P_i = (W_i, S_i) over pooled distinct scores, the isotonic value of a point
// (s, 1) placed just before pool i is the slope, over the inserted step from Q_{i-1} = P_{i-1} - (1, 1) to P_{i-1}, of the
// greatest convex minorant of Q_0 .. Q_{i-1}, P_{i-1} .. P_k. Moving the step on by one pool exchanges P_{i-1}, which is
// never a corner because the inserted slope 1 is the largest, for Q_i: the hull only gains a point, so one stack serves
// all i in O(k). A tie with pool i gives the same, because a 1 before the pool is always joined with it. p0 is 1 - p1 of
// the mirrored data (s -> -s, y -> 1 - y), with the pools in reverse.
#include "stats/venn_abers.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/pav.h"

namespace plimsoll::stats {
namespace {

struct Point {
  double x = 0;
  double y = 0;
};

double cross(const Point& origin, const Point& a, const Point& b) {
  return (a.x - origin.x) * (b.y - origin.y) - (a.y - origin.y) * (b.x - origin.x);
}

// The slope, or one minus it in one rounding.
double slope(const Point& a, const Point& b, bool mirrored) {
  const double width = b.x - a.x;
  return std::clamp((mirrored ? width - (b.y - a.y) : b.y - a.y) / width, 0.0, 1.0);
}

// Puts a new leftmost corner: those after it that are no longer corners go.
void push_left(std::vector<Point>& stack, const Point& point) {
  while (stack.size() >= 2 && cross(point, stack.back(), stack[stack.size() - 2]) <= 0) stack.pop_back();
  stack.push_back(point);
}

// p1 just before each pool, and 1 after the last; one minus these if mirrored.
std::vector<double> values_before(std::span<const Pool> pools, bool mirrored) {
  std::vector<Point> cumulative{{0, 0}};
  for (const Pool& pool : pools) cumulative.push_back({cumulative.back().x + pool.weight, cumulative.back().y + pool.sum});
  const std::size_t k = pools.size();
  std::vector<Point> stack;
  for (std::size_t i = k; i >= 1; --i) push_left(stack, cumulative[i]);
  push_left(stack, {-1, -1});
  std::vector<double> values;
  values.reserve(k + 1);
  for (std::size_t i = 1; i <= k; ++i) {
    const Point& left = stack.back();
    const Point& right = stack[stack.size() - 2];
    values.push_back(slope(left, right, mirrored));
    const Point moved{cumulative[i].x - 1, cumulative[i].y - 1};
    if (i == k || cross(left, right, moved) >= 0) continue;  // on or above the segment: no corner
    stack.pop_back();
    push_left(stack, moved);
  }
  values.push_back(mirrored ? 0 : 1);
  return values;
}

// Keeps the edges at which the value rises; with weights, rounding may let it fall by a last bit.
void compress(std::vector<double>& edges, std::vector<double>& values) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (values[i + 1] <= values[kept]) continue;
    edges[kept] = edges[i];
    values[++kept] = values[i + 1];
  }
  edges.resize(kept);
  values.resize(kept + 1);
}

Result<void> check_rows(std::span<const double> scores, std::span<const std::int32_t> outcomes,
                        std::span<const double> weights) {
  if (scores.size() != outcomes.size() || (!weights.empty() && weights.size() != scores.size()))
    return Error(ErrorCode::bad_parameter, "scores, outcomes and weights differ in length");
  if (scores.size() > std::numeric_limits<std::uint32_t>::max())
    return Error(ErrorCode::too_large, "Venn-Abers takes fewer than 2^32 rows", "Calibrate on a sample of the rows");
  const auto bad = [](const char* what, std::size_t row) {
    return Error(ErrorCode::bad_value, what, "Drop or mend the row").at_row(static_cast<std::int64_t>(row));
  };
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (std::isnan(scores[i])) return bad("a score is not a number", i);
    if (outcomes[i] != 0 && outcomes[i] != 1) return bad("an outcome is neither 0 nor 1", i);
    if (!weights.empty() && !(weights[i] >= 0 && std::isfinite(weights[i])))
      return bad("a weight is negative or not finite", i);
  }
  return {};
}

bool is_step_function(const std::vector<double>& edges, const std::vector<double>& values) {
  if (values.size() != edges.size() + 1) return false;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!(values[i] >= 0 && values[i] <= 1) || (i > 0 && !(values[i] > values[i - 1]))) return false;
  for (std::size_t i = 0; i < edges.size(); ++i)
    if (std::isnan(edges[i]) || (i > 0 && !(edges[i] > edges[i - 1]))) return false;
  return true;
}

}  // namespace

VennAbersPair VennAbers::at(double score) const {
  if (std::isnan(score)) return {0, 1};
  const auto zero = std::upper_bound(edges_0.begin(), edges_0.end(), score) - edges_0.begin();
  const auto one = std::lower_bound(edges_1.begin(), edges_1.end(), score) - edges_1.begin();
  return {values_0[static_cast<std::size_t>(zero)], values_1[static_cast<std::size_t>(one)]};
}

Result<void> VennAbers::check() const {
  if (is_step_function(edges_0, values_0) && is_step_function(edges_1, values_1)) return {};
  return Error(ErrorCode::bad_value, "the steps of a Venn-Abers map are out of order or out of range", "Fit it again");
}

Result<VennAbers> fit_venn_abers(std::span<const double> scores, std::span<const std::int32_t> outcomes,
                                 std::span<const double> weights) {
  PLIMSOLL_CHECK(check_rows(scores, outcomes, weights));
  const std::vector<double> y(outcomes.begin(), outcomes.end());
  return venn_abers_of(pool_ties(scores, y, weights, order_by(scores)));
}

Result<VennAbers> venn_abers_of(std::span<const Pool> pools) {
  if (pools.empty())
    return Error(ErrorCode::too_few_rows, "no row with weight to calibrate on", "Give rows of positive weight");
  VennAbers fit;
  for (const Pool& pool : pools) fit.edges_1.push_back(pool.x);
  fit.edges_0 = fit.edges_1;
  fit.values_1 = values_before(pools, false);
  std::vector<Pool> mirrored(pools.rbegin(), pools.rend());
  for (Pool& pool : mirrored) pool.sum = pool.weight - pool.sum;
  fit.values_0 = values_before(mirrored, true);
  std::reverse(fit.values_0.begin(), fit.values_0.end());
  compress(fit.edges_0, fit.values_0);
  // p1 changes after an edge, p0 at it: both keep the edge at which their next value starts to hold.
  compress(fit.edges_1, fit.values_1);
  return fit;
}

double merge_log_loss(VennAbersPair pair) { return pair.p1 / (1 - pair.p0 + pair.p1); }

double merge_brier(VennAbersPair pair) { return pair.p1 + (pair.p0 * pair.p0 - pair.p1 * pair.p1) / 2; }

}  // namespace plimsoll::stats

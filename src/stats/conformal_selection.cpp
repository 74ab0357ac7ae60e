// SPDX-License-Identifier: Apache-2.0
// Conformal selection on sorted scores. The fast form of the auxiliary sizes is ours; see the header for why it is the same.
#include "stats/conformal_selection.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/radix_sort.h"
#include "stats/sort_key.h"

namespace plimsoll::stats {
namespace {

constexpr double slack = 4e-15;

struct Keyed {
  std::uint64_t key;
  std::uint32_t row;
};

std::vector<std::uint64_t> sorted_keys(const std::vector<double>& values) {
  std::vector<std::uint64_t> keys;
  keys.reserve(values.size());
  for (const double v : values) keys.push_back(sort_key(v));
  std::vector<std::uint64_t> other;
  constexpr std::size_t radix_pays = 2048;
  if (keys.size() < radix_pays) std::sort(keys.begin(), keys.end());
  else radix_sort(keys, other, [](std::uint64_t k) { return k; });
  return keys;
}

std::vector<Keyed> sorted_rows(const std::vector<double>& values) {
  std::vector<Keyed> rows;
  rows.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) rows.push_back({sort_key(values[i]), static_cast<std::uint32_t>(i)});
  std::vector<Keyed> other;
  constexpr std::size_t radix_pays = 2048;
  if (rows.size() < radix_pays) std::stable_sort(rows.begin(), rows.end(), [](const Keyed& a, const Keyed& b) { return a.key < b.key; });
  else radix_sort(rows, other, [](const Keyed& k) { return k.key; });
  return rows;
}

// The r-th of m stays below its line: count <= q r (n + 1) / m.
bool below_line(double count, double r, double line) { return count <= line * r * (1 + slack); }

std::int32_t textbook_size(std::vector<double> p, double q) {
  std::sort(p.begin(), p.end());
  const auto m = static_cast<double>(p.size());
  for (std::size_t r = p.size(); r >= 1; --r)
    if (p[r - 1] * m <= q * static_cast<double>(r) * (1 + 1e-12)) return static_cast<std::int32_t>(r);
  return 0;
}

// The rightmost position at or before an end whose value is at most a bound: a tree of minima.
class Minima {
 public:
  explicit Minima(const std::vector<double>& values) {
    while (leaves_ < values.size()) leaves_ *= 2;
    tree_.assign(2 * leaves_, std::numeric_limits<double>::infinity());
    std::copy(values.begin(), values.end(), tree_.begin() + static_cast<std::ptrdiff_t>(leaves_));
    for (std::size_t i = leaves_; i-- > 1;) tree_[i] = std::min(tree_[2 * i], tree_[2 * i + 1]);
  }
  // -1 if there is none among positions [0, end). Going up from the right border, each odd step leaves a whole subtree to its left.
  std::int64_t last_at_most(std::size_t end, double bound) const {
    if (end == leaves_) return tree_[1] <= bound ? descend(1, bound) : -1;
    for (std::size_t right = leaves_ + end; right > 1; right /= 2)
      if (right % 2 == 1 && tree_[right - 1] <= bound) return descend(right - 1, bound);
    return -1;
  }

 private:
  std::int64_t descend(std::size_t node, double bound) const {
    while (node < leaves_) node = tree_[2 * node + 1] <= bound ? 2 * node + 1 : 2 * node;
    return static_cast<std::int64_t>(node - leaves_);
  }
  std::size_t leaves_ = 1;
  std::vector<double> tree_;
};

// Sorted candidates and the weight of the labelled rows strictly below and up to each.
struct Weighed {
  std::vector<Keyed> pool;
  std::vector<double> below, up_to;
  double total = 0;
};

Weighed weigh(const SelectionScores& scores, std::span<const double> weight) {
  Weighed w;
  w.pool = sorted_rows(scores.pool);
  const std::vector<Keyed> labelled = sorted_rows(scores.labelled);
  std::vector<double> before = {0};
  for (const Keyed& row : labelled) before.push_back(before.back() + weight[row.row]);
  w.total = before.back();
  std::size_t strict = 0;
  std::size_t loose = 0;
  for (const Keyed& row : w.pool) {
    while (strict < labelled.size() && labelled[strict].key < row.key) ++strict;
    while (loose < labelled.size() && labelled[loose].key <= row.key) ++loose;
    w.below.push_back(before[strict]);
    w.up_to.push_back(before[loose]);
  }
  return w;
}

}  // namespace

std::vector<double> scaled_p_values(const SelectionScores& scores, std::span<const double> draws) {
  const std::vector<std::uint64_t> sorted = sorted_keys(scores.labelled);
  const std::vector<Keyed> pool = sorted_rows(scores.pool);
  std::vector<double> scaled(scores.pool.size());
  std::size_t strict = 0;
  std::size_t loose = 0;
  for (const Keyed& row : pool) {
    while (strict < sorted.size() && sorted[strict] < row.key) ++strict;
    while (loose < sorted.size() && sorted[loose] <= row.key) ++loose;
    scaled[row.row] = draws.empty() ? static_cast<double>(1 + loose) : static_cast<double>(strict) + draws[row.row] * static_cast<double>(1 + (loose - strict));
  }
  return scaled;
}

// The slack is relative and only for the rounding of q: 0.1 * 30 is 3.0000000000000004 or 3 by chance of the decimals.
double largest_selected(std::vector<double> scaled, std::int64_t n, double q) {
  std::sort(scaled.begin(), scaled.end());
  const auto m = static_cast<double>(scaled.size());
  for (std::size_t r = scaled.size(); r >= 1; --r)
    if (scaled[r - 1] * m <= q * static_cast<double>(r) * static_cast<double>(n + 1) * (1 + slack)) return scaled[r - 1];
  return -1;
}

std::vector<std::int32_t> auxiliary_sizes(const SelectionScores& scores, double q) {
  const std::vector<std::uint64_t> labelled = sorted_keys(scores.labelled);
  const std::vector<Keyed> pool = sorted_rows(scores.pool);
  const std::size_t m = pool.size();
  const double line = q * static_cast<double>(labelled.size() + 1) / static_cast<double>(m);
  std::vector<std::int32_t> front(m, 1);  // the answer for rank a (from 0) if nothing after it counts
  std::int32_t best = 1;
  std::size_t after = 0;  // B, from 1
  std::size_t count = 0;
  for (std::size_t b = 0; b < m; ++b) {
    front[b] = best;
    while (count < labelled.size() && labelled[count] <= pool[b].key) ++count;
    if (below_line(static_cast<double>(count + 1), static_cast<double>(b + 1), line)) after = b + 1;
    // Entry b moves to position b + 2 (from 1) once j stands in front of it.
    if (below_line(static_cast<double>(count), static_cast<double>(b + 2), line)) best = static_cast<std::int32_t>(b + 2);
  }
  std::vector<std::int32_t> sizes(m);
  std::size_t a = 0;
  for (std::size_t b = 0; b < m; ++b) {
    if (pool[b].key != pool[a].key) a = b;
    sizes[pool[b].row] = after > a + 1 ? static_cast<std::int32_t>(after) : front[a];
  }
  return sizes;
}

std::vector<std::int32_t> auxiliary_sizes_direct(const SelectionScores& scores, double q) {
  const std::size_t m = scores.pool.size();
  const auto above = static_cast<double>(scores.labelled.size() + 1);
  std::vector<std::int32_t> sizes;
  for (std::size_t j = 0; j < m; ++j) {
    std::vector<double> p(m, 0.0);
    for (std::size_t l = 0; l < m; ++l) {
      if (l == j) continue;
      const double t = scores.pool[l];
      const auto count = std::count_if(scores.labelled.begin(), scores.labelled.end(), [t](double v) { return v <= t; });
      p[l] = (static_cast<double>(count) + (scores.pool[j] <= t ? 1.0 : 0.0)) / above;
    }
    sizes.push_back(textbook_size(std::move(p), q));
  }
  return sizes;
}

// With C_b the weight strictly below t_(b), S the total and a the last rank of T_j: an entry r > a passes if
// C_r + w <= q r (S + w) / m, that is w <= (q r S / m - C_r) / (1 - q r / m), an entry before if C_(r-1) m / (q r) - S <= w.
WeightedSelection weighted_selection(const SelectionScores& scores, std::span<const double> labelled_weight,
                                     std::span<const double> pool_weight, std::span<const double> draws, double q) {
  const Weighed sorted = weigh(scores, labelled_weight);
  const std::size_t m = sorted.pool.size();
  std::vector<double> last(m), first(m, std::numeric_limits<double>::infinity());
  for (std::size_t b = 0; b < m; ++b) {
    const double share = q * static_cast<double>(b + 1) / static_cast<double>(m);
    last[b] = (share * sorted.total - sorted.below[b] + 1e-13 * sorted.total) / (1 - share);
    if (b > 0) first[b] = sorted.below[b - 1] / share - sorted.total - 1e-13 * sorted.total;
  }
  for (std::size_t b = m; b-- > 1;) last[b - 1] = std::max(last[b - 1], last[b]);
  const Minima minima(first);
  WeightedSelection answer{std::vector<double>(m), std::vector<std::int32_t>(m)};
  std::size_t end = 0;  // ranks up to the last of the tie group
  for (std::size_t b = 0; b < m; ++b) {
    if (b >= end)
      for (end = b + 1; end < m && sorted.pool[end].key == sorted.pool[b].key;) ++end;
    const std::uint32_t j = sorted.pool[b].row;
    const double w = pool_weight[j];
    const double u = draws.empty() ? 1.0 : draws[j];
    answer.p[j] = (sorted.below[b] + u * (w + sorted.up_to[b] - sorted.below[b])) / (sorted.total + w);
    const auto reach = std::partition_point(last.begin(), last.end(), [w](double g) { return g >= w; }) - last.begin();
    std::int64_t size = reach;
    if (static_cast<std::size_t>(reach) <= end) size = std::max<std::int64_t>(1, minima.last_at_most(end, w) + 1);
    answer.sizes[j] = static_cast<std::int32_t>(size);
  }
  return answer;
}

std::vector<std::int32_t> weighted_sizes_direct(const SelectionScores& scores, std::span<const double> labelled_weight,
                                                std::span<const double> pool_weight, double q) {
  const std::size_t m = scores.pool.size();
  double total = 0;
  for (const double w : labelled_weight) total += w;
  std::vector<std::int32_t> sizes;
  for (std::size_t j = 0; j < m; ++j) {
    std::vector<double> p(m, 0.0);
    for (std::size_t l = 0; l < m; ++l) {
      if (l == j) continue;
      double sum = scores.pool[j] < scores.pool[l] ? pool_weight[j] : 0.0;
      for (std::size_t i = 0; i < scores.labelled.size(); ++i) sum += scores.labelled[i] < scores.pool[l] ? labelled_weight[i] : 0.0;
      p[l] = sum / (total + pool_weight[j]);
    }
    sizes.push_back(textbook_size(std::move(p), q));
  }
  return sizes;
}

std::vector<bool> pruned_selection(std::span<const double> scaled_sizes) {
  std::vector<double> gated;
  for (const double s : scaled_sizes)
    if (!std::isnan(s)) gated.push_back(s);
  std::sort(gated.begin(), gated.end());
  double reach = -1;
  for (std::size_t r = gated.size(); r >= 1 && reach < 0; --r)
    if (gated[r - 1] <= static_cast<double>(r) * (1 + slack)) reach = static_cast<double>(r) * (1 + slack);
  std::vector<bool> selected;
  for (const double s : scaled_sizes) selected.push_back(s <= reach);
  return selected;
}

}  // namespace plimsoll::stats

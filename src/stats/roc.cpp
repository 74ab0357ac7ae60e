// SPDX-License-Identifier: Apache-2.0
// DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988), with the midranks of Sun and Xu, IEEE SPL 21 (2014): for a positive
// V10 = (negatives below + ties / 2) / n0, for a negative V01 = (positives above + ties / 2) / n1; AUROC is the mean of
// either, its variance s10 / n1 + s01 / n0. Rows are gathered into groups of equal score, so all counts are integers.
#include "stats/roc.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/exact_sum.h"
#include "stats/distributions.h"
#include "stats/intervals.h"
#include "stats/pav.h"

namespace plimsoll::stats {
namespace {

// Rows of one score.
struct Group {
  double score = 0;
  double positives = 0;  // counts: exact integers; sums of weights in the weighted forms
  double negatives = 0;
};

struct Groups {
  std::vector<Group> groups;  // by rising score
  double positives = 0;
  double negatives = 0;
};

Result<void> check(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight) {
  if (score.size() != outcome.size() || (!weight.empty() && weight.size() != score.size()))
    return Error(ErrorCode::bad_parameter, "scores, outcomes and weights differ in length");
  if (score.size() > std::numeric_limits<std::uint32_t>::max())
    return Error(ErrorCode::too_large, "ranking takes fewer than 2^32 rows", "Assess a sample of the rows");
  const auto bad = [](const char* what, std::size_t row) {
    return Error(ErrorCode::bad_value, what, "Drop or mend the row").at_row(static_cast<std::int64_t>(row));
  };
  double sums[2] = {0, 0};
  for (std::size_t i = 0; i < score.size(); ++i) {
    if (std::isnan(score[i])) return bad("a score is not a number", i);
    if (outcome[i] != 0 && outcome[i] != 1) return bad("an outcome is neither 0 nor 1", i);
    if (!weight.empty() && !(weight[i] >= 0 && std::isfinite(weight[i]))) return bad("a weight is negative or not finite", i);
    sums[outcome[i]] += weight.empty() ? 1 : weight[i];
  }
  for (int c = 0; c < 2; ++c)
    if (!(sums[c] > 0))
      return Error(ErrorCode::one_class, "no row has outcome " + std::to_string(c),
                   "Ranking needs both outcomes: give more rows");
  return {};
}

Groups gather(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight,
              std::span<const std::uint32_t> order) {
  Groups g;
  for (const std::uint32_t row : order) {
    if (g.groups.empty() || g.groups.back().score != score[row]) g.groups.push_back({score[row], 0, 0});
    const double w = weight.empty() ? 1 : weight[row];
    (outcome[row] == 1 ? g.groups.back().positives : g.groups.back().negatives) += w;
    (outcome[row] == 1 ? g.positives : g.negatives) += w;
  }
  return g;
}

// Twice the number of (positive, negative) pairs in order, ties once: exact, as counts stay below 2^32.
double area(const Groups& g) {
  std::uint64_t below = 0;
  __extension__ unsigned __int128 twice = 0;
  for (const Group& group : g.groups) {
    const auto negatives = static_cast<std::uint64_t>(group.negatives);
    __extension__ typedef unsigned __int128 Wide;
    twice += static_cast<Wide>(static_cast<std::uint64_t>(group.positives)) * (2 * below + negatives);
    below += negatives;
  }
  return static_cast<double>(twice) / (2 * g.positives * g.negatives);
}

double variance_of(const Groups& g, double value) {
  double below_negatives = 0, below_positives = 0;
  double s10 = 0, s01 = 0;
  for (const Group& group : g.groups) {
    const double v10 = (below_negatives + group.negatives / 2) / g.negatives - value;
    const double v01 = (g.positives - below_positives - group.positives / 2) / g.positives - value;
    s10 += group.positives * (v10 * v10);
    s01 += group.negatives * (v01 * v01);
    below_negatives += group.negatives;
    below_positives += group.positives;
  }
  const double first = g.positives > 1 ? s10 / (g.positives - 1) / g.positives : 0;
  const double second = g.negatives > 1 ? s01 / (g.negatives - 1) / g.negatives : 0;
  return first + second;
}

// DeLong's component of each row, less the area.
std::vector<double> components(std::span<const double> score, std::span<const std::int32_t> outcome, double& value) {
  const std::vector<std::uint32_t> order = order_by(score);
  const Groups g = gather(score, outcome, {}, order);
  value = area(g);
  std::vector<double> parts(score.size());
  double below_negatives = 0, below_positives = 0;
  std::size_t at = 0;
  for (const Group& group : g.groups) {
    const double v10 = (below_negatives + group.negatives / 2) / g.negatives - value;
    const double v01 = (g.positives - below_positives - group.positives / 2) / g.positives - value;
    for (; at < order.size() && score[order[at]] == group.score; ++at) parts[order[at]] = outcome[order[at]] == 1 ? v10 : v01;
    below_negatives += group.negatives;
    below_positives += group.positives;
  }
  return parts;
}

// Sum over thresholds from the top of (R_k - R_{k-1}) P_k.
double precision_of(std::span<const Group> groups, double positives) {
  double found = 0, called = 0, sum = 0;
  for (std::size_t i = groups.size(); i-- > 0;) {
    found += groups[i].positives;
    called += groups[i].positives + groups[i].negatives;
    if (groups[i].positives > 0) sum += groups[i].positives * (found / called);
  }
  return sum / positives;
}

double logit(double p) { return std::log(p / (1 - p)); }

// Uniform in [0, n) from 32 bits (Lemire 2019), n < 2^32.
std::uint32_t below_32(Stream& rng, std::uint32_t n) {
  std::uint64_t product = std::uint64_t{rng.next_u32()} * n;
  if (static_cast<std::uint32_t>(product) < n) {
    const std::uint32_t threshold = (0u - n) % n;
    while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{rng.next_u32()} * n;
  }
  return static_cast<std::uint32_t>(product >> 32);
}

// How often each of n rows is drawn in n draws. 16 bits keep the counts in the cache; that one row comes more than 65,535
// times has a chance below 1e-100000.
std::vector<std::uint16_t> draw_counts(Stream& rng, double rows) {
  const auto n = static_cast<std::uint32_t>(rows);
  std::vector<std::uint16_t> counts(n);
  for (std::uint32_t i = 0; i < n; ++i) ++counts[below_32(rng, n)];
  return counts;
}

// The rows of one outcome stand in rising order of score: takes those of the next group down.
double take_down(const std::vector<std::uint16_t>& counts, std::size_t& at, double rows) {
  std::uint64_t sum = 0;
  for (auto left = static_cast<std::size_t>(rows); left > 0; --left) sum += counts[--at];
  return static_cast<double>(sum);
}

// The logit of the average precision after drawing, within each outcome, as many rows as there are; infinite at 1. The
// scores are not sorted again: rows are drawn by rank.
double replicate(const Groups& g, Stream rng) {
  const std::vector<std::uint16_t> positives = draw_counts(rng, g.positives);
  const std::vector<std::uint16_t> negatives = draw_counts(rng, g.negatives);
  std::size_t positives_left = positives.size(), negatives_left = negatives.size();
  double found = 0, called = 0, sum = 0;
  for (std::size_t i = g.groups.size(); i-- > 0;) {
    const double hits = take_down(positives, positives_left, g.groups[i].positives);
    found += hits;
    called += hits + take_down(negatives, negatives_left, g.groups[i].negatives);
    if (hits > 0) sum += hits * (found / called);
  }
  return logit(sum / g.positives);
}

}  // namespace

Result<Auroc> auroc(std::span<const double> score, std::span<const std::int32_t> outcome, double level) {
  PLIMSOLL_CHECK(check(score, outcome, {}));
  const Groups g = gather(score, outcome, {}, order_by(score));
  Auroc result;
  result.positives = static_cast<std::int64_t>(g.positives);
  result.negatives = static_cast<std::int64_t>(g.negatives);
  result.estimate.value = area(g);
  result.estimate.standard_error = std::sqrt(variance_of(g, result.estimate.value));
  result.estimate.interval = logit_interval(result.estimate.value, result.estimate.standard_error, level);
  return result;
}

Result<double> weighted_auroc(std::span<const double> score, std::span<const std::int32_t> outcome,
                              std::span<const double> weight) {
  PLIMSOLL_CHECK(check(score, outcome, weight));
  const Groups g = gather(score, outcome, weight, order_by(score));
  double below = 0, sum = 0;
  for (const Group& group : g.groups) {
    sum += group.positives * (below + group.negatives / 2);
    below += group.negatives;
  }
  return sum / g.positives / g.negatives;
}

Result<AurocDifference> auroc_difference(std::span<const double> first, std::span<const double> second,
                                         std::span<const std::int32_t> outcome, double level) {
  PLIMSOLL_CHECK(check(first, outcome, {}));
  PLIMSOLL_CHECK(check(second, outcome, {}));
  AurocDifference result;
  const std::vector<double> a = components(first, outcome, result.first);
  const std::vector<double> b = components(second, outcome, result.second);
  ExactSum squares[2];
  double counts[2] = {0, 0};
  for (std::size_t i = 0; i < a.size(); ++i) {
    squares[outcome[i]].add((a[i] - b[i]) * (a[i] - b[i]));
    counts[outcome[i]] += 1;
  }
  double variance = 0;
  for (int c = 0; c < 2; ++c)
    if (counts[c] > 1) variance += squares[c].value() / (counts[c] - 1) / counts[c];
  const double error = std::sqrt(variance);
  const double gap = result.first - result.second;
  const double half = normal_upper_quantile((1 - level) / 2) * error;
  result.difference = {gap, error, {gap - half, gap + half}};
  if (error > 0) {
    result.z = gap / error;
    result.p_value = 2 * normal_sf(std::fabs(result.z));
  }
  return result;
}

Result<double> average_precision(std::span<const double> score, std::span<const std::int32_t> outcome,
                                 std::span<const double> weight) {
  PLIMSOLL_CHECK(check(score, outcome, weight));
  const Groups g = gather(score, outcome, weight, order_by(score));
  return precision_of(g.groups, g.positives);
}

Result<Estimate> average_precision_estimate(std::span<const double> score, std::span<const std::int32_t> outcome, double level,
                                            const Resampling& resampling) {
  PLIMSOLL_CHECK(check(score, outcome, {}));
  const Groups g = gather(score, outcome, {}, order_by(score));
  Estimate estimate;
  estimate.value = precision_of(g.groups, g.positives);
  estimate.interval = {estimate.value, estimate.value};
  std::vector<double> logits(static_cast<std::size_t>(std::max(0, resampling.replicates)));
  PLIMSOLL_CHECK(resampling.runtime.for_each(std::ssize(logits), resampling.stop, [&](std::int64_t r) -> Result<void> {
    logits[static_cast<std::size_t>(r)] = replicate(g, resampling.rng.child(static_cast<std::uint64_t>(r)));
    return {};
  }));
  std::erase_if(logits, [](double x) { return !std::isfinite(x); });  // a perfect replicate has no logit
  if (logits.size() < 2 || !(estimate.value < 1)) return estimate;
  const Estimate mean = mean_estimate(logits, level);
  const double spread = mean.standard_error * std::sqrt(static_cast<double>(logits.size()));
  estimate.standard_error = spread * estimate.value * (1 - estimate.value);
  estimate.interval = logit_interval(estimate.value, estimate.standard_error, level);
  return estimate;
}

Result<std::vector<RocPoint>> roc_curve(std::span<const double> score, std::span<const std::int32_t> outcome,
                                        std::size_t most) {
  PLIMSOLL_CHECK(check(score, outcome, {}));
  const Groups g = gather(score, outcome, {}, order_by(score));
  std::vector<RocPoint> all{{std::numeric_limits<double>::infinity(), 0, 0}};
  double positives = 0, negatives = 0;
  for (std::size_t i = g.groups.size(); i-- > 0;) {
    positives += g.groups[i].positives;
    negatives += g.groups[i].negatives;
    const RocPoint point{g.groups[i].score, negatives / g.negatives, positives / g.positives};
    // A point between two on one vertical or horizontal line is no corner.
    const std::size_t n = all.size();
    const bool straight = n >= 2 && ((all[n - 2].false_positive_rate == point.false_positive_rate) ||
                                     (all[n - 2].true_positive_rate == point.true_positive_rate));
    if (straight) all.back() = point;
    else all.push_back(point);
  }
  if (all.size() <= most || most < 2) return all;
  std::vector<RocPoint> thinned;
  for (std::size_t i = 0; i < most; ++i) thinned.push_back(all[i * (all.size() - 1) / (most - 1)]);
  return thinned;
}

}  // namespace plimsoll::stats

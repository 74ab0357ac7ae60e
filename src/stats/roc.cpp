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
#include "stats/ranked_outcomes.h"
#include "stats/ranking.h"

namespace plimsoll::stats {
namespace {

// Counts of a ranking from its sorted rows.
struct Counts {
  double negatives = 0;
  double positives = 0;
  explicit Counts(const RankedOutcomes& rows) : negatives(static_cast<double>(rows.rows() - rows.positives())), positives(static_cast<double>(rows.positives())) {}
};

// Twice the number of (positive, negative) pairs in order, ties once: exact, as counts stay below 2^32.
double area(const RankedOutcomes& rows) {
  __extension__ typedef unsigned __int128 Wide;
  const Counts counts(rows);
  std::uint64_t below = 0;
  Wide twice = 0;
  rows.rising([&](double, std::uint64_t negatives, std::uint64_t positives) {
    twice += static_cast<Wide>(positives) * (2 * below + negatives);
    below += negatives;
  });
  return static_cast<double>(twice) / (2 * counts.positives * counts.negatives);
}

// Calls each(V10, V01) of every distinct score, less the area, from the lowest.
template <class Each>
void each_component(const RankedOutcomes& rows, double value, const Each& each) {
  const Counts all(rows);
  double below_negatives = 0, below_positives = 0;
  rows.rising([&](double score, std::uint64_t here_negatives, std::uint64_t here_positives) {
    const auto negatives = static_cast<double>(here_negatives), positives = static_cast<double>(here_positives);
    const double v10 = (below_negatives + negatives / 2) / all.negatives - value;
    const double v01 = (all.positives - below_positives - positives / 2) / all.positives - value;
    each(score, v10, v01, negatives, positives);
    below_negatives += negatives;
    below_positives += positives;
  });
}

double variance_of(const RankedOutcomes& rows, double value) {
  double s10 = 0, s01 = 0;
  each_component(rows, value, [&](double, double v10, double v01, double negatives, double positives) {
    s10 += positives * (v10 * v10);
    s01 += negatives * (v01 * v01);
  });
  const Counts all(rows);
  const double first = all.positives > 1 ? s10 / (all.positives - 1) / all.positives : 0;
  const double second = all.negatives > 1 ? s01 / (all.negatives - 1) / all.negatives : 0;
  return first + second;
}

// DeLong's component of each row, less the area.
std::vector<double> components(std::span<const double> score, std::span<const std::int32_t> outcome, double& value) {
  const RankedOutcomes rows(score, outcome);
  value = area(rows);
  const std::vector<std::uint32_t> order = order_by(score);
  std::vector<double> parts(score.size());
  std::size_t at = 0;
  each_component(rows, value, [&](double here, double v10, double v01, double, double) {
    for (; at < order.size() && score[order[at]] == here; ++at) parts[order[at]] = outcome[order[at]] == 1 ? v10 : v01;
  });
  return parts;
}

// Sum over thresholds from the top of (R_k - R_{k-1}) P_k.
double precision_of(const RankTable& g) {
  double found = 0, called = 0, sum = 0;
  for (std::size_t i = g.groups.size(); i-- > 0;) {
    found += g.groups[i].positives;
    called += g.groups[i].positives + g.groups[i].negatives;
    if (g.groups[i].positives > 0) sum += g.groups[i].positives * (found / called);
  }
  return sum / g.positives;
}

double precision_of(const RankedOutcomes& rows) {
  double found = 0, called = 0, sum = 0;
  rows.falling([&](double, std::uint64_t negatives, std::uint64_t positives) {
    const auto here = static_cast<double>(positives);
    found += here;
    called += here + static_cast<double>(negatives);
    if (positives > 0) sum += here * (found / called);
  });
  return sum / static_cast<double>(rows.positives());
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
double replicate(const RankTable& g, Stream rng) {
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
  PLIMSOLL_CHECK(check_ranking(score, outcome, {}));
  const RankedOutcomes rows(score, outcome);
  Auroc result;
  result.positives = rows.positives();
  result.negatives = rows.rows() - rows.positives();
  result.estimate.value = area(rows);
  result.estimate.standard_error = std::sqrt(variance_of(rows, result.estimate.value));
  result.estimate.interval = logit_interval(result.estimate.value, result.estimate.standard_error, level);
  return result;
}

Result<double> weighted_auroc(std::span<const double> score, std::span<const std::int32_t> outcome,
                              std::span<const double> weight) {
  PLIMSOLL_TRY(const RankTable g, rank_table(score, outcome, weight));
  return area_of(g);
}

Result<AurocDifference> auroc_difference(std::span<const double> first, std::span<const double> second,
                                         std::span<const std::int32_t> outcome, double level) {
  PLIMSOLL_CHECK(check_ranking(first, outcome, {}));
  PLIMSOLL_CHECK(check_ranking(second, outcome, {}));
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
  if (!weight.empty()) {
    PLIMSOLL_TRY(const RankTable g, rank_table(score, outcome, weight));
    return precision_of(g);
  }
  PLIMSOLL_CHECK(check_ranking(score, outcome, {}));
  return precision_of(RankedOutcomes(score, outcome));
}

Result<Estimate> average_precision_estimate(std::span<const double> score, std::span<const std::int32_t> outcome, double level,
                                            const Resampling& resampling) {
  PLIMSOLL_TRY(const RankTable g, rank_table(score, outcome, {}));
  Estimate estimate;
  estimate.value = precision_of(g);
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
  PLIMSOLL_TRY(const RankTable g, rank_table(score, outcome, {}));
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

// SPDX-License-Identifier: Apache-2.0
// AUROC and its components: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), weighted. Partial area: McClish, Med. Decis.
// Making 9 (1989). H-measure: Hand, Machine Learning 77 (2009), with the prior of Hand and Anagnostopoulos, Pattern Recogn.
// Lett. 40 (2014). With the blocks of PAV (the ROC curve's hull), mean r and weight W, and c the cost of a false alarm out of
// c + (1 - c), the best rule treats a block if r > c, so the expected loss is
//   L = sum W/n [ (1 - r) int_0^r c b(c) dc + r int_r^1 (1 - c) b(c) dc ],  H = 1 - L / L(one block).
#include "stats/ranking.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include "base/exact_sum.h"
#include "stats/distributions.h"
#include "stats/intervals.h"
#include "stats/pav.h"
#include "stats/ranked_outcomes.h"

namespace plimsoll::stats {
namespace {

struct Descent {
  double precision = 0, distance = 0, partial = 0;
};

// One way down the scores.
Descent descend(const RankTable& t, double most) {
  Descent d;
  double found = 0, alarms = 0;
  const double limit = most * t.negatives;
  for (std::size_t i = t.groups.size(); i-- > 0;) {
    const RankGroup& g = t.groups[i];
    if (alarms < limit) {
      const double share = g.negatives > 0 ? std::min(1.0, (limit - alarms) / g.negatives) : 1;
      d.partial += share * g.negatives * (found + share * g.positives / 2);
    }
    found += g.positives;
    alarms += g.negatives;
    if (g.positives > 0) d.precision += g.positives * (found / (found + alarms));
    d.distance = std::max(d.distance, std::fabs(found / t.positives - alarms / t.negatives));
  }
  d.precision /= t.positives;
  d.partial /= t.positives * t.negatives;
  return d;
}

double entropy_of(double weight, double events) {
  const double others = weight - events;
  return (events > 0 ? 0.0 - events * std::log(events / weight) : 0) + (others > 0 ? 0.0 - others * std::log(others / weight) : 0);
}

struct HPrior {
  double a, b;
  double below(double r) const { return a / (a + b) * beta_cdf(r, a + 1, b); }       // int_0^r c b(c) dc
  double above(double r) const { return b / (a + b) * beta_sf(r, a, b + 1); }        // int_r^1 (1 - c) b(c) dc
  double loss(double weight, double r) const { return weight * ((1 - r) * below(r) + r * above(r)); }
};

void measure_blocks(const RankTable& t, RankStatistics& out) {
  std::vector<Pool> pools;
  pools.reserve(t.groups.size());
  for (const RankGroup& g : t.groups)
    if (g.positives + g.negatives > 0) pools.push_back({g.score, g.positives + g.negatives, g.positives});
  const double total = t.positives + t.negatives, base = t.positives / total;
  const HPrior prior{1 + base, 1 + (1 - base)};
  double brier = 0, log = 0, loss = 0;
  for (const PavBlock& block : pav(pools)) {
    const double r = block.mean();
    brier += block.sum * (1 - r);
    log += entropy_of(block.weight, block.sum);
    loss += prior.loss(block.weight, r);
  }
  const auto set = [&](RankStatistic which, double value) { out[static_cast<std::size_t>(which)] = value; };
  set(RankStatistic::h_measure, std::clamp(1 - loss / prior.loss(total, base), 0.0, 1.0));
  set(RankStatistic::brier_discrimination, std::max(0.0, base * (1 - base) - brier / total));
  set(RankStatistic::log_discrimination, std::max(0.0, (entropy_of(total, t.positives) - log) / total));
}

// Rows in rising order of score, each column in that order, so that a replicate reads memory from front to back.
struct Sorted {
  std::vector<double> score, weight;  // weight empty: ones
  std::vector<std::int32_t> outcome, cluster;
};

Sorted sorted_rows(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight,
                   std::span<const std::int32_t> cluster, std::span<const std::uint32_t> order) {
  Sorted sorted;
  sorted.score.reserve(order.size());
  sorted.outcome.reserve(order.size());
  for (const std::uint32_t row : order) {
    sorted.score.push_back(score[row]);
    sorted.outcome.push_back(outcome[row]);
    if (!weight.empty()) sorted.weight.push_back(weight[row]);
    if (!cluster.empty()) sorted.cluster.push_back(cluster[row]);
  }
  return sorted;
}

// How often each of `parts` is drawn in as many draws. 16 bits keep the counts in the cache; that one comes more than 65,535
// times has a chance below 1e-100000.
std::vector<std::uint16_t> draw_counts(Stream& rng, std::size_t parts) {
  std::vector<std::uint16_t> counts(parts);
  for (std::size_t i = 0; i < parts; ++i) ++counts[rng.below(parts)];
  return counts;
}

// Times each sorted row counts: rows within each outcome, or clusters.
std::vector<std::uint16_t> row_counts(const Sorted& sorted, std::int32_t clusters, Stream rng) {
  std::vector<std::uint16_t> counts(sorted.outcome.size());
  if (!sorted.cluster.empty()) {
    const std::vector<std::uint16_t> drawn = draw_counts(rng, static_cast<std::size_t>(clusters));
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = drawn[static_cast<std::size_t>(sorted.cluster[i])];
    return counts;
  }
  const auto events = static_cast<std::size_t>(std::count(sorted.outcome.begin(), sorted.outcome.end(), 1));
  const std::vector<std::uint16_t> others = draw_counts(rng, counts.size() - events), hits = draw_counts(rng, events);
  std::size_t next[2] = {0, 0};
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = sorted.outcome[i] == 1 ? hits[next[1]++] : others[next[0]++];
  return counts;
}

RankTable table_of(const Sorted& sorted, std::span<const std::uint16_t> counts) {
  RankTable t;
  t.groups.reserve(sorted.score.size());
  for (std::size_t i = 0; i < sorted.score.size(); ++i) {
    const double w = (sorted.weight.empty() ? 1 : sorted.weight[i]) * (counts.empty() ? 1 : counts[i]);
    if (w == 0) continue;
    if (t.groups.empty() || t.groups.back().score != sorted.score[i]) t.groups.push_back({sorted.score[i], 0, 0});
    (sorted.outcome[i] == 1 ? t.groups.back().positives : t.groups.back().negatives) += w;
    (sorted.outcome[i] == 1 ? t.positives : t.negatives) += w;
  }
  return t;
}

}  // namespace

double area_of(const RankTable& t) {
  double below = 0, sum = 0;
  for (const RankGroup& g : t.groups) {
    sum += g.positives * (below + g.negatives / 2);
    below += g.negatives;
  }
  return sum / t.positives / t.negatives;
}

std::string_view name_of(RankStatistic statistic) {
  static constexpr std::array<std::string_view, rank_statistic_count> names = {
      "AUROC", "average precision", "Kolmogorov-Smirnov", "partial AUROC", "H-measure", "discrimination (Brier)", "discrimination (log)"};
  return names[static_cast<std::size_t>(statistic)];
}

Result<RankTable> rank_table(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight) {
  PLIMSOLL_CHECK(check_ranking(score, outcome, weight));
  if (!weight.empty()) return table_of(sorted_rows(score, outcome, weight, {}, order_by(score)), {});
  const RankedOutcomes rows(score, outcome);
  RankTable t;
  t.groups.reserve(score.size());
  rows.rising([&](double at, std::uint64_t negatives, std::uint64_t positives) { t.groups.push_back({at, static_cast<double>(positives), static_cast<double>(negatives)}); });
  t.positives = static_cast<double>(rows.positives());
  t.negatives = static_cast<double>(rows.rows() - rows.positives());
  return t;
}

RankStatistics rank_statistics(const RankTable& table, double most) {
  RankStatistics out{};
  const Descent d = descend(table, most);
  const auto set = [&](RankStatistic which, double value) { out[static_cast<std::size_t>(which)] = value; };
  set(RankStatistic::auroc, area_of(table));
  set(RankStatistic::average_precision, d.precision);
  set(RankStatistic::kolmogorov_smirnov, d.distance);
  const double least = most * most / 2;
  set(RankStatistic::partial_auroc, 0.5 * (1 + (d.partial - least) / (most - least)));
  measure_blocks(table, out);
  return out;
}

Result<std::vector<RankStatistics>> rank_replicates(std::span<const double> score, std::span<const std::int32_t> outcome,
                                                    std::span<const double> weight, const Dependence& dependence, double most,
                                                    const Resampling& resampling) {
  PLIMSOLL_CHECK(check_ranking(score, outcome, weight));
  const Sorted sorted = sorted_rows(score, outcome, weight, dependence.cluster, order_by(score));
  std::vector<RankStatistics> replicates(static_cast<std::size_t>(std::max(0, resampling.replicates)));
  PLIMSOLL_CHECK(resampling.runtime.for_each(std::ssize(replicates), resampling.stop, [&](std::int64_t r) -> Result<void> {
    RankStatistics& out = replicates[static_cast<std::size_t>(r)];
    const RankTable t = table_of(sorted, row_counts(sorted, dependence.clusters, resampling.rng.child(static_cast<std::uint64_t>(r))));
    if (t.positives > 0 && t.negatives > 0) out = rank_statistics(t, most);
    else out.fill(std::numeric_limits<double>::quiet_NaN());  // clusters of one outcome only
    return {};
  }));
  return replicates;
}

std::vector<Estimate> rank_intervals(const RankStatistics& observed, std::span<const RankStatistics> replicates, double level) {
  std::vector<Estimate> estimates;
  for (std::size_t s = 0; s < rank_statistic_count; ++s) {
    const double value = observed[s];
    std::vector<double> logits;
    for (const RankStatistics& r : replicates)
      if (r[s] > 0 && r[s] < 1) logits.push_back(std::log(r[s] / (1 - r[s])));
    Estimate e{value, std::numeric_limits<double>::quiet_NaN(), {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()}};
    if (logits.size() >= 2 && value > 0 && value < 1) {
      const Estimate mean = mean_estimate(logits, level);
      e.standard_error = mean.standard_error * std::sqrt(static_cast<double>(logits.size())) * value * (1 - value);
      e.interval = logit_interval(value, e.standard_error, level);
    }
    estimates.push_back(e);
  }
  return estimates;
}

Result<Influence> auroc_influence(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight) {
  PLIMSOLL_CHECK(check_ranking(score, outcome, weight));
  const std::vector<std::uint32_t> order = order_by(score);
  const RankTable t = table_of(sorted_rows(score, outcome, weight, {}, order), {});
  Influence result{area_of(t), std::vector<double>(score.size())};
  double rows[2] = {0, 0};
  for (std::size_t i = 0; i < score.size(); ++i)
    if (weight.empty() || weight[i] > 0) rows[outcome[i]] += 1;
  double factor[2];
  for (int c = 0; c < 2; ++c) factor[c] = (rows[c] > 1 ? std::sqrt(rows[c] / (rows[c] - 1)) : 0) / (c == 1 ? t.positives : t.negatives);
  double below_negatives = 0, below_positives = 0;
  std::size_t at = 0;
  for (const RankGroup& g : t.groups) {
    const double v[2] = {(t.positives - below_positives - g.positives / 2) / t.positives - result.value,
                         (below_negatives + g.negatives / 2) / t.negatives - result.value};
    for (; at < order.size() && score[order[at]] <= g.score; ++at) {
      const std::size_t row = order[at];
      const int c = outcome[row];
      result.rows[row] = factor[c] * (weight.empty() ? 1 : weight[row]) * v[c];
    }
    below_negatives += g.negatives;
    below_positives += g.positives;
  }
  return result;
}

std::vector<GainPoint> gain_curve(const RankTable& table, std::size_t most) {
  const double all = table.positives + table.negatives;
  std::vector<GainPoint> points{{0, 0, std::numeric_limits<double>::infinity(), 0}};
  double found = 0, alarms = 0;
  for (std::size_t i = table.groups.size(); i-- > 0;) {
    found += table.groups[i].positives;
    alarms += table.groups[i].negatives;
    points.push_back({(found + alarms) / all, found / table.positives, table.groups[i].score, alarms / table.negatives});
  }
  if (points.size() <= most || most < 2) return points;
  std::vector<GainPoint> thinned;
  for (std::size_t i = 0; i < most; ++i) thinned.push_back(points[i * (points.size() - 1) / (most - 1)]);
  return thinned;
}

double gain_at(const RankTable& table, double depth) {
  const double wanted = depth * (table.positives + table.negatives);
  double found = 0, taken = 0;
  for (std::size_t i = table.groups.size(); i-- > 0;) {
    const RankGroup& g = table.groups[i];
    const double size = g.positives + g.negatives;
    if (taken + size >= wanted) return (found + (size > 0 ? g.positives * (wanted - taken) / size : 0)) / table.positives;
    found += g.positives;
    taken += size;
  }
  return 1;
}

}  // namespace plimsoll::stats

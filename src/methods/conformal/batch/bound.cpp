// SPDX-License-Identifier: Apache-2.0
// From the sorted calibration scores and the size of a batch to the bound: which ranks, and the extreme values that those ranks allow.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "methods/conformal/batch/batch.h"
#include "stats/order_statistics.h"
#include "stats/rank_knapsack.h"
#include "stats/rank_law.h"

namespace plimsoll::conformal::batch {
namespace {

constexpr double weight_scale = 100;

// S_(0) = lower bound, S_(1) .. S_(n), S_(n+1) = upper bound.
double end_at(const Params& params, const std::vector<double>& sorted, std::int64_t r) {
  if (r <= 0) return params.score_lower_bound;
  if (r > static_cast<std::int64_t>(sorted.size())) return params.score_upper_bound;
  return sorted[static_cast<std::size_t>(r - 1)];
}

bool wants_upper(const Params& params) { return params.side != Side::lower; }
bool wants_lower(const Params& params) { return params.side != Side::upper; }
double tail(const Params& params) { return params.side == Side::two ? params.alpha / 2 : params.alpha; }

std::int64_t covered_rows(const Params& params, std::int64_t m) { return static_cast<std::int64_t>(std::ceil((1 - params.delta) * static_cast<double>(m) - 1e-9)); }

// One order statistic; `one_sided`: only from above, whatever `side` says.
Bound order_bound(const Params& params, const std::vector<double>& sorted, std::int64_t m, std::int64_t zeta, bool one_sided) {
  const auto n = static_cast<std::int64_t>(sorted.size());
  Bound bound{-infinity, infinity};
  double missed = 0;
  const double alpha = one_sided ? params.alpha : tail(params);
  if (one_sided || wants_upper(params)) {
    const stats::Ranked ranked = stats::order_rank_upper(n, m, zeta, alpha);
    bound.rank_upper = ranked.rank;
    bound.upper = end_at(params, sorted, ranked.rank);
    missed += 1 - ranked.attained;
    if (ranked.rank > n) bound.needed = stats::order_rank_needed(m, zeta, alpha);
  }
  if (!one_sided && wants_lower(params)) {
    const stats::Ranked ranked = stats::order_rank_lower(n, m, zeta, alpha);
    bound.rank_lower = ranked.rank - 1;
    bound.lower = end_at(params, sorted, ranked.rank - 1);
    missed += 1 - ranked.attained;
    if (ranked.rank == 1) bound.needed = std::max(bound.needed, stats::order_rank_needed(m, m + 1 - zeta, alpha));
  }
  bound.attained = 1 - missed;
  return bound;
}

Bound pair_bound(const Params& params, const std::vector<double>& sorted, std::int64_t m, std::int64_t zeta1, std::int64_t zeta2) {
  if (params.side == Side::upper) return order_bound(params, sorted, m, zeta2, false);
  if (params.side == Side::lower) return order_bound(params, sorted, m, zeta1, false);
  const stats::RankWindow window = stats::two_order_ranks(static_cast<std::int64_t>(sorted.size()), m, zeta1, zeta2, params.alpha);
  Bound bound{end_at(params, sorted, window.low - 1), end_at(params, sorted, window.high)};
  bound.rank_lower = window.low - 1;
  bound.rank_upper = window.high;
  bound.attained = window.attained;
  return bound;
}

// The increasing function of one score whose sum the target is, and the way back.
double part_of(const Params& params, double score) {
  switch (params.target) {
    case Target::product: return std::log(score);
    case Target::log_sum_exp: return std::exp(score);
    case Target::p_norm: return std::pow(score, params.power);
    case Target::count_above: return score > params.level ? 1 : 0;
    default: return score;
  }
}
double whole_of(const Params& params, double sum, std::int64_t m) {
  switch (params.target) {
    case Target::mean: return sum / static_cast<double>(m);
    case Target::product: return std::exp(sum);
    case Target::log_sum_exp: return std::log(std::max(sum, 0.0));
    case Target::p_norm: return std::pow(std::max(sum, 0.0), 1 / params.power);
    default: return sum;
  }
}

// What a rank costs, and the most a batch may cost: P(cost <= budget) >= 1 - alpha.
struct Budget {
  std::vector<std::int64_t> weights;
  std::int64_t most = 0;
  double attained = 0;
  bool top_excluded = false;
};

Result<std::vector<std::int64_t>> learned_weights(const Params& params, const Model& model, std::int64_t n) {
  const double low = std::isfinite(params.score_lower_bound) ? params.score_lower_bound : model.training.front();
  const double high = params.score_upper_bound;
  std::vector<std::int64_t> weights;
  for (std::int64_t k = 1; k <= n; ++k) {
    const double at = stats::quantile_of_sorted(model.training, static_cast<double>(k) / static_cast<double>(n + 1));
    weights.push_back(std::llround(weight_scale * std::clamp((at - low) / (high - low), 0.0, 1.0)));
  }
  weights.push_back(static_cast<std::int64_t>(weight_scale));
  return weights;
}

Result<Budget> budget_of(const Params& params, const Model& model, std::int64_t n, std::int64_t m, double alpha) {
  Budget budget;
  if (params.rank_fn == RankFunction::weighted) {
    PLIMSOLL_TRY(budget.weights, learned_weights(params, model, n));
    const std::vector<double> mass = stats::weighted_rank_mass(budget.weights, m);
    for (std::size_t s = 0; s < mass.size() && budget.attained < 1 - alpha - stats::rank_slack; ++s) {
      budget.attained += mass[s];
      budget.most = static_cast<std::int64_t>(s);
    }
    return budget;
  }
  budget.weights.resize(static_cast<std::size_t>(n + 1));
  std::iota(budget.weights.begin(), budget.weights.end(), std::int64_t{1});
  if (params.rank_fn == RankFunction::rank_sum) {
    const stats::Ranked ranked = stats::mann_whitney_upper(n, m, alpha);
    budget.most = ranked.rank + m;
    budget.attained = ranked.attained;
    return budget;
  }
  // The largest rank is left out: P(r_m <= n) = n/(n + m), and given that, u has the Mann-Whitney law of (n - 1, m).
  const double share = static_cast<double>(n) / static_cast<double>(n + m);
  budget.weights.pop_back();
  budget.top_excluded = true;
  if (n < 2 || share < 1 - alpha - stats::rank_slack)
    return Error(ErrorCode::too_few_rows, "leaving out the largest rank needs alpha of at least m/(n + m)", "Give at least " + std::to_string(static_cast<std::int64_t>(std::ceil(static_cast<double>(m) * (1 - alpha) / alpha))) + " calibration rows, raise alpha, or state the bounds of the score.").in_parameter("rank_fn");
  const stats::Ranked ranked = stats::mann_whitney_upper(n - 1, m, 1 - (1 - alpha) / share);
  budget.most = ranked.rank + m;
  budget.attained = share * ranked.attained;
  return budget;
}

struct Extreme {
  double sum = 0;
  double attained = 0;
  bool envelope = false;
};

// The largest sum of parts under the budget. `values` rise; the last may be infinite.
Result<Extreme> extreme_of(Context& context, const Params& params, const Model& model, std::vector<double> values, std::vector<double> shares, std::int64_t n, std::int64_t m, double alpha) {
  PLIMSOLL_TRY(Budget budget, budget_of(params, model, n, m, alpha));
  if (budget.top_excluded) values.pop_back();
  Extreme extreme;
  extreme.attained = budget.attained;
  // One pick of an infinite value beside the cheapest others decides at once.
  if (std::isinf(values.back()) && values.back() > 0) {
    if (budget.weights.back() + (m - 1) * budget.weights.front() <= budget.most) {
      extreme.sum = infinity;
      return extreme;
    }
    values.pop_back();
    budget.weights.pop_back();
  }
  const auto stop = [&] { return context.stop.check(); };
  const double work = static_cast<double>(m) * static_cast<double>(budget.most) * static_cast<double>(values.size());
  if (!shares.empty()) {
    const double memory = static_cast<double>(budget.most) * static_cast<double>(values.size()) * 16;
    if (work > params.most_work || memory > 4e9)
      return Error(ErrorCode::too_large, "an L-statistic of this size takes " + std::to_string(static_cast<std::int64_t>(work / 1e9)) + "e9 steps", "Use fewer calibration rows or smaller batches, or raise --most-work.").in_parameter("most_work");
    PLIMSOLL_TRY(extreme.sum, stats::largest_ordered_sum(values, budget.weights, shares, budget.most, stop));
    return extreme;
  }
  const bool strict = std::adjacent_find(budget.weights.begin(), budget.weights.end(), std::greater_equal<>()) == budget.weights.end();
  if (work > params.most_work && strict) {
    extreme.sum = stats::largest_sum_envelope(values, budget.weights, m, budget.most);
    extreme.envelope = true;
    return extreme;
  }
  PLIMSOLL_TRY(extreme.sum, stats::largest_sum(values, budget.weights, m, budget.most, stop));
  return extreme;
}

// Upper end as it stands; lower end as the upper end of the mirrored scores, whose ranks have the same law.
Result<Bound> sum_bound(Context& context, const Params& params, const Sample& sample, const Model& model, std::int64_t m) {
  const auto n = static_cast<std::int64_t>(sample.scores.size());
  std::vector<double> shares = params.target == Target::l_statistic ? params.weights : std::vector<double>();
  std::vector<double> up, down;
  for (std::int64_t r = 1; r <= n + 1; ++r) {
    up.push_back(part_of(params, end_at(params, sample.scores, r)));
    down.push_back(-part_of(params, end_at(params, sample.scores, n + 1 - r)));
  }
  Bound bound{-infinity, infinity};
  double missed = 0;
  if (wants_upper(params)) {
    PLIMSOLL_TRY(const Extreme extreme, extreme_of(context, params, model, std::move(up), shares, n, m, tail(params)));
    bound.upper = whole_of(params, extreme.sum, m);
    bound.envelope = extreme.envelope;
    missed += 1 - extreme.attained;
  }
  if (wants_lower(params)) {
    std::reverse(shares.begin(), shares.end());
    PLIMSOLL_TRY(const Extreme extreme, extreme_of(context, params, model, std::move(down), shares, n, m, tail(params)));
    bound.lower = whole_of(params, -extreme.sum, m);
    bound.envelope = bound.envelope || extreme.envelope;
    missed += 1 - extreme.attained;
  }
  bound.attained = 1 - missed;
  return bound;
}

// Whole batches cut from the calibration rows, one conformal quantile of their values.
Result<Bound> partition_bound(const Params& params, const Model& model, std::int64_t m) {
  std::vector<double> values;
  for (std::size_t at = 0; at + static_cast<std::size_t>(m) <= model.in_order.size(); at += static_cast<std::size_t>(m))
    values.push_back(value_of(params, std::vector<double>(model.in_order.begin() + static_cast<std::ptrdiff_t>(at), model.in_order.begin() + static_cast<std::ptrdiff_t>(at) + m)));
  std::sort(values.begin(), values.end());
  const bool one_sided = params.target == Target::coverage || params.target == Target::kfwer;
  const double alpha = one_sided ? params.alpha : tail(params);
  const auto blocks = static_cast<std::int64_t>(values.size());
  PLIMSOLL_TRY(const stats::ConformalRank rank, stats::conformal_rank(blocks, alpha));
  Bound bound{-infinity, infinity};
  bound.needed = rank.infinite ? rank.needed_n * m : 0;
  double missed = 0;
  const double miss = 1 - static_cast<double>(std::min(rank.k, blocks + 1)) / static_cast<double>(blocks + 1);
  if (one_sided || wants_upper(params)) {
    bound.upper = rank.infinite ? params.score_upper_bound : values[static_cast<std::size_t>(rank.k - 1)];
    missed += miss;
  }
  if (!one_sided && wants_lower(params)) {
    bound.lower = rank.infinite ? params.score_lower_bound : values[static_cast<std::size_t>(blocks - rank.k)];
    missed += miss;
  }
  bound.attained = 1 - missed;
  return bound;
}

// The plain quantile of single rows, as if it spoke of the batch: what the naive user does. Nothing is promised of a batch.
Result<Bound> split_bound(const Params& params, const Sample& sample) {
  const double alpha = params.target == Target::coverage ? params.delta : params.alpha;
  std::vector<double> scratch = sample.scores;
  PLIMSOLL_TRY(const stats::ConformalQuantile quantile, stats::conformal_quantile(scratch, std::max(alpha, 1e-9)));
  Bound bound{-infinity, quantile.value};
  bound.rank_upper = quantile.rank.k;
  return bound;
}

}  // namespace

bool folds(Target target) { return target >= Target::mean; }

double value_of(const Params& params, std::vector<double> scores) {
  std::sort(scores.begin(), scores.end());
  const auto m = static_cast<std::int64_t>(scores.size());
  const auto at = [&](std::int64_t zeta) { return scores[static_cast<std::size_t>(zeta - 1)]; };
  switch (params.target) {
    case Target::order_stat: return at(params.zeta);
    case Target::median: return m % 2 == 1 ? at((m + 1) / 2) : (at(m / 2) + at(m / 2 + 1)) / 2;
    case Target::coverage: return at(covered_rows(params, m));
    case Target::kfwer: return at(m - params.eta);
    case Target::two_order_stats: return at(params.zeta2);
    case Target::l_statistic: return std::inner_product(scores.begin(), scores.end(), params.weights.begin(), 0.0);
    default: break;
  }
  double sum = 0;
  for (const double score : scores) sum += part_of(params, score);
  return whole_of(params, sum, m);
}

Result<Bound> bound_of(Context& context, const Params& params, const Sample& sample, const Model& model, std::int64_t m) {
  const auto range = [&](bool good, const std::string& name, const std::string& text) -> Result<void> {
    if (good) return {};
    return Error(ErrorCode::bad_parameter, "'" + name + "' must be in " + text + " for a batch of " + std::to_string(m), "Give another value, or other batches.").in_parameter(name);
  };
  Bound bound{};
  const std::vector<double>& sorted = sample.scores;
  if (params.target == Target::order_stat) PLIMSOLL_CHECK(range(params.zeta <= m, "zeta", "1 .. m"));
  if (params.target == Target::two_order_stats) PLIMSOLL_CHECK(range(params.zeta2 <= m && params.zeta < params.zeta2, "zeta2", "zeta + 1 .. m"));
  if (params.target == Target::kfwer) PLIMSOLL_CHECK(range(params.eta < m, "eta", "0 .. m - 1"));
  if (params.target == Target::l_statistic) PLIMSOLL_CHECK(range(static_cast<std::int64_t>(params.weights.size()) == m, "weights", "one a row"));
  if (params.procedure == Procedure::partition) {
    PLIMSOLL_TRY(bound, partition_bound(params, model, m));
  } else if (params.procedure == Procedure::split) {
    PLIMSOLL_TRY(bound, split_bound(params, sample));
  } else if (folds(params.target)) {
    PLIMSOLL_TRY(bound, sum_bound(context, params, sample, model, m));
  } else if (params.target == Target::two_order_stats || (params.target == Target::median && m % 2 == 0)) {
    const bool median = params.target == Target::median;
    bound = pair_bound(params, sorted, m, median ? m / 2 : params.zeta, median ? m / 2 + 1 : params.zeta2);
  } else {
    const std::int64_t zeta = params.target == Target::median ? (m + 1) / 2 : params.target == Target::coverage ? covered_rows(params, m) : params.target == Target::kfwer ? m - params.eta : params.zeta;
    bound = order_bound(params, sorted, m, zeta, params.target == Target::coverage || params.target == Target::kfwer);
  }
  const bool upper = params.side != Side::lower || params.target == Target::coverage || params.target == Target::kfwer;
  const bool lower = params.side != Side::upper && params.target != Target::coverage && params.target != Target::kfwer;
  bound.vacuous = (upper && std::isinf(bound.upper)) || (lower && std::isinf(bound.lower) && !(params.target == Target::log_sum_exp && params.score_lower_bound > -infinity));
  return bound;
}

}  // namespace plimsoll::conformal::batch

// SPDX-License-Identifier: Apache-2.0
// The decision and what it costs. With u = 1 - max p, q_1 the threshold of single answers and q_2 that of sets:
//   P_single = sigmoid(-k (u - q_1)), P_abstain = sigmoid(k (u - q_2)), P_set = max(0, 1 - P_single - P_abstain), each at least 1e-6
//   cost = (1 - acc) + l1 size + l2 abst - l3 (1 - abst) - l4 H + l5 max(0, a_1 - 0.8)
// acc: right among answered, size: options of sets, a: shares of the three actions, H = -sum a ln(a + 1e-8). The published code draws
// the actions; here their probabilities stand for them, so that the cost is a function of two order statistics and its optimum a sweep.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "learn/logistic.h"
#include "methods/conformal/abstain/abstain.h"

namespace plimsoll::conformal::abstain {
namespace {

constexpr double floor_share = 1e-6;
constexpr std::int64_t coarse_single = 16;
constexpr std::int64_t coarse_set = 9;

Shares mixed(double single, double abstain) {
  const double set = std::max(floor_share, 1 - single - abstain);
  single = std::max(single, floor_share);
  abstain = std::max(abstain, floor_share);
  const double sum = single + set + abstain;
  return {single / sum, set / sum, abstain / sum};
}

bool holds(std::uint64_t mask, std::int32_t option) { return (mask >> option & 1) != 0; }
double count_of(std::uint64_t mask) { return static_cast<double>(__builtin_popcountll(mask)); }

void add(Batch& batch, const Shares& shares, std::span<const double> p, std::int32_t answer, std::uint64_t set) {
  batch.single += shares.single;
  batch.set += shares.set;
  batch.abstain += shares.abstain;
  batch.right += (first_largest(p) == answer ? shares.single : 0) + (holds(set, answer) ? shares.set : 0);
  batch.options += shares.set * count_of(set);
  batch.rows += 1;
}

// Levels of the box and the thresholds there; levels that give the same threshold stand once (the first).
struct Axis {
  std::vector<double> level, threshold;
};
Axis axis_of(const Quantiles& quantiles, double low, double high, std::int64_t points) {
  Axis axis;
  for (std::int64_t i = 0; i < points; ++i) {
    const double level = points == 1 ? low : low + (high - low) * static_cast<double>(i) / static_cast<double>(points - 1);
    const double threshold = quantiles.at(level);
    if (!axis.threshold.empty() && axis.threshold.back() == threshold && i + 1 < points) continue;
    axis.level.push_back(level);
    axis.threshold.push_back(threshold);
  }
  return axis;
}
// Every order statistic that a level of the box can give, with a level that gives it.
Axis exact_axis(const Quantiles& quantiles, double low, double high) {
  const std::int64_t most = quantiles.rank(low);
  const std::int64_t least = quantiles.rank(high);
  const auto n = static_cast<double>(quantiles.sorted.size());
  Axis axis;
  for (std::int64_t k = most; k >= least; --k) {
    double level = std::clamp(1 - static_cast<double>(k) / (n + 1), low, high);
    if (quantiles.rank(level) != k) level = std::clamp(1 - (static_cast<double>(k) - 0.5) / (n + 1), low, high);
    if (quantiles.rank(level) != k) continue;
    const double threshold = quantiles.at(level);
    if (!axis.threshold.empty() && axis.threshold.back() == threshold) continue;
    axis.level.push_back(level);
    axis.threshold.push_back(threshold);
  }
  return axis;
}

// One block of learning rows against every pair of thresholds.
void sweep_block(const Learning& learning, const Axis& singles, const Axis& sets, double slope, std::int64_t begin, std::int64_t end, std::vector<Batch>& out) {
  const auto rows = static_cast<std::size_t>(end - begin);
  std::vector<double> u(rows), single(rows), abstain(rows), options(rows), inside(rows), right(rows);
  std::vector<std::vector<double>> by_single;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t i = static_cast<std::size_t>(begin) + r;
    u[r] = 1 - largest(learning.at(i));
    right[r] = first_largest(learning.at(i)) == learning.answer[i] ? 1 : 0;
  }
  for (const double threshold : singles.threshold) {
    for (std::size_t r = 0; r < rows; ++r) single[r] = learn::sigmoid(-slope * (u[r] - threshold));
    by_single.push_back(single);
  }
  for (std::size_t b = 0; b < sets.threshold.size(); ++b) {
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t i = static_cast<std::size_t>(begin) + r;
      const std::uint64_t mask = set_at(learning.at(i), sets.threshold[b]);
      options[r] = count_of(mask);
      inside[r] = holds(mask, learning.answer[i]) ? 1 : 0;
      abstain[r] = learn::sigmoid(slope * (u[r] - sets.threshold[b]));
    }
    for (std::size_t a = 0; a < singles.threshold.size(); ++a) {
      Batch& batch = out[a * sets.threshold.size() + b];
      for (std::size_t r = 0; r < rows; ++r) {
        const Shares shares = mixed(by_single[a][r], abstain[r]);
        batch.single += shares.single;
        batch.set += shares.set;
        batch.right += shares.single * right[r] + shares.set * inside[r];
        batch.options += shares.set * options[r];
      }
      batch.rows += static_cast<double>(rows);
    }
  }
}

}  // namespace

Shares shares_of(const Thresholds& t, double slope, double u) {
  return mixed(learn::sigmoid(-slope * (u - t.single)), learn::sigmoid(slope * (u - (t.set - t.shift))));
}

Action likeliest(const Shares& s) {
  if (s.abstain >= s.set && s.abstain >= s.single) return Action::abstain;
  return s.set >= s.single ? Action::set : Action::single;
}
Action drawn(const Shares& s, double uniform) { return uniform < s.single ? Action::single : uniform < s.single + s.set ? Action::set : Action::abstain; }

double largest(std::span<const double> p) {
  double most = p.front();
  for (const double one : p) most = one > most ? one : most;
  return most;
}
std::int32_t first_largest(std::span<const double> p) {
  std::size_t best = 0;
  for (std::size_t k = 1; k < p.size(); ++k)
    if (p[k] > p[best]) best = k;
  return static_cast<std::int32_t>(best);
}
std::uint64_t set_at(std::span<const double> p, double threshold) {
  std::uint64_t mask = 0;
  // As scores are kept: 1 - p at most the threshold.
  for (std::size_t k = 0; k < p.size(); ++k) mask |= static_cast<std::uint64_t>(1 - p[k] <= threshold ? 1 : 0) << k;
  return mask != 0 ? mask : std::uint64_t{1} << first_largest(p);
}

double cost_of(const Batch& batch, const CostWeights& weights) {
  const double answered = batch.single + batch.set;
  const double accuracy = answered > 0 ? batch.right / answered : 0;
  const double size = batch.set > 0 ? batch.options / batch.set : 0;
  const double abstained = batch.abstain / batch.rows;
  double entropy = 0;
  for (const double share : {batch.single / batch.rows, batch.set / batch.rows, abstained}) entropy -= share * std::log(share + 1e-8);
  return (1 - accuracy) + weights.size * size + weights.abstention * abstained - weights.answer * (1 - abstained) - weights.diversity * entropy + weights.single * std::max(0.0, batch.single / batch.rows - 0.8);
}

std::int64_t Quantiles::rank(double level) const {
  const auto n = static_cast<std::int64_t>(sorted.size());
  const auto exact = static_cast<std::int64_t>(std::ceil(static_cast<double>(n + 1) * (1 - level) * (1 - 4e-15)));
  if (!paper) return std::clamp<std::int64_t>(exact, 1, n);
  const double share = std::clamp(std::ceil(static_cast<double>(n + 1) * (1 - level)) / static_cast<double>(n), 0.0, 1.0);
  return std::min(n, 1 + static_cast<std::int64_t>(std::ceil(share * static_cast<double>(n - 1))));
}

Batch expected_batch(const Learning& learning, const Thresholds& thresholds, double slope) {
  Batch batch;
  for (std::size_t i = 0; i < learning.size(); ++i) {
    const std::span<const double> p = learning.at(i);
    add(batch, shares_of(thresholds, slope, 1 - largest(p)), p, learning.answer[i], set_at(p, thresholds.set));
  }
  return batch;
}

Batch sampled_batch(const Learning& learning, const Thresholds& thresholds, double slope, Stream stream) {
  Batch batch;
  for (std::size_t i = 0; i < learning.size(); ++i) {
    const std::span<const double> p = learning.at(i);
    const Action action = drawn(shares_of(thresholds, slope, 1 - largest(p)), stream.uniform());
    add(batch, {action == Action::single ? 1.0 : 0.0, action == Action::set ? 1.0 : 0.0, action == Action::abstain ? 1.0 : 0.0}, p, learning.answer[i], set_at(p, thresholds.set));
  }
  return batch;
}

// The cheapest pair of thresholds; of equals the first, from the least alpha and beta on. Totals are added block by block.
Result<Learned> sweep(Context& context, const Params& params, const Quantiles& quantiles, const Learning& learning) {
  const bool exact = params.optimizer == Optimizer::exact;
  const Axis singles = exact ? exact_axis(quantiles, params.alpha_low, params.alpha_high) : axis_of(quantiles, params.alpha_low, params.alpha_high, coarse_single);
  const Axis sets = exact ? exact_axis(quantiles, params.beta_low, params.beta_high) : axis_of(quantiles, params.beta_low, params.beta_high, coarse_set);
  const std::size_t pairs = singles.level.size() * sets.level.size();
  const auto rows = static_cast<std::int64_t>(learning.size());
  const std::int64_t blocks = (rows + block_rows - 1) / block_rows;
  constexpr std::size_t most_totals = 20'000'000;
  if (pairs * static_cast<std::size_t>(blocks) > most_totals)
    return Error(ErrorCode::too_large, "the exact sweep has " + std::to_string(pairs) + " pairs of thresholds on " + std::to_string(rows) + " rows", "Use --optimizer grid, or a narrower box.").in_parameter("optimizer");
  std::vector<std::vector<Batch>> parts(static_cast<std::size_t>(blocks));
  PLIMSOLL_CHECK(context.runtime.for_each_block(rows, context.stop, [&](std::int64_t block, std::int64_t begin, std::int64_t end) -> Result<void> {
    parts[static_cast<std::size_t>(block)].assign(pairs, Batch());
    sweep_block(learning, singles, sets, params.slope, begin, end, parts[static_cast<std::size_t>(block)]);
    return {};
  }));
  Learned best;
  best.cost = std::numeric_limits<double>::infinity();
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    Batch total;
    for (const auto& part : parts) {
      total.single += part[pair].single;
      total.set += part[pair].set;
      total.right += part[pair].right;
      total.options += part[pair].options;
      total.rows += part[pair].rows;
    }
    total.abstain = total.rows - total.single - total.set;
    const double cost = cost_of(total, params.cost);
    if (cost < best.cost) best = {singles.level[pair / sets.level.size()], sets.level[pair % sets.level.size()], cost, {}};
  }
  return best;
}

}  // namespace plimsoll::conformal::abstain

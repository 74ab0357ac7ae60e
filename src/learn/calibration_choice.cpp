// SPDX-License-Identifier: Apache-2.0
// Choosing a map by cross-validation. The one-standard-error rule (Breiman et al. 1984) reads the error of the paired
// difference between a candidate's and the best one's loss on the same rows: what the rows have in common falls out.
#include "learn/calibration_choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace plimsoll::learn {
namespace {

constexpr std::size_t most_rows = 100000;
constexpr std::int64_t isotonic_rows = 1000;
constexpr std::int32_t most_folds = 5;
constexpr double least_probability = 1e-15;

// Losses of one outcome of each pool of a fold: pairs (of a 1, of a 0), in the order of pools.
void add_losses(const Calibrator& map, std::span<const stats::Pool> pools, std::vector<double>& losses) {
  for (const stats::Pool& pool : pools) {
    const double p = map.apply(pool.x);
    losses.push_back(-std::log(std::max(p, least_probability)));
    losses.push_back(-std::log(std::max(1 - p, least_probability)));
  }
}

}  // namespace

std::int32_t fold_count(std::span<const std::int32_t> labels, std::int64_t classes) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes), 0);
  for (const std::int32_t label : labels) ++counts[static_cast<std::size_t>(label)];
  const std::int64_t rarest = *std::min_element(counts.begin(), counts.end());
  return static_cast<std::int32_t>(std::min<std::int64_t>(rarest, most_folds));
}

std::vector<std::int32_t> stratified_folds(std::span<const std::int32_t> labels, std::int64_t classes, std::int32_t folds,
                                           std::size_t most, Stream stream) {
  std::vector<std::int64_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  stream.shuffle(std::span<std::int64_t>(order));
  std::vector<std::int32_t> fold(labels.size(), -1);
  std::vector<std::int32_t> next(static_cast<std::size_t>(classes), 0);
  std::size_t given = 0;
  // Each class deals its rows out to the folds in turn, so every fold has every class.
  for (const std::int64_t row : order) {
    if (given++ == most) break;
    std::int32_t& turn = next[static_cast<std::size_t>(labels[static_cast<std::size_t>(row)])];
    fold[static_cast<std::size_t>(row)] = turn;
    turn = (turn + 1) % folds;
  }
  return fold;
}

std::size_t simplest_within_one_error(std::span<const std::vector<double>> losses, std::span<const double> weights,
                                      CalibrationChoice& choice, double square_ratio) {
  const auto weight = [&](std::size_t i) { return weights.empty() ? 1.0 : weights[i]; };
  double mass = 0;
  for (std::size_t i = 0; i < losses.front().size(); ++i) mass += weight(i);
  std::size_t best = 0;
  for (std::size_t k = 0; k < losses.size(); ++k) {
    double sum = 0;
    for (std::size_t i = 0; i < losses[k].size(); ++i) sum += weight(i) * losses[k][i];
    choice.loss.push_back(sum / mass);
    if (choice.loss[k] < choice.loss[best]) best = k;
  }
  std::size_t simplest = best;
  for (std::size_t k = losses.size(); k-- > 0;) {
    const double mean = choice.loss[k] - choice.loss[best];
    double spread = 0;
    for (std::size_t i = 0; i < losses[k].size(); ++i) {
      const double gap = losses[k][i] - losses[best][i] - mean;
      spread += weight(i) * (square_ratio < 0 ? weight(i) : square_ratio) * gap * gap;
    }
    choice.error.insert(choice.error.begin(), std::sqrt(spread) / mass);
    if (k < best && mean <= choice.error.front()) simplest = k;
  }
  return simplest;
}

std::vector<stats::Pool> join_pools(std::span<const std::vector<stats::Pool>> parts, std::int64_t except) {
  std::vector<stats::Pool> all;
  const auto by_x = [](const stats::Pool& a, const stats::Pool& b) { return a.x < b.x; };
  for (std::size_t k = 0; k < parts.size(); ++k) {
    if (static_cast<std::int64_t>(k) == except || parts[k].empty()) continue;
    const auto middle = static_cast<std::ptrdiff_t>(all.size());
    all.insert(all.end(), parts[k].begin(), parts[k].end());
    std::inplace_merge(all.begin(), all.begin() + middle, all.end(), by_x);
  }
  std::size_t kept = 0;
  for (const stats::Pool& pool : all) {
    if (kept > 0 && all[kept - 1].x == pool.x) {
      all[kept - 1].weight += pool.weight;
      all[kept - 1].sum += pool.sum;
    } else {
      all[kept++] = pool;
    }
  }
  all.resize(kept);
  return all;
}

bool ranks_backwards(const Calibrator& map) {
  switch (map.method) {
    case Calibration::platt:
    case Calibration::bias_temperature: return map.slope <= 0;
    case Calibration::temperature: return map.slope <= 1e-3;
    case Calibration::beta: return map.slope <= 0 && map.second <= 0;
    default: return false;
  }
}

Result<CalibrationChoice> choose_map(Context& context, const FoldedRows& rows, const MapOptions& options) {
  CalibrationChoice choice;
  std::vector<Calibration> candidates = {Calibration::identity, Calibration::temperature, Calibration::platt, Calibration::beta};
  if (rows.rows >= isotonic_rows) candidates.push_back(Calibration::isotonic);
  candidates.push_back(Calibration::venn_abers);
  // By fold, then candidate: a fold is joined and sorted once for all of them.
  std::vector<std::vector<std::vector<double>>> by_fold(rows.folds.size());
  const auto task = [&](std::int64_t k) -> Result<void> {
    const std::vector<stats::Pool> others = join_pools(rows.folds, k);
    for (const Calibration candidate : candidates) {
      PLIMSOLL_CHECK(context.stop.check());
      PLIMSOLL_TRY(const Calibrator map, fit_map(candidate, others, options));
      add_losses(map, rows.folds[static_cast<std::size_t>(k)], by_fold[static_cast<std::size_t>(k)].emplace_back());
    }
    return {};
  };
  PLIMSOLL_CHECK(context.runtime.for_each(static_cast<std::int64_t>(rows.folds.size()), context.stop, task));
  std::vector<std::vector<double>> losses(candidates.size());
  std::vector<double> weights;
  for (std::size_t f = 0; f < rows.folds.size(); ++f) {
    for (std::size_t c = 0; c < candidates.size(); ++c) losses[c].insert(losses[c].end(), by_fold[f][c].begin(), by_fold[f][c].end());
    for (const stats::Pool& pool : rows.folds[f]) {
      weights.push_back(pool.sum);
      weights.push_back(pool.weight - pool.sum);
    }
  }
  for (const Calibration candidate : candidates) {
    choice.tried.emplace_back(choices_of(candidate)[static_cast<std::size_t>(candidate)]);
  }
  choice.method = candidates[simplest_within_one_error(losses, weights, choice, rows.square_ratio)];
  return choice;
}

Result<CalibrationChoice> choose_calibration(Context& context, std::span<const double> scores,
                                             std::span<const std::int32_t> outcomes, std::span<const double> weights) {
  const std::int32_t folds = fold_count(outcomes, 2);
  if (folds < 2) return CalibrationChoice{};  // Platt's smoothed targets are made for so few
  const std::vector<std::int32_t> fold = stratified_folds(outcomes, 2, folds, most_rows, context.rng.child("calibration folds"));
  const std::vector<std::uint32_t> order = stats::order_by(scores);
  const std::vector<double> y(outcomes.begin(), outcomes.end());
  std::vector<std::vector<std::uint32_t>> rows(static_cast<std::size_t>(folds));
  double mass = 0;
  double squares = 0;
  for (const std::uint32_t row : order) {
    if (fold[row] < 0) continue;
    rows[static_cast<std::size_t>(fold[row])].push_back(row);
    const double w = weights.empty() ? 1 : weights[row];
    mass += w;
    squares += w * w;
  }
  std::vector<std::vector<stats::Pool>> pools;
  for (const auto& part : rows) pools.push_back(stats::pool_ties(scores, y, weights, part));
  return choose_map(context, {pools, static_cast<std::int64_t>(std::min(scores.size(), most_rows)), squares / mass}, {});
}

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <set>

#include "engine/door.h"
#include "learn/calibration_choice.h"
#include "methods/calibrate/binary/binary.h"

namespace plimsoll::calibrate::binary {
namespace {

constexpr int choosing_folds = 5;
constexpr std::int64_t rows_a_bin = 10;

using Pools = std::vector<stats::Pool>;

// Pools of a fold (all folds if null) over all groups.
Pools joined(const learn::BinarySums& sums, const std::string* fold) {
  std::vector<Pools> parts;
  for (const auto& [key, one] : sums.pools)
    if (!fold || key.second == *fold) parts.emplace_back(one.pools().begin(), one.pools().end());
  return learn::join_pools(parts);
}

std::vector<std::string> folds_of(const learn::BinarySums& sums) {
  std::set<std::string> names;
  for (const auto& [key, one] : sums.pools) names.insert(key.second);
  return {names.begin(), names.end()};
}

bool both_outcomes(const Pools& pools) {
  double ones = 0, zeros = 0;
  for (const stats::Pool& pool : pools) {
    ones += pool.sum;
    zeros += pool.weight - pool.sum;
  }
  return ones > 0 && zeros > 0;
}

Result<void> choose(Context& context, const State& state, const learn::MapOptions& options, Model& model) {
  model.chosen = state.params.method;
  if (model.chosen != learn::Calibration::automatic) return {};
  model.chosen = learn::Calibration::platt;  // its smoothed targets are made for few rows
  std::vector<Pools> folds;
  for (const std::string& fold : folds_of(state.sample.sums)) folds.push_back(joined(state.sample.sums, &fold));
  for (std::size_t k = 0; k < folds.size(); ++k)
    if (!both_outcomes(learn::join_pools(folds, static_cast<std::int64_t>(k)))) return {};
  if (folds.size() < 2) return {};
  PLIMSOLL_TRY(learn::CalibrationChoice choice, learn::choose_map(context, {folds, model.n, state.sample.sums.square_ratio()}, options));
  model.chosen = choice.method;
  model.tried = std::move(choice.tried);
  model.tried_loss = std::move(choice.loss);
  model.tried_error = std::move(choice.error);
  return {};
}

std::int64_t rows_of(const learn::BinarySums& sums, const std::string* cell, const std::string* fold) {
  std::int64_t n = 0;
  for (const auto& [key, one] : sums.pools)
    if ((!cell || key.first == *cell) && (!fold || key.second == *fold)) n += one.rows();
  return n;
}

Result<Piece> piece_of(const State& state, const Model& model, const std::string* fold, const learn::MapOptions& options) {
  Piece piece;
  if (fold) piece.fold = *fold;
  Pools several;
  const bool one_part = state.sample.sums.pools.size() == 1;
  if (!one_part) several = joined(state.sample.sums, fold);
  PLIMSOLL_TRY(piece.map, learn::fit_map(model.chosen, one_part ? state.sample.sums.pools.begin()->second.pools() : std::span<const stats::Pool>(several), options));
  piece.map.rows = rows_of(state.sample.sums, nullptr, fold);
  if (state.sample.columns.group.empty() || state.params.multicalibrate > 0) return piece;
  std::set<std::string> cells;
  for (const auto& [key, one] : state.sample.sums.pools) cells.insert(key.first);
  for (const std::string& cell : cells) {
    std::vector<Pools> parts;
    for (const auto& [key, one] : state.sample.sums.pools)
      if (key.first == cell && (!fold || key.second == *fold)) parts.emplace_back(one.pools().begin(), one.pools().end());
    const Pools own = learn::join_pools(parts);
    if (!both_outcomes(own)) continue;  // the map of all serves it
    GroupMap group;
    group.cell = cell;
    group.rows = rows_of(state.sample.sums, &cell, fold);
    PLIMSOLL_TRY(group.map, learn::fit_map(model.chosen, own, options));
    group.map.rows = group.rows;
    piece.groups.push_back(std::move(group));
  }
  return piece;
}

// Pooled rows with the probability that the maps give them, for the moves.
std::vector<Unit> units_of(const State& state, const Model& model) {
  std::vector<Unit> units;
  for (const auto& [key, one] : state.sample.sums.pools) {
    const auto own = std::find_if(model.pieces.begin(), model.pieces.end(), [&](const Piece& piece) { return piece.fold == key.second; });
    const learn::Calibrator& map = own == model.pieces.end() ? model.pieces.front().map : own->map;
    for (const stats::Pool& pool : one.pools()) units.push_back({learn::part_cell(key.first), map.apply(pool.x), pool.weight, pool.sum});
  }
  return units;
}

void warn_of(Context& context, const Model& model, std::int64_t asked_bins, std::int64_t bins) {
  if (model.clipped > 0) context.warn(std::to_string(model.clipped) + " probabilities lay outside [0, 1] by less than 1e-9 and were clipped.");
  if (model.dropped > 0) context.warn(std::to_string(model.dropped) + " rows with missing values were left out.");
  if (bins < asked_bins) context.warn("With " + std::to_string(model.n) + " rows the histogram has " + std::to_string(bins) + " bins instead of " + std::to_string(asked_bins) + ": ten rows a bin.");
  if (model.dropped_bits > 0) context.warn("There are more than a million distinct scores: they were rounded by their lowest " + std::to_string(model.dropped_bits) + " bits.");
  for (const Piece& piece : model.pieces)
    if (learn::ranks_backwards(piece.map))
      context.warn("On these rows a higher score goes with fewer events (slope " + std::to_string(piece.map.slope) + "): the model ranks no better than chance, or outcomes are swapped.");
}

Result<void> both_seen(const State& state) {
  const std::int64_t n = state.sample.sums.rows();
  std::int64_t events = 0;
  for (const auto& [key, one] : state.sample.sums.pools) events += one.rows_of(1);
  if (events > 0 && events < n) return {};
  return Error(ErrorCode::one_class, "all outcomes are alike: no map can be learned", "Give rows of both outcomes, or name the event with --positive.").in_column(state.sample.columns.target);
}

}  // namespace

Result<State> start(Context&, const Params& params) {
  State state;
  state.params = params;
  return state;
}

Result<void> update(Context& context, State& state, const Inputs& inputs) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_TRY(const learn::BinaryBatch batch, state.sample.read(inputs.data, inputs.learned, state.params.reading, state.params.fingerprint));
  std::vector<double> draws;
  if (state.params.method == learn::Calibration::automatic && state.sample.columns.fold.empty()) {
    PLIMSOLL_TRY(draws, learn::row_draws(context.rng.child("calibration folds"), inputs.data, state.sample.columns, batch));
  }
  return state.sample.sums.add(batch, draws, choosing_folds);
}

Result<void> merge(Context&, State& state, const State& other) { return state.sample.merge(other.sample); }

Result<Finish<Model, State>> finish(Context& context, State&& state, const Params&) {
  PLIMSOLL_CHECK(state.sample.refuse_double_use(context));
  PLIMSOLL_CHECK(both_seen(state));
  Model model;
  model.params = state.params;
  model.columns = state.sample.columns;
  model.n = state.sample.sums.rows();
  double weight = 0, sum = 0;
  for (const auto& [key, one] : state.sample.sums.pools) {
    model.events += one.rows_of(1);
    model.dropped_bits = std::max<std::int64_t>(model.dropped_bits, one.dropped_bits());
    for (const stats::Pool& pool : one.pools()) {
      weight += pool.weight;
      sum += pool.sum;
    }
  }
  model.rate = std::clamp(sum / weight, 0.0, 1.0);
  model.dropped = state.sample.sums.dropped;
  model.clipped = state.sample.sums.clipped;
  learn::MapOptions options = state.params.map;
  options.probabilities = !state.params.reading.logits;
  options.bins = std::max<std::int64_t>(1, std::min(options.bins, model.n / rows_a_bin));
  PLIMSOLL_CHECK(choose(context, state, options, model));
  if (state.sample.columns.fold.empty()) {
    PLIMSOLL_TRY(Piece piece, piece_of(state, model, nullptr, options));
    model.pieces.push_back(std::move(piece));
  } else {
    for (const std::string& fold : folds_of(state.sample.sums)) {
      PLIMSOLL_TRY(Piece piece, piece_of(state, model, &fold, options));
      model.pieces.push_back(std::move(piece));
    }
  }
  if (state.params.multicalibrate > 0) {
    std::vector<Unit> units = units_of(state, model);
    model.patches = patches_for(units, state.sample.columns.group.size(), state.params);
  }
  model.overlap_remark = std::move(state.sample.overlap_remark);
  if (state.sample.sums.fingerprint.rows() > 0) model.fingerprint = state.sample.sums.fingerprint.to_bytes();
  const bool histogram = model.chosen == learn::Calibration::histogram;
  warn_of(context, model, histogram ? state.params.map.bins : 0, histogram ? options.bins : 0);
  return Finish<Model, State>(std::in_place_index<0>, std::move(model));
}

}  // namespace plimsoll::calibrate::binary

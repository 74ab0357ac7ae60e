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
  for (const std::string& fold : folds_of(state.sums)) folds.push_back(joined(state.sums, &fold));
  for (std::size_t k = 0; k < folds.size(); ++k)
    if (!both_outcomes(learn::join_pools(folds, static_cast<std::int64_t>(k)))) return {};
  if (folds.size() < 2) return {};
  PLIMSOLL_TRY(learn::CalibrationChoice choice, learn::choose_map(context, {folds, model.n, state.sums.square_ratio()}, options));
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
  const bool one_part = state.sums.pools.size() == 1;
  if (!one_part) several = joined(state.sums, fold);
  PLIMSOLL_TRY(piece.map, learn::fit_map(model.chosen, one_part ? state.sums.pools.begin()->second.pools() : std::span<const stats::Pool>(several), options));
  piece.map.rows = rows_of(state.sums, nullptr, fold);
  if (state.columns.group.empty() || state.params.multicalibrate > 0) return piece;
  std::set<std::string> cells;
  for (const auto& [key, one] : state.sums.pools) cells.insert(key.first);
  for (const std::string& cell : cells) {
    std::vector<Pools> parts;
    for (const auto& [key, one] : state.sums.pools)
      if (key.first == cell && (!fold || key.second == *fold)) parts.emplace_back(one.pools().begin(), one.pools().end());
    const Pools own = learn::join_pools(parts);
    if (!both_outcomes(own)) continue;  // the map of all serves it
    GroupMap group;
    group.cell = cell;
    group.rows = rows_of(state.sums, &cell, fold);
    PLIMSOLL_TRY(group.map, learn::fit_map(model.chosen, own, options));
    group.map.rows = group.rows;
    piece.groups.push_back(std::move(group));
  }
  return piece;
}

// Pooled rows with the probability that the maps give them, for the moves.
std::vector<Unit> units_of(const State& state, const Model& model) {
  std::vector<Unit> units;
  for (const auto& [key, one] : state.sums.pools) {
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

Result<void> enough(const State& state) {
  const std::int64_t n = state.sums.rows();
  if (n == 0) return Error(ErrorCode::too_few_rows, "the calibration table has no rows with weight", "Give rows of both outcomes.").in_parameter("data");
  std::int64_t events = 0;
  for (const auto& [key, one] : state.sums.pools) events += one.rows_of(1);
  if (events > 0 && events < n) return {};
  return Error(ErrorCode::one_class, "all outcomes are alike: no map can be learned", "Give rows of both outcomes, or name the event with --positive.").in_column(state.columns.target);
}

}  // namespace

Result<State> start(Context&, const Params& params) {
  State state;
  state.params = params;
  return state;
}

Result<void> update(Context& context, State& state, const Inputs& inputs) {
  PLIMSOLL_CHECK(context.stop.check());
  if (inputs.learned) PLIMSOLL_CHECK(state.learned.add(*inputs.learned));
  if (!state.ready) {
    PLIMSOLL_TRY(state.columns, learn::binary_columns(inputs.data, true));
    state.ready = true;
  }
  PLIMSOLL_TRY(const learn::BinaryBatch batch, learn::read_binary(inputs.data, state.columns, state.params.reading));
  if (state.params.fingerprint) PLIMSOLL_CHECK(state.sums.fingerprint.add(inputs.data));
  std::vector<double> draws;
  if (state.params.method == learn::Calibration::automatic && state.columns.fold.empty()) {
    PLIMSOLL_TRY(draws, learn::row_draws(context.rng.child("calibration folds"), inputs.data, state.columns, batch));
  }
  return state.sums.add(batch, draws, choosing_folds);
}

Result<void> merge(Context&, State& state, const State& other) {
  if (!other.ready) return {};
  if (!state.ready) state.columns = other.columns;
  state.ready = true;
  if (other.learned.rows() > 0) state.learned.merge(other.learned);
  return state.sums.merge(other.sums);
}

Result<Finish<Model, State>> finish(Context& context, State&& state, const Params&) {
  PLIMSOLL_CHECK(enough(state));
  PLIMSOLL_CHECK(learn::refuse_repeated_ids(state.sums.fingerprint, state.columns.id));
  if (state.learned.rows() > 0 && state.sums.fingerprint.rows() > 0)
    PLIMSOLL_CHECK(check_overlap(context, state.learned, "learning", state.sums.fingerprint, "calibration", &state.overlap_remark));
  Model model;
  model.params = state.params;
  model.columns = state.columns;
  model.n = state.sums.rows();
  double weight = 0, sum = 0;
  for (const auto& [key, one] : state.sums.pools) {
    model.events += one.rows_of(1);
    model.dropped_bits = std::max<std::int64_t>(model.dropped_bits, one.dropped_bits());
    for (const stats::Pool& pool : one.pools()) {
      weight += pool.weight;
      sum += pool.sum;
    }
  }
  model.rate = std::clamp(sum / weight, 0.0, 1.0);
  model.dropped = state.sums.dropped;
  model.clipped = state.sums.clipped;
  learn::MapOptions options = state.params.map;
  options.probabilities = !state.params.reading.logits;
  options.bins = std::max<std::int64_t>(1, std::min(options.bins, model.n / rows_a_bin));
  PLIMSOLL_CHECK(choose(context, state, options, model));
  if (state.columns.fold.empty()) {
    PLIMSOLL_TRY(Piece piece, piece_of(state, model, nullptr, options));
    model.pieces.push_back(std::move(piece));
  } else {
    for (const std::string& fold : folds_of(state.sums)) {
      PLIMSOLL_TRY(Piece piece, piece_of(state, model, &fold, options));
      model.pieces.push_back(std::move(piece));
    }
  }
  if (state.params.multicalibrate > 0) {
    std::vector<Unit> units = units_of(state, model);
    model.patches = patches_for(units, state.columns.group.size(), state.params);
  }
  model.overlap_remark = std::move(state.overlap_remark);
  if (state.sums.fingerprint.rows() > 0) model.fingerprint = state.sums.fingerprint.to_bytes();
  const bool histogram = model.chosen == learn::Calibration::histogram;
  warn_of(context, model, histogram ? state.params.map.bins : 0, histogram ? options.bins : 0);
  return Finish<Model, State>(std::in_place_index<0>, std::move(model));
}

}  // namespace plimsoll::calibrate::binary

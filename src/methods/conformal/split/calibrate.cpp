// SPDX-License-Identifier: Apache-2.0
// The calibration as a mergeable fit: one pass over the rows, of which only the label's cell and the check of the probabilities
// are read; the threshold is the k-th smallest score, found in bounded memory (score_ranks.h).

#include <algorithm>
#include <array>

#include "engine/door.h"
#include "learn/score_rows.h"
#include "methods/conformal/split/split.h"
#include "table/row_sums.h"

namespace plimsoll::conformal::split {
namespace {

void start_ranks(State& state) {
  std::vector<double> levels;
  for (std::size_t a = 0; a < state.params.alpha.size(); ++a) levels.push_back(1 - tail_of(state.params, state.plan.score, a));
  state.ranks.assign(static_cast<std::size_t>(sides_of(state.plan.score)), ScoreRanks(levels));
}

using Slice = learn::ScoreSlice;

Result<void> keep(State& state, std::span<const double> scores) {
  if (!state.params.keep_scores || state.pass > 1) return {};
  auto& kept = state.tally.scores;
  if (static_cast<std::int64_t>(kept.size() + scores.size()) > most_kept_scores)
    return Error(ErrorCode::too_large, "more than " + std::to_string(most_kept_scores) + " calibration scores cannot be kept", "Calibrate on fewer rows, or leave out --keep-scores (sets and intervals do not need it).").in_parameter("keep_scores");
  kept.insert(kept.end(), scores.begin(), scores.end());
  return {};
}

// Where the rows of a slice stand in the batch that is sketched; no sums: not here.
struct Sketched {
  const RowSums* sums = nullptr;
  std::int64_t begin = 0;
};

Result<void> update_classes(State& state, const Slice& slice, const learn::LabelReader& labels, Sketched sketched) {
  const auto options = learn::class_options(state.params, state.plan.score);
  PLIMSOLL_TRY(learn::ClassSlice columns, learn::class_slice(slice.rows, state.plan.columns.probability));
  std::vector<std::int32_t> codes;
  PLIMSOLL_CHECK(labels.read(slice.rows, state.plan.columns.target, slice.numbers, codes));
  learn::ProbabilityCheck found;
  std::array<double, learn::piece_rows> scores{};
  std::array<std::uint64_t, learn::piece_rows> hashes{};
  for (std::size_t begin = 0; begin < codes.size(); begin += learn::piece_rows) {
    const std::size_t count = std::min(learn::piece_rows, codes.size() - begin);
    const learn::ClassColumns piece = columns.cut(begin, count);
    const std::span<std::uint64_t> hashed(hashes.data(), count);
    if (sketched.sums != nullptr) {
      std::fill(hashed.begin(), hashed.end(), std::uint64_t{0});
      found.add_and_hash(piece, static_cast<std::int64_t>(begin), sketched.sums->spreads(), hashed);
      sketched.sums->finish(sketched.begin + static_cast<std::int64_t>(begin), hashed);
      state.calibration.add(hashed);
    } else if (state.pass == 1) {
      found.add(piece, static_cast<std::int64_t>(begin));
    }
    if (found.bad_row >= 0) break;
    const std::span<double> out(scores.data(), count);
    const auto draws = slice.draws.empty() ? std::span<const double>() : std::span<const double>(slice.draws).subspan(begin, count);
    learn::score_labels(options, piece, std::span<const std::int32_t>(codes).subspan(begin, count), draws, out);
    state.ranks.front().update(out);
    PLIMSOLL_CHECK(keep(state, out));
  }
  PLIMSOLL_CHECK(learn::refuse_bad(found, slice.rows, state.plan.columns.probability, slice.numbers));
  if (state.pass == 1) state.tally.off += found.off;
  return {};
}

Result<void> update_numbers(State& state, const Slice& slice) {
  PLIMSOLL_TRY(const learn::SideScores scores, learn::number_scores(slice.rows, state.plan, state.params.offset, slice.numbers));
  state.ranks[0].update(scores.low);
  if (state.ranks.size() == 2) state.ranks[1].update(scores.high);
  if (state.pass == 1) state.tally.crossed += scores.crossed;
  return keep(state, scores.low);
}

Result<void> note_learned(State& state, const Inputs& inputs) {
  if (state.pass > 1 || !inputs.learned) return {};
  if (!state.params.fingerprint)
    return Error(ErrorCode::bad_parameter, "the overlap with learning rows is seen by fingerprints, which --fingerprint false leaves out", "Leave out one of the two.").in_parameter("fingerprint");
  return state.learned.add(*inputs.learned);
}

std::vector<std::int64_t> wanted_ranks(const State& state) {
  std::vector<std::int64_t> ranks;
  for (std::size_t a = 0; a < state.params.alpha.size(); ++a) ranks.push_back(learn::conformal_rank_of(state.tally.rows, tail_of(state.params, state.plan.score, a)));
  return ranks;
}

Result<void> enough_rows(const State& state, const std::vector<std::int64_t>& ranks) {
  if (state.tally.rows == 0) return Error(ErrorCode::too_few_rows, "the calibration table has no rows", "Give at least " + std::to_string(learn::conformal_rows_needed(tail_of(state.params, state.plan.score, 0))) + " labelled rows.").in_parameter("data");
  if (state.params.small_n == SmallSample::infinite) return {};
  for (std::size_t a = 0; a < ranks.size(); ++a) {
    if (ranks[a] <= state.tally.rows) continue;
    const double tail = tail_of(state.params, state.plan.score, a);
    return Error(ErrorCode::too_few_rows, std::to_string(state.tally.rows) + " calibration rows are too few for alpha " + level_name(1 - state.params.alpha[a]) + ": " + std::to_string(learn::conformal_rows_needed(tail)) + " are needed",
                 "Give at least " + std::to_string(learn::conformal_rows_needed(tail)) + " rows, raise alpha, or take the infinite answer with --small-n infinite.").in_parameter("alpha");
  }
  return {};
}

void warn_of_rows(Context& context, const Model& model) {
  learn::warn_of_scores(context, model.off, model.crossed, model.dropped);
  const std::size_t sides = static_cast<std::size_t>(sides_of(model.plan.score));
  for (std::size_t a = 0; a < model.params.alpha.size(); ++a) {
    const double tail = tail_of(model.params, model.plan.score, a);
    if (model.ranks[a * sides] > model.n)
      context.warn(std::to_string(model.n) + " calibration rows are too few for the level " + level_name(model.params.alpha[a]) + ": every answer there is the whole space. " + std::to_string(learn::conformal_rows_needed(tail)) + " rows are needed.");
  }
}

}  // namespace

Result<State> start(Context&, const Params& params) {
  State state;
  state.params = params;
  return state;
}

Result<void> update(Context& context, State& state, const Inputs& inputs) {
  PLIMSOLL_CHECK(note_learned(state, inputs));
  if (!state.plan.ready) {
    PLIMSOLL_TRY(state.plan, learn::plan_of(inputs.data, state.params));
    start_ranks(state);
  }
  const bool sketched = state.pass == 1 && state.params.fingerprint;
  RowHasher hasher;
  std::optional<RowSums> sums;
  if (sketched) {
    PLIMSOLL_TRY(hasher, RowHasher::of(inputs.data));
    PLIMSOLL_CHECK(state.calibration.begin_batch(hasher));
    if (of_classes(state.plan.score)) {
      PLIMSOLL_TRY(sums, RowSums::of(inputs.data, state.plan.columns.probability));
    }
  }
  const learn::LabelReader labels(state.plan.classes);
  const std::int64_t rows = inputs.data.rows();
  for (std::int64_t begin = 0; begin < rows; begin += learn::slice_rows) {
    PLIMSOLL_CHECK(context.stop.check());
    PLIMSOLL_TRY(const Slice slice, learn::next_slice(inputs.data, begin, state.plan, state.params, state.params.missing, context.rng.child("calibrate")));
    const std::int64_t all = std::min(learn::slice_rows, rows - begin);
    const auto kept = static_cast<std::int64_t>(slice.numbers.size());
    // Rows whose probabilities are read for the check are sketched by the same reading.
    const bool by_piece = sums.has_value() && kept == all;
    if (of_classes(state.plan.score)) PLIMSOLL_CHECK(update_classes(state, slice, labels, {by_piece ? &*sums : nullptr, begin}));
    else PLIMSOLL_CHECK(update_numbers(state, slice));
    if (sketched && !by_piece) state.calibration.add(hasher, begin, begin + all);
    if (state.pass > 1) continue;
    state.tally.rows += kept;
    state.tally.dropped += all - kept;
  }
  return {};
}

Result<void> merge(Context&, State& state, const State& other) {
  if (!other.plan.ready) return {};
  if (!state.plan.ready) {
    state.plan = other.plan;
    state.ranks = other.ranks;
  } else {
    if (state.plan.classes != other.plan.classes || state.plan.score != other.plan.score) return Error(ErrorCode::bad_value, "parts of the calibration table have different columns", "Give every part the same columns.");
    for (std::size_t i = 0; i < state.ranks.size(); ++i) PLIMSOLL_CHECK(state.ranks[i].merge(other.ranks[i]));
  }
  if (state.pass > 1) return {};
  state.tally.rows += other.tally.rows;
  state.tally.dropped += other.tally.dropped;
  state.tally.crossed += other.tally.crossed;
  state.tally.off += other.tally.off;
  state.calibration.merge(other.calibration);
  if (other.learned.rows() > 0) state.learned.merge(other.learned);
  return keep(state, other.tally.scores);
}

Result<Finish<Model, State>> finish(Context& context, State&& state, const Params&) {
  if (state.pass == 1 && state.learned.rows() > 0 && state.calibration.rows() > 0)
    PLIMSOLL_CHECK(check_overlap(context, state.learned, "learning", state.calibration, "calibration", &state.overlap_remark));
  const std::vector<std::int64_t> ranks = wanted_ranks(state);
  PLIMSOLL_CHECK(enough_rows(state, ranks));
  bool done = true;
  for (ScoreRanks& side : state.ranks) {
    PLIMSOLL_TRY(const bool one, side.end_pass(ranks));
    done = done && one;
  }
  if (!done) {
    ++state.pass;
    return Finish<Model, State>(std::in_place_index<1>, std::move(state));
  }
  Model model;
  model.n = state.tally.rows;
  model.dropped = state.tally.dropped;
  model.crossed = state.tally.crossed;
  model.off = state.tally.off;
  for (std::size_t a = 0; a < ranks.size(); ++a)
    for (const ScoreRanks& side : state.ranks) {
      model.ranks.push_back(ranks[a]);
      model.thresholds.push_back(ranks[a] > model.n ? infinity : side.values()[a]);
    }
  model.scores = std::move(state.tally.scores);
  for (double& score : model.scores) score += 0.0;
  std::sort(model.scores.begin(), model.scores.end());
  const Stream draws = context.rng.child("calibrate");
  model.draw_seed = static_cast<std::int64_t>(draws.seed());
  model.draw_key = static_cast<std::int64_t>(draws.key());
  model.overlap_remark = std::move(state.overlap_remark);
  if (state.calibration.rows() > 0) model.calibration_fingerprint = state.calibration.to_bytes();
  if (state.learned.rows() > 0) model.learning_fingerprint = state.learned.to_bytes();
  model.params = std::move(state.params);
  model.plan = std::move(state.plan);
  warn_of_rows(context, model);
  return Finish<Model, State>(std::in_place_index<0>, std::move(model));
}

}  // namespace plimsoll::conformal::split

// SPDX-License-Identifier: Apache-2.0
// Inductive Venn-Abers predictors: Vovk and Petej, UAI 2014 (arXiv 1211.0025); in O(n log n) after Vovk, Petej and Fedorova, NIPS 2015
// (arXiv 1511.00213), which also gives the cross version: with pairs (p0_k, p1_k) of K folds and geometric means GM
//   p = GM(p1) / (GM(1 - p0) + GM(p1))            log loss,
//   p = mean_k of p1_k + p0_k^2 / 2 - p1_k^2 / 2  Brier score.
// The two step functions stand in stats/venn_abers.h. Rows become outcomes by distinct score, a mergeable sum of class A.
// Departure: weights count a row as so many; the promise is then asymptotic only, because the new row counts one.
#include "methods/calibrate/venn_abers/venn_abers.h"

#include <algorithm>
#include <array>

#include "engine/door.h"
#include "stats/venn_abers.h"

namespace plimsoll::calibrate::venn_abers {
namespace {

constexpr std::array<RoleInfo, 5> fit_roles = {{{"probability", "score of the event: a probability, per cents, log-odds, or any number with --logits", true, false},
                                                {"target", "whether the event happened", true, false},
                                                {"weight", "weight of a row", false, false},
                                                {"fold", "the fold whose left-out model made the score (cross Venn-Abers)", false, false},
                                                {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 2> apply_roles = {{{"probability", "score of the event; after cross-fitting one column a fold, in the order of the folds' names", false, true}, {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 4> assess_roles = {{{"probability", "score of the event", false, true}, {"target", "whether the event happened", false, false}, {"weight", "weight of a row", false, false}, {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 1> learned_roles = {{{"id", "identity of a row", false, false}}};

void warn_of(Context& context, const Model& model) {
  if (model.clipped > 0) context.warn(std::to_string(model.clipped) + " probabilities lay outside [0, 1] by less than 1e-9 and were clipped.");
  if (model.dropped > 0) context.warn(std::to_string(model.dropped) + " rows with missing values were left out.");
  if (model.events == 0 || model.events == model.n) context.warn("All outcomes are alike: the pair holds, but says little beyond that.");
  if (model.dropped_bits > 0) context.warn("There are more than a million distinct scores: they were rounded by their lowest " + std::to_string(model.dropped_bits) + " bits.");
}

}  // namespace


void describe(Fields& f, Params& p) {
  describe(f, p.reading);
  f({"merge", "one probability of the pair that is minimax for log loss or for the Brier score"}, p.merge);
  f({"fingerprint", "sketch the rows, so that later double use is seen"}, p.fingerprint);
}
Result<void> check(const Params& p) { return learn::check(p.reading); }

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "rows with scores and outcomes, which the model behind the scores has not learned from", fit_roles}, in.data);
  f(PortInfo{"learned", "the rows that model has learned from: their double use is refused", learned_roles}, in.learned);
}

void describe(Fields& f, State& s) {
  f({"params", "parameters"}, s.params);
  describe(f, s.sample);
}

void describe(Fields& f, Piece& p) {
  f({"fold", "fold it was learned on"}, p.fold);
  f({"map", "both step functions"}, p.map);
}

void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"columns", "columns by role"}, m.columns);
  f({"pieces", "step functions, one pair a fold"}, m.pieces);
  f({"n", "rows", at_least(0)}, m.n);
  f({"events", "rows with the event", at_least(0)}, m.events);
  f({"dropped", "rows left out", at_least(0)}, m.dropped);
  f({"clipped", "probabilities clipped to [0, 1]", at_least(0)}, m.clipped);
  f({"dropped_bits", "low bits of scores that were dropped", at_least(0)}, m.dropped_bits);
  f({"weighted", "rows had weights"}, m.weighted);
  f({"overlap_remark", "what was said of double use"}, m.overlap_remark);
  f.blob({"fingerprint", "sketch of the rows"}, m.fingerprint);
}

Result<void> sound(const Model& m) {
  if (m.pieces.empty() || m.columns.probability.size() != 1) return Error(ErrorCode::corrupt_file, "the model contradicts itself", "The file is damaged: fit again or take it from a backup.");
  for (const Piece& piece : m.pieces) {
    PLIMSOLL_CHECK(learn::check(piece.map));
    if (piece.map.method != learn::Calibration::venn_abers) return Error(ErrorCode::corrupt_file, "the model's map is of another kind", "Fit again.");
  }
  return {};
}

void describe(Fields& f, Options& o) { f({"keep", "columns of the input to keep beside the answer"}, o.keep); }
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "rows with scores", apply_roles}, in.data); }
void describe(Fields& f, Outputs& out) { f(PortInfo{"rows", "calibrated (the probability of the event), p0, p1 and width = p1 - p0"}, out.rows); }
void describe(Fields& f, AssessInputs& in) {
  f(PortInfo{"model", "the calibrated model", {}, "calibrate.venn_abers"}, in.model);
  f(PortInfo{"data", "new rows with scores and outcomes", assess_roles}, in.data);
}
void describe(Fields& f, AssessParams& p) {
  f({"level", "of intervals and bands", between(0, 1)}, p.level);
  f({"bins", "of the calibration error", within(1, 10000)}, p.bins);
  f({"bootstrap", "draws behind each null law and band", within(20, 100000)}, p.bootstrap);
}

Result<State> start(Context&, const Params& params) {
  State state;
  state.params = params;
  return state;
}

Result<void> update(Context& context, State& state, const Inputs& inputs) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_TRY(const learn::BinaryBatch batch, state.sample.read(inputs.data, inputs.learned, state.params.reading, state.params.fingerprint));
  return state.sample.sums.add(batch, {}, 1);
}

Result<void> merge(Context&, State& state, const State& other) { return state.sample.merge(other.sample); }

Result<Finish<Model, State>> finish(Context& context, State&& state, const Params&) {
  PLIMSOLL_CHECK(state.sample.refuse_double_use(context));
  Model model;
  model.params = state.params;
  model.columns = state.sample.columns;
  for (const auto& [key, one] : state.sample.sums.pools) {
    if (one.rows() == 0) continue;
    model.n += one.rows();
    model.events += one.rows_of(1);
    model.weighted = model.weighted || one.weighted();
    model.dropped_bits = std::max<std::int64_t>(model.dropped_bits, one.dropped_bits());
    Piece piece;
    piece.fold = key.second;
    piece.map.method = learn::Calibration::venn_abers;
    piece.map.merge = state.params.merge;
    piece.map.probabilities = !state.params.reading.logits;
    piece.map.low_score = one.pools().front().x;
    piece.map.high_score = one.pools().back().x;
    PLIMSOLL_TRY(piece.map.steps, stats::venn_abers_of(one.pools()));
    piece.map.rows = one.rows();
    model.pieces.push_back(std::move(piece));
  }
  model.dropped = state.sample.sums.dropped;
  model.clipped = state.sample.sums.clipped;
  model.overlap_remark = std::move(state.sample.overlap_remark);
  if (state.sample.sums.fingerprint.rows() > 0) model.fingerprint = state.sample.sums.fingerprint.to_bytes();
  warn_of(context, model);
  return Finish<Model, State>(std::in_place_index<0>, std::move(model));
}

extern constinit const Method entry;
constinit const Method entry = method("calibrate.venn_abers")
                                   .mergeable_fit<&start, &update, &merge, &finish>(Law::A)
                                   .apply<&apply>(Rows::independent)
                                   .certify<&certify>()
                                   .assess<&assess>()
                                   .prove<&prove>()
                                   .example<&example>()
                                   .check<&check>();

}  // namespace plimsoll::calibrate::venn_abers

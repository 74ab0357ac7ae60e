// SPDX-License-Identifier: Apache-2.0
// Calibration of the probability of an event. The maps and their papers stand in learn/calibrator.h and learn/map_fits.cpp; here is
// what makes them a method: rows become a mergeable sum of outcomes by score (class A: a function of the multiset of rows, exact up
// to 2^20 distinct scores), `auto` takes the simplest map within one standard error of the best cross-validated log loss, groups
// get maps of their own shrunk to the map of all, multicalibration (Hebert-Johnson, Kim, Reingold and Rothblum 2018) moves what is
// left, and folds give cross-fitted maps whose probabilities are averaged.
// Here: what the method is; fit.cpp learns, patches.cpp multicalibrates, apply.cpp applies and watches, assess.cpp measures.
#include "methods/calibrate/binary/binary.h"

#include <array>
#include <cmath>

namespace plimsoll::calibrate::binary {
namespace {

constexpr std::array<std::string_view, 2> outside_names = {"clip", "extrapolate"};
constexpr std::array<RoleInfo, 6> fit_roles = {{{"probability", "score of the event: a probability, per cents or log-odds", true, false},
                                                {"target", "whether the event happened", true, false},
                                                {"weight", "weight of a row", false, false},
                                                {"group", "groups with maps of their own, or to multicalibrate over", false, true},
                                                {"fold", "the fold whose left-out model made the score (cross-fitting)", false, false},
                                                {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 3> apply_roles = {{{"probability", "score of the event; for cross-fitted maps one column a fold, in the order of the folds' names", false, true},
                                                  {"group", "groups, as at the fit", false, true},
                                                  {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 6> assess_roles = {{{"probability", "score of the event", false, true},
                                                   {"target", "whether the event happened", false, false},
                                                   {"weight", "weight of a row", false, false},
                                                   {"group", "groups, as at the fit; each gets a line", false, true},
                                                   {"cluster", "rows that hang together: intervals are over clusters", false, false},
                                                   {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 1> learned_roles = {{{"id", "identity of a row", false, false}}};

}  // namespace

std::span<const std::string_view> choices_of(Outside) { return outside_names; }

void describe(Fields& f, Params& p) {
  f({"method", "map from scores to probabilities; auto: the simplest of identity, temperature, platt, beta, isotonic (from 1,000 rows) and venn_abers within one standard error of the best cross-validated log loss"}, p.method);
  describe(f, p.reading);
  f({"interp", "isotonic: lines between block centres (centred isotonic), between block edges (scikit-learn's map), or steps"}, p.map.interpolation);
  f({"smooth_ends", "isotonic: half an outcome of each kind more in the end blocks, so that no probability is 0 or 1"}, p.map.smooth_ends);
  f({"bins", "histogram: cells of equal mass", within(1, 10000)}, p.map.bins);
  f({"merge", "venn_abers: one probability that is minimax for log loss or for the Brier score"}, p.map.merge);
  f({"shrinkage", "groups: rows at which a group's own map and the map of all weigh the same", at_least(0)}, p.shrinkage);
  f({"multicalibrate", "groups: largest gap between mean probability and rate allowed in any group and bin; 0: maps by group instead", within(0, 1)}, p.multicalibrate);
  f({"patch_rows", "multicalibration: fewest rows of a group and bin that are moved", at_least(1)}, p.patch_rows);
  f({"patch_bins", "multicalibration: bins of the probability", within(1, 1000)}, p.patch_bins);
  f({"fingerprint", "sketch the rows, so that later double use is seen"}, p.fingerprint);
}

Result<void> check(const Params& p) {
  PLIMSOLL_CHECK(learn::check(p.reading));
  if (p.multicalibrate > 0 && p.multicalibrate < 1e-6) return Error(ErrorCode::bad_parameter, "a gap below 1e-6 cannot be reached", "Give a gap such as 0.01, or 0 for none.").in_parameter("multicalibrate");
  return {};
}

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "rows with scores and outcomes, which the model behind the scores has not learned from", fit_roles}, in.data);
  f(PortInfo{"learned", "the rows that model has learned from: their double use is refused", learned_roles}, in.learned);
}

void describe(Fields& f, State& s) {
  f({"params", "parameters"}, s.params);
  describe(f, s.sample);
}

void describe(Fields& f, GroupMap& g) {
  f({"cell", "values of the group columns"}, g.cell);
  f({"rows", "rows of the group", at_least(0)}, g.rows);
  f({"map", "its map"}, g.map);
}

void describe(Fields& f, Piece& p) {
  f({"fold", "fold it was learned on"}, p.fold);
  f({"map", "map of all groups"}, p.map);
  f({"groups", "maps of single groups"}, p.groups);
}

void describe(Fields& f, Patch& p) {
  f({"column", "group column; -1: every row"}, p.column);
  f({"value", "its value"}, p.value);
  f({"low", "probabilities above this (the lowest bin has it too) ..."}, p.low);
  f({"high", "... up to this"}, p.high);
  f({"shift", "are moved by this"}, p.shift);
}

void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"columns", "columns by role"}, m.columns);
  f({"pieces", "maps, one a fold"}, m.pieces);
  f({"patches", "moves of multicalibration, in order"}, m.patches);
  f({"chosen", "kind of map"}, m.chosen);
  f({"tried", "maps compared by cross-validation"}, m.tried);
  f({"tried_loss", "mean log loss of each"}, m.tried_loss);
  f({"tried_error", "standard error of its distance to the best"}, m.tried_error);
  f({"n", "rows", at_least(0)}, m.n);
  f({"events", "rows with the event", at_least(0)}, m.events);
  f({"rate", "weighted share of events", within(0, 1)}, m.rate);
  f({"dropped", "rows left out", at_least(0)}, m.dropped);
  f({"clipped", "probabilities clipped to [0, 1]", at_least(0)}, m.clipped);
  f({"dropped_bits", "low bits of scores that were dropped, because there were more distinct scores than are kept", at_least(0)}, m.dropped_bits);
  f({"overlap_remark", "what was said of double use"}, m.overlap_remark);
  f.blob({"fingerprint", "sketch of the rows"}, m.fingerprint);
}

Result<void> sound(const Model& m) {
  const Error bad(ErrorCode::corrupt_file, "the model contradicts itself", "The file is damaged: fit again or take it from a backup.");
  if (m.pieces.empty() || m.columns.probability.size() != 1 || !check(m.params).ok()) return bad;
  for (const Piece& piece : m.pieces) {
    PLIMSOLL_CHECK(learn::check(piece.map));
    for (const GroupMap& group : piece.groups) PLIMSOLL_CHECK(learn::check(group.map));
  }
  for (const Patch& patch : m.patches)
    if (!std::isfinite(patch.shift) || patch.column < -1 || patch.column >= static_cast<std::int64_t>(m.columns.group.size())) return bad;
  return {};
}

void describe(Fields& f, Options& o) {
  f({"keep", "columns of the input to keep beside the answer"}, o.keep);
  f({"outside", "scores outside the range learned from: taken at its end, or followed by the map"}, o.outside);
}
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "rows with scores", apply_roles}, in.data); }
void describe(Fields& f, Outputs& out) { f(PortInfo{"rows", "calibrated: the probability of the event; of a Venn-Abers map also p0 and p1"}, out.rows); }
void describe(Fields& f, AssessInputs& in) {
  f(PortInfo{"model", "the calibrated model", {}, "calibrate.binary"}, in.model);
  f(PortInfo{"data", "new rows with scores and outcomes", assess_roles}, in.data);
}
void describe(Fields& f, ReportInputs& in) { f(PortInfo{"data", "new rows with scores and outcomes", assess_roles}, in.data); }

void describe(Fields& f, Event& e) {
  f({"score", "score of the event"}, e.score);
  f({"group", "value of the group column, if the model has one"}, e.group);
  f({"outcome", "1 if the event happened, 0 if not, -1 if not known", within(-1, 1)}, e.outcome);
}
void describe(Fields& f, Watch& w) {
  f({"scored", "scores seen", at_least(0)}, w.scored);
  f({"known", "outcomes seen", at_least(0)}, w.known);
  f({"outside", "scores outside the range learned from", at_least(0)}, w.outside);
  f({"expected", "sum of probabilities where the outcome is known"}, w.expected);
  f({"happened", "events among them"}, w.happened);
  f({"wealth", "log of each bet against calibration"}, w.wealth);
  f({"peak", "largest log e-value so far"}, w.peak);
}
void describe(Fields& f, Row& r) {
  f({"calibrated", "probability of the event"}, r.calibrated);
  f({"e_value", "evidence against calibration so far: 20 happens by chance at most once in 20 endless streams"}, r.e_value);
  f({"alarm", "the e-value has passed 1,000 at some time"}, r.alarm);
}

extern constinit const Method entry;
constinit const Method entry = method("calibrate.binary")
                                   .mergeable_fit<&start, &update, &merge, &finish>(Law::A)
                                   .apply<&apply>(Rows::independent)
                                   .certify<&certify>()
                                   .assess<&assess>()
                                   .report<&report>()
                                   .step<&step>()
                                   .prove<&prove>()
                                   .example<&example>()
                                   .check<&check>();

}  // namespace plimsoll::calibrate::binary

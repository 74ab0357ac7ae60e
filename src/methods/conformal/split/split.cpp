// SPDX-License-Identifier: Apache-2.0
// Split (inductive) conformal prediction: Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World" (2005), chapter 4;
// Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018). With n exchangeable scores and a new one, the rank of the new one is
// uniform on 1..n+1, so with k = ceil((n + 1)(1 - alpha))
//   1 - alpha <= P(s_new <= s_(k)) <= 1 - alpha + 1/(n + 1),      the upper part for distinct scores,
// and given the calibration rows the coverage is Beta(k, n + 1 - k) (Vovk 2012; Marques 2023).
// k > n has only one honest answer, the whole space: thresholds become infinite and nothing is clamped to the largest score
// (at n = 5, alpha = 0.1 the clamp would cover 0.834).
// Here: what the method is; learn/score_rows.h reads rows, calibrate.cpp fits, predict.cpp applies, audit.cpp measures.

#include "methods/conformal/split/split.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace plimsoll::conformal::split {
namespace {

constexpr auto fit_roles = learn::score_fit_roles;
constexpr auto apply_roles = learn::score_apply_roles;
constexpr auto assess_roles = learn::join_roles(learn::join_roles(std::array<RoleInfo, 1>{{{"target", "the true label or number", false, false}}}, learn::prediction_roles),
                                                std::array<RoleInfo, 3>{learn::id_role, {"group", "groups whose coverage is compared", false, false}, {"feature", "numbers among which the slab of worst coverage is sought", false, true}});
constexpr std::array<RoleInfo, 1> learned_roles = {learn::id_role};

}  // namespace

double tail_of(const Params& params, Score score, std::size_t which) { return params.alpha[which] / sides_of(score); }

void describe(Fields& f, Params& p) {
  f({"alpha", "miscoverage: one level or several", between(0, 1)}, p.alpha);
  learn::describe_choice(f, p);
  learn::describe_randomized(f, p);
  f({"allow_empty", "leave empty sets empty; otherwise they get the most probable class"}, p.allow_empty);
  f({"small_n", "too few rows for a level: answer the whole space, or refuse"}, p.small_n);
  f({"missing", "calibration rows with missing values: refuse them, or drop and count them"}, p.missing);
  learn::describe_shape(f, p);
  f({"keep_scores", "keep the sorted calibration scores in the model (at most 16,777,216): p-values and confidence need them"}, p.keep_scores);
  f({"fingerprint", "sketch the calibration rows, so that later double use is seen"}, p.fingerprint);
}

Result<void> check(const Params& p) { return learn::check_levels(p.alpha); }

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "rows with predictions and the truth, which the predictor has not learned from", fit_roles}, in.data);
  f(PortInfo{"learned", "the rows the predictor has learned from: their double use is refused", learned_roles}, in.learned);
}

void describe(Fields& f, Tally& t) {
  f({"rows", "calibration rows", at_least(0)}, t.rows);
  f({"dropped", "rows left out", at_least(0)}, t.dropped);
  f({"crossed", "crossed quantiles", at_least(0)}, t.crossed);
  f({"off", "rows whose probabilities miss one", at_least(0)}, t.off);
  f.tensor({"scores", "scores kept"}, t.scores);
}

void describe(Fields& f, State& s) {
  f({"params", "parameters"}, s.params);
  f({"plan", "what the first batch fixed"}, s.plan);
  f({"tally", "what the first pass counted"}, s.tally);
  std::int64_t pass = s.pass;
  f({"pass", "pass over the rows", at_least(1)}, pass);
  s.pass = static_cast<int>(std::clamp<std::int64_t>(pass, 1, 1000));
  std::int64_t sides = static_cast<std::int64_t>(s.ranks.size());
  f({"sides", "thresholds an alpha", within(0, 2)}, sides);
  s.ranks.resize(static_cast<std::size_t>(std::clamp<std::int64_t>(sides, 0, 2)));
  for (std::size_t i = 0; i < s.ranks.size(); ++i) {
    std::string bytes = s.ranks[i].to_bytes();
    const std::string before = bytes;
    f.blob({i == 0 ? "ranks_0" : "ranks_1", "partial order statistics"}, bytes);
    if (bytes == before) continue;
    if (auto read = ScoreRanks::from_bytes(bytes)) s.ranks[i] = std::move(read).value();
  }
  const auto sketch = [&f](const char* name, RowFingerprint& fingerprint) {
    std::string bytes = fingerprint.to_bytes();
    const std::string before = bytes;
    f.blob({name, "sketch of rows"}, bytes);
    if (bytes == before) return;
    if (auto read = RowFingerprint::from_bytes(bytes)) fingerprint = std::move(read).value();
  };
  sketch("calibration_fingerprint", s.calibration);
  sketch("learning_fingerprint", s.learned);
  f({"overlap_remark", "what was said of double use"}, s.overlap_remark);
}

void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"plan", "score, columns, classes"}, m.plan);
  f({"n", "calibration rows", at_least(0)}, m.n);
  f.tensor({"thresholds", "threshold of each alpha and side; infinite when there were too few rows"}, m.thresholds);
  f.tensor({"ranks", "rank of each threshold"}, m.ranks);
  f.tensor({"scores", "sorted calibration scores, if kept"}, m.scores);
  f({"dropped", "calibration rows left out", at_least(0)}, m.dropped);
  f({"crossed", "crossed quantiles swapped", at_least(0)}, m.crossed);
  f({"off", "rows whose probabilities miss one by more than 1e-6", at_least(0)}, m.off);
  f({"draw_seed", "stream of the calibration's draws"}, m.draw_seed);
  f({"draw_key", "stream of the calibration's draws"}, m.draw_key);
  f({"overlap_remark", "what was said of double use"}, m.overlap_remark);
  f.blob({"calibration_fingerprint", "sketch of the calibration rows"}, m.calibration_fingerprint);
  f.blob({"learning_fingerprint", "sketch of the learning rows"}, m.learning_fingerprint);
}

Result<void> sound(const Model& m) {
  const Error bad(ErrorCode::corrupt_file, "the model contradicts itself", "The file is damaged: fit again or take it from a backup.");
  const std::size_t sides = static_cast<std::size_t>(sides_of(m.plan.score));
  const std::size_t cells = m.params.alpha.size() * sides;
  if (!check(m.params).ok() || m.plan.score == Score::automatic || m.thresholds.size() != cells || m.ranks.size() != cells || m.n < 1) return bad;
  if (of_classes(m.plan.score) && (m.plan.classes.size() < 2 || m.plan.classes.size() != m.plan.columns.probability.size())) return bad;
  if (!m.scores.empty() && (static_cast<std::int64_t>(m.scores.size()) != m.n || !std::is_sorted(m.scores.begin(), m.scores.end()))) return bad;
  const auto nan = [](double x) { return std::isnan(x); };
  if (std::any_of(m.thresholds.begin(), m.thresholds.end(), nan) || std::any_of(m.scores.begin(), m.scores.end(), nan)) return bad;
  return {};
}

void describe(Fields& f, Options& o) {
  f({"p_values", "a column p_value.CLASS for each class (needs kept scores)"}, o.p_values);
  f({"confidence", "columns confidence (one less the second largest p-value) and credibility (the largest)"}, o.confidence);
  f({"smoothed", "draw a uniform a row to break ties of p-values, which makes them exact"}, o.smoothed);
  f({"keep", "columns of the input to keep beside the answer"}, o.keep);
}
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "rows with predictions", apply_roles}, in.data); }
void describe(Fields& f, Outputs& out) { f(PortInfo{"rows", "sets or intervals"}, out.rows); }
void describe(Fields& f, ReportInputs& in) { f(PortInfo{"data", "scored rows, or rows with predictions", apply_roles}, in.data); }
void describe(Fields& f, AssessInputs& in) {
  f(PortInfo{"model", "the calibrated model", {}, "conformal.split"}, in.model);
  f(PortInfo{"data", "new rows with predictions and the truth", assess_roles}, in.data);
}
void describe(Fields& f, AssessParams& p) {
  f({"confidence", "of the bands in which the promise should put the figures", between(0, 1)}, p.confidence);
  f({"tolerance", "how far below its level the coverage of a calibration may lie, for the number of rows that would make it so steady", between(0, 1)}, p.tolerance);
}
void describe(Fields& f, VerifyInputs& in) {
  f(PortInfo{"model", "the calibrated model", {}, "conformal.split"}, in.model);
  f(PortInfo{"data", "the calibration rows, as they were given to fit", fit_roles}, in.data);
}

namespace {
bool fit_draws(const Params& p) { return p.randomized; }
bool apply_draws(const Model& m, const Options& o) { return m.params.randomized || o.smoothed; }
}  // namespace

extern constinit const Method entry = method("conformal.split")
                                          .mergeable_fit<&start, &update, &merge, &finish>(Law::A)
                                          .draws_in_fit<&fit_draws>()
                                          .apply<&apply>(Rows::independent)
                                          .draws_in_apply<&apply_draws>()
                                          .certify<&certify>()
                                          .assess<&assess>()
                                          .verify<&verify>()
                                          .report<&report>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>();

}  // namespace plimsoll::conformal::split

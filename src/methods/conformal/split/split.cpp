// SPDX-License-Identifier: Apache-2.0
// Split (inductive) conformal prediction: Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World" (2005), chapter 4;
// Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018). With n exchangeable scores and a new one, the rank of the new one is
// uniform on 1..n+1, so with k = ceil((n + 1)(1 - alpha))
//   1 - alpha <= P(s_new <= s_(k)) <= 1 - alpha + 1/(n + 1),      the upper part for distinct scores,
// and given the calibration rows the coverage is Beta(k, n + 1 - k) (Vovk 2012; Marques 2023).
// k > n has only one honest answer, the whole space: thresholds become infinite and nothing is clamped to the largest score
// (at n = 5, alpha = 0.1 the clamp would cover 0.834).
// Here: what the method is; rows.cpp and ends.cpp read rows, calibrate.cpp fits, predict.cpp applies, audit.cpp measures.

#include "methods/conformal/split/split.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "stats/order_statistics.h"

namespace plimsoll::conformal::split {
namespace {

constexpr std::array<std::string_view, 16> score_names = {"auto", "lac", "aps", "raps", "saps", "margin", "topk", "log", "absolute",
                                                          "normalised", "relative", "signed", "cqr", "cqr_asymmetric", "cqr_r", "cqr_m"};
constexpr std::array<std::string_view, 2> small_names = {"infinite", "error"};
constexpr std::array<std::string_view, 2> missing_names = {"refuse", "drop"};
constexpr std::array<std::string_view, 3> keep_names = {"id", "all", "none"};

constexpr std::array<RoleInfo, 8> fit_roles = {{{"target", "the true label or number", true, false},
                                                {"probability", "class probabilities, one column a class", false, true},
                                                {"prediction", "predicted number", false, false},
                                                {"sigma", "spread of the prediction", false, false},
                                                {"lower", "predicted lower quantile", false, false},
                                                {"upper", "predicted upper quantile", false, false},
                                                {"median", "predicted median (cqr_m)", false, false},
                                                {"id", "identity of a row", false, false}}};
constexpr std::array<RoleInfo, 8> apply_roles = {{{"probability", "class probabilities, one column a class", false, true},
                                                  {"prediction", "predicted number", false, false},
                                                  {"sigma", "spread of the prediction", false, false},
                                                  {"lower", "predicted lower quantile", false, false},
                                                  {"upper", "predicted upper quantile", false, false},
                                                  {"median", "predicted median (cqr_m)", false, false},
                                                  {"id", "identity of a row", false, false},
                                                  {"target", "the true label or number (for reports)", false, false}}};
constexpr std::array<RoleInfo, 9> assess_roles = {{{"target", "the true label or number", false, false},
                                                   {"probability", "class probabilities, one column a class", false, true},
                                                   {"prediction", "predicted number", false, false},
                                                   {"sigma", "spread of the prediction", false, false},
                                                   {"lower", "predicted lower quantile", false, false},
                                                   {"upper", "predicted upper quantile", false, false},
                                                   {"median", "predicted median (cqr_m)", false, false},
                                                   {"id", "identity of a row", false, false},
                                                   {"group", "groups whose coverage is compared", false, false}}};
constexpr std::array<RoleInfo, 1> learned_roles = {{{"id", "identity of a row", false, false}}};

}  // namespace

std::span<const std::string_view> choices_of(Score) { return score_names; }
std::span<const std::string_view> choices_of(SmallSample) { return small_names; }
std::span<const std::string_view> choices_of(MissingRows) { return missing_names; }
std::span<const std::string_view> choices_of(Keep) { return keep_names; }

bool of_classes(Score score) { return score >= Score::lac && score <= Score::neg_log; }
int sides_of(Score score) { return score == Score::two_tailed || score == Score::cqr_asymmetric ? 2 : 1; }
double tail_of(const Params& params, Score score, std::size_t which) { return params.alpha[which] / sides_of(score); }

void describe(Fields& f, Params& p) {
  f({"alpha", "miscoverage: one level or several", between(0, 1)}, p.alpha);
  f({"score", "how badly a label or number suits its prediction; auto: lac for probabilities, cqr for lower and upper, normalised for prediction and sigma, absolute for a prediction"}, p.score);
  f({"randomized", "aps, raps, saps: draw a uniform for each row, which makes sets exact instead of conservative"}, p.randomized);
  f({"allow_empty", "leave empty sets empty; otherwise they get the most probable class"}, p.allow_empty);
  f({"small_n", "too few rows for a level: answer the whole space, or refuse"}, p.small_n);
  f({"missing", "calibration rows with missing values: refuse them, or drop and count them"}, p.missing);
  f({"penalty", "raps and saps: weight of the rank penalty", at_least(0)}, p.penalty);
  f({"penalty_free", "raps: ranks free of penalty", at_least(0)}, p.penalty_free);
  f({"offset", "added to sigma (normalised) or to the widths (cqr_r, cqr_m)", at_least(0)}, p.offset);
  f({"prefix", "stripped from the names of the probability columns, if all have it, to get the classes"}, p.prefix);
  f({"classes", "the classes of the probability columns, in their order; empty: from the column names"}, p.classes);
  f({"keep_scores", "keep the sorted calibration scores in the model (at most 16,777,216): p-values and confidence need them"}, p.keep_scores);
  f({"fingerprint", "sketch the calibration rows, so that later double use is seen"}, p.fingerprint);
}

Result<void> check(const Params& p) {
  if (p.alpha.empty()) return Error(ErrorCode::bad_parameter, "no alpha is given", "Give at least one, e.g. --alpha 0.1.").in_parameter("alpha");
  if (p.alpha.size() > 32) return Error(ErrorCode::bad_parameter, "more than 32 alphas", "Give at most 32.").in_parameter("alpha");
  std::vector<std::string> names;
  for (const double alpha : p.alpha) {
    if (!(alpha > 0 && alpha < 1)) return Error(ErrorCode::bad_parameter, "'alpha' must be in (0, 1)", "Give a miscoverage such as 0.1.").in_parameter("alpha");
    names.push_back(level_name(alpha));
  }
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) return Error(ErrorCode::bad_parameter, "an alpha is given twice", "Give each level once.").in_parameter("alpha");
  return {};
}

void describe(Fields& f, Columns& c) {
  f({"probability", "class probabilities"}, c.probability);
  f({"target", "truth"}, c.target);
  f({"prediction", "predicted number"}, c.prediction);
  f({"sigma", "spread"}, c.sigma);
  f({"lower", "lower quantile"}, c.lower);
  f({"upper", "upper quantile"}, c.upper);
  f({"median", "median"}, c.median);
  f({"id", "identity"}, c.id);
}

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "rows with predictions and the truth, which the predictor has not learned from", fit_roles}, in.data);
  f(PortInfo{"learned", "the rows the predictor has learned from: their double use is refused", learned_roles}, in.learned);
}

void describe(Fields& f, Plan& p) {
  f({"score", "score in use"}, p.score);
  f({"columns", "columns by role"}, p.columns);
  f({"classes", "classes in the order of the probability columns"}, p.classes);
  f({"ready", "fixed by a first batch"}, p.ready);
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
void describe(Fields& f, AssessParams& p) { f({"confidence", "of the bands in which the promise should put the figures", between(0, 1)}, p.confidence); }
void describe(Fields& f, VerifyInputs& in) {
  f(PortInfo{"model", "the calibrated model", {}, "conformal.split"}, in.model);
  f(PortInfo{"data", "the calibration rows, as they were given to fit", fit_roles}, in.data);
}

std::int64_t rank_of(std::int64_t n, double alpha) {
  const auto rank = stats::conformal_rank(n, alpha);
  return !rank || rank.value().infinite ? n + 1 : rank.value().k;
}

std::int64_t rows_needed(double alpha) {
  const auto rank = stats::conformal_rank(0, alpha);
  return rank ? rank.value().needed_n : 0;
}

std::string level_name(double alpha) {
  std::array<char, 40> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), 1 - alpha, std::chars_format::general, 12);
  return error == std::errc() ? std::string(text.data(), end) : std::string("?");
}

std::string column_name(const Params& params, std::string_view stem, std::size_t which) {
  std::string name(stem);
  if (params.alpha.size() > 1) name += "." + level_name(params.alpha[which]);
  return name;
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

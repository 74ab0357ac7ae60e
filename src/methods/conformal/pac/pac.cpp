// SPDX-License-Identifier: Apache-2.0
// Probably approximately correct prediction sets: S. Park, O. Bastani, N. Matni, I. Lee, "PAC confidence sets for deep neural networks
// via calibrated prediction" (2020); V. Vovk, "Conditional validity of inductive conformal predictors" (2012).
// With s_(1) <= ... <= s_(n) the calibration scores and a threshold s_(n - e), the chance that a new score lies above is at most epsilon
// for all but a share delta of calibrations, if P(Bin(n, epsilon) <= e) <= delta; e is the largest such count (stats/pac.h). Ties only
// add coverage. Scores with two ends spend epsilon / 2 and delta / 2 on each.
// Where even e = 0 is too many, the set is the whole space: never a threshold that keeps no promise.

#include "methods/conformal/pac/pac.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/number_text.h"
#include "engine/artifact.h"
#include "learn/calibration_rows.h"
#include "learn/score_answers.h"
#include "stats/intervals.h"
#include "stats/order_statistics.h"
#include "stats/pac.h"

namespace plimsoll::conformal::pac {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::array<RoleInfo, 1> learned_roles = {learn::id_role};

// One score's epsilon and delta: two-ended scores share them out.
Result<stats::PacRank> rank_of(const Model& model, std::size_t which) {
  const double sides = learn::sides_of(model.plan.score);
  return stats::pac_rank(model.n, model.params.epsilon[which] / sides, model.params.delta / sides);
}

Result<void> set_thresholds(Context& context, std::vector<std::vector<double>>& sides, Model& model) {
  for (std::size_t e = 0; e < model.params.epsilon.size(); ++e) {
    PLIMSOLL_TRY(const stats::PacRank rank, rank_of(model, e));
    for (std::vector<double>& scores : sides) {
      model.errors.push_back(rank.errors);
      model.thresholds.push_back(rank.infinite ? infinity : stats::kth_smallest(scores, rank.k));
    }
    if (!rank.infinite) continue;
    const std::string words = std::to_string(model.n) + " rows are too few for epsilon " + number_text(model.params.epsilon[e]) + " and delta " + number_text(model.params.delta) + ": " + std::to_string(rank.needed_n) + " are needed";
    if (model.params.small_n == learn::SmallSample::error) return Error(ErrorCode::too_few_rows, words, "Give more rows, or a larger epsilon or delta.").in_parameter("epsilon");
    context.warn(words + "; the answer is the whole space.");
  }
  return {};
}

}  // namespace

void describe(Fields& f, Params& p) {
  f({"epsilon", "largest rate of errors of each level"}, p.epsilon);
  f({"delta", "chance over the drawing of the calibration rows that the rate is larger", between(0, 1)}, p.delta);
  learn::describe_score(f, p);
  f({"allow_empty", "leave sets empty instead of giving them the most probable class"}, p.allow_empty);
  f({"small_n", "too few rows for an epsilon: answer with the whole space, or fail"}, p.small_n);
  f({"missing", "rows with missing values: refuse them, or drop and count them"}, p.missing);
}

Result<void> check(const Params& p) {
  for (const double epsilon : p.epsilon)
    if (!(epsilon > 0 && epsilon < 1)) return Error(ErrorCode::bad_parameter, "'epsilon' must be in (0, 1)", "Give a rate of errors such as 0.1.").in_parameter("epsilon");
  if (auto levels = learn::check_levels(p.epsilon); !levels) return std::move(levels).error().in_parameter("epsilon");
  return {};
}

void describe(Fields& f, Inputs& in) {
  f(PortInfo{"data", "rows with predictions and the truth, that the predictor has not learned from", learn::score_fit_roles}, in.data);
  f(PortInfo{"learned", "the rows the predictor has learned from, to refuse their use here", learned_roles}, in.learned);
}
void describe(Fields& f, Model& m) {
  f({"params", "parameters"}, m.params);
  f({"plan", "score, columns and classes"}, m.plan);
  f({"n", "calibration rows", at_least(0)}, m.n);
  f.tensor({"thresholds", "epsilons x sides"}, m.thresholds);
  f({"errors", "scores that may lie above each threshold"}, m.errors);
  f({"dropped", "rows left out", at_least(0)}, m.dropped);
  f({"crossed", "pairs of quantiles swapped", at_least(0)}, m.crossed);
  f({"off", "rows whose probabilities miss one", at_least(0)}, m.off);
  f({"overlap_remark", "what the fingerprints said"}, m.overlap_remark);
  f.blob({"fingerprint", "sketch of the rows"}, m.fingerprint);
}
void describe(Fields& f, ApplyInputs& in) { f(PortInfo{"data", "new rows with predictions", learn::score_apply_roles}, in.data); }
void describe(Fields& f, Options& o) { f({"keep", "columns to keep beside the answer"}, o.keep); }
void describe(Fields& f, Outputs& out) { f(PortInfo{"rows", "the set or interval of each row"}, out.rows); }
void describe(Fields& f, AssessInputs& in) {
  f(PortInfo{"model", "the model", {}, "conformal.pac"}, in.model);
  f(PortInfo{"data", "new rows with predictions and the truth", learn::score_apply_roles}, in.data);
}
void describe(Fields& f, AssessParams& p) { f({"confidence", "of the interval around the rate of errors", between(0, 1)}, p.confidence); }

Result<void> sound(const Model& model) {
  const std::size_t sides = static_cast<std::size_t>(learn::sides_of(model.plan.score));
  const std::size_t count = model.params.epsilon.size() * sides;
  const bool numbers = std::none_of(model.thresholds.begin(), model.thresholds.end(), [](double t) { return std::isnan(t); });
  const bool classes = !learn::of_classes(model.plan.score) || (model.plan.classes.size() >= 2 && model.plan.classes.size() == model.plan.columns.probability.size());
  if (count > 0 && model.thresholds.size() == count && model.errors.size() == count && numbers && classes && model.plan.ready && model.plan.score != learn::ConformalScore::automatic) return {};
  return Error(ErrorCode::corrupt_file, "the parts of the model do not fit together", "Fit the model again.");
}

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(check(params));
  PLIMSOLL_CHECK(context.stop.check());
  Model model;
  model.params = params;
  PLIMSOLL_TRY(model.plan, learn::plan_of(inputs.data, params));
  PLIMSOLL_TRY(learn::CalibrationRows noted, learn::note_calibration(context, inputs.data, inputs.learned));
  model.fingerprint = std::move(noted.fingerprint);
  model.overlap_remark = std::move(noted.overlap_remark);
  PLIMSOLL_TRY(learn::TruthScores truth, learn::score_truths(context, inputs.data, model.plan, params, params.missing, context.rng.child("calibrate")));
  model.n = static_cast<std::int64_t>(truth.sides.front().size());
  model.dropped = truth.dropped;
  model.crossed = truth.crossed;
  model.off = truth.off;
  if (model.n == 0) return Error(ErrorCode::too_few_rows, "no row is left to calibrate on", "Give rows with predictions and the truth.").in_parameter("data");
  learn::warn_of_scores(context, truth.off, truth.crossed, truth.dropped);
  PLIMSOLL_CHECK(set_thresholds(context, truth.sides, model));
  return model;
}

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const learn::ScoreColumns columns, learn::columns_of(inputs.data, model.plan, model.params, false));
  learn::RowThresholds thresholds;
  for (const double t : model.thresholds) thresholds.levels.push_back({t});
  const learn::AnswerJob job{model.plan, model.params, columns, model.params.epsilon.size(), model.params.allow_empty};
  PLIMSOLL_TRY(Table answer, learn::answer_table(context, inputs.data, job, model.params.epsilon, thresholds));
  Outputs outputs;
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.data, columns.id, options.keep, std::move(answer)));
  return outputs;
}

Result<Certificate> certify(const Model& model) {
  PLIMSOLL_CHECK(sound(model));
  Certificate certificate;
  certificate.template_id = "coverage.pac";
  const auto sides = static_cast<std::size_t>(learn::sides_of(model.plan.score));
  const std::string answer = learn::of_classes(model.plan.score) ? "set" : "interval";
  certificate.promise = "With probability at least " + number_text(1 - model.params.delta) + " over the drawing of the " + std::to_string(model.n) + " calibration rows, the " + answer + " misses the truth of at most a share ";
  for (std::size_t e = 0; e < model.params.epsilon.size(); ++e) {
    PLIMSOLL_TRY(const stats::PacRank rank, rank_of(model, e));
    const double epsilon = model.params.epsilon[e];
    const std::string suffix = model.params.epsilon.size() > 1 ? "." + learn::level_name(epsilon) : "";
    certificate.promise += std::string(e == 0 ? "" : e + 1 == model.params.epsilon.size() ? " and " : ", ") + number_text(epsilon);
    if (suffix.size() > 1) certificate.promise += " (level " + suffix.substr(1) + ")";
    certificate.values["epsilon" + suffix] = epsilon;
    certificate.values["errors_allowed" + suffix] = static_cast<double>(rank.errors);
    certificate.values["rows_needed" + suffix] = static_cast<double>(rank.needed_n);
    if (rank.infinite) {
      certificate.remarks.push_back("At level " + learn::level_name(epsilon) + " the answer is the whole space: " + std::to_string(rank.needed_n) + " rows are needed.");
      continue;
    }
    certificate.values["confidence" + suffix] = 1 - static_cast<double>(sides) * (1 - rank.confidence);
    if (sides == 1) certificate.remarks.push_back(std::to_string(rank.errors) + " of " + std::to_string(model.n) + " calibration scores may lie above the threshold of level " + learn::level_name(epsilon) + "; Clopper and Pearson's upper bound of that rate is " + number_text(rank.rate_bound) + ".");
  }
  certificate.promise += " of new rows.";
  certificate.level = 1 - model.params.epsilon.front();
  certificate.delta = model.params.delta;
  certificate.values["delta"] = model.params.delta;
  certificate.n = model.n;
  certificate.exactness = Exactness::exact;
  certificate.assumptions = {"calibration rows are independent and drawn as new ones are", "the predictor has not learned from the calibration rows", "the calibration rows were not used to choose the predictor or the score"};
  certificate.vacuous = std::all_of(model.thresholds.begin(), model.thresholds.end(), [](double t) { return t == infinity; });
  if (model.dropped > 0) certificate.remarks.push_back(std::to_string(model.dropped) + " calibration rows with missing values were left out: the promise is for rows without missing values.");
  if (!model.overlap_remark.empty()) certificate.remarks.push_back(model.overlap_remark);
  certificate.falsified_by = "plimsoll prove conformal.pac";
  return certificate;
}

Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params) {
  const Model& model = inputs.model->model().as<Model>();
  PLIMSOLL_CHECK(sound(model));
  learn::ScorePlan plan = model.plan;
  PLIMSOLL_TRY(plan.columns, learn::columns_of(inputs.data, model.plan, model.params, true));
  PLIMSOLL_TRY(const learn::TruthScores truth, learn::score_truths(context, inputs.data, plan, model.params, learn::MissingRows::refuse, context.rng.child("apply")));
  const auto rows = static_cast<std::int64_t>(truth.sides.front().size());
  if (rows == 0) return Error(ErrorCode::too_few_rows, "there are no new rows", "Give rows with the truth.").in_parameter("data");
  Report report;
  report.title = "Rates of errors on new rows";
  report.facts = {{"method", "conformal.pac"}, {"calibration rows", std::to_string(model.n)}, {"new rows", std::to_string(rows)}};
  report.verdict = "green";
  TableBlock table{"Errors", "The interval is Clopper and Pearson's. Red: it lies above epsilon. Empty sets that apply would fill count as errors here.", {"epsilon", "delta", "rate", "low", "high"}, {}};
  const std::size_t sides = truth.sides.size();
  for (std::size_t e = 0; e < model.params.epsilon.size(); ++e) {
    std::int64_t errors = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(rows); ++i) {
      bool missed = false;
      for (std::size_t s = 0; s < sides; ++s) missed = missed || truth.sides[s][i] > model.thresholds[e * sides + s];
      errors += missed ? 1 : 0;
    }
    const stats::Interval band = stats::clopper_pearson(errors, rows, params.confidence);
    const double rate = static_cast<double>(errors) / static_cast<double>(rows);
    const std::string suffix = model.params.epsilon.size() > 1 ? "." + learn::level_name(model.params.epsilon[e]) : "";
    table.rows.push_back({model.params.epsilon[e], model.params.delta, rate, band.lo, band.hi});
    report.figures.push_back({"error_rate" + suffix, rate});
    report.figures.push_back({"error_rate_low" + suffix, band.lo});
    report.figures.push_back({"error_rate_high" + suffix, band.hi});
    if (band.lo > model.params.epsilon[e]) report.verdict = "red";
  }
  report.text("What was found", report.verdict == "green" ? "No rate of errors is surely above its epsilon." : "A rate of errors is surely above its epsilon: this calibration is one of the unlucky share delta, or the new rows are drawn otherwise.", report.verdict == "green" ? ReportSeverity::note : ReportSeverity::alarm);
  report.table(std::move(table));
  return report;
}

extern constinit const Method entry = method("conformal.pac")
                                          .fit<&fit>(Law::A)
                                          .apply<&apply>(Rows::independent)
                                          .certify<&certify>()
                                          .assess<&assess>()
                                          .prove<&prove>()
                                          .example<&example>()
                                          .check<&check>();

}  // namespace plimsoll::conformal::pac

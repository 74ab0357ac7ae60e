// SPDX-License-Identifier: Apache-2.0
// The experiment behind the promise, all with exact laws. n = 29, N = 100 new rows, residuals N(0, sigma^2) with a known spread:
//   above     rows at or below the quantile 0.9 among N: BetaBinomial(N; 27, 3)
//   interval  rows inside the interval of alpha = 0.2, between ranks 3 and 27: BetaBinomial(N; 24, 6)
//   uniform   the p-value of one row a redraw is at most 1/4 with chance 1/4 exactly, because of its uniform draw
// Each two-sided at a third of the false alarm.

#include <cmath>

#include "engine/artifact.h"
#include "engine/door.h"
#include "engine/subject.h"
#include "learn/known_truth.h"
#include "methods/conformal/predictive/predictive.h"
#include "stats/count_law.h"
#include "stats/distributions.h"

namespace plimsoll::conformal::predictive {
namespace {

constexpr double false_alarm = 1e-6;
constexpr double share = false_alarm / 3;
constexpr std::int64_t calibration_rows = 29;
constexpr std::int64_t new_rows = 100;
constexpr double quarter = 0.25;

Result<Table> known_rows(Stream& stream, std::int64_t rows, bool with_ids) {
  std::vector<double> y;
  std::vector<double> prediction;
  std::vector<double> sigma;
  std::vector<std::string> ids;
  for (std::int64_t i = 0; i < rows; ++i) {
    prediction.push_back(stream.normal());
    sigma.push_back(0.5 + stream.uniform());
    y.push_back(prediction.back() + sigma.back() * stream.normal());
    ids.push_back("r" + std::to_string(i));
  }
  TableBuilder builder;
  if (with_ids) builder.text("id", std::move(ids));
  builder.real("y", std::move(y)).real("prediction", std::move(prediction)).real("sigma", std::move(sigma));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  Roles roles = {{"target", {"y"}}, {"prediction", {"prediction"}}, {"sigma", {"sigma"}}};
  if (with_ids) roles["id"] = {"id"};
  return table.with_roles(std::move(roles));
}

struct Counts {
  std::int64_t above = 0;
  std::int64_t interval = 0;
  std::int64_t uniform = 0;
};

Result<Counts> redraw_all(Context& outer, const Subject& subject, std::int64_t redraws) {
  Counts counts;
  const Stream root = outer.rng.child("redraws");
  Options options;
  options.alpha = {0.2};
  options.quantiles = {0.9};
  options.p_value = true;
  for (std::int64_t redraw = 0; redraw < redraws; ++redraw) {
    PLIMSOLL_CHECK(outer.stop.check());
    Context context = learn::redraw_context(outer, root.child(static_cast<std::uint64_t>(redraw)));
    Stream rows = context.rng.child("rows");
    Inputs inputs;
    PLIMSOLL_TRY(inputs.data, known_rows(rows, calibration_rows, false));
    PLIMSOLL_TRY(const Table fresh, known_rows(rows, new_rows, false));
    PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, inputs, Params{})));
    PLIMSOLL_TRY(const Outputs out, (subject.apply<Outputs>(context, model, ApplyInputs{fresh}, options)));
    PLIMSOLL_TRY(const Reals y, fresh.reals("y"));
    PLIMSOLL_TRY(const Reals upper, out.rows.reals("quantile_high.0.9", Missing::as_nan));
    PLIMSOLL_TRY(const Reals p, out.rows.reals("p_value"));
    PLIMSOLL_TRY(const std::vector<char> holds, learn::holds_truth(fresh, out.rows));
    for (std::size_t i = 0; i < y.size(); ++i) {
      counts.above += y[i] <= upper[i] ? 1 : 0;
      counts.interval += holds[i];
    }
    counts.uniform += p[0] <= quarter ? 1 : 0;
  }
  return counts;
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t redraws = options.size == ProveSize::quick ? 400 : options.size == ProveSize::normal ? 16'000 : 80'000;
  PLIMSOLL_TRY(const Counts seen, redraw_all(context, subject, redraws));
  PLIMSOLL_TRY(const stats::CountLaw above, stats::CountLaw::covered(calibration_rows, 27, new_rows));
  PLIMSOLL_TRY(const stats::CountLaw interval, stats::CountLaw::covered(calibration_rows, 24, new_rows));
  const stats::CountInterval above_band = above.times(redraws).band(share / 2);
  const stats::CountInterval band = interval.times(redraws).band(share / 2);
  const bool uniform = stats::binomial_cdf(seen.uniform, redraws, quarter) > share / 2 && stats::binomial_sf(seen.uniform - 1, redraws, quarter) > share / 2;
  const auto count = static_cast<double>(redraws * new_rows);
  Evidence evidence;
  evidence.claim = "Quantiles, intervals and p-values of the predicted distributions hold exactly as often as they say";
  evidence.level = 0.8;
  evidence.observed = static_cast<double>(seen.interval) / count;
  evidence.low = static_cast<double>(band.lo) / count;
  evidence.high = static_cast<double>(band.hi) / count;
  evidence.trials = redraws;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "residuals a tenth too small";
  evidence.passed = band.contains(seen.interval) && above_band.contains(seen.above) && uniform;
  evidence.figures = {{"below_quantile_0.9", static_cast<double>(seen.above) / count}, {"p_values_below_a_quarter", static_cast<double>(seen.uniform) / static_cast<double>(redraws)}};
  return evidence;
}

Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows) {
  const Stream root = Stream(seed).child("conformal.predictive example");
  Stream past_stream = root.child("past");
  Stream fresh_stream = root.child("fresh");
  PLIMSOLL_TRY(const Table past, known_rows(past_stream, rows, true));
  PLIMSOLL_TRY(const Table fresh, known_rows(fresh_stream, rows, true));
  if (verb == Verb::fit) return Example::of(Inputs{past, std::nullopt}, Params{});
  if (verb == Verb::apply) {
    Options options;
    options.quantiles = {0.25};
    options.thresholds = {0};
    options.p_value = true;
    options.crps = true;
    return Example::of(ApplyInputs{fresh}, options);
  }
  if (verb != Verb::assess) return Error(ErrorCode::wrong_kind, "conformal.predictive has no example for this verb", "Ask for fit, apply or assess.").in_parameter("verb");
  PLIMSOLL_TRY(Model model, fit(context, Inputs{past, std::nullopt}, Params{}));
  PLIMSOLL_TRY(Certificate certificate, certify(model));
  Artifact::Provenance provenance;
  provenance.method = "conformal.predictive";
  provenance.engine = std::string(engine_version());
  provenance.seed = context.rng.seed();
  provenance.parameters = "{}";
  return Example::of(AssessInputs{std::make_shared<const Artifact>(std::move(provenance), std::move(certificate), true, Box::of(std::move(model))), fresh}, AssessParams{});
}

}  // namespace plimsoll::conformal::predictive

// SPDX-License-Identifier: Apache-2.0
// The experiment behind the promise. Rows y = x + E, E exponential and predicted as x, have a known rate of errors at any threshold t:
// exp(-t). Over calibrations it exceeds epsilon with chance exactly P(Bin(n, epsilon) <= errors allowed), so the count of such
// calibrations is binomial with a known chance: two-sided.

#include <cmath>

#include "engine/artifact.h"
#include "engine/door.h"
#include "engine/subject.h"
#include "learn/known_truth.h"
#include "methods/conformal/pac/pac.h"
#include "stats/distributions.h"
#include "stats/pac.h"

namespace plimsoll::conformal::pac {
namespace {

constexpr double false_alarm = 1e-6;
constexpr std::int64_t calibration_rows = 80;
constexpr double epsilon = 0.1;
constexpr double delta = 0.2;

Result<Table> number_rows(Stream& stream, std::int64_t rows) {
  std::vector<double> y;
  std::vector<double> prediction;
  for (std::int64_t i = 0; i < rows; ++i) {
    prediction.push_back(stream.normal());
    const double sign = stream.bernoulli(0.5) ? 1 : -1;
    y.push_back(prediction.back() + sign * stream.exponential());
  }
  PLIMSOLL_TRY(const Table table, std::move(TableBuilder().real("y", std::move(y)).real("prediction", std::move(prediction))).build());
  return table.with_roles({{"target", {"y"}}, {"prediction", {"prediction"}}});
}

// The rate of errors of the interval around a prediction of 0.
Result<double> true_rate(Context& context, const Subject& subject, const Model& model) {
  PLIMSOLL_TRY(const Table zero, std::move(TableBuilder().real("prediction", {0.0})).build());
  PLIMSOLL_TRY(const Outputs out, (subject.apply<Outputs>(context, model, ApplyInputs{zero.with_roles({{"prediction", {"prediction"}}})}, Options{})));
  PLIMSOLL_TRY(const Reals lower, out.rows.reals("lower", Missing::as_nan));
  PLIMSOLL_TRY(const Reals upper, out.rows.reals("upper", Missing::as_nan));
  return (std::exp(lower[0]) + std::exp(-upper[0])) / 2;
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t redraws = options.size == ProveSize::quick ? 1'500 : options.size == ProveSize::normal ? 60'000 : 300'000;
  Params params;
  params.epsilon = {epsilon};
  params.delta = delta;
  PLIMSOLL_TRY(const stats::PacRank rank, stats::pac_rank(calibration_rows, epsilon, delta));
  const Stream root = context.rng.child("numbers");
  std::int64_t violations = 0;
  for (std::int64_t redraw = 0; redraw < redraws; ++redraw) {
    PLIMSOLL_CHECK(context.stop.check());
    Context inner = learn::redraw_context(context, root.child(static_cast<std::uint64_t>(redraw)));
    Stream rows = inner.rng.child("rows");
    Inputs inputs;
    PLIMSOLL_TRY(inputs.data, number_rows(rows, calibration_rows));
    PLIMSOLL_TRY(const Model model, (subject.fit<Model>(inner, inputs, params)));
    PLIMSOLL_TRY(const double rate, true_rate(inner, subject, model));
    violations += rate > epsilon ? 1 : 0;
  }
  const double chance = 1 - rank.confidence;
  const auto count = static_cast<double>(redraws);
  Evidence evidence;
  evidence.claim = "The rate of errors is above epsilon for exactly a share P(Bin(n, epsilon) <= k) of calibrations, at most delta";
  evidence.level = delta;
  evidence.observed = static_cast<double>(violations) / count;
  std::int64_t low = 0;
  while (stats::binomial_cdf(low, redraws, chance) <= false_alarm / 2) ++low;
  std::int64_t high = low;
  while (stats::binomial_sf(high, redraws, chance) > false_alarm / 2) ++high;
  evidence.low = static_cast<double>(low) / count;
  evidence.high = static_cast<double>(high) / count;
  evidence.trials = redraws;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "thresholds lower by about one rank";
  evidence.passed = low <= violations && violations <= high;
  evidence.figures = {{"chance", chance}, {"delta", delta}, {"errors_allowed", static_cast<double>(rank.errors)}};
  return evidence;
}

Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows) {
  const Stream root = Stream(seed).child("conformal.pac example");
  Stream past_stream = root.child("past");
  Stream fresh_stream = root.child("fresh");
  PLIMSOLL_TRY(const Table past, learn::dirichlet_rows(past_stream, rows, "c"));
  PLIMSOLL_TRY(const Table fresh, learn::dirichlet_rows(fresh_stream, rows, "n"));
  if (verb == Verb::fit) return Example::of(Inputs{past, std::nullopt}, Params{});
  if (verb == Verb::apply) {
    Roles roles = fresh.roles();
    roles.erase("target");
    return Example::of(ApplyInputs{fresh.with_roles(std::move(roles))}, Options{});
  }
  if (verb != Verb::assess) return Error(ErrorCode::wrong_kind, "conformal.pac has no example for this verb", "Ask for fit, apply or assess.").in_parameter("verb");
  PLIMSOLL_TRY(Model model, fit(context, Inputs{past, std::nullopt}, Params{}));
  PLIMSOLL_TRY(Certificate certificate, certify(model));
  Artifact::Provenance provenance;
  provenance.method = "conformal.pac";
  provenance.engine = std::string(engine_version());
  provenance.seed = context.rng.seed();
  provenance.parameters = "{}";
  return Example::of(AssessInputs{std::make_shared<const Artifact>(std::move(provenance), std::move(certificate), true, Box::of(std::move(model))), fresh}, AssessParams{});
}

}  // namespace plimsoll::conformal::pac

// SPDX-License-Identifier: Apache-2.0
// The experiment behind the promise, and rows whose truth is known. Calibration x ~ N(0, 1), new x ~ N(0.8, 1), so w(x) =
// exp(0.8 x - 0.32); y = x + exp(0.6 x) N(0, 1), so that rows which are frequent among the new ones are also the hard ones. One new
// row a calibration makes the redraws independent. Given all the x of a redraw, up to their order, the chance of covering lies between
// 0.9 and 0.9 + the largest share of one row in all the weight (Tibshirani et al. 2019). So the count of covered rows is stochastically
// above Binomial(T, 0.9), and, by Hoeffding (1956), its upper tail is below that of Binomial(T, mean of those upper ends).
// In the same way for fixed weights: equal law of all rows, weights 0.97^age, so that nothing is lost and the count is above
// Binomial(T, 0.9). The spoiled form counts rows instead of weighing them.

#include <algorithm>
#include <cmath>

#include "engine/subject.h"
#include "learn/known_truth.h"
#include "methods/conformal/weighted/weighted.h"
#include "stats/distributions.h"

namespace plimsoll::conformal::weighted {
namespace {

constexpr double false_alarm = 1e-6;
constexpr std::int64_t calibration_rows = 120;

Result<Table> shifted_rows(Stream& stream, std::int64_t rows, double centre) {
  std::vector<double> y, prediction, weight;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double x = centre + stream.normal();
    const double noise = stream.normal() * std::exp(0.6 * x);
    prediction.push_back(x);
    y.push_back(x + noise);
    weight.push_back(std::exp(0.8 * x - 0.32));
  }
  TableBuilder builder;
  builder.real("y", std::move(y)).real("prediction", std::move(prediction)).real("w", std::move(weight));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles({{"target", {"y"}}, {"prediction", {"prediction"}}, {"weight", {"w"}}});
}

Result<double> largest_share(const Table& calibration, const Table& fresh) {
  PLIMSOLL_TRY(const Reals old, calibration.reals("w"));
  PLIMSOLL_TRY(const Reals now, fresh.reals("w"));
  double sum = now[0];
  double largest = now[0];
  for (const double w : old) {
    sum += w;
    largest = std::max(largest, w);
  }
  return largest / sum;
}

Result<std::int64_t> covered(Context& context, const Subject& subject, const Table& calibration, const Table& fresh, const Params& params) {
  PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, Inputs{calibration, std::nullopt, std::nullopt, std::nullopt}, params)));
  PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, ApplyInputs{fresh}, Options{})));
  PLIMSOLL_TRY(const std::vector<char> holds, learn::holds_truth(fresh, outputs.rows));
  return std::int64_t{holds.front()};
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t redraws = options.size == ProveSize::quick ? 4000 : options.size == ProveSize::normal ? 60000 : 400000;
  const double tail = false_alarm / 3;
  std::int64_t shift = 0;
  std::int64_t drift = 0;
  double upper_mean = 0;
  Params given;
  given.weights = Weights::given;
  Params decay;
  decay.weights = Weights::decay;
  decay.decay = 0.97;
  for (std::int64_t i = 0; i < redraws; ++i) {
    PLIMSOLL_CHECK(context.stop.check());
    Context one = learn::redraw_context(context, context.rng.child(static_cast<std::uint64_t>(i)));
    Stream rows = one.rng.child("rows");
    PLIMSOLL_TRY(const Table calibration, shifted_rows(rows, calibration_rows, 0));
    PLIMSOLL_TRY(const Table fresh, shifted_rows(rows, 1, 0.8));
    PLIMSOLL_TRY(const double share, largest_share(calibration, fresh));
    upper_mean += std::min(1.0, 0.9 + share) / static_cast<double>(redraws);
    PLIMSOLL_TRY(const std::int64_t in_shift, covered(one, subject, calibration, fresh, given));
    shift += in_shift;
    if (i % 4 != 0) continue;
    PLIMSOLL_TRY(const Table same, shifted_rows(rows, 1, 0));
    PLIMSOLL_TRY(const std::int64_t in_drift, covered(one, subject, calibration, same, decay));
    drift += in_drift;
  }
  const std::int64_t aged = (redraws + 3) / 4;
  const auto count = static_cast<double>(redraws);
  std::int64_t lo = static_cast<std::int64_t>(0.9 * count);
  while (lo > 0 && stats::binomial_cdf(lo - 1, redraws, 0.9) > tail) --lo;
  std::int64_t hi = static_cast<std::int64_t>(upper_mean * count) + 1;  // Hoeffding's comparison holds from the mean plus one on
  while (hi < redraws && stats::binomial_sf(hi, redraws, upper_mean) > tail) ++hi;
  const bool aged_well = stats::binomial_cdf(drift, aged, 0.9) > tail;
  Evidence evidence;
  evidence.claim = "Known weights keep level 0.9 for rows of another law of x, and cost nothing where all rows have one law";
  evidence.level = 0.9;
  evidence.observed = static_cast<double>(shift) / count;
  evidence.low = static_cast<double>(lo) / count;
  evidence.high = static_cast<double>(hi) / count;
  evidence.trials = redraws + aged;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "rows counted instead of weighed";
  evidence.passed = lo <= shift && shift <= hi && aged_well;
  evidence.figures = {{"coverage_decay", static_cast<double>(drift) / static_cast<double>(aged)}, {"upper_end", upper_mean},
                      {"power_two_points", stats::binomial_cdf(lo - 1, redraws, 0.88)}, {"power_five_points", stats::binomial_cdf(lo - 1, redraws, 0.85)}};
  return evidence;
}

Result<Example> example(Context&, Verb verb, std::uint64_t seed, std::int64_t rows) {
  Stream stream = Stream(seed).child("conformal.weighted example").child(verb == Verb::fit ? 0 : 1);
  PLIMSOLL_TRY(const Table plain, learn::dirichlet_rows(stream, rows, verb == Verb::fit ? "c" : "n"));
  std::vector<double> weights;
  for (std::int64_t i = 0; i < rows; ++i) weights.push_back(0.5 + stream.uniform());
  PLIMSOLL_TRY(const Table beside, std::move(TableBuilder().real("weight", std::move(weights))).build());
  PLIMSOLL_TRY(const Table both, plain.with_roles({}).beside(beside));
  Roles roles = plain.roles();
  roles["weight"] = {"weight"};
  if (verb == Verb::fit) return Example::of(Inputs{both.with_roles(std::move(roles)), std::nullopt, std::nullopt, std::nullopt}, Params{});
  if (verb != Verb::apply) return Error(ErrorCode::wrong_kind, "conformal.weighted has no example for this verb", "Ask for fit or apply.").in_parameter("verb");
  roles.erase("target");
  return Example::of(ApplyInputs{both.with_roles(std::move(roles))}, Options{});
}

}  // namespace plimsoll::conformal::weighted

// SPDX-License-Identifier: Apache-2.0
// The experiment: exact forecasts, p uniform on (0, 1) and y Bernoulli(p), acted on from t on, for which
//   net benefit (1 - t) / 2,   of acting on all 1/2 - t / (2 (1 - t)),   sensitivity 1 - t^2,   false alarms (1 - t)^2 / 2 a row,
//   misses t^2 / 2 a row.
// Each trial is a fresh sample; the intervals of net benefit, of its difference to acting on all, of the mean cost and of the
// sensitivity hold the truth in at least `level - slack` of trials. Counts are binomial; each claim gets a quarter of the alarm.
#include <array>
#include <cmath>
#include <map>

#include "engine/subject.h"
#include "methods/score/decision/decision.h"
#include "stats/intervals.h"

namespace plimsoll::score::decision {
namespace {

constexpr double false_alarm = 1e-6;
constexpr double slack = 0.02;
constexpr double alarm_cost = 3;
constexpr double miss_cost = 7;

struct Claim {
  const char* figure;
  double truth;
  std::int64_t hits = 0;
};

Result<Table> exact_forecasts(Stream rng, std::int64_t rows) {
  std::vector<double> p, q;
  std::vector<bool> y;
  std::vector<std::int64_t> ward;
  for (std::int64_t i = 0; i < rows; ++i) {
    p.push_back(rng.uniform());
    y.push_back(rng.bernoulli(p.back()));
    q.push_back(0.7 * p.back() + 0.3 * rng.uniform());
    ward.push_back(static_cast<std::int64_t>(rng.below(3)));
  }
  return TableBuilder().real("p", std::move(p)).real("q", std::move(q)).boolean("y", std::move(y)).integer("ward", std::move(ward)).build();
}

}  // namespace

Result<Example> example(Context&, Verb, std::uint64_t seed, std::int64_t rows) {
  PLIMSOLL_TRY(const Table table, exact_forecasts(Stream(seed).child("score.decision"), rows));
  Params params;
  params.cost_false_negative = 4;
  return Example::of(Inputs{table.with_roles({{"probability", {"p"}}, {"target", {"y"}}, {"challenger", {"q"}}, {"group", {"ward"}}})}, params);
}

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t trials = options.size == ProveSize::quick ? 500 : options.size == ProveSize::normal ? 15000 : 40000;
  Params params;
  params.cost_false_positive = alarm_cost;
  params.cost_false_negative = miss_cost;
  params.steps = 5;
  const double t = params.threshold();
  const double benefit = (1 - t) / 2, all = 0.5 - 0.5 * t / (1 - t);
  std::array<Claim, 4> claims = {{{"net_benefit", benefit}, {"benefit_over_all", benefit - all}, {"cost", alarm_cost * (1 - t) * (1 - t) / 2 + miss_cost * t * t / 2}, {"sensitivity", 1 - t * t}}};
  const Stream root = Stream(options.seed).child("score.decision.prove");
  for (std::int64_t trial = 0; trial < trials; ++trial) {
    PLIMSOLL_CHECK(context.stop.check());
    PLIMSOLL_TRY(const Table table, exact_forecasts(root.child(static_cast<std::uint64_t>(trial)), 300));
    PLIMSOLL_TRY(const Report report, subject.assess(context, Inputs{table.with_roles({{"probability", {"p"}}, {"target", {"y"}}})}, params));
    const std::map<std::string, double, std::less<>> figures(report.figures.begin(), report.figures.end());
    for (Claim& claim : claims) {
      const std::string name = claim.figure;
      claim.hits += figures.at(name + "_low") <= claim.truth && claim.truth <= figures.at(name + "_high") ? 1 : 0;
    }
  }
  Evidence evidence;
  evidence.method = "score.decision";
  evidence.claim = "intervals of net benefit, of its gain over acting on all, of cost and of sensitivity hold the truth";
  evidence.level = params.level - slack;
  evidence.trials = trials;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.passed = true;
  evidence.observed = 2;
  const double share = false_alarm / static_cast<double>(claims.size());
  for (const Claim& claim : claims) {
    const double held = static_cast<double>(claim.hits) / static_cast<double>(trials);
    evidence.figures[claim.figure] = held;
    evidence.passed = evidence.passed && stats::clopper_pearson_upper(claim.hits, trials, 1 - share) >= evidence.level;
    if (held >= evidence.observed) continue;
    const stats::Interval band = stats::clopper_pearson(claim.hits, trials, 1 - share);
    evidence.observed = held;
    evidence.low = band.lo;
    evidence.high = band.hi;
  }
  evidence.detects = "a net benefit that is four points too high, an interval of half its width";
  return evidence;
}

}  // namespace plimsoll::score::decision

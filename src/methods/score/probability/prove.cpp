// SPDX-License-Identifier: Apache-2.0
// The experiment: exact forecasts, p uniform on (0, 1) and y Bernoulli(p), for which
//   E Brier = E p (1 - p) = 1/6,   E log loss = 1/2,   AUROC = P(p | event > p | other) = 5/6.
// Each trial is a fresh sample. Claims: the intervals of these three hold the truth in at least `level - slack` of trials, the
// p-values of smooth ECE and of MCB are at most 0.1 in at most 0.1 of trials (which holds exactly, at any number of draws), and
// S = MCB - DSC + UNC in every trial. Counts are binomial; each claim gets a fifth of the false alarm.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "engine/subject.h"
#include "methods/score/probability/probability.h"
#include "stats/intervals.h"

namespace plimsoll::score::probability {
namespace {

constexpr double false_alarm = 1e-6;
constexpr double slack = 0.02;  // what an asymptotic interval may miss beyond its level on 150 rows
constexpr double tested = 0.1;

struct Claim {
  const char* figure;
  double truth;  // of an interval; of a p-value the level tested
  bool interval;
  std::int64_t hits = 0;
};

bool identity_holds(const std::map<std::string, double, std::less<>>& f) {
  return std::fabs(f.at("brier") - (f.at("miscalibration") - f.at("discrimination") + f.at("uncertainty"))) < 1e-12;
}

bool hit(const Claim& claim, const std::map<std::string, double, std::less<>>& f) {
  const std::string name = claim.figure;
  if (!claim.interval) return !(f.at(name) <= claim.truth);
  return f.at(name + "_low") <= claim.truth && claim.truth <= f.at(name + "_high");
}

}  // namespace

Result<Table> exact_forecasts(Stream rng, std::int64_t rows) {
  std::vector<double> p, q;
  std::vector<bool> y;
  std::vector<std::int64_t> region;
  for (std::int64_t i = 0; i < rows; ++i) {
    p.push_back(rng.uniform());
    y.push_back(rng.bernoulli(p.back()));
    const double noise = rng.normal();
    q.push_back(1 / (1 + std::exp(-(std::log((p.back() + 1e-6) / (1 - p.back() + 1e-6)) + 0.7 * noise))));
    region.push_back(static_cast<std::int64_t>(rng.below(3)));
  }
  PLIMSOLL_TRY(Table table, TableBuilder().real("p", std::move(p)).real("q", std::move(q)).boolean("y", std::move(y)).integer("region", std::move(region)).build());
  return table.with_roles({{"probability", {"p"}}, {"target", {"y"}}});
}

Result<Example> example(Context&, Verb, std::uint64_t seed, std::int64_t rows) {
  PLIMSOLL_TRY(Table table, exact_forecasts(Stream(seed).child("score.probability"), rows));
  Params params;
  params.replicates = 100;
  params.null_draws = 40;
  return Example::of(Inputs{table.with_roles({{"probability", {"p"}}, {"target", {"y"}}, {"challenger", {"q"}}, {"group", {"region"}}}), {}}, params);
}

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t trials = options.size == ProveSize::quick ? 300 : options.size == ProveSize::normal ? 6000 : 20000;
  Params params;
  params.replicates = 0;
  params.null_draws = 19;
  std::array<Claim, 5> claims = {{{"brier", 1.0 / 6, true}, {"log_loss", 0.5, true}, {"auroc", 5.0 / 6, true}, {"smooth_ece_p", tested, false}, {"miscalibration_p", tested, false}}};
  const Stream root = Stream(options.seed).child("score.probability.prove");
  bool identities = true;
  for (std::int64_t trial = 0; trial < trials; ++trial) {
    PLIMSOLL_CHECK(context.stop.check());
    const Stream rng = root.child(static_cast<std::uint64_t>(trial));
    PLIMSOLL_TRY(Table table, exact_forecasts(rng, 150));
    Context fresh = context;
    fresh.rng = rng.child("assess");
    PLIMSOLL_TRY(const Report report, subject.assess(fresh, Inputs{std::move(table), {}}, params));
    const std::map<std::string, double, std::less<>> figures(report.figures.begin(), report.figures.end());
    for (Claim& claim : claims) claim.hits += hit(claim, figures) ? 1 : 0;
    identities = identities && identity_holds(figures);
  }
  Evidence evidence;
  evidence.method = "score.probability";
  evidence.claim = "intervals hold the true score, null p-values keep their level, and the decomposition adds up";
  evidence.trials = trials;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.passed = identities;
  const double share = false_alarm / static_cast<double>(claims.size());
  double worst = 2;
  for (const Claim& claim : claims) {
    const double level = claim.interval ? params.level - slack : 1 - tested;
    const double upper = stats::clopper_pearson_upper(claim.hits, trials, 1 - share);
    evidence.figures[claim.figure] = static_cast<double>(claim.hits) / static_cast<double>(trials);
    evidence.passed = evidence.passed && upper >= level;
    if (upper - level >= worst) continue;
    worst = upper - level;
    const stats::Interval band = stats::clopper_pearson(claim.hits, trials, 1 - share);
    evidence.level = level;
    evidence.observed = static_cast<double>(claim.hits) / static_cast<double>(trials);
    evidence.low = band.lo;
    evidence.high = band.hi;
  }
  evidence.detects = "an AUROC interval of half its width, a Brier interval of half its width, p-values of a third of their size";
  return evidence;
}

}  // namespace plimsoll::score::probability

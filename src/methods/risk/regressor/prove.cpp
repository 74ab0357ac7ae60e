// SPDX-License-Identifier: Apache-2.0
// The experiment behind the certificate: past cases drawn anew, fitted, intervals for new cases, covered ones counted. With n
// conformal rows of one rank k the count among N new rows is BetaBinomial(N; k, n + 1 - k) (Marques 2023), whatever the law of the
// rows: the total over redraws lies in a band with exactly the false alarm chance stated. Outcomes are continuous, so no scores tie and
// the law is exact on both sides for one-sided scores. The noise grows with x, so that a marginal promise and one by cell differ.

#include <algorithm>
#include <cmath>

#include "methods/risk/regressor/regressor.h"
#include "stats/count_law.h"
#include "stats/order_statistics.h"

namespace plimsoll::risk::regressor {
namespace {

constexpr double alpha = 0.1;
constexpr double false_alarm = 1e-6;

struct Arm {
  std::string name;
  Learner learner = Learner::linear;
  Interval interval = Interval::absolute;
  std::int64_t redraws = 170;
  std::int64_t conformal = 200;
  std::int64_t fresh = 100;
};

Result<Table> draw_cases(Stream stream, std::int64_t rows) {
  std::vector<double> a, b, y;
  for (std::int64_t i = 0; i < rows; ++i) {
    a.push_back(stream.normal());
    b.push_back(stream.normal());
    const double noise = stream.normal();
    y.push_back(1000 + 30 * a.back() - 20 * b.back() + 10 * a.back() * b.back() + (5 + 10 * std::fabs(a.back())) * noise);
  }
  TableBuilder builder;
  builder.real("a", std::move(a)).real("b", std::move(b)).real("y", std::move(y));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles({{"target", {"y"}}});
}

Params params_of(const Arm& arm) {
  Params params;
  params.learner = arm.learner;
  params.interval = arm.interval;
  params.alpha = alpha;
  params.share_learning = 0.3;
  params.share_spread = 0.3;
  params.diagnostics = false;
  params.trees.options.rounds = 8;
  params.trees.options.max_depth = 2;
  return params;
}

Result<std::int64_t> redraw(Context& context, const Subject& subject, const Arm& arm, const Stream& stream) {
  Context own = context;
  own.rng = stream.child("method");
  own.warn = [](const std::string&) {};
  own.tally = [](const std::string&, std::int64_t) {};
  Inputs inputs;
  PLIMSOLL_TRY(inputs.data, draw_cases(stream.child("past"), arm.conformal * 5 / 2));
  PLIMSOLL_TRY(const Model model, subject.fit<Model>(own, inputs, params_of(arm)));
  if (model.conformal_rows != arm.conformal) return Error(ErrorCode::internal, "the experiment drew " + std::to_string(model.conformal_rows) + " conformal rows instead of " + std::to_string(arm.conformal));
  PLIMSOLL_TRY(const Table fresh, draw_cases(stream.child("new"), arm.fresh));
  PLIMSOLL_TRY(const Outputs outputs, subject.apply<Outputs>(own, model, Cases{fresh.without({"y"}).with_roles({})}, Options{}));
  PLIMSOLL_TRY(const Reals y, fresh.reals("y"));
  PLIMSOLL_TRY(const Reals lower, outputs.scored.reals("lower", Missing::as_nan));
  PLIMSOLL_TRY(const Reals upper, outputs.scored.reals("upper", Missing::as_nan));
  std::int64_t covered = 0;
  for (std::size_t i = 0; i < y.size(); ++i) covered += lower[i] <= y[i] && y[i] <= upper[i] ? 1 : 0;
  return covered;
}

std::vector<Arm> arms_of(ProveSize size) {
  const auto arm = [](Learner learner, Interval interval, std::int64_t redraws) {
    const std::string name = std::string(choices_of(learner)[static_cast<std::size_t>(learner)]) + "_" + std::string(choices_of(interval)[static_cast<std::size_t>(interval)]);
    return Arm{name, learner, interval, redraws, 200, 100};
  };
  if (size == ProveSize::quick) return {arm(Learner::linear, Interval::absolute, 200), arm(Learner::linear, Interval::cqr, 20)};
  const std::int64_t factor = size == ProveSize::normal ? 1 : 10;
  return {arm(Learner::linear, Interval::absolute, 1500 * factor), arm(Learner::trees, Interval::cqr, 200 * factor), arm(Learner::linear, Interval::normalised, 300 * factor), arm(Learner::trees, Interval::absolute, 200 * factor)};
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::vector<Arm> arms = arms_of(options.size);
  Evidence evidence;
  evidence.claim = "over redraws of past and new cases, the intervals hold the outcome as often as the certificate says: the covered total lies in its BetaBinomial band";
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "thresholds too low, as if the scores came from the learning rows";
  evidence.passed = true;
  const Stream root = Stream(options.seed).child("risk.regressor");
  const double tail = false_alarm / (2.0 * static_cast<double>(arms.size()));
  for (std::size_t a = 0; a < arms.size(); ++a) {
    const Arm& arm = arms[a];
    std::vector<std::int64_t> counts(static_cast<std::size_t>(arm.redraws));
    PLIMSOLL_CHECK(context.runtime.for_each(arm.redraws, context.stop, [&](std::int64_t i) -> Result<void> {
      PLIMSOLL_TRY(counts[static_cast<std::size_t>(i)], redraw(context, subject, arm, root.child(static_cast<std::uint64_t>(a)).child(static_cast<std::uint64_t>(i))));
      return {};
    }));
    std::int64_t covered = 0;
    for (const std::int64_t count : counts) covered += count;
    PLIMSOLL_TRY(const stats::ConformalRank rank, stats::conformal_rank(arm.conformal, alpha));
    PLIMSOLL_TRY(const stats::CountLaw one, stats::CountLaw::covered(rank.n, rank.k, arm.fresh));
    const stats::CountInterval band = one.times(arm.redraws).band(tail);
    const auto trials = static_cast<double>(arm.redraws * arm.fresh);
    const double observed = static_cast<double>(covered) / trials;
    const bool passed = band.contains(covered);
    evidence.figures[arm.name + ".coverage"] = observed;
    evidence.figures[arm.name + ".low"] = static_cast<double>(band.lo) / trials;
    evidence.figures[arm.name + ".high"] = static_cast<double>(band.hi) / trials;
    if (a == 0 || (!passed && evidence.passed)) {  // the arm that failed first is shown, else the first
      evidence.level = rank.attained;
      evidence.observed = observed;
      evidence.low = static_cast<double>(band.lo) / trials;
      evidence.high = static_cast<double>(band.hi) / trials;
    }
    evidence.trials += arm.redraws * arm.fresh;
    evidence.passed = evidence.passed && passed;
  }
  return evidence;
}

}  // namespace plimsoll::risk::regressor

// SPDX-License-Identifier: Apache-2.0
// The experiment behind the certificate. Past cases are drawn anew, the method is fitted, sets are made for new cases, and covered
// cases are counted. With n conformal rows and rank k the count among N new rows is BetaBinomial(N; k, n + 1 - k) (Marques 2023),
// independent between redraws, so the total's law is a convolution of these, computed here, and its band has exactly the false
// alarm chance stated. The scores of the logistic learner are distinct and no set is empty (the classes overlap far more than
// alpha), so the law is exact on both sides. Trees tie scores, which only raises coverage: their band has a lower edge only.

#include "methods/risk/classifier/experiment.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "learn/logistic.h"
#include "methods/risk/classifier/model.h"
#include "stats/count_law.h"
#include "stats/order_statistics.h"

namespace plimsoll::risk::classifier {
namespace {

struct Arm {
  Learner learner = Learner::logistic;
  std::int64_t redraws = 170;
  std::int64_t conformal = 200;
  std::int64_t fresh = 100;  // new rows of each redraw
};

constexpr double alpha = 0.1;
constexpr double false_alarm = 1e-6;

struct Drawn {
  Table table;
  std::vector<double> truth;
  std::vector<char> event;
};

Result<Drawn> draw_cases(Stream stream, std::int64_t rows, bool labelled) {
  const auto n = static_cast<std::size_t>(rows);
  std::vector<double> a(n), b(n), truth(n);
  std::vector<std::string> outcome(n);
  std::vector<char> event(n);
  for (std::size_t i = 0; i < n; ++i) {
    a[i] = stream.normal();
    b[i] = stream.normal();
    truth[i] = learn::sigmoid(1.3 * a[i] - 0.8 * b[i] + 0.4 * a[i] * b[i] - 0.3);
    const double u = stream.uniform();
    event[i] = u < truth[i] ? 1 : 0;
    outcome[i] = event[i] ? "yes" : "no";
  }
  TableBuilder builder;
  builder.real("a", std::move(a));
  builder.real("b", std::move(b));
  if (labelled) builder.text("outcome", std::move(outcome));
  PLIMSOLL_TRY(Table table, std::move(builder).build());
  return Drawn{std::move(table), std::move(truth), std::move(event)};
}

Params params_of(const Arm& arm) {
  Params params;
  params.learner = arm.learner;
  params.calibrator = learn::Calibration::platt;
  params.alpha = alpha;
  params.share_learning = 0.3;
  params.share_probability = 0.3;
  params.trees.options.rounds = 10;
  params.trees.options.max_depth = 3;
  return params;
}

struct Counted {
  std::int64_t covered = 0;
  double truth_gap = 0;   // mean of probability - true probability
  double pair_gap = 0;    // mean of outcome - (p1 if the event happened, else p0)
};

Result<Counted> redraw(Context& context, const Subject& subject, const Arm& arm, const Stream& stream) {
  Context own = context;
  own.rng = stream.child("method");
  own.warn = [](const std::string&) {};
  own.tally = [](const std::string&, std::int64_t) {};
  PLIMSOLL_TRY(const Drawn past, draw_cases(stream.child("past"), arm.conformal * 5 / 2, true));
  Inputs inputs;
  inputs.data = past.table.with_roles({{"target", {"outcome"}}});
  PLIMSOLL_TRY(const Model model, subject.fit<Model>(own, inputs, params_of(arm)));
  if (model.conformal_rows != arm.conformal) return Error(ErrorCode::internal, "the experiment drew " + std::to_string(model.conformal_rows) + " conformal rows instead of " + std::to_string(arm.conformal));
  PLIMSOLL_TRY(const Drawn fresh, draw_cases(stream.child("new"), arm.fresh, false));
  PLIMSOLL_TRY(const Outputs outputs, subject.apply<Outputs>(own, model, Cases{fresh.table}, Options{}));
  PLIMSOLL_TRY(const auto sets, outputs.scored.text_lists("set"));
  PLIMSOLL_TRY(const Reals probability, outputs.scored.reals("probability"));
  PLIMSOLL_TRY(const Reals lower, outputs.scored.reals("lower"));
  PLIMSOLL_TRY(const Reals upper, outputs.scored.reals("upper"));
  Counted counted;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const bool event = fresh.event[i] != 0;
    counted.covered += std::count(sets[i].begin(), sets[i].end(), event ? "yes" : "no");
    counted.truth_gap += probability[i] - fresh.truth[i];
    counted.pair_gap += event ? 1.0 - upper[i] : -lower[i];
  }
  counted.truth_gap /= static_cast<double>(arm.fresh);
  counted.pair_gap /= static_cast<double>(arm.fresh);
  return counted;
}

std::vector<Arm> arms_of(ProveSize size) {
  switch (size) {
    case ProveSize::quick: return {{Learner::logistic, 170, 200, 100}};
    case ProveSize::normal: return {{Learner::logistic, 1000, 200, 100}, {Learner::trees, 300, 200, 100}, {Learner::logistic, 200, 1000, 500}};
    case ProveSize::full: return {{Learner::logistic, 10000, 200, 100}, {Learner::trees, 3000, 200, 100}, {Learner::logistic, 2000, 1000, 500}, {Learner::trees, 500, 1000, 500}};
  }
  return {};
}

std::string name_of_arm(const Arm& arm) { return std::string(choices_of(arm.learner)[static_cast<std::size_t>(arm.learner)]) + "_n" + std::to_string(arm.conformal); }

// Runs one arm; the first one also fills the evidence's own fields.
Result<void> run_arm(Context& context, const Subject& subject, const Arm& arm, const Stream& stream, double tail, Evidence& evidence) {
  std::vector<Counted> counts(static_cast<std::size_t>(arm.redraws));
  PLIMSOLL_CHECK(context.runtime.for_each(arm.redraws, context.stop, [&](std::int64_t i) -> Result<void> {
    PLIMSOLL_TRY(counts[static_cast<std::size_t>(i)], redraw(context, subject, arm, stream.child(static_cast<std::uint64_t>(i))));
    return {};
  }));
  Counted all;
  for (const Counted& one : counts) {
    all.covered += one.covered;
    all.truth_gap += one.truth_gap / static_cast<double>(arm.redraws);
    all.pair_gap += one.pair_gap / static_cast<double>(arm.redraws);
  }
  PLIMSOLL_TRY(const stats::ConformalRank rank, stats::conformal_rank(arm.conformal, alpha));
  PLIMSOLL_TRY(const stats::CountLaw one, stats::CountLaw::covered(rank.n, rank.k, arm.fresh));
  const stats::CountInterval band = one.times(arm.redraws).band(tail);
  const double trials = static_cast<double>(arm.redraws * arm.fresh);
  const bool two_sided = arm.learner == Learner::logistic;
  const double high = two_sided ? static_cast<double>(band.hi) / trials : 1.0;
  const double observed = static_cast<double>(all.covered) / trials;
  const double low = static_cast<double>(band.lo) / trials;
  const bool passed = low <= observed && observed <= high;
  const std::string name = name_of_arm(arm);
  evidence.figures[name + ".coverage"] = observed;
  evidence.figures[name + ".low"] = low;
  evidence.figures[name + ".high"] = high;
  evidence.figures[name + ".mean_gap_to_truth"] = all.truth_gap;
  evidence.figures[name + ".mean_gap_of_pair"] = all.pair_gap;
  if (evidence.trials == 0) {
    evidence.observed = observed;
    evidence.low = low;
    evidence.high = high;
    evidence.passed = true;
  } else if (!passed && evidence.passed) {  // the evidence shows the arm that failed
    evidence.observed = observed;
    evidence.low = low;
    evidence.high = high;
  }
  evidence.trials += arm.redraws * arm.fresh;
  evidence.passed = evidence.passed && passed;
  return {};
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::vector<Arm> arms = arms_of(options.size);
  PLIMSOLL_TRY(const stats::ConformalRank rank, stats::conformal_rank(arms[0].conformal, alpha));
  Evidence evidence;
  evidence.claim = "over redraws of past and new cases, the sets hold the true class as often as the certificate says: the covered total lies in its BetaBinomial band";
  evidence.level = rank.attained;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "threshold too low, as if the scores came from the learning rows";
  const Stream stream = Stream(options.seed).child("risk.classifier");
  const double tail = false_alarm / (2.0 * static_cast<double>(arms.size()));
  for (std::size_t i = 0; i < arms.size(); ++i) PLIMSOLL_CHECK(run_arm(context, subject, arms[i], stream.child(static_cast<std::uint64_t>(i)), tail, evidence));
  return evidence;
}

}  // namespace plimsoll::risk::classifier

// SPDX-License-Identifier: Apache-2.0
// The promise, tested exactly: in each trial a predictor is calibrated on n fresh rows and meets one new row with outcome Y; P = p_Y of
// its pair. If the promise holds then Y is Bernoulli(P) given P, and trials are independent: given all P, the number of events
// among the trials of any class of P is Poisson binomial. Its tails are bounded by Chernoff's inequality at the best tilt, a bound for
// every number of trials, so the false alarm is at most 1e-6 over all classes and both tails.
#include <array>
#include <cmath>

#include "engine/artifact.h"
#include "engine/subject.h"
#include "learn/example_artifact.h"
#include "learn/logistic.h"
#include "methods/calibrate/venn_abers/venn_abers.h"

namespace plimsoll::calibrate::venn_abers {
namespace {

constexpr double false_alarm = 1e-6;
constexpr std::int64_t calibration_rows = 20;
constexpr std::array<double, 4> class_ends = {0.25, 0.5, 0.75, 1.0};

struct Drawn {
  std::vector<double> p;
  std::vector<std::int64_t> y;
};

// Scores that are far off: the event has probability sigmoid(l), the score says sigmoid(2 l + 1), rounded so that ties occur.
Drawn draw(Stream& rng, std::int64_t rows) {
  Drawn drawn;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double l = 1.2 * rng.normal();
    const double u = rng.uniform();
    drawn.p.push_back(std::round(100 * learn::sigmoid(2 * l + 1)) / 100);
    drawn.y.push_back(u < learn::sigmoid(l) ? 1 : 0);
  }
  return drawn;
}

Result<Table> table_of(Drawn drawn, const std::string& id) {
  TableBuilder builder;
  Roles roles = {{"probability", {"p"}}, {"target", {"y"}}};
  if (!id.empty()) {
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < drawn.p.size(); ++i) ids.push_back(id + std::to_string(i));
    builder.text("id", std::move(ids));
    roles["id"] = {"id"};
  }
  builder.real("p", std::move(drawn.p)).integer("y", std::move(drawn.y));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles(std::move(roles));
}

// ln of the bound on P(S >= s) for s above the mean (on P(S <= s) for s below it), S a sum of Bernoulli(p).
double log_tail(std::span<const double> p, double s) {
  const auto exponent = [&](double t) {
    double sum = -t * s;
    for (const double q : p) sum += std::log1p(q * std::expm1(t));
    return sum;
  };
  // Convex in t: a section search on the side of the mean where s lies.
  double mean = 0;
  for (const double q : p) mean += q;
  double low = s >= mean ? 0 : -3, high = s >= mean ? 3 : 0;
  for (int step = 0; step < 60; ++step) {
    const double a = low + (high - low) * 0.382, b = low + (high - low) * 0.618;
    if (exponent(a) < exponent(b)) high = b;
    else low = a;
  }
  return std::min(0.0, exponent((low + high) / 2));
}

}  // namespace

Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows) {
  Stream root = Stream(seed).child("calibrate.venn_abers example");
  PLIMSOLL_TRY(const Table calibration, table_of(draw(root, rows), "c"));
  PLIMSOLL_TRY(const Table fresh, table_of(draw(root, rows), "n"));
  if (verb == Verb::fit) return Example::of(Inputs{calibration, std::nullopt}, Params{});
  if (verb == Verb::apply) {
    Roles roles = fresh.roles();
    roles.erase("target");
    return Example::of(ApplyInputs{fresh.with_roles(std::move(roles))}, Options{});
  }
  if (verb != Verb::assess) return Error(ErrorCode::wrong_kind, "calibrate.venn_abers has no example for this verb", "Ask for fit, apply or assess.").in_parameter("verb");
  Inputs inputs;
  inputs.data = calibration;
  const Params params;
  PLIMSOLL_TRY(State state, start(context, params));
  PLIMSOLL_CHECK(update(context, state, inputs));
  PLIMSOLL_TRY(auto finished, finish(context, std::move(state), params));
  Model model = std::get<0>(std::move(finished));
  PLIMSOLL_TRY(Certificate certificate, certify(model));
  AssessParams assessed;
  assessed.bootstrap = 100;
  return Example::of(AssessInputs{learn::example_artifact(context, "calibrate.venn_abers", std::move(model), std::move(certificate)), fresh}, assessed);
}

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t trials = options.size == ProveSize::quick ? 6000 : options.size == ProveSize::normal ? 100000 : 500000;
  Params params;
  params.fingerprint = false;
  const Stream root = context.rng.child("calibrate.venn_abers prove");
  std::array<std::vector<double>, class_ends.size()> p;
  std::array<double, class_ends.size()> events{};
  std::int64_t used = 0;
  double gap = 0, width = 0;
  for (std::int64_t trial = 0; trial < trials; ++trial) {
    PLIMSOLL_CHECK(context.stop.check());
    Stream rng = root.child(static_cast<std::uint64_t>(trial));
    Drawn rows = draw(rng, calibration_rows);
    Drawn one = draw(rng, 1);
    const std::int64_t y = one.y[0];
    PLIMSOLL_TRY(const Table table, table_of(std::move(rows), {}));
    PLIMSOLL_TRY(const Table point, table_of(std::move(one), {}));
    PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, Inputs{table, std::nullopt}, params)));
    PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, ApplyInputs{point}, Options{})));
    PLIMSOLL_TRY(const Reals p0, outputs.rows.reals("p0"));
    PLIMSOLL_TRY(const Reals p1, outputs.rows.reals("p1"));
    const double own = y == 1 ? p1[0] : p0[0];
    std::size_t c = 0;
    while (c + 1 < class_ends.size() && own > class_ends[c]) ++c;
    p[c].push_back(own);
    events[c] += static_cast<double>(y);
    gap += static_cast<double>(y) - own;
    width += p1[0] - p0[0];
    ++used;
  }
  Evidence evidence;
  double least = 0;
  for (std::size_t c = 0; c < class_ends.size(); ++c) {
    if (p[c].empty()) continue;
    double mean = 0;
    for (const double q : p[c]) mean += q;
    const auto n = static_cast<double>(p[c].size());
    least = std::min(least, log_tail(p[c], events[c]));
    const std::string name = "to_" + std::to_string(class_ends[c]).substr(0, 4);
    evidence.figures["probability_" + name] = mean / n;
    evidence.figures["rate_" + name] = events[c] / n;
  }
  const double limit = std::log(false_alarm / (2 * static_cast<double>(class_ends.size())));
  evidence.method = "calibrate.venn_abers";
  evidence.claim = "the event happens with probability P, given P, where P is p1 if it happens and p0 if not";
  evidence.level = 0;
  evidence.observed = gap / static_cast<double>(used);
  const double half = std::sqrt(-2 * limit / static_cast<double>(used));
  evidence.low = evidence.observed - half;
  evidence.high = evidence.observed + half;
  evidence.trials = used;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.passed = least > limit;
  evidence.detects = "p0 moved half way to p1";
  evidence.figures["mean_width"] = width / static_cast<double>(used);
  return evidence;
}

}  // namespace plimsoll::calibrate::venn_abers

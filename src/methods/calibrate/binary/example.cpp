// SPDX-License-Identifier: Apache-2.0
// Rows whose truth is known: log-odds l ~ N(-1/2, 3/2), the event has probability sigmoid(l), the score is sigmoid(1.8 l - 0.5), so
// that the right map is logit q = (logit p + 0.5) / 1.8. And the experiment: a maximum-likelihood fit of k parameters on n
// rows has 2 n KL(truth, fit) ~ chi-square(k) (Wilks 1938), so the sum over T redraws is chi-square(k T), up to terms of order 1 / n
// that are allowed a tenth. The mean KL is an integral over l with the truth itself: no test rows, no noise.
#include <array>
#include <cmath>

#include "base/progress.h"
#include "engine/artifact.h"
#include "engine/subject.h"
#include "learn/example_artifact.h"
#include "learn/logistic.h"
#include "methods/calibrate/binary/binary.h"
#include "stats/distributions.h"

namespace plimsoll::calibrate::binary {
namespace {

constexpr double false_alarm = 1e-6;
constexpr double allowed = 1.1;
constexpr std::int64_t rows_a_trial = 2000;

Table without_target(const Table& table) {
  Roles roles = table.roles();
  roles.erase("target");
  roles.erase("weight");
  return table.with_roles(std::move(roles));
}

Result<ArtifactPort> example_model(Context& context, const Table& data) {
  Inputs inputs;
  inputs.data = data;
  const Params params;
  PLIMSOLL_TRY(State state, start(context, params));
  PLIMSOLL_CHECK(update(context, state, inputs));
  PLIMSOLL_TRY(auto finished, finish(context, std::move(state), params));
  Model model = std::get<0>(std::move(finished));
  PLIMSOLL_TRY(Certificate certificate, certify(model));
  return learn::example_artifact(context, "calibrate.binary", std::move(model), std::move(certificate));
}

struct Drawn {
  std::vector<double> p;
  std::vector<std::int64_t> y;
};

Drawn draw(Stream rng, std::int64_t rows) {
  Drawn drawn;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double l = -0.5 + 1.5 * rng.normal();
    const double u = rng.uniform();
    drawn.p.push_back(learn::sigmoid(1.8 * l - 0.5));
    drawn.y.push_back(u < learn::sigmoid(l) ? 1 : 0);
  }
  return drawn;
}

// Scores on a grid of l with the normal law's weights.
struct Grid {
  std::vector<double> weight, truth, score;
  Grid() {
    double total = 0;
    for (int i = -60; i <= 60; ++i) {
      const double z = i / 12.0;
      weight.push_back(std::exp(-z * z / 2));
      truth.push_back(learn::sigmoid(-0.5 + 1.5 * z));
      score.push_back(learn::sigmoid(1.8 * (-0.5 + 1.5 * z) - 0.5));
      total += weight.back();
    }
    for (double& w : weight) w /= total;
  }
  double divergence(const Reals& p) const {
    double sum = 0;
    for (std::size_t i = 0; i < weight.size(); ++i) sum += weight[i] * (truth[i] * std::log(truth[i] / p[i]) + (1 - truth[i]) * std::log((1 - truth[i]) / (1 - p[i])));
    return sum;
  }
};

struct Design {
  learn::Calibration method;
  int parameters;
};
constexpr std::array<Design, 3> designs = {{{learn::Calibration::platt, 2}, {learn::Calibration::beta, 3}, {learn::Calibration::bias_temperature, 2}}};

Result<double> excess_of(Context& context, const Subject& subject, const Grid& grid, const Design& design, Stream rng) {
  Drawn drawn = draw(rng, rows_a_trial);
  PLIMSOLL_TRY(const Table table, TableBuilder().real("p", std::move(drawn.p)).integer("y", std::move(drawn.y)).build());
  Params params;
  params.method = design.method;
  params.fingerprint = false;
  PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, Inputs{table.with_roles({{"probability", {"p"}}, {"target", {"y"}}}), std::nullopt}, params)));
  PLIMSOLL_TRY(const Table points, TableBuilder().real("p", grid.score).build());
  Options options;
  options.outside = Outside::extrapolate;
  PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, ApplyInputs{points.with_roles({{"probability", {"p"}}})}, options)));
  PLIMSOLL_TRY(const Reals p, outputs.rows.reals("calibrated"));
  return 2 * static_cast<double>(rows_a_trial) * grid.divergence(p);
}

}  // namespace

Result<Table> example_rows(std::uint64_t seed, std::uint64_t part, std::int64_t rows) {
  Drawn drawn = draw(Stream(seed).child("calibrate.binary example").child(part), rows);
  std::vector<std::string> ids;
  for (std::int64_t i = 0; i < rows; ++i) ids.push_back((part == 0 ? "c" : "n") + std::to_string(i));
  PLIMSOLL_TRY(const Table table, TableBuilder().text("id", std::move(ids)).real("p", std::move(drawn.p)).integer("y", std::move(drawn.y)).build());
  return table.with_roles({{"probability", {"p"}}, {"target", {"y"}}, {"id", {"id"}}});
}

Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows) {
  PLIMSOLL_TRY(const Table calibration, example_rows(seed, 0, rows));
  PLIMSOLL_TRY(const Table fresh, example_rows(seed, 1, rows));
  AssessParams assessed;
  assessed.bootstrap = 100;
  switch (verb) {
    case Verb::fit: return Example::of(Inputs{calibration, std::nullopt}, Params{});
    case Verb::apply: return Example::of(ApplyInputs{without_target(fresh)}, Options{});
    case Verb::report: return Example::of(ReportInputs{fresh});
    case Verb::assess: {
      PLIMSOLL_TRY(const ArtifactPort model, example_model(context, calibration));
      return Example::of(AssessInputs{model, fresh}, assessed);
    }
    default: return Error(ErrorCode::wrong_kind, "calibrate.binary has no example for this verb", "Ask for fit, apply, report or assess.").in_parameter("verb");
  }
}

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t trials = options.size == ProveSize::quick ? 300 : options.size == ProveSize::normal ? 1500 : 6000;
  const Grid grid;
  const Stream root = context.rng.child("calibrate.binary prove");
  Evidence evidence;
  double sum = 0, freedom = 0;
  for (std::size_t d = 0; d < designs.size(); ++d) {
    double own = 0;
    for (std::int64_t trial = 0; trial < trials; ++trial) {
      PLIMSOLL_CHECK(context.stop.check());
      PLIMSOLL_TRY(const double excess, excess_of(context, subject, grid, designs[d], root.child(d).child(static_cast<std::uint64_t>(trial))));
      own += excess;
    }
    sum += own;
    freedom += static_cast<double>(designs[d].parameters * trials);
    evidence.figures["excess_log_loss_" + std::string(learn::choices_of(designs[d].method)[static_cast<std::size_t>(designs[d].method)])] = own / static_cast<double>(trials) / 2 / static_cast<double>(rows_a_trial);
  }
  const double limit = stats::chi_square_limit(freedom, false_alarm) * allowed;
  evidence.method = "calibrate.binary";
  evidence.claim = "maps of k parameters learned from n rows lose k / (2 n) of log loss to the true map, and no more";
  evidence.level = limit / freedom;
  evidence.observed = sum / freedom;
  evidence.low = 0;
  evidence.high = limit / freedom;
  evidence.trials = trials * static_cast<std::int64_t>(designs.size());
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.passed = sum <= limit;
  evidence.detects = "a slope five per cent too flat";
  return evidence;
}

}  // namespace plimsoll::calibrate::binary

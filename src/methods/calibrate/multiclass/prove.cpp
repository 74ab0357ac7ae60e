// SPDX-License-Identifier: Apache-2.0
// The experiment: scores are the true log probabilities bent by a map of a known form; the maximum-likelihood map of that form with k
// free parameters, on the rows it was learned from, has 2 sum_i KL(truth_i, map_i) ~ chi-square(k) (Wilks 1938, fixed scores), up
// to terms of order 1 / n that are allowed a tenth. No test rows, no noise of outcomes: the truth of each row is known.
#include <array>
#include <cmath>

#include "engine/artifact.h"
#include "engine/subject.h"
#include "learn/example_artifact.h"
#include "methods/calibrate/multiclass/multiclass.h"
#include "stats/distributions.h"

namespace plimsoll::calibrate::multiclass {
namespace {

constexpr double false_alarm = 1e-6;
constexpr double allowed = 1.1;
constexpr std::size_t drawn_classes = 4;
constexpr std::int64_t rows_a_trial = 1500;
constexpr std::array<const char*, drawn_classes> names = {"s_0", "s_1", "s_2", "s_3"};

struct Drawn {
  std::array<std::vector<double>, drawn_classes> truth, score;
  std::vector<std::int64_t> y;
};

// Truth softmax(l), l ~ N(0, 1.5^2); score (l - shift) / slope by class.
Drawn draw(Stream& rng, std::int64_t rows, const std::array<double, drawn_classes>& slope, const std::array<double, drawn_classes>& shift) {
  Drawn drawn;
  for (std::int64_t i = 0; i < rows; ++i) {
    std::array<double, drawn_classes> p{};
    double sum = 0;
    for (std::size_t c = 0; c < drawn_classes; ++c) {
      const double l = 1.5 * rng.normal();
      drawn.score[c].push_back((l - shift[c]) / slope[c]);
      p[c] = std::exp(l);
      sum += p[c];
    }
    const double u = rng.uniform() * sum;
    std::size_t label = 0;
    for (double reached = p[0]; label + 1 < drawn_classes && u >= reached; reached += p[label]) ++label;
    drawn.y.push_back(static_cast<std::int64_t>(label));
    for (std::size_t c = 0; c < drawn_classes; ++c) drawn.truth[c].push_back(p[c] / sum);
  }
  return drawn;
}

Result<Table> table_of(const Drawn& drawn) {
  TableBuilder builder;
  for (std::size_t c = 0; c < drawn_classes; ++c) builder.real(names[c], drawn.score[c]);
  builder.integer("y", drawn.y);
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles({{"probability", {names.begin(), names.end()}}, {"target", {"y"}}});
}

struct Design {
  Map method;
  int parameters;  // that softmax can tell apart
  std::array<double, drawn_classes> slope, shift;
};
const std::array<Design, 3> designs = {{{Map::temperature, 1, {0.6, 0.6, 0.6, 0.6}, {0, 0, 0, 0}},
                                        {Map::bias_temperature, 4, {0.6, 0.6, 0.6, 0.6}, {0.5, -0.5, 0.2, -0.2}},
                                        {Map::vector, 7, {0.6, 0.8, 1.2, 1.5}, {0.5, -0.5, 0.2, -0.2}}}};

Result<double> excess_of(Context& context, const Subject& subject, const Design& design, Stream rng) {
  const Drawn drawn = draw(rng, rows_a_trial, design.slope, design.shift);
  PLIMSOLL_TRY(const Table table, table_of(drawn));
  Params params;
  params.method = design.method;
  params.logits = true;
  params.prefix = "s_";
  params.fingerprint = false;
  PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, Inputs{table, std::nullopt}, params)));
  PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, ApplyInputs{table}, Options{})));
  double sum = 0;
  for (std::size_t c = 0; c < drawn_classes; ++c) {
    PLIMSOLL_TRY(const Reals p, outputs.rows.reals("calibrated." + std::to_string(c)));
    for (std::size_t i = 0; i < p.size(); ++i) sum += drawn.truth[c][i] * std::log(drawn.truth[c][i] / p[i]);
  }
  return 2 * sum;
}

Result<Table> example_rows(std::uint64_t seed, std::uint64_t part, std::int64_t rows) {
  Stream rng = Stream(seed).child("calibrate.multiclass example").child(part);
  const Drawn drawn = draw(rng, rows, {0.6, 0.6, 0.6, 0.6}, {0.5, -0.5, 0.2, -0.2});
  std::array<std::vector<double>, drawn_classes> p;
  std::vector<std::string> ids, labels;
  for (std::size_t i = 0; i < drawn.y.size(); ++i) {
    double sum = 0;
    for (std::size_t c = 0; c < drawn_classes; ++c) sum += std::exp(drawn.score[c][i]);
    for (std::size_t c = 0; c < drawn_classes; ++c) p[c].push_back(std::exp(drawn.score[c][i]) / sum);
    ids.push_back((part == 0 ? "c" : "n") + std::to_string(i));
    labels.push_back(std::string(1, static_cast<char>('a' + drawn.y[i])));
  }
  TableBuilder builder;
  builder.text("id", std::move(ids)).text("y", std::move(labels));
  Roles roles = {{"target", {"y"}}, {"id", {"id"}}};
  for (std::size_t c = 0; c < drawn_classes; ++c) {
    const std::string name = std::string("p_") + static_cast<char>('a' + c);
    builder.real(name, std::move(p[c]));
    roles["probability"].push_back(name);
  }
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles(std::move(roles));
}

}  // namespace

Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows) {
  PLIMSOLL_TRY(const Table calibration, example_rows(seed, 0, rows));
  PLIMSOLL_TRY(const Table fresh, example_rows(seed, 1, rows));
  if (verb == Verb::fit) return Example::of(Inputs{calibration, std::nullopt}, Params{});
  if (verb == Verb::apply) {
    Roles roles = fresh.roles();
    roles.erase("target");
    return Example::of(ApplyInputs{fresh.with_roles(std::move(roles))}, Options{});
  }
  if (verb != Verb::assess) return Error(ErrorCode::wrong_kind, "calibrate.multiclass has no example for this verb", "Ask for fit, apply or assess.").in_parameter("verb");
  Params params;
  params.method = Map::temperature;
  PLIMSOLL_TRY(Model model, fit(context, Inputs{calibration, std::nullopt}, params));
  PLIMSOLL_TRY(Certificate certificate, certify(model));
  AssessParams assessed;
  assessed.bootstrap = 100;
  return Example::of(AssessInputs{learn::example_artifact(context, "calibrate.multiclass", std::move(model), std::move(certificate)), fresh}, assessed);
}

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t trials = options.size == ProveSize::quick ? 40 : options.size == ProveSize::normal ? 800 : 3000;
  const Stream root = context.rng.child("calibrate.multiclass prove");
  Evidence evidence;
  double sum = 0, freedom = 0;
  for (std::size_t d = 0; d < designs.size(); ++d) {
    double own = 0;
    for (std::int64_t trial = 0; trial < trials; ++trial) {
      PLIMSOLL_CHECK(context.stop.check());
      PLIMSOLL_TRY(const double excess, excess_of(context, subject, designs[d], root.child(d).child(static_cast<std::uint64_t>(trial))));
      own += excess;
    }
    sum += own;
    freedom += static_cast<double>(designs[d].parameters * trials);
    evidence.figures["excess_times_2n_" + std::string(choices_of(designs[d].method)[static_cast<std::size_t>(designs[d].method)])] = own / static_cast<double>(trials);
  }
  const double limit = stats::chi_square_limit(freedom, false_alarm) * allowed;
  evidence.method = "calibrate.multiclass";
  evidence.claim = "maps of k parameters learned from n rows lose k / (2 n) of log loss to the true map, and no more";
  evidence.level = limit / freedom;
  evidence.observed = sum / freedom;
  evidence.low = 0;
  evidence.high = limit / freedom;
  evidence.trials = trials * static_cast<std::int64_t>(designs.size());
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.passed = sum <= limit;
  evidence.detects = "a temperature seven per cent too high";
  return evidence;
}

}  // namespace plimsoll::calibrate::multiclass

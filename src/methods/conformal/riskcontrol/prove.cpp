// SPDX-License-Identifier: Apache-2.0
// The experiment behind the promises, on rows whose risk is known at every lambda.
//   crc:   the loss of a row is 1 where U > lambda, U uniform, so the risk is 1 - lambda and crc takes a lambda no smaller than the
//          k-th smallest of n values U, k = ceil((n + 1)(1 - alpha)): the rows covered among N new ones are no fewer than a
//          BetaBinomial(N; k, n + 1 - k) count, whose sum over redraws has a computed law. One-sided, exact.
//   tests: rcps and ltt with every test and family in turn; how often the known risk lies above alpha is stochastically at most
//          Binomial(redraws, delta).

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/artifact.h"
#include "engine/subject.h"
#include "methods/conformal/riskcontrol/riskcontrol.h"
#include "stats/count_law.h"
#include "stats/distributions.h"

namespace plimsoll::conformal::riskcontrol {
namespace {

constexpr double false_alarm = 1e-6;
constexpr std::int64_t calibration_rows = 29;
constexpr std::int64_t new_rows = 100;
constexpr double crc_alpha = 0.1;
constexpr std::int64_t tested_rows = 100;
constexpr double tested_alpha = 0.2;
constexpr double tested_delta = 0.1;

// The true class is "a", with probability 1 - U.
Result<Table> covered_rows(Stream& stream, std::int64_t rows) {
  std::vector<double> a, b;
  for (std::int64_t i = 0; i < rows; ++i) {
    b.push_back(stream.uniform());
    a.push_back(1 - b.back());
  }
  PLIMSOLL_TRY(const Table table, std::move(TableBuilder().real("p_a", std::move(a)).real("p_b", std::move(b)).text("y", std::vector<std::string>(static_cast<std::size_t>(rows), "a"))).build());
  return table.with_roles({{"target", {"y"}}, {"probability", {"p_a", "p_b"}}});
}

// Graded losses max(U - lambda, 0) at 21 lambdas: the risk is (1 - lambda)^2 / 2.
Result<Table> graded_rows(Stream& stream, std::int64_t rows) {
  constexpr int width = 21;
  std::array<std::vector<double>, width> losses;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double u = stream.uniform();
    for (int j = 0; j < width; ++j) losses[static_cast<std::size_t>(j)].push_back(std::max(0.0, u - j / 20.0));
  }
  TableBuilder builder;
  std::vector<std::string> names;
  for (int j = 0; j < width; ++j) {
    names.push_back("gap@" + std::to_string(j / 20.0));
    builder.real(names.back(), std::move(losses[static_cast<std::size_t>(j)]));
  }
  PLIMSOLL_TRY(const Table table, builder.build());
  return table.with_roles({{"loss", names}});
}

Context quiet(Context& outer, Stream stream) {
  Context context = outer;
  context.rng = stream;
  context.warn = [](std::string) {};
  return context;
}

struct Covered {
  std::int64_t redraws = 0;
  std::int64_t total = 0;
  std::int64_t least = 0;  // fewer fail
  bool passed() const { return total >= least; }
};

Result<Covered> redraw_crc(Context& outer, const Subject& subject, std::int64_t redraws) {
  Covered seen;
  seen.redraws = redraws;
  PLIMSOLL_TRY(const stats::CountLaw law, stats::CountLaw::covered(calibration_rows, 27, new_rows));
  seen.least = law.times(redraws).band(false_alarm / 2).lo;
  Params params;
  params.alpha = {crc_alpha};
  params.grid = 401;
  const Stream root = outer.rng.child("crc");
  for (std::int64_t redraw = 0; redraw < redraws; ++redraw) {
    PLIMSOLL_CHECK(outer.stop.check());
    Context context = quiet(outer, root.child(static_cast<std::uint64_t>(redraw)));
    Stream rows = context.rng.child("rows");
    Inputs inputs;
    PLIMSOLL_TRY(inputs.data, covered_rows(rows, calibration_rows));
    ApplyInputs fresh;
    PLIMSOLL_TRY(fresh.data, covered_rows(rows, new_rows));
    PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, inputs, params)));
    PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, fresh, Options{})));
    PLIMSOLL_TRY(const auto sets, outputs.rows.text_lists("set"));
    for (const auto& set : sets) seen.total += std::find(set.begin(), set.end(), "a") != set.end() ? 1 : 0;
  }
  return seen;
}

// Every procedure, test and family that tests, in turn.
Params tested_params(std::int64_t redraw, bool* graded) {
  struct Kind {
    Procedure procedure;
    Test test;
    Family family;
    bool graded;
  };
  constexpr std::array<Kind, 8> kinds = {{{Procedure::rcps, Test::binomial, Family::fixed_sequence, false},
                                          {Procedure::rcps, Test::hoeffding_bentkus, Family::fixed_sequence, true},
                                          {Procedure::rcps, Test::betting, Family::fixed_sequence, true},
                                          {Procedure::ltt, Test::binomial, Family::holm, false},
                                          {Procedure::ltt, Test::binomial, Family::bonferroni, false},
                                          {Procedure::ltt, Test::binomial, Family::split_fixed_sequence, false},
                                          {Procedure::rcps, Test::bernstein, Family::fixed_sequence, true},
                                          {Procedure::rcps, Test::hoeffding, Family::fixed_sequence, true}}};
  const Kind& kind = kinds[static_cast<std::size_t>(redraw) % kinds.size()];
  Params params;
  params.alpha = {tested_alpha};
  params.delta = tested_delta;
  params.procedure = kind.procedure;
  params.test = kind.test;
  params.family = kind.family;
  *graded = kind.graded;
  return params;
}

Result<std::int64_t> redraw_tests(Context& outer, const Subject& subject, std::int64_t redraws) {
  std::int64_t violations = 0;
  const Stream root = outer.rng.child("tests");
  for (std::int64_t redraw = 0; redraw < redraws; ++redraw) {
    PLIMSOLL_CHECK(outer.stop.check());
    Context context = quiet(outer, root.child(static_cast<std::uint64_t>(redraw)));
    bool graded = false;
    const Params params = tested_params(redraw, &graded);
    Stream rows = context.rng.child("rows");
    Inputs inputs;
    PLIMSOLL_TRY(inputs.data, graded ? graded_rows(rows, tested_rows) : covered_rows(rows, tested_rows));
    PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, inputs, params)));
    const double gap = 1 - model.lambda;
    const double risk = graded ? gap * gap / 2 : gap;
    violations += risk > tested_alpha * (1 + 1e-12) ? 1 : 0;
  }
  return violations;
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t redraws = options.size == ProveSize::quick ? 800 : options.size == ProveSize::normal ? 16'000 : 80'000;
  PLIMSOLL_TRY(const Covered crc, redraw_crc(context, subject, redraws));
  PLIMSOLL_TRY(const std::int64_t violations, redraw_tests(context, subject, redraws));
  const bool confident = stats::binomial_sf(violations - 1, redraws, tested_delta) > false_alarm / 2;
  const auto count = static_cast<double>(redraws * new_rows);
  Evidence evidence;
  evidence.claim = "The expected loss under crc is at most alpha, and rcps and ltt break their level in at most delta of all calibrations";
  evidence.level = crc_alpha;
  evidence.observed = 1 - static_cast<double>(crc.total) / count;
  evidence.low = 0;
  evidence.high = 1 - static_cast<double>(crc.least) / count;
  evidence.trials = 2 * redraws;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "lambda less cautious by 0.03";
  evidence.passed = crc.passed() && confident;
  evidence.figures = {{"violations", static_cast<double>(violations) / static_cast<double>(redraws)}, {"delta", tested_delta}};
  return evidence;
}

namespace {

// Three labels that may be true together, each with its own known probability.
Result<Table> label_rows(std::uint64_t seed, std::uint64_t part, std::int64_t rows) {
  Stream stream = Stream(seed).child("conformal.riskcontrol example").child(part);
  constexpr std::array<const char*, 3> labels = {"smoke", "noise", "dust"};
  std::array<std::vector<double>, 3> p;
  std::array<std::vector<bool>, 3> y;
  std::vector<std::string> ids;
  for (std::int64_t i = 0; i < rows; ++i) {
    ids.push_back((part == 0 ? "c" : "n") + std::to_string(i));
    for (std::size_t k = 0; k < 3; ++k) {
      p[k].push_back(stream.uniform());
      y[k].push_back(stream.bernoulli(p[k].back()));
    }
  }
  TableBuilder builder;
  builder.text("id", std::move(ids));
  Roles roles = {{"id", {"id"}}};
  for (std::size_t k = 0; k < 3; ++k) {
    roles["probability"].push_back(std::string("p_") + labels[k]);
    roles["label"].push_back(std::string("is_") + labels[k]);
    builder.real(roles["probability"].back(), std::move(p[k])).boolean(roles["label"].back(), std::move(y[k]));
  }
  PLIMSOLL_TRY(const Table table, builder.build());
  return table.with_roles(std::move(roles));
}

}  // namespace

Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows) {
  PLIMSOLL_TRY(const Table calibration, label_rows(seed, 0, rows));
  PLIMSOLL_TRY(const Table fresh, label_rows(seed, 1, rows));
  if (verb == Verb::fit) return Example::of(Inputs{calibration, std::nullopt}, Params{});
  if (verb == Verb::apply) {
    Roles roles = fresh.roles();
    roles.erase("label");
    return Example::of(ApplyInputs{fresh.with_roles(std::move(roles))}, Options{});
  }
  if (verb != Verb::assess) return Error(ErrorCode::wrong_kind, "conformal.riskcontrol has no example for this verb", "Ask for fit, apply or assess.").in_parameter("verb");
  PLIMSOLL_TRY(Model model, fit(context, Inputs{calibration, std::nullopt}, Params{}));
  PLIMSOLL_TRY(Certificate certificate, certify(model));
  Artifact::Provenance provenance;
  provenance.method = "conformal.riskcontrol";
  provenance.engine = std::string(engine_version());
  provenance.seed = context.rng.seed();
  provenance.parameters = "{}";
  return Example::of(AssessInputs{std::make_shared<const Artifact>(std::move(provenance), std::move(certificate), true, Box::of(std::move(model))), fresh}, AssessParams{});
}

}  // namespace plimsoll::conformal::riskcontrol

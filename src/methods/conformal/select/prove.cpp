// SPDX-License-Identifier: Apache-2.0
// The experiment behind the promise, and rows whose truth is known. With n + 1 = m / q and distinct scores the false discovery
// rate of clip is q itself, not less, so the test has two sides:
//   noise:    nobody exceeds the bar. Whoever is selected is wrong, so the share of wrong picks is 0 or 1 and the number of redraws
//             with a selection is Binomial(redraws, q), exactly.
//   signal:   predictions know something. The share of wrong picks F lies in [0, 1]; a uniform U a redraw gives 1{U < F}, which is
//             Bernoulli(FDR), exactly.
//   residual: as signal with the residual score, whose rate is at most q: an upper bound only.

#include <algorithm>
#include <cmath>

#include "base/exact_sum.h"
#include "engine/subject.h"
#include "methods/conformal/select/select.h"
#include "stats/distributions.h"

namespace plimsoll::conformal::select {
namespace {

constexpr double false_alarm = 1e-6;
constexpr int experiments = 3;
constexpr double prove_q = 0.1;
constexpr std::int64_t prove_pool = 20;
constexpr std::int64_t prove_labelled = 199;  // q (n + 1) / m = 1

enum class World { noise, signal };

struct Drawn {
  Inputs inputs;
  std::vector<double> pool_truth;
};

Result<Table> half(Stream& stream, World world, std::int64_t rows, bool labelled, std::vector<double>* truth) {
  std::vector<double> y;
  std::vector<double> prediction;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double signal = stream.normal();
    const double noise = stream.normal();
    y.push_back(world == World::noise ? -1 - std::fabs(noise) : signal - 0.5);
    prediction.push_back(world == World::noise ? signal : signal + 0.5 * noise);
  }
  if (truth) *truth = y;
  TableBuilder builder;
  builder.real("prediction", std::move(prediction));
  if (labelled) builder.real("y", std::move(y));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  Roles roles = {{"prediction", {"prediction"}}};
  if (labelled) roles["target"] = {"y"};
  return table.with_roles(std::move(roles));
}

Result<Drawn> draw(Stream stream, World world) {
  Drawn drawn;
  PLIMSOLL_TRY(drawn.inputs.labelled, half(stream, world, prove_labelled, true, nullptr));
  PLIMSOLL_TRY(drawn.inputs.pool, half(stream, world, prove_pool, false, &drawn.pool_truth));
  return drawn;
}

struct Seen {
  std::int64_t redraws = 0;
  std::int64_t wrong = 0;  // redraws with U < share of wrong picks
  double mean = 0;         // of the share of wrong picks
  double found = 0;        // mean number of right picks
  bool two_sided = true;

  // Smallest and largest `wrong` that pass.
  std::pair<std::int64_t, std::int64_t> band() const {
    const double outside = false_alarm / experiments / (two_sided ? 2 : 1);
    std::int64_t hi = static_cast<std::int64_t>(prove_q * static_cast<double>(redraws));
    std::int64_t lo = hi;
    while (hi < redraws && stats::binomial_sf(hi, redraws, prove_q) > outside) ++hi;
    while (lo > 0 && stats::binomial_cdf(lo - 1, redraws, prove_q) > outside) --lo;
    return {two_sided ? lo : 0, hi};
  }
  bool passed() const {
    const auto [lo, hi] = band();
    return lo <= wrong && wrong <= hi;
  }
  // Chance of being caught if the true rate were `rate`.
  double power(double rate) const {
    const auto [lo, hi] = band();
    return stats::binomial_sf(hi, redraws, rate) + stats::binomial_cdf(lo - 1, redraws, rate);
  }
};

Result<Seen> redraw_all(Context& outer, const Subject& subject, World world, Score score, std::int64_t redraws) {
  Seen seen;
  seen.redraws = redraws;
  seen.two_sided = score == Score::clip;
  Params params;
  params.q = prove_q;
  params.score = score;
  const Stream root = outer.rng.child(world == World::noise ? "noise" : "signal").child(static_cast<std::uint64_t>(score));
  ExactSum shares;
  std::int64_t found = 0;
  for (std::int64_t redraw = 0; redraw < redraws; ++redraw) {
    PLIMSOLL_CHECK(outer.stop.check());
    Context context = outer;
    context.rng = root.child(static_cast<std::uint64_t>(redraw));
    context.warn = [](std::string) {};
    PLIMSOLL_TRY(const Drawn drawn, draw(context.rng.child("rows"), world));
    PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, params, drawn.inputs, Options{})));
    PLIMSOLL_TRY(const Reals selected, outputs.rows.reals("selected"));
    std::int64_t picked = 0;
    std::int64_t wrong = 0;
    for (std::size_t j = 0; j < selected.size(); ++j) {
      if (selected[j] == 0) continue;
      ++picked;
      wrong += drawn.pool_truth[j] > params.c ? 0 : 1;
    }
    const double share = static_cast<double>(wrong) / static_cast<double>(std::max<std::int64_t>(1, picked));
    Stream coin = context.rng.child("coin");
    seen.wrong += coin.uniform() < share ? 1 : 0;
    shares.add(share);
    found += picked - wrong;
  }
  seen.mean = shares.value() / static_cast<double>(redraws);
  seen.found = static_cast<double>(found) / static_cast<double>(redraws);
  return seen;
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t redraws = options.size == ProveSize::quick ? 1500 : options.size == ProveSize::normal ? 40'000 : 200'000;
  PLIMSOLL_TRY(const Seen noise, redraw_all(context, subject, World::noise, Score::clip, redraws));
  PLIMSOLL_TRY(const Seen signal, redraw_all(context, subject, World::signal, Score::clip, redraws));
  PLIMSOLL_TRY(const Seen residual, redraw_all(context, subject, World::signal, Score::residual, redraws));
  const Seen& shown = !noise.passed() ? noise : !signal.passed() ? signal : !residual.passed() ? residual : noise;
  const auto [lo, hi] = shown.band();
  Evidence evidence;
  evidence.claim = "The expected share of wrong picks is q where the theory says equal, and at most q elsewhere";
  evidence.level = prove_q;
  evidence.observed = static_cast<double>(shown.wrong) / static_cast<double>(redraws);
  evidence.low = static_cast<double>(lo) / static_cast<double>(redraws);
  evidence.high = static_cast<double>(hi) / static_cast<double>(redraws);
  evidence.trials = 3 * redraws;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "Benjamini-Hochberg at twice the level";
  evidence.passed = noise.passed() && signal.passed() && residual.passed();
  evidence.figures = {{"fdr_noise", noise.mean}, {"fdr_signal", signal.mean}, {"fdr_residual", residual.mean}, {"found_signal", signal.found}, {"found_residual", residual.found}, {"power_at_twice_q", noise.power(2 * prove_q)}};
  return evidence;
}

Result<Example> example(Context&, Verb verb, std::uint64_t seed, std::int64_t rows) {
  if (verb != Verb::apply) return Error(ErrorCode::wrong_kind, "conformal.select has no example for this verb", "Ask for apply.").in_parameter("verb");
  Inputs inputs;
  for (const bool labelled : {true, false}) {
    Stream stream = Stream(seed).child("conformal.select example").child(labelled ? "labelled" : "pool");
    PLIMSOLL_TRY(const Table half_table, half(stream, World::signal, rows, labelled, nullptr));
    std::vector<std::string> ids;
    for (std::int64_t i = 0; i < rows; ++i) ids.push_back((labelled ? "l" : "p") + std::to_string(i));
    TableBuilder builder;
    builder.text("id", std::move(ids));
    PLIMSOLL_TRY(const Table names, std::move(builder).build());
    PLIMSOLL_TRY(const Table both, names.beside(half_table));
    Roles roles = half_table.roles();
    roles["id"] = {"id"};
    (labelled ? inputs.labelled : inputs.pool) = both.with_roles(std::move(roles));
  }
  return Example::of(std::move(inputs), Options{});
}

}  // namespace plimsoll::conformal::select

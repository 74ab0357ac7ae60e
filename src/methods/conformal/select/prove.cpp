// SPDX-License-Identifier: Apache-2.0
// The experiment behind the promise, and rows whose truth is known. The share of wrong picks F of a redraw lies in [0, 1]; a uniform
// U a redraw gives 1{U < F}, which is Bernoulli(FDR), exactly. With n + 1 = m / q and distinct scores the false discovery rate of clip
// is q itself, not less, so two tests have two sides:
//   noise:    nobody exceeds the bar. Whoever is selected is wrong, so F is 0 or 1 and its rate is q.
//   signal:   predictions know something; the rate is q.
// The others are bounds from above:
//   residual: as signal with the residual score.
//   models:   ten models of pure noise compete, deterministic, homogeneous and heterogeneous pruning in turn.
//   shift:    candidates lie higher than labelled rows, and so do predictions; weights are the density ratio.
//   refitted: ridge regressions that learn on the rows they select from, one, or two that compete, or with each candidate imputed
//             on its own, in turn.
//   outliers: p-values of ordinary candidates by Benjamini-Hochberg, Storey's rule and a fixed threshold in turn.

#include <algorithm>
#include <array>
#include <cmath>

#include "base/exact_sum.h"
#include "engine/subject.h"
#include "methods/conformal/select/select.h"
#include "stats/distributions.h"

namespace plimsoll::conformal::select {
namespace {

constexpr double false_alarm = 1e-6;
constexpr double prove_q = 0.1;
constexpr std::int64_t prove_pool = 20;
constexpr std::int64_t prove_labelled = 199;  // q (n + 1) / m = 1

enum class World : std::size_t { noise, signal, residual, models, shift, refitted, outliers };
constexpr std::size_t worlds = 7;
constexpr std::array<const char*, worlds> world_names = {"noise", "signal", "residual", "models", "shift", "refitted", "outliers"};

struct Drawn {
  Inputs inputs;
  std::vector<double> pool_truth;
};

Result<Table> half(Stream& stream, bool noise_only, std::int64_t rows, bool labelled, std::vector<double>* truth) {
  std::vector<double> y;
  std::vector<double> prediction;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double signal = stream.normal();
    const double noise = stream.normal();
    y.push_back(noise_only ? -1 - std::fabs(noise) : signal - 0.5);
    prediction.push_back(noise_only ? signal : signal + 0.5 * noise);
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

// Columns of normals in the role `role`, an outcome, and a weight where rows are shifted.
Result<Table> wide_half(Stream& stream, World world, std::int64_t rows, bool labelled, std::vector<double>* truth) {
  const std::size_t width = world == World::shift ? 1 : world == World::models ? 10 : 24;
  constexpr double shift = 0.75;
  std::vector<std::vector<double>> x(width);
  std::vector<double> y, weight;
  for (std::int64_t i = 0; i < rows; ++i) {
    double signal = 0;
    for (std::size_t k = 0; k < width; ++k) {
      x[k].push_back(stream.normal() + (world == World::shift && !labelled ? shift : 0));
      if (k < 4) signal += x[k].back();
    }
    const double noise = stream.normal();
    y.push_back(world == World::refitted ? 0.7 * signal + noise - 0.5 : world == World::models ? noise - 0.5 : -1 - std::fabs(noise));
    weight.push_back(std::exp(shift * x[0].back() - shift * shift / 2));
  }
  if (truth) *truth = y;
  TableBuilder builder;
  Roles roles;
  for (std::size_t k = 0; k < width; ++k) {
    roles[world == World::refitted ? "feature" : "prediction"].push_back("x" + std::to_string(k));
    builder.real("x" + std::to_string(k), std::move(x[k]));
  }
  if (world == World::shift) {
    builder.real("w", std::move(weight));
    roles["weight"] = {"w"};
  }
  if (labelled) {
    builder.real("y", std::move(y));
    roles["target"] = {"y"};
  }
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles(std::move(roles));
}

Result<Drawn> draw(Stream stream, World world) {
  Drawn drawn;
  const bool plain = world <= World::residual || world == World::outliers;
  const bool noise_only = world == World::noise || world == World::outliers;
  const std::int64_t labelled = world == World::refitted ? 50 : world == World::models ? 99 : prove_labelled;
  PLIMSOLL_TRY(drawn.inputs.labelled, plain ? half(stream, noise_only, labelled, true, nullptr) : wide_half(stream, world, labelled, true, nullptr));
  PLIMSOLL_TRY(drawn.inputs.pool, plain ? half(stream, noise_only, prove_pool, false, &drawn.pool_truth) : wide_half(stream, world, prove_pool, false, &drawn.pool_truth));
  return drawn;
}

Params params_of(World world, std::int64_t redraw) {
  Params params;
  params.q = prove_q;
  params.xi_seed = redraw;
  const auto turn = static_cast<std::size_t>(redraw);
  if (world == World::residual) params.score = Score::residual;
  if (world == World::models) {
    params.method = Procedure::optcs_msel;
    params.prune = std::array{Prune::dtm, Prune::homo, Prune::hete}[turn % 3];
  }
  if (world == World::shift) {
    params.method = Procedure::weighted_cs;
    params.prune = turn % 2 == 0 ? Prune::homo : Prune::hete;
    params.randomized = turn % 4 < 2;
  }
  if (world == World::refitted) {
    params.q = 2 * prove_q;
    params.method = turn % 4 < 2 ? Procedure::optcs_full : Procedure::optcs_full_msel;
    if (turn % 4 == 1) params.impute = Impute::one;
    if (turn % 4 >= 2) params.subsets = {"x0 x1 x2 x3 x4 x5 x6 x7 x8 x9 x10 x11", "x0 x1 x2 x3", "x12 x13 x14 x15 x16 x17"};
    params.penalties = {1};
  }
  if (world == World::outliers) {
    params.score = Score::outlier;
    params.rule = std::array{Rule::bh, Rule::storey, Rule::fixed}[turn % 3];
    params.threshold = prove_q;
  }
  return params;
}

struct Seen {
  std::int64_t redraws = 0;
  std::int64_t wrong = 0;  // redraws with U < share of wrong picks
  double mean = 0;         // of the share of wrong picks
  double found = 0;        // mean number of right picks
  double level = prove_q;
  bool two_sided = true;

  // Smallest and largest `wrong` that pass.
  std::pair<std::int64_t, std::int64_t> band() const {
    const double outside = false_alarm / static_cast<double>(worlds) / (two_sided ? 2 : 1);
    std::int64_t hi = static_cast<std::int64_t>(level * static_cast<double>(redraws));
    std::int64_t lo = hi;
    while (hi < redraws && stats::binomial_sf(hi, redraws, level) > outside) ++hi;
    while (lo > 0 && stats::binomial_cdf(lo - 1, redraws, level) > outside) --lo;
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

// Right and wrong picks; under a fixed threshold the promise is of each candidate, and the first one stands for all.
struct Picks {
  std::int64_t right = 0, wrong = 0;
  double share() const { return static_cast<double>(wrong) / static_cast<double>(std::max<std::int64_t>(1, right + wrong)); }
};

Picks picks_of(const Params& params, const Reals& selected, const std::vector<double>& truth) {
  Picks picks;
  for (std::size_t j = 0; j < (params.rule == Rule::fixed ? 1 : selected.size()); ++j) {
    if (selected[j] == 0) continue;
    ++(truth[j] > params.c ? picks.right : picks.wrong);
  }
  return picks;
}

Result<Seen> redraw_all(Context& outer, const Subject& subject, World world, std::int64_t redraws) {
  Seen seen;
  seen.redraws = redraws;
  seen.two_sided = world == World::noise || world == World::signal;
  const Stream root = outer.rng.child(world_names[static_cast<std::size_t>(world)]);
  ExactSum shares;
  std::int64_t found = 0;
  for (std::int64_t redraw = 0; redraw < redraws; ++redraw) {
    PLIMSOLL_CHECK(outer.stop.check());
    Context context = outer;
    context.rng = root.child(static_cast<std::uint64_t>(redraw));
    context.warn = [](std::string) {};
    Params params = params_of(world, redraw);
    // The draws of the pruning are the experiment's, not the redraw number's.
    Stream xi = context.rng.child("xi");
    params.xi_seed = static_cast<std::int64_t>(xi.below(std::uint64_t{1} << 60));
    seen.level = params.q;
    PLIMSOLL_TRY(const Drawn drawn, draw(context.rng.child("rows"), world));
    PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, params, drawn.inputs, Options{})));
    PLIMSOLL_TRY(const Reals selected, outputs.rows.reals("selected"));
    const Picks picks = picks_of(params, selected, drawn.pool_truth);
    Stream coin = context.rng.child("coin");
    seen.wrong += coin.uniform() < picks.share() ? 1 : 0;
    shares.add(picks.share());
    found += picks.right;
  }
  seen.mean = shares.value() / static_cast<double>(redraws);
  seen.found = static_cast<double>(found) / static_cast<double>(redraws);
  return seen;
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t plain = options.size == ProveSize::quick ? 1500 : options.size == ProveSize::normal ? 25'000 : 150'000;
  const std::int64_t others = options.size == ProveSize::quick ? 500 : options.size == ProveSize::normal ? 9'000 : 50'000;
  Evidence evidence;
  evidence.claim = "The expected share of wrong picks is q where the theory says equal, and at most q elsewhere";
  evidence.passed = true;
  evidence.false_alarm = false_alarm;
  evidence.seed = options.seed;
  evidence.detects = "Benjamini-Hochberg at twice the level; the largest selection of competing models; candidates of no weight; models judged on the rows they learned from";
  for (std::size_t w = 0; w < worlds; ++w) {
    const auto world = static_cast<World>(w);
    PLIMSOLL_TRY(const Seen seen, redraw_all(context, subject, world, world <= World::residual ? plain : others));
    evidence.trials += seen.redraws;
    evidence.figures[std::string("fdr_") + world_names[w]] = seen.mean;
    if (!(world == World::noise || world == World::shift || world == World::outliers)) evidence.figures[std::string("found_") + world_names[w]] = seen.found;
    if (world == World::noise) evidence.figures["power_at_twice_q"] = seen.power(2 * prove_q);
    // The first world is shown, unless another fails.
    if (w == 0 || (evidence.passed && !seen.passed())) {
      const auto [lo, hi] = seen.band();
      evidence.level = seen.level;
      evidence.observed = static_cast<double>(seen.wrong) / static_cast<double>(seen.redraws);
      evidence.low = static_cast<double>(lo) / static_cast<double>(seen.redraws);
      evidence.high = static_cast<double>(hi) / static_cast<double>(seen.redraws);
    }
    evidence.passed = evidence.passed && seen.passed();
  }
  return evidence;
}

Result<Example> example(Context&, Verb verb, std::uint64_t seed, std::int64_t rows) {
  if (verb != Verb::apply && verb != Verb::assess) return Error(ErrorCode::wrong_kind, "conformal.select has no example for this verb", "Ask for apply or assess.").in_parameter("verb");
  Inputs inputs;
  for (const bool labelled : {true, false}) {
    Stream stream = Stream(seed).child("conformal.select example").child(labelled ? "labelled" : "pool");
    std::vector<double> truth;
    PLIMSOLL_TRY(const Table half_table, half(stream, false, rows, labelled, &truth));
    if (verb == Verb::assess && !labelled) {
      std::vector<bool> selected;
      for (std::int64_t i = 0; i < rows; ++i) selected.push_back(stream.bernoulli(0.3));
      TableBuilder builder;
      builder.boolean("selected", std::move(selected)).real("y", std::move(truth));
      PLIMSOLL_TRY(const Table known, std::move(builder).build());
      return Example::of(AssessInputs{known.with_roles({{"selected", {"selected"}}, {"target", {"y"}}})}, AssessParams{});
    }
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

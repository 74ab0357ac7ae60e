// SPDX-License-Identifier: Apache-2.0
// The experiment behind aci's promise, which holds for every stream and so has no chance of a false alarm: streams that drift, jump,
// repeat and work against the rule, and |share of misses - alpha| against its bound. The other rules run over a jump of the
// variance, where the plain window misses far too often; their figures are shown beside.

#include <algorithm>
#include <cmath>

#include "engine/subject.h"
#include "methods/conformal/online/online.h"

namespace plimsoll::conformal::online {
namespace {

enum class World : int { calm, jump, drift, spikes };

Result<Table> stream_rows(Stream stream, World world, std::int64_t rows) {
  std::vector<double> y, prediction;
  for (std::int64_t t = 0; t < rows; ++t) {
    const double at = static_cast<double>(t) / static_cast<double>(rows);
    const double noise = stream.normal();
    double scale = 1;
    if (world == World::jump && at >= 0.5) scale = 4;
    if (world == World::drift) scale = 1 + 9 * at;
    if (world == World::spikes && (t / 50) % 2 == 1) scale = 50;
    prediction.push_back(0);
    y.push_back(scale * noise);
  }
  PLIMSOLL_TRY(const Table table, std::move(TableBuilder().real("y", std::move(y)).real("prediction", std::move(prediction))).build());
  return table.with_roles({{"target", {"y"}}, {"prediction", {"prediction"}}});
}

Result<double> miss_share(Context& context, const Subject& subject, const Params& params, World world, std::int64_t rows, bool late, Stream root) {
  PLIMSOLL_TRY(Table warm, stream_rows(root.child("warm"), World::calm, 200));
  PLIMSOLL_TRY(Table data, stream_rows(root.child("stream"), world, rows));
  PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, Inputs{std::move(warm)}, params)));
  PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, Inputs{std::move(data)}, Options{})));
  PLIMSOLL_TRY(const Reals covered, outputs.rows.reals("covered"));
  double misses = 0;
  const std::size_t first = late ? covered.size() / 2 : 0;
  for (std::size_t i = first; i < covered.size(); ++i) misses += covered[i] == 0 ? 1 : 0;
  return misses / static_cast<double>(covered.size() - first);
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t rows = options.size == ProveSize::quick ? 20'000 : options.size == ProveSize::normal ? 400'000 : 4'000'000;
  const Stream root = context.rng.child("conformal.online");
  Params params;
  params.gamma = 0.05;
  params.window = 200;
  const double bound = aci_bound(params, rows);
  double worst = 0;
  double shown = params.alpha;
  Evidence evidence;
  for (const World world : {World::calm, World::jump, World::drift, World::spikes}) {
    PLIMSOLL_CHECK(context.stop.check());
    PLIMSOLL_TRY(const double share, miss_share(context, subject, params, world, rows, false, root.child(static_cast<std::uint64_t>(world))));
    if (std::fabs(share - params.alpha) >= worst) {
      worst = std::fabs(share - params.alpha);
      shown = share;
    }
  }
  for (const Rule rule : {Rule::aci, Rule::dtaci, Rule::agaci, Rule::pid, Rule::enbpi, Rule::fixed}) {
    Params other;
    other.rule = rule;
    other.window = 5000;
    other.gamma = rule == Rule::pid ? 0.02 : 0.01;
    PLIMSOLL_TRY(const double share, miss_share(context, subject, other, World::jump, 5000, true, root.child("after the jump")));
    evidence.figures["misses_after_jump_" + std::string(choices_of(rule)[static_cast<std::size_t>(rule)])] = share;
  }
  evidence.claim = "Whatever the stream, aci's share of misses lies within its bound of alpha";
  evidence.level = params.alpha;
  evidence.observed = shown;
  evidence.low = params.alpha - bound;
  evidence.high = params.alpha + bound;
  evidence.trials = 4 * rows;
  evidence.seed = options.seed;
  evidence.false_alarm = 0;
  evidence.detects = "a level that follows misses of 0.11 instead of 0.1";
  evidence.passed = worst <= bound;
  evidence.figures["bound"] = bound;
  return evidence;
}

Result<Example> example(Context&, Verb verb, std::uint64_t seed, std::int64_t rows) {
  if (verb != Verb::fit && verb != Verb::apply) return Error(ErrorCode::wrong_kind, "conformal.online has no example for this verb", "Ask for fit or apply.").in_parameter("verb");
  const Stream root = Stream(seed).child("conformal.online example");
  PLIMSOLL_TRY(Table data, stream_rows(root.child(verb == Verb::fit ? "fit" : "apply"), verb == Verb::fit ? World::calm : World::jump, rows));
  if (verb == Verb::fit) return Example::of(Inputs{std::move(data)}, Params{});
  return Example::of(Inputs{std::move(data)}, Options{});
}

}  // namespace plimsoll::conformal::online

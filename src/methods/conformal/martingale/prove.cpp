// SPDX-License-Identifier: Apache-2.0
// The experiment: streams for which the null is true, many times over. The number of streams with an alarm is stochastically at most
// Binomial(streams, delta). Beside it, how soon streams that change are caught.

#include <algorithm>
#include <array>

#include "engine/subject.h"
#include "methods/conformal/martingale/martingale.h"
#include "stats/distributions.h"

namespace plimsoll::conformal::martingale {
namespace {

constexpr double false_alarm = 1e-6;
constexpr double prove_delta = 0.2;

// Normal scores, or losses of 0 and 1 with mean 0.1; from the middle on shifted, if asked.
Result<Table> stream_rows(Stream stream, bool losses, std::int64_t rows, bool shifted) {
  std::vector<double> scores;
  for (std::int64_t i = 0; i < rows; ++i) {
    const bool late = shifted && i >= rows / 2;
    if (losses) scores.push_back(stream.bernoulli(late ? 0.3 : 0.1) ? 1 : 0);
    else scores.push_back(stream.normal() + (late ? 1 : 0));
  }
  PLIMSOLL_TRY(const Table table, std::move(TableBuilder().real("s", std::move(scores))).build());
  return table.with_roles({{"score", {"s"}}});
}

Result<bool> raises_alarm(Context& outer, const Subject& subject, Bet bet, Stream root, bool shifted) {
  Context context = outer;
  context.rng = root.child("draws");
  Params params;
  params.bet = bet;
  params.delta = prove_delta;
  PLIMSOLL_TRY(Table reference, stream_rows(root.child("reference"), bet == Bet::risk, 20, false));
  PLIMSOLL_TRY(Table data, stream_rows(root.child("stream"), bet == Bet::risk, 400, shifted));
  PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, Inputs{std::move(reference)}, params)));
  PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, Inputs{std::move(data)}, Options{})));
  return outputs.alarm_row >= 0;
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t streams = options.size == ProveSize::quick ? 500 : options.size == ProveSize::normal ? 12'000 : 60'000;
  const Stream root = context.rng.child("conformal.martingale prove");
  constexpr std::array<Bet, 4> bets = {Bet::jumper, Bet::power, Bet::both, Bet::risk};
  Evidence evidence;
  evidence.passed = true;
  double worst = -1;
  for (const Bet bet : bets) {
    std::int64_t alarms = 0;
    std::int64_t caught = 0;
    for (std::int64_t i = 0; i < streams; ++i) {
      PLIMSOLL_CHECK(context.stop.check());
      const Stream own = root.child(static_cast<std::uint64_t>(bet)).child(static_cast<std::uint64_t>(i));
      PLIMSOLL_TRY(const bool alarm, raises_alarm(context, subject, bet, own, false));
      alarms += alarm ? 1 : 0;
      if (i >= streams / 10) continue;
      PLIMSOLL_TRY(const bool right, raises_alarm(context, subject, bet, own, true));
      caught += right ? 1 : 0;
    }
    const double share = static_cast<double>(alarms) / static_cast<double>(streams);
    const std::string name(choices_of(bet)[static_cast<std::size_t>(bet)]);
    evidence.figures["false_alarms_" + name] = share;
    evidence.figures["caught_" + name] = static_cast<double>(caught) / static_cast<double>(streams / 10);
    evidence.passed = evidence.passed && stats::binomial_sf(alarms - 1, streams, prove_delta) > false_alarm / bets.size();
    worst = std::max(worst, share);
  }
  std::int64_t most = static_cast<std::int64_t>(prove_delta * static_cast<double>(streams));
  while (stats::binomial_sf(most, streams, prove_delta) > false_alarm / bets.size()) ++most;
  evidence.claim = "Whatever the bet, at most a share delta of unchanged streams ever raises an alarm";
  evidence.level = prove_delta;
  evidence.observed = worst;
  evidence.low = 0;
  evidence.high = static_cast<double>(most) / static_cast<double>(streams);
  evidence.trials = static_cast<std::int64_t>(bets.size()) * streams;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "an alarm at 0.4 of the capital";
  return evidence;
}

Result<Example> example(Context&, Verb verb, std::uint64_t seed, std::int64_t rows) {
  if (verb != Verb::fit && verb != Verb::apply) return Error(ErrorCode::wrong_kind, "conformal.martingale has no example for this verb", "Ask for fit or apply.").in_parameter("verb");
  const Stream root = Stream(seed).child("conformal.martingale example");
  PLIMSOLL_TRY(Table data, stream_rows(root.child(verb == Verb::fit ? "fit" : "apply"), false, rows, verb == Verb::apply));
  if (verb == Verb::fit) return Example::of(Inputs{std::move(data)}, Params{});
  return Example::of(Inputs{std::move(data)}, Options{});
}

}  // namespace plimsoll::conformal::martingale

// SPDX-License-Identifier: Apache-2.0
// The experiment: pairs of a calibration and a batch are drawn anew, and hits are counted. For continuous scores the hits of order
// statistics, coverage, kfwer's counterpart and of a pair of order statistics are Binomial(pairs, attained) with the attained chance
// known from the rank law, so the test has two sides; those of a mean are at least that many.

#include <algorithm>
#include <cmath>

#include "engine/subject.h"
#include "methods/conformal/batch/batch.h"
#include "stats/distributions.h"
#include "stats/rank_law.h"

namespace plimsoll::conformal::batch {
namespace {

constexpr double false_alarm = 1e-6;
constexpr int experiments = 4;
constexpr double prove_alpha = 0.1;
constexpr std::int64_t prove_rows = 40;
constexpr std::int64_t prove_batch = 10;

Result<Table> uniform_rows(Stream& stream, std::int64_t rows, std::vector<double>* kept) {
  std::vector<double> y;
  for (std::int64_t i = 0; i < rows; ++i) y.push_back(stream.uniform());
  if (kept) *kept = y;
  PLIMSOLL_TRY(const Table table, std::move(TableBuilder().real("y", y).real("f", std::vector<double>(y.size(), 0.0))).build());
  return table.with_roles({{"target", {"y"}}, {"prediction", {"f"}}});
}

struct Design {
  std::string name;
  Params params;
  double attained = 0;
  bool two_sided = true;
};

std::vector<Design> designs() {
  std::vector<Design> all(experiments);
  for (Design& one : all) one.params.alpha = prove_alpha;
  all[0].name = "order_stat";
  all[0].params.target = Target::order_stat;
  all[0].params.zeta = 7;
  all[0].params.side = Side::upper;
  all[0].params.score = Score::raw;
  all[0].attained = stats::order_rank_upper(prove_rows, prove_batch, 7, prove_alpha).attained;
  all[1].name = "coverage";
  all[1].params.target = Target::coverage;
  all[1].params.delta = 0.2;
  all[1].attained = stats::order_rank_upper(prove_rows, prove_batch, 8, prove_alpha).attained;
  all[2].name = "median";
  all[2].params.target = Target::median;
  all[2].params.score = Score::raw;
  all[2].attained = stats::two_order_ranks(prove_rows, prove_batch, 5, 6, prove_alpha).attained;
  all[3].name = "mean";
  all[3].params.target = Target::mean;
  all[3].params.score = Score::raw;
  all[3].params.score_lower_bound = 0;
  all[3].params.score_upper_bound = 1;
  all[3].attained = 1 - 2 * (1 - stats::mann_whitney_upper(prove_rows, prove_batch, prove_alpha / 2).attained);
  all[3].two_sided = false;
  return all;
}

// Whether the bound holds: for a pair of order statistics both must lie inside.
Result<bool> holds(const Params& params, const Outputs& outputs, std::vector<double> truth) {
  PLIMSOLL_TRY(const Reals lower, outputs.batches.reals("lower", Missing::as_nan));
  PLIMSOLL_TRY(const Reals upper, outputs.batches.reals("upper", Missing::as_nan));
  std::sort(truth.begin(), truth.end());
  if (params.target == Target::median) return lower[0] <= truth[prove_batch / 2 - 1] && truth[prove_batch / 2] <= upper[0];
  const double value = value_of(params, std::move(truth));
  return value <= upper[0] && (params.target != Target::mean || value >= lower[0]);
}

struct Seen {
  std::int64_t hits = 0;
  std::int64_t low = 0, high = 0;
  bool passed() const { return low <= hits && hits <= high; }
};

Result<Seen> redraw(Context& outer, const Subject& subject, const Design& design, std::int64_t pairs) {
  Seen seen;
  const double outside = false_alarm / experiments / 2;
  seen.low = seen.high = static_cast<std::int64_t>(design.attained * static_cast<double>(pairs));
  while (seen.low > 0 && stats::binomial_cdf(seen.low - 1, pairs, design.attained) > outside) --seen.low;
  while (seen.high < pairs && (!design.two_sided || stats::binomial_sf(seen.high, pairs, design.attained) > outside)) ++seen.high;
  const Stream root = outer.rng.child("conformal.batch prove").child(design.name);
  for (std::int64_t pair = 0; pair < pairs; ++pair) {
    PLIMSOLL_CHECK(outer.stop.check());
    Context context = outer;
    context.rng = root.child(static_cast<std::uint64_t>(pair));
    context.warn = [](std::string) {};
    Stream rows = context.rng.child("rows");
    std::vector<double> truth;
    PLIMSOLL_TRY(Table calibration, uniform_rows(rows, prove_rows, nullptr));
    PLIMSOLL_TRY(Table fresh, uniform_rows(rows, prove_batch, &truth));
    PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, Inputs{std::move(calibration), std::nullopt}, design.params)));
    PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, ApplyInputs{fresh.with_roles({{"prediction", {"f"}}})}, Options{})));
    PLIMSOLL_TRY(const bool hit, holds(design.params, outputs, std::move(truth)));
    seen.hits += hit ? 1 : 0;
  }
  return seen;
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t pairs = options.size == ProveSize::quick ? 1000 : options.size == ProveSize::normal ? 20'000 : 100'000;
  Evidence evidence;
  evidence.passed = true;
  bool shown = false;
  for (const Design& design : designs()) {
    PLIMSOLL_TRY(const Seen seen, redraw(context, subject, design, pairs));
    const auto share = [&](std::int64_t count) { return static_cast<double>(count) / static_cast<double>(pairs); };
    evidence.figures["hits_" + design.name] = share(seen.hits);
    evidence.figures["attained_" + design.name] = design.attained;
    evidence.passed = evidence.passed && seen.passed();
    // The first experiment is shown, unless another one failed.
    if (shown && seen.passed()) continue;
    shown = true;
    evidence.level = design.attained;
    evidence.observed = share(seen.hits);
    evidence.low = share(seen.low);
    evidence.high = share(seen.high);
  }
  evidence.claim = "Bounds on a batch hold as often as the rank law says, and never less often than 1 - alpha";
  evidence.trials = experiments * pairs;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "twice the level";
  return evidence;
}

Result<Example> example(Context&, Verb verb, std::uint64_t seed, std::int64_t rows) {
  if (verb != Verb::fit && verb != Verb::apply) return Error(ErrorCode::wrong_kind, "conformal.batch has no example for this verb", "Ask for fit or apply.").in_parameter("verb");
  Stream stream = Stream(seed).child("conformal.batch example").child(verb == Verb::fit ? "fit" : "apply");
  std::vector<double> y, prediction;
  std::vector<std::string> batch, id;
  for (std::int64_t i = 0; i < rows; ++i) {
    prediction.push_back(stream.normal());
    y.push_back(prediction.back() + stream.normal());
    batch.push_back("b" + std::to_string(i / 20));
    id.push_back((verb == Verb::fit ? "c" : "n") + std::to_string(i));
  }
  if (verb == Verb::fit) {
    PLIMSOLL_TRY(const Table table, std::move(TableBuilder().text("id", std::move(id)).real("y", std::move(y)).real("prediction", std::move(prediction))).build());
    return Example::of(Inputs{table.with_roles({{"target", {"y"}}, {"prediction", {"prediction"}}, {"id", {"id"}}}), std::nullopt}, Params{});
  }
  PLIMSOLL_TRY(const Table table, std::move(TableBuilder().text("id", std::move(id)).text("batch", std::move(batch)).real("prediction", std::move(prediction))).build());
  return Example::of(ApplyInputs{table.with_roles({{"prediction", {"prediction"}}, {"batch", {"batch"}}, {"id", {"id"}}})}, Options{});
}

}  // namespace plimsoll::conformal::batch

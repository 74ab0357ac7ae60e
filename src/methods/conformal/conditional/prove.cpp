// SPDX-License-Identifier: Apache-2.0
// The experiment behind the promise, and rows whose truth is known. x ~ N(0, 1), a group that a quarter of the rows belong to and
// where noise is three times as large, noise that grows with x besides; basis: both groups and x. In the randomised form
// E[f(X) 1{covered}] = 0.9 E f(X) for every f of the basis, so with one new row a calibration of 60 the count of covered rows is
// Binomial(T, 0.9) for new rows of either group. The deterministic form may only cover more. The spoiled form answers at another level.

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/subject.h"
#include "learn/known_truth.h"
#include "methods/conformal/conditional/conditional.h"
#include "stats/distributions.h"

namespace plimsoll::conformal::conditional {
namespace {

constexpr double false_alarm = 1e-6;
constexpr std::int64_t calibration_rows = 60;

// `rare` in {0, 1}: rows of that group only; -1: as they come.
Result<Table> draw_table(Stream& stream, std::int64_t rows, int rare) {
  std::vector<double> y, prediction, x;
  std::vector<std::string> group;
  for (std::int64_t i = 0; i < rows; ++i) {
    const bool in_rare = stream.uniform() < 0.25;
    const bool noisy = rare < 0 ? in_rare : rare == 1;
    x.push_back(stream.normal());
    const double noise = stream.normal() * std::exp(0.5 * x.back()) * (noisy ? 3 : 1);
    prediction.push_back(x.back());
    y.push_back(x.back() + noise);
    group.emplace_back(noisy ? "rare" : "usual");
  }
  TableBuilder builder;
  builder.real("y", std::move(y)).real("prediction", std::move(prediction)).real("x", std::move(x)).text("group", std::move(group));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles({{"target", {"y"}}, {"prediction", {"prediction"}}, {"feature", {"x"}}, {"group", {"group"}}});
}

struct Count {
  std::int64_t covered = 0;
  std::int64_t trials = 0;
  bool passed(double tail, bool two_sided) const {
    return stats::binomial_cdf(covered, trials, 0.9) > tail && (!two_sided || stats::binomial_sf(covered - 1, trials, 0.9) > tail);
  }
  double share() const { return static_cast<double>(covered) / static_cast<double>(trials); }
};

Result<void> add(Context& context, const Subject& subject, const Table& calibration, const Table& fresh, bool exact, Count& count) {
  Params params;
  params.exact = exact;
  PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, Inputs{calibration, std::nullopt}, params)));
  PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, ApplyInputs{fresh}, Options{})));
  PLIMSOLL_TRY(const std::vector<char> holds, learn::holds_truth(fresh, outputs.rows));
  count.covered += holds.front();
  ++count.trials;
  return {};
}

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t redraws = options.size == ProveSize::quick ? 2500 : options.size == ProveSize::normal ? 40000 : 200000;
  std::array<Count, 3> counts;  // usual and rare group, exact; rare group, deterministic
  for (std::int64_t i = 0; i < redraws; ++i) {
    PLIMSOLL_CHECK(context.stop.check());
    Context one = learn::redraw_context(context, context.rng.child(static_cast<std::uint64_t>(i)));
    Stream rows = one.rng.child("rows");
    const std::size_t which = i % 4 == 3 ? 2 : static_cast<std::size_t>(i % 2);
    PLIMSOLL_TRY(const Table calibration, draw_table(rows, calibration_rows, -1));
    PLIMSOLL_TRY(const Table fresh, draw_table(rows, 1, which == 0 ? 0 : 1));
    PLIMSOLL_CHECK(add(one, subject, calibration, fresh, which != 2, counts[which]));
  }
  const double tail = false_alarm / 5;
  const bool usual = counts[0].passed(tail, true);
  const bool rare = counts[1].passed(tail, true);
  const Count& shown = usual && !rare ? counts[1] : counts[0];
  std::int64_t lo = static_cast<std::int64_t>(0.9 * static_cast<double>(shown.trials));
  std::int64_t hi = lo;
  while (lo > 0 && stats::binomial_cdf(lo - 1, shown.trials, 0.9) > tail) --lo;
  while (hi < shown.trials && stats::binomial_sf(hi, shown.trials, 0.9) > tail) ++hi;
  Evidence evidence;
  evidence.claim = "Drawn even, level 0.9 is covered exactly within each group of the basis; undrawn, at least";
  evidence.level = 0.9;
  evidence.observed = shown.share();
  evidence.low = static_cast<double>(lo) / static_cast<double>(shown.trials);
  evidence.high = static_cast<double>(hi) / static_cast<double>(shown.trials);
  evidence.trials = redraws;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "answers of another level";
  evidence.passed = usual && rare && counts[2].passed(tail, false);
  evidence.figures = {{"coverage_usual_exact", counts[0].share()}, {"coverage_rare_exact", counts[1].share()}, {"coverage_rare_undrawn", counts[2].share()}};
  return evidence;
}

Result<Example> example(Context&, Verb verb, std::uint64_t seed, std::int64_t rows) {
  Stream stream = Stream(seed).child("conformal.conditional example").child(verb == Verb::fit ? 0 : 1);
  PLIMSOLL_TRY(const Table plain, draw_table(stream, rows, -1));
  std::vector<std::string> ids;
  for (std::int64_t i = 0; i < rows; ++i) ids.push_back((verb == Verb::fit ? "c" : "n") + std::to_string(i));
  PLIMSOLL_TRY(const Table names, std::move(TableBuilder().text("id", std::move(ids))).build());
  PLIMSOLL_TRY(const Table both, names.beside(plain.with_roles({})));
  Roles roles = plain.roles();
  roles["id"] = {"id"};
  if (verb == Verb::fit) return Example::of(Inputs{both.with_roles(std::move(roles)), std::nullopt}, Params{});
  if (verb != Verb::apply) return Error(ErrorCode::wrong_kind, "conformal.conditional has no example for this verb", "Ask for fit or apply.").in_parameter("verb");
  for (const char* role : {"target", "feature", "group"}) roles.erase(role);
  return Example::of(ApplyInputs{both.with_roles(std::move(roles))}, Options{});
}

}  // namespace plimsoll::conformal::conditional

// SPDX-License-Identifier: Apache-2.0
// A catalogue of made-up methods, so that the engine is tested without the real ones: a mergeable mean that must pass
// over the rows twice, and a whole-table rank without a fit.

#include "engine/made_methods_test.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/exact_sum.h"
#include "engine/catalogue.h"

namespace plimsoll::made::mean {

std::span<const std::string_view> choices_of(Center) {
  static constexpr std::array<std::string_view, 2> names = {"mean", "middle"};
  return names;
}
void describe(Fields& f, Params& p) {
  f({"shift", "added to the mean", within(-10, 10)}, p.shift);
  f({"center", "what is taken"}, p.center);
  f({.name = "rounds", .help = "rounds", .constraint = at_least(1), .required = false, .was = "iterations"}, p.rounds);
  f({"grid", "levels", between(0, 1)}, p.grid);
}
constexpr std::array<RoleInfo, 2> roles = {RoleInfo{"target", "what is averaged", true, false}, RoleInfo{"id", "row id", false, false}};
void describe(Fields& f, Inputs& in) {
  f({"data", "rows", roles}, in.data);
  f({"side", "rows that are not cut"}, in.side);
}
void describe(Fields& f, Model& m) {
  f({"mean", "mean", any_real()}, m.mean);
  f({"rows", "rows", at_least(0)}, m.rows);
  f({"passes", "passes", at_least(0)}, m.passes);
  f({"sides", "side tables seen", at_least(0)}, m.sides);
  f.tensor({"spread", "mean absolute deviation"}, m.spread);
  f.blob({"learning_fingerprint", "rows seen"}, m.learning_fingerprint);
}
void describe(Fields& f, State& s) {
  f({"pass", "pass"}, s.pass);
  f({"rows", "rows"}, s.rows);
  f({"mean", "mean", any_real()}, s.mean);
  f({"sides", "sides"}, s.sides);
  std::string bytes = s.sum.to_bytes();
  const std::string before = bytes;
  f.blob({"sum", "sum"}, bytes);
  if (bytes == before) return;
  if (auto read = ExactSum::from_bytes(bytes)) s.sum = read.value();
}
void describe(Fields& f, Options& o) { f({"factor", "multiplies", above(0)}, o.factor); }
void describe(Fields& f, Outputs& o) { f({"scored", "scored rows"}, o.scored); }

Result<State> start(Context&, const Params&) { return State{}; }
Result<void> update(Context&, State& s, const Inputs& in) {
  PLIMSOLL_TRY(const std::string target, in.data.role_column("target"));
  PLIMSOLL_TRY(const Reals values, in.data.reals(target));
  if (in.side) ++s.sides;
  for (const double x : values) s.sum.add(s.pass == 0 ? x : std::abs(x - s.mean));
  s.rows += static_cast<std::int64_t>(values.size());
  return {};
}
Result<void> merge(Context&, State& a, const State& b) {
  a.sum.merge(b.sum);
  a.rows += b.rows;
  a.sides += b.sides;
  return {};
}
Result<Finish<Model, State>> finish(Context&, State&& s, const Params& p) {
  if (s.rows == 0) return Error(ErrorCode::too_few_rows, "no rows", "Give at least one row.");
  const double mean = s.sum.value() / static_cast<double>(s.rows);
  if (s.pass == 0) {
    State next;
    next.pass = 1;
    next.mean = mean;
    return Finish<Model, State>(std::move(next));
  }
  Model model;
  model.mean = s.mean + p.shift;
  model.rows = s.rows;
  model.passes = 2;
  model.sides = s.sides;
  model.spread = {mean};
  model.learning_fingerprint = "mark";
  return Finish<Model, State>(std::move(model));
}
Result<Outputs> apply(Context& context, const Model& m, const Inputs& in, const Options& o) {
  PLIMSOLL_TRY(const std::string target, in.data.role_column("target"));
  PLIMSOLL_TRY(const Reals values, in.data.reals(target));
  std::vector<double> scored;
  for (const double x : values) scored.push_back((x - m.mean) * o.factor);
  context.tally("{} rows scored", static_cast<std::int64_t>(scored.size()));
  PLIMSOLL_TRY(Table table, TableBuilder().real("scored", std::move(scored)).build());
  return Outputs{std::move(table)};
}
Result<Certificate> certify(const Model& m) {
  Certificate certificate;
  certificate.template_id = "made.mean";
  certificate.promise = "the mean is what it is";
  certificate.n = m.rows;
  return certificate;
}
Result<void> check(const Params& p) {
  if (p.rounds > 100 && p.center == Center::middle) return Error(ErrorCode::bad_parameter, "middle takes at most 100 rounds", "Lower rounds.").in_parameter("rounds");
  return {};
}

// The same as one of class B whose rows draw when they are shifted.
bool fit_draws(const Params& p) { return p.shift > 0; }
bool apply_draws(const Model&, const Options& o) { return o.factor > 1; }
constinit const Method blocks =
    method("made.blocks").mergeable_fit<&start, &update, &merge, &finish>(Law::B).apply<&apply>(Rows::grouped).certify<&certify>();
constinit const Method draws =
    method("made.draws").mergeable_fit<&start, &update, &merge, &finish>(Law::A).draws_in_fit<&fit_draws>().apply<&apply>(Rows::independent).draws_in_apply<&apply_draws>().certify<&certify>();
constinit const Method entry =
    method("made.mean").mergeable_fit<&start, &update, &merge, &finish>(Law::A).apply<&apply>(Rows::independent).certify<&certify>().check<&check>();

}  // namespace plimsoll::made::mean

namespace plimsoll::made::rank {

struct Params {
  double scale = 1;
};
void describe(Fields& f, Params& p) { f({"scale", "multiplies ranks", above(0)}, p.scale); }
struct Outputs {
  Table ranked;
  std::int64_t largest = 0;
};
void describe(Fields& f, Outputs& o) {
  f({"ranked", "ranks"}, o.ranked);
  f({"largest", "row of the largest", at_least(0)}, o.largest);
}

Result<Outputs> apply(Context&, const Params& p, const mean::Inputs& in, const Empty&) {
  PLIMSOLL_TRY(const std::string target, in.data.role_column("target"));
  PLIMSOLL_TRY(const Reals values, in.data.reals(target));
  if (values.size() == 13) throw std::runtime_error("a library threw");
  std::vector<double> ranks;
  for (const double x : values) ranks.push_back(p.scale * static_cast<double>(std::count_if(values.begin(), values.end(), [x](double y) { return y <= x; })));
  Outputs out;
  if (!ranks.empty()) out.largest = std::max_element(ranks.begin(), ranks.end()) - ranks.begin();
  PLIMSOLL_TRY(out.ranked, TableBuilder().real("rank", std::move(ranks)).build());
  return out;
}
Result<Certificate> certify(const Params&, const Outputs& o) {
  Certificate certificate;
  certificate.promise = "row " + std::to_string(o.largest) + " is the largest";
  return certificate;
}
constinit const Method entry = method("made.rank").apply<&apply>(Rows::whole).certify_outputs<&certify>();

}  // namespace plimsoll::made::rank

namespace plimsoll {
std::span<const CatalogueLine> catalogue_lines() {
  static constexpr std::array<CatalogueLine, 4> lines = {CatalogueLine{"made.blocks", "test", "", &made::mean::blocks, "# blocks"},
                                                         CatalogueLine{"made.draws", "test", "", &made::mean::draws, "# draws"},
                                                         CatalogueLine{"made.mean", "test", "", &made::mean::entry, "# mean"},
                                                         CatalogueLine{"made.rank", "test", "", &made::rank::entry, "# rank"}};
  return lines;
}
}  // namespace plimsoll

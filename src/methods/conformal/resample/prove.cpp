// SPDX-License-Identifier: Apache-2.0
// The experiments behind the promises.
//   exact   a predictor that has learned nothing gives every fold and bag the same prediction; then CV+, minmax and the bootstrap are
//           split conformal prediction with all n residuals, and the rows covered among N are BetaBinomial(N; k, n + 1 - k): two-sided
//   full    least squares on n = 19 rows and one more, alpha = 0.1: with k = 18 of 20 the exact set covers 0.9, the hull at least that;
//           classes with p-values: covered at least 0.9. One-sided, binomial over independent redraws
//   fits    jackknife+ with least squares through all n = d + 1 rows, whose own residuals are all zero: one new row a redraw is covered
//           with chance at least 1 - 2 alpha, where an interval from the rows' own residuals never covers
// The spoiled form takes ranks one too low.

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/artifact.h"
#include "engine/door.h"
#include "engine/subject.h"
#include "learn/known_truth.h"
#include "methods/conformal/resample/resample.h"
#include "stats/count_law.h"
#include "stats/distributions.h"

namespace plimsoll::conformal::resample {
namespace {

constexpr double false_alarm = 1e-6;
constexpr double share = false_alarm / 4;  // of each of the tests
constexpr std::int64_t calibration_rows = 29;
constexpr std::int64_t new_rows = 100;
constexpr std::int64_t folds = 3;
constexpr double alpha = 0.1;

// y = x + noise, predicted as x by everyone.
Result<Table> common_rows(Stream& stream, std::int64_t rows, bool fresh, bool bags) {
  std::vector<double> x;
  std::vector<double> y;
  std::vector<std::int64_t> fold;
  std::vector<std::int64_t> inside;
  for (std::int64_t i = 0; i < rows; ++i) {
    x.push_back(stream.normal());
    y.push_back(x.back() + stream.exponential());
    fold.push_back(i % folds);
    inside.push_back((i + 1) % 2);
  }
  std::vector<std::int64_t> outside;
  for (const std::int64_t c : inside) outside.push_back(1 - c);
  TableBuilder builder;
  builder.real("x", std::move(x)).real("y", std::move(y)).integer("fold", std::move(fold)).integer("bag_0", std::move(inside)).integer("bag_1", std::move(outside));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  Roles roles = {{"target", {"y"}}};
  if (bags) roles["prediction"] = {"x", "x"};
  else roles["prediction"] = fresh ? std::vector<std::string>{"x", "x", "x"} : std::vector<std::string>{"x"};
  if (!fresh && bags) roles["bag"] = {"bag_0", "bag_1"};
  if (!fresh && !bags) roles["fold"] = {"fold"};
  return table.with_roles(std::move(roles));
}

// Features and a number, or two classes.
Result<Table> feature_rows(Stream& stream, std::int64_t rows, std::size_t width, bool classes) {
  std::vector<std::vector<double>> x(width);
  std::vector<double> y;
  std::vector<std::string> label;
  for (std::int64_t i = 0; i < rows; ++i) {
    double sum = 0;
    for (auto& column : x) {
      column.push_back(stream.normal());
      sum += column.back();
    }
    const double noise = stream.normal();
    y.push_back(sum + noise);
    label.push_back(y.back() > 0 ? "up" : "down");
  }
  TableBuilder builder;
  Roles roles = {{"target", {"y"}}};
  for (std::size_t c = 0; c < width; ++c) {
    roles["feature"].push_back("x" + std::to_string(c));
    builder.real(roles["feature"].back(), std::move(x[c]));
  }
  if (classes) builder.text("y", std::move(label));
  else builder.real("y", std::move(y));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles(std::move(roles));
}

Result<std::int64_t> covered_once(Context& context, const Subject& subject, Inputs calibration, Table fresh, const Params& params) {
  PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, calibration, params)));
  PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, ApplyInputs{fresh}, Options{})));
  PLIMSOLL_TRY(const std::vector<char> holds, learn::holds_truth(fresh, outputs.rows));
  return std::count(holds.begin(), holds.end(), char{1});
}

Params params_of(std::int64_t redraw) {
  Params params;
  params.alpha = {alpha};
  params.scheme = redraw % 3 == 2 ? Scheme::bootstrap : Scheme::cv;
  params.interval = redraw % 3 == 1 ? Interval::minmax : Interval::plus;
  params.aggregate = redraw % 2 == 0 ? Aggregate::mean : Aggregate::median;
  return params;
}

Result<std::int64_t> exact(Context& outer, const Subject& subject, std::int64_t redraws) {
  std::int64_t total = 0;
  const Stream root = outer.rng.child("exact");
  for (std::int64_t redraw = 0; redraw < redraws; ++redraw) {
    PLIMSOLL_CHECK(outer.stop.check());
    Context context = learn::redraw_context(outer, root.child(static_cast<std::uint64_t>(redraw)));
    Stream rows = context.rng.child("rows");
    const Params params = params_of(redraw);
    const bool bags = params.scheme == Scheme::bootstrap;
    PLIMSOLL_TRY(const Table calibration, common_rows(rows, calibration_rows, false, bags));
    PLIMSOLL_TRY(const Table fresh, common_rows(rows, new_rows, true, bags));
    PLIMSOLL_TRY(const std::int64_t covered, covered_once(context, subject, Inputs{calibration}, fresh, params));
    total += covered;
  }
  return total;
}

// One new row a redraw.
struct Learning {
  const char* name;
  std::int64_t rows;
  std::size_t width;
  bool classes;
  Scheme scheme;
  double l2;
  double least;  // chance of covering
};

Result<std::int64_t> learning(Context& outer, const Subject& subject, std::int64_t redraws, const Learning& kind) {
  std::int64_t total = 0;
  const Stream root = outer.rng.child(kind.name);
  Params params;
  params.alpha = {alpha};
  params.scheme = kind.scheme;
  params.l2 = kind.l2;
  params.folds = 0;
  params.allow_empty = true;
  if (kind.classes) params.classes = {"down", "up"};  // even where 19 rows show only one
  for (std::int64_t redraw = 0; redraw < redraws; ++redraw) {
    PLIMSOLL_CHECK(outer.stop.check());
    Context context = learn::redraw_context(outer, root.child(static_cast<std::uint64_t>(redraw)));
    Stream rows = context.rng.child("rows");
    PLIMSOLL_TRY(const Table all, feature_rows(rows, kind.rows + 1, kind.width, kind.classes));
    PLIMSOLL_TRY(const std::int64_t covered, covered_once(context, subject, Inputs{all.slice(0, kind.rows)}, all.slice(kind.rows, 1), params));
    total += covered;
  }
  return total;
}

constexpr std::array<Learning, 3> kinds = {{{"full", 19, 2, false, Scheme::full, 1, 1 - alpha},
                                            {"full classes", 19, 2, true, Scheme::full, 1, 1 - alpha},
                                            {"fits", 11, 10, false, Scheme::cv, 0, 1 - 2 * alpha}}};

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options) {
  const std::int64_t redraws = options.size == ProveSize::quick ? 450 : options.size == ProveSize::normal ? 9'000 : 45'000;
  PLIMSOLL_TRY(const std::int64_t total, exact(context, subject, redraws));
  PLIMSOLL_TRY(const stats::CountLaw law, stats::CountLaw::covered(calibration_rows, 27, new_rows));
  const stats::CountInterval band = law.times(redraws).band(share / 2);
  Evidence evidence;
  bool passed = band.contains(total);
  for (const Learning& kind : kinds) {
    PLIMSOLL_TRY(const std::int64_t covered, learning(context, subject, redraws, kind));
    passed = passed && stats::binomial_cdf(covered, redraws, kind.least) > share;
    evidence.figures[kind.name] = static_cast<double>(covered) / static_cast<double>(redraws);
  }
  const auto count = static_cast<double>(redraws * new_rows);
  evidence.claim = "With a predictor that has not learned, coverage is exactly k / (n + 1); full conformal prediction covers at least 1 - alpha, jackknife+ through all rows at least 1 - 2 alpha";
  evidence.level = 1 - alpha;
  evidence.observed = static_cast<double>(total) / count;
  evidence.low = static_cast<double>(band.lo) / count;
  evidence.high = static_cast<double>(band.hi) / count;
  evidence.trials = 4 * redraws;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "ranks one too low";
  evidence.passed = passed;
  return evidence;
}

Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows) {
  const Stream root = Stream(seed).child("conformal.resample example");
  Stream past_stream = root.child("past");
  Stream fresh_stream = root.child("fresh");
  PLIMSOLL_TRY(const Table past, feature_rows(past_stream, rows, 3, false));
  PLIMSOLL_TRY(Table fresh, feature_rows(fresh_stream, rows, 3, false));
  if (verb == Verb::fit) return Example::of(Inputs{past}, Params{});
  if (verb == Verb::apply) {
    Roles roles = fresh.roles();
    roles.erase("target");
    return Example::of(ApplyInputs{fresh.with_roles(std::move(roles))}, Options{});
  }
  if (verb != Verb::assess) return Error(ErrorCode::wrong_kind, "conformal.resample has no example for this verb", "Ask for fit, apply or assess.").in_parameter("verb");
  PLIMSOLL_TRY(Model model, fit(context, Inputs{past}, Params{}));
  PLIMSOLL_TRY(Certificate certificate, certify(model));
  Artifact::Provenance provenance;
  provenance.method = "conformal.resample";
  provenance.engine = std::string(engine_version());
  provenance.seed = context.rng.seed();
  provenance.parameters = "{}";
  return Example::of(AssessInputs{std::make_shared<const Artifact>(std::move(provenance), std::move(certificate), true, Box::of(std::move(model))), fresh}, AssessParams{});
}

}  // namespace plimsoll::conformal::resample

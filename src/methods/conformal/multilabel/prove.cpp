// SPDX-License-Identifier: Apache-2.0
// The experiment: calibrations and new rows are drawn anew. Scores are distinct almost surely, so the covered rows of a redraw follow
// the BetaBinomial law of the calibration's rank, and their sum over redraws its convolution: a test with two sides. A label-set counts
// as covered if it stands in the listed sets, so a wrong list fails as a wrong threshold does.

#include <algorithm>

#include "engine/artifact.h"
#include "engine/subject.h"
#include "methods/conformal/multilabel/multilabel.h"
#include "stats/count_law.h"
#include "stats/order_statistics.h"

namespace plimsoll::conformal::multilabel {
namespace {

constexpr double false_alarm = 1e-6;
constexpr std::size_t prove_labels = 6;
constexpr std::int64_t calibration_rows = 29;
constexpr std::int64_t fresh_rows = 20;

std::vector<std::string> named(const std::string& stem, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t j = 0; j < count; ++j) names.push_back(stem + std::to_string(j));
  return names;
}

// Labels that hang together, and probabilities that are a fair guess of each.
Result<Table> drawn_rows(Stream& stream, std::int64_t rows, std::size_t labels, const std::string& id) {
  std::vector<std::vector<double>> o(labels);
  std::vector<std::vector<std::int64_t>> y(labels);
  std::vector<std::string> ids;
  for (std::int64_t i = 0; i < rows; ++i) {
    const double shared = stream.uniform();
    for (std::size_t j = 0; j < labels; ++j) {
      const double own = stream.uniform();
      const double p = 0.5 * shared * shared + 0.5 * own;
      const double seen = stream.uniform();
      o[j].push_back(0.8 * p + 0.2 * seen);
      y[j].push_back(stream.bernoulli(p) ? 1 : 0);
    }
    ids.push_back(id + std::to_string(i));
  }
  TableBuilder builder;
  builder.text("id", std::move(ids));
  for (std::size_t j = 0; j < labels; ++j) builder.real("p_" + std::to_string(j), std::move(o[j]));
  for (std::size_t j = 0; j < labels; ++j) builder.integer("l" + std::to_string(j), std::move(y[j]));
  PLIMSOLL_TRY(const Table table, builder.build());
  return table.with_roles({{"id", {"id"}}, {"probability", named("p_", labels)}, {"label", named("l", labels)}});
}

Table without_truth(const Table& table) {
  Roles roles = table.roles();
  roles.erase("label");
  return table.with_roles(roles);
}

Result<std::int64_t> covered(const Table& fresh, const Table& sets) {
  PLIMSOLL_TRY(const std::vector<std::string> keys, sets.texts("id"));
  PLIMSOLL_TRY(const std::vector<std::vector<std::string>> listed, sets.text_lists("labels"));
  PLIMSOLL_TRY(const std::vector<std::string> ids, fresh.texts("id"));
  std::vector<std::vector<std::string>> truth(ids.size());
  for (std::size_t j = 0; j < prove_labels; ++j) {
    const std::string name = "l" + std::to_string(j);
    PLIMSOLL_TRY(const std::vector<std::int64_t> y, fresh.integers(name));
    for (std::size_t i = 0; i < y.size(); ++i)
      if (y[i] == 1) truth[i].push_back(name);
  }
  std::int64_t count = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    bool found = false;
    for (; at < keys.size() && keys[at] == ids[i]; ++at) found = found || listed[at] == truth[i];
    count += found ? 1 : 0;
  }
  return count;
}

}  // namespace

Result<Evidence> prove(Context& outer, const Subject& subject, const ProveOptions& options) {
  const std::int64_t redraws = options.size == ProveSize::quick ? 600 : options.size == ProveSize::normal ? 12'000 : 60'000;
  Params params;
  PLIMSOLL_TRY(const stats::ConformalRank rank, stats::conformal_rank(calibration_rows, params.alpha[0]));
  PLIMSOLL_TRY(const stats::CountLaw one, stats::CountLaw::covered(calibration_rows, rank.k, fresh_rows));
  PLIMSOLL_TRY(const stats::CountLaw violated, stats::CountLaw::covered(calibration_rows, rank.k - 1, fresh_rows));
  const stats::CountLaw law = one.times(redraws);
  const stats::CountInterval band = law.band(false_alarm / 2);
  const Stream root = outer.rng.child("conformal.multilabel prove");
  std::int64_t total = 0;
  for (std::int64_t redraw = 0; redraw < redraws; ++redraw) {
    PLIMSOLL_CHECK(outer.stop.check());
    Context context = outer;
    context.rng = root.child(static_cast<std::uint64_t>(redraw));
    context.warn = [](std::string) {};
    Stream rows = context.rng.child("rows");
    PLIMSOLL_TRY(Table calibration, drawn_rows(rows, calibration_rows, prove_labels, "c"));
    PLIMSOLL_TRY(const Table fresh, drawn_rows(rows, fresh_rows, prove_labels, "n"));
    params.measure = redraw % 2 == 0 ? Measure::euclidean : Measure::nll;
    PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, Inputs{std::move(calibration), std::nullopt}, params)));
    PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, ApplyInputs{without_truth(fresh)}, Options{})));
    PLIMSOLL_TRY(const std::int64_t hits, covered(fresh, outputs.sets));
    total += hits;
  }
  const auto share = [&](std::int64_t count) { return static_cast<double>(count) / static_cast<double>(redraws * fresh_rows); };
  Evidence evidence;
  evidence.claim = "The true label-set is among those listed for k/(n+1) of exchangeable rows";
  evidence.level = static_cast<double>(rank.k) / static_cast<double>(calibration_rows + 1);
  evidence.observed = share(total);
  evidence.low = share(band.lo);
  evidence.high = share(band.hi);
  evidence.trials = redraws * fresh_rows;
  evidence.seed = options.seed;
  evidence.false_alarm = false_alarm;
  evidence.passed = band.contains(total);
  evidence.detects = "rank one too low";
  evidence.figures["power"] = 1 - violated.times(redraws).within(band.lo, band.hi);
  return evidence;
}

Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows) {
  constexpr std::size_t labels = 5;
  const Stream root = Stream(seed).child("conformal.multilabel example");
  Stream stream = root.child(verb == Verb::fit ? "fit" : "new");
  PLIMSOLL_TRY(Table table, drawn_rows(stream, rows, labels, verb == Verb::fit ? "c" : "n"));
  if (verb == Verb::fit) return Example::of(Inputs{std::move(table), std::nullopt}, Params{});
  if (verb == Verb::apply) return Example::of(ApplyInputs{without_truth(table)}, Options{});
  if (verb != Verb::assess) return Error(ErrorCode::wrong_kind, "conformal.multilabel has no example for this verb", "Ask for fit, apply or assess.").in_parameter("verb");
  Stream past = root.child("fit");
  PLIMSOLL_TRY(Table calibration, drawn_rows(past, 200, labels, "c"));
  PLIMSOLL_TRY(Model model, fit(context, Inputs{std::move(calibration), std::nullopt}, Params{}));
  PLIMSOLL_TRY(Certificate certificate, certify(model));
  Artifact::Provenance provenance;
  provenance.method = "conformal.multilabel";
  provenance.engine = std::string(engine_version());
  provenance.seed = context.rng.seed();
  provenance.parameters = "{}";
  return Example::of(AssessInputs{std::make_shared<const Artifact>(std::move(provenance), std::move(certificate), true, Box::of(std::move(model))), std::move(table)}, AssessParams{});
}

}  // namespace plimsoll::conformal::multilabel

// SPDX-License-Identifier: Apache-2.0
// The experiment behind the promise, and questions whose truth is known. A finite population of questions is drawn once; every redraw
// takes rows from it with replacement, fits, and applies the frozen policy to the whole population, so its true risk is a count, not an
// estimate. How often it lies above rho is stochastically at most Binomial(redraws, delta). Joint and selective risks in turn. The
// logits are too sure of themselves, as published models are; the same thresholds without a certificate break rho nearly always, which
// is shown and not tested.

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "engine/artifact.h"
#include "engine/door.h"
#include "engine/subject.h"
#include "methods/conformal/abstain/abstain.h"
#include "stats/distributions.h"
#include "stats/intervals.h"

namespace plimsoll::conformal::abstain {
namespace {

constexpr double false_alarm = 1e-6;
constexpr std::int64_t population_rows = 600;
constexpr std::int64_t learning_rows = 600;
constexpr std::size_t option_count = 6;

// Six options as the published benchmark has them: four real ones, then two that are never right; noise, and a truth that stands out.
Result<Table> questions(Stream stream, std::int64_t rows, double scale, const std::string& id) {
  std::array<std::vector<double>, option_count> z;
  std::vector<std::string> answer, ids;
  constexpr std::array<const char*, option_count> letters = {"A", "B", "C", "D", "E", "F"};
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto truth = static_cast<std::size_t>(stream.below(4));
    for (std::size_t k = 0; k < option_count; ++k) {
      double value = stream.normal() + (k >= 4 ? -1.5 : 0);
      if (k == truth) value += scale * stream.gamma(2);
      z[k].push_back(1.3 * value);
    }
    answer.emplace_back(letters[truth]);
    ids.push_back(id + std::to_string(i));
  }
  TableBuilder builder;
  Roles roles = {{"target", {"answer"}}};
  if (!id.empty()) {
    builder.text("id", std::move(ids));
    roles["id"] = {"id"};
  }
  for (std::size_t k = 0; k < option_count; ++k) {
    roles["logit"].push_back(std::string("z_") + letters[k]);
    builder.real(roles["logit"].back(), std::move(z[k]));
  }
  builder.text("answer", std::move(answer));
  PLIMSOLL_TRY(const Table table, builder.build());
  return table.with_roles(std::move(roles));
}

struct Truth {
  double joint = 0, selective = 0, answered = 0;
};

Truth truth_of(const Table& answers, const std::vector<std::string>& right) {
  const auto given = answers.text_lists("answer").value();
  Truth truth;
  double misses = 0;
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (given[i].empty()) continue;
    truth.answered += 1;
    misses += std::find(given[i].begin(), given[i].end(), right[i]) != given[i].end() ? 0 : 1;
  }
  truth.joint = misses / static_cast<double>(given.size());
  truth.selective = truth.answered > 0 ? misses / truth.answered : 0;
  truth.answered /= static_cast<double>(given.size());
  return truth;
}

struct Seen {
  std::int64_t redraws = 0;
  std::int64_t violations = 0, certified = 0;
  double answered = 0;
};

Result<Seen> redraw_all(Context& outer, const Subject& subject, const Params& params, const Table& population, std::int64_t redraws) {
  Seen seen;
  seen.redraws = redraws;
  PLIMSOLL_TRY(const std::vector<std::string> right, population.texts("answer"));
  const Table fresh = population.with_roles({{"logit", population.roles().at("logit")}});
  const Stream root = outer.rng.child(params.mode == Mode::paper ? "paper" : choices_of(params.risk)[static_cast<std::size_t>(params.risk)]);
  for (std::int64_t redraw = 0; redraw < redraws; ++redraw) {
    PLIMSOLL_CHECK(outer.stop.check());
    Context context = outer;
    context.rng = root.child(static_cast<std::uint64_t>(redraw));
    context.warn = [](std::string) {};
    context.tally = [](std::string, std::int64_t) {};
    Stream pick = context.rng.child("rows");
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < learning_rows; ++i) rows.push_back(static_cast<std::int64_t>(pick.below(population_rows)));
    const Inputs inputs{population.take(rows).with_first_row(0), std::nullopt, std::nullopt, std::nullopt};
    PLIMSOLL_TRY(const Model model, (subject.fit<Model>(context, inputs, params)));
    PLIMSOLL_TRY(const Outputs outputs, (subject.apply<Outputs>(context, model, ApplyInputs{fresh, std::nullopt}, Options{})));
    const Truth truth = truth_of(outputs.rows, right);
    seen.violations += (params.risk == Risk::joint ? truth.joint : truth.selective) > params.rho * (1 + 1e-12) ? 1 : 0;
    seen.certified += model.policies.front().certified ? 1 : 0;
    seen.answered += truth.answered / static_cast<double>(redraws);
  }
  return seen;
}

bool within_delta(const Seen& seen, double delta) { return stats::binomial_sf(seen.violations - 1, seen.redraws, delta) > false_alarm / 2; }

}  // namespace

Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& prove_options) {
  const std::int64_t redraws = prove_options.size == ProveSize::quick ? 300 : prove_options.size == ProveSize::normal ? 8'000 : 40'000;
  PLIMSOLL_TRY(const Table population, questions(context.rng.child("population"), population_rows, 0.9, ""));
  // Sets of a lower coverage than the default box has, so that the learned policy is above rho and the tests decide where to stop.
  Params params;
  params.beta_low = 0.15;
  params.beta_high = 0.25;
  Params published = params;
  published.mode = Mode::paper;
  PLIMSOLL_TRY(const Seen joint, redraw_all(context, subject, params, population, redraws));
  params.risk = Risk::selective;
  params.rho = 0.16;
  PLIMSOLL_TRY(const Seen selective, redraw_all(context, subject, params, population, redraws));
  PLIMSOLL_TRY(const Seen paper, redraw_all(context, subject, published, population, redraws / 10));
  const Seen& shown = within_delta(joint, params.delta) ? selective : joint;
  const auto share = [](std::int64_t count, const Seen& seen) { return static_cast<double>(count) / static_cast<double>(seen.redraws); };
  Evidence evidence;
  evidence.claim = "A certified policy's true risk is above rho in at most delta of all certifications";
  evidence.level = params.delta;
  evidence.observed = share(shown.violations, shown);
  evidence.low = stats::clopper_pearson_lower(shown.violations, redraws, 1 - false_alarm / 2);
  evidence.high = 1;
  evidence.trials = 2 * redraws;
  evidence.seed = prove_options.seed;
  evidence.false_alarm = false_alarm;
  evidence.detects = "a joint risk certified five steps too boldly; a selective risk certified ten steps too boldly";
  evidence.passed = within_delta(joint, params.delta) && within_delta(selective, params.delta);
  evidence.figures = {{"violations_joint", share(joint.violations, joint)}, {"violations_selective", share(selective.violations, selective)}, {"violations_uncertified", share(paper.violations, paper)}, {"answered_joint", joint.answered}, {"answered_selective", selective.answered}, {"certified_joint", share(joint.certified, joint)}, {"certified_selective", share(selective.certified, selective)}};
  return evidence;
}

Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows) {
  const Stream root = Stream(seed).child("conformal.abstain example");
  PLIMSOLL_TRY(const Table learned, questions(root.child("learned"), rows, 1.2, "c"));
  PLIMSOLL_TRY(const Table fresh, questions(root.child("new"), rows, 1.2, "n"));
  const Inputs inputs{learned, std::nullopt, std::nullopt, std::nullopt};
  if (verb == Verb::fit) return Example::of(inputs, Params{});
  if (verb == Verb::apply) {
    Roles roles = fresh.roles();
    roles.erase("target");
    return Example::of(ApplyInputs{fresh.with_roles(std::move(roles)), std::nullopt}, Options{});
  }
  if (verb != Verb::assess) return Error(ErrorCode::wrong_kind, "conformal.abstain has no example for this verb", "Ask for fit, apply or assess.").in_parameter("verb");
  PLIMSOLL_TRY(Model model, fit(context, inputs, Params{}));
  PLIMSOLL_TRY(Certificate certificate, certify(model));
  Artifact::Provenance provenance;
  provenance.method = "conformal.abstain";
  provenance.engine = std::string(engine_version());
  provenance.seed = context.rng.seed();
  provenance.parameters = "{}";
  return Example::of(AssessInputs{std::make_shared<const Artifact>(std::move(provenance), std::move(certificate), true, Box::of(std::move(model))), fresh, std::nullopt}, AssessParams{});
}

}  // namespace plimsoll::conformal::abstain

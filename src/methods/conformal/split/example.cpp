// SPDX-License-Identifier: Apache-2.0
// Rows whose truth is known: class probabilities drawn from a Dirichlet law, the label drawn from those very probabilities, so
// that the best sets and their coverage are known.

#include "engine/artifact.h"
#include "learn/known_truth.h"
#include "methods/conformal/split/split.h"

namespace plimsoll::conformal::split {
namespace {

Result<ArtifactPort> example_model(Context& context, const Table& data) {
  Inputs inputs;
  inputs.data = data;
  const Params params;
  PLIMSOLL_TRY(State state, start(context, params));
  PLIMSOLL_CHECK(update(context, state, inputs));
  PLIMSOLL_TRY(auto finished, finish(context, std::move(state), params));
  if (finished.index() != 0) return Error(ErrorCode::internal, "the example's calibration asks for a second pass", "Report this.");
  Model model = std::get<0>(std::move(finished));
  PLIMSOLL_TRY(Certificate certificate, certify(model));
  Artifact::Provenance provenance;
  provenance.method = "conformal.split";
  provenance.engine = std::string(engine_version());
  provenance.seed = context.rng.seed();
  provenance.parameters = "{}";
  return ArtifactPort(std::make_shared<const Artifact>(std::move(provenance), std::move(certificate), true, Box::of(std::move(model))));
}

Table without_target(const Table& table) {
  Roles roles = table.roles();
  roles.erase("target");
  return table.with_roles(std::move(roles));
}

}  // namespace

Result<Table> example_rows(std::uint64_t seed, std::uint64_t part, std::int64_t rows) {
  Stream stream = Stream(seed).child("conformal.split example").child(part);
  return learn::dirichlet_rows(stream, rows, part == 0 ? "c" : "n");
}

Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows) {
  PLIMSOLL_TRY(const Table calibration, example_rows(seed, 0, rows));
  PLIMSOLL_TRY(const Table fresh, example_rows(seed, 1, rows));
  switch (verb) {
    case Verb::fit: return Example::of(Inputs{calibration, std::nullopt}, Params{});
    case Verb::apply: return Example::of(ApplyInputs{without_target(fresh)}, Options{});
    case Verb::report: return Example::of(ReportInputs{fresh});
    case Verb::assess: {
      PLIMSOLL_TRY(const ArtifactPort model, example_model(context, calibration));
      return Example::of(AssessInputs{model, fresh}, AssessParams{});
    }
    case Verb::verify: {
      PLIMSOLL_TRY(const ArtifactPort model, example_model(context, calibration));
      return Example::of(VerifyInputs{model, calibration});
    }
    default: return Error(ErrorCode::wrong_kind, "conformal.split has no example for this verb", "Ask for fit, apply, report, assess or verify.").in_parameter("verb");
  }
}

}  // namespace plimsoll::conformal::split

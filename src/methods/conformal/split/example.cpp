// SPDX-License-Identifier: Apache-2.0
// Rows whose truth is known: class probabilities drawn from a Dirichlet law, the label drawn from those very probabilities, so
// that the best sets and their coverage are known.

#include <array>

#include "engine/artifact.h"
#include "methods/conformal/split/split.h"

namespace plimsoll::conformal::split {
namespace {

constexpr std::array<const char*, 3> example_classes = {"low", "medium", "high"};

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
  const auto count = static_cast<std::size_t>(rows);
  std::array<std::vector<double>, 3> p;
  for (auto& column : p) column.resize(count);
  std::vector<std::string> ids;
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < count; ++i) {
    std::array<double, 3> mass{};
    double sum = 0;
    for (double& m : mass) {
      m = stream.gamma(0.5);
      sum += m;
    }
    for (std::size_t c = 0; c < 3; ++c) p[c][i] = mass[c] / sum;
    const double u = stream.uniform();
    std::size_t label = 0;
    for (double reached = p[0][i]; label < 2 && u >= reached; reached += p[label][i]) ++label;
    labels.emplace_back(example_classes[label]);
    ids.push_back((part == 0 ? "c" : "n") + std::to_string(i));
  }
  TableBuilder builder;
  builder.text("id", std::move(ids));
  for (std::size_t c = 0; c < 3; ++c) builder.real(std::string("p_") + example_classes[c], std::move(p[c]));
  builder.text("y", std::move(labels));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles({{"target", {"y"}}, {"probability", {"p_low", "p_medium", "p_high"}}, {"id", {"id"}}});
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

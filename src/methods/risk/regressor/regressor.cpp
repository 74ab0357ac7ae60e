// SPDX-License-Identifier: Apache-2.0
// risk.regressor: learn a number, guarantee an interval around it. The parts: fit, predict (intervals, apply), certify (the
// promise), diagnose and draw (the report), prove (the experiment), describe (parameters, state).

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/artifact.h"
#include "methods/risk/regressor/regressor.h"

namespace plimsoll::risk::regressor {
namespace {

constexpr std::array<RoleInfo, 4> labelled_roles{{
    {"target", "column of true outcomes", true, false},
    {"weight", "row weights, 0 or more", false, false},
    {"group", "columns whose groups the report tells apart", false, true},
    {"id", "columns that name a row", false, true},
}};
constexpr std::array<RoleInfo, 4> shown_roles{{
    {"target", "column of true outcomes; default: the column learned from", false, false},
    {"weight", "row weights, 0 or more", false, false},
    {"group", "columns whose groups the report tells apart", false, true},
    {"id", "columns that name a row", false, true},
}};

struct Shown {
  std::optional<Table> rows;
};
void describe(Fields& f, Shown& shown) { f(PortInfo{"rows", "labelled rows with their features; default: the rows held out by fit", shown_roles}, shown.rows); }

struct Audit {
  ArtifactPort model;
  Table data;
};
void describe(Fields& f, Audit& audit) {
  f(PortInfo{"data", "labelled rows that the model did not learn from", labelled_roles}, audit.data);
  f(PortInfo{"model", "a fitted model", {}, "risk.regressor"}, audit.model);
}

Result<Report> report(Context& context, const Model& model, const Shown& shown) {
  PLIMSOLL_CHECK(check_model(model));
  PLIMSOLL_TRY(const Certificate promise, certify(model));
  if (!shown.rows) return draw(model, promise, model.held_out);
  Table table = *shown.rows;
  if (!table.roles().contains("target")) {
    Roles roles = table.roles();
    roles["target"] = {model.target};
    table = table.with_roles(std::move(roles));
  }
  PLIMSOLL_TRY(const Diagnostics d, diagnose_test(context, model, table));
  return draw(model, promise, d);
}

Result<Report> assess(Context& context, const Audit& audit, const Empty&) {
  if (!audit.model) return Error(ErrorCode::missing_input, "assess needs a fitted model", "Give an artifact with --model").in_parameter("model");
  if (audit.model->provenance().method != "risk.regressor")
    return Error(ErrorCode::wrong_kind, "the model is one of " + audit.model->provenance().method, "Give an artifact of risk.regressor").in_parameter("model");
  const Model& model = audit.model->model().as<Model>();
  PLIMSOLL_CHECK(check_model(model));
  PLIMSOLL_TRY(const Certificate promise, certify(model));
  PLIMSOLL_TRY(const Diagnostics d, diagnose_test(context, model, audit.data));
  return draw(model, promise, d);
}

// Costs of repairs whose law is known: cost = 300 + 40 age + 200 [large] + noise whose spread grows with age.
Result<Table> repairs(std::uint64_t seed, std::int64_t rows, std::uint64_t part) {
  Stream stream = Stream(seed).child("risk.regressor.example").child(part);
  std::vector<double> age, distance, cost;
  std::vector<std::int32_t> size;
  std::vector<std::int64_t> id;
  for (std::int64_t i = 0; i < rows; ++i) {
    age.push_back(20 * stream.uniform());
    distance.push_back(stream.exponential());
    size.push_back(static_cast<std::int32_t>(stream.below(3)));
    const double noise = stream.normal();
    cost.push_back(300 + 40 * age.back() + 200 * (size.back() == 2 ? 1 : 0) + (20 + 10 * age.back()) * noise);
    id.push_back(i);
  }
  TableBuilder builder;
  builder.integer("case", std::move(id)).real("age", std::move(age)).real("distance", std::move(distance)).category("size", std::move(size), {"small", "middle", "large"}).real("cost", std::move(cost));
  return std::move(builder).build();
}

Roles repair_roles() { return {{"target", {"cost"}}, {"id", {"case"}}, {"group", {"size"}}}; }

Params example_params() {
  Params params;
  params.trees.options.rounds = 15;
  params.trees.options.max_depth = 3;
  params.small_n = SmallSample::infinite;
  params.share_learning = 0.5;
  params.share_spread = 0.2;
  return params;
}

Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows) {
  if (verb == Verb::fit) {
    PLIMSOLL_TRY(const Table data, repairs(seed, rows, 1));
    Inputs inputs;
    inputs.data = data.with_roles(repair_roles());
    return Example::of(std::move(inputs), example_params());
  }
  PLIMSOLL_TRY(const Table data, repairs(seed, rows, 2));
  if (verb == Verb::apply) return Example::of(Cases{data.without({"cost"}).with_roles({{"id", {"case"}}})}, Options{});
  if (verb == Verb::report) return Example::of(Shown{data.with_roles(repair_roles())});
  if (verb == Verb::assess) {
    PLIMSOLL_TRY(const Table past, repairs(seed, std::max<std::int64_t>(rows, 200), 1));
    Inputs inputs;
    inputs.data = past.with_roles(repair_roles());
    PLIMSOLL_TRY(Model model, fit(context, inputs, example_params()));
    PLIMSOLL_TRY(Certificate promise, certify(model));
    Artifact::Provenance provenance;
    provenance.method = "risk.regressor";
    provenance.engine = engine_version();
    Audit audit;
    audit.data = data.with_roles(repair_roles());
    audit.model = std::make_shared<const Artifact>(std::move(provenance), std::move(promise), true, Box::of(std::move(model)));
    return Example::of(std::move(audit), Empty{});
  }
  return Error(ErrorCode::bad_parameter, "risk.regressor has no example for " + std::string(name_of(verb)), "Ask for fit, apply, assess or report");
}

}  // namespace

extern constinit const Method entry;
constinit const Method entry = method("risk.regressor")
                                   .fit<&fit>(Law::B)
                                   .apply<&apply>(Rows::independent)
                                   .assess<&assess>()
                                   .certify<&certify>()
                                   .report<&report>()
                                   .example<&example>()
                                   .prove<&prove>()
                                   .check<&check>();

}  // namespace plimsoll::risk::regressor

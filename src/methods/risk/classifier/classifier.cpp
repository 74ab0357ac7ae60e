// SPDX-License-Identifier: Apache-2.0
// risk.classifier: learn a risk, calibrate it, guarantee sets, decide. The parts: labels, parts (which rows serve which purpose),
// fit, predict, apply, decide (costs), certify (the promise), diagnostics and draw (the report), experiment (prove).

#include <array>

#include "engine/artifact.h"
#include "learn/loan_book.h"
#include "methods/risk/classifier/draw.h"
#include "methods/risk/classifier/experiment.h"
#include "methods/risk/classifier/held_out.h"
#include "methods/risk/classifier/model.h"

namespace plimsoll::risk::classifier {
namespace {

constexpr std::array<RoleInfo, 4> labelled_roles{{
    {"target", "column of true classes", true, false},
    {"weight", "row weights, 0 or more", false, false},
    {"group", "columns whose groups the report tells apart", false, true},
    {"id", "columns that name a row", false, true},
}};
constexpr std::array<RoleInfo, 4> scored_roles{{
    {"target", "column of true classes; default: the column learned from", false, false},
    {"weight", "row weights, 0 or more", false, false},
    {"group", "columns whose groups the report tells apart", false, true},
    {"id", "columns that name a row", false, true},
}};

struct Shown {
  std::optional<Table> scored;
};
void describe(Fields& f, Shown& shown) { f(PortInfo{"scored", "rows that apply scored, or labelled rows; default: the rows held out by fit", scored_roles}, shown.scored); }

struct Audit {
  ArtifactPort model;
  Table data;
};
void describe(Fields& f, Audit& audit) {
  f(PortInfo{"data", "labelled rows that the model did not learn from", labelled_roles}, audit.data);
  f(PortInfo{"model", "a fitted model", {}, "risk.classifier"}, audit.model);
}

Result<Report> report(Context& context, const Model& model, const Shown& shown) {
  PLIMSOLL_CHECK(check_model(model));
  PLIMSOLL_TRY(const Certificate promise, certify(model));
  if (!shown.scored) return draw(model, promise, model.held_out);
  Table table = *shown.scored;
  if (!table.roles().contains("target")) {
    if (!table.has(model.target)) return draw_unlabelled(model, promise, table);
    Roles roles = table.roles();
    roles["target"] = {model.target};
    table = table.with_roles(std::move(roles));
  }
  PLIMSOLL_TRY(const Diagnostics d, is_scored(model, table) ? diagnose_scored(context, model, table) : diagnose_test(context, model, table));
  return draw(model, promise, d);
}

Result<Report> assess(Context& context, const Audit& audit, const Empty&) {
  if (!audit.model) return Error(ErrorCode::missing_input, "assess needs a fitted model", "Give an artifact with --model").in_parameter("model");
  if (audit.model->provenance().method != "risk.classifier")
    return Error(ErrorCode::wrong_kind, "the model is one of " + audit.model->provenance().method, "Give an artifact of risk.classifier").in_parameter("model");
  const Model& model = audit.model->model().as<Model>();
  PLIMSOLL_CHECK(check_model(model));
  PLIMSOLL_TRY(const Certificate promise, certify(model));
  PLIMSOLL_TRY(const Diagnostics d, diagnose_test(context, model, audit.data));
  return draw(model, promise, d);
}

Roles book_roles() { return {{"target", {"default"}}, {"id", {"application"}}, {"group", {"region"}}}; }

Result<Table> book_table(std::uint64_t seed, std::int64_t rows, int year) {
  PLIMSOLL_TRY(learn::LoanBook book, learn::make_loan_book(Stream(seed), rows, year));
  return book.table;
}

Params example_params() {
  Params params;
  params.trees.options.rounds = 20;
  params.trees.options.max_depth = 3;
  params.small_n = SmallSample::infinite;
  params.share_learning = 0.5;
  params.share_probability = 0.3;
  return params;
}

Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows) {
  if (verb == Verb::fit) {
    PLIMSOLL_TRY(const Table data, book_table(seed, rows, 1));
    Inputs inputs;
    inputs.data = data.with_roles(book_roles());
    return Example::of(std::move(inputs), example_params());
  }
  PLIMSOLL_TRY(const Table data, book_table(seed, rows, 2));
  if (verb == Verb::apply) {
    Cases cases;
    cases.data = data.without({"default"}).with_roles({{"id", {"application"}}});
    return Example::of(std::move(cases), Options{});
  }
  if (verb == Verb::report) return Example::of(Shown{data.with_roles(book_roles())});
  if (verb == Verb::assess) {
    PLIMSOLL_TRY(const Table past, book_table(seed, std::max<std::int64_t>(rows, 400), 1));
    Inputs inputs;
    inputs.data = past.with_roles(book_roles());
    PLIMSOLL_TRY(Model model, fit(context, inputs, example_params()));
    PLIMSOLL_TRY(Certificate promise, certify(model));
    Artifact::Provenance provenance;
    provenance.method = "risk.classifier";
    provenance.engine = engine_version();
    Audit audit;
    audit.data = data.with_roles(book_roles());
    audit.model = std::make_shared<const Artifact>(std::move(provenance), std::move(promise), true, Box::of(std::move(model)));
    return Example::of(std::move(audit), Empty{});
  }
  return Error(ErrorCode::bad_parameter, "risk.classifier has no example for " + std::string(name_of(verb)), "Ask for fit, apply, assess or report");
}

}  // namespace

extern constinit const Method entry;
constinit const Method entry = method("risk.classifier")
                                   .fit<&fit>(Law::B)
                                   .apply<&apply>(Rows::independent)
                                   .assess<&assess>()
                                   .certify<&certify>()
                                   .report<&report>()
                                   .example<&example>()
                                   .prove<&prove>()
                                   .check<&check>();

}  // namespace plimsoll::risk::classifier

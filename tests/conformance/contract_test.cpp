// SPDX-License-Identifier: Apache-2.0
// The tests that every method of the catalogue gets free (design: conformance).

#include <gtest/gtest.h>

#include "base/json.h"
#include "engine/partial_fit.h"
#include "engine/schema.h"
#include "table/interchange.h"
#include "tests/conformance/rig.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::rig {
namespace {

constexpr std::int64_t example_rows = 300;
constexpr std::int64_t many_rows = 9000;  // three blocks of 4,096: cuts inside and outside a block

class Contract : public testing::TestWithParam<const CatalogueLine*> {
 protected:
  const Method& method() const { return *GetParam()->entry; }

  // The example's apply on a fitted model (or on parameters alone).
  Result<Call> apply_call(std::int64_t rows) const {
    PLIMSOLL_TRY(Call call, call_of(method(), Verb::apply, seed, rows));
    if (method().has(Verb::fit)) {
      PLIMSOLL_TRY(const Call fitting, call_of(method(), Verb::fit, seed, rows));
      PLIMSOLL_TRY(call.model, fit(method(), fitting, {}));
    }
    return call;
  }
};

std::vector<const CatalogueLine*> lines() {
  std::vector<const CatalogueLine*> all;
  for (const CatalogueLine& line : catalogue_lines()) all.push_back(&line);
  return all;
}

std::string test_name(const testing::TestParamInfo<const CatalogueLine*>& info) {
  std::string name(info.param->id);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

std::string said(const Error& error) { return error.message(); }

void expect_equal(const std::map<std::string, std::string>& a, const std::map<std::string, std::string>& b, const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (const auto& [name, bytes] : a) {
    ASSERT_TRUE(b.contains(name)) << what << ": " << name;
    EXPECT_TRUE(bytes == b.at(name)) << what << ": '" << name << "' differs (" << bytes.size() << " and " << b.at(name).size() << " bytes)";
  }
}

TEST_P(Contract, HasTheRequiredParts) {
  EXPECT_EQ(method().id, GetParam()->id);
  EXPECT_NE(method().example_, nullptr) << "an example is required";
  EXPECT_NE(method().prove_, nullptr) << "a falsifiable experiment is required";
  EXPECT_TRUE(method().has(Verb::fit) || method().has(Verb::apply) || method().has(Verb::assess));
  EXPECT_FALSE(method().has(Verb::fit) && !method().has(Verb::apply) && !method().has(Verb::step)) << "a model that cannot be used";
}

TEST_P(Contract, CardSaysWhatWhenAndWhence) {
  const std::string_view card = GetParam()->card;
  EXPECT_GT(card.size(), 400u);
  for (const char* word : {"# ", "When", "not", "Source"}) EXPECT_NE(card.find(word), std::string_view::npos) << "the card lacks: " << word;
}

TEST_P(Contract, DefaultsAreValidAndParametersRoundTrip) {
  std::vector<const Type*> types = {method().fit_.params, method().assess_.params, method().apply_.options};
  if (!method().has(Verb::fit)) types.push_back(method().apply_.model);
  for (const Type* type : types) {
    if (!type) continue;
    const Schema schema = schema_of(*type);
    for (const FieldSchema& field : schema.fields) EXPECT_FALSE(field.help.empty()) << field.name;
    Box box(*type);
    const auto json = write_fields(box);
    ASSERT_TRUE(json.ok()) << said(json.error());
    if (std::any_of(schema.fields.begin(), schema.fields.end(), [](const FieldSchema& f) { return f.required; })) continue;
    std::vector<std::string> warnings;
    Box again(*type);
    const auto read = read_fields(json.value(), again, warnings);
    ASSERT_TRUE(read.ok()) << said(read.error());
    EXPECT_TRUE(warnings.empty());
    EXPECT_EQ(canonical_json(write_fields(again).value()), canonical_json(json.value()));
  }
}

TEST_P(Contract, EveryPortAndRoleIsExplained) {
  for (const Type* type : {method().fit_.inputs, method().apply_.inputs, method().assess_.inputs, method().verify_.inputs}) {
    if (!type) continue;
    for (const PortSchema& port : schema_of(*type).ports) {
      EXPECT_FALSE(port.help.empty()) << port.name;
      for (const RoleSchema& role : port.roles) EXPECT_FALSE(role.help.empty()) << port.name << "." << role.role;
    }
  }
}

TEST_P(Contract, SavedAndLoadedAppliesTheSame) {
  if (!method().has(Verb::fit) || !method().has(Verb::apply)) GTEST_SKIP() << "no fit with an apply";
  const auto call = apply_call(example_rows);
  ASSERT_TRUE(call.ok()) << said(call.error());
  const auto bytes = call.value().model->to_bytes();
  ASSERT_TRUE(bytes.ok()) << said(bytes.error());
  const auto loaded = Artifact::from_bytes(bytes.value(), "memory");
  ASSERT_TRUE(loaded.ok()) << said(loaded.error());
  EXPECT_TRUE(loaded.value()->to_bytes().value() == bytes.value()) << "saving again gives other bytes";
  Call again = call.value();
  again.model = loaded.value();
  const auto first = run_with(call.value(), {});
  const auto second = run_with(again, {});
  ASSERT_TRUE(first.ok()) << said(first.error());
  ASSERT_TRUE(second.ok()) << said(second.error());
  expect_equal(bytes_of(first.value()).value(), bytes_of(second.value()).value(), "loaded");
}

TEST_P(Contract, SameBytesAtAnyThreadsAndBatches) {
  const std::vector<Setting> settings = {{Backend::tbb, 2, 65536}, {Backend::tbb, 8, 1000}, {Backend::threads, 2, 1000}};
  if (method().has(Verb::fit)) {
    const auto call = call_of(method(), Verb::fit, seed, method().mergeable() ? many_rows : example_rows);
    ASSERT_TRUE(call.ok()) << said(call.error());
    const auto one = run_with(call.value(), {});
    ASSERT_TRUE(one.ok()) << said(one.error());
    for (const Setting& setting : settings) {
      const auto other = run_with(call.value(), setting);
      ASSERT_TRUE(other.ok()) << said(other.error());
      expect_equal(bytes_of(one.value()).value(), bytes_of(other.value()).value(), "fit at " + std::to_string(setting.threads) + " threads");
    }
  }
  if (!method().has(Verb::apply)) return;
  const auto call = apply_call(example_rows);
  ASSERT_TRUE(call.ok()) << said(call.error());
  const auto one = run_with(call.value(), {});
  ASSERT_TRUE(one.ok()) << said(one.error());
  for (const Setting& setting : {Setting{Backend::tbb, 2, 65536}, Setting{Backend::tbb, 8, 100}, Setting{Backend::serial, 1, 1}}) {
    const auto other = run_with(call.value(), setting);
    ASSERT_TRUE(other.ok()) << said(other.error());
    expect_equal(bytes_of(one.value()).value(), bytes_of(other.value()).value(), "apply in batches of " + std::to_string(setting.batch_rows));
  }
}

TEST_P(Contract, MergeableFitKeepsItsLaw) {
  if (!method().mergeable()) GTEST_SKIP() << "not mergeable";
  const auto call = call_of(method(), Verb::fit, seed, many_rows);
  ASSERT_TRUE(call.ok()) << said(call.error());
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = seed});
  const auto example = method().example_(workspace.context(), Verb::fit, seed, many_rows);
  ASSERT_TRUE(example.ok());
  Box params = example.value().params ? example.value().params : Box(*method().fit_.params);
  const auto whole = run_fit(workspace.context(), method(), example.value().inputs.get(), params.get());
  ASSERT_TRUE(whole.ok()) << said(whole.error());
  const auto text = canonical_json(write_fields(whole.value()).value());
  for (const int pieces : {2, 3}) {
    const auto cut = run_fit(workspace.context(), method(), example.value().inputs.get(), params.get(), 4096, pieces);
    ASSERT_TRUE(cut.ok()) << said(cut.error());
    EXPECT_EQ(canonical_json(write_fields(cut.value()).value()), text) << "merged from " << pieces << " pieces";
  }
  // As a stream, and, where no order counts, shuffled.
  const std::string primary = primary_name(method(), Verb::fit);
  const Table table = std::get<Table>(call.value().ports.at(primary));
  Call streamed = call.value();
  auto stream = std::shared_ptr<TableStream>(stream_of(table, 4096));
  stream->bind(table.roles());
  streamed.ports.insert_or_assign(primary, stream);
  const auto from_stream = run_with(streamed, {});
  ASSERT_TRUE(from_stream.ok()) << said(from_stream.error());
  EXPECT_EQ(canonical_json(write_fields(from_stream.value().artifact->model()).value()), text) << "from a stream";
  const bool keyed_by_row = table.roles().find("id") == table.roles().end();
  if (method().fit_.law != Law::A || keyed_by_row) return;
  std::vector<std::int64_t> order(static_cast<std::size_t>(table.rows()));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  Stream(7).shuffle(std::span(order));
  Call shuffled = call.value();
  shuffled.ports.insert_or_assign(primary, table.take(order).with_roles(table.roles()));
  const auto mixed = run_with(shuffled, {});
  ASSERT_TRUE(mixed.ok()) << said(mixed.error());
  EXPECT_EQ(canonical_json(write_fields(mixed.value().artifact->model()).value()), text) << "shuffled";
}

// What a cluster does: parts know only the bytes of the state that they start from, and merge in another order.
Result<std::string> fit_in_parts(const Method& method, const Call& call, const std::string& primary, bool numbered) {
  const Table table = std::get<Table>(call.ports.at(primary));
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = seed});
  PLIMSOLL_TRY(PartialFit fit, PartialFit::start(workspace.context(), std::string(method.id), call.parameters));
  const std::vector<std::int64_t> cuts = numbered ? std::vector<std::int64_t>{0, 4096, 8192, many_rows} : std::vector<std::int64_t>{0, 11, 2000, 6001, many_rows};
  while (true) {
    PLIMSOLL_TRY(const std::string begin, fit.to_bytes());
    for (std::size_t i = cuts.size() - 1; i > 0; --i) {
      std::map<std::string, PortValue> ports = i == 1 ? call.ports : std::map<std::string, PortValue>();
      ports.insert_or_assign(primary, table.slice(cuts[i - 1], cuts[i] - cuts[i - 1]).with_roles(table.roles()));
      PLIMSOLL_TRY(PartialFit part, PartialFit::from_bytes(begin));
      PLIMSOLL_CHECK(part.update(workspace.context(), ports, numbered ? cuts[i - 1] : unnumbered));
      PLIMSOLL_TRY(const std::string bytes, part.to_bytes());
      PLIMSOLL_TRY(part, PartialFit::from_bytes(bytes));
      if (i + 1 < cuts.size()) PLIMSOLL_CHECK(fit.merge(workspace.context(), part));
      else fit = std::move(part);
    }
    PLIMSOLL_TRY(const ArtifactPort artifact, fit.finish(workspace.context()));
    if (artifact) return artifact->to_bytes();
  }
}

TEST_P(Contract, PartsOnACluster) {
  if (!method().mergeable()) GTEST_SKIP() << "not mergeable";
  const auto call = call_of(method(), Verb::fit, seed, many_rows);
  ASSERT_TRUE(call.ok()) << said(call.error());
  const std::string primary = primary_name(method(), Verb::fit);
  const auto whole = run_with(call.value(), {});
  ASSERT_TRUE(whole.ok()) << said(whole.error());
  const std::string bytes = whole.value().artifact->to_bytes().value();
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = seed});
  const Roles roles = std::get<Table>(call.value().ports.at(primary)).roles();
  for (const bool numbered : {true, false}) {
    const auto allowed = check_cluster_fit(workspace.context(), std::string(method().id), call.value().parameters, roles, numbered);
    const auto parts = fit_in_parts(method(), call.value(), primary, numbered);
    ASSERT_EQ(parts.ok(), allowed.ok()) << (parts.ok() ? said(allowed.error()) : said(parts.error()));
    if (parts.ok()) {
      EXPECT_TRUE(parts.value() == bytes) << (numbered ? "parts that know their row numbers" : "parts without row numbers: does each row draw (draws_in_fit)?");
    }
  }
}

TEST_P(Contract, RowNumbersCountOnlyWhereRowsDraw) {
  if (!method().has(Verb::apply) || method().apply_.rows != Rows::independent) GTEST_SKIP() << "rows are not independent";
  const auto call = apply_call(example_rows);
  ASSERT_TRUE(call.ok()) << said(call.error());
  Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = seed});
  const std::string primary = primary_name(method(), Verb::apply);
  const Table table = std::get<Table>(call.value().ports.at(primary));
  if (!check_cluster_apply(workspace.context(), std::string(method().id), call.value().model, call.value().parameters, table.roles())) GTEST_SKIP() << "rows draw";
  Call moved = call.value();
  moved.ports.insert_or_assign(primary, table.slice(100, example_rows - 100));
  moved.ports.insert_or_assign(primary, std::get<Table>(moved.ports.at(primary)).with_first_row(1'000'003));
  Call plain = call.value();
  plain.ports.insert_or_assign(primary, table.slice(100, example_rows - 100).with_first_row(0));
  const auto first = run_with(plain, {});
  const auto second = run_with(moved, {});
  ASSERT_TRUE(first.ok()) << said(first.error());
  ASSERT_TRUE(second.ok()) << said(second.error());
  expect_equal(bytes_of(first.value()).value(), bytes_of(second.value()).value(), "other row numbers (a method whose rows draw says so: draws_in_apply)");
}

TEST_P(Contract, IndependentRowsApplyInPieces) {
  if (!method().has(Verb::apply) || method().apply_.rows != Rows::independent) GTEST_SKIP() << "rows are not independent";
  const auto call = apply_call(example_rows);
  ASSERT_TRUE(call.ok()) << said(call.error());
  const auto whole = run_with(call.value(), {});
  ASSERT_TRUE(whole.ok()) << said(whole.error());
  const std::string primary = primary_name(method(), Verb::apply);
  const Table table = std::get<Table>(call.value().ports.at(primary));
  std::map<std::string, std::vector<Table>> parts;
  for (std::int64_t at = 0; at < table.rows(); at += 77) {
    Call piece = call.value();
    piece.ports.insert_or_assign(primary, table.slice(at, 77));
    const auto reply = run_with(piece, {});
    ASSERT_TRUE(reply.ok()) << said(reply.error());
    for (const auto& [name, value] : reply.value().outputs)
      if (const auto* out = std::get_if<Table>(&value)) parts[name].push_back(*out);
  }
  Reply joined;
  for (auto& [name, tables] : parts) joined.outputs.insert_or_assign(name, Table::concatenate(tables).value());
  joined.values = whole.value().values;
  expect_equal(bytes_of(whole.value()).value(), bytes_of(joined).value(), "pieces");
}

TEST_P(Contract, BadInputGetsADeclaredError) {
  for (const Verb verb : {Verb::fit, Verb::apply, Verb::assess}) {
    if (!method().has(verb)) continue;
    auto call = verb == Verb::apply ? apply_call(60) : call_of(method(), verb, seed, 60);
    ASSERT_TRUE(call.ok()) << said(call.error());
    for (const Damage& damage : damages(method(), verb, call.value())) {
      const auto reply = run_with(damage.call, {});
      if (reply.ok()) continue;  // harmless to this method
      const Error& error = reply.error();
      EXPECT_NE(error.code, ErrorCode::internal) << name_of(verb) << ", " << damage.what << ": " << said(error);
      EXPECT_FALSE(error.what.empty() || error.mend.empty()) << name_of(verb) << ", " << damage.what << " has no mend: " << said(error);
    }
    Call unknown = call.value();
    unknown.ports.insert_or_assign("no_such_input", Table());
    EXPECT_EQ(run_with(unknown, {}).error().code, ErrorCode::bad_parameter);
  }
}

TEST_P(Contract, StopsWhenAsked) {
  for (const Verb verb : {Verb::fit, Verb::apply}) {
    if (!method().has(verb)) continue;
    auto call = verb == Verb::apply ? apply_call(example_rows) : call_of(method(), verb, seed, example_rows);
    ASSERT_TRUE(call.ok()) << said(call.error());
    Workspace workspace({.backend = Backend::serial, .threads = 1, .seed = seed});
    workspace.context().stop.request();
    const auto reply = run(workspace.context(), call.value());
    ASSERT_FALSE(reply.ok()) << name_of(verb) << " went on after a stop";
    EXPECT_EQ(reply.error().code, ErrorCode::cancelled) << name_of(verb) << ": " << said(reply.error());
  }
}

TEST_P(Contract, CertificateStandsWhereDeclared) {
  if (method().has(Verb::fit)) {
    const auto reply = run_with(call_of(method(), Verb::fit, seed, example_rows).value(), {});
    ASSERT_TRUE(reply.ok()) << said(reply.error());
    EXPECT_EQ(reply.value().artifact->certified(), method().certify_.of_model != nullptr);
    if (reply.value().artifact->certified()) {
      const Certificate& certificate = reply.value().artifact->certificate();
      EXPECT_FALSE(certificate.promise.empty());
      EXPECT_FALSE(certificate.assumptions.empty());
      EXPECT_FALSE(certificate.template_id.empty());
      EXPECT_GT(certificate.n, 0);
    }
  }
  if (method().has(Verb::apply) && method().certify_.of_outputs) {
    const auto reply = run_with(apply_call(example_rows).value(), {});
    ASSERT_TRUE(reply.ok()) << said(reply.error());
    ASSERT_TRUE(reply.value().certificate.has_value());
    EXPECT_FALSE(reply.value().certificate->promise.empty());
  }
}

TEST_P(Contract, HostileArtifactsAreRefused) {
  if (!method().has(Verb::fit)) GTEST_SKIP() << "no artifact";
  const auto reply = run_with(call_of(method(), Verb::fit, seed, 60).value(), {});
  ASSERT_TRUE(reply.ok()) << said(reply.error());
  const std::string bytes = reply.value().artifact->to_bytes().value();
  const std::size_t step = std::max<std::size_t>(1, bytes.size() / 200);
  for (std::size_t cut = 0; cut < bytes.size(); cut += step) EXPECT_FALSE(Artifact::from_bytes(std::string_view(bytes).substr(0, cut), "cut").ok()) << cut;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    const auto loaded = Artifact::from_bytes(changed, "changed");
    // A blank of the header's padding may change without harm; everything else is hashed.
    if (loaded.ok()) {
      EXPECT_TRUE(loaded.value()->to_bytes().value() == bytes) << at;
    }
  }
}

Result<Evidence> prove_quick(const Method& method, std::uint64_t prove_seed, const Subject* subject) {
  Workspace workspace({.backend = Backend::tbb, .threads = 2, .seed = prove_seed});
  Call call;
  call.verb = Verb::prove;
  call.method = method.id;
  call.parameters = canonical_json({{"seed", prove_seed}, {"size", "quick"}});
  call.subject = subject;
  PLIMSOLL_TRY(Reply reply, run(workspace.context(), call));
  return *std::move(reply.evidence);
}

TEST_P(Contract, ProvesItsClaimAndCatchesItsSpoiledForms) {
  const auto evidence = prove_quick(method(), 1, nullptr);
  ASSERT_TRUE(evidence.ok()) << said(evidence.error());
  EXPECT_TRUE(evidence.value().passed) << to_text(evidence.value());
  EXPECT_LE(evidence.value().false_alarm, 1e-6);
  EXPECT_FALSE(evidence.value().detects.empty());
  EXPECT_GT(evidence.value().trials, 0);
  int forms = 0;
  for (const SpoiledForm* form : SpoiledForm::all()) {
    if (form->method() != method().id) continue;
    ++forms;
    Subject spoiled(method());
    form->spoil(spoiled);
    const auto caught = prove_quick(method(), 1, &spoiled);
    ASSERT_TRUE(caught.ok()) << said(caught.error());
    EXPECT_FALSE(caught.value().passed) << "the spoiled form '" << form->what() << "' passes: " << to_text(caught.value());
  }
  EXPECT_GT(forms, 0) << "no spoiled form is registered";
}

TEST_P(Contract, AssessAndReportDraw) {
  if (!method().has(Verb::assess)) GTEST_SKIP() << "no assess";
  const auto call = call_of(method(), Verb::assess, seed, example_rows);
  ASSERT_TRUE(call.ok()) << said(call.error());
  const auto reply = run_with(call.value(), {});
  ASSERT_TRUE(reply.ok()) << said(reply.error());
  ASSERT_TRUE(reply.value().report.has_value());
  const auto html = to_html(*reply.value().report);
  ASSERT_TRUE(html.ok()) << said(html.error());
  EXPECT_LT(html.value().size(), std::size_t{1} << 20);
}

INSTANTIATE_TEST_SUITE_P(Catalogue, Contract, testing::ValuesIn(lines()), test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Contract);

}  // namespace
}  // namespace plimsoll::rig

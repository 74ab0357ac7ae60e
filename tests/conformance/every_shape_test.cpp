// SPDX-License-Identifier: Apache-2.0
// Each port kind and each row shape in one made-up method: that it compiles is most of the test.

#include <gtest/gtest.h>

#include "engine/artifact.h"
#include "engine/method.h"
#include "engine/port_walk.h"
#include "engine/schema.h"

namespace plimsoll::made_up::shapes {

enum class Mode { first, second };
std::span<const std::string_view> choices_of(Mode) {
  static constexpr std::array<std::string_view, 2> names = {"first", "second"};
  return names;
}

struct Part {
  double weight = 0.5;
};
void describe(Fields& f, Part& p) { f({"weight", "share", within(0, 1)}, p.weight); }

struct Params {
  double level = 0.9;
  std::int64_t rounds = 3;
  bool strict = false;
  std::string label = "none";
  Mode mode = Mode::first;
  std::vector<double> grid = {0.1, 0.2};
  std::vector<std::int64_t> sizes = {1};
  std::vector<std::string> names = {"a"};
  std::map<std::string, std::string> signs;
  Part part;
  std::vector<Part> parts;
  std::optional<Part> maybe;
};
void describe(Fields& f, Params& p) {
  f({"level", "level", between(0, 1)}, p.level);
  f({"rounds", "rounds", at_least(1)}, p.rounds);
  f({"strict", "strict"}, p.strict);
  f({"label", "label"}, p.label);
  f({"mode", "mode"}, p.mode);
  f({"grid", "grid", between(0, 1)}, p.grid);
  f({"sizes", "sizes"}, p.sizes);
  f({"names", "names"}, p.names);
  f({"signs", "signs"}, p.signs);
  f({"part", "one part"}, p.part);
  f({"parts", "parts"}, p.parts);
  f({"maybe", "a part or none"}, p.maybe);
}

constexpr std::array<RoleInfo, 2> roles = {RoleInfo{"target", "outcome", true, false}, RoleInfo{"feature", "features", false, true}};

struct Inputs {
  Table data;
  std::optional<Table> more;
  std::optional<Document> document;
  std::optional<Files> files;
  RasterPort raster;
  NetworkPort network;
  ArtifactPort artifact;
  EndpointPort endpoint;
  EnvironmentPort environment;
  std::optional<Report> report;
};
void describe(Fields& f, Inputs& in) {
  f({"data", "rows", roles}, in.data);
  f({"more", "more rows", roles}, in.more);
  f({"document", "a document"}, in.document);
  f({"files", "a folder"}, in.files);
  f({"raster", "a grid"}, in.raster);
  f({"network", "a network"}, in.network);
  f({"artifact", "a model", {}, "conformal.split"}, in.artifact);
  f({"endpoint", "a language model"}, in.endpoint);
  f({"environment", "a simulator"}, in.environment);
  f({"report", "a report"}, in.report);
}

struct Model {
  std::vector<double> numbers = {1, 2};
  std::vector<float> singles;
  std::vector<std::int64_t> wholes;
  std::vector<std::int32_t> codes;
  std::string bytes;
  ArtifactPort nested;
  Report summary;
};
void describe(Fields& f, Model& m) {
  f.tensor({"numbers", "numbers"}, m.numbers);
  f.tensor({"singles", "singles"}, m.singles);
  f.tensor({"wholes", "wholes"}, m.wholes);
  f.tensor({"codes", "codes"}, m.codes);
  f.blob({"bytes", "bytes"}, m.bytes);
  f({"nested", "an artifact in an artifact"}, m.nested);
  f({"summary", "a report in an artifact"}, m.summary);
}

struct Outputs {
  Table scored;
  std::int64_t chosen = 0;
};
void describe(Fields& f, Outputs& o) {
  f({"scored", "rows"}, o.scored);
  f({"chosen", "how many"}, o.chosen);
}

struct OnlineState { double sum = 0; };
void describe(Fields& f, OnlineState& s) { f({"sum", "sum", any_real()}, s.sum); }
struct Event { double value = 0; };
void describe(Fields& f, Event& e) { f({"value", "value"}, e.value); }

struct Partial { std::int64_t rows = 0; };
void describe(Fields& f, Partial& p) { f({"rows", "rows"}, p.rows); }

Result<Model> fit(Context&, const Inputs&, const Params&) { return Model{}; }
Result<Partial> start(Context&, const Params&) { return Partial{}; }
Result<void> update(Context&, Partial& p, const Inputs& in) { p.rows += in.data.rows(); return {}; }
Result<void> merge(Context&, Partial& a, const Partial& b) { a.rows += b.rows; return {}; }
Result<Finish<Model, Partial>> finish(Context&, Partial&&, const Params&) { return Finish<Model, Partial>(Model{}); }
Result<Outputs> apply(Context&, const Model&, const Inputs& in, const Part&) { return Outputs{in.data, 0}; }
Result<Report> assess(Context&, const Inputs&, const Params&) { return Report{}; }
Result<Event> step(Context&, const Model&, OnlineState& s, const Event& e) { s.sum += e.value; return Event{s.sum}; }
Result<Findings> verify(Context&, const Inputs&) { return Findings{}; }
Result<Certificate> certify(const Model&) { return Certificate{}; }
Result<Certificate> certify_outputs(const Model&, const Outputs&) { return Certificate{}; }
Result<Report> draw(Context&, const Model&, const Inputs&) { return Report{}; }
Result<Evidence> prove(Context&, const Subject&, const ProveOptions&) { return Evidence{}; }
Result<Example> example(Context&, Verb, std::uint64_t, std::int64_t) { return Example::of(Inputs{}, Params{}); }
Result<void> check(const Params&) { return {}; }

constinit const Method independent = method("made.independent").fit<&fit>(Law::A).apply<&apply>(Rows::independent).assess<&assess>()
    .step<&step>().verify<&verify>().certify<&certify>().report<&draw>().prove<&prove>().example<&example>().check<&check>();
constinit const Method grouped = method("made.grouped").mergeable_fit<&start, &update, &merge, &finish>(Law::B).apply<&apply>(Rows::grouped);
constinit const Method whole = method("made.whole").apply<&apply>(Rows::whole).certify_outputs<&certify_outputs>();

TEST(EveryShape, AllNinePortKindsAreSeen) {
  Box box(type_of<Inputs>);
  const auto ports = ports_of(box);
  ASSERT_EQ(ports.size(), 10u);
  std::set<PortKind> kinds;
  for (const BoundPort& port : ports) kinds.insert(port.slot.kind);
  EXPECT_EQ(kinds.size(), 9u);
  EXPECT_EQ(primary_table(ports)->name, "data");
}

TEST(EveryShape, AllVerbsAndRowShapes) {
  for (const Verb verb : {Verb::fit, Verb::apply, Verb::assess, Verb::step, Verb::verify, Verb::prove, Verb::report}) EXPECT_TRUE(independent.has(verb)) << name_of(verb);
  EXPECT_TRUE(grouped.mergeable());
  EXPECT_EQ(grouped.apply_.rows, Rows::grouped);
  EXPECT_EQ(whole.apply_.rows, Rows::whole);
  EXPECT_FALSE(whole.has(Verb::fit));
}

TEST(EveryShape, ModelsWithEveryBufferRoundTrip) {
  Model model;
  model.singles = {1.5F};
  model.wholes = {-7};
  model.codes = {3, 4};
  model.bytes = std::string("a\0b", 3);
  model.summary.title = "title";
  const auto state = write_state(type_of<Model>, &model);
  ASSERT_TRUE(state.ok()) << state.error().message();
  const auto read = read_state(type_of<Model>, state.value(), "memory");
  ASSERT_TRUE(read.ok()) << read.error().message();
  const auto& again = read.value().as<Model>();
  EXPECT_EQ(again.numbers, model.numbers);
  EXPECT_EQ(again.singles, model.singles);
  EXPECT_EQ(again.wholes, model.wholes);
  EXPECT_EQ(again.codes, model.codes);
  EXPECT_EQ(again.bytes, model.bytes);
  EXPECT_EQ(again.summary.title, "title");
}


}  // namespace plimsoll::made_up::shapes

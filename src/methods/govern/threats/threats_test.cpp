// SPDX-License-Identifier: Apache-2.0
#include "methods/govern/threats/threats.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/door.h"
#include "engine/workspace.h"
#include "tests/conformance/spoiled.h"

namespace plimsoll::govern::threats {
namespace {

void raise_percentiles(Report& report, double by) {
  for (auto& [name, value] : report.figures)
    if (name.starts_with("var_")) value *= by;
}

const SpoiledForm too_high{"govern.threats", "tail percentiles 2 % too high", [](Subject& subject) { subject.spoil_report([](Report& report) { raise_percentiles(report, 1.02); }); }};
// What the shortcut N times one severity makes of the 95th percentile at sigma = 1.
const SpoiledForm shortcut{"govern.threats", "one severity for all events of a year", [](Subject& subject) { subject.spoil_report([](Report& report) { raise_percentiles(report, 448927.0 / 334249.0); }); }};

Inputs sample() {
  Inputs inputs;
  inputs.register_table = sample_register().value();
  return inputs;
}

Result<Report> assessed(const Inputs& inputs, const Params& params, int threads = 1) {
  Workspace workspace({.backend = threads > 1 ? Backend::threads : Backend::serial, .threads = threads, .seed = 1});
  return assess(workspace.context(), inputs, params);
}

double figure(const Report& report, const std::string& name) {
  for (const auto& [key, value] : report.figures)
    if (key == name) return value;
  ADD_FAILURE() << "no figure " << name;
  return 0;
}

Params quick() {
  Params params;
  params.years = 40960;
  params.grid = 1 << 14;
  return params;
}

// Published with the sample register: mean 11,322,598 and standard deviation 7,934,093 (closed form); 95 % bands of 400,000
// simulated years.
TEST(GovernThreats, SampleRegisterMeetsPublishedFigures) {
  const auto report = assessed(sample(), quick());
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_NEAR(figure(report.value(), "mean"), 11322598, 1);
  EXPECT_NEAR(figure(report.value(), "sd"), 7934093, 1);
  EXPECT_GT(figure(report.value(), "var_0.95"), 26.10e6);
  EXPECT_LT(figure(report.value(), "var_0.95"), 26.27e6);
  EXPECT_GT(figure(report.value(), "var_0.99"), 36.83e6);
  EXPECT_LT(figure(report.value(), "var_0.99"), 37.32e6);
  EXPECT_NEAR(figure(report.value(), "var_0.999"), 56.9e6, 0.3e6);  // 4,000,000 years of another program: 56.98 million
  EXPECT_NEAR(figure(report.value(), "tvar_0.95"), 33.42e6, 0.2e6);
  EXPECT_NEAR(figure(report.value(), "tvar_0.99"), 46.32e6, 0.6e6);
  for (const char* at : {"0.95", "0.99", "0.999"}) {
    EXPECT_LE(figure(report.value(), std::string("var_low_") + at), figure(report.value(), std::string("var_") + at));
    EXPECT_GE(figure(report.value(), std::string("var_high_") + at), figure(report.value(), std::string("var_") + at));
    // Six standard errors around: the rank band holds with 95 %, thrice its width with far more.
    const double value = figure(report.value(), std::string("var_") + at), low = figure(report.value(), std::string("mc_low_") + at), high = figure(report.value(), std::string("mc_high_") + at);
    EXPECT_GT(value, low - 2 * (high - low));
    EXPECT_LT(value, high + 2 * (high - low));
  }
  EXPECT_TRUE(plimsoll::check(report.value()).ok());
}

TEST(GovernThreats, FinerGridsNarrowTheBounds) {
  Params params = quick();
  params.engine = Engine::exact;
  const Report coarse = assessed(sample(), params).value();
  params.grid = 1 << 16;
  const Report fine = assessed(sample(), params).value();
  EXPECT_LE(figure(coarse, "var_low_0.99"), figure(fine, "var_0.99"));
  EXPECT_GE(figure(coarse, "var_high_0.99"), figure(fine, "var_0.99"));
  EXPECT_LT(figure(fine, "var_high_0.99") - figure(fine, "var_low_0.99"), figure(coarse, "var_high_0.99") - figure(coarse, "var_low_0.99"));
  EXPECT_NEAR(figure(fine, "var_0.99"), figure(coarse, "var_0.99"), 1e-3 * figure(fine, "var_0.99"));
}

TEST(GovernThreats, SimulationDependsNeitherOnThreadsNorOnOrder) {
  Params params = quick();
  params.engine = Engine::mc;
  params.dependence = stats::Dependence::t;
  const Report one = assessed(sample(), params, 1).value();
  const Report eight = assessed(sample(), params, 8).value();
  Inputs turned = sample();
  turned.register_table = turned.register_table->take(std::vector<std::int64_t>{9, 3, 5, 0, 1, 8, 2, 4, 7, 6});
  const Report other = assessed(turned, params, 2).value();
  for (const char* name : {"mc_var_0.95", "mc_var_0.999", "mc_tvar_0.99"}) {
    EXPECT_EQ(figure(one, name), figure(eight, name));
    EXPECT_EQ(figure(one, name), figure(other, name));
  }
  Params alone = params;
  alone.dependence = stats::Dependence::none;
  EXPECT_GT(figure(one, "mc_var_0.999"), figure(assessed(sample(), alone).value(), "mc_var_0.999"));  // risks that strike together
}

// One risk, rate 2, loss 100 each: a control that halves the events saves 100 a year, one that takes a tenth of each loss 20.
TEST(GovernThreats, ControlsByHand) {
  Inputs inputs;
  inputs.register_table = TableBuilder().text("id", {"a"}).text("f", {"poisson"}).real("f1", {2}).text("s", {"fixed"}).real("s1", {100}).text("d", {"Misuse"}).build().value().with_roles(
      {{"id", {"id"}}, {"domain", {"d"}}, {"frequency", {"f"}}, {"frequency_1", {"f1"}}, {"severity", {"s"}}, {"severity_1", {"s1"}}});
  inputs.controls = TableBuilder().text("id", {"filter", "cap"}).text("risk", {"misuse", "*"}).real("cost", {40, 30}).real("ff", {0.5, 1}).real("sf", {1, 0.9}).build().value().with_roles(
      {{"id", {"id"}}, {"risk", {"risk"}}, {"cost", {"cost"}}, {"frequency_factor", {"ff"}}, {"severity_factor", {"sf"}}});
  const Taxonomy taxonomy = taxonomy_or_shipped(std::nullopt).value();
  Register book = read_register(*inputs.register_table, taxonomy, std::nullopt, Params{}).value();
  ASSERT_TRUE(read_controls(*inputs.controls, book).ok());
  Workspace workspace({.backend = Backend::serial});
  Quantified found;
  ASSERT_TRUE(value_controls(workspace.context(), book, Params{}, found).ok());
  ASSERT_EQ(found.controls.size(), 2U);
  EXPECT_NEAR(found.controls[0].less_loss, 100, 1e-9);
  EXPECT_NEAR(found.controls[0].value, 1.5, 1e-9);
  EXPECT_EQ(found.controls[0].chance, 1);
  EXPECT_NEAR(found.controls[1].less_loss, 20, 1e-9);
  EXPECT_EQ(found.controls[1].chance, 0);
  EXPECT_EQ(found.bundle, std::vector<std::string>{"filter"});
  EXPECT_TRUE(assessed(inputs, quick()).ok());
}

TEST(GovernThreats, IncidentsBecomeARegister) {
  Inputs inputs;
  inputs.incidents = TableBuilder().text("domain", {"Misuse", "misuse;privacy", "Privacy", "unheard of", "Misuse"}).real("loss", {10, 20, 5, 7, 30}).build().value().with_roles({{"label", {"domain"}}, {"amount", {"loss"}}});
  Params params = quick();
  params.exposure_years = 2;
  const auto report = assessed(inputs, params);
  ASSERT_TRUE(report.ok()) << report.error().message();
  // Misuse: (3 + 1/2) / 2 events of mean 20; privacy: (1 + 1/2) / 2 of 5.
  EXPECT_NEAR(figure(report.value(), "mean"), 1.75 * 20 + 0.75 * 5, 1e-9);
  EXPECT_EQ(figure(report.value(), "classified"), 4);
  // 133 of 133 classified says 97.3 % at least.
  inputs.incidents = TableBuilder().text("domain", std::vector<std::string>(133, "Misuse")).real("loss", std::vector<double>(133, 1.0)).build().value().with_roles({{"label", {"domain"}}, {"amount", {"loss"}}});
  EXPECT_NEAR(figure(assessed(inputs, params).value(), "classified_low"), 0.973, 5e-4);
}

TEST(GovernThreats, TextsBecomeARegister) {
  const Taxonomy taxonomy = taxonomy_or_shipped(std::nullopt).value();
  EXPECT_EQ(classify(taxonomy, "An indirect prompt injection in a web page").domain, "misuse");
  EXPECT_EQ(classify(taxonomy, "An indirect prompt injection in a web page").threat, "indirect prompt injection");
  EXPECT_EQ(classify(taxonomy, "Chat histories and personal data leaked.").domain, "privacy");
  EXPECT_EQ(classify(taxonomy, "There was no prompt injection.").domain, "");
  EXPECT_EQ(classify(taxonomy, "The biased coin").domain, "");  // "bias" is another word
  EXPECT_EQ(classify(taxonomy, "").domain, "");
  Inputs inputs;
  inputs.incidents = TableBuilder().text("what", {"a jailbreak", "deepfake video call", "rain"}).real("loss", {10, 30, 5}).build().value().with_roles({{"text", {"what"}}, {"amount", {"loss"}}});
  const auto report = assessed(inputs, quick());
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(figure(report.value(), "classified"), 2);
  EXPECT_NEAR(figure(report.value(), "mean"), 2.5 * 20, 1e-9);
  inputs.incidents = inputs.incidents->with_roles({{"amount", {"loss"}}});
  EXPECT_EQ(assessed(inputs, quick()).error().code, ErrorCode::missing_input);
}

TEST(GovernThreats, LossCategoriesOfOneEventAddUp) {
  Inputs inputs;
  inputs.register_table = TableBuilder().text("id", {"a", "a"}).text("f", {"fixed", ""}).real("f1", {1, 1}).text("s", {"fixed", "fixed"}).real("s1", {100, 50}).text("loss", {"legal", "reputation"}).real("p", {1, 0.5}).build().value().with_roles(
      {{"id", {"id"}}, {"frequency", {"f"}}, {"frequency_1", {"f1"}}, {"severity", {"s"}}, {"severity_1", {"s1"}}, {"loss", {"loss"}}, {"loss_probability", {"p"}}});
  const auto report = assessed(inputs, quick());
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_NEAR(figure(report.value(), "mean"), 125, 1e-9);
  EXPECT_NEAR(figure(report.value(), "sd"), 25, 1e-9);
  EXPECT_NEAR(figure(report.value(), "mc_var_0.9"), 150, 1e-9);
}

TEST(GovernThreats, ShippedTaxonomyHasNineDomainsAndFiftyThreeThreats) {
  const Taxonomy taxonomy = taxonomy_or_shipped(std::nullopt).value();
  EXPECT_EQ(taxonomy.version, "recon-1");
  ASSERT_EQ(taxonomy.domains.size(), 9U);
  std::vector<std::size_t> counts;
  for (const Domain& domain : taxonomy.domains) counts.push_back(domain.threats.size());
  EXPECT_EQ(counts, (std::vector<std::size_t>{8, 6, 6, 6, 6, 6, 5, 5, 5}));
  EXPECT_EQ(taxonomy.domain("SUPPLY CHAIN")->losses, (std::vector<std::string>{"confidentiality", "integrity", "availability"}));
  const Domain* of = nullptr;
  EXPECT_EQ(taxonomy.threat("Jailbreak", &of)->id, "misuse.3");
  EXPECT_EQ(of->id, "misuse");
}

TEST(GovernThreats, RefusesATaxonomyThatIsNone) {
  for (const char* text : {"version = \"1\"", "version = \"1\"\n[[domain]]\nid = \"a\"", "version = \"1\"\n[[domain]]\nid = \"a\"\nname = \"A\"\nlosses = [\"fun\"]",
                           "version = \"1\"\n[[domain]]\nid = \"a\"\nname = \"A\"\n[[domain]]\nid = \"a\"\nname = \"B\""}) {
    Inputs inputs = sample();
    inputs.taxonomy = parse_document(text, "toml", "mine.toml").value();
    const auto report = assessed(inputs, quick());
    ASSERT_FALSE(report.ok()) << text;
    EXPECT_EQ(report.error().code, ErrorCode::bad_document);
  }
}

struct Bad {
  const char* frequency;
  double f1, f2;
  const char* severity;
  double s1, s2, s3;
  ErrorCode code;
};

TEST(GovernThreats, BadRowsNameTheRiskAndTheField) {
  const std::vector<Bad> rows = {{"poisson", -1, 0, "fixed", 1, 0, 0, ErrorCode::bad_parameter},     {"negbin", 2, 0, "fixed", 1, 0, 0, ErrorCode::bad_parameter},
                                 {"bernoulli", 30, 0, "fixed", 1, 0, 0, ErrorCode::bad_parameter},   {"poisson", 1, 0, "lognormal", 1, 0, 0, ErrorCode::bad_parameter},
                                 {"poisson", 1, 0, "uniform", 5, 4, 0, ErrorCode::bad_parameter},    {"poisson", 1, 0, "pert", 1, 9, 5, ErrorCode::bad_parameter},
                                 {"weibull", 1, 0, "fixed", 1, 0, 0, ErrorCode::bad_value},          {"poisson", 1, 0, "cauchy", 1, 0, 0, ErrorCode::bad_value},
                                 {"incidents", 1, 0, "fixed", 1, 0, 0, ErrorCode::missing_input},    {"interval", 3, 1, "fixed", 1, 0, 0, ErrorCode::bad_parameter}};
  for (const Bad& bad : rows) {
    Inputs inputs;
    inputs.register_table = TableBuilder().text("id", {"good", "odd"}).text("f", {"poisson", bad.frequency}).real("f1", {1, bad.f1}).real("f2", {0, bad.f2}).text("s", {"fixed", bad.severity}).real("s1", {1, bad.s1}).real("s2", {0, bad.s2}).real("s3", {0, bad.s3}).build().value().with_roles(
        {{"id", {"id"}}, {"frequency", {"f"}}, {"frequency_1", {"f1"}}, {"frequency_2", {"f2"}}, {"severity", {"s"}}, {"severity_1", {"s1"}}, {"severity_2", {"s2"}}, {"severity_3", {"s3"}}});
    const auto report = assessed(inputs, quick());
    ASSERT_FALSE(report.ok()) << bad.frequency << " " << bad.severity;
    EXPECT_EQ(report.error().code, bad.code) << bad.frequency << " " << bad.severity;
    EXPECT_NE(report.error().what.find("odd"), std::string::npos);
    EXPECT_EQ(report.error().row, 1);
  }
  Inputs none;
  EXPECT_EQ(assessed(none, quick()).error().code, ErrorCode::missing_input);
  Inputs empty = sample();
  empty.register_table = empty.register_table->slice(0, 0);
  EXPECT_EQ(assessed(empty, quick()).error().code, ErrorCode::too_few_rows);
}

// A severity without a mean: quantiles stand, the mean is infinite and said to be.
TEST(GovernThreats, InfiniteMeansAreNamed) {
  Inputs inputs;
  inputs.register_table = TableBuilder().text("id", {"a"}).text("f", {"poisson"}).real("f1", {1}).text("s", {"pareto"}).real("s1", {1.2}).real("s2", {10}).build().value().with_roles(
      {{"id", {"id"}}, {"frequency", {"f"}}, {"frequency_1", {"f1"}}, {"severity", {"s"}}, {"severity_1", {"s1"}}, {"severity_2", {"s2"}}});
  const Taxonomy taxonomy = taxonomy_or_shipped(std::nullopt).value();
  const Register book = read_register(*inputs.register_table, taxonomy, std::nullopt, Params{}).value();
  ASSERT_FALSE(book.remarks.empty());
  EXPECT_EQ(book.remarks[0].subject, "a");
  EXPECT_TRUE(std::isinf(book.risks[0].law.mean()));
}

TEST(GovernThreats, AppetiteGivesTheVerdict) {
  Params params = quick();
  params.engine = Engine::exact;
  params.appetite = 50e6;
  EXPECT_EQ(assessed(sample(), params).value().verdict, "green");
  params.appetite = 30e6;
  EXPECT_EQ(assessed(sample(), params).value().verdict, "red");
  params.net = true;
  EXPECT_EQ(assessed(sample(), params).value().verdict, "green");
  params.limit = 10e6;
  params.retention = 20e6;
  const Report report = assessed(sample(), params).value();
  EXPECT_GT(figure(report, "layer"), 0);
}

}  // namespace
}  // namespace plimsoll::govern::threats

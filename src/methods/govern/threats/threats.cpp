// SPDX-License-Identifier: Apache-2.0
// govern.threats: Standardized Threat Taxonomy for AI Security, Governance, and Regulatory Compliance (2025, arXiv 2511.21901), and the
// money that a register of such threats may cost. Its law is the compound sum S = X_1 + ... + X_N with X drawn anew for each event,
// where the widely copied scripts multiply one severity by the count. Departures: the paper's 53 names were not at hand (recon-1 is a
// reconstruction, replaceable as a document); the quantification is our design. Parts: taxonomy, register, quantify, controls, crosswalk,
// report, prove.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

#include "engine/method.h"
#include "methods/govern/threats/threats.h"
#include "stats/intervals.h"

namespace plimsoll::govern::threats {
namespace {

constexpr std::array<RoleInfo, 18> register_roles{{
    {"id", "names a risk; rows of one id are its loss categories", false, false},
    {"domain", "domain of the taxonomy, by id or name", false, false},
    {"sub_threat", "threat of the taxonomy", false, false},
    {"text", "what the risk is, in words", false, false},
    {"frequency", "law of the events a year: poisson, negbin, binomial, bernoulli, fixed, interval, counts, incidents", true, false},
    {"frequency_1", "its first number: rate, r, n, p, low or events", false, false},
    {"frequency_2", "its second number: p, high or years", false, false},
    {"severity", "law of an event's loss: lognormal, lognormal_interval, lognormal_moments, pert, gamma, weibull, pareto, normal, triangular, uniform, fixed, incidents", true, false},
    {"severity_1", "its first number", false, false},
    {"severity_2", "its second number", false, false},
    {"severity_3", "its third number", false, false},
    {"cap", "the most that one event can cost", false, false},
    {"effectiveness", "share of the loss that controls in place take away", false, false},
    {"residual", "share that is left of the rest", false, false},
    {"control", "ids of controls that bear on the risk, parted by ;", false, false},
    {"loss", "loss category of the row", false, false},
    {"loss_probability", "chance that an event strikes this category", false, false},
    {"currency", "of the losses; one for all rows", false, false},
}};
constexpr std::array<RoleInfo, 7> control_roles{{
    {"id", "names a control", true, false},
    {"risk", "risks or domains that it bears on, parted by ;, or *", false, false},
    {"cost", "a year", false, false},
    {"frequency_factor", "share of the events that it leaves", false, false},
    {"severity_factor", "share of each loss that it leaves", false, false},
    {"low", "least effect it may have, as a multiple of the expected one", false, false},
    {"high", "largest effect", false, false},
}};
constexpr std::array<RoleInfo, 4> incident_roles{{
    {"label", "domains of the taxonomy, the first one counts; parted by ;", false, false},
    {"text", "what happened, in words: classified by the taxonomy's phrases where there is no label", false, false},
    {"amount", "stated loss", false, false},
    {"id", "names an incident", false, false},
}};

Result<void> sound_shares(const std::vector<double>& values, const char* name) {
  for (const double p : values)
    if (!(p > 0 && p < 1)) return Error(ErrorCode::bad_parameter, std::to_string(p) + " is no level", "Give shares between 0 and 1").in_parameter(name);
  if (values.empty() || values.size() > 20) return Error(ErrorCode::bad_parameter, "1 to 20 levels are needed", "Give for example 0.9,0.95,0.99").in_parameter(name);
  return {};
}

void classified_texts(const Incidents& incidents, Report& report) {
  if (!incidents.by_text) return;
  TableBlock table;
  table.title = "Incidents as classified";
  table.caption = "By the phrases of the taxonomy: no learner, and nothing is promised of it. Rows without a phrase are left unclassified. The first 100 rows.";
  table.columns = {"row", "id", "domain", "threat", "phrases found"};
  for (std::size_t i = 0; i < std::min<std::size_t>(100, incidents.domain.size()); ++i)
    table.rows.push_back({static_cast<std::int64_t>(i), incidents.id[i], incidents.domain[i].empty() ? std::string("unclassified") : incidents.domain[i], incidents.threat[i], incidents.evidence[i]});
  report.table(std::move(table));
}

void coverage_of(const Incidents& incidents, const Taxonomy& taxonomy, Report& report) {
  TableBlock table;
  table.title = "Incidents by domain";
  const auto n = std::ssize(incidents.domain);
  const auto classified = n - std::count(incidents.domain.begin(), incidents.domain.end(), std::string());
  const stats::Interval band = stats::clopper_pearson(classified, n, 0.95);
  char words[200];
  std::snprintf(words, sizeof words, "%lld of %lld incidents have a domain of the taxonomy; the share of all such incidents that has lies between %.1f %% and %.1f %% (exact, 95 %%).", static_cast<long long>(classified), static_cast<long long>(n), 100 * band.lo, 100 * band.hi);
  table.caption = words;
  table.columns = {"domain", "incidents", "share", "at least", "at most", "with a stated loss"};
  // All intervals hold together with 95 %.
  const double level = 1 - 0.05 / static_cast<double>(taxonomy.domains.size());
  for (const Domain& domain : taxonomy.domains) {
    std::int64_t count = 0, stated = 0;
    for (std::size_t i = 0; i < incidents.domain.size(); ++i) {
      if (incidents.domain[i] != domain.id) continue;
      ++count;
      stated += std::isfinite(incidents.loss[i]) ? 1 : 0;
    }
    const stats::Interval share = stats::clopper_pearson(count, n, level);
    table.rows.push_back({domain.name, count, n > 0 ? static_cast<double>(count) / static_cast<double>(n) : 0.0, share.lo, share.hi, stated});
  }
  report.table(std::move(table));
  report.figures.emplace_back("incidents", static_cast<double>(n));
  report.figures.emplace_back("classified", static_cast<double>(classified));
  report.figures.emplace_back("classified_low", band.lo);
}

Result<Example> example(Context&, Verb verb, std::uint64_t seed, std::int64_t rows) {
  if (verb != Verb::assess) return Error(ErrorCode::bad_parameter, "govern.threats has no example for " + std::string(name_of(verb)), "Ask for assess");
  Inputs inputs;
  PLIMSOLL_TRY(inputs.register_table, sample_register());
  // The seed turns the register, the rows cut it: laws stay valid.
  const std::int64_t n = inputs.register_table->rows();
  std::vector<std::int64_t> order;
  for (std::int64_t i = 0; i < std::min(rows, n); ++i) order.push_back((i + static_cast<std::int64_t>(seed % 10)) % n);
  inputs.register_table = inputs.register_table->take(order);
  Params params;
  params.years = 8192;
  params.grid = 1 << 12;
  return Example::of(std::move(inputs), params);
}

}  // namespace

std::span<const std::string_view> choices_of(Engine) {
  static constexpr std::array<std::string_view, 3> names{"automatic", "exact", "mc"};
  return names;
}

void describe(Fields& f, Params& p) {
  f({"engine", "exact (transform), mc (simulation), or automatic: both, the simulation alone where risks hang together"}, p.engine);
  f({"years", "years to simulate", within(1000, 100'000'000)}, p.years);
  f({"grid", "cells of the exact engine, a power of 2", within(64, 16'777'216)}, p.grid);
  f({"dependence", "how the counts of risks hang together"}, p.dependence);
  f({"correlation", "of the shared factor, or share of common shocks", within(0, 1)}, p.correlation);
  f({"df", "degrees of freedom of the t dependence", above(0)}, p.df);
  f({"tail", "levels of bad years", between(0, 1)}, p.tail);
  f({"reserve", "levels of reserves", between(0, 1)}, p.reserve);
  f({"retention", "where an insurance layer begins", at_least(0)}, p.retention);
  f({"limit", "how much the layer pays at most; 0: no layer", at_least(0)}, p.limit);
  f({"appetite", "loss that may be exceeded only beyond appetite_level; 0: none stated", at_least(0)}, p.appetite);
  f({"appetite_level", "one of the tail levels", between(0, 1)}, p.appetite_level);
  f({"ci", "level of the intervals that experts gave", between(0, 1)}, p.ci);
  f({"exposure_years", "years in which the incidents were seen", above(0)}, p.exposure_years);
  f({"budget", "for controls, a year; 0: none", at_least(0)}, p.budget);
  f({"net", "count the controls in place (effectiveness and residual)"}, p.net);
}

Result<void> check(const Params& p) {
  PLIMSOLL_CHECK(sound_shares(p.tail, "tail"));
  PLIMSOLL_CHECK(sound_shares(p.reserve, "reserve"));
  if (p.engine == Engine::exact && p.dependence != stats::Dependence::none)
    return Error(ErrorCode::bad_parameter, "the exact engine takes risks that do not hang together", "Use engine = automatic or mc, or dependence = none").in_parameter("engine");
  if (p.appetite > 0 && std::find(p.tail.begin(), p.tail.end(), p.appetite_level) == p.tail.end())
    return Error(ErrorCode::bad_parameter, "appetite_level is none of the tail levels", "Add it to tail").in_parameter("appetite_level");
  return {};
}

void describe(Fields& f, Inputs& inputs) {
  f(PortInfo{"register", "risks with their laws; default: drafted from the incidents", register_roles}, inputs.register_table);
  f(PortInfo{"controls", "controls with cost and effect", control_roles}, inputs.controls);
  f(PortInfo{"incidents", "incidents with their domains and losses", incident_roles}, inputs.incidents);
  f(PortInfo{"taxonomy", "the taxonomy; default: recon-1", {}}, inputs.taxonomy);
}

Result<Report> assess(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_TRY(const Taxonomy taxonomy, taxonomy_or_shipped(inputs.taxonomy));
  std::optional<Incidents> incidents;
  if (inputs.incidents) {
    PLIMSOLL_TRY(incidents, read_incidents(*inputs.incidents, taxonomy, params));
  }
  if (!inputs.register_table && !incidents) return Error(ErrorCode::missing_input, "there is neither a register nor a table of incidents", "Give --register or --incidents").in_parameter("register");
  Register book;
  if (inputs.register_table) {
    PLIMSOLL_TRY(book, read_register(*inputs.register_table, taxonomy, incidents, params));
  } else {
    PLIMSOLL_TRY(book, draft_register(*incidents, taxonomy));
    book.remarks.push_back({0, "draft", "this register was drafted from the incidents: rates from their counts in " + std::to_string(params.exposure_years) + " years, losses as stated", "an expert should read it before money follows it"});
  }
  if (inputs.controls) PLIMSOLL_CHECK(read_controls(*inputs.controls, book));
  PLIMSOLL_TRY(Quantified found, quantify(context, book, params));
  PLIMSOLL_CHECK(value_controls(context, book, params, found));
  Report report;
  write_report(book, taxonomy, params, found, report);
  if (incidents) {
    coverage_of(*incidents, taxonomy, report);
    classified_texts(*incidents, report);
  }
  return report;
}

// Ten risks of a public register (repository GerriaLeSure/risk-quant-engine, MIT, copyright 2025 GerriaLeSure).
Result<Table> sample_register() {
  TableBuilder builder;
  const double none = std::numeric_limits<double>::quiet_NaN();
  builder.text("RiskID", {"R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10"})
      .text("Description", {"Phishing attack", "Ransomware event", "Data center outage", "Account takeover", "Vendor breach", "Regulatory fine", "Commodity price spike", "Payment system outage", "PR crisis", "Facility incident"})
      .text("FrequencyModel", {"Poisson", "Poisson", "NegBin", "Poisson", "Poisson", "Poisson", "NegBin", "Poisson", "Poisson", "Poisson"})
      .real("FreqParam1", {2, 0.3, 2, 1.2, 0.6, 0.2, 3, 0.9, 0.15, 0.7})
      .real_or_null("FreqParam2", {none, none, 0.3, none, none, none, 0.6, none, none, none})
      .text("SeverityModel", {"Lognormal", "Lognormal", "PERT", "Normal", "Lognormal", "PERT", "Normal", "Lognormal", "PERT", "Normal"})
      .real("SevParam1", {12, 14.5, 50000, 20000, 13.4, 200000, 150000, 12.8, 100000, 35000})
      .real("SevParam2", {0.9, 1.1, 1500000, 12000, 1, 1000000, 80000, 0.8, 800000, 20000})
      .real_or_null("SevParam3", {none, none, 4000000, none, none, 5000000, none, none, 3000000, none})
      .real("ControlEffectiveness", {0.6, 0.4, 0.5, 0.5, 0.5, 0.3, 0.3, 0.6, 0.4, 0.5})
      .real("ResidualFactor", {0.7, 0.6, 0.8, 0.8, 0.75, 0.85, 0.9, 0.8, 0.85, 0.85});
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles({{"id", {"RiskID"}}, {"text", {"Description"}}, {"frequency", {"FrequencyModel"}}, {"frequency_1", {"FreqParam1"}}, {"frequency_2", {"FreqParam2"}}, {"severity", {"SeverityModel"}},
                           {"severity_1", {"SevParam1"}}, {"severity_2", {"SevParam2"}}, {"severity_3", {"SevParam3"}}, {"effectiveness", {"ControlEffectiveness"}}, {"residual", {"ResidualFactor"}}});
}

extern constinit const Method entry;
constinit const Method entry = method("govern.threats").assess<&assess>().example<&example>().prove<&prove>().check<&check>();

}  // namespace plimsoll::govern::threats

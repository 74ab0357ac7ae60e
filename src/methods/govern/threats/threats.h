// SPDX-License-Identifier: Apache-2.0
#pragma once

// Types that the sources of this folder share: the taxonomy, the register as laws, what is found of it.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "engine/evidence.h"
#include "engine/fields.h"
#include "engine/ports.h"
#include "engine/report.h"
#include "engine/subject.h"
#include "learn/promise.h"
#include "stats/compound_draws.h"
#include "stats/compound_law.h"

namespace plimsoll::govern::threats {

// ---- the taxonomy
struct Threat {
  std::string id, name;
  std::vector<std::string> keywords, references;
};
struct Domain {
  std::string id, name;
  std::vector<std::string> losses;               // of confidentiality, integrity, availability, legal, reputation
  std::vector<std::string> iso_42001, nist_rmf, eu_ai_act, owasp, atlas;
  std::vector<Threat> threats;
};
struct Taxonomy {
  std::string version;
  std::vector<Domain> domains;

  const Domain* domain(std::string_view name) const;                        // by id or name, letters of any case
  const Threat* threat(std::string_view name, const Domain** of) const;     // likewise
};
Result<Taxonomy> read_taxonomy(const Document& document);
Result<Taxonomy> taxonomy_or_shipped(const std::optional<Document>& document);
// By the phrases of the taxonomy; all empty where none stands in the text.
struct Classified {
  std::string domain, threat, evidence;
};
Classified classify(const Taxonomy& taxonomy, std::string_view text);
extern const std::string_view shipped_taxonomy;                             // TOML

// ---- parameters
enum class Engine : int { automatic, exact, mc };
std::span<const std::string_view> choices_of(Engine);

struct Params {
  Engine engine = Engine::automatic;
  std::int64_t years = 200'000;
  std::int64_t grid = 1 << 17;
  stats::Dependence dependence = stats::Dependence::none;
  double correlation = 0.3;
  double df = 4;
  std::vector<double> tail = {0.9, 0.95, 0.99, 0.999};
  std::vector<double> reserve = {0.5, 0.75, 0.8, 0.9, 0.95};
  double retention = 0;
  double limit = 0;
  double appetite = 0;
  double appetite_level = 0.99;
  double ci = 0.9;
  double exposure_years = 1;
  double budget = 0;
  bool net = false;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Inputs {
  std::optional<Table> register_table;
  std::optional<Table> controls;
  std::optional<Table> incidents;
  std::optional<Document> taxonomy;
};
void describe(Fields& f, Inputs& inputs);

// ---- the register as laws
struct Risk {
  std::string id, domain, threat, description;   // domain: id of the taxonomy, or "other"
  std::vector<std::string> losses, controls;
  stats::CompoundRisk law;
  double effectiveness = 0, residual = 1;        // of controls in place, for the net view
};
struct Control {
  std::string id, group;
  double cost = 0, frequency = 1, severity = 1;
  double low = 0, high = 0;                      // of the loss that is left, as shares of what the factors leave; 0: certain
  std::vector<std::size_t> risks;
};
struct Register {
  std::vector<Risk> risks;
  std::vector<Control> controls;
  std::string currency;
  std::vector<learn::Remark> remarks;

  std::vector<stats::CompoundRisk> laws() const;
};
struct Incidents {
  std::vector<std::string> domain;               // of the taxonomy, or "" if unclassified
  std::vector<std::string> id, threat, evidence; // of texts
  bool by_text = false;
  std::vector<double> loss;                      // NaN where none is stated
  double years = 1;
};
Result<Incidents> read_incidents(const Table& table, const Taxonomy& taxonomy, const Params& params);
Result<Register> read_register(const Table& table, const Taxonomy& taxonomy, const std::optional<Incidents>& incidents, const Params& params);
Result<void> read_controls(const Table& table, Register& out);
// One risk a domain, frequency from dated counts with their exposure, severity from stated losses.
Result<Register> draft_register(const Incidents& incidents, const Taxonomy& taxonomy);

// ---- what is found
struct Level {
  double p = 0;
  stats::CompoundLaw::Bounded exact, tail_mean;  // exact: NaN value if the exact engine did not run
  double simulated = 0, low = 0, high = 0, simulated_tail = 0;  // NaN if the simulation did not run
};
struct Point {
  double loss = 0, aep = 0, aep_low = 0, aep_high = 0, oep = 0;
};
struct ControlValue {
  std::string id;
  double cost = 0, less_loss = 0, less_var = 0, less_tvar = 0, value = 0, chance = 0;  // value: (less_loss - cost) / cost
};
struct Quantified {
  bool exact = false, simulated = false;
  double mean = 0, sd = 0, no_loss = 0;
  std::vector<Level> tail, reserve;
  std::vector<Point> curve;
  std::vector<double> alone, share;              // a risk's own VaR 95 %, and E[S_r | T >= VaR_p] at the last-but-one tail level
  double share_level = 0.99;
  stats::CompoundLaw::Bounded layer;
  double clipped = 0, step = 0, beyond = 0;
  std::vector<ControlValue> controls;
  std::vector<std::string> bundle;
  double bundle_cost = 0, bundle_less = 0;
};
Result<Quantified> quantify(Context& context, const Register& book, const Params& params);
Result<void> value_controls(Context& context, const Register& book, const Params& params, Quantified& found);

void write_report(const Register& book, const Taxonomy& taxonomy, const Params& params, const Quantified& found, Report& report);
void write_crosswalk(const Register& book, const Taxonomy& taxonomy, Report& report);

Result<Report> assess(Context& context, const Inputs& inputs, const Params& params);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
// The ten risks of the sample register, with their roles bound.
Result<Table> sample_register();

}  // namespace plimsoll::govern::threats

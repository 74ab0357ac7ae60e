// SPDX-License-Identifier: Apache-2.0
// From tables to laws. A row is a risk, or one loss category of a risk whose id stands in several rows: an event then costs the sum of
// the categories that strike. Frequencies may be told (poisson, negative_binomial, binomial, fixed, or an expert's interval for the
// rate) or seen (events counted over years of exposure, or the incident table): a rate that is uncertain has a gamma law, so that the
// count of a year is negative binomial.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "methods/govern/threats/threats.h"

namespace plimsoll::govern::threats {
namespace {

std::string lowered(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == ' ' || c == '-') c = '_';
  }
  return text;
}

std::vector<std::string> parted(const std::string& text) {
  std::vector<std::string> out;
  std::string one;
  for (const char c : text + ";") {
    if (c != ';' && c != '|') {
      one += c;
      continue;
    }
    while (!one.empty() && one.front() == ' ') one.erase(0, 1);
    while (!one.empty() && one.back() == ' ') one.pop_back();
    if (!one.empty()) out.push_back(one);
    one.clear();
  }
  return out;
}

// Columns of a table by role, as text or numbers; a role that is not bound reads as empty.
class Rows {
 public:
  explicit Rows(const Table& table) : table_(table) {}
  Result<std::vector<std::string>> texts(std::string_view role) const {
    PLIMSOLL_TRY(const std::vector<std::string> columns, table_.role_columns(role));
    if (columns.empty()) return std::vector<std::string>(static_cast<std::size_t>(table_.rows()));
    PLIMSOLL_TRY(const Categories values, table_.categories(columns[0]));
    std::vector<std::string> out;
    for (const std::int32_t code : values.codes) out.push_back(code < 0 ? std::string() : values.names[static_cast<std::size_t>(code)]);
    return out;
  }
  Result<std::vector<double>> numbers(std::string_view role, double missing) const {
    PLIMSOLL_TRY(const std::vector<std::string> columns, table_.role_columns(role));
    std::vector<double> out(static_cast<std::size_t>(table_.rows()), missing);
    if (columns.empty()) return out;
    if (const auto nulls = table_.null_count(columns[0]); nulls.ok() && nulls.value() == table_.rows()) return out;
    PLIMSOLL_TRY(const Reals values, table_.reals(columns[0], Missing::as_nan));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::isnan(values[i]) ? missing : values[i];
    return out;
  }

 private:
  const Table& table_;
};

struct Columns {
  std::vector<std::string> id, domain, threat, description, frequency, severity, control, loss, currency;
  std::vector<double> f1, f2, s1, s2, s3, cap, effectiveness, residual, probability;
};

Result<Columns> columns_of(const Table& table) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const Rows rows(table);
  Columns c;
  PLIMSOLL_TRY(c.id, rows.texts("id"));
  PLIMSOLL_TRY(c.domain, rows.texts("domain"));
  PLIMSOLL_TRY(c.threat, rows.texts("sub_threat"));
  PLIMSOLL_TRY(c.description, rows.texts("text"));
  PLIMSOLL_TRY(c.frequency, rows.texts("frequency"));
  PLIMSOLL_TRY(c.severity, rows.texts("severity"));
  PLIMSOLL_TRY(c.control, rows.texts("control"));
  PLIMSOLL_TRY(c.loss, rows.texts("loss"));
  PLIMSOLL_TRY(c.currency, rows.texts("currency"));
  PLIMSOLL_TRY(c.f1, rows.numbers("frequency_1", none));
  PLIMSOLL_TRY(c.f2, rows.numbers("frequency_2", none));
  PLIMSOLL_TRY(c.s1, rows.numbers("severity_1", none));
  PLIMSOLL_TRY(c.s2, rows.numbers("severity_2", none));
  PLIMSOLL_TRY(c.s3, rows.numbers("severity_3", none));
  PLIMSOLL_TRY(c.cap, rows.numbers("cap", std::numeric_limits<double>::infinity()));
  PLIMSOLL_TRY(c.effectiveness, rows.numbers("effectiveness", 0));
  PLIMSOLL_TRY(c.residual, rows.numbers("residual", 1));
  PLIMSOLL_TRY(c.probability, rows.numbers("loss_probability", 1));
  return c;
}

Error unknown_kind(const std::string& what, const std::string& kind, std::vector<std::string> known) {
  return Error(ErrorCode::bad_value, "\"" + kind + "\" is no law of a " + what, "Name one of those listed").with_candidates(std::move(known));
}

Result<stats::FrequencyLaw> frequency_of(const std::string& kind, double a, double b, std::int64_t seen, const Params& params) {
  using stats::CountKind;
  stats::FrequencyLaw law;
  const std::string name = lowered(kind);
  if (name == "poisson") law = {CountKind::poisson, a, 0, 1};
  else if (name == "negbin" || name == "negative_binomial") law = {CountKind::negative_binomial, a, b, 1};
  else if (name == "binomial") law = {CountKind::binomial, a, b, 1};
  else if (name == "bernoulli") law = {CountKind::binomial, 1, a, 1};
  else if (name == "fixed") law = {CountKind::fixed, a, 0, 1};
  else if (name == "interval") return stats::rate_from_interval(a, b, params.ci);
  else if (name == "counts") {
    if (!(a >= 0 && b > 0)) return Error(ErrorCode::bad_parameter, "counts need events of at least 0 and years above 0", "Give both").in_parameter("frequency");
    return stats::rate_from_counts(a, b);
  } else if (name == "incidents") {
    if (seen < 0) return Error(ErrorCode::missing_input, "the frequency is \"incidents\", but there is no incident table", "Give --incidents").in_parameter("incidents");
    return stats::rate_from_counts(static_cast<double>(seen), params.exposure_years);
  } else {
    return unknown_kind("frequency", kind, {"poisson", "negbin", "binomial", "bernoulli", "fixed", "interval", "counts", "incidents"});
  }
  PLIMSOLL_CHECK(stats::check(law));
  return law;
}

Result<stats::SeverityLaw> severity_of(const std::string& kind, double a, double b, double c, const std::vector<double>& losses, const Params& params) {
  const std::string name = lowered(kind);
  stats::SeverityLaw law;
  if (name == "lognormal_interval") return stats::lognormal_from_interval(a, b, params.ci);
  if (name == "lognormal_moments") return stats::lognormal_from_moments(a, b);
  if (name == "incidents") {
    law.kind = stats::SeverityKind::empirical;
    law.values = losses;
    PLIMSOLL_CHECK(stats::check(law));
    return law;
  }
  const auto known = stats::choices_of(stats::SeverityKind::lognormal);
  const auto found = std::find(known.begin(), known.end(), name == "gpd" ? "pareto" : name);
  if (found == known.end() || *found == "empirical") {
    std::vector<std::string> names(known.begin(), known.end());
    return unknown_kind("severity", kind, std::move(names));
  }
  law.kind = static_cast<stats::SeverityKind>(found - known.begin());
  law.a = a;
  law.b = std::isnan(b) ? (law.kind == stats::SeverityKind::fixed ? 1 : b) : b;
  const bool three = law.kind == stats::SeverityKind::pert || law.kind == stats::SeverityKind::triangular;
  law.c = std::isnan(c) && !three ? 0 : c;
  PLIMSOLL_CHECK(stats::check(law));
  return law;
}

// Names of the taxonomy; what it does not know is "other", and said so.
void place(const std::string& domain, const std::string& threat, const Taxonomy& taxonomy, Risk& risk, std::set<std::string>& strangers) {
  const Domain* found = taxonomy.domain(domain);
  const Domain* of = nullptr;
  const Threat* known = threat.empty() ? nullptr : taxonomy.threat(threat, &of);
  if (known != nullptr && found == nullptr) found = of;
  risk.domain = found != nullptr ? found->id : "other";
  risk.threat = known != nullptr ? known->name : threat;
  if (found == nullptr) strangers.insert(domain.empty() ? "(none)" : domain);
}

void losses_of(const Incidents& incidents, const std::string& domain, std::int64_t& count, std::vector<double>& losses) {
  count = 0;
  for (std::size_t i = 0; i < incidents.domain.size(); ++i) {
    if (incidents.domain[i] != domain) continue;
    ++count;
    if (std::isfinite(incidents.loss[i])) losses.push_back(incidents.loss[i]);
  }
}

Result<void> add_row(const Columns& c, std::size_t i, const Taxonomy& taxonomy, const std::optional<Incidents>& incidents, const Params& params, Register& book, std::set<std::string>& strangers) {
  const std::string id = c.id[i].empty() ? "row " + std::to_string(i) : c.id[i];
  auto risk = std::find_if(book.risks.begin(), book.risks.end(), [&](const Risk& r) { return r.id == id; });
  const bool fresh = risk == book.risks.end();
  if (fresh) {
    book.risks.emplace_back();
    risk = std::prev(book.risks.end());
    risk->id = id;
    risk->description = c.description[i];
    risk->controls = parted(c.control[i]);
    risk->effectiveness = c.effectiveness[i];
    risk->residual = c.residual[i];
    place(c.domain[i], c.threat[i], taxonomy, *risk, strangers);
  } else if (c.loss[i].empty()) {
    return Error(ErrorCode::bad_value, "the risk '" + id + "' stands twice", "Give each risk an id of its own, or name the loss category of each row").in_parameter("id");
  }
  if (!(c.effectiveness[i] >= 0 && c.effectiveness[i] <= 1) || !(c.residual[i] >= 0 && c.residual[i] <= 1))
    return Error(ErrorCode::bad_value, "risk '" + id + "': a control factor outside [0, 1]", "Give shares from 0 to 1").in_parameter("effectiveness");
  std::int64_t seen = -1;
  std::vector<double> losses;
  if (incidents) losses_of(*incidents, risk->domain, seen, losses);
  const auto named = [&id](Error error) { return Error(error.code, "risk '" + id + "': " + error.what, error.mend).in_parameter(error.parameter).with_candidates(error.candidates); };
  if (fresh) {
    auto law = frequency_of(c.frequency[i], c.f1[i], c.f2[i], seen, params);
    if (!law) return named(std::move(law).error());
    risk->law.frequency = std::move(law).value();
  }
  auto severity = severity_of(c.severity[i], c.s1[i], c.s2[i], c.s3[i], losses, params);
  if (!severity) return named(std::move(severity).error());
  if (!(c.probability[i] >= 0 && c.probability[i] <= 1)) return Error(ErrorCode::bad_value, "risk '" + id + "': a loss probability outside [0, 1]", "Give a chance from 0 to 1").in_parameter("loss_probability");
  stats::CompoundPart part{c.probability[i], std::move(severity).value()};
  part.severity.cap = c.cap[i];
  if (params.net) part.severity.factor = (1 - risk->effectiveness) * risk->residual;
  if (auto bad = stats::check(part.severity); !bad) return named(std::move(bad).error());
  if (!c.loss[i].empty()) risk->losses.push_back(lowered(c.loss[i]));
  risk->law.parts.push_back(std::move(part));
  return {};
}

}  // namespace

std::vector<stats::CompoundRisk> Register::laws() const {
  std::vector<stats::CompoundRisk> out;
  for (const Risk& risk : risks) out.push_back(risk.law);
  return out;
}

Result<Register> read_register(const Table& table, const Taxonomy& taxonomy, const std::optional<Incidents>& incidents, const Params& params) {
  if (table.rows() == 0) return Error(ErrorCode::too_few_rows, "the register has no risks", "Give at least one row");
  PLIMSOLL_TRY(const Columns c, columns_of(table));
  Register book;
  std::set<std::string> strangers, currencies;
  for (std::size_t i = 0; i < c.id.size(); ++i) {
    auto added = add_row(c, i, taxonomy, incidents, params, book, strangers);
    if (!added) return std::move(added).error().at_row(table.first_row() + static_cast<std::int64_t>(i));
    if (!c.currency[i].empty()) currencies.insert(c.currency[i]);
  }
  if (currencies.size() > 1)
    return Error(ErrorCode::bad_value, "losses stand in " + std::to_string(currencies.size()) + " currencies", "Convert them to one").in_parameter("currency").with_candidates({currencies.begin(), currencies.end()});
  if (!currencies.empty()) book.currency = *currencies.begin();
  for (Risk& risk : book.risks) {
    const Domain* domain = taxonomy.domain(risk.domain);
    if (risk.losses.empty() && domain != nullptr) risk.losses = domain->losses;
    if (!std::isfinite(risk.law.mean())) book.remarks.push_back({1, risk.id, "its mean loss is infinite: the severity has no mean", "cap the severity; quantiles stand, means and tail means do not"});
  }
  if (!strangers.empty()) {
    std::string names;
    for (const std::string& name : strangers) names += (names.empty() ? "" : ", ") + name;
    book.remarks.push_back({0, "domains", "not of the taxonomy " + taxonomy.version + ", counted as other: " + names, "name the domains of the taxonomy, or give your own with --taxonomy"});
  }
  return book;
}

Result<Incidents> read_incidents(const Table& table, const Taxonomy& taxonomy, const Params& params) {
  const Rows rows(table);
  PLIMSOLL_TRY(const std::vector<std::string> label_columns, table.role_columns("label"));
  PLIMSOLL_TRY(const std::vector<std::string> text_columns, table.role_columns("text"));
  if (label_columns.empty() && text_columns.empty())
    return Error(ErrorCode::missing_input, "incidents have neither labels nor texts", "Bind --label, or --text to classify by the taxonomy's phrases").in_parameter("label");
  Incidents out;
  out.by_text = label_columns.empty();
  PLIMSOLL_TRY(const std::vector<std::string> said, rows.texts(out.by_text ? "text" : "label"));
  PLIMSOLL_TRY(out.id, rows.texts("id"));
  PLIMSOLL_TRY(out.loss, rows.numbers("amount", std::numeric_limits<double>::quiet_NaN()));
  out.years = params.exposure_years;
  for (const std::string& one : said) {
    if (out.by_text) {
      Classified found = classify(taxonomy, one);
      out.domain.push_back(std::move(found.domain));
      out.threat.push_back(std::move(found.threat));
      out.evidence.push_back(std::move(found.evidence));
      continue;
    }
    const std::vector<std::string> parts = parted(one);
    const Domain* found = parts.empty() ? nullptr : taxonomy.domain(parts[0]);
    out.domain.push_back(found != nullptr ? found->id : "");
  }
  return out;
}

Result<void> read_controls(const Table& table, Register& book) {
  const Rows rows(table);
  PLIMSOLL_TRY(const std::vector<std::string> id, rows.texts("id"));
  PLIMSOLL_TRY(const std::vector<std::string> risk, rows.texts("risk"));
  PLIMSOLL_TRY(const std::vector<double> cost, rows.numbers("cost", 0));
  PLIMSOLL_TRY(const std::vector<double> frequency, rows.numbers("frequency_factor", 1));
  PLIMSOLL_TRY(const std::vector<double> severity, rows.numbers("severity_factor", 1));
  PLIMSOLL_TRY(const std::vector<double> low, rows.numbers("low", 0));
  PLIMSOLL_TRY(const std::vector<double> high, rows.numbers("high", 0));
  for (std::size_t i = 0; i < id.size(); ++i) {
    const std::int64_t row = table.first_row() + static_cast<std::int64_t>(i);
    Control control{id[i], "", cost[i], frequency[i], severity[i], low[i], high[i], {}};
    if (!(control.frequency >= 0 && control.frequency <= 1) || !(control.severity >= 0 && control.severity <= 1))
      return Error(ErrorCode::bad_value, "control '" + id[i] + "': a factor outside [0, 1]", "Give what the control leaves, as a share").in_parameter("frequency_factor").at_row(row);
    if (!(control.cost >= 0)) return Error(ErrorCode::bad_value, "control '" + id[i] + "' has a negative cost", "Give a yearly cost of at least 0").in_parameter("cost").at_row(row);
    if (!(control.low >= 0 && control.high >= control.low)) return Error(ErrorCode::bad_value, "control '" + id[i] + "': its range is upside down", "Give low at most high").in_parameter("low").at_row(row);
    const std::vector<std::string> named = parted(risk[i]);
    for (std::size_t r = 0; r < book.risks.size(); ++r) {
      const Risk& one = book.risks[r];
      const bool by_risk = std::find_if(named.begin(), named.end(), [&](const std::string& n) { return n == "*" || n == one.id || n == one.domain; }) != named.end();
      const bool by_control = std::find(one.controls.begin(), one.controls.end(), id[i]) != one.controls.end();
      if (by_risk || by_control) control.risks.push_back(r);
    }
    if (control.risks.empty()) book.remarks.push_back({1, "control " + id[i], "it bears on no risk of the register", "name risks, a domain or * in its risk column"});
    book.controls.push_back(std::move(control));
  }
  return {};
}

Result<Register> draft_register(const Incidents& incidents, const Taxonomy& taxonomy) {
  Register book;
  for (const Domain& domain : taxonomy.domains) {
    std::int64_t count = 0;
    std::vector<double> losses;
    losses_of(incidents, domain.id, count, losses);
    if (count == 0) continue;
    if (losses.empty()) {
      book.remarks.push_back({1, domain.name, std::to_string(count) + " incidents, none with a stated loss: it is left out of the draft", "state losses in the amount column"});
      continue;
    }
    Risk risk;
    risk.id = domain.id;
    risk.domain = domain.id;
    risk.description = std::to_string(count) + " incidents in " + std::to_string(incidents.years) + " years, " + std::to_string(losses.size()) + " with a stated loss";
    risk.losses = domain.losses;
    risk.law.frequency = stats::rate_from_counts(static_cast<double>(count), incidents.years);
    stats::SeverityLaw law;
    law.kind = stats::SeverityKind::empirical;
    law.values = losses;
    PLIMSOLL_CHECK(stats::check(law));
    risk.law.parts.push_back({1, std::move(law)});
    book.risks.push_back(std::move(risk));
  }
  if (book.risks.empty()) return Error(ErrorCode::too_few_rows, "no incident has a domain of the taxonomy and a stated loss, so no register can be drafted", "Bind --label and --amount, or give a register");
  return book;
}

}  // namespace plimsoll::govern::threats

// SPDX-License-Identifier: Apache-2.0
// Which areas of frameworks the register touches, and which threats of the taxonomy it leaves out: gaps both ways.
#include <algorithm>
#include <set>

#include "methods/govern/threats/threats.h"

namespace plimsoll::govern::threats {
namespace {

struct Area {
  std::set<std::string> domains, covered;
  std::int64_t risks = 0;
};

std::string joined(const std::set<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

void framework(const Register& book, const Taxonomy& taxonomy, const std::string& title, const std::vector<std::string> Domain::*areas, TableBlock& table) {
  std::map<std::string, Area> found;
  for (const Domain& domain : taxonomy.domains) {
    const auto risks = std::count_if(book.risks.begin(), book.risks.end(), [&](const Risk& r) { return r.domain == domain.id; });
    for (const std::string& area : domain.*areas) {
      Area& one = found[area];
      one.domains.insert(domain.id);
      one.risks += risks;
      if (risks > 0) one.covered.insert(domain.id);
    }
  }
  for (const auto& [name, area] : found) {
    std::set<std::string> missing;
    std::set_difference(area.domains.begin(), area.domains.end(), area.covered.begin(), area.covered.end(), std::inserter(missing, missing.begin()));
    table.rows.push_back({title, name, joined(area.covered), area.risks, missing.empty() ? std::string("none") : joined(missing)});
  }
}

}  // namespace

void write_crosswalk(const Register& book, const Taxonomy& taxonomy, Report& report) {
  TableBlock table;
  table.title = "Crosswalk to frameworks";
  table.caption = "Areas that the taxonomy's domains touch (" + taxonomy.version + ", our paraphrase: areas only, no text of the standards). A domain without a risk in the register is a gap: no such risk, or nobody looked.";
  table.columns = {"framework", "area", "domains with risks", "risks", "domains without"};
  framework(book, taxonomy, "ISO/IEC 42001 Annex A", &Domain::iso_42001, table);
  framework(book, taxonomy, "NIST AI RMF", &Domain::nist_rmf, table);
  framework(book, taxonomy, "EU AI Act", &Domain::eu_ai_act, table);
  framework(book, taxonomy, "OWASP LLM Top 10", &Domain::owasp, table);
  framework(book, taxonomy, "MITRE ATLAS", &Domain::atlas, table);
  if (!table.rows.empty()) report.table(std::move(table));
  FindingsBlock gaps;
  gaps.title = "Gaps";
  for (const Domain& domain : taxonomy.domains) {
    const bool covered = std::any_of(book.risks.begin(), book.risks.end(), [&](const Risk& r) { return r.domain == domain.id; });
    if (!covered) gaps.findings.push_back({ReportSeverity::note, domain.name, "no risk of the register is of this domain (" + std::to_string(domain.threats.size()) + " threats)", "say why it does not concern you, or add its risks"});
  }
  const auto strangers = std::count_if(book.risks.begin(), book.risks.end(), [](const Risk& r) { return r.domain == "other"; });
  if (strangers > 0) gaps.findings.push_back({ReportSeverity::note, "other", std::to_string(strangers) + " risks are of no domain of the taxonomy: no framework above is told of them", "name their domains, or leave them to another register"});
  if (!gaps.findings.empty()) report.findings(std::move(gaps));
}

}  // namespace plimsoll::govern::threats

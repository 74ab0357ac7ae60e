// SPDX-License-Identifier: Apache-2.0
// A taxonomy is a document: `version`, then [[domain]] with id, name, losses, the areas of frameworks that it touches, and
// [[domain.threat]] with id, name, keywords. Texts are classified by its phrases, at word boundaries, not behind a negation; a text
// without a phrase is left unclassified, which is what lets a claim of full coverage fail.
#include <algorithm>
#include <array>
#include <set>

#include "base/json.h"
#include "methods/govern/threats/threats.h"

namespace plimsoll::govern::threats {
namespace {

constexpr std::array<std::string_view, 5> categories = {"confidentiality", "integrity", "availability", "legal", "reputation"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool alike(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

Result<std::string> text_at(const Document& document, const Json& node, const std::string& where, const std::string& key) {
  const auto found = node.find(key);
  if (found == node.end() || !found->is_string() || found->get_ref<const std::string&>().empty())
    return document.error_at(where, "there is no text '" + key + "'", "Give " + key + " = \"...\"");
  return found->get<std::string>();
}

Result<std::vector<std::string>> texts_at(const Document& document, const Json& node, const std::string& where, const std::string& key) {
  std::vector<std::string> out;
  const auto found = node.find(key);
  if (found == node.end()) return out;
  if (!found->is_array()) return document.error_at(where + "/" + key, "'" + key + "' is no list", "Give a list of texts");
  for (const Json& item : *found) {
    if (!item.is_string()) return document.error_at(where + "/" + key, "'" + key + "' holds what is no text", "Give a list of texts");
    out.push_back(item.get<std::string>());
  }
  return out;
}

Result<Domain> domain_at(const Document& document, const Json& node, const std::string& where, std::set<std::string>& ids) {
  Domain domain;
  if (!node.is_object()) return document.error_at(where, "a domain is no table of keys", "Give [[domain]] with id, name, losses");
  PLIMSOLL_TRY(domain.id, text_at(document, node, where, "id"));
  PLIMSOLL_TRY(domain.name, text_at(document, node, where, "name"));
  if (!ids.insert(domain.id).second) return document.error_at(where, "the id '" + domain.id + "' stands twice", "Give every domain and threat an id of its own");
  PLIMSOLL_TRY(domain.losses, texts_at(document, node, where, "losses"));
  for (const std::string& loss : domain.losses)
    if (std::find(categories.begin(), categories.end(), loss) == categories.end())
      return document.error_at(where + "/losses", "'" + loss + "' is no loss category", "Name confidentiality, integrity, availability, legal or reputation");
  PLIMSOLL_TRY(domain.iso_42001, texts_at(document, node, where, "iso_42001"));
  PLIMSOLL_TRY(domain.nist_rmf, texts_at(document, node, where, "nist_rmf"));
  PLIMSOLL_TRY(domain.eu_ai_act, texts_at(document, node, where, "eu_ai_act"));
  PLIMSOLL_TRY(domain.owasp, texts_at(document, node, where, "owasp"));
  PLIMSOLL_TRY(domain.atlas, texts_at(document, node, where, "atlas"));
  const auto threats = node.find("threat");
  if (threats == node.end()) return domain;
  if (!threats->is_array()) return document.error_at(where + "/threat", "'threat' is no list", "Give [[domain.threat]]");
  for (std::size_t t = 0; t < threats->size(); ++t) {
    const std::string at = where + "/threat/" + std::to_string(t);
    Threat threat;
    PLIMSOLL_TRY(threat.id, text_at(document, (*threats)[t], at, "id"));
    PLIMSOLL_TRY(threat.name, text_at(document, (*threats)[t], at, "name"));
    if (!ids.insert(threat.id).second) return document.error_at(at, "the id '" + threat.id + "' stands twice", "Give every domain and threat an id of its own");
    PLIMSOLL_TRY(threat.keywords, texts_at(document, (*threats)[t], at, "keywords"));
    PLIMSOLL_TRY(threat.references, texts_at(document, (*threats)[t], at, "references"));
    domain.threats.push_back(std::move(threat));
  }
  return domain;
}

// Words of a text in small letters, one blank before and behind each; letters beyond ASCII are parts of words.
std::string worded(std::string_view text) {
  std::string out = " ";
  for (const char c : text) {
    const bool part = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 128;
    if (part) out += lower(c);
    else if (out.back() != ' ') out += ' ';
  }
  if (out.back() != ' ') out += ' ';
  return out;
}

// Whether one of the three words before `at` turns the phrase round.
bool negated(std::string_view text, std::size_t at) {
  std::size_t begin = at;
  for (int words = 0; words < 3 && begin > 0; ++words) {
    const std::size_t found = text.rfind(' ', begin - 1);
    if (found == std::string_view::npos) break;
    begin = found;
  }
  const std::string before(text.substr(begin, at - begin + 1));
  for (const char* word : {" no ", " not ", " never ", " without ", " prevented ", " blocked "})
    if (before.find(word) != std::string::npos) return true;
  return false;
}

bool has_phrase(const std::string& text, const std::string& phrase) {
  const std::string wanted = worded(phrase);
  for (std::size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1))
    if (!negated(text, at)) return true;
  return false;
}

}  // namespace

Classified classify(const Taxonomy& taxonomy, std::string_view text) {
  constexpr std::size_t most_bytes = std::size_t{1} << 20;
  const std::string words = worded(text.substr(0, most_bytes));
  Classified best;
  double best_score = 0;
  for (const Domain& domain : taxonomy.domains) {
    double score = 0, best_threat = 0;
    Classified one{domain.id, "", ""};
    for (const Threat& threat : domain.threats) {
      double own = 0;
      for (const std::string& phrase : threat.keywords) {
        if (!has_phrase(words, phrase)) continue;
        own += 1 + static_cast<double>(std::count(phrase.begin(), phrase.end(), ' '));  // longer phrases say more
        one.evidence += (one.evidence.empty() ? "" : ", ") + phrase;
      }
      score += own;
      if (own <= best_threat) continue;
      best_threat = own;
      one.threat = threat.name;
    }
    if (score <= best_score) continue;
    best_score = score;
    best = std::move(one);
  }
  return best;
}

const Domain* Taxonomy::domain(std::string_view name) const {
  for (const Domain& one : domains)
    if (alike(one.id, name) || alike(one.name, name)) return &one;
  return nullptr;
}

const Threat* Taxonomy::threat(std::string_view name, const Domain** of) const {
  for (const Domain& domain : domains)
    for (const Threat& one : domain.threats)
      if (alike(one.id, name) || alike(one.name, name)) {
        *of = &domain;
        return &one;
      }
  return nullptr;
}

Result<Taxonomy> read_taxonomy(const Document& document) {
  Taxonomy taxonomy;
  const Json& root = document.root();
  if (!root.is_object()) return document.error_at("", "a taxonomy is no table of keys", "Give version and [[domain]]");
  PLIMSOLL_TRY(taxonomy.version, text_at(document, root, "", "version"));
  const auto domains = root.find("domain");
  if (domains == root.end() || !domains->is_array() || domains->empty()) return document.error_at("", "there are no domains", "Give [[domain]] with id, name, losses");
  std::set<std::string> ids;
  for (std::size_t d = 0; d < domains->size(); ++d) {
    PLIMSOLL_TRY(Domain domain, domain_at(document, (*domains)[d], "/domain/" + std::to_string(d), ids));
    taxonomy.domains.push_back(std::move(domain));
  }
  return taxonomy;
}

Result<Taxonomy> taxonomy_or_shipped(const std::optional<Document>& document) {
  if (document) return read_taxonomy(*document);
  PLIMSOLL_TRY(const Document shipped, parse_document(shipped_taxonomy, "toml", "threats-taxonomy.toml"));
  return read_taxonomy(shipped);
}

}  // namespace plimsoll::govern::threats

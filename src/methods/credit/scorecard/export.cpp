// SPDX-License-Identifier: Apache-2.0
// The scorecard for other systems: one SQL query (points by CASE; plain SQL:1999, any engine), a PMML 4.4 Scorecard with reason
// codes (http://dmg.org/pmml/v4-4-1/Scorecard.html), or a plain table. Numbers are written with the digits that read back.
// Every missing, special, unseen and ordinary value gets the points that apply gives it.

#include <algorithm>

#include "base/json.h"
#include "methods/credit/scorecard/scorecard.h"

namespace plimsoll::credit::scorecard {
namespace {

std::string doubled(const std::string& text, char mark) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == mark) out += c;
  }
  return out;
}
std::string sql_name(const std::string& name) { return "\"" + doubled(name, '"') + "\""; }
std::string sql_text(const std::string& text) { return "'" + doubled(text, '\'') + "'"; }

std::string xml(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (static_cast<unsigned char>(c) < 0x20) out += ' ';
    else out += c;
  }
  return out;
}

std::int64_t points_of(const Model& model, const Feature& feature, std::int64_t bin) {
  return bin < 0 ? model.neutral_points : feature.bins[static_cast<std::size_t>(bin)].points;
}

std::string case_of(const Model& model, const Feature& feature) {
  const std::string column = sql_name(feature.name);
  std::string sql = "CASE WHEN " + column + " IS NULL THEN " + std::to_string(points_of(model, feature, feature.missing_bin));
  for (std::size_t k = 0; k < feature.specials.size(); ++k) sql += "\n       WHEN " + column + " = " + digits(feature.specials[k]) + " THEN " + std::to_string(points_of(model, feature, feature.special_bin[k]));
  if (feature.kind == Kind::number) {
    for (std::size_t c = 0; c < feature.cuts.size(); ++c) sql += "\n       WHEN " + column + " < " + digits(feature.cuts[c]) + " THEN " + std::to_string(feature.bins[c].points);
    return sql + "\n       ELSE " + std::to_string(feature.bins[feature.cuts.size()].points) + " END";
  }
  for (std::size_t b = 0; b < feature.bins.size(); ++b) {
    std::string list;
    for (std::size_t l = 0; l < feature.levels.size(); ++l)
      if (feature.level_bin[l] == static_cast<std::int64_t>(b)) list += (list.empty() ? "" : ", ") + sql_text(feature.levels[l]);
    if (!list.empty()) sql += "\n       WHEN " + column + " IN (" + list + ") THEN " + std::to_string(feature.bins[b].points);
  }
  return sql + "\n       ELSE " + std::to_string(points_of(model, feature, feature.other_bin)) + " END";
}

std::int64_t best_points(const Feature& feature) {
  std::int64_t best = feature.bins[0].points;
  for (const Bin& bin : feature.bins) best = std::max(best, bin.points);
  return best;
}

std::string attribute(std::int64_t points, const std::string& predicate) { return "        <Attribute partialScore=\"" + std::to_string(points) + "\">" + predicate + "</Attribute>\n"; }

std::string simple(const Feature& feature, const char* op, const std::string& value) {
  return "<SimplePredicate field=\"" + xml(feature.name) + "\" operator=\"" + op + "\" value=\"" + xml(value) + "\"/>";
}

std::string characteristic(const Model& model, const Feature& feature) {
  std::string out = "      <Characteristic name=\"" + xml(feature.name) + "\" reasonCode=\"" + xml(feature.name) + "\" baselineScore=\"" + std::to_string(best_points(feature)) + "\">\n";
  out += attribute(points_of(model, feature, feature.missing_bin), "<SimplePredicate field=\"" + xml(feature.name) + "\" operator=\"isMissing\"/>");
  for (std::size_t k = 0; k < feature.specials.size(); ++k) out += attribute(points_of(model, feature, feature.special_bin[k]), simple(feature, "equal", digits(feature.specials[k])));
  if (feature.kind == Kind::number) {
    for (std::size_t c = 0; c < feature.cuts.size(); ++c) out += attribute(feature.bins[c].points, simple(feature, "lessThan", digits(feature.cuts[c])));
    out += attribute(feature.bins[feature.cuts.size()].points, "<True/>");
  } else {
    for (std::size_t l = 0; l < feature.levels.size(); ++l) out += attribute(points_of(model, feature, feature.level_bin[l]), simple(feature, "equal", feature.levels[l]));
    out += attribute(points_of(model, feature, feature.other_bin), "<True/>");
  }
  return out + "      </Characteristic>\n";
}

Json table_of(const Model& model) {
  Json rows = Json::array();
  for (const std::size_t f : used_features(model)) {
    const Feature& feature = model.features[f];
    for (std::size_t b = 0; b < feature.bins.size(); ++b) {
      const Bin& bin = feature.bins[b];
      Json row{{"feature", feature.name}, {"bin", bin.label}, {"kind", choices_of(bin.role)[static_cast<std::size_t>(bin.role)]}, {"woe", bin.woe}, {"value", bin.value}, {"points", bin.points}};
      if (feature.kind == Kind::number && bin.role == BinRole::regular) {
        row["from"] = b == 0 ? Json() : Json(feature.cuts[b - 1]);
        row["below"] = b == feature.cuts.size() ? Json() : Json(feature.cuts[b]);
      }
      if (feature.kind == Kind::category && bin.role == BinRole::regular) {
        Json levels = Json::array();
        for (std::size_t l = 0; l < feature.levels.size(); ++l)
          if (feature.level_bin[l] == static_cast<std::int64_t>(b)) levels.push_back(feature.levels[l]);
        row["levels"] = std::move(levels);
      }
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace

std::string sql_of(const Model& model) {
  std::string columns;
  std::string sum;
  for (const std::size_t f : used_features(model)) {
    const Feature& feature = model.features[f];
    columns += ",\n  " + case_of(model, feature) + "\n    AS " + sql_name("points_" + feature.name);
    sum += (sum.empty() ? "" : " + ") + sql_name("points_" + feature.name);
  }
  if (sum.empty()) sum = "0";
  return "-- Scorecard of plimsoll: replace the table name `applications`.\n"
         "SELECT scored.*, " + sum + " AS score\nFROM (\n  SELECT applications.*" + columns + "\n  FROM applications\n) AS scored;\n";
}

std::string pmml_of(const Model& model) {
  std::string dictionary;
  std::string schema;
  std::string body;
  std::size_t fields = 1;
  for (const std::size_t f : used_features(model)) {
    const Feature& feature = model.features[f];
    const bool number = feature.kind == Kind::number;
    dictionary += "    <DataField name=\"" + xml(feature.name) + "\" optype=\"" + (number ? "continuous" : "categorical") + "\" dataType=\"" + (number ? "double" : "string") + "\"/>\n";
    schema += "      <MiningField name=\"" + xml(feature.name) + "\" invalidValueTreatment=\"asIs\"/>\n";
    body += characteristic(model, feature);
    ++fields;
  }
  dictionary += "    <DataField name=\"score\" optype=\"continuous\" dataType=\"double\"/>\n";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PMML version=\"4.4\" xmlns=\"http://www.dmg.org/PMML-4_4\">\n"
         "  <Header><Application name=\"plimsoll\"/></Header>\n"
         "  <DataDictionary numberOfFields=\"" + std::to_string(fields) + "\">\n" + dictionary + "  </DataDictionary>\n"
         "  <Scorecard modelName=\"scorecard\" functionName=\"regression\" initialScore=\"0\" useReasonCodes=\"true\" reasonCodeAlgorithm=\"pointsBelow\" baselineMethod=\"max\">\n"
         "    <MiningSchema>\n" + schema + "      <MiningField name=\"score\" usageType=\"target\"/>\n    </MiningSchema>\n"
         "    <Output>\n      <OutputField name=\"points\" feature=\"predictedValue\" dataType=\"double\" optype=\"continuous\"/>\n"
         "      <OutputField name=\"reason\" feature=\"reasonCode\" rank=\"1\" dataType=\"string\" optype=\"categorical\"/>\n    </Output>\n"
         "    <Characteristics>\n" + body + "    </Characteristics>\n  </Scorecard>\n</PMML>\n";
}

Result<Document> exported(const Model& model, Export form) {
  const Json root = form == Export::sql ? Json(sql_of(model)) : form == Export::pmml ? Json(pmml_of(model)) : table_of(model);
  return parse_document(canonical_json(root), "json", "card");
}

}  // namespace plimsoll::credit::scorecard

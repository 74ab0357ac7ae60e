// SPDX-License-Identifier: Apache-2.0
// The JSON form of a report (docs/report.schema.json): whole, with each figure's Vega-Lite specification beside its columns.
#include <cmath>
#include <optional>
#include <type_traits>

#include "base/json.h"
#include "engine/report.h"
#include "engine/report_figure.h"

namespace plimsoll {
namespace {

constexpr std::string_view schema_name = "plimsoll.report/1";

Json words(std::string_view text) { return Json(clean_text(text)); }

Json numbers_json(const std::vector<double>& numbers) {
  Json list = Json::array();
  for (double x : numbers) list.push_back(json_of(x));
  return list;
}

// A text cell may spell "nan" itself, so numbers without a JSON form are marked.
Json cell_json(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return words(*text);
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return *whole;
  const double x = std::get<double>(cell);
  if (std::isfinite(x)) return json_of(x);
  return {{"number", json_of(x)}};
}

Json block_json(const TextBlock& block) {
  return {{"type", "text"}, {"heading", words(block.heading)}, {"text", words(block.text)}, {"severity", name_of(block.severity)}};
}

Json block_json(const TableBlock& block) {
  Json columns = Json::array(), rows = Json::array();
  for (const std::string& column : block.columns) columns.push_back(words(column));
  for (const std::vector<Cell>& row : block.rows) {
    Json cells = Json::array();
    for (const Cell& cell : row) cells.push_back(cell_json(cell));
    rows.push_back(std::move(cells));
  }
  return {{"type", "table"}, {"title", words(block.title)}, {"caption", words(block.caption)},
          {"columns", std::move(columns)}, {"rows", std::move(rows)}};
}

Json block_json(const FigureBlock& block) {
  Json data = Json::object();
  for (const FigureColumn& column : used_columns(block)) {
    Json& list = data[std::string(column.field)];
    if (!column.is_text()) {
      list = numbers_json(*column.numbers);
      continue;
    }
    list = Json::array();
    for (const std::string& text : *column.texts) list.push_back(words(text));
  }
  Json json = {{"type", "figure"}, {"kind", name_of(block.kind)}, {"title", words(block.title)},
               {"description", words(block.description)}, {"x_title", words(block.x_title)},
               {"y_title", words(block.y_title)}, {"data", std::move(data)}, {"vega_lite", vega_lite_of(block)}};
  if (block.has_reference) json["reference"] = json_of(block.reference);
  return json;
}

Json block_json(const FindingsBlock& block) {
  Json findings = Json::array();
  for (const Finding& finding : block.findings) {
    findings.push_back({{"severity", name_of(finding.severity)}, {"subject", words(finding.subject)},
                        {"text", words(finding.text)}, {"mend", words(finding.mend)}});
  }
  return {{"type", "findings"}, {"title", words(block.title)}, {"findings", std::move(findings)}};
}

Json node_json(const CaseNode& node) {
  Json children = Json::array();
  for (const CaseNode& child : node.children) children.push_back(node_json(child));
  return {{"kind", words(node.kind)}, {"text", words(node.text)}, {"status", words(node.status)}, {"children", std::move(children)}};
}

Json block_json(const CaseBlock& block) {
  return {{"type", "case"}, {"title", words(block.title)}, {"root", node_json(block.root)}};
}

// Reads a report's JSON. The first complaint wins; later reads of a failed reader give empty values.
class Reader {
 public:
  Report report(const Json& json);
  Result<void> result() const { return error_ ? Result<void>(*error_) : Result<void>(); }

 private:
  void fail(const std::string& what) {
    if (!error_) error_ = Error(ErrorCode::bad_document, "report at " + where_ + ": " + what, "see docs/report.schema.json");
  }
  const Json& member(const Json& json, const char* key);
  const Json& list(const Json& json, const char* key);
  std::string text_of(const Json& json, const char* what);
  std::string text(const Json& json, const char* key) { return text_of(member(json, key), key); }
  double number_of(const Json& json, const char* what);
  ReportSeverity severity(const Json& json);
  Cell cell(const Json& json);
  Block block(const Json& json);
  TableBlock table(const Json& json);
  FigureBlock figure(const Json& json);
  FindingsBlock findings(const Json& json);
  CaseNode node(const Json& json, std::size_t depth);

  std::optional<Error> error_;
  std::string where_ = "its head";
};

const Json& Reader::member(const Json& json, const char* key) {
  static const Json none;
  if (json.is_object()) {
    if (const auto found = json.find(key); found != json.end()) return *found;
  }
  fail(std::string("\"") + key + "\" is missing");
  return none;
}

const Json& Reader::list(const Json& json, const char* key) {
  static const Json none = Json::array();
  const Json& found = member(json, key);
  if (found.is_array()) return found;
  fail(std::string("\"") + key + "\" is no list");
  return none;
}

std::string Reader::text_of(const Json& json, const char* what) {
  if (json.is_string()) return json.get<std::string>();
  fail(std::string("\"") + what + "\" is no text");
  return {};
}

double Reader::number_of(const Json& json, const char* what) {
  if (Result<double> x = json_number(json)) return *x;
  fail(std::string("\"") + what + "\" is no number");
  return 0;
}

ReportSeverity Reader::severity(const Json& json) {
  const std::string name = text(json, "severity");
  for (ReportSeverity severity : {ReportSeverity::note, ReportSeverity::warning, ReportSeverity::alarm})
    if (name == name_of(severity)) return severity;
  fail("severity \"" + name + "\" is none of note, warning, alarm");
  return ReportSeverity::alarm;
}

Cell Reader::cell(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX)) return json.get<double>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_object() && json.contains("number")) return number_of(json.at("number"), "number");
  fail("a cell is neither text nor number");
  return std::string();
}

TableBlock Reader::table(const Json& json) {
  TableBlock block;
  block.title = text(json, "title");
  block.caption = text(json, "caption");
  for (const Json& column : list(json, "columns")) block.columns.push_back(text_of(column, "columns"));
  for (const Json& row : list(json, "rows")) {
    std::vector<Cell> cells;
    if (!row.is_array()) fail("a row is no list");
    else for (const Json& item : row) cells.push_back(cell(item));
    block.rows.push_back(std::move(cells));
  }
  return block;
}

FigureBlock Reader::figure(const Json& json) {
  FigureBlock block;
  const std::string kind = text(json, "kind");
  bool known = false;
  for (unsigned i = 0; i <= static_cast<unsigned>(FigureKind::intervals); ++i) {
    if (kind != name_of(static_cast<FigureKind>(i))) continue;
    block.kind = static_cast<FigureKind>(i);
    known = true;
  }
  if (!known) fail("the figure kind \"" + kind + "\" is unknown");
  block.title = text(json, "title");
  block.description = text(json, "description");
  block.x_title = text(json, "x_title");
  block.y_title = text(json, "y_title");
  const Json& data = member(json, "data");
  const auto read = [&](const char* field, auto& column, auto item_of) {
    if (!data.is_object() || !data.contains(field)) return;
    for (const Json& item : list(data, field)) column.push_back(item_of(item, field));
  };
  const auto number = [&](const Json& item, const char* field) { return number_of(item, field); };
  const auto words_of = [&](const Json& item, const char* field) { return text_of(item, field); };
  read("label", block.label, words_of);
  read("series", block.series, words_of);
  read("x", block.x, number);
  read("x0", block.x0, number);
  read("x1", block.x1, number);
  read("y", block.y, number);
  read("lo", block.lo, number);
  read("hi", block.hi, number);
  block.has_reference = json.contains("reference");
  if (block.has_reference) block.reference = number_of(json.at("reference"), "reference");
  return block;
}

FindingsBlock Reader::findings(const Json& json) {
  FindingsBlock block;
  block.title = text(json, "title");
  for (const Json& item : list(json, "findings"))
    block.findings.push_back({severity(item), text(item, "subject"), text(item, "text"), text(item, "mend")});
  return block;
}

CaseNode Reader::node(const Json& json, std::size_t depth) {
  CaseNode node_read;
  if (depth > report_limits::case_depth) {
    fail("the case is deeper than " + std::to_string(report_limits::case_depth) + " levels");
    return node_read;
  }
  node_read.kind = text(json, "kind");
  node_read.text = text(json, "text");
  node_read.status = text(json, "status");
  for (const Json& child : list(json, "children")) node_read.children.push_back(node(child, depth + 1));
  return node_read;
}

Block Reader::block(const Json& json) {
  const std::string type = text(json, "type");
  if (type == "text") return TextBlock{text(json, "heading"), text(json, "text"), severity(json)};
  if (type == "table") return table(json);
  if (type == "figure" && json.is_object()) return figure(json);
  if (type == "findings") return findings(json);
  if (type == "case") return CaseBlock{text(json, "title"), node(member(json, "root"), 1)};
  fail("the block type \"" + type + "\" is unknown");
  return TextBlock{};
}

Report Reader::report(const Json& json) {
  Report read;
  const std::string schema = text(json, "schema");
  if (!error_ && schema != schema_name) {
    const bool ours = schema.starts_with("plimsoll.report/");
    error_ = Error(ours ? ErrorCode::too_new : ErrorCode::bad_document,
                   "the document's schema is \"" + schema + "\", this engine reads \"" + std::string(schema_name) + "\"",
                   ours ? "take a newer engine" : "give the JSON form of a report");
  }
  if (error_) return read;
  read.title = text(json, "title");
  read.subtitle = text(json, "subtitle");
  read.verdict = text(json, "verdict");
  for (const Json& fact : list(json, "facts")) {
    std::string name = text(fact, "name");
    read.facts.emplace_back(std::move(name), text(fact, "value"));
  }
  for (const Json& item : list(json, "figures")) {
    std::string name = text(item, "name");
    read.figures.emplace_back(std::move(name), number_of(member(item, "value"), "value"));
  }
  for (const Json& item : list(json, "blocks")) {
    where_ = "block " + std::to_string(read.blocks.size() + 1);
    read.blocks.push_back(block(item));
    if (error_) break;
  }
  return read;
}

}  // namespace

Json to_json(const Report& report) {
  Json facts = Json::array(), figures = Json::array(), blocks = Json::array();
  for (const auto& [name, value] : report.facts) facts.push_back({{"name", words(name)}, {"value", words(value)}});
  for (const auto& [name, value] : report.figures) figures.push_back({{"name", words(name)}, {"value", json_of(value)}});
  for (const Block& block : report.blocks) blocks.push_back(std::visit([](const auto& b) { return block_json(b); }, block));
  return {{"schema", schema_name}, {"title", words(report.title)}, {"subtitle", words(report.subtitle)},
          {"verdict", words(report.verdict)}, {"facts", std::move(facts)}, {"figures", std::move(figures)},
          {"blocks", std::move(blocks)}};
}

Result<Report> report_from_json(const Json& json) {
  Reader reader;
  Report report = reader.report(json);
  PLIMSOLL_CHECK(reader.result());
  PLIMSOLL_CHECK(check(report));
  return report;
}

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#include "engine/report_figure.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/json.h"
#include "embedded/report_templates.h"

namespace plimsoll {
namespace {

struct Shape {
  FigureKind kind;
  std::string_view name;
  std::string_view required;  // fields, each followed by a blank
  std::string_view optional;
  bool reference;
};

constexpr Shape shapes[] = {
    {FigureKind::reliability, "reliability", "x y ", "lo hi ", false},
    {FigureKind::lines, "lines", "x y ", "lo hi series ", true},
    {FigureKind::steps, "steps", "x y ", "lo hi series ", true},
    {FigureKind::bars, "bars", "label y ", "lo hi series ", true},
    {FigureKind::histogram, "histogram", "x0 x1 y ", "series ", true},
    {FigureKind::points, "points", "x y ", "series ", true},
    {FigureKind::heatmap, "heatmap", "label series y ", "", false},
    {FigureKind::intervals, "intervals", "label y lo hi ", "", true},
};

const Shape& shape_of(FigureKind kind) { return shapes[static_cast<std::size_t>(kind)]; }

bool lists(std::string_view fields, std::string_view field) {
  for (std::size_t at = 0; at < fields.size();) {
    const std::size_t end = fields.find(' ', at);
    if (fields.substr(at, end - at) == field) return true;
    at = end + 1;
  }
  return false;
}

// Digits that keep the spread of a column visible: six of the range, not of the offset (times since 1970, say).
int digits_for(const std::vector<double>& numbers) {
  double least = INFINITY, most = -INFINITY;
  for (double x : numbers) {
    if (!std::isfinite(x)) continue;
    least = std::min(least, x);
    most = std::max(most, x);
  }
  if (!(least < most)) return 6;
  const double ratio = std::max(std::abs(least), std::abs(most)) / (most - least);
  if (!(ratio > 1.0)) return 6;
  return std::min(17, 6 + static_cast<int>(std::ceil(std::log10(ratio))));
}

const Json& templates() {
  static const Json parsed = [] {
    Result<Json> json = parse_json(embedded::report_templates());
    return json ? std::move(json).value() : Json::object();
  }();
  return parsed;
}

Json& filled(Json& node, const FigureBlock& figure, bool with_legend) {
  for (auto item = node.begin(); item != node.end(); ++item) {
    Json& child = *item;
    if (child == "$x_title") child = figure.x_title.empty() ? Json(nullptr) : Json(clean_text(figure.x_title));
    else if (child == "$y_title") child = figure.y_title.empty() ? Json(nullptr) : Json(clean_text(figure.y_title));
    else if (node.is_object() && item.key() == "legend" && !with_legend) child = nullptr;
    else if (child.is_structured()) filled(child, figure, with_legend);
  }
  return node;
}

Json rows_of(const FigureBlock& figure) {
  const std::vector<FigureColumn> columns = used_columns(figure);
  Json rows = Json::array();
  std::size_t n = columns.empty() ? 0 : columns.front().size();
  for (const FigureColumn& column : columns) n = std::min(n, column.size());  // the JSON of an unsound report is no crash
  for (std::size_t i = 0; i < n; ++i) {
    Json row = {{"series", ""}};
    for (const FigureColumn& column : columns) {
      Json& value = row[std::string(column.field)];
      if (column.is_text()) value = clean_text((*column.texts)[i]);
      else if (const double x = (*column.numbers)[i]; std::isfinite(x)) value = x;
      else value = nullptr;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// Bytes of the well-formed UTF-8 sequence at the front, 0 if there is none (overlong, surrogate, beyond U+10FFFF).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80U) return 1;
  if (lead >= 0xC2U && lead <= 0xDFU) return tail(1) ? 2 : 0;
  if (lead >= 0xE0U && lead <= 0xEFU) {
    if (!tail(1) || !tail(2)) return 0;
    if ((lead == 0xE0U && byte(1) < 0xA0U) || (lead == 0xEDU && byte(1) >= 0xA0U)) return 0;
    return 3;
  }
  if (lead >= 0xF0U && lead <= 0xF4U) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if ((lead == 0xF0U && byte(1) < 0x90U) || (lead == 0xF4U && byte(1) >= 0x90U)) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

std::string_view name_of(FigureKind kind) { return shape_of(kind).name; }

bool takes_reference(FigureKind kind) { return shape_of(kind).reference; }

std::vector<FigureColumn> all_columns(const FigureBlock& figure) {
  return {{"label", &figure.label, nullptr}, {"series", &figure.series, nullptr}, {"x", nullptr, &figure.x},
          {"x0", nullptr, &figure.x0},       {"x1", nullptr, &figure.x1},         {"y", nullptr, &figure.y},
          {"lo", nullptr, &figure.lo},       {"hi", nullptr, &figure.hi}};
}

ColumnUse use(FigureKind kind, std::string_view field) {
  if (lists(shape_of(kind).required, field)) return ColumnUse::required;
  return lists(shape_of(kind).optional, field) ? ColumnUse::optional : ColumnUse::unused;
}

std::vector<FigureColumn> used_columns(const FigureBlock& figure) {
  std::vector<FigureColumn> columns = all_columns(figure);
  std::erase_if(columns, [&](const FigureColumn& column) {
    const ColumnUse how = use(figure.kind, column.field);
    return how == ColumnUse::unused || (how == ColumnUse::optional && column.size() == 0);
  });
  return columns;
}

std::string column_title(const FigureBlock& figure, std::string_view field) {
  const bool heat = figure.kind == FigureKind::heatmap;
  const auto or_else = [](const std::string& title, std::string_view words) {
    return title.empty() ? std::string(words) : title;
  };
  if (field == "x") return or_else(figure.x_title, "x");
  if (field == "label") return or_else(heat ? figure.y_title : figure.x_title, "label");
  if (field == "series") return heat ? or_else(figure.x_title, "column") : "series";
  if (field == "y") return heat ? "value" : or_else(figure.y_title, "value");
  if (field == "x0") return "from";
  if (field == "x1") return "to";
  return field == "lo" ? "low" : "high";
}

std::vector<std::string> column_words(const FigureColumn& column) {
  if (column.is_text()) return *column.texts;
  const int digits = digits_for(*column.numbers);
  std::vector<std::string> words;
  words.reserve(column.numbers->size());
  for (double x : *column.numbers) words.push_back(number_words(x, digits));
  return words;
}

std::string number_words(double x, int digits) {
  if (std::isnan(x)) return "–";
  if (std::isinf(x)) return x > 0 ? "∞" : "-∞";
  if (x == 0) return "0";
  char buffer[64];
  const bool whole = std::abs(x) < 1e15 && std::nearbyint(x) == x;
  const auto end = whole ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<std::int64_t>(x))
                         : std::to_chars(buffer, buffer + sizeof buffer, x, std::chars_format::general, digits);
  return std::string(buffer, end.ptr);
}

std::string cell_words(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return std::to_string(*whole);
  return number_words(std::get<double>(cell));
}

std::string clean_text(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const auto lead = static_cast<unsigned char>(text.front());
    // C1 controls are two bytes, C2 80 to C2 9F.
    const bool control = length == 1 ? (lead < 0x20 && lead != '\n' && lead != '\t') || lead == 0x7F
                                     : length == 2 && lead == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
    if (length == 0 || control) clean += "\xEF\xBF\xBD";
    else clean += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return clean;
}

std::vector<std::string> paragraphs(std::string_view text) {
  std::vector<std::string> found;
  std::string current;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r' || line.back() == '\t')) line.remove_suffix(1);
    if (line.empty()) {
      if (!current.empty()) found.push_back(std::move(current));
      current.clear();
      continue;
    }
    if (!current.empty()) current += '\n';
    current += line;
  }
  if (!current.empty()) found.push_back(std::move(current));
  return found;
}

const Json& vega_template(FigureKind kind) {
  static const Json none = Json::object();
  const auto found = templates().find(std::string(name_of(kind)));
  return found == templates().end() ? none : found->at("vega");
}

Json vega_lite_of(const FigureBlock& figure) {
  const auto found = templates().find(std::string(name_of(figure.kind)));
  if (found == templates().end()) return Json::object();
  Json spec = found->at("vega_lite");
  const bool many = std::ranges::any_of(figure.series, [&](const std::string& s) { return s != figure.series.front(); });
  filled(spec, figure, many);
  spec["title"] = clean_text(figure.title);
  spec["description"] = clean_text(figure.description);
  Json reference = Json::array();
  if (figure.has_reference && std::isfinite(figure.reference)) reference.push_back({{"at", figure.reference}});
  spec["datasets"] = {{"values", rows_of(figure)}, {"reference", std::move(reference)}};
  return spec;
}

}  // namespace plimsoll

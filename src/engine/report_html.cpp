// SPDX-License-Identifier: Apache-2.0
// The HTML form of a report: one offline file. Script and style are named in the content policy by their SHA-256, nothing
// else may run or load, and no code is made from text (Vega's expressions are interpreted).
#include "engine/report_html.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/hash.h"
#include "base/json.h"
#include "embedded/report_css.h"
#include "embedded/report_js.h"
#include "engine/report_figure.h"

namespace plimsoll {
namespace {

constexpr std::string_view logo =
    "<svg class=mark viewBox=\"0 0 32 32\" aria-hidden=true><circle cx=16 cy=16 r=9 fill=none stroke=currentColor "
    "stroke-width=2.5 /><path d=\"M2 16h28\" stroke=currentColor stroke-width=2.5 /></svg>";

std::string base64(const std::array<std::uint8_t, 32>& bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t j = 0; j < 3; ++j) word = (word << 8U) | (j < left ? bytes[i + j] : 0U);
    for (std::size_t j = 0; j < 4; ++j) out += j <= left ? digits[(word >> (18U - 6U * j)) & 63U] : '=';
  }
  return out;
}

std::string source_of(std::string_view code) {
  Sha256 hash;
  hash.update(code);
  return "'sha256-" + base64(hash.finish()) + "'";
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view verdict_class(const std::string& verdict) {
  static constexpr std::string_view good[] = {"green", "pass", "passed", "ok", "good", "supported", "safe", "kept"};
  static constexpr std::string_view fair[] = {"yellow", "amber", "orange", "warning", "review", "caution", "fair", "open"};
  static constexpr std::string_view bad[] = {"red", "fail", "failed", "bad", "alarm", "unsafe", "broken", "defeated"};
  const std::string word = lower(verdict);
  if (std::ranges::find(good, word) != std::end(good)) return "good";
  if (std::ranges::find(fair, word) != std::end(fair)) return "fair";
  return std::ranges::find(bad, word) != std::end(bad) ? "bad" : "plain";
}

// Whole numbers in groups of three, others to four digits and, below a tenth, to four decimals: the exact ones stand in the
// JSON form.
std::string headline_number(double x) {
  const double size = std::abs(x);
  std::string words = number_words(x, size >= 0.1 ? 4 : size >= 0.01 ? 3 : 2);
  const std::size_t first = words.starts_with('-') ? 1 : 0;
  if (words.find_first_not_of("0123456789", first) != std::string::npos) return words;
  for (std::size_t at = words.size(); at > first + 3;) words.insert(at -= 3, ",");
  return words;
}

std::string spaced(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

std::string head_of(const Report& report) {
  std::string out = "<header class=top>\n<p class=brand>";
  (out += logo) += "plimsoll</p>\n<h1>" + html_text(report.title.empty() ? "Report" : report.title) + "</h1>\n";
  if (!report.subtitle.empty()) out += "<p class=subtitle>" + html_text(report.subtitle) + "</p>\n";
  if (!report.verdict.empty())
    out += "<p class=\"verdict " + std::string(verdict_class(report.verdict)) + "\"><span>Verdict</span> " +
           html_text(report.verdict) + "</p>\n";
  return out + "</header>\n";
}

std::string definitions(std::string_view kind, const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string out = "<dl class=" + std::string(kind) + ">\n";
  for (const auto& [name, value] : pairs)
    out += "<div><dt>" + html_text(spaced(name)) + "</dt><dd>" + html_text(value) + "</dd></div>\n";
  return out + "</dl>\n";
}

std::string summary_of(const Report& report) {
  std::string out;
  std::vector<std::pair<std::string, std::string>> numbers;
  for (const auto& [name, value] : report.figures) numbers.emplace_back(name, headline_number(value));
  // Up to eight are cards; of more, six, and the others can be opened.
  const std::ptrdiff_t cards = numbers.size() <= 8 ? static_cast<std::ptrdiff_t>(numbers.size()) : 6;
  const std::vector<std::pair<std::string, std::string>> first(numbers.begin(), numbers.begin() + cards);
  const std::vector<std::pair<std::string, std::string>> others(numbers.begin() + cards, numbers.end());
  if (!first.empty()) out += definitions("numbers", first);
  if (!others.empty())
    out += "<details class=facts><summary>More numbers</summary>\n" + definitions("pairs", others) + "</details>\n";
  if (!report.facts.empty())
    out += "<details class=facts open><summary>Provenance</summary>\n" + definitions("pairs", report.facts) + "</details>\n";
  return out;
}

// Short reports need no way to find their parts.
std::string contents_of(const Report& report) {
  std::string items;
  std::size_t n = 0;
  for (std::size_t i = 0; i < report.blocks.size(); ++i) {
    const std::string& heading = block_heading(report.blocks[i]);
    if (heading.empty()) continue;
    items += "<li><a href=#b" + std::to_string(i + 1) + ">" + html_text(heading) + "</a></li>\n";
    ++n;
  }
  return n < 4 ? "" : "<nav class=contents aria-label=Contents>\n<p>Contents</p>\n<ol>\n" + items + "</ol>\n</nav>\n";
}

// What the script needs besides the data tables: kinds, titles, fields and each used template once.
std::string script_data(const Report& report) {
  Json figures = Json::array(), used = Json::object();
  for (std::size_t i = 0; i < report.blocks.size(); ++i) {
    const auto* block = std::get_if<FigureBlock>(&report.blocks[i]);
    if (!block) continue;
    Json fields = Json::array();
    for (const FigureColumn& column : used_columns(*block)) fields.push_back(std::string(column.field));
    Json figure = {{"id", "b" + std::to_string(i + 1)}, {"kind", name_of(block->kind)}, {"x_title", clean_text(block->x_title)},
                   {"y_title", clean_text(block->y_title)}, {"fields", std::move(fields)}};
    if (block->has_reference) figure["reference"] = block->reference;
    figures.push_back(std::move(figure));
    used[std::string(name_of(block->kind))] = vega_template(block->kind);
  }
  if (figures.empty()) return {};
  std::string out;
  for (char c : canonical_json({{"figures", std::move(figures)}, {"templates", std::move(used)}})) {
    if (c == '<') out += "\\u003c";
    else out += c;
  }
  return out;
}

std::string page(const Report& report, const std::string& blocks) {
  const std::string data = script_data(report);
  const std::string_view css = embedded::report_css(), js = embedded::report_js();
  std::string out = "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n";
  out += "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; script-src " +
         (data.empty() ? "'none'" : source_of(js)) + "; style-src " + source_of(css) +
         "; img-src data:; base-uri 'none'; form-action 'none'\">\n";
  out += "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n<meta name=color-scheme content=\"light dark\">\n";
  out += "<title>" + html_text(report.title.empty() ? "Report" : report.title) + "</title>\n<style>";
  (out += css) += "</style>\n</head>\n<body>\n<a class=skip href=#main>Skip to the report</a>\n";
  out += head_of(report);
  const std::string contents = contents_of(report);
  out += contents.empty() ? "<div class=page>\n" : "<div class=\"page aside\">\n" + contents;
  out += "<main id=main tabindex=-1>\n" + summary_of(report);
  if (!data.empty())
    out += "<noscript><p class=caption>Figures are drawn by a script; the data behind each of them can be opened without "
           "one.</p></noscript>\n";
  out += blocks + "</main>\n</div>\n<footer><p>One file, nothing loaded from elsewhere.</p></footer>\n";
  if (!data.empty()) {
    out += "<script type=application/json id=figures>" + data + "</script>\n<script>";
    (out += js) += "</script>\n";
  }
  return out + "</body>\n</html>\n";
}

Error burst(const Report& report, std::size_t bytes, std::size_t row_cap) {
  std::size_t largest = 0, most = 0;
  for (std::size_t i = 0; i < report.blocks.size(); ++i) {
    const std::size_t size = html_block(report.blocks[i], i + 1, row_cap).size();
    if (size <= most) continue;
    most = size;
    largest = i;
  }
  std::string what = "the report takes " + std::to_string(bytes) + " bytes as HTML, the most is " +
                     std::to_string(report_limits::html_bytes);
  if (most > 0)
    what += "; the largest is block " + std::to_string(largest + 1) + " \"" +
            clean_text(block_heading(report.blocks[largest]).substr(0, 80)) + "\" with " + std::to_string(most) + " bytes";
  return Error(ErrorCode::bad_value, std::move(what), "aggregate its data, or write the JSON form");
}

}  // namespace

Result<std::string> to_html(const Report& report) {
  PLIMSOLL_CHECK(check(report));
  std::size_t bytes = 0, row_cap = report_limits::rows;
  for (; row_cap >= 50; row_cap /= 2) {
    std::string html = page(report, html_blocks(report, row_cap));
    bytes = html.size();
    if (bytes <= report_limits::html_bytes) return html;
  }
  return burst(report, bytes, 2 * row_cap);
}

}  // namespace plimsoll

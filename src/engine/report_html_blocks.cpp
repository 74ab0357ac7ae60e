// SPDX-License-Identifier: Apache-2.0
// The blocks of a report as HTML. A figure's values stand once, in the data table behind it: what a reader without scripts
// sees is what the script draws from.
#include <algorithm>
#include <type_traits>

#include "engine/report_figure.h"
#include "engine/report_html.h"

namespace plimsoll {
namespace {

std::string prose(std::string_view text, std::string_view kind = {}) {
  std::string out;
  for (const std::string& words : paragraphs(text)) {
    (out += kind.empty() ? "<p>" : "<p class=" + std::string(kind) + ">") += html_text(words);
    out += "</p>\n";
  }
  return out;
}

std::string heading(const std::string& text) { return text.empty() ? "" : "<h2>" + html_text(text) + "</h2>\n"; }

// Severity is told by word and shape as well as by colour.
std::string badge(ReportSeverity severity) {
  const std::string name(name_of(severity));
  return "<span class=\"badge " + name + "\">" + name + "</span>";
}

// A table that may be wider or taller than its place scrolls inside it, also by keyboard.
std::string scroll_open(std::string_view label) {
  return "<div class=scroll tabindex=0 role=group aria-label=\"" + html_text(label) + "\">";
}

std::string section(std::size_t number, std::string_view kind, const std::string& body) {
  std::string out = "<section id=b" + std::to_string(number) + " class=\"block ";
  return ((out += kind) += "\">\n") + body + "</section>\n";
}

std::string write(const TextBlock& block, std::size_t number, std::size_t) {
  if (block.severity == ReportSeverity::note) return section(number, "prose", heading(block.heading) + prose(block.text));
  const std::string kind = "callout " + std::string(name_of(block.severity));
  return section(number, kind, badge(block.severity) + heading(block.heading) + prose(block.text));
}

bool is_text_column(const TableBlock& block, std::size_t j) {
  return std::ranges::all_of(block.rows, [&](const auto& row) { return std::holds_alternative<std::string>(row[j]); });
}

// Short cells stay on one line, long ones wrap.
std::string text_cell(bool header, const std::string& text) {
  const bool wraps = text.size() > 40;
  std::string out = header ? "<th scope=row" : "<td";
  return (out += wraps ? " class=w>" : ">") + html_text(text);
}

std::string write(const TableBlock& block, std::size_t number, std::size_t row_cap) {
  std::string body = heading(block.title) + prose(block.caption, "caption");
  const bool row_headers = !block.columns.empty() && is_text_column(block, 0);
  body += scroll_open(block.title.empty() ? "Table" : block.title) + "<table><thead><tr>";
  for (std::size_t j = 0; j < block.columns.size(); ++j)
    (body += is_text_column(block, j) ? "<th scope=col>" : "<th scope=col class=n>") += html_text(block.columns[j]);
  body += "<tbody>\n";
  const std::size_t shown = std::min(block.rows.size(), row_cap);
  for (std::size_t i = 0; i < shown; ++i) {
    body += "<tr>";
    for (std::size_t j = 0; j < block.rows[i].size(); ++j) {
      const Cell& cell = block.rows[i][j];
      if (const auto* text = std::get_if<std::string>(&cell)) body += text_cell(j == 0 && row_headers, *text);
      else body += "<td class=n>" + cell_words(cell);
    }
    body += '\n';
  }
  body += "</table></div>\n";
  if (shown < block.rows.size())
    body += "<p class=caption>The first " + std::to_string(shown) + " of " + std::to_string(block.rows.size()) +
            " rows. The JSON form of this report has all of them.</p>\n";
  return section(number, "tabular", body);
}

std::string data_table(const FigureBlock& block) {
  const std::vector<FigureColumn> columns = used_columns(block);
  std::size_t texts = 0;
  std::vector<std::vector<std::string>> words;
  std::string out = "<thead><tr>";
  for (const FigureColumn& column : columns) {
    (out += "<th scope=col>") += html_text(column_title(block, column.field));
    words.push_back(column_words(column));
    if (column.is_text()) {
      ++texts;
      for (std::string& text : words.back()) text = html_text(text);
    }
  }
  out += "<tbody>\n";
  for (std::size_t i = 0; i < columns.front().size(); ++i) {
    out += "<tr>";
    for (const auto& column : words) (out += "<td>") += column[i];
    out += '\n';
  }
  // The class says how many columns hold text; the others are aligned as numbers.
  return "<table class=t" + std::to_string(texts) + ">" + out + "</table>";
}

std::string write(const FigureBlock& block, std::size_t number, std::size_t) {
  const std::string id = "b" + std::to_string(number);
  const std::string name = block.title.empty() ? "Figure" : block.title;
  std::string body = heading(block.title);
  body += "<figure>\n<div class=plot role=img aria-label=\"" + html_text(name) + "\" aria-describedby=" + id + "d><div aria-hidden=true></div></div>\n";
  body += "<figcaption id=" + id + "d>" + html_text(block.description) + "</figcaption>\n</figure>\n";
  body += "<details><summary>Data<span class=hidden> of " + html_text(name) + "</span></summary>\n";
  body += scroll_open("Data of " + name) + data_table(block) + "</div>\n";
  if (block.has_reference) body += "<p class=caption>Reference line at " + number_words(block.reference) + ".</p>\n";
  return section(number, "figure", body + "</details>\n");
}

std::string write(const FindingsBlock& block, std::size_t number, std::size_t) {
  std::string body = heading(block.title);
  if (block.findings.empty()) return section(number, "findings", body + "<p>No findings.</p>\n");
  body += "<ul class=list>\n";
  for (const Finding& finding : block.findings) {
    body += "<li class=\"" + std::string(name_of(finding.severity)) + "\">" + badge(finding.severity);
    body += "<div>";
    if (!finding.subject.empty()) body += "<h3>" + html_text(finding.subject) + "</h3>";
    body += prose(finding.text);
    if (!finding.mend.empty()) body += "<p class=mend><b>What to do:</b> " + html_text(finding.mend) + "</p>";
    body += "</div></li>\n";
  }
  return section(number, "findings", body + "</ul>\n");
}

std::string_view status_class(std::string_view status) {
  if (status == "supported") return "good";
  if (status == "defeated") return "bad";
  return status == "open" ? "fair" : "plain";
}

std::string case_node(const CaseNode& node) {
  std::string out = "<li><div class=node><span class=kind>" + html_text(node.kind) + "</span>";
  if (!node.status.empty())
    out += "<span class=\"status " + std::string(status_class(node.status)) + "\">" + html_text(node.status) + "</span>";
  out += "<p>" + html_text(node.text) + "</p></div>";
  if (!node.children.empty()) {
    out += "\n<ul>\n";
    for (const CaseNode& child : node.children) out += case_node(child);
    out += "</ul>";
  }
  return out + "</li>\n";
}

std::string write(const CaseBlock& block, std::size_t number, std::size_t) {
  return section(number, "case", heading(block.title) + "<ul class=tree>\n" + case_node(block.root) + "</ul>\n");
}

}  // namespace

std::string html_text(std::string_view text) {
  const std::string clean = clean_text(text);
  std::string out;
  out.reserve(clean.size());
  for (char c : clean) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

const std::string& block_heading(const Block& block) {
  return std::visit(
      [](const auto& b) -> const std::string& {
        if constexpr (std::is_same_v<std::decay_t<decltype(b)>, TextBlock>) return b.heading;
        else return b.title;
      },
      block);
}

std::string html_block(const Block& block, std::size_t number, std::size_t row_cap) {
  return std::visit([&](const auto& b) { return write(b, number, row_cap); }, block);
}

std::string html_blocks(const Report& report, std::size_t row_cap) {
  std::string out;
  for (std::size_t i = 0; i < report.blocks.size(); ++i) out += html_block(report.blocks[i], i + 1, row_cap);
  return out;
}

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
// The Markdown form of a report: figures as tables, every text escaped so that it is shown and never interpreted.
#include <algorithm>

#include "engine/report.h"
#include "engine/report_figure.h"

namespace plimsoll {
namespace {

// One line: characters with a meaning in Markdown or HTML are escaped, line breaks are blanks.
std::string inline_text(std::string_view text) {
  std::string out;
  for (char c : clean_text(text)) {
    if (c == '\n' || c == '\t') out += ' ';
    else if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (std::string_view("\\`*_{}[]#|~!$").find(c) != std::string_view::npos) (out += '\\') += c;
    else out += c;
  }
  // A line must not begin a list or a rule.
  if (!out.empty() && (out[0] == '-' || out[0] == '+' || out[0] == '=')) out.insert(0, "\\");
  const std::size_t digits = out.find_first_not_of("0123456789");
  if (digits != std::string::npos && digits > 0 && (out[digits] == '.' || out[digits] == ')')) out.insert(digits, "\\");
  return out;
}

// Numbers need no escape but a sign at the front is no list inside a table.
std::string table_cell(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return inline_text(*text);
  return cell_words(cell);
}

class Writer {
 public:
  std::string whole(const Report& report);

 private:
  void line(const std::string& text) { (out_ += text) += '\n'; }
  void paragraph(const std::string& text) { (out_ += text) += "\n\n"; }
  void heading(const std::string& text) {
    if (!text.empty()) paragraph("## " + inline_text(text));
  }
  void prose(const std::string& text, const std::string& before = {}) {
    bool first = true;
    for (const std::string& words : paragraphs(text)) {
      paragraph((first ? before : "") + inline_text(words));
      first = false;
    }
  }
  void row(const std::vector<std::string>& cells) {
    out_ += '|';
    for (const std::string& cell : cells) out_ += " " + cell + " |";
    out_ += '\n';
  }
  void header(const std::vector<std::string>& names, const std::vector<bool>& numeric);
  void node(const CaseNode& node, std::size_t depth);

  void block(const TextBlock& block);
  void block(const TableBlock& block);
  void block(const FigureBlock& block);
  void block(const FindingsBlock& block);
  void block(const CaseBlock& block);

  std::string out_;
};

void Writer::header(const std::vector<std::string>& names, const std::vector<bool>& numeric) {
  row(names);
  std::vector<std::string> rule;
  for (bool right : numeric) rule.emplace_back(right ? "---:" : "---");
  row(rule);
}

void Writer::block(const TextBlock& block) {
  heading(block.heading);
  prose(block.text, block.severity == ReportSeverity::note ? "" : "**" + std::string(name_of(block.severity)) + ":** ");
}

void Writer::block(const TableBlock& block) {
  heading(block.title);
  prose(block.caption);
  if (block.columns.empty()) return;
  std::vector<std::string> names;
  std::vector<bool> numeric;
  for (std::size_t j = 0; j < block.columns.size(); ++j) {
    names.push_back(inline_text(block.columns[j]));
    numeric.push_back(!block.rows.empty() && std::ranges::all_of(block.rows, [&](const std::vector<Cell>& cells) {
      return !std::holds_alternative<std::string>(cells[j]);
    }));
  }
  header(names, numeric);
  for (const std::vector<Cell>& cells : block.rows) {
    std::vector<std::string> words;
    for (const Cell& cell : cells) words.push_back(table_cell(cell));
    row(words);
  }
  out_ += '\n';
}

void Writer::block(const FigureBlock& block) {
  heading(block.title);
  prose(block.description);
  const std::vector<FigureColumn> columns = used_columns(block);
  std::vector<std::string> names;
  std::vector<bool> numeric;
  std::vector<std::vector<std::string>> words;
  for (const FigureColumn& column : columns) {
    names.push_back(inline_text(column_title(block, column.field)));
    numeric.push_back(!column.is_text());
    words.push_back(column_words(column));
    if (column.is_text())
      for (std::string& text : words.back()) text = inline_text(text);
  }
  header(names, numeric);
  for (std::size_t i = 0; i < columns.front().size(); ++i) {
    std::vector<std::string> cells;
    for (const auto& column : words) cells.push_back(column[i]);
    row(cells);
  }
  out_ += '\n';
  if (block.has_reference) paragraph("Reference line at " + number_words(block.reference) + ".");
}

void Writer::block(const FindingsBlock& block) {
  heading(block.title);
  if (block.findings.empty()) paragraph("No findings.");
  for (const Finding& finding : block.findings) {
    std::string words = "- **" + std::string(name_of(finding.severity)) + "**";
    if (!finding.subject.empty()) words += " " + inline_text(finding.subject);
    if (!finding.text.empty()) words += ": " + inline_text(finding.text);
    if (!finding.mend.empty()) words += " *What to do: " + inline_text(finding.mend) + "*";
    line(words);
  }
  if (!block.findings.empty()) out_ += '\n';
}

void Writer::node(const CaseNode& node, std::size_t depth) {
  std::string words(2 * depth, ' ');
  words += "- **" + inline_text(node.kind) + "**";
  if (!node.status.empty()) words += " (" + inline_text(node.status) + ")";
  line(words + ": " + inline_text(node.text));
  for (const CaseNode& child : node.children) this->node(child, depth + 1);
}

void Writer::block(const CaseBlock& block) {
  heading(block.title);
  node(block.root, 0);
  out_ += '\n';
}

std::string Writer::whole(const Report& report) {
  paragraph("# " + inline_text(report.title));
  prose(report.subtitle);
  if (!report.verdict.empty()) paragraph("**Verdict: " + inline_text(report.verdict) + "**");
  if (!report.figures.empty()) {
    header({"figure", "value"}, {false, true});
    for (const auto& [name, value] : report.figures) row({inline_text(name), number_words(value)});
    out_ += '\n';
  }
  if (!report.facts.empty()) {
    header({"fact", "value"}, {false, false});
    for (const auto& [name, value] : report.facts) row({inline_text(name), inline_text(value)});
    out_ += '\n';
  }
  for (const Block& one : report.blocks) std::visit([&](const auto& b) { block(b); }, one);
  while (out_.ends_with("\n\n")) out_.pop_back();
  return std::move(out_);
}

}  // namespace

std::string to_markdown(const Report& report) {
  if (Result<void> sound = check(report); !sound) return "# Unsound report\n\n" + inline_text(sound.error().message()) + "\n";
  return Writer().whole(report);
}

}  // namespace plimsoll

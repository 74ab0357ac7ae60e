// SPDX-License-Identifier: Apache-2.0
// The report's model: how blocks are added, and what a report must satisfy before any writer sees it.
#include "engine/report.h"

#include <cmath>
#include <type_traits>

#include "engine/report_figure.h"

namespace plimsoll {
namespace {

constexpr std::string_view words_mend = "shorten it";

// Collects the first complaint about one block; `place` names the block in the message.
class Checker {
 public:
  explicit Checker(std::string place) : place_(std::move(place)) {}

  void count(std::string_view what, std::size_t n, std::size_t most, std::string_view mend) {
    if (n > most)
      fail("the number of " + std::string(what) + " is " + std::to_string(n) + ", the most is " + std::to_string(most), mend);
  }
  void word(std::string_view what, std::string_view text) { length(what, text, report_limits::word_bytes); }
  void text(std::string_view what, std::string_view text) { length(what, text, report_limits::text_bytes); }
  void fail(const std::string& what, std::string_view mend) {
    if (failed_) return;
    failed_ = true;
    error_ = Error(ErrorCode::bad_value, "report, " + place_ + ": " + what, std::string(mend));
  }
  Result<void> result() const { return failed_ ? Result<void>(error_) : Result<void>(); }

 private:
  // As it will be written: a wrong byte becomes three.
  void length(std::string_view what, std::string_view text, std::size_t most) {
    if (3 * text.size() <= most) return;
    const std::size_t n = clean_text(text).size();
    if (n > most)
      fail(std::string(what) + " is " + std::to_string(n) + " bytes long, the most is " + std::to_string(most), words_mend);
  }

  std::string place_;
  Error error_;
  bool failed_ = false;
};

void check_block(Checker& c, const TextBlock& block) {
  c.word("the heading", block.heading);
  c.text("the text", block.text);
}

void check_block(Checker& c, const TableBlock& block) {
  c.word("the title", block.title);
  c.text("the caption", block.caption);
  c.count("columns", block.columns.size(), report_limits::columns, "show fewer columns");
  c.count("rows", block.rows.size(), report_limits::rows, "aggregate the rows, or show the first of them");
  for (const std::string& column : block.columns) c.word("a column's name", column);
  for (std::size_t i = 0; i < block.rows.size(); ++i) {
    if (block.rows[i].size() != block.columns.size())
      c.fail("row " + std::to_string(i) + " has " + std::to_string(block.rows[i].size()) + " cells, the table has " +
                 std::to_string(block.columns.size()) + " columns",
             "give every row one cell a column");
    for (const Cell& cell : block.rows[i])
      if (const auto* text = std::get_if<std::string>(&cell)) c.word("a cell", *text);
  }
}

void check_columns(Checker& c, const FigureBlock& block) {
  std::size_t n = 0;
  std::string_view first;
  for (const FigureColumn& column : all_columns(block)) {
    const ColumnUse how = use(block.kind, column.field);
    const std::string field(column.field);
    if (how == ColumnUse::unused && column.size() > 0)
      c.fail("a figure of kind " + std::string(name_of(block.kind)) + " does not use the column " + field, "leave it empty");
    if (how == ColumnUse::unused || (how == ColumnUse::optional && column.size() == 0)) continue;
    c.count("values in the column " + field, column.size(), report_limits::marks, "bin or sample the data");
    if (first.empty()) {
      first = column.field;
      n = column.size();
    } else if (column.size() != n) {
      c.fail("the column " + field + " has " + std::to_string(column.size()) + " values, " + std::string(first) + " has " +
                 std::to_string(n),
             "give all columns of a figure one length");
    }
    if (column.is_text())
      for (const std::string& text : *column.texts) c.word("a value of " + field, text);
  }
  if (block.lo.empty() != block.hi.empty()) c.fail("one of lo and hi is empty", "give both or neither");
}

void check_block(Checker& c, const FigureBlock& block) {
  if (static_cast<unsigned>(block.kind) > static_cast<unsigned>(FigureKind::intervals)) {
    c.fail("the figure's kind is unknown", "take one of FigureKind");
    return;
  }
  c.word("the title", block.title);
  c.text("the description", block.description);
  c.word("the title of x", block.x_title);
  c.word("the title of y", block.y_title);
  if (block.description.empty())
    c.fail("the figure has no description", "say in words what it shows, for readers who cannot see it");
  check_columns(c, block);
  if (!block.has_reference) return;
  if (!takes_reference(block.kind))
    c.fail("a figure of kind " + std::string(name_of(block.kind)) + " has no reference line", "leave has_reference false");
  if (!std::isfinite(block.reference)) c.fail("the reference line is not at a finite number", "give a finite number");
}

void check_block(Checker& c, const FindingsBlock& block) {
  c.word("the title", block.title);
  c.count("findings", block.findings.size(), report_limits::findings, "show the gravest ones");
  for (const Finding& finding : block.findings) {
    c.word("a finding's subject", finding.subject);
    c.text("a finding's text", finding.text);
    c.text("a finding's mend", finding.mend);
  }
}

// Counts the nodes; deeper than the limit is refused before going on, so a hostile tree cannot exhaust the stack.
std::size_t check_node(Checker& c, const CaseNode& node, std::size_t depth) {
  if (depth > report_limits::case_depth) {
    c.fail("the case is deeper than " + std::to_string(report_limits::case_depth) + " levels", "part it into several cases");
    return 1;
  }
  c.word("a node's kind", node.kind);
  c.word("a node's status", node.status);
  c.text("a node's text", node.text);
  std::size_t n = 1;
  for (const CaseNode& child : node.children) n += check_node(c, child, depth + 1);
  return n;
}

void check_block(Checker& c, const CaseBlock& block) {
  c.word("the title", block.title);
  c.count("nodes of the case", check_node(c, block.root, 1), report_limits::case_nodes, "part it into several cases");
}

std::string place_of(const Block& block, std::size_t i) {
  const auto named = [&](std::string_view kind, const std::string& title) {
    std::string place = "block " + std::to_string(i + 1) + ", " + std::string(kind);
    if (!title.empty()) place += " \"" + clean_text(title.substr(0, 80)) + "\"";
    return place;
  };
  return std::visit(
      [&](const auto& b) {
        using T = std::decay_t<decltype(b)>;
        if constexpr (std::is_same_v<T, TextBlock>) return named("text", b.heading);
        else if constexpr (std::is_same_v<T, TableBlock>) return named("table", b.title);
        else if constexpr (std::is_same_v<T, FigureBlock>) return named("figure", b.title);
        else if constexpr (std::is_same_v<T, FindingsBlock>) return named("findings", b.title);
        else return named("case", b.title);
      },
      block);
}

// Names and values of users may be of any length: what is longer than a word's limit ends in an ellipsis.
void clip(std::string& text) {
  if (3 * text.size() <= report_limits::word_bytes) return;
  std::string clean = clean_text(text);
  if (clean.size() <= report_limits::word_bytes) return;
  constexpr std::string_view ellipsis = "\xE2\x80\xA6";
  std::size_t end = report_limits::word_bytes - ellipsis.size();
  while ((static_cast<unsigned char>(clean[end]) & 0xC0U) == 0x80U) --end;
  clean.resize(end);
  text = clean + std::string(ellipsis);
}

}  // namespace

std::string_view name_of(ReportSeverity severity) {
  switch (severity) {
    case ReportSeverity::note: return "note";
    case ReportSeverity::warning: return "warning";
    case ReportSeverity::alarm: return "alarm";
  }
  return "alarm";
}

Report& Report::text(std::string heading, std::string words, ReportSeverity severity) {
  blocks.emplace_back(TextBlock{std::move(heading), std::move(words), severity});
  return *this;
}

Report& Report::table(TableBlock block) {
  for (std::string& column : block.columns) clip(column);
  for (std::vector<Cell>& row : block.rows)
    for (Cell& cell : row)
      if (auto* text = std::get_if<std::string>(&cell)) clip(*text);
  blocks.emplace_back(std::move(block));
  return *this;
}

Report& Report::figure(FigureBlock block) {
  for (std::string& label : block.label) clip(label);
  for (std::string& series : block.series) clip(series);
  clip(block.x_title);
  clip(block.y_title);
  blocks.emplace_back(std::move(block));
  return *this;
}

Report& Report::findings(FindingsBlock block) {
  for (Finding& finding : block.findings) clip(finding.subject);
  blocks.emplace_back(std::move(block));
  return *this;
}

Report& Report::assurance_case(CaseBlock block) {
  blocks.emplace_back(std::move(block));
  return *this;
}

Result<void> check(const Report& report) {
  Checker head("its head");
  head.word("the title", report.title);
  head.word("the subtitle", report.subtitle);
  head.word("the verdict", report.verdict);
  head.count("facts", report.facts.size(), report_limits::listed, "state fewer facts");
  head.count("headline figures", report.figures.size(), report_limits::listed, "state fewer figures");
  for (const auto& [name, value] : report.facts) {
    head.word("a fact's name", name);
    head.text("the fact " + clean_text(name.substr(0, 80)), value);
  }
  for (const auto& [name, value] : report.figures) head.word("a headline figure's name", name);
  head.count("blocks", report.blocks.size(), report_limits::blocks, "write several reports");
  PLIMSOLL_CHECK(head.result());
  for (std::size_t i = 0; i < report.blocks.size(); ++i) {
    Checker block(place_of(report.blocks[i], i));
    std::visit([&](const auto& b) { check_block(block, b); }, report.blocks[i]);
    PLIMSOLL_CHECK(block.result());
  }
  return {};
}

}  // namespace plimsoll

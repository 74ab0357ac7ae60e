// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json_fwd.h"
#include "base/result.h"

namespace plimsoll {

// A report is a list of typed blocks. Data are aggregated by the method before they come here: at most 2,000 marks a figure
// and 2,000 rows a table, so the file stays under 1 MB whatever the data (design, section 4).

enum class ReportSeverity : std::uint8_t { note, warning, alarm };

struct TextBlock {
  std::string heading = {};
  std::string text = {};  // plain words; blank lines part paragraphs
  ReportSeverity severity = ReportSeverity::note;
};

using Cell = std::variant<std::string, double, std::int64_t>;

struct TableBlock {
  std::string title = {};
  std::string caption = {};
  std::vector<std::string> columns = {};
  std::vector<std::vector<Cell>> rows = {};
};

// What a figure shows; each kind is one Vega-Lite template in web/report/templates, compiled at build time.
enum class FigureKind : std::uint8_t {
  reliability,  // x forecast, y observed; lo, hi: consistency band; diagonal drawn
  lines,        // x, y, series; lo, hi optional: band
  steps,        // as lines, right-continuous steps
  bars,         // label, y, series optional; lo, hi optional: intervals
  histogram,    // x0, x1 bin edges, y count, series optional
  points,       // x, y, series optional
  heatmap,      // label (rows), series (columns), y value; x_title names the columns, y_title the rows
  intervals,    // label, y estimate, lo, hi; reference line at `reference`
  // In bars and intervals the values run along the horizontal axis: it is titled y_title, the labels x_title.
};
std::string_view name_of(FigureKind kind);
std::string_view name_of(ReportSeverity severity);

struct FigureBlock {
  FigureKind kind = FigureKind::lines;
  std::string title = {};
  std::string description = {};  // for readers who cannot see it; required
  std::string x_title = {};
  std::string y_title = {};
  // Columns of equal length; which are needed depends on kind. NaN is a gap. lo and hi come together.
  std::vector<double> x = {}, y = {}, lo = {}, hi = {}, x0 = {}, x1 = {};
  std::vector<std::string> label = {}, series = {};
  double reference = 0;  // a dashed line on the value axis (x axis of a histogram); not for reliability and heatmap
  bool has_reference = false;
};

struct Finding {
  ReportSeverity severity = ReportSeverity::note;
  std::string subject = {};
  std::string text = {};
  std::string mend = {};
};

struct FindingsBlock {
  std::string title = {};
  std::vector<Finding> findings = {};
};

// A node of an assurance case: claim, argument, evidence.
struct CaseNode {
  std::string kind = {};
  std::string text = {};
  std::string status = {};  // supported, open, defeated
  std::vector<CaseNode> children = {};
};

struct CaseBlock {
  std::string title = {};
  CaseNode root = {};
};

using Block = std::variant<TextBlock, TableBlock, FigureBlock, FindingsBlock, CaseBlock>;

struct Report {
  std::string title;
  std::string subtitle;
  std::string verdict;       // the method's own scale (green, yellow, red ...); empty if none. `--fail-on` reads it
  std::vector<std::pair<std::string, std::string>> facts;  // provenance shown at the top: method, rows, seed, versions
  std::vector<std::pair<std::string, double>> figures;     // the headline numbers by name, for machines
  std::vector<Block> blocks;

  // Each adds a block. Column names, cells, labels and subjects longer than report_limits::word_bytes are cut with an ellipsis.
  Report& text(std::string heading, std::string words, ReportSeverity severity = ReportSeverity::note);
  Report& table(TableBlock block);
  Report& figure(FigureBlock block);
  Report& findings(FindingsBlock block);
  Report& assurance_case(CaseBlock block);
};

namespace report_limits {
inline constexpr std::size_t marks = 2'000;          // rows of a figure's columns
inline constexpr std::size_t rows = 2'000;           // rows of a table
inline constexpr std::size_t columns = 100;          // columns of a table
inline constexpr std::size_t blocks = 300;
inline constexpr std::size_t listed = 200;           // facts, headline figures
inline constexpr std::size_t findings = 500;         // of one block
inline constexpr std::size_t case_nodes = 1'000;
inline constexpr std::size_t case_depth = 20;
inline constexpr std::size_t word_bytes = 1'000;     // a title, label, cell, name
inline constexpr std::size_t text_bytes = 20'000;    // a text block, caption, description, finding
inline constexpr std::size_t html_bytes = 1'000'000;
}  // namespace report_limits

// `bad_value` when a figure's columns differ in length or a size limit is passed, naming the block.
Result<void> check(const Report& report);

Json to_json(const Report& report);              // schema of docs/report.schema.json; figures carry their Vega-Lite form
Result<Report> report_from_json(const Json& json);
std::string to_markdown(const Report& report);

// One offline file under a strict content policy, under 1 MB: tables that would burst it show their first rows and say so
// (the JSON form has all). `bad_value` naming the largest block if that does not suffice.
Result<std::string> to_html(const Report& report);

}  // namespace plimsoll

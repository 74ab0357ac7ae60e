// SPDX-License-Identifier: Apache-2.0
#include "engine/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/hash.h"
#include "base/json.h"
#include "base/philox.h"
#include "engine/report_figure.h"

namespace plimsoll {
namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

FigureBlock line_figure(std::size_t n) {
  FigureBlock figure{.kind = FigureKind::lines, .title = "Line", .description = "A rising line.", .x_title = "t", .y_title = "v"};
  for (std::size_t i = 0; i < n; ++i) {
    figure.x.push_back(static_cast<double>(i));
    figure.y.push_back(0.1 * static_cast<double>(i));
  }
  return figure;
}

Report small_report() {
  Report r;
  r.title = "Small & <sound>";
  r.subtitle = "two cases";
  r.verdict = "Green";
  r.facts = {{"method", "a.b"}};
  r.figures = {{"mean_loss", 0.123456789}, {"rows", 1234567.0}};
  r.text("Words", "One.\n\nTwo.").text("", "Beware.", ReportSeverity::warning);
  r.table({.title = "Table", .caption = "Numbers.", .columns = {"name", "p"}, .rows = {{"a|b", 0.5}, {"c", nan_value}}});
  FigureBlock figure = line_figure(2);
  figure.reference = 0.05;
  figure.has_reference = true;
  r.figure(figure);
  r.findings({.title = "Findings", .findings = {{ReportSeverity::alarm, "Drift", "It moved.", "Fit again."}}});
  r.assurance_case({.title = "Case", .root = {"claim", "All is well", "open", {{"evidence", "it ran", "supported", {}}}}});
  return r;
}

// What stands between `open` and `close` is cut, the two stay.
std::string without(std::string text, std::string_view open, std::string_view close) {
  for (std::size_t at = 0; (at = text.find(open, at)) != std::string::npos;) {
    at += open.size();
    text.erase(at, text.find(close, at) - at);
  }
  return text;
}

std::string between(const std::string& text, std::string_view open, std::string_view close) {
  const std::size_t at = text.find(open);
  if (at == std::string::npos) return {};
  const std::size_t from = at + open.size();
  return text.substr(from, text.find(close, from) - from);
}

std::string skeleton(const std::string& html) {
  std::string text = without(html, "<style>", "</style>");
  text = without(text, "<script>", "</script>");
  text = without(text, "id=figures>", "</script>");
  text = without(text, "<svg class=mark", "</svg>");
  return without(text, "'sha256-", "'");
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++n;
  return n;
}

constexpr std::string_view golden = R"(<!doctype html>
<html lang=en>
<head>
<meta charset=utf-8>
<meta http-equiv=Content-Security-Policy content="default-src 'none'; script-src 'sha256-'; style-src 'sha256-'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name=viewport content="width=device-width, initial-scale=1">
<meta name=color-scheme content="light dark">
<title>Small &amp; &lt;sound&gt;</title>
<style></style>
</head>
<body>
<a class=skip href=#main>Skip to the report</a>
<header class=top>
<p class=brand><svg class=mark</svg>plimsoll</p>
<h1>Small &amp; &lt;sound&gt;</h1>
<p class=subtitle>two cases</p>
<p class="verdict good"><span>Verdict</span> Green</p>
</header>
<div class="page aside">
<nav class=contents aria-label=Contents>
<p>Contents</p>
<ol>
<li><a href=#b1>Words</a></li>
<li><a href=#b3>Table</a></li>
<li><a href=#b4>Line</a></li>
<li><a href=#b5>Findings</a></li>
<li><a href=#b6>Case</a></li>
</ol>
</nav>
<main id=main tabindex=-1>
<dl class=numbers>
<div><dt>mean loss</dt><dd>0.1235</dd></div>
<div><dt>rows</dt><dd>1,234,567</dd></div>
</dl>
<details class=facts open><summary>Provenance</summary>
<dl class=pairs>
<div><dt>method</dt><dd>a.b</dd></div>
</dl>
</details>
<noscript><p class=caption>Figures are drawn by a script; the data behind each of them can be opened without one.</p></noscript>
<section id=b1 class="block prose">
<h2>Words</h2>
<p>One.</p>
<p>Two.</p>
</section>
<section id=b2 class="block callout warning">
<span class="badge warning">warning</span><p>Beware.</p>
</section>
<section id=b3 class="block tabular">
<h2>Table</h2>
<p class=caption>Numbers.</p>
<div class=scroll tabindex=0 role=group aria-label="Table"><table><thead><tr><th scope=col>name<th scope=col class=n>p<tbody>
<tr><th scope=row>a|b<td class=n>0.5
<tr><th scope=row>c<td class=n>–
</table></div>
</section>
<section id=b4 class="block figure">
<h2>Line</h2>
<figure>
<div class=plot role=img aria-label="Line" aria-describedby=b4d><div aria-hidden=true></div></div>
<figcaption id=b4d>A rising line.</figcaption>
</figure>
<details><summary>Data<span class=hidden> of Line</span></summary>
<div class=scroll tabindex=0 role=group aria-label="Data of Line"><table class=t0><thead><tr><th scope=col>t<th scope=col>v<tbody>
<tr><td>0<td>0
<tr><td>1<td>0.1
</table></div>
<p class=caption>Reference line at 0.05.</p>
</details>
</section>
<section id=b5 class="block findings">
<h2>Findings</h2>
<ul class=list>
<li class="alarm"><span class="badge alarm">alarm</span><div><h3>Drift</h3><p>It moved.</p>
<p class=mend><b>What to do:</b> Fit again.</p></div></li>
</ul>
</section>
<section id=b6 class="block case">
<h2>Case</h2>
<ul class=tree>
<li><div class=node><span class=kind>claim</span><span class="status fair">open</span><p>All is well</p></div>
<ul>
<li><div class=node><span class=kind>evidence</span><span class="status good">supported</span><p>it ran</p></div></li>
</ul></li>
</ul>
</section>
</main>
</div>
<footer><p>One file, nothing loaded from elsewhere.</p></footer>
<script type=application/json id=figures></script>
<script></script>
</body>
</html>
)";

TEST(Report, HtmlSkeleton) {
  const Result<std::string> html = to_html(small_report());
  ASSERT_TRUE(html.ok()) << html.error().message();
  EXPECT_EQ(skeleton(*html), golden);
}

// The digest of the policy is read back from base64 and compared with that of what stands in the element.
std::string hex_of_base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string hex;
  unsigned bits = 0;
  int held = 0;
  for (char c : text) {
    if (c == '=') break;
    bits = (bits << 6U) | static_cast<unsigned>(digits.find(c));
    held += 6;
    while (held >= 4) {
      held -= 4;
      hex += "0123456789abcdef"[(bits >> static_cast<unsigned>(held)) & 15U];
    }
  }
  hex.resize(64);
  return hex;
}

TEST(Report, PolicyNamesScriptAndStyleByDigest) {
  const std::string html = to_html(small_report()).value();
  EXPECT_EQ(hex_of_base64(between(html, "script-src 'sha256-", "'")), sha256_hex(between(html, "\n<script>", "</script>")));
  EXPECT_EQ(hex_of_base64(between(html, "style-src 'sha256-", "'")), sha256_hex(between(html, "<style>", "</style>")));
  const std::string policy = between(html, "Content-Security-Policy content=\"", "\"");
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(count(html, "</script"), 2u);
  EXPECT_EQ(html.find("<!--"), std::string::npos);
}

TEST(Report, WithoutFiguresThereIsNoScript) {
  Report r;
  r.title = "Words only";
  r.text("A", "b");
  const std::string html = to_html(r).value();
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_NE(html.find("script-src 'none'"), std::string::npos);
  EXPECT_LT(html.size(), 20000u);
}

TEST(Report, Numbers) {
  EXPECT_EQ(number_words(0.1 + 0.2), "0.3");
  EXPECT_EQ(number_words(1.0 / 3), "0.333333");
  EXPECT_EQ(number_words(-0.0), "0");
  EXPECT_EQ(number_words(1234567), "1234567");
  EXPECT_EQ(number_words(1234567.25), "1.23457e+06");
  EXPECT_EQ(number_words(0.00001234567), "1.23457e-05");
  EXPECT_EQ(number_words(nan_value), "–");
  EXPECT_EQ(number_words(-INFINITY), "-∞");
  // The offset does not eat the digits that tell the values apart.
  const std::vector<double> times = {1700000000.25, 1700000000.5};
  const std::vector<std::string> words = column_words({"x", nullptr, &times});
  EXPECT_EQ(words[0], "1700000000.25");
  EXPECT_EQ(words[1], "1700000000.5");
}

TEST(Report, TextsAreCleaned) {
  EXPECT_EQ(clean_text("a\xC3\xA9\xF0\x9F\x98\x80\t\n"), "a\xC3\xA9\xF0\x9F\x98\x80\t\n");
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(clean_text(std::string_view("\0", 1)), mark);
  EXPECT_EQ(clean_text("\xC0\x80"), mark + mark);          // overlong
  EXPECT_EQ(clean_text("\xED\xA0\x80"), mark + mark + mark);  // surrogate
  EXPECT_EQ(clean_text("\xE2\x82"), mark + mark);          // cut short
  EXPECT_EQ(clean_text("\xC2\x9B"), mark);                 // C1 control
  EXPECT_EQ(clean_text("\xF5\x80\x80\x80"), mark + mark + mark + mark);
}

void expect_refused(const Report& r, std::string_view part) {
  const Result<void> result = check(r);
  ASSERT_FALSE(result.ok()) << part;
  EXPECT_EQ(result.error().code, ErrorCode::bad_value);
  EXPECT_NE(result.error().message().find(part), std::string::npos) << result.error().message();
  EXPECT_FALSE(result.error().mend.empty());
  EXPECT_FALSE(to_html(r).ok());
}

TEST(Report, LimitsNameTheBlock) {
  EXPECT_TRUE(check(Report().figure(line_figure(2000))).ok());
  expect_refused(Report().text("", "fine").figure(line_figure(2001)), "block 2, figure \"Line\"");
  FigureBlock figure = line_figure(3);
  figure.y.pop_back();
  expect_refused(Report().figure(figure), "the column y has 2 values, x has 3");
  figure = line_figure(3);
  figure.x0 = {1, 2, 3};
  expect_refused(Report().figure(figure), "does not use the column x0");
  figure = line_figure(3);
  figure.lo = {1, 2, 3};
  expect_refused(Report().figure(figure), "one of lo and hi is empty");
  figure = line_figure(3);
  figure.description.clear();
  expect_refused(Report().figure(figure), "no description");
  figure = line_figure(3);
  figure.has_reference = true;
  figure.reference = nan_value;
  expect_refused(Report().figure(figure), "finite");
  TableBlock table{.title = "T", .columns = {"a", "b"}, .rows = {{1.0, 2.0}, {1.0}}};
  expect_refused(Report().table(table), "row 1 has 1 cells");
  table.rows.assign(2001, {1.0, 2.0});
  expect_refused(Report().table(table), "the number of rows is 2001");
  expect_refused(Report().text("h", std::string(20001, 'a')), "block 1, text \"h\"");
  // What fits only as long as its wrong bytes stand would not be read again.
  expect_refused(Report().text("h", std::string(7000, '\xFF')), "21000 bytes");
  EXPECT_TRUE(report_from_json(to_json(Report().text("h", std::string(6666, '\xFF')))).ok());
  expect_refused(Report().findings({.title = "F", .findings = std::vector<Finding>(501)}), "501");
  CaseBlock deep{.title = "C", .root = {"claim", "x", "", {}}};
  for (int i = 0; i < 20; ++i) deep.root = {"claim", "x", "", {deep.root}};
  expect_refused(Report().assurance_case(deep), "deeper than 20");
}

TEST(Report, LongNamesOfUsersAreCut) {
  std::string name;
  for (int i = 0; i < 600; ++i) name += "é";
  FigureBlock figure{.kind = FigureKind::bars, .description = "d", .y = {1.0}, .label = {name}};
  Report r;
  r.table({.title = "T", .columns = {name}, .rows = {{std::string(5000, '\xFF')}}}).figure(figure);
  ASSERT_TRUE(check(r).ok()) << check(r).error().message();
  const std::string& cut = std::get<FigureBlock>(r.blocks[1]).label[0];
  EXPECT_LE(cut.size(), report_limits::word_bytes);
  EXPECT_TRUE(cut.ends_with("é…"));
  EXPECT_EQ(clean_text(cut), cut);
}

TEST(Report, SizeStaysUnderTheLimit) {
  TableBlock table{.title = "Rows", .columns = {"case", "p", "q", "r"}, .rows = {}};
  for (int i = 0; i < 2000; ++i) table.rows.push_back({"case number " + std::to_string(i), 0.123456789, 1.0 / (i + 3), std::int64_t{i}});
  Report r;
  for (int i = 0; i < 10; ++i) r.table(table);
  r.figure(line_figure(2000));
  const std::string html = to_html(r).value();
  EXPECT_LE(html.size(), report_limits::html_bytes);
  EXPECT_EQ(count(html, "of 2000 rows"), 10u);
  EXPECT_EQ(report_from_json(to_json(r)).value().blocks.size(), 11u);
  // Words cannot be cut: that report is refused, and the largest block is named.
  Report wordy;
  for (int i = 0; i < 60; ++i) wordy.text("Chapter " + std::to_string(i), std::string(i == 7 ? 20000 : 19000, '&'));
  const Result<std::string> refused = to_html(wordy);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::bad_value);
  EXPECT_NE(refused.error().message().find("block 8 \"Chapter 7\""), std::string::npos) << refused.error().message();
}

TEST(Report, MarkdownShowsTextsAndTables) {
  const std::string text = to_markdown(small_report());
  EXPECT_EQ(text.substr(0, text.find('\n')), "# Small &amp; &lt;sound&gt;");
  EXPECT_NE(text.find("**Verdict: Green**"), std::string::npos);
  EXPECT_NE(text.find("| name | p |\n| --- | ---: |\n| a\\|b | 0.5 |\n| c | – |\n"), std::string::npos) << text;
  EXPECT_NE(text.find("| t | v |\n| ---: | ---: |\n| 0 | 0 |\n| 1 | 0.1 |\n"), std::string::npos) << text;
  EXPECT_NE(text.find("**warning:** Beware."), std::string::npos);
  EXPECT_NE(text.find("- **alarm** Drift: It moved. *What to do: Fit again.*"), std::string::npos);
  EXPECT_NE(text.find("- **claim** (open): All is well\n  - **evidence** (supported): it ran"), std::string::npos);
}

TEST(Report, JsonCarriesTheFigure) {
  const Json json = to_json(small_report());
  const Json& figure = json.at("blocks").at(3);
  EXPECT_EQ(figure.at("kind"), "lines");
  EXPECT_EQ(figure.at("vega_lite").at("datasets").at("values").size(), 2u);
  EXPECT_EQ(figure.at("vega_lite").at("datasets").at("reference").at(0).at("at"), 0.05);
  EXPECT_EQ(canonical_json(json).find("$x_title"), std::string::npos);
  Json newer = json;
  newer["schema"] = "plimsoll.report/2";
  EXPECT_EQ(report_from_json(newer).error().code, ErrorCode::too_new);
  newer["schema"] = "else";
  EXPECT_EQ(report_from_json(newer).error().code, ErrorCode::bad_document);
}

// Random reports whose every text tries to leave its place.
class Maker {
 public:
  explicit Maker(std::uint64_t seed) : stream_(seed) {}

  Report report() {
    Report r;
    r.title = word();
    r.subtitle = word();
    r.verdict = word();
    for (std::uint64_t i = stream_.below(4); i > 0; --i) r.facts.emplace_back(pair());
    for (std::uint64_t i = stream_.below(4); i > 0; --i) {
      std::string name = word();
      r.figures.emplace_back(std::move(name), number());
    }
    for (std::uint64_t i = stream_.below(7); i > 0; --i) r.blocks.push_back(block());
    return r;
  }
  std::uint64_t below(std::uint64_t n) { return stream_.below(n); }

 private:
  std::pair<std::string, std::string> pair() {
    std::string first = word();
    return {std::move(first), word()};
  }
  std::string word() {
    static constexpr std::string_view parts[] = {"<script>", "</script", "</style>", "<!--", "-->", "\"", "'", "&", "&lt;", "a", "B7",
                                                 " ", "\n\n", "|", "`", "\xFF", "\xE2\x80\xAE", "=x onerror=y", "<img src=q>",
                                                 "$x_title", "]]>", "nan", "\\", "{{", "<td>", "é"};
    std::string text;
    for (std::uint64_t i = stream_.below(7); i > 0; --i) text += parts[stream_.below(std::size(parts))];
    return text;
  }
  double number() {
    switch (stream_.below(9)) {
      case 0: return nan_value;
      case 1: return INFINITY;
      case 2: return -INFINITY;
      case 3: return static_cast<double>(stream_.below(1000000));
      case 4: return 1e300 * stream_.normal();
      default: return stream_.normal();
    }
  }
  ReportSeverity severity() { return static_cast<ReportSeverity>(stream_.below(3)); }
  Cell cell() {
    switch (stream_.below(3)) {
      case 0: return word();
      case 1: return number();
      default: return static_cast<std::int64_t>(stream_.next_u64());
    }
  }
  TableBlock table() {
    TableBlock block{.title = word(), .caption = word()};
    for (std::uint64_t i = stream_.below(4); i > 0; --i) block.columns.push_back(word());
    for (std::uint64_t i = stream_.below(5); i > 0; --i) {
      std::vector<Cell>& row = block.rows.emplace_back();
      for (std::size_t j = 0; j < block.columns.size(); ++j) row.push_back(cell());
    }
    return block;
  }
  FigureBlock figure() {
    FigureBlock block{.kind = static_cast<FigureKind>(stream_.below(8)), .title = word(), .description = "d" + word(),
                      .x_title = word(), .y_title = word()};
    const std::uint64_t n = stream_.below(6);
    const bool band = stream_.bernoulli(0.5), grouped = stream_.bernoulli(0.5);
    const auto wanted = [&](std::string_view field) {
      const ColumnUse how = use(block.kind, field);
      return how == ColumnUse::required || (how == ColumnUse::optional && (field == "series" ? grouped : band));
    };
    const auto numbers = [&](std::string_view field, std::vector<double>& column) {
      for (std::uint64_t i = 0; wanted(field) && i < n; ++i) column.push_back(number());
    };
    const auto texts = [&](std::string_view field, std::vector<std::string>& column) {
      for (std::uint64_t i = 0; wanted(field) && i < n; ++i) column.push_back(word());
    };
    texts("label", block.label);
    texts("series", block.series);
    numbers("x", block.x);
    numbers("x0", block.x0);
    numbers("x1", block.x1);
    numbers("y", block.y);
    numbers("lo", block.lo);
    numbers("hi", block.hi);
    block.has_reference = takes_reference(block.kind) && stream_.bernoulli(0.5);
    if (block.has_reference) block.reference = stream_.normal();
    return block;
  }
  CaseNode node(std::uint64_t depth) {
    CaseNode made{word(), word(), word(), {}};
    for (std::uint64_t i = depth == 0 ? 0 : stream_.below(3); i > 0; --i) made.children.push_back(node(depth - 1));
    return made;
  }
  Block block() {
    switch (stream_.below(5)) {
      case 0: {
        TextBlock text{.heading = word(), .text = word()};
        text.severity = severity();
        return text;
      }
      case 1: return table();
      case 2: {
        FindingsBlock findings{.title = word()};
        for (std::uint64_t i = stream_.below(3); i > 0; --i) {
          Finding& finding = findings.findings.emplace_back();
          finding.severity = severity();
          finding.subject = word();
          finding.text = word();
          finding.mend = word();
        }
        return findings;
      }
      case 3: {
        CaseBlock one{.title = word()};
        one.root = node(3);
        return one;
      }
      default: return figure();
    }
  }

  Stream stream_;
};

// The first tag of `html`, style and script contents apart, that no report writes; empty if there is none.
std::string strange_tag(const std::string& html) {
  static const std::set<std::string, std::less<>> known = {
      "!doctype", "html", "head", "meta", "title", "style", "body", "a", "header", "p", "svg", "circle", "path", "h1", "h2", "h3",
      "span", "div", "nav", "ol", "ul", "li", "main", "dl", "dt", "dd", "details", "summary", "noscript", "section", "table",
      "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "footer", "script", "b"};
  for (std::size_t at = 0; (at = html.find('<', at)) != std::string::npos; ++at) {
    const std::size_t from = html[at + 1] == '/' ? at + 2 : at + 1;
    const std::string_view name = std::string_view(html).substr(from, html.find_first_of(" >\n", from) - from);
    if (!known.contains(name)) return std::string(name);
  }
  return {};
}

TEST(Report, RandomReportsStaySound) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const Report r = Maker(seed).report();
    const Result<std::string> html = to_html(r);
    ASSERT_TRUE(html.ok()) << html.error().message();
    const bool figures = std::ranges::any_of(r.blocks, [](const Block& b) { return std::holds_alternative<FigureBlock>(b); });
    EXPECT_EQ(count(*html, "<script"), figures ? 2u : 0u);
    EXPECT_EQ(count(*html, "</script"), figures ? 2u : 0u);
    EXPECT_EQ(count(*html, "<style"), 1u);
    EXPECT_EQ(html->find("<!--"), std::string::npos);
    EXPECT_EQ(strange_tag(skeleton(*html)), "");
    EXPECT_EQ(clean_text(*html), *html);
    const std::string json = canonical_json(to_json(r));
    const Result<Json> parsed = parse_json(json);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    const Result<Report> back = report_from_json(*parsed);
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(canonical_json(to_json(*back)), json);
    EXPECT_EQ(to_html(*back).value(), *html);
    EXPECT_EQ(to_markdown(*back), to_markdown(r));
    EXPECT_EQ(to_markdown(r).find("<"), std::string::npos);
  }
}

// Puts something else in a random place of the document.
void spoil(Json& json, Maker& maker) {
  if (json.is_structured() && !json.empty() && maker.below(8) != 0) {
    auto item = json.begin();
    std::advance(item, static_cast<std::ptrdiff_t>(maker.below(json.size())));
    return spoil(*item, maker);
  }
  const Json others[] = {nullptr, true, 7, -1.5, "text", Json::array(), Json::object(), Json::array({Json::array()}), UINT64_MAX,
                         Json{{"number", "inf"}}};
  json = others[maker.below(std::size(others))];
}

TEST(Report, SpoiledJsonIsAnErrorNeverACrash) {
  int refused = 0;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE(seed);
    Maker maker(seed);
    Json json = to_json(maker.report());
    spoil(json, maker);
    const Result<Report> read = report_from_json(json);
    if (read.ok()) continue;
    ++refused;
    const ErrorCode code = read.error().code;
    EXPECT_TRUE(code == ErrorCode::bad_document || code == ErrorCode::bad_value) << read.error().message();
    EXPECT_FALSE(read.error().mend.empty());
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
// Writes reports for the browser test into the folder named by the only argument:
//   sample.html   every block and every figure kind, with realistic numbers
//   sample.json   the same report's JSON form
//   hostile.html  every text an attempt to leave its place
//   full.html     figures and tables at their limits
//   edges.html    figures without rows, without numbers, with one row, many labels, many series, huge and tiny numbers
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "base/file.h"
#include "base/json.h"
#include "base/philox.h"
#include "engine/report.h"

namespace {

using namespace plimsoll;

FigureBlock reliability() {
  FigureBlock f{.kind = FigureKind::reliability, .title = "Reliability of the calibrated risk",
                .description = "Observed default frequency against forecast probability in ten groups. Eight of the ten points "
                               "lie in the band in which a calibrated forecast would stay; the two highest lie above it.",
                .x_title = "forecast probability", .y_title = "observed frequency"};
  for (int i = 0; i < 10; ++i) {
    const double x = 0.02 + 0.085 * i, half = 0.012 + 0.035 * std::sqrt(x);
    f.x.push_back(x);
    f.y.push_back(x + (i > 7 ? 1.6 : 0.5) * half * std::sin(3.0 * i + 1.0 + (i > 7 ? 1.2 : 0.0)));
    f.lo.push_back(std::max(0.0, x - half));
    f.hi.push_back(x + half);
  }
  return f;
}

FigureBlock decision_curve() {
  FigureBlock f{.kind = FigureKind::lines, .title = "Decision curve",
                .description = "Net benefit against threshold. Acting on the model is better than acting on everyone or on "
                               "no one from a threshold of 0.05 to one of 0.6.",
                .x_title = "threshold probability", .y_title = "net benefit"};
  for (const char* name : {"model", "act on everyone", "act on no one"}) {
    for (int i = 0; i <= 40; ++i) {
      const double t = 0.02 * i, all = 0.3 - 0.7 * t / (1.0 - t);
      f.x.push_back(t);
      f.series.emplace_back(name);
      f.y.push_back(name[0] == 'm' ? 0.3 * std::exp(-3.0 * t) : name[7] == 'e' ? (all > -0.1 ? all : NAN) : 0.0);
      f.lo.push_back(name[0] == 'm' ? 0.3 * std::exp(-3.0 * t) - 0.015 : NAN);
      f.hi.push_back(name[0] == 'm' ? 0.3 * std::exp(-3.0 * t) + 0.015 : NAN);
    }
  }
  return f;
}

FigureBlock survival() {
  FigureBlock f{.kind = FigureKind::steps, .title = "Time to default by grade",
                .description = "Kaplan-Meier curves with 95 % bands: after 36 months 91 % of grade A and 74 % of grade B "
                               "have not defaulted.",
                .x_title = "months since the loan", .y_title = "share without default"};
  for (const char* grade : {"grade A", "grade B"}) {
    const double rate = grade[6] == 'A' ? 0.0027 : 0.0084;
    for (int month = 0; month <= 36; month += 2) {
      const double s = std::exp(-rate * month);
      f.x.push_back(month);
      f.y.push_back(s);
      f.lo.push_back(s - 0.002 * std::sqrt(month * 1.0));
      f.hi.push_back(std::min(1.0, s + 0.002 * std::sqrt(month * 1.0)));
      f.series.emplace_back(grade);
    }
  }
  return f;
}

FigureBlock importances() {
  return {.kind = FigureKind::bars, .title = "Most important features",
          .description = "Loss of AUROC when a feature is shuffled, with 95 % intervals: the debt ratio matters most.",
          .x_title = "", .y_title = "loss of AUROC when shuffled",
          .y = {0.081, 0.064, 0.038, 0.021, 0.012, 0.004}, .lo = {0.071, 0.055, 0.031, 0.015, 0.007, -0.001},
          .hi = {0.091, 0.073, 0.045, 0.027, 0.017, 0.009},
          .label = {"debt to income ratio", "months in employment", "loan amount", "number of earlier loans",
                    "purpose of the loan as told by the applicant at the branch", "age"}};
}

FigureBlock groups() {
  FigureBlock f{.kind = FigureKind::bars, .title = "Coverage by group",
                .description = "Coverage of the prediction sets by region and sex; the promised 90 % is the dashed line.",
                .x_title = "region", .y_title = "coverage", .reference = 0.9, .has_reference = true};
  int i = 0;
  for (const char* region : {"North", "East", "South", "West"}) {
    for (const char* sex : {"women", "men"}) {
      const double y = 0.895 + 0.012 * std::sin(2.3 * ++i);
      f.label.emplace_back(region);
      f.series.emplace_back(sex);
      f.y.push_back(y);
      f.lo.push_back(y - 0.02);
      f.hi.push_back(y + 0.02);
    }
  }
  return f;
}

FigureBlock histogram(bool two) {
  FigureBlock f{.kind = FigureKind::histogram, .title = two ? "Risk by outcome" : "Distribution of the risk",
                .description = "Counts of applications by forecast probability in bins of 0.05.",
                .x_title = "forecast probability", .y_title = "applications"};
  for (const char* outcome : {"repaid", "defaulted"}) {
    if (!two && outcome[0] == 'd') continue;
    for (int i = 0; i < 20; ++i) {
      f.x0.push_back(0.05 * i);
      f.x1.push_back(0.05 * (i + 1));
      f.y.push_back(std::round(outcome[0] == 'r' ? 900.0 * std::exp(-0.22 * i) : 160.0 * std::exp(-0.02 * (i - 7) * (i - 7))));
      if (two) f.series.emplace_back(outcome);
    }
  }
  return f;
}

FigureBlock cloud(int n) {
  FigureBlock f{.kind = FigureKind::points, .title = "Score against income",
                .description = "Each point is an application; the score falls as income rises.",
                .x_title = "yearly income in thousands", .y_title = "score"};
  Stream stream(7);
  for (int i = 0; i < n; ++i) {
    const double x = 20.0 + 12.0 * stream.gamma(3.0);
    f.x.push_back(x);
    f.y.push_back(640.0 - 1.4 * x + 24.0 * stream.normal());
    f.series.emplace_back(stream.bernoulli(0.2) ? "defaulted" : "repaid");
  }
  return f;
}

FigureBlock heat() {
  FigureBlock f{.kind = FigureKind::heatmap, .title = "Decisions against outcomes",
                .description = "Share of applications by decision and later outcome; most that were passed were repaid.",
                .x_title = "outcome", .y_title = "decision"};
  const double shares[] = {0.71, 0.06, 0.04, 0.05, 0.03, 0.02, 0.02, 0.03, 0.04};
  int i = 0;
  for (const char* decision : {"pass", "abstain", "act"}) {
    for (const char* outcome : {"repaid", "late", "defaulted"}) {
      f.label.emplace_back(decision);
      f.series.emplace_back(outcome);
      f.y.push_back(shares[i++]);
    }
  }
  return f;
}

FigureBlock forest() {
  return {.kind = FigureKind::intervals, .title = "Calibration slope by branch",
          .description = "Slopes with 95 % intervals; one is a calibrated forecast. Only the branch in Bergen is off.",
          .x_title = "branch", .y_title = "calibration slope", .y = {0.98, 1.04, 0.78, 1.01, 0.95},
          .lo = {0.90, 0.93, 0.69, 0.94, 0.84}, .hi = {1.06, 1.15, 0.87, 1.08, 1.06},
          .label = {"Oslo", "Trondheim", "Bergen", "Stavanger", "Tromsø"}, .reference = 1.0, .has_reference = true};
}

Report sample() {
  Report r;
  r.title = "Default risk of the 2026 applications";
  r.subtitle = "risk.classifier on a loan book of 24,000 cases, certified on 6,000 that it has not learned from";
  r.verdict = "green";
  r.facts = {{"method", "risk.classifier 1"}, {"engine", "plimsoll 0.1.0"}, {"rows learned from", "14,000"},
             {"rows certified on", "6,000"}, {"target", "defaulted"}, {"seed", "7"}, {"reproducibility", "B, blocked"},
             {"XGBoost", "3.2.0"}};
  r.figures = {{"AUROC", 0.784312}, {"AUPRC", 0.512}, {"Brier_score", 0.1532887}, {"coverage", 0.9031},
               {"mean_set_size", 1.214}, {"rows", 24000}, {"log_loss", 0.4712}, {"accuracy", 0.8051}, {"ece", 0.0123}};
  r.text("What is promised", "Of next year's applications at least 90 % will have their true outcome in the prediction set, as "
         "long as they come from the same population.\n\nThe probability is calibrated on cases that the learner has not "
         "seen: among applications with a risk of 20 %, about one in five defaults.");
  r.findings({.title = "Findings",
              .findings = {{ReportSeverity::alarm, "Branch Bergen is miscalibrated", "Its slope of 0.78 lies outside of every "
                            "interval that a calibrated forecast allows.", "Fit Bergen by itself, or give branch as a feature."},
                           {ReportSeverity::warning, "Few cases above 80 %", "Only 41 cases have a forecast above 0.8.",
                            "Read the two rightmost points of the reliability diagram with care."},
                           {ReportSeverity::note, "Missing values", "3.1 % of months in employment are missing and were kept "
                            "as missing.", ""}}});
  r.figure(reliability()).figure(decision_curve()).figure(histogram(true)).figure(histogram(false));
  r.table({.title = "Promise against truth", .caption = "What the certificate says beside what happened.",
           .columns = {"promise", "level", "observed", "low", "high", "kept"},
           .rows = {{"coverage of the sets", 0.9, 0.9031, 0.8953, 0.9105, "yes"},
                    {"mean forecast less share of defaults", 0.0, -0.0012, -0.0088, 0.0064, "yes"},
                    {"abstained share", std::int64_t{0}, 0.0812345678, NAN, NAN, "not promised"}}});
  r.figure(importances()).figure(groups()).figure(forest()).figure(heat()).figure(survival()).figure(cloud(400));
  r.text("Overlap of rows", "3 % of the certifying rows also stand among the learning rows. Honest tables repeat rows; by the "
         "table's own repeats 2.8 % were expected.", ReportSeverity::warning);
  r.assurance_case({.title = "Why the decision can be relied on",
                    .root = {"claim", "The decision limits expected cost on next year's applications", "open",
                             {{"argument", "by calibration of the risk that the decision rests on", "supported",
                               {{"evidence", "reliability within the band in 8 of 10 groups", "supported", {}},
                                {"evidence", "branch Bergen is off", "defeated", {}}}},
                              {"argument", "by the cost matrix of the bank", "open", {}}}}});
  return r;
}

Report hostile() {
  const std::string bad = "</script></style><!-- <script>document.documentElement.dataset.broken=1</script>"
                          "<img src=x onerror=\"document.documentElement.dataset.broken=1\"> ' \" & | `${1}` \xE2\x80\xAE $x_title";
  Report r;
  r.title = r.subtitle = r.verdict = bad;
  r.facts = {{bad, bad}};
  r.figures = {{bad, 1.5}};
  r.text(bad, bad, ReportSeverity::alarm);
  r.table({.title = bad, .caption = bad, .columns = {bad, "\xFF\xFE"}, .rows = {{bad, 1.0}, {"\x01", bad}}});
  r.findings({.title = bad, .findings = {{ReportSeverity::alarm, bad, bad, bad}}});
  r.assurance_case({.title = bad, .root = {bad, bad, bad, {{bad, bad, bad, {}}}}});
  for (FigureBlock figure : {reliability(), decision_curve(), survival(), importances(), groups(), histogram(true), cloud(20), heat(), forest()}) {
    figure.title = figure.description = figure.x_title = figure.y_title = bad;
    for (std::string& label : figure.label) label += bad;
    for (std::string& series : figure.series) series += bad;
    r.figure(figure);
  }
  return r;
}

Report full() {
  Report r = sample();
  r.title = "Everything at its limit";
  for (int i = 0; i < 4; ++i) r.figure(cloud(2000));
  TableBlock table{.title = "Two thousand rows", .caption = "As many as a table may have.", .columns = {"case", "risk", "low", "high"}, .rows = {}};
  Stream stream(8);
  for (int i = 0; i < 2000; ++i) {
    const double p = stream.uniform();
    table.rows.push_back({"application " + std::to_string(100000 + i), p, p * 0.9, p * 1.1});
  }
  for (int i = 0; i < 8; ++i) r.table(table);
  return r;
}

// Keeps the first `rows` rows; `scale` multiplies the numbers.
FigureBlock changed(FigureBlock f, std::size_t rows, double scale) {
  for (auto* column : {&f.x, &f.y, &f.lo, &f.hi, &f.x0, &f.x1}) {
    column->resize(std::min(column->size(), rows));
    for (double& x : *column) x *= scale;
  }
  for (auto* column : {&f.label, &f.series}) column->resize(std::min(column->size(), rows));
  return f;
}

FigureBlock many_bars() {
  FigureBlock f{.kind = FigureKind::bars, .title = "Many bars", .description = "Sixty labels.", .y_title = "value"};
  for (int i = 0; i < 60; ++i) {
    f.label.push_back("label number " + std::to_string(i));
    f.y.push_back(std::sin(i));
  }
  return f;
}

FigureBlock many_series() {
  FigureBlock f{.kind = FigureKind::lines, .title = "Many series", .description = "Twenty-four lines of long names.", .x_title = "x",
                .y_title = "y"};
  for (int s = 0; s < 24; ++s) {
    for (int i = 0; i < 20; ++i) {
      f.x.push_back(1700000000.0 + 600.0 * i);
      f.y.push_back(s + std::sin(0.5 * i + s));
      f.series.push_back("a series with a long name, the one of number " + std::to_string(s));
    }
  }
  return f;
}

FigureBlock wide_heat() {
  FigureBlock f{.kind = FigureKind::heatmap, .title = "Wide heat map", .description = "Forty columns, fifty rows, some cells without a number.",
                .x_title = "column", .y_title = "row"};
  for (int i = 0; i < 50; ++i) {
    for (int j = 0; j < 40; ++j) {
      f.label.push_back("row " + std::to_string(i));
      f.series.push_back("column " + std::to_string(j));
      f.y.push_back((i + j) % 17 == 0 ? NAN : std::cos(0.1 * i) * std::sin(0.2 * j));
    }
  }
  return f;
}

Report edges() {
  Report r;
  r.title = "Edges";
  for (const FigureBlock& f : {reliability(), decision_curve(), survival(), importances(), groups(), histogram(true), cloud(20), heat(), forest()}) {
    r.figure(changed(f, 0, 1.0)).figure(changed(f, 1, 1.0)).figure(changed(f, 100, NAN));
    r.figure(changed(f, 100, 1e12)).figure(changed(f, 100, -1e-9));
  }
  r.figure(many_bars()).figure(many_series()).figure(wide_heat());
  return r;
}

Result<void> write(const std::string& folder, const std::string& name, const Report& report) {
  PLIMSOLL_TRY(const std::string html, to_html(report));
  PLIMSOLL_CHECK(write_file(folder + "/" + name + ".html", html));
  return write_file(folder + "/" + name + ".json", pretty_json(to_json(report)));
}

Result<void> write_all(const std::string& folder) {
  PLIMSOLL_CHECK(write(folder, "sample", sample()));
  PLIMSOLL_CHECK(write(folder, "hostile", hostile()));
  PLIMSOLL_CHECK(write(folder, "edges", edges()));
  return write(folder, "full", full());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const Result<void> done = write_all(argv[1]);
  if (!done) std::fprintf(stderr, "%s\n", done.error().message().c_str());
  return done ? 0 : 1;
}

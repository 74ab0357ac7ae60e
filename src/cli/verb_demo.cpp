// SPDX-License-Identifier: Apache-2.0
// The main job, end to end, on loans whose true default probabilities are known. It takes the same path as the commands it
// prints: files, requests, the door.
#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "cli/demo_truth.h"
#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/method_flags.h"
#include "cli/request.h"
#include "cli/verbs.h"
#include "learn/loan_book.h"

namespace plimsoll::cli {
namespace {

constexpr const char* demo_method = "risk.classifier";

std::vector<Flag> demo_flags() {
  std::vector<Flag> flags = {
      {"output-dir", "FOLDER", "where the files go (default plimsoll-demo)", 'o', false, {}, "Running", true},
      {"rows", "INTEGER", "applications a year (default 20000)", 0, false, {}, "Running", false},
      {"write-data", "", "write the two years' applications as CSV and stop", 0, false, {}, "Running", false},
      {"seed", "INTEGER", "root of every random draw (default 7)", 0, false, {}, "Running", false},
      {"threads", "INTEGER", "threads; results do not depend on them (default: all)", 0, false, {}, "Running", false},
  };
  for (Flag& flag : speaking_flags()) flags.push_back(std::move(flag));
  return flags;
}

struct Demo {
  Invocation& invocation;
  std::filesystem::path folder;
  learn::LoanBook past;
  learn::LoanBook next;
  DemoCosts costs;

  std::string path(const char* name) const { return (folder / name).string(); }
  void say(const std::string& text) const {
    if (!invocation.json() && !invocation.quiet()) print(text);
  }
};

Result<void> write_data(const Demo& demo, const char* past, const char* next) {
  PLIMSOLL_CHECK(write_table(demo.past.table, demo.path(past)));
  PLIMSOLL_CHECK(write_table(demo.next.table, demo.path(next)));
  TableBuilder truth;
  PLIMSOLL_TRY(std::vector<std::int64_t> ids, demo.next.table.integers("application"));
  truth.integer("application", std::move(ids));
  truth.real("true_risk", demo.next.truth);
  PLIMSOLL_TRY(const Table table, std::move(truth).build());
  return write_table(table, demo.path("next_truth.csv"));
}

Result<Outcome> fit_model(Demo& demo) {
  Request request;
  request.verb = Verb::fit;
  PLIMSOLL_TRY(const CatalogueLine* line, find_method(demo_method));
  request.method = line->entry;
  request.ports["data"].path = demo.path("past.parquet");
  request.roles = {{"target", {"default"}}, {"id", {"application"}}, {"group", {"region"}}};
  request.parameters = canonical_json({{"positive", "yes"},
                                       {"cost_false_positive", demo.costs.false_positive},
                                       {"cost_false_negative", demo.costs.false_negative},
                                       {"cost_abstain", demo.costs.abstain}});
  request.output = demo.path("model.plim");
  return execute(demo.invocation.workspace(), request);
}

Result<Outcome> apply_model(Demo& demo, const ArtifactPort& model) {
  Request request;
  request.verb = Verb::apply;
  PLIMSOLL_TRY(const CatalogueLine* line, find_method(demo_method));
  request.method = line->entry;
  request.model = model;
  request.ports["data"].path = demo.path("next.parquet");
  request.output = demo.path("scored.parquet");
  return execute(demo.invocation.workspace(), request);
}

// The report looks at next year's applications with their outcomes, which the model has never seen.
Result<Outcome> draw_report(Demo& demo, const ArtifactPort& model) {
  Request request;
  request.verb = Verb::report;
  PLIMSOLL_TRY(const CatalogueLine* line, find_method(demo_method));
  request.method = line->entry;
  request.model = model;
  request.ports[first_port(input_schema(*request.method, Verb::report).ports)->name].path = demo.path("next.parquet");
  request.roles = {{"target", {"default"}}, {"group", {"region"}}};
  request.report = demo.path("report.html");
  return execute(demo.invocation.workspace(), request);
}

Json verdict_json(const Demo& demo, const DemoVerdict& verdict, const Certificate& certificate) {
  Json rows = Json::array();
  for (const DemoRow& row : verdict.rows) rows.push_back({{"what", row.what}, {"promised", row.promised}, {"observed", row.observed}, {"verdict", row.verdict}});
  return {{"holds", verdict.holds}, {"table", rows}, {"certificate", to_json(certificate)},
          {"files", {{"report", demo.path("report.html")}, {"model", demo.path("model.plim")}, {"scored", demo.path("scored.parquet")}}}};
}

std::string verdict_text(const DemoVerdict& verdict) {
  std::vector<std::vector<std::string>> rows = {{"", "promised, or the truth", "observed", ""}};
  for (const DemoRow& row : verdict.rows) rows.push_back({row.what, row.promised, row.observed, row.verdict});
  return aligned(rows, "  ");
}

Result<int> whole(Demo& demo) {
  demo.say("Loans of two years, drawn from a law whose true default risk is known: " + grouped(demo.past.table.rows()) + " past applications with outcomes,\n" +
           grouped(demo.next.table.rows()) + " of next year. The engine sees the first; the truth of the second is kept from it.\n\n");
  PLIMSOLL_CHECK(write_data(demo, "past.parquet", "next.parquet"));
  demo.say("1. Learn, calibrate, certify:\n   plimsoll fit " + std::string(demo_method) + " " + demo.path("past.parquet") +
           " --target default --id application --group region --positive yes \\\n     --cost-false-positive 1 --cost-false-negative 5 --cost-abstain 0.75 --seed " +
           std::to_string(demo.invocation.context().rng.seed()) + " -o " + demo.path("model.plim") + "\n");
  PLIMSOLL_TRY(const Outcome fitted, fit_model(demo));
  demo.invocation.warn(fitted.reply.warnings);
  const Certificate& certificate = fitted.reply.artifact->certificate();
  demo.say("   " + folded(certificate.promise, 110, "   ") + "\n\n2. Score next year's applications and decide each:\n   plimsoll apply " + demo.path("model.plim") + " " + demo.path("next.parquet") +
           " -o " + demo.path("scored.parquet") + "\n");
  PLIMSOLL_TRY(const Outcome applied, apply_model(demo, fitted.reply.artifact));
  demo.invocation.warn(applied.reply.warnings);
  demo.say("\n3. Draw the report:\n   plimsoll report " + demo.path("model.plim") + " " + demo.path("next.parquet") + " --target default --group region -o " + demo.path("report.html") + "\n");
  PLIMSOLL_TRY(const Outcome drawn, draw_report(demo, fitted.reply.artifact));
  demo.invocation.warn(drawn.reply.warnings);
  PLIMSOLL_TRY(const Table scored, read_table(demo.path("scored.parquet")));
  PLIMSOLL_TRY(const auto outcomes, demo.next.table.texts("default"));
  PLIMSOLL_TRY(const DemoVerdict verdict, compare_with_truth(certificate, scored, demo.next.truth, outcomes, demo.costs));
  if (demo.invocation.json()) print(canonical_json(verdict_json(demo, verdict, certificate)) + "\n");
  demo.say("\nWhat was promised, beside what happened to next year's loans\n" + verdict_text(verdict) +
           (verdict.holds ? "\nThe promise holds.\n" : "\nThe promise is BROKEN: this should happen once in a million runs. Please report it.\n") +
           "\nRead first    " + demo.path("report.html") + "  (open it in a browser; it needs no network)\nmodel         " + demo.path("model.plim") +
           "  (plimsoll inspect shows its certificate)\nscored table  " + demo.path("scored.parquet") + "\n");
  return verdict.holds ? 0 : 1;
}

}  // namespace

Result<int> run_demo(const Words& args) {
  const auto flags = demo_flags();
  PLIMSOLL_TRY(Arguments arguments, parse_flags(flags, args));
  if (arguments.on("help")) {
    print(help_of_verb("demo", flags));
    return 0;
  }
  if (!arguments.words.empty()) return Error(ErrorCode::bad_parameter, "demo takes no '" + arguments.words.front() + "'", "See plimsoll demo --help");
  if (!arguments.has("seed")) arguments.values["seed"] = {"7"};
  PLIMSOLL_TRY(const std::int64_t rows, parse_count("rows", arguments.one("rows", "20000"), 200));
  if (rows > 10'000'000) return Error(ErrorCode::bad_parameter, "--rows cannot be " + std::to_string(rows), "Give at most 10000000").in_parameter("rows");
  PLIMSOLL_TRY(const auto invocation, Invocation::open(arguments));
  Demo demo{*invocation, arguments.one("output-dir", "plimsoll-demo"), {}, {}, {}};
  std::error_code failure;
  std::filesystem::create_directories(demo.folder, failure);
  if (failure) return file_error(failure.value(), demo.folder, "making a folder");
  const Stream stream = invocation->context().rng.child("demo");
  PLIMSOLL_TRY(demo.past, learn::make_loan_book(stream, rows, 1));
  PLIMSOLL_TRY(demo.next, learn::make_loan_book(stream, rows, 2));
  if (!arguments.on("write-data")) return whole(demo);
  PLIMSOLL_CHECK(write_data(demo, "past.csv", "next.csv"));
  demo.say("past applications  " + demo.path("past.csv") + "\nnext year's        " + demo.path("next.csv") + "\ntheir true risk    " + demo.path("next_truth.csv") + "\n");
  return 0;
}

}  // namespace plimsoll::cli

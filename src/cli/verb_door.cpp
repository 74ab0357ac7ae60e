// SPDX-License-Identifier: Apache-2.0
// fit, apply, assess, verify and report: one path, whatever the method.
#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/method_flags.h"
#include "cli/request.h"
#include "cli/verbs.h"
#include "engine/ledger.h"

namespace plimsoll::cli {
namespace {

// The first word is an id if the catalogue has it, else a path.
Result<Request> subject_of(Verb verb, const std::string& word) {
  Request request;
  request.verb = verb;
  if (const CatalogueLine* line = find_line(word)) {
    request.method = line->entry;
    return request;
  }
  std::error_code ignored;
  const bool there = std::filesystem::exists(word, ignored);
  if (verb == Verb::fit || verb == Verb::assess || (!there && word.find('/') == std::string::npos && !word.ends_with(".plim"))) {
    auto found = find_method(word);
    if (!found) return std::move(found).error();
    request.method = found.value()->entry;
    return request;
  }
  PLIMSOLL_TRY(request.model, Artifact::load(word));
  request.model_path = word;
  PLIMSOLL_TRY(const CatalogueLine* line, find_method(request.model->provenance().method));
  request.method = line->entry;
  return request;
}

Json written_json(const Outcome& outcome) {
  Json written = Json::object();
  for (const auto& [what, path] : outcome.written) written[what] = path;
  return written;
}

Json findings_json(const Findings& findings) {
  Json list = Json::array();
  const char* names[] = {"note", "warning", "alarm"};
  for (const Finding& finding : findings.findings) {
    list.push_back({{"severity", names[static_cast<int>(finding.severity)]}, {"subject", finding.subject}, {"text", finding.text}, {"mend", finding.mend}});
  }
  return list;
}

Json summary_json(const Request& request, const Outcome& outcome) {
  Json json = {{"verb", name_of(request.verb)}, {"method", request.method->id}, {"written", written_json(outcome)}, {"warnings", outcome.reply.warnings}};
  if (outcome.reply.artifact && outcome.reply.artifact->certified()) json["certificate"] = to_json(outcome.reply.artifact->certificate());
  if (outcome.reply.certificate) json["certificate"] = to_json(*outcome.reply.certificate);
  if (request.verb == Verb::apply) json["values"] = Json::parse(outcome.reply.values, nullptr, false);
  if (outcome.reply.findings) {
    json["passed"] = outcome.reply.findings->passed();
    json["findings"] = findings_json(*outcome.reply.findings);
  }
  if (outcome.reply.report && (request.verb == Verb::assess || request.verb == Verb::report)) json["report"] = to_json(*outcome.reply.report);
  return json;
}

std::string number_text(double value) { return canonical_json(json_of(value)); }

std::string report_summary(const Report& report) {
  std::string text = report.title + "\n";
  if (!report.verdict.empty()) text += "verdict: " + report.verdict + "\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : report.figures) rows.push_back({name, number_text(value)});
  return text + aligned(rows, "  ");
}

std::string values_text(const std::string& values) {
  const Json json = Json::parse(values, nullptr, false);
  std::vector<std::vector<std::string>> rows;
  if (json.is_object())
    for (const auto& [name, value] : json.items()) rows.push_back({name, canonical_json(value)});
  return aligned(rows);
}

std::string summary_text(const Request& request, const Outcome& outcome) {
  std::string text;
  if (outcome.reply.findings) {
    for (const Finding& finding : outcome.reply.findings->findings) {
      const char* names[] = {"ok", "warning", "FAILED"};
      text += std::string(names[static_cast<int>(finding.severity)]) + "  " + finding.subject + ": " + finding.text + (finding.mend.empty() ? "" : ". " + finding.mend) + "\n";
    }
    text += outcome.reply.findings->passed() ? "verified\n" : "NOT verified\n";
  }
  const bool report_written = !outcome.written.empty() && outcome.written.back().first == "report";
  if (outcome.reply.report && (request.verb == Verb::assess || request.verb == Verb::report))
    text += report_written || request.verb == Verb::report ? report_summary(*outcome.reply.report) : to_markdown(*outcome.reply.report);
  if (request.verb == Verb::apply) text += values_text(outcome.reply.values);
  if (outcome.reply.artifact && outcome.reply.artifact->certified()) text += to_text(outcome.reply.artifact->certificate());
  if (outcome.reply.certificate) text += to_text(*outcome.reply.certificate);
  if (!text.empty() && text.back() != '\n') text += "\n";
  for (const auto& [what, path] : outcome.written) text += what + ": " + path + "\n";
  return text;
}

bool to_standard_output(const Outcome& outcome) {
  for (const auto& [what, path] : outcome.written)
    if (path == "-") return true;
  return false;
}

Result<int> conclude(const Invocation& invocation, const Request& request, const Outcome& outcome) {
  invocation.warn(outcome.reply.warnings);
  if (!to_standard_output(outcome)) {
    if (invocation.json()) print(canonical_json(summary_json(request, outcome)) + "\n");
    else if (!invocation.quiet()) print(summary_text(request, outcome));
  }
  if (outcome.reply.report && !request.fail_on.empty()) PLIMSOLL_CHECK(check_verdict(*outcome.reply.report, request.fail_on));
  if (outcome.reply.findings && !outcome.reply.findings->passed()) return 1;
  return 0;
}

Result<void> check_output(const Request& request) {
  if (!request.output.empty()) return {};
  if (request.verb == Verb::fit)
    return Error(ErrorCode::missing_input, "the model has no place to go", "Give -o model.plim").in_parameter("output");
  if (request.verb == Verb::report)
    return Error(ErrorCode::missing_input, "the report has no place to go", "Give -o report.html").in_parameter("output");
  return {};
}

// What `verify FILE` says of an artifact when its method has nothing more to check, or was given nothing to check it with.
Result<int> verify_artifact(const Invocation& invocation, const Artifact& artifact, const std::string& path) {
  const std::string words = "every buffer has the size and the SHA-256 that the file states, and every value is within its bounds";
  if (invocation.json()) {
    print(canonical_json({{"verb", "verify"}, {"method", artifact.provenance().method}, {"file", path}, {"passed", true}, {"checked", words}}) + "\n");
  } else if (!invocation.quiet()) {
    print("ok  " + path + ": " + words + "\nverified\n");
  }
  return 0;
}

// An evidence says which experiment gave it: run it again and compare every figure.
Result<int> verify_evidence(const std::string& path, const Arguments& arguments) {
  PLIMSOLL_TRY(const std::string text, read_file(path, std::uint64_t{16} << 20));
  PLIMSOLL_TRY(const Json json, parse_json(text, path));
  PLIMSOLL_TRY(const Evidence stated, evidence_from_json(json));
  PLIMSOLL_TRY(const auto invocation, Invocation::open(arguments));
  Call call;
  call.verb = Verb::prove;
  call.method = stated.method;
  for (const char* size : {"quick", "normal", "full"}) {
    call.parameters = canonical_json({{"seed", stated.seed}, {"size", size}});
    PLIMSOLL_TRY(const Reply reply, run(invocation->context(), call));
    const Evidence& seen = *reply.evidence;
    if (seen.trials != stated.trials && std::string(size) != "full") continue;
    const bool same = canonical_json(to_json(seen)) == canonical_json(to_json(stated));
    if (invocation->json()) print(canonical_json({{"verb", "verify"}, {"method", stated.method}, {"passed", same && seen.passed}, {"again", to_json(seen)}}) + "\n");
    else if (!invocation->quiet()) print(to_text(seen) + (same ? "\nverified: the experiment gives the same figures again\n" : "\nNOT verified: the file states other figures\n"));
    return same && seen.passed ? 0 : 1;
  }
  return 1;
}

Result<int> run_subject(Verb verb, Request subject, const Words& rest) {
  const auto bound = method_flags(*subject.method, verb, subject.model != nullptr);
  PLIMSOLL_TRY(const Arguments arguments, parse_flags(plain_flags(bound), rest));
  if (arguments.on("help")) {
    print(help_of_method(*subject.method, verb, bound));
    return 0;
  }
  const bool by_hashes_alone = verb == Verb::verify && subject.model && !subject.method->has(Verb::verify);
  if (!by_hashes_alone) PLIMSOLL_CHECK(check_verb(subject));
  const ArtifactPort model = subject.model;
  const std::string model_path = subject.model_path;
  PLIMSOLL_TRY(const auto invocation, Invocation::open(arguments));
  PLIMSOLL_TRY(Asked asked, asked_of(arguments, bound, std::move(subject)));
  Request& request = asked.request;
  if (verb == Verb::verify && model && (!request.method->has(Verb::verify) || request.ports.empty()))
    return verify_artifact(*invocation, *model, model_path);
  PLIMSOLL_CHECK(check_output(request));
  if (verb == Verb::report) request.report = request.output;
  auto outcome = execute(invocation->workspace(), request);
  if (!outcome) {
    invocation->warn(invocation->workspace().warnings());
    return at_params_line(std::move(outcome).error(), asked);
  }
  return conclude(*invocation, request, *outcome);
}

}  // namespace

Result<int> run_through_door(Verb verb, const Words& args) {
  std::vector<Flag> general = running_flags(verb);
  for (Flag& flag : speaking_flags()) general.push_back(std::move(flag));
  const std::size_t at = first_word(general, args);
  if (at == args.size()) {
    PLIMSOLL_TRY(const Arguments arguments, parse_flags(general, args));
    if (arguments.on("help")) {
      print(help_of_verb(name_of(verb), general));
      return 0;
    }
    return Error(ErrorCode::missing_input, std::string(name_of(verb)) + " needs a " + (verb == Verb::fit || verb == Verb::assess ? "method" : "model or method"),
                 "See plimsoll " + std::string(name_of(verb)) + " --help");
  }
  const std::string word = args[at];
  Words rest = args;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
  if (verb == Verb::verify && word.ends_with(".json") && !find_line(word)) {
    PLIMSOLL_TRY(const Arguments arguments, parse_flags(general, rest));
    return verify_evidence(word, arguments);
  }
  if (verb == Verb::verify && !find_line(word) && is_ledger(word)) return verify_ledger(word, rest);
  PLIMSOLL_TRY(Request subject, subject_of(verb, word));
  return run_subject(verb, std::move(subject), rest);
}

}  // namespace plimsoll::cli

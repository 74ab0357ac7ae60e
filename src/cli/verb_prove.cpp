// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/file.h"
#include "base/json.h"
#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/method_flags.h"
#include "cli/verbs.h"
#include "engine/door.h"

namespace plimsoll::cli {
namespace {

std::vector<Flag> prove_flags() {
  std::vector<Flag> flags = {
      {"family", "NAME", "every method of a family; may be repeated", 0, true, {}, "Which", false},
      {"all", "", "every method of the catalogue", 0, false, {}, "Which", false},
      {"seed", "INTEGER", "seed of the experiment (default 0); any seed must pass", 0, false, {}, "How", false},
      {"quick", "", "about a second a method", 0, false, {}, "How", false},
      {"full", "", "the published size", 0, false, {}, "How", false},
      {"output", "PATH", "write the evidence as JSON, one object a line", 'o', false, {}, "How", true},
      {"threads", "INTEGER", "threads; results do not depend on them (default: all)", 0, false, {}, "How", false},
  };
  for (Flag& flag : speaking_flags()) flags.push_back(std::move(flag));
  return flags;
}

using Lines = std::vector<const CatalogueLine*>;

template <class Wanted>
void add_lines(Lines& lines, Wanted&& wanted) {
  for (const CatalogueLine& line : catalogue_lines()) {
    if (wanted(line) && line.entry->has(Verb::prove) && std::find(lines.begin(), lines.end(), &line) == lines.end()) lines.push_back(&line);
  }
}

Result<void> add_family(Lines& lines, const std::string& family) {
  const auto inside = [&](const CatalogueLine& line) { return line.id.starts_with(family + "."); };
  add_lines(lines, inside);
  if (std::any_of(lines.begin(), lines.end(), [&](const CatalogueLine* line) { return inside(*line); })) return {};
  std::vector<std::string> known;
  for (const CatalogueLine& line : catalogue_lines()) known.emplace_back(line.id.substr(0, line.id.find('.')));
  return Error(ErrorCode::unknown_name, "no method of a family '" + family + "' claims anything", "See plimsoll methods").with_candidates(nearest_names(family, known));
}

Result<Lines> chosen(const Arguments& arguments) {
  Lines lines;
  for (const std::string& word : arguments.words) {
    PLIMSOLL_TRY(const CatalogueLine* line, find_method(word));
    if (!line->entry->has(Verb::prove))
      return Error(ErrorCode::unknown_name, word + " claims nothing that an experiment could falsify", "See plimsoll prove --help for the methods that do");
    lines.push_back(line);
  }
  if (arguments.has("family")) {
    for (const std::string& family : arguments.values.at("family")) PLIMSOLL_CHECK(add_family(lines, family));
  }
  if (arguments.on("all")) add_lines(lines, [](const CatalogueLine&) { return true; });
  if (!lines.empty()) return lines;
  return Error(ErrorCode::missing_input, "nothing is named", "Give a method, --family NAME or --all");
}

std::string row(const Evidence& evidence) {
  const auto number = [](double x) { return canonical_json(json_of(x)); };
  return std::string(evidence.passed ? "pass" : "FAIL") + "  " + evidence.method + "\n" +
         "  claim     " + evidence.claim + "\n" +
         "  claimed   " + number(evidence.level) + "\n" +
         "  observed  " + number(evidence.observed) + ", between " + number(evidence.low) + " and " + number(evidence.high) +
         " in " + grouped(evidence.trials) + " trials (seed " + std::to_string(evidence.seed) + ", chance of a false alarm " + number(evidence.false_alarm) + ")\n" +
         "  detects   " + evidence.detects + "\n";
}

}  // namespace

Result<int> run_prove(const Words& args) {
  const auto flags = prove_flags();
  PLIMSOLL_TRY(const Arguments arguments, parse_flags(flags, args));
  if (arguments.on("help")) {
    print(help_of_verb("prove", flags));
    return 0;
  }
  if (arguments.on("quick") && arguments.on("full"))
    return Error(ErrorCode::bad_parameter, "--quick and --full exclude each other", "Give one").in_parameter("quick");
  PLIMSOLL_TRY(const auto lines, chosen(arguments));
  PLIMSOLL_TRY(const auto invocation, Invocation::open(arguments));
  std::unique_ptr<AtomicFile> file;
  if (arguments.has("output")) {
    PLIMSOLL_TRY(AtomicFile created, AtomicFile::create(arguments.one("output")));
    file = std::make_unique<AtomicFile>(std::move(created));
  }
  PLIMSOLL_TRY(const std::int64_t seed, parse_count("seed", arguments.one("seed", "0"), 0));
  int status = 0;
  for (const CatalogueLine* line : lines) {
    Call call;
    call.verb = Verb::prove;
    call.method = line->id;
    call.parameters = canonical_json({{"seed", seed}, {"size", arguments.on("quick") ? "quick" : arguments.on("full") ? "full" : "normal"}});
    auto reply = run(invocation->context(), call);
    if (!reply && (lines.size() == 1 || reply.error().code == ErrorCode::cancelled)) return std::move(reply).error();
    if (!reply) {
      status = std::max(status, report_error(reply.error(), invocation->json()));
      continue;
    }
    invocation->warn(reply->warnings);
    const Evidence& evidence = *reply->evidence;
    if (!evidence.passed) status = std::max(status, 1);
    const std::string json = canonical_json(to_json(evidence)) + "\n";
    if (file) PLIMSOLL_CHECK(file->write(json));
    if (invocation->json()) print(json);
    else if (!invocation->quiet()) print(row(evidence));
  }
  if (file) PLIMSOLL_CHECK(file->commit());
  return status;
}

}  // namespace plimsoll::cli

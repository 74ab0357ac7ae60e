// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <exception>
#include <new>

#include "base/json.h"
#include "cli/help.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "engine/artifact.h"

namespace plimsoll::cli {
namespace {

Result<int> dispatch(const std::string& verb, const Words& rest) {
  if (verb == "fit") return run_through_door(Verb::fit, rest);
  if (verb == "apply") return run_through_door(Verb::apply, rest);
  if (verb == "assess") return run_through_door(Verb::assess, rest);
  if (verb == "verify") return run_through_door(Verb::verify, rest);
  if (verb == "report") return run_through_door(Verb::report, rest);
  if (verb == "methods") return run_methods(rest);
  if (verb == "prove") return run_prove(rest);
  if (verb == "inspect") return run_inspect(rest);
  if (verb == "run") return run_recipe(rest);
  if (verb == "demo") return run_demo(rest);
  if (verb == "serve") return run_serve(rest);
  if (verb == "completion") return run_completion(rest);
  if (verb == "version") return run_version(rest);
  std::vector<std::string> known;
  for (const VerbHelp& each : verb_help()) known.emplace_back(each.name);
  return Error(ErrorCode::unknown_name, "there is no verb '" + verb + "'", "See plimsoll --help").with_candidates(nearest_names(verb, known));
}

Result<int> guarded(const std::string& verb, const Words& rest) {
  // The door turns the exceptions of libraries into errors; these are the program's own.
  try {
    return dispatch(verb, rest);
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::no_memory, "not enough memory", "Give a smaller --batch-rows or more memory");
  } catch (const std::exception& problem) {
    return Error(ErrorCode::internal, problem.what(), "Please report this with the command that led here");
  }
}

}  // namespace

Result<int> run_version(const Words& args) {
  PLIMSOLL_TRY(const Arguments arguments, parse_flags(speaking_flags(), args));
  if (arguments.on("help")) print(help_of_verb("version", speaking_flags()));
  else if (arguments.on("json")) print(canonical_json({{"plimsoll", engine_version()}, {"artifact_format", artifact_format}}) + "\n");
  else print("plimsoll " + std::string(engine_version()) + "\n");
  return 0;
}

int run_program(const Words& args) {
  const Words rest(args.begin() + (args.empty() ? 0 : 1), args.end());
  if (args.empty() || args.front() == "--help" || args.front() == "-h" || args.front() == "help") {
    print(program_help());
    return output_failed() ? 4 : args.empty() ? 2 : 0;
  }
  const bool json = std::find(args.begin(), args.end(), "--json") != args.end();
  const auto status = guarded(args.front() == "--version" ? "version" : args.front(), rest);
  if (!status) return report_error(status.error(), json);
  if (output_failed()) return report_error(Error(ErrorCode::no_disk, "standard output could not be written", "Make room, or give -o PATH"), json);
  return status.value();
}

}  // namespace plimsoll::cli

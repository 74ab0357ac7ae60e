// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"
#include "base/json.h"
#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/method_flags.h"
#include "cli/recipe.h"
#include "cli/recipe_state.h"
#include "cli/verbs.h"

namespace plimsoll::cli {
namespace {

std::vector<Flag> recipe_flags() {
  std::vector<Flag> flags = {
      {"set", "NAME=VALUE", "a variable of the recipe", 0, true, {}, "Running", false},
      {"dry-run", "", "check everything, say what would run, run nothing", 'n', false, {}, "Running", false},
      {"force", "", "run every step, done before or not", 0, false, {}, "Running", false},
      {"seed", "INTEGER", "root of every random draw (default: the recipe's seed, else 0)", 0, false, {}, "Running", false},
      {"threads", "INTEGER", "threads; results do not depend on them (default: all)", 0, false, {}, "Running", false},
      {"memory", "BYTES", "keep to this much memory, e.g. 256MB", 0, false, {}, "Running", false},
  };
  for (Flag& flag : speaking_flags()) flags.push_back(std::move(flag));
  return flags;
}

Result<std::map<std::string, std::string>> given_variables(const Arguments& arguments) {
  std::map<std::string, std::string> variables;
  const auto found = arguments.values.find("set");
  if (found == arguments.values.end()) return variables;
  for (const std::string& text : found->second) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) return Error(ErrorCode::bad_parameter, "'" + text + "' is not name=value", "Write --set name=value").in_parameter("set");
    variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return variables;
}

class Runner {
 public:
  Runner(Invocation& invocation, const Recipe& recipe, std::filesystem::path folder, RecipeState state)
      : invocation_(invocation), recipe_(recipe), folder_(std::move(folder)), state_(std::move(state)) {}

  Result<int> all(bool dry, bool force) {
    int status = 0;
    bool changed = false;  // a dry run cannot know what later steps would be given
    for (const RecipeStep& step : recipe_.steps) {
      PLIMSOLL_CHECK(invocation_.context().stop.check());
      std::string key;
      if (!(dry && changed)) {
        PLIMSOLL_TRY(key, key_of(step, folder_, invocation_.context().rng.seed()));
      }
      if (!force && !key.empty() && state_.done(step, key, folder_)) {
        say(step, "unchanged");
        continue;
      }
      changed = true;
      if (dry) {
        say(step, "would run");
        continue;
      }
      PLIMSOLL_TRY(const int one, run_step(step));
      if (one != 0) return one;
      PLIMSOLL_CHECK(state_.record(step, key, folder_));
      say(step, "done");
    }
    return status;
  }

 private:
  void say(const RecipeStep& step, const std::string& what) const {
    if (invocation_.json()) {
      print(canonical_json({{"step", step.name}, {"verb", name_of(step.verb)}, {"method", step.method}, {"status", what}, {"written", step.written()}}) + "\n");
    } else if (!invocation_.quiet()) {
      std::string files;
      for (const std::string& file : step.written()) files += (files.empty() ? "" : ", ") + file;
      print(step.name + ": " + std::string(name_of(step.verb)) + " " + step.method + ": " + what + (files.empty() ? "" : " -> " + files) + "\n");
    }
  }

  Result<void> make_folders(const RecipeStep& step) const {
    for (const std::string& file : step.written()) {
      const auto parent = std::filesystem::path(in_folder(folder_, file)).parent_path();
      std::error_code failure;
      if (!parent.empty()) std::filesystem::create_directories(parent, failure);
      if (failure) return file_error(failure.value(), parent, "making a folder");
    }
    return {};
  }

  Result<int> prove(const RecipeStep& step) {
    PLIMSOLL_TRY(Json parameters, parse_json(step.parameters));
    if (!parameters.contains("seed")) parameters["seed"] = invocation_.context().rng.seed();
    Call call;
    call.verb = Verb::prove;
    call.method = step.method;
    call.parameters = canonical_json(parameters);
    PLIMSOLL_TRY(const Reply reply, run(invocation_.context(), call));
    invocation_.warn(reply.warnings);
    PLIMSOLL_CHECK(write_file(in_folder(folder_, step.output), canonical_json(to_json(*reply.evidence)) + "\n"));
    return reply.evidence->passed ? 0 : 1;
  }

  Result<int> run_step(const RecipeStep& step) {
    PLIMSOLL_CHECK(make_folders(step));
    if (step.verb == Verb::prove) return prove(step);
    PLIMSOLL_TRY(const Request request, request_of(recipe_, step, folder_));
    invocation_.context().allow_overlap = step.allow_overlap;
    auto outcome = execute(invocation_.workspace(), request);
    if (!outcome) {
      Error error = std::move(outcome).error();
      error.what = "step '" + step.name + "': " + error.what;
      if (error.file.empty()) {
        error.file = recipe_.document.file();
        error.line = recipe_.document.line_of(step.pointer);
      }
      return error;
    }
    invocation_.warn(outcome->reply.warnings);
    if (outcome->reply.report && !request.fail_on.empty()) PLIMSOLL_CHECK(check_verdict(*outcome->reply.report, request.fail_on));
    return outcome->reply.findings && !outcome->reply.findings->passed() ? 1 : 0;
  }

  Invocation& invocation_;
  const Recipe& recipe_;
  std::filesystem::path folder_;
  RecipeState state_;
};

}  // namespace

Result<int> run_recipe(const Words& args) {
  const auto flags = recipe_flags();
  PLIMSOLL_TRY(Arguments arguments, parse_flags(flags, args));
  if (arguments.on("help")) {
    print(help_of_verb("run", flags));
    return 0;
  }
  if (arguments.words.size() != 1) return Error(ErrorCode::missing_input, "run takes one recipe", "Write plimsoll run recipe.toml");
  const std::filesystem::path path = arguments.words.front();
  PLIMSOLL_TRY(const Document document, read_document(path));
  PLIMSOLL_TRY(const auto variables, given_variables(arguments));
  PLIMSOLL_TRY(Recipe recipe, read_recipe(document, variables));
  PLIMSOLL_CHECK(check_recipe(recipe, path.parent_path()));
  if (recipe.seed && !arguments.has("seed")) arguments.values["seed"] = {std::to_string(*recipe.seed)};
  PLIMSOLL_TRY(const auto invocation, Invocation::open(arguments));
  Runner runner(*invocation, recipe, path.parent_path(), RecipeState::load(path.string() + ".state.json"));
  return runner.all(arguments.on("dry-run"), arguments.on("force"));
}

}  // namespace plimsoll::cli

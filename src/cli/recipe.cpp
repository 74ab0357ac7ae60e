// SPDX-License-Identifier: Apache-2.0
#include "cli/recipe.h"

#include <algorithm>
#include <set>

#include "base/json.h"
#include "cli/method_flags.h"

namespace plimsoll::cli {
namespace {

using Variables = std::map<std::string, std::string>;

// One table of the document, read key by key; every error carries the line of its key.
class Section {
 public:
  Section(const Document& document, const Variables& variables, const Json& json, std::string pointer)
      : document_(document), variables_(variables), json_(json), pointer_(std::move(pointer)) {}

  const std::string& pointer() const { return pointer_; }
  std::string at(const std::string& key) const {
    std::string escaped;
    for (const char c : key) escaped += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    return pointer_ + "/" + escaped;
  }
  Error error(const std::string& key, std::string what, std::string mend) const { return document_.error_at(key.empty() ? pointer_ : at(key), std::move(what), std::move(mend)); }

  Result<void> only(const std::vector<std::string>& known) const {
    if (!json_.is_object()) return error("", "a table with names and values is wanted here", "Write name = value lines");
    for (const auto& [key, value] : json_.items()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      Error wrong = error(key, "a recipe has no '" + key + "' here", "See docs/recipes.md");
      wrong.candidates = nearest_names(key, known);
      return wrong;
    }
    return {};
  }

  const Json* find(const std::string& key) const {
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }

  // With ${name} replaced by the variable's text.
  Result<std::string> replaced(const std::string& key, const std::string& text) const {
    std::string out;
    std::size_t from = 0;
    while (true) {
      const std::size_t begin = text.find("${", from);
      if (begin == std::string::npos) break;
      const std::size_t end = text.find('}', begin);
      if (end == std::string::npos) return error(key, "'${' is not closed", "Write ${name}");
      const std::string name = text.substr(begin + 2, end - begin - 2);
      const auto found = variables_.find(name);
      if (found == variables_.end()) {
        std::vector<std::string> known;
        for (const auto& [variable, value] : variables_) known.push_back(variable);
        Error wrong = error(key, "there is no variable '" + name + "'", "Add it to [variables], or give --set " + name + "=VALUE");
        wrong.candidates = nearest_names(name, known);
        return wrong;
      }
      out += text.substr(from, begin - from) + found->second;
      from = end + 1;
    }
    return out + text.substr(from);
  }

  Result<std::string> text(const std::string& key) const {
    const Json* value = find(key);
    if (!value) return std::string();
    if (!value->is_string()) return error(key, "'" + key + "' must be a text", "Write it in quotes");
    return replaced(key, value->get_ref<const std::string&>());
  }

  // A text or a list of texts.
  Result<std::vector<std::string>> texts(const std::string& key) const {
    std::vector<std::string> list;
    const Json& value = *find(key);
    for (const Json& item : value.is_array() ? value : Json::array({value})) {
      if (!item.is_string()) return error(key, "'" + key + "' must be a column or a list of columns", "Write \"name\" or [\"a\", \"b\"]");
      PLIMSOLL_TRY(std::string name, replaced(key, item.get_ref<const std::string&>()));
      list.push_back(std::move(name));
    }
    return list;
  }

  // Every text inside a value with its variables replaced.
  Result<Json> value(const std::string& key, const Json& json) const {
    if (json.is_string()) {
      PLIMSOLL_TRY(std::string text, replaced(key, json.get_ref<const std::string&>()));
      return Json(std::move(text));
    }
    if (!json.is_structured()) return json;
    Json out = json;
    for (auto& item : out) {
      PLIMSOLL_TRY(item, value(key, item));
    }
    return out;
  }

  Section below(const std::string& key) const { return {document_, variables_, *find(key), at(key)}; }
  const Json& json() const { return json_; }

 private:
  const Document& document_;
  const Variables& variables_;
  const Json& json_;
  std::string pointer_;
};

Result<Roles> read_roles(const Section& section) {
  if (!section.json().is_object()) return section.error("", "roles must be a table", "Write target = \"column\"");
  Roles roles;
  for (const auto& [role, value] : section.json().items()) {
    PLIMSOLL_TRY(roles[role], section.texts(role));
  }
  return roles;
}

// Options of the reader as the texts that the command line would give.
Result<std::vector<std::pair<std::string, std::string>>> read_options(const Section& section) {
  if (!section.json().is_object()) return section.error("", "options of the reader must be a table", "Write header = false");
  std::vector<std::pair<std::string, std::string>> options;
  for (const auto& [name, json] : section.json().items()) {
    PLIMSOLL_TRY(const Json value, section.value(name, json));
    if (value.is_object()) {
      for (const auto& [column, suffix] : value.items()) options.emplace_back(name, column + "=" + (suffix.is_string() ? suffix.get<std::string>() : canonical_json(suffix)));
    } else {
      options.emplace_back(name, value.is_string() ? value.get<std::string>() : canonical_json(value));
    }
    ReadOptions trial;
    for (const auto& [option, text] : options) {
      if (auto set = set_read_option(trial, option, text); !set) {
        Error wrong = section.error(name, set.error().what, set.error().mend);
        wrong.candidates = set.error().candidates;
        return wrong;
      }
    }
  }
  return options;
}

Result<RecipeInput> read_input(const Section& inputs, const std::string& port) {
  RecipeInput input;
  if (inputs.find(port)->is_string()) {
    PLIMSOLL_TRY(input.path, inputs.text(port));
    return input;
  }
  const Section section = inputs.below(port);
  PLIMSOLL_CHECK(section.only({"path", "roles", "read"}));
  PLIMSOLL_TRY(input.path, section.text("path"));
  if (input.path.empty()) return section.error("", "the input '" + port + "' has no path", "Write path = \"file\"");
  if (section.find("roles")) {
    PLIMSOLL_TRY(input.roles, read_roles(section.below("roles")));
  }
  if (section.find("read")) {
    PLIMSOLL_TRY(input.read, read_options(section.below("read")));
  }
  return input;
}

Result<Verb> read_verb(const Section& section) {
  PLIMSOLL_TRY(const std::string name, section.text("verb"));
  const auto verb = verb_named(name);
  if (verb && *verb != Verb::step) return *verb;
  Error wrong = section.error(name.empty() ? "" : "verb", name.empty() ? "the step has no verb" : "there is no verb '" + name + "' for a step",
                              "Give fit, apply, assess, verify, report or prove");
  wrong.candidates = nearest_names(name, {"fit", "apply", "assess", "verify", "report", "prove"});
  return wrong;
}

Result<void> read_method(const Section& section, RecipeStep& step) {
  PLIMSOLL_TRY(step.method, section.text("method"));
  PLIMSOLL_TRY(step.model, section.text("model"));
  if (step.method.empty() && step.model.empty()) return section.error("", "the step names neither a method nor a model", "Write method = \"family.method\" or model = \"file.plim\"");
  if (step.method.empty()) return {};
  auto found = find_method(step.method);
  if (found) return {};
  Error wrong = section.error("method", found.error().what, found.error().mend);
  wrong.candidates = found.error().candidates;
  return wrong;
}

Result<void> read_files(const Section& section, RecipeStep& step) {
  if (section.find("inputs")) {
    const Section inputs = section.below("inputs");
    if (!inputs.json().is_object()) return inputs.error("", "inputs must be a table", "Write data = \"file.csv\"");
    for (const auto& [port, value] : inputs.json().items()) {
      PLIMSOLL_TRY(step.inputs[port], read_input(inputs, port));
    }
  }
  PLIMSOLL_TRY(step.output, section.text("output"));
  PLIMSOLL_TRY(step.report, section.text("report"));
  if (section.find("outputs")) {
    const Section outputs = section.below("outputs");
    if (!outputs.json().is_object()) return outputs.error("", "outputs must be a table", "Write name = \"file.csv\"");
    for (const auto& [name, value] : outputs.json().items()) {
      PLIMSOLL_TRY(step.outputs[name], outputs.text(name));
    }
  }
  if ((step.verb == Verb::fit || step.verb == Verb::report || step.verb == Verb::apply || step.verb == Verb::prove) && step.output.empty() && step.outputs.empty())
    return section.error("", "the step leaves nothing behind", "Write output = \"file\"");
  return {};
}

Result<RecipeStep> read_step(const Section& section, std::size_t number) {
  PLIMSOLL_CHECK(section.only({"name", "verb", "method", "model", "inputs", "roles", "read", "parameters", "output", "outputs", "report", "fail_on", "allow_overlap"}));
  RecipeStep step;
  step.pointer = section.pointer();
  PLIMSOLL_TRY(step.name, section.text("name"));
  if (step.name.empty()) step.name = "step-" + std::to_string(number);
  PLIMSOLL_TRY(step.verb, read_verb(section));
  PLIMSOLL_CHECK(read_method(section, step));
  PLIMSOLL_CHECK(read_files(section, step));
  if (section.find("roles")) {
    PLIMSOLL_TRY(step.roles, read_roles(section.below("roles")));
  }
  if (section.find("read")) {
    PLIMSOLL_TRY(step.read, read_options(section.below("read")));
  }
  if (section.find("parameters")) {
    const Section parameters = section.below("parameters");
    if (!parameters.json().is_object()) return parameters.error("", "parameters must be a table", "Write alpha = 0.1");
    PLIMSOLL_TRY(const Json value, parameters.value("", parameters.json()));
    step.parameters = canonical_json(value);
  }
  PLIMSOLL_TRY(step.fail_on, section.text("fail_on"));
  PLIMSOLL_TRY(step.allow_overlap, section.text("allow_overlap"));
  return step;
}

Result<Variables> read_variables(const Document& document, const Variables& given) {
  Variables variables;
  const Json& root = document.root();
  if (root.contains("variables")) {
    if (!root["variables"].is_object()) return document.error_at("/variables", "variables must be a table", "Write name = \"text\"");
    for (const auto& [name, value] : root["variables"].items()) {
      if (value.is_structured()) return document.error_at("/variables/" + name, "a variable must be a text or a number", "Write name = \"text\"");
      variables[name] = value.is_string() ? value.get<std::string>() : canonical_json(value);
    }
  }
  for (const auto& [name, value] : given) {
    if (!variables.contains(name)) {
      std::vector<std::string> known;
      for (const auto& [variable, text] : variables) known.push_back(variable);
      return Error(ErrorCode::bad_parameter, "the recipe has no variable '" + name + "'", "Give one of its [variables]").in_parameter("set").with_candidates(nearest_names(name, known));
    }
    variables[name] = value;
  }
  return variables;
}

}  // namespace

std::vector<std::string> RecipeStep::written() const {
  std::vector<std::string> files;
  if (!output.empty()) files.push_back(output);
  for (const auto& further : outputs) files.push_back(further.second);
  if (!report.empty()) files.push_back(report);
  return files;
}

std::string in_folder(const std::filesystem::path& folder, const std::string& path) {
  return folder.empty() ? path : (folder / path).lexically_normal().string();  // an absolute path stays as it is
}

Result<Recipe> read_recipe(const Document& document, const std::map<std::string, std::string>& given) {
  Recipe recipe;
  recipe.document = document;
  PLIMSOLL_TRY(const Variables variables, read_variables(document, given));
  const Section root(recipe.document, variables, recipe.document.root(), "");
  PLIMSOLL_CHECK(root.only({"name", "about", "seed", "variables", "step"}));
  if (const Json* seed = root.find("seed")) {
    if (!seed->is_number_integer() || *seed < 0) return root.error("seed", "the seed must be a whole number of at least 0", "Write seed = 7");
    recipe.seed = seed->get<std::int64_t>();
  }
  const Json* steps = root.find("step");
  if (!steps || !steps->is_array() || steps->empty()) return root.error(steps ? "step" : "", "the recipe has no steps", "Write [[step]] sections");
  std::set<std::string> names;
  for (std::size_t i = 0; i < steps->size(); ++i) {
    const Section section(recipe.document, variables, (*steps)[i], "/step/" + std::to_string(i));
    PLIMSOLL_TRY(RecipeStep step, read_step(section, i + 1));
    if (!names.insert(step.name).second) return section.error("name", "two steps are called '" + step.name + "'", "Give each its own name");
    recipe.steps.push_back(std::move(step));
  }
  return recipe;
}

}  // namespace plimsoll::cli

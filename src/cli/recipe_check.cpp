// SPDX-License-Identifier: Apache-2.0
// What can be known of a recipe before its first step runs, so that a slip in the last step does not cost the first.
#include <algorithm>
#include <filesystem>
#include <set>

#include "base/json.h"
#include "cli/method_flags.h"
#include "cli/parameter_text.h"
#include "cli/recipe.h"

namespace plimsoll::cli {
namespace {

std::vector<std::string> names_of(const std::vector<PortSchema>& ports) {
  std::vector<std::string> names;
  for (const PortSchema& port : ports) names.push_back(port.name);
  return names;
}

class Checker {
 public:
  Checker(Recipe& recipe, const std::filesystem::path& folder) : recipe_(recipe), folder_(folder) {}

  Result<void> all() {
    for (RecipeStep& step : recipe_.steps) {
      PLIMSOLL_CHECK(method(step));
      PLIMSOLL_CHECK(ports(step));
      PLIMSOLL_CHECK(parameters(step));
      for (const std::string& path : step.written()) {
        if (!made_.insert(path).second) return error(step, "", "two steps write " + path, "Give each its own file");
      }
      if (step.verb == Verb::fit) models_[step.output] = step.method;
    }
    return {};
  }

 private:
  Error error(const RecipeStep& step, const std::string& below, std::string what, std::string mend) const {
    return recipe_.document.error_at(step.pointer + below, "step '" + step.name + "': " + std::move(what), std::move(mend));
  }

  bool there(const std::string& path) const {
    std::error_code ignored;
    return made_.contains(path) || std::filesystem::exists(in_folder(folder_, path), ignored);
  }

  Result<void> method(RecipeStep& step) {
    if (!step.model.empty()) {
      if (!there(step.model)) return missing(step, "/model", step.model);
      const auto made = models_.find(step.model);
      std::string of_model = made == models_.end() ? "" : made->second;
      if (of_model.empty()) {
        PLIMSOLL_TRY(const ArtifactPort model, Artifact::load(in_folder(folder_, step.model)));
        of_model = model->provenance().method;
      }
      if (step.method.empty()) step.method = of_model;
      if (step.method != of_model) return error(step, "/method", "the model is one of " + of_model + ", not of " + step.method, "Name the method of the model, or none");
    }
    PLIMSOLL_TRY(const CatalogueLine* line, find_method(step.method));
    if (!line->entry->has(step.verb)) return error(step, "/verb", step.method + " has no verb '" + std::string(name_of(step.verb)) + "'", "See plimsoll methods " + step.method);
    const bool by_model = step.verb == Verb::report || (step.verb == Verb::apply && line->entry->fit_.model != nullptr);
    if (by_model && step.model.empty()) return error(step, "", std::string(name_of(step.verb)) + " of " + step.method + " needs a model", "Write model = \"file.plim\"");
    return {};
  }

  Error missing(const RecipeStep& step, const std::string& below, const std::string& path) const {
    Error wrong = error(step, below, "there is no file " + path + ", and no earlier step makes it", "Correct the path, or the order of the steps");
    wrong.code = ErrorCode::not_found;
    return wrong;
  }

  Result<void> roles(const RecipeStep& step, const Roles& given, const std::vector<RoleSchema>& declared, const std::string& below) const {
    std::vector<std::string> known;
    for (const RoleSchema& role : declared) known.push_back(role.role);
    for (const auto& [role, columns] : given) {
      if (std::find(known.begin(), known.end(), role) != known.end()) continue;
      Error wrong = error(step, below + "/" + role, "no column can play the role '" + role + "' here", "See plimsoll methods " + step.method);
      wrong.candidates = nearest_names(role, known);
      return wrong;
    }
    return {};
  }

  Result<void> ports(const RecipeStep& step) const {
    if (step.verb == Verb::prove) return {};
    const Method& entry = *find_line(step.method)->entry;
    const auto declared = input_schema(entry, step.verb).ports;
    for (const auto& [name, input] : step.inputs) {
      const auto port = std::find_if(declared.begin(), declared.end(), [&n = name](const PortSchema& p) { return p.name == n; });
      if (port == declared.end()) {
        Error wrong = error(step, "/inputs/" + name, step.method + " has no input '" + name + "'", "See plimsoll " + std::string(name_of(step.verb)) + " " + step.method + " --help");
        wrong.candidates = nearest_names(name, names_of(declared));
        return wrong;
      }
      if (!there(input.path)) return missing(step, "/inputs/" + name, input.path);
      PLIMSOLL_CHECK(roles(step, input.roles, port->roles, "/inputs/" + name + "/roles"));
    }
    std::vector<RoleSchema> anywhere;
    for (const PortSchema& port : declared) {
      anywhere.insert(anywhere.end(), port.roles.begin(), port.roles.end());
      const bool filled = step.inputs.contains(port.name) || (port.kind == PortKind::artifact && !step.model.empty());
      if (port.required && !filled) return error(step, "/inputs", "the input '" + port.name + "' is missing: " + port.help, "Write " + port.name + " = \"file\" under [step.inputs]");
    }
    return roles(step, step.roles, anywhere, "/roles");
  }

  // A parameter written as text ("${alpha}") is read as the text of its flag would be.
  static void read_texts(Json& json, const std::vector<FieldSchema>& fields) {
    for (const FieldSchema& field : fields) {
      const auto found = json.find(field.name);
      if (found == json.end()) continue;
      const bool text = field.kind == FieldKind::text || field.kind == FieldKind::choice || field.kind == FieldKind::blob;
      if (found->is_string() && !text) *found = value_of(field, found->get<std::string>());
      else if (found->is_object() && (field.kind == FieldKind::nested || field.kind == FieldKind::optional)) read_texts(*found, field.children);
    }
  }

  Result<void> parameters(RecipeStep& step) const {
    if (step.verb == Verb::prove || step.verb == Verb::verify || step.verb == Verb::report) return {};
    const Method& entry = *find_line(step.method)->entry;
    const auto types = parameters_of(entry, step.verb, !step.model.empty());
    PLIMSOLL_TRY(Json json, parse_json(step.parameters));
    read_texts(json, parameter_fields(entry, step.verb, !step.model.empty()));
    step.parameters = canonical_json(json);
    if (types.size() != 1) return {};
    Box target(*types.front());
    std::vector<std::string> warnings;
    auto read = read_fields(json, target, warnings);
    if (read) return {};
    std::string pointer = "/parameters";
    for (const char c : read.error().parameter) pointer += c == '.' ? '/' : c;
    const std::size_t root = std::string("/parameters").size();
    if (pointer.size() > root) pointer.insert(root, "/");
    Error wrong = error(step, pointer, read.error().what, read.error().mend);
    wrong.code = read.error().code;
    wrong.parameter = read.error().parameter;
    wrong.candidates = read.error().candidates;
    return wrong;
  }

  Recipe& recipe_;
  std::filesystem::path folder_;
  std::set<std::string> made_;
  std::map<std::string, std::string> models_;  // path -> method
};

Result<ReadOptions> reader_of(const RecipeStep& step, const RecipeInput& input) {
  ReadOptions read;
  for (const auto& [name, text] : step.read) PLIMSOLL_CHECK(set_read_option(read, name, text));
  for (const auto& [name, text] : input.read) PLIMSOLL_CHECK(set_read_option(read, name, text));
  return read;
}

}  // namespace

Result<void> check_recipe(Recipe& recipe, const std::filesystem::path& folder) { return Checker(recipe, folder).all(); }

Result<Request> request_of(const Recipe&, const RecipeStep& step, const std::filesystem::path& folder) {
  Request request;
  request.verb = step.verb;
  PLIMSOLL_TRY(const CatalogueLine* line, find_method(step.method));
  request.method = line->entry;
  if (!step.model.empty()) {
    request.model_path = in_folder(folder, step.model);
    PLIMSOLL_TRY(request.model, Artifact::load(request.model_path));
  }
  request.parameters = step.parameters;
  request.roles = step.roles;
  for (const auto& [name, input] : step.inputs) {
    PLIMSOLL_TRY(ReadOptions read, reader_of(step, input));
    request.ports[name] = {in_folder(folder, input.path), input.roles, std::move(read)};
  }
  if (!step.output.empty()) request.output = in_folder(folder, step.output);
  for (const auto& [name, path] : step.outputs) request.outputs[name] = in_folder(folder, path);
  if (!step.report.empty()) request.report = in_folder(folder, step.report);
  if (step.verb == Verb::report) request.report = request.output;
  request.fail_on = step.fail_on;
  return request;
}

}  // namespace plimsoll::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once

// A recipe: steps of verbs linked by files. docs/recipes.md describes the format.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cli/request.h"
#include "engine/document.h"

namespace plimsoll::cli {

struct RecipeInput {
  std::string path;
  Roles roles;
  std::vector<std::pair<std::string, std::string>> read;  // options of the reader
};

struct RecipeStep {
  std::string name;
  Verb verb = Verb::fit;
  std::string method;
  std::string model;                          // path; empty if none
  std::map<std::string, RecipeInput> inputs;  // by port name
  Roles roles;
  std::vector<std::pair<std::string, std::string>> read;
  std::string parameters = "{}";
  std::string output;
  std::map<std::string, std::string> outputs;
  std::string report;
  std::string fail_on;
  std::string allow_overlap;
  std::string pointer;                        // where it stands in the document

  std::vector<std::string> written() const;   // every file it leaves
};

struct Recipe {
  Document document;
  std::optional<std::int64_t> seed;
  std::vector<RecipeStep> steps;
};

// Reads and checks the form: known keys, verbs and methods, variables, names. No file but the recipe is touched.
// `variables` win over those of the document.
Result<Recipe> read_recipe(const Document& document, const std::map<std::string, std::string>& variables);

// Checks what can be known before the first step runs: every input exists or is made by an earlier step, ports, roles and
// parameters are known to their method. Fills in the method of steps that name a model only.
Result<void> check_recipe(Recipe& recipe, const std::filesystem::path& folder);

// The request of a step; loads its model.
Result<Request> request_of(const Recipe& recipe, const RecipeStep& step, const std::filesystem::path& folder);

std::string in_folder(const std::filesystem::path& folder, const std::string& path);

}  // namespace plimsoll::cli

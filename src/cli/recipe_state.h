// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a recipe has done already: kept beside it, written whole after every step, so that a stopped run goes on where it was.

#include <filesystem>
#include <map>
#include <string>

#include "cli/recipe.h"

namespace plimsoll::cli {

// SHA-256 of a file's bytes, or of a folder's names and bytes.
Result<std::string> hash_path(const std::filesystem::path& path);

class RecipeState {
 public:
  // A missing file is an empty state; a damaged one too, as everything can be made again.
  static RecipeState load(const std::filesystem::path& path);
  Result<void> save() const;

  // Whether the step ran with this key before and its outputs are still what it left.
  bool done(const RecipeStep& step, const std::string& key, const std::filesystem::path& folder) const;
  Result<void> record(const RecipeStep& step, const std::string& key, const std::filesystem::path& folder);

 private:
  struct Entry {
    std::string key;
    std::map<std::string, std::string> outputs;
  };
  std::filesystem::path path_;
  std::map<std::string, Entry> steps_;
};

// One hash of everything that decides a step's result: engine, method, parameters, roles, reader, seed, bytes of the inputs.
Result<std::string> key_of(const RecipeStep& step, const std::filesystem::path& folder, std::uint64_t seed);

}  // namespace plimsoll::cli

// SPDX-License-Identifier: Apache-2.0
#include "cli/recipe_state.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "engine/artifact.h"

namespace plimsoll::cli {
namespace {

std::string hex(const std::array<std::uint8_t, 32>& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15u];
  }
  return text;
}

Result<std::string> hash_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return file_error(errno == 0 ? ENOENT : errno, path, "reading");
  Sha256 hash;
  std::vector<char> buffer(1 << 20);
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    hash.update({buffer.data(), static_cast<std::size_t>(in.gcount())});
  }
  if (in.bad()) return file_error(EIO, path, "reading");
  return hex(hash.finish());
}

Json roles_json(const Roles& roles) {
  Json json = Json::object();
  for (const auto& [role, columns] : roles) json[role] = columns;
  return json;
}

}  // namespace

Result<std::string> hash_path(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return hash_file(path);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path, ignored))
    if (entry.is_regular_file(ignored)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  Sha256 hash;
  for (const auto& file : files) {
    PLIMSOLL_TRY(const std::string one, hash_file(file));
    hash.update(file.lexically_relative(path).string() + "\n" + one + "\n");
  }
  return hex(hash.finish());
}

RecipeState RecipeState::load(const std::filesystem::path& path) {
  RecipeState state;
  state.path_ = path;
  const auto text = read_file(path, std::uint64_t{16} << 20);
  if (!text) return state;
  const auto json = parse_json(*text);
  if (!json || !json->is_object() || json->value("format", 0) != 1 || !json->contains("steps") || !(*json)["steps"].is_object()) return state;
  for (const auto& [name, step] : (*json)["steps"].items()) {
    if (!step.is_object() || !step.contains("key") || !step["key"].is_string() || !step.contains("outputs") || !step["outputs"].is_object()) continue;
    Entry entry;
    entry.key = step["key"].get<std::string>();
    for (const auto& [file, hash] : step["outputs"].items())
      if (hash.is_string()) entry.outputs[file] = hash.get<std::string>();
    state.steps_[name] = std::move(entry);
  }
  return state;
}

Result<void> RecipeState::save() const {
  Json steps = Json::object();
  for (const auto& [name, entry] : steps_) steps[name] = {{"key", entry.key}, {"outputs", entry.outputs}};
  return write_file(path_, pretty_json({{"format", 1}, {"steps", steps}}) + "\n");
}

bool RecipeState::done(const RecipeStep& step, const std::string& key, const std::filesystem::path& folder) const {
  const auto found = steps_.find(step.name);
  if (found == steps_.end() || found->second.key != key) return false;
  for (const std::string& file : step.written()) {
    const auto recorded = found->second.outputs.find(file);
    if (recorded == found->second.outputs.end()) return false;
    const auto now = hash_path(in_folder(folder, file));
    if (!now || *now != recorded->second) return false;
  }
  return true;
}

Result<void> RecipeState::record(const RecipeStep& step, const std::string& key, const std::filesystem::path& folder) {
  Entry entry;
  entry.key = key;
  for (const std::string& file : step.written()) {
    PLIMSOLL_TRY(entry.outputs[file], hash_path(in_folder(folder, file)));
  }
  steps_[step.name] = std::move(entry);
  return save();
}

Result<std::string> key_of(const RecipeStep& step, const std::filesystem::path& folder, std::uint64_t seed) {
  Json inputs = Json::object();
  for (const auto& [port, input] : step.inputs) {
    PLIMSOLL_TRY(const std::string hash, hash_path(in_folder(folder, input.path)));
    inputs[port] = {{"sha256", hash}, {"suffix", std::filesystem::path(input.path).extension().string()}, {"roles", roles_json(input.roles)}, {"read", input.read}};
  }
  std::string model;
  if (!step.model.empty()) {
    PLIMSOLL_TRY(model, hash_path(in_folder(folder, step.model)));
  }
  const Json json = {{"engine", engine_version()}, {"verb", name_of(step.verb)}, {"method", step.method}, {"model", model},
                     {"parameters", step.parameters}, {"roles", roles_json(step.roles)}, {"read", step.read}, {"inputs", inputs},
                     {"seed", seed}, {"allow_overlap", step.allow_overlap}, {"fail_on", step.fail_on},
                     {"output", step.output}, {"outputs", step.outputs}, {"report", step.report}};
  return sha256_hex(canonical_json(json));
}

}  // namespace plimsoll::cli

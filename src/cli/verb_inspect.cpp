// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"
#include "cli/help.h"
#include "cli/method_flags.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "engine/artifact.h"

namespace plimsoll::cli {
namespace {

std::string parameters_text(const std::string& canonical) {
  const Json json = Json::parse(canonical, nullptr, false);
  if (!json.is_object()) return canonical + "\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : json.items()) rows.push_back({name, canonical_json(value)});
  return aligned(rows, "  ");
}

std::string artifact_text(const Artifact& artifact) {
  const Artifact::Provenance& provenance = artifact.provenance();
  std::string text = "method      " + provenance.method + " (state version " + std::to_string(provenance.state_version) + ")\n" +
                     "engine      " + provenance.engine + "\nseed        " + std::to_string(provenance.seed) + "\n";
  text += "\nCertificate\n";
  text += artifact.certified() ? to_text(artifact.certificate()) : "none: this method promises nothing of a fitted model\n";
  if (text.back() != '\n') text += "\n";
  text += "\nParameters\n" + parameters_text(provenance.parameters);
  if (!provenance.schema.empty()) {
    std::vector<std::vector<std::string>> rows;
    for (const Artifact::Column& column : provenance.schema) rows.push_back({column.name, column.type, column.role});
    text += "\nColumns it was fitted on\n" + aligned(rows, "  ");
  }
  if (!provenance.versions.empty()) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& [name, version] : provenance.versions) rows.push_back({name, version});
    text += "\nVersions\n" + aligned(rows, "  ");
  }
  for (const std::string& words : provenance.warnings) text += "\nwarning when fitted: " + words + "\n";
  return text;
}

}  // namespace

Result<int> run_inspect(const Words& args) {
  const auto flags = speaking_flags();
  PLIMSOLL_TRY(const Arguments arguments, parse_flags(flags, args));
  if (arguments.on("help")) {
    print(help_of_verb("inspect", flags));
    return 0;
  }
  if (arguments.words.size() != 1) return Error(ErrorCode::missing_input, "inspect takes one model", "Write plimsoll inspect model.plim");
  PLIMSOLL_TRY(const auto artifact, Artifact::load(arguments.words.front()));
  print(arguments.on("json") ? pretty_json(to_json(*artifact)) + "\n" : artifact_text(*artifact));
  return 0;
}

}  // namespace plimsoll::cli

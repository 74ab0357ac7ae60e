// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/json.h"
#include "cli/help.h"
#include "cli/method_flags.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

namespace plimsoll::cli {
namespace {

constexpr Verb all_verbs[] = {Verb::fit, Verb::apply, Verb::assess, Verb::step, Verb::verify, Verb::prove, Verb::report};

std::vector<std::string> verbs_of(const Method& method) {
  std::vector<std::string> verbs;
  for (const Verb verb : all_verbs)
    if (method.has(verb)) verbs.emplace_back(name_of(verb));
  return verbs;
}

std::string spaced(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

Json ports_json(const std::vector<PortSchema>& ports) {
  Json list = Json::array();
  for (const PortSchema& port : ports) {
    Json roles = Json::array();
    for (const RoleSchema& role : port.roles) roles.push_back({{"role", role.role}, {"help", role.help}, {"required", role.required}, {"many", role.many}});
    list.push_back({{"name", port.name}, {"help", port.help}, {"kind", name_of(port.kind)}, {"required", port.required}, {"roles", roles}, {"method", port.method}});
  }
  return list;
}

Json line_json(const CatalogueLine& line) {
  return {{"id", line.id}, {"tier", line.tier}, {"plugin", line.plugin}, {"verbs", verbs_of(*line.entry)}, {"summary", card_summary(line.card)}};
}

Json method_json(const CatalogueLine& line) {
  Json json = line_json(line);
  json["card"] = line.card;
  for (const Verb verb : all_verbs) {
    const Method& method = *line.entry;
    if (!method.has(verb) || verb == Verb::prove || verb == Verb::step) continue;
    Schema schema;
    schema.fields = parameter_fields(method, verb, false);
    Json inputs = {{"ports", ports_json(input_schema(method, verb).ports)}, {"parameters", json_schema(schema)}};
    if (verb == Verb::apply) inputs["outputs"] = ports_json(schema_of(*method.apply_.outputs).ports);
    json["inputs"][std::string(name_of(verb))] = std::move(inputs);
  }
  return json;
}

std::string method_text(const CatalogueLine& line) {
  std::string text(line.card);
  if (!text.empty() && text.back() != '\n') text += "\n";
  for (const Verb verb : all_verbs) {
    const Method& method = *line.entry;
    if (!method.has(verb) || verb == Verb::prove || verb == Verb::step) continue;
    std::vector<Flag> flags;
    for (const BoundFlag& bound : method_flags(method, verb, false)) {
      const bool own = bound.to == BoundFlag::To::port || bound.to == BoundFlag::To::role || bound.to == BoundFlag::To::parameter;
      if (own) flags.push_back(bound.flag);
    }
    text += "\nplimsoll " + std::string(name_of(verb)) + "\n" + flags_text(flags);
  }
  return text;
}

}  // namespace

Result<int> run_methods(const Words& args) {
  const auto flags = speaking_flags();
  PLIMSOLL_TRY(const Arguments arguments, parse_flags(flags, args));
  if (arguments.on("help")) {
    print(help_of_verb("methods", flags));
    return 0;
  }
  const std::string word = arguments.words.empty() ? "" : arguments.words.front();
  if (const CatalogueLine* line = find_line(word)) {
    print(arguments.on("json") ? canonical_json(method_json(*line)) + "\n" : method_text(*line));
    return 0;
  }
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const CatalogueLine& line : catalogue_lines()) {
    if (!word.empty() && line.id.find(word) == std::string_view::npos && (card_title(line.card) + card_summary(line.card)).find(word) == std::string::npos) continue;
    list.push_back(line_json(line));
    rows.push_back({std::string(line.id), std::string(line.tier), spaced(verbs_of(*line.entry)), card_summary(line.card)});
  }
  if (rows.empty() && !word.empty()) {
    auto found = find_method(word);
    if (!found) return std::move(found).error();
  }
  print(arguments.on("json") ? canonical_json(list) + "\n" : aligned(rows));
  return 0;
}

}  // namespace plimsoll::cli

// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <algorithm>

#include "cli/terminal.h"

namespace plimsoll::cli {
namespace {

std::string flag_text(const Flag& flag) {
  std::string text = flag.letter ? std::string("-") + flag.letter + ", " : "    ";
  text += "--" + dashed(flag.name);
  if (!flag.is_switch()) text += " " + flag.value;
  return text;
}

std::string methods_with(std::string_view verb_name) {
  const auto verb = verb_named(verb_name);
  if (!verb) return "";
  std::vector<std::vector<std::string>> rows;
  for (const CatalogueLine& line : catalogue_lines()) {
    if (line.entry->has(*verb)) rows.push_back({std::string(line.id), card_summary(line.card)});
  }
  if (rows.empty()) return "";
  return "\nMethods (plimsoll " + std::string(verb_name) + " METHOD --help lists their flags)\n" + aligned(rows, "  ");
}

}  // namespace

const std::vector<VerbHelp>& verb_help() {
  static const std::vector<VerbHelp> verbs = {
      {"demo", "plimsoll demo [--output-dir FOLDER]", "the main job, end to end, on loans whose true risk is known"},
      {"methods", "plimsoll methods [WORD | METHOD]", "the catalogue; with a name, that method's card and parameters"},
      {"fit", "plimsoll fit METHOD TABLE -o model.plim", "learn, calibrate, certify: a table of past cases becomes a model"},
      {"apply", "plimsoll apply MODEL|METHOD TABLE -o out.parquet", "rows to rows: by a fitted model, or by a method that needs none"},
      {"assess", "plimsoll assess METHOD --INPUT PATH --report r.html", "audits and measurements: inputs become a report"},
      {"prove", "plimsoll prove METHOD | --family F | --all", "re-run the falsifiable experiment behind a claim"},
      {"verify", "plimsoll verify FILE | METHOD --INPUT PATH", "check an artifact, an evidence or a proof again"},
      {"run", "plimsoll run RECIPE", "a recipe: several verbs, linked files, resumable"},
      {"serve", "plimsoll serve POLICY --upstream URL --listen ADDR", "the gateway: between an application and a language model"},
      {"inspect", "plimsoll inspect model.plim", "certificate, provenance and schema of a model"},
      {"report", "plimsoll report model.plim [TABLE] -o r.html", "draw the report of a model, or of what it scored"},
      {"completion", "plimsoll completion bash|zsh|fish", "print the completion script of a shell"},
      {"version", "plimsoll version", "which engine this is"},
  };
  return verbs;
}

std::string program_help() {
  std::vector<std::vector<std::string>> rows;
  for (const VerbHelp& verb : verb_help()) rows.push_back({std::string(verb.name), std::string(verb.says)});
  return "plimsoll draws the load line of predictions: it estimates risk, guarantees how far the number can be trusted,\n"
         "acts on it, and accounts for it.\n\n"
         "  plimsoll demo                                   start here\n"
         "  plimsoll fit conformal.split train.parquet --target y --probability 'p_*' -o model.plim\n"
         "  plimsoll apply model.plim new.parquet -o out.parquet\n\n"
         "Verbs\n" +
         aligned(rows, "  ") +
         "\nplimsoll VERB --help says more. Exit status: 0 done, 1 a check failed, 2 the command was wrong, 3 the data were,\n"
         "4 something outside was (disk, memory, time), 130 interrupted, 5 a fault of the engine.\n";
}

std::string flags_text(const std::vector<Flag>& flags) {
  std::vector<std::string> groups;
  std::size_t width = 0;
  for (const Flag& flag : flags) {
    if (flag.group.empty()) continue;
    if (std::find(groups.begin(), groups.end(), flag.group) == groups.end()) groups.push_back(flag.group);
    width = std::max(width, flag_text(flag).size());
  }
  // What is particular to a method comes before what all share.
  const auto rank = [](const std::string& group) {
    const std::vector<std::string> order = {"Inputs", "Roles of columns", "Parameters", "Reading", "Running", "Speaking"};
    return std::find(order.begin(), order.end(), group) - order.begin();
  };
  std::stable_sort(groups.begin(), groups.end(), [&rank](const std::string& a, const std::string& b) { return rank(a) < rank(b); });
  width = std::min<std::size_t>(width, 38);
  std::string text;
  for (const std::string& group : groups) {
    text += "\n" + group + "\n";
    for (const Flag& flag : flags) {
      if (flag.group != group) continue;
      std::string line = "  " + flag_text(flag);
      if (line.size() > width + 2) line += "\n" + std::string(width + 4, ' ');
      else line.append(width + 4 - line.size(), ' ');
      text += line + folded(flag.help, 110 - width, std::string(width + 4, ' ')) + "\n";
    }
  }
  return text;
}

std::string help_of_verb(std::string_view name, const std::vector<Flag>& flags) {
  for (const VerbHelp& verb : verb_help()) {
    if (verb.name != name) continue;
    return std::string(verb.usage) + "\n\n" + std::string(verb.says) + "\n" + methods_with(name) + flags_text(flags);
  }
  return "";
}

std::string help_of_method(const Method& method, Verb verb, const std::vector<BoundFlag>& flags) {
  const std::string id(method.id);
  const std::string name(name_of(verb));
  const auto ports = input_schema(method, verb).ports;
  const PortSchema* first = first_port(ports);
  const bool by_model = verb == Verb::report || (verb == Verb::apply && method.fit_.model != nullptr);
  std::string text = "plimsoll " + name + " " + (by_model ? "MODEL.plim" : id);
  if (first) text += first->required ? " " + first->name : " [" + first->name + "]";
  for (const PortSchema& port : ports) {
    if (port.required && &port != first) text += " --" + dashed(port.name) + " PATH";
    for (const RoleSchema& role : port.roles)
      if (role.required && text.find(" --" + dashed(role.role) + " ") == std::string::npos) text += " --" + dashed(role.role) + " COLUMN";
  }
  if (verb == Verb::fit) text += " -o model.plim";
  text += "\n";
  if (const CatalogueLine* line = find_line(id)) text += "\n" + id + ": " + folded(card_summary(line->card), 100, "") + "\n";
  if (verb == Verb::apply) {
    const char* shapes[] = {"independent: each row's result depends on that row only", "grouped: rows of one group stay together",
                            "whole: the result of a row depends on all rows of the table"};
    text += "Rows are " + std::string(shapes[static_cast<int>(method.apply_.rows)]) + ".\n";
  }
  text += flags_text(plain_flags(flags));
  if (ports.size() > 1) text += "\nRoles and reading of one table alone: --TABLE.ROLE COLUMN, --TABLE.read.OPTION VALUE.\n";
  return text;
}

std::string card_title(std::string_view card) {
  const std::size_t begin = card.find("# ");
  if (begin == std::string_view::npos) return "";
  const std::size_t end = std::min(card.find('\n', begin), card.size());
  return std::string(card.substr(begin + 2, end - begin - 2));
}

std::string card_summary(std::string_view card) {
  std::string paragraph;
  std::size_t at = 0;
  while (at < card.size()) {
    const std::size_t end = std::min(card.find('\n', at), card.size());
    const std::string_view line = card.substr(at, end - at);
    at = end + 1;
    if (line.starts_with('#') || line.starts_with("<!--")) continue;
    if (line.empty()) {
      if (!paragraph.empty()) break;
      continue;
    }
    paragraph += (paragraph.empty() ? "" : " ") + std::string(line);
  }
  const std::size_t stop = paragraph.find(". ");
  if (stop != std::string::npos) paragraph.resize(stop + 1);
  return paragraph;
}

}  // namespace plimsoll::cli

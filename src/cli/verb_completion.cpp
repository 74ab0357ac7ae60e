// SPDX-License-Identifier: Apache-2.0
// Completion scripts for bash, zsh and fish, written from the catalogue: every verb, method, flag and choice.
#include <algorithm>

#include "cli/help.h"
#include "cli/method_flags.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "engine/catalogue.h"

namespace plimsoll::cli {
namespace {

constexpr Verb door_verbs[] = {Verb::fit, Verb::apply, Verb::assess, Verb::verify, Verb::report};

// The flags of one verb, with a method or without.
struct Place {
  std::string verb;
  std::string method;  // empty: whatever the method
  std::vector<Flag> flags;
};

std::vector<Flag> shown(const std::vector<Flag>& flags) {
  std::vector<Flag> kept;
  for (const Flag& flag : flags)
    if (!flag.group.empty()) kept.push_back(flag);
  return kept;
}

std::vector<Place> places() {
  std::vector<Place> all;
  for (const Verb verb : door_verbs) {
    std::vector<Flag> general = running_flags(verb);
    for (Flag& flag : speaking_flags()) general.push_back(std::move(flag));
    all.push_back({std::string(name_of(verb)), "", general});
    for (const CatalogueLine& line : catalogue_lines()) {
      if (line.entry->has(verb)) all.push_back({std::string(name_of(verb)), std::string(line.id), shown(plain_flags(method_flags(*line.entry, verb, false)))});
    }
  }
  for (const char* verb : {"demo", "methods", "prove", "run", "inspect", "completion", "version"}) all.push_back({verb, "", speaking_flags()});
  return all;
}

std::string method_ids() {
  std::string text;
  for (const CatalogueLine& line : catalogue_lines()) text += (text.empty() ? "" : " ") + std::string(line.id);
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string flag_words(const std::vector<Flag>& flags) {
  std::vector<std::string> words;
  for (const Flag& flag : flags) words.push_back("--" + dashed(flag.name));
  return joined(words);
}

// Inside single quotes of a shell, and without what the completion systems take as their own.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += "'\\''";
    else if (c == ':') out += "\\:";
    else if (c == '[' || c == ']') out += c == '[' ? "(" : ")";
    else out += c == '\n' ? ' ' : c;
  }
  return out + "'";
}

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + "'";
}

std::string bash_script() {
  std::string verbs;
  for (const VerbHelp& verb : verb_help()) verbs += (verbs.empty() ? "" : " ") + std::string(verb.name);
  std::string text = "# bash completion of plimsoll; source it, or put it where bash-completion looks.\n"
                     "_plimsoll() {\n"
                     "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                     "  local verb=${COMP_WORDS[1]} subject=${COMP_WORDS[2]} flags='' choices=''\n"
                     "  COMPREPLY=()\n"
                     "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                     "    COMPREPLY=($(compgen -W '" + verbs + " --help --version' -- \"$cur\"))\n"
                     "    return\n"
                     "  fi\n"
                     "  case \"$verb $subject $prev\" in\n";
  for (const Place& place : places()) {
    for (const Flag& flag : place.flags) {
      if (!flag.choices.empty())
        text += "    '" + place.verb + " " + place.method + (place.method.empty() ? "'*' " : " ") + "--" + dashed(flag.name) + "') choices='" + joined(flag.choices) + "' ;;\n";
    }
  }
  text += "    'completion '*' completion') choices='bash zsh fish' ;;\n"
          "  esac\n"
          "  if [ -n \"$choices\" ]; then\n"
          "    COMPREPLY=($(compgen -W \"$choices\" -- \"$cur\"))\n"
          "    return\n"
          "  fi\n"
          "  case \"$verb $subject\" in\n";
  for (const Place& place : places())
    if (!place.method.empty()) text += "    '" + place.verb + " " + place.method + "') flags='" + flag_words(place.flags) + "' ;;\n";
  for (const Place& place : places())
    if (place.method.empty()) text += "    '" + place.verb + " '*) flags='" + flag_words(place.flags) + "' ;;\n";
  text += "  esac\n"
          "  case \"$cur\" in\n"
          "    -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\")) ;;\n"
          "    *)\n"
          "      COMPREPLY=($(compgen -f -- \"$cur\"))\n"
          "      if [ \"$COMP_CWORD\" -eq 2 ]; then\n"
          "        COMPREPLY+=($(compgen -W '" + method_ids() + "' -- \"$cur\"))\n"
          "      fi ;;\n"
          "  esac\n"
          "}\n"
          "complete -o filenames -F _plimsoll plimsoll\n";
  return text;
}

std::string zsh_script() {
  std::string text = "#compdef plimsoll\n# zsh completion of plimsoll; put it as _plimsoll into a folder of fpath.\n"
                     "_plimsoll() {\n"
                     "  local -a verbs ids flags choices\n"
                     "  verbs=(\n";
  for (const VerbHelp& verb : verb_help()) text += "    " + shell_quoted(verb.name).substr(0, verb.name.size() + 1) + ":" + shell_quoted(verb.says).substr(1) + "\n";
  text += "  )\n  ids=(" + method_ids() + ")\n"
          "  if (( CURRENT == 2 )); then\n    _describe verb verbs\n    return\n  fi\n"
          "  case \"$words[2] $words[3] $words[CURRENT-1]\" in\n";
  for (const Place& place : places()) {
    for (const Flag& flag : place.flags) {
      if (!flag.choices.empty() && !place.method.empty())
        text += "    '" + place.verb + " " + place.method + " --" + dashed(flag.name) + "') choices=(" + joined(flag.choices) + ") ;;\n";
    }
  }
  text += "    'completion '*) choices=(bash zsh fish) ;;\n"
          "  esac\n"
          "  if (( $#choices )); then\n    compadd -a choices\n    return\n  fi\n"
          "  case \"$words[2] $words[3]\" in\n";
  const auto add = [&text](const Place& place) {
    text += "    '" + place.verb + " " + place.method + (place.method.empty() ? "'*)" : "')") + " flags=(\n";
    for (const Flag& flag : place.flags) {
      const std::string name = "--" + dashed(flag.name);
      text += "      '" + name + ":" + shell_quoted(flag.help).substr(1) + "\n";
    }
    text += "    ) ;;\n";
  };
  for (const Place& place : places())
    if (!place.method.empty()) add(place);
  for (const Place& place : places())
    if (place.method.empty()) add(place);
  text += "  esac\n"
          "  if [[ $words[CURRENT] == -* ]]; then\n    _describe -o flag flags\n"
          "  elif (( CURRENT == 3 )); then\n    compadd -a ids\n    _files\n"
          "  else\n    _files\n  fi\n}\n_plimsoll \"$@\"\n";
  return text;
}

std::string fish_script() {
  std::string text = "# fish completion of plimsoll; put it into ~/.config/fish/completions/plimsoll.fish\n"
                     "function __plimsoll_at\n"
                     "  set -l words (commandline -opc)\n"
                     "  test (count $words) -ge 2; and test $words[2] = $argv[1]; or return 1\n"
                     "  test (count $argv) -lt 2; and return 0\n"
                     "  test (count $words) -ge 3; and test $words[3] = $argv[2]\n"
                     "end\n";
  for (const VerbHelp& verb : verb_help())
    text += "complete -c plimsoll -n __fish_use_subcommand -f -a " + std::string(verb.name) + " -d " + fish_quoted(verb.says) + "\n";
  for (const VerbHelp& verb : verb_help()) {
    const auto known = verb_named(verb.name);
    for (const CatalogueLine& line : catalogue_lines())
      if (known && line.entry->has(*known)) text += "complete -c plimsoll -n '__plimsoll_at " + std::string(verb.name) + "' -a " + std::string(line.id) + " -d " + fish_quoted(card_title(line.card)) + "\n";
  }
  for (const Place& place : places()) {
    for (const Flag& flag : place.flags) {
      text += "complete -c plimsoll -n '__plimsoll_at " + place.verb + (place.method.empty() ? "" : " " + place.method) + "' -l " + dashed(flag.name);
      if (flag.letter) text += std::string(" -s ") + flag.letter;
      if (!flag.choices.empty()) text += " -x -a " + fish_quoted(joined(flag.choices));
      else if (!flag.is_switch()) text += flag.files ? " -r -F" : " -x";
      text += " -d " + fish_quoted(flag.help) + "\n";
    }
  }
  text += "complete -c plimsoll -n '__plimsoll_at completion' -f -a 'bash zsh fish'\n";
  return text;
}

}  // namespace

Result<int> run_completion(const Words& args) {
  const auto flags = speaking_flags();
  PLIMSOLL_TRY(const Arguments arguments, parse_flags(flags, args));
  if (arguments.on("help")) {
    print(help_of_verb("completion", flags));
    return 0;
  }
  const std::vector<std::string> shells = {"bash", "zsh", "fish"};
  const std::string shell = arguments.words.empty() ? "" : arguments.words.front();
  if (std::find(shells.begin(), shells.end(), shell) == shells.end()) {
    return Error(ErrorCode::bad_parameter, shell.empty() ? "no shell is named" : "there is no completion for '" + shell + "'", "Give bash, zsh or fish")
        .in_parameter("shell")
        .with_candidates(shells);
  }
  print(shell == "bash" ? bash_script() : shell == "zsh" ? zsh_script() : fish_script());
  return 0;
}

}  // namespace plimsoll::cli

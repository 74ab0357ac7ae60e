// SPDX-License-Identifier: Apache-2.0
#include "cli/flags.h"

#include <CLI/CLI.hpp>

#include <algorithm>

#include "base/json.h"

namespace plimsoll::cli {
namespace {

// Both spellings: with dashes and, if it differs, with underscores.
std::vector<std::string> spellings(const std::string& name) {
  std::vector<std::string> all{dashed(name)};
  std::string under = name;
  std::replace(under.begin(), under.end(), '-', '_');
  if (under != all.front() && under.size() > 1) all.push_back(std::move(under));
  return all;
}

std::string declaration(const Flag& flag) {
  std::string text;
  if (flag.letter) text = std::string("-") + flag.letter;
  for (const std::string& name : spellings(flag.name)) text += (text.empty() ? "--" : ",--") + name;
  if (flag.is_switch()) {
    for (const std::string& name : spellings(flag.name)) text += ",!--no-" + name;
  }
  return text;
}

bool looks_like_flag(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && !(word[1] >= '0' && word[1] <= '9') && word[1] != '.';
}

// The words before "--", with an empty value ("--name=") as a word of its own: CLI11 would take the next word for it.
std::vector<std::string> spread(const std::vector<std::string>& args) {
  std::vector<std::string> words;
  for (const std::string& word : args) {
    if (word == "--") break;
    if (word.size() > 3 && word.starts_with("--") && word.find('=') == word.size() - 1) {
      words.push_back(word.substr(0, word.size() - 1));
      words.emplace_back();
    } else {
      words.push_back(word);
    }
  }
  return words;
}

Error unknown_flag(const std::vector<Flag>& flags, const std::string& word) {
  const std::string given = word.substr(0, word.find('='));
  const std::size_t dashes = given.find_first_not_of('-');
  const std::string bare = dashes == std::string::npos ? given : given.substr(dashes);
  std::vector<std::string> known;
  for (const Flag& flag : flags) known.push_back(dashed(flag.name));
  std::vector<std::string> nearest = nearest_names(dashed(bare), known);
  for (std::string& name : nearest) name.insert(0, "--");
  Error error(ErrorCode::bad_parameter, "there is no flag '" + given + "' here",
              nearest.empty() ? "See --help for what this command takes" : "Write " + nearest.front() + ", or see --help");
  error.parameter = bare;
  error.candidates = std::move(nearest);
  return error;
}

Result<void> check_repeats(const std::vector<Flag>& flags, const Arguments& arguments) {
  for (const Flag& flag : flags) {
    const auto found = arguments.values.find(flag.name);
    if (found == arguments.values.end() || flag.many || found->second.size() == 1) continue;
    return Error(ErrorCode::bad_parameter, "--" + dashed(flag.name) + " stands twice", "Give it once").in_parameter(flag.name);
  }
  return {};
}

}  // namespace

std::string dashed(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string Arguments::one(const std::string& name, std::string otherwise) const {
  const auto found = values.find(name);
  return found == values.end() || found->second.empty() ? otherwise : found->second.back();
}

bool Arguments::on(const std::string& name) const { return one(name) == "true"; }

Result<Arguments> parse_flags(const std::vector<Flag>& flags, const std::vector<std::string>& args) {
  Arguments arguments;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  try {
    for (const Flag& flag : flags) {
      const auto store = [&arguments, &flag](const CLI::results_t& results) {
        auto& values = arguments.values[flag.name];
        values.insert(values.end(), results.begin(), results.end());
        return true;
      };
      if (flag.is_switch()) {
        app.add_flag_function(declaration(flag), [&arguments, &flag](std::int64_t count) {
          arguments.values[flag.name] = {count > 0 ? "true" : "false"};
        });
      } else {
        app.add_option(declaration(flag), store)->type_size(1)->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      }
    }
    std::vector<std::string> reversed = spread(args);
    std::reverse(reversed.begin(), reversed.end());  // what CLI11 wants
    app.parse(reversed);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string words = error.what();  // "--alpha: 1 required TEXT missing"
    const std::string name = words.substr(0, words.find(':'));
    return Error(ErrorCode::bad_parameter, name + " needs a value", "Write " + name + " VALUE").in_parameter(name.substr(name.find_first_not_of('-')));
  } catch (const CLI::ParseError& error) {
    return Error(ErrorCode::bad_parameter, error.what(), "See --help for what this command takes");
  }
  for (const std::string& word : app.remaining()) {
    if (looks_like_flag(word)) return unknown_flag(flags, word);
    arguments.words.push_back(word);
  }
  const auto end = std::find(args.begin(), args.end(), "--");
  if (end != args.end()) arguments.words.insert(arguments.words.end(), end + 1, args.end());
  PLIMSOLL_CHECK(check_repeats(flags, arguments));
  return arguments;
}

std::size_t first_word(const std::vector<Flag>& flags, const std::vector<std::string>& args, std::size_t from) {
  for (std::size_t i = from; i < args.size(); ++i) {
    if (!looks_like_flag(args[i])) return i;
    for (const Flag& flag : flags) {
      if (flag.is_switch()) continue;
      const auto names = spellings(flag.name);
      const bool same = (flag.letter && args[i] == std::string("-") + flag.letter) ||
                        std::any_of(names.begin(), names.end(), [&](const std::string& name) { return args[i] == "--" + name; });
      if (same) {
        ++i;
        break;
      }
    }
  }
  return args.size();
}

std::vector<std::string> split_list(const std::string& text) {
  if (text.starts_with('[')) {
    if (auto list = parse_json(text); list && list->is_array()) {
      std::vector<std::string> parts;
      for (const Json& item : *list) parts.push_back(item.is_string() ? item.get<std::string>() : canonical_json(item));
      return parts;
    }
  }
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  parts.emplace_back();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == ',') parts.back() += text[++i];
    else if (text[i] == ',') parts.emplace_back();
    else parts.back() += text[i];
  }
  return parts;
}

}  // namespace plimsoll::cli

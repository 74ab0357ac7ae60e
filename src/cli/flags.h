// SPDX-License-Identifier: Apache-2.0
#pragma once

// Options of a command, declared as data and parsed by CLI11 in flags.cpp alone.

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace plimsoll::cli {

struct Flag {
  std::string name;     // without dashes, e.g. "output"
  std::string value;    // what to write after it in help, e.g. "PATH"; empty for a switch
  std::string help;
  char letter = 0;      // short form
  bool many = false;    // may be repeated
  std::vector<std::string> choices;  // for completion and help
  std::string group;    // heading in help
  bool files = false;   // the value is a path (completion)

  bool is_switch() const { return value.empty(); }
};

// What stood on the command line: values by flag name in order ("true" or "false" for switches), and the other words.
struct Arguments {
  std::map<std::string, std::vector<std::string>> values;
  std::vector<std::string> words;

  bool has(const std::string& name) const { return values.contains(name); }
  std::string one(const std::string& name, std::string otherwise = {}) const;
  bool on(const std::string& name) const;
};

// Accepts "--a-b" and "--a_b" alike, "--flag=value", "--switch", "--no-switch". An unknown flag is `bad_parameter` with the
// nearest names.
Result<Arguments> parse_flags(const std::vector<Flag>& flags, const std::vector<std::string>& args);

// Position of the first word in `args` that is neither a flag nor the value of one of `flags`; args.size() if none.
std::size_t first_word(const std::vector<Flag>& flags, const std::vector<std::string>& args, std::size_t from = 0);

std::string dashed(std::string name);  // "allow_overlap" -> "allow-overlap"

// "a,b" -> {"a", "b"}; a JSON list is taken as it is; "\," is a comma inside an element.
std::vector<std::string> split_list(const std::string& text);

}  // namespace plimsoll::cli

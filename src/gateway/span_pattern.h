// SPDX-License-Identifier: Apache-2.0
#pragma once

// A user's pattern, matched by RE2. Streams need to know where a match could still begin: of each pattern a second one is made
// that takes the beginnings of its matches, so RE2 answers that too. Patterns are bounded: no match is longer than most_pattern.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace plimsoll::gateway {

inline constexpr std::size_t most_pattern = 1000;

struct PatternFound {
  std::size_t begin = 0;  // text.size(): none
  std::size_t end = 0;
  bool open = false;  // a match could still begin (or go on) here
};

class Pattern {
 public:
  // Literals, classes, groups, alternatives, '.', \d \w \s, and repeats with an upper bound. `bad_parameter` says what is not taken.
  static Result<Pattern> compile(std::string_view regex, bool ignore_case);
  // Any of the words, as whole words.
  static Result<Pattern> of_words(std::string_view words, bool ignore_case);  // separated by '|'
  PatternFound next(std::string_view text, std::size_t from, bool final) const;
  std::size_t longest() const { return longest_; }

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
  std::size_t longest_ = 0;
};

}  // namespace plimsoll::gateway

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The n-grams of a text, as views into one prepared text: nothing is allocated a gram.
//   word      runs of word characters joined by one blank: "the red fox" has "the red" and "red fox"
//   letters   code points of the whole text, every run of white space being one blank
//   in_words  code points inside each blank-separated word, which wears one blank on either side

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/unicode.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::text {

enum class Unit : std::uint8_t { word, letters, in_words };
std::span<const std::string_view> choices_of(Unit);
std::span<const std::string_view> choices_of(Form);

struct NgramOptions {
  Unit unit = Unit::word;
  std::int64_t shortest = 1;         // n-grams from this length ...
  std::int64_t longest = 1;          // ... to this one, at most 16
  std::int64_t least_letters = 1;    // a word of fewer code points is no word (unit word)
  Form form = Form::nfkc;
  bool fold_case = true;
  bool drop_format = true;           // zero-width and bidi characters split no word
  bool drop_marks = false;
};
void describe(Fields& f, NgramOptions& options);
Result<void> check(const NgramOptions& options);  // `bad_parameter` where shortest exceeds longest

// Reusable: memory is kept from text to text. Not shared by threads.
class Ngrams {
 public:
  explicit Ngrams(const NgramOptions& options) : options_(options) {}
  // Calls `each` with every n-gram, repeats and all, in the order of length, then place. Views last until the next call.
  // `bad_value` for what is no UTF-8.
  Result<void> read(std::string_view text, const std::function<void(std::string_view)>& each);

 private:
  void prepare_words(std::string_view text);
  void prepare_letters(std::string_view text);
  void prepare_in_words(std::string_view text);
  void emit_in_word(std::size_t first, std::size_t last, const std::function<void(std::string_view)>& each) const;
  void cut(std::size_t count, std::size_t gap, const std::function<void(std::string_view)>& each) const;

  NgramOptions options_;
  std::string prepared_;
  std::vector<std::size_t> starts_;  // of words or code points in prepared_; one more behind the last
  std::vector<std::size_t> words_;   // in_words: index into starts_ of each padded word's first and last code point
};

}  // namespace plimsoll::text

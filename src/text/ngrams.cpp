// SPDX-License-Identifier: Apache-2.0
#include "text/ngrams.h"

#include <algorithm>
#include <array>

#include "engine/fields.h"

namespace plimsoll::text {

std::span<const std::string_view> choices_of(Unit) {
  static constexpr std::array<std::string_view, 3> names = {"word", "letters", "in_words"};
  return names;
}

std::span<const std::string_view> choices_of(Form) {
  static constexpr std::array<std::string_view, 5> names = {"none", "nfc", "nfd", "nfkc", "nfkd"};
  return names;
}

void describe(Fields& f, NgramOptions& options) {
  f({"unit", "what n-grams are made of: words, letters of the whole text, or letters inside words"}, options.unit);
  f({"shortest", "length of the shortest n-gram", within(1, 16)}, options.shortest);
  f({"longest", "length of the longest n-gram", within(1, 16)}, options.longest);
  f({"least_letters", "a word of fewer letters is none", within(1, 100)}, options.least_letters);
  f({"form", "Unicode normal form"}, options.form);
  f({"fold_case", "upper and lower case are one"}, options.fold_case);
  f({"drop_format", "drop zero-width and direction marks"}, options.drop_format);
  f({"drop_marks", "drop accents"}, options.drop_marks);
}

Result<void> check(const NgramOptions& options) {
  if (options.shortest < 1 || options.longest > 16 || options.shortest > options.longest || options.least_letters < 1) {
    return Error(ErrorCode::bad_parameter,
                 "n-grams from " + std::to_string(options.shortest) + " to " + std::to_string(options.longest) + " are none",
                 "Give 1 <= shortest <= longest <= 16")
        .in_parameter("shortest");
  }
  return {};
}

void Ngrams::prepare_words(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t from = at;
    std::int64_t letters = 0;
    std::size_t end = at;
    while (at < text.size()) {
      const bool word = is_word(next_code_point(text, at));
      if (!word) break;
      ++letters;
      end = at;
    }
    if (letters < options_.least_letters) continue;
    starts_.push_back(prepared_.size());
    prepared_.append(text.substr(from, end - from));
    prepared_.push_back(' ');
  }
  starts_.push_back(prepared_.size());
}

void Ngrams::prepare_letters(std::string_view text) {
  bool blank = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    const bool space = is_space(next_code_point(text, at));
    if (space && blank) continue;
    blank = space;
    starts_.push_back(prepared_.size());
    if (space) prepared_.push_back(' ');
    else prepared_.append(text.substr(from, at - from));
  }
  starts_.push_back(prepared_.size());
}

void Ngrams::prepare_in_words(std::string_view text) {
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    const bool space = is_space(next_code_point(text, at));
    if (!space && !inside) {
      if (prepared_.empty()) {  // neighbours share the blank between them
        starts_.push_back(0);
        prepared_.push_back(' ');
      }
      words_.push_back(starts_.size() - 1);
    }
    if (space && !inside) continue;
    inside = !space;
    starts_.push_back(prepared_.size());
    if (space) {
      words_.push_back(starts_.size() - 1);
      prepared_.push_back(' ');
    } else {
      prepared_.append(text.substr(from, at - from));
    }
  }
  if (inside) {
    starts_.push_back(prepared_.size());
    words_.push_back(starts_.size() - 1);
    prepared_.push_back(' ');
  }
  starts_.push_back(prepared_.size());
}

// A word shorter than n gives itself once, not once a length.
void Ngrams::emit_in_word(std::size_t first, std::size_t last, const std::function<void(std::string_view)>& each) const {
  const std::size_t length = last - first + 1;
  const std::string_view all = prepared_;
  for (auto n = static_cast<std::size_t>(options_.shortest); n <= static_cast<std::size_t>(options_.longest); ++n) {
    if (n >= length) {
      each(all.substr(starts_[first], starts_[last + 1] - starts_[first]));
      return;
    }
    for (std::size_t i = first; i + n <= last + 1; ++i) each(all.substr(starts_[i], starts_[i + n] - starts_[i]));
  }
}

void Ngrams::cut(std::size_t count, std::size_t gap, const std::function<void(std::string_view)>& each) const {
  const std::string_view all = prepared_;
  for (auto n = static_cast<std::size_t>(options_.shortest); n <= static_cast<std::size_t>(options_.longest); ++n) {
    for (std::size_t i = 0; i + n <= count; ++i) each(all.substr(starts_[i], starts_[i + n] - gap - starts_[i]));
  }
}

Result<void> Ngrams::read(std::string_view text, const std::function<void(std::string_view)>& each) {
  const Normalisation how{options_.form, options_.fold_case, options_.drop_format, options_.drop_marks};
  PLIMSOLL_TRY(const std::string plain, normalised(text, how));
  prepared_.clear();
  starts_.clear();
  words_.clear();
  switch (options_.unit) {
    case Unit::word: prepare_words(plain); break;
    case Unit::letters: prepare_letters(plain); break;
    case Unit::in_words: prepare_in_words(plain); break;
  }
  const std::size_t count = starts_.size() - 1;
  if (options_.unit == Unit::in_words) {
    for (std::size_t w = 0; w + 1 < words_.size(); w += 2) emit_in_word(words_[w], words_[w + 1], each);
  } else {
    cut(count, options_.unit == Unit::word ? 1 : 0, each);
  }
  return {};
}

}  // namespace plimsoll::text

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Unicode by utf8proc: strict UTF-8, normal forms, case folding, categories; and normal forms that remember which original
// bytes each byte stands for, so that what is found in the normalised text can be pointed at in the text as it came.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace plimsoll::text {

inline constexpr std::size_t most_text_bytes = std::size_t{1} << 30;  // of one text; more is `too_large`

// `bad_value` with the offset of the first byte that is no strict UTF-8 (overlong forms and surrogates are none).
Result<void> check_utf8(std::string_view text);

// Of a text that check_utf8() took: the code point at byte `at`, which moves behind it.
char32_t next_code_point(std::string_view text, std::size_t& at);
void append_utf8(std::string& text, char32_t code_point);

bool is_space(char32_t c);        // White_Space
bool is_punctuation(char32_t c);  // categories P*
bool is_control(char32_t c);      // Cc
bool is_format(char32_t c);       // Cf: zero width, bidi, tags
bool is_unassigned(char32_t c);   // Cn, private use and surrogates
bool is_mark(char32_t c);         // M*
bool is_accent(char32_t c);       // Mn
bool is_word(char32_t c);         // letters, marks, numbers and connectors such as the low line
bool is_ideograph(char32_t c);    // the blocks that WordPiece sets apart by blanks

enum class Form : std::uint8_t { none, nfc, nfd, nfkc, nfkd };

struct Normalisation {
  Form form = Form::nfkc;
  bool fold_case = false;    // full case folding: "Straße" becomes "strasse"
  bool drop_format = false;  // without category Cf
  bool drop_marks = false;   // without accents; decomposes first whatever the form
};

// `bad_value` for what is no UTF-8, `too_large` beyond most_text_bytes.
Result<std::string> normalised(std::string_view text, const Normalisation& how);

// begin[i], end[i]: the original bytes that byte i stands for. Neither ever falls.
struct MappedText {
  std::string text;
  std::vector<std::uint32_t> begin;
  std::vector<std::uint32_t> end;
  // The original bytes of the non-empty part [from, to) of `text`.
  std::pair<std::size_t, std::size_t> original(std::size_t from, std::size_t to) const { return {begin[from], end[to - 1]}; }
};

// The same text as normalised(), mapped by grapheme cluster: composition never crosses one.
Result<MappedText> normalised_mapped(std::string_view text, const Normalisation& how);

}  // namespace plimsoll::text

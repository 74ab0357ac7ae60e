// SPDX-License-Identifier: Apache-2.0
#include "text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <memory>

namespace plimsoll::text {
namespace {

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

utf8proc_option_t options_of(const Normalisation& how) {
  int options = UTF8PROC_STABLE;
  switch (how.form) {
    case Form::none:
    case Form::nfc: options |= UTF8PROC_COMPOSE; break;
    case Form::nfd: options |= UTF8PROC_DECOMPOSE; break;
    case Form::nfkc: options |= UTF8PROC_COMPOSE | UTF8PROC_COMPAT; break;
    case Form::nfkd: options |= UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT; break;
  }
  if (how.fold_case) options |= UTF8PROC_CASEFOLD;
  if (how.drop_marks) options |= UTF8PROC_STRIPMARK;
  return static_cast<utf8proc_option_t>(options);
}

bool does_nothing(const Normalisation& how) { return how.form == Form::none && !how.fold_case && !how.drop_marks; }

std::string without_format(std::string_view text) {
  std::string kept;
  kept.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    if (!is_format(next_code_point(text, at))) kept.append(text.substr(from, at - from));
  }
  return kept;
}

// Of strict UTF-8.
Result<std::string> mapped_whole(std::string_view text, const Normalisation& how) {
  if (does_nothing(how)) return std::string(text);
  if (is_ascii(text)) {
    std::string same(text);
    if (how.fold_case) std::ranges::transform(same, same.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return same;
  }
  utf8proc_uint8_t* bytes = nullptr;
  const utf8proc_ssize_t length = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                               static_cast<utf8proc_ssize_t>(text.size()), &bytes, options_of(how));
  if (length < 0) {
    return Error(length == UTF8PROC_ERROR_NOMEM ? ErrorCode::no_memory : ErrorCode::bad_value,
                 std::string("a text cannot be normalised: ") + utf8proc_errmsg(length), "Give shorter texts in UTF-8");
  }
  const std::unique_ptr<utf8proc_uint8_t, decltype(&free)> owner(bytes, &free);
  return std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

// The end of the grapheme cluster that begins at `at`.
std::size_t cluster_end(std::string_view text, std::size_t at) {
  utf8proc_int32_t state = 0;
  char32_t last = next_code_point(text, at);
  while (at < text.size()) {
    std::size_t next = at;
    const char32_t c = next_code_point(text, next);
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(last), static_cast<utf8proc_int32_t>(c), &state)) break;
    last = c;
    at = next;
  }
  return at;
}

void append_mapped(MappedText& out, std::string_view piece, std::size_t begin, std::size_t end) {
  out.text.append(piece);
  out.begin.resize(out.text.size(), static_cast<std::uint32_t>(begin));
  out.end.resize(out.text.size(), static_cast<std::uint32_t>(end));
}

}  // namespace

Result<void> check_utf8(std::string_view text) {
  if (text.size() > most_text_bytes) {
    return Error(ErrorCode::too_large, "a text has " + std::to_string(text.size()) + " bytes", "Give texts below 1 GiB");
  }
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (std::size_t at = 0; at < text.size();) {
    if (bytes[at] < 0x80) {
      ++at;
      continue;
    }
    utf8proc_int32_t c = 0;
    const auto taken = utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(text.size() - at), &c);
    if (taken <= 0) {
      return Error(ErrorCode::bad_value, "a text is not UTF-8 at byte " + std::to_string(at), "Write the texts in UTF-8");
    }
    at += static_cast<std::size_t>(taken);
  }
  return {};
}

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) {
    ++at;
    return first;
  }
  utf8proc_int32_t c = 0;
  const auto taken = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + at,
                                      static_cast<utf8proc_ssize_t>(text.size() - at), &c);
  at += static_cast<std::size_t>(std::max<utf8proc_ssize_t>(taken, 1));
  return static_cast<char32_t>(c);
}

void append_utf8(std::string& text, char32_t code_point) {
  utf8proc_uint8_t bytes[4];
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code_point), bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  const auto kind = category(c);
  return c == 0x85 || kind == UTF8PROC_CATEGORY_ZS || kind == UTF8PROC_CATEGORY_ZL || kind == UTF8PROC_CATEGORY_ZP;
}

bool is_punctuation(char32_t c) {
  const auto kind = category(c);
  return kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO;
}

bool is_control(char32_t c) { return category(c) == UTF8PROC_CATEGORY_CC; }
bool is_format(char32_t c) { return c >= 0x80 && category(c) == UTF8PROC_CATEGORY_CF; }

bool is_unassigned(char32_t c) {
  const auto kind = category(c);
  return kind == UTF8PROC_CATEGORY_CN || kind == UTF8PROC_CATEGORY_CO || kind == UTF8PROC_CATEGORY_CS;
}

bool is_mark(char32_t c) {
  const auto kind = category(c);
  return kind >= UTF8PROC_CATEGORY_MN && kind <= UTF8PROC_CATEGORY_ME;
}

bool is_accent(char32_t c) { return category(c) == UTF8PROC_CATEGORY_MN; }

bool is_word(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  const auto kind = category(c);
  return (kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_NO) || kind == UTF8PROC_CATEGORY_PC;
}

bool is_ideograph(char32_t c) {
  struct Block {
    char32_t first, last;
  };
  constexpr Block blocks[] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},   {0x20000, 0x2A6DF},
                              {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};
  return c >= 0x3400 && std::ranges::any_of(blocks, [c](const Block& block) { return c >= block.first && c <= block.last; });
}

Result<std::string> normalised(std::string_view text, const Normalisation& how) {
  PLIMSOLL_CHECK(check_utf8(text));
  return how.drop_format && !is_ascii(text) ? mapped_whole(without_format(text), how) : mapped_whole(text, how);
}

Result<MappedText> normalised_mapped(std::string_view text, const Normalisation& how) {
  PLIMSOLL_CHECK(check_utf8(text));
  // What is dropped may stand inside a cluster, or end one: clusters are those of the text that is left.
  std::string left;
  std::vector<std::uint32_t> begin;
  std::vector<std::uint32_t> end;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t from = at;
    if (is_format(next_code_point(text, at)) && how.drop_format) continue;
    left.append(text.substr(from, at - from));
    begin.resize(left.size(), static_cast<std::uint32_t>(from));
    end.resize(left.size(), static_cast<std::uint32_t>(at));
  }
  MappedText out;
  for (std::size_t at = 0; at < left.size();) {
    const std::size_t from = at;
    at = cluster_end(left, at);
    PLIMSOLL_TRY(const std::string piece, mapped_whole(std::string_view(left).substr(from, at - from), how));
    append_mapped(out, piece, begin[from], end[at - 1]);
  }
  return out;
}

}  // namespace plimsoll::text

// SPDX-License-Identifier: Apache-2.0
// Texts: the first byte says the form. Normal forms that point back, n-grams, WordPiece of a vocabulary that is itself input.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "text/ngrams.h"
#include "text/wordpiece.h"

namespace {

using namespace plimsoll::text;

void cut(std::string_view vocabulary_text, std::string_view text) {
  WordPieceOptions options;
  options.first = options.last = "";
  const std::string lines = "[UNK]\n" + std::string(vocabulary_text);
  const auto vocabulary = parse_wordpiece(lines, "fuzz", options);
  if (!vocabulary) return;
  const auto tokenizer = WordPiece::bind(*vocabulary);
  if (!tokenizer) std::abort();
  const auto tokens = tokenizer->encode(text);
  if (!tokens) return;
  std::uint32_t at = 0;
  for (std::size_t i = 0; i < tokens->ids.size(); ++i) {
    if (tokens->ids[i] < 0 || tokens->ids[i] >= vocabulary->size()) std::abort();
    if (tokens->begin[i] < at || tokens->end[i] < tokens->begin[i] || tokens->end[i] > text.size()) std::abort();
    at = tokens->begin[i];
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Normalisation how{static_cast<Form>(data[0] % 5), (data[0] & 8) != 0, (data[0] & 16) != 0, (data[0] & 32) != 0};
  const auto mapped = normalised_mapped(text, how);
  if (mapped.ok() != check_utf8(text).ok()) std::abort();
  if (mapped && (mapped->begin.size() != mapped->text.size() || !check_utf8(mapped->text))) std::abort();
  NgramOptions options{static_cast<Unit>(data[1] % 3), 1, 3, 1, how.form, how.fold_case, how.drop_format, how.drop_marks};
  Ngrams ngrams(options);
  (void)ngrams.read(text, [](std::string_view gram) {
    if (gram.empty() || !check_utf8(gram)) std::abort();
  });
  const std::size_t middle = text.find('\xFE');
  if (middle != std::string_view::npos) cut(text.substr(0, middle), text.substr(middle + 1));
  return 0;
}

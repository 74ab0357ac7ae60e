// SPDX-License-Identifier: Apache-2.0
#pragma once

// WordPiece with BERT's basic tokeniser: M. Schuster and K. Nakajima, "Japanese and Korean voice search", ICASSP 2012;
// J. Devlin et al., "BERT", 2019. Control characters go, ideographs stand alone, accents go and letters are lowered (each if
// asked), words are cut at white space and around punctuation, and each word takes the longest pieces from the left:
// the first piece as written, later ones from those marked "##"; a word that cannot be cut whole is [UNK].
// Departure: "[CLS]" and its like in a text are plain characters. A hostile text cannot forge the model's own marks.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::text {

struct WordPieceOptions {
  bool lower = true;
  bool drop_accents = true;
  bool split_ideographs = true;
  std::int64_t longest_word = 100;  // code points; a longer word is [UNK]
  std::string unknown = "[UNK]";
  std::string first = "[CLS]";      // put around each text by encode(); empty: nothing is put
  std::string last = "[SEP]";
};
void describe(Fields& f, WordPieceOptions& options);

// The state: goes into artifacts. Piece i is token number i.
struct WordPieceVocabulary {
  WordPieceOptions options;
  std::string piece_bytes;
  std::vector<std::int64_t> piece_ends;
  std::int64_t size() const { return static_cast<std::int64_t>(piece_ends.size()); }
  std::string_view piece(std::int64_t id) const;
};
void describe(Fields& f, WordPieceVocabulary& vocabulary);

// A vocab.txt: one piece a line, its number the line's. `bad_document` with the line for what is no UTF-8, an empty line or
// a piece that came before; `file` for messages.
Result<WordPieceVocabulary> parse_wordpiece(std::string_view text, std::string_view file, const WordPieceOptions& options = {});

struct Tokens {
  std::vector<std::int64_t> ids;
  std::vector<std::uint32_t> begin;  // the bytes of the text that each stands for; empty for what encode() put around
  std::vector<std::uint32_t> end;
};

class WordPiece {
 public:
  // `corrupt_file` for a state that contradicts, `bad_document` without the pieces that the options name.
  static Result<WordPiece> bind(const WordPieceVocabulary& vocabulary);  // which must outlive it

  // At most `most` tokens, the two around included; 0: no limit. `bad_value` for what is no UTF-8.
  Result<Tokens> encode(std::string_view text, std::int64_t most = 0) const;
  const WordPieceVocabulary& vocabulary() const { return *vocabulary_; }

 private:
  struct Lookup;
  const WordPieceVocabulary* vocabulary_ = nullptr;
  std::shared_ptr<const Lookup> lookup_;
};

}  // namespace plimsoll::text

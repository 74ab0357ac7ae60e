// SPDX-License-Identifier: Apache-2.0
#include "text/wordpiece.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "base/hash.h"
#include "engine/fields.h"
#include "text/unicode.h"

namespace plimsoll::text {
namespace {

struct HashOfBytes {
  std::size_t operator()(std::string_view bytes) const { return hash64(bytes); }
};
using Pieces = std::unordered_map<std::string_view, std::int64_t, HashOfBytes>;

// A code point of the cleaned text and the original bytes it came from.
struct Letter {
  char32_t c;
  std::uint32_t begin, end;
};

bool is_ascii_symbol(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}
bool cuts(char32_t c) { return is_ascii_symbol(c) || (c >= 0x80 && is_punctuation(c)); }

bool is_dropped(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  return c == 0 || c == 0xFFFD || is_control(c) || is_format(c) || is_unassigned(c);
}

void append_lowered(std::vector<Letter>& out, Letter letter) {
  if (letter.c == 0x130) {  // the one letter whose lower case is two code points
    out.push_back({'i', letter.begin, letter.end});
    out.push_back({0x307, letter.begin, letter.end});
    return;
  }
  letter.c = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(letter.c)));
  out.push_back(letter);
}

int combining_class(char32_t c) { return utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class; }

// Canonical decomposition in canonical order, without accents.
std::vector<Letter> without_accents(const std::vector<Letter>& letters) {
  std::vector<Letter> apart;
  for (const Letter& letter : letters) {
    std::array<utf8proc_int32_t, 32> parts{};
    int boundary = 0;
    const auto count = letter.c < 0x80 ? -1
                                       : utf8proc_decompose_char(static_cast<utf8proc_int32_t>(letter.c), parts.data(), parts.size(),
                                                                 UTF8PROC_DECOMPOSE, &boundary);
    if (count <= 0 || count > static_cast<utf8proc_ssize_t>(parts.size())) {
      apart.push_back(letter);
      continue;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) apart.push_back({static_cast<char32_t>(parts[i]), letter.begin, letter.end});
  }
  std::erase_if(apart, [](const Letter& letter) { return letter.c >= 0x80 && is_accent(letter.c); });
  const auto lower_class = [](const Letter& a, const Letter& b) { return combining_class(a.c) < combining_class(b.c); };
  for (std::size_t i = 0; i < apart.size();) {
    std::size_t next = i;
    while (next < apart.size() && apart[next].c >= 0x80 && combining_class(apart[next].c) != 0) ++next;
    const auto at = apart.begin();
    std::stable_sort(at + static_cast<std::ptrdiff_t>(i), at + static_cast<std::ptrdiff_t>(next), lower_class);
    i = next + 1;
  }
  return apart;
}

std::vector<Letter> cleaned(std::string_view text, const WordPieceOptions& options) {
  std::vector<Letter> letters;
  letters.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = static_cast<std::uint32_t>(at);
    const char32_t c = next_code_point(text, at);
    if (is_dropped(c)) continue;
    letters.push_back({is_space(c) ? U' ' : c, begin, static_cast<std::uint32_t>(at)});
  }
  if (options.drop_accents) letters = without_accents(letters);
  if (!options.lower) return letters;
  std::vector<Letter> lowered;
  lowered.reserve(letters.size());
  for (const Letter& letter : letters) append_lowered(lowered, letter);
  return lowered;
}

struct Cut {
  std::int64_t id;
  std::size_t letters;
};

// One word, made of `bytes`; starts[i] is where its i-th code point begins, one more behind the last.
struct Word {
  std::string bytes;
  std::vector<std::size_t> starts;
  std::vector<Letter> letters;
  void clear() {
    bytes.clear();
    starts.clear();
    letters.clear();
  }
};

Error corrupt(const char* what) { return Error(ErrorCode::corrupt_file, std::string("the vocabulary is damaged: ") + what, "Read it again from its file"); }

}  // namespace

void describe(Fields& f, WordPieceOptions& options) {
  f({"lower", "letters are lowered"}, options.lower);
  f({"drop_accents", "accents are dropped"}, options.drop_accents);
  f({"split_ideographs", "ideographs stand alone"}, options.split_ideographs);
  f({"longest_word", "a word of more letters is unknown", within(1, 100000)}, options.longest_word);
  f({"unknown", "piece of unknown words"}, options.unknown);
  f({"first", "piece before each text"}, options.first);
  f({"last", "piece behind each text"}, options.last);
}

void describe(Fields& f, WordPieceVocabulary& vocabulary) {
  f({"options", "how texts are cut"}, vocabulary.options);
  f.blob({"piece_bytes", "the pieces, one behind the other"}, vocabulary.piece_bytes);
  f.tensor({"piece_ends", "where each piece ends"}, vocabulary.piece_ends);
}

std::string_view WordPieceVocabulary::piece(std::int64_t id) const {
  const auto i = static_cast<std::size_t>(id);
  const auto from = static_cast<std::size_t>(i == 0 ? 0 : piece_ends[i - 1]);
  return std::string_view(piece_bytes).substr(from, static_cast<std::size_t>(piece_ends[i]) - from);
}

Result<WordPieceVocabulary> parse_wordpiece(std::string_view text, std::string_view file, const WordPieceOptions& options) {
  WordPieceVocabulary vocabulary;
  vocabulary.options = options;
  std::unordered_set<std::string_view, HashOfBytes> seen;
  std::int64_t line = 0;
  for (std::size_t at = 0; at < text.size();) {
    ++line;
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view piece = text.substr(at, end - at);
    if (piece.ends_with('\r')) piece.remove_suffix(1);
    at = end + 1;
    const auto bad = [&](const char* what) {
      return Error(ErrorCode::bad_document, std::string("a piece of the vocabulary ") + what, "Give one piece a line, as in a BERT vocab.txt")
          .in_file(std::string(file))
          .at_line(line);
    };
    if (piece.empty()) return bad("is empty");
    if (!check_utf8(piece)) return bad("is not UTF-8");
    if (!seen.insert(piece).second) return bad("stands there twice");
    vocabulary.piece_bytes.append(piece);
    vocabulary.piece_ends.push_back(static_cast<std::int64_t>(vocabulary.piece_bytes.size()));
  }
  if (vocabulary.piece_ends.empty()) {
    return Error(ErrorCode::bad_document, "the vocabulary is empty", "Give one piece a line").in_file(std::string(file));
  }
  return vocabulary;
}

struct WordPiece::Lookup {
  Pieces starting;    // as written
  Pieces continuing;  // without their "##"
  std::int64_t unknown = -1, first = -1, last = -1;
  std::size_t longest = 0;  // bytes of the longest piece
  // The ids of one word and how many of its code points each takes; false if it cannot be cut.
  bool cut(const Word& word, std::vector<Cut>& out) const;
};

bool WordPiece::Lookup::cut(const Word& word, std::vector<Cut>& out) const {
  out.clear();
  const std::string_view bytes = word.bytes;
  const std::size_t count = word.letters.size();
  for (std::size_t from = 0; from < count;) {
    const Pieces& pieces = from == 0 ? starting : continuing;
    std::size_t to = std::min(count, from + longest);
    std::int64_t id = -1;
    for (; to > from; --to) {
      const std::size_t length = word.starts[to] - word.starts[from];
      if (length > longest) continue;
      const auto found = pieces.find(bytes.substr(word.starts[from], length));
      if (found == pieces.end()) continue;
      id = found->second;
      break;
    }
    if (id < 0) return false;
    out.push_back({id, to - from});
    from = to;
  }
  return true;
}

Result<WordPiece> WordPiece::bind(const WordPieceVocabulary& vocabulary) {
  auto lookup = std::make_shared<Lookup>();
  std::int64_t before = 0;
  for (const std::int64_t end : vocabulary.piece_ends) {
    if (end <= before || end > static_cast<std::int64_t>(vocabulary.piece_bytes.size())) return corrupt("the ends of pieces do not rise");
    before = end;
  }
  if (before != static_cast<std::int64_t>(vocabulary.piece_bytes.size())) return corrupt("bytes behind the last piece");
  for (std::int64_t id = 0; id < vocabulary.size(); ++id) {
    const std::string_view piece = vocabulary.piece(id);
    if (!lookup->starting.emplace(piece, id).second) return corrupt("a piece stands there twice");
    if (piece.size() > 2 && piece.starts_with("##")) lookup->continuing.emplace(piece.substr(2), id);
    lookup->longest = std::max(lookup->longest, piece.size());
  }
  const WordPieceOptions& options = vocabulary.options;
  const std::array<std::pair<const std::string*, std::int64_t*>, 3> named = {
      {{&options.unknown, &lookup->unknown}, {&options.first, &lookup->first}, {&options.last, &lookup->last}}};
  for (const auto& [name, id] : named) {
    const auto found = lookup->starting.find(*name);
    if (found != lookup->starting.end()) *id = found->second;
    else if (!name->empty() || name == &options.unknown) {
      return Error(ErrorCode::bad_document, "the vocabulary lacks the piece '" + *name + "'", "Name the pieces that it has for this");
    }
  }
  WordPiece bound;
  bound.vocabulary_ = &vocabulary;
  bound.lookup_ = std::move(lookup);
  return bound;
}

Result<Tokens> WordPiece::encode(std::string_view text, std::int64_t most) const {
  PLIMSOLL_CHECK(check_utf8(text));
  const WordPieceOptions& options = vocabulary_->options;
  const std::vector<Letter> letters = cleaned(text, options);
  const std::size_t around = static_cast<std::size_t>(lookup_->first >= 0) + static_cast<std::size_t>(lookup_->last >= 0);
  const std::size_t limit = most <= 0 ? letters.size() + around + 1 : static_cast<std::size_t>(most);
  const std::size_t room = limit - std::min(around, limit);
  Tokens tokens;
  const auto put = [&tokens](std::int64_t id, std::size_t begin, std::size_t end) {
    tokens.ids.push_back(id);
    tokens.begin.push_back(static_cast<std::uint32_t>(begin));
    tokens.end.push_back(static_cast<std::uint32_t>(end));
  };
  std::vector<Cut> cuts_made;
  Word word;
  const auto finish_word = [&] {
    if (word.letters.empty()) return;
    word.starts.push_back(word.bytes.size());
    const bool fits = word.letters.size() <= static_cast<std::size_t>(options.longest_word) && lookup_->cut(word, cuts_made);
    if (!fits) cuts_made.assign(1, {lookup_->unknown, word.letters.size()});
    std::size_t at = 0;
    for (const auto& [id, count] : cuts_made) {
      put(id, word.letters[at].begin, word.letters[at + count - 1].end);
      at += count;
    }
    word.clear();
  };
  for (const Letter& letter : letters) {
    if (tokens.ids.size() >= room) break;
    const bool space = is_space(letter.c);
    const bool alone = cuts(letter.c) || (options.split_ideographs && is_ideograph(letter.c));
    if (alone || space) finish_word();
    if (space) continue;
    word.letters.push_back(letter);
    word.starts.push_back(word.bytes.size());
    append_utf8(word.bytes, letter.c);
    if (alone) finish_word();
  }
  finish_word();
  const std::size_t kept = std::min(tokens.ids.size(), room);
  for (auto* list : {&tokens.begin, &tokens.end}) list->resize(kept);
  tokens.ids.resize(kept);
  if (lookup_->last >= 0) put(lookup_->last, text.size(), text.size());
  if (lookup_->first >= 0) {
    tokens.ids.insert(tokens.ids.begin(), lookup_->first);
    for (auto* list : {&tokens.begin, &tokens.end}) list->insert(list->begin(), 0);
  }
  return tokens;
}

}  // namespace plimsoll::text

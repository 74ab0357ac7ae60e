// SPDX-License-Identifier: Apache-2.0
#include "gateway/span_windows.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "base/processor.h"
#include "gateway/span_probes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace plimsoll::gateway {
namespace {

struct Masks {
  std::uint64_t at = 0, digit = 0, alnum = 0, token = 0, colon = 0, dash = 0, gap = 0;  // gap: space, dot, hyphen
};

Masks masks_plain(const char* block) {
  Masks m;
  for (unsigned i = 0; i < 64; ++i) {
    const char c = block[i];
    const std::uint64_t bit = std::uint64_t{1} << i;
    if (c == '@') m.at |= bit;
    if (letters::is(c, letters::digit)) m.digit |= bit;
    if (letters::is(c, letters::alnum)) m.alnum |= bit;
    if (letters::is(c, letters::token)) m.token |= bit;
    if (c == ':') m.colon |= bit;
    if (c == '-') m.dash |= bit;
    if (c == ' ' || c == '.' || c == '-') m.gap |= bit;
  }
  return m;
}

#if defined(__x86_64__)
// Two table look-ups by nibble give a byte of class bits: 1 '@', 2 digits, 4 and 8 letters, 16 "+-/", 32 '_', 64 ':', 128 " .".
PLIMSOLL_AVX2 inline std::uint64_t top_bits(__m256i v) { return static_cast<std::uint32_t>(_mm256_movemask_epi8(v)); }
PLIMSOLL_AVX2 inline std::uint64_t any_of(__m256i bits, char mask) {
  const __m256i none = _mm256_cmpeq_epi8(_mm256_and_si256(bits, _mm256_set1_epi8(mask)), _mm256_setzero_si256());
  return static_cast<std::uint32_t>(~_mm256_movemask_epi8(none));
}
PLIMSOLL_AVX2 inline void masks_half(const char* block, unsigned shift, Masks& m) {
  const __m256i low_table = _mm256_setr_epi8(11 - 128, 14, 14, 14, 14, 14, 14, 14, 14, 14, 76, 20, 4, 20, 4 - 128, 52, 11 - 128, 14, 14, 14, 14, 14, 14, 14,
                                             14, 14, 76, 20, 4, 20, 4 - 128, 52);
  const __m256i high_table = _mm256_setr_epi8(0, 0, 16 - 128, 66, 5, 40, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16 - 128, 66, 5, 40, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block));
  const __m256i low = _mm256_and_si256(text, _mm256_set1_epi8(15));
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(text, 4), _mm256_set1_epi8(15));
  const __m256i bits = _mm256_and_si256(_mm256_shuffle_epi8(low_table, low), _mm256_shuffle_epi8(high_table, high));
  m.at |= top_bits(_mm256_slli_epi16(bits, 7)) << shift;
  m.digit |= top_bits(_mm256_slli_epi16(bits, 6)) << shift;
  m.colon |= top_bits(_mm256_slli_epi16(bits, 1)) << shift;
  m.alnum |= any_of(bits, 14) << shift;
  m.token |= any_of(bits, 62) << shift;
  const std::uint64_t dash = top_bits(_mm256_cmpeq_epi8(text, _mm256_set1_epi8('-'))) << shift;
  m.dash |= dash;
  m.gap |= (top_bits(bits) << shift) | dash;
}

PLIMSOLL_AVX2 inline Masks masks_avx2(const char* block) {
  Masks m;
  masks_half(block, 0, m);
  masks_half(block + 32, 32, m);
  return m;
}
#endif

// Bits of this block and of the next, moved down by `by`.
inline std::uint64_t ahead(std::uint64_t now, std::uint64_t next, unsigned by) { return (now >> by) | (next << (64 - by)); }

struct Telling {
  std::uint64_t at = 0, digits = 0, run = 0, colon = 0, dashes = 0;
  bool none() const { return (at | digits | run | colon | dashes) == 0; }
};

inline Telling telling(const Masks& m, const Masks& next, const Masks& before) {
  Telling t;
  t.at = m.at;
  const std::uint64_t pair = ahead(m.digit, next.digit, 1) | (ahead(m.gap, next.gap, 1) & ahead(m.digit, next.digit, 2));
  t.digits = m.digit & pair & ~((m.digit << 1) | (before.digit >> 63));
  std::uint64_t run = m.token;
  std::uint64_t more = next.token;
  for (const unsigned by : {1u, 2u, 4u, 8u}) {
    run &= ahead(run, more, by);
    more &= more >> by;
  }
  t.run = run & m.alnum & ~((m.alnum << 1) | (before.alnum >> 63));
  const std::uint64_t beside = (m.alnum << 1) | (before.alnum >> 63);
  t.colon = m.colon & (ahead(m.colon, next.colon, 1) | (beside & ahead(m.alnum, next.alnum, 1)));
  std::uint64_t five = m.dash;
  for (const unsigned by : {1u, 2u, 3u, 4u}) five &= ahead(m.dash, next.dash, by);
  t.dashes = five & ~ahead(m.dash, next.dash, 5);
  return t;
}

// Whether a group of digits can belong to a telephone, a card, an IBAN or an address: seven digits, three dots, or two letters before.
bool digits_matter(std::string_view text, std::size_t at) {
  if (at >= 2 && letters::is(text[at - 1], letters::alpha) && letters::is(text[at - 2], letters::alpha)) return true;
  int digits = 0;
  int dots = 0;
  for (std::size_t i = at; i < text.size() && i < at + 40; ++i) {
    const char c = text[i];
    if (letters::is(c, letters::digit)) {
      if (++digits >= 7) return true;
    } else if (c == '.') {
      if (++dots >= 3) return true;
    } else if (c != ' ' && c != '-' && c != '(' && c != ')') {
      return false;
    }
  }
  return false;
}

// Whether a colon can belong to an IPv6 address: a second one follows among hexadecimal digits.
bool colon_matters(std::string_view text, std::size_t at) {
  std::size_t i = at + 1;
  while (i < text.size() && i < at + 6 && letters::is(text[i], letters::hex)) ++i;
  return i < text.size() && text[i] == ':';
}

class Collector {
 public:
  Collector(std::string_view text, std::size_t from, std::vector<Window>& out) : text_(text), from_(from), out_(out) {}
  void add(std::size_t tell, std::size_t back) {
    if (tell < from_) return;
    const std::size_t begin = tell < from_ + back ? from_ : tell - back;
    if (!out_.empty() && begin <= out_.back().end) {
      while (out_.size() > 1 && begin <= out_[out_.size() - 2].end) out_.pop_back();  // a long reach back swallows small ones
      out_.back().begin = begin < out_.back().begin ? begin : out_.back().begin;
      if (tell + 1 > out_.back().end) out_.back().end = tell + 1;
      return;
    }
    out_.push_back({begin, tell + 1});
  }
  void block(std::size_t base, const Telling& t) {
    std::uint64_t all = t.at | t.digits | t.run | t.colon | t.dashes;
    while (all != 0) {
      const auto i = static_cast<unsigned>(std::countr_zero(all));
      const std::uint64_t bit = std::uint64_t{1} << i;
      all &= all - 1;
      const std::size_t at = base + i;
      if ((t.at & bit) != 0 && at > 0 && letters::is(text_[at - 1], letters::local)) add(at, most_local);
      if ((t.digits & bit) != 0 && digits_matter(text_, at)) add(at, 8);
      if (((t.run | t.dashes) & bit) != 0) add(at, 0);
      if ((t.colon & bit) != 0 && colon_matters(text_, at)) add(at, 4);
    }
  }

 private:
  std::string_view text_;
  std::size_t from_;
  std::vector<Window>& out_;
};

// The bytes from `base` on; what lies behind the text's end is zero.
struct Block {
  std::array<char, 64> last{};
  const char* of(std::string_view text, std::size_t base) {
    if (text.size() - base >= 64) return text.data() + base;
    std::memcpy(last.data(), text.data() + base, text.size() - base);
    return last.data();
  }
};

std::size_t first_block(std::size_t from) { return from >= 64 ? from - from % 64 - 64 : 0; }

void walk_plain(std::string_view text, std::size_t from, Collector& collector) {
  Block block;
  Masks before, now, next;
  std::size_t base = first_block(from);
  if (base < text.size()) now = masks_plain(block.of(text, base));
  for (; base < text.size(); base += 64) {
    next = base + 64 < text.size() ? masks_plain(block.of(text, base + 64)) : Masks{};
    if (const Telling t = telling(now, next, before); !t.none()) collector.block(base, t);
    before = now;
    now = next;
  }
}

#if defined(__x86_64__)
// The same loop, so that the masks are inlined into it.
PLIMSOLL_AVX2 void walk_avx2(std::string_view text, std::size_t from, Collector& collector) {
  Block block;
  Masks before, now, next;
  std::size_t base = first_block(from);
  if (base < text.size()) now = masks_avx2(block.of(text, base));
  for (; base < text.size(); base += 64) {
    next = base + 64 < text.size() ? masks_avx2(block.of(text, base + 64)) : Masks{};
    if (const Telling t = telling(now, next, before); !t.none()) collector.block(base, t);
    before = now;
    now = next;
  }
}
#endif

}  // namespace

void span_windows(std::string_view text, std::size_t from, [[maybe_unused]] Lanes lanes, std::vector<Window>& out) {
  out.clear();
  Collector collector(text, from, out);
#if defined(__x86_64__)
  if (lanes == Lanes::fastest && has_avx2()) {
    walk_avx2(text, from, collector);
    return;
  }
#endif
  walk_plain(text, from, collector);
}

}  // namespace plimsoll::gateway

// SPDX-License-Identifier: Apache-2.0
// Two doubles at a time anywhere, four with AVX2, eight with AVX-512. Out of range is a sign: of p - low or of high - p, gathered without a
// comparison. Each row's sum is taken in the order of the classes, so that both forms round alike.
#include "learn/class_tiles.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/processor.h"

namespace plimsoll::learn {
namespace {

constexpr std::size_t ahead = 512;  // values prefetched before they are read: the next tile
constexpr double low_end = -1e-9;
constexpr double high_end = 1.0 + 1e-9;
constexpr double sum_warned = 1e-6;

typedef double Pair __attribute__((vector_size(16)));
typedef long long PairMask __attribute__((vector_size(16)));

Pair load(const double* from) {
  Pair pair;
  std::memcpy(&pair, from, sizeof pair);
  return pair;
}

bool in_range(double p) { return p >= low_end && p <= high_end; }

// The rows from `begin` on, one by one: what is left over after the vectors.
void check_rest(const double* const* p, std::size_t classes, std::size_t begin, std::size_t count, double* sums, TileCheck& found) {
  for (std::size_t i = begin; i < count; ++i) {
    for (std::size_t c = 0; c < classes; ++c) {
      found.ranged &= in_range(p[c][i]);
      sums[i] += p[c][i];
    }
    const double gap = std::fabs(sums[i] - 1.0);
    found.largest = gap > found.largest ? gap : found.largest;
    found.exact &= gap <= sum_warned;
  }
}

void pass_rest(const double* const* p, const double* least, std::size_t classes, std::size_t begin, std::size_t count, std::uint64_t* masks) {
  for (std::size_t c = 0; c < classes; ++c)
    for (std::size_t i = begin; i < count; ++i) masks[i] |= std::uint64_t{p[c][i] >= least[c]} << c;
}

// Up to four columns added to the rows' sums; whether every number is in range.
template <std::size_t Columns>
bool add_columns(const double* const* p, std::size_t whole, double* sums) {
  const Pair low = {low_end, low_end};
  const Pair high = {high_end, high_end};
  PairMask signs = {0, 0};
  for (std::size_t i = 0; i < whole; i += 2) {
    Pair sum = load(sums + i);
    // The processor follows few columns at once by itself: the next tile is asked for in time. Past the end this does nothing.
    if (i % 8 == 0)
      for (std::size_t c = 0; c < Columns; ++c) __builtin_prefetch(p[c] + i + ahead, 0, 2);
    for (std::size_t c = 0; c < Columns; ++c) {
      const Pair value = load(p[c] + i);
      signs |= reinterpret_cast<PairMask>(value - low) | reinterpret_cast<PairMask>(high - value);
      sum += value;
    }
    std::memcpy(sums + i, &sum, sizeof sum);
  }
  return (signs[0] | signs[1]) >= 0;
}

TileCheck plain_check(const double* const* p, std::size_t classes, std::size_t count, double* sums) {
  TileCheck found;
  const std::size_t whole = count - count % 2;
  std::fill(sums, sums + count, 0.0);
  for (std::size_t c = 0; c < classes; c += 4) {
    const std::size_t wide = std::min<std::size_t>(4, classes - c);
    if (wide == 4) found.ranged &= add_columns<4>(p + c, whole, sums);
    else if (wide == 3) found.ranged &= add_columns<3>(p + c, whole, sums);
    else if (wide == 2) found.ranged &= add_columns<2>(p + c, whole, sums);
    else found.ranged &= add_columns<1>(p + c, whole, sums);
  }
  Pair largest = {0, 0};
  PairMask exact = {-1, -1};
  for (std::size_t i = 0; i < whole; i += 2) {
    const Pair miss = load(sums + i) - 1.0;
    const Pair gap = miss < 0.0 ? -miss : miss;
    largest = gap > largest ? gap : largest;
    exact &= gap <= sum_warned;
  }
  found.largest = std::max(largest[0], largest[1]);
  found.exact = (exact[0] & exact[1]) != 0;
  check_rest(p, classes, whole, count, sums, found);
  return found;
}

template <std::size_t Columns>
void pass_columns(const double* const* p, const double* least, unsigned first_bit, std::size_t whole, std::uint64_t* masks) {
  for (std::size_t i = 0; i < whole; i += 2) {
    PairMask mask;
    std::memcpy(&mask, masks + i, sizeof mask);
    for (std::size_t c = 0; c < Columns; ++c) {
      const auto bit = static_cast<long long>(std::uint64_t{1} << (first_bit + c));
      const Pair bound = {least[c], least[c]};
      mask |= (load(p[c] + i) >= bound) & PairMask{bit, bit};
    }
    std::memcpy(masks + i, &mask, sizeof mask);
  }
}

void plain_pass(const double* const* p, const double* least, std::size_t classes, std::size_t count, std::uint64_t* masks) {
  const std::size_t whole = count - count % 2;
  for (std::size_t c = 0; c < classes; c += 4) {
    const std::size_t wide = std::min<std::size_t>(4, classes - c);
    const auto bit = static_cast<unsigned>(c);
    if (wide == 4) pass_columns<4>(p + c, least + c, bit, whole, masks);
    else if (wide == 3) pass_columns<3>(p + c, least + c, bit, whole, masks);
    else if (wide == 2) pass_columns<2>(p + c, least + c, bit, whole, masks);
    else pass_columns<1>(p + c, least + c, bit, whole, masks);
  }
  pass_rest(p, least, classes, whole, count, masks);
}

TileCheck plain_check_and_hash(const double* const* p, const WordSpread* spreads, std::size_t classes, std::size_t count, double* sums, std::uint64_t* hashes) {
  for (std::size_t c = 0; c < classes; ++c)
    for (std::size_t i = 0; i < count; ++i) hashes[i] += spreads[c](word_of(p[c][i]));
  return plain_check(p, classes, count, sums);
}

#if defined(PLIMSOLL_AVX2)

template <std::size_t Columns>
PLIMSOLL_AVX2 bool add_wide(const double* const* p, std::size_t whole, double* sums) {
  const __m256d low = _mm256_set1_pd(low_end);
  const __m256d high = _mm256_set1_pd(high_end);
  __m256d signs = _mm256_setzero_pd();
  for (std::size_t i = 0; i < whole; i += 8) {
    __m256d first = _mm256_loadu_pd(sums + i);
    __m256d second = _mm256_loadu_pd(sums + i + 4);
    for (std::size_t c = 0; c < Columns; ++c) {
      __builtin_prefetch(p[c] + i + ahead, 0, 2);
      const __m256d a = _mm256_loadu_pd(p[c] + i);
      const __m256d b = _mm256_loadu_pd(p[c] + i + 4);
      signs = _mm256_or_pd(signs, _mm256_or_pd(_mm256_sub_pd(a, low), _mm256_sub_pd(high, a)));
      signs = _mm256_or_pd(signs, _mm256_or_pd(_mm256_sub_pd(b, low), _mm256_sub_pd(high, b)));
      first = _mm256_add_pd(first, a);
      second = _mm256_add_pd(second, b);
    }
    _mm256_storeu_pd(sums + i, first);
    _mm256_storeu_pd(sums + i + 4, second);
  }
  return _mm256_movemask_pd(signs) == 0;
}

PLIMSOLL_AVX2 void look_at_sums(const double* sums, std::size_t whole, TileCheck& found) {
  const __m256d one = _mm256_set1_pd(1.0);
  const __m256d warned = _mm256_set1_pd(sum_warned);
  const __m256d no_sign = _mm256_castsi256_pd(_mm256_set1_epi64x(0x7fffffffffffffffLL));
  __m256d largest = _mm256_setzero_pd();
  __m256d exact = _mm256_castsi256_pd(_mm256_set1_epi64x(-1));
  for (std::size_t i = 0; i < whole; i += 4) {
    const __m256d gap = _mm256_and_pd(_mm256_sub_pd(_mm256_loadu_pd(sums + i), one), no_sign);
    largest = _mm256_max_pd(gap, largest);  // the second where one is no number
    exact = _mm256_and_pd(exact, _mm256_cmp_pd(gap, warned, _CMP_LE_OQ));
  }
  double lanes[4];
  _mm256_storeu_pd(lanes, largest);
  found.largest = std::max(std::max(lanes[0], lanes[1]), std::max(lanes[2], lanes[3]));
  found.exact = _mm256_movemask_pd(exact) == 15;
}

PLIMSOLL_AVX2 TileCheck wide_check(const double* const* p, std::size_t classes, std::size_t count, double* sums) {
  TileCheck found;
  const std::size_t whole = count - count % 8;
  std::fill(sums, sums + count, 0.0);
  for (std::size_t c = 0; c < classes; c += 4) {
    const std::size_t wide = std::min<std::size_t>(4, classes - c);
    if (wide == 4) found.ranged &= add_wide<4>(p + c, whole, sums);
    else if (wide == 3) found.ranged &= add_wide<3>(p + c, whole, sums);
    else if (wide == 2) found.ranged &= add_wide<2>(p + c, whole, sums);
    else found.ranged &= add_wide<1>(p + c, whole, sums);
  }
  look_at_sums(sums, whole, found);
  check_rest(p, classes, whole, count, sums, found);
  return found;
}

template <std::size_t Columns>
PLIMSOLL_AVX2 void pass_wide(const double* const* p, const double* least, unsigned first_bit, std::size_t whole, std::uint64_t* masks) {
  __m256d bound[Columns];
  __m256i bit[Columns];
  for (std::size_t c = 0; c < Columns; ++c) {
    bound[c] = _mm256_set1_pd(least[c]);
    bit[c] = _mm256_set1_epi64x(static_cast<long long>(std::uint64_t{1} << (first_bit + c)));
  }
  for (std::size_t i = 0; i < whole; i += 4) {
    auto* const at = reinterpret_cast<__m256i*>(masks + i);
    __m256i mask = _mm256_loadu_si256(at);
    for (std::size_t c = 0; c < Columns; ++c) {
      const __m256d in = _mm256_cmp_pd(_mm256_loadu_pd(p[c] + i), bound[c], _CMP_GE_OQ);
      mask = _mm256_or_si256(mask, _mm256_and_si256(_mm256_castpd_si256(in), bit[c]));
    }
    _mm256_storeu_si256(at, mask);
  }
}

PLIMSOLL_AVX2 void wide_pass(const double* const* p, const double* least, std::size_t classes, std::size_t count, std::uint64_t* masks) {
  const std::size_t whole = count - count % 4;
  for (std::size_t c = 0; c < classes; c += 4) {
    const std::size_t wide = std::min<std::size_t>(4, classes - c);
    const auto bit = static_cast<unsigned>(c);
    if (wide == 4) pass_wide<4>(p + c, least + c, bit, whole, masks);
    else if (wide == 3) pass_wide<3>(p + c, least + c, bit, whole, masks);
    else if (wide == 2) pass_wide<2>(p + c, least + c, bit, whole, masks);
    else pass_wide<1>(p + c, least + c, bit, whole, masks);
  }
  pass_rest(p, least, classes, whole, count, masks);
}

TileCheck wide_check_and_hash(const double* const* p, const WordSpread* spreads, std::size_t classes, std::size_t count, double* sums, std::uint64_t* hashes) {
  const TileCheck found = wide_check(p, classes, count, sums);
  for (std::size_t c = 0; c < classes; ++c) word_loops().add(spreads[c], p[c], count, hashes);
  return found;
}

// Up to four columns: the check's sums and signs, and the words of row_words.cpp, from one load of each value.
template <std::size_t Columns>
PLIMSOLL_AVX512 bool add_and_hash(const double* const* p, const WordSpread* spreads, std::size_t whole, double* sums, std::uint64_t* hashes) {
  const __m512d low = _mm512_set1_pd(low_end);
  const __m512d high = _mm512_set1_pd(high_end);
  const __m512i missing = _mm512_set1_epi64(static_cast<long long>(null_word));
  const __m512i magnitude = _mm512_set1_epi64(0x7fffffffffffffffLL);
  __m512i salt[Columns];
  __m512i factor[Columns];
  for (std::size_t c = 0; c < Columns; ++c) {
    salt[c] = _mm512_set1_epi64(static_cast<long long>(spreads[c].salt));
    factor[c] = _mm512_set1_epi64(static_cast<long long>(spreads[c].factor));
  }
  __m512i signs = _mm512_setzero_si512();
  for (std::size_t i = 0; i < whole; i += 8) {
    __m512d sum = _mm512_loadu_pd(sums + i);
    __m512i hash = _mm512_loadu_si512(hashes + i);
    for (std::size_t c = 0; c < Columns; ++c) {
      __builtin_prefetch(p[c] + i + ahead, 0, 2);
      const __m512d value = _mm512_loadu_pd(p[c] + i);
      const __m512i out = _mm512_or_si512(_mm512_castpd_si512(_mm512_sub_pd(value, low)), _mm512_castpd_si512(_mm512_sub_pd(high, value)));
      signs = _mm512_or_si512(signs, out);
      sum = _mm512_add_pd(sum, value);
      const __m512i bits = _mm512_castpd_si512(value);
      const __m512i plus = _mm512_maskz_mov_epi64(_mm512_test_epi64_mask(bits, magnitude), bits);
      const __m512i word = _mm512_mask_mov_epi64(plus, _mm512_cmp_pd_mask(value, value, _CMP_UNORD_Q), missing);
      const __m512i x = _mm512_xor_si512(word, salt[c]);
      hash = _mm512_add_epi64(hash, _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_maskz_srli_epi64(0xff, x, 32)), factor[c]));
    }
    _mm512_storeu_pd(sums + i, sum);
    _mm512_storeu_si512(hashes + i, hash);
  }
  return _mm512_movepi64_mask(signs) == 0;
}

PLIMSOLL_AVX512 TileCheck widest_check_and_hash(const double* const* p, const WordSpread* spreads, std::size_t classes, std::size_t count, double* sums, std::uint64_t* hashes) {
  TileCheck found;
  const std::size_t whole = count - count % 8;
  std::fill(sums, sums + count, 0.0);
  for (std::size_t c = 0; c < classes; c += 4) {
    const std::size_t wide = std::min<std::size_t>(4, classes - c);
    if (wide == 4) found.ranged &= add_and_hash<4>(p + c, spreads + c, whole, sums, hashes);
    else if (wide == 3) found.ranged &= add_and_hash<3>(p + c, spreads + c, whole, sums, hashes);
    else if (wide == 2) found.ranged &= add_and_hash<2>(p + c, spreads + c, whole, sums, hashes);
    else found.ranged &= add_and_hash<1>(p + c, spreads + c, whole, sums, hashes);
  }
  look_at_sums(sums, whole, found);
  check_rest(p, classes, whole, count, sums, found);
  for (std::size_t c = 0; c < classes; ++c)
    for (std::size_t i = whole; i < count; ++i) hashes[i] += spreads[c](word_of(p[c][i]));
  return found;
}

constexpr std::array<ClassLoops, 3> forms = {{{&plain_check, &plain_check_and_hash, &plain_pass},
                                              {&wide_check, &wide_check_and_hash, &wide_pass},
                                              {&wide_check, &widest_check_and_hash, &wide_pass}}};

#else

constexpr std::array<ClassLoops, 1> forms = {{{&plain_check, &plain_check_and_hash, &plain_pass}}};

#endif

}  // namespace

std::span<const ClassLoops> all_class_loops() { return std::span<const ClassLoops>(forms).first(has_avx512() ? 3U : has_avx2() ? 2U : 1U); }

const ClassLoops& class_loops() { return all_class_loops().back(); }

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#include "table/row_words.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>

#include "base/processor.h"

namespace plimsoll {
namespace {

constexpr std::size_t ahead = 1024;  // values asked for before they are read: past the end this does nothing

void add_plain(WordSpread spread, const double* values, std::size_t count, std::uint64_t* sums) {
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __builtin_prefetch(values + i + ahead, 0, 2);
    for (std::size_t k = i; k < i + 8; ++k) sums[k] += spread(word_of(values[k]));
  }
  for (; i < count; ++i) sums[i] += spread(word_of(values[i]));
}

std::uint64_t mix_plain(std::uint64_t* sums, std::size_t count) {
  std::uint64_t least = ~std::uint64_t{0};
  for (std::size_t i = 0; i < count; ++i) {
    sums[i] = mixed(sums[i]);
    least = std::min(least, sums[i]);
  }
  return least;
}

#if defined(PLIMSOLL_AVX2)

// Four words: zeros without their sign, the null word for what is no number, then x ^ (x >> 32) and the low half of a product.
PLIMSOLL_AVX2 void add_four(WordSpread spread, const double* values, std::size_t count, std::uint64_t* sums) {
  const __m256i salt = _mm256_set1_epi64x(static_cast<long long>(spread.salt));
  const __m256i factor = _mm256_set1_epi64x(static_cast<long long>(spread.factor));
  const __m256i factor_high = _mm256_srli_epi64(factor, 32);
  const __m256d missing = _mm256_castsi256_pd(_mm256_set1_epi64x(static_cast<long long>(null_word)));
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    if (i % 8 == 0) __builtin_prefetch(values + i + ahead, 0, 2);
    const __m256d value = _mm256_loadu_pd(values + i);
    const __m256i bits = _mm256_castpd_si256(value);
    const __m256i zero = _mm256_cmpeq_epi64(_mm256_slli_epi64(bits, 1), _mm256_setzero_si256());
    const __m256d plus = _mm256_castsi256_pd(_mm256_andnot_si256(zero, bits));
    const __m256i word = _mm256_castpd_si256(_mm256_blendv_pd(plus, missing, _mm256_cmp_pd(value, value, _CMP_UNORD_Q)));
    const __m256i x = _mm256_xor_si256(word, salt);
    const __m256i high = _mm256_srli_epi64(x, 32);
    const __m256i y = _mm256_xor_si256(x, high);
    const __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(high, factor), _mm256_mul_epu32(y, factor_high));
    const __m256i product = _mm256_add_epi64(_mm256_mul_epu32(y, factor), _mm256_slli_epi64(cross, 32));
    auto* const at = reinterpret_cast<__m256i*>(sums + i);
    _mm256_storeu_si256(at, _mm256_add_epi64(_mm256_loadu_si256(at), product));
  }
  for (; i < count; ++i) sums[i] += spread(word_of(values[i]));
}

PLIMSOLL_AVX512 void add_eight(WordSpread spread, const double* values, std::size_t count, std::uint64_t* sums) {
  const __m512i salt = _mm512_set1_epi64(static_cast<long long>(spread.salt));
  const __m512i factor = _mm512_set1_epi64(static_cast<long long>(spread.factor));
  const __m512i missing = _mm512_set1_epi64(static_cast<long long>(null_word));
  const __m512i magnitude = _mm512_set1_epi64(0x7fffffffffffffffLL);
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __builtin_prefetch(values + i + ahead, 0, 2);
    const __m512d value = _mm512_loadu_pd(values + i);
    const __m512i bits = _mm512_castpd_si512(value);
    const __m512i plus = _mm512_maskz_mov_epi64(_mm512_test_epi64_mask(bits, magnitude), bits);
    const __m512i word = _mm512_mask_mov_epi64(plus, _mm512_cmp_pd_mask(value, value, _CMP_UNORD_Q), missing);
    const __m512i x = _mm512_xor_si512(word, salt);
    const __m512i product = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_maskz_srli_epi64(0xff, x, 32)), factor);
    _mm512_storeu_si512(sums + i, _mm512_add_epi64(_mm512_loadu_si512(sums + i), product));
  }
  for (; i < count; ++i) sums[i] += spread(word_of(values[i]));
}

PLIMSOLL_AVX512 std::uint64_t mix_eight(std::uint64_t* sums, std::size_t count) {
  const __m512i golden = _mm512_set1_epi64(static_cast<long long>(0x9e3779b97f4a7c15ULL));
  const __m512i first = _mm512_set1_epi64(static_cast<long long>(0xbf58476d1ce4e5b9ULL));
  const __m512i second = _mm512_set1_epi64(static_cast<long long>(0x94d049bb133111ebULL));
  const __mmask8 all = 0xff;
  __m512i least = _mm512_set1_epi64(-1);
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    __m512i x = _mm512_add_epi64(_mm512_loadu_si512(sums + i), golden);
    x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_maskz_srli_epi64(all, x, 30)), first);
    x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_maskz_srli_epi64(all, x, 27)), second);
    x = _mm512_xor_si512(x, _mm512_maskz_srli_epi64(all, x, 31));
    least = _mm512_maskz_min_epu64(all, least, x);
    _mm512_storeu_si512(sums + i, x);
  }
  std::uint64_t lanes[8];
  _mm512_storeu_si512(lanes, least);
  const std::uint64_t rest = mix_plain(sums + i, count - i);
  return std::min(rest, *std::min_element(lanes, lanes + 8));
}

constexpr std::array<WordLoops, 3> forms = {{{&add_plain, &mix_plain}, {&add_four, &mix_plain}, {&add_eight, &mix_eight}}};

#else

constexpr std::array<WordLoops, 1> forms = {{{&add_plain, &mix_plain}}};

#endif

}  // namespace

std::span<const WordLoops> all_word_loops() { return std::span<const WordLoops>(forms).first(has_avx512() ? 3U : has_avx2() ? 2U : 1U); }

const WordLoops& word_loops() { return all_word_loops().back(); }

}  // namespace plimsoll

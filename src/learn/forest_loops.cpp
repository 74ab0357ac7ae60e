// SPDX-License-Identifier: Apache-2.0
// The inner loops of a compact forest: for any processor, and with AVX2 and AVX-512. Only comparisons, choices and single
// float32 additions, so that all forms give the same bytes.
#include <algorithm>
#include <array>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/processor.h"
#include "learn/compact_forest.h"

namespace plimsoll::learn {
namespace {

void rank_plain(const float* cuts, const float* values, std::uint8_t* out) {
  for (std::size_t i = 0; i < forest_rows; ++i) {
    std::size_t rank = 0;
    for (std::size_t step = 128; step > 0; step /= 2) rank += cuts[rank + step - 1] <= values[i] ? step : 0;
    out[i] = static_cast<std::uint8_t>(rank);
  }
}

void choose_plain(const std::uint8_t* bytes, std::uint8_t limit, const std::uint8_t* left, const std::uint8_t* right, std::uint8_t* out) {
  for (std::size_t i = 0; i < forest_rows; ++i) out[i] = bytes[i] > limit ? right[i] : left[i];
}

void choose_leaf_plain(const std::uint8_t* bytes, std::uint8_t limit, std::uint8_t leaf, std::uint8_t* out) {
  for (std::size_t i = 0; i < forest_rows; ++i) out[i] = static_cast<std::uint8_t>(leaf + (bytes[i] > limit ? 1U : 0U));
}

void add_plain(const float* leaves, std::size_t, const std::uint8_t* which, float* sums) {
  for (std::size_t i = 0; i < forest_rows; ++i) sums[i] += leaves[which[i]];
}

#if defined(PLIMSOLL_AVX2)

PLIMSOLL_AVX2 __m256i four_times_eight(const std::uint8_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }

// 255 where a > b, for bytes without a sign.
PLIMSOLL_AVX2 __m256i above(__m256i a, __m256i b) {
  const __m256i sign = _mm256_set1_epi8(static_cast<char>(-128));
  return _mm256_cmpgt_epi8(_mm256_xor_si256(a, sign), _mm256_xor_si256(b, sign));
}

PLIMSOLL_AVX2 unsigned at_most(const float* cuts, __m256 x) {
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(cuts), x, _CMP_LE_OQ)));
}

// Two levels of sixteen: which group of sixteen cuts, then where in it.
PLIMSOLL_AVX2 void rank_eight(const float* cuts, const float* values, std::uint8_t* out) {
  std::array<float, 16> last;
  for (std::size_t g = 0; g < 16; ++g) last[g] = cuts[16 * g + 15];
  for (std::size_t i = 0; i < forest_rows; ++i) {
    const __m256 x = _mm256_set1_ps(values[i]);
    const auto group = static_cast<unsigned>(__builtin_popcount(at_most(last.data(), x) | at_most(last.data() + 8, x) << 8U));
    const float* own = cuts + 16 * group;
    out[i] = static_cast<std::uint8_t>(16 * group + static_cast<unsigned>(__builtin_popcount(at_most(own, x) | at_most(own + 8, x) << 8U)));
  }
}

PLIMSOLL_AVX2 void choose_32(const std::uint8_t* bytes, std::uint8_t limit, const std::uint8_t* left, const std::uint8_t* right, std::uint8_t* out) {
  const __m256i bound = _mm256_set1_epi8(static_cast<char>(limit));
  for (std::size_t i = 0; i < forest_rows; i += 32) {
    const __m256i goes = above(four_times_eight(bytes + i), bound);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_blendv_epi8(four_times_eight(left + i), four_times_eight(right + i), goes));
  }
}

PLIMSOLL_AVX2 void choose_leaf_32(const std::uint8_t* bytes, std::uint8_t limit, std::uint8_t leaf, std::uint8_t* out) {
  const __m256i bound = _mm256_set1_epi8(static_cast<char>(limit));
  const __m256i first = _mm256_set1_epi8(static_cast<char>(leaf));
  for (std::size_t i = 0; i < forest_rows; i += 32) {
    const __m256i goes = above(four_times_eight(bytes + i), bound);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + i), _mm256_sub_epi8(first, goes));
  }
}

PLIMSOLL_AVX512 void rank_sixteen(const float* cuts, const float* values, std::uint8_t* out) {
  std::array<float, 16> last;
  for (std::size_t g = 0; g < 16; ++g) last[g] = cuts[16 * g + 15];
  const __m512 lasts = _mm512_loadu_ps(last.data());
  for (std::size_t i = 0; i < forest_rows; ++i) {
    const __m512 x = _mm512_set1_ps(values[i]);
    const auto group = static_cast<unsigned>(__builtin_popcount(_mm512_cmp_ps_mask(lasts, x, _CMP_LE_OQ)));
    const unsigned within = _mm512_cmp_ps_mask(_mm512_loadu_ps(cuts + 16 * group), x, _CMP_LE_OQ);
    out[i] = static_cast<std::uint8_t>(16 * group + static_cast<unsigned>(__builtin_popcount(within)));
  }
}

PLIMSOLL_AVX512 void choose_64(const std::uint8_t* bytes, std::uint8_t limit, const std::uint8_t* left, const std::uint8_t* right, std::uint8_t* out) {
  const __m512i bound = _mm512_set1_epi8(static_cast<char>(limit));
  for (std::size_t i = 0; i < forest_rows; i += 64) {
    const __mmask64 goes = _mm512_cmpgt_epu8_mask(_mm512_loadu_si512(bytes + i), bound);
    _mm512_storeu_si512(out + i, _mm512_mask_blend_epi8(goes, _mm512_loadu_si512(left + i), _mm512_loadu_si512(right + i)));
  }
}

PLIMSOLL_AVX512 void choose_leaf_64(const std::uint8_t* bytes, std::uint8_t limit, std::uint8_t leaf, std::uint8_t* out) {
  const __m512i bound = _mm512_set1_epi8(static_cast<char>(limit));
  const __m512i first = _mm512_set1_epi8(static_cast<char>(leaf));
  const __m512i second = _mm512_set1_epi8(static_cast<char>(leaf + 1));
  for (std::size_t i = 0; i < forest_rows; i += 64) {
    const __mmask64 goes = _mm512_cmpgt_epu8_mask(_mm512_loadu_si512(bytes + i), bound);
    _mm512_storeu_si512(out + i, _mm512_mask_blend_epi8(goes, first, second));
  }
}

// Up to 64 leaves stand in four registers.
PLIMSOLL_AVX512 void add_sixteen(const float* leaves, std::size_t count, const std::uint8_t* which, float* sums) {
  if (count > 64) return add_plain(leaves, count, which, sums);
  const __m512 a = _mm512_loadu_ps(leaves);
  const __m512 b = _mm512_loadu_ps(leaves + 16);
  const __m512 c = _mm512_loadu_ps(leaves + 32);
  const __m512 d = _mm512_loadu_ps(leaves + 48);
  for (std::size_t i = 0; i < forest_rows; i += 16) {
    const __m512i at = _mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128(reinterpret_cast<const __m128i*>(which + i)));
    const __m512 low = _mm512_permutex2var_ps(a, at, b);
    const __m512 high = _mm512_permutex2var_ps(c, at, d);
    const __m512 value = _mm512_mask_blend_ps(_mm512_test_epi32_mask(at, _mm512_set1_epi32(32)), low, high);
    _mm512_storeu_ps(sums + i, _mm512_add_ps(_mm512_loadu_ps(sums + i), value));
  }
}

constexpr std::array<ForestLoops, 3> forms = {{{&rank_plain, &choose_plain, &choose_leaf_plain, &add_plain},
                                               {&rank_eight, &choose_32, &choose_leaf_32, &add_plain},
                                               {&rank_sixteen, &choose_64, &choose_leaf_64, &add_sixteen}}};

#else

constexpr std::array<ForestLoops, 1> forms = {{{&rank_plain, &choose_plain, &choose_leaf_plain, &add_plain}}};

#endif

}  // namespace

std::span<const ForestLoops> all_forest_loops() { return std::span<const ForestLoops>(forms).first(has_avx512() ? 3U : has_avx2() ? 2U : 1U); }

const ForestLoops& forest_loops() { return all_forest_loops().back(); }

}  // namespace plimsoll::learn

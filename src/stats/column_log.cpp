// SPDX-License-Identifier: Apache-2.0
// The algorithm of fdlibm's e_log.c (Sun Microsystems 1993) without branches: x = 2^k (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2),
// s = f / (2 + f), log(1 + f) = f - f^2/2 + s (f^2/2 + R(s^2)) with R of degree 7 in s^2, and k ln 2 in two parts. Several numbers
// go through it at once, one a lane.
#include "stats/column_log.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/processor.h"

#define PLIMSOLL_INLINE __attribute__((always_inline)) inline

namespace plimsoll::stats {
namespace {

constexpr double ln2_high = 6.93147180369123816490e-01;
constexpr double ln2_low = 1.90821492927058770002e-10;
constexpr std::uint64_t root_half = 0x3FE6A09E00000000u;   // just below sqrt(1/2)
constexpr std::uint64_t to_one = 0x3FF0000000000000u - root_half;
constexpr std::uint64_t two_52 = 0x4330000000000000u;      // 2^52, whose last bits count ones

template <int W> struct Lanes;
template <> struct Lanes<1> { typedef double real; typedef std::uint64_t word; };
template <> struct Lanes<2> { typedef double real __attribute__((vector_size(16))); typedef std::uint64_t word __attribute__((vector_size(16))); };
template <> struct Lanes<4> { typedef double real __attribute__((vector_size(32))); typedef std::uint64_t word __attribute__((vector_size(32))); };
template <> struct Lanes<8> { typedef double real __attribute__((vector_size(64))); typedef std::uint64_t word __attribute__((vector_size(64))); };

// Positive and normal numbers. Vectors go by reference: their passing by value would depend on the processor compiled for.
template <int W>
PLIMSOLL_INLINE void logs_of(const typename Lanes<W>::real& x, typename Lanes<W>::real& out) {
  using Real = typename Lanes<W>::real;
  using Word = typename Lanes<W>::word;
  Word bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits += to_one;
  const Word count = (bits >> 52) | two_52;
  const Word mantissa = (bits & 0x000FFFFFFFFFFFFFu) + root_half;
  Real k, f;
  std::memcpy(&k, &count, sizeof k);
  std::memcpy(&f, &mantissa, sizeof f);
  k -= 4503599627370496.0 + 1023.0;
  f -= 1.0;
  const Real s = f / (2.0 + f);
  const Real z = s * s, w = z * z;
  const Real even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  const Real odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  const Real half_square = 0.5 * f * f;
  out = s * (half_square + (even + odd)) + k * ln2_low - half_square + f + k * ln2_high;
}

double plain_log(double x) {
  double out;
  logs_of<1>(x, out);
  return out;
}

constexpr double least = std::numeric_limits<double>::min(), most = std::numeric_limits<double>::max();
bool is_plain(double x) { return x >= least && x <= most; }

double one_log(double x) {
  if (is_plain(x)) return plain_log(x);
  if (x == 0) return -std::numeric_limits<double>::infinity();
  if (!(x > 0)) return std::numeric_limits<double>::quiet_NaN();
  if (std::isinf(x)) return x;
  return plain_log(x * 0x1p54) - 54 * (ln2_high + ln2_low);
}

template <int W>
PLIMSOLL_INLINE void many(const double* x, double* out, std::size_t n) {
  using Real = typename Lanes<W>::real;
  std::size_t i = 0;
  for (; i + W <= n; i += W) {
    Real v;
    std::memcpy(&v, x + i, sizeof v);
    Real logs;
    logs_of<W>(v, logs);
    std::memcpy(out + i, &logs, sizeof logs);
  }
  for (; i < n; ++i) out[i] = one_log(x[i]);
}

// Blocks with a number that is not plain are gone over once more.
template <ColumnLogs fast>
void with_specials(const double* x, double* out, std::size_t n) {
  constexpr std::size_t block = 512;
  for (std::size_t begin = 0; begin < n; begin += block) {
    const std::size_t count = n - begin < block ? n - begin : block;
    std::array<double, block> given;
    std::memcpy(given.data(), x + begin, count * sizeof(double));  // x and out may be one
    bool plain = true;
    for (std::size_t i = 0; i < count; ++i) {
      const double one = given[i];
      plain = plain & (one >= least) & (one <= most);
    }
    fast(given.data(), out + begin, count);
    for (std::size_t i = 0; !plain && i < count; ++i)
      if (!is_plain(given[i])) out[begin + i] = one_log(given[i]);
  }
}

void many_2(const double* x, double* out, std::size_t n) { many<2>(x, out, n); }
#if defined(PLIMSOLL_AVX2)
PLIMSOLL_AVX2 void many_4(const double* x, double* out, std::size_t n) { many<4>(x, out, n); }
PLIMSOLL_AVX512 void many_8(const double* x, double* out, std::size_t n) { many<8>(x, out, n); }
constexpr std::array<ColumnLogs, 3> forms = {&with_specials<&many_2>, &with_specials<&many_4>, &with_specials<&many_8>};
#else
constexpr std::array<ColumnLogs, 1> forms = {&with_specials<&many_2>};
#endif

}  // namespace

std::span<const ColumnLogs> all_column_logs() { return std::span<const ColumnLogs>(forms).first(has_avx512() ? 3U : has_avx2() ? 2U : 1U); }

void column_logs(std::span<const double> x, std::span<double> out) { all_column_logs().back()(x.data(), out.data(), x.size()); }

double column_log(double x) { return one_log(x); }

}  // namespace plimsoll::stats

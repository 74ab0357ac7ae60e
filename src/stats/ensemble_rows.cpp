// SPDX-License-Identifier: Apache-2.0
// The kernel representation of the CRPS (Gneiting and Raftery, JASA 2007, section 4.2; Lang et al. 2024, arXiv 2412.15832, eq. 1-4).
// Members are taken relative to the outcome before anything is summed, so that an offset of 1e8 costs no digits. Sorting gives the
// double sum in one pass. Several rows are sorted at once, one a lane, by a fixed network: minima and maxima only, so no branch
// depends on the data. Chunks of sixteen are sorted in registers and merged by bitonic stages. Each lane does the same arithmetic
// in the same order at any width: results do not depend on the processor.
#include "stats/ensemble_rows.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>

#define PLIMSOLL_INLINE __attribute__((always_inline)) inline

namespace plimsoll::stats {
namespace {

constexpr double missing_value = std::numeric_limits<double>::quiet_NaN();
constexpr int chunk = 16;             // members sorted in registers
constexpr int widest = 1024;          // members up to which the network beats sorting row by row
constexpr std::int64_t tile_rows = 64;

template <int W> struct LanesOf;
template <> struct LanesOf<2> { typedef double type __attribute__((vector_size(16))); typedef std::int64_t mask __attribute__((vector_size(16))); };
template <> struct LanesOf<4> { typedef double type __attribute__((vector_size(32))); typedef std::int64_t mask __attribute__((vector_size(32))); };
template <> struct LanesOf<8> { typedef double type __attribute__((vector_size(64))); typedef std::int64_t mask __attribute__((vector_size(64))); };

// What the network works in: whole chunks of vectors, those past the members are infinite.
struct Shape {
  int members = 0;
  int padded = 0;
};

Shape shape_of(std::size_t members) {
  const int count = static_cast<int>(members);
  return {count, (count + chunk - 1) / chunk * chunk};
}

template <class L>
PLIMSOLL_INLINE void order(L& a, L& b) {
  const L low = a < b ? a : b;
  b = a < b ? b : a;
  a = low;
}

// A fixed list of comparators, so that every index is a constant and N vectors stay in registers.
template <std::size_t Count>
using Network = std::array<std::pair<std::uint8_t, std::uint8_t>, Count>;

// Calls each(low, high) for the comparators of Batcher's odd-even merge sort.
template <class Each>
constexpr void batcher(int n, Each each) {
  for (int p = 1; p < n; p *= 2)
    for (int k = p; k >= 1; k /= 2)
      for (int j = k % p; j + k < n; j += 2 * k)
        for (int i = 0; i < k; ++i)
          if (i + j + k < n && (i + j) / (2 * p) == (i + j + k) / (2 * p)) each(i + j, i + j + k);
}

template <int N>
constexpr auto sorting_network() {
  constexpr std::size_t count = [] {
    std::size_t found = 0;
    batcher(N, [&found](int, int) { ++found; });
    return found;
  }();
  Network<count> network{};
  std::size_t at = 0;
  batcher(N, [&](int low, int high) { network[at++] = {static_cast<std::uint8_t>(low), static_cast<std::uint8_t>(high)}; });
  return network;
}

// The last stages of a bitonic merge of N: strides N/2 to 1.
template <int N>
constexpr auto merging_network() {
  constexpr std::size_t stages = std::bit_width(static_cast<unsigned>(N)) - 1;
  Network<stages * N / 2> network{};
  std::size_t at = 0;
  for (int k = N / 2; k >= 1; k /= 2)
    for (int i = 0; i < N; ++i)
      if ((i & k) == 0) network[at++] = {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i + k)};
  return network;
}

template <const auto& network, class L, std::size_t... C, std::size_t... V>
PLIMSOLL_INLINE void in_registers(L* at, std::index_sequence<C...>, std::index_sequence<V...>) {
  L v[] = {at[V]...};
  (order(v[network[C].first], v[network[C].second]), ...);
  ((at[V] = v[V]), ...);
}

template <int N>
constexpr auto sorting = sorting_network<N>();
template <int N>
constexpr auto merging = merging_network<N>();

template <const auto& network, int N, class L>
PLIMSOLL_INLINE void run_network(L* at) {
  in_registers<network>(at, std::make_index_sequence<network.size()>(), std::make_index_sequence<static_cast<std::size_t>(N)>());
}

// A chunk of which only `real` vectors are finite needs the network of the next power of two.
template <class L>
PLIMSOLL_INLINE void sort_chunk(L* at, int real) {
  if (real > 8) run_network<sorting<16>, 16>(at);
  else if (real > 4) run_network<sorting<8>, 8>(at);
  else if (real > 2) run_network<sorting<4>, 4>(at);
  else run_network<sorting<2>, 2>(at);
}

template <class L>
PLIMSOLL_INLINE void merge_chunk(L* at, int real) {
  if (real > 8) run_network<merging<16>, 16>(at);
  else if (real > 4) run_network<merging<8>, 8>(at);
  else if (real > 2) run_network<merging<4>, 4>(at);
  else run_network<merging<2>, 2>(at);
}

// Two rising runs, the first of `half` vectors, become one of `real`: the second is met from its end, then strides halve. What lies
// past the real ones is infinite and stays where it is, so no comparator touches it but in the last chunk.
template <class L>
PLIMSOLL_INLINE void merge(L* at, int half, int real) {
  for (int i = 2 * half - real; i < half; ++i) order(at[i], at[2 * half - 1 - i]);
  for (int stride = half / 2; stride >= chunk; stride /= 2)
    for (int begin = 0; begin + stride < real; begin += 2 * stride)
      for (int i = begin; i < begin + stride && i + stride < real; ++i) order(at[i], at[i + stride]);
  for (int begin = 0; begin < real; begin += chunk) merge_chunk(at + begin, real - begin);
}

template <class L>
PLIMSOLL_INLINE void sort_network(L* at, const Shape& shape) {
  for (int begin = 0; begin < shape.members; begin += chunk) sort_chunk(at + begin, shape.members - begin);
  for (int half = chunk; half < shape.members; half *= 2)
    for (int begin = 0; begin + half < shape.members; begin += 2 * half) merge(at + begin, half, std::min(2 * half, shape.members - begin));
}

// Where the rows of one tile stand.
struct Tile {
  const double* const* member;  // columns
  const double* observed;       // of the tile's first row
  EnsembleRows* out;
  std::int64_t at;  // its first row
  bool moments;
};

// W rows at once; `d` holds shape.padded vectors. Without `moments` only S and H are filled.
template <int W, bool moments>
PLIMSOLL_INLINE void score_lanes(const Tile& tile, std::int64_t row, const Shape& shape, typename LanesOf<W>::type* d) {
  using L = typename LanesOf<W>::type;
  using I = typename LanesOf<W>::mask;
  L y;
  std::memcpy(&y, tile.observed + row, sizeof y);
  L total = {};
  L absolute = {};
  I below = {};
  I ties = {};
  for (int j = 0; j < shape.members; ++j) {
    L x;
    const double* const from = tile.member[j] + tile.at + row;
    std::memcpy(&x, from, sizeof x);
    // More columns are read side by side than a processor follows by itself: ask for the next tile's part of each.
    __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(from) + tile_rows * sizeof(double)));
    const L difference = x - y;
    d[j] = difference;
    if constexpr (moments) total += difference;
    absolute += difference < 0.0 ? -difference : difference;
    if constexpr (moments) {
      below -= difference < 0.0;
      ties -= difference == 0.0;
    }
  }
  for (int j = shape.members; j < shape.padded; ++j) d[j] = L{} + std::numeric_limits<double>::infinity();
  const double count = shape.members;
  const L mean = total / count;
  L squares = {};
  for (int j = 0; moments && j < shape.members; ++j) {
    const L c = d[j] - mean;
    squares += c * c;
  }
  sort_network(d, shape);
  L differences = {};
  double factor = 1 - count;
  for (int j = 0; j < shape.members; ++j) {
    differences += factor * d[j];
    factor += 2;
  }
  absolute /= count;
  differences /= count * (count - 1);
  squares /= count - 1;
  for (int l = 0; l < W; ++l) {
    const auto i = static_cast<std::size_t>(tile.at + row + l);
    tile.out->absolute_error[i] = absolute[l];
    tile.out->half_difference[i] = differences[l];
    if constexpr (!moments) continue;
    tile.out->error[i] = mean[l];
    tile.out->variance[i] = squares[l];
    tile.out->below[i] = static_cast<std::int32_t>(below[l]);
    tile.out->ties[i] = static_cast<std::int32_t>(ties[l]);
    tile.out->used[i] = shape.members;
  }
}

// `rows` is a multiple of eight.
template <int W>
PLIMSOLL_INLINE void score_tile(const Tile& tile, std::int64_t rows, const Shape& shape, double* work) {
  auto* d = reinterpret_cast<typename LanesOf<W>::type*>(work);
  if (tile.moments)
    for (std::int64_t row = 0; row < rows; row += W) score_lanes<W, true>(tile, row, shape, d);
  else
    for (std::int64_t row = 0; row < rows; row += W) score_lanes<W, false>(tile, row, shape, d);
}

#if defined(__x86_64__)
__attribute__((target("avx512f,avx512dq"))) void score_tile_512(const Tile& tile, std::int64_t rows, const Shape& shape, double* work) {
  score_tile<8>(tile, rows, shape, work);
}
__attribute__((target("avx2"))) void score_tile_256(const Tile& tile, std::int64_t rows, const Shape& shape, double* work) {
  score_tile<4>(tile, rows, shape, work);
}
#endif
void score_tile_128(const Tile& tile, std::int64_t rows, const Shape& shape, double* work) { score_tile<2>(tile, rows, shape, work); }

using TileCall = void (*)(const Tile&, std::int64_t, const Shape&, double*);
TileCall tile_call() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return &score_tile_512;
  if (__builtin_cpu_supports("avx2")) return &score_tile_256;
#endif
  return &score_tile_128;
}

void leave_unscored(EnsembleRows& out, std::size_t i) {
  out.absolute_error[i] = out.half_difference[i] = out.error[i] = out.variance[i] = missing_value;
  out.below[i] = out.ties[i] = 0;
}

// One row by itself: what is missing or very long. False if it holds an infinity.
bool score_one(const EnsembleView& view, std::int64_t row, MissingMember missing, EnsembleRows& out, std::vector<double>& d) {
  const auto i = static_cast<std::size_t>(row);
  const double y = view.observed[row];
  d.clear();
  bool infinite = std::isinf(y);
  for (const double* member : view.member) {
    infinite = infinite || std::isinf(member[row]);
    if (!std::isnan(member[row])) d.push_back(member[row] - y);
  }
  leave_unscored(out, i);
  out.used[i] = std::isnan(y) ? 0 : static_cast<std::int32_t>(d.size());
  if (infinite) return false;
  if (out.used[i] == 0 || (missing == MissingMember::propagate && d.size() < view.member.size())) return true;
  const auto count = static_cast<double>(d.size());
  double total = 0;
  double absolute = 0;
  for (const double x : d) {
    total += x;
    absolute += std::fabs(x);
    out.below[i] += x < 0 ? 1 : 0;
    out.ties[i] += x == 0 ? 1 : 0;
  }
  double squares = 0;
  for (const double x : d) squares += (x - total / count) * (x - total / count);
  std::sort(d.begin(), d.end());
  out.absolute_error[i] = absolute / count;
  out.error[i] = total / count;
  if (d.size() > 1) {
    out.half_difference[i] = sum_of_differences(d) / (count * (count - 1));
    out.variance[i] = squares / (count - 1);
  }
  return true;
}

struct Free {
  void operator()(double* p) const { ::operator delete[](p, std::align_val_t{64}); }
};
using Aligned = std::unique_ptr<double[], Free>;
Aligned aligned(std::size_t count) { return Aligned(static_cast<double*>(::operator new[](count * sizeof(double), std::align_val_t{64}))); }

}  // namespace

EnsembleRows::EnsembleRows(std::size_t rows)
    : absolute_error(rows), half_difference(rows), error(rows), variance(rows), below(rows), ties(rows), used(rows) {}

double sum_of_differences(std::span<const double> sorted) {
  double factor = 1 - static_cast<double>(sorted.size());
  double sum = 0;
  for (const double x : sorted) {
    sum += factor * x;
    factor += 2;
  }
  return sum;
}

namespace {

std::int64_t score_rows(const EnsembleView& view, std::int64_t begin, std::int64_t end, MissingMember missing, bool moments, EnsembleRows& out) {
  const std::size_t members = view.member.size();
  std::int64_t first_infinite = -1;
  std::vector<double> spare;
  const auto alone = [&](std::int64_t row) {
    if (!score_one(view, row, missing, out, spare) && first_infinite < 0) first_infinite = row;
  };
  std::int64_t row = begin;
  if (members >= 2 && members <= static_cast<std::size_t>(widest)) {
    const Shape shape = shape_of(members);
    const Aligned work = aligned(static_cast<std::size_t>(shape.padded) * 8);
    const TileCall call = tile_call();
    for (std::int64_t rows = 0; end - row >= 8; row += rows) {
      rows = std::min<std::int64_t>(tile_rows, (end - row) & ~std::int64_t{7});
      call({view.member.data(), view.observed + row, &out, row, moments}, rows, shape, work.get());
      for (std::int64_t i = row; i < row + rows; ++i)
        if (!std::isfinite(out.absolute_error[static_cast<std::size_t>(i)])) alone(i);
    }
  }
  for (; row < end; ++row) alone(row);
  return first_infinite;
}

}  // namespace

std::int64_t score_ensemble_rows(const EnsembleView& view, std::int64_t begin, std::int64_t end, MissingMember missing, EnsembleRows& out) {
  return score_rows(view, begin, end, missing, true, out);
}

// Blocks keep what is not asked for in the cache.
std::int64_t ensemble_crps(const EnsembleView& view, CrpsKind kind, double alpha, MissingMember missing, std::span<double> scores) {
  constexpr std::int64_t block = 4096;
  const auto members = static_cast<std::int32_t>(view.member.size());
  const double share = crps_share(kind, members, alpha);
  const auto rows = static_cast<std::int64_t>(scores.size());
  EnsembleRows out(static_cast<std::size_t>(std::min(rows, block)));
  std::vector<const double*> columns(view.member.begin(), view.member.end());
  std::int64_t first_infinite = -1;
  for (std::int64_t at = 0; at < rows; at += block) {
    const std::int64_t count = std::min(block, rows - at);
    std::fill(out.used.begin(), out.used.end(), members);
    const std::int64_t infinite = score_rows({columns, view.observed + at}, 0, count, missing, false, out);
    if (infinite >= 0 && first_infinite < 0) first_infinite = at + infinite;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const bool whole = out.used[k] == members && members > 1;
      scores[static_cast<std::size_t>(at + i)] =
          whole ? out.absolute_error[k] - share * out.half_difference[k] : crps_of(kind, out.absolute_error[k], out.half_difference[k], out.used[k], alpha);
    }
    for (const double*& column : columns) column += count;
  }
  return first_infinite;
}

}  // namespace plimsoll::stats

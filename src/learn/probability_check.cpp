// SPDX-License-Identifier: Apache-2.0
// The one reader's rule for class probabilities (class_scores.h), in tiles: sums and ranges column by column, rows looked at
// one by one only where a tile has something to say.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>

#include "learn/class_scores.h"

namespace plimsoll::learn {
namespace {

constexpr std::size_t tile = 512;
constexpr std::size_t ahead = 256;  // values prefetched before they are read
constexpr double range_slack = 1e-9;
constexpr double sum_warned = 1e-6;
constexpr double sum_refused = 1e-3;

bool in_range(double p) { return p >= -range_slack && p <= 1.0 + range_slack; }

typedef double Pair __attribute__((vector_size(16)));
typedef long long PairMask __attribute__((vector_size(16)));

// Adds up to four columns to the rows' sums; whether every number is in range (a value that is none shows in its sum).
// Out of range is a sign: of p - low or of high - p, gathered without a comparison.
template <int Columns>
bool add_columns(const double* const* p, std::size_t count, double* sums) {
  const Pair low = {-range_slack, -range_slack};
  const Pair high = {1.0 + range_slack, 1.0 + range_slack};
  PairMask signs = {0, 0};
  std::size_t i = 0;
  for (; i + 2 <= count; i += 2) {
    Pair sum;
    std::memcpy(&sum, sums + i, sizeof sum);
    // The processor follows few columns at once by itself: the next tile is asked for in time. Past the end this does nothing.
    if (i % 8 == 0)
      for (int c = 0; c < Columns; ++c) __builtin_prefetch(p[c] + i + ahead);
    for (int c = 0; c < Columns; ++c) {
      Pair value;
      std::memcpy(&value, p[c] + i, sizeof value);
      signs |= reinterpret_cast<PairMask>(value - low) | reinterpret_cast<PairMask>(high - value);
      sum += value;
    }
    std::memcpy(sums + i, &sum, sizeof sum);
  }
  bool ranged = (signs[0] | signs[1]) >= 0;
  for (; i < count; ++i) {
    for (int c = 0; c < Columns; ++c) {
      ranged &= in_range(p[c][i]);
      sums[i] += p[c][i];
    }
  }
  return ranged;
}

// All columns of a tile, in their order.
bool add_tile(ClassColumns columns, std::size_t begin, std::size_t count, double* sums) {
  bool ranged = true;
  for (std::size_t c = 0; c < columns.size(); c += 4) {
    const std::size_t wide = std::min<std::size_t>(4, columns.size() - c);
    const double* at[4] = {};
    for (std::size_t k = 0; k < wide; ++k) at[k] = columns[c + k].data() + begin;
    if (wide == 4) ranged &= add_columns<4>(at, count, sums);
    else if (wide == 3) ranged &= add_columns<3>(at, count, sums);
    else if (wide == 2) ranged &= add_columns<2>(at, count, sums);
    else ranged &= add_columns<1>(at, count, sums);
  }
  return ranged;
}

std::string in_words(double x) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", x);
  return text;
}

// First offence of a row that has one.
void refuse(ProbabilityCheck& check, ClassColumns columns, std::size_t i, std::int64_t row, double sum) {
  if (check.bad_row >= 0 && check.bad_row <= row) return;
  check.bad_row = row;
  check.bad_class = -1;
  check.bad_value = sum;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (in_range(columns[c][i])) continue;
    check.bad_class = static_cast<std::int64_t>(c);
    check.bad_value = columns[c][i];
    return;
  }
}

}  // namespace

void ProbabilityCheck::add(ClassColumns columns, std::int64_t first_row) {
  const std::size_t count = columns.empty() ? 0 : columns.front().size();
  std::array<double, tile> sums;
  for (std::size_t begin = 0; begin < count; begin += tile) {
    const std::size_t size = std::min(tile, count - begin);
    std::fill(sums.begin(), sums.begin() + static_cast<std::ptrdiff_t>(size), 0.0);
    const bool ranged = add_tile(columns, begin, size, sums.data());
    double largest = 0;
    bool exact = true;
    for (std::size_t i = 0; i < size; ++i) {
      const double gap = std::fabs(sums[i] - 1.0);
      largest = gap > largest ? gap : largest;
      exact &= gap <= sum_warned;
    }
    worst = std::max(worst, largest);
    if (ranged && exact) continue;
    for (std::size_t i = 0; i < size; ++i) {
      const double gap = std::fabs(sums[i] - 1.0);
      bool fine = gap <= sum_refused;
      for (std::size_t c = 0; fine && c < columns.size(); ++c) fine = in_range(columns[c][begin + i]);
      if (!fine) refuse(*this, columns, begin + i, first_row + static_cast<std::int64_t>(begin + i), sums[i]);
      else if (gap > sum_warned) ++off;
    }
  }
  rows += static_cast<std::int64_t>(count);
}

void ProbabilityCheck::merge(const ProbabilityCheck& other) {
  rows += other.rows;
  off += other.off;
  worst = std::max(worst, other.worst);
  if (other.bad_row >= 0 && (bad_row < 0 || other.bad_row < bad_row)) {
    bad_row = other.bad_row;
    bad_class = other.bad_class;
    bad_value = other.bad_value;
  }
}

Result<void> ProbabilityCheck::result(std::span<const std::string_view> names) const {
  if (bad_row < 0) return {};
  if (bad_class < 0) {
    return Error(ErrorCode::bad_value, "the class probabilities of a row sum to " + in_words(bad_value),
                 "Give one column for every class; scores or logits must be turned into probabilities first.")
        .at_row(bad_row);
  }
  const auto c = static_cast<std::size_t>(bad_class);
  return Error(ErrorCode::bad_value, "a probability is " + in_words(bad_value),
               "Probabilities lie between 0 and 1: divide per cents by 100, turn logits into probabilities.")
      .in_column(c < names.size() ? std::string(names[c]) : std::to_string(c))
      .at_row(bad_row);
}

}  // namespace plimsoll::learn

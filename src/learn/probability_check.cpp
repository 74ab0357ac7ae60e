// SPDX-License-Identifier: Apache-2.0
// The one reader's rule for class probabilities (class_scores.h), in tiles: sums and ranges column by column, rows looked at
// one by one only where a tile has something to say.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "learn/class_scores.h"
#include "learn/class_tiles.h"

namespace plimsoll::learn {
namespace {

constexpr double range_slack = 1e-9;
constexpr double sum_warned = 1e-6;
constexpr double sum_refused = 1e-3;

bool in_range(double p) { return p >= -range_slack && p <= 1.0 + range_slack; }

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

void ProbabilityCheck::add(ClassColumns columns, std::int64_t first_row) { add_tiles(columns, first_row, nullptr, nullptr); }

void ProbabilityCheck::add_and_hash(ClassColumns columns, std::int64_t first_row, std::span<const WordSpread> spreads, std::span<std::uint64_t> hashes) {
  add_tiles(columns, first_row, spreads.data(), hashes.data());
}

void ProbabilityCheck::add_tiles(ClassColumns columns, std::int64_t first_row, const WordSpread* spreads, std::uint64_t* hashes) {
  const ClassLoops& loops = class_loops();
  const std::size_t count = columns.empty() ? 0 : columns.front().size();
  std::array<double, class_tile> sums;
  std::vector<const double*> at(columns.size());
  for (std::size_t begin = 0; begin < count; begin += class_tile) {
    const std::size_t size = std::min(class_tile, count - begin);
    for (std::size_t c = 0; c < at.size(); ++c) at[c] = columns[c].data() + begin;
    const TileCheck found = spreads != nullptr ? loops.check_and_hash(at.data(), spreads, at.size(), size, sums.data(), hashes + begin)
                                               : loops.check(at.data(), at.size(), size, sums.data());
    worst = std::max(worst, found.largest);
    if (found.ranged && found.exact) continue;
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

// SPDX-License-Identifier: Apache-2.0
// Do two sets share rows, beyond rows that repeat?
//
// Honest tables repeat rows: three quarters of a random half of the binary adult table stand in its other half. So a share
// alone proves nothing. Under the null hypothesis that a pool of rows was cut at random into two sets of n1 and n2 rows, a row
// that stands m times in the pool is on both sides with chance
//     q(m) = 1 - p^m - (1 - p)^m,   p = n1 / (n1 + n2),
// whatever the table's repeats are, since the pool's own counts m are given. With K rows (distinct, m >= 2) on both sides,
// Chernoff's bound for a sum of independent indicators gives
//     P(K or more) <= min over t >= 0 of exp(sum log(1 + q(m) (e^t - 1)) - t K).
// In a copy a single row becomes a pair, of which both halves are always apart: 20 rows without repeats suffice for 1e-6. Rows
// that repeat often are on both sides by themselves and are no evidence either way: a table of nothing but such rows is not
// refused, only warned of. A fixed n1 instead of independent coins makes the indicators less variable, not more.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "table/fingerprint.h"

namespace plimsoll {
namespace {

constexpr double share_refused = 0.99;
constexpr double level = 1e-6;

struct Shared {
  std::int64_t rows_of_first = 0;   // within the range of hashes that both sketches know
  std::int64_t rows_of_second = 0;
  std::int64_t shared_of_first = 0;
  std::int64_t shared_of_second = 0;
  std::int64_t shared_distinct = 0;
  std::map<std::int64_t, std::int64_t> pooled;  // how many distinct rows stand m times in the pool, m >= 2
};

std::uint64_t known_up_to(const RowFingerprint& print) {
  if (print.exact() || print.counts().empty()) return std::numeric_limits<std::uint64_t>::max();
  return print.counts().rbegin()->first;
}

Shared count_shared(const RowFingerprint& first, const RowFingerprint& second) {
  Shared shared;
  const std::uint64_t limit = std::min(known_up_to(first), known_up_to(second));
  auto a = first.counts().begin();
  auto b = second.counts().begin();
  const auto a_end = first.counts().upper_bound(limit);
  const auto b_end = second.counts().upper_bound(limit);
  while (a != a_end || b != b_end) {
    const bool in_first = a != a_end && (b == b_end || a->first <= b->first);
    const bool in_second = b != b_end && (a == a_end || b->first <= a->first);
    const std::int64_t count_first = in_first ? a->second : 0;
    const std::int64_t count_second = in_second ? b->second : 0;
    shared.rows_of_first += count_first;
    shared.rows_of_second += count_second;
    if (in_first && in_second) {
      shared.shared_of_first += count_first;
      shared.shared_of_second += count_second;
      ++shared.shared_distinct;
    }
    if (count_first + count_second >= 2) ++shared.pooled[count_first + count_second];
    if (in_first) ++a;
    if (in_second) ++b;
  }
  return shared;
}

// The exponent of Chernoff's bound at t.
double exponent(const std::vector<std::pair<double, double>>& chances, double shared, double t) {
  double sum = -t * shared;
  const double grown = std::expm1(t);
  for (const auto& [chance, count] : chances) sum += count * std::log1p(chance * grown);
  return sum;
}

// An upper bound on the logarithm of the chance that a random cut puts so many distinct rows on both sides.
double log_chance(const Shared& shared, double p) {
  std::vector<std::pair<double, double>> chances;
  double expected = 0;
  for (const auto& [m, count] : shared.pooled) {
    const double exponent_m = static_cast<double>(m);
    const double chance = std::clamp(1 - std::pow(p, exponent_m) - std::pow(1 - p, exponent_m), 0.0, 1.0);
    chances.emplace_back(chance, static_cast<double>(count));
    expected += chance * static_cast<double>(count);
  }
  const double k = static_cast<double>(shared.shared_distinct);
  if (k <= expected) return 0;
  // Convex in t: thirds close in on the least; any t gives a valid bound.
  double low = 0;
  double high = 60;
  for (int step = 0; step < 120; ++step) {
    const double left = low + (high - low) / 3;
    const double right = high - (high - low) / 3;
    if (exponent(chances, k, left) <= exponent(chances, k, right)) {
      high = right;
    } else {
      low = left;
    }
  }
  return std::min(0.0, exponent(chances, k, (low + high) / 2));
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string unseen_note(const Overlap& overlap) {
  if (overlap.exact) return "";
  char text[96];
  std::snprintf(text, sizeof text, " (by a sketch of 4,096 rows; a shared part of 1 %% goes unseen with chance %.1e)", overlap.unseen_chance);
  return text;
}

std::string sentence_by_id(const Overlap& overlap, const Shared& shared) {
  if (!overlap.refused) return "No id stands in both sets" + unseen_note(overlap) + ".";
  return std::to_string(shared.shared_distinct) + (shared.shared_distinct == 1 ? " id stands" : " ids stand") + " in both sets (" +
         percent(overlap.share_of_first) + " of the first, " + percent(overlap.share_of_second) + " of the second)" + unseen_note(overlap) + ".";
}

std::string sentence_by_row(const Overlap& overlap, const Shared& shared) {
  if (shared.shared_distinct == 0) return "No row stands in both sets" + unseen_note(overlap) + ".";
  const std::string shares = percent(overlap.share_of_first) + " of the first set's rows stand in the second and " + percent(overlap.share_of_second) +
                             " of the second's in the first" + unseen_note(overlap);
  if (overlap.refused) return shares + ": more than rows that repeat explain, so one set holds the other's rows.";
  return shares + ": rows that repeat can explain this; bind --id to be sure.";
}

}  // namespace

Overlap compare(const RowFingerprint& first, const RowFingerprint& second) {
  Overlap overlap;
  overlap.exact = first.exact() && second.exact();
  overlap.unseen_chance = overlap.exact ? 0 : std::pow(0.99, static_cast<double>(RowFingerprint::most));
  if (first.rows() == 0 || second.rows() == 0) {
    overlap.sentence = "One of the sets has no rows.";
    return overlap;
  }
  if (first.by_id() != second.by_id()) {
    overlap.exact = false;
    overlap.unseen_chance = 1;
    overlap.sentence = "One set is known by its ids and the other by its whole rows, so shared rows cannot be seen; bind --id for both.";
    return overlap;
  }
  const Shared shared = count_shared(first, second);
  if (shared.rows_of_first > 0) overlap.share_of_first = static_cast<double>(shared.shared_of_first) / static_cast<double>(shared.rows_of_first);
  if (shared.rows_of_second > 0) overlap.share_of_second = static_cast<double>(shared.shared_of_second) / static_cast<double>(shared.rows_of_second);
  if (first.by_id()) {
    overlap.refused = shared.shared_distinct > 0;
    overlap.sentence = sentence_by_id(overlap, shared);
    return overlap;
  }
  const double n1 = static_cast<double>(first.rows());
  const double n2 = static_cast<double>(second.rows());
  const bool nearly_all = overlap.share_of_first >= share_refused || overlap.share_of_second >= share_refused;
  overlap.refused = nearly_all && log_chance(shared, n1 / (n1 + n2)) < std::log(level);
  overlap.sentence = sentence_by_row(overlap, shared);
  return overlap;
}

}  // namespace plimsoll

// SPDX-License-Identifier: Apache-2.0
#include "stats/ranked_outcomes.h"

#include <cmath>
#include <limits>
#include <string>

#include "stats/radix_sort.h"

namespace plimsoll::stats {

void sort_words(Scratch<std::uint64_t>& words, Scratch<std::uint64_t>& other) {
  radix_sort(words, other, [](std::uint64_t word) { return word; });
}

Result<void> check_ranking(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight) {
  if (score.size() != outcome.size() || (!weight.empty() && weight.size() != score.size()))
    return Error(ErrorCode::bad_parameter, "scores, outcomes and weights differ in length");
  if (score.size() > std::numeric_limits<std::uint32_t>::max())
    return Error(ErrorCode::too_large, "ranking takes fewer than 2^32 rows", "Assess a sample of the rows");
  const auto bad = [](const char* what, std::size_t row) {
    return Error(ErrorCode::bad_value, what, "Drop or mend the row").at_row(static_cast<std::int64_t>(row));
  };
  double sums[2] = {0, 0};
  if (weight.empty()) {
    std::uint64_t ones = 0, wrong = 0;
    for (std::size_t i = 0; i < score.size(); ++i) {
      wrong |= static_cast<std::uint64_t>(score[i] != score[i]) | (static_cast<std::uint32_t>(outcome[i]) & ~1u);
      ones += static_cast<std::uint32_t>(outcome[i]);
    }
    sums[0] = wrong != 0 ? 0 : static_cast<double>(score.size() - ones);
    sums[1] = static_cast<double>(ones);
  }
  for (std::size_t i = 0; (!weight.empty() || !(sums[0] > 0)) && i < score.size(); ++i) {
    if (std::isnan(score[i])) return bad("a score is not a number", i);
    if (outcome[i] != 0 && outcome[i] != 1) return bad("an outcome is neither 0 nor 1", i);
    if (weight.empty()) continue;
    if (!(weight[i] >= 0 && std::isfinite(weight[i]))) return bad("a weight is negative or not finite", i);
    sums[outcome[i]] += weight[i];
  }
  for (int c = 0; c < 2; ++c)
    if (!(sums[c] > 0))
      return Error(ErrorCode::one_class, "no row has outcome " + std::to_string(c), "Ranking needs both outcomes: give more rows");
  return {};
}

RankedOutcomes::RankedOutcomes(std::span<const double> score, std::span<const std::int32_t> outcome) {
  std::size_t below = 0;
  for (const double x : score) below += x < 0 ? 1 : 0;
  words_[0].resize(below);
  words_[1].resize(score.size() - below);
  std::uint64_t* at[2] = {words_[0].data(), words_[1].data()};
  for (std::size_t i = 0; i < score.size(); ++i) {
    const std::uint64_t key = sort_key(score[i]);
    *at[key >> 63]++ = outcome_word(key, outcome[i]);
    positives_ += outcome[i];
  }
  Scratch<std::uint64_t> other;
  for (auto& words : words_) sort_words(words, other);
}

}  // namespace plimsoll::stats

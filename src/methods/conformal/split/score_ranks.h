// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "stats/order_selector.h"

namespace plimsoll::conformal::split {

inline constexpr double infinity = std::numeric_limits<double>::infinity();

// Exact order statistics of a stream at given quantile levels, almost always in one pass. For each level a bracket [low, high]
// is kept that surely holds the level's order statistic if rows come in an exchangeable order: numbers below are counted,
// numbers inside kept. If the order was not exchangeable (a sorted file) the bracket may miss; that is seen by counting, and
// further passes over the numbers find the rank with stats::RankSelector. So the result is exact and order-free whatever
// happens, only the number of passes depends on the order.
// Brackets of two parts are merged by intersection, which loses nothing that is counted.
class ScoreRanks {
 public:
  ScoreRanks() = default;
  explicit ScoreRanks(std::vector<double> levels);  // each in (0, 1); rank k is near level * n

  void update(std::span<const double> numbers);
  Result<void> merge(const ScoreRanks& other);
  // Ends a pass; true when values() stand. Ranks one-based, one a level; ranks beyond count() give infinity.
  Result<bool> end_pass(std::span<const std::int64_t> ranks);

  const std::vector<double>& values() const { return values_; }
  std::int64_t count() const { return count_; }
  bool fell_back() const { return selecting_; }

  std::string to_bytes() const;
  static Result<ScoreRanks> from_bytes(std::string_view bytes);

 private:
  struct Bracket {
    double level = 0;
    double low = 0;
    double high = 0;
    std::int64_t below = 0;
    bool lost = false;          // too many equal numbers, or the rank left the bracket
    std::vector<double> kept;
  };
  void take(std::span<const double> numbers);
  void shrink(Bracket& bracket) const;
  void cut(Bracket& bracket, double low, double high) const;

  std::vector<Bracket> brackets_;
  std::int64_t count_ = 0;
  bool selecting_ = false;
  bool done_ = false;               // values stand: later passes, for another's sake, are not looked at
  std::vector<double> values_;
  std::vector<std::size_t> asked_;  // which levels the selector was asked for
  stats::RankSelector selector_;
};

}  // namespace plimsoll::conformal::split

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/scratch.h"
#include "stats/pav.h"

namespace plimsoll::stats {

// Outcomes by distinct score: all that isotonic regression, Venn-Abers, histograms and maps of few parameters need of 0/1
// rows. A mergeable sum of class A: the result is a function of the multiset of rows. Without weights counts are whole
// numbers; weights are held in units of 2^-64, so that their sums are exact (a total below 2^62; smaller bits are cut off).
// Memory is bounded: up to `most` distinct scores are exact. Beyond, the low bits of all scores are dropped, as few as
// bring the distinct scores down to `most`, and a score stands for the middle of its cell (`dropped_bits` says how many).
class ScorePools {
 public:
  static constexpr std::size_t most = std::size_t{1} << 20;
  explicit ScorePools(std::size_t most_distinct = most) : most_(most_distinct) {}

  // Outcomes 0 or 1; weights empty or one per row. bad_value with the row: a NaN score, another outcome, a weight that is
  // negative, not finite or above 2^40. Rows of weight 0 are left out. A part with and one without weights cannot meet.
  Result<void> add(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight = {});
  Result<void> merge(const ScorePools& other);

  // By rising score, weights positive; sums of weights per outcome as rounded once from the exact sums.
  std::span<const Pool> pools() const;
  std::int64_t rows() const { return rows_[0] + rows_[1]; }          // with weight
  std::int64_t rows_of(int outcome) const { return rows_[static_cast<std::size_t>(outcome)]; }
  bool weighted() const { return weighted_; }
  int dropped_bits() const;

  std::string to_bytes() const;
  static Result<ScorePools> from_bytes(std::string_view bytes);

 private:
  __extension__ typedef unsigned __int128 Wide;
  template <class Sum>
  struct Cell {
    std::uint64_t key;
    std::array<Sum, 2> sum;
  };
  void add_counted(std::span<const double> score, std::span<const std::int32_t> outcome);
  void add_weighted(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight);
  template <class Sum>
  void fold(std::vector<Cell<Sum>>& cells, std::vector<Cell<Sum>> fresh, bool distinct = false) const;
  template <class Sum>
  static void join_equal(std::vector<Cell<Sum>>& cells);
  template <class Sum>
  void coarsen(std::vector<Cell<Sum>>& cells) const;
  template <class Sum>
  void read_pools(const std::vector<Cell<Sum>>& cells, double unit) const;
  void sort_waiting() const;
  bool read_waiting() const;
  void settle() const;
  std::uint64_t mask() const { return ~((std::uint64_t{1} << dropped_) - 1); }

  std::size_t most_;
  std::array<std::int64_t, 2> rows_{};
  bool weighted_ = false;
  // What is waiting to be sorted, and what is; reading settles the one into the other without changing what the sum means.
  mutable int dropped_ = 0;
  mutable std::array<Scratch<std::uint64_t>, 2> words_;  // rows without weights: scores below zero, the others
  mutable bool sorted_ = false;
  mutable std::vector<Cell<Wide>> waiting_;
  mutable std::vector<Cell<std::uint64_t>> counts_;
  mutable std::vector<Cell<Wide>> weights_;
  mutable Scratch<Pool> pools_;
  mutable bool read_ = false;
};

// Neighbouring pools together until at most `most` are left, each at the mean score of its rows: a start for Newton steps.
std::vector<Pool> gather_pools(std::span<const Pool> pools, std::size_t most);

}  // namespace plimsoll::stats

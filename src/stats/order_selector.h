// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace plimsoll::stats {

// Exact order statistics of more numbers than fit memory, in a few passes over them, by a state that can be merged.
//
//   RankSelector all;                                  // or one a worker, merged
//   for (;;) {
//     for each batch: all.update(batch);               // workers: part = all.fresh(); part.update(...); all.merge(part)
//     PLIMSOLL_TRY(bool done, all.end_pass(ranks));    // ranks may depend on all.count(), known after the first pass
//     if (done) break;                                 // else show it the same numbers again
//   }
//   double kth = all.values()[0];
//
// Up to 2^20 numbers are kept as they come: one pass. Beyond, pass one counts 2^16 cells of the sortable key (sort_key.h);
// later passes keep the numbers of the wanted cells if they are few, else count their finer cells; a cell of one single
// number needs no further pass. At most 5 passes for up to 16 ranks, 9 for up to 4096; 2 is usual below 10^8 numbers.
// Size of the state: below 32 MB, whatever is shown; 0.5 MB where only the first cells are counted.
// The answers are a function of the multiset of numbers (class A): any order, any cuts, any merging gives the same.
// NaN is counted apart and has no rank. Minus zero counts as zero.
class RankSelector {
 public:
  void update(std::span<const double> numbers);

  // Adds what `other` saw in the same pass with the same plan (a copy made by fresh()); `bad_parameter` else.
  Result<void> merge(const RankSelector& other);

  // The same plan, nothing seen in this pass: what a worker starts from.
  RankSelector fresh() const;

  // Ends a pass; true when values() stand. `ranks` are one-based in any order and may repeat; they are read at the end of
  // the first pass only. Errors: bad_parameter (rank outside [1, count()]), too_large (more than 4096 ranks), bad_value
  // (a later pass was shown other numbers than the first).
  Result<bool> end_pass(std::span<const std::uint64_t> ranks);

  const std::vector<double>& values() const { return values_; }  // in the order of `ranks`, once end_pass said true
  std::uint64_t count() const { return count_; }                 // numbers of the first pass, NaN left out
  std::uint64_t nans() const { return nans_; }                   // NaN seen in the current pass
  int pass() const { return pass_; }                             // 1 at the start

  // Canonical: equal for equal multisets. `corrupt_file` for impossible bytes.
  std::string to_bytes() const;
  static Result<RankSelector> from_bytes(std::string_view bytes);

 private:
  // A range of keys [low, low + 2^(64 - depth)) that holds a wanted rank.
  struct Target {
    std::uint64_t low = 0;
    int depth = 0;            // leading bits of the key that are known
    bool collect = true;      // keep the numbers, else count cells
    std::uint64_t below = 0;  // numbers smaller than `low`
    std::uint64_t expected = 0;
    std::vector<std::uint64_t> kept;   // keys
    std::vector<std::uint64_t> cells;  // 2^cell_bits_ counters of the bits after `depth`
    std::uint64_t seen() const;
  };
  struct Codec;  // reads and writes bytes

  static constexpr std::uint64_t most_kept = std::uint64_t{1} << 20;
  static constexpr std::size_t most_ranks = 4096;

  bool same_plan(const RankSelector& other) const;
  void take_one(std::span<const double> numbers, Target& target);
  void take_many(std::span<const double> numbers);
  void put(Target& target, std::uint64_t key) const;
  void spill(Target& target) const;
  Result<void> start_plan(std::span<const std::uint64_t> ranks);
  Result<void> check_counts() const;
  void refine();
  void narrow(Target& target, std::span<const std::uint64_t> ranks, std::vector<Target>& next);
  void set_value(std::uint64_t rank, std::uint64_t key);

  int pass_ = 1;
  int cell_bits_ = 16;
  bool done_ = false;
  std::uint64_t count_ = 0;
  std::uint64_t nans_ = 0;
  std::vector<Target> targets_ = {Target{}};  // by rising `low`
  std::vector<std::uint64_t> ranks_;          // as asked
  std::vector<double> values_;
};

}  // namespace plimsoll::stats

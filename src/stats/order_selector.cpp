// SPDX-License-Identifier: Apache-2.0
// Multi-pass selection (Munro and Paterson 1980) by radix cells of the sortable key instead of sampled pivots, so that the
// plan of a pass depends on counts alone and states of parts can be added.
#include "stats/order_selector.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "stats/sort_key.h"

namespace plimsoll::stats {
namespace {

bool is_number(std::uint64_t key) { return key >= lowest_key && key <= highest_key; }

// Keys of [low, low + 2^(64 - depth)): `key - low` at most this.
std::uint64_t span_of(int depth) { return depth >= 64 ? 0 : ~std::uint64_t{0} >> depth; }

}  // namespace

std::uint64_t RankSelector::Target::seen() const {
  return kept.size() + std::accumulate(cells.begin(), cells.end(), std::uint64_t{0});
}

void RankSelector::put(Target& target, std::uint64_t key) const {
  if (target.collect) {
    target.kept.push_back(key);
    if (target.kept.size() > most_kept) spill(target);
  } else {
    ++target.cells[((key - target.low) << target.depth) >> (64 - cell_bits_)];
  }
}

// Only the first pass may find more numbers than it keeps, or a later one that is shown other numbers.
void RankSelector::spill(Target& target) const {
  target.collect = false;
  target.cells.assign(std::size_t{1} << cell_bits_, 0);
  for (const std::uint64_t key : target.kept) put(target, key);
  target.kept = {};
}

void RankSelector::take_one(std::span<const double> numbers, Target& target) {
  std::size_t i = 0;
  const std::uint64_t width = span_of(target.depth);
  while (i < numbers.size() && target.collect) {
    const std::uint64_t key = sort_key(numbers[i++]);
    if (!is_number(key)) ++nans_;
    else if (key - target.low <= width) put(target, key);
  }
  if (i == numbers.size()) return;
  std::uint64_t* const cells = target.cells.data();
  const std::uint64_t low = target.low;
  const int depth = target.depth;
  const int shift = 64 - cell_bits_;
  for (; i < numbers.size(); ++i) {
    const std::uint64_t key = sort_key(numbers[i]);
    if (!is_number(key)) [[unlikely]]
      ++nans_;
    else if (key - low <= width) ++cells[((key - low) << depth) >> shift];
  }
}

void RankSelector::take_many(std::span<const double> numbers) {
  for (const double x : numbers) {
    const std::uint64_t key = sort_key(x);
    if (!is_number(key)) {
      ++nans_;
      continue;
    }
    const auto after =
        std::upper_bound(targets_.begin(), targets_.end(), key, [](std::uint64_t k, const Target& t) { return k < t.low; });
    if (after == targets_.begin()) continue;
    Target& target = *(after - 1);
    if (key - target.low <= span_of(target.depth)) put(target, key);
  }
}

void RankSelector::update(std::span<const double> numbers) {
  const std::uint64_t nans_before = nans_;
  if (targets_.size() == 1) take_one(numbers, targets_[0]);
  else take_many(numbers);
  if (pass_ == 1) count_ += numbers.size() - (nans_ - nans_before);
}

bool RankSelector::same_plan(const RankSelector& other) const {
  if (pass_ != other.pass_ || cell_bits_ != other.cell_bits_ || done_ != other.done_ || ranks_ != other.ranks_) return false;
  if (pass_ > 1 && count_ != other.count_) return false;
  return std::equal(targets_.begin(), targets_.end(), other.targets_.begin(), other.targets_.end(),
                    [](const Target& a, const Target& b) {
                      return a.low == b.low && a.depth == b.depth && a.below == b.below && a.expected == b.expected;
                    });
}

Result<void> RankSelector::merge(const RankSelector& other) {
  if (!same_plan(other))
    return Error(ErrorCode::bad_parameter, "selectors of different passes cannot be merged", "Start workers from fresh()");
  nans_ += other.nans_;
  if (pass_ == 1) count_ += other.count_;
  for (std::size_t t = 0; t < targets_.size(); ++t) {
    Target& mine = targets_[t];
    const Target& theirs = other.targets_[t];
    if (mine.collect && !theirs.collect) spill(mine);
    for (const std::uint64_t key : theirs.kept) put(mine, key);
    if (!theirs.collect)
      for (std::size_t c = 0; c < theirs.cells.size(); ++c) mine.cells[c] += theirs.cells[c];
  }
  return {};
}

RankSelector RankSelector::fresh() const {
  RankSelector copy;
  copy.pass_ = pass_;
  copy.cell_bits_ = cell_bits_;
  copy.done_ = done_;
  copy.count_ = pass_ == 1 ? 0 : count_;
  copy.ranks_ = ranks_;
  copy.values_ = values_;
  copy.targets_.clear();
  for (const Target& target : targets_) {
    Target empty{target.low, target.depth, target.collect || pass_ == 1, target.below, target.expected, {}, {}};
    if (!empty.collect) empty.cells.assign(std::size_t{1} << cell_bits_, 0);
    copy.targets_.push_back(std::move(empty));
  }
  return copy;
}

Result<void> RankSelector::start_plan(std::span<const std::uint64_t> ranks) {
  if (ranks.size() > most_ranks)
    return Error(ErrorCode::too_large, "more than 4096 ranks asked of one selector", "Ask for fewer");
  for (const std::uint64_t rank : ranks)
    if (rank < 1 || rank > count_)
      return Error(ErrorCode::bad_parameter, "rank " + std::to_string(rank) + " of " + std::to_string(count_) + " numbers",
                   "Ask for a rank from 1 to the count");
  ranks_.assign(ranks.begin(), ranks.end());
  values_.assign(ranks.size(), 0);
  targets_[0].expected = count_;
  return {};
}

Result<void> RankSelector::check_counts() const {
  for (const Target& target : targets_)
    if (target.seen() != target.expected)
      return Error(ErrorCode::bad_value, "a later pass was shown other numbers than the first",
                   "Keep the data unchanged while it is read");
  return {};
}

void RankSelector::set_value(std::uint64_t rank, std::uint64_t key) {
  for (std::size_t i = 0; i < ranks_.size(); ++i)
    if (ranks_[i] == rank) values_[i] = of_sort_key(key);
}

// Splits a counted target into the cells that hold its ranks (sorted, distinct); answers those whose cell is one number.
void RankSelector::narrow(Target& target, std::span<const std::uint64_t> ranks, std::vector<Target>& next) {
  const int depth = std::min(64, target.depth + cell_bits_);
  std::uint64_t below = target.below;
  std::size_t r = 0;
  for (std::size_t c = 0; c < target.cells.size() && r < ranks.size(); ++c) {
    const std::uint64_t inside = target.cells[c];
    if (ranks[r] <= below + inside) {
      const std::uint64_t low = target.low + (static_cast<std::uint64_t>(c) << (64 - cell_bits_) >> target.depth);
      if (depth < 64) next.push_back({low, depth, false, below, inside, {}, {}});
      for (; r < ranks.size() && ranks[r] <= below + inside; ++r)
        if (depth >= 64) set_value(ranks[r], low);
    }
    below += inside;
  }
}

void RankSelector::refine() {
  std::vector<std::uint64_t> wanted = ranks_;
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::vector<Target> next;
  for (Target& target : targets_) {
    const auto first = std::upper_bound(wanted.begin(), wanted.end(), target.below);
    const auto last = std::upper_bound(first, wanted.end(), target.below + target.expected);
    if (target.collect) {
      std::sort(target.kept.begin(), target.kept.end());
      for (auto rank = first; rank != last; ++rank) set_value(*rank, target.kept[*rank - target.below - 1]);
    } else {
      narrow(target, {first, last}, next);
    }
  }
  targets_ = std::move(next);
  // Counters of all targets together stay within 2^20; the bits divide what is left of the key.
  cell_bits_ = targets_.size() <= 16 ? 16 : 8;
  for (Target& target : targets_) {
    target.collect = target.expected <= most_kept / targets_.size();
    if (!target.collect) target.cells.assign(std::size_t{1} << cell_bits_, 0);
  }
}

Result<bool> RankSelector::end_pass(std::span<const std::uint64_t> ranks) {
  if (done_) return true;
  if (pass_ == 1) PLIMSOLL_CHECK(start_plan(ranks));
  PLIMSOLL_CHECK(check_counts());
  refine();
  ++pass_;
  nans_ = 0;
  done_ = targets_.empty();
  return done_;
}

}  // namespace plimsoll::stats

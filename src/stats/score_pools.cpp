// SPDX-License-Identifier: Apache-2.0
// Sorting is done on bare words of 64 bits that hold score and outcome (ranked_outcomes.h). A sum that was neither cut nor merged is
// read from its sorted words; cells are made only where one is kept beside another.
// Dropping low bits of keys nests (a cell at d + 1 bits is the union of two at d), so the number dropped in the end is the least
// that suffices for the whole multiset, in whatever order and pieces the rows came: class A also beyond `most`.
#include "stats/score_pools.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "stats/radix_sort.h"
#include "stats/ranked_outcomes.h"
#include "stats/sort_key.h"

namespace plimsoll::stats {
namespace {

constexpr std::size_t most_waiting = std::size_t{1} << 22;
constexpr double largest_weight = 1099511627776.0;  // 2^40
constexpr double weight_unit = 5.421010862427522e-20;  // 2^-64
constexpr std::uint32_t magic = 0x314F5053;            // "SPO1"

template <class T>
void put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
bool take(std::string_view& in, T& value) {
  if (in.size() < sizeof value) return false;
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
  return true;
}

Error bad_row(const char* what, const char* mend, std::size_t row) {
  return Error(ErrorCode::bad_value, what, mend).at_row(static_cast<std::int64_t>(row));
}

Result<void> check_rows(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight) {
  bool sound = true;
  if (weight.empty())
    for (std::size_t i = 0; i < score.size(); ++i) sound = sound && score[i] == score[i] && (static_cast<std::uint32_t>(outcome[i]) & ~1u) == 0;
  if (weight.empty() && sound) return {};
  for (std::size_t i = 0; i < score.size(); ++i) {
    if (std::isnan(score[i])) return bad_row("a score is not a number", "Drop or mend the row", i);
    if (outcome[i] != 0 && outcome[i] != 1) return bad_row("an outcome is neither 0 nor 1", "Drop or mend the row", i);
    if (!weight.empty() && !(weight[i] >= 0 && weight[i] <= largest_weight))
      return bad_row("a weight is negative, not finite or above 2^40", "Scale the weights to about 1; drop the row to leave it out", i);
  }
  return {};
}

Error mixed() {
  return Error(ErrorCode::bad_parameter, "rows with weights and rows without meet in one sum", "Bind --weight for all parts or for none");
}

}  // namespace

Result<void> ScorePools::add(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight) {
  if (score.size() != outcome.size() || (!weight.empty() && weight.size() != score.size()))
    return Error(ErrorCode::bad_parameter, "scores, outcomes and weights differ in length", "Give one of each a row");
  if (score.empty()) return {};
  if (rows() > 0 && weighted_ == weight.empty()) return mixed();
  PLIMSOLL_CHECK(check_rows(score, outcome, weight));
  weighted_ = !weight.empty();
  read_ = false;
  if (weighted_) add_weighted(score, outcome, weight);
  else add_counted(score, outcome);
  if (words_[0].size() + words_[1].size() + waiting_.size() > most_waiting) settle();
  return {};
}

void ScorePools::add_counted(std::span<const double> score, std::span<const std::int32_t> outcome) {
  sorted_ = false;
  std::array<std::size_t, 2> fresh{};
  for (const double x : score) ++fresh[x < 0 ? 0 : 1];
  std::array<std::uint64_t*, 2> at{};
  for (std::size_t list = 0; list < 2; ++list) {
    auto& words = words_[list];
    const std::size_t old = words.size();
    if (words.capacity() < old + fresh[list]) words.reserve(std::max(2 * old, old + fresh[list]));
    words.resize(old + fresh[list]);
    at[list] = words.data() + old;
  }
  const std::uint64_t keep = mask();
  std::int64_t ones = 0;
  for (std::size_t i = 0; i < score.size(); ++i) {
    const std::uint64_t key = sort_key(score[i]) & keep;
    *at[key >> 63]++ = outcome_word(key, outcome[i]);
    ones += outcome[i];
  }
  rows_[0] += static_cast<std::int64_t>(score.size()) - ones;
  rows_[1] += ones;
}

void ScorePools::add_weighted(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight) {
  for (std::size_t i = 0; i < score.size(); ++i) {
    const auto side = static_cast<std::size_t>(outcome[i]);
    const auto units = static_cast<Wide>(std::ldexp(weight[i], 64));
    if (units == 0) continue;
    waiting_.push_back({sort_key(score[i]) & mask(), {}});
    waiting_.back().sum[side] = units;
    ++rows_[side];
  }
}

template <class Sum>
void ScorePools::join_equal(std::vector<Cell<Sum>>& cells) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (kept > 0 && cells[kept - 1].key == cells[i].key) {
      for (std::size_t s = 0; s < 2; ++s) cells[kept - 1].sum[s] += cells[i].sum[s];
    } else {
      cells[kept++] = cells[i];
    }
  }
  cells.resize(kept);
}

template <class Sum>
void ScorePools::coarsen(std::vector<Cell<Sum>>& cells) const {
  while (cells.size() > most_) {
    ++dropped_;
    const std::uint64_t keep = mask();
    for (Cell<Sum>& cell : cells) cell.key &= keep;
    join_equal(cells);
  }
}

// Both lists sorted by key; `distinct`: no key stands twice in the fresh one.
template <class Sum>
void ScorePools::fold(std::vector<Cell<Sum>>& cells, std::vector<Cell<Sum>> fresh, bool distinct) const {
  const auto by_key = [](const Cell<Sum>& a, const Cell<Sum>& b) { return a.key < b.key; };
  if (cells.empty()) {
    cells = std::move(fresh);
    if (distinct) return coarsen(cells);
  } else {
    std::vector<Cell<Sum>> all(cells.size() + fresh.size());
    std::merge(cells.begin(), cells.end(), fresh.begin(), fresh.end(), all.begin(), by_key);
    cells = std::move(all);
  }
  join_equal(cells);
  coarsen(cells);
}

void ScorePools::sort_waiting() const {
  if (sorted_) return;
  Scratch<std::uint64_t> other;
  for (auto& words : words_) sort_words(words, other);
  sorted_ = true;
}

void ScorePools::settle() const {
  if (!waiting_.empty()) {
    std::vector<Cell<Wide>> other;
    radix_sort(waiting_, other, [](const Cell<Wide>& cell) { return cell.key; });
    fold(weights_, std::move(waiting_));
    waiting_.clear();
  }
  if (words_[0].empty() && words_[1].empty()) return;
  sort_waiting();
  std::vector<Cell<std::uint64_t>> fresh(words_[0].size() + words_[1].size());
  std::size_t count = 0;
  for (std::size_t list = 0; list < 2; ++list) {
    std::uint64_t last = ~std::uint64_t{0};  // no key without its highest bit is all ones
    for (const std::uint64_t word : words_[list]) {
      const std::uint64_t bare = word >> 1;
      if (bare != last) fresh[count++] = {key_of_word(word, list), {0, 0}};
      last = bare;
      ++fresh[count - 1].sum[word & 1u];
    }
  }
  fresh.resize(count);
  fold(counts_, std::move(fresh), true);
  for (auto& words : words_) Scratch<std::uint64_t>().swap(words);
}

Result<void> ScorePools::merge(const ScorePools& other) {
  if (other.rows() == 0) return {};
  if (rows() > 0 && weighted_ != other.weighted_) return mixed();
  settle();
  other.settle();
  weighted_ = other.weighted_;
  const int bits = std::max(dropped_, other.dropped_);
  dropped_ = bits;
  const auto join = [this](auto& cells, auto fresh) {
    for (auto* list : {&cells, &fresh})
      for (auto& cell : *list) cell.key &= mask();
    fold(cells, std::move(fresh));
  };
  if (weighted_) join(weights_, other.weights_);
  else join(counts_, other.counts_);
  for (std::size_t s = 0; s < 2; ++s) rows_[s] += other.rows_[s];
  read_ = false;
  return {};
}

template <class Sum>
void ScorePools::read_pools(const std::vector<Cell<Sum>>& cells, double unit) const {
  const std::uint64_t middle = dropped_ > 0 ? std::uint64_t{1} << (dropped_ - 1) : 0;
  pools_.reserve(cells.size());
  for (const Cell<Sum>& cell : cells) {
    const std::uint64_t key = std::clamp(cell.key | middle, lowest_key, highest_key);
    const auto total = static_cast<Sum>(cell.sum[0] + cell.sum[1]);
    pools_.push_back({of_sort_key(key), static_cast<double>(total) * unit, static_cast<double>(cell.sum[1]) * unit});
  }
}

// From the sorted words alone, where nothing else is held and no bits were or must be dropped.
bool ScorePools::read_waiting() const {
  if (weighted_ || dropped_ > 0 || !counts_.empty()) return false;
  sort_waiting();
  const std::size_t rows = words_[0].size() + words_[1].size();
  pools_.clear();
  pools_.reserve(rows);
  for (std::size_t list = 0; list < 2; ++list) {
    const std::span<const std::uint64_t> words(words_[list]);
    for (std::size_t i = 0; i < words.size();) {
      const std::uint64_t bare = words[i] >> 1;
      std::uint64_t total = 0, ones = 0;
      do {
        ++total;
        ones += words[i] & 1u;
      } while (++i < words.size() && words[i] >> 1 == bare);
      pools_.push_back({of_sort_key(key_of_word(bare << 1, list)), static_cast<double>(total), static_cast<double>(ones)});
    }
  }
  return pools_.size() <= most_;
}

std::span<const Pool> ScorePools::pools() const {
  if (read_) return pools_;
  if (!read_waiting()) {
    settle();
    pools_.clear();
    if (weighted_) read_pools(weights_, weight_unit);
    else read_pools(counts_, 1.0);
  }
  read_ = true;
  return pools_;
}

int ScorePools::dropped_bits() const {
  pools();
  return dropped_;
}

std::string ScorePools::to_bytes() const {
  settle();
  std::string out;
  put(out, magic);
  put(out, static_cast<std::uint32_t>(dropped_));
  put(out, static_cast<std::uint64_t>(most_));
  put(out, static_cast<std::uint64_t>(weighted_ ? 1 : 0));
  put(out, static_cast<std::uint64_t>(weighted_ ? weights_.size() : counts_.size()));
  for (const std::int64_t n : rows_) put(out, n);
  const auto cells = [&out](const auto& list) {
    for (const auto& cell : list) {
      put(out, cell.key);
      for (const auto& sum : cell.sum) put(out, sum);
    }
  };
  if (weighted_) cells(weights_);
  else cells(counts_);
  return out;
}

Result<ScorePools> ScorePools::from_bytes(std::string_view bytes) {
  const Error bad(ErrorCode::corrupt_file, "the counts of outcomes by score are damaged", "Fit again.");
  std::uint32_t head = 0;
  std::uint32_t dropped = 0;
  std::uint64_t most_distinct = 0;
  std::uint64_t weighted = 0;
  std::uint64_t count = 0;
  ScorePools read;
  if (!take(bytes, head) || head != magic || !take(bytes, dropped) || dropped > 62 || !take(bytes, most_distinct) || !take(bytes, weighted) || !take(bytes, count)) return bad;
  for (std::int64_t& n : read.rows_)
    if (!take(bytes, n) || n < 0) return bad;
  const std::size_t width = weighted != 0 ? 8 + 2 * sizeof(Wide) : 8 + 2 * sizeof(std::uint64_t);
  if (most_distinct < 2 || most_distinct > most || count > most_distinct || bytes.size() != count * width) return bad;
  read.most_ = static_cast<std::size_t>(most_distinct);
  read.dropped_ = static_cast<int>(dropped);
  read.weighted_ = weighted != 0;
  const auto cells = [&](auto& list) {
    list.resize(static_cast<std::size_t>(count));
    for (auto& cell : list) {
      take(bytes, cell.key);
      for (auto& sum : cell.sum) take(bytes, sum);
    }
    const auto rising = [](const auto& a, const auto& b) { return a.key >= b.key; };
    return std::adjacent_find(list.begin(), list.end(), rising) == list.end();
  };
  if (!(read.weighted_ ? cells(read.weights_) : cells(read.counts_))) return bad;
  return read;
}

std::vector<Pool> gather_pools(std::span<const Pool> pools, std::size_t most) {
  if (pools.size() <= most) return {pools.begin(), pools.end()};
  double total = 0;
  for (const Pool& pool : pools) total += pool.weight;
  const double least = total / static_cast<double>(most) * 1.0001;
  std::vector<Pool> out;
  Pool open;
  double moment = 0;
  for (const Pool& pool : pools) {
    open.weight += pool.weight;
    open.sum += pool.sum;
    moment += pool.weight * pool.x;
    if (open.weight < least) continue;
    open.x = moment / open.weight;
    out.push_back(open);
    open = {};
    moment = 0;
  }
  if (open.weight > 0) {
    open.x = moment / open.weight;
    out.push_back(open);
  }
  return out;
}

}  // namespace plimsoll::stats

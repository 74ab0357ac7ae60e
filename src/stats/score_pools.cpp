// SPDX-License-Identifier: Apache-2.0
// Sorting is done on bare 64-bit keys, one list for each outcome, without a payload: the outcome of a key is the list it stands in.
// Dropping low bits of keys nests (a cell at d + 1 bits is the union of two at d), so the number dropped in the end is the least
// that suffices for the whole multiset, in whatever order and pieces the rows came: class A also beyond `most`.
#include "stats/score_pools.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "stats/radix_sort.h"
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

Error mixed() {
  return Error(ErrorCode::bad_parameter, "rows with weights and rows without meet in one sum", "Bind --weight for all parts or for none");
}

}  // namespace

Result<void> ScorePools::add(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight) {
  if (score.size() != outcome.size() || (!weight.empty() && weight.size() != score.size()))
    return Error(ErrorCode::bad_parameter, "scores, outcomes and weights differ in length", "Give one of each a row");
  if (score.empty()) return {};
  if (rows() > 0 && weighted_ == weight.empty()) return mixed();
  for (std::size_t i = 0; i < score.size(); ++i) {
    if (std::isnan(score[i])) return bad_row("a score is not a number", "Drop or mend the row", i);
    if (outcome[i] != 0 && outcome[i] != 1) return bad_row("an outcome is neither 0 nor 1", "Drop or mend the row", i);
    if (!weight.empty() && !(weight[i] >= 0 && weight[i] <= largest_weight))
      return bad_row("a weight is negative, not finite or above 2^40", "Scale the weights to about 1; drop the row to leave it out", i);
  }
  weighted_ = !weight.empty();
  read_ = false;
  const std::uint64_t keep = mask();
  if (weight.empty() && keys_[0].capacity() < keys_[0].size() + score.size()) {
    for (auto& keys : keys_) keys.reserve(std::max(2 * keys.size(), keys.size() + score.size() + 1));
  }
  for (std::size_t i = 0; i < score.size(); ++i) {
    const auto side = static_cast<std::size_t>(outcome[i]);
    const std::uint64_t key = sort_key(score[i]) & keep;
    if (weight.empty()) {
      keys_[side].push_back(key);
    } else {
      const auto units = static_cast<Wide>(std::ldexp(weight[i], 64));
      if (units == 0) continue;
      waiting_.push_back({key, {}});
      waiting_.back().sum[side] = units;
    }
    ++rows_[side];
  }
  if (keys_[0].size() + keys_[1].size() + waiting_.size() > most_waiting) settle();
  return {};
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

void ScorePools::settle() const {
  if (!waiting_.empty()) {
    std::vector<Cell<Wide>> other;
    radix_sort(waiting_, other, [](const Cell<Wide>& cell) { return cell.key; });
    fold(weights_, std::move(waiting_));
    waiting_.clear();
  }
  if (keys_[0].empty() && keys_[1].empty()) return;
  std::vector<std::uint64_t> other;
  for (auto& keys : keys_)
    if (!std::is_sorted(keys.begin(), keys.end())) radix_sort(keys, other, [](std::uint64_t key) { return key; });
  // Two-way merge with an end mark in each list: no list is asked whether it has ended, and the choice is no branch.
  const std::size_t total = keys_[0].size() + keys_[1].size();
  for (auto& keys : keys_) keys.push_back(~std::uint64_t{0});
  std::vector<Cell<std::uint64_t>> fresh(total);
  const std::uint64_t* zero = keys_[0].data();
  const std::uint64_t* one = keys_[1].data();
  std::size_t count = 0;
  std::uint64_t last = ~std::uint64_t{0};
  for (std::size_t i = 0; i < total; ++i) {
    const std::size_t second = *one < *zero ? 1 : 0;
    const std::uint64_t key = second != 0 ? *one : *zero;
    zero += 1 - second;
    one += second;
    if (key != last) fresh[count++] = {key, {0, 0}};
    last = key;
    ++fresh[count - 1].sum[second];
  }
  fresh.resize(count);
  fold(counts_, std::move(fresh), true);
  for (auto& keys : keys_) std::vector<std::uint64_t>().swap(keys);
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

const std::vector<Pool>& ScorePools::pools() const {
  if (read_) return pools_;
  settle();
  pools_.clear();
  if (weighted_) read_pools(weights_, weight_unit);
  else read_pools(counts_, 1.0);
  read_ = true;
  return pools_;
}

int ScorePools::dropped_bits() const {
  settle();
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

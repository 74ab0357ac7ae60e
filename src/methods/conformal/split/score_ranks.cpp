// SPDX-License-Identifier: Apache-2.0
#include "methods/conformal/split/score_ranks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace plimsoll::conformal::split {
namespace {

// Kept numbers of one bracket: 1 MB. A bracket of width 8 standard deviations of the level keeps about 0.6 % of the numbers
// when first cut, and ever fewer.
constexpr std::size_t most_kept = std::size_t{1} << 17;
constexpr double deviations = 8;
constexpr std::size_t most_levels = 64;
constexpr std::size_t looked_at_once = 64;

void put_u64(std::string& bytes, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}
void put_real(std::string& bytes, double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  put_u64(bytes, bits);
}

// Reads what put_* wrote; past the end every read is 0 and `good` is false.
struct ByteReader {
  std::string_view bytes;
  bool good = true;
  std::uint64_t u64() {
    if (bytes.size() < 8) {
      good = false;
      bytes = {};
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    bytes.remove_prefix(8);
    return value;
  }
  double real() {
    const std::uint64_t bits = u64();
    double value = 0;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
};

typedef double Pair __attribute__((vector_size(16)));
typedef long long PairCount __attribute__((vector_size(16)));

// How many of a piece lie below `low`, and how many not above `high`: two at a time, each comparison that holds is -1.
std::pair<std::int64_t, std::int64_t> counts_of(const double* numbers, double low, double high) {
  const Pair low_end = {low, low};
  const Pair high_end = {high, high};
  PairCount below = {0, 0};
  PairCount up_to_high = {0, 0};
  for (std::size_t k = 0; k < looked_at_once; k += 2) {
    Pair pair;
    std::memcpy(&pair, numbers + k, sizeof pair);
    below -= pair < low_end;
    up_to_high -= pair <= high_end;
  }
  return {below[0] + below[1], up_to_high[0] + up_to_high[1]};
}

}  // namespace

ScoreRanks::ScoreRanks(std::vector<double> levels) {
  for (const double level : levels) {
    Bracket bracket;
    bracket.level = level;
    bracket.low = -infinity;
    bracket.high = infinity;
    brackets_.push_back(std::move(bracket));
  }
}

void ScoreRanks::update(std::span<const double> numbers) {
  constexpr std::size_t piece = 4096;
  for (std::size_t at = 0; at < numbers.size(); at += piece) take(numbers.subspan(at, std::min(piece, numbers.size() - at)));
}

void ScoreRanks::take(std::span<const double> numbers) {
  if (done_) return;
  if (selecting_) {
    selector_.update(numbers);
    return;
  }
  count_ += static_cast<std::int64_t>(numbers.size());
  for (Bracket& bracket : brackets_) {
    if (bracket.lost) continue;
    const double low = bracket.low;
    const double high = bracket.high;
    // A piece at a time is counted without a branch; the few numbers inside are looked for only where there are any.
    std::size_t i = 0;
    for (; i + looked_at_once <= numbers.size(); i += looked_at_once) {
      const double* at = numbers.data() + i;
      const auto [below, up_to_high] = counts_of(at, low, high);
      bracket.below += below;
      if (up_to_high == below) continue;
      for (std::size_t k = 0; k < looked_at_once; ++k)
        if (at[k] >= low && at[k] <= high) bracket.kept.push_back(at[k]);
    }
    for (; i < numbers.size(); ++i) {
      bracket.below += numbers[i] < low ? 1 : 0;
      if (numbers[i] >= low && numbers[i] <= high) bracket.kept.push_back(numbers[i]);
    }
    if (bracket.kept.size() > most_kept) shrink(bracket);
  }
}

// Leaves only the kept numbers within [low, high], counting those below.
void ScoreRanks::cut(Bracket& bracket, double low, double high) const {
  std::int64_t below = 0;
  std::size_t at = 0;
  for (const double x : bracket.kept) {
    below += x < low ? 1 : 0;
    bracket.kept[at] = x;
    at += ((x >= low) & (x <= high)) ? 1U : 0U;
  }
  bracket.kept.resize(at);
  bracket.below += below;
  bracket.low = low;
  bracket.high = high;
}

void ScoreRanks::shrink(Bracket& bracket) const {
  const double n = static_cast<double>(count_);
  const double centre = bracket.level * n;
  const double margin = deviations * std::sqrt(n * bracket.level * (1 - bracket.level)) + 16;
  const auto place = [&](double rank) {
    const double inside = rank - static_cast<double>(bracket.below);
    if (inside < 0 || inside >= static_cast<double>(bracket.kept.size())) return std::size_t{0};
    return static_cast<std::size_t>(inside);
  };
  const std::size_t first = place(centre - margin);
  const double past = centre + margin - static_cast<double>(bracket.below);
  double low = bracket.low;
  double high = bracket.high;
  const auto begin = bracket.kept.begin();
  if (first > 0) {
    std::nth_element(begin, begin + static_cast<std::ptrdiff_t>(first), bracket.kept.end());
    low = bracket.kept[first];
  }
  if (past >= 0 && past < static_cast<double>(bracket.kept.size())) {
    const auto last = static_cast<std::ptrdiff_t>(past);
    std::nth_element(begin, begin + last, bracket.kept.end());
    high = bracket.kept[static_cast<std::size_t>(last)];
  }
  cut(bracket, low, high);
  if (bracket.kept.size() > most_kept / 2) {  // masses of equal numbers, or an order that moves the level
    bracket.lost = true;
    bracket.kept = {};
  }
}

Result<void> ScoreRanks::merge(const ScoreRanks& other) {
  if (done_ && other.done_) return {};
  if (brackets_.size() != other.brackets_.size() || selecting_ != other.selecting_)
    return Error(ErrorCode::internal, "partial ranks of different plans were merged", "Merge parts of one pass.");
  if (selecting_) return selector_.merge(other.selector_);
  count_ += other.count_;
  for (std::size_t i = 0; i < brackets_.size(); ++i) {
    Bracket& bracket = brackets_[i];
    Bracket theirs = other.brackets_[i];
    bracket.lost = bracket.lost || theirs.lost;
    if (bracket.lost) {
      bracket.kept = {};
      continue;
    }
    const double low = std::max(bracket.low, theirs.low);
    const double high = std::min(bracket.high, theirs.high);
    cut(bracket, low, high);
    cut(theirs, low, high);
    bracket.below += theirs.below;
    bracket.kept.insert(bracket.kept.end(), theirs.kept.begin(), theirs.kept.end());
    if (bracket.kept.size() > most_kept) shrink(bracket);
  }
  return {};
}

Result<bool> ScoreRanks::end_pass(std::span<const std::int64_t> ranks) {
  if (ranks.size() != brackets_.size()) return Error(ErrorCode::internal, "one rank a level is wanted", "Ask for one rank a level.");
  if (done_) return true;
  if (!selecting_) {
    values_.assign(ranks.size(), infinity);
    asked_.clear();
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      Bracket& bracket = brackets_[i];
      if (ranks[i] > count_) continue;
      const std::int64_t inside = ranks[i] - bracket.below;
      if (bracket.lost || inside < 1 || inside > static_cast<std::int64_t>(bracket.kept.size())) {
        asked_.push_back(i);
        continue;
      }
      const auto at = bracket.kept.begin() + static_cast<std::ptrdiff_t>(inside - 1);
      std::nth_element(bracket.kept.begin(), at, bracket.kept.end());
      values_[i] = *at + 0.0;  // minus zero counts as zero
    }
    for (Bracket& bracket : brackets_) bracket.kept = {};
    selecting_ = !asked_.empty();
    done_ = !selecting_;
    return done_;
  }
  std::vector<std::uint64_t> wanted;
  for (const std::size_t i : asked_) wanted.push_back(static_cast<std::uint64_t>(ranks[i]));
  if (selector_.pass() == 1 && selector_.count() != static_cast<std::uint64_t>(count_))
    return Error(ErrorCode::bad_value, "a later pass over the rows saw another number of rows than the first", "Give a source that does not change while it is read.");
  PLIMSOLL_TRY(const bool done, selector_.end_pass(wanted));
  if (!done) return false;
  for (std::size_t i = 0; i < asked_.size(); ++i) values_[asked_[i]] = selector_.values()[i];
  done_ = true;
  return true;
}

std::string ScoreRanks::to_bytes() const {
  std::string bytes;
  put_u64(bytes, brackets_.size());
  put_u64(bytes, static_cast<std::uint64_t>(count_));
  put_u64(bytes, selecting_ ? 1 : 0);
  put_u64(bytes, done_ ? 1 : 0);
  for (const Bracket& bracket : brackets_) {
    for (const double x : {bracket.level, bracket.low, bracket.high}) put_real(bytes, x);
    put_u64(bytes, static_cast<std::uint64_t>(bracket.below));
    put_u64(bytes, bracket.lost ? 1 : 0);
    auto kept = bracket.kept;
    std::sort(kept.begin(), kept.end());
    put_u64(bytes, kept.size());
    for (const double x : kept) put_real(bytes, x);
  }
  put_u64(bytes, values_.size());
  for (const double x : values_) put_real(bytes, x);
  put_u64(bytes, asked_.size());
  for (const std::size_t i : asked_) put_u64(bytes, i);
  return bytes + selector_.to_bytes();
}

Result<ScoreRanks> ScoreRanks::from_bytes(std::string_view bytes) {
  const Error bad(ErrorCode::corrupt_file, "partial ranks cannot be read", "The file is damaged: fit again.");
  ByteReader in{bytes};
  ScoreRanks ranks;
  const std::uint64_t levels = in.u64();
  ranks.count_ = static_cast<std::int64_t>(in.u64());
  ranks.selecting_ = in.u64() == 1;
  ranks.done_ = in.u64() == 1;
  if (!in.good || levels > most_levels || ranks.count_ < 0) return bad;
  for (std::uint64_t i = 0; i < levels; ++i) {
    Bracket bracket;
    bracket.level = in.real();
    bracket.low = in.real();
    bracket.high = in.real();
    bracket.below = static_cast<std::int64_t>(in.u64());
    bracket.lost = in.u64() == 1;
    const std::uint64_t kept = in.u64();
    if (!in.good || kept > in.bytes.size() / 8 || !(bracket.level > 0 && bracket.level < 1)) return bad;
    for (std::uint64_t k = 0; k < kept; ++k) bracket.kept.push_back(in.real());
    ranks.brackets_.push_back(std::move(bracket));
  }
  const std::uint64_t values = in.u64();
  if (values > levels) return bad;
  for (std::uint64_t i = 0; i < values; ++i) ranks.values_.push_back(in.real());
  const std::uint64_t asked = in.u64();
  if (asked > values) return bad;
  for (std::uint64_t i = 0; i < asked; ++i) {
    const std::uint64_t which = in.u64();
    if (which >= values) return bad;
    ranks.asked_.push_back(which);
  }
  if (!in.good) return bad;
  PLIMSOLL_TRY(ranks.selector_, stats::RankSelector::from_bytes(in.bytes));
  return ranks;
}

}  // namespace plimsoll::conformal::split

// SPDX-License-Identifier: Apache-2.0
// Bytes of a RankSelector: little-endian 64-bit words; kept keys sorted and empty cells left out, so that equal multisets
// give equal bytes. Reading trusts nothing: each count is checked against what is left before anything is allocated.
#include <algorithm>
#include <cstddef>

#include "stats/order_selector.h"
#include "stats/sort_key.h"

namespace plimsoll::stats {
namespace {

constexpr std::uint64_t format = 1;

void put_word(std::string& bytes, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>((value >> (8 * i)) & 0xFFu);
}

class WordReader {
 public:
  explicit WordReader(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t next() {
    if (bytes_.size() < 8) {
      bad_ = true;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes_[i])} << (8 * i);
    bytes_.remove_prefix(8);
    return value;
  }
  // A count of items of `words` words each that must still be there.
  std::uint64_t next_count(std::uint64_t words) {
    const std::uint64_t count = next();
    if (count > bytes_.size() / (8 * words)) bad_ = true;
    return bad_ ? 0 : count;
  }
  bool whole() const { return !bad_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool bad_ = false;
};

std::uint64_t last_offset(std::uint64_t depth) { return ~std::uint64_t{0} >> depth; }

}  // namespace

struct RankSelector::Codec {
  static void write_target(std::string& bytes, const Target& target) {
    for (const std::uint64_t word : {target.low, static_cast<std::uint64_t>(target.depth),
                                     static_cast<std::uint64_t>(target.collect), target.below, target.expected})
      put_word(bytes, word);
    std::vector<std::uint64_t> kept = target.kept;
    std::sort(kept.begin(), kept.end());
    put_word(bytes, kept.size());
    for (const std::uint64_t key : kept) put_word(bytes, key);
    const auto zeros = static_cast<std::uint64_t>(std::count(target.cells.begin(), target.cells.end(), 0u));
    put_word(bytes, target.cells.size() - zeros);
    for (std::size_t c = 0; c < target.cells.size(); ++c) {
      if (target.cells[c] == 0) continue;
      put_word(bytes, c);
      put_word(bytes, target.cells[c]);
    }
  }

  // Ranks and the head; false for impossible ones.
  static bool read_head(WordReader& in, RankSelector& s) {
    if (in.next() != format) return false;
    const std::uint64_t pass = in.next();
    const std::uint64_t bits = in.next();
    const std::uint64_t done = in.next();
    s.count_ = in.next();
    s.nans_ = in.next();
    if (pass < 1 || pass > 16 || (bits != 8 && bits != 16) || done > 1) return false;
    s.pass_ = static_cast<int>(pass);
    s.cell_bits_ = static_cast<int>(bits);
    s.done_ = done == 1;
    const std::uint64_t ranks = in.next_count(2);
    if (ranks > most_ranks || (pass == 1 && ranks != 0)) return false;
    for (std::uint64_t i = 0; i < ranks; ++i) {
      s.ranks_.push_back(in.next());
      s.values_.push_back(of_sort_key(in.next()));
      if (s.ranks_.back() < 1 || s.ranks_.back() > s.count_) return false;
    }
    return true;
  }

  static bool read_place(WordReader& in, const RankSelector& s, Target& target) {
    target.low = in.next();
    const std::uint64_t depth = in.next();
    const std::uint64_t collect = in.next();
    target.below = in.next();
    target.expected = in.next();
    if (depth > 63 || collect > 1 || (depth == 0) != (s.pass_ == 1)) return false;
    if ((target.low & last_offset(depth)) != 0) return false;
    if (target.below > s.count_ || target.expected > s.count_ - target.below) return false;
    if (!s.targets_.empty()) {
      const Target& before = s.targets_.back();
      if (target.low < before.low || target.low - before.low <= last_offset(static_cast<std::uint64_t>(before.depth)))
        return false;
    }
    target.depth = static_cast<int>(depth);
    target.collect = collect == 1;
    return true;
  }

  static bool read_target(WordReader& in, const RankSelector& s, Target& target) {
    if (!read_place(in, s, target)) return false;
    const std::uint64_t width = last_offset(static_cast<std::uint64_t>(target.depth));
    const std::uint64_t kept = in.next_count(1);
    if (kept > most_kept || (kept > 0 && !target.collect)) return false;
    for (std::uint64_t i = 0; i < kept; ++i) {
      const std::uint64_t key = in.next();
      if (key < lowest_key || key > highest_key || key - target.low > width) return false;
      target.kept.push_back(key);
    }
    if (!target.collect) target.cells.assign(std::size_t{1} << s.cell_bits_, 0);
    const std::uint64_t cells = in.next_count(2);
    for (std::uint64_t c = 0; c < cells; ++c) {
      const std::uint64_t at = in.next();
      if (at >= target.cells.size()) return false;
      target.cells[at] = in.next();
    }
    return s.pass_ > 1 || target.seen() == s.count_;
  }

  static bool read(WordReader& in, RankSelector& s) {
    if (!read_head(in, s)) return false;
    const std::uint64_t targets = in.next_count(7);
    if (targets > most_ranks || (s.cell_bits_ == 16 && targets > 16)) return false;
    if (s.pass_ == 1 ? targets != 1 || s.done_ : s.done_ != (targets == 0)) return false;
    s.targets_.clear();
    for (std::uint64_t t = 0; t < targets; ++t) {
      Target target;
      if (!read_target(in, s, target)) return false;
      s.targets_.push_back(std::move(target));
    }
    return in.whole();
  }
};

std::string RankSelector::to_bytes() const {
  std::string bytes;
  for (const std::uint64_t word : {format, static_cast<std::uint64_t>(pass_), static_cast<std::uint64_t>(cell_bits_),
                                   static_cast<std::uint64_t>(done_), count_, nans_})
    put_word(bytes, word);
  put_word(bytes, ranks_.size());
  for (std::size_t i = 0; i < ranks_.size(); ++i) {
    put_word(bytes, ranks_[i]);
    put_word(bytes, sort_key(values_[i]));
  }
  put_word(bytes, targets_.size());
  for (const Target& target : targets_) Codec::write_target(bytes, target);
  return bytes;
}

Result<RankSelector> RankSelector::from_bytes(std::string_view bytes) {
  WordReader in(bytes);
  RankSelector selector;
  if (Codec::read(in, selector)) return selector;
  return Error(ErrorCode::corrupt_file, "a rank selector has impossible bytes", "Write it again");
}

}  // namespace plimsoll::stats

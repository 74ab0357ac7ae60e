// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/scratch.h"
#include "stats/sort_key.h"

namespace plimsoll::stats {

// A score and an outcome of 0 or 1 in one word of eight bytes: the sortable key without its highest bit, which is that of the
// list (scores below zero, the others), then the outcome. Words of a list rise as scores do.
inline std::uint64_t outcome_word(std::uint64_t key, std::int32_t outcome) { return key << 1 | static_cast<std::uint64_t>(outcome); }
inline std::uint64_t key_of_word(std::uint64_t word, std::size_t list) { return word >> 1 | static_cast<std::uint64_t>(list) << 63; }

// Sorts words of one list; `other` is scratch.
void sort_words(Scratch<std::uint64_t>& words, Scratch<std::uint64_t>& other);

// What both ranking with and without weights refuse: bad_parameter (lengths), too_large, bad_value with the row, one_class.
Result<void> check_ranking(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight);

// Rows of unit weight in rising order of score: all that a ranking or a monotone fit of them needs.
class RankedOutcomes {
 public:
  // Scores any numbers but NaN, outcomes 0 or 1, as many of one as of the other, below 2^32: as checked by the caller.
  RankedOutcomes(std::span<const double> score, std::span<const std::int32_t> outcome);

  std::int64_t rows() const { return static_cast<std::int64_t>(words_[0].size() + words_[1].size()); }
  std::int64_t positives() const { return positives_; }

  // each(score, negatives, positives) of every distinct score, from the lowest.
  template <class Each>
  void rising(const Each& each) const {
    for (std::size_t list = 0; list < 2; ++list) {
      const std::span<const std::uint64_t> words(words_[list]);
      for (std::size_t i = 0; i < words.size();) {
        const std::uint64_t key = words[i] >> 1;
        std::uint64_t rows = 0, positives = 0;
        do {
          ++rows;
          positives += words[i] & 1u;
        } while (++i < words.size() && words[i] >> 1 == key);
        each(of_sort_key(key_of_word(key << 1, list)), rows - positives, positives);
      }
    }
  }
  // From the highest.
  template <class Each>
  void falling(const Each& each) const {
    for (std::size_t list = 2; list-- > 0;) {
      const std::span<const std::uint64_t> words(words_[list]);
      for (std::size_t i = words.size(); i > 0;) {
        const std::uint64_t key = words[i - 1] >> 1;
        std::uint64_t rows = 0, positives = 0;
        do {
          --i;
          ++rows;
          positives += words[i] & 1u;
        } while (i > 0 && words[i - 1] >> 1 == key);
        each(of_sort_key(key_of_word(key << 1, list)), rows - positives, positives);
      }
    }
  }

 private:
  std::array<Scratch<std::uint64_t>, 2> words_;
  std::int64_t positives_ = 0;
};

}  // namespace plimsoll::stats

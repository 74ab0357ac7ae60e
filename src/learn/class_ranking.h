// SPDX-License-Identifier: Apache-2.0
#pragma once

// One row of class probabilities and its order: what the ranked scores (aps, raps, saps, top_k) share between scoring a
// label and building a set, so that both see the same sums in the same order.

#include <cmath>
#include <cstdint>
#include <vector>

#include "learn/class_scores.h"

namespace plimsoll::learn {

class RankedRow {
 public:
  explicit RankedRow(std::size_t classes) : p_(classes), order_(classes) {}

  // A value that is no number counts as -1: last in any order, and no comparison is ever undefined.
  void load(ClassColumns columns, std::size_t row) {
    for (std::size_t c = 0; c < p_.size(); ++c) {
      const double p = columns[c][row];
      p_[c] = std::isnan(p) ? -1.0 : p;
    }
    sorted_ = 0;
    heaped_ = false;
  }
  std::size_t classes() const { return p_.size(); }
  double p(std::size_t c) const { return p_[c]; }
  // Class of rank r, counted from 0; ranks must be asked for in rising order after load().
  std::int32_t at_rank(std::size_t rank);
  // Rank of a class from 0 without ordering the rest.
  std::size_t rank_of(std::size_t c) const;

 private:
  bool before(std::int32_t a, std::int32_t b) const {
    const double pa = p_[static_cast<std::size_t>(a)];
    const double pb = p_[static_cast<std::size_t>(b)];
    return pa > pb || (!(pa < pb) && a < b);
  }
  void sort_all();

  std::vector<double> p_;
  std::vector<std::int32_t> order_;
  std::size_t sorted_ = 0;  // ranks known so far
  bool heaped_ = false;
};

// The score of one class from its rank (from 1), its own and the largest probability, and the running sum up to it.
inline double ranked_score(const ClassScoreOptions& options, double rank, double p, double largest, double sum, double u) {
  switch (options.score) {
    case ClassScore::aps: return sum - u * p;
    case ClassScore::raps: {
      const double beyond = rank - static_cast<double>(options.penalty_free);
      return (sum - u * p) + options.penalty * (beyond > 0 ? beyond : 0.0);
    }
    case ClassScore::saps: return rank > 1 ? largest + (rank - 2 + u) * options.penalty : u * largest;
    default: return rank;
  }
}

// u where none is drawn: the form that gives the larger score.
inline double uniform_of(const ClassScoreOptions& options, std::span<const double> uniforms, std::size_t row) {
  if (options.needs_uniforms()) return uniforms[row];
  return options.score == ClassScore::saps ? 1.0 : 0.0;
}

}  // namespace plimsoll::learn

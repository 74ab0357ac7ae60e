// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace plimsoll::stats {

// Order statistics of the union of K sorted lists, each moved by a shift of its own: what CV+ asks for once a row, where list f
// holds the residuals of fold f and the shift is the prediction of the model without fold f. The values are the doubles
// shift[f] + list[f][i], so the answer is bit for bit that of sorting all of them. O(K log^2 n) a query, no memory but the lists.
class ShiftedLists {
 public:
  ShiftedLists() = default;
  // List f is values[offsets[f], offsets[f + 1]), sorted, without NaN; offsets run from 0 to values.size(). The values are viewed.
  ShiftedLists(std::span<const double> values, std::span<const std::int64_t> offsets);

  std::size_t lists() const { return lists_.size(); }
  std::int64_t size() const { return size_; }

  // A rank asked for many times: where to look first in each list.
  struct Plan {
    std::int64_t rank = 0;             // from 1; above size(): +infinity
    std::vector<std::size_t> before;   // ranks below `rank`, shared out by the sizes of the lists
    std::size_t one_more = 0;          // a list that can take one more
  };
  Plan plan(std::int64_t rank) const;

  // What a query works in; one a thread.
  struct Room {
    std::vector<std::size_t> begin, end, low, high;
    std::vector<double> gathered;
    std::vector<std::size_t> order;
  };
  // The plan's rank-th smallest of all shift[f] + list[f][i]; +infinity if the rank is above size().
  double at(const Plan& plan, std::span<const double> shifts, Room& room) const;

 private:
  void fence(const Plan& plan, std::span<const double> shifts, Room& room) const;
  double middle(std::span<const double> shifts, Room& room, std::size_t left) const;

  std::vector<std::span<const double>> lists_;
  std::int64_t size_ = 0;
};

// k of n values at most `at` in a sorted list, and those below it.
std::size_t count_below(std::span<const double> sorted, double at);
std::size_t count_at_most(std::span<const double> sorted, double at);

}  // namespace plimsoll::stats

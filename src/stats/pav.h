// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"

namespace plimsoll::stats {

// One distinct x of a sorted sample: total weight and weighted sum of y of the rows that share it.
struct Pool {
  double x = 0;
  double weight = 0;
  double sum = 0;
};

// Row numbers by rising x, ties by rising row number. x holds no NaN; fewer than 2^32 rows.
std::vector<std::uint32_t> order_by(std::span<const double> x);

// Rows that share an x become one pool, in rising x. Sums run over rows in their order within a pool, so the result is a
// function of the rows as ordered; with 0/1 y and unit weights all sums are exact integers. `weight` may be empty (ones).
std::vector<Pool> pool_ties(std::span<const double> x, std::span<const double> y, std::span<const double> weight,
                            std::span<const std::uint32_t> order);

// A block of equal fitted values: pools [begin, end).
struct PavBlock {
  std::size_t begin = 0;
  std::size_t end = 0;
  double weight = 0;
  double sum = 0;
  double mean() const { return sum / weight; }
};

// Pool adjacent violators on counts, one pool after the other, at marks of the caller's (a place, a score). Ones are joined to ones
// and zeros to what stands before them at once, since the fit would join them whatever follows: with whole numbers, whose sums
// are exact in any order, the blocks are the same.
template <class Mark>
class CountPav {
 public:
  struct Block {
    Mark first, last;
    double weight = 0;
    double sum = 0;
    double mean() const { return sum / weight; }
  };
  // Weight above 0, sum at most the weight.
  void add(Mark first, Mark last, double weight, double sum) {
    if (open_.weight > 0 && (sum == 0 || (sum == weight && open_.sum == open_.weight))) {
      open_.last = last;
      open_.weight += weight;
      open_.sum += sum;
      return;
    }
    close();
    open_ = {first, last, weight, sum};
  }
  // By rising mean; the next fit starts empty.
  std::vector<Block> take() {
    close();
    open_ = {};
    return std::exchange(stack_, {});
  }

 private:
  void close() {
    if (!(open_.weight > 0)) return;
    Block block = open_;
    while (!stack_.empty() && stack_.back().sum * block.weight >= block.sum * stack_.back().weight) {
      block.first = stack_.back().first;
      block.weight += stack_.back().weight;
      block.sum += stack_.back().sum;
      stack_.pop_back();
    }
    stack_.push_back(block);
  }

  Block open_{};
  std::vector<Block> stack_;
};

// Pool adjacent violators (Ayer et al. 1955): the weighted least-squares fit that never falls with x, in O(n). Equal
// neighbouring means are joined, so the means rise strictly. Pools of weight 0 are not allowed.
std::vector<PavBlock> pav(std::span<const Pool> pools);

// The same on parallel arrays that the caller keeps between calls (resampling): writes the fitted value of each pool to
// `fitted`. `stack` is scratch.
void pav_fitted(std::span<const double> weight, std::span<const double> sum, std::span<double> fitted,
                std::vector<PavBlock>& stack);

// A fitted monotone map. Knots x rise strictly; y never falls. `right` continues the step: block b covers
// [left_x[b], right_x[b]] of the learning x.
struct IsotonicFit {
  std::vector<double> left_x;   // smallest x of each block
  std::vector<double> right_x;  // largest x of each block
  std::vector<double> y;        // mean of each block, strictly rising
  std::vector<double> weight;   // weight of each block

  // Constant on blocks; between two blocks the value of the lower one; the end values outside. y.size() > 0.
  double step(double x) const;
  // Linear between right_x of a block and left_x of the next, constant on blocks and outside: scikit-learn's map.
  double linear(double x) const;
};

// Weighted isotonic regression of y on x. All spans of one length, `weight` may be empty. Errors: too_few_rows (none),
// bad_value with the row (NaN in x, y not finite, weight negative or not finite), bad_parameter (unequal lengths). Rows of
// weight 0 are left out; if all are, too_few_rows.
Result<IsotonicFit> fit_isotonic(std::span<const double> x, std::span<const double> y, std::span<const double> weight = {});
// The same on pools in rising x, all of positive weight; too_few_rows without any.
Result<IsotonicFit> isotonic_of(std::span<const Pool> pools);

}  // namespace plimsoll::stats

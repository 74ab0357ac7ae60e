// SPDX-License-Identifier: Apache-2.0
#pragma once

// The set of all logistic models as good as the best one: S = { w : L(w) <= target }, with
//   L(w) = mean log loss + (l2 / 2) |w without intercept|^2,   L0 = min L at w0,
// and exact linear optimisation over it. Rows enter as distinct patterns with their weights, so the work does not grow with
// repeats. Nothing here draws or depends on threads: a function of the patterns in the order given.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/context.h"
#include "base/result.h"

namespace plimsoll::learn {

// Distinct rows: the caller merges equal ones and fixes their order.
struct Patterns {
  std::int64_t width = 0;          // columns, the intercept apart
  std::vector<double> x;           // row-major, patterns x width
  std::vector<double> weight;      // of all rows with the pattern, above zero
  std::vector<double> positive;    // of those of class 1, in [0, weight]
  std::int64_t size() const { return static_cast<std::int64_t>(weight.size()); }
};

// One end of a range: a model of S that makes sign * w'x largest.
struct RangeEnd {
  double logit = 0;             // w'x of the witness
  double gap = 0;               // no model of S goes beyond the witness by more than this, in logits (see level_set.cpp)
  double loss = 0;              // of the witness: at most the target
  double multiplier = 0;        // mu > 0 with grad L = mu sign x
  int steps = 0;                // Hessians factored
  std::vector<double> model;    // width coefficients, then the intercept
};

// sign * w'x >= sign * bound, as one constraint on a model.
struct Halfspace {
  std::span<const double> x;    // width values
  double bound = 0;
  int sign = 1;
};

// The best model under halfspaces, and which of them hold it there.
struct Constrained {
  bool solved = false;               // false: no model meets them, or the search did not settle
  double loss = 0;
  double lower = 0;                  // proven: no model that meets the halfspaces has a smaller loss
  std::vector<double> model;
  std::vector<double> price;         // of each halfspace, at least zero: how much loss a unit of its bound costs
};

class LevelSet {
 public:
  LevelSet();
  LevelSet(LevelSet&&) noexcept;
  LevelSet& operator=(LevelSet&&) noexcept;
  ~LevelSet();

  // `one_class` when all weight lies on one class; `bad_value` when the loss has no minimum (separated rows with l2 = 0).
  static Result<LevelSet> fit(Context& context, Patterns patterns, double l2);
  // From a model found before: no search, the same bytes.
  static Result<LevelSet> restore(Patterns patterns, double l2, std::vector<double> best);

  const Patterns& patterns() const;
  double l2() const;
  const std::vector<double>& best() const;  // w0: width coefficients, then the intercept
  double best_loss() const;                 // L0
  double target() const;
  void set_target(double loss);             // above best_loss()

  // From many threads at once. sign +1: the largest logit of x over S, -1: the smallest.
  RangeEnd farthest(std::span<const double> x, int sign) const;
  // Any direction: the model of S that makes direction'w largest; one entry a coefficient, the intercept's last.
  RangeEnd farthest_along(std::span<const double> direction) const;
  // The same on the ellipsoid that approximates S at its centre: fast, not a bound of either kind.
  double ellipsoid(std::span<const double> x, int sign) const;

  double loss(std::span<const double> model) const;
  // grad L, width entries and the intercept's.
  std::vector<double> gradient(std::span<const double> model) const;
  // only_decide: end as soon as it is clear whether a model of S meets the halfspaces (`solved` is true where one does, and
  // `lower` above the target where none does).
  Constrained best_under(std::span<const Halfspace> halfspaces, bool only_decide = false) const;
  // The model on the way from w0 to `model` where L meets the target; `model` itself if it lies in S.
  std::vector<double> pulled_back(std::span<const double> model) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

double logit_of(std::span<const double> model, std::span<const double> x);

}  // namespace plimsoll::learn

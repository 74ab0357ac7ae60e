// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace plimsoll::stats {

// Conditional conformal thresholds over a finite basis (Gibbs, Cherian and Candes 2023, arXiv 2305.12616). With scores S_i and basis
// rows phi_i of n calibration points, a new point with basis row phi and score S joins a quantile regression at level 1 - alpha; its
// dual variable eta(S) in [-alpha, 1 - alpha] rises with S, and threshold(phi, t) is sup{S : eta(S) <= t} (for t = 1 - alpha: < t).
// By duality that is phi'b(t), where b(t) minimises  sum_i rho(S_i - phi_i'b) - t phi'b,  rho the pinball loss, for t short of its end.
// One fit at t = 0 is kept; a row starts from it and moves along edges of the arrangement (Barrodale and Roberts 1973: each step passes
// every breakpoint up to the one where the slope turns), which takes a few steps, each n times the width.
class BasisQuantile {
 public:
  // `basis` is row-major, n x width, finite as the scores are; alpha in (0, 1). `too_few_rows` for none; `bad_value` where the basis is
  // zero on every point.
  static Result<BasisQuantile> fit(std::span<const double> scores, std::vector<double> basis, std::size_t width, double alpha);

  // t in [-alpha, 1 - alpha]. Infinite where no calibration point speaks for phi, or too few do.
  double threshold(std::span<const double> phi, double t) const;

  std::size_t rank() const { return kept_.size(); }
  std::int64_t steps() const { return base_.steps; }  // of the fit

 private:
  struct Work {
    std::vector<std::size_t> active;     // points on the fitted plane, rank of them
    std::vector<double> inverse;         // of their basis rows, rank x rank
    std::vector<double> residual;        // of every point, with broken ties
    std::vector<char> above;             // which side a point is on; those active have none
    std::vector<char> is_active;
    std::vector<double> sum_above;       // of basis rows above and below
    std::vector<double> sum_below;
    std::int64_t steps = 0;
  };

  void keep_columns(const std::vector<double>& basis, std::size_t width);
  bool in_span(std::span<const double> phi) const;
  void start(Work& work) const;
  void refresh(Work& work) const;
  // Minimises from where `work` stands; false if the objective falls for ever.
  bool solve(Work& work, std::span<const double> phi, double t) const;
  void exchange_inverse(Work& work, std::size_t leaving, std::size_t entering) const;
  bool step(Work& work, std::size_t leaving, bool upwards, double slope) const;
  double value(const Work& work, std::span<const double> phi) const;
  const double* row(std::size_t i) const { return rows_.data() + i * kept_.size(); }

  double alpha_ = 0.1;
  std::size_t width_ = 0;
  std::vector<double> scores_;
  std::vector<double> broken_;               // scores with ties broken far below what scores tell
  std::vector<double> rows_;                 // basis in the columns kept
  std::vector<std::size_t> kept_;            // independent columns
  std::vector<std::vector<double>> others_;  // of each column left out, its combination of those kept (empty for those kept)
  Work base_;
};

}  // namespace plimsoll::stats

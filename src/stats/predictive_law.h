// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace plimsoll::stats {

// The law that n calibration residuals C_1 <= ... <= C_n give to a new one (split conformal predictive systems; Vovk, Gammerman,
// Petej, Nouretdinov, "Conformal predictive distributions with kernels" 2018; "Computationally efficient versions of conformal
// predictive distributions" 2020): at z it is known up to [#{C < z}, #{C <= z} + 1] / (n + 1).
class ResidualLaw {
 public:
  ResidualLaw() = default;
  explicit ResidualLaw(std::span<const double> sorted);  // viewed; finite

  std::int64_t size() const { return static_cast<std::int64_t>(sorted_.size()); }

  struct Step {
    double low = 0;   // #{C < z} / (n + 1)
    double high = 1;  // (#{C <= z} + 1) / (n + 1)
    double at(double u) const { return low + u * (high - low); }
  };
  Step step(double z) const;

  // The floor(p (n + 1))-th smallest, -infinity for the 0-th: an exchangeable new residual lies below it with chance at most p.
  double low_quantile(double p) const;
  // The ceil(p (n + 1))-th smallest, +infinity above n: it lies at or below with chance at least p.
  double high_quantile(double p) const;

  // Continuous ranked probability score at z of the law that gives each residual 1 / n, O(log n): E|C - z| - E|C - C'| / 2.
  double crps(double z) const;

 private:
  std::span<const double> sorted_;
  std::vector<double> before_;  // sums of the smallest
  double half_spread_ = 0;      // E|C - C'| / 2
};

}  // namespace plimsoll::stats

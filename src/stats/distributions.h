// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "stats/interval.h"

namespace plimsoll::stats {

// Distribution functions by Boost.Math. sf is P(X > x), computed on its own, so that small upper tails stay exact to
// about 1e-13 relative. Arguments outside a function's domain give NaN, never an exception.
double normal_cdf(double x);
double normal_sf(double x);
double normal_quantile(double p);        // p in (0, 1); 0 and 1 give the infinities
double normal_upper_quantile(double p);  // x with P(X > x) = p
double beta_cdf(double x, double a, double b);
double beta_sf(double x, double a, double b);
double beta_quantile(double p, double a, double b);
double beta_upper_quantile(double p, double a, double b);
double student_t_cdf(double x, double df);
double student_t_upper_quantile(double p, double df);
double chi_square_sf(double x, double df);
double chi_square_limit(double df, double p);  // x with P(X > x) = p about, by Wilson and Hilferty's cube: for hundreds of degrees of freedom
double binomial_cdf(std::int64_t k, std::int64_t n, double p);  // P(X <= k); k < 0 gives 0
double binomial_sf(std::int64_t k, std::int64_t n, double p);   // P(X > k)
double hypergeometric_sf(std::int64_t k, std::int64_t good, std::int64_t draws, std::int64_t total);  // P(X > k)

// Number of successes among N trials whose common chance is Beta(a, b). With a = k and b = n + 1 - k: how many of N new
// rows the split conformal set of rank k among n covers (Marques 2023, arXiv 2303.02770).
class BetaBinomial {
 public:
  // N in [0, 2^31), a and b positive and finite; bad_parameter else.
  static Result<BetaBinomial> make(std::int64_t trials, double a, double b);

  double mean() const;
  double variance() const;
  double pmf(std::int64_t x) const;
  double cdf(std::int64_t x) const;       // P(X <= x), summed from the lower tail
  double sf(std::int64_t x) const;        // P(X > x), summed from the upper tail
  std::int64_t quantile(double p) const;  // smallest x with cdf(x) >= p
  // The widest-needed central band: P(X < lo) <= e / 2 and P(X > hi) <= e / 2 with lo largest and hi smallest.
  // Meant for e down to 1e-12; what lies below 1e-40 of the peak is not tabled.
  CountInterval central(double e) const;

 private:
  BetaBinomial() = default;
  void table_unimodal();
  void table_all();
  void normalise();

  std::int64_t trials_ = 0;
  double a_ = 1;
  double b_ = 1;
  std::int64_t first_ = 0;  // x of mass_[0]
  std::vector<double> mass_;
};

}  // namespace plimsoll::stats

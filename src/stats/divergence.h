// SPDX-License-Identifier: Apache-2.0
#pragma once

// Jeffreys' divergence of two populations over the same bins, J = sum (q_j - p_j) ln(q_j / p_j) = KL(q || p) + KL(p || q), with
// valid inference. One kernel for what credit scoring calls by different names: information value (goods and bads), population
// stability index (two samples), fairness information (two groups).

#include <cstdint>
#include <span>
#include <vector>

#include "base/philox.h"
#include "base/result.h"
#include "stats/interval.h"

namespace plimsoll::stats {

struct DivergenceOptions {
  double level = 0.95;          // of the interval and of 1 - the test's size
  bool fixed_first = false;     // the first population is a fixed reference: its sampling noise is dropped
  bool interval = true;         // the interval near zero asks for a few noncentral tails; leave it out in bulk
};

struct Divergence {
  double value = 0;
  double corrected = 0;         // value less its bias near zero, (K - 1)(1/m + 1/n)
  double standard_error = 0;    // full multinomial delta method
  double paper_error = 0;       // sqrt(sum (q - p)^2 (1/g + 1/b)): propagates the log odds only, about half the truth
  double paper_p = 1;           // one-sided normal tail of value / paper_error: NOT valid, kept for comparison
  double statistic = 0;         // value / (1/m + 1/n)
  std::int64_t freedom = 0;     // K - 1, bins empty in both populations not counted
  double p_value = 1;           // chi-square tail of the statistic
  double critical = 0;          // the value at which the test rejects
  Interval interval;            // delta method where the test rejects and corrected > 2 errors, else noncentral inversion
  bool by_delta = false;
  double smallest_expected = 0; // smallest expected count of a cell if the populations were one; below 5 the tail is rough
};

// Counts (or weights) of each bin in both populations, of one length; finite and not negative. bad_parameter for unequal
// lengths or an empty population; bad_value at the first bin that is empty in one population only (row = bin): smooth first.
Result<Divergence> jeffreys_divergence(std::span<const double> first, std::span<const double> second, const DivergenceOptions& options = {});

// The divergence alone, plain sums in the order of the bins; bins empty in either population contribute nothing.
double jeffreys_value(std::span<const double> first, std::span<const double> second);

// Smallest divergence that the chi-square test of that size detects with chance `power`.
double detectable_divergence(std::int64_t freedom, double first_total, double second_total, double level, double power, bool fixed_first = false);

// Tail of the statistic when the expected counts are too small for chi-square: `draws` pairs of multinomials of the pooled
// shares, half a count added to every cell of a pair that has an empty cell, as the caller does. (1 + #at least) / (1 + draws).
double divergence_monte_carlo_p(std::span<const std::int64_t> first, std::span<const std::int64_t> second, std::int64_t draws, Stream stream);

// Adds half a count to every cell if a bin is empty in one population only; true if it did.
bool smooth_halves(std::span<double> first, std::span<double> second);

// Difference of two divergences of independent samples, z = (a - b) / sqrt(SE_a^2 + SE_b^2); corrected for bias if the
// samples differ in size. Conservative below a divergence of 0.1.
struct DivergenceDrift {
  double difference = 0;
  double z = 0;
  double p_value = 1;  // two-sided
};
DivergenceDrift divergence_drift(const Divergence& a, const Divergence& b, bool same_size);

// The same by permutation of the sample label within each population: exact for counts. Tables of K bins: a's first and
// second population, then b's. Two-sided, (1 + #at least as large) / (1 + draws).
double divergence_drift_permutation_p(std::span<const std::int64_t> a_first, std::span<const std::int64_t> a_second,
                                      std::span<const std::int64_t> b_first, std::span<const std::int64_t> b_second,
                                      std::int64_t draws, Stream stream);

// P(X <= x), X noncentral chi-square; and the noncentrality at which that chance is p (0 if even 0 gives less than p).
double noncentral_chi_square_cdf(double x, double df, double noncentrality);
double noncentrality_at(double x, double df, double p);
double chi_square_upper_quantile(double p, double df);

}  // namespace plimsoll::stats

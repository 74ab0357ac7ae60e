// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finite-sample tests of a bounded risk: p-values of the hypothesis E X > a for independent X_1 .. X_n in [0, 1], small when the
// risk is surely at most a. Each is valid: P(p <= u) <= u whenever the hypothesis holds. A bound at confidence 1 - delta is the
// largest a with p > delta.

#include <cstdint>
#include <span>

namespace plimsoll::stats {

// Hoeffding 1963: exp(-2 n (a - mean)^2) for mean < a, else 1.
double hoeffding_p(double sum, std::int64_t n, double a);
// Hoeffding's relative-entropy form and Bentkus 2004, the smaller of the two (Bates et al. 2021, Angelopoulos et al. 2021):
// min(exp(-n kl(mean, a)), e P(Bin(n, a) <= ceil(sum))).
double hoeffding_bentkus_p(double sum, std::int64_t n, double a);
// Maurer and Pontil 2009: E X <= mean + sqrt(2 V ln(2 / d) / n) + 7 ln(2 / d) / (3 (n - 1)) with probability 1 - d, V the sample
// variance with n - 1; the smallest such d, at most 1. n < 2 gives 1.
double empirical_bernstein_p(double mean, double variance, std::int64_t n, double a);
// For X in {0, 1}: P(Bin(n, a) <= errors), the Clopper-Pearson test.
double binomial_p(std::int64_t errors, std::int64_t n, double a);
// Waudby-Smith and Ramdas 2024 (their hedged capital as in Bates et al. 2021, proposition 5): the capital of a bet against
// E X > a, with bets tuned for `delta`; 1 / its largest value. Uses the rows in their order.
double betting_p(std::span<const double> x, double a, double delta);

}  // namespace plimsoll::stats

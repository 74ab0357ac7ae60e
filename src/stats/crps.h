// SPDX-License-Identifier: Apache-2.0
#pragma once

// Scores of forecast distributions, lower is better: the CRPS in its three forms for ensembles and in closed form for a normal
// law, quantile and interval scores, and scores of the exceedance of a threshold. Each function scores one row.

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace plimsoll::stats {

// Which score of an ensemble a number is. S and H as in ensemble_rows.h, M members.
enum class CrpsKind : std::uint8_t {
  standard,     // S - H (M - 1) / M: of the M members as a law of its own; rewards a spread that is too small
  fair,         // S - H: in expectation the score of the law that the members are drawn from, whatever M
  almost_fair,  // S - (1 - eps) H, eps = (1 - alpha) / M
};
std::span<const std::string_view> choices_of(CrpsKind);

// S - share * H. With one member only the standard score exists: |x - y|, share 0; NaN for the others.
double crps_share(CrpsKind kind, std::int32_t members, double alpha);
double crps_of(CrpsKind kind, double absolute_error, double half_difference, std::int32_t members, double alpha);

// Members with weights that need not sum to one (standard score only): sum w |x - y| - 1/2 sum w_j w_k |x_j - x_k|, sum w = 1.
// `bad_value` for a negative, NaN or infinite weight, or none above 0.
Result<double> weighted_crps(std::span<const double> member, std::span<const double> weight, double observed);

// CRPS of N(mean, sd^2): sd (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi)); sd = 0 gives |y - mean|.
double normal_crps(double mean, double sd, double observed);
double normal_log_score(double mean, double sd, double observed);  // -log density

// Twice the pinball loss: its mean over all levels is the CRPS.
double quantile_score(double quantile, double level, double observed);
// (upper - lower) + 2/miss (lower - y)+ + 2/miss (y - upper)+ for a central interval of coverage 1 - miss.
double interval_score(double lower, double upper, double miss, double observed);

// `above` of M members exceed a threshold: (above / M - o)^2 and its fair form (Ferro 2014), which subtracts
// above (M - above) / (M^2 (M - 1)); fair is NaN for one member.
double exceedance_brier(std::int32_t above, std::int32_t members, bool happened);
double fair_exceedance_brier(std::int32_t above, std::int32_t members, bool happened);

// Dawid and Sebastiani 1999: log variance + error^2 / variance. Christensen, Moroz and Palmer 2015: error-spread score
// (variance - e^2 - e s g)^2 with s the standard deviation and g the skewness of the members, e = mean - y.
double dawid_sebastiani(double error, double variance);
double error_spread(double error, double variance, double skewness);

// Score of each observation against all the others as an ensemble (leave-one-out climatology), O(n log n). Fair: divides by the
// pairs. The reference of a skill score; needs three observations.
struct Climatology {
  double standard = 0;
  double fair = 0;
};
Climatology climatology_scores(std::span<const double> observed, std::span<const double> weight, std::span<double> fair_rows);

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
// Gneiting and Raftery, JASA 2007 (CRPS, quantile and interval scores); Ferro, QJRMS 2014 (fair scores); Lang et al. 2024,
// arXiv 2412.15832, eq. 2-4 (almost fair); Gneiting et al., MWR 2005, eq. 5 (normal law); Dawid and Sebastiani, Annals of
// Statistics 1999; Christensen, Moroz and Palmer, QJRMS 2015 (error-spread).
#include "stats/crps.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "base/exact_sum.h"
#include "stats/distributions.h"

namespace plimsoll::stats {
namespace {

constexpr double no_value = std::numeric_limits<double>::quiet_NaN();
constexpr double log_two_pi = 1.8378770664093454836;
constexpr double one_over_sqrt_two_pi = 0.39894228040143267794;

double normal_density(double z) { return one_over_sqrt_two_pi * std::exp(-0.5 * z * z); }

}  // namespace

std::span<const std::string_view> choices_of(CrpsKind) {
  static constexpr std::array<std::string_view, 3> names = {"standard", "fair", "almost_fair"};
  return names;
}

double crps_share(CrpsKind kind, std::int32_t members, double alpha) {
  const double m = members;
  switch (kind) {
    case CrpsKind::standard: return members < 2 ? 0 : (m - 1) / m;
    case CrpsKind::fair: return members < 2 ? no_value : 1;
    case CrpsKind::almost_fair: return members < 2 ? no_value : 1 - (1 - alpha) / m;
  }
  return no_value;
}

double crps_of(CrpsKind kind, double absolute_error, double half_difference, std::int32_t members, double alpha) {
  if (members < 2) return kind == CrpsKind::standard ? absolute_error : no_value;
  return absolute_error - crps_share(kind, members, alpha) * half_difference;
}

Result<double> weighted_crps(std::span<const double> member, std::span<const double> weight, double observed) {
  double total = 0;
  for (const double w : weight) {
    if (!(w >= 0) || std::isinf(w)) return Error(ErrorCode::bad_value, "a member's weight is negative or not a number", "Give weights of at least 0.");
    total += w;
  }
  if (!(total > 0) || member.size() != weight.size())
    return Error(ErrorCode::bad_value, "no member has a weight above 0", "Give each member its weight.");
  std::vector<std::size_t> order(member.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return member[a] != member[b] ? member[a] < member[b] : a < b; });
  // 1/2 sum_jk w_j w_k |d_j - d_k| = sum_j w_j d_j (2 W_j - 1) with W_j the weight below plus half its own, in sorted order.
  double below = 0;
  double error = 0;
  double spread = 0;
  for (const std::size_t i : order) {
    const double w = weight[i] / total;
    const double d = member[i] - observed;
    error += w * std::fabs(d);
    spread += w * d * (2 * below + w - 1);
    below += w;
  }
  return error - spread;
}

double normal_crps(double mean, double sd, double observed) {
  if (sd == 0) return std::fabs(observed - mean);
  const double z = (observed - mean) / sd;
  return sd * (z * (normal_cdf(z) - normal_sf(z)) + 2 * normal_density(z) - std::numbers::inv_sqrtpi);
}

double normal_log_score(double mean, double sd, double observed) {
  const double z = (observed - mean) / sd;
  return std::log(sd) + 0.5 * (z * z + log_two_pi);
}

double quantile_score(double quantile, double level, double observed) {
  const double over = quantile - observed;
  return 2 * (over >= 0 ? (1 - level) * over : -level * over);
}

double interval_score(double lower, double upper, double miss, double observed) {
  double score = upper - lower;
  if (observed < lower) score += 2 / miss * (lower - observed);
  if (observed > upper) score += 2 / miss * (observed - upper);
  return score;
}

double exceedance_brier(std::int32_t above, std::int32_t members, bool happened) {
  const double gap = static_cast<double>(above) / members - (happened ? 1 : 0);
  return gap * gap;
}

double fair_exceedance_brier(std::int32_t above, std::int32_t members, bool happened) {
  if (members < 2) return no_value;
  const double m = members;
  const double k = above;
  return exceedance_brier(above, members, happened) - k * (m - k) / (m * m * (m - 1));
}

double dawid_sebastiani(double error, double variance) { return std::log(variance) + error * error / variance; }

double error_spread(double error, double variance, double skewness) {
  const double gap = variance - error * error - error * std::sqrt(variance) * skewness;
  return gap * gap;
}

// With y sorted and P_i = sum of the first i: sum_k |y_i - y_k| = (2 i - n) y_(i) - 2 P_i + P_n (i from 1, own term 0), and the pairs
// among the others are all pairs less these.
Climatology climatology_scores(std::span<const double> observed, std::span<const double> weight, std::span<double> fair_rows) {
  const std::size_t n = observed.size();
  Climatology scores{no_value, no_value};
  std::fill(fair_rows.begin(), fair_rows.end(), no_value);
  if (n < 3) return scores;
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return observed[a] != observed[b] ? observed[a] < observed[b] : a < b; });
  const double middle = observed[order[n / 2]];  // an offset common to all costs no digits
  double total = 0;
  for (const std::size_t i : order) total += observed[i] - middle;
  std::vector<double> to_all(n);
  double running = 0;
  double pairs = 0;
  for (std::size_t r = 0; r < n; ++r) {
    const double y = observed[order[r]] - middle;
    running += y;
    const double factor = 2 * static_cast<double>(r + 1) - static_cast<double>(n);
    to_all[order[r]] = std::max(0.0, factor * y - 2 * running + total);
    pairs += to_all[order[r]];
  }
  pairs /= 2;
  const auto others = static_cast<double>(n - 1);
  ExactSum standard, fair, weights;
  for (std::size_t i = 0; i < n; ++i) {
    const double w = weight.empty() ? 1 : weight[i];
    const double among = pairs - to_all[i];
    fair_rows[i] = to_all[i] / others - among / (others * (others - 1));
    standard.add(w * (to_all[i] / others - among / (others * others)));
    fair.add(w * fair_rows[i]);
    weights.add(w);
  }
  scores.standard = standard.value() / weights.value();
  scores.fair = fair.value() / weights.value();
  return scores;
}

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
// Paper: "An Information-Theoretic Framework for Credit Risk Modeling" (arXiv 2509.09855, 2025): IV = PSI = Jeffreys' divergence.
// With shares p_j = g_j / G and q_j = b_j / B, w = ln(q / p), J = sum (q - p) w.
// Delta method (Bishop, Fienberg and Holland 1975): a = -w + 1 - q/p, c = w + 1 - p/q,
//   Var J = [sum p a^2 - (sum p a)^2] / G + [sum q c^2 - (sum q c)^2] / B.
// Where the populations are one the gradient vanishes and J / (1/G + 1/B) -> chi-square with K - 1 degrees of freedom (Kupperman
// 1957; Yurdakul and Naranjo 2019 for PSI), with the noncentral law around it.
// Departs from the paper: its standard error sqrt(sum (q - p)^2 (1/g + 1/b)) holds the weights q - p fixed and is about half
// the truth, and its z-test rejects up to all of the time under the null; both are computed for comparison only.
#include "stats/divergence.h"

#include <boost/math/distributions/non_central_chi_squared.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/tools/toms748_solve.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "stats/count_draws.h"
#include "stats/distributions.h"

namespace plimsoll::stats {
namespace {

namespace bp = boost::math::policies;
using Quiet = bp::policy<bp::domain_error<bp::ignore_error>, bp::pole_error<bp::ignore_error>,
                         bp::overflow_error<bp::ignore_error>, bp::underflow_error<bp::ignore_error>,
                         bp::denorm_error<bp::ignore_error>, bp::evaluation_error<bp::ignore_error>, bp::promote_double<false>>;

// The noncentrality at which `chance`, which rises or falls monotonically in it, passes through zero.
template <class Chance>
double crossing(const Chance& chance, double start) {
  double low = 0;
  double high = std::max(1.0, start);
  const bool sign = chance(0.0) > 0;
  for (int i = 0; i < 60 && (chance(high) > 0) == sign; ++i) {
    low = high;
    high *= 2;
  }
  std::uintmax_t steps = 60;
  const auto found = boost::math::tools::toms748_solve(chance, low, high, boost::math::tools::eps_tolerance<double>(36), steps, Quiet());
  return 0.5 * (found.first + found.second);
}

double noise(double first_total, double second_total, bool fixed_first) {
  return (fixed_first ? 0.0 : 1.0 / first_total) + 1.0 / second_total;
}

struct Sums {
  double value = 0, paper = 0, pa = 0, paa = 0, qc = 0, qcc = 0;
  std::int64_t bins = 0;
};

Sums sums_of(std::span<const double> first, std::span<const double> second, double first_total, double second_total) {
  Sums s;
  for (std::size_t j = 0; j < first.size(); ++j) {
    if (!(first[j] > 0 && second[j] > 0)) continue;
    const double p = first[j] / first_total;
    const double q = second[j] / second_total;
    const double w = std::log(q / p);
    const double a = -w + 1 - q / p;
    const double c = w + 1 - p / q;
    s.value += (q - p) * w;
    s.paper += (q - p) * (q - p) * (1 / first[j] + 1 / second[j]);
    s.pa += p * a;
    s.paa += p * a * a;
    s.qc += q * c;
    s.qcc += q * c * c;
    ++s.bins;
  }
  return s;
}

Result<void> check_counts(std::span<const double> first, std::span<const double> second) {
  if (first.size() != second.size() || first.empty())
    return Error(ErrorCode::bad_parameter, "the two populations have " + std::to_string(first.size()) + " and " + std::to_string(second.size()) + " bins",
                 "Compare populations over the same bins.");
  for (std::size_t j = 0; j < first.size(); ++j) {
    for (const double count : {first[j], second[j]})
      if (!(count >= 0) || !std::isfinite(count))
        return Error(ErrorCode::bad_value, "the count of a bin is negative or not finite", "Give counts of at least zero.").at_row(static_cast<std::int64_t>(j));
    if ((first[j] > 0) != (second[j] > 0))
      return Error(ErrorCode::bad_value, "bin " + std::to_string(j) + " is empty in one population, so the divergence is infinite",
                   "Smooth the counts, or join the bin with another.")
          .at_row(static_cast<std::int64_t>(j));
  }
  return {};
}

Interval noncentral_interval(double statistic, double df, double scale, double level) {
  const double tail = 0.5 * (1 - level);
  return {scale * noncentrality_at(statistic, df, 1 - tail), scale * noncentrality_at(statistic, df, tail)};
}

}  // namespace

double noncentral_chi_square_cdf(double x, double df, double noncentrality) {
  if (!(x > 0)) return 0;
  if (!(noncentrality > 0)) return 1 - chi_square_sf(x, df);
  return boost::math::cdf(boost::math::non_central_chi_squared_distribution<double, Quiet>(df, noncentrality), x);
}

double noncentrality_at(double x, double df, double p) {
  if (noncentral_chi_square_cdf(x, df, 0) <= p) return 0;
  return crossing([&](double ncp) { return noncentral_chi_square_cdf(x, df, ncp) - p; }, x);
}

double chi_square_upper_quantile(double p, double df) {
  if (!(df > 0) || !(p > 0 && p < 1)) return std::numeric_limits<double>::quiet_NaN();
  return 2 * boost::math::gamma_q_inv(df / 2, p, Quiet());
}

double jeffreys_value(std::span<const double> first, std::span<const double> second) {
  double first_total = 0;
  double second_total = 0;
  for (std::size_t j = 0; j < first.size(); ++j) {
    first_total += first[j];
    second_total += second[j];
  }
  double value = 0;
  for (std::size_t j = 0; j < first.size(); ++j) {
    if (!(first[j] > 0 && second[j] > 0)) continue;
    const double p = first[j] / first_total;
    const double q = second[j] / second_total;
    value += (q - p) * std::log(q / p);
  }
  return value;
}

Result<Divergence> jeffreys_divergence(std::span<const double> first, std::span<const double> second, const DivergenceOptions& options) {
  PLIMSOLL_CHECK(check_counts(first, second));
  double m = 0;
  double n = 0;
  for (std::size_t j = 0; j < first.size(); ++j) {
    m += first[j];
    n += second[j];
  }
  if (!(m > 0 && n > 0)) return Error(ErrorCode::bad_parameter, "a population is empty", "Give rows of both populations.");
  const Sums s = sums_of(first, second, m, n);
  const double scale = noise(m, n, options.fixed_first);
  const double tail = 1 - options.level;
  Divergence d;
  d.value = s.value;
  d.freedom = std::max<std::int64_t>(0, s.bins - 1);
  const double df = static_cast<double>(d.freedom);
  d.corrected = d.value - df * scale;
  const double first_variance = options.fixed_first ? 0.0 : (s.paa - s.pa * s.pa) / m;
  d.standard_error = std::sqrt(std::max(0.0, first_variance + (s.qcc - s.qc * s.qc) / n));
  d.paper_error = std::sqrt(s.paper);
  d.paper_p = d.paper_error > 0 ? normal_sf(d.value / d.paper_error) : 1;
  d.statistic = d.value / scale;
  d.smallest_expected = std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j < first.size(); ++j)
    if (first[j] + second[j] > 0) d.smallest_expected = std::min(d.smallest_expected, (first[j] + second[j]) * std::min(m, n) / (m + n));
  if (d.freedom == 0) return d;
  d.p_value = chi_square_sf(d.statistic, df);
  d.critical = scale * chi_square_upper_quantile(tail, df);
  if (!options.interval) return d;
  d.by_delta = d.p_value <= tail && d.corrected > 2 * d.standard_error;
  const double z = normal_upper_quantile(tail / 2);
  d.interval = d.by_delta ? Interval{std::max(0.0, d.value - z * d.standard_error), d.value + z * d.standard_error}
                          : noncentral_interval(d.statistic, df, scale, options.level);
  return d;
}

double detectable_divergence(std::int64_t freedom, double first_total, double second_total, double level, double power, bool fixed_first) {
  if (freedom <= 0) return 0;
  const double df = static_cast<double>(freedom);
  const double critical = chi_square_upper_quantile(1 - level, df);
  return noise(first_total, second_total, fixed_first) * noncentrality_at(critical, df, 1 - power);
}

bool smooth_halves(std::span<double> first, std::span<double> second) {
  bool empty = false;
  for (std::size_t j = 0; j < first.size(); ++j) empty = empty || ((first[j] > 0) != (second[j] > 0));
  if (!empty) return false;
  for (double& count : first) count += 0.5;
  for (double& count : second) count += 0.5;
  return true;
}

namespace {

using Counts = std::span<const std::int64_t>;

std::int64_t total(Counts counts) {
  std::int64_t sum = 0;
  for (const std::int64_t count : counts) sum += count;
  return sum;
}

double smoothed_value(Counts first, Counts second, std::vector<double>& a, std::vector<double>& b) {
  a.assign(first.begin(), first.end());
  b.assign(second.begin(), second.end());
  smooth_halves(a, b);
  return jeffreys_value(a, b);
}

void draw_multinomial(Stream& stream, std::int64_t n, std::span<const double> shares, std::span<std::int64_t> counts) {
  double left = 1;
  for (std::size_t j = 0; j < shares.size(); ++j) {
    const bool last = j + 1 == shares.size();
    counts[j] = last ? n : (left > 0 ? stream.binomial(n, std::clamp(shares[j] / left, 0.0, 1.0)) : 0);
    n -= counts[j];
    left -= shares[j];
  }
}

}  // namespace

double divergence_monte_carlo_p(Counts first, Counts second, std::int64_t draws, Stream stream) {
  const std::int64_t m = total(first);
  const std::int64_t n = total(second);
  std::vector<double> shares;
  std::vector<std::int64_t> kept_first;
  std::vector<std::int64_t> kept_second;
  for (std::size_t j = 0; j < first.size(); ++j) {
    if (first[j] + second[j] == 0) continue;
    kept_first.push_back(first[j]);
    kept_second.push_back(second[j]);
    shares.push_back(static_cast<double>(first[j] + second[j]) / static_cast<double>(m + n));
  }
  std::vector<double> a;
  std::vector<double> b;
  const double seen = smoothed_value(kept_first, kept_second, a, b);
  std::int64_t at_least = 0;
  for (std::int64_t draw = 0; draw < draws; ++draw) {
    draw_multinomial(stream, m, shares, kept_first);
    draw_multinomial(stream, n, shares, kept_second);
    if (smoothed_value(kept_first, kept_second, a, b) >= seen * (1 - 1e-12)) ++at_least;
  }
  return static_cast<double>(1 + at_least) / static_cast<double>(1 + draws);
}

DivergenceDrift divergence_drift(const Divergence& a, const Divergence& b, bool same_size) {
  DivergenceDrift drift;
  drift.difference = same_size ? a.value - b.value : a.corrected - b.corrected;
  const double error = std::hypot(a.standard_error, b.standard_error);
  if (!(error > 0)) return drift;
  drift.z = drift.difference / error;
  drift.p_value = std::min(1.0, 2 * normal_sf(std::fabs(drift.z)));
  return drift;
}

double divergence_drift_permutation_p(Counts a_first, Counts a_second, Counts b_first, Counts b_second, std::int64_t draws, Stream stream) {
  const std::size_t bins = a_first.size();
  std::vector<std::int64_t> pool_first(bins), pool_second(bins), one_first(bins), one_second(bins), two_first(bins), two_second(bins);
  for (std::size_t j = 0; j < bins; ++j) {
    pool_first[j] = a_first[j] + b_first[j];
    pool_second[j] = a_second[j] + b_second[j];
  }
  std::vector<double> x;
  std::vector<double> y;
  const double seen = std::fabs(smoothed_value(a_first, a_second, x, y) - smoothed_value(b_first, b_second, x, y));
  std::int64_t at_least = 0;
  for (std::int64_t draw = 0; draw < draws; ++draw) {
    deal_counts(stream, pool_first, total(a_first), one_first);
    deal_counts(stream, pool_second, total(a_second), one_second);
    for (std::size_t j = 0; j < bins; ++j) {
      two_first[j] = pool_first[j] - one_first[j];
      two_second[j] = pool_second[j] - one_second[j];
    }
    const double one = smoothed_value(one_first, one_second, x, y);
    const double two = smoothed_value(two_first, two_second, x, y);
    if (std::fabs(one - two) >= seen * (1 - 1e-12)) ++at_least;
  }
  return static_cast<double>(1 + at_least) / static_cast<double>(1 + draws);
}

}  // namespace plimsoll::stats

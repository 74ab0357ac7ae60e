// SPDX-License-Identifier: Apache-2.0
// BetaBinomial: P(X = x + 1) / P(X = x) = (N - x)(x + a) / ((x + 1)(N - x - 1 + b)), walked outwards from the mode and
// normalised by its own sum: no difference of large logarithms of gamma functions, so about 1e-13 exact at any N.
#include "stats/distributions.h"

#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace plimsoll::stats {
namespace {

namespace bp = boost::math::policies;
using Quiet = bp::policy<bp::domain_error<bp::ignore_error>, bp::pole_error<bp::ignore_error>,
                         bp::overflow_error<bp::ignore_error>, bp::underflow_error<bp::ignore_error>,
                         bp::denorm_error<bp::ignore_error>, bp::evaluation_error<bp::ignore_error>, bp::promote_double<false>>;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double root_half = 0.70710678118654752440;
constexpr double root_two = 1.41421356237309504880;
constexpr double negligible = 1e-40;

bool outside_unit(double p) { return !(p >= 0 && p <= 1); }
bool bad_shapes(double a, double b) { return !(a > 0 && b > 0 && std::isfinite(a) && std::isfinite(b)); }

}  // namespace

double normal_cdf(double x) { return 0.5 * std::erfc(-x * root_half); }
double normal_sf(double x) { return 0.5 * std::erfc(x * root_half); }

double normal_upper_quantile(double p) {
  if (outside_unit(p)) return nan_value;
  if (p == 0) return infinity;
  if (p == 1) return -infinity;
  return root_two * boost::math::erfc_inv(2 * p, Quiet());
}

double normal_quantile(double p) { return -normal_upper_quantile(p); }

double beta_cdf(double x, double a, double b) {
  if (outside_unit(x) || bad_shapes(a, b)) return nan_value;
  return boost::math::ibeta(a, b, x, Quiet());
}

double beta_sf(double x, double a, double b) {
  if (outside_unit(x) || bad_shapes(a, b)) return nan_value;
  return boost::math::ibetac(a, b, x, Quiet());
}

double beta_quantile(double p, double a, double b) {
  if (outside_unit(p) || bad_shapes(a, b)) return nan_value;
  return boost::math::ibeta_inv(a, b, p, Quiet());
}

double beta_upper_quantile(double p, double a, double b) {
  if (outside_unit(p) || bad_shapes(a, b)) return nan_value;
  return boost::math::ibetac_inv(a, b, p, Quiet());
}

// P(|T| > |x|) = I(df / (df + x^2); df / 2, 1 / 2).
double student_t_cdf(double x, double df) {
  if (std::isnan(x) || !(df > 0)) return nan_value;
  if (std::isinf(x)) return x > 0 ? 1 : 0;
  if (std::isinf(df)) return normal_cdf(x);
  const double square = x * x;
  const double tail = square < df ? boost::math::ibetac(0.5, df / 2, square / (df + square), Quiet())
                                  : boost::math::ibeta(df / 2, 0.5, df / (df + square), Quiet());
  return x < 0 ? tail / 2 : 1 - tail / 2;
}

double student_t_upper_quantile(double p, double df) {
  if (outside_unit(p) || !(df > 0)) return nan_value;
  if (p == 0.5) return 0;
  if (p > 0.5) return -student_t_upper_quantile(1 - p, df);
  if (p == 0) return infinity;
  double complement = 0;  // 1 - y, exact where y is near 1
  const double y = boost::math::ibeta_inv(df / 2, 0.5, 2 * p, &complement, Quiet());
  return std::sqrt(df * complement / y);
}

double chi_square_limit(double df, double p) {
  const double cube = 1 - 2 / (9 * df) + normal_upper_quantile(p) * std::sqrt(2 / (9 * df));
  return df * cube * cube * cube;
}

double chi_square_sf(double x, double df) {
  if (std::isnan(x) || !(df > 0)) return nan_value;
  if (x <= 0) return 1;
  return std::isinf(x) ? 0 : boost::math::gamma_q(df / 2, x / 2, Quiet());
}

double binomial_cdf(std::int64_t k, std::int64_t n, double p) {
  if (n < 0 || outside_unit(p)) return nan_value;
  if (k < 0) return 0;
  if (k >= n) return 1;
  return beta_sf(p, static_cast<double>(k) + 1, static_cast<double>(n - k));
}

double binomial_sf(std::int64_t k, std::int64_t n, double p) {
  if (n < 0 || outside_unit(p)) return nan_value;
  if (k < 0) return 1;
  if (k >= n) return 0;
  return beta_cdf(p, static_cast<double>(k) + 1, static_cast<double>(n - k));
}

// Ratios from the lowest value up, scaled by their sum: no factorials.
double hypergeometric_sf(std::int64_t k, std::int64_t good, std::int64_t draws, std::int64_t total) {
  if (good < 0 || draws < 0 || total < 0 || good > total || draws > total) return nan_value;
  const std::int64_t low = std::max<std::int64_t>(0, draws + good - total);
  const std::int64_t high = std::min(good, draws);
  if (k < low) return 1;
  if (k >= high) return 0;
  // From the mode outwards, so that no term overflows.
  const auto mode = static_cast<std::int64_t>((static_cast<double>(draws) + 1) * (static_cast<double>(good) + 1) /
                                              (static_cast<double>(total) + 2));
  const std::int64_t start = std::clamp(mode, low, high);
  const auto ratio = [&](std::int64_t x) {  // P(x + 1) / P(x)
    return static_cast<double>(good - x) * static_cast<double>(draws - x) /
           (static_cast<double>(x + 1) * static_cast<double>(total - good - draws + x + 1));
  };
  double above = 0, rest = 0, term = 1;
  for (std::int64_t x = start;; ++x) {
    (x > k ? above : rest) += term;
    if (x == high || term == 0) break;
    term *= ratio(x);
  }
  term = 1;
  for (std::int64_t x = start; x > low && term > 0; --x) {
    term /= ratio(x - 1);
    (x - 1 > k ? above : rest) += term;
  }
  return above / (above + rest);
}

Result<BetaBinomial> BetaBinomial::make(std::int64_t trials, double a, double b) {
  if (trials < 0 || trials >= (std::int64_t{1} << 31) || bad_shapes(a, b))
    return Error(ErrorCode::bad_parameter, "a beta-binomial law needs 0 to 2^31 - 1 trials and positive shapes");
  BetaBinomial law;
  law.trials_ = trials;
  law.a_ = a;
  law.b_ = b;
  if (a >= 1 && b >= 1 && a + b > 2) law.table_unimodal();
  else law.table_all();
  law.normalise();
  return law;
}

void BetaBinomial::table_unimodal() {
  const auto n = static_cast<double>(trials_);
  const double turn = (n * (a_ - 1) - b_ + 1) / (a_ + b_ - 2);  // the ratio is at least 1 up to here
  const auto mode = static_cast<std::int64_t>(std::clamp(std::floor(turn) + 1, 0.0, n));
  const auto ratio = [this, n](double x) { return (n - x) * (x + a_) / ((x + 1) * (n - x - 1 + b_)); };
  std::vector<double> lower;  // mode - 1 downwards
  double term = 1;
  for (std::int64_t x = mode; x > 0; --x) {
    term /= ratio(static_cast<double>(x - 1));
    if (term < negligible) break;
    lower.push_back(term);
  }
  first_ = mode - static_cast<std::int64_t>(lower.size());
  mass_.assign(lower.rbegin(), lower.rend());
  term = 1;
  for (std::int64_t x = mode;; ++x) {
    mass_.push_back(term);
    if (x == trials_) break;
    term *= ratio(static_cast<double>(x));
    if (term < negligible) break;
  }
}

// Flat or U-shaped: all values, ratios added in logarithms.
void BetaBinomial::table_all() {
  const auto n = static_cast<double>(trials_);
  std::vector<double> logs{0};
  for (std::int64_t i = 0; i < trials_; ++i) {
    const auto x = static_cast<double>(i);
    logs.push_back(logs.back() + std::log((n - x) * (x + a_) / ((x + 1) * (n - x - 1 + b_))));
  }
  const double peak = *std::max_element(logs.begin(), logs.end());
  mass_.clear();
  for (const double log : logs) mass_.push_back(std::exp(log - peak));
}

void BetaBinomial::normalise() {
  double total = 0;
  for (const double m : mass_) total += m;
  for (double& m : mass_) m /= total;
}

double BetaBinomial::mean() const { return static_cast<double>(trials_) * a_ / (a_ + b_); }

double BetaBinomial::variance() const {
  const auto n = static_cast<double>(trials_);
  const double s = a_ + b_;
  return n * a_ * b_ * (s + n) / (s * s * (s + 1));
}

double BetaBinomial::pmf(std::int64_t x) const {
  const std::int64_t at = x - first_;
  return at < 0 || at >= static_cast<std::int64_t>(mass_.size()) ? 0 : mass_[static_cast<std::size_t>(at)];
}

double BetaBinomial::cdf(std::int64_t x) const {
  const std::int64_t last = std::min(x - first_, static_cast<std::int64_t>(mass_.size()) - 1);
  double sum = 0;
  for (std::int64_t i = 0; i <= last; ++i) sum += mass_[static_cast<std::size_t>(i)];
  return std::min(1.0, sum);
}

double BetaBinomial::sf(std::int64_t x) const {
  double sum = 0;
  for (auto i = static_cast<std::int64_t>(mass_.size()) - 1; i >= 0 && i > x - first_; --i)
    sum += mass_[static_cast<std::size_t>(i)];
  return std::min(1.0, sum);
}

std::int64_t BetaBinomial::quantile(double p) const {
  double sum = 0;
  for (std::size_t i = 0; i < mass_.size(); ++i) {
    sum += mass_[i];
    if (sum >= p) return first_ + static_cast<std::int64_t>(i);
  }
  return first_ + static_cast<std::int64_t>(mass_.size()) - 1;
}

CountInterval BetaBinomial::central(double e) const {
  std::size_t lo = 0;
  double sum = mass_[0];
  while (lo + 1 < mass_.size() && sum <= e / 2) sum += mass_[++lo];
  std::size_t hi = mass_.size() - 1;
  sum = mass_[hi];
  while (hi > 0 && sum <= e / 2) sum += mass_[--hi];
  return {first_ + static_cast<std::int64_t>(lo), first_ + static_cast<std::int64_t>(hi)};
}

}  // namespace plimsoll::stats

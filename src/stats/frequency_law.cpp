// SPDX-License-Identifier: Apache-2.0
// Generating functions: fixed z^n, Poisson exp(a (z - 1)), negative binomial (p / (1 - (1 - p) z))^r, binomial (1 - p + p z)^n;
// thinning puts 1 - q + q z for z. A Poisson rate with law Gamma(s, t) gives the negative binomial r = s, p = t / (t + 1).
#include "stats/frequency_law.h"

#include <algorithm>
#include <array>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <string>

namespace plimsoll::stats {
namespace {

namespace bp = boost::math::policies;
using Quiet = bp::policy<bp::domain_error<bp::ignore_error>, bp::pole_error<bp::ignore_error>, bp::overflow_error<bp::ignore_error>,
                         bp::underflow_error<bp::ignore_error>, bp::evaluation_error<bp::ignore_error>, bp::promote_double<false>>;

constexpr std::array<std::string_view, 4> kinds = {"fixed", "poisson", "negative_binomial", "binomial"};

template <class Z>
Z generating(const FrequencyLaw& law, Z thinned) {
  const Z z = Z(1 - law.kept) + law.kept * thinned;
  switch (law.kind) {
    case CountKind::fixed: return std::pow(z, law.a);
    case CountKind::poisson: return std::exp(law.a * (z - Z(1)));
    case CountKind::negative_binomial: return std::pow(law.b / (Z(1) - (1 - law.b) * z), law.a);
    case CountKind::binomial: return std::pow(Z(1 - law.b) + law.b * z, law.a);
  }
  return Z(0);
}

Error wrong(std::string what, std::string mend) { return Error(ErrorCode::bad_parameter, std::move(what), std::move(mend)).in_parameter("frequency"); }

}  // namespace

std::span<const std::string_view> choices_of(CountKind) { return kinds; }

double FrequencyLaw::mean() const {
  switch (kind) {
    case CountKind::fixed:
    case CountKind::poisson: return kept * a;
    case CountKind::negative_binomial: return kept * a * (1 - b) / b;
    case CountKind::binomial: return kept * a * b;
  }
  return 0;
}

// Var of a thinned count: q^2 Var N + q (1 - q) E N.
double FrequencyLaw::variance() const {
  double whole = 0;
  switch (kind) {
    case CountKind::fixed: whole = 0; break;
    case CountKind::poisson: whole = a; break;
    case CountKind::negative_binomial: whole = a * (1 - b) / (b * b); break;
    case CountKind::binomial: whole = a * b * (1 - b); break;
  }
  const double all = kept > 0 ? mean() / kept : 0;
  return kept * kept * whole + kept * (1 - kept) * all;
}

std::complex<double> FrequencyLaw::pgf(std::complex<double> z) const { return generating(*this, z); }
double FrequencyLaw::pgf(double z) const { return generating(*this, z); }

bool FrequencyLaw::panjer(Panjer& out) const {
  out.p0 = pgf(0.0);
  switch (kind) {
    case CountKind::poisson: out = {0, a * kept, out.p0}; return true;
    case CountKind::negative_binomial: {
      const double p = b / (b + kept * (1 - b));
      out = {1 - p, (a - 1) * (1 - p), out.p0};
      return true;
    }
    case CountKind::binomial: {
      const double p = b * kept;
      if (p >= 1) return false;
      out = {-p / (1 - p), (a + 1) * p / (1 - p), out.p0};
      return true;
    }
    case CountKind::fixed: {
      if (kept >= 1 || a == 0) return false;
      out = {-kept / (1 - kept), (a + 1) * kept / (1 - kept), out.p0};
      return true;
    }
  }
  return false;
}

std::vector<double> FrequencyLaw::cumulative(double tail) const {
  Panjer law;
  if (!panjer(law)) {  // a certain count
    const double n = kind == CountKind::fixed && kept <= 0 ? 0 : a;
    std::vector<double> steps(static_cast<std::size_t>(n) + 1, 0.0);
    steps.back() = 1;
    return steps;
  }
  // From the mode outwards in logarithms, so that P(N = 0) may underflow.
  const double middle = mean();
  const auto most = static_cast<std::size_t>(std::min(1048576.0, middle + 40 * std::sqrt(variance()) + 400));
  const double log_p0 = kind == CountKind::poisson ? -a * kept : kind == CountKind::negative_binomial ? a * std::log(b / (b + kept * (1 - b))) : a * std::log1p(-(kind == CountKind::binomial ? b * kept : kept));
  std::vector<double> steps;
  double log_p = log_p0, sum = 0;
  for (std::size_t k = 0; k < most; ++k) {
    if (k > 0) {
      const double ratio = law.a + law.b / static_cast<double>(k);
      if (!(ratio > 0)) break;
      log_p += std::log(ratio);
    }
    sum += std::exp(log_p);
    steps.push_back(std::min(sum, 1.0));
    if (static_cast<double>(k) > middle && 1 - sum < tail) break;
  }
  steps.back() = 1;
  return steps;
}

Result<void> check(const FrequencyLaw& law) {
  if (!(law.kept >= 0 && law.kept <= 1)) return wrong("a control's factor on the frequency is " + std::to_string(law.kept), "Give a factor from 0 to 1");
  switch (law.kind) {
    case CountKind::fixed:
      if (!(law.a >= 0 && law.a <= 1e6) || law.a != std::floor(law.a)) return wrong("a fixed count of " + std::to_string(law.a) + " is no count of events", "Give a whole number from 0 to 1,000,000");
      return {};
    case CountKind::poisson:
      if (!(law.a >= 0) || law.a > 1e6) return wrong("a rate of " + std::to_string(law.a) + " events a year", "Give a rate from 0 to 1,000,000");
      return {};
    case CountKind::negative_binomial:
      if (!(law.a > 0) || law.a > 1e6) return wrong("r = " + std::to_string(law.a) + " of a negative binomial", "Give r above 0");
      if (!(law.b > 0 && law.b <= 1)) return wrong("p = " + std::to_string(law.b) + " of a negative binomial", "Give p above 0 and at most 1; N counts failures before the r-th success");
      return {};
    case CountKind::binomial:
      if (!(law.a >= 0 && law.a <= 1e6) || law.a != std::floor(law.a)) return wrong("n = " + std::to_string(law.a) + " of a binomial", "Give a whole number of trials");
      if (!(law.b >= 0 && law.b <= 1)) return wrong("p = " + std::to_string(law.b) + " of a binomial is no probability", "Give a chance from 0 to 1; a percentage is divided by 100, and a rate above 1 is poisson");
      return {};
  }
  return {};
}

FrequencyLaw gamma_mixed(double shape, double exposure) { return {CountKind::negative_binomial, shape, exposure / (exposure + 1), 1}; }

FrequencyLaw rate_from_counts(double events, double years) { return gamma_mixed(events + 0.5, years); }

// One unknown: the shape s with quantile(upper; s) / quantile(lower; s) = high / low, which falls as s grows; then the rate.
Result<FrequencyLaw> rate_from_interval(double low, double high, double level) {
  if (!(low > 0 && high > low && std::isfinite(high))) return wrong("an interval of " + std::to_string(low) + " to " + std::to_string(high) + " for a rate", "Give two rates above 0, the lower one first");
  if (!(level > 0 && level < 1)) return wrong("an interval of level " + std::to_string(level), "Give a level between 0 and 1");
  const double tail = (1 - level) / 2;
  const auto log_ratio = [tail](double shape) { return std::log(boost::math::gamma_p_inv(shape, 1 - tail, Quiet()) / boost::math::gamma_p_inv(shape, tail, Quiet())); };
  const double wanted = std::log(high / low);
  double few = 0.02, many = 1e6;
  if (log_ratio(few) < wanted) return wrong("the interval " + std::to_string(low) + " to " + std::to_string(high) + " is too wide for a rate", "Give a narrower interval");
  if (log_ratio(many) > wanted) return wrong("the interval " + std::to_string(low) + " to " + std::to_string(high) + " is too narrow", "Give the rate as poisson");
  for (int i = 0; i < 200 && many / few > 1 + 1e-14; ++i) {
    const double middle = std::sqrt(few * many);
    (log_ratio(middle) > wanted ? few : many) = middle;
  }
  const double shape = std::sqrt(few * many);
  return gamma_mixed(shape, boost::math::gamma_p_inv(shape, tail, Quiet()) / low);
}

}  // namespace plimsoll::stats

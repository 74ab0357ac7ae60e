// SPDX-License-Identifier: Apache-2.0
// PERT(low, mode, high, g): low + (high - low) Beta(1 + g (mode - low)/(high - low), 1 + g (high - mode)/(high - low)).
// Lognormal from a central interval of level c: meanlog = (ln lo + ln hi)/2, sdlog = (ln hi - ln lo)/(2 z_{(1+c)/2}).
// Moments of a capped law: E min(Y, c)^k = int_0^c k y^(k-1) P(Y > y) dy, by Gauss-Legendre in panels of rising quantiles.
#include "stats/severity_law.h"

#include <algorithm>
#include <array>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <string>

#include "stats/distributions.h"

namespace plimsoll::stats {
namespace {

namespace bp = boost::math::policies;
using Quiet = bp::policy<bp::domain_error<bp::ignore_error>, bp::pole_error<bp::ignore_error>, bp::overflow_error<bp::ignore_error>,
                         bp::underflow_error<bp::ignore_error>, bp::evaluation_error<bp::ignore_error>, bp::promote_double<false>>;

constexpr std::array<std::string_view, 10> kinds = {"lognormal", "pert", "gamma", "weibull", "pareto", "normal", "triangular", "uniform", "fixed", "empirical"};
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double root_half = 0.70710678118654752440;

double phi_upper(double z) { return 0.5 * std::erfc(z * root_half); }  // P(Z > z)

struct BetaShape {
  double alpha = 1, beta = 1;
};
BetaShape pert_shape(const SeverityLaw& s) {
  const double range = s.c - s.a;
  return {1 + s.d * (s.b - s.a) / range, 1 + s.d * (s.c - s.b) / range};
}

// P(Y > y) of the law without factor and cap.
double plain_sf(const SeverityLaw& s, double y) {
  switch (s.kind) {
    case SeverityKind::lognormal: return y <= 0 ? 1 : phi_upper((std::log(y) - s.a) / s.b);
    case SeverityKind::pert: {
      const BetaShape shape = pert_shape(s);
      return y <= s.a ? 1 : y >= s.c ? 0 : beta_sf((y - s.a) / (s.c - s.a), shape.alpha, shape.beta);
    }
    case SeverityKind::gamma: return y <= 0 ? 1 : boost::math::gamma_q(s.a, y / s.b, Quiet());
    case SeverityKind::weibull: return y <= 0 ? 1 : std::exp(-std::pow(y / s.b, s.a));
    case SeverityKind::pareto: {
      const double z = (y - s.c) / s.b;
      if (z <= 0) return 1;
      if (s.a == 0) return std::exp(-z);
      const double base = 1 + s.a * z;
      return base <= 0 ? 0 : std::pow(base, -1 / s.a);
    }
    case SeverityKind::normal: return y <= 0 ? 1 : phi_upper((y - s.a) / s.b) / phi_upper(-s.a / s.b);
    case SeverityKind::triangular: {
      if (y <= s.a) return 1;
      if (y >= s.c) return 0;
      if (y <= s.b) return 1 - (y - s.a) * (y - s.a) / ((s.c - s.a) * (s.b - s.a));
      return (s.c - y) * (s.c - y) / ((s.c - s.a) * (s.c - s.b));
    }
    case SeverityKind::uniform: return y <= s.a ? 1 : y >= s.b ? 0 : (s.b - y) / (s.b - s.a);
    case SeverityKind::fixed: return y >= s.a ? 0 : 1;
    case SeverityKind::empirical: return static_cast<double>(s.values.end() - std::upper_bound(s.values.begin(), s.values.end(), y)) / static_cast<double>(s.values.size());
  }
  return 0;
}

double triangular_quantile(const SeverityLaw& s, double u) {
  const double split = (s.b - s.a) / (s.c - s.a);
  if (u <= split) return s.a + std::sqrt(u * (s.c - s.a) * (s.b - s.a));
  return s.c - std::sqrt((1 - u) * (s.c - s.a) * (s.c - s.b));
}

double plain_quantile(const SeverityLaw& s, double u) {
  switch (s.kind) {
    case SeverityKind::lognormal: return std::exp(s.a + s.b * normal_quantile(u));
    case SeverityKind::pert: {
      const BetaShape shape = pert_shape(s);
      return s.a + (s.c - s.a) * beta_quantile(u, shape.alpha, shape.beta);
    }
    case SeverityKind::gamma: return s.b * boost::math::gamma_p_inv(s.a, u, Quiet());
    case SeverityKind::weibull: return s.b * std::pow(-std::log1p(-u), 1 / s.a);
    case SeverityKind::pareto: return s.c + s.b * (s.a == 0 ? -std::log1p(-u) : std::expm1(-s.a * std::log1p(-u)) / s.a);
    case SeverityKind::normal: return std::max(0.0, s.a + s.b * normal_upper_quantile((1 - u) * phi_upper(-s.a / s.b)));
    case SeverityKind::triangular: return triangular_quantile(s, u);
    case SeverityKind::uniform: return s.a + u * (s.b - s.a);
    case SeverityKind::fixed: return s.a;
    case SeverityKind::empirical: return s.values[std::min(s.values.size() - 1, static_cast<std::size_t>(std::ceil(u * static_cast<double>(s.values.size()))) - 1)];
  }
  return 0;
}

struct Moments {
  double first = 0, second = 0;
};

Moments from_mean_and_variance(double mean, double variance) { return {mean, variance + mean * mean}; }

Moments truncated_normal(const SeverityLaw& s) {
  const double at = -s.a / s.b;
  const double ratio = std::exp(-at * at / 2) * 0.39894228040143267794 / phi_upper(at);
  return from_mean_and_variance(s.a + s.b * ratio, s.b * s.b * (1 + at * ratio - ratio * ratio));
}

Moments plain_moments(const SeverityLaw& s) {
  switch (s.kind) {
    case SeverityKind::lognormal: return {std::exp(s.a + s.b * s.b / 2), std::exp(2 * s.a + 2 * s.b * s.b)};
    case SeverityKind::pert: {
      const auto [alpha, beta] = pert_shape(s);
      const double total = alpha + beta;
      const double range = s.c - s.a;
      return from_mean_and_variance(s.a + range * alpha / total, range * range * alpha * beta / (total * total * (total + 1)));
    }
    case SeverityKind::gamma: return from_mean_and_variance(s.a * s.b, s.a * s.b * s.b);
    case SeverityKind::weibull: return {s.b * std::tgamma(1 + 1 / s.a), s.b * s.b * std::tgamma(1 + 2 / s.a)};
    case SeverityKind::pareto: {
      if (s.a >= 1) return {infinity, infinity};
      const double mean = s.b / (1 - s.a);
      if (s.a >= 0.5) return {s.c + mean, infinity};
      return from_mean_and_variance(s.c + mean, mean * mean / (1 - 2 * s.a));
    }
    case SeverityKind::normal: return truncated_normal(s);
    case SeverityKind::triangular: return from_mean_and_variance((s.a + s.b + s.c) / 3, (s.a * s.a + s.b * s.b + s.c * s.c - s.a * s.b - s.a * s.c - s.b * s.c) / 18);
    case SeverityKind::uniform: return from_mean_and_variance((s.a + s.b) / 2, (s.b - s.a) * (s.b - s.a) / 12);
    case SeverityKind::fixed: return {s.a, s.a * s.a};
    case SeverityKind::empirical: {
      Moments m;
      for (const double v : s.values) {
        m.first += v;
        m.second += v * v;
      }
      return {m.first / static_cast<double>(s.values.size()), m.second / static_cast<double>(s.values.size())};
    }
  }
  return {};
}

Moments capped_moments(const SeverityLaw& s) {
  if (s.kind == SeverityKind::empirical || s.kind == SeverityKind::fixed) {
    SeverityLaw cut = s;
    for (double& v : cut.values) v = std::min(v, s.cap);
    cut.a = s.kind == SeverityKind::fixed ? std::min(s.a, s.cap) : s.a;
    return plain_moments(cut);
  }
  constexpr std::array<double, 5> node = {0.1488743389816312, 0.4333953941292472, 0.6794095682990244, 0.8650633666889845, 0.9739065285171717};
  constexpr std::array<double, 5> weight = {0.2955242247147529, 0.2692667193099963, 0.2190863625159820, 0.1494513491505806, 0.0666713443086881};
  constexpr int panels = 400;
  Moments m;
  double from = 0;
  for (int i = 1; i <= panels; ++i) {
    const double u = static_cast<double>(i) / panels;
    const double to = i == panels ? s.cap : std::min(s.cap, plain_quantile(s, u * (1 - plain_sf(s, s.cap))));
    const double half = (to - from) / 2;
    const double middle = (to + from) / 2;
    for (std::size_t k = 0; k < node.size(); ++k) {
      for (const double side : {-1.0, 1.0}) {
        const double y = middle + side * half * node[k];
        const double mass = half * weight[k] * plain_sf(s, y);
        m.first += mass;
        m.second += 2 * y * mass;
      }
    }
    from = to;
  }
  return m;
}

Moments moments_of(const SeverityLaw& s) {
  const Moments plain = s.cap < infinity && plain_sf(s, s.cap) > 0 ? capped_moments(s) : plain_moments(s);
  return {plain.first * s.factor, plain.second * s.factor * s.factor};
}

Error wrong(const SeverityLaw& law, const std::string& what, std::string mend) {
  return Error(ErrorCode::bad_parameter, what + " of a " + std::string(kinds[static_cast<std::size_t>(law.kind)]) + " severity", std::move(mend)).in_parameter("severity");
}

Result<void> check_three(const SeverityLaw& law) {
  if (!(law.a >= 0 && law.a < law.c)) return wrong(law, "low = " + std::to_string(law.a) + " and high = " + std::to_string(law.c), "Give low of at least 0 and below high");
  if (!(law.a <= law.b && law.b <= law.c)) return wrong(law, "mode = " + std::to_string(law.b) + " outside [low, high]", "Give low <= mode <= high");
  if (law.kind == SeverityKind::pert && !(law.d > 0)) return wrong(law, "a shape of " + std::to_string(law.d), "Give a weight of the mode above 0; 4 is usual");
  return {};
}

}  // namespace

std::span<const std::string_view> choices_of(SeverityKind) { return kinds; }

double SeverityLaw::cdf(double x) const {
  if (!(factor > 0)) return x >= 0 ? 1 : 0;
  const double y = x / factor;
  return y >= cap ? 1 : y < 0 ? 0 : 1 - plain_sf(*this, y);
}

double SeverityLaw::at_least(double x) const {
  if (!(factor > 0)) return x > 0 ? 0 : 1;
  const double y = x / factor;
  if (y > cap) return 0;
  if (y <= 0) return 1;
  if (kind == SeverityKind::empirical) return static_cast<double>(values.end() - std::lower_bound(values.begin(), values.end(), y)) / static_cast<double>(values.size());
  if (kind == SeverityKind::fixed) return y <= a ? 1 : 0;
  return plain_sf(*this, y);
}

double SeverityLaw::quantile(double u) const { return factor * std::min(cap, plain_quantile(*this, u)); }
double SeverityLaw::mean() const { return factor > 0 ? moments_of(*this).first : 0; }
double SeverityLaw::second_moment() const { return factor > 0 ? moments_of(*this).second : 0; }

double SeverityLaw::highest() const {
  double most = infinity;
  if (kind == SeverityKind::pert || kind == SeverityKind::triangular) most = c;
  if (kind == SeverityKind::uniform) most = b;
  if (kind == SeverityKind::fixed) most = a;
  if (kind == SeverityKind::empirical) most = values.back();
  if (kind == SeverityKind::pareto && a < 0) most = c - b / a;
  return factor * std::min(most, cap);
}

double SeverityLaw::draw(Stream& stream) const {
  switch (kind) {
    case SeverityKind::lognormal: return factor * std::min(cap, std::exp(a + b * stream.normal()));
    case SeverityKind::pert: {
      const BetaShape shape = pert_shape(*this);
      return factor * std::min(cap, a + (c - a) * stream.beta(shape.alpha, shape.beta));
    }
    case SeverityKind::gamma: return factor * std::min(cap, b * stream.gamma(a));
    case SeverityKind::normal: {
      if (phi_upper(-a / b) < 0.05) return quantile(stream.uniform_open());
      while (true) {
        const double y = a + b * stream.normal();
        if (y >= 0) return factor * std::min(cap, y);
      }
    }
    default: return quantile(stream.uniform_open());
  }
}

Result<void> check(SeverityLaw& law) {
  for (const double x : {law.a, law.b, law.c, law.d})
    if (!std::isfinite(x)) return wrong(law, "a parameter that is not finite", "Give numbers");
  if (!(law.factor >= 0 && law.factor <= 1e6)) return wrong(law, "a factor of " + std::to_string(law.factor), "Give a factor of at least 0");
  if (!(law.cap > 0)) return wrong(law, "a cap of " + std::to_string(law.cap), "Give a cap above 0");
  switch (law.kind) {
    case SeverityKind::lognormal:
    case SeverityKind::normal: return law.b > 0 ? Result<void>{} : wrong(law, "a standard deviation of " + std::to_string(law.b), "Give one above 0");
    case SeverityKind::gamma:
    case SeverityKind::weibull: return law.a > 0 && law.b > 0 ? Result<void>{} : wrong(law, "shape " + std::to_string(law.a) + " and scale " + std::to_string(law.b), "Give both above 0");
    case SeverityKind::pareto: return law.b > 0 && law.c >= 0 ? Result<void>{} : wrong(law, "scale " + std::to_string(law.b) + " and location " + std::to_string(law.c), "Give a scale above 0 and a location of at least 0");
    case SeverityKind::pert:
    case SeverityKind::triangular: return check_three(law);
    case SeverityKind::uniform: return law.a >= 0 && law.a < law.b ? Result<void>{} : wrong(law, "low = " + std::to_string(law.a) + " and high = " + std::to_string(law.b), "Give low of at least 0 and below high");
    case SeverityKind::fixed: return law.a >= 0 ? Result<void>{} : wrong(law, "a loss of " + std::to_string(law.a), "Give a loss of at least 0");
    case SeverityKind::empirical: {
      if (law.values.empty()) return wrong(law, "no losses", "Give at least one stated loss");
      for (const double v : law.values)
        if (!(v >= 0) || !std::isfinite(v)) return wrong(law, "a loss of " + std::to_string(v), "Give losses of at least 0");
      std::sort(law.values.begin(), law.values.end());
      return {};
    }
  }
  return {};
}

Result<SeverityLaw> lognormal_from_interval(double low, double high, double level) {
  SeverityLaw law;
  if (!(low > 0 && high > low && std::isfinite(high))) return wrong(law, "an interval of " + std::to_string(low) + " to " + std::to_string(high), "Give two losses above 0, the lower one first");
  if (!(level > 0 && level < 1)) return wrong(law, "an interval of level " + std::to_string(level), "Give a level between 0 and 1");
  law.a = (std::log(low) + std::log(high)) / 2;
  law.b = (std::log(high) - std::log(low)) / (2 * normal_quantile((1 + level) / 2));
  return law;
}

Result<SeverityLaw> lognormal_from_moments(double mean, double cv) {
  SeverityLaw law;
  if (!(mean > 0 && cv > 0)) return wrong(law, "mean " + std::to_string(mean) + " and coefficient of variation " + std::to_string(cv), "Give both above 0");
  law.b = std::sqrt(std::log1p(cv * cv));
  law.a = std::log(mean) - law.b * law.b / 2;
  return law;
}

}  // namespace plimsoll::stats

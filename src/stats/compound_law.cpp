// SPDX-License-Identifier: Apache-2.0
// Severities are cut to cells of width h, f_j = P(j h <= X < (j + 1) h). At j h each event costs too little, at (j + 1) h too much:
// with phi the transform of f and w that of one cell, T lies stochastically between the compound laws of phi and w phi, and the law of
// (1 - v + v w) phi between them, v chosen for each severity, has events of exactly its mean. One transform serves all three. Mass past the grid
// stands in its last cell for the lower law and nowhere (that is, at infinity) for the upper one, so both bounds stay exact.
// Wrapping round is damped by exponential tilting over twice the grid (Gruebel and Hermesmeier 1999): cells beyond come back with
// e^-20 of their mass, below what doubles resolve here. Transforms are Eigen's (kissfft), real to half spectra.
// What a risk adds: E[S_r z^T] = phi_T (ln pgf_r)'(phi_r) E[X z^X], which Euler's allocation sums over the tail.
#include "stats/compound_law.h"

#include <unsupported/Eigen/FFT>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <numeric>

namespace plimsoll::stats {
namespace {

using Complex = std::complex<double>;
using Spectrum = std::vector<Complex>;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double damping = 20;          // natural logs of tilt over the transform's length
constexpr double beyond_wanted = 1e-7;
constexpr double beyond_allowed = 1e-6;

struct Grid {
  std::size_t cells = 0;
  double step = 0;
  double tilt = 0;                      // per cell
  Spectrum cell;                        // w at each frequency

  std::size_t length() const { return 2 * cells; }
};

class Transform {
 public:
  Transform() { fft_.SetFlag(Eigen::FFT<double>::HalfSpectrum); }
  Spectrum forward(const std::vector<double>& values) {
    Spectrum out;
    fft_.fwd(out, values);
    return out;
  }
  std::vector<double> inverse(const Spectrum& spectrum, std::size_t length) {
    std::vector<double> out(length);
    fft_.inv(out.data(), spectrum.data(), static_cast<Eigen::Index>(length));
    return out;
  }

 private:
  Eigen::FFT<double> fft_;
};

Grid grid_of(std::size_t cells, double step) {
  Grid grid;
  grid.cells = cells;
  grid.step = step;
  grid.tilt = damping / static_cast<double>(2 * cells);
  const double damp = std::exp(-grid.tilt);
  const double turn = -6.28318530717958647692 / static_cast<double>(2 * cells);
  grid.cell.resize(cells + 1);
  for (std::size_t k = 0; k <= cells; ++k) grid.cell[k] = std::polar(damp, turn * static_cast<double>(k));
  return grid;
}

// Masses of the lower cells, all that lies beyond in the last; `past` is what did.
std::vector<double> cells_of(const SeverityLaw& law, std::size_t cells, double step, double& past) {
  std::vector<double> mass(cells, 0.0);
  double before = 1;
  const double highest = law.highest();
  for (std::size_t j = 0; j < cells; ++j) {
    const double edge = step * static_cast<double>(j + 1);
    const double after = edge > highest ? 0 : law.at_least(edge);
    mass[j] = before - after;
    before = after;
    if (after == 0) break;
  }
  past = before;
  mass[cells - 1] += before;
  return mass;
}

// The share of a severity's mass that goes up a cell, so that its mean is kept.
double share_up(const SeverityLaw& law, double lower_mean, double step) {
  const double mean = law.mean();
  return std::isfinite(mean) ? std::clamp(mean / step - lower_mean, 0.0, 1.0) : 0.5;
}

struct EventSpectra {
  Spectrum least, middle, most, moment;  // moment: E[X z^X] in cells, of the middle law
};

void multiply(Spectrum& into, const Spectrum& by) {
  for (std::size_t k = 0; k < into.size(); ++k) into[k] *= by[k];
}

// Spectra of one event of a risk. The moment is by the product rule over parts.
EventSpectra event_of(Transform& transform, const Grid& grid, const CompoundRisk& risk, bool moment) {
  EventSpectra event;
  const std::size_t size = grid.cells + 1;
  event.least.assign(size, 1.0);
  event.middle = event.most = event.least;
  if (moment) event.moment.assign(size, 0.0);
  for (const CompoundPart& part : risk.parts) {
    if (!(part.severity.factor > 0) || !(part.probability > 0)) continue;
    double past = 0;
    std::vector<double> mass = cells_of(part.severity, grid.cells, grid.step, past);
    double unturned = 0;  // mean of the lower cells, in cells
    for (std::size_t j = 0; j < grid.cells; ++j) unturned += mass[j] * static_cast<double>(j);
    mass.resize(grid.length(), 0.0);
    double damp = 1;
    const double once = std::exp(-grid.tilt);
    for (std::size_t j = 0; j < grid.cells; ++j, damp *= once) mass[j] *= damp;
    const Spectrum phi = transform.forward(mass);
    const double p = part.probability;
    const double up = share_up(part.severity, unturned, grid.step);
    const double last = past > 0 ? past * std::exp(-grid.tilt * static_cast<double>(grid.cells - 1)) : 0;
    const double turn = -3.14159265358979323846 * static_cast<double>(grid.cells - 1) / static_cast<double>(grid.cells);
    Spectrum low(size), mid(size), high(size);
    for (std::size_t k = 0; k < size; ++k) {
      low[k] = 1 - p + p * phi[k];
      mid[k] = 1 - p + p * (1 - up + up * grid.cell[k]) * phi[k];
      const Complex kept = last > 0 ? phi[k] - std::polar(last, turn * static_cast<double>(k)) : phi[k];
      high[k] = 1 - p + p * grid.cell[k] * kept;
    }
    if (moment) {
      std::vector<double> first = mass;
      for (std::size_t j = 0; j < grid.cells; ++j) first[j] *= static_cast<double>(j);
      const Spectrum psi = transform.forward(first);
      for (std::size_t k = 0; k < size; ++k) {
        const Complex own = p * ((1 - up + up * grid.cell[k]) * psi[k] + up * grid.cell[k] * phi[k]);
        event.moment[k] = event.moment[k] * mid[k] + own * event.middle[k];
      }
    }
    multiply(event.least, low);
    multiply(event.middle, mid);
    multiply(event.most, high);
  }
  return event;
}

// (ln pgf)' at z.
Complex log_slope(const FrequencyLaw& law, Complex z) {
  const Complex thin = 1 - law.kept + law.kept * z;
  switch (law.kind) {
    case CountKind::fixed: return law.kept * law.a / thin;
    case CountKind::poisson: return law.kept * law.a;
    case CountKind::negative_binomial: return law.kept * law.a * (1 - law.b) / (1.0 - (1 - law.b) * thin);
    case CountKind::binomial: return law.kept * law.a * law.b / (1 - law.b + law.b * thin);
  }
  return 0;
}

// Tilted values back to masses on the grid; negative ones are rounding.
std::vector<double> masses(Transform& transform, const Grid& grid, const Spectrum& spectrum, double& clipped) {
  std::vector<double> mass = transform.inverse(spectrum, grid.length());
  mass.resize(grid.cells);
  double lift = 1;
  const double once = std::exp(grid.tilt);
  for (double& m : mass) {
    m *= lift;
    lift *= once;
    if (m >= 0) continue;
    clipped -= m;
    m = 0;
  }
  return mass;
}

std::vector<double> summed(std::vector<double> mass) {
  double sum = 0;
  for (double& m : mass) {
    sum += m;
    m = std::min(sum, 1.0);
  }
  return mass;
}

double expected_beyond(std::span<const CompoundRisk> risks, double x) {
  double sum = 0;
  for (const CompoundRisk& risk : risks)
    for (const CompoundPart& part : risk.parts) sum += risk.frequency.mean() * part.probability * part.severity.at_least(x);
  return sum;
}

double first_width(std::span<const CompoundRisk> risks) {
  const double mean = mean_of(risks);
  const double sd = std::sqrt(variance_of(risks));
  double width = mean + 12 * sd;
  if (!std::isfinite(width)) {
    width = 0;
    for (const CompoundRisk& risk : risks)
      for (const CompoundPart& part : risk.parts) width += part.severity.quantile(1 - 1e-4) * (1 + 4 * risk.frequency.mean());
  }
  for (int i = 0; i < 60 && expected_beyond(risks, width) > beyond_wanted; ++i) width *= 2;
  return width > 0 ? width : 1;
}

std::size_t first_at_least(const std::vector<double>& cdf, double p) {
  // Sums of masses carry rounding of a few last places.
  return static_cast<std::size_t>(std::lower_bound(cdf.begin(), cdf.end(), p - 4e-16) - cdf.begin());
}

double value_at(const CompoundLaw& law, const std::vector<double>& cdf, double p) {
  const std::size_t at = first_at_least(cdf, p);
  return at < cdf.size() ? law.step * static_cast<double>(at) : infinity;
}

// int_a^b P(T > x) dx under a law that jumps on the grid.
double area(const CompoundLaw& law, const std::vector<double>& cdf, double from, double to) {
  const double end = law.step * static_cast<double>(cdf.size());
  double sum = 0;
  for (auto j = static_cast<std::size_t>(std::max(0.0, std::floor(from / law.step))); j < cdf.size(); ++j) {
    const double a = std::max(from, law.step * static_cast<double>(j));
    const double b = std::min(to, law.step * static_cast<double>(j + 1));
    if (a >= to) break;
    if (b > a) sum += (b - a) * (1 - cdf[j]);
  }
  if (to > end) sum += (to - std::max(from, end)) * (1 - cdf.back());
  return sum;
}

Result<CompoundLaw> at_step(std::span<const CompoundRisk> risks, const GridOptions& options, double step) {
  const Grid grid = grid_of(static_cast<std::size_t>(options.cells), step);
  Transform transform;
  const std::size_t size = grid.cells + 1;
  Spectrum least(size, 1.0), middle(size, 1.0), most(size, 1.0);
  std::vector<Spectrum> slopes;
  for (const CompoundRisk& risk : risks) {
    EventSpectra event = event_of(transform, grid, risk, options.shares);
    for (std::size_t k = 0; k < size; ++k) {
      least[k] *= risk.frequency.pgf(event.least[k]);
      middle[k] *= risk.frequency.pgf(event.middle[k]);
      most[k] *= risk.frequency.pgf(event.most[k]);
      if (options.shares) event.moment[k] *= log_slope(risk.frequency, event.middle[k]);
    }
    if (options.shares) slopes.push_back(std::move(event.moment));
  }
  CompoundLaw law;
  law.step = step;
  law.mean = mean_of(risks);
  law.variance = variance_of(risks);
  law.least = summed(masses(transform, grid, least, law.clipped));
  law.middle = summed(masses(transform, grid, middle, law.clipped));
  law.most = summed(masses(transform, grid, most, law.clipped));
  law.beyond = std::max(0.0, 1 - law.middle.back());
  double ignored = 0;
  for (Spectrum& slope : slopes) {
    multiply(slope, middle);
    std::vector<double> share = masses(transform, grid, slope, ignored);
    for (double& s : share) s *= step;
    law.share.push_back(std::move(share));
  }
  return law;
}

}  // namespace

double CompoundRisk::event_mean() const {
  double sum = 0;
  for (const CompoundPart& part : parts) sum += part.probability * part.severity.mean();
  return sum;
}

double CompoundRisk::event_second_moment() const {
  double variance = 0;
  for (const CompoundPart& part : parts) {
    const double mean = part.probability * part.severity.mean();
    variance += part.probability * part.severity.second_moment() - mean * mean;
  }
  const double mean = event_mean();
  return variance + mean * mean;
}

double CompoundRisk::mean() const { return frequency.mean() > 0 ? frequency.mean() * event_mean() : 0; }

double CompoundRisk::variance() const {
  if (!(frequency.mean() > 0)) return 0;
  const double first = event_mean();
  const double second = event_second_moment();
  if (!std::isfinite(second)) return infinity;
  return frequency.mean() * (second - first * first) + frequency.variance() * first * first;
}

double mean_of(std::span<const CompoundRisk> risks) {
  double sum = 0;
  for (const CompoundRisk& risk : risks) sum += risk.mean();
  return sum;
}

double variance_of(std::span<const CompoundRisk> risks) {
  double sum = 0;
  for (const CompoundRisk& risk : risks) sum += risk.variance();
  return sum;
}

Result<CompoundLaw> compound_law(std::span<const CompoundRisk> risks, const GridOptions& options) {
  if (options.cells < 64 || options.cells > (std::int64_t{1} << 24) || (options.cells & (options.cells - 1)) != 0)
    return Error(ErrorCode::bad_parameter, std::to_string(options.cells) + " cells are no power of 2 from 64 to 16,777,216", "Give for example 131072").in_parameter("grid");
  if (options.step > 0) return at_step(risks, options, options.step);
  double step = first_width(risks) / static_cast<double>(options.cells);
  for (int doubling = 0; doubling < 8; ++doubling, step *= 2) {
    PLIMSOLL_TRY(CompoundLaw law, at_step(risks, options, step));
    if (law.beyond <= beyond_allowed) return law;
  }
  return Error(ErrorCode::too_large, "the loss has so heavy a tail that more than 1e-6 of it lies beyond every grid", "Cap the severities, or use engine = mc").in_parameter("grid");
}

double CompoundLaw::cdf(double x) const {
  if (x < 0) return 0;
  const auto j = static_cast<std::size_t>(std::min(x / step, 1e15));
  return j < middle.size() ? middle[j] : middle.back();
}

// The middle law's mass at j h stands for what lies within half a cell of it: its quantile is interpolated there.
CompoundLaw::Bounded CompoundLaw::quantile(double p) const {
  Bounded q{0, value_at(*this, least, p), value_at(*this, most, p)};
  const std::size_t at = first_at_least(middle, p);
  if (at >= middle.size()) {
    q.value = infinity;
  } else if (at > 0) {
    const double before = middle[at - 1];
    const double within = middle[at] > before ? std::clamp((p - before) / (middle[at] - before), 0.0, 1.0) : 1.0;
    q.value = std::clamp(step * (static_cast<double>(at) - 0.5 + within), q.low, q.high);
  }
  return q;
}

CompoundLaw::Bounded CompoundLaw::tail_mean(double p) const {
  // TVaR is the least over v of v + E (T - v)+ / (1 - p), where E (T - v)+ = E T - int_0^v P(T > x) dx. With the area of a law that
  // is never less than T the value is too small, with that of one never more too large, at each v alike: so are the least ones.
  const Bounded v = quantile(p);
  if (!std::isfinite(v.high) || !std::isfinite(mean)) return {infinity, std::isfinite(v.low) ? v.low : infinity, infinity};
  const auto at = [&](const std::vector<double>& cdf, double x) { return x + (mean - area(*this, cdf, 0, x)) / (1 - p); };
  return {at(middle, v.value), at(most, v.high), at(least, v.low)};
}

CompoundLaw::Bounded CompoundLaw::layer(double retention, double limit) const {
  const double top = retention + limit;
  return {area(*this, middle, retention, top), area(*this, least, retention, top), area(*this, most, retention, top)};
}

double CompoundLaw::share_beyond(std::size_t risk, double x) const {
  const auto from = static_cast<std::size_t>(std::max(0.0, std::ceil(x / step - 1e-9)));
  const std::vector<double>& own = share[risk];
  const double chance = 1 - (from > 0 ? middle[std::min(from, middle.size()) - 1] : 0.0);
  double sum = 0;
  for (std::size_t j = from; j < own.size(); ++j) sum += own[j];
  return chance > 0 ? sum / chance : 0;
}

std::vector<double> panjer_mass(std::span<const CompoundRisk> risks, double step, std::int64_t cells) {
  const auto n = static_cast<std::size_t>(cells);
  std::vector<double> total(n, 0.0);
  total[0] = 1;
  for (const CompoundRisk& risk : risks) {
    FrequencyLaw::Panjer law;
    double past = 0;
    if (risk.parts.size() != 1 || !risk.frequency.panjer(law) || !(law.p0 > 1e-300)) return {};
    std::vector<double> f = cells_of(risk.parts[0].severity, n, step, past);
    for (double& m : f) m *= risk.parts[0].probability;
    f[0] += 1 - risk.parts[0].probability;
    std::vector<double> g(n, 0.0);
    g[0] = risk.frequency.pgf(f[0]);
    for (std::size_t x = 1; x < n; ++x) {
      double sum = 0;
      for (std::size_t y = 1; y <= x; ++y) sum += (law.a + law.b * static_cast<double>(y) / static_cast<double>(x)) * f[y] * g[x - y];
      g[x] = sum / (1 - law.a * f[0]);
    }
    std::vector<double> sum(n, 0.0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; i + j < n; ++j) sum[i + j] += total[i] * g[j];
    total = std::move(sum);
  }
  return total;
}

double largest_event_cdf(std::span<const CompoundRisk> risks, double x) {
  double product = 1;
  for (const CompoundRisk& risk : risks) {
    const CompoundPart& part = risk.parts.front();
    product *= risk.frequency.pgf(1 - part.probability * (1 - part.severity.cdf(x)));
  }
  return product;
}

}  // namespace plimsoll::stats

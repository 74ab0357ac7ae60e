// SPDX-License-Identifier: Apache-2.0
// One map of scores to probabilities from pooled outcomes (stats/score_pools.h): after the one sort every map costs O(pools).
// Platt 1999 with the smoothed targets (n1 + 1) / (n1 + 2) and 1 / (n0 + 2); Kull, Silva Filho and Flach 2017 (beta); Zadrozny and
// Elkan 2001 (histogram), 2002 (isotonic); Vovk and Petej 2014 (Venn-Abers); Naeini, Cooper and Hauskrecht 2015 (BBQ), with
//   score of a binning = prod_b B(m_b + a_b, n_b - m_b + c_b) / B(a_b, c_b),  a_b = (2 / B) q_b,  c_b = (2 / B)(1 - q_b),
// q_b the mean probability of the bin, B from n^(1/3) / 10 to 10 n^(1/3) (at most 200 binnings, evenly spaced), and the estimate of a
// bin (m_b + a_b) / (n_b + a_b + c_b). Departures: temperature and beta carry a ridge of 1e-6 on their slopes, so that separable rows give
// finite ones; isotonic gives its two end blocks half an outcome of each kind ((sum + 1/2) / (weight + 1)) unless told
// otherwise; BBQ takes the mean probability of a bin where the paper takes the bin's middle, which pooled ties may lack.
// With very many pools a line is fitted by power sums in narrow cells (moment_logistic.h), and beta's Newton steps start from the
// solution on 2,048 gathered pools, so that few passes see all of them.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "learn/calibrator.h"
#include "learn/logistic.h"
#include "learn/moment_logistic.h"
#include "stats/pav.h"
#include "stats/score_pools.h"

namespace plimsoll::learn {
namespace {

using stats::Pool;
using Pools = std::span<const Pool>;
constexpr double least_slope = 1e-3;
constexpr double ridge = 1e-6;
constexpr std::size_t gathered = 2048;
constexpr std::size_t most_binnings = 200;

struct Mass {
  double negative = 0;
  double positive = 0;
};

Mass mass_of(Pools pools) {
  Mass mass;
  for (const Pool& pool : pools) {
    mass.positive += pool.sum;
    mass.negative += pool.weight - pool.sum;
  }
  return mass;
}

double error_of(const SmallLogistic& fit, std::size_t which) { return std::sqrt(std::max(0.0, fit.covariance[4 * which])); }

// Features, mean targets and weights of pools; beta has two features, the others one.
struct Problem {
  std::vector<double> first, second, targets, weights;
  Problem(Pools pools, bool beta, double low, double high) {
    for (const Pool& pool : pools) {
      first.push_back(beta ? -log1p_exp(-pool.x) : pool.x);
      if (beta) second.push_back(log1p_exp(pool.x));
      targets.push_back(low + (high - low) * (pool.sum / pool.weight));
      weights.push_back(pool.weight);
    }
  }
  SmallLogistic fit(const SmallLogisticOptions& options, bool with_first = true, bool with_second = true) const {
    std::vector<std::span<const double>> features;
    if (with_first) features.push_back(first);
    if (with_second && !second.empty()) features.push_back(second);
    return fit_small_logistic(features, targets, weights, options);
  }
};

SmallLogistic fit_line(Pools pools, const SmallLogisticOptions& options, double low, double high) {
  if (pools.size() > 2 * gathered)
    if (const auto fit = fit_by_moments(pools, low, high, options)) return *fit;
  return Problem(pools, false, low, high).fit(options);
}

void fit_temperature(Pools pools, Calibrator& out) {
  SmallLogisticOptions options;
  options.intercept = false;
  options.l2 = ridge;
  const SmallLogistic fit = fit_line(pools, options, 0, 1);
  out.slope = std::max(fit.beta[0], least_slope);
  out.slope_error = error_of(fit, 0);
}

void fit_platt(Pools pools, bool smoothed, Calibrator& out) {
  const Mass mass = mass_of(pools);
  const double high = smoothed ? (mass.positive + 1) / (mass.positive + 2) : 1;
  const double low = smoothed ? 1 / (mass.negative + 2) : 0;
  SmallLogisticOptions options;
  if (!smoothed) options.l2 = ridge;
  const SmallLogistic fit = fit_line(pools, options, low, high);
  out.slope = fit.beta[0];
  out.intercept = fit.beta[2];
  out.slope_error = error_of(fit, 0);
  out.intercept_error = error_of(fit, 2);
}

void fit_beta(Pools pools, Calibrator& out) {
  SmallLogisticOptions options;
  options.l2 = ridge;
  const Problem problem(pools, true, 0, 1);
  SmallLogisticOptions started = options;
  if (pools.size() > 2 * gathered) started.start = Problem(stats::gather_pools(pools, gathered), true, 0, 1).fit(options).beta;
  SmallLogistic fit = problem.fit(started);
  out.slope = fit.beta[0];
  out.second = fit.beta[1];
  out.slope_error = error_of(fit, 0);
  out.second_error = error_of(fit, 1);
  if (fit.beta[0] < 0 || fit.beta[1] < 0) {
    const bool second = fit.beta[1] >= fit.beta[0];
    fit = problem.fit(options, !second, second);
    out.slope = second ? 0 : fit.beta[0];
    out.second = second ? fit.beta[0] : 0;
    out.slope_error = second ? 0 : error_of(fit, 0);
    out.second_error = second ? error_of(fit, 0) : 0;
  }
  out.intercept = fit.beta[2];
  out.intercept_error = error_of(fit, 2);
  if (out.slope >= 0 && out.second >= 0) return;
  // Scores that rank backwards: nothing rising fits better than the share of positives.
  const Mass mass = mass_of(pools);
  out.slope = 0;
  out.second = 0;
  out.slope_error = 0;
  out.second_error = 0;
  out.intercept = std::log(mass.positive / mass.negative);
  out.intercept_error = std::sqrt(1 / mass.positive + 1 / mass.negative);
}

void fit_isotonic(Pools pools, const MapOptions& options, Calibrator& out) {
  const std::vector<stats::PavBlock> blocks = stats::pav(pools);
  std::vector<double> means;
  for (const stats::PavBlock& block : blocks) means.push_back(block.mean());
  if (options.smooth_ends) {
    const auto smoothed = [](const stats::PavBlock& block) { return (block.sum + 0.5) / (block.weight + 1); };
    const double second = blocks.size() > 1 ? blocks[1].mean() : 1.0;
    const double last_but_one = blocks.size() > 1 ? blocks[blocks.size() - 2].mean() : 0.0;
    means.back() = std::max(smoothed(blocks.back()), last_but_one);
    means.front() = std::min(smoothed(blocks.front()), blocks.size() == 2 ? means.back() : second);
  }
  out.stepped = options.interpolation == Interpolation::step;
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const double left = pools[blocks[b].begin].x;
    const double right = pools[blocks[b].end - 1].x;
    double knot = left;
    if (options.interpolation == Interpolation::centres) {
      double moment = 0;
      for (std::size_t i = blocks[b].begin; i < blocks[b].end; ++i) moment += pools[i].weight * pools[i].x;
      knot = std::clamp(moment / blocks[b].weight, left, right);
    }
    out.knots.push_back(knot);
    out.values.push_back(means[b]);
    if (options.interpolation != Interpolation::edges || !(right > left)) continue;
    out.knots.push_back(right);
    out.values.push_back(means[b]);
  }
}

// Cells of equal mass: first pools of each; a pool goes where its middle lies.
std::vector<std::size_t> cells_of(std::span<const double> before, std::size_t bins) {
  const double total = before.back();
  std::vector<std::size_t> starts;
  std::size_t last = bins;
  for (std::size_t i = 0; i + 1 < before.size(); ++i) {
    const double middle = (before[i] + before[i + 1]) / 2;
    const auto cell = std::min(bins - 1, static_cast<std::size_t>(static_cast<double>(bins) * middle / total));
    if (cell == last) continue;
    starts.push_back(i);
    last = cell;
  }
  return starts;
}

// Sums of weight, outcomes and probability before each pool, and after the last.
struct Running {
  std::vector<double> weight{0}, sum{0}, probability{0};
  Running(Pools pools, bool probabilities) {
    for (const Pool& pool : pools) {
      weight.push_back(weight.back() + pool.weight);
      sum.push_back(sum.back() + pool.sum);
      probability.push_back(probability.back() + pool.weight * (probabilities ? pool.x : sigmoid(pool.x)));
    }
  }
};

double cut_before(Pools pools, std::size_t first) { return first == 0 ? pools[0].x : (pools[first - 1].x + pools[first].x) / 2; }

// A cut that rounding left on its lower neighbour would take that pool over: then the upper neighbour itself.
double safe_cut(Pools pools, std::size_t first) {
  const double cut = cut_before(pools, first);
  return first > 0 && !(cut > pools[first - 1].x) ? pools[first].x : cut;
}

void fit_histogram(Pools pools, const MapOptions& options, Calibrator& out) {
  const Running before(pools, options.probabilities);
  const std::vector<std::size_t> starts = cells_of(before.weight, static_cast<std::size_t>(options.bins));
  out.stepped = true;
  for (std::size_t b = 0; b < starts.size(); ++b) {
    const std::size_t end = b + 1 < starts.size() ? starts[b + 1] : pools.size();
    out.knots.push_back(safe_cut(pools, starts[b]));
    out.values.push_back((before.sum[end] - before.sum[starts[b]] + 0.5) / (before.weight[end] - before.weight[starts[b]] + 1));
  }
}

double log_beta(double a, double b) { return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b); }

struct Binning {
  std::vector<std::size_t> starts;
  std::vector<double> values;
  double evidence = 0;  // log marginal likelihood
};

Binning binning_of(Pools pools, const Running& before, std::size_t bins) {
  Binning binning;
  binning.starts = cells_of(before.weight, bins);
  const double prior = 2.0 / static_cast<double>(binning.starts.size());
  for (std::size_t b = 0; b < binning.starts.size(); ++b) {
    const std::size_t from = binning.starts[b];
    const std::size_t end = b + 1 < binning.starts.size() ? binning.starts[b + 1] : pools.size();
    const double n = before.weight[end] - before.weight[from];
    const double m = std::clamp(before.sum[end] - before.sum[from], 0.0, n);
    const double q = std::clamp((before.probability[end] - before.probability[from]) / n, 1e-6, 1 - 1e-6);
    const double a = prior * q;
    const double c = prior * (1 - q);
    binning.evidence += log_beta(m + a, n - m + c) - log_beta(a, c);
    binning.values.push_back((m + a) / (n + a + c));
  }
  return binning;
}

void fit_bbq(Pools pools, const MapOptions& options, Calibrator& out) {
  const Running before(pools, options.probabilities);
  const double root = std::cbrt(before.weight.back());
  const auto most = static_cast<std::size_t>(std::max(1.0, std::min(std::floor(10 * root), static_cast<double>(pools.size()))));
  const auto least = std::min(most, static_cast<std::size_t>(std::max(1.0, std::floor(root / 10))));
  const std::size_t step = std::max<std::size_t>(1, (most - least + most_binnings) / most_binnings);
  std::vector<Binning> binnings;
  double best = -HUGE_VAL;
  for (std::size_t bins = least; bins <= most; bins += step) {
    binnings.push_back(binning_of(pools, before, bins));
    best = std::max(best, binnings.back().evidence);
  }
  double total = 0;
  for (const Binning& one : binnings) total += std::exp(one.evidence - best);
  // The average of step functions is one: its value moves at the pools where a binning's does.
  std::vector<double> moves(pools.size(), 0.0);
  std::vector<char> moved(pools.size(), 0);
  for (const Binning& one : binnings) {
    const double share = std::exp(one.evidence - best) / total;
    if (share < 1e-12) continue;
    for (std::size_t b = 0; b < one.starts.size(); ++b) {
      moves[one.starts[b]] += share * (one.values[b] - (b > 0 ? one.values[b - 1] : 0));
      moved[one.starts[b]] = 1;
    }
  }
  out.stepped = true;
  double value = 0;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    value += moves[i];
    if (!moved[i]) continue;
    out.knots.push_back(safe_cut(pools, i));
    out.values.push_back(std::clamp(value, 0.0, 1.0));
  }
}

// Scores that a caller gives as probabilities, on the log-odds scale; equal ones after clipping become one pool.
std::vector<Pool> as_log_odds(Pools pools) {
  std::vector<Pool> out;
  for (const Pool& pool : pools) {
    const double x = log_odds(pool.x);
    if (out.empty() || x > out.back().x) {
      out.push_back({x, pool.weight, pool.sum});
      continue;
    }
    out.back().weight += pool.weight;
    out.back().sum += pool.sum;
  }
  return out;
}

}  // namespace

bool reads_log_odds(Calibration method) {
  return method == Calibration::identity || method == Calibration::temperature || method == Calibration::platt || method == Calibration::beta ||
         method == Calibration::bias_temperature;
}

Result<Calibrator> fit_map(Calibration method, Pools pools, const MapOptions& options) {
  const Mass mass = mass_of(pools);
  if (!(mass.positive > 0) || !(mass.negative > 0)) {
    return Error(pools.empty() ? ErrorCode::too_few_rows : ErrorCode::one_class, "the rows for calibration do not hold both outcomes",
                 "Give more rows for calibration, with cases of each outcome.");
  }
  Calibrator out;
  out.method = method;
  out.probabilities = options.probabilities;
  out.low_score = pools.front().x;
  out.high_score = pools.back().x;
  std::vector<Pool> converted;
  if (options.probabilities && reads_log_odds(method) && method != Calibration::identity) {
    converted = as_log_odds(pools);
    pools = converted;
  }
  switch (method) {
    case Calibration::temperature: fit_temperature(pools, out); break;
    case Calibration::platt: fit_platt(pools, true, out); break;
    case Calibration::bias_temperature: fit_platt(pools, false, out); break;
    case Calibration::beta: fit_beta(pools, out); break;
    case Calibration::isotonic: fit_isotonic(pools, options, out); break;
    case Calibration::histogram: fit_histogram(pools, options, out); break;
    case Calibration::bbq: fit_bbq(pools, options, out); break;
    case Calibration::venn_abers: {
      out.merge = options.merge;
      PLIMSOLL_TRY(out.steps, stats::venn_abers_of({pools.begin(), pools.end()}));
      break;
    }
    default: break;
  }
  return out;
}

}  // namespace plimsoll::learn

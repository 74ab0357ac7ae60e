// SPDX-License-Identifier: Apache-2.0
// Linearisation: a smooth statistic is its value plus a mean of row terms (Hampel 1974), so that one set of variance formulas
// serves all: independent rows; clusters (sums within a cluster are independent, factor G / (G - 1)); a series (Newey and West,
// Econometrica 55 (1987)), with which the mean of score differences is the test of Diebold and Mariano, J. Bus. Econ. Stat. 13
// (1995). Student's t stands in for the normal law: wider, and exact for normal differences.
#include "stats/influence.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>

#include "base/exact_sum.h"
#include "stats/distributions.h"

namespace plimsoll::stats {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double sum_of_squares(std::span<const double> values) {
  ExactSum sum;
  for (const double x : values) sum.add(x * x);
  return sum.value();
}

double series_variance(std::span<const double> rows, std::span<const std::uint32_t> order, std::int64_t lag) {
  double variance = sum_of_squares(rows);
  const std::int64_t most = std::min<std::int64_t>(lag, std::ssize(order) - 1);
  for (std::int64_t l = 1; l <= most; ++l) {
    ExactSum product;
    for (auto t = static_cast<std::size_t>(l); t < order.size(); ++t)
      product.add(rows[order[t]] * rows[order[t - static_cast<std::size_t>(l)]]);
    variance += 2 * (1 - static_cast<double>(l) / static_cast<double>(lag + 1)) * product.value();
  }
  return variance;
}

double cluster_variance(std::span<const double> rows, const Dependence& dependence) {
  std::vector<double> sums(static_cast<std::size_t>(dependence.clusters));
  for (std::size_t i = 0; i < rows.size(); ++i) sums[static_cast<std::size_t>(dependence.cluster[i])] += rows[i];
  const auto parts = static_cast<double>(dependence.clusters);
  return sum_of_squares(sums) * parts / (parts - 1);
}

double parts_of(const Influence& statistic, const Dependence& dependence) {
  return dependence.cluster.empty() ? static_cast<double>(statistic.rows.size()) : static_cast<double>(dependence.clusters);
}

}  // namespace

Influence mean_influence(std::span<const double> terms, std::span<const double> weight) {
  ExactSum sum, total;
  double rows = 0;
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const double w = weight.empty() ? 1 : weight[i];
    if (w == 0) continue;
    rows += 1;
    sum.add(w * terms[i]);
    if (!weight.empty()) total.add(w);
  }
  const double all = weight.empty() ? rows : total.value();
  Influence result{sum.value() / all, {}};
  if (!std::isfinite(result.value)) return result;
  const double factor = rows > 1 ? std::sqrt(rows / (rows - 1)) / all : nan;
  result.rows.resize(terms.size());
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const double w = weight.empty() ? 1 : weight[i];
    result.rows[i] = w == 0 ? 0 : factor * w * (terms[i] - result.value);
  }
  return result;
}

Influence difference(const Influence& first, const Influence& second) {
  Influence result{first.value - second.value, {}};
  if (first.rows.size() != second.rows.size() || first.rows.empty()) return result;
  result.rows.resize(first.rows.size());
  for (std::size_t i = 0; i < first.rows.size(); ++i) result.rows[i] = first.rows[i] - second.rows[i];
  return result;
}

double standard_error(const Influence& statistic, const Dependence& dependence) {
  if (parts_of(statistic, dependence) < 2 || statistic.rows.empty()) return nan;
  if (!dependence.cluster.empty()) return std::sqrt(cluster_variance(statistic.rows, dependence));
  if (!dependence.order.empty() && dependence.lag > 0)
    return std::sqrt(std::max(0.0, series_variance(statistic.rows, dependence.order, dependence.lag)));
  return std::sqrt(sum_of_squares(statistic.rows));
}

Estimate estimate(const Influence& statistic, const Dependence& dependence, double level) {
  const double error = standard_error(statistic, dependence);
  if (!std::isfinite(error)) return {statistic.value, nan, {nan, nan}};
  const double half = student_t_upper_quantile((1 - level) / 2, parts_of(statistic, dependence) - 1) * error;
  return {statistic.value, error, {statistic.value - half, statistic.value + half}};
}

Comparison compare(const Influence& first, const Influence& second, const Dependence& dependence, double level) {
  const Influence gap = difference(first, second);
  Comparison result;
  result.difference = estimate(gap, dependence, level);
  const double error = result.difference.standard_error;
  if (!std::isfinite(error)) {
    result.statistic = result.p_value = nan;
  } else if (error > 0) {
    result.statistic = gap.value / error;
    const double df = parts_of(gap, dependence) - 1;
    result.p_value = std::min(1.0, 2 * student_t_cdf(-std::fabs(result.statistic), df));
  } else if (gap.value != 0) {
    result.statistic = nan;  // a constant difference: every row says the same, and no error can be told
    result.p_value = nan;
  }
  return result;
}

std::int64_t customary_lag(std::int64_t n) {
  std::int64_t lag = 0;
  while ((lag + 1) * (lag + 1) * (lag + 1) <= n) ++lag;
  return lag;
}

std::vector<double> holm_adjusted(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double most = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    most = std::max(most, std::min(1.0, static_cast<double>(order.size() - k) * p[order[k]]));
    adjusted[order[k]] = most;
  }
  return adjusted;
}

}  // namespace plimsoll::stats

// SPDX-License-Identifier: Apache-2.0
// Vickers and Elkin, Med. Decis. Making 26 (2006); Ehm, Gneiting, Jordan, Kruger, J. R. Statist. Soc. B 78 (2016); Drummond and
// Holte, Machine Learning 65 (2006). At a threshold a row's term is one of a few values, and it takes each on a range of
// thresholds: rows are entered at the ends of their ranges, and running sums of w, w^2 and signs give every mean and its variance
// in one pass over the rows, whatever the number of thresholds. Clusters need the terms themselves: one pass a threshold.
#include "stats/threshold_curve.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "stats/distributions.h"
#include "stats/scores.h"

namespace plimsoll::stats {
namespace {

// Thresholds [from, to) at which a row's term is `sign` times the value of its outcome.
struct Reach {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  int sign = 1;
};

// How many thresholds have p >= t, or p > t.
class Cells {
 public:
  Cells(std::span<const double> thresholds, bool strict) : thresholds_(thresholds), strict_(strict) {}
  std::uint32_t below(double p) const {
    const auto at = strict_ ? std::lower_bound(thresholds_.begin(), thresholds_.end(), p)
                            : std::upper_bound(thresholds_.begin(), thresholds_.end(), p);
    return static_cast<std::uint32_t>(at - thresholds_.begin());
  }

 private:
  std::span<const double> thresholds_;
  bool strict_;
};

// Value of the term of an outcome at a threshold.
double value_of(ThresholdScore score, double t, std::int32_t outcome) {
  switch (score) {
    case ThresholdScore::net_benefit: return outcome == 1 ? 1 : -t / (1 - t);
    case ThresholdScore::elementary: return outcome == 1 ? 2 * (1 - t) : 2 * t;
    case ThresholdScore::cost: return outcome == 1 ? 1 - t : t;
  }
  return 0;
}

std::vector<Reach> reaches_of(ThresholdScore score, std::span<const double> forecast, std::span<const std::int32_t> outcome,
                              std::span<const double> thresholds) {
  const Cells cells(thresholds, score == ThresholdScore::elementary);
  const auto most = static_cast<std::uint32_t>(thresholds.size());
  std::vector<Reach> reaches(forecast.size());
  for (std::size_t i = 0; i < forecast.size(); ++i) {
    const std::uint32_t k = cells.below(forecast[i]);
    // Acting reaches the thresholds below p; a loss of an event comes from those above it.
    const bool above = score != ThresholdScore::net_benefit && outcome[i] == 1;
    reaches[i] = above ? Reach{k, most, 1} : Reach{0, k, 1};
  }
  return reaches;
}

// first less second: both are ranges with a common end, so that the difference is one range.
std::vector<Reach> differences(const std::vector<Reach>& first, const std::vector<Reach>& second) {
  std::vector<Reach> reaches(first.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    const Reach a = first[i], b = second[i];
    if (a.from == b.from) reaches[i] = a.to > b.to ? Reach{b.to, a.to, 1} : Reach{a.to, b.to, -1};
    else reaches[i] = a.from < b.from ? Reach{a.from, b.from, 1} : Reach{b.from, a.from, -1};
  }
  return reaches;
}

struct Sums {
  std::vector<double> first, signed_square, square;  // sums of s w, s w^2 and w^2 over the rows that reach a threshold
  explicit Sums(std::size_t n) : first(n + 1), signed_square(n + 1), square(n + 1) {}
  void add(const Reach& r, double w) {
    const double s = r.sign;
    first[r.from] += s * w;
    first[r.to] -= s * w;
    signed_square[r.from] += s * w * w;
    signed_square[r.to] -= s * w * w;
    square[r.from] += w * w;
    square[r.to] -= w * w;
  }
  void run() {
    for (std::size_t k = 1; k < first.size(); ++k) {
      first[k] += first[k - 1];
      signed_square[k] += signed_square[k - 1];
      square[k] += square[k - 1];
    }
  }
};

std::vector<CurvePoint> of_sums(ThresholdScore score, const std::vector<Reach>& reaches, std::span<const std::int32_t> outcome,
                                std::span<const double> weight, std::span<const double> thresholds, double level) {
  Sums sums[2] = {Sums(thresholds.size()), Sums(thresholds.size())};
  double total = 0, squares = 0, rows = 0;
  for (std::size_t i = 0; i < reaches.size(); ++i) {
    const double w = weight.empty() ? 1 : weight[i];
    if (w == 0) continue;
    total += w;
    squares += w * w;
    rows += 1;
    if (reaches[i].from != reaches[i].to) sums[outcome[i]].add(reaches[i], w);
  }
  for (Sums& s : sums) s.run();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const double quantile = rows > 1 ? student_t_upper_quantile((1 - level) / 2, rows - 1) : nan;
  std::vector<CurvePoint> curve;
  for (std::size_t k = 0; k < thresholds.size(); ++k) {
    const double g[2] = {value_of(score, thresholds[k], 0), value_of(score, thresholds[k], 1)};
    const double mean = (g[0] * sums[0].first[k] + g[1] * sums[1].first[k]) / total;
    const double second = g[0] * g[0] * sums[0].square[k] + g[1] * g[1] * sums[1].square[k];
    const double cross = g[0] * sums[0].signed_square[k] + g[1] * sums[1].signed_square[k];
    const double variance = std::max(0.0, second - 2 * mean * cross + mean * mean * squares) / (total * total);
    const double error = rows > 1 ? std::sqrt(variance * rows / (rows - 1)) : nan;
    curve.push_back({thresholds[k], {mean, error, {mean - quantile * error, mean + quantile * error}}});
  }
  return curve;
}

std::vector<CurvePoint> of_terms(ThresholdScore score, const std::vector<Reach>& reaches, std::span<const std::int32_t> outcome,
                                 std::span<const double> weight, std::span<const double> thresholds, const Dependence& dependence,
                                 double level) {
  std::vector<CurvePoint> curve;
  std::vector<double> terms(reaches.size());
  for (std::size_t k = 0; k < thresholds.size(); ++k) {
    for (std::size_t i = 0; i < terms.size(); ++i)
      terms[i] = reaches[i].from <= k && k < reaches[i].to ? reaches[i].sign * value_of(score, thresholds[k], outcome[i]) : 0;
    curve.push_back({thresholds[k], estimate(mean_influence(terms, weight), dependence, level)});
  }
  return curve;
}

Result<void> check(ThresholdScore score, std::span<const double> thresholds) {
  for (std::size_t k = 0; k < thresholds.size(); ++k) {
    const double t = thresholds[k];
    const bool inside = t >= 0 && (score == ThresholdScore::net_benefit ? t < 1 : t <= 1);
    if (!inside || (k > 0 && !(t > thresholds[k - 1])))
      return Error(ErrorCode::bad_parameter, "thresholds must rise within 0 and 1", "Give thresholds in rising order, below 1 for a net benefit")
          .in_parameter("thresholds");
  }
  return {};
}

std::vector<CurvePoint> curve_of(ThresholdScore score, const std::vector<Reach>& reaches, std::span<const std::int32_t> outcome,
                                 std::span<const double> weight, std::span<const double> thresholds, const Dependence& dependence,
                                 double level) {
  const bool independent = dependence.cluster.empty() && (dependence.order.empty() || dependence.lag <= 0);
  return independent ? of_sums(score, reaches, outcome, weight, thresholds, level)
                     : of_terms(score, reaches, outcome, weight, thresholds, dependence, level);
}

}  // namespace

Result<std::vector<CurvePoint>> threshold_curve(ThresholdScore score, std::span<const double> forecast,
                                                std::span<const std::int32_t> outcome, std::span<const double> weight,
                                                std::span<const double> thresholds, const Dependence& dependence, double level) {
  PLIMSOLL_CHECK(check_forecasts(forecast, outcome, weight));
  PLIMSOLL_CHECK(check(score, thresholds));
  return curve_of(score, reaches_of(score, forecast, outcome, thresholds), outcome, weight, thresholds, dependence, level);
}

Result<std::vector<CurvePoint>> threshold_difference(ThresholdScore score, std::span<const double> first,
                                                     std::span<const double> second, std::span<const std::int32_t> outcome,
                                                     std::span<const double> weight, std::span<const double> thresholds,
                                                     const Dependence& dependence, double level) {
  PLIMSOLL_CHECK(check_forecasts(first, outcome, weight));
  PLIMSOLL_CHECK(check_forecasts(second, outcome, weight));
  PLIMSOLL_CHECK(check(score, thresholds));
  const std::vector<Reach> reaches =
      differences(reaches_of(score, first, outcome, thresholds), reaches_of(score, second, outcome, thresholds));
  return curve_of(score, reaches, outcome, weight, thresholds, dependence, level);
}

}  // namespace plimsoll::stats

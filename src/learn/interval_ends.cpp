// SPDX-License-Identifier: Apache-2.0
// Scores of numbers, each as two moving ends. With yhat a prediction, sigma its spread, [lo, hi] predicted quantiles, m a median
// and b an offset:
//   absolute       |y - yhat|                                   Lei et al. 2018
//   normalised     |y - yhat| / (sigma + b)                     Papadopoulos et al. 2008
//   relative       |y - yhat| / yhat, yhat > 0
//   signed         yhat - y and y - yhat, alpha / 2 each        two-tailed
//   cqr            max(lo - y, y - hi)                          Romano, Patterson and Candes 2019
//   cqr_asymmetric lo - y and y - hi, alpha / 2 each
//   cqr_r          cqr / (hi - lo + b)                          Sesia and Candes 2020
//   cqr_m          max((lo - y)/(m - lo + b), (y - hi)/(hi - m + b))
// Crossed quantiles are swapped and counted; a median outside them is moved to the nearer one.

#include <algorithm>
#include <cmath>
#include <limits>

#include "learn/score_rows.h"

namespace plimsoll::learn {
namespace {

Error not_positive(const std::string& what, const std::string& column, std::int64_t row, double value) {
  return Error(ErrorCode::bad_value, what + " must be positive, got " + std::to_string(value), "Correct the predictions, give a positive --offset, or choose another score.").in_column(column).at_row(row);
}

Result<void> fill_centre(const Table& rows, ConformalScore score, const ScoreColumns& columns, double offset, std::span<const std::int64_t> numbers, Ends& ends) {
  PLIMSOLL_TRY(const Reals centre, rows.reals(columns.prediction));
  ends.base_low.assign(centre.begin(), centre.end());
  ends.base_high = ends.base_low;
  ends.scale_low.assign(centre.size(), 1.0);
  if (score == ConformalScore::normalised) {
    PLIMSOLL_TRY(const Reals sigma, rows.reals(columns.sigma));
    for (std::size_t i = 0; i < sigma.size(); ++i) {
      if (sigma[i] < 0 || !(sigma[i] + offset > 0)) return not_positive("sigma and offset together", columns.sigma, numbers[i], sigma[i] + offset);
      ends.scale_low[i] = sigma[i] + offset;
    }
  } else if (score == ConformalScore::relative) {
    for (std::size_t i = 0; i < centre.size(); ++i) {
      if (!(centre[i] > 0)) return not_positive("a prediction under the relative score", columns.prediction, numbers[i], centre[i]);
      ends.scale_low[i] = centre[i];
    }
  }
  ends.scale_high = ends.scale_low;
  return {};
}

Result<void> fill_quantiles(const Table& rows, ConformalScore score, const ScoreColumns& columns, double offset, std::span<const std::int64_t> numbers, Ends& ends) {
  PLIMSOLL_TRY(const Reals low, rows.reals(columns.lower));
  PLIMSOLL_TRY(const Reals high, rows.reals(columns.upper));
  ends.base_low.assign(low.begin(), low.end());
  ends.base_high.assign(high.begin(), high.end());
  for (std::size_t i = 0; i < low.size(); ++i) {
    if (ends.base_low[i] <= ends.base_high[i]) continue;
    std::swap(ends.base_low[i], ends.base_high[i]);
    ++ends.crossed;
  }
  ends.scale_low.assign(low.size(), 1.0);
  ends.scale_high = ends.scale_low;
  if (score == ConformalScore::cqr_r) {
    for (std::size_t i = 0; i < low.size(); ++i) {
      const double width = ends.base_high[i] - ends.base_low[i] + offset;
      if (!(width > 0) || !std::isfinite(width)) return not_positive("the distance of the two quantiles", columns.upper, numbers[i], width);
      ends.scale_low[i] = ends.scale_high[i] = width;
    }
  } else if (score == ConformalScore::cqr_m) {
    PLIMSOLL_TRY(const Reals median, rows.reals(columns.median));
    for (std::size_t i = 0; i < low.size(); ++i) {
      const double middle = std::clamp(median[i], ends.base_low[i], ends.base_high[i]);
      ends.scale_low[i] = middle - ends.base_low[i] + offset;
      ends.scale_high[i] = ends.base_high[i] - middle + offset;
      const double least = std::min(ends.scale_low[i], ends.scale_high[i]);
      if (!(least > 0) || !std::isfinite(ends.scale_low[i] + ends.scale_high[i])) return not_positive("the distance of the median from each quantile", columns.median, numbers[i], least);
    }
  }
  return {};
}

// The last point from `inside` towards `outside` that `holds`, to 2^-60 of their distance.
template <class Holds>
double last_inside(double inside, double outside, Holds holds) {
  for (int i = 0; i < 60; ++i) {
    const double middle = inside + (outside - inside) / 2;
    if (middle == inside || middle == outside) break;
    (holds(middle) ? inside : outside) = middle;
  }
  return inside;
}

// `outward` is +1 or -1; `plain` the end as arithmetic gives it; `holds(y)`: the score of y is at most the threshold.
template <class Holds>
double exact_end(double plain, double reach, double outward, Holds holds) {
  if (!std::isfinite(plain)) return plain;
  const double beyond = std::nextafter(plain, outward * std::numeric_limits<double>::infinity());
  const bool fits = holds(plain);
  if (fits && !holds(beyond)) return plain;
  if (!std::isfinite(reach) || !(reach > 0)) return plain;
  if (fits) return last_inside(plain, plain + outward * reach, holds);
  const double inner = plain - outward * reach;
  return holds(inner) ? last_inside(inner, plain, holds) : plain;
}

constexpr double few_roundings = 8 * std::numeric_limits<double>::epsilon();

}  // namespace

Result<Ends> ends_of(const Table& rows, ConformalScore score, const ScoreColumns& columns, double offset, std::span<const std::int64_t> numbers) {
  Ends ends;
  const bool centre = score == ConformalScore::absolute || score == ConformalScore::normalised || score == ConformalScore::relative || score == ConformalScore::two_tailed;
  if (centre) PLIMSOLL_CHECK(fill_centre(rows, score, columns, offset, numbers, ends));
  else PLIMSOLL_CHECK(fill_quantiles(rows, score, columns, offset, numbers, ends));
  return ends;
}

double lower_end(double base, double scale, double threshold) {
  const double move = threshold * scale;
  const double reach = few_roundings * (std::fabs(base) + std::fabs(move));
  return exact_end(base - move, reach, -1.0, [=](double y) { return (base - y) / scale <= threshold; });
}

double upper_end(double base, double scale, double threshold) {
  const double move = threshold * scale;
  const double reach = few_roundings * (std::fabs(base) + std::fabs(move));
  return exact_end(base + move, reach, 1.0, [=](double y) { return (y - base) / scale <= threshold; });
}

}  // namespace plimsoll::learn

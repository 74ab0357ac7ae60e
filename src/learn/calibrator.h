// SPDX-License-Identifier: Apache-2.0
#pragma once

// Maps of a classifier's log-odds to calibrated probabilities, learned on rows that the classifier did not learn from.
//   identity     sigmoid(s)
//   temperature  sigmoid(s / T)
//   platt        sigmoid(slope s + intercept), targets smoothed as Platt (1999)
//   beta         sigmoid(c + a ln p - b ln(1 - p)), a, b >= 0 (Kull et al. 2017), p = sigmoid(s)
//   isotonic     pool adjacent violators, linear between block centres, end blocks smoothed so that logs stay finite
//   venn_abers   the pair (p0, p1) of Vovk and Petej (2014), merged to p1 / (1 - p0 + p1)
//   bias_temperature  sigmoid(slope s + intercept) on the outcomes as they are: a temperature and an offset
//   histogram    cells of equal mass, each (k + 1/2) / (n + 1) (Zadrozny and Elkan 2001)
//   bbq          the average of histograms of many sizes, weighted by their marginal likelihood (Naeini et al. 2015)
//   automatic    the simplest of these within one standard error of the best cross-validated log loss (5 folds, at most
//                100,000 rows; the error of the paired difference; isotonic from 1,000 rows on)
// Scores are log-odds; a column of probabilities p enters as log_odds(p).

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "stats/pav.h"
#include "stats/venn_abers.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::learn {

enum class Calibration : std::uint8_t { identity, temperature, platt, beta, isotonic, venn_abers, bias_temperature, histogram, bbq, automatic };
std::span<const std::string_view> choices_of(Calibration);

using ProbabilityPair = stats::VennAbersPair;  // {p0, p1}: lower and upper

// How a monotone map runs between the blocks of PAV. `centres`: lines between block means of x, which is centred isotonic
// regression (Oron and Flournoy 2017) and rises strictly; `edges`: flat on blocks, lines between them, scikit-learn's map;
// `step`: right-continuous.
enum class Interpolation : std::uint8_t { centres, edges, step };
std::span<const std::string_view> choices_of(Interpolation);

// One probability from a Venn-Abers pair: minimax for log loss or for the Brier score.
enum class Merge : std::uint8_t { log, brier };
std::span<const std::string_view> choices_of(Merge);

struct MapOptions {
  Interpolation interpolation = Interpolation::centres;
  bool smooth_ends = true;     // isotonic: half an outcome of each kind more in the two end blocks, so that logs stay finite
  std::int64_t bins = 15;      // histogram: cells, at most one a distinct score
  Merge merge = Merge::log;
  bool probabilities = false;  // x are probabilities (isotonic, histogram, bbq, venn_abers read any scale; the others log-odds)
};

struct Calibrator {
  Calibration method = Calibration::identity;  // never automatic once fitted
  std::int64_t rows = 0;
  double low_score = 0;    // range of the calibration scores; outside it the curves are flat or extrapolated
  double high_score = 0;
  // platt (slope, intercept), temperature (slope = 1/T), beta (slope = a, second = b, intercept = c)
  double slope = 1;
  double second = 0;
  double intercept = 0;
  double slope_error = 0;      // standard errors, 0 where not defined
  double second_error = 0;
  double intercept_error = 0;
  std::vector<double> knots;      // isotonic, histogram, bbq: rising x ...
  std::vector<double> values;     // ... and the probability there
  bool stepped = false;           // values hold from their knot to the next, instead of lines between knots
  Merge merge = Merge::log;       // venn_abers
  bool probabilities = false;     // what the map reads are probabilities, not log-odds
  stats::VennAbers steps;         // venn_abers
  // automatic: mean cross-validated log loss of each candidate tried, and the standard error of its distance to the best
  std::vector<std::string> tried;
  std::vector<double> tried_loss;
  std::vector<double> tried_error;

  double apply(double score) const;
  void apply(std::span<const double> scores, std::span<double> out) const;  // may be the same memory
  // Venn-Abers only; for the others both are apply(score).
  ProbabilityPair pair(double score) const;
  void pairs(std::span<const double> scores, std::span<double> p0, std::span<double> p1) const;
};
void describe(Fields& f, Calibrator& calibrator);
Result<void> check(const Calibrator& calibrator);  // for what artifacts bring: sorted knots, equal lengths, [0, 1]

// outcomes 0 or 1; weights empty or one per row. `one_class`, `too_few_rows`, `bad_value` (a score that is not finite).
// Warns if Platt's slope is not positive.
Result<Calibrator> fit_calibrator(Context& context, Calibration method, std::span<const double> scores,
                                  std::span<const std::int32_t> outcomes, std::span<const double> weights);

// One map on pools of 0/1 outcomes (rising x, positive weights): what the call above does after its sort. The rows of
// the pools are counted by the caller. `one_class` unless both outcomes have weight.
Result<Calibrator> fit_map(Calibration method, std::span<const stats::Pool> pools, const MapOptions& options);

// Whether a map reads log-odds (the parametric ones do), or any scale of scores.
bool reads_log_odds(Calibration method);

// More than two classes: one temperature for all classes' scores, or one map a class against the rest followed by
// normalising. Normalising breaks the class-wise calibration of the single maps; fit says so through context.warn.
struct MulticlassCalibrator {
  Calibration method = Calibration::identity;  // automatic means: identity or temperature or one-vs-rest platt
  double temperature = 1;
  std::vector<Calibrator> one_vs_rest;         // empty for identity and temperature

  // Probability columns that sum to one in each row.
  std::vector<std::vector<double>> apply(std::span<const std::vector<double>> scores) const;
};
void describe(Fields& f, MulticlassCalibrator& calibrator);
Result<void> check(const MulticlassCalibrator& calibrator, std::int64_t classes);
Result<MulticlassCalibrator> fit_multiclass(Context& context, Calibration method,
                                            std::span<const std::vector<double>> scores,  // one column a class
                                            std::span<const std::int32_t> labels, std::span<const double> weights);
// ln p_k - ln(1 - p_k) of the softmax: what one-vs-rest maps (and a Venn-Abers pair of one class) read.
std::vector<double> one_vs_rest_log_odds(std::span<const std::vector<double>> scores, std::int64_t class_index);

double log_odds(double probability);  // clipped to +-36.7 (1e-16)

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "stats/pav.h"

namespace plimsoll::stats {

// The inductive Venn-Abers pair of a score s: p0 and p1 are the isotonic fits at s after adding (s, 0) and (s, 1) to the
// calibration rows. For exchangeable rows one of the two is perfectly calibrated (Vovk and Petej 2014).
struct VennAbersPair {
  double p0 = 0;
  double p1 = 1;
};

// Both as step functions of s. p0 is right-continuous: values_0[#{edges_0 <= s}]. p1 is left-continuous:
// values_1[#{edges_1 < s}]. Edges rise strictly; values have one element more than edges and rise strictly within [0, 1].
struct VennAbers {
  std::vector<double> edges_0;
  std::vector<double> values_0;
  std::vector<double> edges_1;
  std::vector<double> values_1;

  VennAbersPair at(double score) const;  // two binary searches; a NaN score gives {0, 1}
  // bad_value unless sizes, order and ranges are as above: for what is read from a file.
  Result<void> check() const;
};

// O(n log n) for the sort, O(n) for the rest. Outcomes are 0 or 1; weights empty or one per row, the new point counts 1.
// Errors: too_few_rows (no row with weight), bad_parameter (lengths), bad_value with the row (NaN score, outcome other
// than 0 or 1, negative weight). Exact for unit weights up to 2^26 rows: a function of the multiset of rows.
Result<VennAbers> fit_venn_abers(std::span<const double> scores, std::span<const std::int32_t> outcomes,
                                 std::span<const double> weights = {});

// The same on pools of 0/1 outcomes in rising score, all of positive weight: for who has sorted already. too_few_rows without any pool.
Result<VennAbers> venn_abers_of(std::span<const Pool> pools);

// One probability from the pair: minimax for log loss, p1 / (1 - p0 + p1), and for the Brier score,
// p1 + (p0^2 - p1^2) / 2. Both lie in [p0, p1].
double merge_log_loss(VennAbersPair pair);
double merge_brier(VennAbersPair pair);

}  // namespace plimsoll::stats

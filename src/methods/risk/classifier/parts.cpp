// SPDX-License-Identifier: Apache-2.0
// Which rows may serve which purpose. The learner sees the learning rows; the probability calibrator and the Venn-Abers pair see
// scores of rows that the learner has not seen; the conformal rank sees rows that neither has seen, so that the class scores are
// fixed before its rows are looked at. Split conformal coverage (n+1)(1-alpha) needs the conformal rows and the new row to be
// exchangeable: a part drawn within each class has the table's class shares exactly, a new row does not, so that part alone is
// drawn from all rows alike.

#include "methods/risk/classifier/parts.h"

#include <array>
#include <numeric>

#include "table/split.h"

namespace plimsoll::risk::classifier {

Result<Parts> cut_one_table(std::span<const std::int32_t> labels, Shares shares, Stream stream) {
  const auto n = static_cast<std::int64_t>(labels.size());
  const double used = shares.learning + shares.probability;
  const std::array<double, 2> outer{used, 1.0 - used};
  PLIMSOLL_TRY(auto cut, split_rows(n, outer, stream.child("conformal")));
  Parts parts;
  parts.conformal = std::move(cut[1]);
  const std::vector<std::int64_t>& rest = cut[0];
  std::vector<std::int32_t> strata(rest.size());
  for (std::size_t i = 0; i < rest.size(); ++i) strata[i] = labels[static_cast<std::size_t>(rest[i])];
  const std::array<double, 2> inner{shares.learning / used, 1.0 - shares.learning / used};
  PLIMSOLL_TRY(const auto halves, split_stratified(strata, inner, stream.child("probability")));
  for (const std::int64_t i : halves[0]) parts.learning.push_back(rest[static_cast<std::size_t>(i)]);
  for (const std::int64_t i : halves[1]) parts.probability.push_back(rest[static_cast<std::size_t>(i)]);
  return parts;
}

Result<Parts> cut_two_tables(std::int64_t data_rows, std::int64_t calibration_rows, Stream stream) {
  Parts parts;
  parts.learning.resize(static_cast<std::size_t>(data_rows));
  std::iota(parts.learning.begin(), parts.learning.end(), std::int64_t{0});
  const std::array<double, 2> shares{0.5, 0.5};
  PLIMSOLL_TRY(auto cut, split_rows(calibration_rows, shares, stream.child("conformal")));
  parts.probability = std::move(cut[0]);
  parts.conformal = std::move(cut[1]);
  return parts;
}

}  // namespace plimsoll::risk::classifier

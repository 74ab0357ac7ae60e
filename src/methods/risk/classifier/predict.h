// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "methods/risk/classifier/model.h"

namespace plimsoll::risk::classifier {

using Columns = std::vector<std::vector<double>>;

// The learner's log-odds: one column (of the positive class) for two classes, else one a class.
Result<Columns> learner_scores(Context& context, const Model& model, const Table& table, learn::RowChoice rows);

// Who looks for infinite features.
learn::Infinities infinities_of(const Model& model);

struct Probabilities {
  Columns probability;               // one column a class, in name order
  std::vector<double> lower, upper;  // Venn-Abers pair of the positive class; of the most probable one where none is named
};
Probabilities calibrated(const Model& model, const Columns& scores);

std::vector<std::span<const double>> spans_of(const Columns& columns);

// Prediction sets, row by row: classes codes[offsets[i]] .. codes[offsets[i + 1] - 1].
struct Sets {
  std::vector<std::int32_t> offsets{0};
  std::vector<std::uint8_t> narrow;  // up to 64 classes
  std::vector<std::int32_t> wide;    // more
  std::int32_t size(std::size_t row) const { return offsets[row + 1] - offsets[row]; }
  bool holds(std::size_t row, std::int32_t label) const;
};
// Thresholds as the model has them, or others of the same shape.
Result<Sets> sets_at(const Model& model, const Columns& probability, std::span<const double> thresholds);
std::vector<double> thresholds_of(const Model& model);

// Class score of each row's label; +infinity for a label of -1.
std::vector<double> label_scores(const learn::ClassScoreOptions& options, const Columns& probability, std::span<const std::int32_t> labels);

std::vector<std::uint8_t> decisions_of(const Model& model, const Probabilities& p, const Sets& sets);

}  // namespace plimsoll::risk::classifier

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "learn/score_answers.h"
#include "methods/conformal/split/split.h"

namespace plimsoll::conformal::split {

// What apply and assess both need of a table: for classes the sets of each level, for numbers the intervals.
struct ClassAnswers {
  std::vector<learn::Sets> sets;                // one a level
  std::vector<double> p_values;                 // rows x classes, if asked
  std::vector<std::vector<double>> largest;     // largest and second largest p-value, if asked
};
Result<ClassAnswers> answer_classes(Context& context, const Model& model, const Table& table, const Columns& columns, const Options& options);

Result<learn::Intervals> answer_numbers(Context& context, const Model& model, const Table& table, const Columns& columns);
// What assess says beyond coverage and size.
Result<void> add_measures(Context& context, const Model& model, const AssessInputs& inputs, const AssessParams& params, const Columns& columns, const std::vector<std::int32_t>& labels, const std::vector<char>& covered, Report& report);

}  // namespace plimsoll::conformal::split

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "methods/conformal/split/split.h"

namespace plimsoll::conformal::split {

// Sets of one level: codes[offsets[i] .. offsets[i + 1]) are the classes of row i. One of the two code vectors is in use.
struct Sets {
  std::vector<std::int32_t> offsets = {0};
  std::vector<std::uint8_t> small_codes;  // up to 64 classes
  std::vector<std::int32_t> codes;
};

// What apply and assess both need of a table: for classes the sets of each level, for numbers the intervals.
struct ClassAnswers {
  std::vector<Sets> sets;                       // one a level
  std::vector<double> p_values;                 // rows x classes, if asked
  std::vector<std::vector<double>> largest;     // largest and second largest p-value, if asked
};
Result<ClassAnswers> answer_classes(Context& context, const Model& model, const Table& table, const Columns& columns, const Options& options);

struct NumberAnswers {
  std::vector<std::vector<double>> lower, upper;  // one a level
};
Result<NumberAnswers> answer_numbers(Context& context, const Model& model, const Table& table, const Columns& columns);

}  // namespace plimsoll::conformal::split

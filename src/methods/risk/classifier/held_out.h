// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "methods/risk/classifier/predict.h"

namespace plimsoll::risk::classifier {

// A labelled table that the model did not learn from: scored here, with the coverage of its sets. A table that looks like the
// learning or calibration rows is warned of.
Result<Diagnostics> diagnose_test(Context& context, const Model& model, const Table& labelled);

// A table that apply has scored (columns probability, lower, upper, set, decision) and that has the true classes too.
Result<Diagnostics> diagnose_scored(Context& context, const Model& model, const Table& scored);

// The conformal rows of a fit. On them the model's own sets cover k of n by construction, which shows nothing; so each random
// half of them gives the rank that the other half tests.
Result<Diagnostics> diagnose_conformal(Context& context, const Model& model, const Table& table, std::span<const std::int64_t> rows,
                                       const Probabilities& held, std::span<const std::int32_t> labels);

// What apply wrote, read back.
struct Scored {
  Probabilities p;
  std::vector<std::int32_t> size;
  std::vector<std::uint8_t> covered;
  std::vector<std::uint8_t> decisions;
};
Result<Scored> read_scored(const Model& model, const Table& table, std::span<const std::int32_t> labels);

// Whether apply's columns are there.
bool is_scored(const Model& model, const Table& table);

}  // namespace plimsoll::risk::classifier

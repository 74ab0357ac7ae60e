// SPDX-License-Identifier: Apache-2.0
#pragma once

// The set {y : score(x, y) <= threshold} of each row, where the threshold may be one for all, one a group, one a group and class,
// or each row's own. Classes go through bit masks, a piece of rows at a time while it stands in cache; numbers are the two ends
// of an interval.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "learn/score_rows.h"

namespace plimsoll::learn {

// Sets of one level: codes[offsets[i] .. offsets[i + 1]) are the classes of row i. One of the two code vectors is in use.
struct Sets {
  std::vector<std::int32_t> offsets = {0};
  std::vector<std::uint8_t> small_codes;  // up to 64 classes
  std::vector<std::int32_t> codes;
  bool holds(std::size_t row, std::int32_t label) const;
};

// Thresholds of every level; infinity is the whole space, -infinity nothing.
struct RowThresholds {
  std::vector<std::vector<double>> levels;  // alphas x sides; in each, groups x (1 or classes) values, or one a row of the table
  bool by_class = false;
  std::span<const std::int32_t> groups = {};  // of each row of the table; empty: all of group 0. Negative: the whole space
  bool by_row = false;                        // each row has its own value
};

// What is to be answered.
struct AnswerJob {
  const ScorePlan& plan;
  const ScoreSettings& settings;
  const ScoreColumns& columns;     // of this table
  std::size_t alphas = 1;
  bool allow_empty = false;
  // Called with each piece of rows: where it begins in the table, its probabilities, its draws.
  std::function<Result<void>(const Table& slice, std::size_t at, ClassColumns piece, std::span<const double> draws)> visit = {};
};
Result<std::vector<Sets>> answer_sets(Context& context, const Table& table, const AnswerJob& job, const RowThresholds& thresholds);

struct Intervals {
  std::vector<std::vector<double>> lower, upper;  // one a level
};
Result<Intervals> answer_intervals(Context& context, const Table& table, const AnswerJob& job, const RowThresholds& thresholds);

// Columns of answers: set, or lower, upper and empty, each with its level where there are several.
void put_sets(TableBuilder& builder, const std::vector<double>& alpha, const std::vector<std::string>& classes, std::vector<Sets> sets);
void put_intervals(TableBuilder& builder, const std::vector<double>& alpha, Intervals intervals);
// Both steps: the columns of whatever the plan answers with.
Result<Table> answer_table(Context& context, const Table& table, const AnswerJob& job, const std::vector<double>& alpha, const RowThresholds& thresholds);

}  // namespace plimsoll::learn

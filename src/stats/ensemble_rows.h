// SPDX-License-Identifier: Apache-2.0
#pragma once

// What every score of an ensemble forecast is made of, for many rows at once. With members x_1..x_M and the outcome y of a row:
//   S = mean |x_j - y|,  H = sum_{j<k} |x_j - x_k| / (M (M - 1)),  e = mean x - y,  v = sum (x_j - mean x)^2 / (M - 1),
// and how many members lie below y and on it. H estimates half the mean difference of two draws without bias.

#include <cstdint>
#include <span>
#include <vector>

#include "stats/crps.h"

namespace plimsoll::stats {

struct EnsembleView {
  std::span<const double* const> member;  // M columns
  const double* observed = nullptr;
};

// Columns of equal length, one value a row.
struct EnsembleRows {
  std::vector<double> absolute_error;   // S; NaN where the row is not scored
  std::vector<double> half_difference;  // H; NaN with fewer than two members
  std::vector<double> error;            // e
  std::vector<double> variance;         // v; NaN with fewer than two members
  std::vector<std::int32_t> below;
  std::vector<std::int32_t> ties;
  std::vector<std::int32_t> used;       // finite members; 0 where the outcome is missing

  explicit EnsembleRows(std::size_t rows = 0);
  std::size_t size() const { return absolute_error.size(); }
};

enum class MissingMember : std::uint8_t {
  propagate,  // a row that lacks a member is not scored
  omit,       // it is scored by the members it has
};

// Fills rows [begin, end) of `out`. NaN is missing. Returns the first of these rows with an infinite member or outcome, which is
// left unscored, or -1. Rows are independent: the result is the same however they are cut, with every processor.
std::int64_t score_ensemble_rows(const EnsembleView& view, std::int64_t begin, std::int64_t end, MissingMember missing, EnsembleRows& out);

// The CRPS alone, one a row: the fastest way to a score. Returns as score_ensemble_rows.
std::int64_t ensemble_crps(const EnsembleView& view, CrpsKind kind, double alpha, MissingMember missing, std::span<double> scores);

// Sorted-sample form of sum_{j<k} |x_j - x_k| = sum_i (2 i - M - 1) x_(i); `sorted` rises.
double sum_of_differences(std::span<const double> sorted);

}  // namespace plimsoll::stats

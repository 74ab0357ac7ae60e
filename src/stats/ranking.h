// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stats/influence.h"
#include "stats/resampling.h"

namespace plimsoll::stats {

// Rows of one score: weight of the events and of the others. Everything that a ranking shows is a function of these.
struct RankGroup {
  double score = 0;
  double positives = 0;
  double negatives = 0;
};
struct RankTable {
  std::vector<RankGroup> groups;  // by rising score
  double positives = 0;
  double negatives = 0;
};

double area_of(const RankTable& table);  // under the ROC curve

// Errors: bad_parameter (lengths), bad_value with the row, one_class, too_large from 2^32 rows.
Result<RankTable> rank_table(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight);

enum class RankStatistic : std::uint8_t {
  auroc,
  average_precision,
  kolmogorov_smirnov,    // largest distance of the two distribution functions
  partial_auroc,         // area up to a false positive rate, on McClish's scale: 0.5 by chance, 1 perfect
  h_measure,             // Hand's, with the cost prior Beta(1 + share of events, 1 + share of others)
  brier_discrimination,  // CORP's DSC of the Brier score
  log_discrimination,    // and of the log score
};
inline constexpr std::size_t rank_statistic_count = 7;
std::string_view name_of(RankStatistic statistic);
using RankStatistics = std::array<double, rank_statistic_count>;
inline double at(const RankStatistics& values, RankStatistic which) { return values[static_cast<std::size_t>(which)]; }

RankStatistics rank_statistics(const RankTable& table, double most_false_positives);

// Intervals by resampling rows within each outcome, or whole clusters: the logit scale for what lies between 0 and 1 (a
// bootstrap standard error), so that an interval never leaves the range. The rows are sorted once.
std::vector<Estimate> rank_intervals(const RankStatistics& observed, std::span<const RankStatistics> replicates, double level);
Result<std::vector<RankStatistics>> rank_replicates(std::span<const double> score, std::span<const std::int32_t> outcome,
                                                    std::span<const double> weight, const Dependence& dependence,
                                                    double most_false_positives, const Resampling& resampling);

// AUROC with what each row adds (DeLong, DeLong and Clarke-Pearson 1988; with clusters, Obuchowski 1997).
Result<Influence> auroc_influence(std::span<const double> score, std::span<const std::int32_t> outcome, std::span<const double> weight);

// Shares of events and of rows among the highest scores, from (0, 0) to (1, 1): the gain curve; its lift is gain / depth.
struct GainPoint {
  double depth = 0;      // share of all rows
  double gain = 0;       // share of the events
  double threshold = 0;  // score >= threshold
  double false_positive_rate = 0;
};
std::vector<GainPoint> gain_curve(const RankTable& table, std::size_t most);
// Share of events found among the best `depth` of the rows; a group that is cut counts in proportion.
double gain_at(const RankTable& table, double depth);

}  // namespace plimsoll::stats

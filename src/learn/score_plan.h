// SPDX-License-Identifier: Apache-2.0
#pragma once

// What conformal methods on tables share: the scores of labels and numbers, how a caller sets them, and by which columns they
// are made.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/fields.h"
#include "learn/class_scores.h"
#include "learn/missing_rows.h"
#include "table/table.h"

namespace plimsoll::learn {

enum class ConformalScore : int {
  automatic,
  lac, aps, raps, saps, margin, top_k, neg_log,                                          // classes
  absolute, normalised, relative, two_tailed, cqr, cqr_asymmetric, cqr_r, cqr_m,         // numbers
};
std::span<const std::string_view> choices_of(ConformalScore);
bool of_classes(ConformalScore score);
int sides_of(ConformalScore score);  // 2 where each end has a threshold of its own at alpha / 2

// Params of a method derive from it; describe_score() adds its fields to theirs, flat.
struct ScoreSettings {
  ConformalScore score = ConformalScore::automatic;
  bool randomized = false;
  double penalty = 0.01;
  std::int64_t penalty_free = 5;
  double offset = 0;
  std::string prefix = "p_";
  std::vector<std::string> classes;
};
void describe_score(Fields& f, ScoreSettings& p);
// The single fields, for a method whose order is its own.
void describe_choice(Fields& f, ScoreSettings& p);      // score
void describe_randomized(Fields& f, ScoreSettings& p);
void describe_shape(Fields& f, ScoreSettings& p);       // penalty .. classes

enum class SmallSample : int { infinite, error };
std::span<const std::string_view> choices_of(SmallSample);

// Levels of miscoverage: at least one, at most 32, each in (0, 1) and none twice.
Result<void> check_levels(const std::vector<double>& alpha);
// "0.9" for alpha 0.1: how a level is written in column names.
std::string level_name(double alpha);
// "set" if there is one alpha, else "set.0.9".
std::string level_column(const std::vector<double>& alpha, std::string_view stem, std::size_t which);
// Rank of the threshold: ceil((n + 1)(1 - alpha)), with a relative slack for the rounding of alpha; n + 1: infinite.
std::int64_t conformal_rank_of(std::int64_t n, double alpha);
// Fewest rows with which `alpha` has a finite threshold.
std::int64_t conformal_rows_needed(double alpha);

// Which columns a method reads, by the role they play.
struct ScoreColumns {
  std::vector<std::string> probability;
  std::string target, prediction, sigma, lower, upper, median, id;
};
void describe(Fields& f, ScoreColumns& c);

// What is fixed by the first rows and the same in all that follow.
struct ScorePlan {
  ConformalScore score = ConformalScore::automatic;
  ScoreColumns columns;
  std::vector<std::string> classes;  // in the order of columns.probability
  bool ready = false;
};
void describe(Fields& f, ScorePlan& p);

// Roles of tables with predictions; a method that has more joins them.
inline constexpr std::array<RoleInfo, 6> prediction_roles = {{{"probability", "class probabilities, one column a class", false, true},
                                                              {"prediction", "predicted number", false, false},
                                                              {"sigma", "spread of the prediction", false, false},
                                                              {"lower", "predicted lower quantile", false, false},
                                                              {"upper", "predicted upper quantile", false, false},
                                                              {"median", "predicted median (cqr_m)", false, false}}};
inline constexpr RoleInfo id_role = {"id", "identity of a row", false, false};
template <std::size_t A, std::size_t B>
constexpr std::array<RoleInfo, A + B> join_roles(const std::array<RoleInfo, A>& first, const std::array<RoleInfo, B>& second) {
  std::array<RoleInfo, A + B> all{};
  for (std::size_t i = 0; i < A; ++i) all[i] = first[i];
  for (std::size_t i = 0; i < B; ++i) all[A + i] = second[i];
  return all;
}
inline constexpr auto score_fit_roles = join_roles(join_roles(std::array<RoleInfo, 1>{{{"target", "the true label or number", true, false}}}, prediction_roles), std::array<RoleInfo, 1>{id_role});
inline constexpr auto score_apply_roles = join_roles(prediction_roles, std::array<RoleInfo, 2>{id_role, {"target", "the true label or number (for reports)", false, false}});

// From the roles of the first rows of fit: the score if it was left to choose, the columns, the classes.
Result<ScorePlan> plan_of(const Table& table, const ScoreSettings& settings);
// The columns of a table at apply: those bound there, else those of the calibration by name.
Result<ScoreColumns> columns_of(const Table& table, const ScorePlan& plan, const ScoreSettings& settings, bool with_target);
ClassScoreOptions class_options(const ScoreSettings& settings, ConformalScore score);

}  // namespace plimsoll::learn

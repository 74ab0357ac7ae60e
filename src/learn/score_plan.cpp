// SPDX-License-Identifier: Apache-2.0
#include "learn/score_plan.h"

#include <algorithm>
#include <set>

#include "base/number_text.h"
#include "stats/order_statistics.h"
#include "table/bound_column.h"

namespace plimsoll::learn {
namespace {

constexpr std::array<std::string_view, 16> score_names = {"auto", "lac", "aps", "raps", "saps", "margin", "topk", "log", "absolute",
                                                          "normalised", "relative", "signed", "cqr", "cqr_asymmetric", "cqr_r", "cqr_m"};
constexpr std::array<std::string_view, 2> small_names = {"infinite", "error"};

Result<ScoreColumns> bound_columns(const Table& table) {
  ScoreColumns columns;
  PLIMSOLL_TRY(columns.probability, table.role_columns("probability"));
  PLIMSOLL_TRY(columns.target, one_column(table, "target"));
  PLIMSOLL_TRY(columns.prediction, one_column(table, "prediction"));
  PLIMSOLL_TRY(columns.sigma, one_column(table, "sigma"));
  PLIMSOLL_TRY(columns.lower, one_column(table, "lower"));
  PLIMSOLL_TRY(columns.upper, one_column(table, "upper"));
  PLIMSOLL_TRY(columns.median, one_column(table, "median"));
  PLIMSOLL_TRY(columns.id, one_column(table, "id"));
  return columns;
}

// The score that the bound roles speak for.
Result<ConformalScore> chosen_score(const ScoreColumns& columns) {
  if (!columns.probability.empty()) return ConformalScore::lac;
  if (!columns.lower.empty() && !columns.upper.empty()) return ConformalScore::cqr;
  if (!columns.prediction.empty()) return columns.sigma.empty() ? ConformalScore::absolute : ConformalScore::normalised;
  return Error(ErrorCode::missing_input, "no predictions are bound", "Bind --probability (one column a class), --prediction, or --lower and --upper.").in_parameter("probability");
}

Result<void> need(const std::string& column, std::string_view role, ConformalScore score) {
  if (!column.empty()) return {};
  const auto name = choices_of(score)[static_cast<std::size_t>(score)];
  return Error(ErrorCode::missing_input, "the score '" + std::string(name) + "' needs the role '" + std::string(role) + "'", "Bind it: --" + std::string(role) + " COLUMN.").in_parameter(std::string(role));
}

Result<void> need_all(const ScoreColumns& columns, ConformalScore score, bool with_target) {
  if (with_target) PLIMSOLL_CHECK(need(columns.target, "target", score));
  if (of_classes(score)) return need(columns.probability.empty() ? std::string() : columns.probability.front(), "probability", score);
  switch (score) {
    case ConformalScore::normalised: PLIMSOLL_CHECK(need(columns.sigma, "sigma", score)); [[fallthrough]];
    case ConformalScore::absolute:
    case ConformalScore::relative:
    case ConformalScore::two_tailed: return need(columns.prediction, "prediction", score);
    case ConformalScore::cqr_m: PLIMSOLL_CHECK(need(columns.median, "median", score)); [[fallthrough]];
    default: PLIMSOLL_CHECK(need(columns.lower, "lower", score)); return need(columns.upper, "upper", score);
  }
}

Result<std::vector<std::string>> class_names(const std::vector<std::string>& columns, const ScoreSettings& settings) {
  std::vector<std::string> names = settings.classes;
  if (!names.empty() && names.size() != columns.size())
    return Error(ErrorCode::bad_parameter, std::to_string(names.size()) + " classes are named for " + std::to_string(columns.size()) + " probability columns", "Name one class a column, in the order of the columns.").in_parameter("classes");
  if (names.empty()) {
    const auto has_prefix = [&](const std::string& name) { return name.size() > settings.prefix.size() && name.starts_with(settings.prefix); };
    const bool strip = std::all_of(columns.begin(), columns.end(), has_prefix);
    for (const std::string& name : columns) names.push_back(strip ? name.substr(settings.prefix.size()) : name);
  }
  if (names.size() < 2)
    return Error(ErrorCode::one_class, "class probabilities need a column for each of at least two classes, got " + std::to_string(names.size()), "Bind every class: --probability p_a,p_b or --probability 'p_*'.").in_parameter("probability");
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size())
    return Error(ErrorCode::bad_parameter, "a class is named twice", "Give each probability column its own class.").in_parameter("classes");
  return names;
}

}  // namespace

std::span<const std::string_view> choices_of(ConformalScore) { return score_names; }
std::span<const std::string_view> choices_of(SmallSample) { return small_names; }

bool of_classes(ConformalScore score) { return score >= ConformalScore::lac && score <= ConformalScore::neg_log; }
int sides_of(ConformalScore score) { return score == ConformalScore::two_tailed || score == ConformalScore::cqr_asymmetric ? 2 : 1; }

void describe_choice(Fields& f, ScoreSettings& p) {
  f({"score", "how badly a label or number suits its prediction; auto: lac for probabilities, cqr for lower and upper, normalised for prediction and sigma, absolute for a prediction"}, p.score);
}
void describe_randomized(Fields& f, ScoreSettings& p) {
  f({"randomized", "aps, raps, saps: draw a uniform for each row, which makes sets exact instead of conservative"}, p.randomized);
}
void describe_shape(Fields& f, ScoreSettings& p) {
  f({"penalty", "raps and saps: weight of the rank penalty", at_least(0)}, p.penalty);
  f({"penalty_free", "raps: ranks free of penalty", at_least(0)}, p.penalty_free);
  f({"offset", "added to sigma (normalised) or to the widths (cqr_r, cqr_m)", at_least(0)}, p.offset);
  f({"prefix", "stripped from the names of the probability columns, if all have it, to get the classes"}, p.prefix);
  f({"classes", "the classes of the probability columns, in their order; empty: from the column names"}, p.classes);
}
void describe_score(Fields& f, ScoreSettings& p) {
  describe_choice(f, p);
  describe_randomized(f, p);
  describe_shape(f, p);
}

void describe(Fields& f, ScoreColumns& c) {
  f({"probability", "class probabilities"}, c.probability);
  f({"target", "truth"}, c.target);
  f({"prediction", "predicted number"}, c.prediction);
  f({"sigma", "spread"}, c.sigma);
  f({"lower", "lower quantile"}, c.lower);
  f({"upper", "upper quantile"}, c.upper);
  f({"median", "median"}, c.median);
  f({"id", "identity"}, c.id);
}

void describe(Fields& f, ScorePlan& p) {
  f({"score", "score in use"}, p.score);
  f({"columns", "columns by role"}, p.columns);
  f({"classes", "classes in the order of the probability columns"}, p.classes);
  f({"ready", "fixed by a first batch"}, p.ready);
}

Result<void> check_levels(const std::vector<double>& levels) {
  if (levels.empty()) return Error(ErrorCode::bad_parameter, "no alpha is given", "Give at least one, e.g. --alpha 0.1.").in_parameter("alpha");
  if (levels.size() > 32) return Error(ErrorCode::bad_parameter, "more than 32 alphas", "Give at most 32.").in_parameter("alpha");
  std::vector<std::string> names;
  for (const double alpha : levels) {
    if (!(alpha > 0 && alpha < 1)) return Error(ErrorCode::bad_parameter, "'alpha' must be in (0, 1)", "Give a miscoverage such as 0.1.").in_parameter("alpha");
    names.push_back(level_name(alpha));
  }
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) return Error(ErrorCode::bad_parameter, "an alpha is given twice", "Give each level once.").in_parameter("alpha");
  return {};
}

std::string level_name(double alpha) { return number_text(1 - alpha); }

std::string level_column(const std::vector<double>& alpha, std::string_view stem, std::size_t which) {
  std::string name(stem);
  if (alpha.size() > 1) name += "." + level_name(alpha[which]);
  return name;
}

std::int64_t conformal_rank_of(std::int64_t n, double alpha) {
  const auto rank = stats::conformal_rank(n, alpha);
  return !rank || rank.value().infinite ? n + 1 : rank.value().k;
}

std::int64_t conformal_rows_needed(double alpha) {
  const auto rank = stats::conformal_rank(0, alpha);
  return rank ? rank.value().needed_n : 0;
}

Result<ScorePlan> plan_of(const Table& table, const ScoreSettings& settings) {
  ScorePlan plan;
  PLIMSOLL_TRY(plan.columns, bound_columns(table));
  plan.score = settings.score;
  if (plan.score == ConformalScore::automatic) {
    PLIMSOLL_TRY(plan.score, chosen_score(plan.columns));
  }
  PLIMSOLL_CHECK(need_all(plan.columns, plan.score, true));
  if (settings.randomized && plan.score != ConformalScore::aps && plan.score != ConformalScore::raps && plan.score != ConformalScore::saps)
    return Error(ErrorCode::bad_parameter, "only the scores aps, raps and saps are randomised", "Leave out --randomized, or choose one of them.").in_parameter("randomized").with_candidates({"aps", "raps", "saps"});
  if (of_classes(plan.score)) {
    PLIMSOLL_TRY(plan.classes, class_names(plan.columns.probability, settings));
  }
  plan.ready = true;
  return plan;
}

// Probability columns at apply stand in the order of the calibration's classes, whatever order they were bound in.
Result<ScoreColumns> columns_of(const Table& table, const ScorePlan& plan, const ScoreSettings& settings, bool with_target) {
  PLIMSOLL_TRY(ScoreColumns bound, bound_columns(table));
  ScoreColumns columns = plan.columns;
  const auto replace = [](std::string& ours, const std::string& theirs) { if (!theirs.empty()) ours = theirs; };
  replace(columns.target, bound.target);
  replace(columns.prediction, bound.prediction);
  replace(columns.sigma, bound.sigma);
  replace(columns.lower, bound.lower);
  replace(columns.upper, bound.upper);
  replace(columns.median, bound.median);
  columns.id = bound.id.empty() && !columns.id.empty() && table.has(columns.id) ? columns.id : bound.id;
  if (!bound.probability.empty() && of_classes(plan.score) && bound.probability != plan.columns.probability) {
    const auto asked = std::set<std::string>(bound.probability.begin(), bound.probability.end());
    if (asked != std::set<std::string>(plan.columns.probability.begin(), plan.columns.probability.end())) {
      ScoreSettings named = settings;
      if (named.classes.size() != bound.probability.size()) named.classes.clear();
      PLIMSOLL_TRY(const std::vector<std::string> names, class_names(bound.probability, named));
      for (std::size_t i = 0; i < plan.classes.size(); ++i) {
        const auto found = std::find(names.begin(), names.end(), plan.classes[i]);
        if (found == names.end())
          return Error(ErrorCode::missing_column, "no probability column is bound for the class '" + plan.classes[i] + "'", "Bind one column for each class of the calibration.").in_column(plan.columns.probability[i]).with_candidates(bound.probability);
        columns.probability[i] = bound.probability[static_cast<std::size_t>(found - names.begin())];
      }
    }
  }
  PLIMSOLL_CHECK(need_all(columns, plan.score, with_target));
  return columns;
}

ClassScoreOptions class_options(const ScoreSettings& settings, ConformalScore score) {
  ClassScoreOptions options;
  switch (score) {
    case ConformalScore::aps: options.score = ClassScore::aps; break;
    case ConformalScore::raps: options.score = ClassScore::raps; break;
    case ConformalScore::saps: options.score = ClassScore::saps; break;
    case ConformalScore::margin: options.score = ClassScore::margin; break;
    case ConformalScore::top_k: options.score = ClassScore::top_k; break;
    case ConformalScore::neg_log: options.score = ClassScore::neg_log; break;
    default: options.score = ClassScore::lac; break;
  }
  options.randomized = settings.randomized;
  options.penalty = settings.penalty;
  options.penalty_free = settings.penalty_free;
  return options;
}

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
// Predictive against protected information. Candidates c of feature j are its best binnings into 2, 3, ... bins:
//   max sum IV_jc z_jc   subject to   sum_c z_jc <= 1,   sum FIV_jc z_jc <= budget for each protected group,   z binary,
// a multiple-choice knapsack, solved to a proven gap. Sampling noise: `safe` counts FIV + k SE of each; `independent` asks
//   sum FIV z + k || SE z ||_2 <= budget,
// whose left side is convex in z, so it is cut down by tangents at each solution that breaks it until none does: the bound stays
// proven. The sum of FIV is a proxy (features interact): the protected information of the score itself stands beside it.

#include <algorithm>
#include <cmath>

#include "methods/credit/scorecard/scorecard.h"
#include "solve/mip.h"
#include "stats/distributions.h"
#include "stats/divergence.h"
#include "stats/roc.h"
#include "table/split.h"

namespace plimsoll::credit::scorecard {
namespace {

struct Candidate {
  std::size_t feature = 0;  // index into names
  Binned binned;
  std::vector<GroupInformation> of_group;
};

struct Field {
  const Params& params;
  std::vector<std::string> names;
  std::vector<Candidate> candidates;
  std::size_t groups = 0;
};

double quantile_of(const Fairness& fairness) { return stats::normal_upper_quantile(1 - fairness.chance_level); }

// `toll` is the price of protected information in the weighted form, IV - toll FIV (summed over the groups); 0 without.
solve::MipModel program_of(const Field& field, double budget, double toll) {
  const Fairness& fairness = field.params.fairness;
  solve::MipModel model;
  model.sense = solve::Sense::maximise;
  std::vector<std::int32_t> every;
  for (const Candidate& c : field.candidates) {
    double price = c.binned.feature.iv;
    for (const GroupInformation& info : c.of_group) price -= toll * info.value;
    every.push_back(model.add_binary(price));
  }
  for (std::size_t j = 0; j < field.names.size(); ++j) {
    std::vector<std::int32_t> own;
    for (std::size_t c = 0; c < field.candidates.size(); ++c)
      if (field.candidates[c].feature == j) own.push_back(static_cast<std::int32_t>(c));
    if (own.empty()) continue;
    const bool must = std::find(fairness.must_include.begin(), fairness.must_include.end(), field.names[j]) != fairness.must_include.end();
    model.add_row(must ? 1 : 0, 1, own, std::vector<double>(own.size(), 1.0));
  }
  const double k = fairness.chance == Chance::safe ? quantile_of(fairness) : 0;
  if (std::isfinite(budget))
    for (std::size_t g = 0; g < field.groups; ++g) {
      std::vector<double> weights;
      for (const Candidate& c : field.candidates) weights.push_back(c.of_group[g].value + k * c.of_group[g].error);
      model.add_row(-solve::infinite, budget, every, weights);
    }
  if (fairness.max_features > 0) model.add_row(0, static_cast<double>(fairness.max_features), every, std::vector<double>(every.size(), 1.0));
  return model;
}

// Adds a tangent for each group whose cone the solution breaks; true if any.
bool cut_cones(const Field& field, double budget, std::span<const double> z, solve::MipModel& model) {
  const double k = quantile_of(field.params.fairness);
  bool any = false;
  for (std::size_t g = 0; g < field.groups; ++g) {
    double mean = 0;
    double squares = 0;
    for (std::size_t c = 0; c < z.size(); ++c) {
      const GroupInformation& info = field.candidates[c].of_group[g];
      mean += info.value * z[c];
      squares += info.error * info.error * z[c];
    }
    const double norm = std::sqrt(squares);
    if (mean + k * norm <= budget + 1e-9) continue;
    std::vector<std::int32_t> columns;
    std::vector<double> weights;
    for (std::size_t c = 0; c < z.size(); ++c) {
      const GroupInformation& info = field.candidates[c].of_group[g];
      columns.push_back(static_cast<std::int32_t>(c));
      weights.push_back(info.value + (norm > 0 ? k * info.error * info.error * z[c] / norm : 0));
    }
    model.add_row(-solve::infinite, budget, columns, weights);
    any = true;
  }
  return any;
}

Result<solve::MipSolution> solve_budget(Context& context, const Field& field, double budget, double toll = 0) {
  solve::MipModel program = program_of(field, budget, toll);
  solve::MipOptions options;
  for (int round = 0;; ++round) {
    PLIMSOLL_TRY(solve::MipSolution solution, solve::solve_mip(context, program, options));
    const bool cones = field.params.fairness.chance == Chance::independent && std::isfinite(budget);
    if (!solution.found || !cones || !cut_cones(field, budget, solution.x, program)) return solution;
    if (round == 200) {  // a solution that breaks a cone is none; the bound holds
      solution.found = false;
      return solution;
    }
  }
}

std::vector<std::size_t> chosen_in(const solve::MipSolution& solution) {
  std::vector<std::size_t> chosen;
  for (std::size_t c = 0; c < solution.x.size(); ++c)
    if (solution.x[c] > 0.5) chosen.push_back(c);
  return chosen;
}

std::int64_t regular_bins(const Feature& feature) {
  return std::count_if(feature.bins.begin(), feature.bins.end(), [](const Bin& bin) { return bin.role == BinRole::regular; });
}

FrontPoint point_of(const Field& field, double budget, const solve::MipSolution& solution) {
  FrontPoint point;
  point.budget = budget;
  point.gap = solution.gap;
  point.optimal = solution.status == solve::MipStatus::optimal;
  std::vector<double> sum(field.groups, 0.0), variance(field.groups, 0.0);
  for (const std::size_t c : chosen_in(solution)) {
    const Candidate& candidate = field.candidates[c];
    point.iv += candidate.binned.feature.iv;
    point.features.push_back(candidate.binned.feature.name);
    point.bins.push_back(regular_bins(candidate.binned.feature));
    for (std::size_t g = 0; g < field.groups; ++g) {
      sum[g] += candidate.of_group[g].value;
      variance[g] += candidate.of_group[g].error * candidate.of_group[g].error;
    }
  }
  if (field.groups == 0) return point;
  const auto worst = static_cast<std::size_t>(std::max_element(sum.begin(), sum.end()) - sum.begin());
  const double z = stats::normal_upper_quantile(field.params.alpha / 2);
  point.protected_iv = sum[worst];
  point.protected_low = std::max(0.0, sum[worst] - z * std::sqrt(variance[worst]));
  point.protected_high = sum[worst] + z * std::sqrt(variance[worst]);
  return point;
}

// Learns the scorecard of a point on the learning part and measures it on the held-out part (or on the learning part).
Result<void> measure_point(Context& context, const Field& field, const std::vector<std::size_t>& chosen, const Past& learning, const Table* test, const Groups& groups, FrontPoint& point) {
  Model model;
  model.params = field.params;
  model.params.encoding = Encoding::woe;
  std::vector<std::vector<std::uint8_t>> codes;
  for (const std::size_t c : chosen) {
    model.features.push_back(field.candidates[c].binned.feature);
    model.features.back().used = true;
    codes.push_back(field.candidates[c].binned.codes);
  }
  if (model.features.empty()) return {};
  PLIMSOLL_CHECK(learn_values(context, model, codes, learning));
  std::int64_t rows = learning.count();
  if (test != nullptr) {
    rows = test->rows();
    for (std::size_t f = 0; f < model.features.size(); ++f) {
      std::int64_t unseen = 0;
      std::string example;
      PLIMSOLL_TRY(codes[f], codes_of(model.features[f], *test, &unseen, &example));
    }
  }
  const std::vector<double> log_odds = log_odds_of(model, codes, rows);
  if (test != nullptr) {
    PLIMSOLL_TRY(const Past held, read_rows(*test, field.params.bad));
    const std::vector<std::int32_t> outcome(held.bad.begin(), held.bad.end());
    PLIMSOLL_TRY(const stats::Auroc area, stats::auroc(log_odds, outcome, 1 - field.params.alpha));
    point.auc = area.estimate.value;
    point.auc_low = area.estimate.interval.lo;
    point.auc_high = area.estimate.interval.hi;
  }
  std::vector<double> sorted = log_odds;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::uint8_t> band(log_odds.size());
  for (std::size_t i = 0; i < band.size(); ++i) {
    std::uint8_t b = 0;
    for (std::size_t k = 1; k < 10; ++k) b = static_cast<std::uint8_t>(b + (log_odds[i] >= sorted[sorted.size() * k / 10] ? 1 : 0));
    band[i] = b;
  }
  point.impact_ratio = 1;
  for (const auto& member : groups.member) {
    point.impact_ratio = std::min(point.impact_ratio, impact_ratio(log_odds, member, field.params.fairness.approval_rate));
    point.score_iv = std::max(point.score_iv, group_information(band, 10, member, 1 - field.params.alpha).value);
  }
  return {};
}

Result<Field> field_of(Context& context, const Table& table, const std::vector<std::string>& names, const Past& rows, const Groups& groups, const Params& params) {
  Field field{params, names, {}, groups.member.size()};
  std::vector<std::vector<Binned>> found(names.size());
  PLIMSOLL_CHECK(context.runtime.for_each(std::ssize(names), context.stop, [&](std::int64_t j) -> Result<void> {
    PLIMSOLL_TRY(found[static_cast<std::size_t>(j)], candidates_of(context, table, names[static_cast<std::size_t>(j)], rows, params));
    return {};
  }));
  for (std::size_t j = 0; j < names.size(); ++j)
    for (Binned& binned : found[j]) {
      if (binned.feature.iv < params.min_iv) continue;
      Candidate candidate{j, std::move(binned), {}};
      for (const auto& member : groups.member) candidate.of_group.push_back(group_information(candidate.binned.codes, candidate.binned.feature.bins.size(), member, 1 - params.alpha));
      field.candidates.push_back(std::move(candidate));
    }
  return field;
}

struct Aim {
  double budget = solve::infinite;
  double toll = 0;
};

Result<void> trace_points(Context& context, const Field& field, const std::vector<Aim>& aims, const Past& learning, const Table* test, const Groups& groups, Model& model) {
  for (const auto& [budget, toll] : aims) {
    PLIMSOLL_TRY(const solve::MipSolution solution, solve_budget(context, field, budget, toll));
    model.solver = solution.solver;
    if (!solution.found) {
      context.warn("no scorecard of the front meets the budget " + digits(budget));
      continue;
    }
    FrontPoint point = point_of(field, budget, solution);
    point.toll = toll;
    PLIMSOLL_CHECK(measure_point(context, field, chosen_in(solution), learning, test, groups, point));
    model.front.push_back(std::move(point));
  }
  return {};
}

}  // namespace

GroupInformation group_information(std::span<const std::uint8_t> codes, std::size_t bins, std::span<const std::uint8_t> member, double level) {
  std::vector<double> others(bins, 0.0), members(bins, 0.0);
  for (std::size_t i = 0; i < codes.size(); ++i)
    if (codes[i] != unknown_bin && member[i] != unknown_bin) ++(member[i] ? members : others)[codes[i]];
  std::vector<double> a;
  std::vector<double> b;
  for (std::size_t j = 0; j < bins; ++j) {
    if (others[j] + members[j] == 0) continue;
    a.push_back(others[j] + 0.5);
    b.push_back(members[j] + 0.5);
  }
  GroupInformation info;
  stats::DivergenceOptions options;
  options.level = level;
  const auto d = stats::jeffreys_divergence(a, b, options);
  if (!d) return info;
  return {d->value, d->standard_error, d->interval.lo, d->interval.hi, d->p_value};
}

double impact_ratio(std::span<const double> log_odds, std::span<const std::uint8_t> member, double rate) {
  std::vector<double> sorted(log_odds.begin(), log_odds.end());
  if (sorted.empty()) return 1;
  std::sort(sorted.begin(), sorted.end());
  const auto approved = static_cast<std::size_t>(rate * static_cast<double>(sorted.size()));
  if (approved == 0) return 1;
  const double limit = sorted[approved - 1];
  double in[2] = {0, 0};
  double all[2] = {0, 0};
  for (std::size_t i = 0; i < log_odds.size(); ++i) {
    if (member[i] == unknown_bin) continue;
    all[member[i]] += 1;
    in[member[i]] += log_odds[i] <= limit ? 1 : 0;
  }
  if (all[0] == 0 || all[1] == 0) return 1;
  const double a = in[0] / all[0];
  const double b = in[1] / all[1];
  if (a == b) return 1;
  return std::min(a, b) / std::max(a, b);
}

Result<Chosen> trace_front(Context& context, const Table& table, const std::vector<std::string>& names, const Params& params, Model& model) {
  PLIMSOLL_TRY(const Groups all, read_groups(table, params.fairness.cuts));
  const bool limited = params.fairness.budget >= 0;
  if (all.member.empty()) {
    if (limited) return Error(ErrorCode::missing_input, "a budget of protected information is given, and no protected column with two groups", "Bind one with --protected.").in_parameter("fairness.budget");
    return Chosen{};
  }
  model.guarded = all.guarded;
  PLIMSOLL_TRY(const Past past, read_rows(table, params.bad));
  Table learning_table = table;
  std::optional<Table> test;
  if (params.fairness.test_share > 0) {
    const std::vector<std::int32_t> strata(past.bad.begin(), past.bad.end());
    const double shares[2] = {1 - params.fairness.test_share, params.fairness.test_share};
    PLIMSOLL_TRY(const auto parts, split_stratified(strata, shares, context.rng.child("credit.scorecard front")));
    learning_table = table.take(parts[0]).with_roles(table.roles());
    test = table.take(parts[1]).with_roles(table.roles());
  }
  PLIMSOLL_TRY(const Past learning, read_rows(learning_table, params.bad));
  PLIMSOLL_TRY(const Groups groups, read_groups(learning_table, params.fairness.cuts));
  PLIMSOLL_TRY(const Groups tested, test ? read_groups(*test, params.fairness.cuts) : Result<Groups>(groups));
  PLIMSOLL_TRY(const Field field, field_of(context, learning_table, names, learning, groups, params));
  if (field.candidates.empty()) return Error(ErrorCode::too_few_rows, "no feature can be binned for the front", "Give more rows, or lower --min-bin-share.");
  PLIMSOLL_TRY(const solve::MipSolution free, solve_budget(context, field, solve::infinite));
  const double most = free.found ? point_of(field, solve::infinite, free).protected_iv : 0;
  std::vector<double> budgets = params.fairness.budgets;
  if (budgets.empty())
    for (int k = 1; k < 10; ++k) budgets.push_back(most * k / 10);
  std::sort(budgets.begin(), budgets.end());
  std::vector<Aim> aims;
  for (const double budget : budgets) aims.push_back({budget, 0});
  for (const double toll : params.fairness.tolls) aims.push_back({solve::infinite, toll});
  aims.push_back({solve::infinite, 0});
  PLIMSOLL_CHECK(trace_points(context, field, aims, learning, test ? &*test : nullptr, tested, model));
  if (!limited) return Chosen{};
  PLIMSOLL_TRY(const solve::MipSolution own, solve_budget(context, field, params.fairness.budget));
  if (!own.found)
    return Error(ErrorCode::bad_parameter, "no scorecard meets the budget " + digits(params.fairness.budget), "Raise it, or ask for fewer features with --fairness.must_include.").in_parameter("fairness.budget");
  const FrontPoint point = point_of(field, params.fairness.budget, own);
  return Chosen{true, point.features, point.bins};
}

}  // namespace plimsoll::credit::scorecard

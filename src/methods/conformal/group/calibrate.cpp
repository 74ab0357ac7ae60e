// SPDX-License-Identifier: Apache-2.0
// Fit: scores of the truths, the rule that makes categories (fixed by the caller, or chosen on rows set aside), a quantile for each.

#include <algorithm>
#include <cmath>
#include <limits>

#include "learn/overlap.h"
#include "methods/conformal/group/group.h"
#include "stats/order_statistics.h"
#include "stats/weighted_kmeans.h"

namespace plimsoll::conformal::group {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Result<By> resolve(const Params& params, const learn::ScorePlan& plan, const std::vector<std::string>& groups, const std::string& difficulty) {
  const bool classes = learn::of_classes(plan.score);
  By by = params.by;
  if (by == By::automatic) by = !groups.empty() ? By::group : !difficulty.empty() ? By::difficulty : By::label;
  const auto unbound = [](const std::string& role) { return Error(ErrorCode::missing_input, "no column is bound to the role '" + role + "'", "Bind it: --" + role + " COLUMN.").in_parameter(role); };
  if ((by == By::group || by == By::group_label) && groups.empty()) return unbound("group");
  if (by == By::difficulty && difficulty.empty()) return unbound("difficulty");
  if (by == By::clusters && groups.empty() && !classes) return unbound("group");
  if ((by == By::label || by == By::group_label) && !classes)
    return Error(ErrorCode::bad_parameter, "only classes have labels to tell rows apart by", "Bind --group or --difficulty.").in_parameter("by");
  return by;
}

// Which scored rows choose the rule and do not calibrate.
Result<std::vector<char>> rows_aside(Context& context, const Table& data, const Model& model, const learn::TruthScores& truths) {
  std::vector<char> aside(truths.numbers.size(), 0);
  const bool wanted = model.by == By::clusters || (model.by == By::difficulty && model.params.edges.empty());
  PLIMSOLL_TRY(const std::string fold, one_column(data, "fold"));
  if (fold.empty() && !wanted) return aside;
  std::vector<char> of_row(static_cast<std::size_t>(data.rows()), 0);
  if (!fold.empty()) {
    PLIMSOLL_TRY(const Reals folds, data.reals(fold));
    for (std::size_t i = 0; i < of_row.size(); ++i) {
      if (folds[i] != 0 && folds[i] != 1) return Error(ErrorCode::bad_value, "a fold is neither 0 nor 1", "Mark rows that choose bins or clusters by 1, the rest by 0.").in_column(fold).at_row(data.first_row() + static_cast<std::int64_t>(i));
      of_row[i] = folds[i] != 0;
    }
  } else {
    std::vector<double> draws(of_row.size());
    PLIMSOLL_CHECK(learn::draw_rows(context.rng.child("aside"), data, model.plan.columns.id, draws));
    for (std::size_t i = 0; i < of_row.size(); ++i) of_row[i] = draws[i] < model.params.aside;
  }
  for (std::size_t i = 0; i < aside.size(); ++i) aside[i] = of_row[static_cast<std::size_t>(truths.numbers[i] - data.first_row())];
  return aside;
}

// Bins by the difficulty: `cell` becomes the bin of each scored row.
Result<void> bins_of(const Table& data, Model& model, const learn::TruthScores& truths, const std::vector<char>& aside, std::vector<std::int64_t>& cell) {
  PLIMSOLL_TRY(const Reals difficulty, data.reals(model.difficulty_column));
  const auto of = [&](std::size_t i) { return difficulty[static_cast<std::size_t>(truths.numbers[i] - data.first_row())]; };
  model.edges = model.params.edges;
  if (model.edges.empty()) {
    std::vector<double> sorted;
    for (std::size_t i = 0; i < aside.size(); ++i)
      if (aside[i]) sorted.push_back(of(i));
    if (sorted.empty()) return Error(ErrorCode::too_few_rows, "no row is set aside to choose the bins", "Give more rows, or the bins themselves with --edges.").in_parameter("aside");
    std::sort(sorted.begin(), sorted.end());
    for (std::int64_t b = 1; b < model.params.bins; ++b) {
      const double edge = stats::quantile_of_sorted(sorted, static_cast<double>(b) / static_cast<double>(model.params.bins));
      if (model.edges.empty() || edge > model.edges.back()) model.edges.push_back(edge);
    }
  }
  model.groups.assign(model.edges.size() + 1, std::string());
  for (std::size_t b = 0; b < model.groups.size(); ++b) model.groups[b] = "bin " + std::to_string(b + 1);
  for (std::size_t i = 0; i < cell.size(); ++i) cell[i] = std::upper_bound(model.edges.begin(), model.edges.end(), of(i)) - model.edges.begin();
  return {};
}

// Groups by the values of columns: `cell` becomes the group of each scored row.
Result<void> groups_of(const Table& data, Model& model, const learn::TruthScores& truths, std::vector<std::int64_t>& cell) {
  PLIMSOLL_TRY(const Categories keys, keys_of(data, model.group_columns));
  std::vector<char> used(keys.names.size(), 0);
  for (std::size_t i = 0; i < cell.size(); ++i) {
    cell[i] = keys.codes[static_cast<std::size_t>(truths.numbers[i] - data.first_row())];
    if (cell[i] < 0) return Error(ErrorCode::null_value, "the group is missing", "Give every calibration row its group, or drop the row.").in_column(model.group_columns.front()).at_row(truths.numbers[i]);
    used[static_cast<std::size_t>(cell[i])] = 1;
  }
  model.groups.clear();
  for (std::size_t g = 0; g < used.size(); ++g)
    if (used[g]) model.groups.push_back(keys.names[g]);
  std::sort(model.groups.begin(), model.groups.end());
  std::vector<std::int64_t> place;
  for (const std::string& name : keys.names) place.push_back(std::lower_bound(model.groups.begin(), model.groups.end(), name) - model.groups.begin());
  for (std::int64_t& c : cell) c = place[static_cast<std::size_t>(c)];
  return {};
}

// Quantiles of a category's scores that say whom it is like.
void put_shape(std::vector<double> scores, double alpha, double most, std::vector<double>& point) {
  std::sort(scores.begin(), scores.end());
  for (const double level : {0.5, 0.6, 0.7, 0.8, 0.9, 1 - alpha}) point.push_back(std::min(most, stats::quantile_of_sorted(scores, level)));
}

double largest_finite(const learn::TruthScores& truths) {
  double most = 0;
  for (const auto& side : truths.sides)
    for (const double s : side)
      if (std::isfinite(s)) most = std::max(most, s);
  return most;
}

// Merges categories whose scores on the rows set aside look alike; rare ones share the last pool.
Result<std::vector<std::int64_t>> clusters_of(const Model& model, const learn::TruthScores& truths, const std::vector<char>& aside, const std::vector<std::int64_t>& cell, std::size_t categories, std::int64_t& pools) {
  std::vector<std::vector<std::size_t>> rows(categories);
  for (std::size_t i = 0; i < cell.size(); ++i)
    if (aside[i]) rows[static_cast<std::size_t>(cell[i])].push_back(i);
  const double alpha = model.params.alpha.front() / learn::sides_of(model.plan.score);
  const auto enough = static_cast<std::size_t>(learn::conformal_rows_needed(alpha));
  const double most = largest_finite(truths);
  std::vector<std::size_t> eligible, counts;
  std::vector<double> points, weights;
  for (std::size_t c = 0; c < categories; ++c) {
    if (rows[c].size() < enough) continue;
    eligible.push_back(c);
    counts.push_back(rows[c].size());
    weights.push_back(std::sqrt(static_cast<double>(rows[c].size())));
    for (const auto& side : truths.sides) {
      std::vector<double> own;
      for (const std::size_t i : rows[c]) own.push_back(side[i]);
      put_shape(std::move(own), alpha, most, points);
    }
  }
  std::vector<std::int64_t> pool(categories, 0);
  pools = 1;
  if (eligible.empty()) return pool;
  std::sort(counts.begin(), counts.end());
  std::size_t wanted = static_cast<std::size_t>(model.params.clusters);
  if (wanted == 0) wanted = std::max<std::size_t>(1, counts[counts.size() / 2] / 2);
  const auto found = stats::weighted_kmeans(points, points.size() / eligible.size(), weights, std::min(wanted, eligible.size()));
  const std::int64_t rest = *std::max_element(found.begin(), found.end()) + 1;
  std::fill(pool.begin(), pool.end(), rest);
  for (std::size_t i = 0; i < eligible.size(); ++i) pool[eligible[i]] = found[i];
  pools = eligible.size() == categories ? rest : rest + 1;
  return pool;
}

std::string cell_name(const Model& model, std::size_t cell) {
  if (!model.by_class()) return model.groups[cell];
  const std::size_t classes = model.plan.classes.size();
  const std::string& name = model.plan.classes[cell % classes];
  return model.by == By::group_label ? model.groups[cell / classes] + "/" + name : name;
}

Result<void> put_thresholds(Context& context, Model& model, const learn::TruthScores& truths, const std::vector<char>& aside, const std::vector<std::int64_t>& cell) {
  const std::size_t sides = truths.sides.size();
  const std::size_t pools = model.pools.size();
  std::vector<std::vector<double>> scores(pools * sides);
  for (std::size_t i = 0; i < cell.size(); ++i) {
    if (aside[i]) continue;
    const auto pool = static_cast<std::size_t>(model.pool_of[static_cast<std::size_t>(cell[i])]);
    ++model.pools[pool].n;
    ++model.n;
    for (std::size_t s = 0; s < sides; ++s) scores[pool * sides + s].push_back(truths.sides[s][i]);
  }
  if (model.n == 0) return Error(ErrorCode::too_few_rows, "no row is left to calibrate on", "Give more labelled rows.").in_parameter("data");
  std::int64_t short_of = 0;
  for (const double alpha : model.params.alpha) {
    const double tail = alpha / static_cast<double>(sides);
    for (std::size_t s = 0; s < sides; ++s)
      for (std::size_t pool = 0; pool < pools; ++pool) {
        const std::int64_t n = model.pools[pool].n;
        const std::int64_t k = learn::conformal_rank_of(n, tail);
        if (k > n && model.params.small_n == learn::SmallSample::error)
          return Error(ErrorCode::too_few_rows, "'" + model.pools[pool].name + "' has " + std::to_string(n) + " calibration rows, too few for level " + learn::level_name(alpha) + ": " + std::to_string(learn::conformal_rows_needed(tail)) + " are needed",
                       "Give more rows, merge categories (--by clusters), or take the infinite answer with --small-n infinite.").in_parameter("alpha");
        short_of += k > n && s == 0 ? 1 : 0;
        model.thresholds.push_back(k > n ? infinity : stats::kth_smallest(scores[pool * sides + s], k) + 0.0);
      }
  }
  if (short_of > 0) context.warn(std::to_string(short_of) + " categories have too few calibration rows for a level: every answer there is the whole space.");
  return {};
}

}  // namespace

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(check(params));
  const Table& data = inputs.data;
  Model model;
  model.params = params;
  PLIMSOLL_TRY(model.plan, learn::plan_of(data, params));
  PLIMSOLL_TRY(model.group_columns, data.role_columns("group"));
  PLIMSOLL_TRY(model.difficulty_column, one_column(data, "difficulty"));
  PLIMSOLL_TRY(model.by, resolve(params, model.plan, model.group_columns, model.difficulty_column));
  if (model.by == By::label) model.group_columns.clear();
  if (model.by != By::difficulty) model.difficulty_column.clear();
  else model.group_columns.clear();
  PLIMSOLL_TRY(model.overlap_remark, learn::overlap_remark(context, data, inputs.learned));
  PLIMSOLL_TRY(const learn::TruthScores truths, learn::score_truths(context, data, model.plan, params, params.missing, context.rng.child("calibrate")));
  PLIMSOLL_TRY(const std::vector<char> aside, rows_aside(context, data, model, truths));
  std::vector<std::int64_t> cell(truths.numbers.size(), 0);
  model.groups = {std::string()};
  if (model.by == By::difficulty) PLIMSOLL_CHECK(bins_of(data, model, truths, aside, cell));
  else if (!model.group_columns.empty()) PLIMSOLL_CHECK(groups_of(data, model, truths, cell));
  std::size_t categories = model.groups.size();
  if (model.by_class()) {
    const std::size_t classes = model.plan.classes.size();
    categories *= classes;
    for (std::size_t i = 0; i < cell.size(); ++i) cell[i] = cell[i] * static_cast<std::int64_t>(classes) + truths.labels[i];
  }
  model.pool_of.resize(categories);
  if (model.by == By::clusters) {
    std::int64_t pools = 0;
    PLIMSOLL_TRY(model.pool_of, clusters_of(model, truths, aside, cell, categories, pools));
    model.pools.resize(static_cast<std::size_t>(pools));
    for (std::size_t c = 0; c < categories; ++c) {
      std::string& name = model.pools[static_cast<std::size_t>(model.pool_of[c])].name;
      if (name.size() < 200) name += (name.empty() ? "" : ", ") + cell_name(model, c);
    }
  } else {
    for (std::size_t c = 0; c < categories; ++c) {
      model.pool_of[c] = static_cast<std::int64_t>(c);
      model.pools.push_back({cell_name(model, c), 0});
    }
  }
  model.set_aside = std::count(aside.begin(), aside.end(), char{1});
  model.dropped = truths.dropped;
  model.crossed = truths.crossed;
  model.off = truths.off;
  learn::warn_of_scores(context, model.off, model.crossed, model.dropped);
  PLIMSOLL_CHECK(put_thresholds(context, model, truths, aside, cell));
  return model;
}

}  // namespace plimsoll::conformal::group

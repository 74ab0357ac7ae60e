// SPDX-License-Identifier: Apache-2.0
// Split conformal intervals over a learned number (Papadopoulos et al. 2002; Lei et al. 2018): learner and quantiles on the
// learning rows, the spread on rows that the learner has not seen (its residuals on its own rows are too small), the rank
// k = ceil((n+1)(1-alpha)) of the scores on the conformal rows, one a Mondrian cell (Vovk, Gammerman and Shafer 2005). No row
// serves two purposes. Targets are centred and scaled before learning: trees keep them in float32.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/exact_sum.h"
#include "learn/row_uses.h"
#include "methods/risk/regressor/regressor.h"
#include "stats/order_statistics.h"
#include "table/split.h"

namespace plimsoll::risk::regressor {
namespace {

using RowNumbers = std::vector<std::int64_t>;

std::vector<double> gather(std::span<const double> values, const RowNumbers& rows) {
  std::vector<double> out;
  if (values.empty()) return out;
  out.reserve(rows.size());
  for (const std::int64_t row : rows) out.push_back(values[static_cast<std::size_t>(row)]);
  return out;
}

// Rows of one fit. spread and conformal are rows of `certifying`.
struct Plan {
  Table data;
  std::optional<Table> calibration;
  std::vector<double> y, later_y, weights;
  RowNumbers learning, spread, conformal;

  const Table& certifying() const { return calibration ? *calibration : data; }
  std::span<const double> certifying_y() const { return calibration ? later_y : y; }
};

bool needs_spread(const Params& params, const Model& model) { return model.interval == Interval::normalised || params.mondrian == Mondrian::difficulty; }

RowNumbers all_rows(std::int64_t n) {
  RowNumbers rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), std::int64_t{0});
  return rows;
}

Result<void> cut_rows(const Stream& stream, const Params& params, bool spread, Plan& plan) {
  if (plan.calibration) {
    plan.learning = all_rows(plan.data.rows());
    if (!spread) {
      plan.conformal = all_rows(plan.calibration->rows());
      return {};
    }
    const std::array<double, 2> shares{0.5, 0.5};
    PLIMSOLL_TRY(auto cut, split_rows(plan.calibration->rows(), shares, stream.child("conformal")));
    plan.spread = std::move(cut[0]);
    plan.conformal = std::move(cut[1]);
    return {};
  }
  const double rest = 1.0 - params.share_learning - params.share_spread;
  const std::array<double, 3> shares{params.share_learning, 1.0 - params.share_learning - rest, rest};
  PLIMSOLL_TRY(auto cut, split_rows(plan.data.rows(), shares, stream.child("conformal")));
  plan.learning = std::move(cut[0]);
  plan.conformal = std::move(cut[2]);
  if (spread) {
    plan.spread = std::move(cut[1]);
    return {};
  }
  plan.learning.insert(plan.learning.end(), cut[1].begin(), cut[1].end());
  std::sort(plan.learning.begin(), plan.learning.end());
  return {};
}

Result<Plan> plan_rows(Context& context, const Inputs& inputs, const Params& params, Model& model) {
  Plan plan;
  plan.data = inputs.data;
  PLIMSOLL_TRY(model.target, plan.data.role_column("target"));
  PLIMSOLL_TRY(plan.y, read_target(plan.data));
  PLIMSOLL_TRY(plan.weights, learn::read_weights(plan.data));
  PLIMSOLL_CHECK(learn::feature_columns(plan.data));
  if (inputs.calibration) {
    plan.calibration = learn::with_roles_of(*inputs.calibration, plan.data);
    PLIMSOLL_TRY(plan.later_y, read_target(*plan.calibration));
  }
  PLIMSOLL_CHECK(cut_rows(context.rng.child("risk.regressor"), params, needs_spread(params, model), plan));
  if (plan.learning.size() < 2)
    return Error(ErrorCode::too_few_rows, std::to_string(plan.learning.size()) + " rows are left to learn from, at least 2 are needed", "Give more past cases with their outcomes");
  if (needs_spread(params, model) && plan.spread.size() < 2)
    return Error(ErrorCode::too_few_rows, std::to_string(plan.spread.size()) + " rows are left to learn the spread from, at least 2 are needed", "Give more rows, or an interval of another kind");
  return plan;
}

// Mean and standard deviation of the learning targets, weighted; a constant target is refused.
Result<void> scale_target(const Plan& plan, Model& model) {
  ExactSum mass, sum, squares;
  double low = plan.y[static_cast<std::size_t>(plan.learning[0])];
  double high = low;
  for (const std::int64_t row : plan.learning) {
    const double y = plan.y[static_cast<std::size_t>(row)];
    const double w = plan.weights.empty() ? 1.0 : plan.weights[static_cast<std::size_t>(row)];
    mass.add(w);
    sum.add_product(w, y);
    low = std::min(low, y);
    high = std::max(high, y);
  }
  if (!(mass.value() > 0)) return Error(ErrorCode::bad_value, "the rows drawn for learning have no weight", "Give more rows a weight above 0").in_column(model.target);
  model.centre = sum.value() / mass.value();
  for (const std::int64_t row : plan.learning) {
    const double y = plan.y[static_cast<std::size_t>(row)] - model.centre;
    squares.add_product(plan.weights.empty() ? 1.0 : plan.weights[static_cast<std::size_t>(row)], y * y);
  }
  model.scale = std::sqrt(squares.value() / mass.value());
  if (!std::isfinite(model.centre) || !std::isfinite(model.scale))
    return Error(ErrorCode::bad_value, "the target is so large that its spread overflows", "Give the target in larger units").in_column(model.target);
  if (!(high > low) || !(model.scale > 0)) model.scale = 1;  // a constant target: every learner gives that constant
  return {};
}

void rank_features(Model& model) {
  std::vector<std::string> names;
  for (const learn::FeatureColumn& column : model.encoder.columns) names.push_back(column.name);
  std::vector<double> share(names.size(), 0.0);
  if (model.trees) {
    for (std::size_t i = 0; i < share.size() && i < model.trees->gain.size(); ++i) share[i] = model.trees->gain[i];
  } else {
    const std::vector<std::int64_t> sources = model.encoder.linear_sources();
    for (std::size_t i = 0; i < model.ridge->coefficients.size(); ++i) share[static_cast<std::size_t>(sources[i])] += std::abs(model.ridge->coefficients[i]);
  }
  model.importance = learn::importance_of(names, share);
}

Result<std::optional<Quantile>> learn_quantile(Context& context, const learn::BoundFeatures& bound, std::span<const double> z, std::span<const double> weights, double level,
                                               learn::TreeOptions options) {
  options.quantile = level;
  PLIMSOLL_TRY(learn::BoostedTrees trees, learn::train_regression_trees(context, bound, z, weights, options));
  return std::optional<Quantile>(Quantile{level, std::move(trees)});
}

Result<void> learn_from_rows(Context& context, const Plan& plan, const Params& params, Model& model) {
  PLIMSOLL_TRY(const std::vector<std::string> features, learn::feature_columns(plan.data));
  const learn::RowChoice rows(plan.learning);
  learn::EncoderOptions options;
  options.linear = params.learner == Learner::linear;
  PLIMSOLL_TRY(model.encoder, learn::fit_encoder(context, plan.data, features, rows, options));
  for (std::size_t i = 0; i < model.encoder.kept_out.size(); ++i) context.warn("column \"" + model.encoder.kept_out[i] + "\" is not used: " + model.encoder.notes[i]);
  PLIMSOLL_TRY(const learn::BoundFeatures bound, learn::bind_features(context, model.encoder, plan.data, rows));
  std::vector<double> z = gather(plan.y, plan.learning);
  for (double& value : z) value = (value - model.centre) / model.scale;
  const std::vector<double> weights = gather(plan.weights, plan.learning);
  learn::TreeOptions trees = params.trees.options;
  if (params.learner == Learner::linear) {
    PLIMSOLL_TRY(model.ridge, learn::fit_ridge(context, learn::FeatureDesign(bound), z, params.linear.l2, weights));
  } else {
    PLIMSOLL_TRY(trees.monotone, learn::monotone_directions(params.monotone, model.encoder));
    PLIMSOLL_TRY(model.trees, learn::train_regression_trees(context, bound, z, weights, trees));
  }
  rank_features(model);
  trees.monotone.clear();
  if (model.interval == Interval::cqr || model.interval == Interval::cqr_asymmetric) {
    PLIMSOLL_TRY(model.low, learn_quantile(context, bound, z, weights, params.alpha / 2, trees));
    PLIMSOLL_TRY(model.high, learn_quantile(context, bound, z, weights, 1 - params.alpha / 2, trees));
  }
  std::vector<double> levels = params.quantiles;
  std::sort(levels.begin(), levels.end());
  for (const double level : levels) {
    PLIMSOLL_TRY(std::optional<Quantile> one, learn_quantile(context, bound, z, weights, level, trees));
    model.quantiles.push_back(std::move(*one));
  }
  return {};
}

// The absolute residual of rows that the learner has not seen, as a function of the features.
Result<void> learn_spread(Context& context, const Plan& plan, const Params& params, Model& model) {
  const learn::RowChoice rows(plan.spread);
  PLIMSOLL_TRY(const learn::BoundFeatures bound, learn::bind_features(context, model.encoder, plan.certifying(), rows));
  std::vector<double> mean;
  if (model.ridge) {
    PLIMSOLL_TRY(mean, learn::ridge_predictions(context, *model.ridge, learn::FeatureDesign(bound)));
  } else {
    PLIMSOLL_TRY(auto columns, learn::tree_scores(context, *model.trees, bound));
    mean = std::move(columns[0]);
  }
  std::vector<double> residual = gather(plan.certifying_y(), plan.spread);
  ExactSum total;
  for (std::size_t i = 0; i < residual.size(); ++i) {
    residual[i] = std::abs((residual[i] - model.centre) / model.scale - mean[i]);
    total.add(residual[i]);
  }
  PLIMSOLL_TRY(model.spread, learn::train_regression_trees(context, bound, residual, {}, params.trees.options));
  const double average = total.value() / static_cast<double>(residual.size());
  model.offset = params.offset * average;
  if (!(model.offset > 0)) model.offset = average > 0 ? 1e-6 * average : 1e-6;  // scores divide by spread + offset
  if (params.mondrian != Mondrian::difficulty) return {};
  PLIMSOLL_TRY(auto spread, learn::tree_scores(context, *model.spread, bound));
  std::vector<double>& sorted = spread[0];
  for (double& s : sorted) s = std::max(s, 0.0);
  std::sort(sorted.begin(), sorted.end());
  for (std::int64_t b = 1; b < params.bins; ++b) {
    const double edge = stats::quantile_of_sorted(sorted, static_cast<double>(b) / static_cast<double>(params.bins));
    if (edge > (model.edges.empty() ? sorted.front() : model.edges.back())) model.edges.push_back(edge);  // ties of trees empty no bin
  }
  return {};
}

Result<void> name_cells(const Plan& plan, Model& model) {
  if (model.mondrian != Mondrian::group) return {};
  PLIMSOLL_TRY(model.cell_columns, plan.data.role_columns("group"));
  if (model.cell_columns.empty())
    return Error(ErrorCode::missing_input, "mondrian = group needs columns of groups", "Bind them with --group").in_parameter("group");
  std::vector<std::string> joined(plan.conformal.size());
  for (const std::string& column : model.cell_columns) {
    PLIMSOLL_TRY(const Categories values, plan.certifying().categories(column));
    for (std::size_t i = 0; i < joined.size(); ++i) {
      const std::int32_t code = values.codes[static_cast<std::size_t>(plan.conformal[i])];
      joined[i] += (joined[i].empty() ? "" : " | ") + (code < 0 ? std::string("(empty)") : values.names[static_cast<std::size_t>(code)]);
    }
  }
  std::sort(joined.begin(), joined.end());
  joined.erase(std::unique(joined.begin(), joined.end()), joined.end());
  if (joined.size() > 1000)
    return Error(ErrorCode::bad_parameter, "the group columns have " + std::to_string(joined.size()) + " different values, more than 1000 cells", "Bind a column of fewer groups").in_parameter("group");
  if (joined.empty()) return Error(ErrorCode::too_few_rows, "no rows are left to calibrate the intervals", "Give more rows");
  model.cells = std::move(joined);
  return {};
}

Result<void> check_ranks(Context& context, const Plan& plan, const Params& params, const Model& model) {
  const double tail = model.sides() == 2 ? params.alpha / 2 : params.alpha;
  const std::int64_t need = learn::rows_needed(tail);
  for (std::size_t c = 0; c < model.cell_count(); ++c) {
    const std::int64_t n = model.ranks[c * model.sides()].n;
    if (n >= need) continue;
    const std::string of = model.mondrian == Mondrian::none ? "" : model.mondrian == Mondrian::group ? " of group \"" + model.cells[c] + "\"" : " of difficulty bin " + std::to_string(c + 1);
    const std::string what = std::to_string(n) + " rows" + of + " are left to calibrate the intervals, " + std::to_string(need) + " are needed at this alpha";
    const double share = plan.calibration ? 1.0 : 1.0 - params.share_learning - params.share_spread;
    const auto total = static_cast<std::int64_t>(std::ceil(static_cast<double>(need) / share));
    if (params.small_n == SmallSample::error)
      return Error(ErrorCode::too_few_rows, what, "Give at least about " + std::to_string(total) + " rows" + of + ", a larger alpha, or small_n = infinite to take unbounded intervals");
    context.warn(what + "; those intervals are unbounded");
  }
  return {};
}

Result<void> sketch_rows(Context& context, const Plan& plan, Model& model) {
  RowNumbers certifying = plan.spread;
  certifying.insert(certifying.end(), plan.conformal.begin(), plan.conformal.end());
  std::sort(certifying.begin(), certifying.end());
  PLIMSOLL_TRY(learn::RowUses uses, learn::sketch_uses(context, plan.data, plan.learning, plan.calibration, certifying));
  model.learning_fingerprint = std::move(uses.learning);
  model.calibration_fingerprint = std::move(uses.calibration);
  model.overlap_remark = std::move(uses.overlap_remark);
  return {};
}

}  // namespace

Result<std::vector<double>> read_target(const Table& table) {
  PLIMSOLL_TRY(const std::string name, table.role_column("target"));
  PLIMSOLL_TRY(const Reals values, table.reals(name));
  return std::vector<double>(values.begin(), values.end());
}

Result<void> rank_cells(const Model& model, const std::vector<std::vector<double>>& scores, std::span<const std::int32_t> cell, std::vector<learn::Rank>& ranks, std::vector<double>& curve) {
  ranks.clear();
  curve.clear();
  const auto sides = static_cast<double>(model.sides());
  for (std::size_t c = 0; c < model.cell_count(); ++c) {
    for (std::size_t s = 0; s < model.sides(); ++s) {
      std::vector<double> own;
      for (std::size_t i = 0; i < cell.size(); ++i)
        if (cell[i] == static_cast<std::int32_t>(c)) own.push_back(scores[s][i]);
      std::sort(own.begin(), own.end());
      for (std::size_t level = 0; level < curve_levels; ++level) {
        PLIMSOLL_TRY(const stats::ConformalRank rank, stats::conformal_rank(std::ssize(own), (1 - curve_level(level)) / sides));
        curve.push_back(rank.infinite ? std::numeric_limits<double>::infinity() : own[static_cast<std::size_t>(rank.k - 1)]);
      }
      PLIMSOLL_TRY(learn::Rank rank, learn::rank_of(std::move(own), model.alpha / sides));
      ranks.push_back(rank);
    }
  }
  return {};
}

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  Model model;
  model.learner = params.learner;
  model.alpha = params.alpha;
  model.mondrian = params.mondrian;
  model.interval = params.interval != Interval::automatic ? params.interval : params.learner == Learner::trees ? Interval::cqr : Interval::absolute;
  PLIMSOLL_TRY(const Plan plan, plan_rows(context, inputs, params, model));
  PLIMSOLL_CHECK(scale_target(plan, model));
  PLIMSOLL_TRY(model.groups, plan.data.role_columns("group"));
  model.learning_rows = std::ssize(plan.learning);
  model.spread_rows = std::ssize(plan.spread);
  model.conformal_rows = std::ssize(plan.conformal);
  PLIMSOLL_CHECK(name_cells(plan, model));
  PLIMSOLL_CHECK(sketch_rows(context, plan, model));  // an overlap is refused before anything is learned
  PLIMSOLL_CHECK(learn_from_rows(context, plan, params, model));
  if (needs_spread(params, model)) PLIMSOLL_CHECK(learn_spread(context, plan, params, model));
  PLIMSOLL_TRY(const Predicted held, predict(context, model, plan.certifying(), learn::RowChoice(plan.conformal)));
  const std::vector<double> y = gather(plan.certifying_y(), plan.conformal);
  PLIMSOLL_CHECK(rank_cells(model, scores_of(model, held, y), held.cell, model.ranks, model.curve));
  PLIMSOLL_CHECK(check_ranks(context, plan, params, model));
  if (!params.diagnostics) {
    model.held_out.remarks.push_back({0, "diagnostics", "left out when the model was fitted", "report on labelled rows that were kept apart"});
  } else if (inputs.test) {
    PLIMSOLL_TRY(model.held_out, diagnose_test(context, model, learn::with_roles_of(*inputs.test, plan.data)));
  } else {
    PLIMSOLL_TRY(model.held_out, diagnose_conformal(context, model, plan.certifying(), plan.conformal, y));
  }
  return model;
}

}  // namespace plimsoll::risk::regressor

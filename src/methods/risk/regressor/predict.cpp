// SPDX-License-Identifier: Apache-2.0
// From rows to intervals. With f the learned mean, s the learned spread, q_lo and q_hi learned quantiles:
//   absolute        score |y - f|,              interval f -+ t
//   normalised      score |y - f| / (s + b),    interval f -+ t (s + b)              Papadopoulos et al. 2008
//   cqr             max(q_lo - y, y - q_hi),    interval [q_lo - t, q_hi + t]        Romano, Patterson and Candes 2019
//   cqr_asymmetric  q_lo - y and y - q_hi with a threshold each at alpha / 2
// Everything runs in learned units (y - centre) / scale. Quantiles that cross are swapped and counted.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "methods/risk/regressor/regressor.h"

namespace plimsoll::risk::regressor {
namespace {

Result<std::vector<double>> values_of(Context& context, const learn::BoostedTrees& trees, const learn::BoundFeatures& features) {
  PLIMSOLL_TRY(auto columns, learn::tree_scores(context, trees, features));
  return std::move(columns[0]);
}

// Each row's cell by the values of the cell columns, joined.
Result<void> cells_by_group(const Model& model, const Table& table, learn::RowChoice rows, Predicted& p) {
  PLIMSOLL_TRY(std::vector<std::string> columns, table.role_columns("group"));
  if (columns.size() != model.cell_columns.size()) columns = model.cell_columns;
  std::vector<std::string> joined(p.mean.size());
  for (const std::string& column : columns) {
    PLIMSOLL_TRY(const Categories values, table.categories(column));
    for (std::size_t i = 0; i < joined.size(); ++i) {
      const std::int32_t code = values.codes[static_cast<std::size_t>(rows ? (*rows)[i] : static_cast<std::int64_t>(i))];
      joined[i] += (joined[i].empty() ? "" : " | ") + (code < 0 ? std::string("(empty)") : values.names[static_cast<std::size_t>(code)]);
    }
  }
  for (std::size_t i = 0; i < joined.size(); ++i) {
    const auto found = std::lower_bound(model.cells.begin(), model.cells.end(), joined[i]);
    p.cell[i] = found != model.cells.end() && *found == joined[i] ? static_cast<std::int32_t>(found - model.cells.begin()) : -1;
  }
  return {};
}

Result<void> starts(Context& context, const Model& model, const learn::BoundFeatures& features, Predicted& p) {
  p.scale.assign(p.mean.size(), 1.0);
  if (model.low && model.high) {
    PLIMSOLL_TRY(p.low, values_of(context, model.low->trees, features));
    PLIMSOLL_TRY(p.high, values_of(context, model.high->trees, features));
    for (std::size_t i = 0; i < p.low.size(); ++i) {
      if (p.low[i] <= p.high[i]) continue;
      std::swap(p.low[i], p.high[i]);
      ++p.crossed;
    }
    return {};
  }
  p.low = p.mean;
  p.high = p.mean;
  if (model.interval == Interval::normalised)
    for (std::size_t i = 0; i < p.scale.size(); ++i) p.scale[i] = p.spread[i] + model.offset;
  return {};
}

}  // namespace

Result<Predicted> predict(Context& context, const Model& model, const Table& table, learn::RowChoice rows) {
  PLIMSOLL_TRY(const learn::BoundFeatures features, learn::bind_features(context, model.encoder, table, rows));
  Predicted p;
  if (model.learner == Learner::linear) {
    PLIMSOLL_TRY(p.mean, learn::ridge_predictions(context, *model.ridge, learn::FeatureDesign(features)));
  } else {
    PLIMSOLL_TRY(p.mean, values_of(context, *model.trees, features));
  }
  if (model.spread) {
    PLIMSOLL_TRY(p.spread, values_of(context, *model.spread, features));
    for (double& s : p.spread) s = std::max(s, 0.0);
  }
  PLIMSOLL_CHECK(starts(context, model, features, p));
  for (const Quantile& one : model.quantiles) {
    PLIMSOLL_TRY(std::vector<double> values, values_of(context, one.trees, features));
    p.quantiles.push_back(std::move(values));
  }
  p.cell.assign(p.mean.size(), 0);
  if (model.mondrian == Mondrian::group) PLIMSOLL_CHECK(cells_by_group(model, table, rows, p));
  if (model.mondrian == Mondrian::difficulty)
    for (std::size_t i = 0; i < p.cell.size(); ++i) p.cell[i] = static_cast<std::int32_t>(std::upper_bound(model.edges.begin(), model.edges.end(), p.spread[i]) - model.edges.begin());
  return p;
}

std::vector<std::vector<double>> scores_of(const Model& model, const Predicted& p, std::span<const double> y) {
  std::vector<std::vector<double>> scores(model.sides(), std::vector<double>(y.size()));
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double z = (y[i] - model.centre) / model.scale;
    const double under = (p.low[i] - z) / p.scale[i];
    const double over = (z - p.high[i]) / p.scale[i];
    scores[0][i] = model.sides() == 2 ? under : std::max(under, over);
    if (model.sides() == 2) scores[1][i] = over;
  }
  return scores;
}

Ends ends_of(const Model& model, const Predicted& p, std::span<const double> thresholds) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Ends ends;
  const std::size_t n = p.mean.size();
  const std::size_t sides = model.sides();
  ends.lower.resize(n);
  ends.upper.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    const bool known = p.cell[i] >= 0;
    const std::size_t at = known ? static_cast<std::size_t>(p.cell[i]) * sides : 0;
    const double under = known ? thresholds[at] : infinity;
    const double over = known ? thresholds[at + sides - 1] : infinity;
    double low = p.low[i] - under * p.scale[i];
    double high = p.high[i] + over * p.scale[i];
    if (low > high) {
      low = high = low + (high - low) / 2;
      ++ends.emptied;
    }
    ends.lower[i] = model.centre + model.scale * low;
    ends.upper[i] = model.centre + model.scale * high;
  }
  return ends;
}

std::vector<double> thresholds_of(const Model& model) {
  std::vector<double> values;
  for (const learn::Rank& rank : model.ranks) values.push_back(rank.threshold);
  return values;
}

// Rows are independent: nothing here looks at more than one.
Result<Outputs> apply(Context& context, const Model& model, const Cases& cases, const Options& options) {
  PLIMSOLL_CHECK(check_model(model));
  PLIMSOLL_TRY(const Table kept, learn::kept_columns(cases.data, options.keep));
  PLIMSOLL_TRY(const Predicted p, predict(context, model, cases.data, std::nullopt));
  const std::vector<double> thresholds = thresholds_of(model);
  Ends ends = ends_of(model, p, thresholds);
  if (p.crossed > 0) context.tally("{} rows had crossed quantiles, which were swapped", p.crossed);
  if (ends.emptied > 0) context.tally("{} rows would have an empty interval; they get its middle", ends.emptied);
  const std::int64_t strangers = std::count(p.cell.begin(), p.cell.end(), -1);
  if (strangers > 0) context.tally("{} rows are of a group that the conformal rows did not have; their intervals are unbounded", strangers);
  const auto in_units = [&model](std::vector<double> values) {
    for (double& v : values) v = model.centre + model.scale * v;
    return values;
  };
  TableBuilder builder;
  builder.real("prediction", in_units(p.mean));
  builder.real("lower", std::move(ends.lower));
  builder.real("upper", std::move(ends.upper));
  for (std::size_t k = 0; k < model.quantiles.size(); ++k) {
    std::string level = std::to_string(model.quantiles[k].level);
    while (level.ends_with('0')) level.pop_back();
    builder.real("quantile." + level, in_units(p.quantiles[k]));
  }
  PLIMSOLL_TRY(Table scored, std::move(builder).build());
  if (kept.columns().empty()) return Outputs{scored.with_first_row(cases.data.first_row())};
  PLIMSOLL_TRY(const Table whole, kept.beside(scored));
  return Outputs{whole.with_first_row(cases.data.first_row())};
}

}  // namespace plimsoll::risk::regressor

// SPDX-License-Identifier: Apache-2.0
// Scoring: bins, points, probability with its limits, and reason codes. A feature's reason is the points it lies below its best bin;
// ties go to the feature that stands first.

#include <algorithm>
#include <cmath>

#include "learn/logistic.h"
#include "methods/credit/scorecard/scorecard.h"
#include "stats/distributions.h"

namespace plimsoll::credit::scorecard {
namespace {

using Codes = std::vector<std::vector<std::uint8_t>>;

Result<Codes> bind_codes(Context& context, const Model& model, const Table& table) {
  Codes codes(model.features.size());
  for (const std::size_t f : used_features(model)) {
    PLIMSOLL_CHECK(context.stop.check());
    std::int64_t unseen = 0;
    std::string example;
    PLIMSOLL_TRY(codes[f], codes_of(model.features[f], table, &unseen, &example));
    if (unseen > 0) context.tally("{} rows have a value of \"" + model.features[f].name + "\" that learning never saw", unseen);
  }
  return codes;
}

std::int64_t points_of(const Model& model, const Feature& feature, std::uint8_t code) { return code == unknown_bin ? model.neutral_points : feature.bins[code].points; }

// For each feature and code: how many points below its best bin.
std::vector<std::vector<std::int64_t>> losses_of(const Model& model) {
  std::vector<std::vector<std::int64_t>> losses(model.features.size());
  for (const std::size_t f : used_features(model)) {
    std::int64_t best = model.features[f].bins[0].points;
    for (const Bin& bin : model.features[f].bins) best = std::max(best, bin.points);
    losses[f].assign(256, best - model.neutral_points);
    for (std::size_t b = 0; b < model.features[f].bins.size(); ++b) losses[f][b] = best - model.features[f].bins[b].points;
  }
  return losses;
}

void add_reasons(const Model& model, const Codes& codes, std::int64_t wanted, std::size_t rows, TableBuilder& builder) {
  const std::vector<std::size_t> used = used_features(model);
  const auto losses = losses_of(model);
  const std::size_t count = std::min(static_cast<std::size_t>(wanted), used.size());
  std::vector<std::vector<std::int32_t>> reasons(count, std::vector<std::int32_t>(rows, -1));
  std::vector<std::string> names;
  for (const std::size_t f : used) names.push_back(model.features[f].name);
  std::vector<std::pair<std::int64_t, std::size_t>> order(used.size());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < used.size(); ++k) order[k] = {-losses[used[k]][codes[used[k]][i]], k};
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end());
    for (std::size_t r = 0; r < count; ++r)
      if (order[r].first < 0) reasons[r][i] = static_cast<std::int32_t>(order[r].second);
  }
  for (std::size_t r = 0; r < count; ++r) builder.category("reason_" + std::to_string(r + 1), std::move(reasons[r]), names);
}

void add_detail(const Model& model, const Codes& codes, Detail detail, std::size_t rows, TableBuilder& builder) {
  if (detail == Detail::none) return;
  for (const std::size_t f : used_features(model)) {
    const Feature& feature = model.features[f];
    if (detail == Detail::bins) {
      std::vector<std::int32_t> at(rows);
      std::vector<std::string> labels;
      for (const Bin& bin : feature.bins) labels.push_back(bin.label);
      for (std::size_t i = 0; i < rows; ++i) at[i] = codes[f][i] == unknown_bin ? -1 : codes[f][i];
      builder.category("bin." + feature.name, std::move(at), std::move(labels));
    } else if (detail == Detail::points) {
      std::vector<std::int64_t> points(rows);
      for (std::size_t i = 0; i < rows; ++i) points[i] = points_of(model, feature, codes[f][i]);
      builder.integer("points." + feature.name, std::move(points));
    } else {
      std::vector<double> woe(rows);
      for (std::size_t i = 0; i < rows; ++i) woe[i] = codes[f][i] == unknown_bin ? 0.0 : feature.bins[codes[f][i]].woe;
      builder.real("woe." + feature.name, std::move(woe));
    }
  }
}

void add_scores(const Model& model, const Codes& codes, bool interval, std::size_t rows, TableBuilder& builder) {
  std::vector<std::int64_t> score(rows, 0);
  for (const std::size_t f : used_features(model)) {
    std::vector<std::int64_t> points(256, model.neutral_points);
    for (std::size_t b = 0; b < model.features[f].bins.size(); ++b) points[b] = model.features[f].bins[b].points;
    for (std::size_t i = 0; i < rows; ++i) score[i] += points[codes[f][i]];
  }
  std::vector<double> log_odds = log_odds_of(model, codes, static_cast<std::int64_t>(rows));
  std::vector<double> p(rows);
  for (std::size_t i = 0; i < rows; ++i) p[i] = learn::sigmoid(log_odds[i]);
  builder.integer("score", std::move(score));
  builder.real("probability", std::move(p));
  if (interval && !model.covariance.empty()) {
    const std::vector<double> errors = errors_of(model, codes, static_cast<std::int64_t>(rows));
    const double z = stats::normal_upper_quantile(model.params.alpha / 2);
    std::vector<double> lower(rows), upper(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      lower[i] = learn::sigmoid(log_odds[i] - z * errors[i]);
      upper[i] = learn::sigmoid(log_odds[i] + z * errors[i]);
    }
    builder.real("lower", std::move(lower));
    builder.real("upper", std::move(upper));
  }
  builder.real("log_odds", std::move(log_odds));
}

double number_points(const Model& model, const std::vector<std::uint8_t>& codes) {
  std::int64_t score = 0;
  for (const std::size_t f : used_features(model)) score += points_of(model, model.features[f], codes[f]);
  return static_cast<double>(score);
}

}  // namespace

Result<Outputs> apply(Context& context, const Model& model, const Cases& inputs, const Options& options) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const Codes codes, bind_codes(context, model, inputs.data));
  const auto rows = static_cast<std::size_t>(inputs.data.rows());
  TableBuilder builder;
  add_scores(model, codes, options.interval, rows, builder);
  add_reasons(model, codes, options.reasons, rows, builder);
  add_detail(model, codes, options.detail, rows, builder);
  Outputs outputs;
  PLIMSOLL_TRY(outputs.scored, std::move(builder).build());
  PLIMSOLL_TRY(const std::vector<std::string> id, inputs.data.role_columns("id"));
  if (!id.empty()) {
    PLIMSOLL_TRY(const Table ids, inputs.data.select(id));
    PLIMSOLL_TRY(outputs.scored, ids.beside(outputs.scored));
  }
  if (options.form != Export::none) {
    PLIMSOLL_TRY(outputs.card, exported(model, options.form));
  }
  return outputs;
}

Result<void> merge_monitors(Monitor& into, const Monitor& other) {
  if (other.total.empty()) return {};
  if (into.total.empty()) {
    into = other;
    return {};
  }
  if (into.total.size() != other.total.size())
    return Error(ErrorCode::bad_parameter, "the two monitors watch different bins", "Merge monitors of one scorecard only.");
  for (std::size_t k = 0; k < into.total.size(); ++k) {
    into.total[k] += other.total[k];
    into.counts[k] += other.counts[k];
  }
  into.rows += other.rows;
  into.windows += other.windows;
  into.alarms += other.alarms;
  return {};
}

Watch score_one(const Model& model, const std::vector<std::uint8_t>& codes) {
  Watch watch;
  watch.score = number_points(model, codes);
  watch.log_odds = model.intercept;
  for (const std::size_t f : used_features(model))
    if (codes[f] != unknown_bin) watch.log_odds += model.features[f].bins[codes[f]].value;
  watch.probability = learn::sigmoid(watch.log_odds);
  const auto losses = losses_of(model);
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (const std::size_t f : used_features(model))
    if (losses[f][codes[f]] > 0) order.emplace_back(-losses[f][codes[f]], f);
  std::sort(order.begin(), order.end());
  for (std::size_t r = 0; r < std::min<std::size_t>(3, order.size()); ++r) watch.reasons.push_back(model.features[order[r].second].name);
  return watch;
}

}  // namespace plimsoll::credit::scorecard

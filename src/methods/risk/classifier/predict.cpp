// SPDX-License-Identifier: Apache-2.0
#include "methods/risk/classifier/predict.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "stats/order_statistics.h"

namespace plimsoll::risk::classifier {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void binary_probabilities(const Model& model, const Columns& scores, Probabilities& out) {
  const std::size_t n = scores[0].size();
  const auto positive = static_cast<std::size_t>(model.positive);
  std::vector<double>& p = out.probability[positive];
  std::vector<double>& q = out.probability[1 - positive];
  model.calibrator->apply(scores[0], p);
  for (std::size_t i = 0; i < n; ++i) q[i] = 1.0 - p[i];
  model.pairs[0].pairs(scores[0], out.lower, out.upper);
}

void several_pairs(const Model& model, const Columns& scores, Probabilities& out) {
  const std::size_t n = scores[0].size();
  if (model.positive >= 0) {
    model.pairs[0].pairs(learn::one_vs_rest_log_odds(scores, model.positive), out.lower, out.upper);
    return;
  }
  std::vector<std::int32_t> top(n);
  learn::most_probable(spans_of(out.probability), top);
  for (std::size_t k = 0; k < model.classes.size(); ++k) {
    const std::vector<double> odds = learn::one_vs_rest_log_odds(scores, static_cast<std::int64_t>(k));
    for (std::size_t i = 0; i < n; ++i) {
      if (top[i] != static_cast<std::int32_t>(k)) continue;
      const learn::ProbabilityPair pair = model.pairs[k].pair(odds[i]);
      out.lower[i] = pair.p0;
      out.upper[i] = pair.p1;
    }
  }
}

}  // namespace

std::vector<std::span<const double>> spans_of(const Columns& columns) { return {columns.begin(), columns.end()}; }

learn::Infinities infinities_of(const Model& model) { return model.learner == Learner::trees ? learn::Infinities::seen_when_filled : learn::Infinities::seen_when_bound; }

Result<Columns> learner_scores(Context& context, const Model& model, const Table& table, learn::RowChoice rows) {
  PLIMSOLL_TRY(const learn::BoundFeatures features, learn::bind_features(context, model.encoder, table, rows, infinities_of(model)));
  if (model.learner == Learner::trees) return learn::tree_scores(context, *model.trees, features);
  return learn::linear_scores(context, *model.logistic, learn::FeatureDesign(features));
}

Probabilities calibrated(const Model& model, const Columns& scores) {
  const std::size_t n = scores[0].size();
  Probabilities out;
  out.lower.resize(n);
  out.upper.resize(n);
  if (model.binary()) {
    out.probability.assign(2, std::vector<double>(n));
    binary_probabilities(model, scores, out);
  } else {
    out.probability = model.several->apply(scores);
    several_pairs(model, scores, out);
  }
  return out;
}

bool Sets::holds(std::size_t row, std::int32_t label) const {
  for (auto i = static_cast<std::size_t>(offsets[row]); i < static_cast<std::size_t>(offsets[row + 1]); ++i)
    if ((wide.empty() ? static_cast<std::int32_t>(narrow[i]) : wide[i]) == label) return true;
  return false;
}

std::vector<double> thresholds_of(const Model& model) {
  std::vector<double> values;
  for (const Rank& rank : model.ranks) values.push_back(rank.threshold);
  return values;
}

Result<Sets> sets_at(const Model& model, const Columns& probability, std::span<const double> thresholds) {
  Sets sets;
  const std::size_t n = probability[0].size();
  const auto columns = spans_of(probability);
  const learn::Thresholds limits{thresholds, model.label_conditional, {}};
  if (columns.size() > 64) {
    PLIMSOLL_CHECK(learn::append_sets_at(model.score, columns, limits, {}, true, sets.offsets, sets.wide));
    return sets;
  }
  constexpr std::size_t piece = 1024;
  std::vector<std::uint64_t> masks(piece);
  std::vector<std::span<const double>> part(columns.size());
  sets.offsets.reserve(n + 1);
  for (std::size_t begin = 0; begin < n; begin += piece) {
    const std::size_t rows = std::min(piece, n - begin);
    for (std::size_t k = 0; k < part.size(); ++k) part[k] = columns[k].subspan(begin, rows);
    const std::span<std::uint64_t> now(masks.data(), rows);
    learn::masks_at(model.score, part, limits, {}, now);
    learn::fill_empty(part, now);
    PLIMSOLL_CHECK(learn::append_sets(now, sets.offsets, sets.narrow));
  }
  return sets;
}

std::vector<double> label_scores(const learn::ClassScoreOptions& options, const Columns& probability, std::span<const std::int32_t> labels) {
  const auto columns = spans_of(probability);
  std::vector<std::int32_t> known(labels.begin(), labels.end());
  for (std::int32_t& label : known) label = std::max(label, 0);
  std::vector<double> scores(labels.size());
  learn::score_labels(options, columns, known, {}, scores);
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (labels[i] < 0) scores[i] = infinity;
  return scores;
}

std::vector<std::uint8_t> decisions_of(const Model& model, const Probabilities& p, const Sets& sets) {
  const std::size_t n = p.lower.size();
  const std::size_t classes = p.probability.size();
  std::vector<std::uint8_t> out(n);
  std::vector<double> row(classes);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < classes; ++k) row[k] = p.probability[k][i];
    out[i] = static_cast<std::uint8_t>(decide(model.rule, {row, p.lower[i], p.upper[i], sets.size(i)}));
  }
  return out;
}

}  // namespace plimsoll::risk::classifier

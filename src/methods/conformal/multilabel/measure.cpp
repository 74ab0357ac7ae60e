// SPDX-License-Identifier: Apache-2.0
// Measures as whole numbers, and where the set of one row ends. Every measure but mahalanobis is a least cost, that of
// y0 = 1{o >= 1/2}, plus a cost of each label that differs from y0:
//   euclidean (squared)   sum min(o, 1 - o)^2,       |1 - 2 o|
//   power d               sum min(o, 1 - o)^d,       max(o, 1 - o)^d - min(o, 1 - o)^d
//   nll                   -sum log max(o, 1 - o),    |log(o / (1 - o))|
// Costs are rounded to 2^-36 once, label by label; the rounded measure is as good a measure, and its sums are exact.

#include <algorithm>
#include <cmath>
#include <limits>

#include "methods/conformal/multilabel/multilabel.h"
#include "stats/order_statistics.h"

namespace plimsoll::conformal::multilabel {
namespace {

constexpr double scale = 0x1p36;
constexpr double least_probability = 1e-6;

std::int64_t whole(double cost) { return static_cast<std::int64_t>(std::llround(cost * scale)); }

bool keeps(const Rule& rule, std::span<const std::uint64_t> labels) {
  if (rule.implies) return !has(labels, static_cast<std::size_t>(rule.labels[0])) || has(labels, static_cast<std::size_t>(rule.labels[1]));
  return std::count_if(rule.labels.begin(), rule.labels.end(), [&](std::int64_t label) { return has(labels, static_cast<std::size_t>(label)); }) <= 1;
}

std::int64_t nearest_seen(const Model& model, std::span<const std::uint64_t> labels) {
  std::int64_t nearest = std::numeric_limits<std::int64_t>::max();
  for (std::size_t at = 0; at + labels.size() <= model.seen.size(); at += labels.size()) {
    std::int64_t apart = 0;
    for (std::size_t w = 0; w < labels.size(); ++w) apart += __builtin_popcountll(labels[w] ^ static_cast<std::uint64_t>(model.seen[at + w]));
    nearest = std::min(nearest, apart);
  }
  return nearest;
}

std::int64_t penalty_of(const Model& model, std::span<const std::uint64_t> labels) {
  std::int64_t penalty = 0;
  if (model.params.hamming_weight > 0) penalty += whole(model.params.hamming_weight * static_cast<double>(nearest_seen(model, labels)) / static_cast<double>(model.columns.label.size()));
  if (model.params.cardinality_weight > 0) {
    const auto size = static_cast<std::size_t>(count_of(labels));
    penalty += whole(model.params.cardinality_weight * (1 - (size < model.sizes.size() ? model.sizes[size] : 0)));
  }
  return penalty;
}

// The separable bound sum e_j^2 / largest of a mahalanobis score, rounded down.
void bound_costs(const Model& model, Costs& costs) {
  for (std::size_t j = 0; j < costs.kept.size(); ++j) {
    const double low = costs.kept[j] * costs.kept[j] / model.shape->shape.largest;
    const double high = costs.flipped[j] * costs.flipped[j] / model.shape->shape.largest;
    costs.least += static_cast<std::int64_t>(std::floor(low * scale));
    costs.flips.push_back(std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor((high - low) * scale)) - 2));
  }
  costs.least = std::max<std::int64_t>(0, costs.least - 2);
}

}  // namespace

Costs costs_of(const Model& model, std::span<const double> o) {
  Costs costs;
  costs.base.assign(stats::words_of(o.size()), 0);
  const Measure measure = model.params.measure;
  for (std::size_t j = 0; j < o.size(); ++j) {
    const double p = measure == Measure::nll ? std::clamp(o[j], least_probability, 1 - least_probability) : o[j];
    const double near = std::min(p, 1 - p);
    const double far = 1 - near;
    if (p >= 0.5) costs.base[j / 64] |= std::uint64_t{1} << (j % 64);
    switch (measure) {
      case Measure::euclidean:
        costs.least += whole(near * near);
        costs.flips.push_back(whole(far - near));
        break;
      case Measure::power: {
        const double low = std::pow(near, model.params.power);
        costs.least += whole(low);
        costs.flips.push_back(whole(std::pow(far, model.params.power) - low));
        break;
      }
      case Measure::nll:
        costs.least += whole(-std::log(far));
        costs.flips.push_back(whole(std::log(far) - std::log(near)));
        break;
      case Measure::mahalanobis:
        costs.kept.push_back(near);
        costs.flipped.push_back(far);
        break;
    }
  }
  if (measure == Measure::mahalanobis) bound_costs(model, costs);
  return costs;
}

std::int64_t score_of(const Model& model, const Costs& costs, std::span<const std::uint64_t> flips) {
  std::vector<std::uint64_t> labels(flips.begin(), flips.end());
  for (std::size_t w = 0; w < labels.size(); ++w) labels[w] ^= costs.base[w];
  const std::int64_t penalty = penalty_of(model, labels);
  if (model.params.measure == Measure::mahalanobis) {
    std::vector<double> e(costs.kept.size());
    for (std::size_t j = 0; j < e.size(); ++j) e[j] = has(flips, j) ? costs.flipped[j] : costs.kept[j];
    return stats::quadratic_score(model.shape->shape, e, scale) + penalty;
  }
  std::int64_t score = costs.least + penalty;
  for (std::size_t j = 0; j < costs.flips.size(); ++j) score += has(flips, j) ? costs.flips[j] : 0;
  return score;
}

std::int64_t extra_of_set(const Model& model, std::span<const std::uint64_t> labels) {
  if (model.params.restrict_to == Restrict::cardinality && count_of(labels) > model.params.most_labels) return -1;
  for (const Rule& rule : model.rules)
    if (!keeps(rule, labels)) return -1;
  if (model.params.restrict_to == Restrict::seen_in_training && nearest_seen(model, labels) > 0) return -1;
  return penalty_of(model, labels);
}

stats::ExtraCost extra_of(const Model& model, const Costs& costs) {
  const Params& params = model.params;
  if (params.restrict_to == Restrict::none && params.hamming_weight == 0 && params.cardinality_weight == 0) return {};
  return [&model, &costs, labels = std::vector<std::uint64_t>(costs.base)](std::span<const std::uint64_t> flips) mutable {
    for (std::size_t w = 0; w < labels.size(); ++w) labels[w] = costs.base[w] ^ flips[w];
    return extra_of_set(model, labels);
  };
}

std::int64_t count_of(std::span<const std::uint64_t> mask) {
  std::int64_t count = 0;
  for (const std::uint64_t word : mask) count += __builtin_popcountll(word);
  return count;
}

std::vector<std::uint64_t> mask_of(std::span<const std::uint8_t> labels) {
  std::vector<std::uint64_t> mask(stats::words_of(labels.size()));
  for (std::size_t j = 0; j < labels.size(); ++j)
    if (labels[j] != 0) mask[j / 64] |= std::uint64_t{1} << (j % 64);
  return mask;
}

const Sample* sample_of(const Model& model, const std::string& group) {
  const auto at = std::find_if(model.samples.begin(), model.samples.end(), [&](const Sample& s) { return s.group == group; });
  return at == model.samples.end() ? nullptr : &*at;
}

double p_value(const Sample* sample, std::int64_t score, bool smoothing, double u) {
  if (!sample) return 1;
  const auto& a = sample->scores;
  const auto from = std::lower_bound(a.begin(), a.end(), score);
  const auto n = static_cast<double>(a.size()) + 1;
  const auto reach = static_cast<double>(a.end() - from);
  if (!smoothing) return (reach + 1) / n;
  const auto equal = static_cast<double>(std::upper_bound(from, a.end(), score) - from);
  return (reach - equal + u * (equal + 1)) / n;
}

Budget budget_of(const Sample* sample, double alpha, bool smoothing, double u) {
  if (!sample) return {0, true};
  const auto& a = sample->scores;
  if (!smoothing) {
    const auto rank = stats::conformal_rank(static_cast<std::int64_t>(a.size()), alpha);
    if (!rank || rank.value().infinite) return {0, true};
    return {a[static_cast<std::size_t>(rank.value().k - 1)], false};
  }
  // Smoothed p-values fall in steps as the score grows: at a calibration score, and again just above it.
  const auto fails = std::partition_point(a.begin(), a.end(), [&](std::int64_t score) { return p_value(sample, score, true, u) > alpha; });
  const auto n = static_cast<double>(a.size()) + 1;
  if (fails == a.end()) return u / n > alpha ? Budget{0, true} : Budget{a.back(), false};
  const auto from = std::lower_bound(a.begin(), a.end(), *fails);
  if ((static_cast<double>(a.end() - from) + u) / n > alpha) return {*fails - 1, false};
  return {from == a.begin() ? -1 : *(from - 1), false};
}

}  // namespace plimsoll::conformal::multilabel

// SPDX-License-Identifier: Apache-2.0
// Split conformal sets over a calibrated classifier (Vovk, Gammerman and Shafer 2005; Papadopoulos et al. 2002; Sadinle, Lei and
// Wasserman 2019): learner on the learning rows, probability map and Venn-Abers pair (Vovk and Petej 2014) on the probability
// rows, rank k = ceil((n+1)(1-alpha)) of the class scores on the conformal rows. See parts.cpp for why no row serves twice.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <utility>

#include "engine/door.h"
#include "learn/case_columns.h"
#include "learn/row_uses.h"
#include "methods/risk/classifier/held_out.h"
#include "methods/risk/classifier/labels.h"
#include "methods/risk/classifier/parts.h"
#include "methods/risk/classifier/predict.h"

namespace plimsoll::risk::classifier {
namespace {

using Rows = std::vector<std::int64_t>;

template <class T>
std::vector<T> gather(std::span<const T> values, const Rows& rows) {
  std::vector<T> out;
  if (values.empty()) return out;
  out.reserve(rows.size());
  for (const std::int64_t row : rows) out.push_back(values[static_cast<std::size_t>(row)]);
  return out;
}

// The rows of one fit: labels already in the learner's coding.
struct Plan {
  Table data;
  Table calibration;                 // the same table unless one was given
  bool own_calibration = false;
  Parts parts;
  std::vector<std::int32_t> data_labels, calibration_labels;  // into Model::classes, -1 for a class the learner never saw
  std::vector<double> data_weights, calibration_weights;
  const Table& certifying() const { return own_calibration ? calibration : data; }
  std::span<const std::int32_t> certifying_labels() const { return own_calibration ? calibration_labels : data_labels; }
  std::span<const double> certifying_weights() const { return own_calibration ? calibration_weights : data_weights; }
};

std::int64_t count_of(std::span<const std::int32_t> labels, const Rows& rows, std::int32_t wanted) {
  return std::count_if(rows.begin(), rows.end(), [&](std::int64_t row) { return labels[static_cast<std::size_t>(row)] == wanted; });
}

Result<void> refuse_few_rows(const Params& params, const Labels& labels, bool own_calibration) {
  const auto rows = static_cast<std::int64_t>(labels.codes.size());
  const double conformal = 1.0 - params.share_learning - params.share_probability;
  const auto enough = own_calibration ? std::int64_t{4} : static_cast<std::int64_t>(std::ceil(static_cast<double>(learn::rows_needed(params.alpha)) / conformal));
  if (rows == 0) return Error(ErrorCode::too_few_rows, "the table has no rows, at least " + std::to_string(enough) + " are needed", "Give past cases with their classes");
  if (labels.classes.size() < 2)
    return Error(ErrorCode::one_class, "every row is of class \"" + labels.classes[0] + "\"", "Give rows of at least two classes").in_column(labels.column);
  return {};
}

// Keeps the classes that the learning rows have; labels of the others become -1.
void keep_learned_classes(Context& context, Plan& plan, Labels& labels, Model& model) {
  std::vector<char> learned(labels.classes.size(), 0);
  for (const std::int64_t row : plan.parts.learning) learned[static_cast<std::size_t>(labels.codes[static_cast<std::size_t>(row)])] = 1;
  std::vector<std::int32_t> place(labels.classes.size(), -1);
  for (std::size_t k = 0; k < place.size(); ++k) {
    if (learned[k]) {
      place[k] = static_cast<std::int32_t>(model.classes.size());
      model.classes.push_back(labels.classes[k]);
    } else {
      context.warn("class \"" + labels.classes[k] + "\" is too rare: the rows drawn for learning have none of it, so it is never predicted");
    }
  }
  for (std::int32_t& code : labels.codes) code = place[static_cast<std::size_t>(code)];
}

Result<void> choose_positive(const Params& params, Model& model) {
  if (params.positive.empty()) {
    model.positive = model.binary() ? 1 : -1;
    return {};
  }
  const auto found = std::find(model.classes.begin(), model.classes.end(), params.positive);
  if (found == model.classes.end()) {
    std::vector<std::string> near = nearest_names(params.positive, model.classes);
    if (near.empty()) near.assign(model.classes.begin(), model.classes.begin() + std::min<std::ptrdiff_t>(5, std::ssize(model.classes)));
    return Error(ErrorCode::bad_parameter, "the target has no class \"" + params.positive + "\"", "Name one of its classes").in_parameter("positive").with_candidates(std::move(near));
  }
  model.positive = found - model.classes.begin();
  return {};
}

Result<Plan> plan_rows(Context& context, const Inputs& inputs, const Params& params, Model& model) {
  Plan plan;
  plan.data = inputs.data;
  PLIMSOLL_TRY(Labels labels, read_labels(plan.data));
  model.target = labels.column;
  plan.own_calibration = inputs.calibration.has_value();
  PLIMSOLL_CHECK(learn::feature_columns(plan.data));
  PLIMSOLL_CHECK(refuse_few_rows(params, labels, plan.own_calibration));
  PLIMSOLL_TRY(plan.data_weights, learn::read_weights(plan.data));
  const Stream stream = context.rng.child("risk.classifier");
  if (plan.own_calibration) {
    plan.calibration = learn::with_roles_of(*inputs.calibration, plan.data);
    PLIMSOLL_TRY(plan.parts, cut_two_tables(plan.data.rows(), plan.calibration.rows(), stream));
  } else {
    PLIMSOLL_TRY(plan.parts, cut_one_table(labels.codes, {params.share_learning, params.share_probability}, stream));
  }
  keep_learned_classes(context, plan, labels, model);
  plan.data_labels = std::move(labels.codes);
  if (plan.own_calibration) {
    std::int64_t unseen = 0;
    PLIMSOLL_TRY(Labels later, read_labels(plan.calibration, model.classes, unseen));
    if (unseen > 0) context.warn(std::to_string(unseen) + " calibration rows are of a class that the learning rows do not have; no set can hold it");
    plan.calibration_labels = std::move(later.codes);
    PLIMSOLL_TRY(plan.calibration_weights, learn::read_weights(plan.calibration));
  }
  PLIMSOLL_CHECK(choose_positive(params, model));
  return plan;
}

// A row of each class to learn from and to calibrate, and a conformal rank that exists.
Result<void> check_parts(Context& context, const Plan& plan, const Params& params, const Model& model) {
  if (model.classes.size() < 2)
    return Error(ErrorCode::too_few_rows, "the rows drawn for learning are all of class \"" + model.classes.front() + "\"", "Give more rows of the other classes").in_column(model.target);
  const auto labels = plan.certifying_labels();
  for (std::size_t k = 0; k < model.classes.size(); ++k) {
    const auto code = static_cast<std::int32_t>(k);
    const std::int64_t learning = count_of(plan.data_labels, plan.parts.learning, code);
    const std::int64_t probability = count_of(labels, plan.parts.probability, code);
    if (learning >= 1 && probability >= 1) continue;
    const double share = plan.own_calibration ? 0.5 : std::min(params.share_learning, params.share_probability);
    return Error(ErrorCode::too_few_rows,
                 "class \"" + model.classes[k] + "\" has " + std::to_string(learning) + " rows to learn from and " + std::to_string(probability) + " to calibrate with, one each is needed",
                 "Give about " + std::to_string(static_cast<std::int64_t>(std::ceil(2.0 / share)) + 1) + " rows of that class or more, or join it with another" + (model.classes.size() > 20 ? "; the target has " + std::to_string(model.classes.size()) + " classes: if it is a number, conformal.split predicts numbers" : std::string()))
        .in_column(model.target);
  }
  const std::int64_t need = learn::rows_needed(params.alpha);
  for (std::size_t k = 0; k < (params.label_conditional ? model.classes.size() : 1); ++k) {
    const std::int64_t n = params.label_conditional ? count_of(labels, plan.parts.conformal, static_cast<std::int32_t>(k)) : std::ssize(plan.parts.conformal);
    if (n >= need) continue;
    const double share = plan.own_calibration ? 0.5 : 1.0 - params.share_learning - params.share_probability;
    const std::string of = params.label_conditional ? " of class \"" + model.classes[k] + "\"" : "";
    const auto total = static_cast<std::int64_t>(std::ceil(static_cast<double>(need) / share));
    const std::string what = std::to_string(n) + " rows" + of + " are left to calibrate the sets, " + std::to_string(need) + " are needed at this alpha";
    if (params.small_n == SmallSample::error)
      return Error(ErrorCode::too_few_rows, what, "Give at least about " + std::to_string(total) + (plan.own_calibration ? " calibration rows" : " rows") + of + ", a larger alpha, or small_n = infinite to take sets that hold every class");
    context.warn(what + "; those sets hold every class");
  }
  return {};
}

Result<std::vector<double>> learning_weights(const Plan& plan, const Params& params, const Model& model, std::span<const std::int32_t> labels) {
  std::vector<double> weights = gather<double>(plan.data_weights, plan.parts.learning);
  std::vector<double> of_class;
  if (params.class_weights == ClassWeights::balanced) of_class = learn::balanced_class_weights(labels, weights, std::ssize(model.classes));
  if (!params.class_weight.empty()) of_class.assign(model.classes.size(), 1.0);
  for (const auto& [name, text] : params.class_weight) {
    const auto found = std::find(model.classes.begin(), model.classes.end(), name);
    if (found == model.classes.end())
      return Error(ErrorCode::bad_parameter, "the target has no class \"" + name + "\"", "Name one of its classes").in_parameter("class_weight." + name).with_candidates(nearest_names(name, model.classes));
    of_class[static_cast<std::size_t>(found - model.classes.begin())] = std::strtod(text.c_str(), nullptr);
  }
  if (of_class.empty()) return weights;
  if (weights.empty()) weights.assign(labels.size(), 1.0);
  for (std::size_t i = 0; i < labels.size(); ++i) weights[i] *= of_class[static_cast<std::size_t>(labels[i])];
  return weights;
}

// Two classes: 1 is the positive one. More: the class's index.
std::vector<std::int32_t> learner_labels(const Model& model, std::vector<std::int32_t> labels) {
  if (model.binary())
    for (std::int32_t& label : labels) label = label == model.positive ? 1 : 0;
  return labels;
}

void rank_features(Model& model) {
  std::vector<double> share(model.encoder.columns.size(), 0.0);
  if (model.learner == Learner::trees) {
    for (std::size_t i = 0; i < share.size() && i < model.trees->gain.size(); ++i) share[i] = model.trees->gain[i];
  } else {
    const std::vector<std::int64_t> sources = model.encoder.linear_sources();
    for (std::size_t i = 0; i < model.logistic->coefficients.size(); ++i)
      share[static_cast<std::size_t>(sources[i % sources.size()])] += std::abs(model.logistic->coefficients[i]);
  }
  std::vector<std::string> names;
  for (const learn::FeatureColumn& column : model.encoder.columns) names.push_back(column.name);
  model.importance = learn::importance_of(names, share);
}

Result<void> learn_from_rows(Context& context, const Plan& plan, const Params& params, Model& model) {
  PLIMSOLL_TRY(const std::vector<std::string> features, learn::feature_columns(plan.data));
  const learn::RowChoice rows(plan.parts.learning);
  learn::EncoderOptions options;
  options.linear = params.learner == Learner::logistic;
  PLIMSOLL_TRY(model.encoder, learn::fit_encoder(context, plan.data, features, rows, options));
  for (std::size_t i = 0; i < model.encoder.kept_out.size(); ++i) context.warn("column \"" + model.encoder.kept_out[i] + "\" is not used: " + model.encoder.notes[i]);
  PLIMSOLL_TRY(const learn::BoundFeatures bound, learn::bind_features(context, model.encoder, plan.data, rows, infinities_of(model)));
  std::vector<std::int32_t> labels = gather<std::int32_t>(plan.data_labels, plan.parts.learning);
  PLIMSOLL_TRY(const std::vector<double> weights, learning_weights(plan, params, model, labels));
  labels = learner_labels(model, std::move(labels));
  const std::int64_t classes = std::ssize(model.classes);
  if (params.learner == Learner::trees) {
    learn::TreeOptions trees = params.trees.options;
    PLIMSOLL_TRY(trees.monotone, learn::monotone_directions(params.monotone, model.encoder));
    PLIMSOLL_TRY(model.trees, learn::train_trees(context, bound, labels, weights, classes, trees));
  } else {
    PLIMSOLL_TRY(model.logistic, learn::fit_logistic(context, learn::FeatureDesign(bound), labels, weights, classes, params.logistic.options));
    if (model.logistic->status != learn::FitStatus::converged) context.warn("the logistic regression did not converge: raise logistic.l2 or logistic.max_iterations");
  }
  rank_features(model);
  return {};
}

// Rows of classes that the learner does not know calibrate nothing.
void drop_unknown(Columns& scores, std::vector<std::int32_t>& labels, std::vector<double>& weights) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0) continue;
    labels[kept] = labels[i];
    if (!weights.empty()) weights[kept] = weights[i];
    for (auto& column : scores) column[kept] = column[i];
    ++kept;
  }
  labels.resize(kept);
  if (!weights.empty()) weights.resize(kept);
  for (auto& column : scores) column.resize(kept);
}

Result<void> calibrate_probabilities(Context& context, const Plan& plan, const Params& params, Model& model) {
  PLIMSOLL_TRY(Columns scores, learner_scores(context, model, plan.certifying(), learn::RowChoice(plan.parts.probability)));
  std::vector<std::int32_t> labels = gather<std::int32_t>(plan.certifying_labels(), plan.parts.probability);
  std::vector<double> weights = gather<double>(plan.certifying_weights(), plan.parts.probability);
  drop_unknown(scores, labels, weights);
  if (model.binary()) {
    const std::vector<std::int32_t> events = learner_labels(model, labels);
    PLIMSOLL_TRY(model.calibrator, learn::fit_calibrator(context, params.calibrator, scores[0], events, weights));
    if (model.calibrator->method == learn::Calibration::venn_abers) {
      model.pairs.push_back(*model.calibrator);
      return {};
    }
    PLIMSOLL_TRY(learn::Calibrator pair, learn::fit_calibrator(context, learn::Calibration::venn_abers, scores[0], events, weights));
    model.pairs.push_back(std::move(pair));
    return {};
  }
  PLIMSOLL_TRY(model.several, learn::fit_multiclass(context, params.calibrator, scores, labels, weights));
  for (std::int64_t k = 0; k < std::ssize(model.classes); ++k) {
    if (model.positive >= 0 && k != model.positive) continue;
    std::vector<std::int32_t> events(labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) events[i] = labels[i] == k ? 1 : 0;
    PLIMSOLL_TRY(learn::Calibrator pair, learn::fit_calibrator(context, learn::Calibration::venn_abers, learn::one_vs_rest_log_odds(scores, k), events, weights));
    model.pairs.push_back(std::move(pair));
  }
  return {};
}

Result<void> sketch_rows(Context& context, const Plan& plan, Model& model) {
  Rows certifying = plan.parts.probability;
  certifying.insert(certifying.end(), plan.parts.conformal.begin(), plan.parts.conformal.end());
  std::inplace_merge(certifying.begin(), certifying.begin() + std::ssize(plan.parts.probability), certifying.end());  // both are in row order
  PLIMSOLL_TRY(learn::RowUses uses, learn::sketch_uses(context, plan.data, plan.parts.learning, plan.own_calibration ? std::optional(plan.calibration) : std::nullopt, certifying));
  model.learning_fingerprint = std::move(uses.learning);
  model.calibration_fingerprint = std::move(uses.calibration);
  model.overlap_remark = std::move(uses.overlap_remark);
  return {};
}

Result<void> rank_sets(const Params& params, std::span<const std::int32_t> labels, const Probabilities& p, Model& model) {
  const std::vector<double> scores = label_scores(model.score, p.probability, labels);
  for (std::size_t k = 0; k < (params.label_conditional ? model.classes.size() : 1); ++k) {
    std::vector<double> own;
    for (std::size_t i = 0; i < scores.size(); ++i)
      if (!params.label_conditional || labels[i] == static_cast<std::int32_t>(k)) own.push_back(scores[i]);
    PLIMSOLL_TRY(const Rank rank, learn::rank_of(std::move(own), params.alpha));
    model.ranks.push_back(rank);
  }
  return {};
}

}  // namespace

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  Model model;
  model.learner = params.learner;
  model.alpha = params.alpha;
  model.score.score = params.score;
  model.score.penalty = params.score_penalty;
  model.score.penalty_free = params.score_penalty_free;
  model.label_conditional = params.label_conditional;
  PLIMSOLL_TRY(const Plan plan, plan_rows(context, inputs, params, model));
  PLIMSOLL_CHECK(check_parts(context, plan, params, model));
  PLIMSOLL_TRY(model.rule, make_rule(params, std::ssize(model.classes), model.positive));
  model.learning_rows = std::ssize(plan.parts.learning);
  model.probability_rows = std::ssize(plan.parts.probability);
  model.conformal_rows = std::ssize(plan.parts.conformal);
  PLIMSOLL_TRY(model.groups, plan.data.role_columns("group"));
  PLIMSOLL_CHECK(sketch_rows(context, plan, model));  // first: an overlap is refused before anything is learned
  PLIMSOLL_CHECK(learn_from_rows(context, plan, params, model));
  PLIMSOLL_CHECK(calibrate_probabilities(context, plan, params, model));
  PLIMSOLL_TRY(const Columns scores, learner_scores(context, model, plan.certifying(), learn::RowChoice(plan.parts.conformal)));
  const Probabilities held = calibrated(model, scores);
  const std::vector<std::int32_t> labels = gather<std::int32_t>(plan.certifying_labels(), plan.parts.conformal);
  PLIMSOLL_CHECK(rank_sets(params, labels, held, model));
  if (!params.diagnostics) {
    model.held_out.remarks.push_back({0, "diagnostics", "left out when the model was fitted", "report on labelled rows that were kept apart"});
  } else if (inputs.test) {
    PLIMSOLL_TRY(model.held_out, diagnose_test(context, model, learn::with_roles_of(*inputs.test, plan.data)));
  } else {
    PLIMSOLL_TRY(model.held_out, diagnose_conformal(context, model, plan.certifying(), plan.parts.conformal, held, labels));
  }
  if (model.calibrator && model.calibrator->method == learn::Calibration::platt && !(model.calibrator->slope > 0))
    model.held_out.remarks.push_back({2, "probability map", "its slope is not positive: on the probability rows a higher score did not mean a higher risk", "the learner has not learned anything that lasts; give it more rows or other features"});
  return model;
}

}  // namespace plimsoll::risk::classifier

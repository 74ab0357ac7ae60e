// SPDX-License-Identifier: Apache-2.0
// From rows with their label-sets to sorted scores: the classifier is learned on other rows, or its probabilities are given.

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "engine/door.h"
#include "methods/conformal/multilabel/multilabel.h"
#include "stats/order_statistics.h"
#include "table/fingerprint.h"
#include "table/split.h"

namespace plimsoll::conformal::multilabel {
namespace {

// Which rows teach and which certify, and what is known of both.
struct Parts {
  Table training, calibration;
  std::vector<std::uint8_t> training_y, calibration_y;
  bool has_training = false;
};

Result<Parts> parts_of(Context& context, const Inputs& inputs, const Params& params, const Columns& columns) {
  Parts parts;
  parts.calibration = inputs.data;
  if (inputs.training) {
    parts.training = *inputs.training;
    parts.has_training = true;
    for (const std::string& name : columns.label)
      if (!parts.training.has(name)) return Error(ErrorCode::missing_column, "the training rows lack the label '" + name + "'", "Give the same label columns in both tables.").in_parameter("training").in_column(name);
  } else if (columns.probability.empty()) {
    const std::vector<double> shares = {1 - params.calibration_share, params.calibration_share};
    PLIMSOLL_TRY(const auto rows, split_rows(inputs.data.rows(), shares, context.rng.child("conformal.multilabel split")));
    parts.training = inputs.data.take(rows[0]).with_roles(inputs.data.roles());
    parts.calibration = inputs.data.take(rows[1]).with_roles(inputs.data.roles());
    parts.has_training = true;
  }
  if (parts.calibration.rows() == 0) return Error(ErrorCode::too_few_rows, "there is no calibration row", "Give rows with their labels.").in_parameter("data");
  PLIMSOLL_TRY(parts.calibration_y, truth_of(parts.calibration, columns));
  if (!parts.has_training) return parts;
  if (parts.training.rows() == 0) return Error(ErrorCode::too_few_rows, "there is no training row", "Give rows with their labels.").in_parameter("training");
  PLIMSOLL_TRY(parts.training_y, truth_of(parts.training, columns));
  return parts;
}

learn::OneVsRestOptions learning(const Params& params) {
  learn::OneVsRestOptions options;
  options.l2 = params.l2;
  return options;
}

std::vector<std::int64_t> upto(std::int64_t begin, std::int64_t end) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(end - begin));
  std::iota(rows.begin(), rows.end(), begin);
  return rows;
}

// Encoders of features and words, learned from the training rows.
Result<Classifier> read_inputs(Context& context, const Table& training, const Params& params, const Columns& columns) {
  Classifier classifier;
  if (!columns.feature.empty()) {
    learn::EncoderOptions options;
    options.linear = true;
    PLIMSOLL_TRY(learn::FeatureEncoder encoder, learn::fit_encoder(context, training, columns.feature, std::nullopt, options));
    for (learn::FeatureColumn& column : encoder.columns)
      if (!params.standardize) column.mean = 0, column.scale = 1;
    if (!encoder.kept_out.empty()) context.warn(std::to_string(encoder.kept_out.size()) + " feature columns are not used, such as '" + encoder.kept_out.front() + "': " + encoder.notes.front() + ".");
    classifier.encoder = std::move(encoder);
  }
  if (!columns.text.empty()) {
    PLIMSOLL_TRY(const std::vector<std::string> texts, texts_of(training, columns.text));
    Words words;
    PLIMSOLL_TRY(words.tfidf, text::fit_tfidf(context, texts, params.tfidf));
    classifier.words = std::move(words);
  }
  return classifier;
}

Result<void> learn_classifier(Context& context, const Parts& parts, const Params& params, Model& model) {
  PLIMSOLL_TRY(Classifier classifier, read_inputs(context, parts.training, params, model.columns));
  PLIMSOLL_TRY(learn::SparseRows rows, rows_of(context, classifier, model.columns, parts.training));
  const auto count = static_cast<std::int64_t>(model.columns.label.size());
  const std::int64_t n = parts.training.rows();
  PLIMSOLL_TRY(classifier.model, learn::fit_one_vs_rest(context, rows, parts.training_y, count, upto(0, n), learning(params)));
  for (const std::int64_t label : classifier.model.constant)
    context.warn("The label '" + model.columns.label[static_cast<std::size_t>(label)] + "' has one value in all training rows: its probability is a constant strictly between 0 and 1.");
  if (params.accuracy_cost) {
    PLIMSOLL_TRY(const learn::SparseRows others, rows_of(context, classifier, model.columns, parts.calibration));
    const std::int64_t shift = rows.offsets.back();
    for (std::size_t i = 1; i < others.offsets.size(); ++i) rows.offsets.push_back(shift + others.offsets[i]);
    rows.columns.insert(rows.columns.end(), others.columns.begin(), others.columns.end());
    rows.values.insert(rows.values.end(), others.values.begin(), others.values.end());
    std::vector<std::uint8_t> all(parts.training_y);
    all.insert(all.end(), parts.calibration_y.begin(), parts.calibration_y.end());
    PLIMSOLL_TRY(model.whole, learn::fit_one_vs_rest(context, rows, all, count, upto(0, n + parts.calibration.rows()), learning(params)));
  }
  model.classifier = std::move(classifier);
  return {};
}

// What family, penalties and mahalanobis need of the training rows.
Result<void> note_training(Context& context, const Parts& parts, const Params& params, Model& model) {
  const bool seen = params.restrict_to == Restrict::seen_in_training || params.hamming_weight > 0;
  const bool needed = seen || params.cardinality_weight > 0 || params.measure == Measure::mahalanobis;
  if (!parts.has_training) {
    if (!needed) return {};
    return Error(ErrorCode::missing_input, "this measure or family is learned from training rows", "Give rows apart from the calibration: --training FILE.").in_parameter("training");
  }
  const std::size_t labels = model.columns.label.size();
  model.training_rows = parts.training.rows();
  std::set<std::vector<std::uint64_t>> distinct;
  model.sizes.assign(labels + 1, 0);
  for (std::size_t at = 0; at < parts.training_y.size(); at += labels) {
    const std::span<const std::uint8_t> row(parts.training_y.data() + at, labels);
    distinct.insert(mask_of(row));
    model.sizes[static_cast<std::size_t>(std::count(row.begin(), row.end(), 1))] += 1;
  }
  for (double& share : model.sizes) share /= static_cast<double>(model.training_rows);
  for (const auto& mask : distinct)
    for (const std::uint64_t word : mask) model.seen.push_back(static_cast<std::int64_t>(word));
  if (params.measure != Measure::mahalanobis) return {};
  PLIMSOLL_TRY(std::vector<double> errors, probabilities_of(context, model, parts.training.with_roles({})));
  for (std::size_t i = 0; i < errors.size(); ++i) errors[i] = std::fabs(static_cast<double>(parts.training_y[i]) - errors[i]);
  Shape shape;
  PLIMSOLL_TRY(shape.shape, stats::shape_of(errors, labels));
  model.shape = std::move(shape);
  return {};
}

Result<Rule> rule_of(const std::string& text, bool implies, const Columns& columns) {
  Rule rule;
  rule.implies = implies;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    const std::string name = text.substr(from, comma - from);
    const auto at = std::find(columns.label.begin(), columns.label.end(), name);
    if (at == columns.label.end())
      return Error(ErrorCode::bad_parameter, "the rule '" + text + "' names '" + name + "', which is no label", "Name labels, parted by commas.").in_parameter(implies ? "implies" : "exclusive").with_candidates(columns.label);
    rule.labels.push_back(at - columns.label.begin());
    from = comma + 1;
  }
  if (rule.labels.size() < 2 || (implies && rule.labels.size() != 2))
    return Error(ErrorCode::bad_parameter, "the rule '" + text + "' has the wrong number of labels", "Give two labels to implies, two or more to exclusive.").in_parameter(implies ? "implies" : "exclusive");
  return rule;
}

Result<void> read_rules(const Params& params, Model& model) {
  if (params.restrict_to != Restrict::rules) return {};
  for (const std::string& text : params.exclusive) {
    PLIMSOLL_TRY(Rule rule, rule_of(text, false, model.columns));
    model.rules.push_back(std::move(rule));
  }
  for (const std::string& text : params.implies) {
    PLIMSOLL_TRY(Rule rule, rule_of(text, true, model.columns));
    model.rules.push_back(std::move(rule));
  }
  return {};
}

void score_rows(const Parts& parts, const std::vector<double>& o, const std::vector<std::string>& groups, Model& model) {
  const std::size_t labels = model.columns.label.size();
  std::map<std::string, std::vector<std::int64_t>> by_group;
  const auto count = static_cast<std::size_t>(parts.calibration.rows());
  for (std::size_t i = 0; i < count; ++i) {
    const Costs costs = costs_of(model, std::span(o).subspan(i * labels, labels));
    std::vector<std::uint64_t> flips = mask_of(std::span(parts.calibration_y).subspan(i * labels, labels));
    for (std::size_t w = 0; w < flips.size(); ++w) flips[w] ^= costs.base[w];
    by_group[groups.empty() ? std::string() : groups[i]].push_back(score_of(model, costs, flips));
  }
  for (auto& [group, scores] : by_group) {
    std::sort(scores.begin(), scores.end());
    model.samples.push_back({group, std::move(scores)});
  }
  model.n = parts.calibration.rows();
  if (model.params.measure == Measure::nll)
    model.clamped = std::count_if(o.begin(), o.end(), [](double p) { return p < 1e-6 || p > 1 - 1e-6; });
  // The baseline: each label by itself at alpha / labels.
  for (const double alpha : model.params.alpha)
    for (std::size_t j = 0; j < labels; ++j) {
      std::vector<double> apart(count);
      for (std::size_t i = 0; i < count; ++i) apart[i] = std::fabs(static_cast<double>(parts.calibration_y[i * labels + j]) - o[i * labels + j]);
      const auto quantile = stats::conformal_quantile(apart, alpha / static_cast<double>(labels));
      model.bonferroni.push_back(quantile ? quantile.value().value : 1.0);
    }
}

void warn_of(Context& context, const Model& model) {
  const double least = *std::min_element(model.params.alpha.begin(), model.params.alpha.end());
  for (const Sample& sample : model.samples) {
    const auto rank = stats::conformal_rank(static_cast<std::int64_t>(sample.scores.size()), least);
    if (rank && rank.value().infinite)
      context.warn("Every label-set is in the answer" + (sample.group.empty() ? std::string() : " of the group '" + sample.group + "'") + ": alpha asks for " + std::to_string(rank.value().needed_n) + " calibration rows, there are " + std::to_string(sample.scores.size()) + ".");
  }
  if (model.clamped > 0) context.warn(std::to_string(model.clamped) + " probabilities within 1e-6 of 0 or 1 are moved to that distance.");
  if (model.classifier && !model.classifier->model.unfinished.empty()) context.warn(std::to_string(model.classifier->model.unfinished.size()) + " labels' classifiers stopped before their tolerance.");
}

}  // namespace

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params) {
  PLIMSOLL_CHECK(check(params));
  PLIMSOLL_CHECK(context.stop.check());
  Model model;
  model.params = params;
  PLIMSOLL_TRY(model.columns, columns_of(inputs.data, params));
  PLIMSOLL_CHECK(read_rules(params, model));
  PLIMSOLL_TRY(const Parts parts, parts_of(context, inputs, params, model.columns));
  RowFingerprint rows;
  PLIMSOLL_CHECK(rows.add(parts.calibration));
  model.fingerprint = rows.to_bytes();
  if (inputs.training) {
    RowFingerprint learned;
    PLIMSOLL_CHECK(learned.add(*inputs.training));
    PLIMSOLL_CHECK(check_overlap(context, learned, "training", rows, "calibration", &model.overlap_remark));
  }
  if (model.columns.probability.empty()) PLIMSOLL_CHECK(learn_classifier(context, parts, params, model));
  PLIMSOLL_CHECK(note_training(context, parts, params, model));
  PLIMSOLL_TRY(const std::vector<double> o, probabilities_of(context, model, parts.calibration));
  PLIMSOLL_TRY(const std::vector<std::string> groups, groups_of(parts.calibration, model.columns));
  score_rows(parts, o, groups, model);
  warn_of(context, model);
  return model;
}

}  // namespace plimsoll::conformal::multilabel

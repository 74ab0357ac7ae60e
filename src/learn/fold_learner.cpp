// SPDX-License-Identifier: Apache-2.0
#include "learn/fold_learner.h"

#include <array>

#include "engine/fields.h"

namespace plimsoll::learn {
namespace {

constexpr std::array<std::string_view, 2> learner_names = {"linear", "trees"};

TreeOptions tree_options(const LearnerSettings& settings) {
  TreeOptions options;
  options.rounds = settings.rounds;
  options.learning_rate = settings.learning_rate;
  options.max_depth = settings.max_depth;
  return options;
}

template <class T>
std::vector<T> chosen(std::span<const T> all, std::span<const std::int64_t> rows) {
  std::vector<T> out;
  out.reserve(rows.size());
  for (const std::int64_t row : rows) out.push_back(all[static_cast<std::size_t>(row)]);
  return out;
}

Result<FittedLearner> encoded(Context& context, const Table& table, const std::vector<std::string>& features, std::span<const std::int64_t> rows, const LearnerSettings& settings) {
  if (rows.empty()) return Error(ErrorCode::too_few_rows, "a fold leaves no row to learn from", "Give more rows, or fewer folds.");
  FittedLearner fitted;
  EncoderOptions options;
  options.linear = settings.learner == Learner::linear;
  PLIMSOLL_TRY(fitted.encoder, fit_encoder(context, table, features, rows, options));
  return fitted;
}

}  // namespace

std::span<const std::string_view> choices_of(Learner) { return learner_names; }

void describe_learner(Fields& f, LearnerSettings& p) {
  f({"learner", "what learns from features: a linear model (ridge, logistic) or boosted trees"}, p.learner);
  f({"l2", "penalty on the standardised slopes of the linear model; boosted trees have their own", at_least(0)}, p.l2);
  f({"rounds", "rounds of boosted trees", within(1, 100000)}, p.rounds);
  f({"learning_rate", "of boosted trees", Constraint{0, 1, true, false, false}}, p.learning_rate);
  f({"max_depth", "of boosted trees", within(1, 32)}, p.max_depth);
}

void describe(Fields& f, FittedLearner& model) {
  f({"encoder", "how features become numbers"}, model.encoder);
  f({"classes", "number of classes; 1 for a number", at_least(1)}, model.classes);
  f({"ridge", "linear model of a number"}, model.ridge);
  f({"logistic", "linear model of classes"}, model.logistic);
  f({"trees", "boosted trees"}, model.trees);
}

Result<void> check(const FittedLearner& model) {
  const Error broken(ErrorCode::corrupt_file, "the parts of a learner do not fit together", "Fit the model again.");
  if ((model.ridge ? 1 : 0) + (model.logistic ? 1 : 0) + (model.trees ? 1 : 0) != 1) return broken;
  if (model.ridge) {
    if (model.classes != 1 || model.ridge->width != model.encoder.linear_width()) return broken;
    return check(*model.ridge);
  }
  if (model.logistic) {
    if (model.classes < 2 || model.logistic->classes != model.classes || model.logistic->width != model.encoder.linear_width()) return broken;
    return check(*model.logistic);
  }
  return model.trees->classes == model.classes && model.trees->width == model.encoder.tree_width() ? Result<void>() : Result<void>(broken);
}

Result<FittedLearner> learn_number(Context& context, const Table& table, const std::vector<std::string>& features, std::span<const std::int64_t> rows,
                                   std::span<const double> targets, const LearnerSettings& settings) {
  PLIMSOLL_TRY(FittedLearner fitted, encoded(context, table, features, rows, settings));
  PLIMSOLL_TRY(const BoundFeatures bound, bind_features(context, fitted.encoder, table, rows));
  const std::vector<double> y = chosen(targets, rows);
  if (settings.learner == Learner::linear) {
    PLIMSOLL_TRY(fitted.ridge, fit_ridge(context, FeatureDesign(bound), y, settings.l2));
  } else {
    PLIMSOLL_TRY(fitted.trees, train_regression_trees(context, bound, y, {}, tree_options(settings)));
  }
  return fitted;
}

Result<FittedLearner> learn_classes(Context& context, const Table& table, const std::vector<std::string>& features, std::span<const std::int64_t> rows,
                                    std::span<const std::int32_t> labels, std::int64_t classes, const LearnerSettings& settings) {
  PLIMSOLL_TRY(FittedLearner fitted, encoded(context, table, features, rows, settings));
  fitted.classes = classes;
  PLIMSOLL_TRY(const BoundFeatures bound, bind_features(context, fitted.encoder, table, rows));
  const std::vector<std::int32_t> y = chosen(labels, rows);
  if (settings.learner == Learner::linear) {
    LogisticOptions options;
    options.l2 = settings.l2;
    PLIMSOLL_TRY(fitted.logistic, fit_logistic(context, FeatureDesign(bound), y, {}, classes, options));
  } else {
    PLIMSOLL_TRY(fitted.trees, train_trees(context, bound, y, {}, classes, tree_options(settings)));
  }
  return fitted;
}

Result<std::vector<std::vector<double>>> predict(Context& context, const FittedLearner& model, const Table& table, RowChoice rows) {
  PLIMSOLL_CHECK(check(model));
  PLIMSOLL_TRY(const BoundFeatures bound, bind_features(context, model.encoder, table, rows));
  if (model.ridge) {
    PLIMSOLL_TRY(std::vector<double> numbers, ridge_predictions(context, *model.ridge, FeatureDesign(bound)));
    return std::vector<std::vector<double>>{std::move(numbers)};
  }
  std::vector<std::vector<double>> columns;
  if (model.logistic) {
    PLIMSOLL_TRY(columns, linear_scores(context, *model.logistic, FeatureDesign(bound)));
  } else {
    PLIMSOLL_TRY(columns, tree_scores(context, *model.trees, bound));
  }
  if (model.classes == 1) return columns;
  if (model.classes > 2) {
    softmax(columns);
    return columns;
  }
  std::vector<double> other(columns.front().size());
  for (std::size_t i = 0; i < other.size(); ++i) {
    other[i] = sigmoid(-columns.front()[i]);
    columns.front()[i] = sigmoid(columns.front()[i]);
  }
  columns.insert(columns.begin(), std::move(other));
  return columns;
}

}  // namespace plimsoll::learn

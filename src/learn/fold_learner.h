// SPDX-License-Identifier: Apache-2.0
#pragma once

// A learner that a conformal method fits many times itself, on folds or bags of the rows: an encoder of the features and a linear
// model or boosted trees, for a number or for classes. Everything it learns, the encoder's scales and levels too, comes from the rows
// it is given, so that a row left out has no part in it.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "learn/boosted_trees.h"
#include "learn/feature_encoder.h"
#include "learn/logistic.h"
#include "learn/ridge.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::learn {

enum class Learner : int { linear, trees };
std::span<const std::string_view> choices_of(Learner);

// Params of a method derive from it; describe_learner() adds its fields to theirs, flat.
struct LearnerSettings {
  Learner learner = Learner::linear;
  double l2 = 1;
  std::int64_t rounds = 100;
  double learning_rate = 0.1;
  std::int64_t max_depth = 4;
};
void describe_learner(Fields& f, LearnerSettings& p);

struct FittedLearner {
  FeatureEncoder encoder;
  std::int64_t classes = 1;  // 1: a number
  std::optional<RidgeModel> ridge;
  std::optional<LogisticModel> logistic;
  std::optional<BoostedTrees> trees;
};
void describe(Fields& f, FittedLearner& model);
// One of the three, of the encoder's width; for models read from artifacts.
Result<void> check(const FittedLearner& model);

// `rows` may name a row twice. The target of row i of the table is targets[i].
Result<FittedLearner> learn_number(Context& context, const Table& table, const std::vector<std::string>& features, std::span<const std::int64_t> rows,
                                   std::span<const double> targets, const LearnerSettings& settings);
Result<FittedLearner> learn_classes(Context& context, const Table& table, const std::vector<std::string>& features, std::span<const std::int64_t> rows,
                                    std::span<const std::int32_t> labels, std::int64_t classes, const LearnerSettings& settings);
// One column of numbers, or a column of probabilities a class. Rows without a choice: all of the table.
Result<std::vector<std::vector<double>>> predict(Context& context, const FittedLearner& model, const Table& table, RowChoice rows = std::nullopt);

}  // namespace plimsoll::learn

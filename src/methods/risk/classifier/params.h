// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/fields.h"
#include "learn/boosted_trees.h"
#include "learn/calibrator.h"
#include "learn/class_scores.h"
#include "learn/logistic.h"

namespace plimsoll::risk::classifier {

enum class Learner : int { trees, logistic };
std::span<const std::string_view> choices_of(Learner);

enum class ClassWeights : int { none, balanced };
std::span<const std::string_view> choices_of(ClassWeights);

enum class SmallSample : int { error, infinite };
std::span<const std::string_view> choices_of(SmallSample);

// When a case is left to a person.
enum class Abstain : int {
  automatic,  // zone if a zone is given, price if abstaining has a price, otherwise uncertain
  uncertain,  // the Venn-Abers pair straddles the threshold, or the conformal set is not one class
  interval,   // the Venn-Abers pair straddles the threshold
  set,        // the conformal set is not one class
  price,      // abstaining has the least expected cost
  zone,       // the probability lies in [low, high]
  never,
};
std::span<const std::string_view> choices_of(Abstain);

// Small trees learned slowly: on a few hundred to a few ten thousand rows better than XGBoost's own defaults, beyond as good.
struct Trees {
  learn::TreeOptions options = learn::small_trees();  // the constraints of `monotone` are bound when the columns are known
};
inline void describe(Fields& f, Trees& trees) { learn::describe(f, trees.options); }

struct Logistic {
  learn::LogisticOptions options;
};
void describe(Fields& f, Logistic& logistic);

struct Params {
  Learner learner = Learner::trees;
  learn::Calibration calibrator = learn::Calibration::automatic;
  double alpha = 0.1;
  learn::ClassScore score = learn::ClassScore::lac;
  double score_penalty = 0.01;
  std::int64_t score_penalty_free = 5;
  bool label_conditional = false;
  SmallSample small_n = SmallSample::error;
  bool diagnostics = true;
  std::string positive;
  ClassWeights class_weights = ClassWeights::none;
  std::map<std::string, std::string> class_weight;
  std::map<std::string, std::string> monotone;
  double cost_false_positive = 1;
  double cost_false_negative = 1;
  double cost_abstain = std::numeric_limits<double>::infinity();
  std::vector<double> cost_matrix;
  Abstain abstain = Abstain::automatic;
  std::vector<double> abstain_zone;
  double share_learning = 0.6;
  double share_probability = 0.2;
  Trees trees;
  Logistic logistic;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

}  // namespace plimsoll::risk::classifier

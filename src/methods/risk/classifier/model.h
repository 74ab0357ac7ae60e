// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/certificate.h"
#include "engine/fields.h"
#include "engine/ports.h"
#include "learn/boosted_trees.h"
#include "learn/calibrator.h"
#include "learn/case_columns.h"
#include "learn/class_scores.h"
#include "learn/feature_encoder.h"
#include "learn/logistic.h"
#include "learn/promise.h"
#include "methods/risk/classifier/decide.h"
#include "methods/risk/classifier/diagnostics.h"
#include "methods/risk/classifier/params.h"

namespace plimsoll::risk::classifier {

struct Inputs {
  Table data;
  std::optional<Table> calibration;
  std::optional<Table> test;
};
void describe(Fields& f, Inputs& inputs);

using learn::Rank;

struct Model {
  std::string target;
  std::vector<std::string> classes;
  std::int64_t positive = -1;  // index into classes; two classes always have one
  Learner learner = Learner::trees;
  learn::FeatureEncoder encoder;
  std::optional<learn::BoostedTrees> trees;     // one of these two, as `learner` says
  std::optional<learn::LogisticModel> logistic;
  std::optional<learn::Calibrator> calibrator;           // two classes: of the positive one
  std::optional<learn::MulticlassCalibrator> several;    // more than two
  std::vector<learn::Calibrator> pairs;         // Venn-Abers: one for two classes or a named positive, else one a class
  double alpha = 0.1;
  learn::ClassScoreOptions score;
  bool label_conditional = false;
  std::vector<Rank> ranks;                      // one, or one a class
  Rule rule;
  std::int64_t learning_rows = 0, probability_rows = 0, conformal_rows = 0;
  std::string learning_fingerprint, calibration_fingerprint;
  std::string overlap_remark;
  std::vector<Importance> importance;
  std::vector<std::string> groups;              // columns of per-group tables
  Diagnostics held_out;

  bool binary() const { return classes.size() == 2; }
  learn::Calibration map() const { return binary() ? calibrator->method : several->method; }
};
void describe(Fields& f, Model& model);
Result<void> check_model(const Model& model);   // what describe() cannot bound

struct Options {
  Keep keep = Keep::id;
};
void describe(Fields& f, Options& options);

struct Cases {
  Table data;
};
void describe(Fields& f, Cases& cases);

struct Outputs {
  Table scored;
};
void describe(Fields& f, Outputs& outputs);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const Cases& cases, const Options& options);
Result<Certificate> certify(const Model& model);

}  // namespace plimsoll::risk::classifier

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Conformal prediction with weighted calibration rows: covariate shift and drift. The types that the sources of this folder share.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "learn/boosted_trees.h"
#include "learn/feature_encoder.h"
#include "learn/logistic.h"
#include "learn/score_answers.h"
#include "table/bound_column.h"
#include "table/table.h"

namespace plimsoll::conformal::weighted {

enum class Weights : int { automatic, given, fixed, decay, shift };
std::span<const std::string_view> choices_of(Weights);
enum class Learner : int { logistic, trees };
std::span<const std::string_view> choices_of(Learner);

struct Params : learn::ScoreSettings {
  std::vector<double> alpha = {0.1};
  Weights weights = Weights::automatic;
  double decay = 0.99;
  double drift = 0;
  Learner learner = Learner::logistic;
  double l2 = 1;
  std::int64_t rounds = 50;
  double clip = 0.99;
  bool allow_empty = false;
  learn::MissingRows missing = learn::MissingRows::refuse;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Inputs {
  Table data;
  std::optional<Table> fresh;
  std::optional<Table> unlabelled;
  std::optional<Table> learned;
};
void describe(Fields& f, Inputs& in);

// How many times likelier a row is among new rows than among the calibration's, from its features.
struct Ratio {
  learn::FeatureEncoder encoder;
  std::optional<learn::LogisticModel> logistic;
  std::optional<learn::BoostedTrees> trees;
  double log_scale = 0;   // ln(calibration's rows / new rows) of the fit
  double most = 0;        // weights are clipped there
  std::int64_t clipped = 0;
};
void describe(Fields& f, Ratio& ratio);

// Calibration scores in rising order and the weight up to and with each; of many rows only those that can be thresholds.
struct Side {
  std::vector<double> scores;
  std::vector<double> reached;
};
void describe(Fields& f, Side& side);

struct Model {
  Params params;
  learn::ScorePlan plan;
  Weights weights = Weights::given;
  std::string weight_column;
  std::optional<Ratio> ratio;
  std::vector<Side> sides;
  std::int64_t n = 0;
  double effective_size = 0;      // (sum w)^2 / sum w^2
  double loss_per_drift = 0;      // coverage lost at most, for each unit that the law drifts a row
  double loss = 0;                // at the drift stated
  std::int64_t dropped = 0;
  std::int64_t crossed = 0;
  std::int64_t off = 0;
  std::string overlap_remark;
};
void describe(Fields& f, Model& m);
Result<void> sound(const Model& model);

struct Options {
  Keep keep = Keep::id;
};
void describe(Fields& f, Options& o);
struct ApplyInputs {
  Table data;
};
void describe(Fields& f, ApplyInputs& in);
struct Outputs {
  Table rows;
};
void describe(Fields& f, Outputs& out);

// inf{t : weight of scores <= t  >=  (1 - tail)(all weight + w)}; infinity if no score reaches it.
double weighted_threshold(const Side& side, double tail, double w);

// The ratio of densities by a classifier of new rows against old ones.
Result<Ratio> fit_ratio(Context& context, const Table& old_rows, const Table& new_rows, const std::vector<std::string>& features, const Params& params);
Result<std::vector<double>> ratio_weights(Context& context, const Ratio& ratio, const Table& rows);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::weighted

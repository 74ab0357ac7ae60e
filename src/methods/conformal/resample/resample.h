// SPDX-License-Identifier: Apache-2.0
#pragma once

// Intervals and sets from predictions that were made without the row itself: the types that the sources of this folder share.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "learn/class_scores.h"
#include "learn/fold_learner.h"
#include "learn/score_plan.h"
#include "table/bound_column.h"
#include "table/table.h"

namespace plimsoll::conformal::resample {

inline constexpr double infinity = std::numeric_limits<double>::infinity();

enum class Scheme : int { cv, bootstrap, full };
std::span<const std::string_view> choices_of(Scheme);
enum class Interval : int { plus, minmax };
std::span<const std::string_view> choices_of(Interval);
enum class Aggregate : int { mean, median };
std::span<const std::string_view> choices_of(Aggregate);
enum class Task : int { automatic, number, classes };
std::span<const std::string_view> choices_of(Task);

struct Params : learn::LearnerSettings {
  std::vector<double> alpha = {0.1};
  Scheme scheme = Scheme::cv;
  Interval interval = Interval::plus;
  std::int64_t folds = 5;
  std::int64_t bags = 30;
  Aggregate aggregate = Aggregate::mean;
  Task task = Task::automatic;
  learn::ClassScore score = learn::ClassScore::lac;
  bool randomized = false;
  double penalty = 0.01;
  std::int64_t penalty_free = 5;
  bool allow_empty = false;
  learn::SmallSample small_n = learn::SmallSample::infinite;
  std::string prefix = "p_";
  std::vector<std::string> classes;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);
learn::ClassScoreOptions score_options(const Params& params);

struct Inputs {
  Table data;
};
void describe(Fields& f, Inputs& in);

// Which columns are read, fixed at fit.
struct Columns {
  std::vector<std::string> feature, prediction, bag, probability;
  std::string target, fold, id;
};
void describe(Fields& f, Columns& c);

struct Model {
  Params params;
  Columns columns;
  bool of_classes = false;
  std::vector<std::string> classes;
  std::vector<std::string> folds;          // cv: their names, in the order of the predictions at apply
  std::int64_t n = 0;
  std::int64_t models = 0;                 // folds or bags
  std::vector<std::int64_t> ranks;         // one an alpha; n + 1: infinite
  std::vector<double> residuals;           // cv: of each fold in turn, sorted; bootstrap: by row; full: the targets or class codes
  std::vector<std::int64_t> offsets;       // cv: where each fold's residuals begin; bootstrap: where each row's bags begin in `outside`
  std::vector<std::int32_t> outside;       // bootstrap: for each row the bags that do not hold it
  std::vector<double> features;            // full: rows x features
  std::vector<learn::FittedLearner> learners;
};
void describe(Fields& f, Model& m);
Result<void> sound(const Model& model);

struct ApplyInputs {
  Table data;
};
void describe(Fields& f, ApplyInputs& in);
struct Options {
  bool p_values = false;
  Keep keep = Keep::id;
};
void describe(Fields& f, Options& o);
struct Outputs {
  Table rows;
};
void describe(Fields& f, Outputs& out);

struct AssessInputs {
  ArtifactPort model;
  Table data;
};
void describe(Fields& f, AssessInputs& in);
struct AssessParams {
  double confidence = 0.99;
};
void describe(Fields& f, AssessParams& p);

// The mean or median of the values that `which` names; `room` is worked in.
double joined(std::span<const double> values, std::span<const std::int32_t> which, Aggregate aggregate, std::vector<double>& room);

// The answers of rows before they become columns: intervals, or p-values of all classes.
struct Answers {
  std::vector<std::vector<double>> lower, upper;  // one an alpha
  std::vector<std::int64_t> pieces;               // full, numbers, one alpha: of how many intervals the exact set consists
  std::vector<double> p_values;                   // rows x classes
  std::vector<std::vector<std::uint8_t>> inside;  // one an alpha: rows x classes
};
Result<Answers> answer(Context& context, const Model& model, const Table& rows);
// The same for scheme full.
Result<Answers> answer_full(Context& context, const Model& model, const Table& rows);

// The least coverage that is proved for the level alpha.
double promised(const Model& model, double alpha);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::resample

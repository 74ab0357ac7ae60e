// SPDX-License-Identifier: Apache-2.0
#pragma once

// Predictive multiplicity: the types that the sources of this folder share. S is the set of models whose penalised log loss
// lies within eps of the best one's (learn/level_set.h); a row's range is what the models of S say of it.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/method.h"
#include "learn/level_set.h"
#include "table/table.h"

namespace plimsoll::probability::multiplicity {

enum class Slack : int { relative, absolute };
std::span<const std::string_view> choices_of(Slack);
enum class Ends : int { automatic, exact, ellipsoid };
std::span<const std::string_view> choices_of(Ends);
enum class Keep : int { id, none, all };
std::span<const std::string_view> choices_of(Keep);

// What both verbs are told of the models and of how good is good enough.
struct Spec {
  double eps = 0.01;
  Slack slack = Slack::relative;
  double l2 = 1e-4;
  bool standardise = false;
  double threshold = 0.5;
  Ends ends = Ends::automatic;
};
void describe_spec(Fields& f, Spec& spec);

struct Params : Spec {};
void describe(Fields& f, Params& p);

struct AssessParams : Spec {
  std::vector<double> delta = {0.05, 0.1, 0.2, 0.3};
  std::vector<double> grid;
  bool discrepancy = true;
  double max_time = 60;
  std::int64_t max_rounds = 1000;
  double gap = 0;
  double level = 0.95;
};
void describe(Fields& f, AssessParams& p);

// One column of the user's, and what became of it.
struct Feature {
  std::string name;
  bool category = false;
  double scale = 1;                  // numbers are divided by it
  std::vector<std::string> levels;   // category: each a column of zeros and ones, by name
  std::vector<std::int64_t> used;    // which of its columns are in the model: 0 for a number
};
void describe(Fields& f, Feature& feature);

struct Encoding {
  std::vector<Feature> features;
  std::vector<std::string> left_out;  // "age: constant"
  std::int64_t width() const;
  std::vector<std::string> names() const;  // of the model's columns
};
void describe(Fields& f, Encoding& e);

// Rows made into patterns: equal rows are one.
struct Distinct {
  std::vector<std::int32_t> pattern_of_row;
  std::vector<std::int64_t> row_of_pattern;  // one row that has it
  std::vector<double> x;                     // patterns x width, in the order of their values
  std::int64_t size() const { return static_cast<std::int64_t>(row_of_pattern.size()); }
};

struct Inputs {
  Table data;
};
void describe(Fields& f, Inputs& in);

struct AssessInputs {
  Table data;
  std::optional<Table> evaluation;
};
void describe(Fields& f, AssessInputs& in);

struct Model {
  Encoding encoding;
  double eps = 0.01;
  double l2 = 1e-4;
  double target = 0;
  double best_loss = 0;
  double threshold = 0.5;
  Ends ends = Ends::exact;           // never automatic
  std::int64_t rows = 0;
  std::vector<double> best;          // w0: coefficients, then the intercept
  std::vector<double> x;             // the learning patterns
  std::vector<double> weight, positive;
};
void describe(Fields& f, Model& m);

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

// rows.cpp: reading tables.
struct Learning {
  Encoding encoding;
  Distinct rows;
  learn::Patterns patterns;
  std::vector<double> row_weight;  // one a row
  std::vector<std::uint8_t> label;
};
// Errors name column and row: `null_value`, `bad_value`, `wrong_type`, `one_class`, `too_few_rows`.
Result<Learning> read_learning(Context& context, const Table& table, const Spec& spec);
Result<Distinct> read_rows(Context& context, const Table& table, const Encoding& encoding);
// 0 and 1 of the target's column (also -1 and 1, or false and true); nothing if no target is bound.
Result<std::vector<std::uint8_t>> read_labels(const Table& table);
// Ones where no weight is bound.
Result<std::vector<double>> read_weights(const Table& table);

// ranges.cpp: the ranges of patterns.
struct Ranges {
  std::vector<learn::RangeEnd> low, high;  // by pattern; models are empty unless kept
  std::vector<double> best;                // logit of w0
  bool exact = true;
};
Result<Ranges> find_ranges(Context& context, const learn::LevelSet& set, const Distinct& rows, Ends ends, bool keep_models);
Result<learn::LevelSet> learn_set(Context& context, const Learning& learning, const Spec& spec);
// exact up to 100,000 learning patterns, beyond the ellipsoid.
Ends ends_for(Ends asked, std::int64_t patterns);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::probability::multiplicity

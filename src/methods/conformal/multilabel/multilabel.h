// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sets of label-sets with a joint promise: the types that the sources of this folder share.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "learn/feature_encoder.h"
#include "learn/one_vs_rest.h"
#include "stats/flip_sets.h"
#include "stats/quadratic_sets.h"
#include "table/table.h"
#include "text/tfidf.h"

namespace plimsoll::conformal::multilabel {

enum class Measure : int { euclidean, power, nll, mahalanobis };
std::span<const std::string_view> choices_of(Measure);
enum class Restrict : int { none, seen_in_training, cardinality, rules };
std::span<const std::string_view> choices_of(Restrict);
enum class Overflow : int { summary, count, error };
std::span<const std::string_view> choices_of(Overflow);
enum class Keep : int { id, all, none };
std::span<const std::string_view> choices_of(Keep);

struct Params {
  std::vector<double> alpha = {0.1};
  Measure measure = Measure::euclidean;
  double power = 1;                     // d of the measure sum |y - o|^d
  Restrict restrict_to = Restrict::none;
  std::int64_t most_labels = 0;         // cardinality: labels of a set
  std::vector<std::string> exclusive;   // rules: "a,b,c", of which one at most
  std::vector<std::string> implies;     // rules: "a,b", where a is not without b
  double hamming_weight = 0;            // penalty on the distance to the nearest label-set seen in training
  double cardinality_weight = 0;        // penalty on numbers of labels rare in training
  bool force_non_empty = false;
  bool smoothing = false;
  double l2 = 1;
  bool standardize = true;
  text::TfidfOptions tfidf;             // of text columns
  double calibration_share = 1.0 / 3;
  bool accuracy_cost = true;
  std::string prefix = "p_";
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Inputs {
  Table data;
  std::optional<Table> training;
};
void describe(Fields& f, Inputs& in);

// Fixed at fit; later tables are matched by name.
struct Columns {
  std::vector<std::string> label;
  std::vector<std::string> probability;  // in the order of the labels; empty: learned inside
  std::vector<std::string> feature, text;
  std::string group, id;
};
void describe(Fields& f, Columns& c);

// What the rows of one group give: scores of their true label-sets, sorted.
struct Sample {
  std::string group;
  std::vector<std::int64_t> scores;
};
void describe(Fields& f, Sample& s);

// Words of the text columns, joined by a line break.
struct Words {
  text::Tfidf tfidf;
};
void describe(Fields& f, Words& w);
// A classifier learned inside: features and words side by side.
struct Classifier {
  std::optional<learn::FeatureEncoder> encoder;
  std::optional<Words> words;
  learn::OneVsRest model;
  std::int64_t width() const { return (encoder ? encoder->linear_width() : 0) + (words ? words->tfidf.columns() : 0); }
};
void describe(Fields& f, Classifier& c);

struct Shape {
  stats::QuadraticShape shape;
};
void describe(Fields& f, Shape& s);

// A rule as places of labels: at most one of `labels`, or the first not without the second.
struct Rule {
  bool implies = false;
  std::vector<std::int64_t> labels;
};
void describe(Fields& f, Rule& r);

struct Model {
  Params params;
  Columns columns;
  std::vector<Sample> samples;
  std::int64_t n = 0;                        // calibration rows
  std::optional<Classifier> classifier;      // of the training rows
  std::optional<learn::OneVsRest> whole;     // of training and calibration rows: what accuracy is compared with
  std::optional<Shape> shape;
  std::vector<Rule> rules;
  std::vector<std::int64_t> seen;            // distinct label-sets of training, words of 64 labels
  std::vector<double> sizes;                 // share of training label-sets with 0, 1, ... labels
  std::vector<double> bonferroni;            // alphas x labels: thresholds of |y - o| for the baseline
  std::int64_t training_rows = 0;
  std::int64_t clamped = 0;                  // probabilities moved off 0 or 1, for nll
  std::string overlap_remark;
  std::string fingerprint;
};
void describe(Fields& f, Model& m);
Result<void> sound(const Model& model);

struct ApplyInputs {
  Table data;
};
void describe(Fields& f, ApplyInputs& in);
struct Options {
  std::int64_t max_sets = 10'000;
  Overflow on_overflow = Overflow::summary;
  std::int64_t cells = 4000;
  std::int64_t exact_labels = 30;
  std::int64_t most_work = 2'000'000;
  Keep keep = Keep::id;
};
void describe(Fields& f, Options& o);
struct Outputs {
  Table rows;
  Table sets;
};
void describe(Fields& f, Outputs& out);

struct AssessInputs {
  ArtifactPort model;
  Table data;
};
void describe(Fields& f, AssessInputs& in);
struct AssessParams {
  double confidence = 0.99;
  std::int64_t max_sets = 1000;
  std::int64_t cells = 1000;
  std::int64_t most_work = 100'000;
};
void describe(Fields& f, AssessParams& p);

// Rows as numbers: rows x labels, row-major.
Result<Columns> columns_of(const Table& table, const Params& params);
Result<std::vector<std::uint8_t>> truth_of(const Table& table, const Columns& columns);
Result<std::vector<std::string>> groups_of(const Table& table, const Columns& columns);
// Given probabilities; or those of a classifier learned inside.
Result<std::vector<double>> given_probabilities(const Table& table, const std::vector<std::string>& names);
Result<std::vector<double>> probabilities_of(Context& context, const Model& model, const Table& table);
Result<std::vector<std::string>> texts_of(const Table& table, const std::vector<std::string>& columns);
Result<learn::SparseRows> rows_of(Context& context, const Classifier& classifier, const Columns& columns, const Table& table);

// The measure on one row: whole numbers, so that a set has one score whatever the order of its sum.
struct Costs {
  std::vector<std::uint64_t> base;        // the label-set y0 = 1{o >= 1/2}
  std::vector<std::int64_t> flips;        // of each label away from y0; for mahalanobis those of its separable lower bound
  std::int64_t least = 0;                 // the score of y0; for mahalanobis the bound's
  std::vector<double> kept, flipped;      // mahalanobis: errors of each label at y0 and away from it
};
Costs costs_of(const Model& model, std::span<const double> o);
std::int64_t score_of(const Model& model, const Costs& costs, std::span<const std::uint64_t> flips);
// What the family and the penalties add to a label-set; -1: not in the family. Empty if nothing does.
stats::ExtraCost extra_of(const Model& model, const Costs& costs);
std::int64_t extra_of_set(const Model& model, std::span<const std::uint64_t> labels);
inline bool has(std::span<const std::uint64_t> mask, std::size_t label) { return (mask[label / 64] >> (label % 64) & 1) != 0; }
std::int64_t count_of(std::span<const std::uint64_t> mask);
std::vector<std::uint64_t> mask_of(std::span<const std::uint8_t> labels);
const Sample* sample_of(const Model& model, const std::string& group);

// Largest score that stays in the set at level alpha, with the row's u where p-values are smoothed; all: every set stays.
struct Budget {
  std::int64_t score = -1;
  bool all = false;
};
Budget budget_of(const Sample* sample, double alpha, bool smoothing, double u);
double p_value(const Sample* sample, std::int64_t score, bool smoothing, double u);

// What is said of one row.
struct Answer {
  stats::FlipSets sets;                   // at the smallest alpha, by rising score; masks of labels, not of flips
  std::vector<double> low, high;          // sizes, one an alpha
  std::vector<bool> exact;
  std::vector<std::int64_t> fewest, most; // labels of a set, one an alpha
  std::vector<std::vector<int>> state;    // alphas x labels: 1 certain in, -1 certain out, 0 undecided; no labels: the set is empty
  double credibility = 1;
  double confidence = 0;
  std::vector<std::uint64_t> best;        // the most conforming set of the family
  std::int64_t best_score = 0;
  bool forced = false;
};
Result<Answer> answer_of(Context& context, const Model& model, std::span<const double> o, const Sample* sample, double u, const Options& options);
double draw_of(const Context& context, const Table& table, const std::vector<std::string>& ids, std::size_t row);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::multilabel

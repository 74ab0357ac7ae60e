// SPDX-License-Identifier: Apache-2.0
#pragma once

// Conformal selection: the types that the sources of this folder share.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "stats/conformal_selection.h"
#include "table/bound_column.h"
#include "table/table.h"

namespace plimsoll::conformal::select {

enum class Procedure : int { cfbh, optcs_msel, optcs_full, optcs_full_msel, weighted_cs };
std::span<const std::string_view> choices_of(Procedure);
enum class Direction : int { above, below };
std::span<const std::string_view> choices_of(Direction);
enum class Score : int { clip, residual, outlier };
std::span<const std::string_view> choices_of(Score);
enum class Rule : int { bh, storey, ebh, fixed };
std::span<const std::string_view> choices_of(Rule);
enum class Prune : int { dtm, homo, hete };
std::span<const std::string_view> choices_of(Prune);
enum class TieModel : int { first, random };
std::span<const std::string_view> choices_of(TieModel);
enum class Impute : int { all, one };
std::span<const std::string_view> choices_of(Impute);

// Without a fit the parameters are the model.
struct Params {
  double q = 0.1;
  double c = 0;
  Direction direction = Direction::above;
  Score score = Score::clip;
  bool randomized = false;
  Procedure method = Procedure::cfbh;
  Rule rule = Rule::bh;
  double threshold = 0.05;               // rule fixed
  double storey_lambda = 0.5;
  Prune prune = Prune::homo;
  double beta = 1;
  std::int64_t xi_seed = -1;             // -1: the run's seed
  TieModel tie_model = TieModel::first;
  std::vector<std::string> expressions;  // predictions computed from columns
  std::vector<std::string> learners = {"ridge"};
  std::vector<double> penalties = {5};
  std::vector<std::string> subsets;      // features of each model, words apart; empty: all
  bool balance = false;
  Impute impute = Impute::all;
  std::int64_t folds = 10;
  std::int64_t rounds = 50;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);
inline bool refits(const Params& p) { return p.method == Procedure::optcs_full || p.method == Procedure::optcs_full_msel; }

struct Inputs {
  Table pool;
  Table labelled;
  std::optional<Table> learned;
};
void describe(Fields& f, Inputs& in);

struct Options {
  Keep keep = Keep::id;
};
void describe(Fields& f, Options& o);

struct Outputs {
  Table rows;
  Report report;
  std::int64_t selected = 0;
  std::int64_t candidates = 0;
  std::int64_t labelled = 0;
  double threshold = 0;  // p-values up to here are selected; 0 if none is
  std::int64_t seed = 0; // of the pruning draws
};
void describe(Fields& f, Outputs& out);

// Selections whose outcome has come to light.
struct AssessInputs {
  Table data;
};
void describe(Fields& f, AssessInputs& in);
struct AssessParams {
  double c = 0;
  Direction direction = Direction::above;
};
void describe(Fields& f, AssessParams& p);

Result<Outputs> apply(Context& context, const Params& params, const Inputs& inputs, const Options& options);
Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params);
Result<Certificate> certify(const Params& params, const Outputs& outputs);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

// What is read of the two tables (read.cpp).
struct Bars {
  std::vector<double> labelled;
  std::vector<double> pool;
  bool by_row = false;
};
struct Prediction {
  std::string name;
  Reals labelled;
  Reals pool;
};
struct Read {
  Bars bars;
  Reals outcome;                        // of the labelled rows; empty for outliers
  std::vector<Prediction> predictions;  // none where models are refitted
  Reals labelled_weight, pool_weight;   // weighted_cs
  std::vector<std::uint64_t> keys;      // what draws of a candidate are keyed by
};
Result<Read> read(const Params& params, const Inputs& inputs);
Result<void> refuse_double_use(Context& context, const Inputs& inputs);
// A uniform for each candidate, keyed by its id or its row number.
std::vector<double> uniforms(const Stream& root, const std::vector<std::uint64_t>& keys);

using stats::SelectionScores;
SelectionScores scores_of(const Params& params, const Read& read, const Prediction& prediction);
// Scores of refitted models (full.cpp): one entry a model, with its name. For impute one, candidate j's own scores in turn.
struct Refit {
  std::string name;
  SelectionScores scores;
  std::vector<SelectionScores> own;
};
Result<std::vector<Refit>> refit(Context& context, const Params& params, const Inputs& inputs, const Read& read);
// Whether every model predicts by exact leave-one-out, so that plain Benjamini and Hochberg keeps the level.
bool leaves_one_out(const Params& params);

// What a procedure says of each candidate (choose.cpp).
struct Choice {
  std::vector<double> p;
  std::vector<bool> selected;
  double threshold = 0;
  // Of the e-value procedures only:
  std::vector<std::int32_t> model, size;
  std::vector<double> e_value;
  std::vector<std::string> models;
};
Result<Choice> choose(Context& context, const Params& params, const Inputs& inputs, const Read& read);
Stream pruning_stream(const Context& context, const Params& params);

// Tables and reports (answer.cpp).
Report report_of(const Params& params, const Outputs& outputs, const Choice& choice);
Result<Table> answer_of(const Table& pool, const Options& options, Choice choice);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::select

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Split conformal prediction on predictions that a user brings: the types that the sources of this folder share.
// A score s(x, y) says how badly y suits the prediction for x. With qhat the k-th smallest of n calibration scores,
// k = ceil((n + 1)(1 - alpha)), the set {y : s(x, y) <= qhat} holds the truth of an exchangeable new row with probability
// at least 1 - alpha (Vovk, Gammerman and Shafer 2005; Lei et al. 2018).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "learn/score_plan.h"
#include "methods/conformal/split/score_ranks.h"
#include "table/bound_column.h"
#include "table/fingerprint.h"
#include "table/table.h"

namespace plimsoll::conformal::split {

using Score = learn::ConformalScore;
using learn::MissingRows;
using learn::SmallSample;
using learn::of_classes;
using learn::sides_of;
using learn::level_name;

struct Params : learn::ScoreSettings {
  std::vector<double> alpha = {0.1};
  bool allow_empty = false;
  SmallSample small_n = SmallSample::infinite;
  MissingRows missing = MissingRows::refuse;
  bool keep_scores = false;
  bool fingerprint = true;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

using Columns = learn::ScoreColumns;
using Plan = learn::ScorePlan;

struct Inputs {
  Table data;
  std::optional<Table> learned;
};
void describe(Fields& f, Inputs& in);

// What one pass gathers; sums, so that parts merge in any order.
struct Tally {
  std::int64_t rows = 0;
  std::int64_t dropped = 0;           // rows left out because a value is missing
  std::int64_t crossed = 0;           // pairs of quantiles that were swapped
  std::int64_t off = 0;               // rows whose probabilities miss one by more than 1e-6
  std::vector<double> scores;         // kept if asked: unsorted
};
void describe(Fields& f, Tally& t);

// The most scores a model keeps (keep_scores): 128 MB.
inline constexpr std::int64_t most_kept_scores = std::int64_t{1} << 24;

struct State {
  Params params;
  Plan plan;
  Tally tally;                        // of the first pass
  std::vector<ScoreRanks> ranks;      // one a side
  RowFingerprint calibration;
  RowFingerprint learned;
  std::string overlap_remark;
  int pass = 1;
};
void describe(Fields& f, State& s);

struct Model {
  Params params;
  Plan plan;
  std::int64_t n = 0;
  std::vector<double> thresholds;      // alphas x sides; infinity: too few rows for that alpha
  std::vector<std::int64_t> ranks;     // alphas x sides; n + 1 or more: infinite
  std::vector<double> scores;          // sorted, if kept
  std::int64_t dropped = 0;
  std::int64_t crossed = 0;
  std::int64_t off = 0;
  std::int64_t draw_seed = 0;          // the stream of the calibration's uniforms, for verify
  std::int64_t draw_key = 0;
  std::string overlap_remark;
  std::string calibration_fingerprint;
  std::string learning_fingerprint;
};
void describe(Fields& f, Model& m);
// Sizes that must agree; a model read from a file may be hostile.
Result<void> sound(const Model& model);

struct Options {
  bool p_values = false;
  bool confidence = false;
  bool smoothed = false;
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

// What `report` draws: scored rows, or rows with predictions, which are then scored once more.
struct ReportInputs {
  Table data;
};
void describe(Fields& f, ReportInputs& in);

struct AssessInputs {
  ArtifactPort model;
  Table data;
};
void describe(Fields& f, AssessInputs& in);
struct AssessParams {
  double confidence = 0.99;
  double tolerance = 0.01;
};
void describe(Fields& f, AssessParams& p);
struct VerifyInputs {
  ArtifactPort model;
  Table data;
};
void describe(Fields& f, VerifyInputs& in);

// Verbs.
Result<State> start(Context& context, const Params& params);
Result<void> update(Context& context, State& state, const Inputs& inputs);
Result<void> merge(Context& context, State& state, const State& other);
Result<Finish<Model, State>> finish(Context& context, State&& state, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params);
Result<Report> report(Context& context, const Model& model, const ReportInputs& inputs);
Result<Findings> verify(Context& context, const VerifyInputs& inputs);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);
// A table of the example's law: `shift` 0 is calibration, 1 new rows.
Result<Table> example_rows(std::uint64_t seed, std::uint64_t part, std::int64_t rows);

// One threshold a side and alpha: the side's tail is alpha, or alpha / 2 for scores with two sides.
double tail_of(const Params& params, Score score, std::size_t which);
extern constinit const Method entry;

}  // namespace plimsoll::conformal::split

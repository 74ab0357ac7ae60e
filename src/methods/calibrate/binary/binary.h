// SPDX-License-Identifier: Apache-2.0
#pragma once

// Calibration of the probability of an event: what the sources of this folder share. A map from scores to probabilities is learned on
// rows that the model behind the scores has not learned from, or on out-of-fold scores (role `fold`).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "learn/binary_rows.h"
#include "learn/calibration_audit.h"
#include "learn/calibrator.h"
#include "table/bound_column.h"
#include "table/table.h"

namespace plimsoll::calibrate::binary {

struct Params {
  learn::Calibration method = learn::Calibration::automatic;
  learn::BinaryReading reading;
  learn::MapOptions map;
  double shrinkage = 50;
  double multicalibrate = 0;
  std::int64_t patch_rows = 100;
  std::int64_t patch_bins = 10;
  bool fingerprint = true;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Inputs {
  Table data;
  std::optional<Table> learned;
};
void describe(Fields& f, Inputs& in);

struct State {
  Params params;
  learn::BinarySample sample;
};
void describe(Fields& f, State& s);

// The map of one group: its own, drawn to the map of all by rows / (rows + shrinkage) on the log-odds scale.
struct GroupMap {
  std::string cell;
  std::int64_t rows = 0;
  learn::Calibrator map;
};
void describe(Fields& f, GroupMap& g);

// What was learned on the rows of one fold; without folds there is one.
struct Piece {
  std::string fold;
  learn::Calibrator map;
  std::vector<GroupMap> groups;
};
void describe(Fields& f, Piece& p);

// Multicalibration: rows of one value of one group column (column -1: all rows) whose probability lies in (low, high] are moved by shift.
struct Patch {
  std::int64_t column = -1;
  std::string value;
  double low = 0;
  double high = 1;
  double shift = 0;
};
void describe(Fields& f, Patch& p);

struct Model {
  Params params;
  learn::BinaryColumns columns;
  std::vector<Piece> pieces;
  std::vector<Patch> patches;
  learn::Calibration chosen = learn::Calibration::identity;
  std::vector<std::string> tried;
  std::vector<double> tried_loss;
  std::vector<double> tried_error;
  std::int64_t n = 0;
  std::int64_t events = 0;
  double rate = 0;  // weighted share of events
  std::int64_t dropped = 0;
  std::int64_t clipped = 0;
  std::int64_t dropped_bits = 0;  // of scores, because there were too many distinct ones
  std::string overlap_remark;
  std::string fingerprint;
};
void describe(Fields& f, Model& m);
Result<void> sound(const Model& m);

enum class Outside : int { clip, extrapolate };
std::span<const std::string_view> choices_of(Outside);
struct Options {
  Keep keep = Keep::id;
  Outside outside = Outside::clip;
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

struct AssessInputs {
  ArtifactPort model;
  Table data;
};
void describe(Fields& f, AssessInputs& in);
using AssessParams = learn::AuditParams;
struct ReportInputs {
  Table data;
};
void describe(Fields& f, ReportInputs& in);

// Online: one score at a time, and whether the event happened when that is known.
struct Event {
  double score = 0;
  std::string group;
  std::int64_t outcome = -1;
};
void describe(Fields& f, Event& e);
struct Watch {
  std::int64_t scored = 0;
  std::int64_t known = 0;
  std::int64_t outside = 0;
  double expected = 0;
  double happened = 0;
  std::vector<double> wealth;  // log of the bets on each shift of the log-odds
  double peak = 0;             // largest log e-value
};
void describe(Fields& f, Watch& w);
struct Row {
  double calibrated = 0;
  double e_value = 1;
  bool alarm = false;
};
void describe(Fields& f, Row& r);

Result<State> start(Context& context, const Params& params);
Result<void> update(Context& context, State& state, const Inputs& inputs);
Result<void> merge(Context& context, State& state, const State& other);
Result<Finish<Model, State>> finish(Context& context, State&& state, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params);
Result<Report> report(Context& context, const Model& model, const ReportInputs& inputs);
Result<Row> step(Context& context, const Model& model, Watch& state, const Event& event);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

// Calibrated probability of scores (one a piece, or one for all) in a group; counts scores outside the range learned from.
struct Scorer {
  const Model& model;
  Outside outside = Outside::clip;
  double operator()(std::span<const double> scores, const std::string& cell, std::int64_t& beyond) const;
};
// A whole batch.
Result<std::vector<double>> calibrated(const Model& model, const learn::BinaryBatch& batch, Outside outside, std::int64_t& beyond);

// Moves of multicalibration on pooled rows: (cell, pools, probability of each pool).
struct Unit {
  std::vector<std::string> values;  // one a group column
  double probability = 0;
  double weight = 0;
  double sum = 0;
};
std::vector<Patch> patches_for(std::vector<Unit>& units, std::size_t columns, const Params& params);
bool concerns(const Patch& patch, const std::vector<std::string>& values, double probability);

Result<Report> report_on(Context& context, const Model& model, const Table& data, const AssessParams& params);
Result<Table> example_rows(std::uint64_t seed, std::uint64_t part, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::calibrate::binary

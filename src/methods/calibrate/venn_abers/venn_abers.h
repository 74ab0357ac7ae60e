// SPDX-License-Identifier: Apache-2.0
#pragma once

// Venn-Abers prediction: each score gets two probabilities, one of which is perfectly calibrated. The types of this folder.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "learn/binary_rows.h"
#include "learn/calibrator.h"
#include "table/bound_column.h"
#include "table/table.h"

namespace plimsoll::calibrate::venn_abers {

struct Params {
  learn::BinaryReading reading;
  learn::Merge merge = learn::Merge::log;
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

struct Piece {
  std::string fold;
  learn::Calibrator map;
};
void describe(Fields& f, Piece& p);

struct Model {
  Params params;
  learn::BinaryColumns columns;
  std::vector<Piece> pieces;  // one a fold, by name; without folds one
  std::int64_t n = 0;
  std::int64_t events = 0;
  std::int64_t dropped = 0;
  std::int64_t clipped = 0;
  std::int64_t dropped_bits = 0;
  bool weighted = false;
  std::string overlap_remark;
  std::string fingerprint;
};
void describe(Fields& f, Model& m);
Result<void> sound(const Model& m);

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
struct AssessInputs {
  ArtifactPort model;
  Table data;
};
void describe(Fields& f, AssessInputs& in);
struct AssessParams {
  double level = 0.95;
  std::int64_t bins = 15;
  std::int64_t bootstrap = 1000;
};
void describe(Fields& f, AssessParams& p);

Result<State> start(Context& context, const Params& params);
Result<void> update(Context& context, State& state, const Inputs& inputs);
Result<void> merge(Context& context, State& state, const State& other);
Result<Finish<Model, State>> finish(Context& context, State&& state, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

// The pair of a score and the probability made of it; several pieces are merged by geometric means (log) or means (brier).
struct Merged {
  double p0 = 0;
  double p1 = 1;
  double p = 0.5;
};
Merged merged(const Model& model, std::span<const double> scores);

extern constinit const Method entry;

}  // namespace plimsoll::calibrate::venn_abers

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Sets whose rate of errors is at most epsilon with confidence 1 - delta over the drawing of the calibration rows: the types that the
// sources of this folder share.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "learn/score_rows.h"
#include "table/bound_column.h"

namespace plimsoll::conformal::pac {

struct Params : learn::ScoreSettings {
  std::vector<double> epsilon = {0.1};
  double delta = 0.05;
  bool allow_empty = false;
  learn::SmallSample small_n = learn::SmallSample::infinite;
  learn::MissingRows missing = learn::MissingRows::refuse;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Inputs {
  Table data;
  std::optional<Table> learned;
};
void describe(Fields& f, Inputs& in);

struct Model {
  Params params;
  learn::ScorePlan plan;
  std::int64_t n = 0;
  std::vector<double> thresholds;      // epsilons x sides; infinity: too few rows
  std::vector<std::int64_t> errors;    // epsilons x sides: calibration scores that may lie above; -1: none may
  std::int64_t dropped = 0;
  std::int64_t crossed = 0;
  std::int64_t off = 0;
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

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::pac

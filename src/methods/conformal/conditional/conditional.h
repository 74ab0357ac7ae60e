// SPDX-License-Identifier: Apache-2.0
#pragma once

// Conformal prediction whose promise holds for every function of a finite basis. The types that the sources of this folder share.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "learn/feature_encoder.h"
#include "learn/score_answers.h"
#include "table/bound_column.h"
#include "table/table.h"

namespace plimsoll::conformal::conditional {

struct Params : learn::ScoreSettings {
  std::vector<double> alpha = {0.1};
  bool exact = false;
  bool linear = true;
  std::int64_t centres = 0;
  double bandwidth = 1;
  double aside = 0.3;
  bool allow_empty = false;
  learn::MissingRows missing = learn::MissingRows::refuse;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Inputs {
  Table data;
  std::optional<Table> learned;
};
void describe(Fields& f, Inputs& in);

// A column of groups and its values; each has a 0/1 column in the basis.
struct Groups {
  std::string column;
  std::vector<std::string> levels;  // sorted
};
void describe(Fields& f, Groups& groups);

// What makes a basis row from a table's row: indicators, a constant, linear terms, bumps around centres.
struct Basis {
  std::vector<Groups> groups;
  std::optional<learn::FeatureEncoder> encoder;
  std::vector<double> centres;  // rows of the encoder's columns
  bool linear = true;
  double bandwidth = 1;
  std::size_t features() const { return encoder ? static_cast<std::size_t>(encoder->linear_width()) : 0; }
  std::size_t bumps() const { return features() == 0 ? 0 : centres.size() / features(); }
  std::size_t width() const;
};
void describe(Fields& f, Basis& basis);
// Row-major, rows x width().
Result<std::vector<double>> basis_rows(Context& context, const Basis& basis, const Table& table);

struct Model {
  Params params;
  learn::ScorePlan plan;
  Basis basis;
  std::vector<double> scores;    // sides x n
  std::vector<double> rows;      // n x width
  std::int64_t n = 0;
  std::int64_t set_aside = 0;
  std::int64_t rank = 0;         // independent columns of the basis
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

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::conditional

// SPDX-License-Identifier: Apache-2.0
#pragma once

// A whole distribution for each new row from the signed residuals of a calibration: the types that the sources of this folder share.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "stats/predictive_law.h"
#include "table/bound_column.h"
#include "table/table.h"

namespace plimsoll::conformal::predictive {

enum class BinBy : int { sigma, prediction };
std::span<const std::string_view> choices_of(BinBy);

struct Params {
  double offset = 0;
  std::int64_t bins = 1;
  BinBy bin_by = BinBy::sigma;
  std::vector<double> edges;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Inputs {
  Table data;
  std::optional<Table> learned;
};
void describe(Fields& f, Inputs& in);

struct Columns {
  std::string target, prediction, sigma, group, id;
};
void describe(Fields& f, Columns& c);

struct Model {
  Params params;
  Columns columns;
  std::vector<double> edges;                // of the bins, rising; empty: one bin
  std::vector<std::string> groups;          // names, if the categories are groups
  std::vector<double> residuals;            // of each category in turn, sorted
  std::vector<std::int64_t> offsets;
  std::int64_t n = 0;
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
  std::vector<double> alpha = {0.1};
  std::vector<double> quantiles;
  std::vector<double> thresholds;
  bool p_value = false;
  bool crps = false;
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
  double alpha = 0.1;
  double confidence = 0.99;
};
void describe(Fields& f, AssessParams& p);

// Rows as the model sees them: yhat, its spread, and which law is theirs (-1: none).
struct Placed {
  std::vector<double> centre, scale;
  std::vector<std::int32_t> category;
};
Result<Columns> columns_of(const Table& table, const Columns& fitted);
// Without spreads every scale is 1; with `edges` or groups the category, else 0.
Result<Placed> read_rows(const Table& table, const Columns& columns, double offset);
void place(const Model& model, const std::vector<double>& by, std::vector<std::int32_t>& category);
Result<void> categorise(const Model& model, const Table& table, const Columns& columns, Placed& rows);
std::vector<stats::ResidualLaw> laws_of(const Model& model);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::predictive

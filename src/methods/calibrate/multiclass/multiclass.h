// SPDX-License-Identifier: Apache-2.0
#pragma once

// Calibration of class probabilities: the types of this folder.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "learn/binary_rows.h"
#include "learn/calibration_audit.h"
#include "learn/calibrator.h"
#include "learn/softmax_map.h"
#include "table/bound_column.h"
#include "table/table.h"

namespace plimsoll::calibrate::multiclass {

enum class Map : int { automatic, identity, temperature, bias_temperature, vector, dirichlet, platt, beta, isotonic, histogram, bbq, venn_abers };
std::span<const std::string_view> choices_of(Map);
bool of_softmax(Map map);  // learned on all classes together
enum class Target : int { classwise, top_label };
std::span<const std::string_view> choices_of(Target);

struct Params {
  Map method = Map::automatic;
  Target target = Target::classwise;
  bool logits = false;
  bool percent = false;
  std::vector<std::string> classes;
  std::string prefix = "p_";
  learn::MissingRows missing = learn::MissingRows::refuse;
  learn::MapOptions map;
  double off_diagonal = 1e-3;
  double offset = 1e-3;
  double eps = 1e-15;
  bool fingerprint = true;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Inputs {
  Table data;
  std::optional<Table> learned;
};
void describe(Fields& f, Inputs& in);

struct Columns {
  std::vector<std::string> probability;  // in the order of the classes
  std::string target, weight, id;
};
void describe(Fields& f, Columns& c);

struct Model {
  Params params;
  Columns columns;
  std::vector<std::string> classes;
  Map chosen = Map::identity;
  std::optional<learn::SoftmaxMap> softmax;
  std::vector<learn::Calibrator> one_vs_rest;  // one a class, or one of the confidence for top_label
  std::vector<std::string> tried;
  std::vector<double> tried_loss;
  std::vector<double> tried_error;
  std::int64_t n = 0;
  std::int64_t dropped = 0;
  std::int64_t clipped = 0;
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
using AssessParams = learn::AuditParams;

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

// Rows as they are read: scores row-major (ln p, or logits), and the probabilities given.
struct Batch {
  std::vector<double> scores;
  std::vector<double> probability;
  std::vector<std::int32_t> label;   // empty without a target
  std::vector<double> weight;
  std::vector<std::int64_t> rows;    // row of the table
  std::int64_t dropped = 0;
  std::int64_t clipped = 0;
  std::int64_t off = 0;              // rows whose sum misses one by more than 1e-6
  std::size_t size() const { return rows.size(); }
};
Result<Columns> bound_columns(const Table& table, bool with_target);
Result<std::vector<std::string>> class_names(const std::vector<std::string>& columns, const Params& params);
Result<Columns> columns_like(const Table& table, const Model& model, bool with_target);
Result<Batch> read_batch(const Table& table, const Columns& columns, const std::vector<std::string>& classes, const Params& params, bool drop);

// Calibrated probabilities, row-major rows x K (of the top label for that target: rows).
std::vector<double> calibrated(const Model& model, const Batch& batch);
// First most probable class of each row.
std::vector<std::int32_t> top_labels(std::span<const double> probability, std::size_t classes);

extern constinit const Method entry;

}  // namespace plimsoll::calibrate::multiclass

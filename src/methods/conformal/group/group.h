// SPDX-License-Identifier: Apache-2.0
#pragma once

// Conformal prediction by category: a threshold for each group, class, bin of difficulty or cluster of them. The types that the
// sources of this folder share.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/method.h"
#include "learn/score_answers.h"
#include "table/bound_column.h"
#include "table/table.h"

namespace plimsoll::conformal::group {

enum class By : int { automatic, group, label, group_label, difficulty, clusters };
std::span<const std::string_view> choices_of(By);

struct Params : learn::ScoreSettings {
  std::vector<double> alpha = {0.1};
  By by = By::automatic;
  bool allow_empty = false;
  learn::SmallSample small_n = learn::SmallSample::infinite;
  learn::MissingRows missing = learn::MissingRows::refuse;
  std::int64_t bins = 5;
  std::vector<double> edges;
  std::int64_t clusters = 0;
  double aside = 0.3;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Inputs {
  Table data;
  std::optional<Table> learned;
};
void describe(Fields& f, Inputs& in);

// One quantile: the rows whose scores it is of.
struct Pool {
  std::string name;
  std::int64_t n = 0;
};
void describe(Fields& f, Pool& pool);

struct Model {
  Params params;
  learn::ScorePlan plan;
  By by = By::group;
  std::vector<std::string> group_columns;
  std::string difficulty_column;
  std::vector<double> edges;             // of difficulty: bin b holds edges[b - 1] <= d < edges[b]
  std::vector<std::string> groups;       // sorted keys; one empty key if rows are not told apart by group
  std::vector<std::int64_t> pool_of;     // groups x (1 or classes)
  std::vector<Pool> pools;
  std::vector<double> thresholds;        // (alphas x sides) x pools
  std::int64_t n = 0;                    // rows in all pools
  std::int64_t set_aside = 0;            // rows that chose bins or clusters
  std::int64_t dropped = 0;
  std::int64_t crossed = 0;
  std::int64_t off = 0;
  std::string overlap_remark;
  bool by_class() const { return by == By::label || by == By::group_label || (by == By::clusters && group_columns.empty()); }
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

// The key of each row: the values of its group columns; no code where one is missing.
Result<Categories> keys_of(const Table& table, const std::vector<std::string>& columns);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);
Result<Example> example(Context& context, Verb verb, std::uint64_t seed, std::int64_t rows);

extern constinit const Method entry;

}  // namespace plimsoll::conformal::group

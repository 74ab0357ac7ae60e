// SPDX-License-Identifier: Apache-2.0
#pragma once

// Types that the sources of this folder share: what is learned of a number, and the interval around it.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/certificate.h"
#include "engine/evidence.h"
#include "engine/fields.h"
#include "engine/ports.h"
#include "engine/report.h"
#include "engine/subject.h"
#include "learn/boosted_trees.h"
#include "learn/case_columns.h"
#include "learn/feature_encoder.h"
#include "learn/promise.h"
#include "learn/ridge.h"

namespace plimsoll::risk::regressor {

enum class Learner : int { trees, linear };
std::span<const std::string_view> choices_of(Learner);

enum class Interval : int {
  automatic,       // cqr of trees, absolute of the linear learner
  absolute,        // |y - yhat|
  normalised,      // |y - yhat| / (sigma(x) + b)
  cqr,             // max(q_lo - y, y - q_hi)
  cqr_asymmetric,  // q_lo - y and y - q_hi, alpha / 2 each
};
std::span<const std::string_view> choices_of(Interval);

// Within what the coverage holds: a threshold for each cell.
enum class Mondrian : int { none, group, difficulty };
std::span<const std::string_view> choices_of(Mondrian);

enum class SmallSample : int { error, infinite };
std::span<const std::string_view> choices_of(SmallSample);

struct Trees {
  learn::TreeOptions options = learn::small_trees();
};
inline void describe(Fields& f, Trees& trees) { learn::describe(f, trees.options); }

struct Linear {
  double l2 = 1;
};
void describe(Fields& f, Linear& linear);

struct Params {
  Learner learner = Learner::trees;
  Interval interval = Interval::automatic;
  double alpha = 0.1;
  Mondrian mondrian = Mondrian::none;
  std::int64_t bins = 4;
  double offset = 0.1;
  std::vector<double> quantiles;
  SmallSample small_n = SmallSample::error;
  std::map<std::string, std::string> monotone;
  double share_learning = 0.6;
  double share_spread = 0.2;
  bool diagnostics = true;
  Trees trees;
  Linear linear;
};
void describe(Fields& f, Params& p);
Result<void> check(const Params& p);

struct Inputs {
  Table data;
  std::optional<Table> calibration;
  std::optional<Table> test;
};
void describe(Fields& f, Inputs& inputs);

struct QuantileRow {
  double level = 0;         // the share that should lie at or below
  std::int64_t rows = 0;
  std::int64_t below = 0;   // rows at or below it
  double low = 0, high = 0; // exact 95 % interval of that share
  double pinball = 0;       // mean loss
};
void describe(Fields& f, QuantileRow& row);

// What a report shows of labelled rows, aggregated: its size does not grow with rows.
struct Diagnostics {
  std::string source;
  std::int64_t rows = 0;
  double rmse = 0, mae = 0, r2 = 0;
  double mean_width = 0, median_width = 0;  // of finite intervals
  std::int64_t unbounded = 0;
  double interval_score = 0;                // Winkler; NaN-free: of rows with finite intervals
  std::int64_t below = 0, above = 0;        // truths under and over their intervals
  std::vector<learn::Coverage> coverage;
  std::string coverage_note;
  std::vector<double> level, observed, level_low, level_high;
  std::vector<QuantileRow> quantiles;
  std::vector<double> fitted, actual;       // means over groups of equal size, by prediction
  std::vector<double> width_edges, width_counts;
  std::vector<learn::Remark> remarks;
};
void describe(Fields& f, Diagnostics& d);

struct Quantile {
  double level = 0.5;
  learn::BoostedTrees trees;
};
void describe(Fields& f, Quantile& quantile);

struct Model {
  std::string target;
  Learner learner = Learner::trees;
  Interval interval = Interval::absolute;
  Mondrian mondrian = Mondrian::none;
  double alpha = 0.1;
  double centre = 0, scale = 1;                  // target = centre + scale x learned
  learn::FeatureEncoder encoder;
  std::optional<learn::BoostedTrees> trees;      // of the mean, one of these two
  std::optional<learn::RidgeModel> ridge;
  std::optional<learn::BoostedTrees> spread;     // of |y - yhat| in learned units
  std::optional<Quantile> low, high;             // cqr
  std::vector<Quantile> quantiles;               // asked for beside them
  double offset = 0;                             // b of normalised, in learned units
  std::vector<std::string> cell_columns;         // mondrian = group
  std::vector<std::string> cells;                // their values
  std::vector<double> edges;                     // mondrian = difficulty: cuts of the spread
  std::vector<learn::Rank> ranks;                // cells x sides
  std::vector<double> curve;                     // cells x sides x levels: thresholds in learned units
  std::int64_t learning_rows = 0, spread_rows = 0, conformal_rows = 0;
  std::string learning_fingerprint, calibration_fingerprint, overlap_remark;
  std::vector<learn::Importance> importance;
  std::vector<std::string> groups;
  Diagnostics held_out;

  std::size_t sides() const { return interval == Interval::cqr_asymmetric ? 2 : 1; }
  std::size_t cell_count() const { return mondrian == Mondrian::none ? 1 : mondrian == Mondrian::group ? cells.size() : edges.size() + 1; }
};
void describe(Fields& f, Model& model);
Result<void> check_model(const Model& model);

// Nominal levels of the calibration curve: 0.05, 0.10, ..., 0.95.
inline constexpr std::size_t curve_levels = 19;
double curve_level(std::size_t which);

struct Options {
  Keep keep = Keep::id;
};
void describe(Fields& f, Options& options);
struct Cases {
  Table data;
};
void describe(Fields& f, Cases& cases);
struct Outputs {
  Table scored;
};
void describe(Fields& f, Outputs& outputs);

// Rows as the learners see them, in learned units.
struct Predicted {
  std::vector<double> mean, low, high, scale;  // low, high: where the interval starts from; scale multiplies thresholds
  std::vector<double> spread;                  // empty without a spread model
  std::vector<std::vector<double>> quantiles;
  std::vector<std::int32_t> cell;              // -1: a cell that the conformal rows did not have
  std::int64_t crossed = 0;
};
Result<Predicted> predict(Context& context, const Model& model, const Table& table, learn::RowChoice rows);

// Scores of truths y (in the target's units): one a side.
std::vector<std::vector<double>> scores_of(const Model& model, const Predicted& p, std::span<const double> y);
// Ends in the target's units from thresholds, cells x sides. An empty interval becomes its middle.
struct Ends {
  std::vector<double> lower, upper;
  std::int64_t emptied = 0;
};
Ends ends_of(const Model& model, const Predicted& p, std::span<const double> thresholds);
std::vector<double> thresholds_of(const Model& model);

Result<Model> fit(Context& context, const Inputs& inputs, const Params& params);
Result<Outputs> apply(Context& context, const Model& model, const Cases& cases, const Options& options);
Result<Certificate> certify(const Model& model);
Result<Evidence> prove(Context& context, const Subject& subject, const ProveOptions& options);

// Ranks and the calibration curve's thresholds from scores of conformal rows.
Result<void> rank_cells(const Model& model, const std::vector<std::vector<double>>& scores, std::span<const std::int32_t> cell, std::vector<learn::Rank>& ranks,
                        std::vector<double>& curve);

// `ranked` gives thresholds (the model's own, or those of one half); rows were tested on them if `exact`.
struct Tested {
  std::span<const double> y;
  const std::vector<learn::Rank>& ranks;
  const std::vector<double>& curve;
  const Table& rows;      // for the group columns
  std::string source, note;
};
Result<Diagnostics> diagnose(const Model& model, const Predicted& p, const Tested& tested);
Result<Diagnostics> diagnose_test(Context& context, const Model& model, const Table& labelled);
Result<Diagnostics> diagnose_conformal(Context& context, const Model& model, const Table& table, std::span<const std::int64_t> rows, std::span<const double> y);
Predicted taken(const Predicted& p, std::span<const std::int64_t> rows);

// The target as finite numbers; a text or missing one is the declared error.
Result<std::vector<double>> read_target(const Table& table);

Report draw(const Model& model, const Certificate& promise, const Diagnostics& d);

}  // namespace plimsoll::risk::regressor

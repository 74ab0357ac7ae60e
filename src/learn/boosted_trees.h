// SPDX-License-Identifier: Apache-2.0
#pragma once

// Gradient boosted trees by XGBoost (`hist`), through its C interface; the library is opened on first use. Same bytes at any
// number of threads. Training stops at the next return of a boosting round.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"
#include "learn/feature_encoder.h"

namespace plimsoll {
class Fields;
}

namespace plimsoll::learn {

struct TreeOptions {
  std::int64_t rounds = 200;
  double learning_rate = 0.1;
  std::int64_t max_depth = 6;
  double min_child_weight = 1;
  double subsample = 1;         // share of rows of a round
  double column_share = 1;      // share of columns of a tree
  double l2 = 1;                // lambda
  double min_split_gain = 0;    // gamma
  std::int64_t max_bins = 256;
  std::vector<std::int64_t> monotone;  // -1, 0, +1 for each tree column; empty: none. Not for categories.
  double quantile = 0;          // numbers: which quantile is learned (pinball loss); 0: the mean (squared error)
};

// Small trees learned slowly: the default of the methods that learn from tables.
TreeOptions small_trees();
// What a user may set; the quantile and the monotone constraints are bound by methods.
void describe(Fields& f, TreeOptions& options);
// Constraints as a user writes them, COLUMN = +1 or -1: first their form, then one for each column of the encoder.
Result<void> check_monotone(const std::map<std::string, std::string>& monotone);
Result<std::vector<std::int64_t>> monotone_directions(const std::map<std::string, std::string>& monotone, const FeatureEncoder& encoder);

// CPU of the whole process inside XGBoost's calls, so that a benchmark can tell ours from the library's.
struct TrainingCost {
  double cpu_seconds = 0;          // building the binned matrix and boosting: what `train` spends inside the library
  double boosting_cpu_seconds = 0; // of these, the boosting rounds alone
  double wall_seconds = 0;
  std::int64_t rounds = 0;
};
// Sums over all calls of this process; for benchmarks.
TrainingCost total_training_cost();

// The library opened for prediction; made from the bytes at first use, shared by copies.
class BoosterHandle;

struct BoostedTrees {
  std::string bytes;            // the booster as UBJSON
  std::string version;          // of the library that trained it
  std::int64_t classes = 2;     // 1: a number
  std::int64_t width = 0;       // tree columns
  std::int64_t rounds = 0;
  std::vector<double> gain;     // total gain of each tree column, zero if never used
  std::shared_ptr<BoosterHandle> handle;  // not described; call forget() after changing `bytes`

  BoostedTrees();
  void forget();
};
void describe(Fields& f, BoostedTrees& trees);

// labels in [0, classes); weights empty or one per row. `bad_parameter` for a constraint on a category, `one_class`,
// `cancelled`, `missing_plugin` if the library is not found.
Result<BoostedTrees> train_trees(Context& context, const BoundFeatures& features, std::span<const std::int32_t> labels,
                                 std::span<const double> weights, std::int64_t classes, const TreeOptions& options,
                                 TrainingCost* cost = nullptr);

// The same for numbers, by squared error or the pinball loss of options.quantile; targets are finite and kept in float32.
Result<BoostedTrees> train_regression_trees(Context& context, const BoundFeatures& features, std::span<const double> targets,
                                            std::span<const double> weights, const TreeOptions& options, TrainingCost* cost = nullptr);

// Numbers: one column. Log-odds: binary one column (of class 1), else `classes` columns (softmax gives probabilities). By blocks on the
// runtime's threads. `corrupt_file` if the bytes are not a booster of `classes` and `width`.
Result<std::vector<std::vector<double>>> tree_scores(Context& context, const BoostedTrees& trees, const BoundFeatures& features);

// "3.2.0"; `missing_plugin` if the library is not found.
Result<std::string> xgboost_version();

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
// Training: the features are encoded once into a float32 matrix (one pass, by blocks), binned by XGBoost into a quantile
// matrix, and the float32 matrix is freed before the first round. Chen and Guestrin 2016, `hist`.
#include "learn/boosted_trees.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <mutex>
#include <utility>

#include "base/exact_sum.h"
#include "engine/fields.h"
#include "learn/booster_bytes.h"
#include "learn/booster_handle.h"
#include "learn/xgboost_library.h"

namespace plimsoll::learn {
namespace {

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::mutex total_mutex;
TrainingCost total_cost;

// Adds the CPU of the whole process between its making and its end.
class Meter {
 public:
  explicit Meter(double& cpu, double& wall) : cpu_(cpu), wall_(wall) {}
  ~Meter() {
    cpu_ += seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_start_;
    wall_ += seconds_of(CLOCK_MONOTONIC) - wall_start_;
  }
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

 private:
  double& cpu_;
  double& wall_;
  double cpu_start_ = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  double wall_start_ = seconds_of(CLOCK_MONOTONIC);
};

struct MatrixFree {
  const XgboostLibrary* library;
  void operator()(void* matrix) const { library->matrix_free(matrix); }
};
using Matrix = std::unique_ptr<void, MatrixFree>;

struct BoosterFree {
  const XgboostLibrary* library;
  void operator()(void* booster) const { library->booster_free(booster); }
};
using Booster = std::unique_ptr<void, BoosterFree>;

// What the library's iterator hands over: everything in one batch.
struct Batch {
  const XgboostLibrary* library = nullptr;
  void* proxy = nullptr;
  std::string values;
  std::string labels;
  std::string weights;  // empty: none
  std::vector<const char*> types;
  bool given = false;
};

int next_batch(void* state) {
  auto* batch = static_cast<Batch*>(state);
  if (batch->given) return 0;
  batch->given = true;
  const XgboostLibrary& x = *batch->library;
  bool ok = x.proxy_set_dense(batch->proxy, batch->values.c_str()) == 0;
  ok = ok && x.set_info(batch->proxy, "label", batch->labels.c_str()) == 0;
  ok = ok && (batch->weights.empty() || x.set_info(batch->proxy, "weight", batch->weights.c_str()) == 0);
  ok = ok && x.set_feature_info(batch->proxy, "feature_type", batch->types.data(), batch->types.size()) == 0;
  return ok ? 1 : 0;
}

void reset_batch(void* state) { static_cast<Batch*>(state)->given = false; }

std::string in_digits(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

Result<void> check_labels(std::span<const std::int32_t> labels, std::span<const double> weights, std::int64_t classes) {
  std::vector<double> mass(static_cast<std::size_t>(classes), 0.0);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= classes) {
      return Error(ErrorCode::bad_value, "a label is not the code of a class", "Give codes from 0 to the number of classes - 1.")
          .at_row(static_cast<std::int64_t>(i));
    }
    const double weight = weights.empty() ? 1.0 : weights[i];
    if (!(weight >= 0) || !std::isfinite(weight)) {
      return Error(ErrorCode::bad_value, "a weight is negative or not finite", "Give weights of at least zero.")
          .at_row(static_cast<std::int64_t>(i));
    }
    mass[static_cast<std::size_t>(labels[i])] += weight;
  }
  const auto empty = std::find_if(mass.begin(), mass.end(), [](double m) { return !(m > 0); });
  if (empty == mass.end()) return {};
  return Error(ErrorCode::one_class, "class " + std::to_string(empty - mass.begin()) + " has no row to learn from",
               "Give rows of every class.");
}

Result<void> check_options(const FeatureEncoder& encoder, const TreeOptions& options) {
  if (options.monotone.empty()) return {};
  if (options.monotone.size() != encoder.columns.size()) {
    return Error(ErrorCode::bad_parameter, "there is not one monotone constraint for each feature", "Give -1, 0 or 1 for each.")
        .in_parameter("monotone");
  }
  for (std::size_t i = 0; i < options.monotone.size(); ++i) {
    if (options.monotone[i] == 0 || encoder.columns[i].kind == FeatureKind::numeric) continue;
    return Error(ErrorCode::bad_parameter, "a category has no order, so it can't be monotone", "Constrain numeric columns only.")
        .in_parameter("monotone")
        .in_column(encoder.columns[i].name);
  }
  return {};
}

using Settings = std::vector<std::pair<std::string, std::string>>;

Settings settings_of(const Context& context, std::int64_t classes, const TreeOptions& options) {
  Settings settings = {
      {"tree_method", "hist"},
      {"objective", classes == 1 && options.quantile > 0 ? "reg:quantileerror" : tree_objective(classes)},
      {"nthread", std::to_string(std::max(1, context.runtime.threads()))},
      {"eta", in_digits(options.learning_rate)},
      {"max_depth", std::to_string(options.max_depth)},
      {"min_child_weight", in_digits(options.min_child_weight)},
      {"subsample", in_digits(options.subsample)},
      {"colsample_bytree", in_digits(options.column_share)},
      {"lambda", in_digits(options.l2)},
      {"gamma", in_digits(options.min_split_gain)},
      {"max_bin", std::to_string(options.max_bins)},
      {"seed", std::to_string(context.rng.child("boosted_trees").next_u32() >> 1)},
      {"disable_default_eval_metric", "1"},
  };
  if (classes > 2) settings.emplace_back("num_class", std::to_string(classes));
  if (classes == 1 && options.quantile > 0) settings.emplace_back("quantile_alpha", in_digits(options.quantile));
  if (std::any_of(options.monotone.begin(), options.monotone.end(), [](std::int64_t m) { return m != 0; })) {
    std::string signs;
    for (const std::int64_t sign : options.monotone) signs += (signs.empty() ? "(" : ",") + std::to_string(sign);
    settings.emplace_back("monotone_constraints", signs + ")");
  }
  return settings;
}

// One pass of the features into float32; freed by the caller as soon as the library has binned it.
Result<std::unique_ptr<float[]>> encode(Context& context, const BoundFeatures& features) {
  const auto width = static_cast<std::size_t>(features.encoder().tree_width());
  const auto count = static_cast<std::size_t>(features.rows()) * width;
  auto values = std::make_unique_for_overwrite<float[]>(count);
  PLIMSOLL_CHECK(context.runtime.for_each_block(features.rows(), context.stop,
                                                [&](std::int64_t, std::int64_t begin, std::int64_t end) -> Result<void> {
    return features.fill_tree(begin, end, values.get() + static_cast<std::size_t>(begin) * width);
  }));
  return values;
}

Result<Matrix> bin_features(Context& context, const XgboostLibrary& x, const BoundFeatures& features,
                            std::span<const float> label, std::span<const double> weights,
                            const TreeOptions& options, TrainingCost& cost) {
  PLIMSOLL_TRY(const std::unique_ptr<float[]> values, encode(context, features));
  std::vector<float> weight(weights.size());
  std::transform(weights.begin(), weights.end(), weight.begin(), [](double w) { return static_cast<float>(w); });
  const Meter meter(cost.cpu_seconds, cost.wall_seconds);
  void* made = nullptr;
  if (x.proxy_create(&made) != 0) return x.error(ErrorCode::internal, "making a matrix", "");
  const Matrix proxy(made, MatrixFree{&x});
  Batch batch;
  batch.library = &x;
  batch.proxy = proxy.get();
  batch.values = array_interface(values.get(), features.rows(), features.encoder().tree_width());
  batch.labels = array_interface(label.data(), features.rows(), 0);
  if (!weight.empty()) batch.weights = array_interface(weight.data(), features.rows(), 0);
  for (const bool categorical : features.encoder().tree_categorical()) batch.types.push_back(categorical ? "c" : "q");
  const std::string config = R"({"missing": NaN, "nthread": )" + std::to_string(std::max(1, context.runtime.threads())) +
                             R"(, "max_bin": )" + std::to_string(options.max_bins) + "}";
  void* matrix = nullptr;
  if (x.quantile_create(&batch, batch.proxy, nullptr, &reset_batch, &next_batch, config.c_str(), &matrix) != 0) {
    return x.error(ErrorCode::internal, "binning the features", "");
  }
  return Matrix(matrix, MatrixFree{&x});
}

Result<void> boost(Context& context, const XgboostLibrary& x, void* booster, void* matrix, std::int64_t rounds,
                   TrainingCost& cost) {
  context.progress.begin("learning trees", rounds, "rounds");
  Result<void> outcome;
  for (std::int64_t round = 0; round < rounds && outcome.ok(); ++round) {
    outcome = context.stop.check();
    if (!outcome.ok()) break;
    const Meter meter(cost.boosting_cpu_seconds, cost.wall_seconds);
    if (x.update(booster, static_cast<int>(round), matrix) != 0) {
      outcome = x.error(ErrorCode::internal, "learning trees", "Check the parameters of the trees.");
    }
    ++cost.rounds;
    context.progress.advance(1);
  }
  context.progress.end();
  return outcome;
}

Result<std::vector<double>> gains(const XgboostLibrary& x, void* booster, std::int64_t width) {
  bst_ulong count = 0;
  const char** names = nullptr;
  bst_ulong dimensions = 0;
  const bst_ulong* shape = nullptr;
  const float* scores = nullptr;
  if (x.feature_score(booster, R"({"importance_type": "total_gain"})", &count, &names, &dimensions, &shape, &scores) != 0) {
    return x.error(ErrorCode::internal, "reading importances", "");
  }
  std::vector<double> gain(static_cast<std::size_t>(width), 0.0);
  for (bst_ulong i = 0; i < count; ++i) {
    const unsigned long feature = std::strtoul(names[i] + 1, nullptr, 10);  // "f12"
    if (feature < gain.size()) gain[feature] = static_cast<double>(scores[i]);
  }
  return gain;
}

Result<BoostedTrees> train(Context& context, const XgboostLibrary& x, void* matrix, std::int64_t classes,
                           std::int64_t width, const TreeOptions& options, TrainingCost& cost) {
  void* made = nullptr;
  void* const cached[] = {matrix};
  if (x.booster_create(cached, 1, &made) != 0) return x.error(ErrorCode::internal, "making a booster", "");
  const Booster booster(made, BoosterFree{&x});
  for (const auto& [name, value] : settings_of(context, classes, options)) {
    if (x.set_param(booster.get(), name.c_str(), value.c_str()) != 0) {
      return x.error(ErrorCode::bad_parameter, "setting " + name, "Check the parameters of the trees.");
    }
  }
  PLIMSOLL_CHECK(boost(context, x, booster.get(), matrix, options.rounds, cost));
  BoostedTrees trees;
  // The thread count is no property of the model: the same bytes at any number of threads.
  if (x.set_param(booster.get(), "nthread", "1") != 0) return x.error(ErrorCode::internal, "saving the trees", "");
  bst_ulong length = 0;
  const char* bytes = nullptr;
  if (x.save(booster.get(), R"({"format": "ubj"})", &length, &bytes) != 0) {
    return x.error(ErrorCode::internal, "saving the trees", "");
  }
  trees.bytes.assign(bytes, length);
  trees.version = x.version_text();
  trees.classes = classes;
  trees.width = width;
  trees.rounds = options.rounds;
  PLIMSOLL_TRY(trees.gain, gains(x, booster.get(), width));
  return trees;
}

}  // namespace

TrainingCost total_training_cost() {
  const std::lock_guard<std::mutex> lock(total_mutex);
  return total_cost;
}

BoostedTrees::BoostedTrees() : handle(std::make_shared<BoosterHandle>()) {}
void BoostedTrees::forget() { handle = std::make_shared<BoosterHandle>(); }

void describe(Fields& f, BoostedTrees& trees) {
  f.blob({"bytes", "booster of XGBoost as UBJSON"}, trees.bytes);
  f({"version", "version of XGBoost that trained it"}, trees.version);
  f({"classes", "number of classes; 1 for a number", at_least(1)}, trees.classes);
  f({"width", "number of features; 0 when untrained", at_least(0)}, trees.width);
  f({"rounds", "boosting rounds", at_least(0)}, trees.rounds);
  f({"gain", "total gain of each feature", at_least(0)}, trees.gain);
}

namespace {

Result<BoostedTrees> train_on(Context& context, const XgboostLibrary& x, const BoundFeatures& features, std::span<const float> label,
                              std::span<const double> weights, std::int64_t classes, const TreeOptions& options, TrainingCost* cost) {
  TrainingCost spent;
  const auto work = [&]() -> Result<BoostedTrees> {
    PLIMSOLL_TRY(const Matrix matrix, bin_features(context, x, features, label, weights, options, spent));
    return train(context, x, matrix.get(), classes, features.encoder().tree_width(), options, spent);
  };
  Result<BoostedTrees> trees = work();
  spent.cpu_seconds += spent.boosting_cpu_seconds;
  if (cost != nullptr) *cost = spent;
  const std::lock_guard<std::mutex> lock(total_mutex);
  total_cost.cpu_seconds += spent.cpu_seconds;
  total_cost.boosting_cpu_seconds += spent.boosting_cpu_seconds;
  total_cost.wall_seconds += spent.wall_seconds;
  total_cost.rounds += spent.rounds;
  return trees;
}

}  // namespace

Result<BoostedTrees> train_trees(Context& context, const BoundFeatures& features, std::span<const std::int32_t> labels,
                                 std::span<const double> weights, std::int64_t classes, const TreeOptions& options,
                                 TrainingCost* cost) {
  PLIMSOLL_TRY(const XgboostLibrary* x, xgboost());
  PLIMSOLL_CHECK(check_options(features.encoder(), options));
  PLIMSOLL_CHECK(check_labels(labels, weights, classes));
  const std::vector<float> label(labels.begin(), labels.end());
  return train_on(context, *x, features, label, weights, classes, options, cost);
}

Result<BoostedTrees> train_regression_trees(Context& context, const BoundFeatures& features, std::span<const double> targets,
                                            std::span<const double> weights, const TreeOptions& options, TrainingCost* cost) {
  PLIMSOLL_TRY(const XgboostLibrary* x, xgboost());
  PLIMSOLL_CHECK(check_options(features.encoder(), options));
  std::vector<float> label(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    label[i] = static_cast<float>(targets[i]);
    if (!std::isfinite(label[i])) return Error(ErrorCode::bad_value, "a target is not a finite number of ordinary size", "Correct or drop the row.").at_row(static_cast<std::int64_t>(i));
  }
  return train_on(context, *x, features, label, weights, 1, options, cost);
}

Result<std::string> xgboost_version() {
  PLIMSOLL_TRY(const XgboostLibrary* x, xgboost());
  return x->version_text();
}

}  // namespace plimsoll::learn

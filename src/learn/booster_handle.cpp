// SPDX-License-Identifier: Apache-2.0
// Prediction: blocks of rows are encoded into a buffer of the task's own and go through the compact forest, or, where that does
// not cover the trees, through XGBoost's in-place prediction with one thread each, so that our runtime decides about threads and
// nothing is copied but the block. Both give the same margins: a forest is only used once it has done so on rows made up for it.
#include "learn/booster_handle.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/philox.h"
#include "learn/boosted_trees.h"
#include "learn/booster_bytes.h"
#include "learn/xgboost_library.h"

namespace plimsoll::learn {

std::string array_interface(const float* values, std::int64_t rows, std::int64_t width) {
  const auto address = static_cast<unsigned long long>(reinterpret_cast<std::uintptr_t>(values));
  std::string shape = std::to_string(rows);
  if (width > 0) shape += ", " + std::to_string(width);
  return R"({"data": [)" + std::to_string(address) + R"(, true], "shape": [)" + shape +
         R"(], "strides": null, "typestr": "<f4", "version": 3})";
}

BoosterHandle::~BoosterHandle() {
  if (booster_ != nullptr) library_->booster_free(booster_);
}

Result<void> BoosterHandle::open(const std::string& bytes, std::int64_t classes, std::int64_t width) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (booster_ != nullptr) return {};
  PLIMSOLL_TRY(library_, xgboost());
  PLIMSOLL_TRY(const UbjsonValue document, read_booster(bytes, classes, width));
  constexpr std::string_view mend = "Fit the model again.";
  void* booster = nullptr;
  if (library_->booster_create(nullptr, 0, &booster) != 0) return library_->error(ErrorCode::internal, "making a booster", "");
  const auto fail = [&](std::string_view doing) -> Error {
    Error error = library_->error(ErrorCode::corrupt_file, doing, mend);
    library_->booster_free(booster);
    return error;
  };
  if (library_->load(booster, bytes.data(), bytes.size()) != 0) return fail("reading the trees");
  if (library_->set_param(booster, "nthread", "1") != 0) return fail("reading the trees");
  bst_ulong features = 0;
  if (library_->num_feature(booster, &features) != 0) return fail("reading the trees");
  if (features != static_cast<bst_ulong>(width)) {
    library_->booster_free(booster);
    return Error(ErrorCode::corrupt_file, "the trees do not have the model's number of features", std::string(mend));
  }
  // The first prediction settles the booster's configuration; after it predictions only read.
  booster_ = booster;
  const std::vector<float> row(static_cast<std::size_t>(width), 0.0F);
  std::vector<float> out(static_cast<std::size_t>(classes <= 2 ? 1 : classes));
  Result<void> first = margins(row.data(), 1, width, out);
  if (first.ok()) {
    lay_out(document, classes, width);
    return {};
  }
  booster_ = nullptr;
  library_->booster_free(booster);
  return first;
}

namespace {

// Rows with values of every kind: small whole numbers (cut points of counts, categories), others, and gaps.
std::vector<float> probe_rows(std::int64_t width) {
  Stream stream(20261);
  std::vector<float> values(forest_rows * static_cast<std::size_t>(width));
  for (float& value : values) {
    const std::uint64_t kind = stream.below(8);
    const double x = stream.normal();
    value = kind == 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(kind < 4 ? std::floor(std::fabs(4 * x)) : kind < 7 ? x : 100 * x);
  }
  return values;
}

// values row-major to the forest's columns; margins back to row-major.
bool same_margins(const CompactForest& forest, std::span<const float> values, std::int64_t width, std::span<const float> expected) {
  const auto columns = static_cast<std::size_t>(width);
  const std::size_t outputs = expected.size() / forest_rows;
  std::vector<float> turned(values.size());
  for (std::size_t i = 0; i < forest_rows; ++i)
    for (std::size_t c = 0; c < columns; ++c) turned[c * forest_rows + i] = values[i * columns + c];
  std::vector<float> out(expected.size());
  if (!forest.margins(turned.data(), out.data())) return false;
  for (std::size_t i = 0; i < forest_rows; ++i)
    for (std::size_t k = 0; k < outputs; ++k)
      if (std::bit_cast<std::uint32_t>(out[k * forest_rows + i]) != std::bit_cast<std::uint32_t>(expected[i * outputs + k])) return false;
  return true;
}

}  // namespace

void BoosterHandle::lay_out(const UbjsonValue& document, std::int64_t classes, std::int64_t width) {
  std::optional<CompactForest> forest = CompactForest::of(document, classes, width);
  if (!forest) return;
  std::vector<float> values = probe_rows(width);
  const std::vector<bool> categorical = forest->categorical(static_cast<std::size_t>(width));
  for (std::size_t i = 0; i < values.size(); ++i)
    if (categorical[i % static_cast<std::size_t>(width)] && !std::isnan(values[i])) values[i] = std::floor(std::min(std::fabs(values[i]), 254.0F));
  std::vector<float> expected(forest_rows * forest->base.size());
  if (!margins(values.data(), forest_rows, width, expected).ok()) return;
  const float base = forest->base.front();
  for (const float tried : {base, std::nextafter(base, HUGE_VALF), std::nextafter(base, -HUGE_VALF)}) {
    if (classes == 2) forest->base.front() = tried;
    if (!same_margins(*forest, values, width, expected)) continue;
    forest_ = std::move(forest);
    return;
  }
}

Result<void> BoosterHandle::margins(const float* values, std::int64_t rows, std::int64_t width, std::span<float> out) const {
  PLIMSOLL_TRY(const XgboostLibrary* x, xgboost());  // silences this thread
  const std::string interface = array_interface(values, rows, width);
  constexpr const char* config =
      R"({"type": 1, "training": false, "iteration_begin": 0, "iteration_end": 0, "strict_shape": true, "missing": NaN, "cache_id": 0})";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* result = nullptr;
  if (x->predict_dense(booster_, interface.c_str(), config, nullptr, &shape, &dimensions, &result) != 0) {
    return x->error(ErrorCode::corrupt_file, "predicting", "Fit the model again.");
  }
  bst_ulong size = dimensions > 0 ? 1 : 0;
  for (bst_ulong d = 0; d < dimensions; ++d) size *= shape[d];
  if (size != out.size()) {
    return Error(ErrorCode::corrupt_file, "the trees do not have the model's number of classes", "Fit the model again.");
  }
  std::copy(result, result + size, out.begin());
  return {};
}

namespace {

struct ScoredBlock {
  const BoosterHandle& handle;
  const BoundFeatures& features;
  std::int64_t width;
  std::size_t outputs;
  std::vector<std::vector<double>>& scores;

  Result<void> score(std::int64_t begin, std::int64_t end) const {
    const CompactForest* forest = handle.forest();
    if (forest == nullptr) return by_library(begin, end);
    const auto values = std::make_unique<float[]>(forest_rows * static_cast<std::size_t>(width));
    std::vector<float> out(forest_rows * outputs);
    for (std::int64_t at = begin; at < end; at += static_cast<std::int64_t>(forest_rows)) {
      const std::int64_t to = std::min(at + static_cast<std::int64_t>(forest_rows), end);
      PLIMSOLL_CHECK(features.fill_tree_columns(at, to, static_cast<std::int64_t>(forest_rows), values.get()));
      if (!forest->margins(values.get(), out.data())) {
        PLIMSOLL_CHECK(by_library(at, to));
        continue;
      }
      for (std::size_t k = 0; k < outputs; ++k) std::copy_n(out.data() + k * forest_rows, to - at, scores[k].data() + at);
    }
    return {};
  }

  Result<void> by_library(std::int64_t begin, std::int64_t end) const {
    const auto count = static_cast<std::size_t>(end - begin);
    const auto values = std::make_unique_for_overwrite<float[]>(count * static_cast<std::size_t>(width));
    PLIMSOLL_CHECK(features.fill_tree(begin, end, values.get()));
    std::vector<float> out(count * outputs);
    PLIMSOLL_CHECK(handle.margins(values.get(), end - begin, width, out));
    for (std::size_t k = 0; k < outputs; ++k) {
      double* to = scores[k].data() + begin;
      for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<double>(out[i * outputs + k]);
    }
    return {};
  }
};

}  // namespace

Result<std::vector<std::vector<double>>> tree_scores(Context& context, const BoostedTrees& trees, const BoundFeatures& features) {
  if (trees.width != features.encoder().tree_width() || trees.classes < 1) {
    return Error(ErrorCode::corrupt_file, "the trees and the encoder do not have the same features", "Fit the model again.");
  }
  PLIMSOLL_CHECK(trees.handle->open(trees.bytes, trees.classes, trees.width));
  const auto outputs = static_cast<std::size_t>(trees.classes <= 2 ? 1 : trees.classes);
  std::vector<std::vector<double>> scores(outputs, std::vector<double>(static_cast<std::size_t>(features.rows())));
  const ScoredBlock block{*trees.handle, features, trees.width, outputs, scores};
  PLIMSOLL_CHECK(context.runtime.for_each_block(features.rows(), context.stop, [&](std::int64_t, std::int64_t begin, std::int64_t end) { return block.score(begin, end); }));
  return scores;
}

}  // namespace plimsoll::learn

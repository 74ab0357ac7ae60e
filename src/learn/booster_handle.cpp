// SPDX-License-Identifier: Apache-2.0
// Prediction: blocks of rows are encoded into a buffer of the task's own and handed to XGBoost's in-place prediction with
// one thread each, so that our runtime decides about threads and nothing is copied but the block.
#include "learn/booster_handle.h"

#include <algorithm>
#include <vector>

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
  PLIMSOLL_CHECK(check_booster_bytes(bytes, classes, width));
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
  std::vector<float> out(static_cast<std::size_t>(classes == 2 ? 1 : classes));
  Result<void> first = margins(row.data(), 1, width, out);
  if (first.ok()) return {};
  booster_ = nullptr;
  library_->booster_free(booster);
  return first;
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

Result<std::vector<std::vector<double>>> tree_scores(Context& context, const BoostedTrees& trees, const BoundFeatures& features) {
  if (trees.width != features.encoder().tree_width() || trees.classes < 2) {
    return Error(ErrorCode::corrupt_file, "the trees and the encoder do not have the same features", "Fit the model again.");
  }
  PLIMSOLL_CHECK(trees.handle->open(trees.bytes, trees.classes, trees.width));
  const auto outputs = static_cast<std::size_t>(trees.classes == 2 ? 1 : trees.classes);
  std::vector<std::vector<double>> scores(outputs, std::vector<double>(static_cast<std::size_t>(features.rows())));
  const auto score_block = [&](std::int64_t, std::int64_t begin, std::int64_t end) -> Result<void> {
    const auto count = static_cast<std::size_t>(end - begin);
    const auto values = std::make_unique_for_overwrite<float[]>(count * static_cast<std::size_t>(trees.width));
    features.fill_tree(begin, end, values.get());
    std::vector<float> out(count * outputs);
    PLIMSOLL_CHECK(trees.handle->margins(values.get(), end - begin, trees.width, out));
    for (std::size_t k = 0; k < outputs; ++k) {
      double* to = scores[k].data() + begin;
      for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<double>(out[i * outputs + k]);
    }
    return {};
  };
  PLIMSOLL_CHECK(context.runtime.for_each_block(features.rows(), context.stop, score_block));
  return scores;
}

}  // namespace plimsoll::learn

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "learn/compact_forest.h"

namespace plimsoll::learn {

struct XgboostLibrary;

// NumPy's array interface, by which XGBoost takes memory: rows x width of float32 (width 0: a vector).
std::string array_interface(const float* values, std::int64_t rows, std::int64_t width);

// A booster opened for prediction from bytes that were checked. Opened once, then read by any number of threads.
class BoosterHandle {
 public:
  BoosterHandle() = default;
  ~BoosterHandle();
  BoosterHandle(const BoosterHandle&) = delete;
  BoosterHandle& operator=(const BoosterHandle&) = delete;

  Result<void> open(const std::string& bytes, std::int64_t classes, std::int64_t width);
  // Margins by XGBoost, row-major rows x outputs; values are row-major rows x width.
  Result<void> margins(const float* values, std::int64_t rows, std::int64_t width, std::span<float> out) const;
  // The same trees laid out for prediction; null if the layout does not cover them.
  const CompactForest* forest() const { return forest_ ? &*forest_ : nullptr; }

 private:
  void lay_out(const UbjsonValue& document, std::int64_t classes, std::int64_t width);

  std::mutex mutex_;
  const XgboostLibrary* library_ = nullptr;
  void* booster_ = nullptr;
  std::optional<CompactForest> forest_;
};

}  // namespace plimsoll::learn

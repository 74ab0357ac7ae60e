// SPDX-License-Identifier: Apache-2.0
#pragma once

// XGBoost's C interface as a table of function pointers, opened on first use: linking it would cost every start of a
// program some milliseconds. Declared by Debian's header (1.7), which the 3.2 library still serves for these functions.

#include <xgboost/c_api.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace plimsoll::learn {

struct XgboostLibrary {
  decltype(&::XGBoostVersion) version = nullptr;
  decltype(&::XGBGetLastError) last_error = nullptr;
  decltype(&::XGBRegisterLogCallback) register_log = nullptr;
  decltype(&::XGBSetGlobalConfig) set_global_config = nullptr;
  decltype(&::XGProxyDMatrixCreate) proxy_create = nullptr;
  decltype(&::XGProxyDMatrixSetDataDense) proxy_set_dense = nullptr;
  decltype(&::XGQuantileDMatrixCreateFromCallback) quantile_create = nullptr;
  decltype(&::XGDMatrixFree) matrix_free = nullptr;
  decltype(&::XGDMatrixSetInfoFromInterface) set_info = nullptr;
  decltype(&::XGDMatrixSetStrFeatureInfo) set_feature_info = nullptr;
  decltype(&::XGBoosterCreate) booster_create = nullptr;
  decltype(&::XGBoosterFree) booster_free = nullptr;
  decltype(&::XGBoosterSetParam) set_param = nullptr;
  decltype(&::XGBoosterUpdateOneIter) update = nullptr;
  decltype(&::XGBoosterPredictFromDense) predict_dense = nullptr;
  decltype(&::XGBoosterSaveModelToBuffer) save = nullptr;
  decltype(&::XGBoosterLoadModelFromBuffer) load = nullptr;
  decltype(&::XGBoosterFeatureScore) feature_score = nullptr;
  decltype(&::XGBoosterGetNumFeature) num_feature = nullptr;
  decltype(&::XGBoosterBoostedRounds) boosted_rounds = nullptr;

  std::string version_text() const;
  // The library's last error as ours: its first line, without the source location it begins with.
  Error error(ErrorCode code, std::string_view doing, std::string_view mend) const;
};

// Opened once a process and silenced on the calling thread; `missing_plugin` if neither library is found.
Result<const XgboostLibrary*> xgboost();

}  // namespace plimsoll::learn

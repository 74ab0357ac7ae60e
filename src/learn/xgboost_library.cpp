// SPDX-License-Identifier: Apache-2.0
#include "learn/xgboost_library.h"

#include <array>

#include "base/shared_library.h"

#ifndef PLIMSOLL_XGBOOST_LIBRARY
#define PLIMSOLL_XGBOOST_LIBRARY "libxgboost.so"
#endif
#ifndef PLIMSOLL_XGBOOST_SYSTEM_LIBRARY
#define PLIMSOLL_XGBOOST_SYSTEM_LIBRARY "libxgboost.so.0"
#endif

namespace plimsoll::learn {
namespace {

bool find_data_functions(void* handle, XgboostLibrary& x) {
  return find_function(handle, "XGBoostVersion", x.version) && find_function(handle, "XGBGetLastError", x.last_error) &&
         find_function(handle, "XGBRegisterLogCallback", x.register_log) &&
         find_function(handle, "XGBSetGlobalConfig", x.set_global_config) &&
         find_function(handle, "XGProxyDMatrixCreate", x.proxy_create) &&
         find_function(handle, "XGProxyDMatrixSetDataDense", x.proxy_set_dense) &&
         find_function(handle, "XGQuantileDMatrixCreateFromCallback", x.quantile_create) &&
         find_function(handle, "XGDMatrixFree", x.matrix_free) &&
         find_function(handle, "XGDMatrixSetInfoFromInterface", x.set_info) &&
         find_function(handle, "XGDMatrixSetStrFeatureInfo", x.set_feature_info);
}

bool find_booster_functions(void* handle, XgboostLibrary& x) {
  return find_function(handle, "XGBoosterCreate", x.booster_create) && find_function(handle, "XGBoosterFree", x.booster_free) &&
         find_function(handle, "XGBoosterSetParam", x.set_param) && find_function(handle, "XGBoosterUpdateOneIter", x.update) &&
         find_function(handle, "XGBoosterPredictFromDense", x.predict_dense) &&
         find_function(handle, "XGBoosterSaveModelToBuffer", x.save) &&
         find_function(handle, "XGBoosterLoadModelFromBuffer", x.load) &&
         find_function(handle, "XGBoosterFeatureScore", x.feature_score) &&
         find_function(handle, "XGBoosterGetNumFeature", x.num_feature) &&
         find_function(handle, "XGBoosterBoostedRounds", x.boosted_rounds);
}

bool find_all(void* handle, XgboostLibrary& x) { return find_data_functions(handle, x) && find_booster_functions(handle, x); }

void swallow(const char*) {}

}  // namespace

std::string XgboostLibrary::version_text() const {
  int major = 0;
  int minor = 0;
  int patch = 0;
  version(&major, &minor, &patch);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

Error XgboostLibrary::error(ErrorCode code, std::string_view doing, std::string_view mend) const {
  const char* raw = last_error();
  std::string text = raw != nullptr ? raw : "";
  if (text.find("bad_alloc") != std::string::npos) {
    return Error(ErrorCode::no_memory, "XGBoost ran out of memory while " + std::string(doing), "Give fewer rows or fewer columns.");
  }
  // "[12:00:00] /path/file.cc:12: Check failed: what" and a stack trace on the lines after.
  text = text.substr(0, text.find('\n'));
  if (const auto at = text.find(": ", text.find(".cc:")); text.find(".cc:") != std::string::npos && at != std::string::npos) {
    text = text.substr(at + 2);
  }
  return Error(code, "XGBoost failed while " + std::string(doing) + ": " + text, std::string(mend));
}

Result<const XgboostLibrary*> xgboost() {
  static constexpr std::array<const char*, 3> names = {"libplimsoll-xgboost.so", PLIMSOLL_XGBOOST_LIBRARY, PLIMSOLL_XGBOOST_SYSTEM_LIBRARY};
  static const OpenedLibrary<XgboostLibrary> opened = open_library(names, &find_all, "XGBoost 1.7");
  if (!opened.ok()) {
    return Error(ErrorCode::missing_plugin, "the library of XGBoost can't be opened: " + opened.why,
                 "Install it (pip install xgboost-cpu, or libxgboost0), or use the logistic learner.");
  }
  thread_local bool silenced = false;
  if (!silenced) {
    opened.functions.register_log(&swallow);
    silenced = opened.functions.set_global_config(R"({"verbosity": 0})") == 0;
  }
  return &opened.functions;
}

}  // namespace plimsoll::learn

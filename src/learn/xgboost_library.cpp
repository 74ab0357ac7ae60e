// SPDX-License-Identifier: Apache-2.0
#include "learn/xgboost_library.h"

#include <dlfcn.h>

#include <array>

#ifndef PLIMSOLL_XGBOOST_LIBRARY
#define PLIMSOLL_XGBOOST_LIBRARY "libxgboost.so"
#endif
#ifndef PLIMSOLL_XGBOOST_SYSTEM_LIBRARY
#define PLIMSOLL_XGBOOST_SYSTEM_LIBRARY "libxgboost.so.0"
#endif

namespace plimsoll::learn {
namespace {

template <class F>
bool find(void* handle, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(handle, name));
  return function != nullptr;
}

bool find_data_functions(void* handle, XgboostLibrary& x) {
  return find(handle, "XGBoostVersion", x.version) && find(handle, "XGBGetLastError", x.last_error) &&
         find(handle, "XGBRegisterLogCallback", x.register_log) &&
         find(handle, "XGBSetGlobalConfig", x.set_global_config) &&
         find(handle, "XGProxyDMatrixCreate", x.proxy_create) &&
         find(handle, "XGProxyDMatrixSetDataDense", x.proxy_set_dense) &&
         find(handle, "XGQuantileDMatrixCreateFromCallback", x.quantile_create) &&
         find(handle, "XGDMatrixFree", x.matrix_free) &&
         find(handle, "XGDMatrixSetInfoFromInterface", x.set_info) &&
         find(handle, "XGDMatrixSetStrFeatureInfo", x.set_feature_info);
}

bool find_booster_functions(void* handle, XgboostLibrary& x) {
  return find(handle, "XGBoosterCreate", x.booster_create) && find(handle, "XGBoosterFree", x.booster_free) &&
         find(handle, "XGBoosterSetParam", x.set_param) && find(handle, "XGBoosterUpdateOneIter", x.update) &&
         find(handle, "XGBoosterPredictFromDense", x.predict_dense) &&
         find(handle, "XGBoosterSaveModelToBuffer", x.save) &&
         find(handle, "XGBoosterLoadModelFromBuffer", x.load) &&
         find(handle, "XGBoosterFeatureScore", x.feature_score) &&
         find(handle, "XGBoosterGetNumFeature", x.num_feature) &&
         find(handle, "XGBoosterBoostedRounds", x.boosted_rounds);
}

// What the Python package brings along. A name of its own: a process that holds another library of the usual name, a
// user's own, would be given that one for it.
constexpr const char* own_copy = "libplimsoll-xgboost.so";

struct Opened {
  XgboostLibrary library;
  bool ok = false;
  std::string why;
};

// The first library that opens and has every function. It is never closed: its OpenMP threads outlive any scope of ours.
Opened open_library() {
  Opened opened;
  for (const char* name : std::array<const char*, 3>{own_copy, PLIMSOLL_XGBOOST_LIBRARY, PLIMSOLL_XGBOOST_SYSTEM_LIBRARY}) {
    void* handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr) {
      const char* why = dlerror();
      if (name != own_copy && opened.why.empty() && why != nullptr) opened.why = why;
      continue;
    }
    if (find_data_functions(handle, opened.library) && find_booster_functions(handle, opened.library)) {
      opened.ok = true;
      return opened;
    }
    opened.why = std::string(name) + " lacks functions of XGBoost 1.7";
    dlclose(handle);
  }
  return opened;
}

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
  static const Opened opened = open_library();
  if (!opened.ok) {
    return Error(ErrorCode::missing_plugin, "the library of XGBoost can't be opened: " + opened.why,
                 "Install it (pip install xgboost-cpu, or libxgboost0), or use the logistic learner.");
  }
  thread_local bool silenced = false;
  if (!silenced) {
    opened.library.register_log(&swallow);
    silenced = opened.library.set_global_config(R"({"verbosity": 0})") == 0;
  }
  return &opened.library;
}

}  // namespace plimsoll::learn

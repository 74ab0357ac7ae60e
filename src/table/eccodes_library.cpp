// SPDX-License-Identifier: Apache-2.0
#include "table/eccodes_library.h"

#include <dlfcn.h>

#include <string>

namespace plimsoll {
namespace {

template <class F>
bool find(void* handle, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(handle, name));
  return function != nullptr;
}

bool find_all(void* handle, EccodesLibrary& e) {
  return find(handle, "codes_context_get_default", e.context) && find(handle, "codes_context_set_logging_proc", e.set_log) &&
         find(handle, "codes_handle_new_from_file", e.next) && find(handle, "codes_handle_delete", e.release) &&
         find(handle, "codes_get_error_message", e.error_message) && find(handle, "codes_get_size", e.get_size) &&
         find(handle, "codes_get_long", e.get_long) && find(handle, "codes_get_string", e.get_string) &&
         find(handle, "codes_get_double_array", e.get_doubles) && find(handle, "codes_set_double", e.set_double);
}

void swallow(const EccodesLibrary::Context*, int, const char*) {}

struct Opened {
  EccodesLibrary library;
  bool ok = false;
  std::string why;
};

Opened open_library() {
  Opened opened;
  for (const char* name : {"libeccodes.so.0", "libeccodes.so"}) {
    void* handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr) {
      const char* why = dlerror();
      if (opened.why.empty() && why != nullptr) opened.why = why;
      continue;
    }
    if (find_all(handle, opened.library)) {
      opened.ok = true;
      opened.library.set_log(opened.library.context(), &swallow);
      return opened;
    }
    opened.why = std::string(name) + " lacks functions of ecCodes 2";
    dlclose(handle);
  }
  return opened;
}

}  // namespace

Result<const EccodesLibrary*> eccodes() {
  static const Opened opened = open_library();
  if (!opened.ok)
    return Error(ErrorCode::missing_plugin, "the library of ecCodes can't be opened: " + opened.why, "Install it (apt-get install libeccodes0), or write the forecasts as netCDF, Parquet or CSV.");
  return &opened.library;
}

std::mutex& eccodes_lock() {
  static std::mutex lock;
  return lock;
}

}  // namespace plimsoll

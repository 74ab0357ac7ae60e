// SPDX-License-Identifier: Apache-2.0
#include "solve/highs_library.h"

#include <dlfcn.h>

#include <array>

#ifndef PLIMSOLL_HIGHS_LIBRARY
#define PLIMSOLL_HIGHS_LIBRARY "libhighs.so"
#endif
#ifndef PLIMSOLL_HIGHS_SYSTEM_LIBRARY
#define PLIMSOLL_HIGHS_SYSTEM_LIBRARY "libhighs.so.1"
#endif

namespace plimsoll::solve {
namespace {

template <class F>
bool find(void* handle, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(handle, name));
  return function != nullptr;
}

bool find_functions(void* handle, HighsLibrary& h) {
  return find(handle, "Highs_create", h.create) && find(handle, "Highs_destroy", h.destroy) &&
         find(handle, "Highs_version", h.version) && find(handle, "Highs_getSizeofHighsInt", h.size_of_int) &&
         find(handle, "Highs_run", h.run) && find(handle, "Highs_passMip", h.pass) &&
         find(handle, "Highs_setBoolOptionValue", h.set_flag) && find(handle, "Highs_setIntOptionValue", h.set_integer) &&
         find(handle, "Highs_setDoubleOptionValue", h.set_number) &&
         find(handle, "Highs_setStringOptionValue", h.set_text) && find(handle, "Highs_setSolution", h.set_solution) &&
         find(handle, "Highs_setCallback", h.set_callback) && find(handle, "Highs_startCallback", h.start_callback) &&
         find(handle, "Highs_getModelStatus", h.model_status) && find(handle, "Highs_getSolution", h.solution) &&
         find(handle, "Highs_getIntInfoValue", h.integer_info) && find(handle, "Highs_getInt64InfoValue", h.long_info) &&
         find(handle, "Highs_getDoubleInfoValue", h.number_info);
}

// A build with 64-bit indices, or an elder one whose callback data lie otherwise, would read our arrays wrongly.
std::string misfit(const HighsLibrary& library) {
  void* solver = library.create();
  const HighsInt size = library.size_of_int(solver);
  library.destroy(solver);
  if (size != static_cast<HighsInt>(sizeof(HighsInt))) return "its integers are of another size";
  const std::string version = library.version();
  const auto dot = version.find('.');
  const int major = std::atoi(version.c_str());
  const int minor = dot == std::string::npos ? 0 : std::atoi(version.c_str() + dot + 1);
  if (major != 1 || minor < 12) return "it is HiGHS " + version + ", and 1.12 or a later 1.x is needed";
  return "";
}

// What the Python package brings along. A name of its own: a process that holds another library of the usual name, a
// user's own, would be given that one for it.
constexpr const char* own_copy = "libplimsoll-highs.so";

struct Opened {
  HighsLibrary library;
  bool ok = false;
  std::string why;
};

// The first library that opens and fits. It is never closed: its threads' state outlives any scope of ours.
Opened open_library() {
  Opened opened;
  for (const char* name : std::array<const char*, 3>{own_copy, PLIMSOLL_HIGHS_LIBRARY, PLIMSOLL_HIGHS_SYSTEM_LIBRARY}) {
    void* handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr) {
      const char* why = dlerror();
      if (name != own_copy && opened.why.empty() && why != nullptr) opened.why = why;
      continue;
    }
    if (!find_functions(handle, opened.library)) {
      opened.why = std::string(name) + " lacks functions of HiGHS 1.15";
      dlclose(handle);
      continue;
    }
    const std::string wrong = misfit(opened.library);
    if (wrong.empty()) {
      opened.ok = true;
      return opened;
    }
    opened.why = std::string(name) + ": " + wrong;
  }
  return opened;
}

}  // namespace

Result<const HighsLibrary*> highs() {
  static const Opened opened = open_library();
  if (!opened.ok) {
    return Error(ErrorCode::missing_plugin, "the library of HiGHS can't be opened: " + opened.why,
                 "Install it (pip install highsbox) where the program finds libhighs.so.");
  }
  return &opened.library;
}

}  // namespace plimsoll::solve

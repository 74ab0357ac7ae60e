// SPDX-License-Identifier: Apache-2.0
#include "base/shared_library.h"

#include <dlfcn.h>

#include <string_view>

namespace plimsoll {

void* function_of(void* handle, const char* name) { return dlsym(handle, name); }

std::string open_first_library(std::span<const char* const> names, const LibraryCheck& check) {
  std::string why;
  for (const char* name : names) {
    void* handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr) {
      const char* reason = dlerror();
      const bool ours = std::string_view(name).starts_with("libplimsoll-");
      if (!ours && why.empty()) why = reason != nullptr ? reason : "it can't be opened";
      continue;
    }
    const std::string wrong = check(handle);
    if (wrong.empty()) return "";
    why = std::string(name) + ": " + wrong;
  }
  return why.empty() ? "none of its names is known" : why;
}

}  // namespace plimsoll

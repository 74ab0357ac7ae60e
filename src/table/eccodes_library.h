// SPDX-License-Identifier: Apache-2.0
#pragma once

// ecCodes' C interface as a table of function pointers, opened on first use, as netcdf_library.h.

#include <cstddef>
#include <cstdio>
#include <mutex>

#include "base/result.h"

namespace plimsoll {

struct EccodesLibrary {
  struct Handle;
  struct Context;
  static constexpr int grib = 1;
  static constexpr int end_of_file = -1;
  static constexpr int out_of_memory = -17;

  Context* (*context)() = nullptr;
  void (*set_log)(Context* context, void (*log)(const Context*, int level, const char* message)) = nullptr;
  Handle* (*next)(Context* context, std::FILE* file, int product, int* error) = nullptr;
  int (*release)(Handle* handle) = nullptr;
  const char* (*error_message)(int code) = nullptr;
  int (*get_size)(const Handle* handle, const char* key, std::size_t* size) = nullptr;
  int (*get_long)(const Handle* handle, const char* key, long* value) = nullptr;
  int (*get_string)(const Handle* handle, const char* key, char* text, std::size_t* length) = nullptr;
  int (*get_doubles)(const Handle* handle, const char* key, double* values, std::size_t* length) = nullptr;
  int (*set_double)(Handle* handle, const char* key, double value) = nullptr;
};

// Opened once a process and silenced; `missing_plugin` where it is not installed.
Result<const EccodesLibrary*> eccodes();
std::mutex& eccodes_lock();

}  // namespace plimsoll

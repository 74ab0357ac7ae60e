// SPDX-License-Identifier: Apache-2.0
#pragma once

// HiGHS's C interface as a table of function pointers, opened on first use: no start of a program pays for it.

#include <interfaces/highs_c_api.h>

#include <string>

#include "base/result.h"

namespace plimsoll::solve {

struct HighsLibrary {
  decltype(&::Highs_create) create = nullptr;
  decltype(&::Highs_destroy) destroy = nullptr;
  decltype(&::Highs_version) version = nullptr;
  decltype(&::Highs_getSizeofHighsInt) size_of_int = nullptr;
  decltype(&::Highs_run) run = nullptr;
  decltype(&::Highs_passMip) pass = nullptr;
  decltype(&::Highs_setBoolOptionValue) set_flag = nullptr;
  decltype(&::Highs_setIntOptionValue) set_integer = nullptr;
  decltype(&::Highs_setDoubleOptionValue) set_number = nullptr;
  decltype(&::Highs_setStringOptionValue) set_text = nullptr;
  decltype(&::Highs_setSolution) set_solution = nullptr;
  decltype(&::Highs_setCallback) set_callback = nullptr;
  decltype(&::Highs_startCallback) start_callback = nullptr;
  decltype(&::Highs_getModelStatus) model_status = nullptr;
  decltype(&::Highs_getSolution) solution = nullptr;
  decltype(&::Highs_getIntInfoValue) integer_info = nullptr;
  decltype(&::Highs_getInt64InfoValue) long_info = nullptr;
  decltype(&::Highs_getDoubleInfoValue) number_info = nullptr;
};

// Opened once a process; `missing_plugin` if no library is found.
Result<const HighsLibrary*> highs();

}  // namespace plimsoll::solve

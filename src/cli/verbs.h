// SPDX-License-Identifier: Apache-2.0
#pragma once

// The verbs of the program. Each takes the words after its name and gives the exit status.

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/method.h"

namespace plimsoll::cli {

using Words = std::vector<std::string>;

Result<int> run_through_door(Verb verb, const Words& args);  // fit, apply, assess, verify, report
Result<int> run_methods(const Words& args);
Result<int> run_prove(const Words& args);
Result<int> run_inspect(const Words& args);
Result<int> run_recipe(const Words& args);
Result<int> run_demo(const Words& args);
Result<int> run_completion(const Words& args);
Result<int> run_version(const Words& args);
Result<int> run_serve(const Words& args);
Result<int> verify_ledger(const std::string& path, const Words& args);  // of verify, where the file is a log

// The whole program; prints errors.
int run_program(const Words& args);

}  // namespace plimsoll::cli

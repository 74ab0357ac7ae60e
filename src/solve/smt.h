// SPDX-License-Identifier: Apache-2.0
#pragma once

// Satisfiability modulo theories by Z3; the library is opened on first use. A question is SMT-LIB 2 text: declarations and
// assertions. An answer `sat` comes with a model under which every assertion was evaluated once more and found true.

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>

#include "base/context.h"
#include "base/result.h"

namespace plimsoll::solve {

struct SmtOptions {
  double max_seconds = std::numeric_limits<double>::infinity();  // wall time; a run that it ends is `unknown`
  std::int64_t max_steps = -1;  // Z3's resource count: ends a run at the same place on every machine; -1: no limit
  std::uint32_t seed = 1;
};

enum class SmtStatus : std::uint8_t {
  sat,      // a model, checked
  unsat,    // no model exists
  unknown,  // a limit ended the search, or the theory is beyond the solver: never taken for either
};
std::string_view name_of(SmtStatus status);

struct SmtAnswer {
  SmtStatus status = SmtStatus::unknown;
  std::map<std::string, std::string> model;  // constants in SMT-LIB notation, by name
  std::string why;                           // of unknown: "timeout", "canceled", "max. resource limit exceeded", ...
  double seconds = 0;
  std::string solver;                        // "Z3 4.8.12.0"
};

// `bad_document` for text that is no SMT-LIB (with Z3's words), `missing_plugin` without the library, `cancelled` when the
// context's stop is requested: seen within 0.1 s.
Result<SmtAnswer> solve_smt(Context& context, const std::string& question, const SmtOptions& options = {});

}  // namespace plimsoll::solve

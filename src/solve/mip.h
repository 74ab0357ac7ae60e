// SPDX-License-Identifier: Apache-2.0
#pragma once

// Mixed-integer linear programs by HiGHS, through its C interface; the library is opened on first use.
//   minimise or maximise  offset + cost' x,   row_lower <= A x <= row_upper,   lower <= x <= upper,   x_j whole where said.
// What comes back is a solution that we checked ourselves against every row, and a bound that the solver proved in floating
// point: no solution has an objective beyond `bound` by more than the solver's tolerance. One thread, fixed seed: the same
// program gives the same bytes, unless the clock ends it (class C: recorded).

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/context.h"
#include "base/result.h"

namespace plimsoll::solve {

inline constexpr double infinite = std::numeric_limits<double>::infinity();

enum class Sense : std::uint8_t { minimise, maximise };
enum class Kind : std::uint8_t { real, whole };

struct MipModel {
  Sense sense = Sense::minimise;
  double offset = 0;
  std::vector<double> cost, lower, upper;  // one entry a variable
  std::vector<Kind> kind;
  std::vector<double> row_lower, row_upper;  // one entry a row
  std::vector<std::int32_t> row_start = {0};  // entries of row r: [row_start[r], row_start[r + 1])
  std::vector<std::int32_t> column;
  std::vector<double> value;

  std::int32_t variables() const { return static_cast<std::int32_t>(cost.size()); }
  std::int32_t rows() const { return static_cast<std::int32_t>(row_lower.size()); }
  // The new variable's index.
  std::int32_t add_variable(double low, double high, double price, Kind what = Kind::real);
  std::int32_t add_binary(double price) { return add_variable(0, 1, price, Kind::whole); }
  // low <= sum values[k] x[columns[k]] <= high; `infinite` where there is no limit. A column stands once.
  void add_row(double low, double high, std::span<const std::int32_t> columns, std::span<const double> values);
};

struct MipOptions {
  double max_seconds = infinite;  // wall time; a run that it ends is never called optimal
  std::int64_t max_nodes = -1;    // of branch and bound; -1: no limit. Ends a run at the same place on every machine
  double relative_gap = 0;        // ends when |objective - bound| is at most this share of |objective|
  double absolute_gap = 1e-6;
  double tolerance = 1e-7;        // by which a row, a bound or a whole number may be missed
  std::uint64_t seed = 1;
  std::vector<double> start;      // a solution to begin with, one value a variable; empty: none
  std::function<void(double objective, double bound)> on_improvement;  // on the calling thread
};

enum class MipStatus : std::uint8_t {
  optimal,     // a solution, and the gap to the proven bound is closed (1e-6, relative beyond 1)
  feasible,    // a solution and a gap: a limit of time, nodes or gap ended the run
  infeasible,  // proven: no solution
  unbounded,   // proven: the objective has no limit
  stopped,     // a limit ended the run before any solution was found; `bound` may still say something
};
std::string_view name_of(MipStatus status);

struct MipSolution {
  MipStatus status = MipStatus::stopped;
  bool found = false;       // x holds a solution
  std::vector<double> x;    // whole variables exactly whole
  double objective = 0;     // of x, by our own sum
  double bound = 0;         // proven: below every solution's objective when minimising, above when maximising; may be infinite
  double gap = infinite;    // |objective - bound| / max(1, |objective|)
  double violation = 0;     // the most by which x misses a row or bound, by our own check
  bool limited = false;     // a limit of time or nodes ended the run
  std::int64_t nodes = 0;
  double seconds = 0;       // wall time
  std::string solver;       // "HiGHS 1.15.1"
};

// `bad_parameter` for a program that is none (sizes, bounds crossed, not a number), `missing_plugin` without the library,
// `cancelled` when the context's stop is requested: seen inside the solver, at its next return to us.
Result<MipSolution> solve_mip(Context& context, const MipModel& model, const MipOptions& options);

// "HiGHS 1.15.1"; `missing_plugin` if the library is not found.
Result<std::string> mip_solver_version();

}  // namespace plimsoll::solve

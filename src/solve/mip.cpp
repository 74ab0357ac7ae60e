// SPDX-License-Identifier: Apache-2.0
// HiGHS: Q. Huangfu, J. A. J. Hall, "Parallelizing the dual revised simplex method", Math. Prog. Comp. 10 (2018), and its
// branch and cut. What we add: a solution is taken only after our own check of every row, its objective is our own sum, and
// "optimal" is said only where that objective meets the proven bound. The solver's word alone is never enough.
#include "solve/mip.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "solve/highs_library.h"

namespace plimsoll::solve {
namespace {

constexpr double closed_gap = 1e-6;      // of max(1, |objective|)
constexpr double loose_violation = 1e-5;  // relative to a row's size: a solution that misses more is none

// What HiGHS's callbacks share with us for the time of one run.
struct Watch {
  const StopToken& stop;
  const std::function<void(double, double)>& on_improvement;
};

void called_back(int type, const char*, const HighsCallbackDataOut* out, HighsCallbackDataIn* in, void* data) {
  const auto* watch = static_cast<const Watch*>(data);
  if (type == kHighsCallbackMipImprovingSolution) {
    if (watch->on_improvement && out != nullptr) watch->on_improvement(out->objective_function_value, out->mip_dual_bound);
  } else if (in != nullptr && watch->stop.requested()) {
    in->user_interrupt = 1;
  }
}

Error no_program(std::string what) {
  return Error(ErrorCode::bad_parameter, "the linear program is none: " + std::move(what), "Mend the rows and bounds.");
}

bool sized(const MipModel& m) {
  const auto n = m.cost.size();
  const auto r = m.row_lower.size();
  return m.lower.size() == n && m.upper.size() == n && m.kind.size() == n && m.row_upper.size() == r &&
         m.row_start.size() == r + 1 && m.row_start.front() == 0 && m.column.size() == m.value.size() &&
         m.row_start.back() == static_cast<std::int32_t>(m.column.size()) && std::is_sorted(m.row_start.begin(), m.row_start.end());
}

Result<void> check(const MipModel& m, const MipOptions& options) {
  if (!sized(m)) return no_program("its parts differ in length");
  const auto numbers = [](const std::vector<double>& values) {
    return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
  };
  if (!std::isfinite(m.offset) || !numbers(m.cost) || !numbers(m.value)) return no_program("a cost or an entry is not finite");
  for (std::size_t j = 0; j < m.lower.size(); ++j) {
    if (!(m.lower[j] <= m.upper[j])) return no_program("the bounds of variable " + std::to_string(j) + " cross");
  }
  std::vector<std::int32_t> seen(m.cost.size(), -1);
  for (std::size_t r = 0; r < m.row_lower.size(); ++r) {
    if (!(m.row_lower[r] <= m.row_upper[r])) return no_program("the limits of row " + std::to_string(r) + " cross");
    for (auto k = static_cast<std::size_t>(m.row_start[r]); k < static_cast<std::size_t>(m.row_start[r + 1]); ++k) {
      if (m.column[k] < 0 || m.column[k] >= m.variables()) return no_program("row " + std::to_string(r) + " names no variable");
      auto& last = seen[static_cast<std::size_t>(m.column[k])];
      if (last == static_cast<std::int32_t>(r)) return no_program("row " + std::to_string(r) + " names a variable twice");
      last = static_cast<std::int32_t>(r);
    }
  }
  const bool sane = options.max_seconds > 0 && options.relative_gap >= 0 && options.absolute_gap >= 0 && options.tolerance > 0 &&
                    (options.start.empty() || (options.start.size() == m.cost.size() && numbers(options.start)));
  if (!sane) return Error(ErrorCode::bad_parameter, "an option of the solver is out of range", "Give limits above zero and a whole start.");
  return {};
}

// One solver, ended with its scope.
class Run {
 public:
  explicit Run(const HighsLibrary& library) : library_(library), solver_(library.create()) {}
  ~Run() { library_.destroy(solver_); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  void* get() const { return solver_; }

 private:
  const HighsLibrary& library_;
  void* solver_;
};

bool set_options(const HighsLibrary& h, void* solver, const MipOptions& options) {
  constexpr double longest = 1e9;
  const auto nodes = static_cast<HighsInt>(options.max_nodes < 0 ? std::numeric_limits<HighsInt>::max()
                                                                 : std::min<std::int64_t>(options.max_nodes, std::numeric_limits<HighsInt>::max()));
  return h.set_flag(solver, "output_flag", 0) == kHighsStatusOk && h.set_integer(solver, "threads", 1) == kHighsStatusOk &&
         h.set_text(solver, "parallel", "off") == kHighsStatusOk &&
         h.set_integer(solver, "random_seed", static_cast<HighsInt>(options.seed & 0x7fffffff)) == kHighsStatusOk &&
         h.set_number(solver, "time_limit", std::min(options.max_seconds, longest)) == kHighsStatusOk &&
         h.set_integer(solver, "mip_max_nodes", nodes) == kHighsStatusOk &&
         h.set_number(solver, "mip_rel_gap", options.relative_gap) == kHighsStatusOk &&
         h.set_number(solver, "mip_abs_gap", options.absolute_gap) == kHighsStatusOk &&
         h.set_number(solver, "mip_feasibility_tolerance", std::max(options.tolerance, 1e-10)) == kHighsStatusOk &&
         h.set_number(solver, "primal_feasibility_tolerance", std::max(options.tolerance, 1e-10)) == kHighsStatusOk;
}

bool pass_model(const HighsLibrary& h, void* solver, const MipModel& m, const std::vector<double>& cost) {
  std::vector<HighsInt> integrality(m.kind.size());
  std::transform(m.kind.begin(), m.kind.end(), integrality.begin(),
                 [](Kind kind) { return kind == Kind::whole ? kHighsVarTypeInteger : kHighsVarTypeContinuous; });
  const HighsInt sense = m.sense == Sense::minimise ? kHighsObjSenseMinimize : kHighsObjSenseMaximize;
  return h.pass(solver, m.variables(), m.rows(), static_cast<HighsInt>(m.column.size()), kHighsMatrixFormatRowwise, sense, m.offset,
                cost.data(), m.lower.data(), m.upper.data(), m.row_lower.data(), m.row_upper.data(), m.row_start.data(),
                m.column.data(), m.value.data(), integrality.data()) != kHighsStatusError;
}

// The model's status after a run with these costs; the solver stays for questions.
Result<HighsInt> run_solver(const HighsLibrary& h, void* solver, const MipModel& model, const std::vector<double>& cost,
                            const MipOptions& options, Watch& watch) {
  const Error refused(ErrorCode::internal, "HiGHS refuses the linear program", "Scale its entries: they must lie below 1e15.");
  if (!set_options(h, solver, options) || !pass_model(h, solver, model, cost)) return refused;
  h.set_callback(solver, &called_back, &watch);
  for (const HighsInt type : {kHighsCallbackSimplexInterrupt, kHighsCallbackIpmInterrupt, kHighsCallbackMipInterrupt}) {
    h.start_callback(solver, type);
  }
  if (watch.on_improvement) h.start_callback(solver, kHighsCallbackMipImprovingSolution);
  if (!options.start.empty()) h.set_solution(solver, options.start.data(), nullptr, nullptr, nullptr);
  h.run(solver);
  if (watch.stop.requested()) return watch.stop.check().error();
  return h.model_status(solver);
}

double missed(double value, double low, double high) { return std::max({low - value, value - high, 0.0}); }

// The most by which x misses a bound or a row; a row's miss is taken relative to the size of its terms where that is above 1.
double violation_of(const MipModel& m, const std::vector<double>& x) {
  double worst = 0;
  for (std::size_t j = 0; j < x.size(); ++j) worst = std::max(worst, missed(x[j], m.lower[j], m.upper[j]));
  for (std::size_t r = 0; r < m.row_lower.size(); ++r) {
    double sum = 0;
    double size = 1;
    for (auto k = static_cast<std::size_t>(m.row_start[r]); k < static_cast<std::size_t>(m.row_start[r + 1]); ++k) {
      const double term = m.value[k] * x[static_cast<std::size_t>(m.column[k])];
      sum += term;
      size = std::max(size, std::abs(term));
    }
    worst = std::max(worst, missed(sum, m.row_lower[r], m.row_upper[r]) / size);
  }
  return worst;
}

void take_solution(const HighsLibrary& h, void* solver, const MipModel& m, MipSolution& out) {
  HighsInt held = kHighsSolutionStatusNone;
  h.integer_info(solver, "primal_solution_status", &held);
  if (held != kHighsSolutionStatusFeasible) return;
  std::vector<double> x(m.cost.size());
  std::vector<double> dual(m.cost.size());
  std::vector<double> row(m.row_lower.size());
  std::vector<double> row_dual(m.row_lower.size());
  h.solution(solver, x.data(), dual.data(), row.data(), row_dual.data());
  double objective = m.offset;
  for (std::size_t j = 0; j < x.size(); ++j) {
    if (m.kind[j] == Kind::whole) x[j] = std::round(x[j]);
    objective += m.cost[j] * x[j];
  }
  out.violation = violation_of(m, x);
  if (!(out.violation <= loose_violation)) return;
  out.found = true;
  out.x = std::move(x);
  out.objective = objective;
}

bool ended_by_limit(HighsInt status) {
  return status == kHighsModelStatusTimeLimit || status == kHighsModelStatusIterationLimit ||
         status == kHighsModelStatusSolutionLimit || status == kHighsModelStatusInterrupt;
}

// The solver's proven bound. A linear program has none but its optimum's, which its duals prove.
void take_bound(const HighsLibrary& h, void* solver, const MipModel& m, HighsInt status, MipSolution& out) {
  const bool whole = std::any_of(m.kind.begin(), m.kind.end(), [](Kind kind) { return kind == Kind::whole; });
  const double nothing = m.sense == Sense::minimise ? -infinite : infinite;
  double bound = nothing;
  if (whole) {
    h.number_info(solver, "mip_dual_bound", &bound);
    std::int64_t nodes = 0;
    h.long_info(solver, "mip_node_count", &nodes);
    out.nodes = std::max<std::int64_t>(nodes, 0);
    if (std::isnan(bound) || std::abs(bound) >= 1e30) bound = nothing;
  } else if (status == kHighsModelStatusOptimal) {
    h.number_info(solver, "objective_function_value", &bound);
  }
  out.bound = bound;
  if (out.found && std::isfinite(bound)) out.gap = std::abs(out.objective - bound) / std::max(1.0, std::abs(out.objective));
}

MipStatus status_of(HighsInt status, const MipSolution& solution) {
  if (status == kHighsModelStatusInfeasible) return MipStatus::infeasible;
  if (status == kHighsModelStatusUnbounded) return MipStatus::unbounded;
  if (!solution.found) return MipStatus::stopped;
  return status == kHighsModelStatusOptimal && solution.gap <= closed_gap ? MipStatus::optimal : MipStatus::feasible;
}

// Presolve may see only that the objective or the rows are at fault. With no costs left, the rows alone answer.
Result<HighsInt> tell_apart(const HighsLibrary& h, const MipModel& model, const MipOptions& options, Watch& watch) {
  const Run again(h);
  MipOptions plain = options;
  plain.start.clear();
  PLIMSOLL_TRY(const HighsInt status, run_solver(h, again.get(), model, std::vector<double>(model.cost.size(), 0.0), plain, watch));
  return status == kHighsModelStatusOptimal ? kHighsModelStatusUnbounded : status;
}

}  // namespace

std::int32_t MipModel::add_variable(double low, double high, double price, Kind what) {
  cost.push_back(price);
  lower.push_back(low);
  upper.push_back(high);
  kind.push_back(what);
  return variables() - 1;
}

void MipModel::add_row(double low, double high, std::span<const std::int32_t> columns, std::span<const double> values) {
  column.insert(column.end(), columns.begin(), columns.end());
  value.insert(value.end(), values.begin(), values.end());
  row_lower.push_back(low);
  row_upper.push_back(high);
  row_start.push_back(static_cast<std::int32_t>(column.size()));
}

std::string_view name_of(MipStatus status) {
  switch (status) {
    case MipStatus::optimal: return "optimal";
    case MipStatus::feasible: return "feasible";
    case MipStatus::infeasible: return "infeasible";
    case MipStatus::unbounded: return "unbounded";
    case MipStatus::stopped: break;
  }
  return "stopped";
}

Result<MipSolution> solve_mip(Context& context, const MipModel& model, const MipOptions& options) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_CHECK(check(model, options));
  PLIMSOLL_TRY(const HighsLibrary* const h, highs());
  MipSolution solution;
  solution.solver = std::string("HiGHS ") + h->version();
  const double began = context.clock();
  Watch watch{context.stop, options.on_improvement};
  const Run run(*h);
  PLIMSOLL_TRY(HighsInt status, run_solver(*h, run.get(), model, model.cost, options, watch));
  if (status == kHighsModelStatusUnboundedOrInfeasible) {
    PLIMSOLL_TRY(const HighsInt told, tell_apart(*h, model, options, watch));
    status = told;
  }
  if (status == kHighsModelStatusModelEmpty) status = kHighsModelStatusOptimal;
  solution.limited = ended_by_limit(status);
  if (status != kHighsModelStatusInfeasible && status != kHighsModelStatusUnbounded) {
    take_solution(*h, run.get(), model, solution);
    take_bound(*h, run.get(), model, status, solution);
    if (!solution.limited && status != kHighsModelStatusOptimal) {
      return Error(ErrorCode::internal, "HiGHS ended with model status " + std::to_string(status), "Scale the entries of the program.");
    }
  }
  solution.status = status_of(status, solution);
  solution.seconds = context.clock() - began;
  return solution;
}

Result<std::string> mip_solver_version() {
  PLIMSOLL_TRY(const HighsLibrary* const h, highs());
  return std::string("HiGHS ") + h->version();
}

}  // namespace plimsoll::solve

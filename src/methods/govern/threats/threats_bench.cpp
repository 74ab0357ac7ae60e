// SPDX-License-Identifier: Apache-2.0
// govern.threats on the ten risks of the sample register: CPU seconds of the exact engine on 2^17 cells and its error at the 99.9th
// percentile, against a grid sixteen times as fine; then of the simulation of YEARS years.
//   bench_govern_threats [YEARS]      prints one JSON line: exact, var, reference, error, low, high, mc, mc_var
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/govern/threats/threats.h"

int main(int argc, char** argv) {
  using namespace plimsoll;
  namespace threats = plimsoll::govern::threats;
  const std::int64_t years = argc > 1 ? static_cast<std::int64_t>(std::atof(argv[1])) : 1'000'000;
  const threats::Taxonomy taxonomy = threats::taxonomy_or_shipped(std::nullopt).value();
  const threats::Register book = threats::read_register(threats::sample_register().value(), taxonomy, std::nullopt, threats::Params{}).value();
  const std::vector<stats::CompoundRisk> laws = book.laws();
  double start = bench::cpu_seconds();
  const stats::CompoundLaw law = stats::compound_law(laws, {1 << 17, 0, false}).value();
  const stats::CompoundLaw::Bounded var = law.quantile(0.999);
  const double exact = bench::cpu_seconds() - start;
  const stats::CompoundLaw fine = stats::compound_law(laws, {1 << 21, law.step / 16, false}).value();
  const double reference = fine.quantile(0.999).value;
  // What the reference itself may be off by: half a cell of it.
  const double error = std::fabs(var.value - reference) + fine.step / 2;
  Workspace workspace({.threads = 1, .seed = 1});
  std::vector<std::string> names;
  for (const threats::Risk& risk : book.risks) names.push_back(risk.id);
  start = bench::cpu_seconds();
  const stats::DrawnYears drawn = stats::draw_years(workspace.context(), laws, names, {years, stats::Dependence::none, 0, 4}).value();
  const double mc = bench::cpu_seconds() - start;
  const double mc_var = drawn.totals[static_cast<std::size_t>(stats::quantile_rank(years, 0.999) - 1)];
  std::printf("{\"exact\": %.6f, \"var\": %.3f, \"reference\": %.3f, \"error\": %.6g, \"low\": %.3f, \"high\": %.3f, \"mc\": %.6f, \"mc_var\": %.3f}\n", exact, var.value, reference, error, var.low, var.high, mc, mc_var);
  return 0;
}

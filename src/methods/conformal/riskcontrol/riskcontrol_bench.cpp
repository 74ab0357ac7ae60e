// SPDX-License-Identifier: Apache-2.0
// conformal.riskcontrol: CPU seconds to choose lambda for the share of missed labels, ten labels with known probabilities.
//   bench_conformal_riskcontrol [ROWS [GRID [PROCEDURE]]]
// prints one JSON line: cpu, floor (reading the columns once), lambda, peak_mb.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/conformal/riskcontrol/riskcontrol.h"

int main(int argc, char** argv) {
  using namespace plimsoll;
  namespace riskcontrol = plimsoll::conformal::riskcontrol;
  const std::int64_t rows = argc > 1 ? static_cast<std::int64_t>(std::atof(argv[1])) : 100'000;
  constexpr std::size_t labels = 10;
  riskcontrol::Params params;
  params.grid = argc > 2 ? std::atoll(argv[2]) : 101;
  const std::string procedure = argc > 3 ? argv[3] : "crc";
  const auto names = choices_of(riskcontrol::Procedure{});
  params.procedure = static_cast<riskcontrol::Procedure>(std::find(names.begin(), names.end(), procedure) - names.begin());
  TableBuilder builder;
  Roles roles;
  for (std::size_t k = 0; k < labels; ++k) {
    std::vector<double> p;
    std::vector<std::int64_t> y;
    for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(rows); ++i) {
      p.push_back(bench::uniform(bench::mix(41), i * labels + k));
      y.push_back(k == 0 || bench::uniform(bench::mix(42), i * labels + k) < p.back() ? 1 : 0);  // each row has a true label
    }
    roles["probability"].push_back("p_" + std::to_string(k));
    roles["label"].push_back("y_" + std::to_string(k));
    builder.real(roles["probability"].back(), std::move(p)).integer(roles["label"].back(), std::move(y));
  }
  const Table table = builder.build().value().with_roles(roles);
  WorkspaceOptions options;
  options.threads = 1;
  Workspace workspace(options);
  const double base = bench::resident_mb("VmRSS:");
  bench::reset_peak();
  double begin = bench::cpu_seconds();
  double total = 0;
  for (const ColumnInfo& column : table.columns())
    {
      const Reals values = table.reals(column.name).value();
      for (const double v : values) total += v;
    }
  const double floor = bench::cpu_seconds() - begin;
  begin = bench::cpu_seconds();
  const auto model = riskcontrol::fit(workspace.context(), riskcontrol::Inputs{table, std::nullopt}, params);
  const double cpu = bench::cpu_seconds() - begin;
  std::printf("{\"cpu\": %.5f, \"floor\": %.5f, \"lambda\": %.9g, \"peak_mb\": %.1f, \"sum\": %.6g}\n", cpu, floor, model.value().lambda, bench::resident_mb("VmHWM:") - base, total);
  return 0;
}

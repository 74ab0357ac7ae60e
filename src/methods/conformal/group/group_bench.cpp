// SPDX-License-Identifier: Apache-2.0
// conformal.group on a table in memory: CPU seconds of calibrating and applying with one threshold for each of some groups; the floor
// is a plain sum of the same columns.
//   bench_conformal_group [ROWS [GROUPS]]     prints one JSON line

#include <cstdio>
#include <cstdlib>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/conformal/group/group.h"

int main(int argc, char** argv) {
  using namespace plimsoll;
  namespace group = plimsoll::conformal::group;
  const auto rows = static_cast<std::size_t>(argc > 1 ? std::atof(argv[1]) : 1e6);
  const std::uint64_t groups = argc > 2 ? static_cast<std::uint64_t>(std::atoi(argv[2])) : 10;
  const auto draw = [&](std::uint64_t stream) {
    std::vector<double> y(rows), f(rows);
    std::vector<std::int64_t> g(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      f[i] = bench::normal(bench::mix(stream), i);
      g[i] = static_cast<std::int64_t>(bench::uniform(bench::mix(stream + 1), i) * static_cast<double>(groups));
      y[i] = f[i] + (0.5 + static_cast<double>(g[i])) * bench::normal(bench::mix(stream + 2), i);
    }
    return TableBuilder().real("y", std::move(y)).real("f", std::move(f)).integer("g", std::move(g)).build().value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}, {"group", {"g"}}});
  };
  const Table calibration = draw(31);
  const Table fresh = draw(41);
  Workspace workspace({.backend = Backend::serial});
  const double base = bench::resident_mb("VmRSS:");
  bench::reset_peak();
  const double start = bench::cpu_seconds();
  double floor_sum = 0;
  for (const Table* table : {&calibration, &fresh})
    for (const char* name : {"y", "f", "g"}) {
      const Reals column = table->reals(name).value();
      for (const double x : column) floor_sum += x;
    }
  const double begin = bench::cpu_seconds();
  const auto model = group::fit(workspace.context(), {calibration, std::nullopt}, {});
  const double middle = bench::cpu_seconds();
  const auto out = group::apply(workspace.context(), model.value(), {fresh}, {});
  const double end = bench::cpu_seconds();
  const Reals lower = out.value().rows.reals("lower").value();
  const Reals upper = out.value().rows.reals("upper").value();
  const Reals y = fresh.reals("y").value();
  double covered = 0;
  for (std::size_t i = 0; i < rows; ++i) covered += lower[i] <= y[i] && y[i] <= upper[i] ? 1 : 0;
  std::printf("{\"fit\":%.9g,\"apply\":%.9g,\"floor\":%.9g,\"floor_sum\":%.9g,\"coverage\":%.9g,\"peak_mb\":%.1f}\n", middle - begin, end - middle, begin - start, floor_sum, covered / static_cast<double>(rows), bench::resident_mb("VmHWM:") - base);
  return 0;
}

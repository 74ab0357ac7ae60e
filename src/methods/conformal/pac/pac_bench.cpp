// SPDX-License-Identifier: Apache-2.0
// conformal.pac: CPU seconds of fit and apply on numbers, y = x + (0.5 + 0.5 |x|) N predicted as x.
//   bench_conformal_pac [ROWS]
// prints one JSON line: cpu, floor (reading the columns once), threshold, peak_mb. The row fingerprint is part of fit.

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/conformal/pac/pac.h"

int main(int argc, char** argv) {
  using namespace plimsoll;
  namespace pac = plimsoll::conformal::pac;
  const std::int64_t rows = argc > 1 ? static_cast<std::int64_t>(std::atof(argv[1])) : 1'000'000;
  const auto draw = [&](std::uint64_t stream) {
    std::vector<double> x, y;
    for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(rows); ++i) {
      x.push_back(bench::normal(bench::mix(stream), i));
      y.push_back(x.back() + (0.5 + 0.5 * std::fabs(x.back())) * bench::normal(bench::mix(stream + 1), i));
    }
    return TableBuilder().real("y", std::move(y)).real("x", std::move(x)).build().value().with_roles({{"target", {"y"}}, {"prediction", {"x"}}});
  };
  const Table past = draw(11);
  const Table fresh = draw(13);
  WorkspaceOptions options;
  options.threads = 1;
  Workspace workspace(options);
  const double base = bench::resident_mb("VmRSS:");
  bench::reset_peak();
  double begin = bench::cpu_seconds();
  double total = 0;
  for (const Table& table : {past, fresh})
    for (const char* name : {"y", "x"})
      {
        const Reals column = table.reals(name).value();
        for (const double v : column) total += v;
      }
  const double floor = bench::cpu_seconds() - begin;
  begin = bench::cpu_seconds();
  const auto model = pac::fit(workspace.context(), pac::Inputs{past, std::nullopt}, pac::Params{});
  const auto out = pac::apply(workspace.context(), model.value(), pac::ApplyInputs{fresh}, pac::Options{});
  const double cpu = bench::cpu_seconds() - begin;
  std::printf("{\"cpu\": %.5f, \"floor\": %.5f, \"threshold\": %.17g, \"peak_mb\": %.1f, \"upper\": %.9g, \"sum\": %.6g}\n", cpu, floor, model.value().thresholds.front(), bench::resident_mb("VmHWM:") - base, out.value().rows.reals("upper").value()[0], total);
  return 0;
}

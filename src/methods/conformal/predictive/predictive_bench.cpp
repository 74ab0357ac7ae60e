// SPDX-License-Identifier: Apache-2.0
// conformal.predictive: CPU seconds of fit and of apply with intervals and two percentiles, with p-values, and with CRPS.
//   bench_conformal_predictive [ROWS]
// prints one JSON line: intervals, p_values, crps (each fit + apply, CPU s), floor (reading the rows once), peak_mb, mean_crps.

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/conformal/predictive/predictive.h"

namespace {

using namespace plimsoll;
namespace predictive = plimsoll::conformal::predictive;

Table draw(std::uint64_t stream, std::int64_t rows) {
  std::vector<double> x, y, s;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(rows); ++i) {
    x.push_back(bench::normal(bench::mix(stream), i));
    s.push_back(0.5 + 0.5 * std::fabs(x.back()));
    y.push_back(x.back() + s.back() * bench::normal(bench::mix(stream + 1), i));
  }
  return TableBuilder().real("y", std::move(y)).real("x", std::move(x)).real("s", std::move(s)).build().value().with_roles({{"target", {"y"}}, {"prediction", {"x"}}, {"sigma", {"s"}}});
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t rows = argc > 1 ? static_cast<std::int64_t>(std::atof(argv[1])) : 10'000;
  const Table past = draw(11, rows);
  const Table fresh = draw(13, rows);
  WorkspaceOptions options;
  options.threads = 1;
  Workspace workspace(options);
  const double base = bench::resident_mb("VmRSS:");
  bench::reset_peak();
  const auto timed = [&](const predictive::Options& wanted, Table& out) {
    const double begin = bench::cpu_seconds();
    const auto model = predictive::fit(workspace.context(), predictive::Inputs{past, std::nullopt}, predictive::Params{});
    out = predictive::apply(workspace.context(), model.value(), predictive::ApplyInputs{fresh}, wanted).value().rows;
    return bench::cpu_seconds() - begin;
  };
  double begin = bench::cpu_seconds();
  double total = 0;
  for (const char* name : {"y", "x", "s"})
    {
      const Reals column = fresh.reals(name).value();
      for (const double v : column) total += v;
    }
  const double floor = bench::cpu_seconds() - begin;
  predictive::Options wanted;
  wanted.quantiles = {0.25, 0.75};
  Table out;
  const double intervals = timed(wanted, out);
  wanted.quantiles.clear();
  wanted.alpha.clear();
  wanted.p_value = true;
  const double p_values = timed(wanted, out);
  wanted.p_value = false;
  wanted.crps = true;
  const double crps = timed(wanted, out);
  double mean = 0;
  {
    const Reals column = out.reals("crps").value();
    for (const double v : column) mean += v / static_cast<double>(rows);
  }
  std::printf("{\"intervals\": %.5f, \"p_values\": %.5f, \"crps\": %.5f, \"floor\": %.6f, \"peak_mb\": %.1f, \"mean_crps\": %.9g, \"sum\": %.6g}\n", intervals, p_values, crps, floor, bench::resident_mb("VmHWM:") - base, mean, total);
  return 0;
}

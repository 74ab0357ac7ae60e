// SPDX-License-Identifier: Apache-2.0
// conformal.weighted on a table in memory: CPU seconds of calibrating and applying, each new row with a weight and so a threshold of its
// own (given), or with fixed weights; the floor is a sort of the scores.
//   bench_conformal_weighted [ROWS [given|fixed]]     prints one JSON line

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/conformal/weighted/weighted.h"

int main(int argc, char** argv) {
  using namespace plimsoll;
  namespace weighted = plimsoll::conformal::weighted;
  const auto rows = static_cast<std::size_t>(argc > 1 ? std::atof(argv[1]) : 1e6);
  const bool fixed = argc > 2 && std::strcmp(argv[2], "fixed") == 0;
  const auto draw = [&](std::uint64_t stream, double centre) {
    std::vector<double> y(rows), f(rows), w(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      f[i] = centre + bench::normal(bench::mix(stream), i);
      w[i] = 1 / (1 + std::exp(-f[i]));
      y[i] = f[i] + std::exp(0.5 * f[i]) * bench::normal(bench::mix(stream + 1), i);
    }
    return TableBuilder().real("y", std::move(y)).real("f", std::move(f)).real("w", std::move(w)).build().value().with_roles({{"target", {"y"}}, {"prediction", {"f"}}, {"weight", {"w"}}});
  };
  const Table calibration = draw(51, 0);
  const Table fresh = draw(61, 0.5);
  weighted::Params params;
  params.weights = fixed ? weighted::Weights::fixed : weighted::Weights::given;
  Workspace workspace({.backend = Backend::serial});
  const double base = bench::resident_mb("VmRSS:");
  const double start = bench::cpu_seconds();
  std::vector<double> scores(rows);
  {
    const Reals y = calibration.reals("y").value();
    const Reals f = calibration.reals("f").value();
    for (std::size_t i = 0; i < rows; ++i) scores[i] = std::fabs(y[i] - f[i]);
    std::sort(scores.begin(), scores.end());
  }
  const double begin = bench::cpu_seconds();
  const double middle_score = scores[rows / 2];
  scores = {};
  bench::reset_peak();
  const double fitting = bench::cpu_seconds();
  const auto model = weighted::fit(workspace.context(), {calibration, std::nullopt, std::nullopt, std::nullopt}, params);
  const double middle = bench::cpu_seconds();
  const auto out = weighted::apply(workspace.context(), model.value(), {fresh}, {});
  const double end = bench::cpu_seconds();
  const Reals lower = out.value().rows.reals("lower").value();
  const Reals upper = out.value().rows.reals("upper").value();
  const Reals y = fresh.reals("y").value();
  double covered = 0;
  for (std::size_t i = 0; i < rows; ++i) covered += lower[i] <= y[i] && y[i] <= upper[i] ? 1 : 0;
  std::printf("{\"fit\":%.9g,\"apply\":%.9g,\"floor\":%.9g,\"median\":%.9g,\"coverage\":%.9g,\"peak_mb\":%.1f}\n", middle - fitting, end - middle, begin - start, middle_score, covered / static_cast<double>(rows), bench::resident_mb("VmHWM:") - base);
  return 0;
}

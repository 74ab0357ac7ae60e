// SPDX-License-Identifier: Apache-2.0
// score.decision: CPU seconds of a decision curve of 99 thresholds, each with its interval, and of the whole report, against the
// floor, a read of forecasts and outcomes.   bench_score_decision ROWS      prints one JSON line

#include "methods/score/decision/decision.h"

#include "bench/fit_and_apply.h"
#include "stats/threshold_curve.h"

namespace decision = plimsoll::score::decision;
using namespace plimsoll;

int main(int argc, char** argv) {
  const std::size_t rows = argc > 1 ? static_cast<std::size_t>(std::atof(argv[1])) : 1000000;
  const auto [p, y] = bench::scored_events(21, rows);
  const decision::Inputs inputs{bench::scored_table(21, static_cast<std::int64_t>(rows), true)};
  std::vector<double> thresholds;
  for (int k = 1; k < 100; ++k) thresholds.push_back(k / 100.0);
  WorkspaceOptions options;
  options.threads = 1;
  Workspace workspace(options);
  const double base = bench::resident_mb("VmRSS:");
  bench::reset_peak();
  const double start = bench::cpu_seconds();
  double sum = 0;
  for (std::size_t i = 0; i < rows; ++i) sum += p[i] + y[i];
  const double after_floor = bench::cpu_seconds();
  const auto curve = stats::threshold_curve(stats::ThresholdScore::net_benefit, p, y, {}, thresholds, {}, 0.95);
  const double after_curve = bench::cpu_seconds();
  const double peak = bench::resident_mb("VmHWM:") - base;
  const auto report = decision::assess(workspace.context(), inputs, {});
  const double after_report = bench::cpu_seconds();
  if (!curve || !report) return 1;
  std::printf("{\"floor\": %.5f, \"curve\": %.5f, \"report\": %.5f, \"benefit\": %.12f, \"sum\": %.3f, \"peak_mb\": %.0f}\n", after_floor - start, after_curve - after_floor, after_report - after_curve, curve.value()[10].value.value, sum, peak);
  return 0;
}

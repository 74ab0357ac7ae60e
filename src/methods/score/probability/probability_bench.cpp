// SPDX-License-Identifier: Apache-2.0
// Each score on the same rows: CPU seconds of whole calls.   bench_score_probability ROWS
// "floor" is a plain read of forecasts and outcomes, "sort" the standard library's sort of the forecasts, which every ranking needs.

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/runtime.h"
#include "bench/fit_and_apply.h"
#include "stats/calibration_error.h"
#include "stats/corp.h"
#include "stats/ece.h"
#include "stats/ranking.h"
#include "stats/roc.h"
#include "stats/scores.h"

namespace {

using namespace plimsoll;

double checked = 0;  // so that no call is left out

template <class Call>
void timed(const char* name, Call call) {
  const double start = bench::cpu_seconds();
  const double value = call();
  const double end = bench::cpu_seconds();
  checked += value;
  std::printf("\"%s\": %.5f, \"%s_value\": %.10g, ", name, end - start, name, value);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t n = argc > 1 ? static_cast<std::size_t>(std::atof(argv[1])) : 1000000;
  const auto [p, y] = bench::scored_events(21, n);
  const auto runtime = make_runtime(Backend::serial, 1);
  bench::reset_peak();
  const double base = bench::resident_mb("VmRSS:");
  std::printf("{");
  timed("floor", [&] {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += p[i] + y[i];
    return sum;
  });
  std::printf("\"sort\": %.5f, ", bench::seconds_of_sort(p));
  timed("auroc", [&] { return stats::auroc(p, y, 0.95).value().estimate.value; });
  timed("ece", [&] { return stats::expected_calibration_error(p, y, 15, stats::Binning::equal_width).value().ece; });
  timed("brier_log", [&] { return stats::brier_score(p, y) + stats::log_loss(p, y).value; });
  timed("precision", [&] { return stats::average_precision(p, y).value(); });
  timed("corp", [&] { return stats::corp(p, y).value().brier.miscalibration; });
  timed("smooth", [&] { return stats::at(stats::calibration_errors(p, y, {}, 15).value().gaps, stats::CalibrationGap::smooth); });
  timed("bootstrap_two", [&] { return stats::rank_replicates(p, y, {}, {}, 0.1, {*runtime, {}, Stream(1), 2}).value()[0][0]; });
  timed("bootstrap_twelve", [&] { return stats::rank_replicates(p, y, {}, {}, 0.1, {*runtime, {}, Stream(1), 12}).value()[0][0]; });
  std::printf("\"checked\": %.6g, \"peak_mb\": %.0f}\n", checked, bench::resident_mb("VmHWM:") - base);
  return 0;
}

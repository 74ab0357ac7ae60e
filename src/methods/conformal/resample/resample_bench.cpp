// SPDX-License-Identifier: Apache-2.0
// conformal.resample, CV+ from predictions: CPU seconds of fit and apply, y = x + (0.5 + 0.5 |x|) N predicted as x by each of K folds
// with a shift of its own, n rows and as many new ones.
//   bench_conformal_resample [ROWS [FOLDS]]
// prints one JSON line: fit, apply, cpu (both), floor (reading the new predictions once), peak_mb, coverage, width.

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/conformal/resample/resample.h"

namespace {

using namespace plimsoll;
namespace resample = plimsoll::conformal::resample;

struct Drawn {
  std::vector<double> x, y;
};

Drawn draw(std::uint64_t stream, std::int64_t rows) {
  Drawn drawn;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(rows); ++i) {
    drawn.x.push_back(bench::normal(bench::mix(stream), i));
    drawn.y.push_back(drawn.x.back() + (0.5 + 0.5 * std::fabs(drawn.x.back())) * bench::normal(bench::mix(stream + 1), i));
  }
  return drawn;
}

std::vector<double> shifted(std::vector<double> x, std::size_t fold) {
  for (double& v : x) v += 1e-3 * static_cast<double>(fold);
  return x;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t rows = argc > 1 ? static_cast<std::int64_t>(std::atof(argv[1])) : 150'000;
  const std::size_t folds = argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : 5;
  const Drawn past = draw(11, rows);
  const Drawn fresh = draw(13, rows);
  std::vector<std::int64_t> fold;
  std::vector<double> predicted = past.x;
  for (std::size_t i = 0; i < predicted.size(); ++i) {
    fold.push_back(static_cast<std::int64_t>(i % folds));
    predicted[i] += 1e-3 * static_cast<double>(i % folds);
  }
  const Table calibration = TableBuilder().real("y", past.y).real("p", std::move(predicted)).integer("fold", std::move(fold)).build().value().with_roles({{"target", {"y"}}, {"prediction", {"p"}}, {"fold", {"fold"}}});
  TableBuilder builder;
  std::vector<std::string> names;
  for (std::size_t f = 0; f < folds; ++f) {
    names.push_back("p" + std::to_string(f));
    builder.real(names.back(), shifted(fresh.x, f));
  }
  const Table rows_new = builder.build().value().with_roles({{"prediction", names}});
  WorkspaceOptions options;
  options.threads = 1;
  Workspace workspace(options);
  const double base = bench::resident_mb("VmRSS:");
  bench::reset_peak();
  double begin = bench::cpu_seconds();
  double total = 0;
  for (const std::string& name : names)
    {
      const Reals column = rows_new.reals(name).value();
      for (const double v : column) total += v;
    }
  const double floor = bench::cpu_seconds() - begin;
  begin = bench::cpu_seconds();
  const auto model = resample::fit(workspace.context(), resample::Inputs{calibration}, resample::Params{});
  const double fitted = bench::cpu_seconds() - begin;
  begin = bench::cpu_seconds();
  const auto out = resample::apply(workspace.context(), model.value(), resample::ApplyInputs{rows_new}, resample::Options{});
  const double applied = bench::cpu_seconds() - begin;
  const double peak = bench::resident_mb("VmHWM:") - base;
  const Reals lower = out.value().rows.reals("lower").value();
  const Reals upper = out.value().rows.reals("upper").value();
  double covered = 0;
  double width = 0;
  for (std::size_t i = 0; i < fresh.y.size(); ++i) {
    covered += lower[i] <= fresh.y[i] && fresh.y[i] <= upper[i] ? 1 : 0;
    width += upper[i] - lower[i];
  }
  const auto count = static_cast<double>(rows);
  std::printf("{\"fit\": %.5f, \"apply\": %.5f, \"cpu\": %.5f, \"floor\": %.5f, \"peak_mb\": %.1f, \"coverage\": %.5f, \"width\": %.5f, \"sum\": %.6g}\n", fitted, applied, fitted + applied, floor, peak, covered / count, width / count, total);
  return 0;
}

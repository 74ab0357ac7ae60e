// SPDX-License-Identifier: Apache-2.0
// calibrate.binary on tables in memory: CPU seconds of fit and of apply to as many new rows, against the floor, a sort of the scores.
// l = -1 + 1.5 N, p = sigmoid(1.3 l), y ~ Bernoulli(sigmoid(l)).
//   bench_calibrate_binary METHOD ROWS [ROUNDS]      prints one JSON line a round: floor, fit, apply, mean, peak_mb

#include <algorithm>
#include <cmath>
#include <string>

#include "bench/generator.h"
#include "engine/subject.h"
#include "engine/workspace.h"
#include "methods/calibrate/binary/binary.h"

namespace {

using namespace plimsoll;
namespace binary = plimsoll::calibrate::binary;

Table draw(std::uint64_t stream, std::int64_t rows, bool with_target) {
  const std::uint64_t key = bench::mix(stream);
  const std::uint64_t label_key = bench::mix(stream + 1);
  std::vector<double> p;
  std::vector<std::int64_t> y;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(rows); ++i) {
    const double l = -1 + 1.5 * bench::normal(key, i);
    p.push_back(1 / (1 + std::exp(-1.3 * l)));
    y.push_back(bench::uniform(label_key, i) < 1 / (1 + std::exp(-l)) ? 1 : 0);
  }
  TableBuilder builder;
  builder.real("p", std::move(p));
  if (with_target) builder.integer("y", std::move(y));
  Roles roles = {{"probability", {"p"}}};
  if (with_target) roles["target"] = {"y"};
  return std::move(builder).build().value().with_roles(std::move(roles));
}

int fail(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string method = argc > 1 ? argv[1] : "isotonic";
  const std::int64_t rows = argc > 2 ? static_cast<std::int64_t>(std::atof(argv[2])) : 1'000'000;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 3;
  binary::Params params;
  const auto names = choices_of(params.method);
  params.method = static_cast<learn::Calibration>(std::find(names.begin(), names.end(), method) - names.begin());
  params.map.interpolation = learn::Interpolation::edges;
  params.map.smooth_ends = false;
  const Table past = draw(21, rows, true);
  const Table fresh = draw(23, rows, false);
  WorkspaceOptions options;
  options.threads = 1;
  Workspace workspace(options);
  Context& context = workspace.context();
  const double base = bench::resident_mb("VmRSS:");
  for (int round = 0; round < rounds; ++round) {
    const Reals scores = past.reals("p").value();
    std::vector<double> sorted(scores.begin(), scores.end());
    const double start = bench::cpu_seconds();
    std::sort(sorted.begin(), sorted.end());
    const double after_floor = bench::cpu_seconds();
    sorted.clear();
    bench::reset_peak();
    const binary::Inputs inputs{past, std::nullopt};
    const double before_fit = bench::cpu_seconds();
    auto model = run_fit(context, binary::entry, &inputs, &params);
    if (!model) return fail(model.error());
    const double after_fit = bench::cpu_seconds();
    auto out = binary::apply(context, model.value().as<binary::Model>(), {fresh}, {});
    if (!out) return fail(out.error());
    const double after_apply = bench::cpu_seconds();
    const double peak = bench::resident_mb("VmHWM:") - base;
    double mean = 0;
    const Reals p = out.value().rows.reals("calibrated").value();
    for (const double x : p) mean += x / static_cast<double>(rows);
    std::printf("{\"floor\": %.4f, \"fit\": %.4f, \"apply\": %.4f, \"mean\": %.9f, \"peak_mb\": %.0f}\n", after_floor - start, after_fit - before_fit, after_apply - after_fit, mean, peak);
  }
  return 0;
}

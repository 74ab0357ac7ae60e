// SPDX-License-Identifier: Apache-2.0
// calibrate.binary on tables in memory: CPU seconds of fit and of apply to as many new rows, against the floor, a sort of the scores.
//   bench_calibrate_binary METHOD ROWS [ROUNDS]      prints one JSON line a round: floor, fit, apply, mean, peak_mb

#include "methods/calibrate/binary/binary.h"

#include "bench/fit_and_apply.h"

namespace binary = plimsoll::calibrate::binary;

int main(int argc, char** argv) {
  const std::string method = argc > 1 ? argv[1] : "isotonic";
  const std::int64_t rows = argc > 2 ? static_cast<std::int64_t>(std::atof(argv[2])) : 1'000'000;
  binary::Params params;
  const auto names = choices_of(params.method);
  params.method = static_cast<plimsoll::learn::Calibration>(std::find(names.begin(), names.end(), method) - names.begin());
  params.map.interpolation = plimsoll::learn::Interpolation::edges;
  params.map.smooth_ends = false;
  const auto apply = [](plimsoll::Context& context, const binary::Model& model, const plimsoll::Table& fresh) { return binary::apply(context, model, {fresh}, {}); };
  return plimsoll::bench::time_fit_and_apply<binary::Model, binary::Inputs>(binary::entry, params, rows, argc > 3 ? std::atoi(argv[3]) : 3, apply);
}

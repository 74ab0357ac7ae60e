// SPDX-License-Identifier: Apache-2.0
// calibrate.venn_abers on tables in memory: CPU seconds of fit and of apply to as many new rows, against the floor, a sort of the scores.
//   bench_calibrate_venn_abers ROWS [ROUNDS]      prints one JSON line a round: floor, fit, apply, mean, peak_mb

#include "methods/calibrate/venn_abers/venn_abers.h"

#include "bench/fit_and_apply.h"

namespace venn_abers = plimsoll::calibrate::venn_abers;

int main(int argc, char** argv) {
  const std::int64_t rows = argc > 1 ? static_cast<std::int64_t>(std::atof(argv[1])) : 10'000;
  const auto apply = [](plimsoll::Context& context, const venn_abers::Model& model, const plimsoll::Table& fresh) { return venn_abers::apply(context, model, {fresh}, {}); };
  return plimsoll::bench::time_fit_and_apply<venn_abers::Model, venn_abers::Inputs>(venn_abers::entry, venn_abers::Params{}, rows, argc > 2 ? std::atoi(argv[2]) : 3, apply);
}

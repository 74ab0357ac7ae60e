// SPDX-License-Identifier: Apache-2.0
// conformal.batch: CPU seconds of the bound on a mean (exact rank-sum law and dynamic programme) and of one order statistic.
//   bench_conformal_batch [ROWS [BATCH [ORDER_ROWS [ORDER_BATCH]]]]
// prints one JSON line: mean (s a bound), bound (its value), order (s, the sort included).

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/conformal/batch/batch.h"

int main(int argc, char** argv) {
  using namespace plimsoll;
  namespace batch = plimsoll::conformal::batch;
  const auto argument = [&](int i, std::int64_t otherwise) { return argc > i ? static_cast<std::int64_t>(std::atof(argv[i])) : otherwise; };
  const std::int64_t n = argument(1, 200);
  const std::int64_t m = argument(2, 20);
  Workspace workspace({.backend = Backend::serial});
  const auto scores_of = [](std::int64_t rows) {
    std::vector<double> scores;
    for (std::int64_t i = 0; i < rows; ++i) scores.push_back(bench::uniform(bench::mix(7), static_cast<std::uint64_t>(i)));
    return scores;
  };
  batch::Params params;
  params.target = batch::Target::mean;
  params.side = batch::Side::upper;
  params.score_lower_bound = 0;
  params.score_upper_bound = 1;
  batch::Sample sample{"", scores_of(n)};
  std::sort(sample.scores.begin(), sample.scores.end());
  constexpr int repeats = 20;
  double bound = 0;
  const double start = bench::cpu_seconds();
  for (int i = 0; i < repeats; ++i) bound = batch::bound_of(workspace.context(), params, sample, {}, m).value().upper;
  const double mean = (bench::cpu_seconds() - start) / repeats;
  batch::Params order;
  order.target = batch::Target::coverage;
  batch::Sample large{"", scores_of(argument(3, 1'000'000))};
  const double begin = bench::cpu_seconds();
  std::sort(large.scores.begin(), large.scores.end());
  const double upper = batch::bound_of(workspace.context(), order, large, {}, argument(4, 10'000)).value().upper;
  std::printf("{\"mean\":%.9g,\"bound\":%.17g,\"order\":%.9g,\"order_bound\":%.17g}\n", mean, bound, bench::cpu_seconds() - begin, upper);
  return 0;
}

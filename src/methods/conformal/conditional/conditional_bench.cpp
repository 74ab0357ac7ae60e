// SPDX-License-Identifier: Apache-2.0
// conformal.conditional: CPU seconds of the fit and of a row, with a basis of a constant and some normal features.
//   bench_conformal_conditional [ROWS [FEATURES [NEW_ROWS]]]     prints one JSON line

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "bench/generator.h"
#include "stats/basis_quantile.h"

int main(int argc, char** argv) {
  using namespace plimsoll;
  const auto n = static_cast<std::size_t>(argc > 1 ? std::atof(argv[1]) : 2000);
  const auto width = static_cast<std::size_t>(argc > 2 ? std::atoi(argv[2]) : 7) + 1;
  const auto fresh = static_cast<std::size_t>(argc > 3 ? std::atoi(argv[3]) : 100);
  std::vector<double> basis, scores;
  const auto add = [&](std::uint64_t stream, std::size_t i) {
    basis.push_back(1);
    for (std::size_t j = 1; j < width; ++j) basis.push_back(bench::normal(bench::mix(stream), i * width + j));
  };
  for (std::size_t i = 0; i < n; ++i) {
    add(71, i);
    scores.push_back(std::fabs(bench::normal(bench::mix(73), i)) * std::exp(0.5 * basis[i * width + 1]));
  }
  const double start = bench::cpu_seconds();
  const auto quantile = stats::BasisQuantile::fit(scores, basis, width, 0.1).value();
  const double middle = bench::cpu_seconds();
  basis.clear();
  for (std::size_t i = 0; i < fresh; ++i) add(72, i);
  const double begin = bench::cpu_seconds();
  double sum = 0;
  for (std::size_t i = 0; i < fresh; ++i) sum += quantile.threshold(std::span<const double>(basis).subspan(i * width, width), 0.9);
  const double rows = static_cast<double>(fresh);
  std::printf("{\"fit\":%.9g,\"row\":%.9g,\"mean\":%.12g}\n", middle - start, (bench::cpu_seconds() - begin) / rows, sum / rows);
  return 0;
}

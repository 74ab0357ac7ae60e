// SPDX-License-Identifier: Apache-2.0
// conformal.select: CPU seconds of a whole selection among K models on tables in memory.
//   bench_conformal_select [LABELLED [POOL [MODELS]]]
// prints one JSON line: cpu (s), selected, sizes (their sum, for checking).

#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/conformal/select/select.h"

int main(int argc, char** argv) {
  using namespace plimsoll;
  namespace select = plimsoll::conformal::select;
  const auto argument = [&](int i, std::int64_t otherwise) { return argc > i ? static_cast<std::int64_t>(std::atof(argv[i])) : otherwise; };
  const std::int64_t n = argument(1, 1000);
  const std::int64_t m = argument(2, 100);
  const std::int64_t models = argument(3, 24);
  Workspace workspace({.backend = Backend::serial});
  const auto half = [&](std::uint64_t stream, std::int64_t rows, bool labelled) {
    std::vector<double> y;
    for (std::int64_t i = 0; i < rows; ++i) y.push_back(bench::normal(bench::mix(stream), static_cast<std::uint64_t>(i)));
    TableBuilder builder;
    Roles roles;
    for (std::int64_t k = 0; k < models; ++k) {
      const double signal = 1.5 * static_cast<double>(k) / static_cast<double>(models);
      std::vector<double> mu;
      for (std::int64_t i = 0; i < rows; ++i) mu.push_back(signal * y[static_cast<std::size_t>(i)] + bench::normal(bench::mix(stream + 10 + static_cast<std::uint64_t>(k)), static_cast<std::uint64_t>(i)));
      const std::string name = "m" + std::to_string(k);
      builder.real(name, std::move(mu));
      roles["prediction"].push_back(name);
    }
    if (labelled) {
      builder.real("y", std::move(y));
      roles["target"] = {"y"};
    }
    return builder.build().value().with_roles(std::move(roles));
  };
  select::Inputs inputs;
  inputs.labelled = half(1, n, true);
  inputs.pool = half(1001, m, false);
  select::Params params;
  params.method = select::Procedure::optcs_msel;
  params.prune = select::Prune::dtm;
  params.q = 0.2;
  params.c = 0.5;
  const int repeats = n * models < 1'000'000 ? 20 : 1;
  std::int64_t selected = 0;
  double sizes = 0;
  const double start = bench::cpu_seconds();
  for (int i = 0; i < repeats; ++i) {
    const auto out = select::apply(workspace.context(), params, inputs, {}).value();
    selected = out.selected;
    const Reals column = out.rows.reals("size").value();
    sizes = std::accumulate(column.begin(), column.end(), 0.0);
  }
  std::printf("{\"cpu\":%.9g,\"selected\":%lld,\"sizes\":%.17g}\n", (bench::cpu_seconds() - start) / repeats, static_cast<long long>(selected), sizes);
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// conformal.online: updates a second of one rule, a step a row, residuals N(0, 1) around a prediction of 0.
//   bench_conformal_online [STEPS [RULE [WINDOW]]]
// prints one JSON line: cpu (s a step), coverage.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/conformal/online/online.h"

int main(int argc, char** argv) {
  using namespace plimsoll;
  namespace online = plimsoll::conformal::online;
  const std::int64_t steps = argc > 1 ? static_cast<std::int64_t>(std::atof(argv[1])) : 1'000'000;
  const std::string rule = argc > 2 ? argv[2] : "aci";
  online::Model model;
  model.params.window = argc > 3 ? std::atoll(argv[3]) : 1000;
  const auto names = choices_of(online::Rule{});
  model.params.rule = static_cast<online::Rule>(std::find(names.begin(), names.end(), rule) - names.begin());
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(model.params.window); ++i) model.scores.push_back(std::abs(bench::normal(bench::mix(21), i)));
  std::vector<double> y;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(steps); ++i) y.push_back(bench::normal(bench::mix(22), i));
  Workspace workspace({.backend = Backend::serial});
  online::State state;
  std::int64_t covered = 0;
  const double begin = bench::cpu_seconds();
  for (const double target : y) {
    online::Event event;
    event.target = target;
    covered += online::step(workspace.context(), model, state, event).value().covered ? 1 : 0;
  }
  const double cpu = bench::cpu_seconds() - begin;
  std::printf("{\"cpu\": %.9g, \"coverage\": %.5f}\n", cpu / static_cast<double>(steps), static_cast<double>(covered) / static_cast<double>(steps));
  return 0;
}

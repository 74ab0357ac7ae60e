// SPDX-License-Identifier: Apache-2.0
// conformal.martingale: seconds a step of one bet on exchangeable scores, all earlier scores kept.
//   bench_conformal_martingale [STEPS [BET]]
// prints one JSON line: cpu (s a step), log_capital.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/conformal/martingale/martingale.h"

int main(int argc, char** argv) {
  using namespace plimsoll;
  namespace martingale = plimsoll::conformal::martingale;
  const std::int64_t steps = argc > 1 ? static_cast<std::int64_t>(std::atof(argv[1])) : 10'000;
  const std::string bet = argc > 2 ? argv[2] : "jumper";
  martingale::Model model;
  const auto names = choices_of(martingale::Bet{});
  model.params.bet = static_cast<martingale::Bet>(std::find(names.begin(), names.end(), bet) - names.begin());
  Workspace workspace({.backend = Backend::serial});
  martingale::State state;
  double capital = 0;
  const double begin = bench::cpu_seconds();
  for (std::int64_t i = 0; i < steps; ++i) {
    martingale::Event event;
    event.score = std::abs(bench::normal(bench::mix(31), static_cast<std::uint64_t>(i)));
    capital = martingale::step(workspace.context(), model, state, event).value().log_capital;
  }
  std::printf("{\"cpu\": %.9g, \"log_capital\": %.6g}\n", (bench::cpu_seconds() - begin) / static_cast<double>(steps), capital);
  return 0;
}

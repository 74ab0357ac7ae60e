// SPDX-License-Identifier: Apache-2.0
// conformal.abstain: CPU seconds of the sweep over 144 pairs of thresholds, and of a decision.
//   bench_conformal_abstain [ROWS]
// prints one JSON line: sweep (s), cost (of the best pair), decision (s a row, by step).

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/conformal/abstain/abstain.h"

int main(int argc, char** argv) {
  using namespace plimsoll;
  namespace abstain = plimsoll::conformal::abstain;
  const auto rows = static_cast<std::int64_t>(argc > 1 ? std::atof(argv[1]) : 1e6);
  Workspace workspace({.backend = Backend::serial});
  const auto questions = [](std::uint64_t stream, std::int64_t count) {
    abstain::Learning learning;
    learning.options = 6;
    for (std::int64_t i = 0; i < count; ++i) {
      const auto row = static_cast<std::uint64_t>(i);
      const auto truth = static_cast<std::size_t>(4 * bench::uniform(bench::mix(stream), row));
      std::vector<double> z;
      for (std::size_t k = 0; k < 6; ++k) z.push_back(1.3 * (bench::normal(bench::mix(stream + 1 + k), row) + (k == truth ? 2.4 : k >= 4 ? -1.5 : 0)));
      abstain::to_probabilities(z, false);
      learning.p.insert(learning.p.end(), z.begin(), z.end());
      learning.answer.push_back(static_cast<std::int32_t>(truth));
    }
    return learning;
  };
  const abstain::Learning calibration = questions(100, 2000);
  const abstain::Learning learning = questions(200, rows);
  abstain::Quantiles quantiles;
  for (std::size_t i = 0; i < calibration.size(); ++i) quantiles.sorted.push_back(1 - calibration.at(i)[static_cast<std::size_t>(calibration.answer[i])]);
  std::sort(quantiles.sorted.begin(), quantiles.sorted.end());
  const abstain::Params params;
  const double start = bench::cpu_seconds();
  const abstain::Learned best = abstain::sweep(workspace.context(), params, quantiles, learning).value();
  const double sweep = bench::cpu_seconds() - start;
  abstain::Model model;
  model.options = {"A", "B", "C", "D", "E", "F"};
  abstain::Policy policy;
  policy.single = quantiles.at(best.alpha);
  policy.set = quantiles.at(best.beta);
  policy.certified = true;
  policy.lac = quantiles.sorted;
  model.policies = {policy};
  abstain::State state;
  abstain::Event event;
  event.logits = {0.3, 2.1, -0.4, 0.9, -1.0, -2.0};
  event.answer = model.options[1];
  constexpr int decisions = 100'000;
  const double begin = bench::cpu_seconds();
  for (int i = 0; i < decisions; ++i) {
    event.logits[0] = static_cast<double>(i % 7) / 3;
    if (!abstain::step(workspace.context(), model, state, event)) return 1;
  }
  std::printf("{\"sweep\":%.9g,\"cost\":%.17g,\"decision\":%.9g}\n", sweep, best.cost, (bench::cpu_seconds() - begin) / decisions);
  return 0;
}

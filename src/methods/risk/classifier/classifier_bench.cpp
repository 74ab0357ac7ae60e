// SPDX-License-Identifier: Apache-2.0
// risk.classifier on a table in memory: x ~ N(0, 1) in 30 columns, y ~ Bernoulli(sigmoid(-1 + .9 x0 - .7 x1 + .5 x2 x3 + .4 |x4|)).
// 100 trees of depth 6 on 60 % of the rows, isotonic map on 20 %, conformal scores on 20 %; then probabilities, sets and
// decisions of a fifth of the rows.
//   bench_risk_classifier [ROWS [diagnostics]]     diagnostics: with the figures that the report draws
// prints one JSON line: CPU seconds of fit, of XGBoost's training inside it, of apply, and peak memory above the data.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/generator.h"
#include "engine/subject.h"
#include "engine/workspace.h"
#include "learn/boosted_trees.h"
#include "methods/risk/classifier/model.h"

namespace plimsoll::risk::classifier {
extern constinit const Method entry;
}

namespace {

using namespace plimsoll;
namespace classifier = plimsoll::risk::classifier;
constexpr std::size_t width = 30;

Table draw(std::int64_t rows) {
  const std::uint64_t key = bench::mix(95);
  const std::uint64_t label_key = bench::mix(97);
  const auto n = static_cast<std::size_t>(rows);
  std::vector<std::vector<double>> x(width, std::vector<double>(n));
  std::vector<bool> y(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; c < width; ++c) x[c][i] = bench::normal(key, i * width + c);
    const double log_odds = -1 + 0.9 * x[0][i] - 0.7 * x[1][i] + 0.5 * x[2][i] * x[3][i] + 0.4 * std::fabs(x[4][i]);
    y[i] = bench::uniform(label_key, i) < 1 / (1 + std::exp(-log_odds));
  }
  TableBuilder builder;
  for (std::size_t c = 0; c < width; ++c) builder.real("x" + std::to_string(c), std::move(x[c]));
  builder.boolean("y", std::move(y));
  return std::move(builder).build().value().with_roles({{"target", {"y"}}});
}

double peak_above(double base) { return bench::resident_mb("VmHWM:") - base; }

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t rows = argc > 1 ? static_cast<std::int64_t>(std::atof(argv[1])) : 1'000'000;
  const Table data = draw(rows);
  const Table last = data.slice(rows - rows / 5, rows / 5);
  classifier::Params params;
  params.learner = classifier::Learner::trees;
  params.calibrator = learn::Calibration::isotonic;
  params.trees.options.rounds = 100;
  params.diagnostics = argc > 2 && std::strcmp(argv[2], "diagnostics") == 0;  // what the report draws: the peer computes none of it
  Workspace workspace({.threads = 1, .seed = 1});
  Context& context = workspace.context();
  const double base = bench::resident_mb("VmRSS:");
  bench::reset_peak();

  const double start = bench::cpu_seconds();
  const classifier::Inputs inputs{data, std::nullopt, std::nullopt};
  auto model = run_fit(context, classifier::entry, &inputs, &params);
  if (!model) {
    std::fprintf(stderr, "%s\n", model.error().message().c_str());
    return 1;
  }
  const double fitted = bench::cpu_seconds();
  auto out = classifier::apply(context, model.value().as<classifier::Model>(), {last}, {});
  if (!out) {
    std::fprintf(stderr, "%s\n", out.error().message().c_str());
    return 1;
  }
  const double applied = bench::cpu_seconds();
  const auto training = learn::total_training_cost();
  const double rest = fitted - start - training.cpu_seconds;
  std::printf("{\"fit\": %.4f, \"training\": %.4f, \"boosting\": %.4f, \"fit_less_training\": %.4f, \"apply\": %.4f, \"everything_else\": %.4f, \"peak_mb\": %.0f}\n", fitted - start,
              training.cpu_seconds, training.boosting_cpu_seconds, rest, applied - fitted, rest + applied - fitted, peak_above(base));
  return 0;
}

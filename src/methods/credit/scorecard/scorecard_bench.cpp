// SPDX-License-Identifier: Apache-2.0
// credit.scorecard on numbers in memory: CPU seconds of binning all features, of the whole fit, of weights of evidence for all rows, of scores with limits
// and reasons.
// x ~ N, y ~ Bernoulli(sigmoid(-2 + sum 0.8 / (1 + j) x_j)); streams 41 and 43.
//   bench_credit_scorecard [ROWS [FEATURES [ROUNDS]]]
// prints one JSON line a round: floor (a plain sum of the values), bin, fit, woe, apply (CPU s), iv of the first feature, peak.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "methods/credit/scorecard/scorecard.h"

namespace {

using namespace plimsoll;
using bench::cpu_seconds;
namespace card = plimsoll::credit::scorecard;

Table draw(std::int64_t rows, std::size_t features) {
  const std::uint64_t x_key = bench::mix(41);
  const std::uint64_t y_key = bench::mix(43);
  const auto n = static_cast<std::size_t>(rows);
  std::vector<double> logit(n, -2.0);
  TableBuilder builder;
  for (std::size_t j = 0; j < features; ++j) {
    std::vector<double> x(n);
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = bench::normal(x_key, i * features + j);
      logit[i] += 0.8 / static_cast<double>(1 + j) * x[i];
    }
    builder.real("x" + std::to_string(j), std::move(x));
  }
  std::vector<std::int64_t> y(n);
  for (std::size_t i = 0; i < n; ++i) y[i] = bench::uniform(y_key, i) < 1 / (1 + std::exp(-logit[i])) ? 1 : 0;
  builder.integer("y", std::move(y));
  return std::move(builder).build().value().with_roles({{"target", {"y"}}});
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t rows = argc > 1 ? static_cast<std::int64_t>(std::atof(argv[1])) : 1'000'000;
  const std::size_t features = argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : 10;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 1;
  const Table table = draw(rows, features);
  WorkspaceOptions options;
  options.threads = 1;
  Workspace workspace(options);
  Context& context = workspace.context();
  const double base = bench::resident_mb("VmRSS:");
  for (int round = 0; round < rounds; ++round) {
    bench::reset_peak();
    const double start = cpu_seconds();
    double total = 0;
    for (std::size_t j = 0; j < features; ++j) {
      const Reals column = table.reals("x" + std::to_string(j)).value();
      for (const double x : column) total += x;
    }
    const double after_floor = cpu_seconds();
    const card::Params params;
    const auto past = card::read_rows(table, "");
    const auto names = card::feature_names(table, false);
    if (!past || !names) return 1;
    const auto binned = card::bin_features(context, table, names.value(), past.value(), params);
    if (!binned) return 1;
    const double after_bin = cpu_seconds();
    auto model = card::fit(context, card::Inputs{table}, params);
    if (!model) return 1;
    const double after_fit = cpu_seconds();
    std::vector<std::vector<double>> woe;
    for (const card::Feature& feature : model.value().features) {
      std::int64_t unseen = 0;
      std::string word;
      const auto codes = card::codes_of(feature, table, &unseen, &word);
      if (!codes) return 1;
      std::vector<double> of_bin(256, 0.0);
      for (std::size_t b = 0; b < feature.bins.size(); ++b) of_bin[b] = feature.bins[b].woe;
      woe.emplace_back(codes.value().size());
      for (std::size_t i = 0; i < woe.back().size(); ++i) woe.back()[i] = of_bin[codes.value()[i]];
    }
    const double after_woe = cpu_seconds();
    const auto scored = card::apply(context, model.value(), card::Cases{table}, card::Options{});
    if (!scored) return 1;
    const double after_apply = cpu_seconds();
    std::printf("{\"floor\": %.4f, \"bin\": %.4f, \"fit\": %.4f, \"woe\": %.4f, \"apply\": %.4f, \"iv\": %.5f, \"bins\": %zu, \"auc\": %.5f, \"sum\": %.6g, \"peak_mb\": %.0f}\n", after_floor - start, after_bin - after_floor,
                after_fit - after_bin, after_woe - after_fit, after_apply - after_woe, binned.value()[0].feature.iv, binned.value()[0].feature.bins.size(), model.value().auc, total, bench::resident_mb("VmHWM:") - base);
  }
  return 0;
}

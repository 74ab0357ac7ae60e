// SPDX-License-Identifier: Apache-2.0
// probability.multiplicity on rows of zeros and ones: CPU seconds of learning the set of good models, and of the exact range
// of every distinct row (both ends).
//   bench_probability_multiplicity [ROWS [COLUMNS [ROUNDS]]]
// prints one JSON line a round: fit, ranges (CPU s), patterns, per_person (ranges / patterns), the sum of all ends and of
// those of two persons, peak_mb.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench/generator.h"
#include "engine/workspace.h"
#include "learn/logistic.h"
#include "methods/probability/multiplicity/multiplicity.h"

namespace {

using namespace plimsoll;
namespace multiplicity = plimsoll::probability::multiplicity;

Table draw(std::int64_t rows, std::int64_t columns) {
  std::vector<std::vector<double>> x(static_cast<std::size_t>(columns), std::vector<double>(static_cast<std::size_t>(rows)));
  std::vector<double> y;
  const std::uint64_t key = bench::mix(1);
  const std::uint64_t label_key = bench::mix(2);
  for (std::size_t i = 0; i < static_cast<std::size_t>(rows); ++i) {
    double logit = -1;
    for (std::size_t j = 0; j < x.size(); ++j) {
      x[j][i] = bench::uniform(key, i * x.size() + j) < 0.3 ? 1 : 0;
      logit += (j % 2 == 0 ? 1.0 : -0.5) * x[j][i];
    }
    y.push_back(bench::uniform(label_key, i) < learn::sigmoid(logit) ? 1 : 0);
  }
  TableBuilder builder;
  for (std::size_t j = 0; j < x.size(); ++j) builder.real("x" + std::to_string(j), std::move(x[j]));
  builder.real("y", std::move(y));
  return builder.build().value().with_roles({{"target", {"y"}}});
}

int round_of(const Table& table) {
  Workspace workspace({.backend = Backend::serial});
  Context& context = workspace.context();
  bench::reset_peak();
  const double base = bench::resident_mb("VmRSS:");
  const double began = bench::cpu_seconds();
  const auto learning = multiplicity::read_learning(context, table, multiplicity::Params{});
  if (!learning.ok()) return 1;
  const auto set = multiplicity::learn_set(context, *learning, multiplicity::Params{});
  if (!set.ok()) return 1;
  const double fitted = bench::cpu_seconds();
  const auto ranges = multiplicity::find_ranges(context, *set, learning->rows, multiplicity::Ends::exact, false);
  if (!ranges.ok()) return 1;
  const double done = bench::cpu_seconds();
  double sum = 0;
  for (std::size_t i = 0; i < ranges->low.size(); ++i) sum += learn::sigmoid(ranges->low[i].logit) + learn::sigmoid(ranges->high[i].logit);
  double shown = 0;  // the persons on whom the peer is run
  for (const std::size_t i : {std::size_t{0}, ranges->low.size() / 2}) shown += learn::sigmoid(ranges->low[i].logit) + learn::sigmoid(ranges->high[i].logit);
  const auto people = static_cast<double>(learning->rows.size());
  std::printf("{\"fit\": %.6f, \"ranges\": %.6f, \"patterns\": %.0f, \"per_person\": %.9f, \"ends\": %.9f, \"shown\": %.9f, \"loss\": %.9f, \"peak_mb\": %.1f}\n", fitted - began, done - fitted,
              people, (done - fitted) / people, sum, shown, set->best_loss(), bench::resident_mb("VmHWM:") - base);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::int64_t rows = count > 1 ? std::atoll(arguments[1]) : 6000;
  const std::int64_t columns = count > 2 ? std::atoll(arguments[2]) : 12;
  const int rounds = count > 3 ? std::atoi(arguments[3]) : 1;
  const Table table = draw(rows, columns);
  for (int round = 0; round < rounds; ++round) {
    if (round_of(table) != 0) return 1;
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
// conformal.split on tables in memory: CPU seconds of calibrating and of applying, against the floor, a plain sum of both tables.
// Data by a counter generator that any language reproduces (SplitMix64 finaliser): p = softmax(2 N), y drawn from p.
//   bench_conformal_split [ROWS [CLASSES [SCORE [ROUNDS [plain]]]]]     plain: without the row fingerprint
// prints one JSON line a round: floor, calibrate, apply (CPU s), their ratio, coverage and mean size.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/generator.h"
#include "engine/subject.h"
#include "engine/workspace.h"
#include "methods/conformal/split/answers.h"
#include "learn/score_rows.h"

namespace {

using namespace plimsoll;
using bench::cpu_seconds;
using bench::mix;
using bench::normal;
using bench::uniform;
namespace split = plimsoll::conformal::split;

struct Drawn {
  Table table;
  std::vector<std::int64_t> labels;
};

Drawn draw(std::uint64_t stream, std::int64_t rows, int classes) {
  const std::uint64_t key = mix(stream);
  const std::uint64_t label_key = mix(stream + 1);
  const auto width = static_cast<std::size_t>(classes);
  std::vector<std::vector<double>> columns(width, std::vector<double>(static_cast<std::size_t>(rows)));
  Drawn drawn;
  drawn.labels.resize(static_cast<std::size_t>(rows));
  std::vector<double> p(width);
  for (std::size_t i = 0; i < drawn.labels.size(); ++i) {
    for (std::size_t c = 0; c < width; ++c) p[c] = 2 * normal(key, i * width + c);
    const double top = *std::max_element(p.begin(), p.end());
    double sum = 0;
    for (double& x : p) {
      x = std::exp(x - top);
      sum += x;
    }
    const double u = uniform(label_key, i);
    double reached = 0;
    std::int64_t label = 0;
    for (std::size_t c = 0; c < width; ++c) {
      p[c] /= sum;
      columns[c][i] = p[c];
      reached += p[c];
      label += reached < u ? 1 : 0;
    }
    drawn.labels[i] = std::min<std::int64_t>(label, classes - 1);
  }
  TableBuilder builder;
  Roles roles = {{"target", {"y"}}};
  for (std::size_t c = 0; c < width; ++c) {
    builder.real("p_" + std::to_string(c), std::move(columns[c]));
    roles["probability"].push_back("p_" + std::to_string(c));
  }
  builder.integer("y", drawn.labels);
  drawn.table = std::move(builder).build().value().with_roles(std::move(roles));
  return drawn;
}

double sum_of(const Table& table, int classes) {
  double total = 0;
  for (int c = 0; c < classes; ++c) {
    const Reals column = table.reals("p_" + std::to_string(c), Missing::as_nan).value();
    double lanes[8] = {};
    const auto values = column.span();
    std::size_t i = 0;
    for (; i + 8 <= values.size(); i += 8)
      for (std::size_t l = 0; l < 8; ++l) lanes[l] += values[i + l];
    for (; i < values.size(); ++i) lanes[0] += values[i];
    for (const double lane : lanes) total += lane;
  }
  return total;
}

int fail(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t rows = argc > 1 ? static_cast<std::int64_t>(std::atof(argv[1])) : 10'000'000;
  const int classes = argc > 2 ? std::atoi(argv[2]) : 10;
  const std::string score = argc > 3 ? argv[3] : "lac";
  const int rounds = argc > 4 ? std::atoi(argv[4]) : 5;
  const bool fingerprint = argc <= 5 || std::strcmp(argv[5], "plain") != 0;
  split::Params params;
  params.fingerprint = fingerprint;
  const auto names = choices_of(split::Score{});
  params.score = static_cast<split::Score>(std::find(names.begin(), names.end(), score) - names.begin());
  const Drawn calibration = draw(1, rows, classes);
  const Drawn fresh = draw(3, rows, classes);
  WorkspaceOptions options;
  options.threads = 1;
  Workspace workspace(options);
  Context& context = workspace.context();
  const double base = bench::resident_mb("VmRSS:");
  for (int round = 0; round < rounds; ++round) {
    bench::reset_peak();
    const double start = cpu_seconds();
    const double total = sum_of(calibration.table, classes) + sum_of(fresh.table, classes);
    const double after_floor = cpu_seconds();
    const split::Inputs inputs{calibration.table, std::nullopt};
    auto model = run_fit(context, split::entry, &inputs, &params);
    if (!model) return fail(model.error());
    const double after_fit = cpu_seconds();
    auto out = split::apply(context, model.value().as<split::Model>(), {fresh.table}, split::Options{});
    if (!out) return fail(out.error());
    const double after_apply = cpu_seconds();
    const double peak = bench::resident_mb("VmHWM:") - base;
    if (round == 0) {
      const auto answers = split::answer_classes(context, model.value().as<split::Model>(), fresh.table, model.value().as<split::Model>().plan.columns, split::Options{});
      if (!answers) return fail(answers.error());
      const learn::Sets& sets = answers.value().sets.front();
      std::int64_t covered = 0;
      for (std::size_t i = 0; i + 1 < sets.offsets.size(); ++i)
        for (auto at = static_cast<std::size_t>(sets.offsets[i]); at < static_cast<std::size_t>(sets.offsets[i + 1]); ++at)
          covered += (sets.codes.empty() ? sets.small_codes[at] : sets.codes[at]) == fresh.labels[i] ? 1 : 0;
      std::printf("{\"coverage\": %.5f, \"size\": %.4f, \"sum\": %.6g}\n", static_cast<double>(covered) / static_cast<double>(rows), static_cast<double>(sets.offsets.back()) / static_cast<double>(rows), total);
    }
    const double floor = after_floor - start;
    std::printf("{\"floor\": %.4f, \"calibrate\": %.4f, \"apply\": %.4f, \"ratio\": %.3f, \"peak_mb\": %.0f}\n", floor, after_fit - after_floor, after_apply - after_fit, (after_apply - after_floor) / floor, peak);
  }
  return 0;
}

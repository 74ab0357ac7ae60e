// SPDX-License-Identifier: Apache-2.0
// calibrate.multiclass: CPU seconds of a temperature fitted to ten classes and applied to the same rows, against the floor, a read
// of the probabilities. p = softmax(2 N), y drawn from p, given as softmax(3 N).   bench_calibrate_multiclass ROWS

#include "methods/calibrate/multiclass/multiclass.h"

#include "bench/generator.h"
#include "engine/workspace.h"

namespace multiclass = plimsoll::calibrate::multiclass;
using namespace plimsoll;

namespace {

constexpr std::size_t classes = 10;

Table draw(std::size_t rows) {
  const std::uint64_t key = bench::mix(31), label_key = bench::mix(32);
  std::vector<std::vector<double>> columns(classes, std::vector<double>(rows));
  std::vector<std::int64_t> y(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    double z[classes], sum = 0, given = 0;
    for (std::size_t k = 0; k < classes; ++k) {
      z[k] = bench::normal(key, i * classes + k);
      sum += std::exp(2 * z[k]);
      given += std::exp(3 * z[k]);
    }
    double left = bench::uniform(label_key, i) * sum;
    std::size_t label = 0;
    while (label + 1 < classes && left >= std::exp(2 * z[label])) left -= std::exp(2 * z[label++]);
    y[i] = static_cast<std::int64_t>(label);
    for (std::size_t k = 0; k < classes; ++k) columns[k][i] = std::exp(3 * z[k]) / given;
  }
  TableBuilder builder;
  Roles roles = {{"target", {"y"}}};
  for (std::size_t k = 0; k < classes; ++k) {
    builder.real("p_" + std::to_string(k), std::move(columns[k]));
    roles["probability"].push_back("p_" + std::to_string(k));
  }
  builder.integer("y", std::move(y));
  return std::move(builder).build().value().with_roles(std::move(roles));
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t rows = argc > 1 ? static_cast<std::size_t>(std::atof(argv[1])) : 100'000;
  const Table table = draw(rows);
  WorkspaceOptions options;
  options.threads = 1;
  Workspace workspace(options);
  multiclass::Params params;
  params.method = multiclass::Map::temperature;
  const double base = bench::resident_mb("VmRSS:");
  bench::reset_peak();
  const double start = bench::cpu_seconds();
  double sum = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    const Reals column = table.reals("p_" + std::to_string(k)).value();
    for (const double p : column) sum += p;
  }
  const double after_floor = bench::cpu_seconds();
  const auto model = multiclass::fit(workspace.context(), {table, std::nullopt}, params);
  const double after_fit = bench::cpu_seconds();
  if (!model) return 1;
  const auto out = multiclass::apply(workspace.context(), *model, {table.with_roles({{"probability", table.roles().at("probability")}})}, {});
  const double after_apply = bench::cpu_seconds();
  if (!out) return 1;
  std::printf("{\"floor\": %.4f, \"fit\": %.4f, \"apply\": %.4f, \"temperature\": %.9f, \"sum\": %.3f, \"peak_mb\": %.0f}\n", after_floor - start, after_fit - after_floor, after_apply - after_fit, 1 / model->softmax->weights[0], sum,
              bench::resident_mb("VmHWM:") - base);
  return 0;
}

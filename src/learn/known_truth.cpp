// SPDX-License-Identifier: Apache-2.0
#include "learn/known_truth.h"

#include <algorithm>
#include <array>

namespace plimsoll::learn {

Result<Table> dirichlet_rows(Stream& stream, std::int64_t rows, const std::string& prefix) {
  constexpr std::array<const char*, 3> names = {"low", "medium", "high"};
  const auto count = static_cast<std::size_t>(rows);
  std::array<std::vector<double>, 3> p;
  for (auto& column : p) column.resize(count);
  std::vector<std::string> ids;
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < count; ++i) {
    std::array<double, 3> mass{};
    double sum = 0;
    for (double& m : mass) {
      m = stream.gamma(0.5);
      sum += m;
    }
    for (std::size_t c = 0; c < 3; ++c) p[c][i] = mass[c] / sum;
    const double u = stream.uniform();
    std::size_t label = 0;
    for (double reached = p[0][i]; label < 2 && u >= reached; reached += p[label][i]) ++label;
    labels.emplace_back(names[label]);
    ids.push_back(prefix + std::to_string(i));
  }
  TableBuilder builder;
  builder.text("id", std::move(ids));
  for (std::size_t c = 0; c < 3; ++c) builder.real(std::string("p_") + names[c], std::move(p[c]));
  builder.text("y", std::move(labels));
  PLIMSOLL_TRY(const Table table, std::move(builder).build());
  return table.with_roles({{"target", {"y"}}, {"probability", {"p_low", "p_medium", "p_high"}}, {"id", {"id"}}});
}

Result<std::vector<char>> holds_truth(const Table& rows, const Table& answer) {
  PLIMSOLL_TRY(const std::string target, rows.role_column("target"));
  std::vector<char> holds;
  if (answer.has("set")) {
    PLIMSOLL_TRY(const std::vector<std::string> y, rows.texts(target));
    PLIMSOLL_TRY(const auto sets, answer.text_lists("set"));
    for (std::size_t i = 0; i < y.size(); ++i) holds.push_back(std::find(sets[i].begin(), sets[i].end(), y[i]) != sets[i].end());
    return holds;
  }
  PLIMSOLL_TRY(const Reals y, rows.reals(target));
  PLIMSOLL_TRY(const Reals lower, answer.reals("lower", Missing::as_nan));
  PLIMSOLL_TRY(const Reals upper, answer.reals("upper", Missing::as_nan));
  for (std::size_t i = 0; i < y.size(); ++i) holds.push_back(lower[i] <= y[i] && y[i] <= upper[i]);
  return holds;
}

Context redraw_context(const Context& outer, const Stream& stream) {
  return {outer.runtime, stream, silent_progress(), outer.stop, outer.log, outer.scratch, outer.budget, outer.clock, [](std::string) {}, [](std::string, std::int64_t) {}, outer.allow_overlap};
}

}  // namespace plimsoll::learn

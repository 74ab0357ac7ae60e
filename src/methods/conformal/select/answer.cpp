// SPDX-License-Identifier: Apache-2.0
// The answer as a table and a report, and what became of a selection once its outcomes are known.

#include <algorithm>
#include <cmath>

#include "methods/conformal/select/select.h"

namespace plimsoll::conformal::select {
namespace {

FigureBlock histogram_of(const Outputs& outputs, const std::vector<double>& p) {
  FigureBlock figure;
  figure.kind = FigureKind::histogram;
  figure.title = "P-values of the candidates";
  figure.description = "How many candidates have a p-value in each twentieth; small ones promise, and the line is the largest that was selected.";
  figure.x_title = "p-value";
  figure.y_title = "candidates";
  figure.has_reference = outputs.selected > 0;
  figure.reference = outputs.threshold;
  constexpr std::size_t bins = 20;
  std::vector<double> counts(bins, 0.0);
  for (const double one : p) counts[std::min(bins - 1, static_cast<std::size_t>(one * static_cast<double>(bins)))] += 1;
  for (std::size_t i = 0; i < bins; ++i) {
    figure.x0.push_back(static_cast<double>(i) / static_cast<double>(bins));
    figure.x1.push_back(static_cast<double>(i + 1) / static_cast<double>(bins));
    figure.y.push_back(counts[i]);
  }
  return figure;
}

TableBlock models_of(const Choice& choice) {
  constexpr std::size_t most = 200;
  TableBlock table{"Models", "How many candidates each model was chosen for, and how many of these were selected.", {"model", "candidates", "selected"}, {}};
  std::vector<std::int64_t> chosen(choice.models.size(), 0), selected(choice.models.size(), 0);
  for (std::size_t j = 0; j < choice.model.size(); ++j) {
    ++chosen[static_cast<std::size_t>(choice.model[j])];
    selected[static_cast<std::size_t>(choice.model[j])] += choice.selected[j] ? 1 : 0;
  }
  for (std::size_t k = 0; k < std::min(most, choice.models.size()); ++k) table.rows.push_back({choice.models[k], chosen[k], selected[k]});
  return table;
}

}  // namespace

Report report_of(const Params& params, const Outputs& outputs, const Choice& choice) {
  Report report;
  report.title = "Conformal selection";
  report.facts = {{"method", "conformal.select"}, {"procedure", std::string(choices_of(params.method)[static_cast<std::size_t>(params.method)])}, {"labelled rows", std::to_string(outputs.labelled)}, {"candidates", std::to_string(outputs.candidates)}, {"score", std::string(choices_of(params.score)[static_cast<std::size_t>(params.score)])}};
  report.figures = {{"selected", static_cast<double>(outputs.selected)}, {"threshold", outputs.threshold}, {"q", params.q}};
  report.text("What was selected", std::to_string(outputs.selected) + " of " + std::to_string(outputs.candidates) + (params.rule == Rule::fixed ? " candidates. A candidate that is like the labelled rows is selected with a chance of at most the threshold; how many of the selected are like that is not promised." : " candidates. Among selected candidates at most a share q is expected to miss the bar: over the drawing of both tables, not for each selection."));
  if (choice.p.empty()) return report;
  report.figure(histogram_of(outputs, choice.p));
  if (!choice.models.empty()) report.table(models_of(choice));
  return report;
}

Result<Table> answer_of(const Table& pool, const Options& options, Choice choice) {
  TableBuilder builder;
  builder.real("p_value", std::move(choice.p));
  if (!choice.models.empty()) {
    builder.category("model", std::move(choice.model), std::move(choice.models));
    builder.integer("size", std::vector<std::int64_t>(choice.size.begin(), choice.size.end())).real("e_value", std::move(choice.e_value));
  }
  builder.boolean("selected", std::move(choice.selected));
  PLIMSOLL_TRY(Table answer, std::move(builder).build());
  PLIMSOLL_TRY(const std::string id, one_column(pool, "id"));
  return beside_kept(pool, id, options.keep, std::move(answer));
}

Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params) {
  PLIMSOLL_CHECK(context.stop.check());
  const Table& data = inputs.data;
  PLIMSOLL_TRY(const std::string selected_name, data.role_column("selected"));
  PLIMSOLL_TRY(const std::string target, data.role_column("target"));
  PLIMSOLL_TRY(const std::string bar_name, one_column(data, "bar"));
  PLIMSOLL_TRY(const Reals selected, data.reals(selected_name));
  PLIMSOLL_TRY(const Reals outcome, data.reals(target));
  Reals bars;
  if (!bar_name.empty()) {
    PLIMSOLL_TRY(bars, data.reals(bar_name));
  }
  const double sign = params.direction == Direction::above ? 1.0 : -1.0;
  std::int64_t right = 0, wrong = 0, good = 0;
  for (std::size_t j = 0; j < selected.size(); ++j) {
    if (selected[j] != 0 && selected[j] != 1) return Error(ErrorCode::bad_value, "a row is neither selected nor not", "Give true or false, or 1 or 0.").in_column(selected_name).at_row(data.first_row() + static_cast<std::int64_t>(j));
    const bool beyond = sign * outcome[j] > sign * (bar_name.empty() ? params.c : bars[j]);
    good += beyond ? 1 : 0;
    right += selected[j] == 1 && beyond ? 1 : 0;
    wrong += selected[j] == 1 && !beyond ? 1 : 0;
  }
  const double share = static_cast<double>(wrong) / static_cast<double>(std::max<std::int64_t>(1, right + wrong));
  Report report;
  report.title = "What became of a selection";
  report.facts = {{"method", "conformal.select"}, {"candidates", std::to_string(selected.size())}};
  report.figures = {{"selected", static_cast<double>(right + wrong)}, {"wrong", static_cast<double>(wrong)}, {"false_discovery_proportion", share}};
  // The share found of nothing is no number.
  if (good > 0) report.figures.push_back({"power", static_cast<double>(right) / static_cast<double>(good)});
  report.text("What was found", std::to_string(wrong) + " of " + std::to_string(right + wrong) + " selected candidates miss the bar, and " + std::to_string(right) + " of " + std::to_string(good) + " beyond it were found. One selection says little of the promise, which is about the mean over many.");
  report.table({"Counts", "", {"", "beyond the bar", "missed it"}, {{std::string("selected"), right, wrong}, {std::string("left"), good - right, static_cast<std::int64_t>(selected.size()) - good - wrong}}});
  return report;
}

}  // namespace plimsoll::conformal::select

// SPDX-License-Identifier: Apache-2.0
// The chosen lambda at work: sets of new rows, and the risks on new rows whose truth is known.

#include <algorithm>
#include <cmath>

#include "engine/artifact.h"
#include "methods/conformal/riskcontrol/riskcontrol.h"
#include "stats/distributions.h"
#include "stats/intervals.h"

namespace plimsoll::conformal::riskcontrol {
namespace {

Result<Table> sets_of(const Model& model, const Table& data) {
  PLIMSOLL_TRY(std::vector<std::string> names, data.role_columns("probability"));
  if (names.empty()) names = model.columns.probability;
  if (names.size() != model.classes.size())
    return Error(ErrorCode::bad_parameter, std::to_string(names.size()) + " probabilities stand against " + std::to_string(model.classes.size()) + " classes of the model", "Bind one a class, in the order of the fit.").in_parameter("probability");
  std::vector<Reals> columns;
  for (const std::string& name : names) {
    PLIMSOLL_TRY(Reals column, data.reals(name));
    for (std::size_t i = 0; i < column.size(); ++i)
      if (!(column[i] >= 0 && column[i] <= 1)) return Error(ErrorCode::bad_value, "a probability lies outside [0, 1]", "Give probabilities.").in_column(name).at_row(data.first_row() + static_cast<std::int64_t>(i));
    columns.push_back(std::move(column));
  }
  const double least = 1 - model.lambda;
  std::vector<std::int32_t> offsets = {0};
  std::vector<std::int32_t> codes;
  for (std::size_t i = 0; i < static_cast<std::size_t>(data.rows()); ++i) {
    for (std::size_t k = 0; k < columns.size(); ++k)
      if (columns[k][i] >= least) codes.push_back(static_cast<std::int32_t>(k));
    offsets.push_back(static_cast<std::int32_t>(codes.size()));
  }
  return std::move(TableBuilder().list_of_text("set", std::move(offsets), std::move(codes), model.classes)).build();
}

Result<Table> losses_of(const Model& model, const Table& data) {
  TableBuilder builder;
  for (std::size_t r = 0; r < model.names.size(); ++r) {
    const std::string& column = model.columns.loss[r * model.lambdas.size() + static_cast<std::size_t>(model.index)];
    PLIMSOLL_TRY(const Reals losses, data.reals(column));
    builder.real(model.names.size() == 1 ? "loss" : "loss." + model.names[r], std::vector<double>(losses.begin(), losses.end()));
  }
  return builder.build();
}

stats::Interval interval_of(const RiskSum& one, std::int64_t n, double level) {
  if (one.binary) return stats::clopper_pearson(one.ones, n, level);
  const auto count = static_cast<double>(n);
  const double mean = one.sum.value() / count;
  const double variance = n > 1 ? std::max(0.0, (one.squares.value() - count * mean * mean) / (count - 1)) : 0.25;
  const double half = stats::normal_upper_quantile((1 - level) / 2) * std::sqrt(variance / count);
  return {std::max(0.0, mean - half), std::min(1.0, mean + half)};
}

FigureBlock curve(const Model& model, const Risks& risks) {
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "Risk along lambda";
  figure.description = "The mean loss at each lambda, in the calibration and in the new rows; the dashed line is the first risk's level.";
  figure.x_title = "lambda";
  figure.y_title = "mean loss";
  figure.has_reference = true;
  figure.reference = model.params.alpha.front();
  const std::size_t width = model.lambdas.size();
  const std::size_t step = 1 + width * model.names.size() / 900;
  for (std::size_t r = 0; r < model.names.size(); ++r)
    for (const bool fresh : {false, true})
      for (std::size_t j = 0; j < width; j += step) {
        const std::size_t cell = r * width + j;
        figure.x.push_back(model.lambdas[j]);
        figure.y.push_back(fresh ? model.params.bound * risks.sums[cell].sum.value() / static_cast<double>(risks.units) : model.risks[cell]);
        figure.series.push_back(model.names[r] + (fresh ? ", new rows" : ", calibration"));
      }
  return figure;
}

}  // namespace

Result<Outputs> apply(Context& context, const Model& model, const ApplyInputs& inputs, const Options& options) {
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_CHECK(context.stop.check());
  Outputs outputs;
  PLIMSOLL_TRY(Table answer, model.columns.loss.empty() ? sets_of(model, inputs.data) : losses_of(model, inputs.data));
  std::string id = inputs.data.has(model.columns.id) ? model.columns.id : std::string();
  PLIMSOLL_CHECK(role_into(inputs.data, "id", id));
  PLIMSOLL_TRY(outputs.rows, beside_kept(inputs.data, id, options.keep, std::move(answer)));
  return outputs;
}

Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params) {
  const Model& model = inputs.model->model().as<Model>();
  PLIMSOLL_CHECK(sound(model));
  Plan plan = plan_of(model);
  PLIMSOLL_TRY(const Plan bound, plan_of(inputs.data, model.params));
  if (bound.names != plan.names || bound.lambdas != plan.lambdas || bound.classes != plan.classes)
    return Error(ErrorCode::bad_parameter, "these rows give other risks, lambdas or classes than the model's", "Bind the same roles as at fit.").in_parameter("data");
  plan.columns = bound.columns;
  PLIMSOLL_TRY(const Risks risks, read_risks(context, inputs.data, plan, model.params, Reading{}));
  if (risks.units == 0) return Error(ErrorCode::too_few_rows, "there are no new rows", "Give rows with the truth.").in_parameter("data");
  Report report;
  report.title = "Risk control on new rows";
  report.facts = {{"method", "conformal.riskcontrol"}, {"calibration rows", std::to_string(model.n)}, {"new rows", std::to_string(risks.units)}};
  report.verdict = "green";
  TableBlock table{"Risks at the chosen lambda", "Intervals are exact (Clopper and Pearson) where every loss is 0 or the bound, else by the normal approximation. crc promises an expectation over calibrations too, so one calibration may lie somewhat above.",
                   {"risk", "level", "calibration", "new rows", "low", "high"}, {}};
  for (std::size_t r = 0; r < plan.names.size(); ++r) {
    const std::size_t cell = r * plan.lambdas.size() + static_cast<std::size_t>(model.index);
    const stats::Interval unit = interval_of(risks.sums[cell], risks.units, params.confidence);
    const double scale = model.params.bound;
    const double mean = scale * risks.sums[cell].sum.value() / static_cast<double>(risks.units);
    table.rows.push_back({plan.names[r], model.params.alpha[r], model.risks[cell], mean, scale * unit.lo, scale * unit.hi});
    report.figures.push_back({"risk." + plan.names[r], mean});
    report.figures.push_back({"risk_low." + plan.names[r], scale * unit.lo});
    report.figures.push_back({"risk_high." + plan.names[r], scale * unit.hi});
    if (scale * unit.lo > model.params.alpha[r]) report.verdict = "red";
  }
  report.figures.push_back({"lambda", model.lambda});
  report.text("What was found", report.verdict == "green" ? "No risk is surely above its level on these rows." : "A risk is surely above its level on these rows: they are not drawn like the calibration's, or the losses are others.", report.verdict == "green" ? ReportSeverity::note : ReportSeverity::alarm);
  report.table(std::move(table));
  report.figure(curve(model, risks));
  return report;
}

}  // namespace plimsoll::conformal::riskcontrol

// SPDX-License-Identifier: Apache-2.0
// The map against fresh rows: scores before and after, what calibration gains with an interval, groups, the map itself.
#include <algorithm>
#include <cmath>

#include "engine/artifact.h"
#include "engine/door.h"
#include "learn/calibration_audit.h"
#include "learn/logistic.h"
#include "methods/calibrate/binary/binary.h"

namespace plimsoll::calibrate::binary {
namespace {

constexpr const char* same_rows = "these rows were calibrated on";

void facts(const Model& model, std::int64_t rows, Report& report) {
  report.facts = {{"method", "calibrate.binary"},
                  {"map", std::string(learn::choices_of(model.chosen)[static_cast<std::size_t>(model.chosen)])},
                  {"calibration rows", std::to_string(model.n)},
                  {"events among them", std::to_string(model.events)},
                  {"rows", std::to_string(rows)}};
  if (model.pieces.size() > 1) report.facts.emplace_back("maps averaged", std::to_string(model.pieces.size()));
  if (!model.patches.empty()) report.facts.emplace_back("moves of multicalibration", std::to_string(model.patches.size()));
}

void map_figure(const Model& model, Report& report) {
  FigureBlock figure;
  figure.kind = FigureKind::lines;
  figure.title = "The map";
  figure.description = "Calibrated probability against the score, over the range of scores learned from.";
  figure.x_title = model.params.reading.logits ? "score (log-odds)" : "score (probability)";
  figure.y_title = "calibrated probability";
  constexpr int points = 200;
  for (const Piece& piece : model.pieces) {
    if (figure.x.size() + points + 1 > report_limits::marks) break;
    for (int i = 0; i <= points; ++i) {
      const double share = static_cast<double>(i) / points;
      const double x = piece.map.low_score + share * (piece.map.high_score - piece.map.low_score);
      figure.x.push_back(x);
      figure.y.push_back(piece.map.apply(x));
      figure.series.push_back(piece.fold.empty() ? "map" : "fold " + piece.fold);
    }
  }
  report.figure(std::move(figure));
}

std::string with_error(double value, double error) { return std::to_string(value) + " (standard error " + std::to_string(error) + ")"; }

void map_text(const Model& model, Report& report) {
  const learn::Calibrator& map = model.pieces.front().map;
  std::string words;
  switch (model.chosen) {
    case learn::Calibration::temperature: words = "Temperature " + std::to_string(1 / map.slope) + ": log-odds times " + with_error(map.slope, map.slope_error) + "."; break;
    case learn::Calibration::platt:
    case learn::Calibration::bias_temperature: words = "Log-odds times " + with_error(map.slope, map.slope_error) + " plus " + with_error(map.intercept, map.intercept_error) + "."; break;
    case learn::Calibration::beta: words = "Log-odds " + with_error(map.intercept, map.intercept_error) + " + a ln p - b ln(1 - p) with a = " + with_error(map.slope, map.slope_error) + ", b = " + with_error(map.second, map.second_error) + "."; break;
    case learn::Calibration::identity: words = "Scores are left as they are."; break;
    default: words = std::to_string(map.knots.empty() ? map.steps.values_0.size() + map.steps.values_1.size() : map.knots.size()) + " knots."; break;
  }
  if (!model.tried.empty()) {
    words += "\n\nCross-validated log loss:";
    for (std::size_t k = 0; k < model.tried.size(); ++k) words += " " + model.tried[k] + " " + std::to_string(model.tried_loss[k]) + (k + 1 < model.tried.size() ? "," : ". The simplest within one standard error of the best was taken.");
  }
  report.text("The map", words);
}

}  // namespace

Result<Report> report_on(Context& context, const Model& model, const Table& data, const AssessParams& params) {
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const learn::BinaryColumns columns, learn::binary_columns_like(data, model.columns, true));
  PLIMSOLL_TRY(learn::BinaryBatch batch, learn::read_binary(data, columns, model.params.reading));
  std::int64_t beyond = 0;
  learn::AuditRows rows;
  PLIMSOLL_TRY(std::vector<double> after, calibrated(model, batch, Outside::clip, beyond));
  std::vector<double> before = batch.scores.front();
  if (model.params.reading.logits)
    for (double& s : before) s = learn::sigmoid(s);
  rows.sides = {{"as given", std::move(before)}, {"calibrated", std::move(after)}};
  rows.outcome = std::move(batch.outcome);
  rows.weight = std::move(batch.weight);
  rows.group = std::move(batch.cell);
  PLIMSOLL_TRY(const std::vector<std::string> cluster, data.role_columns("cluster"));
  if (!cluster.empty()) {
    PLIMSOLL_TRY(const std::vector<std::string> names, data.texts(cluster.front()));
    for (const std::int64_t row : batch.rows) rows.cluster.push_back(names[static_cast<std::size_t>(row)]);
  }
  Report out;
  out.title = "Calibration of the probability of an event";
  facts(model, static_cast<std::int64_t>(rows.outcome.size()), out);
  PLIMSOLL_TRY(std::string remark, learn::double_use(context, model.fingerprint, data, out));
  if (beyond > 0) out.text("Outside the range", std::to_string(beyond) + " rows have scores outside the range the map was learned from; they were taken at its ends.", ReportSeverity::warning);
  if (batch.clipped > 0) out.text("Clipped", std::to_string(batch.clipped) + " probabilities lay outside [0, 1] by less than 1e-9.", ReportSeverity::warning);
  if (batch.dropped > 0) out.text("Left out", std::to_string(batch.dropped) + " rows with missing values.", ReportSeverity::warning);
  PLIMSOLL_CHECK(learn::add_audit(context, rows, params.options(std::move(remark)), out));
  map_text(model, out);
  map_figure(model, out);
  return out;
}

Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params) {
  return report_on(context, inputs.model->model().as<Model>(), inputs.data, params);
}

Result<Report> report(Context& context, const Model& model, const ReportInputs& inputs) {
  PLIMSOLL_TRY(const std::vector<std::string> target, inputs.data.role_columns("target"));
  if (!target.empty()) return report_on(context, model, inputs.data, {});
  PLIMSOLL_CHECK(context.stop.check());
  PLIMSOLL_CHECK(sound(model));
  Report out;
  out.title = "A map to calibrated probabilities";
  facts(model, inputs.data.rows(), out);
  PLIMSOLL_TRY(const Certificate certificate, certify(model));
  out.text("What is promised", certificate.promise);
  map_text(model, out);
  map_figure(model, out);
  return out;
}

}  // namespace plimsoll::calibrate::binary

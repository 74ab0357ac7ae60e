// SPDX-License-Identifier: Apache-2.0
// Before and after on fresh rows: scores of all classes, the confidence of the predicted class as an event of its own, and each class
// against the rest (classwise calibration error: the mean over classes).
#include <algorithm>
#include <cmath>

#include "engine/artifact.h"
#include "engine/door.h"
#include "learn/calibration_audit.h"
#include "methods/calibrate/multiclass/multiclass.h"
#include "stats/corp.h"
#include "stats/ece.h"
#include "stats/scores.h"

namespace plimsoll::calibrate::multiclass {
namespace {

using Span = std::span<const double>;

struct Side {
  std::string name;
  std::string key;
  std::vector<std::vector<double>> columns;  // one a class
  std::vector<double> confidence;
  std::vector<std::int32_t> right;
};

Side side_of(std::string name, std::string key, const std::vector<double>& p, std::size_t k, const std::vector<std::int32_t>& label) {
  Side side{std::move(name), std::move(key), {}, {}, {}};
  side.columns.resize(k);
  const std::vector<std::int32_t> top = top_labels(p, k);
  for (std::size_t i = 0; i < label.size(); ++i) {
    for (std::size_t c = 0; c < k; ++c) side.columns[c].push_back(p[i * k + c]);
    side.confidence.push_back(p[i * k + static_cast<std::size_t>(top[i])]);
    side.right.push_back(top[i] == label[i] ? 1 : 0);
  }
  return side;
}

struct Mean {
  double value = 0;
  double mass = 0;
  void add(double x, double w) {
    value += w * x;
    mass += w;
  }
  double mean() const { return value / mass; }
};

Result<void> class_table(const Model& model, const std::vector<Side>& sides, const Batch& batch, const AssessParams& params, const std::string& remark, Report& report) {
  TableBlock table;
  table.title = "All classes";
  table.caption = "Lower is better. The Brier score is the sum over classes. The class-wise calibration error is the mean over classes of each against the rest (" + std::to_string(params.bins) + " bins); it does not know the weights of rows.";
  table.columns = {"probabilities", "log loss", "clipped log loss", "clipped rows", "Brier", "accuracy", "class-wise calibration error"};
  if (!remark.empty()) table.columns.push_back("warning");
  const std::size_t k = model.classes.size();
  const stats::Binning binning = params.equal_width ? stats::Binning::equal_width : stats::Binning::equal_mass;
  for (const Side& side : sides) {
    Mean log, clipped, brier, right;
    std::int64_t clipped_rows = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const double w = batch.weight.empty() ? 1 : batch.weight[i];
      const double own = side.columns[static_cast<std::size_t>(batch.label[i])][i];
      const double held = std::clamp(own, params.eps, 1.0);
      clipped_rows += held != own ? 1 : 0;
      log.add(-std::log(own), w);
      clipped.add(-std::log(held), w);
      double square = 0;
      for (std::size_t c = 0; c < k; ++c) {
        const double gap = side.columns[c][i] - (batch.label[i] == static_cast<std::int32_t>(c) ? 1 : 0);
        square += gap * gap;
      }
      brier.add(square, w);
      right.add(side.right[i], w);
    }
    double classwise = 0;
    for (std::size_t c = 0; c < k; ++c) {
      std::vector<std::int32_t> event;
      for (const std::int32_t y : batch.label) event.push_back(y == static_cast<std::int32_t>(c) ? 1 : 0);
      PLIMSOLL_TRY(const stats::Ece ece, stats::expected_calibration_error(side.columns[c], event, static_cast<int>(params.bins), binning));
      classwise += ece.ece / static_cast<double>(k);
    }
    table.rows.push_back({side.name, log.mean(), clipped.mean(), clipped_rows, brier.mean(), right.mean(), classwise});
    if (!remark.empty()) table.rows.back().push_back(remark);
    report.figures.emplace_back(side.key + "_class_log_loss", clipped.mean());
    report.figures.emplace_back(side.key + "_class_brier", brier.mean());
    report.figures.emplace_back(side.key + "_accuracy", right.mean());
    report.figures.emplace_back(side.key + "_classwise_ece", classwise);
  }
  report.table(std::move(table));
  return {};
}

// The two confidences need not belong to the same predicted class, so each is an event of its own.
Result<void> confidence_blocks(Context& context, const std::vector<Side>& sides, const Batch& batch, const AssessParams& params, const std::string& remark, Report& report) {
  const bool one_event = sides.front().right == sides.back().right;
  const learn::AuditOptions options{params.level, static_cast<int>(params.bins), params.equal_width, static_cast<int>(params.bootstrap), params.eps, remark};
  report.text("The predicted class", one_event ? "The event is that the most probable class is the true one." : "The event is that the most probable class is the true one; the map has changed which class that is for some rows, so before and after are different events and are not subtracted.");
  if (one_event) {
    learn::AuditRows rows;
    for (const Side& side : sides) rows.sides.push_back({side.name, side.confidence});
    rows.outcome = sides.front().right;
    rows.weight = batch.weight;
    return learn::add_audit(context, rows, options, report);
  }
  for (const Side& side : sides) {
    learn::AuditRows rows;
    rows.sides.push_back({side.name, side.confidence});
    rows.outcome = side.right;
    rows.weight = batch.weight;
    PLIMSOLL_CHECK(learn::add_audit(context, rows, options, report));
  }
  return {};
}

void map_text(const Model& model, Report& report) {
  std::string words = "Map: " + std::string(choices_of(model.chosen)[static_cast<std::size_t>(model.chosen)]) + ".";
  if (model.softmax && model.softmax->weights.size() == 1) {
    const double b = model.softmax->weights[0];
    words += " Temperature " + std::to_string(1 / b);
    if (model.softmax->slope_error > 0) words += " (standard error " + std::to_string(model.softmax->slope_error / (b * b)) + ")";
    words += ".";
    report.figures.emplace_back("temperature", 1 / b);
    if (model.softmax->slope_error > 0) report.figures.emplace_back("temperature_error", model.softmax->slope_error / (b * b));
  }
  if (model.softmax) words += " Log loss on the rows learned from: " + std::to_string(model.softmax->loss) + ".";
  for (std::size_t t = 0; t < model.tried.size(); ++t) words += (t == 0 ? "\n\nCross-validated log loss: " : ", ") + model.tried[t] + " " + std::to_string(model.tried_loss[t]);
  report.text("The map", words);
}

}  // namespace

Result<Report> assess(Context& context, const AssessInputs& inputs, const AssessParams& params) {
  PLIMSOLL_CHECK(context.stop.check());
  const Model& model = inputs.model->model().as<Model>();
  PLIMSOLL_CHECK(sound(model));
  PLIMSOLL_TRY(const Columns columns, columns_like(inputs.data, model, true));
  PLIMSOLL_TRY(const Batch batch, read_batch(inputs.data, columns, model.classes, model.params, model.params.missing == learn::MissingRows::drop));
  if (batch.size() == 0) return Error(ErrorCode::too_few_rows, "there is no row to assess", "Give rows with class probabilities and labels.");
  Report out;
  out.title = "Calibration of class probabilities";
  out.facts = {{"method", "calibrate.multiclass"}, {"classes", std::to_string(model.classes.size())}, {"calibration rows", std::to_string(model.n)}, {"rows", std::to_string(batch.size())}};
  PLIMSOLL_TRY(const std::string remark, learn::double_use(context, model.fingerprint, inputs.data, out));
  const std::size_t k = model.classes.size();
  std::vector<Side> sides;
  sides.push_back(side_of("as given", "as_given", batch.probability, k, batch.label));
  const std::vector<double> after = calibrated(model, batch);
  if (model.params.target == Target::top_label) {
    Side side = sides.front();
    side.name = "calibrated";
    side.key = "calibrated";
    side.confidence = after;
    PLIMSOLL_CHECK(class_table(model, {sides.front()}, batch, params, remark, out));
    sides.push_back(std::move(side));
  } else {
    sides.push_back(side_of("calibrated", "calibrated", after, k, batch.label));
    PLIMSOLL_CHECK(class_table(model, sides, batch, params, remark, out));
  }
  map_text(model, out);
  PLIMSOLL_CHECK(confidence_blocks(context, sides, batch, params, remark, out));
  return out;
}

}  // namespace plimsoll::calibrate::multiclass
